//! Functions of numbers.

use super::{Call, not_null};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::{Datum, Decimal};

/// What RAND(seed) counts modulo.
const RAND_LIMIT: u64 = 0x3FFF_FFFF;

impl Call<'_> {
    pub(super) fn numeric(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Abs => self.abs(),
            F::Sign => self.sign(),
            F::Ceil | F::Floor => self.whole(),
            F::Round | F::Truncate => self.round(),
            F::Pi => Ok(Datum::Float(std::f64::consts::PI)),
            F::Rand => self.rand(),
            F::Sleep => self.sleep(),
            F::Pow => self.finite(not_null!(self.float(0)).powf(not_null!(self.float(1)))),
            F::Atan if self.args.len() == 2 => {
                self.finite(not_null!(self.float(0)).atan2(not_null!(self.float(1))))
            }
            F::Ln | F::Log | F::Log2 | F::Log10 => self.logarithm(),
            _ => {
                let x = not_null!(self.float(0));
                self.of_one_float(x)
            }
        }
    }

    fn of_one_float(&self, x: f64) -> SqlResult<Datum> {
        use Function as F;
        let within = |x: f64| (-1.0..=1.0).contains(&x);
        self.finite(match self.function {
            F::Sqrt if x < 0.0 => return Ok(Datum::Null),
            F::Asin | F::Acos if !within(x) => return Ok(Datum::Null),
            F::Sqrt => x.sqrt(),
            F::Exp => x.exp(),
            F::Degrees => x.to_degrees(),
            F::Radians => x.to_radians(),
            F::Sin => x.sin(),
            F::Cos => x.cos(),
            F::Tan => x.tan(),
            F::Cot => 1.0 / x.tan(),
            F::Asin => x.asin(),
            F::Acos => x.acos(),
            _ => x.atan(),
        })
    }

    fn finite(&self, result: f64) -> SqlResult<Datum> {
        if result.is_finite() { Ok(Datum::Float(result)) } else { Err(self.out_of_range("DOUBLE")) }
    }

    fn logarithm(&self) -> SqlResult<Datum> {
        use Function as F;
        let first = not_null!(self.float(0));
        let (base, x) = if self.args.len() == 2 {
            (Some(first), not_null!(self.float(1)))
        } else {
            (None, first)
        };
        if x <= 0.0 || base.is_some_and(|base| base <= 0.0 || base == 1.0) {
            self.ctx.warn_or_fail(
                errno::INVALID_ARGUMENT_FOR_LOGARITHM,
                "Invalid argument for logarithm",
            )?;
            return Ok(Datum::Null);
        }
        self.finite(match (self.function, base) {
            (_, Some(base)) => x.ln() / base.ln(),
            (F::Log2, _) => x.log2(),
            (F::Log10, _) => x.log10(),
            _ => x.ln(),
        })
    }

    fn abs(&self) -> SqlResult<Datum> {
        Ok(match self.value(0)? {
            Datum::Null => Datum::Null,
            Datum::Int(number) => {
                Datum::Int(number.checked_abs().ok_or_else(|| self.out_of_range("BIGINT"))?)
            }
            Datum::UInt(number) => Datum::UInt(number),
            Datum::Decimal(number) => Datum::Decimal(number.abs()),
            other => Datum::Float(other.to_f64(self.ctx)?.abs()),
        })
    }

    fn sign(&self) -> SqlResult<Datum> {
        Ok(match self.value(0)? {
            Datum::Null => Datum::Null,
            Datum::Int(number) => Datum::Int(number.signum()),
            Datum::UInt(number) => Datum::Int(i64::from(number > 0)),
            other => {
                let number = other.to_f64(self.ctx)?;
                Datum::Int(i64::from(number > 0.0) - i64::from(number < 0.0))
            }
        })
    }

    /// CEIL and FLOOR.
    fn whole(&self) -> SqlResult<Datum> {
        let up = self.function == Function::Ceil;
        Ok(match self.value(0)? {
            Datum::Null => Datum::Null,
            Datum::Int(number) => Datum::Int(number),
            Datum::UInt(number) => Datum::UInt(number),
            Datum::Decimal(number) => {
                Datum::Decimal(if up { number.ceil() } else { number.floor() })
            }
            other => {
                let number = other.to_f64(self.ctx)?;
                Datum::Float(if up { number.ceil() } else { number.floor() })
            }
        })
    }

    fn round(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let places = if self.args.len() > 1 { not_null!(self.int(1)) } else { 0 };
        let places = places.clamp(-80, 30) as i32;
        let truncate = self.function == Function::Truncate;
        let exact = |number: &Decimal| {
            if truncate { number.truncate(places) } else { number.round(places) }
        };
        Ok(match value {
            Datum::Int(_) | Datum::UInt(_) if places >= 0 => value,
            Datum::Int(number) => {
                let rounded = exact(&Decimal::from(number)).to_i64();
                Datum::Int(rounded.ok_or_else(|| self.out_of_range("BIGINT"))?)
            }
            Datum::UInt(number) => {
                let rounded = exact(&Decimal::from(number)).to_u64();
                Datum::UInt(rounded.ok_or_else(|| self.out_of_range("BIGINT UNSIGNED"))?)
            }
            Datum::Decimal(number) => Datum::Decimal(exact(&number)),
            other => Datum::Float(round_float(other.to_f64(self.ctx)?, places, truncate)),
        })
    }

    /// Nothing waits here: the session has, before the statement runs. Where it has not, it says so.
    fn sleep(&self) -> SqlResult<Datum> {
        if self.ctx.slept.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(Datum::Int(0));
        }
        Err(SqlError::unsupported("SLEEP() anywhere but in a SELECT without tables"))
    }

    fn rand(&self) -> SqlResult<Datum> {
        if self.args.is_empty() {
            let bits = self.ctx.next_random() >> 11;
            return Ok(Datum::Float(bits as f64 / (1_u64 << 53) as f64));
        }
        let seed = self.int(0)?.unwrap_or(0) as u32;
        let mut states = self.ctx.seeded.lock();
        // A seed that is not constant starts anew for each row.
        if !self.args[0].is_constant() {
            states.remove(&seed);
        }
        let (first, second) = states.entry(seed).or_insert_with(|| {
            let seed1 = seed.wrapping_mul(0x10001).wrapping_add(55_555_555);
            let seed2 = seed.wrapping_mul(0x1000_0001);
            (u64::from(seed1) % RAND_LIMIT, u64::from(seed2) % RAND_LIMIT)
        });
        *first = (*first * 3 + *second) % RAND_LIMIT;
        *second = (*first + *second + 33) % RAND_LIMIT;
        Ok(Datum::Float(*first as f64 / RAND_LIMIT as f64))
    }
}

/// A double rounded to some decimal places.
fn round_float(number: f64, places: i32, truncate: bool) -> f64 {
    let cut = |number: f64| if truncate { number.trunc() } else { number.round_ties_even() };
    if places == 0 {
        return cut(number);
    }
    let unit = 10_f64.powi(places.abs());
    if places > 0 {
        let scaled = number * unit;
        if scaled.is_finite() { cut(scaled) / unit } else { number }
    } else if unit.is_finite() {
        cut(number / unit) * unit
    } else {
        0.0
    }
}
