//! `information_schema`, a file for each table.

pub(super) mod character_sets;
pub(super) mod check_constraints;
pub(super) mod cluster_processlist;
pub(super) mod collation_character_set_applicability;
pub(super) mod collations;
pub(super) mod column_privileges;
pub(super) mod columns;
pub(super) mod engines;
pub(super) mod events;
pub(super) mod files;
pub(super) mod key_column_usage;
pub(super) mod keywords;
pub(super) mod parameters;
pub(super) mod partitions;
pub(super) mod plugins;
pub(super) mod processlist;
pub(super) mod referential_constraints;
pub(super) mod routines;
pub(super) mod schema_privileges;
pub(super) mod schemata;
pub(super) mod slow_query;
pub(super) mod statements_summary;
pub(super) mod statistics;
pub(super) mod table_constraints;
pub(super) mod table_privileges;
pub(super) mod tables;
pub(super) mod triggers;
pub(super) mod user_privileges;
pub(super) mod views;

use super::performance_schema;
use super::table::Table;

/// All of them.
pub(super) static TABLES: &[&Table] = &[
    &character_sets::TABLE,
    &check_constraints::TABLE,
    &cluster_processlist::TABLE,
    &collation_character_set_applicability::TABLE,
    &collations::TABLE,
    &column_privileges::TABLE,
    &columns::TABLE,
    &engines::TABLE,
    &events::TABLE,
    &files::TABLE,
    &key_column_usage::TABLE,
    &keywords::TABLE,
    &parameters::TABLE,
    &partitions::TABLE,
    &plugins::TABLE,
    &processlist::TABLE,
    &referential_constraints::TABLE,
    &routines::TABLE,
    &schema_privileges::TABLE,
    &schemata::TABLE,
    &slow_query::TABLE,
    &statements_summary::TABLE,
    &statistics::TABLE,
    &table_constraints::TABLE,
    &table_privileges::TABLE,
    &tables::TABLE,
    &triggers::TABLE,
    &user_privileges::TABLE,
    &views::TABLE,
    // Where MySQL 5.7 had them.
    &performance_schema::global_status::TABLE,
    &performance_schema::global_variables::TABLE,
    &performance_schema::session_status::TABLE,
    &performance_schema::session_variables::TABLE,
];
