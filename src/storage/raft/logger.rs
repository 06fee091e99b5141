//! From the raft crate's log (`slog`) to ours (`tracing`).

use std::fmt::{self, Write};

use slog::{Drain, KV, Level, Logger, Never, OwnedKVList, Record, Serializer, o};

use crate::common::RegionId;

/// A logger for one region's Raft group. What the crate calls info is our debug: elections of a
/// hundred thousand regions are no news.
pub fn tracing_logger(region_id: RegionId) -> Logger {
    Logger::root(ToTracing, o!("region_id" => region_id.0))
}

struct ToTracing;

impl Drain for ToTracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        match record.level() {
            Level::Critical | Level::Error => {
                tracing::error!(details = %Line::of(record, values), "raft reports an error");
            }
            Level::Warning => {
                tracing::warn!(details = %Line::of(record, values), "raft warns");
            }
            Level::Info if tracing::enabled!(tracing::Level::DEBUG) => {
                tracing::debug!(details = %Line::of(record, values), "raft");
            }
            Level::Debug | Level::Trace if tracing::enabled!(tracing::Level::TRACE) => {
                tracing::trace!(details = %Line::of(record, values), "raft");
            }
            _ => {}
        }
        Ok(())
    }
}

/// A record as one line: the message, then its values.
struct Line(String);

impl Line {
    fn of(record: &Record<'_>, values: &OwnedKVList) -> Line {
        let mut line = Line(record.msg().to_string());
        // Writing to a string does not fail.
        let _ = record.kv().serialize(record, &mut line);
        let _ = values.serialize(record, &mut line);
        line
    }
}

impl Serializer for Line {
    fn emit_arguments(&mut self, key: slog::Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, " {key}={value}")?;
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
