//! `performance_schema`, a file for each table.

pub(super) mod events_statements_summary_by_digest;
pub(super) mod global_status;
pub(super) mod global_variables;
pub(super) mod metadata_locks;
pub(super) mod persisted_variables;
pub(super) mod processlist;
pub(super) mod replication_applier_status;
pub(super) mod replication_connection_status;
pub(super) mod replication_group_members;
pub(super) mod session_account_connect_attrs;
pub(super) mod session_connect_attrs;
pub(super) mod session_status;
pub(super) mod session_variables;
pub(super) mod setup_actors;
pub(super) mod setup_consumers;
pub(super) mod setup_instruments;
pub(super) mod setup_objects;
pub(super) mod setup_threads;
pub(super) mod threads;

use super::table::Table;

/// All of them.
pub(super) static TABLES: &[&Table] = &[
    &events_statements_summary_by_digest::TABLE,
    &global_status::TABLE,
    &global_variables::TABLE,
    &metadata_locks::TABLE,
    &persisted_variables::TABLE,
    &processlist::TABLE,
    &replication_applier_status::TABLE,
    &replication_connection_status::TABLE,
    &replication_group_members::TABLE,
    &session_account_connect_attrs::TABLE,
    &session_connect_attrs::TABLE,
    &session_status::TABLE,
    &session_variables::TABLE,
    &setup_actors::TABLE,
    &setup_consumers::TABLE,
    &setup_instruments::TABLE,
    &setup_objects::TABLE,
    &setup_threads::TABLE,
    &threads::TABLE,
];
