//! `information_schema.COLUMNS`: the columns; SHOW COLUMNS and DESCRIBE read it.

use crate::sql::accounts::Privileges;
use crate::sql::catalog::{
    ColumnInfo, DatabaseInfo, DefaultValue, IndexInfo, TableInfo, column_type, default_text,
};
use crate::sql::parser::ast::DataType;
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::{public_columns, public_indexes};
use crate::sql::system::table::table;
use crate::sql::types::{Class, Collation, Datum, FieldType, TypeKind};

/// A column, and where it is.
struct Facts<'a> {
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
    column: &'a ColumnInfo,
    field_type: &'a FieldType,
    /// Of a column of text.
    collation: Option<Collation>,
    /// Precision and scale of a number.
    digits: (Option<u32>, Option<u32>),
}

fn facts<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Facts<'a>> {
    let of_table = move |(database, table): (&'a DatabaseInfo, &'a TableInfo)| {
        let seen = move |column: &&ColumnInfo| asked.sees_column(database, table, &column.name);
        public_columns(table).filter(seen).map(move |column| Facts {
            database,
            table,
            column,
            field_type: &column.field_type,
            collation: text_collation(&column.field_type),
            digits: digits(&column.field_type),
        })
    };
    asked.tables().flat_map(of_table)
}

table! {
    "COLUMNS": |asked| for facts in facts(asked);
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = facts.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = facts.table.name.as_str();
    COLUMN_NAME: Varchar(64) = facts.column.name.as_str();
    ORDINAL_POSITION: UInt NOT NULL = facts.column.offset as u64 + 1;
    COLUMN_DEFAULT: Text = default_text(facts.column);
    IS_NULLABLE: Varchar(3) NOT NULL = if facts.field_type.not_null { "NO" } else { "YES" };
    DATA_TYPE: LongText = facts.field_type.kind_name();
    CHARACTER_MAXIMUM_LENGTH: BigInt = length(facts.field_type).map(u64::from);
    CHARACTER_OCTET_LENGTH: BigInt = bytes(facts.field_type).map(u64::from);
    NUMERIC_PRECISION: UBigInt = facts.digits.0.map(u64::from);
    NUMERIC_SCALE: UBigInt = facts.digits.1.map(u64::from);
    DATETIME_PRECISION: UInt = fraction(facts.field_type).map(u64::from);
    CHARACTER_SET_NAME: Varchar(64) = facts.collation.map(Collation::charset);
    COLLATION_NAME: Varchar(64) = facts.collation.map(Collation::name);
    COLUMN_TYPE: MediumText NOT NULL = facts.field_type.sql_text();
    COLUMN_KEY: Varchar(3) NOT NULL = column_key(facts.table, facts.column);
    EXTRA: Varchar(256) = extra(facts.column);
    PRIVILEGES: Varchar(154) = privileges(asked, &facts);
    COLUMN_COMMENT: Text NOT NULL = facts.column.comment.as_str();
    GENERATION_EXPRESSION: LongText NOT NULL = facts.column.generated.as_ref().map_or_else(String::new, |g| g.expr.escaped());
    SRS_ID: UInt = Datum::Null;
}

/// What the session may do with a column.
fn privileges(asked: &Asked<'_>, facts: &Facts<'_>) -> String {
    let (rights, database, table) =
        (asked.sources.rights(), &facts.database.name, &facts.table.name);
    let all = rights.table(database, table) | rights.column(database, table, &facts.column.name);
    all.and(Privileges::OF_COLUMN).text().to_lowercase().replace(", ", ",")
}

/// What several tables tell of a type.
pub(super) struct TypeFacts {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) length: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) precision: Option<u64>,
    pub(super) scale: Option<u64>,
    pub(super) fraction: Option<u64>,
    pub(super) charset: Option<&'static str>,
    pub(super) collation: Option<&'static str>,
}

impl TypeFacts {
    /// Those of a type as written, in a database of this collation.
    pub(super) fn of_written(written: &DataType, inherited: &str) -> Option<TypeFacts> {
        let inherited = Collation::by_name(inherited).unwrap_or_default();
        let field_type = column_type("", written, inherited).ok()?;
        let (precision, scale) = digits(&field_type);
        let collation = text_collation(&field_type);
        Some(TypeFacts {
            name: field_type.kind_name().to_string(),
            text: field_type.sql_text(),
            length: length(&field_type).map(u64::from),
            bytes: bytes(&field_type).map(u64::from),
            precision: precision.map(u64::from),
            scale: scale.map(u64::from),
            fraction: fraction(&field_type).map(u64::from),
            charset: collation.map(Collation::charset),
            collation: collation.map(Collation::name),
        })
    }
}

/// Characters that a text may have.
fn length(field_type: &FieldType) -> Option<u32> {
    field_type.kind.is_textual().then(|| field_type.display_width())
}

/// Bytes that a text may have.
fn bytes(field_type: &FieldType) -> Option<u32> {
    let collation = text_collation(field_type).filter(|_| !field_type.kind.is_text());
    let widest = collation.map_or(1, |collation| collation.character_set().max_bytes());
    length(field_type).map(|length| length.saturating_mul(widest))
}

/// Digits of a second's fraction.
fn fraction(field_type: &FieldType) -> Option<u32> {
    let timed = field_type.kind.is_temporal() && field_type.kind != TypeKind::Date;
    timed.then(|| u32::from(field_type.fsp()))
}

/// Precision and scale of a number; `None` for other types.
fn digits(field_type: &FieldType) -> (Option<u32>, Option<u32>) {
    match field_type.kind.class() {
        // So many bits.
        Class::Integer if field_type.kind == TypeKind::Bit => (field_type.length, None),
        Class::Integer => (Some(field_type.decimal_digits()), Some(0)),
        Class::Float => (
            field_type.length.or_else(|| Some(field_type.display_width())),
            field_type.decimals.map(u32::from),
        ),
        Class::Decimal => {
            let (precision, scale) = field_type.precision_scale();
            (Some(precision), Some(scale.into()))
        }
        Class::String
        | Class::Calendar
        | Class::Duration
        | Class::Member
        | Class::Json
        | Class::Null => (None, None),
    }
}

/// The collation of a column of text.
fn text_collation(field_type: &FieldType) -> Option<Collation> {
    let text = field_type.kind.is_textual() && field_type.collation != Collation::Binary;
    text.then_some(field_type.collation)
}

/// PRI, UNI, MUL or nothing.
fn column_key(table: &TableInfo, column: &ColumnInfo) -> &'static str {
    let offset = column.offset;
    if table.handle_column == Some(offset) {
        return "PRI";
    }
    let within = |index: &IndexInfo| index.columns.iter().any(|part| part.offset == offset);
    if table.primary_index().is_some_and(within) {
        return "PRI";
    }
    let leads = |index: &&IndexInfo| index.columns[0].offset == offset;
    let mut first = public_indexes(table).filter(leads).peekable();
    if first.peek().is_none() {
        return "";
    }
    if first.any(|index| index.unique && index.columns.len() == 1) { "UNI" } else { "MUL" }
}

/// `auto_increment`, `on update CURRENT_TIMESTAMP`, `DEFAULT_GENERATED`, `INVISIBLE`.
fn extra(column: &ColumnInfo) -> String {
    let mut parts = Vec::new();
    if column.auto_increment {
        parts.push("auto_increment".to_owned());
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        parts.push(format!("{kind} GENERATED"));
    }
    if matches!(
        column.default,
        Some(DefaultValue::CurrentTimestamp(_) | DefaultValue::Expression(_))
    ) {
        parts.push("DEFAULT_GENERATED".to_owned());
    }
    match column.on_update_now {
        Some(0) => parts.push("on update CURRENT_TIMESTAMP".to_owned()),
        Some(digits) => parts.push(format!("on update CURRENT_TIMESTAMP({digits})")),
        None => {}
    }
    if column.invisible {
        parts.push("INVISIBLE".to_owned());
    }
    parts.join(" ")
}
