//! What is kept of the rows of a group.

use ahash::AHashSet;

use super::bits::{BitString, Bits};
use super::concat::Concat;
use super::count::Count;
use super::json::{JsonArray, JsonObject};
use super::pick::Pick;
use super::sum::{ExactSum, FloatSum};
use super::variance::Variance;
use super::{Aggregate, AggregateDefinition};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::types::{Datum, FieldType, TimeZone, codec};

/// What an aggregate makes of values, one after another.
pub(super) trait Partial {
    /// Takes one row's arguments in; none is NULL unless the aggregate takes NULLs.
    fn add(&mut self, args: &[Datum], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()>;

    /// Takes in what another one of the same aggregate has seen, as [`Partial::encode`] wrote it, after its own rows.
    fn merge(&mut self, from: &mut &[u8], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()>;

    /// Appends what it has seen.
    fn encode(&self, to: &mut Vec<u8>, types: &[FieldType]) -> SqlResult<()>;

    /// The aggregate's value.
    fn finish(self, field_type: &FieldType, ctx: &EvalContext) -> SqlResult<Datum>;

    /// Roughly the bytes it holds elsewhere.
    fn size(&self) -> usize {
        0
    }
}

macro_rules! states {
    ($($state:ident),*) => {
        /// What is kept of a group, whatever the aggregate.
        #[derive(Clone, Debug)]
        pub(in crate::sql::functions) enum State {
            $($state($state),)*
        }

        impl State {
            fn add(&mut self, args: &[Datum], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
                match self {
                    $(State::$state(state) => state.add(args, types, ctx),)*
                }
            }

            fn merge(&mut self, from: &mut &[u8], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
                match self {
                    $(State::$state(state) => state.merge(from, types, ctx),)*
                }
            }

            fn encode(&self, to: &mut Vec<u8>, types: &[FieldType]) -> SqlResult<()> {
                match self {
                    $(State::$state(state) => state.encode(to, types),)*
                }
            }

            fn finish(self, field_type: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
                match self {
                    $(State::$state(state) => state.finish(field_type, ctx),)*
                }
            }

            fn size(&self) -> usize {
                match self {
                    $(State::$state(state) => state.size(),)*
                }
            }
        }
    };
}

states!(Count, ExactSum, FloatSum, Pick, Concat, Bits, BitString, Variance, JsonArray, JsonObject);

/// One aggregate of one group.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Accumulator {
    definition: &'static AggregateDefinition,
    field_type: FieldType,
    arg_types: Vec<FieldType>,
    /// How many of the arguments are values.
    values: usize,
    /// For DISTINCT.
    seen: Option<Seen>,
    state: State,
}

/// What DISTINCT has seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Keys of the rows' values.
    keys: AHashSet<Vec<u8>>,
    /// The rows that counted, in their order, as [`Seen::note`] writes them: another accumulator of the group has to know which they were.
    rows: Vec<u8>,
    /// Bytes that the keys hold.
    key_bytes: usize,
}

impl Seen {
    /// Whether there was no row with these values before.
    fn is_new(&mut self, values: &[Datum], types: &[FieldType]) -> SqlResult<bool> {
        let mut key = Vec::new();
        for (value, field_type) in values.iter().zip(types) {
            push_key(&mut key, value, field_type)?;
        }
        let bytes = key.capacity();
        let new = self.keys.insert(key);
        self.key_bytes += if new { bytes } else { 0 };
        Ok(new)
    }

    fn note(&mut self, args: &[Datum], types: &[FieldType]) -> SqlResult<()> {
        let mut bytes = Vec::new();
        for (value, field_type) in args.iter().zip(types) {
            self.rows.push(u8::from(!value.is_null()));
            if !value.is_null() {
                bytes.clear();
                codec::encode_row_value(value, field_type, &TimeZone::UTC, &mut bytes)?;
                put_bytes(&mut self.rows, &bytes);
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.keys.capacity() * (size_of::<Vec<u8>>() + 1) + self.key_bytes + self.rows.capacity()
    }
}

/// The next row that [`Seen::note`] wrote.
fn take_row(from: &mut &[u8], types: &[FieldType]) -> SqlResult<Vec<Datum>> {
    let mut row = Vec::with_capacity(types.len());
    for field_type in types {
        row.push(match take(from)? {
            [0] => Datum::Null,
            _ => codec::decode_row_value(take_bytes(from)?, field_type, &TimeZone::UTC)?,
        });
    }
    Ok(row)
}

impl Accumulator {
    /// Of an empty group.
    pub(in crate::sql) fn new(aggregate: &Aggregate) -> Accumulator {
        let definition = aggregate.kind.definition();
        Accumulator {
            definition,
            field_type: aggregate.field_type.clone(),
            arg_types: aggregate.args.iter().map(|arg| arg.field_type().clone()).collect(),
            values: aggregate.parts().0.len(),
            seen: aggregate.distinct.then(Seen::default),
            state: (definition.new)(aggregate),
        }
    }

    /// Takes one row's arguments in.
    pub(in crate::sql) fn add(&mut self, args: &[Datum], ctx: &EvalContext) -> SqlResult<()> {
        let values = &args[..self.values];
        if !self.definition.takes_nulls && values.iter().any(Datum::is_null) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen {
            if !seen.is_new(values, &self.arg_types)? {
                return Ok(());
            }
            seen.note(args, &self.arg_types)?;
        }
        self.state.add(args, &self.arg_types, ctx)
    }

    /// What it has seen, as bytes that [`Accumulator::merge`] takes: with DISTINCT the rows that counted, because of values seen by
    /// both one would count twice.
    pub(in crate::sql) fn encode(&self) -> SqlResult<Vec<u8>> {
        let mut bytes = Vec::new();
        match &self.seen {
            Some(seen) => bytes.extend_from_slice(&seen.rows),
            None => self.state.encode(&mut bytes, &self.arg_types)?,
        }
        Ok(bytes)
    }

    /// Takes in what another accumulator of the same aggregate has seen, behind what this one has.
    pub(in crate::sql) fn merge(&mut self, mut from: &[u8], ctx: &EvalContext) -> SqlResult<()> {
        if self.seen.is_none() {
            return self.state.merge(&mut from, &self.arg_types, ctx);
        }
        while !from.is_empty() {
            let row = take_row(&mut from, &self.arg_types)?;
            self.add(&row, ctx)?;
        }
        Ok(())
    }

    /// The aggregate's value.
    pub(in crate::sql) fn finish(self, ctx: &EvalContext) -> SqlResult<Datum> {
        self.state.finish(&self.field_type, ctx)
    }

    /// Roughly the bytes it holds.
    pub(in crate::sql) fn size(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, Seen::size);
        std::mem::size_of::<Accumulator>() + seen + self.state.size()
    }
}

/// Appends the key of a value: equal values have equal keys, and lesser ones lesser.
pub(super) fn push_key(key: &mut Vec<u8>, value: &Datum, field_type: &FieldType) -> SqlResult<()> {
    codec::encode_key_value(value, field_type, &TimeZone::UTC, key)
}

/// CAST of a value.
pub(super) fn convert(value: &Datum, target: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
    Expr::cast(Expr::literal(value.clone()), target.clone()).eval(&[], ctx)
}

/// An argument as a double.
pub(super) fn float(value: &Datum, ctx: &EvalContext) -> SqlResult<f64> {
    match value {
        Datum::Float(number) => Ok(*number),
        other => other.to_f64(ctx),
    }
}

/// The next bytes of a state.
pub(super) fn take<const N: usize>(from: &mut &[u8]) -> SqlResult<[u8; N]> {
    let (bytes, rest) = from
        .split_first_chunk()
        .ok_or_else(|| SqlError::internal("the state of an aggregate ends too early"))?;
    *from = rest;
    Ok(*bytes)
}

/// Bytes with their length in front.
pub(super) fn take_bytes<'a>(from: &mut &'a [u8]) -> SqlResult<&'a [u8]> {
    let length = u64::from_le_bytes(take(from)?);
    let split = usize::try_from(length).ok().and_then(|length| from.split_at_checked(length));
    let (bytes, rest) =
        split.ok_or_else(|| SqlError::internal("the state of an aggregate ends too early"))?;
    *from = rest;
    Ok(bytes)
}

/// Appends bytes with their length in front.
pub(super) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u64).to_le_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::{Aggregate, AggregateKind};
    use super::*;
    use crate::sql::types::{Decimal, Time};

    fn of(aggregate: &Aggregate, rows: &[Vec<Datum>], ctx: &EvalContext) -> Accumulator {
        let mut group = Accumulator::new(aggregate);
        for row in rows {
            group.add(row, ctx).expect("the row counts");
        }
        group
    }

    /// However the rows of a group are parted, the parts merged give what the whole gives.
    #[test]
    fn parts_merge_to_the_whole() {
        let ctx = EvalContext::new();
        let number = |n| Datum::Decimal(Decimal::new(n, 2));
        let day = |day| Datum::Time(Time::date(2024, 1, day));
        let columns = [
            (FieldType::bigint(), vec![Datum::Int(7), Datum::Null, Datum::Int(-3), Datum::Int(7)]),
            (FieldType::double(), vec![Datum::Float(1.5), Datum::Float(-2.25), Datum::Float(8.0)]),
            (FieldType::decimal(10, 2), vec![number(125), number(-1), Datum::Null, number(99)]),
            (FieldType::varchar(9), vec![Datum::from("b"), Datum::Null, Datum::from("a")]),
            (FieldType::date(), vec![day(3), day(1), Datum::Null]),
            (FieldType::bigint(), vec![Datum::Null, Datum::Null]),
            (FieldType::bigint(), vec![]),
        ];
        for kind in AggregateKind::ALL {
            for ((field_type, values), distinct) in
                columns.iter().flat_map(|column| [(column, false), (column, true)])
            {
                // Members of objects have a key in front.
                let key = (*kind == AggregateKind::JsonObjectAgg).then(|| Datum::from("k"));
                let mut args: Vec<Expr> = key.clone().map(Expr::literal).into_iter().collect();
                args.push(Expr::column(0, field_type.clone()));
                let separator = kind.definition().has_separator.then(|| Datum::from(";"));
                args.extend(separator.clone().map(Expr::literal));
                let aggregate =
                    Aggregate::new(*kind, args, distinct).expect("it has its arguments");
                let rows: Vec<Vec<Datum>> = values
                    .iter()
                    .map(|value| {
                        let row = key.clone().into_iter().chain([value.clone()]);
                        row.chain(separator.clone()).collect()
                    })
                    .collect();
                let whole = of(&aggregate, &rows, &ctx).finish(&ctx).expect("it has a value");
                for at in 0..=rows.len() {
                    let (first, second) = rows.split_at(at);
                    let mut merged = Accumulator::new(&aggregate);
                    for part in [first, second] {
                        let part = of(&aggregate, part, &ctx).encode().expect("it can travel");
                        merged.merge(&part, &ctx).expect("it is whole");
                    }
                    let merged = merged.finish(&ctx).expect("it has a value");
                    let alike = match (&merged, &whole) {
                        (Datum::Float(a), Datum::Float(b)) => (a - b).abs() < 1e-9,
                        (a, b) => a == b,
                    };
                    assert!(alike, "{aggregate} of {rows:?} at {at}: {merged:?}, not {whole:?}");
                }
            }
        }
    }
}
