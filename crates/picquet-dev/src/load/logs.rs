//! Log files to be taken in, in the forms that logs come in.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use kql_engine::json::to_json;
use kql_functions::{Val, text};
use picquet_sources::Schemas;

use super::values::{Maker, SECOND};

/// The form of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    JsonLines,
    Csv,
    GzipJsonLines,
}

/// A generated log file.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) table: &'static str,
    pub(super) form: Form,
    pub(super) path: PathBuf,
    /// Bytes of its text, unpacked.
    pub(super) text: u64,
}

/// Table, form, columns that have values.
type Kind = (&'static str, Form, &'static str);

const KINDS: &[Kind] = &[
    (
        "SecurityEvent",
        Form::JsonLines,
        "SourceSystem Account AccountType Computer EventSourceName Channel Task Level EventID Activity CommandLine \
         NewProcessId NewProcessName ParentProcessName ProcessId SubjectAccount SubjectDomainName SubjectLogonId \
         SubjectUserName SubjectUserSid TargetUserName TokenElevationType",
    ),
    (
        "CommonSecurityLog",
        Form::Csv,
        "DeviceVendor DeviceProduct DeviceVersion DeviceEventClassID Activity LogSeverity DeviceAction DestinationIP \
         DestinationPort Protocol SourceIP SourcePort RequestURL SentBytes ReceivedBytes SourceUserName DeviceName \
         Message Computer",
    ),
    (
        "SigninLogs",
        Form::JsonLines,
        "OperationName Category ResultType ResultDescription CorrelationId Identity Location AppDisplayName AppId \
         ClientAppUsed ConditionalAccessStatus CreatedDateTime DeviceDetail IPAddress LocationDetails RiskDetail \
         RiskState Status UserAgent UserDisplayName UserId UserPrincipalName",
    ),
    (
        "DeviceProcessEvents",
        Form::GzipJsonLines,
        "ActionType AccountDomain AccountName AccountSid AdditionalFields DeviceId DeviceName FileName FolderPath \
         InitiatingProcessAccountName InitiatingProcessCommandLine InitiatingProcessFileName InitiatingProcessId MD5 \
         ProcessCommandLine ProcessId ProcessTokenElevation SHA1 SHA256 ReportId",
    ),
];

/// Writes so many files, of `bytes` of text in all, into a folder.
pub(super) fn write(folder: &Path, files: usize, bytes: u64) -> anyhow::Result<Vec<LogFile>> {
    let share = bytes / files.max(1) as u64;
    let mut written = Vec::with_capacity(files);
    for number in 0..files {
        let (table, form, columns) = KINDS[number % KINDS.len()];
        let ending = match form {
            Form::JsonLines => "jsonl",
            Form::Csv => "csv",
            Form::GzipJsonLines => "jsonl.gz",
        };
        let path = folder.join(format!("{table}.{number}.{share}.{ending}"));
        let maker = maker(table, columns)?;
        let text = write_one(&path, &maker, form, number as u64, share)?;
        written.push(LogFile { table, form, path, text });
    }
    Ok(written)
}

fn maker(table: &str, columns: &str) -> anyhow::Result<Maker> {
    let schema = Schemas::builtin().table(table).with_context(|| format!("no schema of {table}"))?;
    Ok(Maker::new(table, &schema, |name| columns.split(' ').any(|column| column == name), &Default::default()))
}

fn write_one(path: &Path, maker: &Maker, form: Form, number: u64, bytes: u64) -> anyhow::Result<u64> {
    let file = BufWriter::new(File::create(path).with_context(|| format!("writing {}", path.display()))?);
    let mut out: Box<dyn Write> = match form {
        Form::GzipJsonLines => Box::new(GzEncoder::new(file, Compression::fast())),
        _ => Box::new(file),
    };
    let names: Vec<String> = maker.columns().into_iter().map(|(name, _)| name).collect();
    let (mut line, mut text) = (String::new(), 0);
    if form == Form::Csv {
        line = names.join(",");
        line.push('\n');
    }
    for row in 0.. {
        let at = super::NOW - super::SPAN + row as i64 * SECOND / 50;
        match form {
            Form::Csv => csv_line(&mut line, maker.row(number << 40 | row, at)),
            _ => json_line(&mut line, &names, maker.row(number << 40 | row, at))?,
        }
        out.write_all(line.as_bytes())?;
        text += line.len() as u64;
        line.clear();
        if text >= bytes {
            break;
        }
    }
    out.flush()?;
    Ok(text)
}

/// Appends a row as a JSON line.
pub(super) fn json_line<'v>(
    line: &mut String,
    names: &[String],
    values: impl Iterator<Item = Val<'v>>,
) -> anyhow::Result<()> {
    line.push('{');
    for (at, (name, value)) in names.iter().zip(values).enumerate() {
        line.push_str(if at == 0 { "\"" } else { ",\"" });
        line.push_str(name);
        line.push_str("\":");
        match value {
            Val::Dynamic(json) => line.push_str(&json),
            other => line.push_str(&serde_json::to_string(&to_json(&other))?),
        }
    }
    line.push_str("}\n");
    Ok(())
}

fn csv_line<'v>(line: &mut String, values: impl Iterator<Item = Val<'v>>) {
    for (at, value) in values.enumerate() {
        if at > 0 {
            line.push(',');
        }
        match value {
            Val::Str(value) if value.contains([',', '"', '\n']) => {
                line.push('"');
                line.push_str(&value.replace('"', "\"\""));
                line.push('"');
            }
            Val::Str(value) => line.push_str(&value),
            Val::DateTime(ticks) => line.push_str(&text::datetime(ticks)),
            Val::Null => {}
            other => line.push_str(to_json(&other).to_string().trim_matches('"')),
        }
    }
    line.push('\n');
}
