//! Values in Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Decimal256Builder, Float64Builder, Int64Builder,
    NullArray, StringBuilder, UInt64Builder,
};
use arrow::datatypes::{DataType, Decimal256Type, Float64Type, Int64Type, UInt64Type};
use bytes::Bytes;

use super::convert::time_kind;
use super::json::Json;
use super::{Class, Datum, Decimal, Duration, FieldType, Time, TypeKind};
use crate::common::{SqlError, SqlResult, errno};

/// The value in a row of an array of `field_type`'s Arrow type (a `Boolean` array is taken as 0 and 1).
pub fn datum_from_array(array: &dyn Array, row: usize, field_type: &FieldType) -> SqlResult<Datum> {
    if array.is_null(row) {
        return Ok(Datum::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Datum::Null,
        DataType::Boolean => Datum::from(array.as_boolean().value(row)),
        DataType::Int64 => {
            let number = array.as_primitive::<Int64Type>().value(row);
            match field_type.kind.class() {
                Class::Duration => {
                    Datum::Duration(Duration { micros: number, fsp: field_type.fsp() })
                }
                Class::Integer
                | Class::Float
                | Class::Decimal
                | Class::String
                | Class::Calendar
                | Class::Member
                | Class::Json
                | Class::Null => Datum::Int(number),
            }
        }
        DataType::UInt64 => {
            let number = array.as_primitive::<UInt64Type>().value(row);
            field_type.datum_of_u64(number)
        }
        DataType::Float64 => Datum::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal256(_, scale) => {
            let unscaled = array.as_primitive::<Decimal256Type>().value(row);
            Datum::Decimal(Decimal { unscaled, scale: u8::try_from(*scale).unwrap_or(0) })
        }
        DataType::Utf8 => {
            Datum::Bytes(Bytes::copy_from_slice(array.as_string::<i32>().value(row).as_bytes()))
        }
        DataType::Binary => {
            let bytes = Bytes::copy_from_slice(array.as_binary::<i32>().value(row));
            field_type.datum_of_bytes(bytes)?
        }
        other => return Err(SqlError::internal(format!("no value in an array of {other}"))),
    })
}

impl FieldType {
    /// The value that stands as these bytes in a binary array of the type's.
    pub(in crate::sql) fn datum_of_bytes(&self, bytes: Bytes) -> SqlResult<Datum> {
        if self.kind != TypeKind::Json {
            return Ok(Datum::Bytes(bytes));
        }
        let json = Json::from_stored(&bytes);
        json.map(Datum::Json).ok_or_else(|| SqlError::internal("a document without bytes"))
    }

    /// The value that stands as this number in an array of the type's.
    pub(in crate::sql) fn datum_of_u64(&self, number: u64) -> Datum {
        match self.kind.class() {
            Class::Calendar => {
                let kind = time_kind(self.kind);
                Datum::Time(Time { packed: number, kind, fsp: self.fsp() })
            }
            Class::Member => self.kind.definition().of_number(number, self),
            Class::Integer
            | Class::Float
            | Class::Decimal
            | Class::String
            | Class::Duration
            | Class::Json
            | Class::Null => Datum::UInt(number),
        }
    }
}

/// The most bytes of the strings of one array.
const MOST_BYTES: usize = 1 << 30;

/// Builds an array of values of one type. What is not of that type is converted where it can be without loss of
/// meaning, and an internal error otherwise.
#[derive(Debug)]
pub struct DatumColumnBuilder {
    field_type: FieldType,
    builder: Builder,
}

#[derive(Debug)]
enum Builder {
    Null(usize),
    Int(Int64Builder),
    UInt(UInt64Builder),
    Float(Float64Builder),
    Decimal(Decimal256Builder, u8),
    Text(StringBuilder),
    Binary(BinaryBuilder),
}

impl DatumColumnBuilder {
    /// A builder with room for so many rows.
    pub fn new(field_type: &FieldType, rows: usize) -> DatumColumnBuilder {
        let builder = match field_type.arrow_type() {
            DataType::Null => Builder::Null(0),
            DataType::UInt64 => Builder::UInt(UInt64Builder::with_capacity(rows)),
            DataType::Float64 => Builder::Float(Float64Builder::with_capacity(rows)),
            DataType::Decimal256(precision, scale) => {
                let builder = Decimal256Builder::with_capacity(rows)
                    .with_data_type(DataType::Decimal256(precision, scale));
                Builder::Decimal(builder, scale as u8)
            }
            DataType::Utf8 => Builder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            DataType::Binary => Builder::Binary(BinaryBuilder::with_capacity(rows, rows * 16)),
            _ => Builder::Int(Int64Builder::with_capacity(rows)),
        };
        DatumColumnBuilder { field_type: field_type.clone(), builder }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        use arrow::array::ArrayBuilder as _;
        match &self.builder {
            Builder::Null(rows) => *rows,
            Builder::Int(builder) => builder.len(),
            Builder::UInt(builder) => builder.len(),
            Builder::Float(builder) => builder.len(),
            Builder::Decimal(builder, _) => builder.len(),
            Builder::Text(builder) => builder.len(),
            Builder::Binary(builder) => builder.len(),
        }
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        match &mut self.builder {
            Builder::Null(rows) => *rows += 1,
            Builder::Int(builder) => builder.append_null(),
            Builder::UInt(builder) => builder.append_null(),
            Builder::Float(builder) => builder.append_null(),
            Builder::Decimal(builder, _) => builder.append_null(),
            Builder::Text(builder) => builder.append_null(),
            Builder::Binary(builder) => builder.append_null(),
        }
    }

    /// Appends a value.
    pub fn push(&mut self, value: &Datum) -> SqlResult<()> {
        if value.is_null() {
            self.push_null();
            return Ok(());
        }
        let field_type = &self.field_type;
        if let Datum::Bytes(_) | Datum::Json(_) = value {
            let held = match &self.builder {
                Builder::Text(builder) => builder.values_slice().len(),
                Builder::Binary(builder) => builder.values_slice().len(),
                _ => 0,
            };
            // Offsets are of 32 bits, and nobody accounts for the array while it grows.
            if held.saturating_add(value.held_bytes()) > MOST_BYTES {
                return Err(SqlError::new(
                    errno::OUT_OF_RESOURCES,
                    format!("Out of memory: some rows' values take more than {MOST_BYTES} bytes"),
                ));
            }
        }
        match (&mut self.builder, value) {
            (Builder::Null(rows), _) => *rows += 1,
            (Builder::Int(builder), Datum::Int(number)) => builder.append_value(*number),
            (Builder::Int(builder), Datum::Duration(duration)) => {
                builder.append_value(duration.micros)
            }
            (Builder::Int(builder), Datum::UInt(number)) if i64::try_from(*number).is_ok() => {
                builder.append_value(*number as i64);
            }
            (Builder::UInt(builder), Datum::UInt(number)) => builder.append_value(*number),
            (Builder::UInt(builder), Datum::Time(time)) => builder.append_value(time.packed),
            (Builder::UInt(builder), Datum::Member(member)) => builder.append_value(member.number),
            (Builder::UInt(builder), Datum::Int(number))
                if *number >= 0 && !field_type.kind.is_calendar() =>
            {
                builder.append_value(*number as u64);
            }
            (Builder::Float(builder), Datum::Float(number)) => builder.append_value(*number),
            (Builder::Float(builder), Datum::Int(number)) => builder.append_value(*number as f64),
            (Builder::Float(builder), Datum::UInt(number)) => builder.append_value(*number as f64),
            (Builder::Float(builder), Datum::Decimal(number)) => {
                builder.append_value(number.to_f64())
            }
            (Builder::Decimal(builder, scale), number) => {
                let number = match number {
                    Datum::Decimal(number) => Some(*number),
                    Datum::Int(number) => Some(Decimal::from(*number)),
                    Datum::UInt(number) => Some(Decimal::from(*number)),
                    Datum::Float(number) => Decimal::from_f64(*number),
                    Datum::Null
                    | Datum::Bytes(_)
                    | Datum::Time(_)
                    | Datum::Duration(_)
                    | Datum::Member(_)
                    | Datum::Json(_) => None,
                };
                let scaled = number.and_then(|number| number.with_scale(*scale));
                builder.append_value(scaled.ok_or_else(|| misplaced(value, field_type))?.unscaled);
            }
            (Builder::Text(builder), Datum::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => builder.append_value(text),
                Err(_) => builder.append_value(String::from_utf8_lossy(bytes)),
            },
            (Builder::Binary(builder), Datum::Json(json)) => builder.append_value(json.to_stored()),
            (Builder::Text(builder), other) => builder.append_value(other.to_text()),
            (Builder::Binary(builder), other) => builder.append_value(other.to_bytes()),
            // Values that such an array cannot hold.
            _ => return Err(misplaced(value, field_type)),
        }
        Ok(())
    }

    /// The array; the builder starts anew.
    pub fn finish(&mut self) -> ArrayRef {
        match &mut self.builder {
            Builder::Null(rows) => Arc::new(NullArray::new(std::mem::take(rows))),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::UInt(builder) => Arc::new(builder.finish()),
            Builder::Float(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder, _) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Binary(builder) => Arc::new(builder.finish()),
        }
    }
}

fn misplaced(value: &Datum, field_type: &FieldType) -> SqlError {
    SqlError::internal(format!("{value:?} in a column of type {}", field_type.sql_text()))
}
