//! The company: machines, people, programs.

use super::random::Random;
use super::record::Record;

pub(super) const DOMAIN: &str = "corp.example";
const ROLES: [(&str, usize); 9] =
    [("web", 16), ("app", 14), ("sql", 8), ("dc", 3), ("file", 4), ("build", 6), ("jump", 2), ("hr", 3), ("fin", 4)];
const PEOPLE: [&str; 14] = [
    "ada.berg",
    "ben.ito",
    "carla.reyes",
    "dan.kovac",
    "eva.lind",
    "farid.haddad",
    "grace.okoye",
    "henrik.vos",
    "ines.costa",
    "jonas.meyer",
    "kira.novak",
    "liam.byrne",
    "mei.tanaka",
    "noor.aziz",
];

/// A virtual machine.
pub(super) struct Machine {
    pub name: String,
    /// As Defender reports it: mostly with its domain.
    pub device_name: String,
    pub device_id: String,
    pub subscription: usize,
    pub resource_group: String,
    pub ip: String,
}

/// Who calls Azure.
pub(super) struct Caller {
    pub name: String,
    pub ip: String,
}

/// A program on the machines.
pub(super) struct Program {
    pub file: &'static str,
    pub folder: &'static str,
    pub command_line: &'static str,
    pub account: (&'static str, &'static str),
    pub parent: &'static str,
    sha256: String,
}

/// All of it.
pub(super) struct Fleet {
    pub tenant: String,
    pub subscriptions: Vec<String>,
    pub machines: Vec<Machine>,
    /// Operators first, then services (by object id, as Azure logs them).
    pub callers: Vec<Caller>,
    /// How many of them are people.
    pub people: usize,
    pub programs: Vec<Program>,
    pub powershell: Program,
    pub run_command_extension: Program,
}

type ProgramRow = (&'static str, &'static str, &'static str, (&'static str, &'static str), &'static str);

const SYSTEM: (&str, &str) = ("nt authority", "system");
const PROGRAMS: [ProgramRow; 10] = [
    ("svchost.exe", r"c:\windows\system32", "svchost.exe -k netsvcs -p -s Schedule", SYSTEM, "services.exe"),
    ("MsMpEng.exe", r"c:\programdata\microsoft\windows defender\platform", "MsMpEng.exe", SYSTEM, "services.exe"),
    (
        "w3wp.exe",
        r"c:\windows\system32\inetsrv",
        "w3wp.exe -ap \"DefaultAppPool\"",
        ("iis apppool", "defaultapppool"),
        "svchost.exe",
    ),
    (
        "sqlservr.exe",
        r"c:\program files\microsoft sql server\mssql16\binn",
        "sqlservr.exe -sMSSQLSERVER",
        ("nt service", "mssqlserver"),
        "services.exe",
    ),
    (
        "TiWorker.exe",
        r"c:\windows\winsxs\amd64_microsoft-windows-servicingstack",
        "TiWorker.exe -Embedding",
        SYSTEM,
        "svchost.exe",
    ),
    (
        "backup-agent.exe",
        r"c:\program files\backup",
        "backup-agent.exe --incremental",
        ("corp", "svc-backup"),
        "services.exe",
    ),
    ("explorer.exe", r"c:\windows", "Explorer.EXE", ("corp", "ada.berg"), "userinit.exe"),
    (
        "msedge.exe",
        r"c:\program files (x86)\microsoft\edge\application",
        "msedge.exe --no-startup-window",
        ("corp", "ben.ito"),
        "explorer.exe",
    ),
    ("agent.exe", r"c:\agents\ci", "agent.exe run --once", ("corp", "svc-build"), "services.exe"),
    ("WindowsAzureGuestAgent.exe", r"c:\windowsazure\packages", "WindowsAzureGuestAgent.exe", SYSTEM, "services.exe"),
];

impl Fleet {
    pub fn new(random: &mut Random) -> Fleet {
        let subscriptions: Vec<String> = (0..3).map(|_| random.guid()).collect();
        let mut machines = Vec::new();
        for (role, count) in ROLES {
            for number in 1..=count {
                let name = format!("{role}-{number:02}");
                let subscription = random.index(subscriptions.len());
                machines.push(Machine {
                    device_name: if random.chance(85) { format!("{name}.{DOMAIN}") } else { name.clone() },
                    device_id: random.hex(40),
                    subscription,
                    resource_group: format!("rg-{role}-{}", ["prod", "test", "shared"][subscription]),
                    ip: format!("10.{}.{}.{}", subscription + 1, machines.len() / 200, 10 + machines.len() % 200),
                    name,
                });
            }
        }
        let office = |random: &mut Random| format!("203.0.113.{}", random.between(2, 250));
        let mut callers: Vec<Caller> =
            PEOPLE.iter().map(|name| Caller { name: format!("{name}@{DOMAIN}"), ip: office(random) }).collect();
        callers
            .extend((0..6).map(|_| Caller { name: random.guid(), ip: format!("192.0.2.{}", random.between(2, 250)) }));
        let program = |row: ProgramRow, random: &mut Random| Program {
            file: row.0,
            folder: row.1,
            command_line: row.2,
            account: row.3,
            parent: row.4,
            sha256: random.hex(64),
        };
        let powershell_row =
            ("powershell.exe", r"c:\windows\system32\windowspowershell\v1.0", "powershell.exe", SYSTEM, "cmd.exe");
        let extension_row = (
            "RunCommandExtension.exe",
            r"c:\packages\plugins\microsoft.cplat.core.runcommandwindows\1.1.18\bin",
            "RunCommandExtension.exe enable",
            SYSTEM,
            "WindowsAzureGuestAgent.exe",
        );
        Fleet {
            tenant: random.guid(),
            subscriptions,
            machines,
            callers,
            people: PEOPLE.len(),
            programs: PROGRAMS.into_iter().map(|row| program(row, random)).collect(),
            powershell: program(powershell_row, random),
            run_command_extension: program(extension_row, random),
        }
    }

    /// The Azure resource id of a machine.
    pub fn machine_id(&self, machine: &Machine) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines/{}",
            self.subscriptions[machine.subscription], machine.resource_group, machine.name
        )
    }
}

impl Machine {
    /// The columns that every event of a device has.
    pub fn describe(&self, fleet: &Fleet, record: &mut Record) {
        record.text("TenantId", &fleet.tenant).text("DeviceId", &self.device_id).text("DeviceName", &self.device_name);
    }
}

impl Program {
    /// The `InitiatingProcess…` columns. A command line of its own replaces the usual one.
    pub fn describe(&self, record: &mut Record, command_line: &str, process: i64, started: i64) {
        record
            .text("InitiatingProcessFileName", self.file)
            .text("InitiatingProcessFolderPath", &format!("{}\\{}", self.folder, self.file.to_ascii_lowercase()))
            .text("InitiatingProcessCommandLine", command_line)
            .number("InitiatingProcessId", process)
            .time("InitiatingProcessCreationTime", started)
            .text("InitiatingProcessSHA256", &self.sha256)
            .text("InitiatingProcessAccountDomain", self.account.0)
            .text("InitiatingProcessAccountName", self.account.1)
            .text("InitiatingProcessParentFileName", self.parent);
    }
}
