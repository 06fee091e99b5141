//! MODIFY COLUMN and CHANGE COLUMN. Where what is stored is a value of the new type, too, only the definition changes; otherwise the
//! column becomes another one, and the rows are converted.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name, unknown_column};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build::{DdlContext, check_column_name};
use crate::sql::catalog::build_column::build_column;
use crate::sql::catalog::build_index::{PRIMARY, check_key, whole_part};
use crate::sql::catalog::computed::not_of_generated;
use crate::sql::catalog::{ColumnInfo, DefaultValue, IndexInfo, SchemaState, TableInfo};
use crate::sql::parser::ast::{ColumnDefinition, ColumnOption, ColumnPlace};
use crate::sql::types::{Charset, Collation, FieldType, TypeKind};

/// MODIFY COLUMN or CHANGE COLUMN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyColumn {
    /// The name it has.
    pub from: String,
    /// What it is to be; its id is zero.
    pub column: ColumnInfo,
    /// Where it is to stand; `None`: where it is.
    pub place: Option<ColumnPlace>,
    /// Whether NULL was written.
    pub says_null: bool,
}

impl ModifyColumn {
    pub(super) fn build(
        from: &str,
        definition: &ColumnDefinition,
        place: Option<ColumnPlace>,
        table: &TableInfo,
        ctx: &DdlContext<'_>,
    ) -> SqlResult<ModifyColumn> {
        check_column_name(&definition.name)?;
        if !table.visible_columns().iter().any(|column| same_name(&column.name, from)) {
            return Err(unknown_column(from, table));
        }
        let collation = Collation::by_name(&table.collation)?;
        let mut column = build_column(definition, 0, collation, ctx.sql_mode)?;
        column.id = 0;
        let says_null = definition.options.contains(&ColumnOption::Null);
        Ok(ModifyColumn { from: from.to_owned(), column, place, says_null })
    }

    /// The column as it is to be, with what stays of the one it was. `in_key`: it is part of the primary key.
    fn modified(&self, old: &ColumnInfo, in_key: bool) -> SqlResult<ColumnInfo> {
        let mut new = ColumnInfo {
            id: old.id,
            offset: old.offset,
            origin: old.origin.clone(),
            state: old.state,
            ..self.column.clone()
        };
        if in_key && self.says_null {
            return Err(SqlError::new(
                errno::PRIMARY_CANT_HAVE_NULL,
                "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead",
            ));
        }
        if in_key && !new.field_type.not_null {
            new.field_type.not_null = true;
            if new.default == Some(DefaultValue::Constant(None)) {
                new.default = None;
            }
        }
        Ok(new)
    }
}

/// How values of a type are stored, in rows and in entries.
enum Stored<'t> {
    /// As a number, whatever the width: the wider one has the higher rank.
    Integer(u8),
    /// As the text itself, of at most so many bytes.
    Text(u64),
    /// As the number of a member.
    Member(Vec<&'t [u8]>),
    /// In a way that depends on all of the type.
    Otherwise,
}

impl Stored<'_> {
    fn of(field_type: &FieldType) -> Stored<'_> {
        let width = u64::from(field_type.character_bytes());
        match field_type.kind {
            TypeKind::TinyInt => Stored::Integer(1),
            TypeKind::SmallInt => Stored::Integer(2),
            TypeKind::MediumInt => Stored::Integer(3),
            TypeKind::Int => Stored::Integer(4),
            TypeKind::BigInt => Stored::Integer(8),
            TypeKind::VarChar => Stored::Text(u64::from(field_type.length.unwrap_or(0)) * width),
            TypeKind::TinyText => Stored::Text(u64::from(u8::MAX)),
            TypeKind::Text => Stored::Text(u64::from(u16::MAX)),
            TypeKind::MediumText => Stored::Text((1 << 24) - 1),
            TypeKind::LongText => Stored::Text(u64::from(u32::MAX)),
            TypeKind::Enum | TypeKind::Set => {
                let members = field_type.members.iter().flat_map(|members| members.names());
                Stored::Member(members.map(|name| &name[..]).collect())
            }
            TypeKind::Float
            | TypeKind::Double
            | TypeKind::Decimal
            | TypeKind::Char
            | TypeKind::Date
            | TypeKind::DateTime
            | TypeKind::Timestamp
            | TypeKind::Time
            | TypeKind::Year
            | TypeKind::Bit
            | TypeKind::Json
            | TypeKind::Null => Stored::Otherwise,
        }
    }
}

/// Whether whatever is stored of one type is a value of the other, and the same one. Entries of indexes also depend on the collation.
fn reads_as(old: &FieldType, new: &FieldType, indexed: bool) -> bool {
    if new.not_null && !old.not_null {
        return false;
    }
    let like = FieldType { not_null: old.not_null, zerofill: old.zerofill, ..new.clone() } == *old;
    let (set, had) = (new.collation.character_set(), old.collation.character_set());
    let holds = set == had || set == Charset::Utf8mb4 && had != Charset::Binary;
    let collates = old.collation == new.collation || (!indexed && holds);
    match (Stored::of(old), Stored::of(new)) {
        (Stored::Integer(known), Stored::Integer(width)) => {
            old.unsigned == new.unsigned && known <= width
        }
        (Stored::Text(known), Stored::Text(width)) => collates && known <= width,
        (Stored::Member(known), Stored::Member(members)) => {
            old.collation == new.collation && old.kind == new.kind && members.starts_with(&known)
        }
        _ => like,
    }
}

impl Change for ModifyColumn {
    /// One that moves may have to stand after one that comes.
    fn turn(&self) -> Turn {
        match self.place {
            None => Turn::Change,
            Some(_) => Turn::AddColumns,
        }
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let handle = alteration.after.handle_id();
        let primary = alteration.after.indexes.iter().filter(|index| index.primary);
        let parts = primary.flat_map(|index| &index.columns).map(|part| part.column);
        let in_key: Vec<i64> = parts.chain(handle).collect();
        let old = alteration.column_of(&self.from)?.clone();
        let new = self.modified(&old, in_key.contains(&old.id))?;
        let mut indexes = alteration.after.indexes.iter().flat_map(|index| &index.columns);
        let indexed = indexes.any(|part| part.column == old.id);
        if new.auto_increment && !old.auto_increment {
            alteration.after.counted_anew = alteration.before.counted_anew + 1;
        }
        let mut id = old.id;
        check_kind(&old, &new)?;
        // What is computed otherwise are other values.
        let text = |column: &ColumnInfo| column.generated.as_ref().map(|g| g.expr.text.clone());
        let recomputed = new.generated.is_some() && text(&old) != text(&new);
        if recomputed || !reads_as(&old.field_type, &new.field_type, indexed) {
            id = alteration.convert_column(id);
            if new.generated.is_some() {
                alteration.computed.push(id);
            }
        }
        let origin = if id == old.id { new.origin.clone() } else { None };
        let columns = &mut alteration.after.columns;
        columns[old.offset] = ColumnInfo { id, origin, ..new };
        if id != old.id {
            fit_prefixes(&mut alteration.after, old.offset);
            if handle == Some(old.id) {
                let key = primary_key(alteration, old.offset)?;
                alteration.after.indexes.insert(0, key);
            }
        }
        let handle = alteration.after.handle_id();
        if let Some(place) = &self.place {
            let column = alteration.after.columns.remove(old.offset);
            let position = alteration.position_of(place)?;
            alteration.after.columns.insert(position, column);
            alteration.after.place_columns(handle);
        }
        let table = &alteration.after;
        let touched = table.indexes.iter().filter(|i| i.columns.iter().any(|p| p.column == id));
        touched.into_iter().try_for_each(|index| check_key(table, index))
    }
}

/// Error 3106 for what only tables that are made anew could be.
fn check_kind(old: &ColumnInfo, new: &ColumnInfo) -> SqlResult<()> {
    let is_virtual = |column: &ColumnInfo| column.generated.as_ref().is_some_and(|g| !g.stored);
    match is_virtual(old) == is_virtual(new) {
        true => Ok(()),
        false => Err(not_of_generated("Changing the STORED status")),
    }
}

/// A part of an index that was only some characters of a column is all of one that is not longer, or no text.
fn fit_prefixes(table: &mut TableInfo, offset: usize) {
    let field_type = table.columns[offset].field_type.clone();
    let whole = |length: u32| {
        let kind = field_type.kind;
        !kind.is_string() || (!kind.is_text() && field_type.length.is_some_and(|all| all <= length))
    };
    for part in table.indexes.iter_mut().flat_map(|index| &mut index.columns) {
        if part.offset == offset {
            part.prefix_len = part.prefix_len.filter(|length| !whole(*length));
        }
    }
}

/// The primary key of a column by which rows are not found any more.
fn primary_key(alteration: &mut Alteration, offset: usize) -> SqlResult<IndexInfo> {
    Ok(IndexInfo {
        id: alteration.next_index_id(),
        name: PRIMARY.to_owned(),
        columns: vec![whole_part(&alteration.after.columns[offset])?],
        unique: true,
        primary: true,
        notes: alteration.after.handle_notes.take().map(|notes| *notes).unwrap_or_default(),
        invisible: false,
        skips_new_rows: false,
        generated: false,
        fulltext: None,
        state: SchemaState::Public,
    })
}
