//! The schema that admits all values of a dynamic column.

use std::collections::BTreeSet;

use super::state::Reader;
use super::state::Writer;
use super::{arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Dynamic, EvalError, Val};

pub(super) static ENTRIES: &[Aggregate] =
    &[entry("buildschema", "The least schema that admits all values.", |_| Box::new(BuildSchema::default()))];

/// The name under which the type of an array's elements stands.
const INDEXER: &str = "`indexer`";

/// What was seen at one path.
#[derive(Debug, Default)]
struct Schema {
    /// Members of bags and elements of arrays, the latter under [`INDEXER`].
    container: Option<Vec<(String, Schema)>>,
    primitives: BTreeSet<&'static str>,
}

impl Schema {
    fn add(&mut self, tree: &Dynamic) {
        let primitive = match tree {
            Dynamic::Null => return,
            Dynamic::Array(items) => {
                let indexer = self.member(INDEXER);
                return items.iter().for_each(|item| indexer.add(item));
            }
            Dynamic::Bag(members) => {
                self.container.get_or_insert_default();
                return members.iter().for_each(|(key, value)| self.member(key).add(value));
            }
            Dynamic::Bool(_) => "bool",
            Dynamic::Long(_) => "long",
            Dynamic::Real(_) => "double",
            Dynamic::Decimal(_) => "decimal",
            Dynamic::String(_) => "string",
            Dynamic::DateTime(_) => "datetime",
            Dynamic::Timespan(_) => "timespan",
            Dynamic::Guid(_) => "guid",
        };
        self.primitives.insert(primitive);
    }

    fn member(&mut self, key: &str) -> &mut Schema {
        let members = self.container.get_or_insert_default();
        let index = members.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
            members.push((key.to_string(), Schema::default()));
            members.len() - 1
        });
        &mut members[index].1
    }

    /// The schema as Kusto writes it: one type, or an array of several, containers first.
    fn tree(&self) -> Dynamic {
        let mut types: Vec<Dynamic> = Vec::new();
        if let Some(members) = &self.container {
            types.push(Dynamic::Bag(members.iter().map(|(key, schema)| (key.clone(), schema.tree())).collect()));
        }
        types.extend(self.primitives.iter().map(|name| Dynamic::String(name.to_string())));
        if types.len() == 1 { types.swap_remove(0) } else { Dynamic::Array(types) }
    }

    /// Takes a schema as written by [`Schema::tree`].
    fn merge(&mut self, tree: &Dynamic) {
        match tree {
            Dynamic::Array(types) => types.iter().for_each(|t| self.merge(t)),
            Dynamic::Bag(members) => {
                self.container.get_or_insert_default();
                members.iter().for_each(|(key, value)| self.member(key).merge(value));
            }
            Dynamic::String(name) => self.primitives.extend(PRIMITIVES.iter().find(|known| *known == name)),
            _ => {}
        }
    }

    fn size(&self) -> usize {
        let members = self.container.iter().flatten();
        size_of::<Schema>() + members.map(|(key, schema)| key.len() + schema.size()).sum::<usize>()
    }
}

const PRIMITIVES: [&str; 8] = ["bool", "long", "double", "decimal", "string", "datetime", "timespan", "guid"];

#[derive(Default)]
struct BuildSchema(Option<Schema>);

impl Accumulator for BuildSchema {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let tree = arg(args, 0).to_tree();
        if tree != Dynamic::Null {
            self.0.get_or_insert_default().add(&tree);
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some(schema) = &self.0 {
            w.blob(schema.tree().encode().as_bytes());
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        if !r.is_done() {
            let tree = Dynamic::decode(r.text()?);
            self.0.get_or_insert_default().merge(&tree);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(self.0.as_ref().map_or(Val::Null, |schema| Val::dynamic(&schema.tree())))
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, Schema::size)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, run};
    use super::*;
    use crate::Type;

    fn schema(values: &[&str]) -> Val<'static> {
        let rows: Vec<_> = values.iter().map(|v| vec![dynamic(v)]).collect();
        run("buildschema", &[Type::Dynamic], Type::Dynamic, &rows)
    }

    #[test]
    fn schemas() {
        let values = [
            r#"{"x":1,"y":3.5}"#,
            r#"{"x":"somevalue","z":[1,2,3]}"#,
            r#"{"y":{"w":"zzz"},"t":["aa","bb"],"z":["foo"]}"#,
        ];
        let expected = r#"{"x":["long","string"],"y":[{"w":"string"},"double"],"z":{"`indexer`":["long","string"]},"t":{"`indexer`":"string"}}"#;
        assert_eq!(schema(&values), dynamic(expected));
        assert_eq!(schema(&[]), Val::Null);
        assert_eq!(schema(&["null"]), Val::Null);
        assert_eq!(schema(&["5", "true"]), dynamic(r#"["bool","long"]"#));
        assert_eq!(schema(&["{}"]), dynamic("{}"));
        assert_eq!(schema(&["[]"]), dynamic(r#"{"`indexer`":[]}"#));
    }
}
