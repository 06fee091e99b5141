//! Options of a table that change: COMMENT, AUTO_INCREMENT, the default collation, and what is only recorded.

use serde::{Deserialize, Serialize};

use super::{Alteration, Change, Turn};
use crate::common::SqlResult;
use crate::sql::catalog::TableInfo;
use crate::sql::catalog::build::check_table_comment;
use crate::sql::catalog::build_column::collation_of;
use crate::sql::catalog::storage_options::StorageOptions;
use crate::sql::parser::ast::TableOption;
use crate::sql::types::Collation;

/// Options of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOptions {
    /// COMMENT.
    pub comment: Option<String>,
    /// The default collation of columns to come.
    pub collation: Option<String>,
    /// AUTO_INCREMENT.
    pub auto_increment: Option<u64>,
    /// What is recorded of how to store it: names and values.
    pub storage: Vec<(String, String)>,
}

impl ChangeOptions {
    /// `None`: nothing changes by them.
    pub(super) fn build(
        options: &[TableOption],
        table: &TableInfo,
    ) -> SqlResult<Option<ChangeOptions>> {
        let mut change = ChangeOptions::default();
        let (mut charset, mut collation) = (None, None);
        for option in options {
            match option {
                TableOption::Charset(name) => charset = Some(name.as_str()),
                TableOption::Collation(name) => collation = Some(name.as_str()),
                TableOption::Comment(text) => {
                    check_table_comment(&table.name, text)?;
                    change.comment = Some(text.clone());
                }
                TableOption::AutoIncrement(next) => change.auto_increment = Some(*next),
                TableOption::Storage(name, value) => {
                    change.storage.push((name.clone(), value.clone()));
                }
                TableOption::Engine(_) | TableOption::NoEncryption => {}
            }
        }
        if charset.is_some() || collation.is_some() {
            let inherited = Collation::by_name(&table.collation)?;
            let collation = collation_of(charset, collation, inherited)?;
            change.collation = Some(collation.name().to_owned());
        }
        Ok((change != ChangeOptions::default()).then_some(change))
    }
}

impl Change for ChangeOptions {
    fn turn(&self) -> Turn {
        Turn::Change
    }

    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()> {
        let table = &mut alteration.after;
        if let Some(comment) = &self.comment {
            table.comment.clone_from(comment);
        }
        if let Some(collation) = &self.collation {
            table.collation.clone_from(collation);
        }
        if let Some(next) = self.auto_increment {
            table.auto_increment_start = Some(next).filter(|next| *next > 1);
            table.counted_anew = alteration.before.counted_anew + 1;
        }
        if !self.storage.is_empty() {
            let mut options = StorageOptions::default();
            for (name, value) in table.storage.iter().chain(&self.storage) {
                options.record(name, value);
            }
            table.storage = options.list();
        }
        Ok(())
    }
}
