//! From rows to series of points.

use std::collections::{BTreeMap, HashMap};

use kql_engine::QueryResult;
use kql_functions::{DECIMAL_SCALE, Dynamic, Type, Val, text};

use super::columns::Roles;
use super::options::{Kind, Options, Stacking};
use crate::output::{cell_text, clean};

/// More series than this nobody can tell apart.
pub(super) const MAX_SERIES: usize = 12;
const MAX_SLICES: usize = 12;
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;
const TICKS_PER_SECOND: f64 = 1e7;
/// Keeps differences of values finite.
const LARGEST: f64 = 1e300;

/// What to draw of a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Drawing {
    Chart(Chart),
    /// Names and values of the first row.
    Card {
        title: String,
        fields: Vec<(String, String)>,
    },
    /// Nothing that a chart could show.
    Table,
}

/// What x values are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum XValues {
    /// Seconds since 1970.
    Time,
    Number {
        log: bool,
    },
    /// Positions in this list.
    Categories(Vec<String>),
}

/// A chart's data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub kind: Kind,
    pub stacking: Stacking,
    pub title: String,
    pub x_title: String,
    pub y_title: String,
    pub x: XValues,
    pub series: Vec<Series>,
    pub legend: bool,
    pub y_log: bool,
    pub y_min: Option<f64>,
    pub y_max: Option<f64>,
    /// What is not drawn.
    pub notes: Vec<String>,
}

/// A named list of points, by x.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    /// Marks on another series rather than a line.
    pub marks: bool,
}

/// Reads a result as its `render` says.
pub(super) fn extract(result: &QueryResult) -> Drawing {
    let options = Options::of(result);
    match options.kind {
        Kind::Table => return Drawing::Table,
        Kind::Card => return card(result, options),
        _ => {}
    }
    let roles = Roles::choose(result, &options);
    if roles.y.is_empty() {
        return Drawing::Table;
    }
    let mut collector = Collector::new(result, &options, &roles);
    for (number, row) in result.rows().enumerate() {
        if roles.arrays {
            collector.add_arrays(&row);
        } else {
            collector.add_row(&row, number);
        }
    }
    Drawing::Chart(collector.finish())
}

fn card(result: &QueryResult, options: Options) -> Drawing {
    let Some(row) = result.rows().next() else { return Drawing::Table };
    let fields = result
        .columns
        .iter()
        .zip(&row)
        .map(|((name, _), value)| (clean(name).into_owned(), clean(cell_text(value).as_ref()).into_owned()))
        .collect();
    Drawing::Card { title: clean(&options.title).into_owned(), fields }
}

struct Collector<'a> {
    result: &'a QueryResult,
    options: &'a Options,
    roles: &'a Roles,
    categories: Option<Categories>,
    series: Vec<Series>,
    by_name: HashMap<String, usize>,
}

#[derive(Default)]
struct Categories {
    labels: Vec<String>,
    /// What they sort by, where they are times or numbers.
    keys: Vec<Option<f64>>,
    by_label: HashMap<String, usize>,
}

impl Categories {
    fn position(&mut self, label: String, key: Option<f64>) -> usize {
        *self.by_label.entry(label).or_insert_with_key(|label| {
            self.labels.push(label.clone());
            self.keys.push(key);
            self.labels.len() - 1
        })
    }

    /// Labels in their order, and where each old position went.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        if self.keys.iter().all(Option::is_some) {
            order.sort_by(|a, b| self.keys[*a].unwrap_or(0.0).total_cmp(&self.keys[*b].unwrap_or(0.0)));
        }
        let mut moved = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            moved[*old] = new;
        }
        (order.iter().map(|old| self.labels[*old].clone()).collect(), moved)
    }
}

impl<'a> Collector<'a> {
    fn new(result: &'a QueryResult, options: &'a Options, roles: &'a Roles) -> Collector<'a> {
        let x_type = roles.x.and_then(|x| result.columns.get(x)).map(|(_, ty)| *ty);
        let range = roles.arrays
            || match x_type {
                None => !options.kind.is_bars(),
                Some(ty) => {
                    !options.kind.is_bars() && (ty.is_number() || matches!(ty, Type::DateTime | Type::Timespan))
                }
            };
        let categories = if range { None } else { Some(Categories::default()) };
        Collector { result, options, roles, categories, series: Vec::new(), by_name: HashMap::new() }
    }

    fn add_row(&mut self, row: &[Val<'_>], number: usize) {
        let x_value = self.roles.x.and_then(|x| row.get(x));
        let x = match &mut self.categories {
            Some(categories) => {
                let label = match x_value {
                    Some(Val::DateTime(ticks)) => short_datetime(*ticks),
                    Some(value) => clean(cell_text(value).as_ref()).into_owned(),
                    None => String::new(),
                };
                let label = if label.is_empty() { "(empty)".to_string() } else { label };
                Some(categories.position(label, x_value.and_then(number_of)) as f64)
            }
            None if self.roles.x.is_none() => Some(number as f64),
            None => x_value.and_then(number_of),
        };
        let Some(x) = x else { return };
        let group = self.group(row);
        for column in &self.roles.y {
            if let Some(y) = row.get(*column).and_then(number_of) {
                self.push(&group, *column, x, y, false);
            }
        }
        for column in &self.roles.anomalies {
            let flagged = row.get(*column).and_then(number_of).is_some_and(|flag| flag != 0.0);
            let y = self.roles.y.first().and_then(|y| row.get(*y)).and_then(number_of);
            if let (true, Some(y)) = (flagged, y) {
                self.push(&group, *column, x, y, true);
            }
        }
    }

    fn add_arrays(&mut self, row: &[Val<'_>]) {
        let array = |column: usize| match row.get(column).map(Val::to_tree) {
            Some(Dynamic::Array(items)) => items.iter().map(number_in).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let xs = self.roles.x.map(array);
        let x_at = |i: usize| match &xs {
            Some(xs) => xs.get(i).copied().flatten(),
            None => Some(i as f64),
        };
        let group = self.group(row);
        let mut first = Vec::new();
        for column in &self.roles.y {
            let ys = array(*column);
            for (i, y) in ys.iter().enumerate() {
                if let (Some(x), Some(y)) = (x_at(i), y) {
                    self.push(&group, *column, x, *y, false);
                }
            }
            if first.is_empty() {
                first = ys;
            }
        }
        for column in &self.roles.anomalies {
            for (i, flag) in array(*column).into_iter().enumerate() {
                let y = first.get(i).copied().flatten();
                if let (Some(x), Some(y), true) = (x_at(i), y, flag.is_some_and(|flag| flag != 0.0)) {
                    self.push(&group, *column, x, y, true);
                }
            }
        }
    }

    fn group(&self, row: &[Val<'_>]) -> String {
        let texts: Vec<String> = self
            .roles
            .series
            .iter()
            .filter_map(|column| row.get(*column))
            .map(|value| clean(cell_text(value).as_ref()).into_owned())
            .collect();
        let name = texts.join(", ");
        if name.is_empty() && !texts.is_empty() { "(empty)".to_string() } else { name }
    }

    fn push(&mut self, group: &str, column: usize, x: f64, y: f64, marks: bool) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        let column = self.result.columns.get(column).map_or("", |(name, _)| name);
        let name = match (group.is_empty(), self.roles.y.len() > 1 || marks) {
            (true, _) => clean(column).into_owned(),
            (false, true) => format!("{group}: {}", clean(column)),
            (false, false) => group.to_string(),
        };
        let series = &mut self.series;
        let index = *self.by_name.entry(name).or_insert_with_key(|name| {
            series.push(Series { name: name.clone(), points: Vec::new(), marks });
            series.len() - 1
        });
        self.series[index].points.push((x.clamp(-LARGEST, LARGEST), y.clamp(-LARGEST, LARGEST)));
    }

    fn finish(self) -> Chart {
        let Collector { result, options, roles, categories, mut series, .. } = self;
        let x_column = roles.x.and_then(|x| result.columns.get(x));
        let is_time = match x_column {
            Some((_, Type::DateTime)) => true,
            _ => roles.times,
        };
        let x = match categories {
            Some(categories) => {
                let (labels, moved) = categories.sorted();
                for one in &mut series {
                    merge_categories(one, &moved);
                }
                XValues::Categories(labels)
            }
            None if is_time => XValues::Time,
            None => XValues::Number { log: options.x_log },
        };
        if options.kind != Kind::Scatter {
            for one in &mut series {
                one.points.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
        if options.accumulate {
            for one in series.iter_mut().filter(|one| !one.marks) {
                let mut total = 0.0;
                for (_, y) in &mut one.points {
                    total = (total + *y).clamp(-LARGEST, LARGEST);
                    *y = total;
                }
            }
        }
        if matches!(x, XValues::Number { log: true }) {
            series.iter_mut().for_each(|one| one.points.retain(|(x, _)| *x > 0.0));
        }
        let column_name = |column: usize| result.columns.get(column).map_or("", |(name, _)| name.as_str());
        let only_y = match roles.y.as_slice() {
            [one] if !roles.series.is_empty() || roles.x.is_some() => column_name(*one),
            _ => "",
        };
        let title_or = |given: &str, default: &str| clean(if given.is_empty() { default } else { given }).into_owned();
        let mut chart = Chart {
            kind: options.kind,
            stacking: options.stacking,
            title: clean(&options.title).into_owned(),
            x_title: title_or(&options.x_title, x_column.map_or("", |(name, _)| name)),
            y_title: title_or(&options.y_title, only_y),
            x,
            series,
            legend: options.legend,
            y_log: options.y_log && options.stacking == Stacking::Beside && options.kind != Kind::Pie,
            y_min: options.y_min,
            y_max: options.y_max,
            notes: Vec::new(),
        };
        chart.limit();
        chart
    }
}

/// One point a category: values of the same category add up.
fn merge_categories(series: &mut Series, moved: &[usize]) {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (x, y) in &series.points {
        let position = moved.get(*x as usize).copied().unwrap_or(0);
        let sum = sums.entry(position).or_insert(0.0);
        *sum = (*sum + y).clamp(-LARGEST, LARGEST);
    }
    series.points = sums.into_iter().map(|(x, y)| (x as f64, y)).collect();
}

impl Chart {
    fn limit(&mut self) {
        if self.y_log {
            self.series.iter_mut().for_each(|one| one.points.retain(|(_, y)| *y > 0.0));
        }
        if self.kind == Kind::Pie {
            self.limit_slices();
        }
        if self.series.len() > MAX_SERIES {
            self.notes.push(format!("{} more series are not drawn", self.series.len() - MAX_SERIES));
            self.series.truncate(MAX_SERIES);
        }
    }

    /// A pie shows one series, positive values only, and gathers its smallest slices.
    fn limit_slices(&mut self) {
        let XValues::Categories(labels) = &mut self.x else { return };
        if self.series.len() > 1 {
            self.notes.push(format!("a pie shows one column: {}", self.series[0].name));
            self.series.truncate(1);
        }
        let Some(series) = self.series.first_mut() else { return };
        let all = series.points.len();
        let mut slices: Vec<(String, f64)> = series
            .points
            .iter()
            .filter(|(_, y)| *y > 0.0)
            .map(|(x, y)| (labels.get(*x as usize).cloned().unwrap_or_default(), *y))
            .collect();
        if slices.len() < all {
            self.notes.push(format!("{} values that are not positive are not drawn", all - slices.len()));
        }
        slices.sort_by(|a, b| b.1.total_cmp(&a.1));
        if slices.len() > MAX_SLICES {
            let rest = slices.split_off(MAX_SLICES - 1);
            let sum = rest.iter().map(|(_, y)| *y).sum::<f64>().min(LARGEST);
            slices.push((format!("{} others", rest.len()), sum));
        }
        series.points = slices.iter().enumerate().map(|(i, (_, y))| (i as f64, *y)).collect();
        *labels = slices.into_iter().map(|(label, _)| label).collect();
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|one| one.points.is_empty())
    }

    /// Whether series need telling apart.
    pub fn shows_legend(&self) -> bool {
        self.legend && self.series.len() > 1
    }
}

/// A value on an axis: datetimes in seconds since 1970, timespans in seconds.
fn number_of(value: &Val<'_>) -> Option<f64> {
    match value {
        Val::DateTime(ticks) => Some(seconds_of(*ticks)),
        Val::Timespan(ticks) => Some(*ticks as f64 / TICKS_PER_SECOND),
        Val::Dynamic(_) => number_in(&value.to_tree()),
        other => other.as_f64().filter(|v| v.is_finite()),
    }
}

fn number_in(tree: &Dynamic) -> Option<f64> {
    match tree {
        Dynamic::Long(v) => Some(*v as f64),
        Dynamic::Real(v) => Some(*v).filter(|v| v.is_finite()),
        Dynamic::Decimal(v) => Some(*v as f64 / 10f64.powi(DECIMAL_SCALE as i32)),
        Dynamic::DateTime(ticks) => Some(seconds_of(*ticks)),
        Dynamic::Timespan(ticks) => Some(*ticks as f64 / TICKS_PER_SECOND),
        Dynamic::String(s) => text::parse_datetime(s).map(seconds_of),
        _ => None,
    }
}

fn seconds_of(ticks: i64) -> f64 {
    ticks.saturating_sub(UNIX_EPOCH_TICKS) as f64 / TICKS_PER_SECOND
}

/// `2026-03-14 05:00`, or only the day where the time is midnight.
fn short_datetime(ticks: i64) -> String {
    let full = text::datetime(ticks);
    let (day, time) = full.trim_end_matches('Z').split_once('T').unwrap_or((&full, ""));
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let fraction = fraction.trim_end_matches('0');
    match clock.strip_suffix(":00") {
        _ if !fraction.is_empty() => format!("{day} {clock}.{fraction}"),
        Some("00:00") => day.to_string(),
        Some(minutes) => format!("{day} {minutes}"),
        None => format!("{day} {clock}"),
    }
}
