//! Columns that take another one's place, or give theirs to another one: as long as not everybody sees the same of the two, each row has
//! both, and the one that is not seen follows from the one that is.

use super::assign;
use crate::common::SqlResult;
use crate::sql::catalog::{Mirror, SchemaState, TableInfo};
use crate::sql::expr::EvalContext;
use crate::sql::table_codec;
use crate::sql::types::{Datum, Environment, ValueContext, convert_between};

/// The columns of a table that follow from others; hardly any table has one.
pub(super) struct Mirrored(Vec<(usize, usize, Mirror)>);

impl Mirrored {
    pub(super) fn of(table: &TableInfo) -> Mirrored {
        let hidden = table.columns.iter().rev().take_while(|c| c.state != SchemaState::Public);
        let written = hidden.filter(|column| table_codec::is_written(column.state));
        let found = written.filter_map(|column| {
            let mirror = column.mirrors?;
            let from = table.columns.iter().position(|known| known.id == mirror.column)?;
            Some((from, column.offset, mirror))
        });
        Mirrored(found.collect())
    }

    /// Gives them their values in a row. What follows from a value that stays as it was stays, too: the way there and back may lose something.
    pub(super) fn fill(
        &self,
        table: &TableInfo,
        old: Option<&[Datum]>,
        values: &mut [Datum],
        eval: &EvalContext,
    ) -> SqlResult<()> {
        for (from, to, mirror) in &self.0 {
            if let Some(old) = old
                && old[*from] == values[*from]
                && !old[*to].is_null()
            {
                values[*to] = old[*to].clone();
                continue;
            }
            let value = values[*from].clone();
            values[*to] = match mirror.comes {
                true => new_value(table, (*from, *to), value, eval)?,
                false => old_value(table, (*from, *to), value, eval),
            };
        }
        Ok(())
    }
}

/// As the statement would store it if the change were done.
fn new_value(
    table: &TableInfo,
    (from, to): (usize, usize),
    value: Datum,
    eval: &EvalContext,
) -> SqlResult<Datum> {
    let (old, new) = (&table.columns[from], &table.columns[to]);
    let value = convert_between(value, &old.field_type, &new.field_type, &new.name, 1, eval)?;
    assign::check_null(value, new, eval.is_strict(), eval)
}

/// What comes nearest to it, for those who still see the column as it was.
fn old_value(
    table: &TableInfo,
    (from, to): (usize, usize),
    value: Datum,
    eval: &EvalContext,
) -> Datum {
    let (new, old) = (&table.columns[from], &table.columns[to]);
    let lenient = ValueContext::new(Environment {
        sql_mode: eval.sql_mode,
        time_zone: eval.time_zone,
        writes: true,
        ignore: true,
        ..Environment::default()
    });
    let value = convert_between(value, &new.field_type, &old.field_type, &old.name, 1, &lenient);
    match value {
        Ok(value) if !value.is_null() || !old.field_type.not_null => value,
        Ok(_) | Err(_) => old.field_type.implicit_default(),
    }
}
