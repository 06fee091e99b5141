//! The rows of `information_schema`.

use std::sync::Arc;

use async_trait::async_trait;

use super::core::Core;
use super::schema_rows::{
    column_row, constraint_rows, index_rows, key_rows, public_columns, schema_row, table_row,
};
use super::show::{processes, server};
use super::variables::list;
use super::vars::Variables;
use super::{ProcessList, ProcessRow, SessionServices, TlsSession};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{DatabaseInfo, InfoSchema, TableInfo};
use crate::sql::exec::VirtualTables;
use crate::sql::expr::EvalContext;
use crate::sql::types::Datum;

type Rows = Vec<Vec<Datum>>;

/// What the virtual tables of one statement are made from.
pub(super) struct SessionTables {
    schema: Arc<InfoSchema>,
    services: Arc<SessionServices>,
    vars: Arc<Variables>,
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
            tls: core.client.tls.clone(),
            eval,
        }
    }

    fn processes(&self) -> &ProcessList {
        &self.services.processes
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
        Ok(match table {
            "schemata" => self.schema.databases().map(|database| schema_row(database)).collect(),
            "tables" => self
                .tables()
                .map(|(database, table)| {
                    table_row(database, table, self.services.stats.current(table.id).as_ref())
                })
                .collect(),
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
            "processlist" => self.sessions(false).await,
            "cluster_processlist" => self.sessions(true).await,
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
                let uptime = self.services.clock.now().as_nanos();
                server::status(uptime, self.processes(), self.tls.as_ref())
            }
            // There are no foreign keys, no views and no stored programs.
            "referential_constraints"
            | "views"
            | "routines"
            | "parameters"
            | "triggers"
            | "events"
            | "check_constraints" => Vec::new(),
            _ => {
                return Err(SqlError::new(
                    errno::NO_SUCH_TABLE,
                    format!("Table '{database}.{table}' doesn't exist"),
                ));
            }
        })
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
