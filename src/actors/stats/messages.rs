//! What the reporter is told.

use crate::message;

/// Sent when a node stops, after its last session: report what is not yet reported. The answer is whether all of it is.
#[derive(Clone, Copy, Debug)]
pub struct ReportNow;

message!(ReportNow => bool, "ReportNow");
