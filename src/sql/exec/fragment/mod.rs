//! Fragments: parts of queries that run where the rows are.
//!
//! A [`Fragment`] is plain data: the rows of some ranges of a table's keys, and what is done with them, one step after the other. It has a
//! wire form (`wire`), and runs over any [`Snapshot`](crate::sql::kv::Snapshot) in an [`Environment`](crate::sql::types::Environment), which
//! has one, too. What the fragments of a table's parts give, merged, is what one over the whole table gives ([`Fragment::merge`]).

mod engine;
mod of_plan;
mod run;
mod wire;

use bytes::Bytes;

pub use engine::EngineSnapshot;
pub use wire::{decode_environment, encode_environment};

use crate::sql::expr::{Aggregate, Expr};
use crate::sql::plan::SortKey;
use crate::sql::table_codec::Wanted;

/// The rows of ranges of a table's keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RangeScan {
    /// From a user key to another one, which does not belong; ascending and disjoint.
    pub(crate) ranges: Vec<(Bytes, Bytes)>,
    /// The last row first.
    pub(crate) reverse: bool,
    /// What a row consists of.
    pub(crate) columns: Vec<Wanted>,
}

/// Something that is done with rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Rows for which it is not true go.
    Filter(Expr),
    /// New rows.
    Project(Vec<Expr>),
    /// The states of groups: the values they are grouped by, then a state for each aggregate. Nothing follows it.
    Aggregate {
        /// What rows are grouped by.
        group_by: Vec<Expr>,
        /// Of each group.
        aggregates: Vec<Aggregate>,
    },
    /// The first rows in an order. Nothing follows it.
    TopN {
        /// First key first.
        keys: Vec<SortKey>,
        /// How many rows.
        limit: u64,
    },
    /// The first rows. Nothing follows it.
    Limit(u64),
}

impl Step {
    /// Whether it does with each row something of its own, whatever the others are.
    fn is_by_row(&self) -> bool {
        match self {
            Step::Filter(_) | Step::Project(_) => true,
            Step::Aggregate { .. } | Step::TopN { .. } | Step::Limit(_) => false,
        }
    }
}

/// A part of a query: a scan, and what is done with its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    pub(crate) scan: RangeScan,
    pub(crate) steps: Vec<Step>,
}
