//! `information_schema`, a file for each table.

pub(super) mod actors;
pub(super) mod administrable_role_authorizations;
pub(super) mod applicable_roles;
pub(super) mod character_sets;
pub(super) mod check_constraints;
pub(super) mod cluster_processlist;
pub(super) mod collation_character_set_applicability;
pub(super) mod collations;
pub(super) mod column_privileges;
pub(super) mod column_statistics;
pub(super) mod columns;
pub(super) mod columns_extensions;
pub(super) mod enabled_roles;
pub(super) mod engines;
pub(super) mod events;
pub(super) mod files;
pub(super) mod innodb_cmp;
pub(super) mod innodb_cmp_per_index;
pub(super) mod innodb_cmp_per_index_reset;
pub(super) mod innodb_cmp_reset;
pub(super) mod innodb_cmpmem;
pub(super) mod innodb_cmpmem_reset;
pub(super) mod innodb_datafiles;
pub(super) mod innodb_foreign;
pub(super) mod innodb_foreign_cols;
pub(super) mod innodb_ft_being_deleted;
pub(super) mod innodb_ft_config;
pub(super) mod innodb_ft_default_stopword;
pub(super) mod innodb_ft_deleted;
pub(super) mod innodb_ft_index_cache;
pub(super) mod innodb_ft_index_table;
pub(super) mod innodb_indexes;
pub(super) mod innodb_metrics;
pub(super) mod innodb_session_temp_tablespaces;
pub(super) mod innodb_tables;
pub(super) mod innodb_tablespaces;
pub(super) mod innodb_tablespaces_brief;
pub(super) mod innodb_tablestats;
pub(super) mod innodb_temp_table_info;
pub(super) mod innodb_virtual;
pub(super) mod key_column_usage;
pub(super) mod keywords;
pub(super) mod mailboxes;
pub(super) mod optimizer_trace;
pub(super) mod parameters;
pub(super) mod partitions;
pub(super) mod plugins;
pub(super) mod processlist;
pub(super) mod profiling;
pub(super) mod referential_constraints;
pub(super) mod resource_groups;
pub(super) mod role_column_grants;
pub(super) mod role_routine_grants;
pub(super) mod role_table_grants;
pub(super) mod routines;
pub(super) mod schema_privileges;
pub(super) mod schemata;
pub(super) mod schemata_extensions;
pub(super) mod slow_query;
pub(super) mod st_geometry_columns;
pub(super) mod st_spatial_reference_systems;
pub(super) mod st_units_of_measure;
pub(super) mod statements_summary;
pub(super) mod statistics;
pub(super) mod table_constraints;
pub(super) mod table_constraints_extensions;
pub(super) mod table_privileges;
pub(super) mod tables;
pub(super) mod tables_extensions;
pub(super) mod tablespaces;
pub(super) mod tablespaces_extensions;
pub(super) mod triggers;
pub(super) mod user_attributes;
pub(super) mod user_privileges;
pub(super) mod view_routine_usage;
pub(super) mod view_table_usage;
pub(super) mod views;

use super::performance_schema;
use super::table::Table;

/// All of them.
pub(super) static TABLES: &[&Table] = &[
    &actors::TABLE,
    &administrable_role_authorizations::TABLE,
    &applicable_roles::TABLE,
    &character_sets::TABLE,
    &check_constraints::TABLE,
    &cluster_processlist::TABLE,
    &collation_character_set_applicability::TABLE,
    &collations::TABLE,
    &column_privileges::TABLE,
    &column_statistics::TABLE,
    &columns::TABLE,
    &columns_extensions::TABLE,
    &enabled_roles::TABLE,
    &engines::TABLE,
    &events::TABLE,
    &files::TABLE,
    &innodb_cmp::TABLE,
    &innodb_cmp_per_index::TABLE,
    &innodb_cmp_per_index_reset::TABLE,
    &innodb_cmp_reset::TABLE,
    &innodb_cmpmem::TABLE,
    &innodb_cmpmem_reset::TABLE,
    &innodb_datafiles::TABLE,
    &innodb_foreign::TABLE,
    &innodb_foreign_cols::TABLE,
    &innodb_ft_being_deleted::TABLE,
    &innodb_ft_config::TABLE,
    &innodb_ft_default_stopword::TABLE,
    &innodb_ft_deleted::TABLE,
    &innodb_ft_index_cache::TABLE,
    &innodb_ft_index_table::TABLE,
    &innodb_indexes::TABLE,
    &innodb_metrics::TABLE,
    &innodb_session_temp_tablespaces::TABLE,
    &innodb_tables::TABLE,
    &innodb_tablespaces::TABLE,
    &innodb_tablespaces_brief::TABLE,
    &innodb_tablestats::TABLE,
    &innodb_temp_table_info::TABLE,
    &innodb_virtual::TABLE,
    &key_column_usage::TABLE,
    &keywords::TABLE,
    &mailboxes::TABLE,
    &optimizer_trace::TABLE,
    &parameters::TABLE,
    &partitions::TABLE,
    &plugins::TABLE,
    &processlist::TABLE,
    &profiling::TABLE,
    &referential_constraints::TABLE,
    &resource_groups::TABLE,
    &role_column_grants::TABLE,
    &role_routine_grants::TABLE,
    &role_table_grants::TABLE,
    &routines::TABLE,
    &schema_privileges::TABLE,
    &schemata::TABLE,
    &schemata_extensions::TABLE,
    &slow_query::TABLE,
    &st_geometry_columns::TABLE,
    &st_spatial_reference_systems::TABLE,
    &st_units_of_measure::TABLE,
    &statements_summary::TABLE,
    &statistics::TABLE,
    &table_constraints::TABLE,
    &table_constraints_extensions::TABLE,
    &table_privileges::TABLE,
    &tables::TABLE,
    &tables_extensions::TABLE,
    &tablespaces::TABLE,
    &tablespaces_extensions::TABLE,
    &triggers::TABLE,
    &user_attributes::TABLE,
    &user_privileges::TABLE,
    &view_routine_usage::TABLE,
    &view_table_usage::TABLE,
    &views::TABLE,
    // Where MySQL 5.7 had them.
    &performance_schema::global_status::TABLE,
    &performance_schema::global_variables::TABLE,
    &performance_schema::session_status::TABLE,
    &performance_schema::session_variables::TABLE,
];
