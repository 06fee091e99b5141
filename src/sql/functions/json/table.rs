//! JSON_TABLE: the rows that a document holds.

use super::{document_of, with_pulse};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::types::json::{self, Cell, Json, Misfit, TablePath};
use crate::sql::types::{Datum, FieldType, convert_for_column};

/// What JSON_TABLE makes of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentTable {
    /// Where its rows and their values are.
    pub rows: TablePath,
    /// Its columns.
    pub columns: Vec<DocumentColumn>,
}

/// A column of JSON_TABLE's.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub field_type: FieldType,
    /// What it holds where its path finds nothing.
    pub on_empty: Fallback,
    /// What it holds where its path finds no value of its type.
    pub on_error: Fallback,
}

/// What takes the place of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fallback {
    /// NULL.
    #[default]
    Null,
    /// Nothing: the statement fails.
    Error,
    /// This.
    Default(Datum),
}

impl Fallback {
    fn value(&self, error: SqlError) -> SqlResult<Datum> {
        match self {
            Fallback::Null => Ok(Datum::Null),
            Fallback::Error => Err(error),
            Fallback::Default(value) => Ok(value.clone()),
        }
    }
}

impl DocumentTable {
    /// The rows of a document, of a value of this type: none of NULL. Error 8175 for more than may be held.
    pub fn rows_of(
        &self,
        document: Datum,
        field_type: &FieldType,
        memory: usize,
        ctx: &EvalContext,
    ) -> SqlResult<Vec<Vec<Datum>>> {
        let Some(document) = document_of(document, field_type, (1, "json_table"), ctx)? else {
            return Ok(Vec::new());
        };
        let (mut rows, mut held) = (Vec::new(), 0_usize);
        with_pulse(ctx, |pulse| {
            self.rows.rows(&document, self.columns.len(), pulse, |cells| {
                let row = self.columns.iter().zip(cells).map(|(column, cell)| column.of(cell, ctx));
                let row = row.collect::<SqlResult<Vec<Datum>>>()?;
                held +=
                    row.iter().map(|value| size_of::<Datum>() + value.held_bytes()).sum::<usize>();
                rows.push(row);
                if held > memory { Err(SqlError::over_memory()) } else { Ok(()) }
            })
        })?;
        Ok(rows)
    }
}

impl DocumentColumn {
    fn of(&self, cell: &Cell, ctx: &EvalContext) -> SqlResult<Datum> {
        match cell {
            Cell::Null => Ok(Datum::Null),
            Cell::Ordinal(number) => self.number(*number, ctx),
            Cell::Exists(truth) => self.number(u64::from(*truth), ctx),
            Cell::Missing => self.on_empty.value(json::cell_is_missing(&self.name)),
            Cell::One(json) | Cell::Many(json) => self.value(json, ctx),
        }
    }

    fn number(&self, number: u64, ctx: &EvalContext) -> SqlResult<Datum> {
        convert_for_column(Datum::UInt(number), &self.field_type, &self.name, 1, ctx)
    }

    fn value(&self, json: &Json, ctx: &EvalContext) -> SqlResult<Datum> {
        let misfit = match json.value_of_type(&self.field_type, ctx)? {
            Ok(value) => return Ok(value),
            Err(misfit) => misfit,
        };
        self.on_error.value(match misfit {
            Misfit::Container => json::cell_is_container(&self.name),
            Misfit::Range => json::cell_out_of_range(&self.name),
            Misfit::Value => {
                let target = json::cast_name(&self.field_type);
                let (code, message) = json::invalid_cast(target, &self.name, 1);
                SqlError::new(code, message)
            }
        })
    }

    /// The default of ON EMPTY or ON ERROR that a text is; error 1067 if it is no value of the column's type.
    pub fn default_of(&self, text: &str, ctx: &EvalContext) -> SqlResult<Fallback> {
        let document = Datum::from(text);
        let text_type = FieldType::long_text();
        let document = document_of(document, &text_type, (1, "json_table"), ctx)?;
        let value = match &document {
            Some(json) => json.value_of_type(&self.field_type, ctx)?,
            None => Ok(Datum::Null),
        };
        value.map(Fallback::Default).map_err(|_| {
            SqlError::new(
                errno::INVALID_DEFAULT,
                format!("Invalid default value for '{}'", self.name),
            )
        })
    }
}
