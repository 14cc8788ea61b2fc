//! Calls of built-in scalar functions: the ones with rules of their own, and overload resolution for the rest.

use std::borrow::Cow;

use kql_functions::catalogue::{Catalogue, FunctionSpec, ParamKind, ParamSpec, Returns, Signature};
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast;

use super::call::arguments_message;
use super::items::gives_several;
use super::ops::widest;
use super::windows::window_function;
use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind};
use crate::nearest::nearest;

impl Binder<'_> {
    /// A call that no `let`, table or saved function answers.
    pub(super) fn builtin(&mut self, name: &ast::Name, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        if self.collector.is_some() && Catalogue::get().aggregate(&name.text).is_some() {
            return self.aggregate(name, args, row, env, span);
        }
        if let Some(function) = window_function(&name.text) {
            return self.window(function, name, args, row, env, span);
        }
        if let Some(result) = self.graph_function(name, args, env, span) {
            return result;
        }
        if let Some(result) = self.special(name, args, row, env, span) {
            return result;
        }
        if let Some(result) = self.surroundings(name, args, row, env, span) {
            return result;
        }
        let catalogue = Catalogue::get();
        if let Some(spec) = catalogue.function(&name.text) {
            return self.catalogue_call(spec, args, false, row, env, span);
        }
        if catalogue.aggregate(&name.text).is_some() {
            let message = format!("The aggregate function '{}' is not allowed in this context.", name.text);
            self.error("KS144", name.span, message);
            return self.error_expr(span);
        }
        let saved = self.catalog.table_names();
        let names = catalogue.function_names().chain(env.names()).chain(saved.iter().map(String::as_str));
        let help = nearest(&name.text, names).map(|n| format!("did you mean '{n}'?"));
        let message = format!("The name '{}' does not refer to any known function.", name.text);
        self.error_with_help("KS211", name.span, message, help);
        for arg in args {
            self.value(&arg.value, row, env);
        }
        self.error_expr(span)
    }

    /// Functions whose meaning is no kernel over values.
    fn special(&mut self, name: &ast::Name, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Option<Expr> {
        let now = self.options.now;
        let count = args.len();
        Some(match (name.text.as_str(), count) {
            ("now", 0) => Expr::constant(Val::DateTime(now), Type::DateTime, span),
            ("now" | "ago", 1) => {
                let offset = self.scalar(&args[0].value, row, env);
                let offset = self.argument(offset, Type::Timespan);
                let now = Expr::constant(Val::DateTime(now), Type::DateTime, span);
                let function = if name.text == "ago" { "-" } else { "+" };
                self.call(function, vec![now, offset], Type::DateTime, span)
            }
            ("bin_auto", 1) => self.bin_auto(args, row, env, span),
            ("column_names_of", 1) => self.column_names_of(args, env, span),
            ("not", 1) => {
                let value = self.scalar(&args[0].value, row, env);
                let value = self.boolean(value);
                self.call("not", vec![value], Type::Bool, span)
            }
            ("column_ifexists" | "columnifexists", 2) => self.column_ifexists(args, row, env, span),
            ("pack_all", _) => self.pack_all(args, row, env, span),
            ("bag_pack_columns", 1..) => self.bag_pack_columns(args, row, env, span),
            (function, 1) if cast_target(function).is_some() => {
                let value = self.scalar(&args[0].value, row, env);
                let target = cast_target(function)?;
                let mut value = self.convert(value, target);
                value.span = span;
                value
            }
            ("todynamic" | "parse_json" | "parsejson" | "toobject", 1) => {
                let value = self.scalar(&args[0].value, row, env);
                match value.ty {
                    Type::String => self.call("parse_json", vec![value], Type::Dynamic, span),
                    _ => self.convert(value, Type::Dynamic),
                }
            }
            _ => return None,
        })
    }

    /// `bin_auto(x)`: bins of the size that `set query_bin_auto_size` says, from `query_bin_auto_at` on.
    fn bin_auto(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        let value = self.scalar(&args[0].value, row, env);
        let setting = |name: &str| self.settings.iter().rev().find(|(n, _)| n == name).map(|(_, e)| e.clone());
        let (size, at) = (setting("query_bin_auto_size"), setting("query_bin_auto_at"));
        let ty = value.ty;
        let Some(size) = size else {
            if !self.options.checking {
                let message = "bin_auto() needs a size: set query_bin_auto_size = 1h;";
                self.error("KS119", span, message);
            }
            return Expr { kind: ExprKind::Error, ty, span };
        };
        match at {
            Some(at) => self.call("bin_at", vec![value, size, at], ty, span),
            None => self.call("bin", vec![value, size], ty, span),
        }
    }

    /// `column_names_of(T)`: the names as an array.
    fn column_names_of(&mut self, args: &[ast::Arg], env: &Env, span: Span) -> Expr {
        let rel = self.tabular(&args[0].value, env);
        let names = rel.columns.into_iter().map(|c| kql_functions::Dynamic::String(c.name)).collect();
        Expr::constant(Val::dynamic(&kql_functions::Dynamic::Array(names)), Type::Dynamic, span)
    }

    fn column_ifexists(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        let name = self.constant(&args[0].value, env, "The name of the column");
        let default = self.scalar(&args[1].value, row, env);
        match name {
            Some(Val::Str(name)) => match row.columns.iter().find(|c| c.name == *name) {
                // Microsoft's language service has no other type than the default's, whatever a workspace holds.
                Some(column) if self.options.checking && !matches!(default.kind, ExprKind::Error) => {
                    self.convert(Expr::column(column, span), default.ty)
                }
                Some(column) => Expr::column(column, span),
                None => default,
            },
            _ => self.error_expr(span),
        }
    }

    fn pack_all(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        let ignore_empty = match args {
            [] => false,
            [flag] => {
                matches!(self.constant(&flag.value, env, "The argument of pack_all()"), Some(Val::Bool(true)))
            }
            _ => {
                self.error("KS119", span, arguments_message("pack_all", 0, 1));
                return self.error_expr(span);
            }
        };
        let pairs = row
            .columns
            .iter()
            .flat_map(|column| {
                let name = Expr::constant(Val::Str(Cow::Owned(column.name.clone())), Type::String, span);
                [name, Expr::column(column, span)]
            })
            .collect();
        self.call(if ignore_empty { "pack_all_nonempty" } else { "pack_all" }, pairs, Type::Dynamic, span)
    }

    /// `bag_pack_columns(a, b)`: a bag of the columns by their names.
    fn bag_pack_columns(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        let mut pairs = Vec::with_capacity(2 * args.len());
        for arg in args {
            let ast::ExprKind::Name(name) = &arg.value.kind else {
                self.error("KS109", arg.value.span, "Column name expected.");
                return self.error_expr(span);
            };
            pairs.push(Expr::constant(Val::Str(Cow::Owned(name.text.clone())), Type::String, name.span));
            pairs.push(self.scalar(&arg.value, row, env));
        }
        self.call("pack_all", pairs, Type::Dynamic, span)
    }

    /// Calls a function of the catalogue; `whole` for all columns of one that gives several, as an array.
    pub(super) fn catalogue_call(
        &mut self,
        spec: &'static FunctionSpec,
        args: &[ast::Arg],
        whole: bool,
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Expr {
        self.warn_deprecated(spec, span);
        let mut literal = None;
        let mut bound = Vec::with_capacity(args.len());
        for arg in args {
            match &arg.value.kind {
                ast::ExprKind::Typeof(types) => {
                    if let [only] = types.as_slice() {
                        literal = Some(self.type_named(&only.ty));
                    }
                    bound.push(Expr::constant(Val::Null, Type::String, arg.value.span));
                }
                ast::ExprKind::Star if takes_star(spec) && !row.columns.is_empty() => {
                    bound.extend(row.columns.iter().map(|c| Expr::column(c, arg.value.span)));
                }
                _ => bound.push(self.scalar(&arg.value, row, env)),
            }
        }
        self.resolve(spec, bound, literal, whole, span)
    }

    /// Warns of a function that has another in its place.
    pub(super) fn warn_deprecated(&mut self, spec: &FunctionSpec, span: Span) {
        if let Some(alternative) = &spec.alternative {
            let span = self.report_at.unwrap_or(span);
            let message = format!("The function '{}' is deprecated; use '{alternative}' instead.", spec.name);
            self.diagnostics.push(kql_syntax::Diagnostic::warning("KS503", span, message));
        }
    }

    /// Chooses the signature, converts the arguments, and tells the result's type.
    fn resolve(
        &mut self,
        spec: &'static FunctionSpec,
        args: Vec<Expr>,
        literal: Option<Type>,
        whole: bool,
        span: Span,
    ) -> Expr {
        if args.iter().any(|a| matches!(a.kind, ExprKind::Error)) {
            let ty = declared_type(spec).unwrap_or_else(|| super::open::type_of_known(spec, &args));
            return Expr { kind: ExprKind::Error, ty, span };
        }
        let fits: Vec<&Signature> = spec.signatures.iter().filter(|s| (s.min..=s.max).contains(&args.len())).collect();
        if fits.is_empty() {
            let least = spec.signatures.iter().map(|s| s.min).min().unwrap_or(0);
            let most = spec.signatures.iter().map(|s| s.max).max().unwrap_or(0);
            self.error("KS119", span, arguments_message(&spec.name, least, most));
            return self.error_expr(span);
        }
        if matches!(spec.name.as_str(), "pack" | "bag_pack" | "pack_dictionary") && args.len() % 2 == 1 {
            self.error("KS121", span, "The function call has an incorrect number of arguments.");
            return self.error_expr(span);
        }
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        let nulls: Vec<bool> =
            args.iter().map(|a| a.as_const().is_some_and(Val::is_null) && a.ty == Type::Dynamic).collect();
        let best = fits
            .iter()
            .filter_map(|s| match_signature(s, &types, &nulls).map(|(targets, cost)| (cost, *s, targets)))
            .min_by_key(|(cost, ..)| *cost);
        let Some((_, signature, targets)) = best else {
            let (code, at, message) = mismatch(spec, &fits, &args, span);
            self.error(code, at, message);
            return self.error_expr(span);
        };
        let Some((common, ret)) = self.result_type(signature, &targets, literal, span) else {
            return self.error_expr(span);
        };
        let expanded = expand(signature, args.len());
        let mut converted = Vec::with_capacity(args.len());
        for ((arg, target), param) in args.into_iter().zip(targets).zip(expanded) {
            if param.kind == ParamKind::TypeLiteral {
                continue;
            }
            if !self.check_argument(spec, param, &arg) {
                return self.error_expr(span);
            }
            let target = match (&param.kind, common) {
                (ParamKind::CommonScalar | ParamKind::CommonScalarOrDynamic | ParamKind::CommonOrderable, Some(c)) => c,
                (ParamKind::Number, Some(c)) => c,
                _ => target,
            };
            converted.push(self.convert(arg, target));
        }
        let name = &spec.name;
        let ret = engine_result(name, &converted).unwrap_or(ret);
        if Catalogue::get().kernel(name).is_none() {
            // It is known, and refused only when it is to run.
            let kind = ExprKind::Call { function: name.clone(), args: converted };
            return Expr { kind, ty: ret, span };
        }
        if name == "extract" && converted.len() == 3 && ret != Type::String {
            let text = self.call(name, converted, Type::String, span);
            return self.convert(text, ret);
        }
        let arrays = converted.iter().filter(|a| a.ty == Type::Dynamic).count();
        if gives_several(name, arrays) {
            let columns = self.call(name, converted, Type::Dynamic, span);
            return if whole { columns } else { self.first_column(name, columns) };
        }
        self.call(name, converted, ret, span)
    }

    fn check_argument(&mut self, spec: &FunctionSpec, param: &ParamSpec, arg: &Expr) -> bool {
        let literal = matches!(param.argument.as_deref(), Some("Literal" | "LiteralNotEmpty"));
        if literal
            && !param.values.is_empty()
            && let Some(Val::Str(text)) = arg.as_const()
            && !param.values.iter().any(|v| v.eq_ignore_ascii_case(text))
        {
            let message = format!(
                "The argument '{}' of '{}' must be one of: {}.",
                param.name,
                spec.name,
                param.values.join(", ")
            );
            self.error("KS122", arg.span, message);
            return false;
        }
        true
    }

    /// The common type of the arguments that must agree, and the type of the result.
    fn result_type(
        &mut self,
        signature: &Signature,
        targets: &[Type],
        literal: Option<Type>,
        span: Span,
    ) -> Option<(Option<Type>, Type)> {
        let expanded = expand(signature, targets.len());
        let of_kind = |wanted: &[ParamKind]| -> Vec<Type> {
            expanded.iter().zip(targets).filter(|(p, _)| wanted.contains(&p.kind)).map(|(_, t)| *t).collect()
        };
        let Returns::Computed(how) = &signature.returns else {
            return match signature.returns {
                Returns::Type(ty) => Some((None, ty)),
                _ => Some((None, Type::Dynamic)),
            };
        };
        Some(match how.as_str() {
            "Widest" => {
                let ty = of_kind(&[ParamKind::Number]).into_iter().reduce(widest).unwrap_or(Type::Real);
                (Some(ty), ty)
            }
            "Common" | "CommonNonDynamic" => {
                let types =
                    of_kind(&[ParamKind::CommonScalar, ParamKind::CommonScalarOrDynamic, ParamKind::CommonOrderable]);
                let numeric = expanded.iter().any(|p| p.kind == ParamKind::CommonOrderable);
                match common_type(&types, numeric) {
                    Some(ty) => (Some(ty), ty),
                    None => {
                        let list: Vec<&str> = types.iter().map(|t| t.name()).collect();
                        let message = format!("The arguments must be of one type, these are of {}.", list.join(", "));
                        self.error("KS128", span, message);
                        return None;
                    }
                }
            }
            "Parameter0" => (None, targets.first().copied().unwrap_or(Type::Dynamic)),
            "Parameter1" => (None, targets.get(1).copied().unwrap_or(Type::Dynamic)),
            "ParameterNLiteral" | "Parameter0Literal" | "Parameter1Literal" => (None, literal.unwrap_or(Type::Dynamic)),
            _ => (None, Type::Dynamic),
        })
    }
}

/// Whether a `*` may stand for all columns in a call.
fn takes_star(spec: &FunctionSpec) -> bool {
    let star = |p: &ParamSpec| matches!(p.argument.as_deref(), Some("StarOnly" | "StarAllowed"));
    spec.signatures.iter().flat_map(|s| &s.params).any(star)
}

/// Results whose type the engine takes from a value rather than from a type.
fn engine_result(function: &str, args: &[Expr]) -> Option<Type> {
    match (function, args.first()?.as_const()) {
        ("datetime_diff", Some(Val::Str(part))) if part.eq_ignore_ascii_case("week") => Some(Type::Real),
        _ => None,
    }
}

/// The type that a conversion function gives.
fn cast_target(function: &str) -> Option<Type> {
    Some(match function {
        "tostring" => Type::String,
        "toint" => Type::Int,
        "tolong" => Type::Long,
        "toreal" | "todouble" => Type::Real,
        "todecimal" => Type::Decimal,
        "tobool" | "toboolean" => Type::Bool,
        "todatetime" => Type::DateTime,
        "totimespan" => Type::Timespan,
        "toguid" => Type::Guid,
        _ => return None,
    })
}

pub(super) fn declared_type(spec: &FunctionSpec) -> Option<Type> {
    match spec.signatures.first()?.returns {
        Returns::Type(ty) => Some(ty),
        _ => None,
    }
}

/// One parameter for each argument: repeatable ones as often as needed.
pub(super) fn expand(signature: &Signature, count: usize) -> Vec<&ParamSpec> {
    let params = &signature.params;
    let Some(first) = params.iter().position(|p| p.repeatable) else {
        return params.iter().take(count).collect();
    };
    let run = params[first..].iter().take_while(|p| p.repeatable).count();
    let tail = &params[first + run..];
    let required = tail.iter().filter(|p| !p.optional).count();
    let repeated = count.saturating_sub(first + required);
    params[..first]
        .iter()
        .chain(params[first..first + run].iter().cycle().take(repeated))
        .chain(tail.iter().filter(|p| !p.optional))
        .take(count)
        .collect()
}

/// What each argument is converted to, and how far that is.
fn match_signature(signature: &Signature, types: &[Type], nulls: &[bool]) -> Option<(Vec<Type>, u32)> {
    let expanded = expand(signature, types.len());
    let mut targets = Vec::with_capacity(types.len());
    let mut cost = 0;
    for (i, (ty, null)) in types.iter().zip(nulls).enumerate() {
        let param = expanded.get(i)?;
        // An optional last parameter may follow a repeatable one.
        let (target, distance) = match_kind(&param.kind, *ty, *null).or_else(|| {
            let last = signature.params.last().filter(|p| p.optional && i + 1 == types.len())?;
            match_kind(&last.kind, *ty, *null)
        })?;
        targets.push(target);
        cost += distance;
    }
    Some((targets, cost))
}

/// The type that an argument becomes for a parameter, and how far that is; `None` where it does not fit.
pub(super) fn match_kind(kind: &ParamKind, ty: Type, null: bool) -> Option<(Type, u32)> {
    let same = Some((ty, 0));
    // A dynamic value is read as text by itself; anything else must be asked for, as with tolong(). A null is any type.
    let dynamic_as = |target| {
        let reads = ty == Type::Dynamic && (null || matches!(target, Type::String | Type::Dynamic));
        reads.then_some((target, 5))
    };
    match kind {
        ParamKind::Types(types) if types.contains(&ty) => same,
        ParamKind::Types(types) => {
            if ty == Type::Dynamic && types.contains(&Type::String) {
                return Some((Type::String, 5));
            }
            if null {
                return types.first().map(|t| (*t, 5));
            }
            let widening: &[(Type, u32)] = match ty {
                Type::Int => &[(Type::Long, 1), (Type::Real, 2), (Type::Decimal, 3)],
                Type::Long => &[(Type::Real, 2), (Type::Decimal, 3), (Type::Int, 4)],
                Type::Decimal => &[(Type::Real, 2)],
                _ => &[],
            };
            widening.iter().find(|(t, _)| types.contains(t)).copied()
        }
        ParamKind::TypeLiteral | ParamKind::Any | ParamKind::Scalar => Some((ty, 1)),
        ParamKind::CommonScalar | ParamKind::CommonScalarOrDynamic => Some((ty, 1)),
        ParamKind::Number if ty.is_number() => same,
        ParamKind::Number => dynamic_as(Type::Real),
        ParamKind::Integer if ty.is_integer() => same,
        ParamKind::Integer => dynamic_as(Type::Long),
        ParamKind::NumberOrBool if ty.is_number() || ty == Type::Bool => same,
        ParamKind::NumberOrBool => dynamic_as(Type::Real),
        ParamKind::Summable if ty.is_summable() => same,
        ParamKind::Summable => dynamic_as(Type::Real),
        ParamKind::Orderable | ParamKind::CommonOrderable
            if ty.is_summable() || matches!(ty, Type::String | Type::Bool | Type::Guid) =>
        {
            same
        }
        ParamKind::Orderable | ParamKind::CommonOrderable => dynamic_as(Type::Dynamic),
        ParamKind::NotDynamic => (ty != Type::Dynamic).then_some((ty, 0)).or(dynamic_as(Type::String)),
        ParamKind::NotBool => (ty != Type::Bool).then_some((ty, 0)),
        ParamKind::NotRealOrBool => (!matches!(ty, Type::Real | Type::Bool)).then_some((ty, 0)),
        ParamKind::StringOrDynamic | ParamKind::StringOrArray if matches!(ty, Type::String | Type::Dynamic) => same,
        ParamKind::IntegerOrArray if ty.is_integer() || ty == Type::Dynamic => same,
        ParamKind::DynamicArray | ParamKind::DynamicBag if ty == Type::Dynamic => same,
        _ => None,
    }
}

/// The argument that does not fit, and what would: code, place and message. Where several signatures take so many
/// arguments, none is meant more than another.
pub(super) fn mismatch(
    spec: &FunctionSpec,
    signatures: &[&Signature],
    args: &[Expr],
    span: Span,
) -> (&'static str, Span, String) {
    let [signature] = signatures else {
        let types: Vec<&str> = args.iter().map(|a| a.ty.name()).collect();
        let message = format!("The function '{}' is not compatible with arguments ({})", spec.name, types.join(", "));
        return ("KS127", args.first().map_or(span, |a| a.span), message);
    };
    let wrong = expand(signature, args.len())
        .into_iter()
        .zip(args)
        .find(|(param, arg)| match_kind(&param.kind, arg.ty, false).is_none());
    let Some((param, arg)) = wrong else {
        return ("KS107", span, "The arguments do not fit the function.".to_string());
    };
    let (code, message) = match &param.kind {
        ParamKind::Types(types) if types.len() == 1 => {
            ("KS107", format!("A value of type {} expected.", types.first().map_or("", |t| t.name())))
        }
        ParamKind::Types(types) => {
            let types: Vec<&str> = types.iter().map(|t| t.name()).collect();
            ("KS141", format!("The expression must have one of the types: {}.", types.join(" or ")))
        }
        ParamKind::Number | ParamKind::NumberOrBool => ("KS137", "The expression value must be a number.".to_string()),
        ParamKind::Integer => ("KS134", "The expression value must be an integer.".to_string()),
        ParamKind::DynamicArray => ("KS234", "The expression value must be a dynamic array.".to_string()),
        ParamKind::DynamicBag => ("KS235", "The expression must be a dynamic bag.".to_string()),
        ParamKind::Summable => {
            ("KS138", "The argument value must be summable: a number, timespan or datetime.".to_string())
        }
        ParamKind::Orderable | ParamKind::CommonOrderable => {
            let wanted = "a number, timespan, datetime, string or boolean";
            ("KS206", format!("The argument value must be orderable: {wanted}."))
        }
        _ => ("KS141", "The expression must have one of the types: string or dynamic.".to_string()),
    };
    (code, arg.span, message)
}

/// The one type of values that must agree; dynamic gives way, ints widen to long, and numbers to the widest where
/// `numeric`.
pub(super) fn common_type(types: &[Type], numeric: bool) -> Option<Type> {
    let mut known = types.iter().copied().filter(|t| *t != Type::Dynamic);
    let Some(first) = known.next() else { return Some(Type::Dynamic) };
    known.try_fold(first, |common, ty| {
        if common == ty {
            Some(common)
        } else if (common.is_integer() && ty.is_integer()) || (numeric && common.is_number() && ty.is_number()) {
            Some(widest(common, ty))
        } else {
            None
        }
    })
}
