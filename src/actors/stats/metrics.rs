//! Names of the statistics' metrics.

/// Tables analyzed by this node of itself.
pub(super) const ANALYZED: &str = "troupe_stats_tables_analyzed_total";
/// Tables whose analysis failed.
pub(super) const ANALYZE_FAILURES: &str = "troupe_stats_analyze_failures_total";
/// Rows read for it.
pub(super) const ROWS_READ: &str = "troupe_stats_rows_read_total";
/// Reports of what transactions did.
pub(super) const REPORTS: &str = "troupe_stats_reports_total";
/// Reports that failed, to be tried again.
pub(super) const REPORT_FAILURES: &str = "troupe_stats_report_failures_total";

/// Says what they mean.
pub(in crate::actors) fn describe() {
    metrics::describe_counter!(REPORTS, "reports of what transactions did to tables");
    metrics::describe_counter!(REPORT_FAILURES, "such reports that failed, to be tried again");
    metrics::describe_counter!(ANALYZED, "tables analyzed without being asked to");
    metrics::describe_counter!(ANALYZE_FAILURES, "such analyses that failed");
    metrics::describe_counter!(ROWS_READ, "rows read to analyze tables without being asked to");
}
