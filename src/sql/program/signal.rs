//! SIGNAL and RESIGNAL: what they raise.

use super::Raised;
use crate::common::{Fault, Signalled, SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Warning, WarningLevel};
use crate::sql::parser::ast::{Condition, Signal, SignalItem};
use crate::sql::types::Datum;

/// The longest message, in characters.
const MESSAGE_LIMIT: usize = 128;
/// The longest of the other items.
const ITEM_LIMIT: usize = 64;

/// Raises what SIGNAL says, with the values of its items: an error; or gives the warning that it is. `handled`: what is being handled.
pub fn raise(
    signal: &Signal,
    values: Vec<(SignalItem, Datum)>,
    handled: Option<&Raised>,
    eval: &EvalContext,
) -> SqlResult<Raised> {
    let mut raised = match (signal.again, handled) {
        (true, Some(handled)) => {
            let items = handled.items.iter().map(|(item, said)| (item.name(), said.clone()));
            Signalled {
                state: handled.state.clone(),
                code: handled.code,
                message: handled.message.clone(),
                items: items.collect(),
            }
        }
        (true, None) => {
            let message = "RESIGNAL when handler not active";
            return Err(SqlError::new(errno::RESIGNAL_WITHOUT_ACTIVE_HANDLER, message));
        }
        (false, _) => fresh("45000"),
    };
    if let Some(Condition::State(state)) = &signal.condition {
        let usual = fresh(state);
        raised = match signal.again {
            // The rest stays, unless it is set.
            true => Signalled { state: usual.state, ..raised },
            false => usual,
        };
    }
    for (item, value) in values {
        set_item(&mut raised, item, &value, eval)?;
    }
    if raised.state.starts_with("01") {
        let raised = Raised::error(Fault::Signal(Box::new(raised)).into());
        return Ok(Raised { level: WarningLevel::Warning, error: None, ..raised });
    }
    Err(Fault::Signal(Box::new(raised)).into())
}

/// What a query without a row warns of, whose row is wanted.
pub fn no_data() -> Warning {
    let message = "No data - zero rows fetched, selected, or processed".to_owned();
    Warning { level: WarningLevel::Warning, code: errno::SP_FETCH_NO_DATA, message }
}

/// What SIGNAL raises when it says nothing but the state.
fn fresh(state: &str) -> Signalled {
    let (code, message) = match state.get(..2) {
        Some("01") => (errno::SIGNAL_WARN, "Unhandled user-defined warning condition"),
        Some("02") => (errno::SIGNAL_NOT_FOUND, "Unhandled user-defined not found condition"),
        _ => (errno::SIGNAL_EXCEPTION, "Unhandled user-defined exception condition"),
    };
    Signalled { state: state.to_owned(), code, message: message.to_owned(), items: Vec::new() }
}

/// SET item = value. Error 1231 for a value that it cannot have, 1648 for one that is too long.
fn set_item(
    raised: &mut Signalled,
    item: SignalItem,
    value: &Datum,
    eval: &EvalContext,
) -> SqlResult<()> {
    let wrong = |shown: &str| {
        let message = format!("Variable '{}' can't be set to the value of '{shown}'", item.name());
        Err(SqlError::new(errno::WRONG_VALUE_FOR_VAR, message))
    };
    if value.is_null() {
        return wrong("NULL");
    }
    let said = value.to_text();
    if item == SignalItem::MysqlErrno {
        let number = value.to_i64(eval)?;
        return match u16::try_from(number) {
            Ok(code) if code > 0 => {
                raised.code = code;
                Ok(())
            }
            _ => wrong(&said),
        };
    }
    let limit = if item == SignalItem::MessageText { MESSAGE_LIMIT } else { ITEM_LIMIT };
    if said.chars().count() > limit {
        let message = format!("Data too long for condition item '{}'", item.name());
        return Err(SqlError::new(errno::COND_ITEM_TOO_LONG, message));
    }
    if item == SignalItem::MessageText {
        raised.message = said;
    } else {
        raised.items.retain(|(name, _)| *name != item.name());
        raised.items.push((item.name(), said));
    }
    Ok(())
}
