//! Which column is x, which are y, and which name the series.

use kql_engine::QueryResult;
use kql_functions::{Dynamic, Type, Val};

use super::options::{Kind, Options};

/// The columns by role, as positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Roles {
    pub x: Option<usize>,
    pub y: Vec<usize>,
    pub series: Vec<usize>,
    pub anomalies: Vec<usize>,
    /// Every row is a whole series (as make-series answers): x and y are arrays.
    pub arrays: bool,
    /// The x arrays hold times.
    pub times: bool,
}

impl Roles {
    /// As `with (…)` says, and where it is silent, as Kusto chooses.
    pub fn choose(result: &QueryResult, options: &Options) -> Roles {
        let columns = &result.columns;
        let find = |name: &String| columns.iter().position(|(column, _)| column == name);
        let anomalies: Vec<usize> = options.anomaly_columns.iter().filter_map(find).collect();
        let arrays: Vec<(usize, ArrayOf)> =
            (0..columns.len()).filter_map(|i| array_kind(result, i).map(|kind| (i, kind))).collect();
        let named_x = options.x_column.as_ref().and_then(find);
        let is_array = |i: usize| arrays.iter().any(|(array, _)| *array == i);
        let unrolled = !options.kind.is_bars()
            && match named_x {
                Some(x) => is_array(x),
                None => {
                    let has = |wanted: fn(Type) -> bool| columns.iter().any(|(_, ty)| wanted(*ty));
                    let timed = arrays.iter().any(|(_, kind)| *kind == ArrayOf::Times);
                    !arrays.is_empty() && (!has(Type::is_number) || timed && !has(|ty| ty == Type::DateTime))
                }
            };

        let x = named_x.or_else(|| if unrolled { array_x(&arrays) } else { default_x(columns, options) });
        let named_y: Vec<usize> = options.y_columns.iter().filter_map(find).collect();
        let y = if !named_y.is_empty() {
            named_y
        } else if unrolled {
            let numbers = arrays.iter().filter(|(_, kind)| *kind == ArrayOf::Numbers).map(|(i, _)| *i);
            numbers.filter(|i| Some(*i) != x && !anomalies.contains(i)).collect()
        } else {
            let of = |wanted: fn(Type) -> bool| -> Vec<usize> {
                (0..columns.len())
                    .filter(|i| wanted(columns[*i].1) && Some(*i) != x && !anomalies.contains(i))
                    .collect()
            };
            let numbers = of(Type::is_number);
            if numbers.is_empty() { of(|ty| ty == Type::Timespan) } else { numbers }
        };
        let named_series: Vec<usize> = options.series.iter().filter_map(find).collect();
        let series = if !named_series.is_empty() {
            named_series
        } else if options.kind == Kind::Pie {
            Vec::new()
        } else {
            (0..columns.len())
                .filter(|i| names_series(columns[*i].1) || unrolled && columns[*i].1.is_number())
                .filter(|i| Some(*i) != x && !y.contains(i))
                .collect()
        };
        let times = unrolled && arrays.iter().any(|(i, kind)| Some(*i) == x && *kind == ArrayOf::Times);
        Roles { x, y, series, anomalies, arrays: unrolled, times }
    }
}

fn names_series(ty: Type) -> bool {
    matches!(ty, Type::String | Type::Guid | Type::Bool)
}

fn continuous(ty: Type) -> bool {
    ty.is_number() || matches!(ty, Type::DateTime | Type::Timespan)
}

fn default_x(columns: &[(String, Type)], options: &Options) -> Option<usize> {
    let first = |wanted: fn(Type) -> bool| columns.iter().position(|(_, ty)| wanted(*ty));
    let datetime = || first(|ty| ty == Type::DateTime);
    if options.kind.is_bars() {
        let numbers = columns.iter().filter(|(_, ty)| ty.is_number()).count();
        let head = columns.first().map(|(_, ty)| *ty)?;
        // The only number is what to draw, wherever it stands.
        let head_is_value = head.is_number() && numbers == 1;
        let other = || first(|ty| !ty.is_number() && ty != Type::Dynamic);
        return if head_is_value { other() } else { Some(0) };
    }
    let head = columns.first().map(|(_, ty)| *ty)?;
    // A single number is y, not x.
    let spare = columns.iter().filter(|(_, ty)| ty.is_number()).count() > 1 || !head.is_number();
    if continuous(head) && spare && !(options.time_first && datetime().is_some()) {
        return Some(0);
    }
    let number = || if spare { first(Type::is_number) } else { None };
    datetime().or_else(|| first(names_series)).or_else(number)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArrayOf {
    Times,
    Numbers,
}

fn array_x(arrays: &[(usize, ArrayOf)]) -> Option<usize> {
    let times = arrays.iter().find(|(_, kind)| *kind == ArrayOf::Times);
    // Without times the first of several arrays is x; a single one is drawn over its positions.
    times.or(if arrays.len() > 1 { arrays.first() } else { None }).map(|(i, _)| *i)
}

/// What the arrays of a dynamic column hold, by the first one that holds anything.
fn array_kind(result: &QueryResult, column: usize) -> Option<ArrayOf> {
    if result.columns.get(column).map(|(_, ty)| *ty) != Some(Type::Dynamic) {
        return None;
    }
    result.rows().take(100).find_map(|row| match row.get(column).map(Val::to_tree) {
        Some(Dynamic::Array(items)) => items.iter().find_map(element_kind),
        _ => None,
    })
}

fn element_kind(item: &Dynamic) -> Option<ArrayOf> {
    match item {
        Dynamic::DateTime(_) => Some(ArrayOf::Times),
        Dynamic::String(s) if kql_functions::text::parse_datetime(s).is_some() => Some(ArrayOf::Times),
        Dynamic::Long(_) | Dynamic::Real(_) | Dynamic::Decimal(_) | Dynamic::Timespan(_) => Some(ArrayOf::Numbers),
        _ => None,
    }
}
