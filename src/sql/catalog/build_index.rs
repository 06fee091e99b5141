//! Keys of CREATE TABLE and CREATE INDEX.

use super::build::{check_key_count, check_name};
use super::build_column::COMMENT_LIMIT;
use super::expression_index::hide_expressions;
use super::{ColumnInfo, IndexColumn, IndexInfo, SchemaState, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{ColumnOption, CreateTable, IndexDefinition, IndexNotes, IndexPart};
use crate::sql::types::{Collation, TypeKind};

/// The most bytes of a key.
const KEY_BYTES: u32 = 3072;

/// The most columns of a key.
const KEY_COLUMNS: usize = 16;

/// The name of the primary key.
pub(super) const PRIMARY: &str = "PRIMARY";

/// The keys of a table.
pub(super) struct Keys {
    /// The integer primary key.
    pub(super) handle_column: Option<usize>,
    /// The others.
    pub(super) indexes: Vec<IndexInfo>,
}

/// The order of a table's indexes: the primary one first, then unique ones, those of words last.
pub(super) fn index_order(index: &IndexInfo) -> (bool, bool, bool) {
    (!index.primary, !index.unique, index.fulltext.is_some())
}

/// The keys that CREATE TABLE asks for, the primary one first, then unique ones, as MySQL orders them. Makes the primary
/// key's columns NOT NULL.
pub(super) fn build_keys(table: &mut TableInfo, create: &CreateTable) -> SqlResult<Keys> {
    let mut definitions: Vec<&IndexDefinition> = create.indexes.iter().collect();
    if definitions.iter().filter(|definition| definition.primary).count() > 1 {
        return Err(SqlError::new(errno::MULTIPLE_PRI_KEY, "Multiple primary key defined"));
    }
    definitions.sort_by_key(|definition| {
        (!definition.primary, !definition.unique, definition.fulltext.is_some())
    });
    let mut keys = Keys { handle_column: None, indexes: Vec::new() };
    for definition in definitions {
        let definition = &*hide_expressions(table, &keys.indexes, definition)?;
        if definition.primary {
            if definition.invisible {
                return Err(invisible_primary());
            }
            make_not_null(table, create, definition)?;
            if let Some(handle) = handle_column(table, definition) {
                check_comment(definition)?;
                keys.handle_column = Some(handle);
                let notes =
                    Some(&definition.notes).filter(|notes| **notes != IndexNotes::default());
                table.handle_notes = notes.map(|notes| Box::new(notes.clone()));
                continue;
            }
        }
        let mut index = new_index(table, definition)?;
        index.name = match (&definition.name, definition.primary) {
            (_, true) => PRIMARY.to_owned(),
            (Some(name), _) => name.clone(),
            (None, _) => free_name(&definition.parts[0].column, &keys.indexes),
        };
        check_new_name(&index.name, definition.primary, &keys.indexes)?;
        index.id = keys.indexes.len() as i64 + 1;
        keys.indexes.push(index);
    }
    Ok(keys)
}

/// An index for a table that exists. Its id is zero. Error 1061 if its name is that of a `known` one.
pub(super) fn build_index(
    table: &TableInfo,
    known: &[IndexInfo],
    definition: &IndexDefinition,
) -> SqlResult<IndexInfo> {
    check_key_count(known.len() + 1 + usize::from(table.handle_column.is_some()))?;
    let mut index = new_index(table, definition)?;
    index.name = match &definition.name {
        _ if definition.primary => PRIMARY.to_owned(),
        Some(name) => name.clone(),
        None => free_name(&definition.parts[0].column, known),
    };
    check_new_name(&index.name, definition.primary, known)?;
    Ok(index)
}

/// Error 1091 if there is no index of that name.
pub(super) fn check_drop(table: &TableInfo, name: &str) -> SqlResult<()> {
    let clustered = same(name, PRIMARY) && table.handle_column.is_some();
    if clustered || table.indexes.iter().any(|index| same(&index.name, name)) {
        return Ok(());
    }
    Err(SqlError::new(
        errno::CANT_DROP_FIELD_OR_KEY,
        format!("Can't DROP '{name}'; check that column/key exists"),
    ))
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn make_not_null(
    table: &mut TableInfo,
    create: &CreateTable,
    definition: &IndexDefinition,
) -> SqlResult<()> {
    for part in &definition.parts {
        let Some(position) = table.columns.iter().position(|c| same(&c.name, &part.column)) else {
            return Err(missing_column(&part.column));
        };
        if create.columns[position].options.contains(&ColumnOption::Null) {
            return Err(SqlError::new(
                errno::PRIMARY_CANT_HAVE_NULL,
                "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead",
            ));
        }
        let column = &mut table.columns[position];
        column.field_type.not_null = true;
        if column.default == Some(super::DefaultValue::Constant(None)) {
            let written = create.columns[position].options.iter();
            if written.clone().any(|option| matches!(option, ColumnOption::Default(_))) {
                return Err(SqlError::new(
                    errno::INVALID_DEFAULT,
                    format!("Invalid default value for '{}'", column.name),
                ));
            }
            column.default = None;
        }
    }
    Ok(())
}

/// The column of a primary key of one integer: rows are stored by it.
fn handle_column(table: &TableInfo, definition: &IndexDefinition) -> Option<usize> {
    let [part] = definition.parts.as_slice() else { return None };
    let column = table.columns.iter().find(|column| same(&column.name, &part.column))?;
    let kind = column.field_type.kind;
    let integer = kind.is_integer() && kind != TypeKind::Year;
    (integer && part.length.is_none() && !part.descending).then_some(column.offset)
}

fn missing_column(name: &str) -> SqlError {
    SqlError::new(
        errno::KEY_COLUMN_DOES_NOT_EXIST,
        format!("Key column '{name}' doesn't exist in table"),
    )
}

/// Error 3522.
pub(super) fn invisible_primary() -> SqlError {
    SqlError::new(errno::PK_INDEX_CANT_BE_INVISIBLE, "A primary key index cannot be invisible")
}

fn new_index(table: &TableInfo, definition: &IndexDefinition) -> SqlResult<IndexInfo> {
    if definition.primary && definition.invisible {
        return Err(invisible_primary());
    }
    if definition.parts.len() > KEY_COLUMNS {
        return Err(SqlError::new(
            errno::TOO_MANY_KEY_PARTS,
            format!("Too many key parts specified; max {KEY_COLUMNS} parts allowed"),
        ));
    }
    let mut columns: Vec<IndexColumn> = Vec::with_capacity(definition.parts.len());
    let mut bytes = 0_u32;
    for part in &definition.parts {
        let public = |column: &&ColumnInfo| column.state == SchemaState::Public;
        let column = table.columns.iter().filter(public).find(|c| same(&c.name, &part.column));
        let column = column.ok_or_else(|| missing_column(&part.column))?;
        if columns.iter().any(|known| known.offset == column.offset) {
            return Err(SqlError::new(
                errno::DUP_FIELDNAME,
                format!("Duplicate column name '{}'", column.name),
            ));
        }
        let (part, size) = match definition.fulltext {
            Some(_) => (word_part(column, part)?, 0),
            None => key_part(column, part)?,
        };
        bytes = bytes.saturating_add(size);
        columns.push(part);
    }
    check_width(bytes)?;
    if definition.fulltext.is_some() {
        check_character_sets(table, &columns)?;
    }
    check_comment(definition)?;
    Ok(IndexInfo {
        id: 0,
        name: String::new(),
        columns,
        unique: definition.unique,
        primary: definition.primary,
        notes: definition.notes.clone(),
        invisible: definition.invisible,
        skips_new_rows: false,
        generated: false,
        fulltext: definition.fulltext,
        state: SchemaState::Public,
    })
}

/// Error 1688 for a comment that is too long.
fn check_comment(definition: &IndexDefinition) -> SqlResult<()> {
    if definition.notes.comment.chars().count() > COMMENT_LIMIT {
        let name = definition.name.as_deref().unwrap_or_default();
        return Err(SqlError::new(
            errno::TOO_LONG_INDEX_COMMENT,
            format!("Comment for index '{name}' is too long (max = {COMMENT_LIMIT})"),
        ));
    }
    Ok(())
}

fn check_width(bytes: u32) -> SqlResult<()> {
    if bytes > KEY_BYTES {
        return Err(SqlError::new(
            errno::TOO_LONG_KEY,
            format!("Specified key was too long; max key length is {KEY_BYTES} bytes"),
        ));
    }
    Ok(())
}

/// The error of an index that cannot be any more, after its columns have changed.
pub(super) fn check_key(table: &TableInfo, index: &IndexInfo) -> SqlResult<()> {
    let mut bytes = 0_u32;
    if index.fulltext.is_some() {
        for part in &index.columns {
            let column = &table.columns[part.offset];
            word_part(column, &IndexPart::column(&column.name))?;
        }
        return check_character_sets(table, &index.columns);
    }
    for part in &index.columns {
        let column = &table.columns[part.offset];
        let written = IndexPart { length: part.prefix_len, ..IndexPart::column(&column.name) };
        bytes = bytes.saturating_add(key_part(column, &written)?.1);
    }
    check_width(bytes)
}

/// A column whose words an index has: error 1283 for one that is no text.
fn word_part(column: &ColumnInfo, part: &IndexPart) -> SqlResult<IndexColumn> {
    if part.descending {
        return Err(SqlError::new(
            errno::WRONG_USAGE,
            "Incorrect usage of spatial/fulltext/hash index and explicit index order",
        ));
    }
    let field_type = &column.field_type;
    if !field_type.kind.is_string() || field_type.collation == Collation::Binary {
        return Err(no_words(column));
    }
    if column.generated.as_ref().is_some_and(|generated| !generated.stored) {
        return Err(SqlError::new(
            errno::UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
            "'Fulltext index on virtual generated column' is not supported for generated columns.",
        ));
    }
    let (column, offset) = (column.id, column.offset);
    Ok(IndexColumn { column, offset, prefix_len: None, descending: false })
}

fn no_words(column: &ColumnInfo) -> SqlError {
    SqlError::new(
        errno::BAD_FT_COLUMN,
        format!("Column '{}' cannot be part of FULLTEXT index", column.name),
    )
}

/// Error 1283 unless the words of all columns are told apart in one way.
fn check_character_sets(table: &TableInfo, columns: &[IndexColumn]) -> SqlResult<()> {
    let collation = |part: &IndexColumn| table.columns[part.offset].field_type.collation;
    let other = columns.iter().find(|part| collation(part) != collation(&columns[0]));
    other.map_or(Ok(()), |part| Err(no_words(&table.columns[part.offset])))
}

/// The whole of a column, as one of a key.
pub(super) fn whole_part(column: &ColumnInfo) -> SqlResult<IndexColumn> {
    key_part(column, &IndexPart::column(&column.name)).map(|(part, _)| part)
}

/// How many bytes of a key a column takes that is no string. Error 3152 for documents, which no key holds.
fn fixed_size(column: &ColumnInfo) -> SqlResult<u32> {
    Ok(match column.field_type.kind {
        TypeKind::TinyInt | TypeKind::Year => 1,
        TypeKind::SmallInt => 2,
        TypeKind::MediumInt | TypeKind::Date | TypeKind::Time => 3,
        TypeKind::Int | TypeKind::Float | TypeKind::Timestamp => 4,
        TypeKind::Decimal => column.field_type.precision_scale().0.div_ceil(2) + 1,
        TypeKind::Bit => column.field_type.display_width(),
        TypeKind::Enum => 2,
        TypeKind::BigInt
        | TypeKind::Double
        | TypeKind::Char
        | TypeKind::VarChar
        | TypeKind::TinyText
        | TypeKind::Text
        | TypeKind::MediumText
        | TypeKind::LongText
        | TypeKind::DateTime
        | TypeKind::Set
        | TypeKind::Null => 8,
        TypeKind::Json => {
            return Err(SqlError::new(
                errno::JSON_USED_AS_KEY,
                format!(
                    "JSON column '{}' supports indexing only via generated columns on a specified JSON path.",
                    column.name
                ),
            ));
        }
    })
}

/// A column of a key and how many bytes of the key it takes.
fn key_part(column: &ColumnInfo, part: &IndexPart) -> SqlResult<(IndexColumn, u32)> {
    let kind = column.field_type.kind;
    let wrong_prefix = || {
        SqlError::new(
            errno::WRONG_SUB_KEY,
            "Incorrect prefix key; the used key part isn't a string, the used length is longer than the key part, or the \
             storage engine doesn't support unique prefix keys",
        )
    };
    let mut prefix_len = part.length;
    if !kind.is_string() {
        if prefix_len.is_some() {
            return Err(wrong_prefix());
        }
        let size = fixed_size(column)?;
        return Ok((
            IndexColumn {
                column: column.id,
                offset: column.offset,
                prefix_len: None,
                descending: part.descending,
            },
            size,
        ));
    }
    if prefix_len == Some(0) {
        return Err(SqlError::new(
            errno::KEY_PART_0,
            format!("Key part '{}' length cannot be 0", column.name),
        ));
    }
    if kind.is_text() && prefix_len.is_none() {
        return Err(SqlError::new(
            errno::BLOB_KEY_WITHOUT_LENGTH,
            format!(
                "BLOB/TEXT column '{}' used in key specification without a key length",
                column.name
            ),
        ));
    }
    if let (Some(length), Some(whole), false) =
        (prefix_len, column.field_type.length, kind.is_text())
    {
        if length > whole {
            return Err(wrong_prefix());
        }
        // All of it is no prefix.
        prefix_len = prefix_len.filter(|length| *length < whole);
    }
    let width = column.field_type.character_bytes();
    let length = prefix_len.or(column.field_type.length).unwrap_or(0);
    let (descending, offset) = (part.descending, column.offset);
    let part = IndexColumn { column: column.id, offset, prefix_len, descending };
    Ok((part, length.saturating_mul(width)))
}

/// Errors 1059, 1280 and 1061 for a name that an index cannot have.
pub(super) fn check_new_name(name: &str, primary: bool, known: &[IndexInfo]) -> SqlResult<()> {
    check_name(name)?;
    if name.is_empty() || (!primary && same(name, PRIMARY)) {
        return Err(SqlError::new(
            errno::WRONG_NAME_FOR_INDEX,
            format!("Incorrect index name '{name}'"),
        ));
    }
    // One that is not public is made or taken away by a change which this one queues behind: the worker looks again then.
    let is_taken =
        |index: &IndexInfo| index.state == SchemaState::Public && same(&index.name, name);
    if known.iter().any(is_taken) {
        return Err(SqlError::new(errno::DUP_KEYNAME, format!("Duplicate key name '{name}'")));
    }
    Ok(())
}

/// The first column's name, with a number if that is taken.
pub(super) fn free_name(column: &str, known: &[IndexInfo]) -> String {
    let taken =
        |name: &str| same(name, PRIMARY) || known.iter().any(|index| same(&index.name, name));
    if !taken(column) {
        return column.to_owned();
    }
    let mut number = 2;
    loop {
        let name = format!("{column}_{number}");
        if !taken(&name) {
            return name;
        }
        number += 1;
    }
}
