//! Bags: making, merging, reading and changing them.

use super::scan;
use super::support::{Out, bag_of, encode_into, from_array, from_bag, lenient, strict, tree_text};
use crate::dynamic::write_string;
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    lenient("bag_pack", "A bag of alternating keys and values.", bag_pack),
    lenient("pack", "A bag of alternating keys and values.", bag_pack),
    lenient("pack_dictionary", "A bag of alternating keys and values.", bag_pack),
    lenient("bag_pack_columns", "A bag of columns by their names.", bag_pack),
    lenient("pack_all", "A bag of all columns by their names.", bag_pack),
    lenient("pack_all_nonempty", "A bag of all columns that are neither null nor empty.", pack_nonempty),
    lenient("pack_array", "An array of the values.", pack_array),
    strict("bag_keys", "The root keys of a bag.", bag_keys),
    lenient("bag_merge", "The members of all bags; of a repeated key the first counts.", bag_merge),
    strict("bag_has_key", "Whether a bag has a key or, written from `$`, a path.", bag_has_key),
    strict("bag_remove_keys", "The bag without some keys or, written from `$`, paths.", bag_remove_keys),
    lenient("bag_set_key", "The bag with a key or, written from `$`, a path set to a value.", bag_set_key),
    strict("bag_zip", "A bag of an array of keys and an array of values.", bag_zip),
    strict("treepath", "The paths of all members.", treepath),
    lenient("dynamic_to_json", "Canonical JSON: keys sorted.", dynamic_to_json),
];

fn bag_pack<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(pack(args, |_| true))
}

fn pack_nonempty<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(pack(args, |value| !value.is_empty()))
}

fn pack<'a>(args: &[Val<'_>], wanted: fn(&Val<'_>) -> bool) -> Val<'a> {
    let pairs: Vec<(&str, &Val<'_>)> = args
        .chunks_exact(2)
        .filter(|pair| pair.get(1).is_some_and(wanted))
        .filter_map(|pair| Some((pair.first()?.as_str().unwrap_or_default(), pair.get(1)?)))
        .collect();
    let mut out = String::from("{");
    for (i, (key, value)) in pairs.iter().enumerate() {
        if pairs.iter().skip(i + 1).any(|(later, _)| later == key) {
            continue;
        }
        if out.len() > 1 {
            out.push(',');
        }
        write_string(&mut out, key);
        out.push(':');
        encode_into(&mut out, value);
    }
    out.push('}');
    Val::Dynamic(out.into())
}

fn pack_array<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let mut out = String::from("[");
    for (i, value) in args.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        encode_into(&mut out, value);
    }
    out.push(']');
    Ok(Val::Dynamic(out.into()))
}

fn bag_keys<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(keys) = args.first().and_then(Val::as_str).and_then(scan::keys) else { return Ok(Val::Null) };
    let mut out = String::from("[");
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(&mut out, key);
    }
    out.push(']');
    Ok(Val::Dynamic(out.into()))
}

fn bag_merge<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let mut merged: Option<Vec<(String, Dynamic)>> = None;
    for bag in args.iter().filter_map(bag_of) {
        let members = merged.get_or_insert_default();
        for (key, value) in bag {
            if !members.iter().any(|(k, _)| *k == key) {
                members.push((key, value));
            }
        }
    }
    Ok(merged.map_or(Val::Null, from_bag))
}

fn bag_has_key<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [bag, Val::Str(key)] = args else { return Ok(Val::Null) };
    let Some(members) = bag_of(bag) else { return Ok(Val::Null) };
    let mut place = &Dynamic::Bag(members);
    for step in path(key) {
        let next = match &step {
            Step::Key(key) => place.get(key),
            Step::Item(position) => place.at(*position),
        };
        match next {
            Some(inner) => place = inner,
            None => return Ok(Val::Bool(false)),
        }
    }
    Ok(Val::Bool(true))
}

fn bag_remove_keys<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [bag, keys] = args else { return Ok(Val::Null) };
    let Some(members) = bag_of(bag) else { return Ok(Val::Null) };
    let mut tree = Dynamic::Bag(members);
    for key in super::support::array_of(keys).unwrap_or_default() {
        if let Dynamic::String(key) = key {
            remove(&mut tree, &path(&key));
        }
    }
    Ok(Val::dynamic(&tree))
}

fn remove(place: &mut Dynamic, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else { return };
    match (place, step) {
        (Dynamic::Bag(members), Step::Key(key)) if rest.is_empty() => members.retain(|(k, _)| k != key),
        (Dynamic::Bag(members), Step::Key(key)) => {
            if let Some((_, inner)) = members.iter_mut().find(|(k, _)| k == key) {
                remove(inner, rest);
            }
        }
        (Dynamic::Array(items), Step::Item(position)) => {
            if let Some(inner) = usize::try_from(*position).ok().and_then(|p| items.get_mut(p)) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

fn bag_set_key<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [bag, Val::Str(key), value] = args else { return Ok(Val::Null) };
    let Some(members) = bag_of(bag) else { return Ok(Val::Null) };
    let mut tree = Dynamic::Bag(members);
    set(&mut tree, &path(key), value.to_tree());
    Ok(Val::dynamic(&tree))
}

/// Sets the value at a path, making the bags on the way.
fn set(place: &mut Dynamic, steps: &[Step], value: Dynamic) {
    let Some((step, rest)) = steps.split_first() else {
        *place = value;
        return;
    };
    match (place, step) {
        (Dynamic::Bag(members), Step::Key(key)) => {
            let position = members.iter().position(|(k, _)| k == key);
            let mut inner = position.map_or_else(|| Dynamic::Bag(Vec::new()), |at| members.remove(at).1);
            if !rest.is_empty() && !matches!(inner, Dynamic::Bag(_) | Dynamic::Array(_)) {
                inner = Dynamic::Bag(Vec::new());
            }
            set(&mut inner, rest, value);
            members.push((key.clone(), inner));
        }
        (Dynamic::Array(items), Step::Item(position)) => {
            if let Some(inner) = usize::try_from(*position).ok().and_then(|p| items.get_mut(p)) {
                set(inner, rest, value);
            }
        }
        _ => {}
    }
}

enum Step {
    Key(String),
    Item(i64),
}

/// A key as it is, or a path written `$.a.b`, `$['a'][0]`.
fn path(text: &str) -> Vec<Step> {
    let Some(rest) = text.strip_prefix('$').filter(|r| r.starts_with(['.', '['])) else {
        return vec![Step::Key(text.to_string())];
    };
    json_path(rest).unwrap_or_else(|| vec![Step::Key(text.to_string())])
}

fn json_path(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            steps.push(Step::Key(name.to_string()));
            rest = tail;
            continue;
        }
        let inner = rest.strip_prefix('[')?;
        if let Some(quote) = inner.chars().next().filter(|c| *c == '\'' || *c == '"') {
            let (name, tail) = inner.get(1..)?.split_once(quote)?;
            steps.push(Step::Key(name.to_string()));
            rest = tail.strip_prefix(']')?;
        } else {
            let (position, tail) = inner.split_once(']')?;
            steps.push(Step::Item(position.trim().parse().ok()?));
            rest = tail;
        }
    }
    Some(steps)
}

fn bag_zip<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [keys, values] = args else { return Ok(Val::Null) };
    let Some(keys) = super::support::array_of(keys) else { return Ok(Val::Null) };
    // What is no array has no values.
    let values = super::support::array_of(values).unwrap_or_default();
    let mut members: Vec<(String, Dynamic)> = Vec::new();
    for (i, key) in keys.into_iter().enumerate() {
        let Dynamic::String(key) = key else { continue };
        let value = values.get(i).cloned().unwrap_or(Dynamic::Null);
        match members.iter_mut().find(|(k, _)| *k == key) {
            Some(slot) => slot.1 = value,
            None => members.push((key, value)),
        }
    }
    Ok(from_bag(members))
}

fn treepath<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let tree = args.first().map_or(Dynamic::Null, Val::to_tree);
    if !matches!(tree, Dynamic::Bag(_) | Dynamic::Array(_)) {
        return Ok(Val::Null);
    }
    let mut paths = Vec::new();
    list_paths(&tree, "", &mut paths);
    Ok(from_array(paths.into_iter().map(Dynamic::String).collect()))
}

/// All items of an array share the path of its first.
fn list_paths(tree: &Dynamic, prefix: &str, paths: &mut Vec<String>) {
    let mut visit = |path: String, inner: &Dynamic| {
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        list_paths(inner, &path, paths);
    };
    match tree {
        Dynamic::Bag(members) => members.iter().for_each(|(key, inner)| visit(format!("{prefix}['{key}']"), inner)),
        Dynamic::Array(items) => items.iter().for_each(|inner| visit(format!("{prefix}[0]"), inner)),
        _ => {}
    }
}

fn dynamic_to_json<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(arg) = args.first() else { return Ok(Val::str("")) };
    let mut tree = arg.to_tree();
    sort_keys(&mut tree);
    Ok(Val::str(if tree == Dynamic::Null { tree_text(&tree) } else { tree.to_json() }))
}

fn sort_keys(tree: &mut Dynamic) {
    match tree {
        Dynamic::Array(items) => items.iter_mut().for_each(sort_keys),
        Dynamic::Bag(members) => {
            members.sort_by(|a, b| a.0.cmp(&b.0));
            members.iter_mut().for_each(|(_, v)| sort_keys(v));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn run(name: &str, args: &[Val<'_>]) -> String {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        let result = (entry.kernel)(&Cx { args: &[], ret: Type::Dynamic }, args).unwrap();
        match result {
            Val::Bool(b) => b.to_string(),
            other => other.as_str().unwrap_or("null").to_string(),
        }
    }

    fn d(s: &str) -> Val<'_> {
        Val::Dynamic(s.into())
    }

    #[test]
    fn packs() {
        let pairs = [Val::str("a"), Val::Long(1), Val::str("b\""), Val::str("x"), Val::str("c"), Val::Null];
        assert_eq!(run("bag_pack", &pairs), r#"{"a":1,"b\"":"x","c":null}"#);
        assert_eq!(run("pack_all_nonempty", &pairs), r#"{"a":1,"b\"":"x"}"#);
        assert_eq!(run("bag_pack", &[Val::str("a"), Val::Long(1), Val::str("a"), d("[2]")]), r#"{"a":[2]}"#);
        assert_eq!(run("pack_array", &[Val::Long(1), Val::str("two"), Val::Null, d("{}")]), r#"[1,"two",null,{}]"#);
    }

    #[test]
    fn changes_members() {
        assert_eq!(run("bag_merge", &[d(r#"{"a":1}"#), d(r#"{"a":2,"b":3}"#), Val::Null]), r#"{"a":1,"b":3}"#);
        assert_eq!(run("bag_keys", &[d(r#"{"a":1,"b":{"c":2}}"#)]), r#"["a","b"]"#);
        assert_eq!(run("bag_keys", &[d("[1]")]), "null");
        assert_eq!(run("bag_has_key", &[d(r#"{"a":{"b":[7]}}"#), Val::str("$.a.b[0]")]), "true");
        assert_eq!(run("bag_has_key", &[d(r#"{"a":1}"#), Val::str("b")]), "false");
        let bag = r#"{"a":1,"b":{"c":2,"d":3}}"#;
        assert_eq!(run("bag_remove_keys", &[d(bag), d(r#"["$.b.c","a",5]"#)]), r#"{"b":{"d":3}}"#);
        assert_eq!(
            run("bag_set_key", &[d(r#"{"a":1}"#), Val::str("$.k['p']"), Val::str("x")]),
            r#"{"a":1,"k":{"p":"x"}}"#
        );
        assert_eq!(run("bag_zip", &[d(r#"["a",1,"b"]"#), d("[5,6]")]), r#"{"a":5,"b":null}"#);
    }

    #[test]
    fn lists_paths_and_sorts_keys() {
        let tree = r#"{"p":[1,{"x":2},{"y":3}],"q":"s"}"#;
        assert_eq!(run("treepath", &[d(tree)]), r#"["['p']","['p'][0]","['p'][0]['x']","['p'][0]['y']","['q']"]"#);
        assert_eq!(
            run("dynamic_to_json", &[d(r#"{"b":[{"z":1,"y":2}],"a":null}"#)]),
            r#"{"a":null,"b":[{"y":2,"z":1}]}"#
        );
    }
}
