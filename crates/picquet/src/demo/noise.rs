//! The ordinary events among which the few that matter lie.

use super::fleet::Fleet;
use super::random::Random;
use super::record::{HOUR, SECOND};
use super::run_command::{Schedule, Shell, Tables, authorization, log_command};

/// How much of a day's work falls into each hour.
const HOURS: [u64; 24] = [3, 3, 3, 3, 3, 4, 6, 9, 14, 16, 16, 15, 13, 15, 16, 15, 13, 10, 7, 5, 5, 4, 4, 3];

/// Operation, resource below the group, statuses, weight.
type ActivityRow = (&'static str, &'static str, &'static [&'static str], u64);

const SINGLE: &[&str] = &["Success"];
const PAIR: &[&str] = &["Start", "Success"];
const LONG: &[&str] = &["Start", "Accept", "Success"];
const ACTIVITIES: [ActivityRow; 11] = [
    ("Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/stlogs", PAIR, 40),
    ("Microsoft.Compute/virtualMachines/start/action", "", LONG, 8),
    ("Microsoft.Compute/virtualMachines/deallocate/action", "", LONG, 8),
    ("Microsoft.Compute/virtualMachines/write", "", LONG, 5),
    ("Microsoft.Compute/virtualMachines/extensions/write", "", LONG, 4),
    ("Microsoft.Compute/virtualMachines/runCommands/write", "", LONG, 2),
    ("Microsoft.Network/networkSecurityGroups/write", "Microsoft.Network/networkSecurityGroups/nsg-front", LONG, 3),
    ("Microsoft.Resources/deployments/write", "Microsoft.Resources/deployments/release", LONG, 10),
    ("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/contributor", PAIR, 1),
    ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/kv-main", SINGLE, 12),
    ("Microsoft.Insights/diagnosticSettings/write", "Microsoft.Insights/diagnosticSettings/all", PAIR, 4),
];

const ACTIONS: [(&str, u64, &str); 14] = [
    ("NamedPipeEvent", 20, r#"{"PipeName":"\\Device\\NamedPipe\\wkssvc","FileOperation":"File opened"}"#),
    ("OpenProcessApiCall", 18, r#"{"DesiredAccess":5136}"#),
    ("DpapiAccessed", 12, r#"{"OperationType":"SPCryptUnprotect","DataDescription":"browser"}"#),
    ("LdapSearch", 8, r#"{"DistinguishedName":"DC=corp,DC=example","SearchFilter":"(objectClass=user)"}"#),
    ("DnsQueryResponse", 14, r#"{"DnsQueryString":"update.corp.example"}"#),
    ("ProcessPrimaryTokenModified", 6, r#"{"TokenModificationProperties":"{}"}"#),
    ("ScheduledTaskUpdated", 4, r#"{"TaskName":"\\Microsoft\\Windows\\UpdateOrchestrator\\Schedule Scan"}"#),
    ("ServiceInstalled", 1, r#"{"ServiceName":"backup-agent","ServiceStartType":2}"#),
    ("AntivirusScanCompleted", 2, r#"{"ScanTypeIndex":"Quick"}"#),
    ("GetAsyncKeyStateApiCall", 1, "{}"),
    ("RemoteDesktopConnection", 2, r#"{"Port":3389}"#),
    ("UsbDriveMounted", 1, r#"{"DriveLetter":"E:"}"#),
    ("ImageLoaded", 8, r#"{"FileName":"ntdll.dll"}"#),
    ("UserAccountModified", 1, r#"{"ChangedAttributes":["LastLogon"]}"#),
];

/// PowerShell that has nothing to do with Run Command, though some of it runs files.
const SHELLS: [(&str, u64); 6] = [
    (r"powershell.exe -NoProfile -File C:\Ops\inventory.ps1", 6),
    (r"powershell.exe -ExecutionPolicy Bypass -File C:\Ops\script-health.ps1 -Quiet", 4),
    ("powershell.exe -NoProfile -Command Get-Service", 6),
    (r#"powershell.exe -File "C:\Program Files\Backup\rotate.ps1""#, 3),
    ("pwsh.exe -NoLogo -NonInteractive -Command Invoke-Pester", 2),
    ("powershell.exe", 5),
];
const COMMANDS: [&str; 12] = [
    "Get-Service",
    "Get-Process",
    "Get-ChildItem",
    "Where-Object",
    "Select-Object",
    "ForEach-Object",
    "Write-Output",
    "Test-Path",
    "Import-Module",
    "ConvertTo-Json",
    "Invoke-WebRequest",
    "Get-CimInstance",
];

fn some_time(day_start: i64, random: &mut Random) -> i64 {
    day_start + random.weighted(HOURS.iter().copied()) as i64 * HOUR + random.between(0, HOUR - 1)
}

/// Adds about that many events, over all three tables.
pub(super) fn add(
    fleet: &Fleet,
    day_start: i64,
    events: usize,
    schedule: &mut Schedule,
    tables: &mut Tables,
    random: &mut Random,
) {
    for _ in 0..events * 7 / 100 {
        add_activity(fleet, day_start, tables, random);
    }
    for _ in 0..events * 42 / 100 {
        add_file(fleet, day_start, tables, random);
    }
    for _ in 0..events * 34 / 100 {
        add_event(fleet, day_start, tables, random);
    }
    for _ in 0..events / 100 {
        add_shell(fleet, day_start, tables, random);
    }
    for _ in 0..12 {
        add_local_script(fleet, day_start, schedule, tables, random);
    }
}

fn add_activity(fleet: &Fleet, day_start: i64, tables: &mut Tables, random: &mut Random) {
    let (operation, resource, statuses, _) = ACTIVITIES[random.weighted(ACTIVITIES.iter().map(|row| row.3))];
    let machine = &fleet.machines[random.index(fleet.machines.len())];
    let caller = &fleet.callers[random.index(fleet.callers.len())];
    let subscription = &fleet.subscriptions[machine.subscription];
    let scope = if resource.is_empty() {
        fleet.machine_id(machine)
    } else {
        format!("/subscriptions/{subscription}/resourceGroups/{}/providers/{resource}", machine.resource_group)
    };
    let correlation = random.guid();
    let failed = random.chance(3);
    // Pulled back so that the last status stays within the day.
    let mut at = some_time(day_start, random) - 120 * SECOND;
    at = at.max(day_start);
    for (i, status) in statuses.iter().enumerate() {
        let last = i + 1 == statuses.len();
        let status = if last && failed { "Failure" } else { status };
        tables.activity.add(at, |record| {
            record
                .text("TenantId", &fleet.tenant)
                .text("SourceSystem", "Azure")
                .text("OperationNameValue", &operation.to_ascii_uppercase())
                .text("CategoryValue", "Administrative")
                .text("Level", if status == "Failure" { "Error" } else { "Informational" })
                .text("ActivityStatusValue", status)
                .text("ResourceProviderValue", &operation.split('/').next().unwrap_or("").to_ascii_uppercase())
                .text("SubscriptionId", subscription)
                .text("ResourceGroup", &machine.resource_group.to_ascii_uppercase())
                .text("_ResourceId", &scope.to_ascii_lowercase())
                .text("Caller", &caller.name)
                .text("CallerIpAddress", &caller.ip)
                .text("CorrelationId", &correlation)
                .text("EventDataId", &random.guid())
                .text("Authorization", &authorization(operation, &scope));
        });
        at += random.between(SECOND, 40 * SECOND);
    }
}

fn add_file(fleet: &Fleet, day_start: i64, tables: &mut Tables, random: &mut Random) {
    let machine = &fleet.machines[random.index(fleet.machines.len())];
    let program = &fleet.programs[random.index(fleet.programs.len())];
    let action =
        ["FileCreated", "FileModified", "FileRenamed", "FileDeleted"][random.weighted([45, 35, 12, 8].into_iter())];
    let (stem, extension, folder) = [
        ("~DF", "tmp", r"C:\Windows\Temp"),
        ("ex26", "log", r"C:\inetpub\logs\LogFiles\W3SVC1"),
        ("cache_", "dat", r"C:\ProgramData\Cache"),
        ("report", "xlsx", r"C:\Shares\Finance"),
        ("build", "zip", r"C:\agents\ci\work"),
        ("setup", "ps1", r"C:\Ops"),
    ][random.weighted([40, 20, 20, 8, 8, 4].into_iter())];
    let name = format!("{stem}{:05x}.{extension}", random.below(1 << 20));
    let at = some_time(day_start, random);
    tables.files.add(at, |record| {
        machine.describe(fleet, record);
        record.text("ActionType", action).text("FileName", &name).text("FolderPath", &format!("{folder}\\{name}"));
        if action != "FileDeleted" {
            record.number("FileSize", random.between(0, 200_000)).text("SHA256", &random.hex(64));
        }
        let (process, age) = (random.between(400, 9_999), random.between(SECOND, 6 * HOUR));
        program.describe(record, program.command_line, process, at - age);
        record.number("ReportId", random.between(1, 99_999));
    });
}

fn add_event(fleet: &Fleet, day_start: i64, tables: &mut Tables, random: &mut Random) {
    let machine = &fleet.machines[random.index(fleet.machines.len())];
    let program = &fleet.programs[random.index(fleet.programs.len())];
    let (action, _, fields) = ACTIONS[random.weighted(ACTIONS.iter().map(|row| row.1))];
    let at = some_time(day_start, random);
    tables.events.add(at, |record| {
        machine.describe(fleet, record);
        record.text("ActionType", action).text("AdditionalFields", fields);
        if action == "RemoteDesktopConnection" || action == "DnsQueryResponse" {
            record.text("LocalIP", &machine.ip).text("RemoteIP", &format!("10.0.0.{}", random.between(2, 60)));
        }
        let (process, age) = (random.between(400, 9_999), random.between(SECOND, 6 * HOUR));
        program.describe(record, program.command_line, process, at - age);
        record.number("ReportId", random.between(1, 99_999));
    });
}

fn add_shell(fleet: &Fleet, day_start: i64, tables: &mut Tables, random: &mut Random) {
    let machine = &fleet.machines[random.index(fleet.machines.len())];
    let (command_line, _) = SHELLS[random.weighted(SHELLS.iter().map(|row| row.1))];
    let start = (some_time(day_start, random) - 60 * SECOND).max(day_start);
    let shell = Shell { machine, command_line, process: random.between(1_000, 9_999), started: start };
    let mut at = start;
    for _ in 0..random.between(2, 6) {
        at += random.between(1, 3 * SECOND);
        let command = COMMANDS[random.index(COMMANDS.len())];
        log_command(&shell, command, at, fleet, &mut tables.events, random);
    }
}

/// Someone runs a file on the machine itself that is named as Run Command names its scripts.
fn add_local_script(fleet: &Fleet, day_start: i64, schedule: &mut Schedule, tables: &mut Tables, random: &mut Random) {
    let machine = &fleet.machines[random.index(fleet.machines.len())];
    let command_line = format!("powershell.exe -File script{}.ps1", schedule.number());
    let at = (some_time(day_start, random) - 60 * SECOND).max(day_start);
    let command = COMMANDS[random.index(COMMANDS.len())];
    let shell = Shell { machine, command_line: &command_line, process: random.between(1_000, 9_999), started: at };
    log_command(&shell, command, at, fleet, &mut tables.events, random);
}
