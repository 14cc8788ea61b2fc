//! Scalar functions and conversions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kql_functions::catalogue::Cx;
use kql_functions::{Scalar, Type, Val, families};

use super::vector::{self, VectorKernel};
use super::{check_interrupt, query_error, signature_name};
use crate::repr::{ColumnBuilder, Values, data_type, value_at};

/// A catalogue function for arguments of these types.
pub(crate) fn scalar_udf(function: &'static Scalar, args: &[Type], ret: Type) -> ScalarUDF {
    let volatile = matches!(function.name, "rand" | "new_guid");
    ScalarUDF::new_from_impl(ScalarKernel {
        name: signature_name(function.name, args),
        kernel: Kernel::Function(function),
        vector: vector::find(function.name, args, ret),
        args: args.to_vec(),
        ret,
        volatile,
        signature: signature(volatile),
    })
}

/// The conversion between two types.
pub(crate) fn cast_udf(from: Type, to: Type) -> ScalarUDF {
    ScalarUDF::new_from_impl(ScalarKernel {
        name: signature_name(&format!("cast_{to}"), &[from]),
        kernel: Kernel::Cast,
        vector: vector::find_cast(from, to),
        args: vec![from],
        ret: to,
        volatile: false,
        signature: signature(false),
    })
}

fn signature(volatile: bool) -> Signature {
    Signature::user_defined(if volatile { Volatility::Volatile } else { Volatility::Immutable })
}

#[derive(Clone, Copy)]
enum Kernel {
    Function(&'static Scalar),
    Cast,
}

struct ScalarKernel {
    name: String,
    kernel: Kernel,
    vector: Option<VectorKernel>,
    args: Vec<Type>,
    ret: Type,
    volatile: bool,
    signature: Signature,
}

impl std::fmt::Debug for ScalarKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.ret)
    }
}

impl PartialEq for ScalarKernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.ret == other.ret
    }
}

impl Eq for ScalarKernel {}

impl std::hash::Hash for ScalarKernel {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.ret.hash(state);
    }
}

impl ScalarKernel {
    fn row(&self, cx: &Cx<'_>, args: &[Val<'_>], out: &mut ColumnBuilder) -> Result<()> {
        match self.kernel {
            Kernel::Function(function) => out.push(&function.call(cx, args).map_err(query_error)?),
            Kernel::Cast => out.push(&args.first().map_or(Val::missing(self.ret), |v| families::cast_ref(v, self.ret))),
        }
        Ok(())
    }

    /// One row after the other; arguments that are the same for all rows are read once.
    fn rows(&self, args: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let cx = Cx { args: &self.args, ret: self.ret };
        let singles: Vec<Option<ArrayRef>> = args
            .iter()
            .map(|arg| match arg {
                ColumnarValue::Scalar(value) => value.to_array().map(Some),
                ColumnarValue::Array(_) => Ok(None),
            })
            .collect::<Result<_>>()?;
        let columns: Vec<Option<Values<'_>>> = args
            .iter()
            .zip(&self.args)
            .map(|(arg, ty)| match arg {
                ColumnarValue::Array(array) => Some(Values::new(array.as_ref(), *ty)),
                ColumnarValue::Scalar(_) => None,
            })
            .collect();
        let mut out = ColumnBuilder::new(self.ret, rows);
        let mut values: Vec<Val<'_>> = singles
            .iter()
            .zip(&self.args)
            .map(|(single, ty)| single.as_ref().map_or(Val::Null, |a| value_at(a.as_ref(), *ty, 0)))
            .collect();
        for row in 0..rows {
            for (value, column) in values.iter_mut().zip(&columns) {
                if let Some(column) = column {
                    *value = column.get(row);
                }
            }
            self.row(&cx, &values, &mut out)?;
        }
        Ok(out.finish())
    }
}

impl ScalarUDFImpl for ScalarKernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(data_type(self.ret))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check_interrupt(&args.config_options)?;
        if let Some(kernel) = self.vector
            && let Some(result) = kernel.run(&args.args, args.number_rows)?
        {
            return Ok(result);
        }
        let constant = !self.volatile && args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let array = self.rows(&args.args, if constant { 1 } else { args.number_rows })?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        debug_assert_eq!(array.len(), args.number_rows);
        Ok(ColumnarValue::Array(Arc::clone(&array)))
    }
}
