//! What is kept of the rows of a group.

use ahash::AHashSet;

use super::bits::Bits;
use super::concat::Concat;
use super::count::Count;
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
    fn finish(self, field_type: &FieldType) -> SqlResult<Datum>;

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

            fn finish(self, field_type: &FieldType) -> SqlResult<Datum> {
                match self {
                    $(State::$state(state) => state.finish(field_type),)*
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

states!(Count, ExactSum, FloatSum, Pick, Concat, Bits, Variance);

/// One aggregate of one group.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Accumulator {
    definition: &'static AggregateDefinition,
    field_type: FieldType,
    arg_types: Vec<FieldType>,
    /// Keys seen, for DISTINCT.
    seen: Option<AHashSet<Vec<u8>>>,
    state: State,
}

impl Accumulator {
    /// Of an empty group.
    pub(in crate::sql) fn new(aggregate: &Aggregate) -> Accumulator {
        let definition = aggregate.kind.definition();
        Accumulator {
            definition,
            field_type: aggregate.field_type.clone(),
            arg_types: aggregate.args.iter().map(|arg| arg.field_type().clone()).collect(),
            seen: aggregate.distinct.then(AHashSet::new),
            state: (definition.new)(aggregate),
        }
    }

    /// Takes one row's arguments in.
    pub(in crate::sql) fn add(&mut self, args: &[Datum], ctx: &EvalContext) -> SqlResult<()> {
        let values = &args[..args.len() - usize::from(self.definition.has_separator)];
        if !self.definition.takes_nulls && values.iter().any(Datum::is_null) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen {
            let mut key = Vec::new();
            for (value, field_type) in values.iter().zip(&self.arg_types) {
                push_key(&mut key, value, field_type)?;
            }
            if !seen.insert(key) {
                return Ok(());
            }
        }
        self.state.add(args, &self.arg_types, ctx)
    }

    /// What it has seen, as bytes that [`Accumulator::merge`] takes. `None` with DISTINCT: of values seen by both, one would
    /// count twice.
    pub(in crate::sql) fn encode(&self) -> SqlResult<Option<Vec<u8>>> {
        if self.seen.is_some() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.state.encode(&mut bytes, &self.arg_types)?;
        Ok(Some(bytes))
    }

    /// Takes in what another accumulator of the same aggregate has seen, behind what this one has.
    pub(in crate::sql) fn merge(&mut self, mut from: &[u8], ctx: &EvalContext) -> SqlResult<()> {
        self.state.merge(&mut from, &self.arg_types, ctx)
    }

    /// The aggregate's value.
    pub(in crate::sql) fn finish(self) -> SqlResult<Datum> {
        self.state.finish(&self.field_type)
    }

    /// Roughly the bytes it holds.
    pub(in crate::sql) fn size(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |seen| seen.capacity() * 48);
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
            for (field_type, values) in &columns {
                let mut args = vec![Expr::column(0, field_type.clone())];
                let separator = kind.definition().has_separator.then(|| Datum::from(";"));
                args.extend(separator.clone().map(Expr::literal));
                let aggregate = Aggregate::new(*kind, args, false).expect("it has its arguments");
                let rows: Vec<Vec<Datum>> = values
                    .iter()
                    .map(|value| [value.clone()].into_iter().chain(separator.clone()).collect())
                    .collect();
                let whole = of(&aggregate, &rows, &ctx).finish().expect("it has a value");
                for at in 0..=rows.len() {
                    let (first, second) = rows.split_at(at);
                    let mut merged = Accumulator::new(&aggregate);
                    for part in [first, second] {
                        let part = of(&aggregate, part, &ctx).encode().expect("it can travel");
                        merged
                            .merge(&part.expect("it is not DISTINCT"), &ctx)
                            .expect("it is whole");
                    }
                    let merged = merged.finish().expect("it has a value");
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
