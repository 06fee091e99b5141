//! CHECKSUM TABLE.
//!
//! The checksum is the sum of the CRC-32 of the rows, each as its values in text, one after the other with their lengths. So equal
//! tables have equal checksums, in whatever order their rows lie and whatever zone the session is in. The number is not the one
//! that InnoDB gives for the same rows: that depends on how InnoDB stores them, and changes between versions of MySQL, too.

use super::answer::Sink;
use super::core::Core;
use super::encode::{Format, RowEncoder, Spoken};
use super::plan_tables::PlanTables;
use super::statement::{Request, text_request};
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::packet::PacketWriter;
use crate::sql::exec::{RowBatch, execute_query};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::{ObjectName, Query, QueryBody, TableRef};
use crate::sql::plan::{QueryPlan, StatementPlan};
use crate::sql::system::Shown;
use crate::sql::types::{Datum, TimeZone};

impl Core {
    /// CHECKSUM TABLE: a row for each table, with NULL and an error to be shown by SHOW WARNINGS for one that cannot be read. QUICK
    /// asks for a checksum that is kept beside the table; none is.
    pub(super) async fn checksum(
        &mut self,
        names: &[ObjectName],
        quick: bool,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        if let Some(eval) = std::sync::Arc::get_mut(&mut self.eval) {
            eval.time_zone = TimeZone::default();
        }
        let mut rows = Vec::new();
        for name in names {
            let database = self.database_or_current(name.database.as_deref())?;
            let (shown, sum) = match self.stored_table(&database, &name.name) {
                Ok(shown) if quick => (shown, None),
                Ok(shown) => {
                    let sum = self.checksum_of(&database, &name.name).await?;
                    (shown, Some(sum))
                }
                Err(error) => {
                    self.eval.error(error.code, error.message);
                    (format!("{database}.{}", name.name), None)
                }
            };
            rows.push(vec![Datum::from(shown), Datum::from(sum)]);
        }
        self.send_shown(Shown::new(&["Table", "#Checksum"], rows), request, sink).await
    }

    /// A table with rows that are stored: its name as it is shown.
    fn stored_table(&self, database: &str, name: &str) -> SqlResult<String> {
        let schema = self.services.schema.current();
        let info = schema.require_database(database)?;
        let table = schema.require_table(&info.name, name)?;
        let shown = format!("{}.{}", info.name, table.name);
        if info.id < 0 || table.view.is_some() {
            let text = format!("'{shown}' is not BASE TABLE");
            return Err(SqlError::new(errno::WRONG_OBJECT, text));
        }
        Ok(shown)
    }

    /// Reads a table, in the transaction if one is open.
    pub(super) async fn checksum_of(&mut self, database: &str, name: &str) -> SqlResult<u64> {
        let name = ObjectName { database: Some(database.to_owned()), name: name.to_owned() };
        let rows = QueryBody::all_of(TableRef::Table {
            name,
            partitions: Vec::new(),
            alias: None,
            hints: Vec::new(),
        });
        let statement = Statement::Query(Box::new(Query::plain(rows)));
        self.await_tables(&text_request(&statement)).await?;
        let schema = self.services.schema.current();
        let plan = self.planner(&schema, 0, &[]).plan(&statement)?;
        let reading = self.begin_reading(&PlanTables::of(&plan), false).await?;
        let plan = self.planner(&reading.schema, 0, &[]).plan(&statement)?;
        let StatementPlan::Query(query) = &plan else {
            return Err(SqlError::internal("a table without a query of its rows"));
        };
        let ctx = self.exec_context(reading.txn.clone(), self.eval.clone(), None);
        let mut rows = execute_query(query, &ctx).await?;
        let mut sum = 0_u64;
        while let Some(batch) = rows.next_batch().await? {
            sum = sum.wrapping_add(sum_of(&batch, query)?);
        }
        drop(rows);
        drop(ctx);
        self.end_reading(reading).await?;
        Ok(sum)
    }
}

fn sum_of(batch: &RowBatch, query: &QueryPlan) -> SqlResult<u64> {
    let mut encoder = RowEncoder::new(&query.columns, Format::Text, Spoken::PLAIN);
    let mut sum = 0_u64;
    let mut add = |mut row: PacketWriter| {
        let mut crc = flate2::Crc::new();
        crc.update(&row.take());
        sum = sum.wrapping_add(crc.sum().into());
    };
    match batch {
        RowBatch::Rows(rows) => {
            for row in rows {
                let mut packet = PacketWriter::new(0);
                encoder.row(row, &mut packet);
                add(packet);
            }
        }
        RowBatch::Columns(columns) => {
            for row in 0..columns.num_rows() {
                let mut packet = PacketWriter::new(0);
                encoder.batch_row(columns, row, &mut packet)?;
                add(packet);
            }
        }
    }
    Ok(sum)
}
