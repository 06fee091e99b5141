//! ADD COLUMN. Rows that stand are not touched: they have in it what the definition remembers as its origin. Only those of an AUTO_INCREMENT
//! column are counted through.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn};
use crate::common::SqlResult;
use crate::sql::catalog::build::{DdlContext, check_column_name};
use crate::sql::catalog::build_column::build_column;
use crate::sql::catalog::ddl_statement::Complaint;
use crate::sql::catalog::{ColumnInfo, DefaultValue, TableInfo};
use crate::sql::expr::EvalContext;
use crate::sql::parser::ast::{ColumnDefinition, ColumnPlace};
use crate::sql::types::{Collation, Datum, codec, convert_for_column};

/// ADD COLUMN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddColumn {
    /// What; its id is zero.
    pub column: ColumnInfo,
    /// Where; `None`: behind the others.
    pub place: Option<ColumnPlace>,
    /// What is wrong if there are rows: what they would have in it, `sql_mode` does not let be.
    pub refused_with_rows: Option<Complaint>,
}

impl AddColumn {
    /// The column with all that can be said of it alone.
    pub(super) fn build(
        definition: &ColumnDefinition,
        place: Option<ColumnPlace>,
        table: &TableInfo,
        ctx: &DdlContext<'_>,
    ) -> SqlResult<AddColumn> {
        check_column_name(&definition.name)?;
        let collation = Collation::by_name(&table.collation)?;
        let mut column = build_column(definition, 0, collation, ctx.sql_mode)?;
        column.id = 0;
        let later = column.auto_increment || column.is_computed();
        column.origin = if later { None } else { origin(&column, ctx)? };
        let refused_with_rows = if later { None } else { refused_zero(&column, ctx) };
        Ok(AddColumn { column, place, refused_with_rows })
    }
}

/// The error of a row that gets the type's zero for want of a default: that of dates is no date.
fn refused_zero(column: &ColumnInfo, ctx: &DdlContext<'_>) -> Option<Complaint> {
    let mut eval = EvalContext::new();
    eval.sql_mode = ctx.sql_mode;
    eval.writes = true;
    let has_zero = column.default.is_none() && column.field_type.not_null;
    let zero = has_zero.then(|| column.field_type.implicit_default())?;
    let stored = convert_for_column(zero, &column.field_type, &column.name, 1, &eval);
    stored.err().map(|error| (error.code, error.message))
}

/// What rows have in a column that were there before it: its default as it is now, or if it must have a value and has none its
/// type's zero.
fn origin(column: &ColumnInfo, ctx: &DdlContext<'_>) -> SqlResult<Option<Vec<u8>>> {
    let field_type = &column.field_type;
    let assigned = |value: Datum| {
        let mut eval = EvalContext::new();
        eval.sql_mode = ctx.sql_mode;
        eval.time_zone = ctx.eval.time_zone;
        convert_for_column(value, field_type, &column.name, 1, &eval)
    };
    let value = match &column.default {
        Some(DefaultValue::Constant(Some(text))) => {
            let value = field_type.default_of_text(text);
            assigned(value.unwrap_or_else(|| Datum::from(text.as_str())))?
        }
        Some(DefaultValue::CurrentTimestamp(_)) => {
            assigned(Datum::Time(ctx.eval.now(field_type.fsp())))?
        }
        None if field_type.not_null => field_type.implicit_default(),
        // Rows get it one by one.
        Some(DefaultValue::Expression(_)) => return Ok(None),
        Some(DefaultValue::Constant(None)) | None => return Ok(None),
    };
    let mut origin = Vec::new();
    codec::encode_row_value(&value, field_type, &ctx.eval.time_zone, &mut origin)?;
    Ok(Some(origin))
}

impl Change for AddColumn {
    fn turn(&self) -> Turn {
        Turn::AddColumns
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let position = match &self.place {
            None => alteration.after.visible_columns().len(),
            Some(place) => alteration.position_of(place)?,
        };
        if alteration.refused_with_rows.is_none() {
            alteration.refused_with_rows.clone_from(&self.refused_with_rows);
        }
        let counted_anew = alteration.before.counted_anew + 1;
        let table = &mut alteration.after;
        let handle = table.handle_id();
        table.max_column_id += 1;
        if self.column.auto_increment {
            alteration.numbered = Some(table.max_column_id);
            table.counted_anew = counted_anew;
        }
        if self.column.is_computed() {
            alteration.computed.push(table.max_column_id);
        }
        let column = ColumnInfo { id: table.max_column_id, ..self.column.clone() };
        table.columns.insert(position, column);
        table.place_columns(handle);
        Ok(())
    }
}
