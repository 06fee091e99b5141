//! Rows of datums as record batches, and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Decimal256Builder, Float64Builder, Int64Builder,
    NullArray, RecordBatchOptions, StringBuilder, UInt64Builder,
};
use arrow::datatypes::{
    DataType, Decimal256Type, Field, Float64Type, Int64Type, Schema, SchemaRef, UInt64Type,
};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion_common::Result;

use crate::sql::exec::keys;
use crate::sql::types::{Class, Datum, Decimal, Duration, FieldType};

/// The schema of rows of these types: columns `c0`, `c1`, …, all of which may be NULL.
pub(super) fn schema_of(types: &[FieldType]) -> SchemaRef {
    let fields: Vec<Field> = types
        .iter()
        .enumerate()
        .map(|(position, field_type)| {
            Field::new(format!("c{position}"), field_type.arrow_type(), true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch of rows.
pub(super) fn rows_batch(schema: &SchemaRef, rows: &[Vec<Datum>]) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(position, field)| column(field.data_type(), rows.iter().map(|row| &row[position])))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// An array of values. A value of another kind than the array's becomes NULL: the binder has seen to it that there is none.
pub(super) fn column<'a>(
    data_type: &DataType,
    values: impl ExactSizeIterator<Item = &'a Datum>,
) -> ArrayRef {
    let count = values.len();
    match data_type {
        DataType::Int64 => {
            let mut builder = Int64Builder::with_capacity(count);
            values.for_each(|value| builder.append_option(int64(value)));
            Arc::new(builder.finish())
        }
        DataType::UInt64 => {
            let mut builder = UInt64Builder::with_capacity(count);
            values.for_each(|value| builder.append_option(uint64(value)));
            Arc::new(builder.finish())
        }
        DataType::Float64 => {
            let mut builder = Float64Builder::with_capacity(count);
            values.for_each(|value| {
                let Datum::Float(number) = value else { return builder.append_null() };
                builder.append_value(*number);
            });
            Arc::new(builder.finish())
        }
        DataType::Decimal256(_, scale) => {
            let mut builder =
                Decimal256Builder::with_capacity(count).with_data_type(data_type.clone());
            let target = *scale as u8;
            values.for_each(|value| builder.append_option(unscaled(value, target)));
            Arc::new(builder.finish())
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::with_capacity(count, count * 16);
            values.for_each(|value| match bytes_of(value) {
                Some(bytes) => builder.append_value(String::from_utf8_lossy(bytes)),
                None => builder.append_null(),
            });
            Arc::new(builder.finish())
        }
        DataType::Binary => {
            let mut builder = BinaryBuilder::with_capacity(count, count * 16);
            let mut stored = Vec::new();
            values.for_each(|value| match value {
                Datum::Json(json) => {
                    stored.clear();
                    json.write_to(&mut stored);
                    builder.append_value(&stored);
                }
                value => builder.append_option(bytes_of(value)),
            });
            Arc::new(builder.finish())
        }
        _ => Arc::new(NullArray::new(count)),
    }
}

fn bytes_of(value: &Datum) -> Option<&[u8]> {
    match value {
        Datum::Bytes(bytes) => Some(bytes),
        Datum::Member(member) => Some(&member.text),
        Datum::Null
        | Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Json(_) => None,
    }
}

fn int64(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int(number) => Some(*number),
        Datum::UInt(number) => i64::try_from(*number).ok(),
        Datum::Duration(duration) => Some(duration.micros),
        Datum::Null
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Member(_)
        | Datum::Json(_) => None,
    }
}

fn uint64(value: &Datum) -> Option<u64> {
    match value {
        Datum::UInt(number) => Some(*number),
        Datum::Int(number) => u64::try_from(*number).ok(),
        Datum::Time(time) => Some(time.packed),
        Datum::Member(member) => Some(member.number),
        Datum::Null
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Bytes(_)
        | Datum::Duration(_)
        | Datum::Json(_) => None,
    }
}

fn unscaled(value: &Datum, scale: u8) -> Option<arrow::datatypes::i256> {
    let Datum::Decimal(decimal) = value else { return None };
    let power = keys::power_of_ten(u32::from(decimal.scale.abs_diff(scale)));
    Some(if decimal.scale <= scale {
        decimal.unscaled.wrapping_mul(power)
    } else {
        decimal.unscaled.wrapping_div(power)
    })
}

/// The rows of a batch.
pub(in crate::sql::exec) fn batch_rows(
    batch: &RecordBatch,
    types: &[FieldType],
) -> Vec<Vec<Datum>> {
    let mut rows: Vec<Vec<Datum>> =
        (0..batch.num_rows()).map(|_| Vec::with_capacity(types.len())).collect();
    for (array, field_type) in batch.columns().iter().zip(types) {
        let read = Reader::new(array, field_type);
        for (position, row) in rows.iter_mut().enumerate() {
            row.push(read.get(position));
        }
    }
    rows
}

/// Reads datums from an array.
pub(super) struct Reader<'a> {
    array: &'a ArrayRef,
    field_type: &'a FieldType,
}

impl<'a> Reader<'a> {
    pub(super) fn new(array: &'a ArrayRef, field_type: &'a FieldType) -> Reader<'a> {
        Reader { array, field_type }
    }

    pub(super) fn get(&self, row: usize) -> Datum {
        if self.array.is_null(row) {
            return Datum::Null;
        }
        match self.array.data_type() {
            DataType::Int64 => {
                let number = self.array.as_primitive::<Int64Type>().value(row);
                match self.field_type.kind.class() {
                    Class::Duration => {
                        Datum::Duration(Duration { micros: number, fsp: self.field_type.fsp() })
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
                self.field_type.datum_of_u64(self.array.as_primitive::<UInt64Type>().value(row))
            }
            DataType::Float64 => Datum::Float(self.array.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal256(_, scale) => Datum::Decimal(Decimal {
                unscaled: self.array.as_primitive::<Decimal256Type>().value(row),
                scale: *scale as u8,
            }),
            DataType::Utf8 => Datum::from(self.array.as_string::<i32>().value(row)),
            DataType::Binary => {
                let bytes = Bytes::copy_from_slice(self.array.as_binary::<i32>().value(row));
                // No document has no bytes.
                self.field_type.datum_of_bytes(bytes).unwrap_or_default()
            }
            DataType::Boolean => Datum::from(self.array.as_boolean().value(row)),
            _ => Datum::Null,
        }
    }
}
