//! `parse` and `parse-kv` as functions that give a struct: `matched`, then a field a column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kql_functions::parse_kv::{KvOptions, ParseKv};
use kql_functions::parse_pattern::{ParseKind, ParsePattern, Piece};
use kql_functions::{EvalError, Type, Val};
use kql_semantics::bound;

use crate::repr::{ColumnBuilder, data_type, value_at};

/// The parts of a `parse` operator.
pub(crate) struct ParseSpec<'s> {
    pub(crate) kind: bound::ParseKind,
    pub(crate) flags: &'s str,
    pub(crate) pattern: &'s [bound::ParsePiece],
}

/// The parts of a `parse-kv` operator: keys with types, and options by name.
pub(crate) struct KvSpec<'s> {
    pub(crate) keys: Vec<(String, Type)>,
    pub(crate) options: &'s [(String, String)],
}

/// The function of a `parse` operator.
pub(crate) fn parse_udf(spec: &ParseSpec<'_>) -> std::result::Result<ScalarUDF, EvalError> {
    let kind = match spec.kind {
        bound::ParseKind::Simple => ParseKind::Simple,
        bound::ParseKind::Relaxed => ParseKind::Relaxed,
        bound::ParseKind::Regex => ParseKind::Regex,
    };
    let mut types = Vec::new();
    let pieces = spec
        .pattern
        .iter()
        .map(|piece| match piece {
            bound::ParsePiece::Star => Piece::Star,
            bound::ParsePiece::Text(text) => Piece::Text(text.clone()),
            bound::ParsePiece::Column(ty) => {
                types.push(*ty);
                Piece::Column { name: format!("c{}", types.len()), ty: *ty }
            }
        })
        .collect();
    let name = format!("parse({kind:?},{},{:?})", spec.flags, spec.pattern);
    let pattern = ParsePattern::new(kind, spec.flags, pieces)?;
    Ok(text_udf(name, types, Taker::Pattern(pattern)))
}

/// The function of a `parse-kv` operator.
pub(crate) fn parse_kv_udf(spec: &KvSpec<'_>) -> std::result::Result<ScalarUDF, EvalError> {
    let mut options = KvOptions::default();
    for (name, value) in spec.options {
        match name.as_str() {
            "pair_delimiter" => options.pair_delimiter = Some(value.clone()),
            "kv_delimiter" => options.kv_delimiter = Some(value.clone()),
            "quote" => options.quotes.push(value.clone()),
            "escape" => options.escapes.push(value.clone()),
            "greedy" => options.greedy = value == "true",
            "regex" => options.regex = Some(value.clone()),
            other => return Err(EvalError(format!("parse-kv has no option '{other}'"))),
        }
    }
    let types = spec.keys.iter().map(|(_, ty)| *ty).collect();
    let name = format!("parse_kv({:?},{:?})", spec.keys, spec.options);
    Ok(text_udf(name, types, Taker::Pairs(ParseKv::new(&options, spec.keys.clone())?)))
}

fn text_udf(name: String, types: Vec<Type>, taker: Taker) -> ScalarUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::new_from_impl(TextUdf { name, types, taker, signature })
}

enum Taker {
    Pattern(ParsePattern),
    Pairs(ParseKv),
}

struct TextUdf {
    name: String,
    types: Vec<Type>,
    taker: Taker,
    signature: Signature,
}

impl std::fmt::Debug for TextUdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for TextUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TextUdf {}

impl std::hash::Hash for TextUdf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl TextUdf {
    fn fields(&self) -> Fields {
        let matched = Field::new("matched", DataType::Boolean, true);
        let columns = self.types.iter().enumerate().map(|(i, ty)| Field::new(format!("c{i}"), data_type(*ty), true));
        std::iter::once(matched).chain(columns).collect()
    }
}

impl ScalarUDFImpl for TextUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(self.fields()))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::check_interrupt(&args.config_options)?;
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let rows = arrays.first().map_or(0, |a| a.len());
        let mut matched = BooleanBuilder::with_capacity(rows);
        let mut columns: Vec<ColumnBuilder> = self.types.iter().map(|ty| ColumnBuilder::new(*ty, rows)).collect();
        for row in 0..rows {
            let value = arrays.first().map_or(Val::Null, |a| value_at(a.as_ref(), Type::String, row));
            let text = value.as_str().unwrap_or("");
            let taken = match &self.taker {
                Taker::Pattern(pattern) => pattern.apply(text),
                Taker::Pairs(pairs) => Some(pairs.apply(text)),
            };
            matched.append_value(taken.is_some());
            let mut values = taken.unwrap_or_default().into_iter();
            for (column, ty) in columns.iter_mut().zip(&self.types) {
                column.push(&values.next().unwrap_or(Val::missing(*ty)));
            }
        }
        let mut fields: Vec<ArrayRef> = vec![Arc::new(matched.finish())];
        fields.extend(columns.into_iter().map(ColumnBuilder::finish));
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(self.fields(), fields, None)?)))
    }
}
