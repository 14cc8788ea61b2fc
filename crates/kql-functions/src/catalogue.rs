//! The catalogue: one record a function.
//!
//! Signatures (names, parameters, result) are the data file `data/signatures.tsv`; what a function computes is an
//! entry of one of the [`crate::families`]. A function with a signature but without an entry can be bound, not run.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::{Type, Val};

/// What a kernel knows besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'c> {
    /// Types of the arguments, after conversion.
    pub args: &'c [Type],
    /// Type of the result.
    pub ret: Type,
}

/// An error that ends the query, in Kusto's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError(pub String);

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EvalError {}

/// Computes one row. The result may borrow from the arguments.
pub type RowKernel = for<'a> fn(&Cx<'_>, &'a [Val<'a>]) -> Result<Val<'a>, EvalError>;

/// What happens with null arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Any null argument makes the result missing (null, or "" for a string); the kernel never sees one.
    Propagate,
    /// The kernel sees nulls.
    Handled,
}

/// A scalar function.
pub struct Scalar {
    /// Kusto's name.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Null behaviour.
    pub nulls: Nulls,
    /// What it computes.
    pub kernel: RowKernel,
}

impl Scalar {
    /// Computes one row, after the null behaviour.
    pub fn call<'a>(&self, cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
        if self.nulls == Nulls::Propagate && args.iter().any(Val::is_null) {
            return Ok(Val::missing(cx.ret));
        }
        (self.kernel)(cx, args)
    }
}

/// A running aggregate over the rows of one group.
pub trait Accumulator: Send + Sync {
    /// Takes one row.
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError>;
    /// The state, so that another accumulator of the same kind can [`Accumulator::merge`] it.
    fn state(&self) -> Vec<u8>;
    /// Takes the state of another.
    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError>;
    /// The result.
    fn finish(&mut self) -> Result<Val<'static>, EvalError>;
    /// Bytes held, roughly.
    fn size(&self) -> usize;
}

/// An aggregate function.
pub struct Aggregate {
    /// Kusto's name.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Whether the order of the rows shows in the result.
    pub ordered: bool,
    /// Makes an accumulator for arguments and result of these types.
    pub make: fn(&Cx<'_>) -> Box<dyn Accumulator>,
}

/// What a parameter accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ParamKind {
    /// One of these types; others are converted where Kusto converts.
    Types(Vec<Type>),
    /// A `typeof()` literal.
    TypeLiteral,
    Any,
    Scalar,
    Number,
    Integer,
    NumberOrBool,
    Summable,
    Orderable,
    NotDynamic,
    NotBool,
    NotRealOrBool,
    StringOrDynamic,
    StringOrArray,
    IntegerOrArray,
    DynamicArray,
    DynamicBag,
    CommonScalar,
    CommonScalarOrDynamic,
    CommonOrderable,
    Tabular,
    /// A kind that no scalar expression can meet (cluster, graph…).
    Other(String),
}

/// A parameter of a signature.
#[derive(Debug, Clone)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// What it accepts.
    pub kind: ParamKind,
    /// May be left out.
    pub optional: bool,
    /// May be repeated.
    pub repeatable: bool,
    /// What the argument must be: `Constant`, `Literal`, `Column`, `StarOnly`, `StarAllowed`…
    pub argument: Option<String>,
    /// The values it may take.
    pub values: Vec<String>,
}

/// What a signature returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returns {
    /// A fixed type.
    Type(Type),
    /// Computed from the arguments: Kusto.Language's word for how (`Widest`, `Common`, `Parameter0`, `Custom`…).
    Computed(String),
    /// Nothing scalar.
    Tabular,
}

/// One way to call a function.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Fewest arguments.
    pub min: usize,
    /// Most arguments.
    pub max: usize,
    /// Its parameters.
    pub params: Vec<ParamSpec>,
    /// Its result.
    pub returns: Returns,
}

/// How the column of an unnamed call is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ResultName {
    None,
    FirstArgument,
    OnlyArgument,
    FirstArgumentValueIfColumn,
    NameAndFirstArgument,
    PrefixAndFirstArgument(String),
    PrefixOnly(String),
}

/// All that is known of how a name can be called.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Kusto's name.
    pub name: String,
    /// Not shown in completion.
    pub hidden: bool,
    /// Deprecated.
    pub obsolete: bool,
    /// What to use instead of a deprecated one.
    pub alternative: Option<String>,
    /// Constant arguments give a constant.
    pub foldable: bool,
    /// Name of the result column.
    pub result_name: ResultName,
    /// Its signatures.
    pub signatures: Vec<Signature>,
}

/// The signatures, and the entries that compute.
pub struct Catalogue {
    functions: HashMap<String, FunctionSpec>,
    aggregates: HashMap<String, FunctionSpec>,
    plugins: HashMap<String, FunctionSpec>,
    kernels: HashMap<&'static str, &'static Scalar>,
    accumulators: HashMap<&'static str, &'static Aggregate>,
}

impl Catalogue {
    /// The built-in catalogue.
    pub fn get() -> &'static Catalogue {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(|| {
            let mut catalogue = Catalogue {
                functions: HashMap::new(),
                aggregates: HashMap::new(),
                plugins: HashMap::new(),
                kernels: HashMap::new(),
                accumulators: HashMap::new(),
            };
            crate::signatures::load(&mut |section, spec| {
                let map = match section {
                    "aggregate" => &mut catalogue.aggregates,
                    "plugin" => &mut catalogue.plugins,
                    _ => &mut catalogue.functions,
                };
                map.entry(spec.name.clone())
                    .and_modify(|known: &mut FunctionSpec| known.signatures.extend(spec.signatures.clone()))
                    .or_insert(spec);
            });
            for family in crate::families::all() {
                catalogue.kernels.extend(family.iter().map(|e| (e.name, e)));
            }
            for family in crate::aggregates::all() {
                catalogue.accumulators.extend(family.iter().map(|e| (e.name, e)));
            }
            catalogue
        })
    }

    /// Signatures of a scalar (or tabular) function.
    pub fn function(&self, name: &str) -> Option<&FunctionSpec> {
        self.functions.get(name)
    }

    /// Signatures of an aggregate.
    pub fn aggregate(&self, name: &str) -> Option<&FunctionSpec> {
        self.aggregates.get(name)
    }

    /// Signatures of a plugin.
    pub fn plugin(&self, name: &str) -> Option<&FunctionSpec> {
        self.plugins.get(name)
    }

    /// What a scalar function computes.
    pub fn kernel(&self, name: &str) -> Option<&'static Scalar> {
        self.kernels.get(name).copied()
    }

    /// What an aggregate computes.
    pub fn accumulator(&self, name: &str) -> Option<&'static Aggregate> {
        self.accumulators.get(name).copied()
    }

    /// All function names.
    pub fn function_names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// All aggregate names.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        self.aggregates.keys().map(String::as_str)
    }

    /// All plugin names.
    pub fn plugin_names(&self) -> impl Iterator<Item = &str> {
        self.plugins.keys().map(String::as_str)
    }
}
