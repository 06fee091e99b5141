//! A value as another type, as expressions convert: what does not fit is cut down with a warning.

use std::borrow::Cow;

use bytes::Bytes;

use super::json::{self, Json};
use super::{
    Datum, Decimal, Duration, FieldType, Member, Time, TimeKind, TimeRules, ValueContext, text,
};
use crate::common::{SqlResult, errno};

/// A text that was meant to be a `what` and is not, or not wholly.
fn truncated(ctx: &ValueContext, what: &str, text: &[u8]) -> SqlResult<()> {
    let shown: String = String::from_utf8_lossy(text).chars().take(128).collect();
    ctx.warn_or_fail(
        errno::TRUNCATED_WRONG_VALUE,
        format!("Truncated incorrect {what} value: '{shown}'"),
    )
}

/// A text that is no valid time of a kind.
fn incorrect(ctx: &ValueContext, what: &str, text: &str) -> SqlResult<()> {
    ctx.warn_or_fail(errno::TRUNCATED_WRONG_VALUE, format!("Incorrect {what} value: '{text}'"))
}

/// The number a text starts with, and whether it is that number and nothing else but spaces: what is beyond the largest
/// double is not.
pub(super) fn float_prefix(text: &[u8]) -> (f64, bool) {
    let parsed = Decimal::parse_prefix(text);
    let number = std::str::from_utf8(&text[..parsed.consumed])
        .ok()
        .and_then(|prefix| prefix.trim().parse::<f64>().ok())
        .unwrap_or(0.0);
    let clean = parsed.consumed > 0 && text[parsed.consumed..].iter().all(u8::is_ascii_whitespace);
    (number.clamp(f64::MIN, f64::MAX), clean && number.is_finite())
}

/// Whether the number a text starts with is beyond what a double holds.
pub(super) fn is_beyond_double(text: &[u8]) -> bool {
    let parsed = Decimal::parse_prefix(text);
    let prefix = std::str::from_utf8(&text[..parsed.consumed]).unwrap_or_default();
    prefix.trim().parse::<f64>().is_ok_and(f64::is_infinite)
}

impl Datum {
    /// As a double; 0 for NULL.
    pub fn to_f64(&self, ctx: &ValueContext) -> SqlResult<f64> {
        Ok(match self {
            Datum::Null => 0.0,
            Datum::Int(number) => *number as f64,
            Datum::UInt(number) => *number as f64,
            Datum::Float(number) => *number,
            Datum::Decimal(number) => number.to_f64(),
            Datum::Bytes(bytes) => {
                let (number, clean) = float_prefix(bytes);
                if !clean {
                    truncated(ctx, "DOUBLE", bytes)?;
                }
                number
            }
            Datum::Time(time) => time.to_decimal().to_f64(),
            Datum::Duration(duration) => duration.to_decimal().to_f64(),
            Datum::Member(member) => member.number as f64,
            Datum::Json(json) => match number_of(json) {
                Some(number) => number.to_f64(ctx)?,
                None => return invalid_document(ctx, "DOUBLE").map(|()| 0.0),
            },
        })
    }

    /// As a decimal; 0 for NULL.
    pub fn to_decimal(&self, ctx: &ValueContext) -> SqlResult<Decimal> {
        Ok(match self {
            Datum::Null => Decimal::ZERO,
            Datum::Int(number) => Decimal::from(*number),
            Datum::UInt(number) => Decimal::from(*number),
            Datum::Float(number) => Decimal::from_f64(*number).unwrap_or_else(|| {
                let limit = Decimal::max(super::decimal::MAX_PRECISION, 0);
                if *number < 0.0 { limit.neg() } else { limit }
            }),
            Datum::Decimal(number) => *number,
            Datum::Bytes(bytes) => {
                let parsed = Decimal::parse_prefix(bytes);
                let rest = &bytes[parsed.consumed..];
                if parsed.consumed == 0 || !rest.iter().all(u8::is_ascii_whitespace) {
                    truncated(ctx, "DECIMAL", bytes)?;
                }
                parsed.value
            }
            Datum::Time(time) => time.to_decimal(),
            Datum::Duration(duration) => duration.to_decimal(),
            Datum::Member(member) => Decimal::from(member.number),
            Datum::Json(json) => match number_of(json) {
                Some(number) => number.to_decimal(ctx)?,
                None => return invalid_document(ctx, "DECIMAL").map(|()| Decimal::ZERO),
            },
        })
    }

    /// As a signed integer, rounded, at the range's ends clipped with a warning; 0 for NULL.
    pub fn to_i64(&self, ctx: &ValueContext) -> SqlResult<i64> {
        let clip = |number: i128| -> SqlResult<i64> {
            let clipped = number.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
            if i128::from(clipped) != number {
                truncated(ctx, "INTEGER", number.to_string().as_bytes())?;
            }
            Ok(clipped)
        };
        match self {
            Datum::Int(number) => Ok(*number),
            // As CAST(… AS SIGNED) does: the same bits.
            Datum::UInt(number) => Ok(*number as i64),
            Datum::Member(member) => Ok(member.number as i64),
            Datum::Json(json) => match number_of(json) {
                Some(number) => number.to_i64(ctx),
                None => invalid_document(ctx, "INTEGER").map(|()| 0),
            },
            Datum::Float(number) => clip(number.round_ties_even() as i128),
            Datum::Bytes(bytes) => {
                let number = integer_prefix(bytes, ctx)?;
                if (i128::from(i64::MAX) + 1..=i128::from(u64::MAX)).contains(&number) {
                    truncated(ctx, "INTEGER", bytes)?;
                    return Ok(number as u64 as i64);
                }
                clip(number)
            }
            other => clip(other.to_decimal(ctx)?.round(0).unscaled.to_i128().unwrap_or(i128::MAX)),
        }
    }

    /// As an unsigned integer, rounded; negative numbers keep their bits, as CAST(… AS UNSIGNED) does; 0 for NULL.
    pub fn to_u64(&self, ctx: &ValueContext) -> SqlResult<u64> {
        let clip = |number: i128| -> SqlResult<u64> {
            if (i128::from(i64::MIN)..0).contains(&number) {
                return Ok(number as i64 as u64);
            }
            let clipped = number.clamp(0, i128::from(u64::MAX)) as u64;
            if i128::from(clipped) != number {
                truncated(ctx, "INTEGER", number.to_string().as_bytes())?;
            }
            Ok(clipped)
        };
        match self {
            Datum::Int(number) => Ok(*number as u64),
            Datum::UInt(number) => Ok(*number),
            Datum::Member(member) => Ok(member.number),
            Datum::Json(json) => match number_of(json) {
                Some(number) => number.to_u64(ctx),
                None => invalid_document(ctx, "INTEGER").map(|()| 0),
            },
            Datum::Float(number) => clip(number.round_ties_even() as i128),
            Datum::Bytes(bytes) => clip(integer_prefix(bytes, ctx)?),
            other => clip(other.to_decimal(ctx)?.round(0).unscaled.to_i128().unwrap_or(i128::MAX)),
        }
    }

    /// Whether it is true; `None` for NULL.
    pub fn to_bool(&self, ctx: &ValueContext) -> SqlResult<Option<bool>> {
        Ok(Some(match self {
            Datum::Null => return Ok(None),
            Datum::Int(number) => *number != 0,
            Datum::UInt(number) => *number != 0,
            Datum::Decimal(number) => !number.is_zero(),
            Datum::Time(time) => !time.is_zero(),
            Datum::Duration(duration) => duration.micros != 0,
            Datum::Json(json) => json.is_true(),
            other => other.to_f64(ctx)? != 0.0,
        }))
    }

    /// Its text, when its type is not at hand; empty for NULL.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).into_owned()
    }

    /// Its text as bytes, when its type is not at hand; empty for NULL.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Datum::Bytes(bytes) => bytes.clone(),
            Datum::Member(member) => member.text.clone(),
            Datum::Float(number) => Bytes::from(text::float_text(*number, false)),
            other => self::text_of(other, &FieldType::null()),
        }
    }

    /// Its text as bytes, for a value of this type.
    pub fn to_bytes_as(&self, field_type: &FieldType) -> Bytes {
        match self {
            Datum::Bytes(bytes) => bytes.clone(),
            Datum::Member(member) => member.text.clone(),
            other => self::text_of(other, field_type),
        }
    }

    /// As a DATE, DATETIME or TIMESTAMP; what is none becomes NULL with a warning.
    pub fn to_time(&self, kind: TimeKind, fsp: u8, ctx: &ValueContext) -> SqlResult<Option<Time>> {
        self.to_time_by(kind, fsp, &ctx.time_rules(), ctx)
    }

    /// As [`Datum::to_time`], under other rules than the session's.
    pub fn to_time_by(
        &self,
        kind: TimeKind,
        fsp: u8,
        rules: &TimeRules,
        ctx: &ValueContext,
    ) -> SqlResult<Option<Time>> {
        let found = match self {
            Datum::Null => return Ok(None),
            Datum::Time(time) => {
                let rounded = time
                    .round_to(fsp.min(if kind == TimeKind::Date { 6 } else { fsp }), rules.mode);
                rounded
                    .filter(|time| time.parts().is_valid(rules.mode))
                    .map(|time| time.with_kind(kind))
            }
            Datum::Duration(duration) => {
                let today = ctx.now(0).day_number().unwrap_or(0);
                let time = duration.on_day(today, TimeKind::DateTime);
                time.and_then(|time| time.round_to(fsp, rules.mode))
                    .map(|time| time.with_kind(kind))
            }
            Datum::Bytes(bytes) | Datum::Member(Member { text: bytes, .. }) => {
                let text = String::from_utf8_lossy(bytes);
                let parsed = Time::parse(&text, kind, fsp, rules);
                if parsed.is_some_and(|parsed| parsed.truncated) {
                    truncated(ctx, kind.name(), bytes)?;
                }
                parsed.map(|parsed| parsed.value)
            }
            Datum::Json(json) => {
                return match time_of(json) {
                    Some(time) => time.to_time_by(kind, fsp, rules, ctx),
                    None => invalid_document(ctx, &kind.name().to_uppercase()).map(|()| None),
                };
            }
            other => Time::from_number(&other.to_decimal(ctx)?, kind, fsp, rules),
        };
        if found.is_none() {
            incorrect(ctx, kind.name(), &self.to_text())?;
        }
        Ok(found)
    }

    /// As a TIME; what is none becomes NULL with a warning, what is too long is clipped with one.
    pub fn to_duration(&self, fsp: u8, ctx: &ValueContext) -> SqlResult<Option<Duration>> {
        let mode = ctx.sql_mode;
        let found = match self {
            Datum::Null => return Ok(None),
            Datum::Duration(duration) => Some((duration.round_to(fsp, mode), false)),
            Datum::Time(time) => Some((time.time_of_day().round_to(fsp, mode), false)),
            Datum::Bytes(bytes) | Datum::Member(Member { text: bytes, .. }) => {
                let text = String::from_utf8_lossy(bytes);
                Duration::parse(&text, fsp, mode)
                    .map(|parsed| (parsed.value, parsed.clipped || parsed.truncated))
            }
            Datum::Json(json) => {
                return match time_of(json) {
                    Some(time) => time.to_duration(fsp, ctx),
                    None => invalid_document(ctx, "TIME").map(|()| None),
                };
            }
            other => Duration::from_decimal(&other.to_decimal(ctx)?, fsp, mode),
        };
        match found {
            Some((duration, lost)) => {
                if lost {
                    truncated(ctx, "time", self.to_text().as_bytes())?;
                }
                Ok(Some(duration))
            }
            None => {
                truncated(ctx, "time", self.to_text().as_bytes())?;
                Ok(None)
            }
        }
    }
}

fn text_of(value: &Datum, field_type: &FieldType) -> Bytes {
    let mut out = Vec::new();
    text::write_text(value, field_type, &mut out);
    Bytes::from(out)
}

/// A document that stands for no value of a type.
fn invalid_document(ctx: &ValueContext, target: &str) -> SqlResult<()> {
    let (code, message) = json::invalid_cast(target, "json", 1);
    ctx.warn_or_fail(code, message)
}

/// The number, or the text that may be read as one, that a document is.
fn number_of(json: &Json) -> Option<Datum> {
    json.to_datum().filter(|value| !matches!(value, Datum::Time(_) | Datum::Duration(_)))
}

/// The time, or the text that may be read as one, that a document is.
fn time_of(json: &Json) -> Option<Datum> {
    json.to_datum()
        .filter(|value| matches!(value, Datum::Time(_) | Datum::Duration(_) | Datum::Bytes(_)))
}

/// The integer a text starts with: of `1.9` and `1e3` the digits before the point, as CAST reads them.
fn integer_prefix(bytes: &[u8], ctx: &ValueContext) -> SqlResult<i128> {
    let start = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let body = &bytes[start..];
    let sign_len = usize::from(matches!(body.first(), Some(b'-' | b'+')));
    let digits = body[sign_len..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &body[sign_len + digits..];
    if digits == 0 || !rest.iter().all(u8::is_ascii_whitespace) {
        truncated(ctx, "INTEGER", bytes)?;
    }
    let size = body[sign_len..sign_len + digits].iter().fold(0_i128, |size, digit| {
        size.saturating_mul(10).saturating_add(i128::from(digit - b'0'))
    });
    Ok(if body.first() == Some(&b'-') { -size } else { size })
}

/// A text as UTF-8, what is not replaced.
pub fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The kind of calendar type.
pub fn time_kind(kind: super::TypeKind) -> TimeKind {
    if kind == super::TypeKind::Date {
        TimeKind::Date
    } else if kind == super::TypeKind::Timestamp {
        TimeKind::Timestamp
    } else {
        TimeKind::DateTime
    }
}
