//! The day, put together.
//!
//! The rule *Azure VM Run Command operations executing a unique PowerShell script* finds, over the whole day, exactly
//! [`Summary::unique`].

use std::path::Path;

use anyhow::{Context, ensure};
use jiff::Timestamp;

use super::fleet::{Caller, Fleet};
use super::noise;
use super::random::Random;
use super::record::{DAY, HOUR, Table};
use super::run_command::{Operation, Outcome, Request, Schedule, Tables, run};
use super::scripts::{ATTACK, ATTEMPTS, RARE, ROUTINE, Script};

const UNIX_EPOCH_TICKS: i128 = 621_355_968_000_000_000;
const LAST_TICK: i128 = 3_155_378_975_999_999_999;
/// Ordinary events; with them the day has more than 100,000.
const EVENTS: usize = 105_000;

/// What was written, and what there is to find.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// First instant of the day
    pub start: Timestamp,
    /// First instant of the next day: where a rule's window ends
    pub end: Timestamp,
    /// Tables and their numbers of events
    pub tables: Vec<(String, u64)>,
    /// Size of all files
    pub bytes: u64,
    /// Run Command operations that succeeded where device events show their script
    pub seen: usize,
    /// Run Command operations that succeeded on machines without device events
    pub unseen: usize,
    /// Run Command operations that failed
    pub failed: usize,
    /// The account that the attack uses
    pub attacker: String,
    /// The scripts that ran only once, by time: the answer of the rule
    pub unique: Vec<Planted>,
}

impl Summary {
    /// Events of all tables.
    pub fn events(&self) -> u64 {
        self.tables.iter().map(|(_, events)| events).sum()
    }
}

/// A script that ran only once.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// In a few words
    pub what: String,
    /// Part of the attack, or an operator's rare task
    pub malicious: bool,
    /// `VirtualMachineName` in the rule's answer
    pub virtual_machine: String,
    /// `Caller`
    pub caller: String,
    /// `CallerIpAddress`
    pub caller_ip: String,
    /// `PowershellFileName`
    pub file_name: String,
    /// `PowershellFileSize`
    pub file_size: i64,
    /// `PowershellScriptCommands`: in capitals, sorted
    pub commands: Vec<String>,
    /// `StartTime`
    pub start: Timestamp,
    /// `EndTime`
    pub end: Timestamp,
    /// `Scope`
    pub scope: String,
}

/// Writes `AzureActivity.jsonl`, `DeviceFileEvents.jsonl` and `DeviceEvents.jsonl` into an existing folder. The same
/// seed and day give the same files.
pub fn generate(seed: u64, day_start: Timestamp, dir: &Path) -> anyhow::Result<Summary> {
    generate_sized(seed, day_start, dir, EVENTS)
}

/// [`generate`] with about that many ordinary events.
pub(super) fn generate_sized(seed: u64, day_start: Timestamp, dir: &Path, events: usize) -> anyhow::Result<Summary> {
    let ticks = day_start.as_nanosecond() / 100 + UNIX_EPOCH_TICKS;
    ensure!(ticks >= i128::from(DAY) && ticks < LAST_TICK - i128::from(DAY), "no day of logs at {day_start}");
    let start = i64::try_from(ticks).context("no day of logs there")?;

    let mut random = Random::new(seed);
    let fleet = Fleet::new(&mut random);
    let mut day = Day {
        schedule: Schedule::new(start, fleet.machines.len(), &mut random),
        tables: Tables {
            activity: Table::new("AzureActivity"),
            files: Table::new("DeviceFileEvents"),
            events: Table::new("DeviceEvents"),
        },
        unique: Vec::new(),
        counts: [0; 3],
        fleet,
        random,
    };
    let attacker = day.plant_attack();
    day.plant_rare();
    day.add_routine();
    noise::add(&day.fleet, start, events, &mut day.schedule, &mut day.tables, &mut day.random);

    let Day { mut unique, mut tables, counts, .. } = day;
    unique.sort_by_key(|planted| planted.start);
    let mut summary = Summary {
        start: timestamp(start)?,
        end: timestamp(start + DAY)?,
        tables: Vec::new(),
        bytes: 0,
        seen: counts[Outcome::Success as usize],
        unseen: counts[Outcome::Unseen as usize],
        failed: counts[Outcome::Failure as usize],
        attacker: attacker.name,
        unique: unique.into_iter().map(Unique::told).collect::<anyhow::Result<_>>()?,
    };
    for table in [&mut tables.activity, &mut tables.files, &mut tables.events] {
        summary.bytes += table.write(dir)?;
        summary.tables.push((table.name.to_string(), table.len() as u64));
    }
    Ok(summary)
}

fn timestamp(ticks: i64) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_nanosecond((i128::from(ticks) - UNIX_EPOCH_TICKS) * 100)?)
}

struct Day {
    fleet: Fleet,
    schedule: Schedule,
    tables: Tables,
    random: Random,
    unique: Vec<Unique>,
    /// By [`Outcome`].
    counts: [usize; 3],
}

struct Unique {
    start: i64,
    script: &'static Script,
    malicious: bool,
    machine: String,
    caller: (String, String),
    operation: Operation,
}

impl Unique {
    fn told(self) -> anyhow::Result<Planted> {
        let mut commands: Vec<String> = self.script.commands.iter().map(|c| c.to_ascii_uppercase()).collect();
        commands.sort();
        Ok(Planted {
            what: self.script.what.to_string(),
            malicious: self.malicious,
            virtual_machine: self.machine,
            caller: self.caller.0,
            caller_ip: self.caller.1,
            file_name: self.operation.file_name,
            file_size: self.operation.file_size,
            commands,
            start: timestamp(self.operation.start)?,
            end: timestamp(self.operation.end)?,
            scope: self.operation.scope,
        })
    }
}

impl Day {
    /// One person's account, from an address it never uses, at night.
    fn plant_attack(&mut self) -> Caller {
        let victim = &self.fleet.callers[self.random.index(self.fleet.people)];
        let attacker = Caller { name: victim.name.clone(), ip: format!("198.51.100.{}", self.random.between(2, 250)) };
        for (step, script) in ATTACK.iter().enumerate() {
            let from = HOUR + step as i64 * HOUR / 3;
            self.plant(script, &attacker, (from, from + HOUR / 4), true);
        }
        for script in &ATTEMPTS {
            self.run(script, &attacker, (HOUR, 3 * HOUR), Outcome::Failure);
        }
        attacker
    }

    fn plant_rare(&mut self) {
        for script in &RARE {
            let caller = self.person();
            self.plant(script, &caller, (8 * HOUR, 18 * HOUR), false);
        }
    }

    /// Each at least three times with success, so that none is unique.
    fn add_routine(&mut self) {
        for script in &ROUTINE {
            for _ in 0..self.random.between(3, 12) {
                let caller = self.anyone();
                self.run(script, &caller, (6 * HOUR, 23 * HOUR), Outcome::Success);
            }
            for outcome in [Outcome::Failure, Outcome::Unseen] {
                for _ in 0..self.random.between(0, 3) {
                    let caller = self.anyone();
                    self.run(script, &caller, (6 * HOUR, 23 * HOUR), outcome);
                }
            }
        }
    }

    fn person(&mut self) -> Caller {
        let caller = &self.fleet.callers[self.random.index(self.fleet.people)];
        Caller { name: caller.name.clone(), ip: caller.ip.clone() }
    }

    fn anyone(&mut self) -> Caller {
        let caller = &self.fleet.callers[self.random.index(self.fleet.callers.len())];
        Caller { name: caller.name.clone(), ip: caller.ip.clone() }
    }

    fn run(&mut self, script: &Script, caller: &Caller, between: (i64, i64), outcome: Outcome) -> (usize, Operation) {
        self.counts[outcome as usize] += 1;
        let request = Request { script, caller, between, outcome };
        run(&request, &self.fleet, &mut self.schedule, &mut self.tables, &mut self.random)
    }

    fn plant(&mut self, script: &'static Script, caller: &Caller, between: (i64, i64), malicious: bool) {
        let (machine, operation) = self.run(script, caller, between, Outcome::Success);
        self.unique.push(Unique {
            start: operation.start,
            script,
            malicious,
            machine: self.fleet.machines[machine].name.clone(),
            caller: (caller.name.clone(), caller.ip.clone()),
            operation,
        });
    }
}
