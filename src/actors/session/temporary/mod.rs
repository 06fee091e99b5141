//! Temporary tables: tables of one session, which nobody else sees and which go with it.
//!
//! They are tables like any other to the planner and the executor. Their ids are from a range of their own ([`TEMPORARY_IDS`]), so a key
//! says whether it is one's, and a transaction takes such keys to rows that the session holds in its memory ([`rows`]).

mod ids;
mod rows;
mod transaction;

use std::sync::Arc;

use self::ids::{LocalIds, WithLocalIds};
use self::rows::LocalRows;
use self::transaction::WithLocal;
use super::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    DdlContext, DdlStatement, InfoSchema, SchemaChange, TEMPORARY_IDS, TableInfo, Temporaries,
    build_statement,
};
use crate::sql::exec::{AutoIds, DmlResult};
use crate::sql::kv::{Transaction, TxnOptions};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::ObjectName;

/// What a session has of temporary tables.
#[derive(Default)]
pub(super) struct Temporary {
    pub(super) tables: Temporaries,
    rows: Option<Arc<LocalRows>>,
    ids: Arc<LocalIds>,
    /// How many were made.
    made: i64,
    /// How often something of them has changed: plans are kept as long as it has not.
    pub(super) version: u64,
}

impl Core {
    /// A temporary table by its name.
    pub(super) fn temporary(&self, name: &ObjectName) -> Option<&Arc<TableInfo>> {
        if self.temporary.tables.is_empty() {
            return None;
        }
        let database = name.database.as_deref().or(self.database.as_deref())?;
        self.temporary.tables.get(database, &name.name)
    }

    /// A schema as the session sees it, its temporary tables in front of those they have the names of.
    pub(super) fn with_temporary(&self, schema: &Arc<InfoSchema>) -> Arc<InfoSchema> {
        if self.temporary.tables.is_empty() {
            return schema.clone();
        }
        let put = |(database, table): (&str, &Arc<TableInfo>)| SchemaChange::PutTable {
            database: database.to_owned(),
            table: (**table).clone(),
        };
        let changes = self.temporary.tables.iter().map(put).collect();
        Arc::new(schema.edit(schema.version(), changes))
    }

    /// Begins a transaction, which sees the temporary tables.
    pub(super) async fn begin_transaction(
        &self,
        options: TxnOptions,
    ) -> SqlResult<Arc<dyn Transaction>> {
        let txn = self.services.store.begin(options).await?;
        Ok(self.seeing_temporary(txn))
    }

    /// The transaction, as one that sees the temporary tables.
    pub(super) fn seeing_temporary(&self, txn: Arc<dyn Transaction>) -> Arc<dyn Transaction> {
        match &self.temporary.rows {
            Some(rows) => Arc::new(WithLocal::new(txn, rows.clone())),
            None => txn,
        }
    }

    /// Notes what a statement that is committed did to tables' rows; nobody counts those of temporary ones.
    pub(super) fn record_deltas(&self, result: &DmlResult) {
        for (table, delta) in result.deltas.iter().filter(|(table, _)| *table < TEMPORARY_IDS) {
            self.services.stats.record_table(*table, *delta);
        }
    }

    /// Whether there ever was a temporary table: transactions that began before do not see them.
    pub(super) fn has_temporary_rows(&self) -> bool {
        self.temporary.rows.is_some()
    }

    /// Where generated numbers come from.
    pub(super) fn auto_ids(&self) -> Arc<dyn AutoIds> {
        let stored = self.services.auto_ids.clone();
        if self.temporary.tables.is_empty() {
            return stored;
        }
        Arc::new(WithLocalIds { stored, local: self.temporary.ids.clone() })
    }

    /// Whether a change of the schema is one of temporary tables alone, which commits nothing and is let through by READ ONLY.
    pub(super) fn is_of_temporary(statement: &Statement) -> bool {
        match statement {
            Statement::CreateTable(create) => create.temporary,
            Statement::DropTables { temporary, .. } => *temporary,
            _ => false,
        }
    }

    /// A change of the schema, as far as it is one of temporary tables; `None`: it is not.
    pub(super) async fn change_temporary(
        &mut self,
        statement: &Statement,
    ) -> SqlResult<Option<u64>> {
        use Statement as S;
        match statement {
            S::CreateTable(create) if create.temporary => {
                self.check_engine(statement)?;
                self.create_temporary(statement)?;
                Ok(Some(0))
            }
            S::DropTables { tables, if_exists, temporary } => {
                if !*temporary && self.temporary.tables.is_empty() {
                    return Ok(None);
                }
                self.drop_temporary(tables, *if_exists, *temporary).await
            }
            S::Truncate(name) => {
                let Some(table) = self.temporary(name).cloned() else { return Ok(None) };
                self.empty_temporary(name, &table)?;
                Ok(Some(0))
            }
            S::AlterTable { table, .. } | S::DropIndex { table, .. }
                if self.temporary(table).is_some() =>
            {
                Err(SqlError::unsupported("ALTER TABLE of a temporary table"))
            }
            S::CreateIndex(create) if self.temporary(&create.table).is_some() => {
                Err(SqlError::unsupported("ALTER TABLE of a temporary table"))
            }
            _ => Ok(None),
        }
    }

    fn create_temporary(&mut self, statement: &Statement) -> SqlResult<()> {
        let schema = self.with_temporary(&self.services.schema.current());
        let eval = self.eval.clone();
        let ctx = DdlContext {
            schema: &schema,
            current_db: self.database.as_deref(),
            sql_mode: self.vars.system.lock().settings.sql_mode,
            eval: &eval,
        };
        let built = build_statement(statement, &ctx)?.pop();
        let Some(DdlStatement::CreateTable { database, mut table, if_not_exists }) = built else {
            return Err(SqlError::internal("a table that is made by no CREATE TABLE"));
        };
        if self.temporary.tables.get(&database, &table.name).is_some() {
            let message = format!("Table '{}' already exists", table.name);
            if !if_not_exists {
                return Err(SqlError::new(errno::TABLE_EXISTS, message));
            }
            self.eval.note(errno::TABLE_EXISTS, message);
            return Ok(());
        }
        if !table.foreign_keys.is_empty() {
            return Err(SqlError::new(
                errno::CANNOT_ADD_FOREIGN,
                "Cannot add foreign key constraint",
            ));
        }
        table.locks.clear();
        self.put_temporary(&database, *table)
    }

    /// Gives a table an id, and shows it.
    fn put_temporary(&mut self, database: &str, mut table: TableInfo) -> SqlResult<()> {
        let rows = match &self.temporary.rows {
            Some(rows) => rows.clone(),
            None => Arc::new(LocalRows::new(&self.memory)?),
        };
        self.temporary.rows = Some(rows.clone());
        self.temporary.made += 1;
        self.temporary.version += 1;
        table.id = TEMPORARY_IDS + self.temporary.made;
        rows.name(table.id, &table.name);
        self.temporary.tables.put(database, Arc::new(table));
        Ok(())
    }

    fn forget_temporary(&mut self, table: i64) {
        if let Some(rows) = &self.temporary.rows {
            rows.forget(table);
        }
        self.temporary.ids.forget(table);
        self.temporary.version += 1;
    }

    fn empty_temporary(&mut self, name: &ObjectName, table: &TableInfo) -> SqlResult<()> {
        let database = self.database_or_current(name.database.as_deref())?;
        self.forget_temporary(table.id);
        self.put_temporary(&database, table.clone())
    }

    /// DROP [TEMPORARY] TABLE: temporary tables go first, and hide stored ones of the same name.
    async fn drop_temporary(
        &mut self,
        names: &[ObjectName],
        if_exists: bool,
        only: bool,
    ) -> SqlResult<Option<u64>> {
        let mut others = Vec::new();
        let mut found = Vec::new();
        for name in names {
            let database = self.database_or_current(name.database.as_deref())?;
            match self.temporary.tables.get(&database, &name.name) {
                Some(table) => found.push((database, table.name.clone(), table.id)),
                None => others.push((database, name)),
            }
        }
        if only && !others.is_empty() {
            let missing = others.iter().map(|(database, name)| format!("{database}.{}", name.name));
            if !if_exists {
                let missing: Vec<String> = missing.collect();
                let message = format!("Unknown table '{}'", missing.join(","));
                return Err(SqlError::new(errno::BAD_TABLE, message));
            }
            for name in missing {
                self.eval.note(errno::BAD_TABLE, format!("Unknown table '{name}'"));
            }
            others.clear();
        }
        if found.is_empty() && !only {
            return Ok(None);
        }
        let tables: Vec<ObjectName> = others.into_iter().map(|(_, name)| name.clone()).collect();
        for (database, name, id) in found {
            self.temporary.tables.remove(&database, &name);
            self.forget_temporary(id);
        }
        if tables.is_empty() {
            return Ok(Some(0));
        }
        let rest = Statement::DropTables { tables, if_exists, temporary: false };
        Box::pin(self.change_schema(&rest)).await.map(Some)
    }
}
