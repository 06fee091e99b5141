//! From the syntax of schema changes to what the worker runs.

use super::build_column::{build_column, collation_of};
use super::build_index::{Keys, build_keys};
use super::changes::{AddIndex, Alteration, DropIndex, TableChange};
use super::check::{add_check, check_actions, check_names, copied};
use super::computed::{check_keys, resolve_columns};
use super::ddl_statement::wrong_object;
use super::foreign_key::{add_foreign_key, drop_needless_indexes};
use super::partition::build_partitioning;
use super::storage_options::StorageOptions;
use super::{
    ConversionRules, DatabaseInfo, DdlStatement, InfoSchema, SchemaState, TableInfo,
    is_system_database,
};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::parser::{ast, not_instant};
use crate::sql::types::{Collation, SqlMode};

/// The longest name of a database, table, column or index, in characters.
const NAME_LIMIT: usize = 64;

/// The longest comment of a table, in characters.
const TABLE_COMMENT_LIMIT: usize = 2048;

/// The database that MySQL keeps its accounts in.
const MYSQL: &str = "mysql";

/// The most columns of a table.
pub(super) const COLUMN_LIMIT: usize = 1017;

/// The most keys of a table, its primary key among them.
const KEY_LIMIT: usize = 64;

/// What a schema change is checked against.
pub struct DdlContext<'a> {
    /// What exists.
    pub schema: &'a InfoSchema,
    /// What USE chose.
    pub current_db: Option<&'a str>,
    /// `sql_mode`: strict modes make errors of defaults that do not fit.
    pub sql_mode: SqlMode,
    /// The session: its time and zone.
    pub eval: &'a EvalContext,
}

impl DdlContext<'_> {
    /// Database and name; error 1046 if no database was chosen, 1044 in a database of MySQL's own.
    pub(super) fn locate(&self, name: &ast::ObjectName) -> SqlResult<(String, String)> {
        let database = match (&name.database, self.current_db) {
            (Some(database), _) => database.clone(),
            (None, Some(database)) => database.to_owned(),
            (None, None) => return Err(SqlError::new(errno::NO_DB, "No database selected")),
        };
        check_writable(&database)?;
        let database = self.schema.database(&database).map_or(database, |info| info.name.clone());
        Ok((database, name.name.clone()))
    }

    /// The name of the database that a table is in.
    pub(super) fn database_of(&self, table: &TableInfo) -> String {
        let found = self.schema.table_by_id(table.id);
        found.map(|(database, _)| database.name.clone()).unwrap_or_default()
    }

    /// A table with rows of its own: error 1347 for a view.
    fn existing(&self, name: &ast::ObjectName) -> SqlResult<(String, &TableInfo)> {
        let (database, table) = self.locate(name)?;
        let table = self.schema.require_table(&database, &table)?;
        if table.view.is_some() {
            let (code, message) = wrong_object(&database, &table.name, "BASE TABLE");
            return Err(SqlError::new(code, message));
        }
        Ok((database, table))
    }
}

/// DROP VIEW. Error 1347 for a table.
fn drop_views(
    views: &[ast::ObjectName],
    if_exists: bool,
    ctx: &DdlContext<'_>,
) -> SqlResult<DdlStatement> {
    let mut tables = Vec::with_capacity(views.len());
    for name in views {
        let (database, view) = ctx.locate(name)?;
        if ctx.schema.table(&database, &view).is_some_and(|table| table.view.is_none()) {
            let (code, message) = wrong_object(&database, &view, "VIEW");
            return Err(SqlError::new(code, message));
        }
        tables.push((database, view));
    }
    Ok(DdlStatement::DropTables { tables, if_exists, views: true })
}

/// The changes that a statement asks for, in order. A statement that changes no schema is an internal error.
pub fn build_statement(
    statement: &ast::Statement,
    ctx: &DdlContext<'_>,
) -> SqlResult<Vec<DdlStatement>> {
    use ast::Statement as S;
    Ok(vec![match statement {
        S::CreateDatabase(create) => DdlStatement::CreateDatabase {
            info: build_create_database(create)?,
            if_not_exists: create.if_not_exists,
        },
        S::DropDatabase { name, if_exists } => {
            check_writable(name)?;
            DdlStatement::DropDatabase { name: name.clone(), if_exists: *if_exists }
        }
        S::AlterDatabase { name, options } => alter_database(name.as_deref(), options, ctx)?,
        S::RenameTables(renames) => rename_tables(renames, ctx)?,
        S::CreateTable(create) => {
            if let Some((database, table)) = own_table(create, ctx) {
                return Ok(vec![DdlStatement::CreateTable {
                    database,
                    table,
                    if_not_exists: true,
                }]);
            }
            let (database, _) = ctx.locate(&create.name)?;
            ctx.schema.require_database(&database)?;
            let table = Box::new(build_table(create, ctx)?);
            DdlStatement::CreateTable { database, table, if_not_exists: create.if_not_exists }
        }
        S::DropTables { tables, if_exists, .. } => {
            let tables = tables.iter().map(|name| ctx.locate(name)).collect::<SqlResult<_>>()?;
            DdlStatement::DropTables { tables, if_exists: *if_exists, views: false }
        }
        S::DropViews { views, if_exists } => drop_views(views, *if_exists, ctx)?,
        S::Truncate(name) => {
            let (database, table) = ctx.existing(name).map_err(|error| match error.code {
                // TRUNCATE sees no views.
                errno::WRONG_OBJECT => {
                    let database = name.database.as_deref().or(ctx.current_db).unwrap_or_default();
                    let message = format!("Table '{database}.{}' doesn't exist", name.name);
                    SqlError::new(errno::NO_SUCH_TABLE, message)
                }
                _ => error,
            })?;
            DdlStatement::TruncateTable { database, table: table.name.clone() }
        }
        S::CreateIndex(create) => {
            let (definition, if_not_exists) = (create.index.clone(), create.if_not_exists);
            let change = TableChange::AddIndex(AddIndex { definition, if_not_exists });
            alter_table(&create.table, vec![change], (false, false), ctx)?
        }
        S::DropIndex { table, name } => {
            let change = TableChange::DropIndex(DropIndex { name: name.clone() });
            alter_table(table, vec![change], (false, false), ctx)?
        }
        S::AlterTable { table, actions, instant, open } => {
            let (_, info) = ctx.existing(table)?;
            let mut changes = Vec::with_capacity(actions.len());
            for action in actions {
                changes.extend(TableChange::build(action, info, ctx)?);
            }
            if changes.is_empty() {
                return Ok(Vec::new());
            }
            alter_table(table, changes, (*instant, *open), ctx)?
        }
        _ => return Err(SqlError::internal("a statement that changes no schema")),
    }])
}

/// Changes of a table. The worker applies them again, to the table as it is then.
fn alter_table(
    name: &ast::ObjectName,
    changes: Vec<TableChange>,
    (instant, open): (bool, bool),
    ctx: &DdlContext<'_>,
) -> SqlResult<DdlStatement> {
    let (database, table) = ctx.existing(name)?;
    let alteration = Alteration::new(table, &changes)?;
    check_names(ctx.schema, &database, table, &alteration.new_check_names())?;
    let cannot = |message| Err(SqlError::new(errno::ALTER_OPERATION_NOT_SUPPORTED_REASON, message));
    if instant && alteration.rekeys() {
        return cannot(
            "ALGORITHM=INSTANT is not supported. Reason: Dropping a primary key is not allowed without also adding a new primary \
             key. Try ALGORITHM=COPY/INPLACE.",
        );
    }
    if instant && !alteration.conversions.is_empty() {
        return cannot(
            "ALGORITHM=INSTANT is not supported. Reason: Cannot change column type INPLACE. Try ALGORITHM=COPY.",
        );
    }
    if open && alteration.numbered.is_some() {
        return cannot(
            "LOCK=NONE is not supported. Reason: Adding an auto-increment column requires a lock. Try LOCK=SHARED.",
        );
    }
    if instant && !alteration.is_instant() {
        return Err(not_instant());
    }
    let rules = ConversionRules {
        sql_mode: ctx.sql_mode.to_string(),
        time_zone: ctx.eval.time_zone.to_string(),
    };
    Ok(DdlStatement::AlterTable { database, table: table.name.clone(), changes, rules })
}

/// A database from CREATE DATABASE. Its id is zero.
pub fn build_create_database(create: &ast::CreateDatabase) -> SqlResult<DatabaseInfo> {
    check_name(&create.name)?;
    // Dumps begin with CREATE DATABASE IF NOT EXISTS of it.
    if !create.name.eq_ignore_ascii_case(MYSQL) {
        check_writable(&create.name)?;
    } else if !create.if_not_exists {
        let message = format!("Can't create database '{}'; database exists", create.name);
        return Err(SqlError::new(errno::DB_CREATE_EXISTS, message));
    }
    if create.name.ends_with(' ') {
        let message = format!("Incorrect database name '{}'", create.name);
        return Err(SqlError::new(errno::WRONG_DB_NAME, message));
    }
    let ast::DatabaseOptions { charset, collation } = &create.options;
    let collation = collation_of(charset.as_deref(), collation.as_deref(), Collation::default())?;
    Ok(DatabaseInfo {
        id: 0,
        name: create.name.clone(),
        charset: collation.charset().to_owned(),
        collation: collation.name().to_owned(),
        state: SchemaState::Public,
    })
}

/// ALTER DATABASE: the defaults of tables to come.
fn alter_database(
    name: Option<&str>,
    options: &ast::DatabaseOptions,
    ctx: &DdlContext<'_>,
) -> SqlResult<DdlStatement> {
    let Some(name) = name.or(ctx.current_db) else {
        return Err(SqlError::new(errno::NO_DB, "No database selected"));
    };
    check_writable(name)?;
    let database = ctx.schema.require_database(name)?;
    let inherited = Collation::by_name(&database.collation)?;
    let ast::DatabaseOptions { charset, collation } = options;
    let collation = collation_of(charset.as_deref(), collation.as_deref(), inherited)?;
    Ok(DdlStatement::AlterDatabase {
        name: database.name.clone(),
        charset: collation.charset().to_owned(),
        collation: collation.name().to_owned(),
    })
}

/// RENAME TABLE. What there is at its turn is looked at then, as each sees what those before it have done.
fn rename_tables(
    renames: &[(ast::ObjectName, ast::ObjectName)],
    ctx: &DdlContext<'_>,
) -> SqlResult<DdlStatement> {
    let renames = renames.iter().map(|(from, to)| {
        check_table_name(&to.name)?;
        Ok((ctx.locate(from)?, ctx.locate(to)?))
    });
    Ok(DdlStatement::RenameTables { renames: renames.collect::<SqlResult<_>>()? })
}

/// A table from CREATE TABLE, with everything checked. Its id is zero; its columns and indexes are numbered from one.
pub fn build_table(create: &ast::CreateTable, ctx: &DdlContext<'_>) -> SqlResult<TableInfo> {
    check_table_name(&create.name.name)?;
    if let Some(like) = &create.like {
        return table_like((&create.name.name, create.temporary), like, ctx);
    }
    if create.columns.is_empty() {
        return Err(SqlError::new(
            errno::TABLE_MUST_HAVE_COLUMNS,
            "A table must have at least 1 column",
        ));
    }
    if create.columns.len() > COLUMN_LIMIT {
        return Err(SqlError::new(errno::TOO_MANY_FIELDS, "Too many columns"));
    }
    let mut table = empty_table(create, ctx)?;
    let collation = Collation::by_name(&table.collation)?;
    for definition in &create.columns {
        check_column_name(&definition.name)?;
        let twice =
            |known: &super::ColumnInfo| known.name.to_lowercase() == definition.name.to_lowercase();
        if table.columns.iter().any(twice) {
            return Err(SqlError::new(
                errno::DUP_FIELDNAME,
                format!("Duplicate column name '{}'", definition.name),
            ));
        }
        let offset = table.columns.len();
        table.columns.push(build_column(definition, offset, collation, ctx.sql_mode)?);
    }
    table.max_column_id = table.columns.len() as i64;
    let Keys { handle_column, indexes } = build_keys(&mut table, create)?;
    check_key_count(indexes.len() + usize::from(handle_column.is_some()))?;
    table.max_index_id = indexes.len() as i64;
    table.handle_column = handle_column;
    table.indexes = indexes;
    check_auto_increment(&table)?;
    let (database, _) = ctx.locate(&create.name)?;
    for definition in &create.foreign_keys {
        add_foreign_key(&mut table, &database, definition)?;
    }
    check_shown(&table)?;
    resolve_columns(&mut table)?;
    check_keys(&table)?;
    for definition in &create.checks {
        add_check(&mut table, definition, 0)?;
    }
    check_actions(&table)?;
    let names: Vec<&str> = table.checks.iter().map(|check| check.name.as_str()).collect();
    check_names(ctx.schema, &database, &table, &names)?;
    drop_needless_indexes(&mut table);
    check_key_count(table.indexes.len() + usize::from(handle_column.is_some()))?;
    if let Some(written) = &create.partitions {
        if create.temporary {
            return Err(no_temporary());
        }
        table.partitioning = Some(Box::new(build_partitioning(written, &table, ctx)?));
    }
    Ok(table)
}

/// Error 4028 for a table of which `*` would give nothing.
pub(super) fn check_shown(table: &TableInfo) -> SqlResult<()> {
    if table.columns.iter().all(|column| column.invisible || column.hidden) {
        return Err(SqlError::new(
            errno::TABLE_MUST_HAVE_A_VISIBLE_COLUMN,
            "A table must have at least one visible column.",
        ));
    }
    Ok(())
}

/// The table with its options, and without columns.
fn empty_table(create: &ast::CreateTable, ctx: &DdlContext<'_>) -> SqlResult<TableInfo> {
    let (mut charset, mut collation) = (None, None);
    let (mut comment, mut auto_increment_start) = (String::new(), None);
    let mut storage = StorageOptions::default();
    for option in &create.options {
        match option {
            ast::TableOption::Charset(name) => charset = Some(name.as_str()),
            ast::TableOption::Collation(name) => collation = Some(name.as_str()),
            ast::TableOption::Comment(text) => comment.clone_from(text),
            ast::TableOption::AutoIncrement(start) => auto_increment_start = Some(*start),
            ast::TableOption::Storage(name, value) => storage.record(name, value),
            ast::TableOption::Engine(_) | ast::TableOption::NoEncryption => {}
        }
    }
    check_table_comment(&create.name.name, &comment)?;
    let database = create.name.database.as_deref().or(ctx.current_db);
    let inherited = database.and_then(|name| ctx.schema.database(name));
    let inherited =
        inherited.map_or_else(|| Ok(Collation::default()), |i| Collation::by_name(&i.collation))?;
    let collation = collation_of(charset, collation, inherited)?;
    Ok(TableInfo {
        name: create.name.name.clone(),
        columns: Vec::with_capacity(create.columns.len()),
        comment,
        storage: storage.list(),
        // AUTO_INCREMENT = 0 and 1 both say nothing.
        auto_increment_start: auto_increment_start.filter(|start| *start > 1),
        ..TableInfo::empty(collation.name())
    })
}

/// Error 1628 for a comment that is too long.
pub(super) fn check_table_comment(table: &str, comment: &str) -> SqlResult<()> {
    if comment.chars().count() > TABLE_COMMENT_LIMIT {
        return Err(SqlError::new(
            errno::TOO_LONG_TABLE_COMMENT,
            format!("Comment for table '{table}' is too long (max = {TABLE_COMMENT_LIMIT})"),
        ));
    }
    Ok(())
}

/// Error 1562.
fn no_temporary() -> SqlError {
    let message = "Cannot create temporary table with partitions";
    SqlError::new(errno::PARTITION_NO_TEMPORARY, message)
}

/// CREATE TABLE … LIKE: the other table's definition under another name.
fn table_like(
    (name, temporary): (&str, bool),
    like: &ast::ObjectName,
    ctx: &DdlContext<'_>,
) -> SqlResult<TableInfo> {
    let (_, source) = ctx.existing(like)?;
    if temporary && source.partitioning.is_some() {
        return Err(no_temporary());
    }
    let mut table = source.clone();
    table.name_index_columns();
    let handle = table.handle_id();
    table.indexes.retain(|index| index.state == SchemaState::Public);
    table.columns.retain(|column| column.state == SchemaState::Public);
    table.columns.iter_mut().for_each(|column| column.origin = None);
    table.indexes.iter_mut().for_each(|index| index.generated = false);
    table.place_columns(handle);
    Ok(TableInfo {
        id: 0,
        name: name.to_owned(),
        auto_increment_start: None,
        counted_anew: 0,
        version: 0,
        created_ms: 0,
        locks: Vec::new(),
        foreign_keys: Vec::new(),
        triggers: Vec::new(),
        checks: copied(source, name),
        partitioning: table.partitioning.map(|mut partitioning| {
            partitioning.renumber();
            partitioning
        }),
        ..table
    })
}

/// Only one column may be AUTO_INCREMENT, and it must be the first of a key: error 1075.
pub(super) fn check_auto_increment(table: &TableInfo) -> SqlResult<()> {
    let mut counted = table.columns.iter().filter(|column| column.auto_increment);
    let Some(column) = counted.next() else {
        return Ok(());
    };
    let is_key = table.handle_column == Some(column.offset)
        || table.indexes.iter().any(|index| index.columns[0].offset == column.offset);
    if counted.next().is_some() || !is_key {
        return Err(SqlError::new(
            errno::WRONG_AUTO_KEY,
            "Incorrect table definition; there can be only one auto column and it must be defined as a key",
        ));
    }
    Ok(())
}

/// Error 1059 for a name that is too long.
pub(super) fn check_name(name: &str) -> SqlResult<()> {
    if name.chars().count() > NAME_LIMIT {
        return Err(SqlError::new(
            errno::TOO_LONG_IDENT,
            format!("Identifier name '{name}' is too long"),
        ));
    }
    Ok(())
}

/// The same, or error 1103 for a table's name that ends with a space.
pub(super) fn check_table_name(name: &str) -> SqlResult<()> {
    check_name(name)?;
    if name.ends_with(' ') {
        let message = format!("Incorrect table name '{name}'");
        return Err(SqlError::new(errno::WRONG_TABLE_NAME, message));
    }
    Ok(())
}

/// The same, or error 1166 for a column's name that ends with a space.
pub(super) fn check_column_name(name: &str) -> SqlResult<()> {
    check_name(name)?;
    if name.ends_with(' ') {
        let message = format!("Incorrect column name '{name}'");
        return Err(SqlError::new(errno::WRONG_COLUMN_NAME, message));
    }
    Ok(())
}

/// Error 1069 for more keys than a table may have.
pub(super) fn check_key_count(keys: usize) -> SqlResult<()> {
    if keys > KEY_LIMIT {
        let message = format!("Too many keys specified; max {KEY_LIMIT} keys allowed");
        return Err(SqlError::new(errno::TOO_MANY_KEYS, message));
    }
    Ok(())
}

/// A table of `mysql` that is asked for with IF NOT EXISTS, as dumps do it: it is there.
fn own_table(create: &ast::CreateTable, ctx: &DdlContext<'_>) -> Option<(String, Box<TableInfo>)> {
    let database = create.name.database.as_deref().or(ctx.current_db)?;
    if !create.if_not_exists || !database.eq_ignore_ascii_case(MYSQL) {
        return None;
    }
    let table = ctx.schema.table(database, &create.name.name)?;
    Some((database.to_owned(), Box::new((**table).clone())))
}

/// Error 1044 for the database nobody may change.
fn check_writable(database: &str) -> SqlResult<()> {
    if is_system_database(database) {
        return Err(SqlError::new(
            errno::DB_ACCESS_DENIED,
            format!("Access denied for user to database '{database}'"),
        ));
    }
    Ok(())
}
