//! How the rows of a table are divided among partitions.
//!
//! Each partition (with subpartitions: each of those) has an id of its own in the place of the table's in the keys of its rows and entries,
//! and so regions of its own. What reads and writes rows sees a partition as a [`TableInfo`] with that id, a *physical* table;
//! the table that statements name has no rows under its own id. [`Partitions`] says which physical table a row is in.

mod build;
mod checks;
mod hash;
mod model;
mod routes;
mod show;
#[cfg(test)]
mod tests;

pub(in crate::sql) use build::{build_definitions, build_partitioning, check_definitions, unnamed};
pub(in crate::sql) use checks::{keep_partitioning, no_foreign_keys};
pub use model::{
    BoundValue, PartitionBounds, PartitionInfo, Partitioning, SplitBy, SplitMethod,
    SubpartitionInfo,
};
pub(in crate::sql) use routes::values_key;
pub use routes::{KeyBounds, Partitions, Source, number_key};
pub(in crate::sql::catalog) use show::partitioning_text;
pub use show::{bounds_text, key_text};

use crate::common::{SqlError, errno};

/// Error 1735.
pub fn unknown_partition(name: &str, table: &str) -> SqlError {
    let message = format!("Unknown partition '{name}' in table '{table}'");
    SqlError::new(errno::UNKNOWN_PARTITION, message)
}

/// Error 1748.
pub fn outside_selection() -> SqlError {
    SqlError::new(
        errno::ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET,
        "Found a row not matching the given partition set",
    )
}

/// Error 1505.
pub(in crate::sql) fn not_partitioned() -> SqlError {
    SqlError::new(
        errno::PARTITION_MGMT_ON_NONPARTITIONED,
        "Partition management on a not partitioned table is not possible",
    )
}
