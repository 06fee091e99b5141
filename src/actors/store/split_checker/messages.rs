//! What the SplitChecker is asked.

use bytes::Bytes;

use crate::message;
use crate::storage::region::Region;

/// Where a region shall be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutAt {
    /// Into parts of the configured size, if it is too large.
    Size,
    /// In the middle, however small it is.
    Middle,
}

/// Scan a region. Sent by its peer while it leads.
pub struct CheckSplit {
    /// The region.
    pub region: Region,
    /// How to cut.
    pub cut_at: CutAt,
}
message!(CheckSplit => SplitCheck, "CheckSplit");

/// What a scan has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitCheck {
    /// Bytes in the region.
    pub size: u64,
    /// Versions in the region.
    pub keys: u64,
    /// Encoded keys to cut at; none: it is fine as it is.
    pub cuts: Vec<Bytes>,
}
