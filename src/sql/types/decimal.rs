//! DECIMAL(65,30).

use std::cmp::Ordering;
use std::fmt;

use arrow::datatypes::i256;

/// Most digits a DECIMAL has.
pub const MAX_PRECISION: u32 = 65;
/// Most digits after its point.
pub const MAX_SCALE: u8 = 30;
/// What a quotient's scale grows by, MySQL's default of `div_precision_increment`.
pub const DIV_PRECISION_INCREMENT: u8 = 4;

/// An exact number: `unscaled` / 10^`scale`, at most 65 digits, at most 30 of them after the point.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The digits as an integer.
    pub unscaled: i256,
    /// Digits after the point.
    pub scale: u8,
}

/// How well a text or a number fitted a DECIMAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Nothing was lost.
    Exact,
    /// Digits after the point were rounded away.
    Rounded,
    /// It was beyond the largest value, which stands in its place.
    Overflow,
}

/// A number read from the start of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParsedDecimal {
    /// The number; 0 when there was none.
    pub value: Decimal,
    /// Whether it fitted.
    pub fit: Fit,
    /// Bytes of the text read, leading spaces included; 0 when there was no number.
    pub consumed: usize,
}

/// 10^`exponent` for exponents up to 76.
fn power_of_ten(exponent: u32) -> i256 {
    if exponent <= 38 {
        return i256::from_i128(10_i128.pow(exponent));
    }
    i256::from_i128(10_i128.pow(38)).wrapping_mul(i256::from_i128(10_i128.pow(exponent - 38)))
}

/// `value / divisor`, half away from zero.
fn divide_rounded(value: i256, divisor: i256) -> i256 {
    if let (Some(value), Some(divisor)) = (value.to_i128(), divisor.to_i128()) {
        let (quotient, rest) = (value / divisor, value % divisor);
        let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
        let away = if (value < 0) == (divisor < 0) { 1 } else { -1 };
        return i256::from_i128(if up { quotient + away } else { quotient });
    }
    let quotient = value.wrapping_div(divisor);
    let rest = value.wrapping_rem(divisor).wrapping_abs();
    let divisor_size = divisor.wrapping_abs();
    if rest >= divisor_size.wrapping_sub(rest) {
        let negative = value.is_negative() != divisor.is_negative();
        let away = if negative { i256::MINUS_ONE } else { i256::ONE };
        return quotient.wrapping_add(away);
    }
    quotient
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { unscaled: i256::ZERO, scale: 0 };

    /// `unscaled` / 10^`scale`.
    pub fn new(unscaled: i128, scale: u8) -> Decimal {
        Decimal { unscaled: i256::from_i128(unscaled), scale }
    }

    /// The largest DECIMAL(precision, scale).
    pub fn max(precision: u32, scale: u8) -> Decimal {
        let unscaled = power_of_ten(precision.min(MAX_PRECISION)).wrapping_sub(i256::ONE);
        Decimal { unscaled, scale }
    }

    /// Digits it has, at least one and at least its scale.
    pub fn precision(&self) -> u32 {
        self.digits().max(u32::from(self.scale)).max(1)
    }

    /// Significant digits of `unscaled`; none for 0.
    fn digits(&self) -> u32 {
        if let Some(number) = self.unscaled.to_i128() {
            return number.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1);
        }
        let size = self.unscaled.wrapping_abs();
        let mut digits = 38;
        while digits < 77 && size >= power_of_ten(digits.min(76)) {
            digits += 1;
        }
        digits
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.unscaled == i256::ZERO
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.unscaled.is_negative()
    }

    /// Whether it has at most 65 digits before and after the point.
    fn in_range(&self) -> bool {
        self.digits() <= MAX_PRECISION
    }

    /// Reads a number (`12`, `-1.5`, `.5`, `1e-3`) from the start of a text, spaces before it allowed.
    pub fn parse_prefix(text: &[u8]) -> ParsedDecimal {
        let none = ParsedDecimal { value: Decimal::ZERO, fit: Fit::Exact, consumed: 0 };
        let start = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (negative, mut at) = match text.get(start) {
            Some(b'-') => (true, start + 1),
            Some(b'+') => (false, start + 1),
            _ => (false, start),
        };
        let whole_len = digit_run(&text[at..]);
        let whole = &text[at..at + whole_len];
        at += whole_len;
        let mut fraction: &[u8] = &[];
        if text.get(at) == Some(&b'.') {
            let fraction_len = digit_run(&text[at + 1..]);
            fraction = &text[at + 1..at + 1 + fraction_len];
            if whole_len + fraction_len == 0 {
                return none;
            }
            at += 1 + fraction_len;
        } else if whole_len == 0 {
            return none;
        }
        let (exponent, exponent_len) = parse_exponent(&text[at..]);
        at += exponent_len;
        let (value, fit) = assemble(negative, whole, fraction, exponent);
        ParsedDecimal { value, fit, consumed: at }
    }

    /// Reads a whole text; `None` when anything else than spaces follows the number, or it overflows.
    pub fn parse(text: &str) -> Option<Decimal> {
        let parsed = Decimal::parse_prefix(text.as_bytes());
        let rest = &text.as_bytes()[parsed.consumed..];
        let whole = parsed.consumed > 0 && rest.iter().all(u8::is_ascii_whitespace);
        (whole && parsed.fit != Fit::Overflow).then_some(parsed.value)
    }

    /// The number with this scale; digits beyond it are rounded half away from zero. `None` when it gets too large.
    pub fn with_scale(&self, scale: u8) -> Option<Decimal> {
        let unscaled = match scale.cmp(&self.scale) {
            Ordering::Equal => return Some(*self),
            Ordering::Greater => {
                self.unscaled.checked_mul(power_of_ten(u32::from(scale - self.scale)))?
            }
            Ordering::Less => {
                divide_rounded(self.unscaled, power_of_ten(u32::from(self.scale - scale)))
            }
        };
        Some(Decimal { unscaled, scale })
    }

    /// Rounded half away from zero to so many places; negative places round before the point.
    #[must_use]
    pub fn round(&self, places: i32) -> Decimal {
        self.cut(places, divide_rounded)
    }

    /// Cut off after so many places.
    #[must_use]
    pub fn truncate(&self, places: i32) -> Decimal {
        self.cut(places, i256::wrapping_div)
    }

    fn cut(&self, places: i32, divide: fn(i256, i256) -> i256) -> Decimal {
        let drop = i32::from(self.scale) - places.min(i32::from(MAX_SCALE));
        if drop <= 0 {
            return *self;
        }
        if drop > 76 {
            return Decimal::ZERO;
        }
        let divisor = power_of_ten(drop.unsigned_abs());
        let kept = divide(self.unscaled, divisor);
        if places >= 0 {
            return Decimal { unscaled: kept, scale: places.unsigned_abs() as u8 };
        }
        let unscaled = kept.wrapping_mul(power_of_ten(places.unsigned_abs().min(76)));
        Decimal { unscaled, scale: 0 }
    }

    /// The largest integer not above it.
    #[must_use]
    pub fn floor(&self) -> Decimal {
        let cut = self.truncate(0);
        let below = self.is_negative() && cut != *self;
        let step = if below { i256::ONE } else { i256::ZERO };
        Decimal { unscaled: cut.unscaled.wrapping_sub(step), scale: 0 }
    }

    /// The smallest integer not below it.
    #[must_use]
    pub fn ceil(&self) -> Decimal {
        self.neg().floor().neg()
    }

    /// As a DECIMAL(precision, scale), and what that cost. Beyond the range it is the range's end.
    pub fn fit(&self, precision: u32, scale: u8) -> (Decimal, Fit) {
        let limit = Decimal::max(precision, scale);
        let clipped = if self.is_negative() { limit.neg() } else { limit };
        let Some(fitted) = self.with_scale(scale) else {
            return (clipped, Fit::Overflow);
        };
        if fitted.unscaled.wrapping_abs() > limit.unscaled {
            return (clipped, Fit::Overflow);
        }
        let lossless = scale >= self.scale || fitted == *self;
        (fitted, if lossless { Fit::Exact } else { Fit::Rounded })
    }

    /// Sum; `None` when it has more than 65 digits.
    pub fn checked_add(&self, other: &Decimal) -> Option<Decimal> {
        let (left, right, scale) = self.aligned(other)?;
        let sum = Decimal { unscaled: left.checked_add(right)?, scale };
        sum.in_range().then_some(sum)
    }

    /// Difference; `None` when it has more than 65 digits.
    pub fn checked_sub(&self, other: &Decimal) -> Option<Decimal> {
        self.checked_add(&other.neg())
    }

    /// Product, its scale the sum of the scales and at most 30; `None` when it has more than 65 digits.
    pub fn checked_mul(&self, other: &Decimal) -> Option<Decimal> {
        if let (Some(left), Some(right)) = (self.unscaled.to_i128(), other.unscaled.to_i128())
            && self.scale + other.scale <= MAX_SCALE
            && let Some(unscaled) = left.checked_mul(right)
        {
            return Some(Decimal::new(unscaled, self.scale + other.scale));
        }
        let (mut left, mut right) = (*self, *other);
        let product = loop {
            match left.unscaled.checked_mul(right.unscaled) {
                Some(unscaled) => break Decimal { unscaled, scale: left.scale + right.scale },
                // Too many digits even for the intermediate result: give up digits that would be rounded away anyway.
                None if left.scale + right.scale > MAX_SCALE => {
                    let wider = if left.scale >= right.scale { &mut left } else { &mut right };
                    *wider = wider.round(i32::from(wider.scale) - 1);
                }
                None => return None,
            }
        };
        let product = product.round(i32::from(MAX_SCALE));
        product.in_range().then_some(product)
    }

    /// Quotient with `scale` digits after the point, the rest cut off; `None` when the divisor is 0 or the quotient has
    /// more than 65 digits.
    fn divide_to(&self, other: &Decimal, scale: u8) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let shift = i32::from(scale) + i32::from(other.scale) - i32::from(self.scale);
        let (mut dividend, mut divisor) = (self.unscaled, other.unscaled);
        if shift < 0 {
            divisor = divisor.checked_mul(power_of_ten(shift.unsigned_abs()))?;
        } else if let Some(wide) = dividend.checked_mul(power_of_ten(shift.unsigned_abs())) {
            dividend = wide;
        } else {
            // Long division, digit by digit: what is left is below the divisor, so ten times that always fits.
            let ten = i256::from_i128(10);
            let mut quotient = dividend.wrapping_div(divisor);
            let mut rest = dividend.wrapping_rem(divisor);
            for _ in 0..shift {
                rest = rest.checked_mul(ten)?;
                quotient = quotient.checked_mul(ten)?.checked_add(rest.wrapping_div(divisor))?;
                rest = rest.wrapping_rem(divisor);
            }
            let quotient = Decimal { unscaled: quotient, scale };
            return quotient.in_range().then_some(quotient);
        }
        let quotient = Decimal { unscaled: dividend.wrapping_div(divisor), scale };
        quotient.in_range().then_some(quotient)
    }

    /// Quotient as MySQL computes it: the scale grows by `increment` and on to whole groups of nine digits, so that
    /// `1 / 3 * 3` is `1.0000` once it is rounded to the scale it is shown with. `None`: divisor 0, or too large.
    pub fn checked_div(&self, other: &Decimal, increment: u8) -> Option<Decimal> {
        let groups = |scale: u8| scale.div_ceil(9) * 9;
        let (left, right) = (groups(self.scale), groups(other.scale));
        let have = (left - self.scale) + (right - other.scale);
        let wanted = left + right + increment.saturating_sub(have);
        let scale = groups(wanted).min(MAX_SCALE);
        self.divide_to(other, scale)
            .or_else(|| self.divide_to(other, (self.scale + increment).min(MAX_SCALE)))
    }

    /// The quotient's whole part; `None` when the divisor is 0.
    pub fn checked_int_div(&self, other: &Decimal) -> Option<Decimal> {
        self.divide_to(other, 0)
    }

    /// Remainder with the sign of `self`; `None` when the divisor is 0.
    pub fn checked_rem(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let (left, right, scale) = self.aligned(other)?;
        Some(Decimal { unscaled: left.checked_rem(right)?, scale })
    }

    /// The same without its sign.
    #[must_use]
    pub fn abs(&self) -> Decimal {
        Decimal { unscaled: self.unscaled.wrapping_abs(), scale: self.scale }
    }

    /// With the other sign.
    #[must_use]
    pub fn neg(&self) -> Decimal {
        Decimal { unscaled: self.unscaled.wrapping_neg(), scale: self.scale }
    }

    /// Both with the larger scale of the two.
    fn aligned(&self, other: &Decimal) -> Option<(i256, i256, u8)> {
        if self.scale == other.scale {
            return Some((self.unscaled, other.unscaled, self.scale));
        }
        let scale = self.scale.max(other.scale);
        Some((self.with_scale(scale)?.unscaled, other.with_scale(scale)?.unscaled, scale))
    }

    /// As an integer, rounded; `None` beyond the range.
    pub fn to_i64(&self) -> Option<i64> {
        self.round(0).unscaled.to_i128().and_then(|number| i64::try_from(number).ok())
    }

    /// As an unsigned integer, rounded; `None` beyond the range.
    pub fn to_u64(&self) -> Option<u64> {
        self.round(0).unscaled.to_i128().and_then(|number| u64::try_from(number).ok())
    }

    /// The digits without the point, when they fit: microseconds of a number of seconds with six places.
    pub fn to_whole_i64(&self) -> Option<i64> {
        self.unscaled.to_i128().and_then(|number| i64::try_from(number).ok())
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        // Both parts exact in a double: one correctly rounded division. Otherwise the text's conversion rounds correctly.
        if let Some(number) = self.unscaled.to_i128()
            && number.unsigned_abs() < 1 << 53
            && self.scale <= 22
        {
            return number as f64 / 10_f64.powi(i32::from(self.scale));
        }
        self.to_string().parse().unwrap_or(0.0)
    }

    /// The decimal a double's shortest text stands for, as MySQL converts; `None` when it is too large or no number.
    pub fn from_f64(number: f64) -> Option<Decimal> {
        if !number.is_finite() {
            return None;
        }
        let parsed = Decimal::parse_prefix(format!("{number:e}").as_bytes());
        (parsed.fit != Fit::Overflow).then_some(parsed.value)
    }

    /// Without zeros at the end of the fraction: equal numbers become equal structs.
    #[must_use]
    pub fn normalized(&self) -> Decimal {
        let ten = i256::from_i128(10);
        let mut number = *self;
        while number.scale > 0 && number.unscaled.wrapping_rem(ten) == i256::ZERO {
            number =
                Decimal { unscaled: number.unscaled.wrapping_div(ten), scale: number.scale - 1 };
        }
        number
    }
}

fn digit_run(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// `e-3` at the start: the exponent (0 without one) and its length.
fn parse_exponent(text: &[u8]) -> (i64, usize) {
    if !matches!(text.first(), Some(b'e' | b'E')) {
        return (0, 0);
    }
    let (negative, start) = match text.get(1) {
        Some(b'-') => (true, 2),
        Some(b'+') => (false, 2),
        _ => (false, 1),
    };
    let digits = digit_run(&text[start.min(text.len())..]);
    if digits == 0 {
        return (0, 0);
    }
    let size = text[start..start + digits]
        .iter()
        .fold(0_i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1_000_000));
    (if negative { -size } else { size }, start + digits)
}

/// The number of these digits, times 10^`exponent`.
fn assemble(negative: bool, whole: &[u8], fraction: &[u8], exponent: i64) -> (Decimal, Fit) {
    let significant: Vec<u8> =
        whole.iter().chain(fraction).copied().skip_while(|digit| *digit == b'0').collect();
    // The value is `significant` / 10^`scale`.
    let scale = fraction.len() as i64 - exponent;
    let whole_digits = significant.len() as i64 - scale;
    if !significant.is_empty() && whole_digits > i64::from(MAX_PRECISION) {
        let limit = Decimal::max(MAX_PRECISION, 0);
        return (if negative { limit.neg() } else { limit }, Fit::Overflow);
    }
    let kept_scale =
        scale.clamp(0, i64::from(MAX_SCALE)).min(i64::from(MAX_PRECISION) - whole_digits.max(0));
    let dropped = (scale - kept_scale).max(0);
    let kept = (significant.len() as i64 - dropped).max(0) as usize;
    let mut unscaled = to_integer(&significant[..kept.min(significant.len())]);
    let mut fit = Fit::Exact;
    if dropped > 0 && significant[kept..].iter().any(|digit| *digit != b'0') {
        fit = Fit::Rounded;
        let first_dropped =
            if significant.len() as i64 >= dropped { significant[kept] } else { b'0' };
        if first_dropped >= b'5' {
            unscaled = unscaled.wrapping_add(i256::ONE);
        }
    }
    if scale < 0 && !significant.is_empty() {
        unscaled = unscaled.wrapping_mul(power_of_ten(scale.unsigned_abs() as u32));
    }
    if negative {
        unscaled = unscaled.wrapping_neg();
    }
    (Decimal { unscaled, scale: kept_scale as u8 }, fit)
}

fn to_integer(digits: &[u8]) -> i256 {
    let mut number = i256::ZERO;
    for chunk in digits.chunks(36) {
        let part = chunk.iter().fold(0_i128, |part, digit| part * 10 + i128::from(digit - b'0'));
        let shift = power_of_ten(chunk.len() as u32);
        number = number.wrapping_mul(shift).wrapping_add(i256::from_i128(part));
    }
    number
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = match self.unscaled.to_i128() {
            Some(number) => number.unsigned_abs().to_string(),
            None => {
                let unit = power_of_ten(36);
                let size = self.unscaled.wrapping_abs();
                let high = size.wrapping_div(unit).as_i128();
                format!("{high}{:036}", size.wrapping_rem(unit).as_i128())
            }
        };
        let scale = usize::from(self.scale);
        if digits.len() <= scale {
            digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
        }
        if self.is_negative() {
            f.write_str("-")?;
        }
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        f.write_str(whole)?;
        if scale > 0 {
            write!(f, ".{fraction}")?;
        }
        Ok(())
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Decimal {
        Decimal::new(i128::from(number), 0)
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Decimal {
        Decimal::new(i128::from(number), 0)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        match self.aligned(other) {
            Some((left, right, _)) => left.cmp(&right),
            // Only a number with more than 46 digits before the point cannot be widened: compare those first.
            None => {
                let by_whole = self.truncate(0).unscaled.cmp(&other.truncate(0).unscaled);
                by_whole.then_with(|| {
                    let left = self.checked_rem(&Decimal::new(1, 0)).unwrap_or(Decimal::ZERO);
                    let right = other.checked_rem(&Decimal::new(1, 0)).unwrap_or(Decimal::ZERO);
                    left.cmp(&right)
                })
            }
        }
    }
}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let number = self.normalized();
        number.unscaled.hash(state);
        number.scale.hash(state);
    }
}
