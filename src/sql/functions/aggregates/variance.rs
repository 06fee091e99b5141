//! Variances and standard deviations.

use super::AggregateDefinition;
use super::state::{Partial, State, float, take};
use crate::common::SqlResult;
use crate::sql::expr::EvalContext;
use crate::sql::types::{Datum, FieldType};

macro_rules! of_squares {
    ($names:expr, sample: $sample:literal, root: $root:literal, $summary:literal) => {
        AggregateDefinition::new(
            $names,
            |_| Ok(FieldType::double()),
            |_| State::Variance(Variance::new($sample, $root)),
            $summary,
        )
        .of_numbers()
    };
}

pub(super) static STDDEV_POP: AggregateDefinition = of_squares!(
    &["stddev_pop", "std", "stddev"],
    sample: false,
    root: true,
    "The standard deviation of all there is."
);
pub(super) static STDDEV_SAMP: AggregateDefinition =
    of_squares!(&["stddev_samp"], sample: true, root: true, "The standard deviation of a sample.");
pub(super) static VAR_POP: AggregateDefinition = of_squares!(
    &["var_pop", "variance"],
    sample: false,
    root: false,
    "The variance of all there is."
);
pub(super) static VAR_SAMP: AggregateDefinition =
    of_squares!(&["var_samp"], sample: true, root: false, "The variance of a sample.");

/// Mean and sum of squared distances so far (B. P. Welford, 1962; merged after T. F. Chan, G. H. Golub and R. J. LeVeque,
/// 1979).
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
    is_sample: bool,
    takes_root: bool,
}

impl Variance {
    fn new(is_sample: bool, takes_root: bool) -> Variance {
        Variance { count: 0.0, mean: 0.0, squares: 0.0, is_sample, takes_root }
    }
}

impl Partial for Variance {
    fn add(&mut self, args: &[Datum], _: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        let value = float(&args[0], ctx)?;
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        let count = f64::from_le_bytes(take(from)?);
        let mean = f64::from_le_bytes(take(from)?);
        let squares = f64::from_le_bytes(take(from)?);
        let total = self.count + count;
        if total > 0.0 {
            let distance = mean - self.mean;
            self.squares += squares + distance * distance * self.count * count / total;
            self.mean += distance * count / total;
            self.count = total;
        }
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        for number in [self.count, self.mean, self.squares] {
            to.extend(number.to_le_bytes());
        }
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        let divisor = if self.is_sample { self.count - 1.0 } else { self.count };
        if divisor <= 0.0 {
            return Ok(Datum::Null);
        }
        let variance = self.squares / divisor;
        Ok(Datum::Float(if self.takes_root { variance.sqrt() } else { variance }))
    }
}
