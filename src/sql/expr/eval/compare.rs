//! Comparisons and what is made of them.

use std::cmp::Ordering;

use super::Call;
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::{Datum, compare};

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
                Ok(Datum::from(holds(self.function, self.order(&left, &right)?)))
            }
        }
    }

    fn order(&self, left: &Datum, right: &Datum) -> SqlResult<Ordering> {
        compare(left, right, self.collation(), self.ctx)
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
            } else if self.order(&value, &candidate)? == Ordering::Equal {
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
            false => Some(self.order(&value, &low)? != Ordering::Less),
        };
        let below = match high.is_null() {
            true => None,
            false => Some(self.order(&value, &high)? != Ordering::Greater),
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
