//! Comparisons and what is made of them.

use std::cmp::Ordering;

use super::Call;
use crate::common::SqlResult;
use crate::sql::expr::{Expr, Function, constant};
use crate::sql::types::{Collation, Datum, compare};

/// What a comparison operator says of an order.
pub(in crate::sql::expr) fn holds(function: Function, order: Ordering) -> bool {
    match function {
        Function::Eq | Function::NullEq => order == Ordering::Equal,
        Function::Ne => order != Ordering::Equal,
        Function::Lt => order == Ordering::Less,
        Function::Le => order != Ordering::Greater,
        Function::Gt => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}

impl Call<'_> {
    pub(super) fn comparison(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::In => self.in_list(),
            F::InRows => self.in_rows(),
            F::Between => self.between(),
            F::Greatest | F::Least => self.extreme(),
            F::Strcmp => self.strcmp(),
            F::NullIf => self.null_if(),
            F::Interval => self.interval_position(),
            F::Field => self.field(),
            _ => {
                let (left, right) = (self.value(0)?, self.value(1)?);
                if left.is_null() || right.is_null() {
                    let both = left.is_null() && right.is_null();
                    let safe = self.function == F::NullEq;
                    return Ok(if safe { Datum::from(both) } else { Datum::Null });
                }
                Ok(Datum::from(holds(self.function, self.order_of((0, &left), (1, &right))?)))
            }
        }
    }

    fn order(&self, left: &Datum, right: &Datum) -> SqlResult<Ordering> {
        compare(left, right, self.collation(), self.ctx)
    }

    fn order_of(&self, left: (usize, &Datum), right: (usize, &Datum)) -> SqlResult<Ordering> {
        self.order_by(left, right, self.collation())
    }

    /// The order of two arguments, of which a constant is read as a value of the other's type.
    fn order_by(
        &self,
        left: (usize, &Datum),
        right: (usize, &Datum),
        collation: Collation,
    ) -> SqlResult<Ordering> {
        if let Some(read) = self.read_constant(right, left.0)? {
            return compare(left.1, &read, collation, self.ctx);
        }
        match self.read_constant(left, right.0)? {
            Some(read) => compare(&read, right.1, collation, self.ctx),
            None => compare(left.1, right.1, collation, self.ctx),
        }
    }

    /// Whether a row is one of a list.
    fn in_rows(&self) -> SqlResult<Datum> {
        let width = Function::row_of(self.args).len().max(1);
        let mut row = Vec::with_capacity(width);
        for position in 1..=width {
            row.push(self.value(position)?);
        }
        let mut saw_null = false;
        for start in (width + 1..self.args.len()).step_by(width) {
            self.ctx.check_interrupted()?;
            let mut equal = Some(true);
            for (at, value) in row.iter().enumerate() {
                let candidate = self.value(start + at)?;
                if value.is_null() || candidate.is_null() {
                    equal = None;
                    continue;
                }
                let collation = self.arg_type(1 + at).collation;
                let order = self.order_by((1 + at, value), (start + at, &candidate), collation)?;
                if order.is_ne() {
                    equal = Some(false);
                    break;
                }
            }
            match equal {
                Some(true) => return Ok(Datum::from(true)),
                Some(false) => {}
                None => saw_null = true,
            }
        }
        Ok(if saw_null { Datum::Null } else { Datum::from(false) })
    }

    fn read_constant(
        &self,
        (position, value): (usize, &Datum),
        other: usize,
    ) -> SqlResult<Option<Datum>> {
        let target = self.arg_type(other);
        let applies = constant::is_read(value, target)
            && (target.kind.is_temporal() || matches!(self.args[other], Expr::Column { .. }))
            && self.args[position].is_constant();
        if !applies {
            return Ok(None);
        }
        constant::constant_as(value.clone(), target, self.ctx).map(Some)
    }

    fn in_list(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let mut saw_null = false;
        for position in 1..self.args.len() {
            let candidate = self.value(position)?;
            if candidate.is_null() {
                saw_null = true;
            } else if self.order_of((0, &value), (position, &candidate))? == Ordering::Equal {
                return Ok(Datum::from(true));
            }
        }
        Ok(if saw_null { Datum::Null } else { Datum::from(false) })
    }

    /// `low <= value AND value <= high`, with AND's ways with NULL.
    fn between(&self) -> SqlResult<Datum> {
        let (value, low, high) = (self.value(0)?, self.value(1)?, self.value(2)?);
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let above = match low.is_null() {
            true => None,
            false => Some(self.order_of((0, &value), (1, &low))? != Ordering::Less),
        };
        let below = match high.is_null() {
            true => None,
            false => Some(self.order_of((0, &value), (2, &high))? != Ordering::Greater),
        };
        Ok(match (above, below) {
            (Some(false), _) | (_, Some(false)) => Datum::from(false),
            (Some(true), Some(true)) => Datum::from(true),
            _ => Datum::Null,
        })
    }

    fn extreme(&self) -> SqlResult<Datum> {
        let wanted =
            if self.function == Function::Greatest { Ordering::Greater } else { Ordering::Less };
        let mut best: Option<(usize, Datum)> = None;
        for position in 0..self.args.len() {
            let value = self.value(position)?;
            if value.is_null() {
                return Ok(Datum::Null);
            }
            let better = match &best {
                None => true,
                Some((_, best)) => self.order(&value, best)? == wanted,
            };
            if better {
                best = Some((position, value));
            }
        }
        Ok(best.map_or(Datum::Null, |(position, value)| self.as_result(value, position)))
    }

    /// An argument's value as one of the call's type: as text by the argument's type, if that is what is asked for.
    pub(super) fn as_result(&self, value: Datum, position: usize) -> Datum {
        if self.field_type.kind.is_string() && !value.is_null() {
            return Datum::Bytes(value.to_bytes_as(self.arg_type(position)));
        }
        value
    }

    fn strcmp(&self) -> SqlResult<Datum> {
        let (Some(left), Some(right)) = (self.bytes(0)?, self.bytes(1)?) else {
            return Ok(Datum::Null);
        };
        Ok(Datum::Int(self.collation().compare(&left, &right) as i64))
    }

    fn null_if(&self) -> SqlResult<Datum> {
        let (left, right) = (self.value(0)?, self.value(1)?);
        if left.is_null() || right.is_null() {
            return Ok(left);
        }
        let equal = self.order(&left, &right)? == Ordering::Equal;
        Ok(if equal { Datum::Null } else { left })
    }

    /// How many of the ascending limits the value has reached; -1 for NULL.
    fn interval_position(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        if value.is_null() {
            return Ok(Datum::Int(-1));
        }
        let mut reached = 0;
        for position in 1..self.args.len() {
            let limit = self.value(position)?;
            if !limit.is_null() && self.order(&value, &limit)? == Ordering::Less {
                break;
            }
            reached += 1;
        }
        Ok(Datum::Int(reached))
    }

    fn field(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        if value.is_null() {
            return Ok(Datum::Int(0));
        }
        for position in 1..self.args.len() {
            let candidate = self.value(position)?;
            if !candidate.is_null() && self.order(&value, &candidate)? == Ordering::Equal {
                return Ok(Datum::Int(position as i64));
            }
        }
        Ok(Datum::Int(0))
    }
}
