//! The names of a program's variables.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ast::{Condition, DataType, Expr, ProgramVariable, RowValue};
use super::super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

/// Which of a trigger's rows there are.
#[derive(Clone, Copy, Debug)]
pub(in crate::sql::parser) struct TriggerRows {
    /// NEW: INSERT and UPDATE.
    pub(in crate::sql::parser) new: bool,
    /// OLD: UPDATE and DELETE.
    pub(in crate::sql::parser) old: bool,
    /// BEFORE: NEW may be set.
    pub(in crate::sql::parser) may_set: bool,
}

/// The variables that can be seen where the parser is.
#[derive(Debug, Default)]
pub(in crate::sql::parser) struct Names {
    /// By block, the outermost first: the slots by lower-case names.
    pub(super) blocks: Vec<BTreeMap<String, usize>>,
    /// The conditions that each block names.
    pub(super) conditions: Vec<Vec<(String, Condition)>>,
    /// All variables, by slot.
    pub(super) variables: Vec<ProgramVariable>,
    /// NEW and OLD, in a trigger.
    pub(in crate::sql::parser) rows: Option<TriggerRows>,
    /// What is read and set of them.
    pub(super) row_values: Vec<RowValue>,
    /// What the statement in hand reads.
    pub(super) reads: BTreeSet<usize>,
}

impl Names {
    /// Makes room for a variable that has no name.
    pub(super) fn hidden(&mut self, name: &str, data_type: Option<DataType>) -> usize {
        self.variables.push(ProgramVariable { name: name.to_owned(), data_type });
        self.variables.len() - 1
    }

    /// Declares a variable in the innermost block; `None`: it has one of that name.
    pub(super) fn declare(&mut self, name: &str, data_type: DataType) -> Option<usize> {
        let slot = self.hidden(name, Some(data_type));
        let block = self.blocks.last_mut()?;
        match block.insert(name.to_lowercase(), slot) {
            None => Some(slot),
            Some(_) => None,
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.blocks.iter().rev().find_map(|block| block.get(&name).copied())
    }

    /// The slot of NEW.column or OLD.column.
    fn row_value(&mut self, new: bool, column: &str) -> usize {
        let same =
            |value: &&mut RowValue| value.new == new && value.column.eq_ignore_ascii_case(column);
        if let Some(value) = self.row_values.iter_mut().find(same) {
            return value.slot;
        }
        let slot = self.hidden(column, None);
        let column = column.to_owned();
        self.row_values.push(RowValue { new, column, slot, assigned: false });
        slot
    }
}

impl Parser<'_> {
    /// The variable of a program that a name alone is.
    pub(in crate::sql::parser) fn local_variable(&self, name: &str) -> Option<Expr> {
        let mut names = self.dialect.names.borrow_mut();
        let names = names.as_mut()?;
        let slot = names.find(name)?;
        names.reads.insert(slot);
        Some(Expr::Parameter(slot))
    }

    /// The slot of a variable that is set.
    pub(in crate::sql::parser) fn local_slot(&self, name: &str) -> Option<usize> {
        self.dialect.names.borrow().as_ref()?.find(name)
    }

    /// A condition by name. Error 1319 if there is none.
    pub(in crate::sql::parser) fn condition_named(&self, name: &str) -> SqlResult<Condition> {
        let names = self.dialect.names.borrow();
        let blocks = names.iter().flat_map(|names| names.conditions.iter().rev());
        let same = |(known, _): &&(String, Condition)| known.eq_ignore_ascii_case(name);
        let found = blocks.flat_map(|block| block.iter()).find(same);
        found.map(|(_, condition)| condition.clone()).ok_or_else(|| {
            SqlError::new(errno::SP_COND_MISMATCH, format!("Undefined CONDITION: {name}"))
        })
    }

    /// Whether the statement stands in a program.
    pub(in crate::sql::parser) fn in_program(&self) -> bool {
        self.dialect.names.borrow().is_some()
    }

    /// NEW.column and OLD.column in a trigger; `None`: it is no trigger, or another name. Error 1363 for a row that there is not.
    pub(in crate::sql::parser) fn trigger_column(
        &self,
        table: &str,
        column: &str,
    ) -> SqlResult<Option<usize>> {
        let mut names = self.dialect.names.borrow_mut();
        let Some(names) = names.as_mut() else { return Ok(None) };
        let Some(rows) = names.rows else { return Ok(None) };
        let new = table.eq_ignore_ascii_case("NEW");
        if !new && !table.eq_ignore_ascii_case("OLD") {
            return Ok(None);
        }
        if (new && !rows.new) || (!new && !rows.old) {
            let (row, event) = if new { ("NEW", "DELETE") } else { ("OLD", "INSERT") };
            let message = format!("There is no {row} row in on {event} trigger");
            return Err(SqlError::new(errno::TRG_NO_SUCH_ROW_IN_TRG, message));
        }
        let slot = names.row_value(new, column);
        names.reads.insert(slot);
        Ok(Some(slot))
    }

    /// The slot of NEW.column that is set. Error 1362 where it may not be.
    pub(in crate::sql::parser) fn set_trigger_column(
        &self,
        table: &str,
        column: &str,
    ) -> SqlResult<Option<usize>> {
        let Some(slot) = self.trigger_column(table, column)? else { return Ok(None) };
        let mut names = self.dialect.names.borrow_mut();
        let Some(names) = names.as_mut() else { return Ok(None) };
        let may_set = names.rows.is_some_and(|rows| rows.may_set);
        let new = table.eq_ignore_ascii_case("NEW");
        if !new || !may_set {
            let (row, when) = if new { ("NEW", "after ") } else { ("OLD", "") };
            let message = format!("Updating of {row} row is not allowed in {when}trigger");
            return Err(SqlError::new(errno::TRG_CANT_CHANGE_ROW, message));
        }
        if let Some(value) = names.row_values.iter_mut().find(|value| value.slot == slot) {
            value.assigned = true;
        }
        Ok(Some(slot))
    }
}
