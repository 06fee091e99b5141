//! A snapshot of the schema.

use std::sync::Arc;

use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

use super::routine::{is_routine_key, routine_key};
use super::{DatabaseInfo, SchemaState, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::RoutineKind;

/// The database of virtual tables.
pub const INFORMATION_SCHEMA: &str = "information_schema";

/// The databases nobody may change: MySQL's own, whose tables are computed (`sql::system`).
pub const SYSTEM_DATABASES: [&str; 3] = [INFORMATION_SCHEMA, "mysql", "performance_schema"];

/// Whether a database, in any case, is one of MySQL's own.
pub fn is_system_database(name: &str) -> bool {
    SYSTEM_DATABASES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A database with its tables, by lower-case name.
#[derive(Clone, Debug)]
struct Database {
    info: Arc<DatabaseInfo>,
    tables: RedBlackTreeMapSync<String, Arc<TableInfo>>,
    /// Procedures and functions.
    routines: RedBlackTreeMapSync<String, Arc<TableInfo>>,
}

/// Two of them share what is the same in both.
#[derive(Clone, Debug, Default)]
struct Snapshot {
    version: i64,
    databases: RedBlackTreeMapSync<String, Database>,
    /// Of every table, the database's lower-case name.
    by_id: HashTrieMapSync<i64, (String, Arc<TableInfo>)>,
    /// Of every table that others refer to, those by their ids. It need not be there; they may be hidden.
    children: HashTrieMapSync<String, RedBlackTreeMapSync<i64, Child>>,
    /// The tables with foreign keys, by id.
    referring: HashTrieMapSync<i64, Child>,
}

/// A table with foreign keys, and its database.
#[derive(Clone, Debug)]
struct Child {
    database: Arc<DatabaseInfo>,
    table: Arc<TableInfo>,
}

/// By what the tables that refer to a table are found.
fn parent_key(database: &str, table: &str) -> String {
    format!("{}\0{}", database.to_lowercase(), table.to_lowercase())
}

/// Every public database and table as of one schema version. Immutable, and cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InfoSchema(Arc<Snapshot>);

impl InfoSchema {
    /// A snapshot of these databases and their tables. (`sql::system::info_schema` adds MySQL's own.)
    pub fn new(version: i64, databases: Vec<(DatabaseInfo, Vec<TableInfo>)>) -> InfoSchema {
        let mut snapshot = Snapshot { version, ..Snapshot::default() };
        for (info, tables) in databases {
            snapshot.add_database(info, tables);
        }
        InfoSchema(Arc::new(snapshot))
    }

    /// The schema version it shows.
    pub fn version(&self) -> i64 {
        self.0.version
    }

    /// All databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseInfo>> {
        self.0.databases.values().map(|database| &database.info)
    }

    /// A database by name, in any case.
    pub fn database(&self, name: &str) -> Option<&Arc<DatabaseInfo>> {
        self.entry(name).map(|database| &database.info)
    }

    /// A database by name; error 1049 if there is none.
    pub fn require_database(&self, name: &str) -> SqlResult<&Arc<DatabaseInfo>> {
        self.database(name)
            .ok_or_else(|| SqlError::new(errno::BAD_DB, format!("Unknown database '{name}'")))
    }

    /// The tables of a database, by name; none if there is no such database.
    pub fn tables(&self, database: &str) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.entry(database).into_iter().flat_map(|database| database.tables.values())
    }

    /// A table by name, in any case.
    pub fn table(&self, database: &str, table: &str) -> Option<&Arc<TableInfo>> {
        let tables = &self.entry(database)?.tables;
        match tables.get(table) {
            Some(found) => Some(found),
            None => tables.get(&table.to_lowercase()),
        }
    }

    /// The procedures and functions of a database, by kind and name.
    pub fn routines(&self, database: &str) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.entry(database).into_iter().flat_map(|database| database.routines.values())
    }

    /// A procedure or function by name, in any case.
    pub fn routine(
        &self,
        database: &str,
        kind: RoutineKind,
        name: &str,
    ) -> Option<&Arc<TableInfo>> {
        let routines = &self.entry(database)?.routines;
        if routines.is_empty() {
            return None;
        }
        routines.get(&routine_key(kind, name).to_lowercase())
    }

    /// A table by name; error 1146 if there is none, 1049 if its database is missing, too.
    pub fn require_table(&self, database: &str, table: &str) -> SqlResult<&Arc<TableInfo>> {
        match self.table(database, table) {
            Some(found) => Ok(found),
            None => {
                self.require_database(database)?;
                Err(SqlError::new(
                    errno::NO_SUCH_TABLE,
                    format!("Table '{database}.{table}' doesn't exist"),
                ))
            }
        }
    }

    /// A table by its id, with its database.
    pub fn table_by_id(&self, id: i64) -> Option<(&Arc<DatabaseInfo>, &Arc<TableInfo>)> {
        let (database, table) = self.0.by_id.get(&id)?;
        Some((&self.0.databases.get(database)?.info, table))
    }

    /// The table whose rows are stored under an id, with its database: of that id, or with a partition of it.
    pub fn table_of_rows(&self, id: i64) -> Option<(&Arc<DatabaseInfo>, &Arc<TableInfo>)> {
        self.table_by_id(id).or_else(|| {
            let holds = |table: &TableInfo| {
                table.partitioning.as_ref().is_some_and(|all| all.ids().any(|own| own == id))
            };
            let mut all = self.0.by_id.iter();
            let (table, _) = all.find(|(_, (_, table))| holds(table))?;
            self.table_by_id(*table)
        })
    }

    /// Whether any table has a foreign key.
    pub fn has_foreign_keys(&self) -> bool {
        !self.0.referring.is_empty()
    }

    /// The tables with foreign keys that refer to a table, with their databases. Those that are about to come or go, and that
    /// statements do not see, are among them.
    pub fn children(
        &self,
        database: &str,
        table: &str,
    ) -> impl Iterator<Item = (&Arc<DatabaseInfo>, &Arc<TableInfo>)> {
        let found = match self.has_foreign_keys() {
            true => self.0.children.get(&parent_key(database, table)),
            false => None,
        };
        let children = found.into_iter().flat_map(|children| children.values());
        children.map(|child| (&child.database, &child.table))
    }

    fn entry(&self, name: &str) -> Option<&Database> {
        match self.0.databases.get(name) {
            Some(found) => Some(found),
            None => self.0.databases.get(&name.to_lowercase()),
        }
    }

    /// The next snapshot: this one with changes. Costs what the changes cost, however many tables there are.
    #[must_use]
    pub fn edit(&self, version: i64, changes: Vec<SchemaChange>) -> InfoSchema {
        let mut snapshot = Snapshot::clone(&self.0);
        snapshot.version = version;
        for change in changes {
            snapshot.apply(change);
        }
        InfoSchema(Arc::new(snapshot))
    }
}

/// A difference between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are tables, and they are moved once")]
pub enum SchemaChange {
    /// A database was made or changed.
    PutDatabase(DatabaseInfo),
    /// A database is gone, with its tables.
    RemoveDatabase {
        /// Its name.
        name: String,
    },
    /// A table was made or changed.
    PutTable {
        /// Its database.
        database: String,
        /// The table as it is now.
        table: TableInfo,
    },
    /// A table is gone.
    RemoveTable {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
    },
    /// A table that statements did not see is gone.
    Forget {
        /// Its id.
        table: i64,
    },
}

impl Snapshot {
    fn add_database(&mut self, info: DatabaseInfo, tables: Vec<TableInfo>) {
        let name = info.name.clone();
        self.apply(SchemaChange::PutDatabase(info));
        for table in tables {
            self.apply(SchemaChange::PutTable { database: name.clone(), table });
        }
    }

    fn apply(&mut self, change: SchemaChange) {
        match change {
            SchemaChange::PutDatabase(info) if info.state == SchemaState::Public => {
                let key = info.name.to_lowercase();
                let info = Arc::new(info);
                match self.databases.get_mut(&key) {
                    Some(database) => database.info = info,
                    None => {
                        let tables = RedBlackTreeMapSync::new_sync();
                        let routines = RedBlackTreeMapSync::new_sync();
                        self.databases.insert_mut(key, Database { info, tables, routines });
                    }
                }
            }
            SchemaChange::PutDatabase(DatabaseInfo { name, .. })
            | SchemaChange::RemoveDatabase { name } => {
                let name = name.to_lowercase();
                if let Some(database) = self.databases.get(&name) {
                    for table in database.tables.values().chain(database.routines.values()) {
                        self.by_id.remove_mut(&table.id);
                    }
                    let ids: Vec<i64> = database.tables.values().map(|table| table.id).collect();
                    ids.into_iter().for_each(|id| self.forget_references(id));
                    self.databases.remove_mut(&name);
                }
            }
            SchemaChange::PutTable { database, table } => {
                // It may have had another name.
                if let Some((database, old)) = self.by_id.get(&table.id).cloned() {
                    self.remove_table(&database, &old.name.to_lowercase());
                }
                let (key, name) = (database.to_lowercase(), table.name.to_lowercase());
                self.remove_table(&key, &name);
                let table = Arc::new(table);
                self.note_references(&key, &table);
                if table.state == SchemaState::Public
                    && let Some(database) = self.databases.get_mut(&key)
                {
                    match is_routine_key(&name) {
                        true => database.routines.insert_mut(name, table.clone()),
                        false => database.tables.insert_mut(name, table.clone()),
                    }
                    self.by_id.insert_mut(table.id, (key, table));
                }
            }
            SchemaChange::RemoveTable { database, table } => {
                self.remove_table(&database.to_lowercase(), &table.to_lowercase());
            }
            SchemaChange::Forget { table } => self.forget_references(table),
        }
    }

    fn remove_table(&mut self, database: &str, name: &str) {
        if is_routine_key(name) {
            if let Some(database) = self.databases.get_mut(database)
                && let Some(old) = database.routines.get(name).cloned()
            {
                database.routines.remove_mut(name);
                self.by_id.remove_mut(&old.id);
            }
            return;
        }
        if let Some(database) = self.databases.get_mut(database)
            && let Some(old) = database.tables.get(name).cloned()
        {
            database.tables.remove_mut(name);
            self.by_id.remove_mut(&old.id);
            self.forget_references(old.id);
        }
    }

    fn note_references(&mut self, database: &str, table: &Arc<TableInfo>) {
        self.forget_references(table.id);
        if table.foreign_keys.is_empty() {
            return;
        }
        let Some(found) = self.databases.get(database) else { return };
        let child = Child { database: found.info.clone(), table: table.clone() };
        for key in &table.foreign_keys {
            let parent = parent_key(&key.parent_database, &key.parent_table);
            let known = self.children.get(&parent).cloned();
            let children = known.unwrap_or_else(RedBlackTreeMapSync::new_sync);
            self.children.insert_mut(parent, children.insert(table.id, child.clone()));
        }
        self.referring.insert_mut(table.id, child);
    }

    fn forget_references(&mut self, table: i64) {
        let Some(child) = self.referring.get(&table).cloned() else { return };
        self.referring.remove_mut(&table);
        for key in &child.table.foreign_keys {
            let parent = parent_key(&key.parent_database, &key.parent_table);
            let Some(children) = self.children.get(&parent) else { continue };
            let left = children.remove(&table);
            match left.is_empty() {
                true => drop(self.children.remove_mut(&parent)),
                false => self.children.insert_mut(parent, left),
            }
        }
    }
}
