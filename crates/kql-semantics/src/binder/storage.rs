//! `infer_storage_schema`: the columns of files.

use kql_functions::{Dynamic, Type, Val};
use kql_syntax::Span;
use kql_syntax::ast;

use super::{Binder, Env};
use crate::bound::{External, InferenceMode, Rel, RelKind, StorageFiles};

impl Binder<'_> {
    /// `evaluate infer_storage_schema(options)`: one row with the columns as text, as `create external table` takes it.
    pub(super) fn infer_storage_schema(&mut self, args: &[&ast::Expr], env: &Env, span: Span) -> Rel {
        let [options] = args else {
            self.error("KS119", span, "The function 'infer_storage_schema' expects 1 argument.");
            return self.error_rel(span);
        };
        let Some(value) = self.constant(options, env, "The options of infer_storage_schema") else {
            return self.error_rel(span);
        };
        let kind = match storage_files(&value) {
            Ok(files) => RelKind::External(External::Schema(files)),
            Err(message) => {
                self.error("KS201", options.span, message);
                return self.error_rel(span);
            }
        };
        let columns = vec![self.column("CslSchema", Type::String)];
        Rel { kind, columns, serialized: false, open: false, span }
    }
}

/// The options, by their documented names. Unknown ones are refused: what they ask for may change the answer.
fn storage_files(options: &Val<'_>) -> Result<StorageFiles, String> {
    let Dynamic::Bag(members) = options.to_tree() else {
        return Err("The options of infer_storage_schema are a bag of properties.".to_string());
    };
    let mut files = StorageFiles {
        containers: Vec::new(),
        format: String::new(),
        extension: None,
        prefix: None,
        mode: InferenceMode::default(),
        header: false,
    };
    for (name, value) in &members {
        match (name.as_str(), value) {
            ("StorageContainers", Dynamic::Array(items)) => {
                for item in items {
                    let Dynamic::String(place) = item else { return Err(wrong(name)) };
                    files.containers.push(place.clone());
                }
            }
            ("DataFormat", Dynamic::String(format)) => files.format = format.to_ascii_lowercase(),
            ("FileExtension", Dynamic::String(text)) => files.extension = Some(text.clone()),
            ("FileNamePrefix", Dynamic::String(text)) => files.prefix = Some(text.clone()),
            ("Mode", Dynamic::String(mode)) => {
                files.mode = match mode.to_ascii_lowercase().as_str() {
                    "any" => InferenceMode::Any,
                    "last" => InferenceMode::Last,
                    "all" => InferenceMode::All,
                    _ => return Err(wrong(name)),
                }
            }
            ("InferenceOptions", Dynamic::Bag(further)) => {
                for (name, value) in further {
                    match (name.as_str(), value) {
                        ("UseFirstRowAsHeader", Dynamic::Bool(header)) => files.header = *header,
                        _ => return Err(wrong(name)),
                    }
                }
            }
            _ => return Err(wrong(name)),
        }
    }
    for (name, given) in [("StorageContainers", !files.containers.is_empty()), ("DataFormat", !files.format.is_empty())]
    {
        if !given {
            return Err(format!("The options of infer_storage_schema lack '{name}'."));
        }
    }
    Ok(files)
}

fn wrong(name: &str) -> String {
    format!("The option '{name}' of infer_storage_schema is unknown, or has no such value.")
}
