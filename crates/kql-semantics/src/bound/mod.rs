//! The typed tree: every name resolved, every conversion explicit.
//!
//! Columns are known by [`ColumnId`], unique within a query, so that renaming, shadowing and self-joins need no care
//! further down.

mod external;
mod graph;
mod stage;

use kql_functions::{Type, Val};
use kql_syntax::Span;

pub use external::{External, ExternalData, InferenceMode, StorageFiles};
pub use graph::{Components, Cycles, Ends, Fold, GraphMatch, Mapped, NodeFacts, Shortest, Slot, Step};
pub use stage::{PluginCall, Reduce, Scan, ScanOutput, ScanStep, Stage};

/// Identity of a column within one bound query.
pub type ColumnId = u32;

/// A column of a relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its identity.
    pub id: ColumnId,
    /// Its name at this place of the query.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A scalar expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Type of its value.
    pub ty: Type,
    /// Where it stands in the query text.
    pub span: Span,
}

/// Kinds of scalar expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Const(Val<'static>),
    /// A column of the input.
    Column(ColumnId),
    /// A function or operator of the catalogue (operators by their text, as `+` or `has`).
    Call {
        /// Its name.
        function: String,
        /// Its arguments, converted to what it takes.
        args: Vec<Expr>,
    },
    /// Conversion to the type of the expression, as by `tostring()`, `tolong()`….
    Cast(Box<Expr>),
    /// A function over the rows around.
    Window {
        /// Which.
        function: WindowFunction,
        /// Its arguments.
        args: Vec<Expr>,
        /// Rows of other values in these columns are rows of another set.
        per: Vec<ColumnId>,
    },
    /// Value of a `toscalar()`: index into [`Query::subqueries`].
    Subquery(usize),
    /// `left in (query)` and its like: true where the operator holds for the values of the first column.
    InSubquery {
        /// `in`, `!in`, `in~`, `!in~`, `has_any`, `!has_any`, `has_all`
        function: String,
        /// Left side.
        left: Box<Expr>,
        /// Index into [`Query::subqueries`].
        subquery: usize,
    },
    /// Could not be bound; a diagnostic says why.
    Error,
}

/// Functions that see the rows around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum WindowFunction {
    RowNumber,
    RowCumsum,
    RowRankDense,
    RowRankMin,
    RowWindowSession,
    Prev,
    Next,
}

/// One aggregate of a summarize.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateCall {
    /// Kusto's name.
    pub function: String,
    /// Its arguments, converted.
    pub args: Vec<Expr>,
    /// Type of its value.
    pub ty: Type,
    /// Rows where this bool column is true do not count.
    pub unless: Option<ColumnId>,
    /// Where it stands.
    pub span: Span,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What to sort by.
    pub expr: Expr,
    /// Ascending.
    pub ascending: bool,
    /// Nulls first.
    pub nulls_first: bool,
}

/// Flavours of join, without Kusto's synonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JoinKind {
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    LeftAnti,
    RightSemi,
    RightAnti,
}

/// One expansion of mv-expand.
#[derive(Debug, Clone, PartialEq)]
pub struct MvExpandItem {
    /// The array or bag.
    pub source: Expr,
    /// The column of its elements; its type is that of `to typeof()`, else dynamic.
    pub output: Column,
}

/// Marker rows stand for an input row whatever becomes of its elements, so that an aggregate over none of them still has
/// a row. They hold no elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Where this is true, the input row is a marker row and stays one; without it every input row gets one more row.
    pub input: Option<ColumnId>,
    /// Is true on marker rows.
    pub output: Column,
}

/// A piece of a parse pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsePiece {
    /// `*`
    Star,
    /// Text to match.
    Text(String),
    /// The next output column.
    Column(Type),
}

/// How parse matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum ParseKind {
    #[default]
    Simple,
    Relaxed,
    Regex,
}

/// A relation: rows of [`Rel::columns`].
#[derive(Debug, Clone, PartialEq)]
pub struct Rel {
    /// How it is made.
    pub kind: RelKind,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Whether window functions may be used on it.
    pub serialized: bool,
    /// More columns may exist: a plugin's data decides.
    pub open: bool,
    /// Where the operator stands.
    pub span: Span,
}

/// Kinds of relations.
#[derive(Debug, Clone, PartialEq)]
pub enum RelKind {
    /// A table; the columns are the named ones of it.
    Table {
        /// Its name.
        name: String,
        /// Name in the table of each column.
        source: Vec<String>,
    },
    /// The rows of [`Query::shared`], columns by position.
    Shared(usize),
    /// Literal rows, in order.
    Values(Vec<Vec<Expr>>),
    /// `range`: one column.
    Range {
        /// First value.
        from: Expr,
        /// Last value.
        to: Expr,
        /// Step.
        step: Expr,
    },
    /// Rows that fulfil the predicate.
    Filter {
        /// Input.
        input: Box<Rel>,
        /// A bool.
        predicate: Expr,
    },
    /// One expression a column.
    Project {
        /// Input.
        input: Box<Rel>,
        /// Parallel to the columns.
        exprs: Vec<Expr>,
    },
    /// Groups: the keys' columns, then the aggregates'.
    Aggregate {
        /// Input.
        input: Box<Rel>,
        /// Group keys.
        keys: Vec<Expr>,
        /// Aggregates.
        aggregates: Vec<AggregateCall>,
    },
    /// Join on equal keys; the columns are a choice of both sides'.
    Join {
        /// Left side.
        left: Box<Rel>,
        /// Right side.
        right: Box<Rel>,
        /// Flavour.
        kind: JoinKind,
        /// Pairs of equal keys of one type.
        keys: Vec<(Expr, Expr)>,
    },
    /// All rows of all inputs.
    Union(Vec<Branch>),
    /// Sorted, and cut where a limit is given.
    Sort {
        /// Input.
        input: Box<Rel>,
        /// Keys.
        keys: Vec<SortKey>,
        /// `top`'s count.
        limit: Option<Expr>,
    },
    /// The first rows.
    Take {
        /// Input.
        input: Box<Rel>,
        /// How many.
        count: Expr,
        /// So many of each value of these columns.
        per: Vec<ColumnId>,
    },
    /// A random choice of rows.
    Sample {
        /// Input.
        input: Box<Rel>,
        /// How many.
        count: Expr,
    },
    /// A row per element.
    MvExpand {
        /// Input.
        input: Box<Rel>,
        /// What is expanded, in parallel.
        items: Vec<MvExpandItem>,
        /// `with_itemindex`
        index: Option<Column>,
        /// Bags expand to `[key, value]` pairs.
        pairs: bool,
        /// Most rows an input row may give.
        limit: Option<Expr>,
        /// Adds or keeps marker rows.
        marker: Option<Marker>,
    },
    /// Text taken apart.
    Parse {
        /// Input.
        input: Box<Rel>,
        /// The text.
        source: Expr,
        /// How.
        kind: ParseKind,
        /// Regex flags.
        flags: String,
        /// The pattern.
        pattern: Vec<ParsePiece>,
        /// A column for each [`ParsePiece::Column`].
        outputs: Vec<Column>,
        /// `parse-where`
        drop_unmatched: bool,
    },
    /// `key=value` text taken apart.
    ParseKv {
        /// Input.
        input: Box<Rel>,
        /// The text.
        source: Expr,
        /// Keys, with the column of each.
        outputs: Vec<Column>,
        /// Options by name (`pair_delimiter`…).
        options: Vec<(String, String)>,
    },
    /// Series on an axis: the keys' columns, the aggregates' arrays, the axis array.
    MakeSeries {
        /// The groups: keys, then the bin's number (counted from `from`, else from zero), then the aggregates.
        input: Box<Rel>,
        /// How many keys there are.
        keys: usize,
        /// Values of empty bins, one an aggregate.
        defaults: Vec<Expr>,
        /// Type of the axis.
        axis: Type,
        /// First point; the first bin with rows where absent.
        from: Option<Expr>,
        /// End, not included.
        to: Option<Expr>,
        /// Distance of points.
        step: Expr,
        /// The old `in range()` form, whose end is included.
        inclusive: bool,
        /// `kind=nonempty`
        nonempty: bool,
    },
    /// A plugin whose columns the data decides, not yet known.
    Open {
        /// Input.
        input: Box<Rel>,
    },
    /// The rows of a resolved [`crate::Pending`], columns by position.
    Resolved(usize),
    /// Rows of what lies elsewhere.
    External(External),
    /// The items of a watchlist, by its alias; the columns are the named ones of it.
    Watchlist {
        /// Its alias.
        alias: String,
        /// Name in the watchlist of each column.
        source: Vec<String>,
    },
    /// An operator that the engine computes as a whole, over all rows of its inputs.
    Staged {
        /// Inputs, in the order that the stage says.
        inputs: Vec<Rel>,
        /// Which operator.
        stage: Box<Stage>,
    },
    /// A graph: a number of the binder's own. Only graph operators take it.
    Graph(usize),
    /// Bound, but not to be run: what it is.
    NotRun(&'static str),
    /// Bound, and left out on purpose: a sentence that says what, and why.
    Refused(String),
    /// Could not be bound.
    Error,
}

/// One input of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its rows.
    pub rel: Rel,
    /// Which of its columns stands at which position of the union's columns; other positions are missing values.
    pub columns: Vec<(usize, Column)>,
    /// The source's name, for position 0, where the union shows it.
    pub source: Option<String>,
}

/// Rows that several places read.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// How they are made.
    pub rel: Rel,
    /// Wrapped in `materialize()`.
    pub materialize: bool,
    /// Places that read them.
    pub uses: usize,
}

/// A bound query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The result.
    pub rel: Rel,
    /// Results of `let` and `materialize()`, by [`RelKind::Shared`]. A later one may read earlier ones.
    pub shared: Vec<Shared>,
    /// Queries whose value or first column an expression needs.
    pub subqueries: Vec<Rel>,
    /// Further result tables: of `fork`, `facet`, and of further queries in the text.
    pub others: Vec<Rel>,
}

impl Query {
    /// The last result table.
    pub fn last(&self) -> &Rel {
        self.others.last().unwrap_or(&self.rel)
    }
}

impl AggregateCall {
    /// An aggregate over all rows of a group.
    pub fn new(function: &str, args: Vec<Expr>, ty: Type, span: Span) -> AggregateCall {
        AggregateCall { function: function.to_string(), args, ty, unless: None, span }
    }
}

impl Expr {
    /// A constant.
    pub fn constant(value: Val<'static>, ty: Type, span: Span) -> Expr {
        Expr { kind: ExprKind::Const(value), ty, span }
    }

    /// A column; one of unknown type has no value to be computed.
    pub fn column(column: &Column, span: Span) -> Expr {
        let kind = if column.ty == Type::Unknown { ExprKind::Error } else { ExprKind::Column(column.id) };
        Expr { kind, ty: column.ty, span }
    }

    /// The value of a constant.
    pub fn as_const(&self) -> Option<&Val<'static>> {
        match &self.kind {
            ExprKind::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Whether both compute the same, wherever they stand in the text; never so for random values.
    pub fn same_as(&self, other: &Expr) -> bool {
        let all = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_as(b));
        self.ty == other.ty
            && match (&self.kind, &other.kind) {
                (ExprKind::Call { function: f, args: a }, ExprKind::Call { function: g, args: b }) => {
                    f == g && !is_random(f) && all(a, b)
                }
                (
                    ExprKind::Window { function: f, args: a, per: p },
                    ExprKind::Window { function: g, args: b, per: q },
                ) => f == g && p == q && all(a, b),
                (ExprKind::Cast(a), ExprKind::Cast(b)) => a.same_as(b),
                (ExprKind::Const(a), ExprKind::Const(b)) => a == b,
                (ExprKind::Column(a), ExprKind::Column(b)) => a == b,
                (ExprKind::Subquery(a), ExprKind::Subquery(b)) => a == b,
                _ => false,
            }
    }

    /// Whether chance has a part in its value.
    pub fn is_random(&self) -> bool {
        let mut found = false;
        self.walk(&mut |e| found |= matches!(&e.kind, ExprKind::Call { function, .. } if is_random(function)));
        found
    }

    /// Calls `visit` on this expression and all below it.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Call { args, .. } | ExprKind::Window { args, .. } => args.iter().for_each(|a| a.walk(visit)),
            ExprKind::Cast(inner) => inner.walk(visit),
            ExprKind::InSubquery { left, .. } => left.walk(visit),
            ExprKind::Const(_) | ExprKind::Column(_) | ExprKind::Subquery(_) | ExprKind::Error => {}
        }
    }
}

/// Whether a function of the catalogue may have another value each time that it is called.
pub fn is_random(function: &str) -> bool {
    matches!(function, "rand" | "new_guid" | "random")
}

impl Rel {
    /// The relations that this one reads directly.
    pub fn inputs(&self) -> Vec<&Rel> {
        match &self.kind {
            RelKind::Filter { input, .. }
            | RelKind::Project { input, .. }
            | RelKind::Aggregate { input, .. }
            | RelKind::Sort { input, .. }
            | RelKind::Take { input, .. }
            | RelKind::Sample { input, .. }
            | RelKind::MvExpand { input, .. }
            | RelKind::Parse { input, .. }
            | RelKind::ParseKv { input, .. }
            | RelKind::MakeSeries { input, .. }
            | RelKind::Open { input } => vec![input],
            RelKind::Join { left, right, .. } => vec![left, right],
            RelKind::Union(branches) => branches.iter().map(|b| &b.rel).collect(),
            RelKind::Staged { inputs, .. } => inputs.iter().collect(),
            RelKind::Table { .. }
            | RelKind::Shared(_)
            | RelKind::Values(_)
            | RelKind::Range { .. }
            | RelKind::Resolved(_)
            | RelKind::External(_)
            | RelKind::Watchlist { .. }
            | RelKind::Graph(_)
            | RelKind::NotRun(_)
            | RelKind::Refused(_)
            | RelKind::Error => Vec::new(),
        }
    }

    /// [`Rel::inputs`], to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Rel> {
        match &mut self.kind {
            RelKind::Filter { input, .. }
            | RelKind::Project { input, .. }
            | RelKind::Aggregate { input, .. }
            | RelKind::Sort { input, .. }
            | RelKind::Take { input, .. }
            | RelKind::Sample { input, .. }
            | RelKind::MvExpand { input, .. }
            | RelKind::Parse { input, .. }
            | RelKind::ParseKv { input, .. }
            | RelKind::MakeSeries { input, .. }
            | RelKind::Open { input } => vec![input],
            RelKind::Join { left, right, .. } => vec![left, right],
            RelKind::Union(branches) => branches.iter_mut().map(|b| &mut b.rel).collect(),
            RelKind::Staged { inputs, .. } => inputs.iter_mut().collect(),
            RelKind::Table { .. }
            | RelKind::Shared(_)
            | RelKind::Values(_)
            | RelKind::Range { .. }
            | RelKind::Resolved(_)
            | RelKind::External(_)
            | RelKind::Watchlist { .. }
            | RelKind::Graph(_)
            | RelKind::NotRun(_)
            | RelKind::Refused(_)
            | RelKind::Error => Vec::new(),
        }
    }

    /// The scalar expressions of this relation, without those of its inputs.
    pub fn exprs(&self) -> Vec<&Expr> {
        match &self.kind {
            RelKind::Values(rows) => rows.iter().flatten().collect(),
            RelKind::Range { from, to, step } => vec![from, to, step],
            RelKind::Filter { predicate, .. } => vec![predicate],
            RelKind::Project { exprs, .. } => exprs.iter().collect(),
            RelKind::Aggregate { keys, aggregates, .. } => {
                keys.iter().chain(aggregates.iter().flat_map(|a| &a.args)).collect()
            }
            RelKind::Join { keys, .. } => keys.iter().flat_map(|(l, r)| [l, r]).collect(),
            RelKind::Sort { keys, limit, .. } => keys.iter().map(|k| &k.expr).chain(limit).collect(),
            RelKind::Take { count, .. } | RelKind::Sample { count, .. } => vec![count],
            RelKind::MvExpand { items, limit, .. } => items.iter().map(|i| &i.source).chain(limit).collect(),
            RelKind::Parse { source, .. } | RelKind::ParseKv { source, .. } => vec![source],
            RelKind::MakeSeries { defaults, from, to, step, .. } => {
                defaults.iter().chain([step]).chain(from).chain(to).collect()
            }
            RelKind::Staged { stage, .. } => stage.exprs(),
            RelKind::Table { .. }
            | RelKind::Shared(_)
            | RelKind::Union(_)
            | RelKind::Open { .. }
            | RelKind::Resolved(_)
            | RelKind::External(_)
            | RelKind::Watchlist { .. }
            | RelKind::Graph(_)
            | RelKind::NotRun(_)
            | RelKind::Refused(_)
            | RelKind::Error => Vec::new(),
        }
    }
}
