//! Plans that run for rows of others, and before them.

use std::sync::Arc;

use super::physical::{JoinKind, PhysicalPlan};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::Expr;
use crate::sql::fulltext::SearchMode;
use crate::sql::types::FieldType;

/// What becomes of a left row and the right rows that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub enum ApplyKind {
    /// What a join makes of them.
    Join(JoinKind),
    /// The left row with the first right one's columns, NULLs if there is none, and whether there are more: that is error 1242 for who reads them.
    Row,
    /// The left row, and whether there is a right one.
    Exists,
    /// The left row, and whether the condition is true for one right row (for all of them).
    Compare {
        /// What is compared, over the left row.
        wanted: Vec<Expr>,
        /// Over the columns of `wanted`, then those of the right row.
        condition: Expr,
        /// ALL; otherwise ANY.
        all: bool,
    },
}

impl ApplyKind {
    /// What it computes of the left row.
    pub(super) fn wanted(&self) -> &[Expr] {
        match self {
            ApplyKind::Compare { wanted, .. } => wanted,
            ApplyKind::Join(_) | ApplyKind::Row | ApplyKind::Exists => &[],
        }
    }

    /// The same, to be changed.
    pub(super) fn wanted_mut(&mut self) -> &mut [Expr] {
        match self {
            ApplyKind::Compare { wanted, .. } => wanted,
            ApplyKind::Join(_) | ApplyKind::Row | ApplyKind::Exists => &mut [],
        }
    }

    /// The types of the columns behind the left ones.
    pub(super) fn added(&self, right: Vec<FieldType>) -> Vec<FieldType> {
        match self {
            ApplyKind::Join(JoinKind::Inner) => right,
            ApplyKind::Join(JoinKind::Left) => right.into_iter().map(FieldType::nullable).collect(),
            ApplyKind::Row => {
                let more = FieldType::boolean().not_null();
                right.into_iter().map(FieldType::nullable).chain([more]).collect()
            }
            ApplyKind::Join(JoinKind::Semi | JoinKind::Anti) => Vec::new(),
            ApplyKind::Exists => vec![FieldType::boolean().not_null()],
            ApplyKind::Compare { condition, .. } => {
                let not_null = condition.field_type().not_null;
                vec![FieldType { not_null, ..FieldType::boolean() }]
            }
        }
    }
}

/// What becomes of a subplan's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum SubplanResult {
    /// The values of its only row (NULLs, if there is none) are parameters, in the order of the subplans, after the
    /// statement's own.
    Values,
    /// They are kept for [`PlanNode::Common`].
    Table,
    /// The same with what follows from them: WITH RECURSIVE.
    Recursive(Box<Recursion>),
    /// The only value of its only row says how many rows there are to search in; what is found is a parameter as a value would be.
    Search(Box<FulltextSearch>),
}

/// A search in a FULLTEXT index.
#[derive(Clone, Debug, PartialEq)]
pub struct FulltextSearch {
    /// Of this table.
    pub table: Arc<TableInfo>,
    /// Which index.
    pub index: Arc<IndexInfo>,
    /// The text.
    pub query: Expr,
    /// How it is read.
    pub mode: SearchMode,
}

/// How the rows of a recursive common table follow from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Recursion {
    /// The rows that follow from those of the last round, which it reads as the table's.
    pub step: PhysicalPlan,
    /// Which of the subplans that are tables it is, from 0.
    pub number: usize,
    /// UNION: rows that are there already do not come again.
    pub distinct: bool,
    /// How many rows to pass over. A literal or a parameter.
    pub offset: Option<Expr>,
    /// How many to give. A literal or a parameter.
    pub limit: Option<Expr>,
    /// The columns' names, for messages.
    pub columns: Vec<String>,
    /// `cte_max_recursion_depth`.
    pub max_depth: Expr,
}

/// A plan that runs before the statement's own. It may refer to those before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subplan {
    /// What runs.
    pub plan: PhysicalPlan,
    /// What its rows are for.
    pub result: SubplanResult,
}

impl Subplan {
    /// All that runs.
    pub fn plans(&self) -> impl Iterator<Item = &PhysicalPlan> {
        let step = match &self.result {
            SubplanResult::Recursive(recursion) => Some(&recursion.step),
            SubplanResult::Values | SubplanResult::Table | SubplanResult::Search(_) => None,
        };
        std::iter::once(&self.plan).chain(step)
    }
}
