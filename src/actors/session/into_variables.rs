//! SELECT … INTO @a, @b: the only row of a query as values of variables.

use super::answer::Sink;
use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::response;
use crate::sql::exec::execute_query;
use crate::sql::expr::SessionVars as _;
use crate::sql::parser::ast::{IntoTarget, Query};
use crate::sql::types::{Datum, FieldType};

impl Core {
    /// SELECT … INTO variables. Without a row they stay as they are, with a warning; several rows are error 1172.
    pub(super) async fn select_into_variables(
        &mut self,
        query: &Query,
        targets: &[IntoTarget],
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let (reading, planned) = self.begin_query(query, request).await?;
        let types: Vec<FieldType> =
            planned.columns.iter().map(|column| column.field_type.clone()).collect();
        let schema = reading.schema.clone();
        let mut ctx = self.exec_context(reading.txn.clone(), self.eval.clone(), Some(&schema));
        ctx.functions.clone_from(&reading.functions);
        let mut row: Option<Vec<Datum>> = None;
        if types.len() != targets.len() {
            let message = "The used SELECT statements have a different number of columns";
            return Err(SqlError::new(errno::WRONG_NUMBER_OF_COLUMNS_IN_SELECT, message));
        }
        let mut rows = execute_query(&planned, &ctx).await?;
        while let Some(batch) = rows.next_batch().await? {
            for found in batch.into_rows(&types) {
                if row.replace(found).is_some() {
                    let message = "Result consisted of more than one row";
                    return Err(SqlError::new(errno::TOO_MANY_ROWS, message));
                }
            }
        }
        drop((rows, ctx));
        self.end_reading(reading).await?;
        let affected_rows = u64::from(row.is_some());
        match row {
            Some(values) => {
                for ((target, value), field_type) in targets.iter().zip(values).zip(types) {
                    let IntoTarget::User(name) = target else { continue };
                    let value = value.into_user_variable(&field_type);
                    let field_type = match value.is_null() {
                        true => FieldType::null(),
                        false => field_type.of_user_variable(),
                    };
                    self.vars.set_user_var(&name.to_lowercase(), value, field_type)?;
                }
            }
            None => self.eval.warn(
                errno::SP_FETCH_NO_DATA,
                "No data - zero rows fetched, selected, or processed",
            ),
        }
        let ok = response::Ok { affected_rows, ..response::Ok::default() };
        self.done(ok, request.more, sink);
        Ok(())
    }
}
