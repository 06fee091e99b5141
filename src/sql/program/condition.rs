//! Conditions: what is raised, and which handler is for it.

use super::Handler;
use crate::common::{Fault, SqlError, errno};
use crate::sql::expr::{Warning, WarningLevel};
use crate::sql::parser::ast::{Condition, SignalItem};

/// A condition that was raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// As SHOW WARNINGS tells it.
    pub level: WarningLevel,
    /// MySQL's number.
    pub code: u16,
    /// SQLSTATE.
    pub state: String,
    /// What it says.
    pub message: String,
    /// What SIGNAL said of it.
    pub items: Vec<(SignalItem, String)>,
    /// The error that it is, with all that is known of it.
    pub error: Option<SqlError>,
}

impl Raised {
    /// An error.
    pub fn error(error: SqlError) -> Raised {
        let items = signal_items(&error);
        Raised {
            level: WarningLevel::Error,
            code: error.code,
            state: error.sqlstate().to_owned(),
            message: error.message.clone(),
            items,
            error: Some(error),
        }
    }

    /// A warning.
    pub fn warning(warning: &Warning) -> Raised {
        Raised {
            level: warning.level,
            code: warning.code,
            state: warning_state(warning).to_owned(),
            message: warning.message.clone(),
            items: Vec::new(),
            error: None,
        }
    }

    /// As SHOW WARNINGS shows it.
    pub fn shown(&self) -> Warning {
        Warning { level: self.level, code: self.code, message: self.message.clone() }
    }

    /// What an item says.
    pub fn item(&self, item: SignalItem) -> String {
        match item {
            SignalItem::MessageText => return self.message.clone(),
            SignalItem::MysqlErrno => return self.code.to_string(),
            _ => {}
        }
        if let Some((_, said)) = self.items.iter().find(|(known, _)| *known == item) {
            return said.clone();
        }
        match item {
            SignalItem::ClassOrigin | SignalItem::SubclassOrigin => "ISO 9075".to_owned(),
            _ => String::new(),
        }
    }

    /// Whether it is an error that ends what has no handler for it.
    pub fn is_error(&self) -> bool {
        self.level == WarningLevel::Error
    }
}

/// What SIGNAL has said of an error.
fn signal_items(error: &SqlError) -> Vec<(SignalItem, String)> {
    let Some(Fault::Signal(signal)) = error.fault() else { return Vec::new() };
    let named = |(name, said): &(&'static str, String)| {
        let item = SignalItem::ALL.iter().find(|item| item.name() == *name)?;
        Some((*item, said.clone()))
    };
    signal.items.iter().filter_map(named).collect()
}

/// The SQLSTATE of a warning.
fn warning_state(warning: &Warning) -> &'static str {
    let state = errno::sqlstate(warning.code);
    match warning.level {
        WarningLevel::Error => state,
        // Of a number that is an error's elsewhere it is that of a warning.
        _ if state == "HY000" => "01000",
        _ => state,
    }
}

/// How exactly a condition fits: the number before the state before the class.
fn fits(condition: &Condition, raised: &Raised) -> Option<u8> {
    let class = &raised.state[..2.min(raised.state.len())];
    match condition {
        Condition::Code(code) => (*code == raised.code).then_some(3),
        Condition::State(state) => (*state == raised.state).then_some(2),
        Condition::Warning => {
            let warns = class == "01" || raised.level == WarningLevel::Warning;
            (warns && class != "02").then_some(1)
        }
        Condition::NotFound => (class == "02").then_some(1),
        Condition::Exception => {
            let error = raised.level == WarningLevel::Error;
            (error && !matches!(class, "00" | "01" | "02")).then_some(1)
        }
    }
}

/// The handler of a block that is for a condition.
pub(super) fn best(handlers: &[usize], all: &[Handler], raised: &Raised) -> Option<usize> {
    let mut found: Option<(u8, usize)> = None;
    for number in handlers {
        let exact =
            all[*number].conditions.iter().filter_map(|it| fits(it, raised)).max().unwrap_or(0);
        if exact > found.map_or(0, |(known, _)| known) {
            found = Some((exact, *number));
        }
    }
    found.map(|(_, number)| number)
}
