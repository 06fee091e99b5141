//! SIGNAL, RESIGNAL and GET DIAGNOSTICS.

use super::drive::nothing;
use crate::actors::session::core::Core;
use crate::actors::session::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Warning, WarningLevel};
use crate::sql::parser::ast::{
    DiagnosticsItem, Expr, GetDiagnostics, IntoTarget, Signal, SignalItem,
};
use crate::sql::program::{BoundExprs, Machine, Raised, raise};
use crate::sql::types::{Datum, FieldType};

impl Core {
    /// SIGNAL and RESIGNAL outside of programs.
    pub(in crate::actors::session) async fn signal_statement(
        &mut self,
        signal: &Signal,
        request: &Request<'_>,
    ) -> SqlResult<()> {
        let mut values = Vec::new();
        for (item, expr) in &signal.items {
            values.push((*item, self.value(expr, request).await?.1));
        }
        self.signal(signal, values, None)
    }

    /// GET DIAGNOSTICS outside of programs: it tells of the statement before.
    pub(in crate::actors::session) async fn get_diagnostics_statement(
        &mut self,
        get: &GetDiagnostics,
        request: &Request<'_>,
    ) -> SqlResult<()> {
        if get.stacked {
            return Err(without_handler());
        }
        let number = match &get.condition {
            Some(expr) => Some(self.value(expr, request).await?.1),
            None => None,
        };
        let found = match self.diagnosed(get, number, None) {
            Ok(found) => found,
            Err(error) => return self.not_told(error),
        };
        for (target, field_type, value) in found {
            if let IntoTarget::User(name) = target {
                self.set_user(&name, value, &field_type)?;
            }
        }
        Ok(())
    }

    /// What GET DIAGNOSTICS cannot tell is an error among the others, and none of the statement's.
    fn not_told(&mut self, error: SqlError) -> SqlResult<()> {
        let mut all = std::mem::take(&mut self.diagnostics);
        let (code, message) = (error.code, error.message);
        all.push(Warning { level: WarningLevel::Error, code, message });
        self.keep_diagnostics(all);
        Ok(())
    }

    /// The values of SIGNAL's items, in a program.
    pub(super) async fn signal_values(
        &mut self,
        machine: &Machine,
        bound: &BoundExprs,
        signal: &Signal,
    ) -> SqlResult<Vec<(SignalItem, Datum)>> {
        let mut values = Vec::new();
        for (item, expr) in &signal.items {
            values.push((*item, self.value_in(machine, bound, expr).await?));
        }
        Ok(values)
    }

    async fn value_in(
        &mut self,
        machine: &Machine,
        bound: &BoundExprs,
        expr: &Expr,
    ) -> SqlResult<Datum> {
        let all: Vec<usize> = (0..bound.types.len()).collect();
        self.begin_eval(machine.values(&all), false, false);
        let request = Request { parameters: all.len(), types: bound.types.clone(), ..nothing() };
        Ok(self.value(expr, &request).await?.1)
    }

    /// Raises what SIGNAL says: an error, or a warning among the statement's.
    pub(super) fn signal(
        &mut self,
        signal: &Signal,
        values: Vec<(SignalItem, Datum)>,
        handled: Option<&Raised>,
    ) -> SqlResult<()> {
        let handled = handled.or_else(|| self.programs.handled.last()).cloned();
        let warning = raise(signal, values, handled.as_ref(), &self.eval)?;
        self.keep_diagnostics(vec![warning.shown()]);
        self.programs.signalled = Some(warning);
        Ok(())
    }

    /// GET DIAGNOSTICS in a program.
    pub(super) async fn get_diagnostics_into(
        &mut self,
        machine: &mut Machine,
        bound: &BoundExprs,
        get: &GetDiagnostics,
    ) -> SqlResult<()> {
        let number = match &get.condition {
            Some(expr) => Some(self.value_in(machine, bound, expr).await?),
            None => None,
        };
        let handled = machine.handled().or_else(|| self.programs.handled.last()).cloned();
        if get.stacked && handled.is_none() {
            return Err(without_handler());
        }
        let found = match self.diagnosed(get, number, handled.as_ref()) {
            Ok(found) => found,
            Err(error) => return self.not_told(error),
        };
        let kept = self.diagnostics.clone();
        self.eval_writes();
        let eval = self.eval.clone();
        for (target, field_type, value) in found {
            match target {
                IntoTarget::User(name) => self.set_user(&name, value, &field_type)?,
                IntoTarget::Local(slot) => machine.put(slot, (value, &field_type), &eval)?,
            }
        }
        self.keep_diagnostics(kept);
        Ok(())
    }

    fn diagnosed(
        &self,
        get: &GetDiagnostics,
        number: Option<Datum>,
        handled: Option<&Raised>,
    ) -> SqlResult<Vec<(IntoTarget, FieldType, Datum)>> {
        let stacked = handled.filter(|_| get.stacked);
        let count = stacked.map_or(self.diagnostics.len(), |_| 1);
        let told = match number {
            None => None,
            Some(number) => {
                let wanted = number.to_i64(&self.eval)?;
                let at = usize::try_from(wanted).unwrap_or_default();
                if at == 0 || at > count {
                    let message = "Invalid condition number";
                    return Err(SqlError::new(errno::DA_INVALID_CONDITION_NUMBER, message));
                }
                Some(match stacked {
                    Some(handled) => handled.clone(),
                    None => self.told(&self.diagnostics[at - 1], handled),
                })
            }
        };
        let value = |item: &DiagnosticsItem| match (item, &told) {
            (DiagnosticsItem::Number, _) => (FieldType::bigint(), Datum::Int(count as i64)),
            (DiagnosticsItem::RowCount, _) => (FieldType::bigint(), Datum::Int(self.row_count)),
            (DiagnosticsItem::ReturnedSqlstate, Some(told)) => text(told.state.clone()),
            (DiagnosticsItem::Item(SignalItem::MysqlErrno), Some(told)) => {
                (FieldType::bigint(), Datum::Int(told.code.into()))
            }
            (DiagnosticsItem::Item(item), Some(told)) => text(told.item(*item)),
            (_, None) => (FieldType::null(), Datum::Null),
        };
        let items = get.items.iter().map(|(target, item)| {
            let (field_type, value) = value(item);
            (target.clone(), field_type, value)
        });
        Ok(items.collect())
    }

    /// All that is known of a condition.
    fn told(&self, warning: &Warning, handled: Option<&Raised>) -> Raised {
        let same =
            |error: &&SqlError| error.code == warning.code && error.message == warning.message;
        if let Some(error) = self.programs.last_error.as_ref().filter(same) {
            return Raised::error(error.clone());
        }
        let same =
            |raised: &&Raised| raised.code == warning.code && raised.message == warning.message;
        handled.filter(same).cloned().unwrap_or_else(|| Raised::warning(warning))
    }

    /// The statement's error, for GET DIAGNOSTICS.
    pub(in crate::actors::session) fn keep_last_error(&mut self, error: &SqlError) {
        self.programs.last_error = Some(error.clone());
    }
}

fn text(said: String) -> (FieldType, Datum) {
    (FieldType::varchar(512), Datum::from(said))
}

fn without_handler() -> SqlError {
    let message = "GET STACKED DIAGNOSTICS when handler not active";
    SqlError::new(errno::GET_STACKED_DA_WITHOUT_ACTIVE_HANDLER, message)
}
