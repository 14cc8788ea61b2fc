//! Run Command operations as they show in three tables: Azure's record of the call, the script's file on the
//! machine, and the commands that PowerShell ran.

use kql_functions::dynamic::write_string;

use super::fleet::{Caller, Fleet, Machine};
use super::random::Random;
use super::record::{DAY, SECOND, Table};
use super::scripts::Script;

pub(super) const OPERATION: &str = "Microsoft.Compute/virtualMachines/runCommand/action";

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
    /// It succeeds, on a machine that sends no device events.
    Unseen,
}

/// The tables that operations write to.
pub(super) struct Tables {
    pub activity: Table,
    pub files: Table,
    pub events: Table,
}

/// One operation, as done.
pub(super) struct Operation {
    pub start: i64,
    pub end: i64,
    pub file_name: String,
    pub file_size: i64,
    pub scope: String,
}

/// Hands out what must not collide. The rule links tables by script name over all machines, and by time on one
/// machine, so names are unique and a machine runs one operation at a time.
pub(super) struct Schedule {
    day_start: i64,
    busy: Vec<Vec<(i64, i64)>>,
    numbers: Vec<u32>,
}

impl Schedule {
    pub fn new(day_start: i64, machines: usize, random: &mut Random) -> Schedule {
        let mut numbers: Vec<u32> = (1..=999).collect();
        random.shuffle(&mut numbers);
        Schedule { day_start, busy: vec![Vec::new(); machines], numbers }
    }

    /// A number that no other script has.
    pub fn number(&mut self) -> u32 {
        self.numbers.pop().unwrap_or_default()
    }

    /// A free machine and start for an operation of that length, between two times of the day.
    fn reserve(&mut self, random: &mut Random, between: (i64, i64), length: i64) -> (usize, i64) {
        let latest = between.1.min(DAY - 2 * length);
        loop {
            let machine = random.index(self.busy.len());
            let start = self.day_start + random.between(between.0, latest);
            let window = (start - 60 * SECOND, start + length + 60 * SECOND);
            if self.busy[machine].iter().all(|(from, to)| window.1 < *from || *to < window.0) {
                self.busy[machine].push(window);
                return (machine, start);
            }
        }
    }
}

/// What to run, by whom, when.
pub(super) struct Request<'a> {
    pub script: &'a Script,
    pub caller: &'a Caller,
    /// Earliest and latest start, from the day's.
    pub between: (i64, i64),
    pub outcome: Outcome,
}

/// Runs a script once; returns the machine's position and the operation.
pub(super) fn run(
    request: &Request<'_>,
    fleet: &Fleet,
    schedule: &mut Schedule,
    tables: &mut Tables,
    random: &mut Random,
) -> (usize, Operation) {
    let length = random.between(45, 240) * SECOND + random.between(0, SECOND - 1);
    let (position, start) = schedule.reserve(random, request.between, length);
    let machine = &fleet.machines[position];
    let operation = Operation {
        start,
        end: start + length,
        file_name: format!("script{}.ps1", schedule.number()),
        // A script is at least as long as the commands it runs.
        file_size: request.script.commands.iter().map(|c| c.len() as i64 + 40).sum::<i64>() + random.between(0, 900),
        scope: fleet.machine_id(machine),
    };
    log_activity(request, machine, &operation, fleet, &mut tables.activity, random);
    if request.outcome != Outcome::Unseen {
        let created = start + random.between(5, 20) * SECOND + random.between(0, SECOND - 1);
        log_files(machine, &operation, created, fleet, &mut tables.files, random);
        log_commands(request.script, machine, &operation, created, fleet, &mut tables.events, random);
    }
    (position, operation)
}

fn log_activity(
    request: &Request<'_>,
    machine: &Machine,
    operation: &Operation,
    fleet: &Fleet,
    activity: &mut Table,
    random: &mut Random,
) {
    let correlation = random.guid();
    let authorization = authorization(OPERATION, &operation.scope);
    let accepted = operation.start + random.between(1, 4) * SECOND;
    let last = if request.outcome == Outcome::Failure { "Failure" } else { "Success" };
    // Azure writes the name in capitals now and as registered then.
    let name = if random.chance(70) { OPERATION.to_ascii_uppercase() } else { OPERATION.to_string() };
    for (at, status) in [(operation.start, "Start"), (accepted, "Accept"), (operation.end, last)] {
        activity.add(at, |record| {
            record
                .text("TenantId", &fleet.tenant)
                .text("SourceSystem", "Azure")
                .text("OperationNameValue", &name)
                .text("CategoryValue", "Administrative")
                .text("Level", if status == "Failure" { "Error" } else { "Informational" })
                .text("ActivityStatusValue", status)
                .text("ResourceProviderValue", "MICROSOFT.COMPUTE")
                .text("SubscriptionId", &fleet.subscriptions[machine.subscription])
                .text("ResourceGroup", &machine.resource_group.to_ascii_uppercase())
                .text("_ResourceId", &operation.scope.to_ascii_lowercase())
                .text("Caller", &request.caller.name)
                .text("CallerIpAddress", &request.caller.ip)
                .text("CorrelationId", &correlation)
                .text("EventDataId", &random.guid())
                .text("Authorization", &authorization);
        });
    }
}

/// The text of the column `Authorization`.
pub(super) fn authorization(action: &str, scope: &str) -> String {
    format!(r#"{{"action":"{action}","scope":"{scope}","evidence":{{"role":"Contributor"}}}}"#)
}

fn log_files(
    machine: &Machine,
    operation: &Operation,
    created: i64,
    fleet: &Fleet,
    files: &mut Table,
    random: &mut Random,
) {
    let extension = &fleet.run_command_extension;
    let process = random.between(1_000, 9_999);
    let sequence = random.between(0, 40);
    let downloads = r"C:\Packages\Plugins\Microsoft.CPlat.Core.RunCommandWindows\1.1.18\Downloads";
    let status = r"C:\Packages\Plugins\Microsoft.CPlat.Core.RunCommandWindows\1.1.18\Status";
    let written = [
        ("FileCreated", operation.file_name.clone(), downloads, operation.file_size, created),
        ("FileModified", format!("{sequence}.status"), status, random.between(200, 900), operation.end - SECOND / 2),
    ];
    for (action, name, folder, size, at) in written {
        files.add(at, |record| {
            machine.describe(fleet, record);
            record
                .text("ActionType", action)
                .text("FileName", &name)
                .text("FolderPath", &format!("{folder}\\{name}"))
                .number("FileSize", size)
                .text("SHA256", &random.hex(64));
            extension.describe(record, extension.command_line, process, operation.start + 2 * SECOND);
            record.number("ReportId", random.between(1, 99_999));
        });
    }
}

fn log_commands(
    script: &Script,
    machine: &Machine,
    operation: &Operation,
    created: i64,
    fleet: &Fleet,
    events: &mut Table,
    random: &mut Random,
) {
    let process = random.between(1_000, 9_999);
    let command_line = format!("powershell  -ExecutionPolicy Unrestricted -File {}", operation.file_name);
    let mut commands: Vec<&str> = script.commands.to_vec();
    // The same script logs its commands in another order and spelling from time to time.
    random.shuffle(&mut commands);
    let started = created + SECOND;
    let shell = Shell { machine, command_line: &command_line, process, started };
    let step = (operation.end - started - SECOND) / (commands.len() as i64 + 2);
    let mut at = started;
    for command in std::iter::once(operation.file_name.as_str()).chain(commands) {
        at += random.between(1, step.clamp(1, 6 * SECOND));
        let shown = if random.chance(10) && command.contains('-') && !command.contains(' ') {
            command.to_ascii_lowercase()
        } else {
            command.to_string()
        };
        log_command(&shell, &shown, at, fleet, events, random);
    }
}

/// A running PowerShell.
pub(super) struct Shell<'a> {
    pub machine: &'a Machine,
    pub command_line: &'a str,
    pub process: i64,
    pub started: i64,
}

pub(super) fn log_command(
    shell: &Shell<'_>,
    command: &str,
    at: i64,
    fleet: &Fleet,
    events: &mut Table,
    random: &mut Random,
) {
    let mut fields = String::from("{\"Command\":");
    write_string(&mut fields, command);
    fields.push('}');
    events.add(at, |record| {
        shell.machine.describe(fleet, record);
        record.text("ActionType", "PowerShellCommand").text("AdditionalFields", &fields);
        fleet.powershell.describe(record, shell.command_line, shell.process, shell.started);
        record.number("ReportId", random.between(1, 99_999));
    });
}
