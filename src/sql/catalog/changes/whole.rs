//! What only a table as a whole can show to be wrong, once all actions are applied.

use super::{Alteration, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::ColumnInfo;
use crate::sql::catalog::build::{COLUMN_LIMIT, check_shown};

impl Alteration {
    /// Two of them may have got the same name.
    pub(super) fn check_indexes(&self) -> SqlResult<()> {
        let indexes = &self.after.indexes;
        for (position, index) in indexes.iter().enumerate() {
            if indexes[..position].iter().any(|other| same_name(&other.name, &index.name)) {
                let message = format!("Duplicate key name '{}'", index.name);
                return Err(SqlError::new(errno::DUP_KEYNAME, message));
            }
        }
        Ok(())
    }

    /// What only the columns as a whole can show to be wrong.
    pub(super) fn check_columns(&self) -> SqlResult<()> {
        let columns = &self.after.columns;
        if columns.is_empty() {
            return Err(SqlError::new(
                errno::CANT_REMOVE_ALL_FIELDS,
                "You can't delete all columns with ALTER TABLE; use DROP TABLE instead",
            ));
        }
        if columns.len() > COLUMN_LIMIT {
            return Err(SqlError::new(errno::TOO_MANY_FIELDS, "Too many columns"));
        }
        check_shown(&self.after)?;
        let twice = |column: &&ColumnInfo| {
            columns[..column.offset].iter().any(|other| same_name(&other.name, &column.name))
        };
        if let Some(column) = columns.iter().find(twice) {
            let message = format!("Duplicate column name '{}'", column.name);
            return Err(SqlError::new(errno::DUP_FIELDNAME, message));
        }
        Ok(())
    }
}
