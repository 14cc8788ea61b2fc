//! Reads `data/signatures.tsv`; its head says how a line is written.

use crate::Type;
use crate::catalogue::{FunctionSpec, ParamKind, ParamSpec, ResultName, Returns, Signature};

static DATA: &str = include_str!("../data/signatures.tsv");

/// Hands each line's section and signature to `take`.
pub(crate) fn load(take: &mut dyn FnMut(&str, FunctionSpec)) {
    for line in DATA.lines().filter(|l| !l.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (section, name, flags, result, returns, params) = (next(), next(), next(), next(), next(), next());
        let flags: Vec<&str> = flags.split(',').collect();
        let spec = FunctionSpec {
            name: name.to_string(),
            hidden: flags.contains(&"hidden"),
            obsolete: flags.contains(&"obsolete"),
            alternative: flags.iter().find_map(|f| f.strip_prefix("use=")).map(str::to_string),
            foldable: flags.contains(&"constantFoldable"),
            result_name: result_name(result),
            signatures: vec![signature(params, returns)],
        };
        take(section, spec);
    }
}

fn result_name(text: &str) -> ResultName {
    let (kind, prefix) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "FirstArgument" => ResultName::FirstArgument,
        "OnlyArgument" => ResultName::OnlyArgument,
        "FirstArgumentValueIfColumn" => ResultName::FirstArgumentValueIfColumn,
        "NameAndFirstArgument" => ResultName::NameAndFirstArgument,
        "PrefixAndFirstArgument" => ResultName::PrefixAndFirstArgument(prefix.to_string()),
        "PrefixOnly" => ResultName::PrefixOnly(prefix.to_string()),
        _ => ResultName::None,
    }
}

fn signature(params: &str, returns: &str) -> Signature {
    let (bounds, params) = params.split_once(' ').unwrap_or((params, ""));
    let (min, max) = bounds.split_once('-').unwrap_or((bounds, bounds));
    Signature {
        min: min.parse().unwrap_or(0),
        max: max.parse().unwrap_or(0),
        params: params.split("; ").filter(|p| !p.is_empty()).map(param).collect(),
        returns: match returns.strip_prefix('=') {
            Some(how) => Returns::Computed(how.to_string()),
            None => Type::parse(returns).map_or(Returns::Tabular, Returns::Type),
        },
    }
}

fn param(text: &str) -> ParamSpec {
    let (text, values) = text.split_once('=').unwrap_or((text, ""));
    let (text, argument) = match text.split_once('!') {
        Some((text, argument)) => (text, Some(argument.to_string())),
        None => (text, None),
    };
    let (text, repeatable) = match text.split_once('*') {
        Some((text, _)) => (text, true),
        None => (text, false),
    };
    let (text, optional) = match text.strip_suffix('?') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (name, kind) = text.split_once(':').unwrap_or((text, "Scalar"));
    ParamSpec {
        name: name.to_string(),
        kind: param_kind(kind),
        optional,
        repeatable,
        argument,
        values: values.split(',').filter(|v| !v.is_empty()).map(str::to_string).collect(),
    }
}

fn param_kind(kind: &str) -> ParamKind {
    match kind {
        "type" => ParamKind::TypeLiteral,
        "Any" => ParamKind::Any,
        "Scalar" => ParamKind::Scalar,
        "Number" => ParamKind::Number,
        "Integer" => ParamKind::Integer,
        "NumberOrBool" => ParamKind::NumberOrBool,
        "Summable" => ParamKind::Summable,
        "Orderable" => ParamKind::Orderable,
        "NotDynamic" => ParamKind::NotDynamic,
        "NotBool" => ParamKind::NotBool,
        "NotRealOrBool" => ParamKind::NotRealOrBool,
        "StringOrDynamic" => ParamKind::StringOrDynamic,
        "StringOrArray" => ParamKind::StringOrArray,
        "IntegerOrArray" => ParamKind::IntegerOrArray,
        "DynamicArray" => ParamKind::DynamicArray,
        "DynamicBag" => ParamKind::DynamicBag,
        "CommonScalar" => ParamKind::CommonScalar,
        "CommonScalarOrDynamic" => ParamKind::CommonScalarOrDynamic,
        "CommonOrderable" => ParamKind::CommonOrderable,
        "Tabular" => ParamKind::Tabular,
        other => {
            let types: Option<Vec<Type>> = other.split('|').map(Type::parse).collect();
            types.map_or_else(|| ParamKind::Other(other.to_string()), ParamKind::Types)
        }
    }
}
