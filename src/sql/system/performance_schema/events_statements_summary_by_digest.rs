//! `performance_schema.events_statements_summary_by_digest`: statements by digest, times in picoseconds.

use std::time::Duration;

use crate::sql::system::schema_facts::moment_micros;
use crate::sql::system::table::table;

table! {
    "events_statements_summary_by_digest": |asked| for digest in asked.sources.digests();
    SCHEMA_NAME: Varchar(64) = digest.database.as_deref();
    DIGEST: Varchar(64) = digest.digest.as_deref();
    DIGEST_TEXT: LongText = digest.text.as_deref();
    COUNT_STAR: UBigInt NOT NULL = digest.count;
    SUM_TIMER_WAIT: UBigInt NOT NULL = picos(digest.sum);
    MIN_TIMER_WAIT: UBigInt NOT NULL = picos(digest.min);
    AVG_TIMER_WAIT: UBigInt NOT NULL = picos(digest.average());
    MAX_TIMER_WAIT: UBigInt NOT NULL = picos(digest.max);
    SUM_ERRORS: UBigInt NOT NULL = digest.errors;
    SUM_WARNINGS: UBigInt NOT NULL = digest.warnings;
    SUM_ROWS_AFFECTED: UBigInt NOT NULL = digest.affected;
    SUM_ROWS_SENT: UBigInt NOT NULL = digest.sent;
    SUM_ROWS_EXAMINED: UBigInt NOT NULL = digest.examined;
    FIRST_SEEN: Timestamp(6) = moment_micros(digest.first_micros, asked.sources.time_zone());
    LAST_SEEN: Timestamp(6) = moment_micros(digest.last_micros, asked.sources.time_zone());
    QUANTILE_95: UBigInt NOT NULL = picos(digest.p95);
    QUANTILE_99: UBigInt NOT NULL = picos(digest.p99);
    QUANTILE_999: UBigInt NOT NULL = picos(digest.p999);
    QUERY_SAMPLE_TEXT: LongText = digest.sample.as_deref();
}

fn picos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().saturating_mul(1000)).unwrap_or(u64::MAX)
}
