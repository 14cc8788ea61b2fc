//! The items of `project`, `extend`, `print`, `summarize`: names, values, and functions that give several columns.

use kql_functions::catalogue::Catalogue;
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, NamedExpr};

use super::naming::{is_lookup, name_of, sorted_name, unique};
use super::summarize::default_name;
use super::{Binder, Env, Row};
use crate::bound::{Column, Expr, ExprKind};

/// A column to be.
pub(super) struct Item {
    /// The name on the left of `=`.
    pub(super) given: Option<String>,
    /// The name that the expression lends.
    pub(super) implied: Option<String>,
    /// The item is a column or variable by its name alone.
    pub(super) plain: bool,
    /// Its value.
    pub(super) value: Expr,
    /// It is one of the columns of a call that gives several.
    pub(super) spread: bool,
    /// Where it stands.
    pub(super) span: Span,
    /// Which item of the query it comes from.
    pub(super) index: usize,
}

impl Binder<'_> {
    /// Binds `name = value` items whose values see the input's row.
    pub(super) fn items(&mut self, items: &[NamedExpr], row: Row<'_>, env: &Env) -> Vec<Item> {
        let mut bound = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some(columns) = self.several(&item.value, row, env) {
                self.spread(item, index, columns, &mut bound);
                continue;
            }
            let value = self.scalar(&item.value, row, env);
            if item.names.len() > 1 && !matches!(value.kind, ExprKind::Error) {
                self.error("KS149", item.value.span, "The expression does not have multiple named values.");
            }
            // A column that is not there lends no name.
            let there = |name: &String| row.columns.iter().any(|c| c.name == *name);
            let implied = sorted_name(&item.value).or_else(|| name_of(&item.value));
            let implied = implied.filter(|name| !is_lookup(&item.value) || row.open || there(name));
            bound.push(Item {
                given: item.names.first().map(|n| n.text.clone()),
                implied,
                plain: matches!(item.value.kind, ast::ExprKind::Name(_)),
                value,
                spread: false,
                span: item.span,
                index,
            });
        }
        bound
    }

    /// Items for the columns of one call. Where names are given, only the named columns are there.
    fn spread(&mut self, item: &NamedExpr, index: usize, columns: Vec<(String, Expr)>, bound: &mut Vec<Item>) {
        for surplus in item.names.iter().skip(columns.len()) {
            self.error("KS150", surplus.span, "The name does not have a corresponding expression.");
        }
        let count = if item.names.is_empty() { columns.len() } else { item.names.len() };
        for (i, (name, value)) in columns.into_iter().take(count).enumerate() {
            let given = item.names.get(i).map(|n| n.text.clone());
            bound.push(Item { given, implied: Some(name), plain: false, value, spread: true, span: item.span, index });
        }
    }

    /// The columns of a call that gives several, with the names that Kusto gives them.
    pub(super) fn several(&mut self, value: &ast::Expr, row: Row<'_>, env: &Env) -> Option<Vec<(String, Expr)>> {
        let (name, args) = several_call(value, env)?;
        let whole = self.whole(value, row, env)?;
        let base = |i: usize| args.get(i).and_then(|a| default_name(&a.value));
        let outputs: Vec<(String, Type)> = match name.text.as_str() {
            "array_sort_asc" | "array_sort_desc" => array_args(args)
                .map(|i| (format!("{}_sorted", base(i).unwrap_or(format!("array{i}"))), Type::Dynamic))
                .collect(),
            function => {
                let prefix = format!("{function}_{}", base(0).unwrap_or_default());
                columns_of(function)?.iter().map(|(suffix, ty)| (format!("{prefix}_{suffix}"), *ty)).collect()
            }
        };
        let span = value.span;
        let columns = outputs.into_iter().enumerate().map(|(i, (name, ty))| {
            let column = match &whole.kind {
                ExprKind::Error => Expr { kind: ExprKind::Error, ty, span },
                _ => {
                    let at = Expr::constant(Val::Long(i as i64), Type::Long, span);
                    let member = self.call("[]", vec![whole.clone(), at], Type::Dynamic, span);
                    self.convert(member, ty)
                }
            };
            (name, column)
        });
        Some(columns.collect())
    }

    /// A call that gives several columns, as an array of them: what an index on it sees.
    pub(super) fn whole(&mut self, value: &ast::Expr, row: Row<'_>, env: &Env) -> Option<Expr> {
        let (name, args) = several_call(value, env)?;
        let spec = Catalogue::get().function(&name.text)?;
        Some(self.catalogue_call(spec, args, true, row, env, value.span))
    }

    /// The first of several columns, which is what a place for one value takes.
    pub(super) fn first_column(&mut self, function: &str, whole: Expr) -> Expr {
        let span = whole.span;
        let ty = columns_of(function).and_then(|c| c.first()).map_or(Type::Dynamic, |(_, ty)| *ty);
        let at = Expr::constant(Val::Long(0), Type::Long, span);
        let member = self.call("[]", vec![whole, at], Type::Dynamic, span);
        self.convert(member, ty)
    }
}

/// The names of one operator's columns.
#[derive(Default)]
pub(super) struct Names {
    /// Names that the query wrote; they may not be written twice.
    written: Vec<String>,
    unnamed: usize,
}

impl Names {
    /// The name of an item's column beside those of `taken`, or the name that is declared already. A name that the
    /// expression lends gives way to others.
    pub(super) fn of(&mut self, item: &Item, taken: &[Column]) -> Result<String, String> {
        let name = match (&item.given, &item.implied) {
            (Some(name), _) => name,
            (None, Some(name)) if item.plain => name,
            (None, Some(name)) => return Ok(unique(name, taken)),
            (None, None) => return Ok(self.unnamed(taken)),
        };
        if self.written.contains(name) {
            return Err(name.clone());
        }
        self.written.push(name.clone());
        Ok(unique(name, taken))
    }

    /// The name of an item's column that takes the place of one of that name.
    pub(super) fn replacing(&mut self, item: &Item, taken: &[Column]) -> Result<String, String> {
        match (&item.given, &item.implied) {
            (None, Some(name)) if !item.plain => Ok(name.clone()),
            (None, None) => Ok(self.unnamed(taken)),
            _ => {
                let name = self.of(item, &[])?;
                Ok(name)
            }
        }
    }

    /// `Column1` and so on.
    pub(super) fn unnamed(&mut self, taken: &[Column]) -> String {
        loop {
            self.unnamed += 1;
            let name = format!("Column{}", self.unnamed);
            if !taken.iter().any(|c| c.name == name) {
                return name;
            }
        }
    }
}

/// Kusto's words for a name that is written twice.
pub(super) fn already_declared(name: &str) -> String {
    format!("A column with the name '{name}' is already declared.")
}

/// A call of a built-in function that gives several columns.
fn several_call<'e>(value: &'e ast::Expr, env: &Env) -> Option<(&'e ast::Name, &'e [ast::Arg])> {
    match &value.kind {
        ast::ExprKind::Call { name, args }
            if gives_several(&name.text, array_args(args).count()) && env.find(&name.text).is_none() =>
        {
            Some((name, args))
        }
        ast::ExprKind::Paren(inner) => several_call(inner, env),
        _ => None,
    }
}

/// Positions of the arguments that are arrays, not flags.
fn array_args(args: &[ast::Arg]) -> impl Iterator<Item = usize> {
    let is_flag = |arg: &ast::Arg| matches!(arg.value.kind, ast::ExprKind::Literal(ast::Literal::Bool(_)));
    args.iter().enumerate().filter(move |(_, arg)| !is_flag(arg)).map(|(i, _)| i)
}

/// Whether a function gives several columns when it is called on so many arrays.
pub(super) fn gives_several(function: &str, arrays: usize) -> bool {
    match function {
        "array_sort_asc" | "array_sort_desc" => arrays > 1,
        function => columns_of(function).is_some(),
    }
}

/// The columns of a function: the ends of their names, and their types.
fn columns_of(function: &str) -> Option<&'static [(&'static str, Type)]> {
    const REAL: Type = Type::Real;
    const LONG: Type = Type::Long;
    const ARRAY: Type = Type::Dynamic;
    Some(match function {
        "series_stats" => &[
            ("min", REAL),
            ("min_idx", LONG),
            ("max", REAL),
            ("max_idx", LONG),
            ("avg", REAL),
            ("stdev", REAL),
            ("variance", REAL),
        ],
        "series_fit_line" => &[
            ("rsquare", REAL),
            ("slope", REAL),
            ("variance", REAL),
            ("rvariance", REAL),
            ("interception", REAL),
            ("line_fit", ARRAY),
        ],
        "series_fit_2lines" => &[
            ("rsquare", REAL),
            ("split_idx", LONG),
            ("variance", REAL),
            ("rvariance", REAL),
            ("line_fit", ARRAY),
            ("right_rsquare", REAL),
            ("right_slope", REAL),
            ("right_interception", REAL),
            ("right_variance", REAL),
            ("right_rvariance", REAL),
            ("left_rsquare", REAL),
            ("left_slope", REAL),
            ("left_interception", REAL),
            ("left_variance", REAL),
            ("left_rvariance", REAL),
        ],
        "series_fit_poly" => {
            &[("rsquare", REAL), ("coefficients", ARRAY), ("variance", REAL), ("rvariance", REAL), ("poly_fit", ARRAY)]
        }
        "series_fft" | "series_ifft" => &[("real", ARRAY), ("imag", ARRAY)],
        "series_decompose" => &[("baseline", ARRAY), ("seasonal", ARRAY), ("trend", ARRAY), ("residual", ARRAY)],
        "series_decompose_anomalies" => &[("ad_flag", ARRAY), ("ad_score", ARRAY), ("baseline", ARRAY)],
        "series_periods_detect" | "series_periods_validate" => &[("periods", ARRAY), ("scores", ARRAY)],
        _ => return None,
    })
}
