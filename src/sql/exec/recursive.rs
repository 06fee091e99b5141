//! WITH RECURSIVE: rows that follow from each other, round by round.

use ahash::AHashSet;

use super::subquery::{Found, gather};
use super::{Disposed, ExecContext, keys, run_plan, short};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::plan::Recursion;
use crate::sql::types::{Datum, FieldType, ValueContext, convert_for_column};

type Row = Vec<Datum>;

/// The rows of the table that begins with these, which are of these types. `bytes`: what all of the statement's common tables hold.
pub(super) async fn rows(
    found: &mut Found,
    recursion: &Recursion,
    types: &[FieldType],
    first: Vec<Row>,
    bytes: &mut usize,
    ctx: &ExecContext,
) -> SqlResult<Vec<Row>> {
    let (offset, limit) = short::window(recursion.offset.as_ref(), recursion.limit.as_ref(), ctx)?;
    let most = limit.saturating_add(offset);
    let depth = recursion.max_depth.eval(&[], &ctx.eval)?.as_count().unwrap_or(0);
    let mut known = recursion.distinct.then(AHashSet::new);
    let mut last = fresh(first, types, &mut known)?;
    let mut all = Disposed::new(Vec::new(), ctx);
    let mut rounds = 0;
    while !last.is_empty() {
        all.extend(last.iter().cloned());
        if all.len() >= most {
            break;
        }
        rounds += 1;
        if rounds > depth {
            return Err(SqlError::new(
                errno::CTE_MAX_RECURSION_DEPTH,
                format!(
                    "Recursive query aborted after {rounds} iterations. Try increasing \
                     @@cte_max_recursion_depth to a larger value."
                ),
            ));
        }
        ctx.pause().await?;
        found.put_table(recursion.number, last);
        let step = found.ready(&recursion.step);
        let uncounted = ctx.uncounted();
        let step_rows = Box::pin(run_plan(&step, &uncounted)).await?;
        let next = gather(step_rows, &step, bytes, &uncounted).await?;
        drop(step);
        let next = stored(next, types, &recursion.columns, ctx)?;
        last = fresh(next, types, &mut known)?;
    }
    let rows = all.into_inner();
    Ok(rows.into_iter().skip(offset).take(limit).collect())
}

/// Those that were not there before.
fn fresh(
    rows: Vec<Row>,
    types: &[FieldType],
    known: &mut Option<AHashSet<Vec<u8>>>,
) -> SqlResult<Vec<Row>> {
    let Some(known) = known else { return Ok(rows) };
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let mut key = Vec::new();
        for (value, field_type) in row.iter().zip(types) {
            keys::push_key(&mut key, value, field_type)?;
        }
        if known.insert(key) {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// The rows as the table's columns hold them, whose types are those of the first rows: what does not fit is an error in strict mode.
fn stored(
    rows: Vec<Row>,
    types: &[FieldType],
    columns: &[String],
    ctx: &ExecContext,
) -> SqlResult<Vec<Row>> {
    // As if they were written.
    let writing = ctx.eval.sql_mode.is_strict().then(|| {
        let mut env = ctx.eval.values.env.clone();
        env.writes = true;
        ValueContext::new(env)
    });
    let values = writing.as_ref().unwrap_or(&ctx.eval.values);
    let mut kept = Vec::with_capacity(rows.len());
    for (number, row) in rows.into_iter().enumerate() {
        ctx.check_killed()?;
        let number = number as u64 + 1;
        let row = row.into_iter().zip(types).zip(columns).map(|((value, field_type), name)| {
            convert_for_column(value, field_type, name, number, values)
        });
        kept.push(row.collect::<SqlResult<Row>>()?);
    }
    Ok(kept)
}
