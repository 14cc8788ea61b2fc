//! Relations whose columns are not all known: watchlists, ASIM parsers, other databases, functions without bodies.
//!
//! A name that such a relation does not list is taken as a column of unknown type, and stands in the result from then
//! on, so that checking a query goes on behind it.

use std::rc::Rc;

use kql_functions::catalogue::{Catalogue, FunctionSpec, ParamKind};
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, Operator, OperatorKind};

use super::functions::{common_type, expand};
use super::scope::Entity;
use super::statements::Value;
use super::{Binder, Env, Row};
use crate::bound::{Column, Expr, ExprKind, Rel, RelKind};

/// What every ASIM parser gives; the rest of its columns depends on the schema.
const ASIM_COLUMNS: [(&str, Type); 12] = [
    ("TimeGenerated", Type::DateTime),
    ("Type", Type::String),
    ("EventCount", Type::Int),
    ("EventStartTime", Type::DateTime),
    ("EventEndTime", Type::DateTime),
    ("EventType", Type::String),
    ("EventResult", Type::String),
    ("EventProduct", Type::String),
    ("EventVendor", Type::String),
    ("EventSchema", Type::String),
    ("EventSchemaVersion", Type::String),
    ("Dvc", Type::String),
];

const WATCHLIST_COLUMNS: [(&str, Type); 3] =
    [("_DTItemId", Type::String), ("LastUpdatedTimeUTC", Type::DateTime), ("SearchKey", Type::String)];

impl Binder<'_> {
    /// A function that is known by its result only: of the catalogue, or of Sentinel itself.
    pub(super) fn known_function(
        &mut self,
        name: &str,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Option<Value> {
        if let Some(known) = self.catalog.known_function(name) {
            self.loose_arguments(args, row, env);
            let columns: Vec<(&str, Type)> = known.columns.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
            let what = "A function of which only the result is known";
            return Some(Value::Rel(self.not_run(&columns, known.open, what, span)));
        }
        if name == "_GetWatchlist"
            && let [alias, ..] = args
            && let Some(rel) = self.watchlist(&alias.value, env, span)
        {
            return Some(Value::Rel(rel));
        }
        let (columns, what): (&[(&str, Type)], &'static str) = match name {
            "_GetWatchlist" => (&WATCHLIST_COLUMNS, "A watchlist"),
            "_GetWatchlistAlias" => (&[("WatchlistAlias", Type::String)], "The list of watchlists"),
            _ if is_asim_scalar(name) => {
                self.loose_arguments(args, row, env);
                // Its value is unknown, not its type.
                return Some(Value::Scalar(Expr { kind: ExprKind::Error, ty: Type::String, span }));
            }
            _ if name.starts_with("_ASIM_") => (&[], "An ASIM function"),
            _ if is_asim(name) => (&ASIM_COLUMNS, "An ASIM parser"),
            _ => return None,
        };
        self.loose_arguments(args, row, env);
        Some(Value::Rel(self.not_run(columns, true, what, span)))
    }

    /// The items of a watchlist that is known. One that is not can be checked, not run.
    fn watchlist(&mut self, alias: &ast::Expr, env: &Env, span: Span) -> Option<Rel> {
        let literal = matches!(alias.kind, ast::ExprKind::Literal(_));
        if !literal && self.options.checking {
            return None;
        }
        let value = self.constant(alias, env, "The alias of a watchlist")?;
        let alias_text = value.as_str()?;
        let Some(columns) = self.catalog.watchlist(alias_text) else {
            if !self.options.checking {
                let message = format!("The watchlist '{alias_text}' is not known.");
                let help = "give its items as a CSV file with --watchlist ALIAS=FILE".to_string();
                self.error_with_help("PQ005", alias.span, message, Some(help));
                return Some(self.error_rel(span));
            }
            return None;
        };
        let source = columns.iter().map(|(name, _)| name.clone()).collect();
        let columns = columns.into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        let kind = RelKind::Watchlist { alias: alias_text.to_string(), source };
        Some(Rel { kind, columns, serialized: false, open: false, span })
    }

    /// Arguments of any form; names in them must be known all the same.
    fn loose_arguments(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env) {
        for arg in args {
            self.value(&arg.value, row, env);
        }
    }

    pub(super) fn not_run(&mut self, columns: &[(&str, Type)], open: bool, what: &'static str, span: Span) -> Rel {
        let columns = columns.iter().map(|(name, ty)| self.column(*name, *ty)).collect();
        Rel { kind: RelKind::NotRun(what), columns, serialized: false, open, span }
    }

    /// `place("…").name`: a name of this database in `workspace()`, `app()`, `resource()` and `database()`, where one
    /// that is not known is taken as a table; anything in another cluster or service.
    pub(super) fn placed(&mut self, base: &ast::Expr, selector: &ast::Expr, row: Row<'_>, env: &Env) -> Value {
        let what = match place(base) {
            Some(name) if matches!(env.find(name), Some(Entity::Place)) => "A table of another place",
            Some("adx" | "arg" | "cluster") => {
                self.diagnostics.extend(super::warnings::unreachable_cluster(base));
                "A table of another service"
            }
            Some("database") if self.is_alias(base, env) => "A table of another cluster",
            Some("workspace" | "app" | "resource") => match &selector.kind {
                ast::ExprKind::Name(name) if !self.is_known(&name.text, env) => "A table of another workspace",
                _ => return self.value(selector, row, env),
            },
            _ => return self.value(selector, row, env),
        };
        Value::Rel(self.not_run(&[], true, what, selector.span))
    }

    /// Whether a call names a database that an `alias` statement declares.
    fn is_alias(&mut self, base: &ast::Expr, env: &Env) -> bool {
        let ast::ExprKind::Call { args, .. } = &base.kind else { return false };
        let Some(first) = args.first().filter(|_| !self.aliases.is_empty()) else { return false };
        match self.constant(&first.value, env, "The name of the database") {
            Some(Val::Str(name)) => self.aliases.iter().any(|alias| *alias == *name),
            _ => false,
        }
    }

    /// `macro-expand group as scope (body)`: the columns are those of the body; its tables lie elsewhere.
    pub(super) fn macro_expand(
        &mut self,
        scope: Option<&ast::Name>,
        body: &[ast::Statement],
        env: &Env,
        span: Span,
    ) -> Rel {
        let inner = match scope {
            Some(scope) => env.with(&scope.text, Entity::Place),
            None => Rc::clone(env),
        };
        match self.statements(body, &inner, Row::NONE).0 {
            Some(Value::Rel(rel)) => {
                Rel { kind: RelKind::NotRun("The operator 'macro-expand'"), serialized: false, span, ..rel }
            }
            _ => self.error_rel(span),
        }
    }

    fn is_known(&self, name: &str, env: &Env) -> bool {
        env.find(name).is_some()
            || self.catalog.table(name).is_some()
            || self.catalog.function(name).is_some()
            || self.catalog.known_function(name).is_some()
            || is_asim(name)
    }

    /// Notes a name that an open relation does not list.
    pub(super) fn infer(&mut self, open: bool, name: &str) {
        if open && !self.inferred.iter().any(|known| known == name) {
            self.inferred.push(name.to_string());
        }
    }

    /// Applies an operator. The columns that it finds in an open input stand in its result, where it keeps its input's.
    pub(super) fn operator_of_open(&mut self, input: Rel, operator: &Operator, env: &Env) -> Rel {
        let outer = std::mem::take(&mut self.inferred);
        let before: Vec<Column> = if input.open { input.columns.clone() } else { Vec::new() };
        let mut rel = self.operator(input, operator, env);
        let inferred = std::mem::replace(&mut self.inferred, outer);
        if inferred.is_empty() || matches!(rel.kind, RelKind::Error) {
            return rel;
        }
        let names = match &operator.kind {
            OperatorKind::ProjectRename(items) => inferred
                .into_iter()
                .filter_map(|name| {
                    let renamed = |item: &&ast::NamedExpr| match &item.value.kind {
                        ast::ExprKind::Name(old) => old.text == name,
                        _ => false,
                    };
                    items.iter().find(renamed)?.names.first().map(|new| new.text.clone())
                })
                .collect(),
            kind if keeps_columns(kind) => inferred,
            _ => return rel,
        };
        let kept = rel.columns.iter().zip(&before).take_while(|(now, then)| now.name == then.name).count();
        let mut at = kept;
        for name in names {
            if rel.columns.iter().any(|c| c.name == name) {
                continue;
            }
            let column = self.column(name, Type::Unknown);
            if let RelKind::Project { exprs, .. } = &mut rel.kind {
                let value = Expr::column(&column, operator.span);
                exprs.insert(at.min(exprs.len()), value);
            }
            rel.columns.insert(at, column);
            at += 1;
        }
        rel
    }

    /// The value of an aggregate whose arguments are not known: its type may be.
    pub(super) fn aggregate_of_unknown(&self, name: &str, span: Span) -> Expr {
        let declared = Catalogue::get().aggregate(name).and_then(super::functions::declared_type);
        let ty = match (declared, name) {
            (Some(ty), _) => ty,
            (None, name) if name.starts_with("make_") || name.starts_with("make") => Type::Dynamic,
            (None, _) => Type::Unknown,
        };
        Expr { kind: ExprKind::Error, ty, span }
    }
}

/// The type of a call of which some arguments are not known: where all that decide it are, theirs.
pub(super) fn type_of_known(spec: &FunctionSpec, args: &[Expr]) -> Type {
    let fits = spec.signatures.iter().find(|s| (s.min..=s.max).contains(&args.len()));
    let Some(signature) = fits else { return Type::Unknown };
    let decides = |kind: &ParamKind| {
        matches!(kind, ParamKind::CommonScalar | ParamKind::CommonScalarOrDynamic | ParamKind::CommonOrderable)
    };
    let expanded = expand(signature, args.len());
    let deciding: Vec<Type> = expanded.iter().zip(args).filter(|(p, _)| decides(&p.kind)).map(|(_, a)| a.ty).collect();
    if deciding.is_empty() || deciding.contains(&Type::Unknown) {
        return Type::Unknown;
    }
    common_type(&deciding, true).unwrap_or(Type::Unknown)
}

/// The outermost function of `f("…").g("…")`.
pub(super) fn place(base: &ast::Expr) -> Option<&str> {
    match &base.kind {
        ast::ExprKind::Call { name, .. } | ast::ExprKind::Name(name) => Some(&name.text),
        ast::ExprKind::Path { base, .. } => place(base),
        _ => None,
    }
}

/// Operators whose result has all columns of the input.
fn keeps_columns(kind: &OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::Where(_)
            | OperatorKind::Extend(_)
            | OperatorKind::Serialize(_)
            | OperatorKind::Sort(_)
            | OperatorKind::Top { .. }
            | OperatorKind::ProjectReorder(_)
            | OperatorKind::Parse { .. }
            | OperatorKind::ParseKv { .. }
            | OperatorKind::MvExpand { .. }
            | OperatorKind::Join { .. }
            | OperatorKind::Lookup { .. }
    )
}

/// Names of ASIM parsers and helpers: `_Im_Dns`, `_ASim_Dns_…`, and the older `imDns`, `vimDns…`, `ASimDns…`.
fn is_asim(name: &str) -> bool {
    let capital = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
    ["_Im_", "_ASim_", "_ASIM_"].iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
        || ["im", "vim", "ASim"].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(capital))
}

/// The ASIM helpers that give a text.
fn is_asim_scalar(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("_ASIM_") else { return false };
    rest.starts_with("Lookup") || rest.starts_with("Get") && (rest.ends_with("Type") || rest.ends_with("Id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_asim() {
        for name in ["_Im_Dns", "_ASim_Dns_InfobloxNIOS", "imDns", "vimDnsEmpty", "ASimDnsGcp", "_ASIM_ResolveFQDN"] {
            assert!(is_asim(name), "{name}");
        }
        for name in ["image", "imdns", "vim", "_Im_", "ASimple", "SigninLogs"] {
            assert!(!is_asim(name), "{name}");
        }
        assert!(is_asim_scalar("_ASIM_GetUsernameType") && is_asim_scalar("_ASIM_LookupDnsQueryType"));
        assert!(!is_asim_scalar("_ASIM_ResolveFQDN"));
    }
}
