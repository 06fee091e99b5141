//! Running a fragment, and merging what several gave.

use super::{Fragment, Step};
use crate::common::SqlResult;
use crate::sql::exec::groups::Groups;
use crate::sql::exec::short;
use crate::sql::expr::EvalContext;
use crate::sql::kv::{ScanOptions, Snapshot};
use crate::sql::table_codec::{self, RowReader};
use crate::sql::types::Datum;

type Rows = Vec<Vec<Datum>>;

/// Rows that the first of an order are looked for among, besides those found.
const TOP_N_ROOM: usize = 1024;

impl Fragment {
    /// Runs it. Its rows are given away in pieces, in order.
    pub async fn run<S: Snapshot + ?Sized>(
        &self,
        snapshot: &S,
        ctx: &EvalContext,
        give: &mut (dyn FnMut(Vec<Vec<Datum>>) -> SqlResult<()> + Send),
    ) -> SqlResult<()> {
        let (by_row, last) = self.parts();
        let mut end = End::of(last);
        let reader = RowReader::of(self.scan.columns.clone(), &ctx.time_zone);
        let mut ranges: Vec<_> = self.scan.ranges.iter().collect();
        if self.scan.reverse {
            ranges.reverse();
        }
        for (start, stop) in ranges {
            let options = ScanOptions {
                start: start.clone(),
                end: stop.clone(),
                reverse: self.scan.reverse,
                limit: by_row.is_empty().then(|| end.wants()).flatten(),
                key_only: false,
            };
            let mut pairs = snapshot.pairs(options).await?;
            while end.wants() != Some(0) {
                ctx.check_interrupted()?;
                let batch = pairs.next_batch().await?;
                if batch.is_empty() {
                    break;
                }
                let mut rows = Vec::with_capacity(batch.len());
                for pair in &batch {
                    rows.push(reader.read(table_codec::decode_handle(&pair.key)?, &pair.value)?);
                }
                ctx.rows_read.add_in_order(rows.len());
                for step in by_row {
                    rows = match step {
                        Step::Filter(predicate) => short::filter(rows, predicate, ctx)?,
                        Step::Project(exprs) => short::project(rows, exprs, ctx)?,
                        Step::Aggregate { .. } | Step::TopN { .. } | Step::Limit(_) => rows,
                    };
                }
                let rows = end.take(rows, ctx)?;
                if !rows.is_empty() {
                    give(rows)?;
                }
            }
        }
        let rows = end.finish(ctx)?;
        if rows.is_empty() { Ok(()) } else { give(rows) }
    }

    /// What the whole gives, of what its parts gave, in their order.
    pub fn merge(&self, parts: Vec<Vec<Datum>>, ctx: &EvalContext) -> SqlResult<Vec<Vec<Datum>>> {
        match self.parts().1 {
            None => Ok(parts),
            Some(Step::Aggregate { group_by, aggregates }) => {
                let mut groups = Groups::new(group_by, aggregates);
                for row in parts {
                    groups.merge(row, ctx)?;
                }
                groups.finish(ctx)
            }
            Some(step) => {
                let mut end = End::of(Some(step));
                let mut rows = end.take(parts, ctx)?;
                rows.extend(end.finish(ctx)?);
                Ok(rows)
            }
        }
    }

    /// The steps that take rows one by one, and the one that does not.
    fn parts(&self) -> (&[Step], Option<&Step>) {
        match self.steps.split_last() {
            Some((last, before)) if !last.is_by_row() => (before, Some(last)),
            _ => (&self.steps, None),
        }
    }
}

/// What becomes of the rows in the end.
enum End<'f> {
    /// They are given.
    Rows,
    /// So many are given.
    Limit(usize),
    /// The first of an order are kept.
    TopN { keys: &'f [crate::sql::plan::SortKey], limit: usize, rows: Rows },
    /// They are grouped.
    Groups(Groups<'f>),
}

impl<'f> End<'f> {
    fn of(step: Option<&'f Step>) -> End<'f> {
        match step {
            None | Some(Step::Filter(_) | Step::Project(_)) => End::Rows,
            Some(Step::Limit(limit)) => End::Limit(usize::try_from(*limit).unwrap_or(usize::MAX)),
            Some(Step::TopN { keys, limit }) => {
                let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
                End::TopN { keys, limit, rows: Vec::new() }
            }
            Some(Step::Aggregate { group_by, aggregates }) => {
                End::Groups(Groups::new(group_by, aggregates))
            }
        }
    }

    /// How many more rows it can do with; `None`: all there are.
    fn wants(&self) -> Option<usize> {
        match self {
            End::Limit(left) => Some(*left),
            End::TopN { limit: 0, .. } => Some(0),
            End::Rows | End::TopN { .. } | End::Groups(_) => None,
        }
    }

    /// Takes rows in; gives those that can be given already.
    fn take(&mut self, mut new: Rows, ctx: &EvalContext) -> SqlResult<Rows> {
        match self {
            End::Rows => Ok(new),
            End::Limit(left) => {
                new.truncate(*left);
                *left -= new.len();
                Ok(new)
            }
            End::TopN { keys, limit, rows } => {
                rows.append(&mut new);
                if rows.len() > limit.saturating_add(TOP_N_ROOM) {
                    *rows = short::sort(std::mem::take(rows), keys, Some(*limit as u64), ctx)?;
                }
                Ok(Vec::new())
            }
            End::Groups(groups) => {
                for row in &new {
                    ctx.check_interrupted()?;
                    groups.add(row, ctx)?;
                }
                Ok(Vec::new())
            }
        }
    }

    /// What is left to give.
    fn finish(self, ctx: &EvalContext) -> SqlResult<Rows> {
        match self {
            End::Rows | End::Limit(_) => Ok(Vec::new()),
            End::TopN { keys, limit, rows } => short::sort(rows, keys, Some(limit as u64), ctx),
            End::Groups(groups) => groups.states(),
        }
    }
}
