//! LOAD DATA: values of a file as rows of a table.

use super::assign::Default;
use super::insert::{Built, Insert};
use crate::common::{SqlResult, errno};
use crate::sql::catalog::ColumnInfo;
use crate::sql::plan::{FileRow, LoadPlace, LoadSource};
use crate::sql::types::{Datum, FieldType};

impl Insert<'_> {
    /// Writes the rows in hand.
    pub(super) async fn load(&mut self, source: &LoadSource) -> SqlResult<()> {
        // Messages count the rows of the file.
        self.rows = source.before;
        for chunk in source.rows.chunks(self.chunk()) {
            let mut built = Vec::with_capacity(chunk.len());
            for row in chunk {
                built.push(self.build_loaded(row, source).await?);
            }
            self.write(built).await?;
        }
        Ok(())
    }

    async fn build_loaded(&mut self, file: &FileRow, source: &LoadSource) -> SqlResult<Built> {
        self.rows += 1;
        if file.is_cut {
            let more = "it contained more data than there were input columns";
            let message = format!("Row {} was truncated; {more}", self.rows);
            self.ctx.eval.warn_or_fail(errno::WARN_TOO_MANY_RECORDS, message)?;
        }
        let mut row = self.start_row();
        let mut given = vec![false; row.len()];
        for (position, place) in source.places.iter().enumerate() {
            let value = file.values.get(position);
            match place {
                LoadPlace::Variable(name) => {
                    let value = value.cloned().flatten().map_or(Datum::Null, Datum::Bytes);
                    self.ctx.eval.vars.set_user_var(name, value, FieldType::long_text())?;
                }
                LoadPlace::Column(offset) => {
                    if let Some(value) = self.loaded(value, *offset)? {
                        row[*offset] = value;
                        given[*offset] = true;
                    }
                }
            }
        }
        for assignment in &source.assignments {
            let plans = &self.plan.row_plans;
            let value = &assignment.value;
            let expr = self.subqueries.over_row(value, plans, &row, self.ctx).await?;
            let value = expr.eval(&row, &self.ctx.eval)?;
            row[assignment.column] = self.convert(value, assignment.column)?;
            given[assignment.column] = true;
        }
        self.finish_row(row, &given)
    }

    /// The value that a column gets of the file; `None`: its default.
    fn loaded(
        &self,
        value: Option<&Option<bytes::Bytes>>,
        offset: usize,
    ) -> SqlResult<Option<Datum>> {
        let column = &self.plan.target.table.columns[offset];
        match value {
            None => {
                let message = format!("Row {} doesn't contain data for all columns", self.rows);
                self.ctx.eval.warn_or_fail(errno::WARN_TOO_FEW_RECORDS, message)?;
                // That has been said; that there is no default need not be said as well.
                let is_missing = matches!(self.defaults[offset], Default::Missing(_));
                Ok(is_missing.then(|| column.field_type.implicit_default()))
            }
            Some(None) => self.loaded_null(column).map(Some),
            Some(Some(bytes)) => self.convert(Datum::Bytes(bytes.clone()), offset).map(Some),
        }
    }

    fn loaded_null(&self, column: &ColumnInfo) -> SqlResult<Datum> {
        if !column.field_type.not_null || column.auto_increment {
            return Ok(Datum::Null);
        }
        let message = format!(
            "Column set to default value; NULL supplied to NOT NULL column '{}' at row {}",
            column.name, self.rows
        );
        self.ctx.eval.warn_or_fail(errno::WARN_NULL_TO_NOTNULL, message)?;
        Ok(column.field_type.implicit_default())
    }
}
