//! The parameters of COM_STMT_EXECUTE.

use std::collections::HashMap;

use bytes::Bytes;

use super::response::DateTimeParts;
use super::{ColumnType, Malformed, WireReader};

/// The value of a parameter as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// NULL.
    Null,
    /// A signed integer of any width.
    Int(i64),
    /// An unsigned integer of any width.
    UInt(u64),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// Text, in the connection's character set.
    Text(Bytes),
    /// A BLOB.
    Binary(Bytes),
    /// DECIMAL, as text.
    Decimal(Bytes),
    /// DATE (`date_only`), DATETIME or TIMESTAMP.
    DateTime {
        /// Its parts.
        parts: DateTimeParts,
        /// It came as a DATE.
        date_only: bool,
    },
    /// TIME, in microseconds.
    Time(i64),
}

/// A parameter's type as the client declared it: kind and whether it is unsigned.
pub type ParameterType = (u8, bool);

/// Reads the values. `types` are those of the statement's last execution; a client that changes none
/// does not send them again. `long` has the values that came by COM_STMT_SEND_LONG_DATA; they are taken out.
pub fn decode(
    body: &Bytes,
    count: usize,
    types: &mut Vec<ParameterType>,
    long: &mut HashMap<u16, Vec<u8>>,
) -> Result<Vec<Parameter>, Malformed> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut reader = WireReader::new(body);
    let nulls = reader.bytes(count.div_ceil(8))?;
    if reader.u8()? == 1 {
        types.clear();
        for _ in 0..count {
            let (kind, flags) = (reader.u8()?, reader.u8()?);
            types.push((kind, flags & 0x80 != 0));
        }
    }
    if types.len() != count {
        return Err(Malformed("parameters without types"));
    }
    let mut values = Vec::with_capacity(count);
    for (index, &(kind, unsigned)) in types.iter().enumerate() {
        if let Some(data) = long.remove(&(index as u16)) {
            values.push(blob(kind, Bytes::from(data)));
        } else if nulls[index / 8] & (1 << (index % 8)) != 0 {
            values.push(Parameter::Null);
        } else {
            values.push(value(&mut reader, body, kind, unsigned)?);
        }
    }
    Ok(values)
}

fn value(
    reader: &mut WireReader<'_>,
    body: &Bytes,
    kind: u8,
    unsigned: bool,
) -> Result<Parameter, Malformed> {
    use ColumnType as T;
    let integer = |signed: i64, raw: u64| {
        if unsigned { Parameter::UInt(raw) } else { Parameter::Int(signed) }
    };
    let column_type = T::try_from(kind).map_err(|_| Malformed("no such parameter type"))?;
    Ok(match column_type {
        T::MYSQL_TYPE_NULL => Parameter::Null,
        T::MYSQL_TYPE_TINY => reader.u8().map(|n| integer((n as i8).into(), n.into()))?,
        T::MYSQL_TYPE_SHORT | T::MYSQL_TYPE_YEAR => {
            reader.u16().map(|n| integer((n as i16).into(), n.into()))?
        }
        T::MYSQL_TYPE_LONG | T::MYSQL_TYPE_INT24 => {
            reader.u32().map(|n| integer((n as i32).into(), n.into()))?
        }
        T::MYSQL_TYPE_LONGLONG => reader.u64().map(|n| integer(n as i64, n))?,
        T::MYSQL_TYPE_FLOAT => Parameter::Float(f32::from_bits(reader.u32()?)),
        T::MYSQL_TYPE_DOUBLE => Parameter::Double(f64::from_bits(reader.u64()?)),
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_TIMESTAMP => {
            datetime(reader, column_type == T::MYSQL_TYPE_DATE)?
        }
        T::MYSQL_TYPE_TIME => time(reader)?,
        _ => blob(kind, body.slice_ref(reader.lenenc_bytes()?)),
    })
}

fn blob(kind: u8, data: Bytes) -> Parameter {
    use ColumnType as T;
    match T::try_from(kind) {
        Ok(
            T::MYSQL_TYPE_TINY_BLOB
            | T::MYSQL_TYPE_BLOB
            | T::MYSQL_TYPE_MEDIUM_BLOB
            | T::MYSQL_TYPE_LONG_BLOB
            | T::MYSQL_TYPE_BIT,
        ) => Parameter::Binary(data),
        Ok(T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL) => Parameter::Decimal(data),
        _ => Parameter::Text(data),
    }
}

fn datetime(reader: &mut WireReader<'_>, date_only: bool) -> Result<Parameter, Malformed> {
    let mut parts = DateTimeParts::default();
    let length = reader.u8()?;
    if !matches!(length, 0 | 4 | 7 | 11) {
        return Err(Malformed("a date of a strange length"));
    }
    if length >= 4 {
        (parts.year, parts.month, parts.day) = (reader.u16()?, reader.u8()?, reader.u8()?);
    }
    if length >= 7 {
        (parts.hour, parts.minute, parts.second) = (reader.u8()?, reader.u8()?, reader.u8()?);
    }
    if length == 11 {
        parts.micros = reader.u32()?;
    }
    let in_range = parts.year <= 9999
        && parts.month <= 12
        && parts.day <= 31
        && parts.hour <= 23
        && parts.minute <= 59
        && parts.second <= 59
        && parts.micros <= 999_999;
    if !in_range {
        return Err(Malformed("a date out of range"));
    }
    Ok(Parameter::DateTime { parts, date_only })
}

fn time(reader: &mut WireReader<'_>) -> Result<Parameter, Malformed> {
    let length = reader.u8()?;
    if !matches!(length, 0 | 8 | 12) {
        return Err(Malformed("a time of a strange length"));
    }
    if length == 0 {
        return Ok(Parameter::Time(0));
    }
    let negative = reader.u8()? != 0;
    let days = i64::from(reader.u32()?);
    let (hours, minutes, seconds) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let fraction = if length == 12 { reader.u32()? } else { 0 };
    let total =
        ((days * 24 + i64::from(hours)) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
    let micros = total * 1_000_000 + i64::from(fraction);
    Ok(Parameter::Time(if negative { -micros } else { micros }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_follow_their_types() {
        let body = Bytes::from_static(
            b"\x02\x01\x08\x00\x06\x00\x03\x80\xfd\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02hi",
        );
        let mut types = Vec::new();
        let values = decode(&body, 4, &mut types, &mut HashMap::new()).unwrap();
        assert_eq!(
            values,
            [
                Parameter::Int(-1),
                Parameter::Null,
                Parameter::UInt(u32::MAX.into()),
                Parameter::Text(Bytes::from_static(b"hi")),
            ]
        );
        // The second time the client leaves the types out.
        let again = Bytes::from_static(b"\x0d\x00\x07\x00\x00\x00");
        let mut long = HashMap::from([(3, b"long".to_vec())]);
        let values = decode(&again, 4, &mut types, &mut long).unwrap();
        assert_eq!(
            values,
            [
                Parameter::Null,
                Parameter::Null,
                Parameter::Null,
                Parameter::Text(Bytes::from_static(b"long")),
            ]
        );
    }

    #[test]
    fn a_time_adds_its_days() {
        let body = Bytes::from_static(b"\x00\x01\x0b\x00\x08\x01\x01\x00\x00\x00\x01\x02\x03");
        let values = decode(&body, 1, &mut Vec::new(), &mut HashMap::new()).unwrap();
        assert_eq!(values, [Parameter::Time(-((25 * 3600 + 2 * 60 + 3) * 1_000_000))]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), count in 0..9usize) {
            let _ = decode(&Bytes::from(bytes), count, &mut Vec::new(), &mut HashMap::new());
        }
    }
}
