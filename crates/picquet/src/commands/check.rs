//! `picquet check`.

use std::io::{BufReader, IsTerminal as _, Write};

use anyhow::Context as _;
use jiff::Timestamp;
use picquet_detect::to_ticks;
use picquet_lint::{Baseline, Checked, Finding, Linter, Options, Samples, Source, check_of, junit, sarif};
use serde_json::json;

use crate::check::args::{CheckArgs, CheckFormat};
use crate::check::files::{CheckFile, collect, of_text};
use crate::check::samples::FileSamples;
use crate::check::{CheckCatalog, base, batch, config, report};

/// Checks without running; `false` where there is an error.
pub(crate) async fn run(args: &CheckArgs) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    if let Some(code) = &args.explain {
        let check = check_of(code).with_context(|| format!("'{code}' is no code of a check; docs/lints lists them"))?;
        write!(out, "{}", check.page())?;
        return Ok(true);
    }
    let catalog = CheckCatalog::open(args)?;
    let now = to_ticks(Timestamp::now());
    if let Some(path) = &args.batch {
        if path.as_os_str() == "-" {
            batch::run(BufReader::new(std::io::stdin()), &mut out, &catalog, now)?;
        } else {
            let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
            batch::run(BufReader::new(file), &mut out, &catalog, now)?;
        }
        return Ok(true);
    }
    let settings = config::settings(args)?;
    let mut files = files(args)?;
    let samples = if args.data.is_empty() { None } else { Some(FileSamples::new(catalog.data())?) };
    let linter = Linter::new(Options {
        sets: settings.sets,
        allow: settings.allow,
        catalog: &catalog,
        now,
        samples: samples.as_ref().map(|samples| samples as &dyn Samples),
        connectors: settings.connectors,
    });
    let mut summary = report::Summary::default();
    if args.fix {
        for file in &mut files {
            summary.mended += file.mend(&linter)?;
        }
    }
    let mut checked: Vec<Checked> = files.iter().map(|file| file.check(&linter)).collect();
    let mut findings = linter.duplicates(&checked);
    for one in &mut checked {
        findings.append(&mut one.findings);
        summary.file(one);
    }
    // Those of one file stand together, in the order of the files.
    let order = |finding: &Finding| files.iter().position(|file| file.source.name == finding.place.file);
    findings.sort_by_cached_key(|finding| (order(finding), finding.place.line, finding.place.column));
    if let Some(path) = &args.write_baseline {
        std::fs::write(path, Baseline::of(&findings).to_text())
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if let Some(path) = &settings.baseline {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let baseline = Baseline::read(&text).map_err(anyhow::Error::msg).with_context(|| path.display().to_string())?;
        (findings, summary.known) = baseline.unknown(findings);
    }
    summary.findings(&findings);
    write(args, &files, &checked, &findings, summary, &mut out)?;
    out.flush()?;
    Ok(summary.errors == 0)
}

fn files(args: &CheckArgs) -> anyhow::Result<Vec<CheckFile>> {
    let mut files = collect(&args.paths)?;
    if let Some(query) = &args.query {
        files.insert(0, of_text(query.clone()));
    }
    if files.is_empty() {
        anyhow::bail!("no queries or rules found");
    }
    if let Some(revision) = &args.base {
        base::previous(revision, &mut files)?;
    }
    Ok(files)
}

fn write(
    args: &CheckArgs,
    files: &[CheckFile],
    checked: &[Checked],
    findings: &[Finding],
    summary: report::Summary,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let rules = || files.iter().zip(checked).flat_map(|(file, one)| one.rules.iter().map(move |rule| (file, rule)));
    match args.format {
        CheckFormat::Human => {
            let color = std::io::stdout().is_terminal();
            let none = Source::new(None, String::new());
            for finding in findings {
                let file = files.iter().find(|file| file.source.name == finding.place.file);
                report::write_human(finding, file.map_or(&none, |file| &file.source), color, out)?;
            }
            if args.columns {
                for (file, rule) in rules() {
                    report::write_columns(file.name(), rule, out)?;
                }
            }
            writeln!(out, "{}", summary.text())?;
        }
        CheckFormat::Json => {
            let list: Vec<_> = findings.iter().map(report::finding_json).collect();
            let mut whole = json!({"findings": list, "summary": summary.json()});
            if args.columns {
                let results =
                    rules().filter_map(|(file, rule)| report::columns_json(file.source.name.as_deref(), rule));
                whole["results"] = results.collect();
            }
            writeln!(out, "{whole}")?;
        }
        CheckFormat::Sarif => {
            let sources: Vec<&Source> = files.iter().map(|file| &file.source).collect();
            writeln!(out, "{:#}", sarif(findings, &sources, env!("CARGO_PKG_VERSION")))?;
        }
        CheckFormat::Junit => {
            let named: Vec<(String, &Checked)> =
                files.iter().zip(checked).map(|(file, one)| (file.name().to_string(), one)).collect();
            write!(out, "{}", junit(&named, findings))?;
        }
    }
    Ok(())
}
