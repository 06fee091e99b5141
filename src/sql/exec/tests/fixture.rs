//! A table, a store, and plans over them.

use std::sync::Arc;
use std::time::Duration;

use crate::common::SqlResult;
use crate::sql::catalog::{ColumnInfo, IndexColumn, IndexInfo, SchemaState, TableInfo};
use crate::sql::exec::memory_store::MemoryStore;
use crate::sql::exec::{
    DmlResult, ExecContext, ExecLimits, KvAutoIds, NoVirtualTables, execute_delete, execute_insert,
    execute_query, execute_update,
};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::kv::{KvStore, Transaction, TxnOptions};
use crate::sql::parser::ast::IndexNotes;
use crate::sql::plan::{
    AccessLock, Assignment, ConflictAction, DeletePlan, HandleRange, InsertPlan, InsertSource,
    PhysicalPlan, PlanNode, PointAccess, QueryPlan, SourceTable, TargetTable, UpdatePlan,
    UpdatedTable,
};
use crate::sql::types::{Datum, FieldType};

/// A column of a test table.
pub(crate) fn column(offset: usize, name: &str, field_type: FieldType) -> ColumnInfo {
    ColumnInfo::plain(name, offset, field_type)
}

/// An index of a test table.
pub(crate) fn index(id: i64, name: &str, columns: &[usize], unique: bool) -> IndexInfo {
    IndexInfo {
        id,
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|offset| IndexColumn {
                column: *offset as i64 + 1,
                offset: *offset,
                prefix_len: None,
                descending: false,
            })
            .collect(),
        unique,
        primary: false,
        invisible: false,
        notes: IndexNotes::default(),
        skips_new_rows: false,
        generated: false,
        fulltext: None,
        state: SchemaState::Public,
    }
}

/// `CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, email VARCHAR(50) UNIQUE, age INT, KEY(age))`.
pub(crate) fn users() -> TableInfo {
    let mut id = column(0, "id", FieldType::int().not_null());
    id.auto_increment = true;
    TableInfo {
        id: 100,
        name: "users".to_owned(),
        columns: vec![
            id,
            column(1, "email", FieldType::varchar(50)),
            column(2, "age", FieldType::int()),
        ],
        indexes: vec![index(1, "email", &[1], true), index(2, "age", &[2], false)],
        handle_column: Some(0),
        max_column_id: 3,
        max_index_id: 2,
        version: 1,
        ..TableInfo::empty("utf8mb4_bin")
    }
}

/// A store with a table.
pub(crate) struct Fixture {
    pub(crate) store: MemoryStore,
    pub(crate) table: Arc<TableInfo>,
    pub(crate) auto_ids: Arc<KvAutoIds>,
    pub(crate) pessimistic: bool,
}

impl Fixture {
    pub(crate) fn new(table: TableInfo) -> Fixture {
        let store = MemoryStore::default();
        let auto_ids = Arc::new(KvAutoIds::new(Arc::new(store.clone())));
        Fixture { store, table: Arc::new(table), auto_ids, pessimistic: true }
    }

    pub(crate) async fn begin(&self) -> Arc<dyn Transaction> {
        let options = TxnOptions { pessimistic: self.pessimistic, ..TxnOptions::default() };
        self.store.begin(options).await.unwrap()
    }

    pub(crate) fn context(&self, txn: Arc<dyn Transaction>) -> ExecContext {
        let mut eval = EvalContext::new();
        eval.writes = true;
        ExecContext {
            txn,
            eval: Arc::new(eval),
            virtual_tables: Arc::new(NoVirtualTables),
            auto_ids: self.auto_ids.clone(),
            place: &crate::sql::exec::Anywhere,
            lock_wait: Duration::from_millis(50),
            limits: Arc::new(ExecLimits::default()),
            profile: None,
            within: false,
            functions: None,
            foreign_key_checks: true,
        }
    }

    fn target(&self) -> TargetTable {
        let database = "test".to_owned();
        TargetTable {
            database,
            table: self.table.clone(),
            relations: None,
            rules: None,
            divided: None,
            triggers: None,
        }
    }

    fn plan(&self, node: PlanNode) -> PhysicalPlan {
        let schema = self.table.columns.iter().map(|c| c.field_type.clone()).collect();
        PhysicalPlan { node, schema, estimated_rows: 10.0 }
    }

    fn all_columns(&self) -> Vec<usize> {
        (0..self.table.columns.len()).collect()
    }

    /// The row with this primary key, or all rows.
    pub(crate) fn read(&self, id: Option<i64>, lock: AccessLock) -> PhysicalPlan {
        let (table, columns) = (self.table.clone(), self.all_columns());
        self.plan(match id {
            Some(id) => PlanNode::PointGet {
                table,
                access: PointAccess::Handle(Expr::literal(Datum::Int(id))),
                columns,
                lock,
            },
            None => PlanNode::TableScan {
                table,
                ranges: Vec::<HandleRange>::new(),
                columns,
                filter: None,
                reverse: false,
                limit: None,
                lock,
            },
        })
    }

    pub(crate) async fn insert_in(
        &self,
        txn: &Arc<dyn Transaction>,
        rows: Vec<Vec<Datum>>,
        on_conflict: ConflictAction,
    ) -> SqlResult<DmlResult> {
        let columns = (0..rows.first().map_or(0, Vec::len)).collect();
        let values = rows
            .into_iter()
            .map(|row| row.into_iter().map(|value| Some(Expr::literal(value))).collect::<Vec<_>>());
        let plan = InsertPlan {
            target: self.target(),
            through: None,
            columns,
            source: InsertSource::Values(values.collect()),
            on_conflict,
            ignore: false,
            subqueries: Vec::new(),
            row_plans: Vec::new(),
        };
        execute_insert(&plan, &self.context(txn.clone())).await
    }

    /// INSERT in a transaction of its own.
    pub(crate) async fn insert(
        &self,
        rows: Vec<Vec<Datum>>,
        on_conflict: ConflictAction,
    ) -> SqlResult<DmlResult> {
        let txn = self.begin().await;
        let result = self.insert_in(&txn, rows, on_conflict).await;
        finish(&txn, result).await
    }

    /// `UPDATE … SET column = value`, of one row or all, in a transaction of its own.
    pub(crate) async fn update(
        &self,
        id: Option<i64>,
        column: usize,
        value: Expr,
    ) -> SqlResult<DmlResult> {
        let plan = UpdatePlan {
            dates: Vec::new(),
            tables: vec![UpdatedTable {
                at: SourceTable { target: self.target(), start: 0 },
                assignments: vec![Assignment { column, value }],
                through: None,
            }],
            source: self.read(id, AccessLock::ForUpdate),
            ignore: false,
            subqueries: Vec::new(),
        };
        let txn = self.begin().await;
        let result = execute_update(&plan, &self.context(txn.clone())).await;
        finish(&txn, result).await
    }

    /// DELETE of one row or all, in a transaction of its own.
    pub(crate) async fn delete(&self, id: Option<i64>) -> SqlResult<DmlResult> {
        let plan = DeletePlan {
            dates: Vec::new(),
            tables: vec![SourceTable { target: self.target(), start: 0 }],
            source: self.read(id, AccessLock::ForUpdate),
            ignore: false,
            subqueries: Vec::new(),
        };
        let txn = self.begin().await;
        let result = execute_delete(&plan, &self.context(txn.clone())).await;
        finish(&txn, result).await
    }

    /// All rows of a plan.
    pub(crate) async fn query(&self, root: PhysicalPlan) -> Vec<Vec<Datum>> {
        let txn = self.begin().await;
        let schema = root.schema.clone();
        let plan = QueryPlan {
            dates: Vec::new(),
            root,
            columns: Vec::new(),
            subqueries: Vec::new(),
            locking: false,
            counted: None,
        };
        let mut stream = execute_query(&plan, &self.context(txn)).await.unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = stream.next_batch().await.unwrap() {
            rows.extend(batch.into_rows(&schema));
        }
        rows
    }

    /// All rows of the table.
    pub(crate) async fn rows(&self) -> Vec<Vec<Datum>> {
        self.query(self.read(None, AccessLock::None)).await
    }
}

async fn finish<T>(txn: &Arc<dyn Transaction>, result: SqlResult<T>) -> SqlResult<T> {
    match result {
        Ok(value) => txn.commit().await.map(|_| value),
        Err(error) => {
            txn.rollback().await.unwrap();
            Err(error)
        }
    }
}

/// A row of `users`.
pub(crate) fn user(id: impl Into<Option<i64>>, email: &str, age: i64) -> Vec<Datum> {
    vec![id.into().into(), Datum::from(email), Datum::Int(age)]
}
