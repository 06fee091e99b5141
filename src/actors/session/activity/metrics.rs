//! The metrics of statements.

use metrics::{counter, describe_counter, describe_histogram, histogram};

use super::Ran;
use crate::sql::statement::StatementKind;

/// How long statements take, by kind (histogram).
pub(in crate::actors) const DURATION: &str = "troupe_sql_statement_duration_seconds";
/// Statements that failed, by MySQL's number (counter).
const ERRORS: &str = "troupe_sql_statement_errors_total";

/// Says what they mean.
pub(in crate::actors) fn describe() {
    describe_histogram!(DURATION, "how long statements take, in seconds");
    describe_counter!(ERRORS, "statements that failed, by MySQL's number of the error");
}

/// The kinds that are told apart: few, since each is sixteen time series.
fn kind(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Select => "select",
        StatementKind::Insert
        | StatementKind::InsertSelect
        | StatementKind::Replace
        | StatementKind::ReplaceSelect => "insert",
        StatementKind::Update => "update",
        StatementKind::Delete => "delete",
        StatementKind::Commit => "commit",
        _ => "other",
    }
}

pub(super) fn record(ran: &Ran<'_>) {
    histogram!(DURATION, "kind" => kind(ran.command)).record(ran.outcome.elapsed.as_secs_f64());
    if let Some(code) = ran.outcome.error {
        counter!(ERRORS, "code" => code.to_string()).increment(1);
    }
}
