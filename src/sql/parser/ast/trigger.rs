//! Triggers.

use serde::{Deserialize, Serialize};

use super::{ObjectName, ProgramBody, UserName};

/// What a trigger is fired by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TriggerEvent {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

impl TriggerEvent {
    /// As MySQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            TriggerEvent::Insert => "INSERT",
            TriggerEvent::Update => "UPDATE",
            TriggerEvent::Delete => "DELETE",
        }
    }
}

/// CREATE TRIGGER.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTrigger {
    /// Its name.
    pub name: ObjectName,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// DEFINER, if written.
    pub definer: Option<UserName>,
    /// BEFORE; otherwise AFTER.
    pub before: bool,
    /// What fires it.
    pub event: TriggerEvent,
    /// Of which table.
    pub table: ObjectName,
    /// FOLLOWS (or, false, PRECEDES) another one.
    pub place: Option<(bool, String)>,
    /// The body's text.
    pub body_text: String,
    /// The body.
    pub body: ProgramBody,
}
