//! Columns of CREATE TABLE.

use std::collections::BTreeSet;

use super::computed::{check_options, default_expr};
use super::{ColumnInfo, DefaultValue, Generated};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Expr as ConstantExpr};
use crate::sql::parser::ast::{ColumnDefinition, ColumnOption, DataType, Expr, Literal, UnaryOp};
use crate::sql::types::{
    Collation, Datum, FieldType, SqlMode, TypeKind, convert_for_column, write_text,
};

/// The longest comment of a column or an index, in characters.
pub(super) const COMMENT_LIMIT: usize = 1024;

/// The most bytes of a VARCHAR.
const VARCHAR_BYTES: u32 = 65_535;

/// STORAGE or COLUMN_FORMAT of a column; the last of each counts.
fn note_storage(column: &mut ColumnInfo, word: &str, value: &str) {
    column.storage.retain(|(known, _)| known != word);
    if value != "DEFAULT" {
        column.storage.push((word.to_owned(), value.to_owned()));
        column.storage.sort_by(|one, two| two.cmp(one));
    }
}

/// A column, with all that can be said of it alone.
pub(super) fn build_column(
    definition: &ColumnDefinition,
    offset: usize,
    table_collation: Collation,
    sql_mode: SqlMode,
) -> SqlResult<ColumnInfo> {
    let name = &definition.name;
    let field_type = build_type(name, &definition.data_type, table_collation)?;
    let mut column = ColumnInfo::plain(name, offset, field_type);
    let mut default = None;
    for option in &definition.options {
        match option {
            ColumnOption::Null => column.field_type.not_null = false,
            ColumnOption::NotNull | ColumnOption::PrimaryKey => column.field_type.not_null = true,
            ColumnOption::Default(value) => default = Some(value),
            ColumnOption::DefaultExpr(expr) => column.default = Some(default_expr(&column, expr)?),
            ColumnOption::Generated(expr, stored) => {
                column.generated = Some(Generated::new(name, expr, *stored)?);
            }
            ColumnOption::OnUpdateNow(digits) => {
                column.on_update_now = Some(now_digits(&column, *digits, "ON UPDATE")?);
            }
            ColumnOption::AutoIncrement => {
                check_counts(name, column.field_type.kind)?;
                column.auto_increment = true;
            }
            ColumnOption::Unique => {}
            ColumnOption::Invisible => column.invisible = true,
            ColumnOption::Storage(word, value) => note_storage(&mut column, word, value),
            ColumnOption::Comment(text) => {
                if text.chars().count() > COMMENT_LIMIT {
                    return Err(SqlError::new(
                        errno::TOO_LONG_FIELD_COMMENT,
                        format!("Comment for field '{name}' is too long (max = {COMMENT_LIMIT})"),
                    ));
                }
                column.comment.clone_from(text);
            }
        }
    }
    let written_null = definition.options.contains(&ColumnOption::Null);
    if written_null && definition.options.contains(&ColumnOption::PrimaryKey) {
        return Err(SqlError::new(
            errno::PRIMARY_CANT_HAVE_NULL,
            "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead",
        ));
    }
    if column.auto_increment {
        column.field_type.not_null = true;
    }
    if column.generated.is_some() {
        check_options(definition)?;
    } else if column.default.is_none() || default.is_some() {
        column.default = build_default(&column, default, sql_mode)?;
    }
    Ok(column)
}

/// Whether a column of this kind can be AUTO_INCREMENT.
fn check_counts(name: &str, kind: TypeKind) -> SqlResult<()> {
    if !(kind.is_integer() || kind.is_float()) || kind == TypeKind::Bit {
        return Err(SqlError::new(
            errno::WRONG_FIELD_SPEC,
            format!("Incorrect column specifier for column '{name}'"),
        ));
    }
    match kind.is_float() {
        true => Err(SqlError::unsupported("AUTO_INCREMENT of FLOAT and DOUBLE")),
        false => Ok(()),
    }
}

pub(super) fn invalid_default(column: &str) -> SqlError {
    SqlError::new(errno::INVALID_DEFAULT, format!("Invalid default value for '{column}'"))
}

pub(super) fn build_default(
    column: &ColumnInfo,
    written: Option<&Expr>,
    sql_mode: SqlMode,
) -> SqlResult<Option<DefaultValue>> {
    let nullable = !column.field_type.not_null;
    let Some(written) = written else {
        return Ok(nullable.then_some(DefaultValue::Constant(None)));
    };
    if column.auto_increment {
        return Err(invalid_default(&column.name));
    }
    if let Expr::Call(_, args) = written {
        let digits = match args.first() {
            Some(Expr::Literal(Literal::Integer(digits))) => u32::try_from(*digits).ok(),
            _ => None,
        };
        return now_digits(column, digits, "DEFAULT")
            .map(|digits| Some(DefaultValue::CurrentTimestamp(digits)));
    }
    if let Expr::Literal(Literal::Null) = written {
        if !nullable {
            return Err(invalid_default(&column.name));
        }
        return Ok(Some(DefaultValue::Constant(None)));
    }
    if column.field_type.kind.is_text() || column.field_type.kind == TypeKind::Json {
        return Err(SqlError::new(
            errno::BLOB_CANT_HAVE_DEFAULT,
            format!(
                "BLOB, TEXT, GEOMETRY or JSON column '{}' can't have a default value",
                column.name
            ),
        ));
    }
    let value = match written {
        Expr::Literal(Literal::Hex(bytes) | Literal::Bit(bytes))
            if column.field_type.kind.is_numeric() =>
        {
            let number = ConstantExpr::hex(bytes.clone().into()).as_number();
            match number {
                ConstantExpr::Literal { value, .. } => Some(value),
                _ => None,
            }
        }
        written => constant(written),
    };
    let value = value.ok_or_else(|| invalid_default(&column.name))?;
    let mut ctx = EvalContext::new();
    ctx.sql_mode = sql_mode;
    ctx.writes = true;
    let stored = convert_for_column(value, &column.field_type, &column.name, 1, &ctx)
        .map_err(|_| invalid_default(&column.name))?;
    if let (TypeKind::Bit, Datum::UInt(bits)) = (column.field_type.kind, &stored) {
        return Ok(Some(DefaultValue::Constant(Some(format!("b'{bits:b}'")))));
    }
    let mut text = Vec::new();
    write_text(&stored, &column.field_type, &mut text);
    let text = String::from_utf8(text)
        .map_err(|_| SqlError::unsupported("DEFAULT of bytes that are no text"))?;
    Ok(Some(DefaultValue::Constant(Some(text))))
}

/// The value of a constant as it is written in DEFAULT.
fn constant(written: &Expr) -> Option<Datum> {
    let (literal, negative) = match written {
        Expr::Literal(literal) => (literal, false),
        Expr::Unary(sign, operand) => match &**operand {
            Expr::Literal(literal) => (literal, *sign == UnaryOp::Minus),
            _ => return None,
        },
        _ => return None,
    };
    let text =
        |digits: String| Datum::from(if negative { format!("-{digits}") } else { digits }.as_str());
    Some(match literal {
        Literal::Bool(value) => Datum::Int(i64::from(*value)),
        Literal::Integer(number) if negative => match 0_i64.checked_sub_unsigned(*number) {
            Some(number) => Datum::Int(number),
            None => text(number.to_string()),
        },
        Literal::Integer(number) => Datum::UInt(*number),
        // As text: the store assignment reads it exactly as it would read the number.
        Literal::Decimal(digits) => text(digits.clone()),
        Literal::Float(number) => Datum::Float(if negative { -number } else { *number }),
        Literal::String(bytes, _) | Literal::Hex(bytes) | Literal::Bit(bytes) if !negative => {
            Datum::Bytes(bytes.clone().into())
        }
        Literal::Date(value) | Literal::Time(value) | Literal::Timestamp(value) if !negative => {
            text(value.clone())
        }
        _ => return None,
    })
}

/// CURRENT_TIMESTAMP(n) in DEFAULT or ON UPDATE: for DATETIME and TIMESTAMP with as many digits.
fn now_digits(column: &ColumnInfo, digits: Option<u32>, clause: &str) -> SqlResult<u8> {
    let fits = matches!(column.field_type.kind, TypeKind::DateTime | TypeKind::Timestamp);
    let wanted = digits.unwrap_or(0);
    if fits && wanted == u32::from(column.field_type.fsp()) {
        return Ok(column.field_type.fsp());
    }
    if clause == "DEFAULT" {
        return Err(invalid_default(&column.name));
    }
    Err(SqlError::new(
        errno::INVALID_ON_UPDATE,
        format!("Invalid ON UPDATE clause for '{}' column", column.name),
    ))
}

/// The type of a column, as it is written.
pub fn build_type(column: &str, written: &DataType, inherited: Collation) -> SqlResult<FieldType> {
    let field_type = match written.name.as_str() {
        "tinyint" => integer(column, TypeKind::TinyInt, written)?,
        "smallint" => integer(column, TypeKind::SmallInt, written)?,
        "mediumint" => integer(column, TypeKind::MediumInt, written)?,
        "int" => integer(column, TypeKind::Int, written)?,
        "bigint" => integer(column, TypeKind::BigInt, written)?,
        "decimal" => {
            let (precision, scale) = (written.length.unwrap_or(10), written.decimals.unwrap_or(0));
            check_decimal(column, precision, scale)?
        }
        "float" | "double" => float(column, written)?,
        "date" => FieldType::date(),
        "datetime" => FieldType::datetime(fraction(column, written)?),
        "timestamp" => FieldType::timestamp(fraction(column, written)?),
        "time" => FieldType::time(fraction(column, written)?),
        "year" => match written.length {
            None | Some(4) => FieldType::new(TypeKind::Year),
            Some(_) => {
                return Err(SqlError::new(
                    errno::INVALID_YEAR_COLUMN_LENGTH,
                    "Supports only YEAR or YEAR(4) column.",
                ));
            }
        },
        "bit" => bit(column, written)?,
        "enum" | "set" => members(column, written, inherited)?,
        "json" => FieldType::json(),
        _ => string(column, written, inherited)?,
    };
    let field_type = if written.unsigned { field_type.unsigned() } else { field_type };
    Ok(FieldType { zerofill: written.zerofill, ..field_type })
}

fn bit(column: &str, written: &DataType) -> SqlResult<FieldType> {
    match written.length {
        Some(0) => Err(SqlError::new(
            errno::INVALID_FIELD_SIZE,
            format!("Invalid size for column '{column}'."),
        )),
        Some(65..) => Err(SqlError::new(
            errno::TOO_BIG_DISPLAYWIDTH,
            format!("Display width out of range for column '{column}' (max = 64)"),
        )),
        length => Ok(FieldType::bit(length.unwrap_or(1))),
    }
}

/// The most members of an ENUM, and of a SET.
const MOST_MEMBERS: [usize; 2] = [65_535, 64];

/// ENUM and SET.
fn members(column: &str, written: &DataType, inherited: Collation) -> SqlResult<FieldType> {
    let is_set = written.name == "set";
    let (kind, name) = if is_set { (TypeKind::Set, "SET") } else { (TypeKind::Enum, "ENUM") };
    let collation = text_collation(written, inherited)?;
    // Spaces at the end are no part of a member.
    let names = written.members.iter().map(|name| name.trim_end_matches(' ').to_owned());
    let names: Vec<String> = names.collect();
    if names.len() > MOST_MEMBERS[usize::from(is_set)] {
        let what = if is_set { "SET" } else { "ENUM" };
        return Err(SqlError::new(
            errno::TOO_BIG_SET,
            format!("Too many strings for column {column} and {what}"),
        ));
    }
    if let Some(name) = names.iter().find(|name| is_set && name.contains(',')) {
        return Err(SqlError::new(
            errno::ILLEGAL_VALUE_FOR_TYPE,
            format!("Illegal set '{name}' value found during parsing"),
        ));
    }
    let mut keys = BTreeSet::new();
    for member in &names {
        let is_new = collation.with_sort_key(member.as_bytes(), |key| keys.insert(key.to_vec()));
        if !is_new {
            return Err(SqlError::new(
                errno::DUPLICATED_VALUE_IN_TYPE,
                format!("Column '{column}' has duplicated value '{member}' in {name}"),
            ));
        }
    }
    Ok(FieldType::of_members(kind, names).collate(collation))
}

fn integer(column: &str, kind: TypeKind, written: &DataType) -> SqlResult<FieldType> {
    if let Some(width) = written.length.filter(|width| *width > 255) {
        return Err(SqlError::new(
            errno::TOO_BIG_DISPLAYWIDTH,
            format!("Display width out of range for column '{column}' (max = 255) ({width})"),
        ));
    }
    // A width only matters to ZEROFILL; that of TINYINT(1) tells drivers of a BOOL.
    let is_bool = kind == TypeKind::TinyInt && written.length == Some(1) && !written.unsigned;
    let length = written.length.filter(|_| written.zerofill || is_bool);
    Ok(FieldType { length, ..FieldType::new(kind) })
}

fn float(column: &str, written: &DataType) -> SqlResult<FieldType> {
    let double = written.name == "double";
    let kind = if double { TypeKind::Double } else { TypeKind::Float };
    match (written.length, written.decimals) {
        (None, _) => Ok(FieldType::new(kind)),
        // FLOAT(p) is FLOAT or DOUBLE by the precision.
        (Some(precision), None) if !double => match precision {
            0..=24 => Ok(FieldType::float()),
            25..=53 => Ok(FieldType::double()),
            _ => Err(SqlError::new(
                errno::WRONG_FIELD_SPEC,
                format!("Incorrect column specifier for column '{column}'"),
            )),
        },
        (Some(_), None) => Err(SqlError::new(
            errno::WRONG_FIELD_SPEC,
            format!("Incorrect column specifier for column '{column}'"),
        )),
        (Some(digits), Some(scale)) => {
            if digits > 255 {
                return Err(SqlError::new(
                    errno::TOO_BIG_DISPLAYWIDTH,
                    format!("Display width out of range for column '{column}' (max = 255)"),
                ));
            }
            check_decimal(column, digits.min(65), scale)?;
            let decimals = Some(scale as u8);
            Ok(FieldType { length: Some(digits), decimals, ..FieldType::new(kind) })
        }
    }
}

fn fraction(column: &str, written: &DataType) -> SqlResult<u8> {
    match written.length.unwrap_or(0) {
        digits @ 0..=6 => Ok(digits as u8),
        digits => Err(SqlError::new(
            errno::TOO_BIG_PRECISION,
            format!("Too-big precision {digits} specified for '{column}'. Maximum is 6."),
        )),
    }
}

fn text_collation(written: &DataType, inherited: Collation) -> SqlResult<Collation> {
    let collation =
        collation_of(written.charset.as_deref(), written.collation.as_deref(), inherited)?;
    // BINARY: the collation of the character set's codes.
    Ok(if written.binary { collation.character_set().bin() } else { collation })
}

fn string(column: &str, written: &DataType, inherited: Collation) -> SqlResult<FieldType> {
    let binary =
        matches!(written.name.as_str(), "binary" | "varbinary") || written.name.ends_with("blob");
    let collation = if binary { Collation::Binary } else { text_collation(written, inherited)? };
    let too_long = |max: u32| {
        SqlError::new(
            errno::TOO_BIG_FIELDLENGTH,
            format!(
                "Column length too big for column '{column}' (max = {max}); use BLOB or TEXT instead"
            ),
        )
    };
    // Bytes where the column holds bytes: a character set of `binary` makes a binary column.
    let width = collation.character_set().max_bytes();
    let field_type = match written.name.as_str() {
        "char" | "binary" => {
            let length = written.length.unwrap_or(1);
            if length > 255 {
                return Err(too_long(255));
            }
            FieldType::char(length)
        }
        "varchar" | "varbinary" => {
            let max = VARCHAR_BYTES / width;
            match written.length {
                Some(length) if length <= max => FieldType::varchar(length),
                Some(_) => return Err(too_long(max)),
                None => return Err(SqlError::internal("a VARCHAR without a length")),
            }
        }
        "tinytext" | "tinyblob" => FieldType::new(TypeKind::TinyText),
        "text" | "blob" => match written.length.map(|length| length.saturating_mul(width)) {
            None | Some(0) => FieldType::new(TypeKind::Text),
            // TEXT(n) is the smallest TEXT that holds n characters.
            Some(0..=255) => FieldType::new(TypeKind::TinyText),
            Some(256..=65_535) => FieldType::new(TypeKind::Text),
            Some(65_536..=16_777_215) => FieldType::new(TypeKind::MediumText),
            Some(_) => FieldType::new(TypeKind::LongText),
        },
        "mediumtext" | "mediumblob" => FieldType::new(TypeKind::MediumText),
        "longtext" | "longblob" => FieldType::new(TypeKind::LongText),
        other => return Err(SqlError::unsupported(format!("type {}", other.to_uppercase()))),
    };
    Ok(field_type.collate(collation))
}

/// The collation that CHARACTER SET and COLLATE ask for; without either, the inherited one. Error 1253 if they disagree.
pub(super) fn collation_of(
    charset: Option<&str>,
    collation: Option<&str>,
    inherited: Collation,
) -> SqlResult<Collation> {
    match (charset, collation) {
        (None, None) => Ok(inherited),
        (Some(charset), None) => Collation::of_charset(charset),
        (None, Some(collation)) => Collation::by_name(collation),
        (Some(charset), Some(collation)) => Collation::of_both(charset, collation),
    }
}

/// DECIMAL(precision, scale) within MySQL's limits; `column` is named in the errors.
pub fn check_decimal(column: &str, precision: u32, scale: u32) -> SqlResult<FieldType> {
    if scale > 30 {
        return Err(SqlError::new(
            errno::TOO_BIG_SCALE,
            format!("Too big scale {scale} specified for column '{column}'. Maximum is 30."),
        ));
    }
    if precision > 65 {
        return Err(SqlError::new(
            errno::TOO_BIG_PRECISION,
            format!("Too-big precision {precision} specified for '{column}'. Maximum is 65."),
        ));
    }
    let precision = if (precision, scale) == (0, 0) { 10 } else { precision };
    if scale > precision {
        return Err(SqlError::new(
            errno::M_BIGGER_THAN_D,
            format!(
                "For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{column}')."
            ),
        ));
    }
    Ok(FieldType::decimal(precision, scale as u8))
}
