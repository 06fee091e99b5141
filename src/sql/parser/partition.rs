//! PARTITION BY, and what ALTER TABLE does with partitions.

use super::ast::{
    PartitionAction, PartitionBy, PartitionDefinition, PartitionMethod, PartitionNames,
    PartitionValues,
};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// PARTITION BY …, if it is next.
    pub(super) fn partition_by(&mut self) -> SqlResult<Option<PartitionBy>> {
        if !self.words(&["PARTITION", "BY"]) {
            return Ok(None);
        }
        let method = self.partition_method()?;
        let count = if self.word("PARTITIONS") { Some(self.integer()?) } else { None };
        let mut sub = None;
        if self.words(&["SUBPARTITION", "BY"]) {
            let method = self.partition_method()?;
            if !matches!(method, PartitionMethod::Hash(..) | PartitionMethod::Key(..)) {
                return Err(self.syntax_error());
            }
            let count = if self.word("SUBPARTITIONS") { Some(self.integer()?) } else { None };
            sub = Some((method, count));
        }
        let definitions = if self.at_op("(") { self.partition_definitions()? } else { Vec::new() };
        Ok(Some(PartitionBy { method, count, sub, definitions }))
    }

    fn partition_method(&mut self) -> SqlResult<PartitionMethod> {
        let range = self.word("RANGE");
        if range || self.word("LIST") {
            if self.word("COLUMNS") {
                let columns = self.parenthesised(Parser::name)?;
                return Ok(match range {
                    true => PartitionMethod::RangeColumns(columns),
                    false => PartitionMethod::ListColumns(columns),
                });
            }
            let expr = self.bracketed()?;
            return Ok(match range {
                true => PartitionMethod::Range(expr),
                false => PartitionMethod::List(expr),
            });
        }
        let linear = self.word("LINEAR");
        if self.word("HASH") {
            return Ok(PartitionMethod::Hash(self.bracketed()?, linear));
        }
        self.expect_word("KEY")?;
        let mut old = false;
        if self.word("ALGORITHM") {
            self.optional_equals();
            old = match self.integer()? {
                1 => true,
                2 => false,
                _ => return Err(self.syntax_error()),
            };
        }
        self.expect_op("(")?;
        let mut columns = Vec::new();
        while !self.op(")") {
            if !columns.is_empty() {
                self.expect_op(",")?;
            }
            columns.push(self.name()?);
        }
        Ok(PartitionMethod::Key(columns, linear, old))
    }

    fn partition_definitions(&mut self) -> SqlResult<Vec<PartitionDefinition>> {
        self.parenthesised(|parser| {
            parser.expect_word("PARTITION")?;
            let name = parser.name()?;
            let values = parser.partition_values()?;
            let mut definition = parser.partition_options(name, values)?;
            if parser.at_op("(") {
                definition.subs = parser.parenthesised(|parser| {
                    parser.expect_word("SUBPARTITION")?;
                    let name = parser.name()?;
                    parser.partition_options(name, PartitionValues::None)
                })?;
            }
            Ok(definition)
        })
    }

    fn partition_values(&mut self) -> SqlResult<PartitionValues> {
        if !self.word("VALUES") {
            return Ok(PartitionValues::None);
        }
        if self.words(&["LESS", "THAN"]) {
            if self.word("MAXVALUE") {
                return Ok(PartitionValues::LessThan(vec![None]));
            }
            let bounds = self.parenthesised(|parser| match parser.word("MAXVALUE") {
                true => Ok(None),
                false => parser.expr().map(Some),
            })?;
            return Ok(PartitionValues::LessThan(bounds));
        }
        self.expect_word("IN")?;
        self.parenthesised(Parser::expr).map(PartitionValues::In)
    }

    /// ENGINE is what it is, COMMENT and numbers are recorded; places on disks are nobody's to choose.
    fn partition_options(
        &mut self,
        name: String,
        values: PartitionValues,
    ) -> SqlResult<PartitionDefinition> {
        let (mut comment, mut storage) = (String::new(), Vec::new());
        loop {
            let stored = self.word("STORAGE");
            if self.word("ENGINE") {
                self.optional_equals();
                self.word_or_string()?;
            } else if stored {
                return Err(self.syntax_error());
            } else if self.word("COMMENT") {
                self.optional_equals();
                comment = self.string()?;
            } else if let Some(word) = ["MAX_ROWS", "MIN_ROWS"].iter().find(|word| self.at(word)) {
                self.advance();
                self.optional_equals();
                storage.push(((*word).to_owned(), self.integer()?));
            } else if self.at("DATA") || self.at("INDEX") {
                return Err(SqlError::unsupported("DATA DIRECTORY"));
            } else if self.at("TABLESPACE") || self.at("NODEGROUP") {
                return Err(SqlError::unsupported("TABLESPACE"));
            } else {
                return Ok(PartitionDefinition {
                    name,
                    values,
                    comment,
                    storage,
                    subs: Vec::new(),
                });
            }
        }
    }

    /// PARTITION (p0, p1, …), if it is next.
    pub(super) fn partition_selection(&mut self) -> SqlResult<Vec<String>> {
        match self.word("PARTITION") {
            true => self.parenthesised(Parser::name),
            false => Ok(Vec::new()),
        }
    }

    fn partition_names(&mut self) -> SqlResult<PartitionNames> {
        match self.word("ALL") {
            true => Ok(None),
            false => self.list(Parser::name).map(Some),
        }
    }

    /// What ALTER TABLE is to do with partitions, if that is next.
    pub(super) fn partition_action(&mut self) -> SqlResult<Option<PartitionAction>> {
        if let Some(by) = self.partition_by()? {
            return Ok(Some(PartitionAction::By(Box::new(by))));
        }
        if self.words(&["REMOVE", "PARTITIONING"]) {
            return Ok(Some(PartitionAction::Remove));
        }
        const WORDS: &[&str] = &["REBUILD", "OPTIMIZE", "ANALYZE", "CHECK", "REPAIR"];
        if !self.at_nth(1, "PARTITION") {
            return Ok(None);
        }
        if let Some(word) = WORDS.iter().find(|word| self.at(word)) {
            self.advance();
            self.advance();
            return Ok(Some(PartitionAction::Maintain(word, self.partition_names()?)));
        }
        Ok(Some(if self.words(&["ADD", "PARTITION"]) {
            match self.word("PARTITIONS") {
                true => PartitionAction::AddCount(self.integer()?),
                false => PartitionAction::Add(self.partition_definitions()?),
            }
        } else if self.words(&["DROP", "PARTITION"]) {
            PartitionAction::Drop(self.list(Parser::name)?)
        } else if self.words(&["TRUNCATE", "PARTITION"]) {
            PartitionAction::Truncate(self.partition_names()?)
        } else if self.words(&["COALESCE", "PARTITION"]) {
            PartitionAction::Coalesce(self.integer()?)
        } else if self.words(&["REORGANIZE", "PARTITION"]) {
            if !self.at_name() || self.at("INTO") {
                return Err(SqlError::unsupported("REORGANIZE PARTITION without names"));
            }
            let names = self.list(Parser::name)?;
            self.expect_word("INTO")?;
            PartitionAction::Reorganize(names, self.partition_definitions()?)
        } else if self.at("EXCHANGE") {
            return Err(SqlError::unsupported("ALTER TABLE … EXCHANGE PARTITION"));
        } else if self.at("DISCARD") || self.at("IMPORT") {
            return Err(SqlError::unsupported("TABLESPACE"));
        } else {
            return Ok(None);
        }))
    }
}
