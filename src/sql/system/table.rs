//! A table that is computed: its columns, and what each of them shows of a row.

use futures::future::BoxFuture;

use super::asked::Asked;
use crate::common::SqlResult;
use crate::sql::catalog::{ColumnInfo, TableInfo};
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

/// Rows with a value for each column.
pub type Rows = Vec<Vec<Datum>>;

/// Names are compared without their case.
pub(super) const COLLATION: Collation = Collation::Utf8mb3GeneralCi;

/// The type of a column. An ENUM or SET of MySQL's is the text it is written as.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Varchar(u32),
    Binary(u32),
    Text,
    MediumText,
    LongText,
    Blob,
    Int,
    UInt,
    BigInt,
    UBigInt,
    Double,
    DateTime(u8),
    Timestamp(u8),
    Time(u8),
}

impl Kind {
    pub(super) fn field_type(self) -> FieldType {
        match self {
            Kind::Varchar(length) => FieldType::varchar(length).collate(COLLATION),
            Kind::Binary(length) => {
                let binary = FieldType::new(TypeKind::Char);
                FieldType { length: Some(length), collation: Collation::Binary, ..binary }
            }
            Kind::Text => FieldType::new(TypeKind::Text).collate(COLLATION),
            Kind::MediumText => FieldType::new(TypeKind::MediumText).collate(COLLATION),
            Kind::LongText => FieldType::new(TypeKind::LongText).collate(COLLATION),
            Kind::Blob => {
                FieldType { collation: Collation::Binary, ..FieldType::new(TypeKind::Text) }
            }
            Kind::Int => FieldType::new(TypeKind::Int),
            Kind::UInt => FieldType { unsigned: true, ..FieldType::new(TypeKind::Int) },
            Kind::BigInt => FieldType::bigint(),
            Kind::UBigInt => FieldType::bigint_unsigned(),
            Kind::Double => FieldType::double(),
            Kind::DateTime(digits) => FieldType::datetime(digits),
            Kind::Timestamp(digits) => {
                FieldType { kind: TypeKind::Timestamp, ..FieldType::datetime(digits) }
            }
            Kind::Time(digits) => FieldType::time(digits),
        }
    }

    /// Makes an integer as signed as the column is.
    fn fit(self, value: &mut Datum) {
        match (self, &*value) {
            (Kind::UInt | Kind::UBigInt, Datum::Int(number)) => {
                *value = Datum::UInt(number.cast_unsigned());
            }
            (Kind::Int | Kind::BigInt, Datum::UInt(number)) => {
                *value = Datum::Int(number.cast_signed());
            }
            // It is of the column's kind.
            _ => {}
        }
    }
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) not_null: bool,
}

impl Column {
    pub(super) fn field_type(&self) -> FieldType {
        FieldType { not_null: self.not_null, ..self.kind.field_type() }
    }
}

/// A table: see [`table!`](table).
pub struct Table {
    /// Its name, in MySQL's spelling.
    pub(super) name: &'static str,
    /// In order.
    pub(super) columns: &'static [Column],
    /// All rows that were asked for.
    pub(super) compute: for<'a> fn(&'a Asked<'a>) -> BoxFuture<'a, SqlResult<Rows>>,
}

impl Table {
    /// All rows that were asked for, each with all columns.
    pub async fn rows(&self, asked: &Asked<'_>) -> SqlResult<Rows> {
        let mut rows = (self.compute)(asked).await?;
        for row in &mut rows {
            for (value, column) in row.iter_mut().zip(self.columns) {
                column.kind.fit(value);
            }
        }
        Ok(rows)
    }

    /// The position of a column, by MySQL's spelling.
    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The table as the schema has it.
    pub(super) fn info(&self, id: i64) -> TableInfo {
        let column = |(offset, column): (usize, &Column)| {
            ColumnInfo::plain(column.name, offset, column.field_type())
        };
        TableInfo {
            id,
            name: self.name.to_owned(),
            columns: self.columns.iter().enumerate().map(column).collect(),
            max_column_id: self.columns.len() as i64,
            ..TableInfo::empty(COLLATION.name())
        }
    }
}

/// Defines `TABLE`: its name, where its rows come from, and for each column a line with name, type and what it shows of a
/// row. `"NAME" is empty` needs no values.
macro_rules! table {
    (
        $name:literal: |$asked:ident| for $row:pat_param in $facts:expr;
        $($column:ident: $kind:ident$(($size:literal))? $(NOT $null:tt)? = $value:expr;)*
    ) => {
        pub(in crate::sql::system) static TABLE: $crate::sql::system::table::Table =
            $crate::sql::system::table::Table {
                name: $name,
                columns: &[$($crate::sql::system::table::column!(
                    $column, $kind$(($size))? $(, $null)?
                )),*],
                compute: {
                    fn compute<'a>(
                        $asked: &'a $crate::sql::system::asked::Asked<'a>,
                    ) -> futures::future::BoxFuture<
                        'a,
                        $crate::common::SqlResult<$crate::sql::system::table::Rows>,
                    > {
                        Box::pin(async move {
                            let rows = IntoIterator::into_iter($facts);
                            Ok(rows
                                .map(|$row| {
                                    vec![$($crate::sql::types::Datum::from($value)),*]
                                })
                                .collect())
                        })
                    }
                    compute
                },
            };
    };
    (
        $name:literal is empty;
        $($column:ident: $kind:ident$(($size:literal))? $(NOT $null:tt)?;)*
    ) => {
        pub(in crate::sql::system) static TABLE: $crate::sql::system::table::Table =
            $crate::sql::system::table::Table {
                name: $name,
                columns: &[$($crate::sql::system::table::column!(
                    $column, $kind$(($size))? $(, $null)?
                )),*],
                compute: |_| Box::pin(std::future::ready(Ok(Vec::new()))),
            };
    };
}
pub(super) use table;

/// A column of [`table!`](table).
macro_rules! column {
    ($name:ident, $kind:ident$(($size:literal))?) => {
        $crate::sql::system::table::Column {
            name: stringify!($name),
            kind: $crate::sql::system::table::Kind::$kind$(($size))?,
            not_null: false,
        }
    };
    ($name:ident, $kind:ident$(($size:literal))?, NULL) => {
        $crate::sql::system::table::Column {
            name: stringify!($name),
            kind: $crate::sql::system::table::Kind::$kind$(($size))?,
            not_null: true,
        }
    };
}
pub(super) use column;
