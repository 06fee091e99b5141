//! CREATE TRIGGER and DROP TRIGGER, as changes of the table.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::SqlResult;
use crate::sql::catalog::trigger::{TriggerInfo, no_trigger, trigger_exists};

/// CREATE TRIGGER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddTrigger {
    /// Which.
    pub trigger: TriggerInfo,
    /// FOLLOWS (or, false, PRECEDES) another one.
    pub place: Option<(bool, String)>,
}

/// DROP TRIGGER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropTrigger {
    /// Its name.
    pub name: String,
}

impl Change for AddTrigger {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let table = &mut alteration.after;
        if table.trigger(&self.trigger.name).is_some() {
            return Err(trigger_exists());
        }
        table.add_trigger(self.trigger.clone(), self.place.as_ref())
    }
}

impl Change for DropTrigger {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let triggers = &mut alteration.after.triggers;
        let found = triggers.iter().position(|trigger| same_name(&trigger.name, &self.name));
        triggers.remove(found.ok_or_else(no_trigger)?);
        Ok(())
    }
}
