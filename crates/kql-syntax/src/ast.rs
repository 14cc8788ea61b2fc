//! The syntax tree. Names are as written, nothing is resolved.
//!
//! Every node has a [`Span`]; broken places are [`ExprKind::Error`]. Deprecated spellings
//! (`mvexpand`, `notin`, `makelist`…) are parsed into the modern node.

use crate::Span;

/// A name: a column, table, function, parameter or option.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name without brackets and quotes.
    pub text: String,
    /// Where it stands (with brackets).
    pub span: Span,
}

/// A whole query text: statements separated by `;`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The statements in order. The last [`Statement::Expr`] is the result.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Statement {
    /// `let name = value`
    Let(Let),
    /// `set name [= value]`
    Set { name: Name, value: Option<Expr>, span: Span },
    /// `alias database name = expr`
    Alias { name: Name, value: Expr, span: Span },
    /// `declare query_parameters(a:long = 1, …)`
    QueryParameters { params: Vec<Param>, span: Span },
    /// `declare pattern app = (a:string)[b:string] { … }`
    Pattern(Pattern),
    /// `restrict access to (…)`
    RestrictAccess { entities: Vec<Expr>, span: Span },
    /// A query: tabular, or a scalar expression.
    Expr(Expr),
}

/// `declare pattern`: a function that is defined by cases. Without cases it is only declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The parameter in brackets, which a call gives behind a dot.
    pub path: Option<Param>,
    /// Its cases.
    pub cases: Vec<PatternCase>,
    /// The whole statement.
    pub span: Span,
}

/// `("x").["y"] = { query }`
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCase {
    /// Values of the parameters.
    pub args: Vec<Expr>,
    /// Value of the path parameter.
    pub path: Option<Expr>,
    /// What the call stands for.
    pub body: Vec<Statement>,
}

/// `let name = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// The bound name.
    pub name: Name,
    /// What it stands for.
    pub value: LetValue,
    /// The whole statement.
    pub span: Span,
}

/// Right side of a `let`.
#[derive(Debug, Clone, PartialEq)]
pub enum LetValue {
    /// A scalar or tabular expression.
    Expr(Expr),
    /// `[view] (params) { body }`
    Function(Function),
}

/// A function literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Written with `view`.
    pub view: bool,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Statements of the body; the last expression is the value.
    pub body: Vec<Statement>,
    /// The whole literal.
    pub span: Span,
}

/// A parameter of a function or of the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Scalar or tabular.
    pub ty: ParamType,
    /// Default value (a literal).
    pub default: Option<Expr>,
}

/// Type of a parameter.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ParamType {
    /// A type name, as `long`.
    Scalar(Name),
    /// `(a:long, b:string)`, `(*)`, `(a:long, *)`.
    Tabular { columns: Vec<ColumnDecl>, open: bool },
}

/// `name:type`
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDecl {
    /// The column.
    pub name: Name,
    /// Its type name.
    pub ty: Name,
}

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// All expressions, scalar and tabular.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// `typeof(long)` or `typeof(a:long, b:string)` (one entry with an empty name where no name is given).
    Typeof(Vec<ColumnDecl>),
    /// A name (also bracketed, `$left`, `$right`, or one with a wildcard `*`).
    Name(Name),
    /// `base.selector`; the selector is a `Name` or a `Call` (`database("d").f(x)`), or, for `a.["b"]`, `a.[0]`, see `Index`.
    Path { base: Box<Expr>, selector: Box<Expr> },
    /// `base[index]`
    Index { base: Box<Expr>, index: Box<Expr> },
    /// `f(args)`, also `toscalar(query)`, `materialize(query)`.
    Call { name: Name, args: Vec<Arg> },
    /// `-x`, `+x`, `not x` is a call of `not`.
    Unary { op: UnaryOp, operand: Box<Expr> },
    /// All two-sided operators but `between` and the `in` family.
    Binary { op: BinaryOp, op_span: Span, left: Box<Expr>, right: Box<Expr> },
    /// `x between (a .. b)`, `x !between (a .. b)`
    Between { negated: bool, expr: Box<Expr>, low: Box<Expr>, high: Box<Expr> },
    /// `x in (a, b)`: a list, or one tabular or dynamic expression.
    In { op: InOp, op_span: Span, left: Box<Expr>, list: Vec<Expr> },
    /// `*`
    Star,
    /// `(expr)`
    Paren(Box<Expr>),
    /// `source | op | op`
    Pipeline { source: Box<Expr>, operators: Vec<Operator> },
    /// An operator at the head of a query (`print`, `range`, `union`, `find`, `search`, `evaluate`, `macro-expand`).
    Source(Box<Operator>),
    /// `datatable (a:long) [1, 2]`
    Datatable { columns: Vec<ColumnDecl>, properties: Vec<Property>, values: Vec<Expr> },
    /// `externaldata (a:long) ["uri"] with (format="csv")`
    Externaldata { columns: Vec<ColumnDecl>, uris: Vec<Expr>, properties: Vec<Property> },
    /// `contextual_datatable`, `inline`: named constructs that are parsed but not understood.
    Unsupported(&'static str),
    /// A place that could not be parsed; a diagnostic says why.
    Error,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// `name = value` in a call.
    pub name: Option<Name>,
    /// The value; a [`ExprKind::Star`] for `f(*)`.
    pub value: Expr,
}

/// A literal. `None` is the typed null, as `long(null)`.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `true`, `bool(…)`
    Bool(Option<bool>),
    /// `int(5)`
    Int(Option<i32>),
    /// `5`, `0x1F`, `long(5)`
    Long(Option<i64>),
    /// `1.5`, `real(nan)`
    Real(Option<f64>),
    /// The text of `decimal(1.5)`
    Decimal(Option<String>),
    /// All string forms, unescaped, adjacent ones joined.
    String(String),
    /// The text inside `datetime(…)`; `datetime()` has an empty text.
    DateTime(Option<String>),
    /// Ticks of 100 ns: `1d`, `time(1.02:03:04)`.
    Timespan(Option<i64>),
    /// The text inside `guid(…)`
    Guid(Option<String>),
    /// `dynamic(…)`
    Dynamic(Option<DynamicLiteral>),
}

/// The value inside `dynamic(…)`: JSON with Kusto's typed literals.
#[derive(Debug, Clone, PartialEq)]
pub enum DynamicLiteral {
    /// `null`
    Null,
    /// A scalar.
    Scalar(Box<Literal>),
    /// `[…]`
    Array(Vec<DynamicLiteral>),
    /// `{…}` in source order.
    Bag(Vec<(String, DynamicLiteral)>),
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// Infix operators with one right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Or,
    And,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `=~`, `!~`
    EqualTilde,
    NotEqualTilde,
    Has,
    NotHas,
    HasCs,
    NotHasCs,
    HasPrefix,
    NotHasPrefix,
    HasPrefixCs,
    NotHasPrefixCs,
    HasSuffix,
    NotHasSuffix,
    HasSuffixCs,
    NotHasSuffixCs,
    Contains,
    NotContains,
    ContainsCs,
    NotContainsCs,
    StartsWith,
    NotStartsWith,
    StartsWithCs,
    NotStartsWithCs,
    EndsWith,
    NotEndsWith,
    EndsWithCs,
    NotEndsWithCs,
    Like,
    NotLike,
    LikeCs,
    NotLikeCs,
    MatchesRegex,
    /// `:` of `search Col:"x"`
    SearchTerm,
}

/// The `in` family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum InOp {
    In,
    NotIn,
    InCi,
    NotInCi,
    HasAny,
    NotHasAny,
    HasAll,
}

/// `name = expr`, `(a, b) = expr` or `expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpr {
    /// Names on the left of `=`; none, one, or several in parentheses.
    pub names: Vec<Name>,
    /// The value.
    pub value: Expr,
    /// The whole.
    pub span: Span,
}

/// `name = value` of an operator: `kind=leftouter`, `hint.strategy=shuffle`, `withsource=T`.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name, lower case, as `kind` or `hint.strategy`.
    pub name: Name,
    /// Its value: a name (`inner`), literal or column.
    pub value: Expr,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// What to sort by.
    pub expr: NamedExpr,
    /// `asc` given, `desc` given, or neither.
    pub ascending: Option<bool>,
    /// `nulls first`, `nulls last`, or neither.
    pub nulls_first: Option<bool>,
}

/// A tabular operator with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Which, and its parts.
    pub kind: OperatorKind,
    /// From its keyword to its end.
    pub span: Span,
    /// Properties before its arguments (`kind=`, `hint.…=`, `isfuzzy=`…).
    pub properties: Vec<Property>,
}

/// A graph-match pattern element.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum GraphElement {
    /// `(n)`
    Node(Option<Name>),
    /// `-[e]->`, `<-[e]-`, `-[e]-`, with the hop range of `-[e*1..3]->`.
    Edge { name: Option<Name>, direction: EdgeDirection, range: Option<(Option<Expr>, Option<Expr>)> },
}

/// Direction of a pattern edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EdgeDirection {
    Forward,
    Backward,
    Any,
}

/// A step of `scan`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    /// Its name.
    pub name: Name,
    /// `optional`
    pub optional: bool,
    /// `output = all | last | none`
    pub output: Option<Name>,
    /// The condition.
    pub condition: Expr,
    /// `=> a = 1, b = 2`
    pub assignments: Vec<NamedExpr>,
}

/// A piece of a `parse` pattern.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ParsePiece {
    /// `*`
    Star(Span),
    /// A string literal (in `kind=regex` a regular expression).
    Text(String, Span),
    /// `name[:type]`
    Column { name: Name, ty: Option<Name> },
}

/// One expansion of mv-expand or mv-apply: `[name =] expr [to typeof(t)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MvItem {
    /// Name and expression.
    pub expr: NamedExpr,
    /// `to typeof(t)`
    pub to: Option<Name>,
}

/// A level of top-nested.
#[derive(Debug, Clone, PartialEq)]
pub struct TopNestedLevel {
    /// `N`; all values where absent.
    pub count: Option<Expr>,
    /// `of X`
    pub of: NamedExpr,
    /// `with others = value`
    pub others: Option<Expr>,
    /// `by aggregate`
    pub by: NamedExpr,
    /// Sort direction of `by`.
    pub ascending: Option<bool>,
}

/// All tabular operators.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum OperatorKind {
    As(Name),
    AssertSchema(Vec<ColumnDecl>),
    Consume,
    Count {
        as_name: Option<Name>,
    },
    /// `distinct a, b` or `distinct *` (a [`ExprKind::Star`])
    Distinct(Vec<NamedExpr>),
    /// `evaluate f(args) [: (schema)]`; `open` for a schema with `*`.
    Evaluate {
        call: Expr,
        schema: Option<Vec<ColumnDecl>>,
        open: bool,
    },
    Extend(Vec<NamedExpr>),
    Facet {
        by: Vec<Expr>,
        with: Option<Vec<Operator>>,
    },
    Find {
        sources: Vec<Expr>,
        with_source: Option<Name>,
        predicate: Option<Expr>,
        project: Option<Vec<FindColumn>>,
        project_away: Vec<Expr>,
        smart: bool,
        pack: bool,
    },
    Fork(Vec<ForkBranch>),
    GetSchema,
    GraphMarkComponents,
    GraphMatch {
        patterns: Vec<Vec<GraphElement>>,
        r#where: Option<Expr>,
        project: Vec<NamedExpr>,
    },
    GraphShortestPaths {
        patterns: Vec<Vec<GraphElement>>,
        r#where: Option<Expr>,
        project: Vec<NamedExpr>,
    },
    GraphToTable {
        outputs: Vec<GraphOutput>,
    },
    Invoke(Expr),
    /// Condition parts of `on`: names, or `$left.a == $right.b` expressions; empty for none.
    Join {
        right: Box<Expr>,
        on: Vec<Expr>,
    },
    Lookup {
        right: Box<Expr>,
        on: Vec<Expr>,
    },
    MacroExpand {
        group: Box<Expr>,
        scope: Option<Name>,
        body: Vec<Statement>,
    },
    MakeGraph {
        source: Name,
        target: Name,
        with: GraphNodes,
        partitioned_by: Option<Box<(Name, Expr)>>,
    },
    MakeSeries {
        aggregates: Vec<SeriesAggregate>,
        on: NamedExpr,
        from: Option<Expr>,
        to: Option<Expr>,
        step: Option<Expr>,
        /// The old form `in range(a, b, s)`.
        in_range: Option<Vec<Expr>>,
        by: Vec<NamedExpr>,
    },
    /// `mv-apply … on ( operators )`
    MvApply {
        items: Vec<MvItem>,
        limit: Option<Expr>,
        context_id: Option<Name>,
        body: Vec<Operator>,
    },
    MvExpand {
        items: Vec<MvItem>,
        limit: Option<Expr>,
    },
    Parse {
        expr: Expr,
        pattern: Vec<ParsePiece>,
        drop_unmatched: bool,
    },
    ParseKv {
        expr: Expr,
        columns: Vec<ColumnDecl>,
        with: Vec<Property>,
    },
    /// `partition by k (operators)`, or `{ query }` in braces.
    Partition {
        by: Expr,
        body: PartitionBody,
    },
    Print(Vec<NamedExpr>),
    Project(Vec<NamedExpr>),
    ProjectAway(Vec<Expr>),
    ProjectByNames(Vec<Expr>),
    ProjectKeep(Vec<Expr>),
    ProjectRename(Vec<NamedExpr>),
    /// Column (may hold wildcards) and `asc`/`desc`/`granny-asc`/`granny-desc`.
    ProjectReorder(Vec<(Expr, Option<Name>)>),
    Range {
        column: Name,
        from: Expr,
        to: Expr,
        step: Expr,
    },
    Reduce {
        by: NamedExpr,
        with: Vec<Property>,
    },
    Render {
        chart: Option<Name>,
        properties: Vec<Property>,
    },
    Sample(Expr),
    SampleDistinct {
        count: Expr,
        of: NamedExpr,
    },
    Scan {
        order_by: Vec<Ordered>,
        partition_by: Vec<NamedExpr>,
        declare: Vec<Param>,
        steps: Vec<ScanStep>,
    },
    Search {
        sources: Vec<Expr>,
        predicate: Expr,
    },
    Serialize(Vec<NamedExpr>),
    Sort(Vec<Ordered>),
    Summarize {
        aggregates: Vec<NamedExpr>,
        by: Vec<NamedExpr>,
        bin: Option<Expr>,
    },
    Take(Expr),
    Top {
        count: Expr,
        by: Vec<Ordered>,
        with_others: Option<Expr>,
    },
    TopHitters {
        count: Expr,
        of: NamedExpr,
        by: Option<NamedExpr>,
    },
    TopNested(Vec<TopNestedLevel>),
    Union(Vec<Expr>),
    Where(Expr),
    /// Not understood; a diagnostic says why.
    Error,
}

/// A column of `find … project`.
#[derive(Debug, Clone, PartialEq)]
pub struct FindColumn {
    /// The column.
    pub name: Name,
    /// Its type, if given.
    pub ty: Option<Name>,
}

/// A branch of `fork`.
#[derive(Debug, Clone, PartialEq)]
pub struct ForkBranch {
    /// `name =`
    pub name: Option<Name>,
    /// Its operators.
    pub operators: Vec<Operator>,
}

/// An output of `graph-to-table`.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphOutput {
    /// `nodes` or `edges`.
    pub what: Name,
    /// `as Name`
    pub as_name: Option<Name>,
    /// `with_node_id=…` and the like.
    pub properties: Vec<Property>,
}

/// Nodes of `make-graph`.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphNodes {
    /// None given.
    None,
    /// `with T on k, T2 on k2`
    Tables(Vec<(Expr, Name)>),
    /// `with_node_id = name`
    NodeId(Name),
}

/// `[name =] aggregate [default = value]` of make-series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesAggregate {
    /// Name and aggregate.
    pub expr: NamedExpr,
    /// `default=`
    pub default: Option<Expr>,
}

/// Body of `partition`.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionBody {
    /// `( op | op )`
    Operators(Vec<Operator>),
    /// `{ query }`
    Query(Vec<Statement>),
}
