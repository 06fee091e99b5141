//! Numbers of any kind, compared exactly.
//!
//! Integers and decimals are what they are; a double that is whole is that integer, and any other is the decimal of its
//! shortest text, so that 3.14 is 3.14 however it came. So all of them stand in one order, and a key can say it.

use std::cmp::Ordering;

use super::read::View;

/// The doubles whose whole numbers are taken digit by digit.
const WHOLE: f64 = 18_446_744_073_709_551_616.0;

/// A number as 0.d₁d₂d₃… × 10^exponent, without zeros at either end; none for 0.
#[derive(PartialEq, Eq)]
pub(super) struct Digits {
    is_negative: bool,
    exponent: i32,
    digits: Vec<u8>,
}

/// The number that a part of a document is.
pub(super) fn digits(view: View<'_>) -> Option<Digits> {
    Some(match view {
        View::Int(number) => Digits::of_text(itoa::Buffer::new().format(number)),
        View::UInt(number) => Digits::of_text(itoa::Buffer::new().format(number)),
        View::Decimal(number) => Digits::of_text(&number.to_string()),
        View::Double(number) if number.fract() == 0.0 && number.abs() < WHOLE => {
            Digits::of_text(itoa::Buffer::new().format(number as i128))
        }
        View::Double(number) => Digits::of_text(&format!("{number:e}")),
        _ => return None,
    })
}

/// The order of two numbers; `None` when one of them is none.
pub(super) fn compare(left: View<'_>, right: View<'_>) -> Option<Ordering> {
    let whole = |view: View<'_>| match view {
        View::Int(number) => Some(i128::from(number)),
        View::UInt(number) => Some(i128::from(number)),
        _ => None,
    };
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        return Some(left.cmp(&right));
    }
    match (left, right) {
        (View::Double(left), View::Double(right)) => left.partial_cmp(&right),
        (View::Decimal(left), View::Decimal(right)) => Some(left.cmp(&right)),
        _ => Some(digits(left)?.cmp(&digits(right)?)),
    }
}

impl Digits {
    /// Of `-12.5` or `1.25e-7`.
    fn of_text(text: &str) -> Digits {
        let (size, is_negative) = match text.strip_prefix('-') {
            Some(size) => (size, true),
            None => (text, false),
        };
        let (mantissa, exponent) = size.split_once('e').unwrap_or((size, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut exponent = exponent.parse().unwrap_or(0) + whole.len() as i32;
        let all = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0');
        let mut digits: Vec<u8> = all.collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        exponent -= leading as i32;
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Digits { is_negative: false, exponent: 0, digits };
        }
        Digits { is_negative, exponent, digits }
    }

    /// Appends bytes whose order is the order of the numbers.
    pub(super) fn write_key(&self, out: &mut Vec<u8>) {
        if self.digits.is_empty() {
            out.push(1);
            return;
        }
        out.push(if self.is_negative { 0 } else { 2 });
        let start = out.len();
        // Doubles reach from about 10^-324 to 10^308.
        out.extend_from_slice(&((self.exponent + 0x8000) as u16).to_be_bytes());
        out.extend(self.digits.iter().map(|digit| digit + 1));
        out.push(0);
        if self.is_negative {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Digits) -> Ordering {
        let sign = |number: &Digits| match (number.digits.is_empty(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_size = || {
            let by_exponent = self.exponent.cmp(&other.exponent);
            by_exponent.then_with(|| self.digits.cmp(&other.digits))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => by_size(),
            _ => by_size().reverse(),
        })
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Digits) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
