//! ADD CHECK, DROP CHECK, and ALTER CHECK … ENFORCED.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::check::{self, add_check};
use crate::sql::catalog::computed::named;
use crate::sql::catalog::expression_index::hidden_type;
use crate::sql::catalog::{CheckInfo, TableExpr, TableInfo};
use crate::sql::parser::ast::CheckDefinition;
use crate::sql::parser::{as_written, expression_text, parse_expression};

/// ADD CHECK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddCheck {
    /// CONSTRAINT's name, if written.
    pub name: Option<String>,
    /// The column that it stands with.
    pub column: Option<String>,
    /// What no row may make false, as text.
    pub expr: String,
    /// ENFORCED.
    pub enforced: bool,
}

impl AddCheck {
    pub(super) fn build(written: &CheckDefinition) -> SqlResult<AddCheck> {
        // What has no text is refused in the words that fit.
        let name = written.name.clone().unwrap_or_default();
        check::check_written(&written.expr, &name)?;
        let CheckDefinition { name, column, expr, enforced } = written;
        let expr = expression_text(expr, &mut as_written)?;
        Ok(AddCheck { name: name.clone(), column: column.clone(), expr, enforced: *enforced })
    }
}

impl Change for AddCheck {
    fn turn(&self) -> Turn {
        Turn::AddForeignKeys
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let written = CheckDefinition {
            name: self.name.clone(),
            column: self.column.clone(),
            expr: parse_expression(&self.expr)?,
            enforced: self.enforced,
        };
        let taken = highest(&alteration.before);
        add_check(&mut alteration.after, &written, taken)
    }
}

/// The highest number of a check.
fn highest(table: &TableInfo) -> i64 {
    table.checks.iter().map(|check| check.id).max().unwrap_or(0)
}

/// DROP CHECK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCheck {
    /// Its name.
    pub name: String,
}

impl Change for DropCheck {
    fn turn(&self) -> Turn {
        Turn::DropConstraints
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let position = position(&alteration.after, &self.name);
        let position = position.ok_or_else(|| check::not_found(&self.name))?;
        alteration.after.checks.remove(position);
        Ok(())
    }
}

/// ALTER CHECK … [NOT] ENFORCED, and ALTER CONSTRAINT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforceCheck {
    /// Its name.
    pub name: String,
    /// ENFORCED.
    pub enforced: bool,
    /// ALTER CONSTRAINT: of whatever kind.
    pub any: bool,
}

impl Change for EnforceCheck {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    /// One that is to be enforced comes as a new one, so that rows are looked at.
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let name = &self.name;
        let Some(position) = position(&alteration.after, name) else {
            return Err(match self.any {
                false => check::not_found(name),
                true if is_other_constraint(&alteration.after, name) => SqlError::new(
                    errno::ALTER_CONSTRAINT_ENFORCEMENT_NOT_SUPPORTED,
                    format!(
                        "Altering constraint enforcement is not supported for the constraint '{name}'. Enforcement state \
                         alter is not supported for the PRIMARY, UNIQUE and FOREIGN KEY type constraints."
                    ),
                ),
                true => SqlError::new(
                    errno::CONSTRAINT_NOT_FOUND,
                    format!("Constraint '{name}' does not exist."),
                ),
            });
        };
        let next = highest(&alteration.after).max(highest(&alteration.before)) + 1;
        let check = &mut alteration.after.checks[position];
        if self.enforced && !check.enforced {
            check.id = next;
        }
        check.enforced = self.enforced;
        Ok(())
    }
}

/// Where a check of this name is.
pub(super) fn position(table: &TableInfo, name: &str) -> Option<usize> {
    table.checks.iter().position(|check| same_name(&check.name, name))
}

/// Whether a key, of whatever kind, has this name.
pub(super) fn is_other_constraint(table: &TableInfo, name: &str) -> bool {
    let is_index = table.indexes.iter().any(|i| i.unique && same_name(&i.name, name));
    let is_primary = table.handle_column.is_some() && same_name(name, "PRIMARY");
    is_index || is_primary || table.foreign_keys.iter().any(|key| same_name(&key.name, name))
}

impl Alteration {
    /// The checks that rows have not been looked at for.
    pub fn added_checks(&self) -> impl Iterator<Item = &CheckInfo> {
        let known = |check: &CheckInfo| self.before.checks.iter().any(|old| old.id == check.id);
        self.after.checks.iter().filter(move |check| check.enforced && !known(check))
    }

    /// The names of checks that the table did not have.
    pub(in crate::sql) fn new_check_names(&self) -> Vec<&str> {
        let known = |name: &str| position(&self.before, name).is_some();
        let names = self.after.checks.iter().map(|check| check.name.as_str());
        names.filter(|name| !known(name)).collect()
    }

    /// What columns are computed of goes on with columns that are converted. Generated columns are computed anew then.
    pub(super) fn follow_bases(&mut self) -> SqlResult<()> {
        for offset in 0..self.after.columns.len() {
            let conversions = self.conversions.clone();
            let column = &mut self.after.columns[offset];
            let is_generated = column.generated.is_some();
            let mut touched = false;
            for expr in column.exprs_mut() {
                for (from, to) in &conversions {
                    touched |= expr.replace(*from, *to);
                }
            }
            // That columns which go are needed is told later.
            let stay = |expr: &&TableExpr| named(&self.after, expr).count() == expr.columns.len();
            if let Some(expr) = self.after.columns[offset].hidden_expr().filter(stay) {
                let field_type = hidden_type(&self.after, expr)?;
                touched |= field_type != self.after.columns[offset].field_type;
                self.after.columns[offset].field_type = field_type;
            }
            if touched && is_generated {
                let id = self.after.columns[offset].id;
                if self.after.handle_id() == Some(id) {
                    return Err(SqlError::unsupported(
                        "changing what a generated primary key is computed of",
                    ));
                }
                let id = self.convert_column(id);
                self.computed.push(id);
            }
        }
        self.computed.sort_unstable();
        self.computed.dedup();
        Ok(())
    }

    /// Checks go on with columns that are converted, and are looked at again.
    pub(super) fn follow_checks(&mut self) {
        let mut next = highest(&self.after).max(highest(&self.before));
        for (from, to) in &self.conversions {
            for check in &mut self.after.checks {
                if check.expr.replace(*from, *to) {
                    next += 1;
                    check.id = next;
                }
            }
        }
    }
}
