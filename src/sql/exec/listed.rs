//! The rows of a subquery that values are compared with: IN, ANY and ALL.

use ahash::AHashSet;

use super::apply::row_bytes;
use super::keys;
use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::plan::key_type;
use crate::sql::types::{Datum, FieldType};

type Row = Vec<Datum>;

/// The rows, as few of them as decide.
pub(super) struct Listed {
    /// Those that are compared one by one.
    rows: Vec<Row>,
    keyed: Option<Keyed>,
    /// There is a row at all.
    has_rows: bool,
    bytes: usize,
}

/// Rows without NULLs, found by their keys.
struct Keyed {
    pairs: Vec<Pair>,
    keys: AHashSet<Vec<u8>>,
    /// Those with NULLs.
    others: Vec<Row>,
}

/// A column that is set equal to a value, and the type in which both are compared.
struct Pair {
    wanted: Expr,
    found: Expr,
    common: FieldType,
}

impl Pair {
    fn of(condition: &Expr, width: usize) -> Option<Pair> {
        let Expr::Call { function, args, field_type } = condition else { return None };
        let [wanted, found @ Expr::Column { index, .. }] = args.as_slice() else { return None };
        let known = wanted.columns().last().is_none_or(|column| *column < width);
        if !function.is_comparison() || *function == Function::NullEq || !known || *index < width {
            return None;
        }
        let common = key_type(wanted.field_type(), found.field_type(), field_type)?;
        let wanted = Expr::cast(wanted.clone(), common.clone());
        let found = Expr::cast(found.clone(), common.clone());
        Some(Pair { wanted, found, common })
    }
}

impl Listed {
    /// Of all rows. `condition` is over the values that are compared, then a row.
    pub(super) fn new(
        rows: Vec<Row>,
        wanted: &[Expr],
        condition: &Expr,
        all: bool,
        eval: &EvalContext,
    ) -> SqlResult<Listed> {
        let (has_rows, width) = (!rows.is_empty(), wanted.len());
        let parts = condition.clone().split_conjunction();
        let pairs: Option<Vec<Pair>> = parts.iter().map(|part| Pair::of(part, width)).collect();
        let by_equality = !all
            && parts.iter().all(|part| matches!(part, Expr::Call { function: Function::Eq, .. }));
        let mut listed = Listed { rows, keyed: None, has_rows, bytes: 0 };
        match pairs {
            Some(pairs) if by_equality => listed.key(pairs, width, eval)?,
            Some(pairs) => {
                if let [pair] = pairs.as_slice() {
                    listed.keep_ends(pair, width, eval)?;
                }
            }
            None => {}
        }
        let keyed = listed.keyed.iter();
        let keys: usize =
            keyed.flat_map(|keyed| &keyed.keys).map(|key| key.len() + size_of::<Vec<u8>>()).sum();
        listed.bytes = keys + listed.rows.iter().map(|row| row_bytes(row)).sum::<usize>();
        Ok(listed)
    }

    /// What it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn key(&mut self, pairs: Vec<Pair>, width: usize, eval: &EvalContext) -> SqlResult<()> {
        let (mut known, mut others) = (AHashSet::with_capacity(self.rows.len()), Vec::new());
        let padding = vec![Datum::Null; width];
        for row in &self.rows {
            eval.check_interrupted()?;
            let mut pair = padding.clone();
            pair.extend(row.iter().cloned());
            let found = pairs.iter().map(|part| (&part.found, &part.common));
            match key_of(found, &pair, eval)? {
                Some(key) => _ = known.insert(key),
                None => others.push(row.clone()),
            }
        }
        // A value that has a NULL may match any of several columns.
        if let [_] = pairs.as_slice() {
            self.rows = Vec::new();
            others.truncate(1);
        }
        self.keyed = Some(Keyed { pairs, keys: known, others });
        Ok(())
    }

    /// A comparison with the lowest, the highest and a NULL decides for all: whatever is between follows.
    fn keep_ends(&mut self, pair: &Pair, width: usize, eval: &EvalContext) -> SqlResult<()> {
        let padding = vec![Datum::Null; width];
        /// A row under its key.
        type End = Option<(Vec<u8>, Row)>;
        let (mut low, mut high): (End, End) = (None, None);
        let mut null = None;
        for row in std::mem::take(&mut self.rows) {
            eval.check_interrupted()?;
            let mut whole = padding.clone();
            whole.extend(row.iter().cloned());
            let Some(key) = key_of([(&pair.found, &pair.common)], &whole, eval)? else {
                null = Some(row);
                continue;
            };
            if high.as_ref().is_none_or(|(known, _)| *known < key) {
                high = Some((key.clone(), row.clone()));
            }
            if low.as_ref().is_none_or(|(known, _)| *known > key) {
                low = Some((key, row));
            }
        }
        self.rows = low.into_iter().chain(high).map(|(_, row)| row).chain(null).collect();
        Ok(())
    }

    /// Whether the condition is true for one row (for all); `None` if that is not known.
    pub(super) fn compare(
        &self,
        wanted: Row,
        condition: &Expr,
        all: bool,
        eval: &EvalContext,
    ) -> SqlResult<Option<bool>> {
        if !self.has_rows {
            return Ok(Some(all));
        }
        let mut rows = &self.rows;
        if let Some(keyed) = &self.keyed {
            let parts = keyed.pairs.iter().map(|pair| (&pair.wanted, &pair.common));
            match key_of(parts, &wanted, eval)? {
                Some(key) if keyed.keys.contains(&key) => return Ok(Some(true)),
                Some(_) => rows = &keyed.others,
                None if keyed.pairs.len() == 1 => return Ok(None),
                None => {}
            }
        }
        let width = wanted.len();
        let mut pair = wanted;
        let mut unknown = false;
        for row in rows {
            eval.check_interrupted()?;
            pair.truncate(width);
            pair.extend(row.iter().cloned());
            match condition.eval(&pair, eval)?.to_bool(eval)? {
                None => unknown = true,
                Some(truth) if truth != all => return Ok(Some(truth)),
                Some(_) => {}
            }
        }
        Ok(if unknown { None } else { Some(all) })
    }
}

/// The values as bytes that are equal if they are; `None` if one is NULL.
fn key_of<'e>(
    parts: impl IntoIterator<Item = (&'e Expr, &'e FieldType)>,
    row: &[Datum],
    eval: &EvalContext,
) -> SqlResult<Option<Vec<u8>>> {
    let mut key = Vec::new();
    for (expr, common) in parts {
        let value = expr.eval(row, eval)?;
        if value.is_null() {
            return Ok(None);
        }
        keys::push_key(&mut key, &value, common)?;
    }
    Ok(Some(key))
}
