//! Values with units, as people write them: `96MiB`, `30s`.

use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes, written `512`, `64KiB`, `96MiB` or `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    /// So many mebibytes.
    pub const fn mib(n: u64) -> ByteSize {
        ByteSize(n << 20)
    }

    fn parse(text: &str) -> Option<ByteSize> {
        let text = text.trim();
        for (suffix, factor) in UNITS {
            if let Some(number) = text.strip_suffix(suffix) {
                return number.trim().parse::<u64>().ok()?.checked_mul(factor).map(ByteSize);
            }
        }
        text.parse().ok().map(ByteSize)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (suffix, factor) in UNITS {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{}{suffix}", self.0 / factor);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        ByteSize::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is not a size such as 96MiB")))
    }
}

/// A span of time, written `500ms`, `30s`, `10m` or `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(#[serde(with = "humantime_serde")] pub Duration);

impl Span {
    /// So many seconds.
    pub const fn seconds(n: u64) -> Span {
        Span(Duration::from_secs(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_they_print() {
        for size in [0, 1, 1023, 1024, 96 << 20, 3 << 30, (1 << 40) + 1] {
            assert_eq!(ByteSize::parse(&ByteSize(size).to_string()), Some(ByteSize(size)));
        }
        assert_eq!(ByteSize::parse(" 4 KiB "), Some(ByteSize(4096)));
        for bad in ["", "MiB", "-1", "1.5GiB", "9 MB", "99999999999TiB"] {
            assert_eq!(ByteSize::parse(bad), None, "{bad}");
        }
    }
}
