//! The rows of `information_schema`, `mysql` and `performance_schema`.

use std::sync::Arc;

use async_trait::async_trait;

use super::activity::Tally;
use super::core::Core;
use super::schema_rows::{
    TableFacts, column_row, constraint_rows, index_rows, key_rows, public_columns, schema_row,
    table_row,
};
use super::show::{processes, server};
use super::system_rows;
use super::variables::list;
use super::vars::Variables;
use super::{ProcessRow, SessionServices, TlsSession};
use super::{activity_rows, metadata_locks};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{DatabaseInfo, InfoSchema, TableInfo, keywords};
use crate::sql::exec::VirtualTables;
use crate::sql::expr::EvalContext;
use crate::sql::types::{Datum, Time, TimeKind, TimeZone};

type Rows = Vec<Vec<Datum>>;

/// What the virtual tables of one statement are made from.
pub(super) struct SessionTables {
    schema: Arc<InfoSchema>,
    services: Arc<SessionServices>,
    vars: Arc<Variables>,
    /// What the session has done.
    tally: Arc<Tally>,
    tls: Option<TlsSession>,
    /// Where warnings go.
    eval: Arc<EvalContext>,
}

impl SessionTables {
    pub(super) fn new(
        core: &Core,
        schema: Arc<InfoSchema>,
        eval: Arc<EvalContext>,
    ) -> SessionTables {
        SessionTables {
            schema,
            services: core.services.clone(),
            vars: core.vars.clone(),
            tally: core.tally.clone(),
            tls: core.client.tls.clone(),
            eval,
        }
    }

    /// The sessions of all nodes; with the names of the nodes, if asked for.
    async fn sessions(&self, with_nodes: bool) -> Rows {
        let everybody = processes::everybody(&self.services, &self.eval, usize::MAX).await;
        let row = |(node, row): (String, ProcessRow)| {
            let node = with_nodes.then(|| Datum::from(node));
            node.into_iter().chain(processes::process_row(&row, usize::MAX)).collect()
        };
        everybody.into_iter().map(row).collect()
    }

    /// Every table with its database.
    fn tables(&self) -> impl Iterator<Item = (&DatabaseInfo, &TableInfo)> {
        self.schema.databases().flat_map(|database| {
            self.schema.tables(&database.name).map(move |table| (&**database, &**table))
        })
    }
}

#[async_trait]
impl VirtualTables for SessionTables {
    async fn rows(&self, database: &str, table: &str) -> SqlResult<Rows> {
        let rows = match database {
            "mysql" if table == "slow_log" => {
                Some(activity_rows::slow_log(&self.services.activity, &self.eval.time_zone))
            }
            "mysql" => system_rows::mysql(table, &self.services.accounts.table()),
            _ => self.computed(table).await?,
        };
        let unknown = || {
            SqlError::new(errno::NO_SUCH_TABLE, format!("Table '{database}.{table}' doesn't exist"))
        };
        let mut rows = rows.ok_or_else(unknown)?;
        let definition = self.schema.table(database, table).ok_or_else(unknown)?;
        rows.iter_mut().for_each(|row| fit(row, definition));
        Ok(rows)
    }
}

impl SessionTables {
    /// The rows of a table that tells of the schema; `None`: it is not one of those.
    async fn of_schema(&self, table: &str) -> SqlResult<Option<Rows>> {
        Ok(Some(match table {
            "schemata" => self.schema.databases().map(|database| schema_row(database)).collect(),
            "tables" => {
                let tables: Vec<_> = self.tables().collect();
                table_rows(&self.services, &self.eval.time_zone, &tables).await?
            }
            "columns" => self
                .tables()
                .flat_map(|(database, table)| {
                    public_columns(table).map(move |column| column_row(database, table, column))
                })
                .collect(),
            "statistics" => self
                .tables()
                .flat_map(|(database, table)| {
                    index_rows(database, table, self.services.stats.current(table.id).as_ref())
                })
                .collect(),
            "key_column_usage" => {
                self.tables().flat_map(|(database, table)| key_rows(database, table)).collect()
            }
            "table_constraints" => self
                .tables()
                .flat_map(|(database, table)| constraint_rows(database, table))
                .collect(),
            _ => return Ok(None),
        }))
    }

    /// The rows of a table of `information_schema` or `performance_schema`; `None`: there is no such table.
    async fn computed(&self, table: &str) -> SqlResult<Option<Rows>> {
        if let Some(rows) = self.of_schema(table).await? {
            return Ok(Some(rows));
        }
        Ok(Some(match table {
            "processlist" => self.sessions(false).await,
            "cluster_processlist" => self.sessions(true).await,
            "metadata_locks" => metadata_locks::rows(&self.services, &self.eval).await?,
            "collations" => server::collation_rows(),
            "character_sets" => character_set_rows(),
            "collation_character_set_applicability" => {
                server::collation_rows().into_iter().map(|row| row[..2].to_vec()).collect()
            }
            "engines" => server::engine_rows(),
            "session_variables" | "global_variables" => {
                let global = table == "global_variables";
                let row = |variable| {
                    let value = self.vars.shown(variable, global)?;
                    Some(vec![Datum::from(variable.name), Datum::from(value)])
                };
                list().iter().filter_map(row).collect()
            }
            "session_status" | "global_status" => {
                let tally = (table == "session_status").then_some(&*self.tally);
                server::status(&self.services, tally, self.tls.as_ref())
            }
            "keywords" => {
                let row = |(word, reserved): (&str, bool)| {
                    vec![Datum::from(word), Datum::Int(reserved.into())]
                };
                keywords().into_iter().map(row).collect()
            }
            "statements_summary" => {
                activity_rows::summary(&self.services.activity, &self.eval.time_zone)
            }
            "events_statements_summary_by_digest" => {
                activity_rows::events(&self.services.activity, &self.eval.time_zone)
            }
            "slow_query" => {
                activity_rows::slow_queries(&self.services.activity, &self.eval.time_zone)
            }
            "user_privileges" => system_rows::user_privileges(&self.services.accounts.table()),
            "plugins" => system_rows::plugins(),
            // There are no foreign keys, no views, no stored programs and no partitions, accounts have all rights everywhere,
            // and there are no files that SQL could name.
            "referential_constraints"
            | "views"
            | "routines"
            | "parameters"
            | "triggers"
            | "events"
            | "check_constraints"
            | "partitions"
            | "schema_privileges"
            | "table_privileges"
            | "column_privileges"
            | "files" => Vec::new(),
            _ => return Ok(None),
        }))
    }
}

/// The rows of TABLES for these tables.
pub(super) async fn table_rows(
    services: &SessionServices,
    zone: &TimeZone,
    tables: &[(&DatabaseInfo, &TableInfo)],
) -> SqlResult<Rows> {
    let counted = |table: &TableInfo| table.columns.iter().any(|column| column.auto_increment);
    let counting: Vec<&TableInfo> =
        tables.iter().map(|(_, table)| *table).filter(|table| counted(table)).collect();
    let mut next = services.auto_ids.next_auto_increments(&counting).await?.into_iter();
    let row = |(database, table): &(&DatabaseInfo, &TableInfo)| {
        let stats = services.stats.current(table.id);
        let facts = TableFacts {
            stats: stats.as_ref(),
            next_id: if counted(table) { next.next() } else { None },
            created: moment(table.created_ms, zone),
        };
        table_row(database, table, facts)
    };
    Ok(tables.iter().map(row).collect())
}

/// A TIMESTAMP; NULL if the moment is not known.
fn moment(unix_ms: u64, zone: &TimeZone) -> Datum {
    let micros = i64::try_from(unix_ms).ok().and_then(|millis| millis.checked_mul(1000));
    let time = micros
        .filter(|micros| *micros > 0)
        .and_then(|micros| Time::from_unix_micros(micros, zone, TimeKind::Timestamp, 0));
    time.map_or(Datum::Null, Datum::Time)
}

/// Makes a row's integers as signed as its columns are.
fn fit(row: &mut [Datum], table: &TableInfo) {
    for (value, column) in row.iter_mut().zip(&table.columns) {
        let unsigned = column.field_type.unsigned;
        match value {
            Datum::Int(number) if unsigned => *value = Datum::UInt(number.cast_unsigned()),
            Datum::UInt(number) if column.field_type.kind.is_integer() && !unsigned => {
                *value = Datum::Int(number.cast_signed());
            }
            _ => {}
        }
    }
}

fn character_set_rows() -> Rows {
    let row = |(name, collation, description, bytes): &(&str, &str, &str, i64)| {
        vec![
            Datum::from(*name),
            Datum::from(*collation),
            Datum::from(*description),
            Datum::Int(*bytes),
        ]
    };
    server::CHARACTER_SETS.iter().map(row).collect()
}
