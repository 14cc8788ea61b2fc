//! The string operators, named by their text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::cast::{to_text, tree_text};
use crate::catalogue::{EvalError, Nulls, RowKernel, Scalar};
use crate::string_match::{MatchOp, Matcher, equals_ci};
use crate::{Dynamic, Val};

const fn operator(name: &'static str, doc: &'static str, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls: Nulls::Handled, kernel }
}

pub(super) static ENTRIES: &[Scalar] = &[
    operator("=~", "Equal, ignoring case.", |_, a| one(MatchOp::EqualsCi, false, a)),
    operator("!~", "Not equal, ignoring case.", |_, a| one(MatchOp::EqualsCi, true, a)),
    operator("has", "Holds a whole term, ignoring case.", |_, a| one(MatchOp::Has, false, a)),
    operator("!has", "Doesn't hold a whole term, ignoring case.", |_, a| one(MatchOp::Has, true, a)),
    operator("has_cs", "Holds a whole term.", |_, a| one(MatchOp::HasCs, false, a)),
    operator("!has_cs", "Doesn't hold a whole term.", |_, a| one(MatchOp::HasCs, true, a)),
    operator("hasprefix", "A term begins so, ignoring case.", |_, a| one(MatchOp::HasPrefix, false, a)),
    operator("!hasprefix", "No term begins so, ignoring case.", |_, a| one(MatchOp::HasPrefix, true, a)),
    operator("hasprefix_cs", "A term begins so.", |_, a| one(MatchOp::HasPrefixCs, false, a)),
    operator("!hasprefix_cs", "No term begins so.", |_, a| one(MatchOp::HasPrefixCs, true, a)),
    operator("hassuffix", "A term ends so, ignoring case.", |_, a| one(MatchOp::HasSuffix, false, a)),
    operator("!hassuffix", "No term ends so, ignoring case.", |_, a| one(MatchOp::HasSuffix, true, a)),
    operator("hassuffix_cs", "A term ends so.", |_, a| one(MatchOp::HasSuffixCs, false, a)),
    operator("!hassuffix_cs", "No term ends so.", |_, a| one(MatchOp::HasSuffixCs, true, a)),
    operator("contains", "Holds a text, ignoring case.", |_, a| one(MatchOp::Contains, false, a)),
    operator("!contains", "Doesn't hold a text, ignoring case.", |_, a| one(MatchOp::Contains, true, a)),
    operator("contains_cs", "Holds a text.", |_, a| one(MatchOp::ContainsCs, false, a)),
    operator("!contains_cs", "Doesn't hold a text.", |_, a| one(MatchOp::ContainsCs, true, a)),
    operator("startswith", "Begins so, ignoring case.", |_, a| one(MatchOp::StartsWith, false, a)),
    operator("!startswith", "Doesn't begin so, ignoring case.", |_, a| one(MatchOp::StartsWith, true, a)),
    operator("startswith_cs", "Begins so.", |_, a| one(MatchOp::StartsWithCs, false, a)),
    operator("!startswith_cs", "Doesn't begin so.", |_, a| one(MatchOp::StartsWithCs, true, a)),
    operator("endswith", "Ends so, ignoring case.", |_, a| one(MatchOp::EndsWith, false, a)),
    operator("!endswith", "Doesn't end so, ignoring case.", |_, a| one(MatchOp::EndsWith, true, a)),
    operator("endswith_cs", "Ends so.", |_, a| one(MatchOp::EndsWithCs, false, a)),
    operator("!endswith_cs", "Doesn't end so.", |_, a| one(MatchOp::EndsWithCs, true, a)),
    operator("like", "Fits a pattern of % and _, ignoring case.", |_, a| one(MatchOp::Like, false, a)),
    operator("notlike", "Doesn't fit a pattern of % and _, ignoring case.", |_, a| one(MatchOp::Like, true, a)),
    operator("likecs", "Fits a pattern of % and _.", |_, a| one(MatchOp::LikeCs, false, a)),
    operator("notlikecs", "Doesn't fit a pattern of % and _.", |_, a| one(MatchOp::LikeCs, true, a)),
    operator("matches regex", "A regular expression matches somewhere.", |_, a| one(MatchOp::MatchesRegex, false, a)),
    operator("has_any", "Holds any of the terms, ignoring case.", |_, a| several(Several::Any, false, a)),
    operator("!has_any", "Holds none of the terms, ignoring case.", |_, a| several(Several::Any, true, a)),
    operator("has_all", "Holds all of the terms, ignoring case.", |_, a| several(Several::All, false, a)),
    operator("in~", "Equals one of the values, ignoring case.", |_, a| is_in(false, a)),
    operator("!in~", "Equals none of the values, ignoring case.", |_, a| is_in(true, a)),
];

/// Compiled matchers kept a thread.
const MOST: usize = 256;

thread_local! {
    static ONE: RefCell<HashMap<MatchOp, HashMap<String, Rc<Matcher>>>> = RefCell::new(HashMap::new());
    static SEVERAL: RefCell<HashMap<Several, HashMap<String, Rc<Matcher>>>> = RefCell::new(HashMap::new());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Several {
    Any,
    All,
}

/// The matcher of an operator and needle, compiled at its first use.
pub(super) fn matcher(op: MatchOp, needle: &str) -> Result<Rc<Matcher>, EvalError> {
    ONE.with_borrow_mut(|cache| remembered(cache.entry(op).or_default(), needle, || Matcher::new(op, needle)))
}

fn remembered(
    known: &mut HashMap<String, Rc<Matcher>>,
    key: &str,
    make: impl FnOnce() -> Result<Matcher, EvalError>,
) -> Result<Rc<Matcher>, EvalError> {
    if let Some(matcher) = known.get(key) {
        return Ok(Rc::clone(matcher));
    }
    let matcher = Rc::new(make()?);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(key.to_string(), Rc::clone(&matcher));
    Ok(matcher)
}

fn one<'a>(op: MatchOp, negated: bool, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let [left, right] = args else { return Ok(Val::Null) };
    let found = matcher(op, &to_text(right))?.is_match(&to_text(left));
    Ok(Val::Bool(found != negated))
}

fn several<'a>(kind: Several, negated: bool, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some((left, values)) = args.split_first() else { return Ok(Val::Null) };
    let make = || {
        let needles = texts(values);
        Ok(match kind {
            Several::Any => Matcher::any(&needles),
            Several::All => Matcher::all(&needles),
        })
    };
    let matcher = match values {
        [Val::Dynamic(list)] => {
            SEVERAL.with_borrow_mut(|cache| remembered(cache.entry(kind).or_default(), list, make))?
        }
        _ => Rc::new(make()?),
    };
    Ok(Val::Bool(matcher.is_match(&to_text(left)) != negated))
}

fn is_in<'a>(negated: bool, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some((left, values)) = args.split_first() else { return Ok(Val::Null) };
    let left = to_text(left);
    let found = match values {
        [Val::Dynamic(_)] => texts(values).iter().any(|v| equals_ci(&left, v)),
        _ => values.iter().any(|v| equals_ci(&left, &to_text(v))),
    };
    Ok(Val::Bool(found != negated))
}

/// The texts of a dynamic array or of scalars; nulls of an array don't count.
fn texts(values: &[Val<'_>]) -> Vec<String> {
    match values {
        [list @ Val::Dynamic(_)] => match list.to_tree() {
            Dynamic::Array(items) => items.iter().filter(|v| **v != Dynamic::Null).map(tree_text).collect(),
            scalar => vec![tree_text(&scalar)],
        },
        [Val::Null] => Vec::new(),
        scalars => scalars.iter().map(|v| to_text(v).into_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Cx, Type};

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret: Type::Bool }, args).unwrap().into_owned()
    }

    #[test]
    fn operators_take_strings_and_dynamics() {
        assert_eq!(run("has", &[Val::str("a hello b"), Val::str("HELLO")]), Val::Bool(true));
        assert_eq!(run("has", &[Val::Dynamic("[\"x\",\"hello\"]".into()), Val::str("hello")]), Val::Bool(true));
        assert_eq!(run("=~", &[Val::Dynamic("\"Ab\"".into()), Val::str("aB")]), Val::Bool(true));
        assert_eq!(run("!has", &[Val::Null, Val::str("x")]), Val::Bool(true));
        assert_eq!(run("matches regex", &[Val::str("a1"), Val::str("[a-z][0-9]")]), Val::Bool(true));
    }

    #[test]
    fn lists_are_arrays_or_scalars() {
        let list = Val::Dynamic("[\"beta\",2]".into());
        assert_eq!(run("has_any", &[Val::str("Example number 2"), list.clone()]), Val::Bool(true));
        assert_eq!(run("has_all", &[Val::str("beta"), list.clone()]), Val::Bool(false));
        assert_eq!(run("in~", &[Val::str("BETA"), list]), Val::Bool(true));
        assert_eq!(run("!in~", &[Val::str("x"), Val::str("a"), Val::str("X")]), Val::Bool(false));
        assert_eq!(run("has_any", &[Val::str("x"), Val::Dynamic("[]".into())]), Val::Bool(false));
    }
}
