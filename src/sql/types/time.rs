//! Dates and times as MySQL has them, zero dates included.

/// Which of the calendar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum TimeKind {
    /// A day.
    Date,
    /// A day and a time, in no time zone.
    DateTime,
    /// A moment.
    Timestamp,
}

/// A DATE, DATETIME or TIMESTAMP, packed so that comparing `packed` compares the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// `((year * 13 + month) << 5 | day) << 17 | hour << 12 | minute << 6 | second`, all `<< 24 | microsecond`.
    pub packed: u64,
    /// Which type.
    pub kind: TimeKind,
    /// Digits of the second's fraction, 0 to 6.
    pub fsp: u8,
}

/// A TIME: a signed span of up to 838:59:59.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    /// Microseconds.
    pub micros: i64,
    /// Digits of the second's fraction, 0 to 6.
    pub fsp: u8,
}
