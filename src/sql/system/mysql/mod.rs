//! `mysql`, a file for each table.

mod columns_priv;
mod db;
mod default_roles;
mod func;
mod general_log;
mod global_grants;
mod plugin;
mod procs_priv;
mod proxies_priv;
mod role_edges;
mod servers;
mod slow_log;
mod tables_priv;
mod time_zone;
mod time_zone_leap_second;
mod time_zone_name;
mod time_zone_transition;
mod time_zone_transition_type;
mod user;

use super::table::Table;

/// All of them.
pub(super) static TABLES: &[&Table] = &[
    &columns_priv::TABLE,
    &db::TABLE,
    &default_roles::TABLE,
    &func::TABLE,
    &general_log::TABLE,
    &global_grants::TABLE,
    &plugin::TABLE,
    &procs_priv::TABLE,
    &proxies_priv::TABLE,
    &role_edges::TABLE,
    &servers::TABLE,
    &slow_log::TABLE,
    &tables_priv::TABLE,
    &time_zone::TABLE,
    &time_zone_leap_second::TABLE,
    &time_zone_name::TABLE,
    &time_zone_transition::TABLE,
    &time_zone_transition_type::TABLE,
    &user::TABLE,
];
