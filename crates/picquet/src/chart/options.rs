//! The properties of `render … with (…)`.

use kql_engine::{QueryResult, Visualization};
use kql_functions::Type;

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line,
    Area,
    Scatter,
    Column,
    Bar,
    Pie,
    Card,
    Table,
}

impl Kind {
    /// Charts whose x axis is a list of names rather than a range.
    pub fn is_bars(self) -> bool {
        matches!(self, Kind::Column | Kind::Bar | Kind::Pie)
    }
}

/// How several series share a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stacking {
    #[default]
    Beside,
    Stacked,
    Share,
}

/// The visualization, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub kind: Kind,
    /// `timechart` and `anomalychart` look for a datetime first.
    pub time_first: bool,
    pub stacking: Stacking,
    pub title: String,
    pub x_title: String,
    pub y_title: String,
    pub x_column: Option<String>,
    pub y_columns: Vec<String>,
    pub series: Vec<String>,
    pub anomaly_columns: Vec<String>,
    pub legend: bool,
    pub x_log: bool,
    pub y_log: bool,
    pub accumulate: bool,
    pub y_min: Option<f64>,
    pub y_max: Option<f64>,
}

impl Options {
    /// Of a result; without `render`, a time chart where there is a datetime, else columns.
    pub fn of(result: &QueryResult) -> Options {
        match &result.render {
            Some(visualization) => Options::read(visualization),
            None => {
                let timed = result.columns.iter().any(|(_, ty)| *ty == Type::DateTime);
                let kind = if timed { "timechart" } else { "columnchart" };
                Options::read(&Visualization { kind: kind.to_string(), properties: Vec::new() })
            }
        }
    }

    fn read(visualization: &Visualization) -> Options {
        let kind_name = visualization.kind.to_ascii_lowercase();
        let kind = match kind_name.as_str() {
            "linechart" | "timechart" | "anomalychart" => Kind::Line,
            "areachart" | "stackedareachart" => Kind::Area,
            "scatterchart" => Kind::Scatter,
            "columnchart" => Kind::Column,
            "barchart" => Kind::Bar,
            "piechart" => Kind::Pie,
            "card" => Kind::Card,
            _ => Kind::Table,
        };
        let get = |name: &str| {
            let found = visualization.properties.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let text = |name: &str| get(name).unwrap_or("").to_string();
        let list = |name: &str| -> Vec<String> {
            let parts = get(name).unwrap_or("").split(',');
            parts.map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect()
        };
        let is = |name: &str, expected: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case(expected));
        let number = |name: &str| get(name).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite());
        let stacking = if is("kind", "stacked100") {
            Stacking::Share
        } else if is("kind", "stacked") || kind_name == "stackedareachart" {
            Stacking::Stacked
        } else {
            Stacking::Beside
        };
        Options {
            kind,
            time_first: matches!(kind_name.as_str(), "timechart" | "anomalychart"),
            stacking: if matches!(kind, Kind::Area | Kind::Column | Kind::Bar) { stacking } else { Stacking::Beside },
            title: text("title"),
            x_title: text("xtitle"),
            y_title: text("ytitle"),
            x_column: get("xcolumn").map(str::to_string),
            y_columns: list("ycolumns"),
            series: list("series"),
            anomaly_columns: list("anomalycolumns"),
            legend: !is("legend", "hidden"),
            x_log: is("xaxis", "log"),
            y_log: is("yaxis", "log"),
            accumulate: is("accumulate", "true"),
            y_min: number("ymin"),
            y_max: number("ymax"),
        }
    }
}
