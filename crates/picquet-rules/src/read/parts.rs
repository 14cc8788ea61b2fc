//! The nested parts of a rule: entity mappings, details, grouping, incidents, connectors.

use super::*;

/// Properties `alertDynamicProperties` may set (spec section 5.4).
pub const DYNAMIC_PROPERTIES: &[&str] = &[
    "AlertLink",
    "ConfidenceLevel",
    "ConfidenceScore",
    "ExtendedLinks",
    "ProductName",
    "ProviderName",
    "ProductComponentName",
    "RemediationSteps",
    "Techniques",
];

impl Reader<'_> {
    pub(super) fn event_grouping(&mut self, object: &mut Object<'_>) -> EventGrouping {
        let settings = object.get(&["eventGroupingSettings"]);
        let Some(mut settings) = settings.and_then(|field| self.object(&field)) else {
            return EventGrouping::SingleAlert;
        };
        let grouping = self.named(
            settings.get(&["aggregationKind"]),
            "an aggregation kind",
            EventGrouping::NAMES,
            EventGrouping::from_name,
        );
        self.finish(settings);
        grouping.unwrap_or(EventGrouping::SingleAlert)
    }

    pub(super) fn entity_mappings(&mut self, object: &mut Object<'_>) -> Vec<EntityMapping> {
        let items = self.items(object.get(&["entityMappings"]));
        items.iter().filter_map(|item| self.entity_mapping(item)).collect()
    }

    fn entity_mapping(&mut self, item: &Field<'_>) -> Option<EntityMapping> {
        let mut mapping = self.object(item)?;
        let type_field = mapping.get(&["entityType"]);
        if type_field.is_none() {
            self.missing(&mapping, "entityType", "expected a type such as `Account`");
        }
        let names: Vec<&str> = ENTITY_TYPES.iter().map(|entity| entity.name).collect();
        let entity = self.named(type_field, "an entity type", &names, entity_type);
        let fields = self.items(mapping.get(&["fieldMappings"]));
        let mut field_mappings = Vec::new();
        for field in &fields {
            let Some(mut pair) = self.object(field) else {
                continue;
            };
            let identifier_field = pair.get(&["identifier"]);
            let identifier = self.text(identifier_field.clone());
            let column = self.text(pair.get(&["columnName"]));
            if let (Some(entity), Some(field), Some(name)) = (entity, &identifier_field, &identifier)
                && entity.identifier(name.trim()).is_none()
            {
                let near = nearest(name, entity.identifiers.iter().copied());
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("{} has no identifier `{name}`", entity.name);
                self.warn(&field.path, field.node.line, message, help);
            }
            for (value, key) in [(&identifier, "identifier"), (&column, "columnName")] {
                if value.is_none() {
                    self.missing(&pair, key, "a field mapping has an identifier and a column");
                }
            }
            if let (Some(identifier), Some(column)) = (identifier, column) {
                field_mappings.push(FieldMapping {
                    identifier: identifier.trim().to_owned(),
                    column_name: column.trim().to_owned(),
                });
            }
            self.finish(pair);
        }
        self.finish(mapping);
        Some(EntityMapping { entity_type: entity?.name.to_owned(), field_mappings })
    }

    pub(super) fn sentinel_mappings(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let mut columns = Vec::new();
        for item in self.items(object.get(&["sentinelEntitiesMappings"])) {
            let Some(mut mapping) = self.object(&item) else {
                continue;
            };
            match self.text(mapping.get(&["columnName"])) {
                Some(column) => columns.push(column.trim().to_owned()),
                None => self.missing(&mapping, "columnName", "expected the name of a column"),
            }
            self.finish(mapping);
        }
        columns
    }

    pub(super) fn custom_details(&mut self, object: &mut Object<'_>) -> Vec<(String, String)> {
        let details = object.get(&["customDetails"]);
        // `customDetails: []` is what some exporters write for none.
        let details = details.filter(|field| !matches!(&field.node.data, Data::List(items) if items.is_empty()));
        let Some(details) = details.and_then(|field| self.object(&field)) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for entry in details.entries.iter().filter(|entry| !entry.value.is_null()) {
            let field = Field { node: &entry.value, path: details.child(&entry.key) };
            if let Some(column) = self.scalar(&field, "the name of a column") {
                pairs.push((entry.key.clone(), column.trim().to_owned()));
            }
        }
        pairs
    }

    pub(super) fn alert_details(&mut self, object: &mut Object<'_>) -> AlertDetailsOverride {
        let details = object.get(&["alertDetailsOverride"]);
        let Some(mut details) = details.and_then(|field| self.object(&field)) else {
            return AlertDetailsOverride::default();
        };
        let result = AlertDetailsOverride {
            display_name_format: self.text(details.get(&["alertDisplayNameFormat"])),
            description_format: self.text(details.get(&["alertDescriptionFormat"])),
            tactics_column_name: self.text(details.get(&["alertTacticsColumnName"])),
            severity_column_name: self.text(details.get(&["alertSeverityColumnName"])),
            dynamic_properties: self.dynamic_properties(&mut details),
        };
        self.finish(details);
        result
    }

    fn dynamic_properties(&mut self, details: &mut Object<'_>) -> Vec<DynamicProperty> {
        let mut properties = Vec::new();
        for item in self.items(details.get(&["alertDynamicProperties"])) {
            let Some(mut pair) = self.object(&item) else {
                continue;
            };
            let name_field = pair.get(&["alertProperty"]);
            let name = self.text(name_field.clone());
            let column = self.text(pair.get(&["value"]));
            for (value, key) in [(&name, "alertProperty"), (&column, "value")] {
                if value.is_none() {
                    self.missing(&pair, key, "a dynamic property has a name and a column");
                }
            }
            if let (Some(name), Some(column), Some(field)) = (name, column, name_field) {
                properties.push(DynamicProperty {
                    alert_property: self.dynamic_property_name(&field, &name),
                    value: column.trim().to_owned(),
                });
            }
            self.finish(pair);
        }
        properties
    }

    fn dynamic_property_name(&mut self, field: &Field<'_>, name: &str) -> String {
        let name = name.trim();
        let known = DYNAMIC_PROPERTIES.iter().find(|known| known.eq_ignore_ascii_case(name));
        if let Some(known) = known {
            return (*known).to_owned();
        }
        let near = nearest(name, DYNAMIC_PROPERTIES.iter().copied());
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("alerts have no dynamic property `{name}`");
        self.warn(&field.path, field.node.line, message, help);
        name.to_owned()
    }

    pub(super) fn incidents(&mut self, object: &mut Object<'_>) -> IncidentConfiguration {
        let configuration = object.get(&["incidentConfiguration"]);
        let Some(mut configuration) = configuration.and_then(|field| self.object(&field)) else {
            return IncidentConfiguration::default();
        };
        let create_incident = self.boolean(configuration.get(&["createIncident"]), true);
        let grouping = configuration
            .get(&["groupingConfiguration"])
            .and_then(|field| self.object(&field))
            .map(|grouping| self.grouping(grouping))
            .unwrap_or_default();
        self.finish(configuration);
        IncidentConfiguration { create_incident, grouping }
    }

    fn grouping(&mut self, mut object: Object<'_>) -> GroupingConfiguration {
        let default = GroupingConfiguration::default();
        let grouping = GroupingConfiguration {
            enabled: self.boolean(object.get(&["enabled"]), default.enabled),
            reopen_closed_incident: self.boolean(object.get(&["reopenClosedIncident"]), default.reopen_closed_incident),
            lookback_duration: self.duration(object.get(&["lookbackDuration"])).unwrap_or(default.lookback_duration),
            matching_method: self
                .named(
                    object.get(&["matchingMethod"]),
                    "a matching method",
                    MatchingMethod::NAMES,
                    MatchingMethod::from_name,
                )
                .unwrap_or(default.matching_method),
            group_by_entities: self.texts(object.get(&["groupByEntities"])),
            group_by_alert_details: self.texts(object.get(&["groupByAlertDetails"])),
            group_by_custom_details: self.texts(object.get(&["groupByCustomDetails"])),
        };
        self.finish(object);
        grouping
    }

    /// The filters of a MicrosoftSecurityIncidentCreation rule; other kinds have none and keep such keys as unknown.
    pub(super) fn incident_creation(&mut self, object: &mut Object<'_>, kind: &RuleKind) -> Option<IncidentCreation> {
        if *kind != RuleKind::MicrosoftSecurityIncidentCreation {
            return None;
        }
        let product = self.text(object.get(&["productFilter"]));
        if product.is_none() {
            let help = "the product whose alerts become incidents";
            self.missing(object, "productFilter", help);
        }
        Some(IncidentCreation {
            product_filter: product?,
            severities_filter: self.texts(object.get(&["severitiesFilter"])),
            display_names_filter: self.texts(object.get(&["displayNamesFilter"])),
            display_names_exclude_filter: self.texts(object.get(&["displayNamesExcludeFilter"])),
        })
    }

    pub(super) fn connectors(&mut self, object: &mut Object<'_>) -> Vec<DataConnector> {
        let mut connectors = Vec::new();
        for item in self.items(object.get(&["requiredDataConnectors"])) {
            let Some(mut connector) = self.object(&item) else {
                continue;
            };
            let id = self.text(connector.get(&["connectorId"]));
            connectors.push(DataConnector {
                connector_id: id.unwrap_or_default(),
                data_types: self.texts(connector.get(&["dataTypes", "datatypes"])),
            });
            self.finish(connector);
        }
        connectors
    }
}
