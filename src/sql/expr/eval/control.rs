//! Logic of three values, and choices.

use super::Call;
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::Datum;

impl Call<'_> {
    fn truth(&self, position: usize) -> SqlResult<Option<bool>> {
        self.value(position)?.to_bool(self.ctx)
    }

    pub(super) fn control(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::And => self.until(false),
            F::Or => self.until(true),
            F::Xor => {
                let (Some(left), Some(right)) = (self.truth(0)?, self.truth(1)?) else {
                    return Ok(Datum::Null);
                };
                Ok(Datum::from(left != right))
            }
            F::Not => Ok(Datum::from(self.truth(0)?.map(|truth| !truth))),
            F::IsTrue => Ok(Datum::from(self.truth(0)? == Some(true))),
            F::IsFalse => Ok(Datum::from(self.truth(0)? == Some(false))),
            F::IsNull => Ok(Datum::from(self.value(0)?.is_null())),
            F::If => {
                let position = if self.truth(0)? == Some(true) { 1 } else { 2 };
                self.choice(position)
            }
            F::IfNull | F::Coalesce => {
                for position in 0..self.args.len() {
                    let value = self.choice(position)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Datum::Null)
            }
            _ => self.case(),
        }
    }

    /// AND stops at false and OR at true; short of that, NULL wins.
    fn until(&self, decisive: bool) -> SqlResult<Datum> {
        let mut saw_null = false;
        for position in 0..self.args.len() {
            match self.truth(position)? {
                Some(truth) if truth == decisive => return Ok(Datum::from(decisive)),
                Some(_) => {}
                None => saw_null = true,
            }
        }
        Ok(if saw_null { Datum::Null } else { Datum::from(!decisive) })
    }

    fn case(&self) -> SqlResult<Datum> {
        let branches = self.args.len() / 2;
        for branch in 0..branches {
            if self.truth(branch * 2)? == Some(true) {
                return self.choice(branch * 2 + 1);
            }
        }
        if self.args.len() % 2 == 1 { self.choice(branches * 2) } else { Ok(Datum::Null) }
    }

    fn choice(&self, position: usize) -> SqlResult<Datum> {
        Ok(self.as_result(self.value(position)?, position))
    }
}
