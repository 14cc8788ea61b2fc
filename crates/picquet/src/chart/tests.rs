use kql_engine::QueryResult;
use kql_functions::{Dynamic, Type, Val};

use super::data::{Drawing, XValues, extract};
use super::{TerminalOptions, draw, html, svg, write_chart};
use crate::output::testing::{all_types, json, rendered, result, time};

const KINDS: [&str; 12] = [
    "timechart",
    "linechart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "anomalychart",
    "columnchart",
    "barchart",
    "piechart",
    "card",
    "table",
    "no-such-chart",
];

fn terminal(result: &QueryResult, width: usize, color: bool) -> String {
    let mut out = Vec::new();
    draw(result, TerminalOptions { width, height: 14, color }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn chart(result: &QueryResult) -> super::data::Chart {
    match extract(result) {
        Drawing::Chart(chart) => chart,
        other => panic!("{other:?}"),
    }
}

/// Events an hour, of two computers.
fn hours() -> QueryResult {
    let columns = [("Computer", Type::String), ("TimeGenerated", Type::DateTime), ("count_", Type::Long)];
    let mut rows = Vec::new();
    for hour in 0..24_i64 {
        for (computer, scale) in [("vm01", 3), ("vm02", 7)] {
            let at = time(&format!("2026-03-14T{hour:02}:00:00Z"));
            rows.push(vec![Val::str(computer), at, Val::Long((hour - 11).abs() * scale)]);
        }
    }
    result(&columns, rows)
}

fn systems() -> QueryResult {
    let row = |name: &'static str, count: i64, failed: i64| vec![Val::str(name), Val::Long(count), Val::Long(failed)];
    result(
        &[("OS", Type::String), ("Count", Type::Long), ("Failed", Type::Long)],
        vec![row("Windows", 120, 20), row("Linux", 60, 15), row("macOS", 20, 0)],
    )
}

fn one_value() -> QueryResult {
    let row = |name: &'static str, count: i64| vec![Val::str(name), Val::Long(count)];
    result(&[("OS", Type::String), ("Count", Type::Long)], vec![row("Windows", 120), row("Linux", 61), row("BSD", 7)])
}

#[test]
fn timechart_in_the_terminal() {
    let titled = rendered(hours(), "timechart", &[("title", "Events an hour")]);
    insta::assert_snapshot!(terminal(&titled, 72, false));
}

#[test]
fn one_line_is_drawn_finely() {
    let at = |hour: i64| time(&format!("2026-03-14T{hour:02}:00:00Z"));
    let rows = (0..24).map(|hour| vec![at(hour), Val::Long((hour - 11).pow(2))]).collect();
    let one = rendered(result(&[("t", Type::DateTime), ("n", Type::Long)], rows), "areachart", &[]);
    insta::assert_snapshot!(terminal(&one, 60, false));
}

#[test]
fn columns_stand_where_they_fit() {
    insta::assert_snapshot!(terminal(&rendered(one_value(), "columnchart", &[]), 60, false));
}

#[test]
fn columns_lie_where_there_are_several() {
    insta::assert_snapshot!(terminal(&rendered(systems(), "columnchart", &[]), 60, false));
}

#[test]
fn stacked_shares() {
    insta::assert_snapshot!(terminal(&rendered(systems(), "barchart", &[("kind", "stacked100")]), 60, false));
}

#[test]
fn pie_is_bars_with_percent() {
    insta::assert_snapshot!(terminal(&rendered(one_value(), "piechart", &[("title", "Systems")]), 60, false));
}

#[test]
fn card_shows_the_first_row() {
    insta::assert_snapshot!(terminal(&rendered(one_value(), "card", &[]), 60, false));
}

#[test]
fn colours_only_when_asked() {
    let chart = rendered(systems(), "barchart", &[]);
    assert!(terminal(&chart, 60, true).contains("\u{1b}[36m"));
    assert!(!terminal(&chart, 60, false).contains('\u{1b}'));
}

#[test]
fn kusto_chooses_the_columns() {
    let timed = chart(&rendered(hours(), "timechart", &[]));
    assert_eq!((timed.x_title.as_str(), timed.y_title.as_str()), ("TimeGenerated", "count_"));
    assert_eq!(timed.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["vm01", "vm02"]);
    let bars = chart(&rendered(systems(), "columnchart", &[]));
    assert_eq!(bars.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["Count", "Failed"]);
    let last = result(&[("n", Type::Long), ("k", Type::String)], vec![vec![Val::Long(2), Val::str("a")]]);
    assert_eq!(chart(&rendered(last, "barchart", &[])).x, XValues::Categories(vec!["a".to_string()]));
    let xy = result(&[("x", Type::Real), ("y", Type::Real)], vec![vec![Val::Real(0.5), Val::Real(2.0)]]);
    assert_eq!(chart(&rendered(xy, "scatterchart", &[])).series[0].points, [(0.5, 2.0)]);
}

#[test]
fn with_overrides_the_columns() {
    let given = [("xcolumn", "Failed"), ("ycolumns", "Count"), ("series", "OS"), ("xtitle", "f"), ("ytitle", "c")];
    let chart = chart(&rendered(systems(), "scatterchart", &given));
    assert_eq!((chart.x_title.as_str(), chart.y_title.as_str()), ("f", "c"));
    assert_eq!(chart.series[1].points, [(15.0, 60.0)]);
    assert_eq!(chart.series[1].name, "Linux");
}

#[test]
fn accumulate_adds_up() {
    let rows = vec![vec![Val::Long(2), Val::Long(5)], vec![Val::Long(1), Val::Long(3)]];
    let xy = result(&[("x", Type::Long), ("y", Type::Long)], rows);
    let chart = chart(&rendered(xy, "linechart", &[("accumulate", "true")]));
    assert_eq!(chart.series[0].points, [(1.0, 3.0), (2.0, 8.0)]);
}

#[test]
fn log_axes_leave_out_what_has_no_logarithm() {
    let rows =
        vec![vec![Val::Long(0), Val::Long(5)], vec![Val::Long(10), Val::Long(-3)], vec![Val::Long(9), Val::Long(9)]];
    let xy = result(&[("x", Type::Long), ("y", Type::Long)], rows);
    let chart = chart(&rendered(xy, "linechart", &[("xaxis", "log"), ("yaxis", "log")]));
    assert_eq!(chart.series[0].points, [(9.0, 9.0)]);
}

/// As make-series answers; whether times are typed or text.
fn series(typed: bool) -> QueryResult {
    let times = ["2026-03-14T00:00:00Z", "2026-03-14T01:00:00Z", "2026-03-14T02:00:00Z"];
    let at = |text: &&str| match time(text) {
        Val::DateTime(ticks) if typed => Dynamic::DateTime(ticks),
        _ => Dynamic::String(text.to_string()),
    };
    let times = Val::dynamic(&Dynamic::Array(times.iter().map(at).collect()));
    let columns = [("EventID", Type::Int), ("count_", Type::Dynamic), ("TimeGenerated", Type::Dynamic)];
    let row = |id: i32, counts: &str| vec![Val::Int(id), json(counts), times.clone()];
    result(&columns, vec![row(4624, "[1,2,3]"), row(4625, "[0,null,5,9]")])
}

#[test]
fn series_are_unrolled() {
    for typed in [true, false] {
        let chart = chart(&rendered(series(typed), "timechart", &[]));
        assert_eq!(chart.x, XValues::Time);
        assert_eq!(chart.series[0].name, "4624");
        assert_eq!(chart.series[1].points.len(), 2, "neither null nor a value without time");
        assert_eq!(chart.series[0].points[1], (1_773_450_000.0, 2.0));
    }
}

#[test]
fn anomalies_are_marks_on_the_line() {
    let columns = [("t", Type::DateTime), ("y", Type::Long), ("odd", Type::Long)];
    let row = |at: &str, y: i64, odd: i64| vec![time(at), Val::Long(y), Val::Long(odd)];
    let rows = vec![row("2026-03-14", 1, 0), row("2026-03-15", 90, 1), row("2026-03-16", 2, 0)];
    let chart = chart(&rendered(result(&columns, rows), "anomalychart", &[("anomalycolumns", "odd")]));
    assert_eq!(chart.series.len(), 2);
    assert!(chart.series[1].marks);
    assert_eq!(chart.series[1].points.len(), 1);
}

fn check_xml(text: &str) {
    roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
}

#[test]
fn svg_is_well_formed() {
    for kind in KINDS.iter().take(10) {
        for stacking in ["default", "stacked", "stacked100"] {
            let nasty = [("title", "a < b & \"c\" \u{1b}[31m"), ("kind", stacking), ("ytitle", "<script>")];
            for data in [hours(), systems(), one_value()] {
                check_xml(&svg(&rendered(data, kind, &nasty)).unwrap());
            }
        }
    }
    assert!(svg(&rendered(systems(), "table", &[])).is_err());
}

#[test]
fn html_holds_chart_and_rows() {
    let rows = vec![vec![Val::str("<img src=x onerror=alert(1)>"), Val::Long(1)]];
    let page = html(&rendered(result(&[("k", Type::String), ("n", Type::Long)], rows), "barchart", &[])).unwrap();
    assert!(page.contains("<svg") && page.contains("&lt;img src=x"));
    assert!(!page.contains("<img") && !page.contains("href=\"http"));
    assert!(html(&rendered(all_types(), "table", &[])).unwrap().contains("2 rows"));
}

#[test]
fn files_by_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    write_chart(&rendered(hours(), "timechart", &[]), &folder.path().join("a.svg")).unwrap();
    write_chart(&hours(), &folder.path().join("a.HTML")).unwrap();
    check_xml(&std::fs::read_to_string(folder.path().join("a.svg")).unwrap());
    let error = write_chart(&hours(), &folder.path().join("a.png")).unwrap_err().to_string();
    assert!(error.ends_with("a.png: a chart is written as .svg or .html"), "{error}");
}

/// Results that a chart may choke on.
fn odd_results() -> Vec<QueryResult> {
    let real = [("x", Type::Real), ("y", Type::Real)];
    let reals =
        |points: &[(f64, f64)]| result(&real, points.iter().map(|(x, y)| vec![Val::Real(*x), Val::Real(*y)]).collect());
    let many = (0..3_000).map(|i| vec![Val::str(format!("name {i}")), Val::Long(i % 7 - 3)]).collect();
    vec![
        QueryResult { columns: Vec::new(), batches: Vec::new(), render: None },
        result(&real, Vec::new()),
        result(&real, vec![vec![Val::Null, Val::Null], vec![Val::Null, Val::Null]]),
        all_types(),
        reals(&[(f64::NAN, 1.0), (1.0, f64::INFINITY), (f64::NEG_INFINITY, f64::NAN)]),
        reals(&[(f64::MAX, f64::MIN), (f64::MIN, f64::MAX), (0.0, 0.0)]),
        reals(&[(1e-320, 5e-324), (0.0, -0.0), (-0.0, 0.0)]),
        reals(&[(3.0, 9.0)]),
        reals(&[(1e15, 1e15 + 1.0), (1e15 + 1.0, 1e15)]),
        result(
            &[("t", Type::DateTime), ("y", Type::Long)],
            vec![
                vec![Val::DateTime(i64::MIN), Val::Long(i64::MIN)],
                vec![Val::DateTime(i64::MAX), Val::Long(i64::MAX)],
            ],
        ),
        result(
            &[("t", Type::Timespan), ("y", Type::Decimal)],
            vec![
                vec![Val::Timespan(i64::MIN), Val::Decimal(i128::MIN)],
                vec![Val::Timespan(0), Val::Decimal(i128::MAX)],
            ],
        ),
        result(&[("k", Type::String), ("y", Type::Long)], many),
        result(&[("k", Type::String), ("y", Type::Long)], vec![vec![Val::str(""), Val::Long(-5)]]),
        result(&[("only", Type::String)], vec![vec![Val::str("x")]]),
        result(&[("d", Type::Dynamic)], vec![vec![json("[1,2,\"x\",null,{}]")], vec![json("{}")]]),
        series(true),
    ]
}

#[test]
fn nothing_is_too_odd_to_draw() {
    let properties: [&[(&str, &str)]; 4] = [
        &[],
        &[("kind", "stacked"), ("legend", "hidden"), ("accumulate", "true"), ("ymin", "5"), ("ymax", "-5")],
        &[("kind", "stacked100"), ("ymin", "NaN"), ("xcolumn", "no such"), ("ycolumns", "x,,y")],
        &[("yaxis", "log"), ("xaxis", "log"), ("ymin", "0"), ("ymax", "1e308")],
    ];
    for odd in odd_results() {
        for kind in KINDS {
            for properties in properties {
                let chart = rendered(odd.clone(), kind, properties);
                for (width, color) in [(0, false), (70, true), (5_000, false)] {
                    terminal(&chart, width, color);
                }
                if let Ok(svg) = svg(&chart) {
                    check_xml(&svg);
                }
                html(&chart).unwrap();
            }
        }
    }
}

/// Writes examples to look at into the folder that `PICQUET_CHARTS` names.
#[test]
#[ignore = "writes files to look at"]
fn gallery() {
    let folder = std::path::PathBuf::from(std::env::var("PICQUET_CHARTS").unwrap());
    for kind in KINDS.iter().take(10) {
        for (name, data) in [("hours", hours()), ("systems", systems())] {
            let chart = rendered(data, kind, &[("title", kind), ("kind", "stacked")]);
            write_chart(&chart, &folder.join(format!("{kind}-{name}.svg"))).unwrap();
        }
    }
}
