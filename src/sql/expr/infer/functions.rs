//! What type a function yields.

use super::super::function::Family;
use super::super::{Expr, Function, collate};
use super::{NumberClass, digits, number_class, string_of};
use crate::common::{SqlError, SqlResult};
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

/// A function's type, those that depend on their arguments first.
pub(super) fn function_type(
    function: Function,
    args: &[Expr],
    types: &[&FieldType],
    all_not_null: bool,
) -> SqlResult<FieldType> {
    use Function as F;
    if function.family() == Family::Date {
        return date_type(function, args, types, all_not_null);
    }
    let field_type = match function {
        F::Abs => match number_class(types[0]) {
            NumberClass::Double => FieldType::double(),
            NumberClass::Integer => {
                FieldType { unsigned: types[0].unsigned, ..FieldType::bigint() }
            }
            NumberClass::Decimal => decimal_like(types[0]),
        },
        F::Ceil | F::Floor => match number_class(types[0]) {
            NumberClass::Double => FieldType::double(),
            NumberClass::Integer => {
                FieldType { unsigned: types[0].unsigned, ..FieldType::bigint() }
            }
            NumberClass::Decimal => {
                let (precision, scale) = digits(types[0]);
                let whole = precision - u32::from(scale) + 1;
                if whole > 18 { FieldType::decimal(whole, 0) } else { FieldType::bigint() }
            }
        },
        F::Round | F::Truncate => rounded(types[0], args.get(1)),
        F::Strcmp | F::Locate | F::Instr | F::Field | F::FindInSet => {
            FieldType { collation: collate::resolve(args, function.name())?, ..FieldType::bigint() }
        }
        _ if is_text_of_args(function) => string_result(function, args, types)?,
        _ => fixed_type(function, types),
    };
    let not_null = all_not_null && keeps_not_null(function);
    Ok(FieldType { not_null, ..field_type })
}

/// Functions that put their arguments' letters together anew.
pub(super) fn is_text_of_args(function: Function) -> bool {
    use Function as F;
    let counts = matches!(function, F::Length | F::BitLength | F::CharLength);
    let fresh = matches!(function, F::Space | F::Format);
    matches!(function.family(), Family::Text | Family::TextEdit) && !counts && !fresh
}

fn date_type(
    function: Function,
    args: &[Expr],
    types: &[&FieldType],
    all_not_null: bool,
) -> SqlResult<FieldType> {
    use Function as F;
    let field_type = match function {
        F::DateAdd | F::DateSub => date_add_type(types[0], types[1], &args[2]),
        F::TimestampAdd => date_add_type(types[2], types[1], &args[0]),
        F::AddTime | F::SubTime => {
            let fsp = fraction_digits(&args[0]).max(fraction_digits(&args[1]));
            match types[0].kind {
                kind if kind.is_calendar() => FieldType::datetime(fsp),
                TypeKind::Time => FieldType::time(fsp),
                _ => FieldType::varchar(29),
            }
        }
        F::TimeDiff => FieldType::time(fraction_digits(&args[0]).max(fraction_digits(&args[1]))),
        F::StrToDate => str_to_date_type(&args[1]),
        F::FromUnixtime if args.len() == 1 => FieldType::datetime(fraction_digits(&args[0])),
        F::UnixTimestamp if args.len() == 1 && fraction_digits(&args[0]) > 0 => {
            let fsp = fraction_digits(&args[0]);
            FieldType::decimal(11 + u32::from(fsp), fsp)
        }
        F::Time | F::SecToTime => FieldType::time(fraction_digits(&args[0])),
        F::Timestamp => FieldType::datetime(args.iter().map(fraction_digits).max().unwrap_or(0)),
        F::MakeTime => FieldType::time(fraction_digits(&args[2])),
        F::Now | F::Sysdate | F::UtcTimestamp => {
            return Ok(FieldType::datetime(fsp_argument(args.first())?).not_null());
        }
        F::CurTime | F::UtcTime => {
            return Ok(FieldType::time(fsp_argument(args.first())?).not_null());
        }
        F::ConvertTz => FieldType::datetime(fraction_digits(&args[0])),
        _ => fixed_type(function, types),
    };
    let not_null = all_not_null && keeps_not_null(function);
    Ok(FieldType { not_null, ..field_type })
}

/// Functions that give no NULL when given none.
fn keeps_not_null(function: Function) -> bool {
    use Function as F;
    matches!(
        function,
        F::Concat
            | F::Length
            | F::BitLength
            | F::CharLength
            | F::Upper
            | F::Lower
            | F::Left
            | F::Right
            | F::Reverse
            | F::Replace
            | F::Trim
            | F::LTrim
            | F::RTrim
            | F::Ascii
            | F::Hex
            | F::Abs
            | F::Ceil
            | F::Floor
            | F::Round
            | F::Truncate
            | F::Sign
            | F::Sleep
            | F::Pi
            | F::Rand
            | F::Version
            | F::ConnectionId
            | F::LastInsertId
            | F::RowCount
            | F::FoundRows
            | F::Uuid
            | F::CurDate
            | F::UtcDate
            | F::User
            | F::Locate
            | F::Instr
            | F::Field
            | F::Strcmp
            | F::Substring
    )
}

fn decimal_like(arg: &FieldType) -> FieldType {
    let (precision, scale) = digits(arg);
    FieldType::decimal(precision, scale)
}

/// ROUND and TRUNCATE: the scale is the second argument, if that is a constant.
fn rounded(arg: &FieldType, places: Option<&Expr>) -> FieldType {
    match number_class(arg) {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer => FieldType { unsigned: arg.unsigned, ..FieldType::bigint() },
        NumberClass::Decimal => {
            let (precision, scale) = digits(arg);
            let kept = match places {
                None => 0,
                Some(Expr::Literal { value: Datum::Int(places), .. }) => {
                    (*places).clamp(0, 30) as u8
                }
                Some(Expr::Literal { value: Datum::UInt(places), .. }) => (*places).min(30) as u8,
                // `-1` before folding: nothing after the point is kept.
                Some(Expr::Call { function: Function::Neg, .. }) => 0,
                Some(_) => scale,
            };
            let kept = kept.min(scale);
            let whole = precision - u32::from(scale) + 1;
            FieldType::decimal((whole + u32::from(kept)).min(65), kept)
        }
    }
}

fn date_add_type(date: &FieldType, amount: &FieldType, unit: &Expr) -> FieldType {
    let unit = match unit {
        Expr::Literal { value: Datum::Bytes(unit), .. } => unit.to_ascii_uppercase(),
        _ => Vec::new(),
    };
    let has_micros = unit.ends_with(b"MICROSECOND");
    let time_unit = [&b"HOUR"[..], b"MINUTE", b"SECOND"]
        .iter()
        .any(|part| unit.windows(part.len()).any(|window| window == *part))
        || has_micros;
    // Of the simple units only seconds have a fraction.
    let added = match amount.kind {
        _ if has_micros => 6,
        _ if unit != b"SECOND" => 0,
        TypeKind::Decimal => amount.precision_scale().1.min(6),
        kind if kind.is_temporal() => amount.fsp(),
        kind if kind.is_integer() || kind == TypeKind::Null => 0,
        _ => 6,
    };
    let fsp = date.fsp().max(added);
    match date.kind {
        TypeKind::Date if time_unit => FieldType::datetime(fsp),
        TypeKind::Date => FieldType::date(),
        TypeKind::DateTime | TypeKind::Timestamp => FieldType::datetime(fsp),
        TypeKind::Time => FieldType::time(fsp),
        _ => FieldType::varchar(29),
    }
}

fn str_to_date_type(format: &Expr) -> FieldType {
    let Expr::Literal { value: Datum::Bytes(format), .. } = format else {
        return FieldType::datetime(6);
    };
    let has = |letters: &[u8]| {
        format.windows(2).any(|pair| pair[0] == b'%' && letters.contains(&pair[1]))
    };
    let date = has(b"YyMmbcdeDjUuVvWwXxa");
    let time = has(b"HhIiklprSsTf");
    let fsp = if has(b"f") { 6 } else { 0 };
    match (date, time) {
        (true, false) => FieldType::date(),
        (false, true) => FieldType::time(fsp),
        _ => FieldType::datetime(fsp),
    }
}

/// Digits of a second's fraction that an argument brings with it.
fn fraction_digits(arg: &Expr) -> u8 {
    let field_type = arg.field_type();
    if let Expr::Literal { value: Datum::Bytes(text), .. } = arg {
        let fraction = text.iter().rposition(|byte| *byte == b'.');
        let digits = fraction.map_or(0, |point| {
            text[point + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count()
        });
        return digits.min(6) as u8;
    }
    match field_type.kind {
        TypeKind::Decimal => field_type.precision_scale().1.min(6),
        kind if kind.is_temporal() => field_type.fsp(),
        kind if kind.is_integer() || kind == TypeKind::Null => 0,
        _ => 6,
    }
}

fn fsp_argument(arg: Option<&Expr>) -> SqlResult<u8> {
    let fsp = match arg {
        None => 0,
        Some(Expr::Literal { value: Datum::Int(fsp), .. }) => *fsp,
        Some(Expr::Literal { value: Datum::UInt(fsp), .. }) => {
            i64::try_from(*fsp).unwrap_or(i64::MAX)
        }
        Some(_) => {
            return Err(SqlError::unsupported(
                "a fractional second's precision that is no constant",
            ));
        }
    };
    u8::try_from(fsp).ok().filter(|fsp| *fsp <= 6).ok_or_else(|| {
        SqlError::new(
            crate::common::errno::TOO_BIG_PRECISION,
            format!("Too-big precision {fsp} specified for 'now'. Maximum is 6."),
        )
    })
}

fn string_result(function: Function, args: &[Expr], types: &[&FieldType]) -> SqlResult<FieldType> {
    use Function as F;
    let strings = match function {
        F::Elt | F::MakeSet => &args[1..],
        F::Substring | F::SubstringIndex | F::Left | F::Right | F::Repeat => &args[..1],
        _ => args,
    };
    let collation = collate::resolve(strings, function.name())?;
    let width = |position: usize| u64::from(types[position].display_width());
    let sum: u64 = (0..args.len()).map(width).sum();
    let length = match function {
        F::Concat => sum,
        F::ConcatWs => sum + width(0) * args.len() as u64,
        F::Insert => width(0) + width(3),
        F::Replace | F::Repeat | F::LPad | F::RPad => u64::from(u32::MAX),
        F::Quote => width(0) * 2 + 2,
        F::Elt | F::MakeSet => sum,
        _ => width(0),
    };
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Ok(string_of(length).collate(collation))
}

fn fixed_type(function: Function, types: &[&FieldType]) -> FieldType {
    use Function as F;
    match function {
        F::GetLock | F::ReleaseLock | F::IsFreeLock => FieldType::bigint(),
        F::ReleaseAllLocks | F::IsUsedLock => FieldType::bigint_unsigned(),
        F::Length
        | F::BitLength
        | F::CharLength
        | F::Ascii
        | F::Ord
        | F::Sign
        | F::Sleep
        | F::Interval
        | F::BitCount
        | F::DateDiff
        | F::TimestampDiff
        | F::Extract
        | F::TimeToSec
        | F::ToDays
        | F::ToSeconds
        | F::PeriodAdd
        | F::PeriodDiff
        | F::RowCount
        | F::UnixTimestamp => FieldType::bigint(),
        F::Year
        | F::Month
        | F::Day
        | F::DayOfWeek
        | F::DayOfYear
        | F::Weekday
        | F::Week
        | F::WeekOfYear
        | F::YearWeek
        | F::Quarter
        | F::Hour
        | F::Minute
        | F::Second
        | F::Microsecond => FieldType::bigint(),
        F::ConnectionId | F::LastInsertId | F::FoundRows | F::Crc32 => FieldType::bigint_unsigned(),
        F::CurDate | F::UtcDate | F::Date | F::LastDay | F::MakeDate | F::FromDays => {
            FieldType::date()
        }
        F::Space | F::Format | F::ToBase64 => FieldType::long_text(),
        F::Hex | F::Bin | F::Oct | F::Conv => {
            string_of(types[0].display_width().saturating_mul(8).max(64))
        }
        F::Sha1 => FieldType::varchar(40),
        F::Sha2 => FieldType::varchar(128),
        F::Unhex | F::FromBase64 | F::Char => {
            FieldType::new(TypeKind::LongText).collate(Collation::Binary)
        }
        F::Uuid => FieldType::varchar(36),
        F::Version
        | F::Database
        | F::User
        | F::CurrentUser
        | F::Charset
        | F::Collation
        | F::DayName
        | F::MonthName => FieldType::varchar(64),
        F::DateFormat | F::TimeFormat | F::FromUnixtime | F::TidbVersion => {
            FieldType::varchar(1024)
        }
        // Shown with six digits, computed with all.
        F::Pi => FieldType { decimals: Some(6), ..FieldType::double() },
        _ => FieldType::double(),
    }
}
