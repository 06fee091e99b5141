//! `information_schema.STATEMENTS_SUMMARY`: statements by digest, times in nanoseconds; a table of TiDB's.

use std::time::Duration;

use crate::sql::system::schema_facts::moment_micros;
use crate::sql::system::table::table;

table! {
    "STATEMENTS_SUMMARY": |asked| for digest in asked.sources.digests();
    SCHEMA_NAME: Varchar(64) = digest.database.as_deref();
    DIGEST: Varchar(64) = digest.digest.as_deref();
    DIGEST_TEXT: LongText = digest.text.as_deref();
    EXEC_COUNT: UBigInt NOT NULL = digest.count;
    SUM_ERRORS: UBigInt NOT NULL = digest.errors;
    SUM_WARNINGS: UBigInt NOT NULL = digest.warnings;
    SUM_LATENCY: UBigInt NOT NULL = nanos(digest.sum);
    MIN_LATENCY: UBigInt NOT NULL = nanos(digest.min);
    AVG_LATENCY: UBigInt NOT NULL = nanos(digest.average());
    P95_LATENCY: UBigInt NOT NULL = nanos(digest.p95);
    P99_LATENCY: UBigInt NOT NULL = nanos(digest.p99);
    MAX_LATENCY: UBigInt NOT NULL = nanos(digest.max);
    SUM_RESULT_ROWS: UBigInt NOT NULL = digest.sent;
    SUM_AFFECTED_ROWS: UBigInt NOT NULL = digest.affected;
    SUM_EXAMINED_ROWS: UBigInt NOT NULL = digest.examined;
    FIRST_SEEN: Timestamp(6) = moment_micros(digest.first_micros, asked.sources.time_zone());
    LAST_SEEN: Timestamp(6) = moment_micros(digest.last_micros, asked.sources.time_zone());
    QUERY_SAMPLE_TEXT: LongText = digest.sample.as_deref();
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
