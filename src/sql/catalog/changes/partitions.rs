//! What ALTER TABLE does with partitions.
//!
//! Partitions that only come or go, or are emptied, change the definition; what goes is a range of keys. Where rows get to other partitions
//! ([`Alteration::moves`]) all partitions that lose rows are given up for new ones, which the rows are copied into.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build::DdlContext;
use crate::sql::catalog::partition::{
    build_definitions, build_partitioning, check_definitions, no_foreign_keys, not_partitioned,
    unknown_partition, unnamed, values_key,
};
use crate::sql::catalog::{PartitionBounds, PartitionInfo, Partitioning, SplitMethod, TableInfo};
use crate::sql::parser::ast::PartitionAction;

/// An action on partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangePartitions {
    /// PARTITION BY.
    By(Partitioning),
    /// REMOVE PARTITIONING.
    Remove,
    /// ADD PARTITION.
    Add(Vec<PartitionInfo>),
    /// ADD PARTITION PARTITIONS n.
    AddCount(u64),
    /// DROP PARTITION.
    Drop(Vec<String>),
    /// TRUNCATE PARTITION; `None`: ALL.
    Truncate(Option<Vec<String>>),
    /// COALESCE PARTITION.
    Coalesce(u64),
    /// REORGANIZE PARTITION: what goes, and what takes its place.
    Reorganize(Vec<String>, Vec<PartitionInfo>),
}

fn error<T>(code: u16, message: impl Into<String>) -> SqlResult<T> {
    Err(SqlError::new(code, message.into()))
}

impl ChangePartitions {
    /// `None`: there is nothing to do.
    pub(super) fn build(
        action: &PartitionAction,
        table: &TableInfo,
        ctx: &DdlContext<'_>,
    ) -> SqlResult<Option<ChangePartitions>> {
        use PartitionAction as A;
        if !matches!(action, A::By(_)) && table.partitioning.is_none() {
            return Err(not_partitioned());
        }
        Ok(Some(match action {
            A::By(written) => {
                let database = ctx.database_of(table);
                if ctx.schema.children(&database, &table.name).next().is_some() {
                    return Err(no_foreign_keys());
                }
                ChangePartitions::By(build_partitioning(written, table, ctx)?)
            }
            A::Remove => ChangePartitions::Remove,
            A::Add(definitions) => {
                ChangePartitions::Add(build_definitions(definitions, table, ctx)?)
            }
            A::AddCount(count) => ChangePartitions::AddCount(*count),
            A::Drop(names) => ChangePartitions::Drop(names.clone()),
            A::Truncate(names) => ChangePartitions::Truncate(names.clone()),
            A::Coalesce(count) => ChangePartitions::Coalesce(*count),
            A::Reorganize(names, definitions) => {
                let definitions = build_definitions(definitions, table, ctx)?;
                ChangePartitions::Reorganize(names.clone(), definitions)
            }
            A::Maintain("REBUILD", names) => {
                table.selected_partitions(names.as_deref().unwrap_or(&[]))?;
                return Ok(None);
            }
            A::Maintain(word, _) => {
                return Err(SqlError::unsupported(format!("ALTER TABLE … {word} PARTITION")));
            }
        }))
    }
}

impl Change for ChangePartitions {
    fn turn(&self) -> Turn {
        match self {
            ChangePartitions::Drop(_) | ChangePartitions::Truncate(_) => Turn::DropColumns,
            _ => Turn::AddForeignKeys,
        }
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        if let ChangePartitions::By(partitioning) = self {
            alteration.after.partitioning = Some(Box::new(partitioning.clone()));
            alteration.moves = true;
            return Ok(());
        }
        let name = alteration.after.name.clone();
        let Some(partitioning) = alteration.after.partitioning.as_deref_mut() else {
            return Err(not_partitioned());
        };
        match self {
            ChangePartitions::By(_) => {}
            ChangePartitions::Remove => {
                alteration.moves = true;
                alteration.after.partitioning = None;
                return Ok(());
            }
            ChangePartitions::Add(definitions) => {
                alteration.moves = partitioning.by.method == SplitMethod::Hash;
                add(partitioning, definitions.clone())?;
            }
            ChangePartitions::AddCount(count) => {
                alteration.moves = true;
                add(partitioning, next_names(partitioning, *count)?)?;
            }
            ChangePartitions::Drop(names) => drop_named(partitioning, names)?,
            ChangePartitions::Truncate(names) => truncate(partitioning, names.as_deref(), &name)?,
            ChangePartitions::Coalesce(count) => {
                alteration.moves = true;
                coalesce(partitioning, *count)?;
            }
            ChangePartitions::Reorganize(names, definitions) => {
                alteration.moves = true;
                reorganize(partitioning, names, definitions)?;
            }
        }
        check_definitions(partitioning)
    }
}

/// ADD PARTITION. Of a hash all rows get other places.
fn add(partitioning: &mut Partitioning, definitions: Vec<PartitionInfo>) -> SqlResult<()> {
    if partitioning.by.method == SplitMethod::Hash {
        partitioning.renumber();
    }
    partitioning.definitions.extend(definitions);
    Ok(())
}

/// So many partitions of a hash, with names that none has.
fn next_names(partitioning: &Partitioning, count: u64) -> SqlResult<Vec<PartitionInfo>> {
    let kind = match partitioning.by.method {
        SplitMethod::Range => "RANGE",
        SplitMethod::List => "LIST",
        SplitMethod::Hash if count == 0 => {
            return error(
                errno::ADD_PARTITION_NO_NEW_PARTITION,
                "At least one partition must be added",
            );
        }
        SplitMethod::Hash => {
            let first = partitioning.definitions.len() as u64;
            let names = (first..).map(|number| format!("p{number}"));
            let free = names.filter(|name| partitioning.position(name).is_none());
            return Ok(free.take(count as usize).map(|name| unnamed(name, None)).collect());
        }
    };
    error(
        errno::PARTITIONS_MUST_BE_DEFINED,
        format!("For {kind} partitions each partition must be defined"),
    )
}

/// The positions of partitions, ascending; error 1507 for one that is not there.
fn positions(partitioning: &Partitioning, names: &[String], verb: &str) -> SqlResult<Vec<usize>> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        match partitioning.position(name) {
            Some(at) if !found.contains(&at) => found.push(at),
            _ => {
                return error(
                    errno::DROP_PARTITION_NON_EXISTENT,
                    format!("Error in list of partitions to {verb}"),
                );
            }
        }
    }
    Ok(found)
}

fn drop_named(partitioning: &mut Partitioning, names: &[String]) -> SqlResult<()> {
    if partitioning.by.method == SplitMethod::Hash {
        return error(
            errno::ONLY_ON_RANGE_LIST_PARTITION,
            "DROP PARTITION can only be used on RANGE/LIST partitions",
        );
    }
    let gone = positions(partitioning, names, "DROP")?;
    if gone.len() == partitioning.definitions.len() {
        return error(
            errno::DROP_LAST_PARTITION,
            "Cannot remove all partitions, use DROP TABLE instead",
        );
    }
    let mut at = 0..;
    partitioning.definitions.retain(|_| !gone.contains(&at.next().unwrap_or(0)));
    Ok(())
}

fn truncate(
    partitioning: &mut Partitioning,
    names: Option<&[String]>,
    table: &str,
) -> SqlResult<()> {
    let Some(names) = names else {
        partitioning.renumber();
        return Ok(());
    };
    for name in names {
        let Some(at) = partitioning.position(name) else {
            let mut subs =
                partitioning.definitions.iter_mut().flat_map(|partition| &mut partition.subs);
            let sub = subs.find(|sub| sub.name.eq_ignore_ascii_case(name));
            sub.ok_or_else(|| unknown_partition(name, table))?.id = 0;
            continue;
        };
        partitioning.definitions[at].renumber();
    }
    Ok(())
}

fn coalesce(partitioning: &mut Partitioning, count: u64) -> SqlResult<()> {
    if partitioning.by.method != SplitMethod::Hash {
        return error(
            errno::COALESCE_ONLY_ON_HASH_PARTITION,
            "COALESCE PARTITION can only be used on HASH/KEY partitions",
        );
    }
    let all = partitioning.definitions.len() as u64;
    if count == 0 {
        return error(
            errno::COALESCE_PARTITION_NO_PARTITION,
            "At least one partition must be coalesced",
        );
    }
    if count >= all {
        return error(
            errno::DROP_LAST_PARTITION,
            "Cannot remove all partitions, use DROP TABLE instead",
        );
    }
    partitioning.definitions.truncate((all - count) as usize);
    partitioning.renumber();
    Ok(())
}

fn reorganize(
    partitioning: &mut Partitioning,
    names: &[String],
    definitions: &[PartitionInfo],
) -> SqlResult<()> {
    if names.len() > partitioning.definitions.len() {
        return error(
            errno::REORG_PARTITION_NOT_EXIST,
            "More partitions to reorganize than there are partitions",
        );
    }
    let mut gone = positions(partitioning, names, "REORGANIZE")?;
    gone.sort_unstable();
    let (first, last) = (gone[0], gone[gone.len() - 1]);
    if partitioning.by.method == SplitMethod::Hash && names.len() != definitions.len() {
        return error(
            errno::REORG_HASH_ONLY_ON_SAME_NO,
            "REORGANIZE PARTITION can only be used to reorganize partitions not to change their numbers",
        );
    }
    if last - first + 1 != gone.len() {
        return error(
            errno::CONSECUTIVE_REORG_PARTITIONS,
            "When reorganizing a set of partitions they must be in consecutive order",
        );
    }
    let end = |partition: Option<&PartitionInfo>| match partition.map(|p| &p.bounds) {
        Some(PartitionBounds::LessThan(values)) => values_key(values),
        _ => Ok(Vec::new()),
    };
    let (old, new) = (end(partitioning.definitions.get(last))?, end(definitions.last())?);
    let is_last = last + 1 == partitioning.definitions.len();
    if new < old || !is_last && new != old {
        return error(
            errno::REORG_OUTSIDE_RANGE,
            "Reorganize of range partitions cannot change total ranges except for last partition where it can extend the range",
        );
    }
    partitioning.definitions.splice(first..=last, definitions.iter().cloned());
    Ok(())
}
