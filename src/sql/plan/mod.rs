//! From syntax to a physical plan.
//!
//! 1. **Bind** (`binder`, `scope`, `from`, `select`, `grouping`, `query`, `dml`, `bind_expr`): names become positions in
//!    rows, every expression gets its MySQL type, and a [`logical`] plan comes out. Errors are MySQL's, with its words.
//! 2. **Rules** ([`optimize`]): conditions move to the tables (`pushdown`; on the way constants are folded, equalities
//!    give conditions to the other side, outer joins that cannot keep their NULL rows become inner ones), columns nobody
//!    reads go (`prune`).
//! 3. **Access and operators** (`access`, `constraints`, `lower`): each table is read by the best of its keys for the
//!    conditions and the order wanted; a sort that an index makes needless is not there, limits reach the scans, joins
//!    with few outer rows look the others up.
//!
//! A plan holds parameters as [`Expr::Parameter`](crate::sql::expr::Expr::Parameter) and nothing of the moment (time,
//! variables, snapshot), so it can be kept and run again. Subqueries whose values are the same for all rows are plans of their own, run
//! first; their values are parameters after the statement's. So are common tables that several read (`subplans`). Subqueries that depend
//! on rows around them become joins, or plans that run for each row (`outer`, `subquery`, `unnest`, `decorrelate`).
//!
//! What is not here: the order of joins, which is the statement's; histograms. Paths are chosen
//! by rule, and of tables that were analyzed by what they are expected to cost.

mod access;
mod bind_aggregate;
mod bind_expr;
mod bind_operator;
mod binder;
mod branches;
mod cardinality;
mod caution;
mod column_names;
mod constraints;
mod decorrelate;
mod dependence;
mod dependent_plan;
mod dml;
mod dml_source;
mod document_table;
mod explain;
mod explain_tree;
mod expression_index;
mod figures;
mod frames;
mod from;
mod fulltext;
mod grouping;
mod index_hints;
mod join_hints;
mod join_order;
mod literals;
mod load;
mod locking;
mod logical;
mod lookup;
mod lower;
mod optimize;
mod outer;
#[cfg(test)]
mod partition_tests;
mod partitions;
mod physical;
mod planner;
mod prints;
mod prune;
mod pushdown;
mod query;
mod read_columns;
mod recursive_table;
mod relations;
mod row_rules;
mod row_subqueries;
mod scope;
mod select;
mod set_operation;
mod subplans;
mod subquery;
#[cfg(test)]
mod tests;
mod through_view;
mod triggers;
mod unnest;
mod update_subqueries;
mod view;
mod walk;
mod window;
mod windows;

pub use caution::Caution;
pub use figures::{NodeFigures, TreeFigures};
pub(in crate::sql) use frames::{illegal_frame, is_negative_amount};
pub use load::{FileRow, LoadPlace, LoadSource};
pub(crate) use lower::key_type;
pub use partitions::{Divided, partitions_of, pruned};
pub use physical::{
    AccessLock, ApplyKind, Assignment, ConflictAction, Counted, DateParameter, DeletePlan,
    FulltextSearch, HandleRange, IndexRange, InsertPlan, InsertSource, JoinKind, OutputColumn,
    PhysicalPlan, PlanNode, PointAccess, QueryPlan, Recursion, SortKey, SourceTable, Subplan,
    SubplanResult, TargetTable, ThroughView, UpdatePlan, UpdatedTable,
};
pub use planner::{Planner, StatementPlan, StringVariables, VariableTypes};
pub use relations::{Parent, Reference, Related, Relations};
pub use row_rules::{RowRules, check_definition};
pub(in crate::sql) use row_rules::{bind_expression, expression_type};
pub(in crate::sql) use row_subqueries::{ROW_BASE, ROW_VALUE_BASE};
#[cfg(test)]
pub(crate) use tests::TestSchema;
pub use triggers::{TriggerPlan, TriggerStatement, TriggerValue, Triggers, check_trigger};
pub use window::{Frame, FrameBound, FrameOffset, Window, WindowCall};
