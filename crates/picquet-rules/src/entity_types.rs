//! The entity types of Sentinel as data (spec section 5.2).

/// An entity type: how rules name it, how Entities JSON names it, and what identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityType {
    /// Name in `entityMappings`.
    pub name: &'static str,
    /// `Type` in Entities JSON.
    pub json_type: &'static str,
    /// Identifiers a rule may map; their case counts.
    pub identifiers: &'static [&'static str],
    /// A mapping needs all identifiers of at least one of these sets.
    pub required: &'static [&'static [&'static str]],
    /// Sets that identify the entity without doubt. Names that are not among `identifiers` (`Host`, `FileHash`, …)
    /// are nested entities, which rules cannot map.
    pub strong: &'static [&'static [&'static str]],
}

impl EntityType {
    /// The identifier as the table spells it, or none.
    #[must_use]
    pub fn identifier(&self, name: &str) -> Option<&'static str> {
        self.identifiers.iter().copied().find(|id| *id == name)
    }

    /// Whether a set of identifiers completes a required set.
    #[must_use]
    pub fn accepts<'a>(&self, present: impl IntoIterator<Item = &'a str> + Clone) -> bool {
        self.required.iter().any(|set| set.iter().all(|id| present.clone().into_iter().any(|have| have == *id)))
    }
}

/// The type of a name, whatever its case; none for an unknown one.
#[must_use]
pub fn entity_type(name: &str) -> Option<&'static EntityType> {
    ENTITY_TYPES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name.trim()))
}

/// All types, in the order of the specification.
pub const ENTITY_TYPES: &[EntityType] = &[
    EntityType {
        name: "Account",
        json_type: "account",
        identifiers: &[
            "Name",
            "FullName",
            "NTDomain",
            "DnsDomain",
            "UPNSuffix",
            "Sid",
            "AadTenantId",
            "AadUserId",
            "PUID",
            "IsDomainJoined",
            "DisplayName",
            "ObjectGuid",
            "CloudAppAccountId",
            "IsAnonymized",
        ],
        required: &[&["FullName"], &["Sid"], &["Name"], &["AadUserId"], &["PUID"], &["ObjectGuid"]],
        strong: &[
            &["Name", "UPNSuffix"],
            &["AadUserId"],
            &["Sid"],
            &["Sid", "Host"],
            &["Name", "NTDomain"],
            &["Name", "NTDomain", "Host"],
            &["Name", "DnsDomain"],
            &["PUID"],
            &["ObjectGuid"],
        ],
    },
    EntityType {
        name: "Host",
        json_type: "host",
        identifiers: &[
            "DnsDomain",
            "NTDomain",
            "HostName",
            "FullName",
            "NetBiosName",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
        ],
        required: &[&["FullName"], &["HostName"], &["NetBiosName"], &["AzureID"], &["OMSAgentID"]],
        strong: &[
            &["HostName", "NTDomain"],
            &["HostName", "DnsDomain"],
            &["NetBiosName", "NTDomain"],
            &["NetBiosName", "DnsDomain"],
            &["AzureID"],
            &["OMSAgentID"],
            &["IoTDevice"],
        ],
    },
    EntityType {
        name: "IP",
        json_type: "ip",
        identifiers: &["Address", "AddressScope"],
        required: &[&["Address"]],
        strong: &[&["Address"], &["Address", "AddressScope"]],
    },
    EntityType { name: "URL", json_type: "url", identifiers: &["Url"], required: &[&["Url"]], strong: &[&["Url"]] },
    EntityType {
        name: "AzureResource",
        json_type: "azure-resource",
        identifiers: &["ResourceId"],
        required: &[&["ResourceId"]],
        strong: &[&["ResourceId"]],
    },
    EntityType {
        name: "CloudApplication",
        json_type: "cloud-application",
        identifiers: &["AppId", "Name", "InstanceName"],
        required: &[&["AppId"], &["Name"]],
        strong: &[&["AppId"], &["Name"], &["AppId", "InstanceName"], &["Name", "InstanceName"]],
    },
    EntityType {
        name: "DNS",
        json_type: "dns",
        identifiers: &["DomainName"],
        required: &[&["DomainName"]],
        strong: &[&["DomainName", "DnsServerIp", "HostIpAddress"]],
    },
    EntityType {
        name: "File",
        json_type: "file",
        identifiers: &["Directory", "Name"],
        required: &[&["Name"]],
        strong: &[&["Name", "Directory"], &["Name", "FileHash"], &["Name", "Directory", "FileHash"]],
    },
    EntityType {
        name: "FileHash",
        json_type: "filehash",
        identifiers: &["Algorithm", "Value"],
        required: &[&["Algorithm", "Value"]],
        strong: &[&["Algorithm", "Value"]],
    },
    EntityType {
        name: "Malware",
        json_type: "malware",
        identifiers: &["Name", "Category"],
        required: &[&["Name"]],
        strong: &[&["Name", "Category"]],
    },
    EntityType {
        name: "Process",
        json_type: "process",
        identifiers: &["ProcessId", "CommandLine", "ElevationToken", "CreationTimeUtc"],
        required: &[&["CommandLine"], &["ProcessId"]],
        strong: &[
            &["Host", "ProcessId", "CreationTimeUtc"],
            &["Host", "ParentProcess", "CreationTimeUtc", "CommandLine"],
            &["Host", "ProcessId", "CreationTimeUtc", "ImageFile"],
        ],
    },
    EntityType {
        name: "RegistryKey",
        json_type: "registry-key",
        identifiers: &["Hive", "Key"],
        required: &[&["Key"], &["Hive"]],
        strong: &[&["Hive", "Key"]],
    },
    EntityType {
        name: "RegistryValue",
        json_type: "registry-value",
        identifiers: &["Name", "Value", "ValueType"],
        required: &[&["Name"]],
        strong: &[&["Key", "Name"]],
    },
    EntityType {
        name: "SecurityGroup",
        json_type: "security-group",
        identifiers: &["DistinguishedName", "SID", "ObjectGuid"],
        required: &[&["DistinguishedName"], &["SID"], &["ObjectGuid"]],
        strong: &[&["DistinguishedName"], &["SID"], &["ObjectGuid"]],
    },
    EntityType {
        name: "Mailbox",
        json_type: "mailbox",
        identifiers: &["MailboxPrimaryAddress", "DisplayName", "Upn", "ExternalDirectoryObjectId", "RiskLevel"],
        required: &[&["MailboxPrimaryAddress"]],
        strong: &[&["MailboxPrimaryAddress"]],
    },
    EntityType {
        name: "MailCluster",
        json_type: "mail-cluster",
        identifiers: &[
            "NetworkMessageIds",
            "CountByDeliveryStatus",
            "CountByThreatType",
            "CountByProtectionStatus",
            "Threats",
            "Query",
            "QueryTime",
            "MailCount",
            "IsVolumeAnomaly",
            "Source",
            "ClusterSourceIdentifier",
            "ClusterSourceType",
            "ClusterQueryStartTime",
            "ClusterQueryEndTime",
            "ClusterGroup",
        ],
        required: &[&["Query"], &["Source"]],
        strong: &[&["Query", "Source"]],
    },
    EntityType {
        name: "MailMessage",
        json_type: "mail-message",
        identifiers: &[
            "Recipient",
            "Urls",
            "Threats",
            "Sender",
            "P1Sender",
            "P1SenderDisplayName",
            "P1SenderDomain",
            "SenderIP",
            "P2Sender",
            "P2SenderDisplayName",
            "P2SenderDomain",
            "ReceivedDate",
            "NetworkMessageId",
            "InternetMessageId",
            "Subject",
            "BodyFingerprintBin1",
            "BodyFingerprintBin2",
            "BodyFingerprintBin3",
            "BodyFingerprintBin4",
            "BodyFingerprintBin5",
            "AntispamDirection",
            "DeliveryAction",
            "DeliveryLocation",
            "Language",
            "ThreatDetectionMethods",
        ],
        required: &[&["NetworkMessageId"], &["Recipient"]],
        strong: &[&["NetworkMessageId", "Recipient"]],
    },
    EntityType {
        name: "SubmissionMail",
        json_type: "SubmissionMail",
        identifiers: &[
            "NetworkMessageId",
            "Timestamp",
            "Recipient",
            "Sender",
            "SenderIp",
            "Subject",
            "ReportType",
            "SubmissionId",
            "SubmissionDate",
            "Submitter",
        ],
        required: &[&["SubmissionId"], &["NetworkMessageId"], &["Recipient"], &["Submitter"]],
        strong: &[&["SubmissionId", "NetworkMessageId", "Recipient", "Submitter"]],
    },
    EntityType {
        name: "IoTDevice",
        json_type: "iotdevice",
        identifiers: &[
            "DeviceId",
            "DeviceName",
            "Manufacturer",
            "Model",
            "FirmwareVersion",
            "OperatingSystem",
            "MacAddress",
            "Protocols",
            "SerialNumber",
            "Source",
            "IoTSecurityAgentId",
            "DeviceType",
        ],
        required: &[&["DeviceId"]],
        strong: &[&["IoTHub", "DeviceId"]],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_consistent() {
        assert_eq!(ENTITY_TYPES.len(), 19);
        for entity in ENTITY_TYPES {
            assert!(!entity.required.is_empty(), "{}", entity.name);
            for id in entity.required.iter().copied().flatten() {
                assert!(entity.identifier(id).is_some(), "{} {id}", entity.name);
            }
            assert_eq!(entity_type(&entity.name.to_lowercase()).map(|found| found.name), Some(entity.name));
        }
    }

    #[test]
    fn required_sets() {
        let cases = [
            ("Account", vec!["UPNSuffix"], false),
            ("Account", vec!["UPNSuffix", "Name"], true),
            ("FileHash", vec!["Value"], false),
            ("FileHash", vec!["Value", "Algorithm"], true),
            ("RegistryKey", vec!["Hive"], true),
        ];
        for (name, present, expected) in cases {
            let entity = entity_type(name).expect(name);
            assert_eq!(entity.accepts(present.iter().copied()), expected, "{name} {present:?}");
        }
    }
}
