//! `performance_schema`, a file for each table.

pub(super) mod events_statements_summary_by_digest;
pub(super) mod global_status;
pub(super) mod global_variables;
pub(super) mod metadata_locks;
pub(super) mod processlist;
pub(super) mod session_status;
pub(super) mod session_variables;

use super::table::Table;

/// All of them.
pub(super) static TABLES: &[&Table] = &[
    &events_statements_summary_by_digest::TABLE,
    &global_status::TABLE,
    &global_variables::TABLE,
    &metadata_locks::TABLE,
    &processlist::TABLE,
    &session_status::TABLE,
    &session_variables::TABLE,
];
