//! What a query text sets for itself.

use std::time::Duration;

use kql_functions::text;
use kql_syntax::ast;

/// The `set` statements that the engine obeys. Names as Kusto has them, in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `query_now`: the instant of `now()`, in ticks.
    pub(crate) now: Option<i64>,
    /// `notruncation`
    pub(crate) no_truncation: bool,
    /// `truncationmaxrecords`
    pub(crate) truncation_records: Option<u64>,
    /// `truncationmaxsize`, in bytes
    pub(crate) truncation_bytes: Option<u64>,
    /// `query_take_max_records`: further rows are left out without an error.
    pub(crate) take_records: Option<u64>,
    /// `servertimeout`
    pub(crate) timeout: Option<Duration>,
    /// `maxmemoryconsumptionperiterator` or `max_memory_consumption_per_query_per_node`, in bytes
    pub(crate) memory: Option<u64>,
}

impl Settings {
    /// Reads the statements of a text; those of other names, and values of other kinds, are left alone.
    pub(crate) fn read(query: &str) -> Settings {
        let mut settings = Settings::default();
        if !query.contains("set") {
            return settings;
        }
        for statement in kql_syntax::parse(query).query.statements {
            let ast::Statement::Set { name, value, .. } = statement else { continue };
            let literal = value.and_then(|value| match value.kind {
                ast::ExprKind::Literal(literal) => Some(literal),
                _ => None,
            });
            settings.take(&name.text.to_ascii_lowercase(), literal.as_ref());
        }
        settings
    }

    fn take(&mut self, name: &str, value: Option<&ast::Literal>) {
        let count = match value {
            Some(ast::Literal::Long(Some(count))) => u64::try_from(*count).ok(),
            Some(ast::Literal::Int(Some(count))) => u64::try_from(*count).ok(),
            Some(ast::Literal::String(count)) => count.trim().parse().ok(),
            _ => None,
        };
        match name {
            "query_now" => {
                self.now = match value {
                    Some(ast::Literal::DateTime(Some(time)) | ast::Literal::String(time)) => {
                        text::parse_datetime(time.trim())
                    }
                    _ => None,
                };
            }
            // A setting without a value is one that is true.
            "notruncation" => self.no_truncation = !matches!(value, Some(ast::Literal::Bool(Some(false)))),
            "truncationmaxrecords" => self.truncation_records = count,
            "truncationmaxsize" => self.truncation_bytes = count,
            "query_take_max_records" => self.take_records = count,
            "servertimeout" => {
                let ticks = match value {
                    Some(ast::Literal::Timespan(ticks)) => *ticks,
                    Some(ast::Literal::String(time)) => text::parse_timespan(time.trim()),
                    _ => None,
                };
                let ticks = ticks.and_then(|ticks| u64::try_from(ticks).ok());
                self.timeout = ticks.map(|ticks| Duration::from_nanos(ticks.saturating_mul(100)));
            }
            "maxmemoryconsumptionperiterator" | "max_memory_consumption_per_query_per_node" => {
                self.memory = match (self.memory, count) {
                    (Some(known), Some(new)) => Some(known.min(new)),
                    (known, new) => new.or(known),
                };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_by_name_and_kind() {
        let read = Settings::read(
            "set notruncation; set truncationmaxrecords = 10; set TruncationMaxSize = '20';\n\
             set servertimeout = 90s; set query_take_max_records=5;\n\
             set maxmemoryconsumptionperiterator=1000; set max_memory_consumption_per_query_per_node=900; print 1",
        );
        let want = Settings {
            now: None,
            no_truncation: true,
            truncation_records: Some(10),
            truncation_bytes: Some(20),
            take_records: Some(5),
            timeout: Some(Duration::from_secs(90)),
            memory: Some(900),
        };
        assert_eq!(read, want);
        assert_eq!(Settings::read("set truncationmaxrecords = -1; set other; print 'set'"), Settings::default());
        assert!(!Settings::read("set notruncation=false; print 1").no_truncation);
    }
}
