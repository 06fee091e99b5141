//! Dependent plans: one that runs for each row of another.
//!
//! The values it reads of the row are put in place of its parameters, so that it finds its rows by keys where it can. What it gives for
//! some values is kept, within bounds, for the next row that has the same.

use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;

use super::listed::Listed;
use super::subquery::held_bytes;
use super::{Disposed, ExecContext, ReadyPlan, run_plan};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::plan::{ApplyKind, JoinKind, PhysicalPlan, PlanNode};
use crate::sql::types::{Datum, FieldType};

/// What the answers that are kept may hold, as a part of what the statement may.
const KEPT_PART: usize = 8;

type Row = Vec<Datum>;

/// A dependent plan and what it has given so far.
pub(super) struct Applied {
    right: PhysicalPlan,
    bindings: Vec<(usize, Expr)>,
    kind: ApplyKind,
    /// It gives the same for the same values.
    is_stable: bool,
    kept: Mutex<Kept>,
}

/// Answers by the values they are for.
#[derive(Default)]
struct Kept {
    answers: AHashMap<Vec<u8>, Answer>,
    bytes: usize,
}

/// What the plan gives for some values.
#[derive(Clone)]
enum Answer {
    /// Its rows.
    Rows(Arc<Vec<Row>>),
    /// Whether it has rows.
    Found(bool),
    /// Its rows, to be compared with.
    Listed(Arc<Listed>),
}

impl Answer {
    fn bytes(&self) -> usize {
        match self {
            Answer::Rows(rows) => rows.iter().map(|row| row_bytes(row)).sum(),
            Answer::Found(_) => 0,
            Answer::Listed(listed) => listed.bytes(),
        }
    }
}

/// What a row holds.
pub(super) fn row_bytes(row: &[Datum]) -> usize {
    row.iter().map(held_bytes).sum::<usize>() + size_of::<Row>()
}

impl Applied {
    /// Of an `Apply`.
    pub(super) fn new(plan: &PhysicalPlan) -> SqlResult<Applied> {
        let PlanNode::Apply { right, bindings, kind, .. } = &plan.node else {
            return Err(SqlError::internal("a dependent plan was expected"));
        };
        Ok(Applied {
            is_stable: !right.any(&mut |node| node.any_expr(|expr| !expr.is_deterministic())),
            right: (**right).clone(),
            bindings: bindings.clone(),
            kind: kind.clone(),
            kept: Mutex::default(),
        })
    }

    /// Whether it gives at most one row for each.
    pub(super) fn is_one_to_one(&self) -> bool {
        !matches!(self.kind, ApplyKind::Join(JoinKind::Inner | JoinKind::Left))
    }

    /// The rows for these left ones.
    pub(super) async fn rows(&self, left: Vec<Row>, ctx: &ExecContext) -> SqlResult<Vec<Row>> {
        let mut given = Disposed::new(Vec::with_capacity(left.len()), ctx);
        let mut bytes = 0;
        for row in left {
            ctx.pause().await?;
            let before = given.len();
            let answer = self.answer(&row, ctx).await?;
            self.combine(row, answer, &mut given, &ctx.eval)?;
            if !self.is_one_to_one() {
                bytes += given[before..].iter().map(|row| row_bytes(row)).sum::<usize>();
                if bytes > ctx.limits.memory_bytes {
                    return Err(SqlError::over_memory());
                }
            }
        }
        Ok(given.into_inner())
    }

    fn combine(
        &self,
        mut row: Row,
        answer: Answer,
        given: &mut Vec<Row>,
        eval: &EvalContext,
    ) -> SqlResult<()> {
        let width = self.right.schema.len();
        match (&self.kind, answer) {
            (ApplyKind::Join(JoinKind::Inner | JoinKind::Left), Answer::Rows(rows)) => {
                for right in rows.iter() {
                    let mut pair = row.clone();
                    pair.extend(right.iter().cloned());
                    given.push(pair);
                }
                if rows.is_empty() && self.kind == ApplyKind::Join(JoinKind::Left) {
                    row.resize(row.len() + width, Datum::Null);
                    given.push(row);
                }
            }
            (ApplyKind::Row, Answer::Rows(rows)) => {
                match rows.first() {
                    Some(right) => row.extend(right.iter().cloned()),
                    None => row.resize(row.len() + width, Datum::Null),
                }
                row.push(Datum::from(rows.len() > 1));
                given.push(row);
            }
            (ApplyKind::Join(kind), Answer::Found(found)) => {
                if found == (*kind == JoinKind::Semi) {
                    given.push(row);
                }
            }
            (ApplyKind::Exists, Answer::Found(found)) => {
                row.push(Datum::from(found));
                given.push(row);
            }
            (ApplyKind::Compare { wanted, condition, all }, Answer::Listed(listed)) => {
                let wanted = wanted.iter().map(|expr| expr.eval(&row, eval));
                let wanted = wanted.collect::<SqlResult<Row>>()?;
                row.push(Datum::from(listed.compare(wanted, condition, *all, eval)?));
                given.push(row);
            }
            _ => return Err(SqlError::internal("a dependent plan's answer of another kind")),
        }
        Ok(())
    }

    /// What the plan gives for a left row.
    async fn answer(&self, left: &[Datum], ctx: &ExecContext) -> SqlResult<Answer> {
        let mut values = Vec::with_capacity(self.bindings.len());
        for (number, expr) in &self.bindings {
            values.push((*number, expr.eval(left, &ctx.eval)?));
        }
        if !self.is_stable {
            return self.run(&values, ctx).await;
        }
        let key = exact_key(&values);
        if let Some(answer) = self.kept.lock().answers.get(&key) {
            return Ok(answer.clone());
        }
        let answer = self.run(&values, ctx).await?;
        let mut kept = self.kept.lock();
        kept.bytes += key.len() + answer.bytes() + size_of::<(Vec<u8>, Answer)>();
        if kept.bytes > ctx.limits.memory_bytes / KEPT_PART {
            kept.answers.clear();
            kept.bytes = 0;
        }
        kept.answers.insert(key, answer.clone());
        Ok(answer)
    }

    /// Runs the plan with these values for its parameters.
    async fn run(&self, values: &[(usize, Datum)], ctx: &ExecContext) -> SqlResult<Answer> {
        let ctx = &*ctx.uncounted();
        let plan = match values {
            [] => ReadyPlan::as_it_is(&self.right),
            values => {
                let mut plan = self.right.clone();
                plan.change(&mut |node| node.change_exprs(&mut |expr| put_into(expr, values)));
                ReadyPlan::of(plan)
            }
        };
        let mut stream = Box::pin(run_plan(&plan, ctx)).await?;
        let decided_by_one = matches!(
            self.kind,
            ApplyKind::Exists | ApplyKind::Join(JoinKind::Semi | JoinKind::Anti)
        );
        if decided_by_one {
            return Ok(Answer::Found(stream.next_batch().await?.is_some()));
        }
        let mut rows = Disposed::new(Vec::new(), ctx);
        let mut bytes = 0;
        while let Some(batch) = stream.next_batch().await? {
            for row in batch.into_rows(&self.right.schema) {
                bytes += row_bytes(&row);
                rows.push(row);
            }
            if bytes > ctx.limits.memory_bytes {
                return Err(SqlError::over_memory());
            }
            if self.kind == ApplyKind::Row && rows.len() > 1 {
                break;
            }
        }
        let rows = rows.into_inner();
        Ok(match &self.kind {
            ApplyKind::Compare { wanted, condition, all } => {
                let listed = Listed::new(rows, wanted, condition, *all, &ctx.eval)?;
                Answer::Listed(Arc::new(listed))
            }
            ApplyKind::Join(_) | ApplyKind::Row | ApplyKind::Exists => Answer::Rows(Arc::new(rows)),
        })
    }
}

/// Puts values in place of parameters.
fn put_into(expr: &mut Expr, values: &[(usize, Datum)]) {
    match expr {
        Expr::Column { .. } | Expr::Literal { .. } => {}
        Expr::Parameter { index, field_type } => {
            if let Some((_, value)) = values.iter().find(|(number, _)| number == index) {
                let field_type: FieldType = field_type.clone();
                *expr = Expr::Literal { value: value.clone(), field_type };
            }
        }
        Expr::Call { args, .. } => args.iter_mut().for_each(|arg| put_into(arg, values)),
    }
}

/// Values as bytes: the same bytes only for the very same values, equal in whatever collation.
fn exact_key(values: &[(usize, Datum)]) -> Vec<u8> {
    let mut key = Vec::with_capacity(values.len() * 9);
    let mut push = |tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend_from_slice(&bytes.len().to_be_bytes());
        key.extend_from_slice(bytes);
    };
    for (_, value) in values {
        match value {
            Datum::Null => push(0, &[]),
            Datum::Int(number) => push(1, &number.to_be_bytes()),
            Datum::UInt(number) => push(2, &number.to_be_bytes()),
            Datum::Float(number) => push(3, &number.to_bits().to_be_bytes()),
            Datum::Bytes(bytes) => push(4, bytes),
            // Rarely read: by how they are shown, types and all.
            other => push(5, format!("{other:?}").as_bytes()),
        }
    }
    key
}

/// Every row as often as its last column says, without that column.
pub(super) fn repeated(rows: Vec<Row>, ctx: &ExecContext) -> SqlResult<Vec<Row>> {
    let mut given = Vec::with_capacity(rows.len());
    let mut bytes = 0_usize;
    for mut row in rows {
        ctx.check_killed()?;
        let times = row.pop().and_then(|count| count.as_count()).unwrap_or(0);
        let each = row_bytes(&row);
        for _ in 0..times {
            bytes += each;
            if bytes > ctx.limits.memory_bytes {
                return Err(SqlError::over_memory());
            }
            given.push(row.clone());
        }
    }
    Ok(given)
}
