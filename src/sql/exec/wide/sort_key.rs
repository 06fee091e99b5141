//! A string as the bytes its collation compares, and a document as bytes whose order is its own.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryBuilder};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion_common::Result;
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;

use crate::sql::exec::keys;
use crate::sql::expr::{EvalContext, Expr, physical, to_df_error};
use crate::sql::types::FieldType;
use crate::sql::types::json::Json;

/// An expression to join, group, order or compare by: the sort key where the collation needs one.
pub(super) fn comparable(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    let inner = physical(expr, ctx);
    if keys::compares_as_bytes(expr.field_type()) {
        return inner;
    }
    let field_type = expr.field_type().clone();
    Arc::new(SortKeyExpr { inner, field_type, ctx: ctx.clone() })
}

/// The sort key of a document in binary form.
fn document_key(bytes: &[u8]) -> Vec<u8> {
    let json = Json::from_stored(&Bytes::copy_from_slice(bytes));
    json.map(|json| json.sort_key()).unwrap_or_default()
}

/// The sort key of a string or a document.
#[derive(Debug, Clone)]
struct SortKeyExpr {
    inner: Arc<dyn PhysicalExpr>,
    field_type: FieldType,
    ctx: Arc<EvalContext>,
}

impl PartialEq for SortKeyExpr {
    fn eq(&self, other: &SortKeyExpr) -> bool {
        self.inner.eq(&other.inner) && self.field_type == other.field_type
    }
}

impl Eq for SortKeyExpr {}

impl Hash for SortKeyExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
        self.field_type.hash(state);
    }
}

impl fmt::Display for SortKeyExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sort_key({})", self.inner)
    }
}

impl PhysicalExpr for SortKeyExpr {
    fn data_type(&self, _input_schema: &Schema) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn nullable(&self, _input_schema: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let strings = self.inner.evaluate(batch)?.into_array(batch.num_rows())?;
        let mut builder = BinaryBuilder::with_capacity(strings.len(), strings.len() * 16);
        let texts = strings.as_string_opt::<i32>();
        let documents = strings.as_binary_opt::<i32>();
        for row in 0..strings.len() {
            // The texts may be long, and the batch all that a join holds.
            self.ctx.check_interrupted().map_err(to_df_error)?;
            match texts {
                Some(texts) if !texts.is_null(row) => {
                    let text = texts.value(row).as_bytes();
                    builder.append_value(self.field_type.collation.sort_key(text));
                }
                _ if strings.is_valid(row) => match documents {
                    Some(documents) => builder.append_value(document_key(documents.value(row))),
                    None => builder.append_null(),
                },
                _ => builder.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(builder.finish())))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let mut changed = SortKeyExpr::clone(&self);
        if let Some(inner) = children.into_iter().next() {
            changed.inner = inner;
        }
        Ok(Arc::new(changed))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
