//! What type a call yields: what the functions' own rules are made of.

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Mix, TypeRules, resolve_collation};
use crate::sql::types::{Class, Collation, Datum, FieldType, TypeKind};

/// A call whose type is looked for.
pub struct Typing<'a> {
    pub(in crate::sql) name: &'static str,
    pub(in crate::sql) args: &'a [Expr],
    pub(in crate::sql) rules: &'a TypeRules,
}

impl<'a> Typing<'a> {
    /// An argument's type.
    pub(super) fn of(&self, position: usize) -> &'a FieldType {
        self.args[position].field_type()
    }

    /// The collation in which these arguments are compared.
    pub(super) fn collation(&self, args: &[Expr]) -> SqlResult<Collation> {
        resolve_collation(args, self.name, Mix::Refused)
    }

    /// How many letters an argument has at most.
    pub(super) fn width(&self, position: usize) -> u64 {
        u64::from(self.of(position).display_width())
    }

    /// A text of so many letters at most, in the collation of these arguments.
    pub(super) fn text_of(&self, args: &[Expr], length: u64) -> SqlResult<FieldType> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Ok(string_of(length).collate(resolve_collation(args, self.name, Mix::Allowed)?))
    }

    /// The type that holds the values of all of these.
    pub(super) fn merged(&self, args: &[&Expr]) -> SqlResult<FieldType> {
        merge(args, self.name)
    }

    /// The most digits of a second's fraction among these arguments.
    pub(super) fn fraction(&self, positions: &[usize]) -> u8 {
        positions.iter().map(|at| fraction_digits(&self.args[*at])).max().unwrap_or(0)
    }
}

/// BIGINT.
pub(super) fn bigint(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::bigint())
}

/// BIGINT UNSIGNED.
pub(super) fn bigint_unsigned(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::bigint_unsigned())
}

/// DOUBLE.
pub(super) fn double(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::double())
}

/// A truth value.
pub(super) fn boolean(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::boolean())
}

/// A truth value found in the arguments' collation.
pub(super) fn compared(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType { collation: typing.collation(typing.args)?, ..FieldType::boolean() })
}

/// A number found in the arguments' collation.
pub(super) fn position_in_text(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType { collation: typing.collation(typing.args)?, ..FieldType::bigint() })
}

/// DATE.
pub(super) fn date(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::date())
}

/// TIME with the fraction of the first argument.
pub(super) fn time_like_first(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::time(typing.fraction(&[0])))
}

/// A name.
pub(super) fn name(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::varchar(64))
}

/// A text whose length is not known.
pub(super) fn long_text(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::long_text())
}

/// Bytes whose number is not known.
pub(super) fn long_bytes(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType::new(TypeKind::LongText).collate(Collation::Binary))
}

/// Text as long as the first argument, in the collation of all.
pub(super) fn like_first(typing: &Typing<'_>) -> SqlResult<FieldType> {
    typing.text_of(typing.args, typing.width(0))
}

/// A part of the first argument, in its collation.
pub(super) fn part_of_first(typing: &Typing<'_>) -> SqlResult<FieldType> {
    typing.text_of(&typing.args[..1], typing.width(0))
}

/// A number of the first argument's kind, without its fraction's digits changed.
pub(super) fn number_like_first(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let arg = typing.of(0);
    Ok(match number_class(arg) {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer => FieldType { unsigned: arg.unsigned, ..FieldType::bigint() },
        NumberClass::Decimal => {
            let (precision, scale) = digits(arg);
            FieldType::decimal(precision, scale)
        }
    })
}

/// The kinds of number arithmetic is done in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NumberClass {
    /// BIGINT, signed or not.
    Integer,
    /// DECIMAL.
    Decimal,
    /// DOUBLE.
    Double,
}

/// In which kind of number a value of this type takes part in arithmetic.
pub(super) fn number_class(field_type: &FieldType) -> NumberClass {
    match field_type.kind.class() {
        Class::Integer | Class::Null => NumberClass::Integer,
        Class::Decimal => NumberClass::Decimal,
        Class::Calendar | Class::Duration => {
            let is_whole = field_type.kind == TypeKind::Date || field_type.fsp() == 0;
            if is_whole { NumberClass::Integer } else { NumberClass::Decimal }
        }
        Class::Float | Class::String | Class::Member | Class::Json => NumberClass::Double,
    }
}

/// Digits and scale of a number of this type.
pub(super) fn digits(field_type: &FieldType) -> (u32, u8) {
    exact_digits(field_type).unwrap_or((65, 30))
}

/// Digits and scale of a number of this type, if it is exact. Times are numbers of the digits they are written with: 20240102030405.
pub(super) fn exact_digits(field_type: &FieldType) -> Option<(u32, u8)> {
    let fsp = field_type.fsp();
    match field_type.kind.class() {
        Class::Decimal => Some(field_type.precision_scale()),
        Class::Integer => Some((field_type.decimal_digits(), 0)),
        Class::Null => Some((1, 0)),
        Class::Calendar if field_type.kind == TypeKind::Date => Some((8, 0)),
        Class::Calendar => Some((14 + u32::from(fsp), fsp)),
        Class::Duration => Some((7 + u32::from(fsp), fsp)),
        Class::Float | Class::String | Class::Member | Class::Json => None,
    }
}

/// The type of a quotient of exact numbers: `increment` digits more than the dividend has.
pub(super) fn quotient(dividend: &FieldType, divisor: &FieldType, increment: u8) -> FieldType {
    let ((p1, s1), (_, s2)) = (digits(dividend), digits(divisor));
    let scale = (s1 + increment).min(30);
    let whole = (p1 - u32::from(s1)) + u32::from(s2);
    FieldType::decimal((whole + u32::from(scale)).min(65), scale)
}

/// The type that holds the values of all of these, as CASE, IF, COALESCE and UNION need it.
fn merge(args: &[&Expr], operation: &str) -> SqlResult<FieldType> {
    let not_null = args.iter().all(|arg| arg.field_type().not_null);
    let mut merged: Option<FieldType> = None;
    for arg in args {
        let arg_type = arg.field_type();
        if arg_type.kind == TypeKind::Null {
            continue;
        }
        merged = Some(match merged {
            // What is chosen among members is a text.
            None => arg_type.as_string(),
            Some(known) => merge_types(&known, arg_type),
        });
    }
    let mut merged = merged.unwrap_or_else(FieldType::null);
    if merged.kind.is_textual() {
        let strings = args.iter().copied().filter(|arg| arg.field_type().kind.is_textual());
        merged.collation = resolve_collation(strings, operation, Mix::Allowed)?;
    }
    Ok(FieldType { not_null, ..merged })
}

/// The type that holds the values of both.
fn merge_types(left: &FieldType, right: &FieldType) -> FieldType {
    let (a, b) = (left.kind, right.kind);
    if a == TypeKind::Null {
        return right.clone();
    }
    if b == TypeKind::Null || a == TypeKind::Json && b == TypeKind::Json {
        return left.clone();
    }
    if a == TypeKind::Json || b == TypeKind::Json {
        return FieldType::long_text().collate(Collation::Utf8mb4Bin);
    }
    if a.is_integer() && b.is_integer() {
        return merge_integers(left, right);
    }
    if a.is_numeric() && b.is_numeric() {
        if a.is_float() || b.is_float() {
            let float = a == TypeKind::Float && b == TypeKind::Float;
            return if float { FieldType::float() } else { FieldType::double() };
        }
        let ((p1, s1), (p2, s2)) = (digits(left), digits(right));
        let scale = s1.max(s2);
        let whole = (p1 - u32::from(s1)).max(p2 - u32::from(s2));
        return FieldType::decimal((whole + u32::from(scale)).min(65), scale);
    }
    if a.is_temporal() && b.is_temporal() {
        let decimals = Some(left.fsp().max(right.fsp()));
        let kind = if a == b { a } else { TypeKind::DateTime };
        let decimals = decimals.filter(|_| kind != TypeKind::Date);
        return FieldType { decimals, ..FieldType::new(kind) };
    }
    let length = left.display_width().max(right.display_width());
    let binary = left.is_binary_string() || right.is_binary_string();
    let collation = if binary {
        Collation::Binary
    } else if a.is_textual() {
        left.collation
    } else {
        right.collation
    };
    let text = a.is_textual() || b.is_textual();
    string_of(length).collate(if text { collation } else { Collation::default() })
}

fn merge_integers(left: &FieldType, right: &FieldType) -> FieldType {
    if left.kind != right.kind && [left.kind, right.kind].contains(&TypeKind::Bit) {
        // Bits are a number beside other numbers.
        let number = |of: &FieldType| match of.kind == TypeKind::Bit {
            true => FieldType::bigint_unsigned(),
            false => of.clone(),
        };
        return merge_integers(&number(left), &number(right));
    }
    // A year is the narrowest.
    let rank = |kind: TypeKind| if kind == TypeKind::Year { 0 } else { kind.largest_integer() };
    let widest = if rank(left.kind) >= rank(right.kind) { left } else { right };
    if left.unsigned == right.unsigned {
        return FieldType { length: left.length.max(right.length), ..widest.clone() };
    }
    let unsigned = if left.unsigned { left } else { right };
    if unsigned.kind == TypeKind::BigInt {
        return FieldType::decimal(20, 0);
    }
    FieldType { unsigned: false, ..FieldType::bigint() }
}

/// A string type for at most so many characters.
pub(super) fn string_of(length: u32) -> FieldType {
    match length {
        0..=16_383 => FieldType::varchar(length),
        16_384..=65_535 => FieldType::new(TypeKind::Text),
        65_536..=16_777_215 => FieldType::new(TypeKind::MediumText),
        _ => FieldType::long_text(),
    }
}

/// Digits of a second's fraction that an argument brings with it.
pub(super) fn fraction_digits(arg: &Expr) -> u8 {
    let field_type = arg.field_type();
    if let Expr::Literal { value: Datum::Bytes(text), .. } = arg {
        let fraction = text.iter().rposition(|byte| *byte == b'.');
        let digits = fraction.map_or(0, |point| {
            text[point + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count()
        });
        return digits.min(6) as u8;
    }
    fraction_of(field_type)
}

/// Digits of a second's fraction that values of a type bring with them.
pub(super) fn fraction_of(field_type: &FieldType) -> u8 {
    match field_type.kind.class() {
        Class::Decimal => field_type.precision_scale().1.min(6),
        Class::Calendar | Class::Duration => field_type.fsp(),
        Class::Integer | Class::Null => 0,
        Class::Float | Class::String | Class::Member | Class::Json => 6,
    }
}

/// The precision asked for by an argument, of whole seconds without one.
pub(super) fn fsp_argument(typing: &Typing<'_>) -> SqlResult<u8> {
    let fsp = match typing.args.first() {
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
            errno::TOO_BIG_PRECISION,
            format!("Too-big precision {fsp} specified for 'now'. Maximum is 6."),
        )
    })
}
