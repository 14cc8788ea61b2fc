//! Compares the bound columns of cases with those of their answers, without running them.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kql_functions::Type;
use kql_semantics::{BindOptions, Bound, SimpleCatalog, bind};
use kql_syntax::{Diagnostic, Severity};

use crate::cases::{DocsCase, TruthCase, docs_cases, is_type, truth_cases};
use crate::compare::OMISSION;
use crate::figures::{Showing, Tally};
use crate::runner::{NOW, Nothing, Runner};

/// Prints the failures and the figures.
pub(crate) fn run(shared: &Path, showing: &Showing, out: &mut dyn Write) -> anyhow::Result<()> {
    let runner = Runner::new(Arc::new(Nothing), Duration::from_secs(20))?;
    let mut tally = Tally::new(showing, out);
    let (mut open, mut at_run_time) = (0, 0);
    for case in truth_cases(shared)?.iter().filter(|case| showing.wants(&case.id)) {
        let bound = bound(&case.query);
        let wrong = match (refusal(&bound), case.refused()) {
            (Some(_), true) => None,
            (Some(error), false) => Some(format!("refused: {}: {}", error.code, error.message)),
            // Some faults only show in the rows: the engine must find them then.
            (None, true) => match runner.run(&case.query) {
                Err(_) => {
                    at_run_time += 1;
                    None
                }
                Ok(_) => Some("accepted, where the engine refuses".to_string()),
            },
            (None, false) => match columns(&bound) {
                Some(got) => truth_difference(&got, case),
                None => {
                    open += 1;
                    None
                }
            },
        };
        tally.case(&case.id, wrong.as_deref())?;
    }
    tally.note(&format!("frozen answers: {}", tally.share))?;
    for case in docs_cases(shared)?.iter().filter(|case| case.needs.is_empty() && showing.wants(&case.id)) {
        let bound = bound(&case.query);
        let wrong = match (refusal(&bound), columns(&bound)) {
            (Some(error), _) => Some(format!("refused: {}: {}", error.code, error.message)),
            (None, Some(got)) => docs_difference(&got, case),
            (None, None) => {
                open += 1;
                None
            }
        };
        tally.case(&case.id, wrong.as_deref())?;
    }
    tally.note(&format!("columns that the data decides: {open}; refused only at run time: {at_run_time}"))?;
    runner.stop();
    tally.finish("bound columns")
}

fn bound(query: &str) -> Bound {
    bind(query, &SimpleCatalog::default(), &BindOptions { now: NOW, ..BindOptions::default() })
}

fn refusal(bound: &Bound) -> Option<&Diagnostic> {
    bound.diagnostics.iter().find(|d| d.severity == Severity::Error)
}

/// Names and types; none where the data decides them.
fn columns(bound: &Bound) -> Option<Vec<(String, Type)>> {
    let rel = &bound.query.as_ref()?.rel;
    let unknown = rel.open || rel.columns.iter().any(|c| c.ty == Type::Unknown);
    (!unknown).then(|| rel.columns.iter().map(|c| (c.name.clone(), c.ty)).collect())
}

fn truth_difference(got: &[(String, Type)], case: &TruthCase) -> Option<String> {
    let same = got.len() == case.columns.len()
        && got.iter().zip(&case.columns).all(|((name, ty), (want, kind))| name == want && is_type(*ty, kind));
    if same {
        return None;
    }
    let shown: Vec<String> = got.iter().map(|(name, ty)| format!("{name}:{ty}")).collect();
    let wanted: Vec<String> = case.columns.iter().map(|(name, ty)| format!("{name}:{ty}")).collect();
    Some(format!("{} instead of {}", shown.join(", "), wanted.join(", ")))
}

fn docs_difference(got: &[(String, Type)], case: &DocsCase) -> Option<String> {
    let names: Vec<&str> = got.iter().map(|(name, _)| name.as_str()).collect();
    let fits = |want: &[String]| match want.iter().position(|name| name == OMISSION) {
        _ if case.columns_by_position => want.len() == names.len(),
        Some(end) => want.iter().take(end).zip(&names).all(|(want, got)| want == got),
        None => want == names.as_slice(),
    };
    let right = fits(&case.columns) || case.extra_results.iter().any(|extra| fits(&extra.columns));
    (!right).then(|| format!("{names:?} instead of {:?}", case.columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_only_data_tells() {
        assert_eq!(columns(&bound("print x=1")), Some(vec![("x".to_string(), Type::Long)]));
        assert_eq!(columns(&bound("print d=dynamic({}) | evaluate bag_unpack(d)")), None);
        assert_eq!(columns(&bound("print d=dynamic({}) | evaluate bag_unpack(d) | project a")), None);
        assert!(refusal(&bound("print x=")).is_some());
    }
}
