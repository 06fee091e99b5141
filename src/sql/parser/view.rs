//! CREATE VIEW, ALTER VIEW and DROP VIEW.

use super::ast::{CheckOption, CreateView, Statement, ViewAlgorithm};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// Whether what follows CREATE or ALTER may be a view's.
    pub(super) fn at_view(&self) -> bool {
        ["VIEW", "ALGORITHM", "DEFINER", "SQL"].iter().any(|word| self.at(word))
            || self.at_all(&["OR", "REPLACE"])
    }

    /// After CREATE or ALTER: [OR REPLACE] [ALGORITHM = …] [DEFINER = …] [SQL SECURITY …] VIEW … .
    pub(super) fn create_view(&mut self, verb: &str) -> SqlResult<Statement> {
        let alters = verb == "ALTER";
        let or_replace = !alters && self.words(&["OR", "REPLACE"]);
        let mut algorithm = ViewAlgorithm::default();
        let defines_algorithm = self.word("ALGORITHM");
        if defines_algorithm {
            self.expect_op("=")?;
            algorithm = self.view_algorithm()?;
        }
        let mut definer = None;
        if self.word("DEFINER") {
            self.expect_op("=")?;
            definer = Some(self.user_name()?);
        }
        let mut invoker = false;
        let secured = self.words(&["SQL", "SECURITY"]);
        if secured {
            invoker = self.word("INVOKER");
            if !invoker {
                self.expect_word("DEFINER")?;
            }
        }
        if !self.word("VIEW") {
            // Programs have definers, too.
            if !alters
                && definer.is_some()
                && let Some(program) = self.create_program(definer)?
            {
                return Ok(program);
            }
            let of_view = or_replace || defines_algorithm || secured;
            return if of_view { Err(self.syntax_error()) } else { self.unsupported_object(verb) };
        }
        let name = self.object_name()?;
        let columns = if self.at_op("(") { self.parenthesised(Parser::name)? } else { Vec::new() };
        self.expect_word("AS")?;
        if !self.at_query() {
            return Err(self.syntax_error());
        }
        let query = Box::new(self.query()?);
        if self.at_into_file() || self.at_into() {
            return Err(SqlError::new(
                errno::VIEW_SELECT_CLAUSE,
                "View's SELECT contains a 'INTO' clause",
            ));
        }
        let check = self.check_option()?;
        Ok(Statement::CreateView(Box::new(CreateView {
            name,
            or_replace,
            alters,
            algorithm,
            definer,
            invoker,
            columns,
            query,
            check,
        })))
    }

    fn view_algorithm(&mut self) -> SqlResult<ViewAlgorithm> {
        for (word, algorithm) in [
            ("UNDEFINED", ViewAlgorithm::Undefined),
            ("MERGE", ViewAlgorithm::Merge),
            ("TEMPTABLE", ViewAlgorithm::Temptable),
        ] {
            if self.word(word) {
                return Ok(algorithm);
            }
        }
        Err(self.syntax_error())
    }

    /// WITH [CASCADED | LOCAL] CHECK OPTION.
    fn check_option(&mut self) -> SqlResult<Option<CheckOption>> {
        if !self.word("WITH") {
            return Ok(None);
        }
        let local = self.word("LOCAL");
        if !local {
            self.word("CASCADED");
        }
        self.expect_words(&["CHECK", "OPTION"])?;
        Ok(Some(if local { CheckOption::Local } else { CheckOption::Cascaded }))
    }

    /// After DROP VIEW.
    pub(super) fn drop_views(&mut self) -> SqlResult<Statement> {
        let if_exists = self.if_exists()?;
        let views = self.list(Parser::object_name)?;
        // Words without an effect, in MySQL too.
        if !self.word("RESTRICT") {
            self.word("CASCADE");
        }
        Ok(Statement::DropViews { views, if_exists })
    }
}
