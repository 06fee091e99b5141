//! What optimizer hints change for one statement: variables of the session.

use super::core::Core;
use super::variables::{SessionVariables, find};
use crate::common::errno;
use crate::sql::parser::ast::Literal;
use crate::sql::parser::{Hints, ParseWarning};
use crate::sql::types::Datum;

/// The hints of a statement that has none.
pub(super) static NO_HINTS: Hints = Hints { max_execution_time: None, variables: Vec::new() };

/// The variables that MySQL lets SET_VAR set.
const HINTABLE: &[&str] = &[
    "auto_increment_increment",
    "auto_increment_offset",
    "big_tables",
    "bulk_insert_buffer_size",
    "cte_max_recursion_depth",
    "default_tmp_storage_engine",
    "div_precision_increment",
    "end_markers_in_json",
    "eq_range_index_dive_limit",
    "foreign_key_checks",
    "group_concat_max_len",
    "insert_id",
    "internal_tmp_mem_storage_engine",
    "join_buffer_size",
    "lock_wait_timeout",
    "max_error_count",
    "max_execution_time",
    "max_heap_table_size",
    "max_join_size",
    "max_length_for_sort_data",
    "max_points_in_geometry",
    "max_seeks_for_key",
    "max_sort_length",
    "optimizer_prune_level",
    "optimizer_search_depth",
    "optimizer_switch",
    "range_alloc_block_size",
    "range_optimizer_max_mem_size",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "sort_buffer_size",
    "sql_auto_is_null",
    "sql_big_selects",
    "sql_buffer_result",
    "sql_mode",
    "sql_require_primary_key",
    "sql_safe_updates",
    "sql_select_limit",
    "time_zone",
    "timestamp",
    "tmp_table_size",
    "transaction_alloc_block_size",
    "transaction_prealloc_size",
    "unique_checks",
    "updatable_views_with_limit",
    "use_secondary_engine",
    "windowing_use_high_precision",
];

impl Core {
    /// Sets the variables that the hints name; what they were before, if there are any. A hint that cannot be followed is a warning.
    pub(super) fn follow_hints(&mut self, hints: &Hints) -> Option<SessionVariables> {
        if hints.variables.is_empty() {
            return None;
        }
        let before = self.vars.system.lock().clone();
        for (name, value) in &hints.variables {
            if let Err(warning) = self.set_by_hint(name, value) {
                self.parse_warnings.push(warning);
            }
        }
        self.tell_limits();
        Some(before)
    }

    /// The statement is over: the variables are as they were.
    pub(super) fn forget_hints(&mut self, before: Option<SessionVariables>) {
        if let Some(before) = before {
            *self.vars.system.lock() = before;
            self.tell_limits();
        }
    }

    fn set_by_hint(&self, name: &str, value: &Literal) -> Result<(), ParseWarning> {
        if find(name).is_none() {
            let message = format!("Unresolved name '{name}' for SET_VAR hint");
            return Err(ParseWarning { code: errno::UNRESOLVED_HINT_NAME, message });
        }
        if !HINTABLE.contains(&name) {
            let message = format!("Variable '{name}' cannot be set using SET_VAR hint.");
            return Err(ParseWarning { code: errno::NOT_HINT_UPDATABLE_VARIABLE, message });
        }
        let value = match value {
            Literal::Integer(number) => {
                i64::try_from(*number).map_or_else(|_| Datum::UInt(*number), Datum::Int)
            }
            Literal::String(bytes, _) => Datum::Bytes(bytes.clone().into()),
            Literal::Decimal(digits) => Datum::Bytes(digits.clone().into_bytes().into()),
            other => unreachable!("no hint has {other:?}"),
        };
        match self.vars.system.lock().set(name, Some(&value), &self.vars.global) {
            Ok(None) => Ok(()),
            Ok(Some(message)) => Err(ParseWarning { code: errno::TRUNCATED_WRONG_VALUE, message }),
            Err(error) => Err(ParseWarning { code: error.code, message: error.message }),
        }
    }
}
