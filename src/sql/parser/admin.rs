//! Transactions, prepared statements, EXPLAIN, KILL, SPLIT TABLE.

use super::ast::{
    AccessMode, BeginMode, Explain, ExplainFormat, Expr, Literal, Maintenance, SplitBoundary,
    SplitTable, Statement,
};
use super::cursor::Parser;
use super::cursor::TokenKind;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// BEGIN [WORK | PESSIMISTIC | OPTIMISTIC].
    pub(super) fn begin(&mut self) -> SqlResult<Statement> {
        self.expect_word("BEGIN")?;
        self.word("WORK");
        let mode = self.begin_mode();
        Ok(Statement::Begin { mode, access: None, consistent_snapshot: false })
    }

    fn begin_mode(&mut self) -> Option<BeginMode> {
        if self.word("PESSIMISTIC") {
            return Some(BeginMode::Pessimistic);
        }
        self.word("OPTIMISTIC").then_some(BeginMode::Optimistic)
    }

    pub(super) fn start(&mut self) -> SqlResult<Statement> {
        self.expect_word("START")?;
        self.expect_word("TRANSACTION")?;
        let mode = self.begin_mode();
        let (mut access, mut consistent_snapshot) = (None, false);
        if !self.at_end() {
            self.list(|parser| {
                if access.is_some() && parser.at("READ") {
                    return Err(parser.syntax_error());
                }
                if parser.word("READ") {
                    let read_only = parser.word("ONLY");
                    if read_only && parser.at("AS") {
                        return Err(SqlError::unsupported("START TRANSACTION READ ONLY AS OF"));
                    }
                    if !read_only {
                        parser.expect_word("WRITE")?;
                    }
                    access =
                        Some(if read_only { AccessMode::ReadOnly } else { AccessMode::ReadWrite });
                } else {
                    parser.expect_words(&["WITH", "CONSISTENT", "SNAPSHOT"])?;
                    consistent_snapshot = true;
                }
                Ok(())
            })?;
        }
        Ok(Statement::Begin { mode, access, consistent_snapshot })
    }

    /// [WORK] [AND [NO] CHAIN] [[NO] RELEASE].
    fn completion(&mut self) -> SqlResult<(bool, bool)> {
        self.word("WORK");
        let mut chain = false;
        if self.word("AND") {
            chain = !self.word("NO");
            self.expect_word("CHAIN")?;
        }
        if self.word("NO") {
            self.expect_word("RELEASE")?;
            return Ok((chain, false));
        }
        let release = self.word("RELEASE");
        if chain && release {
            return Err(self.syntax_error());
        }
        Ok((chain, release))
    }

    pub(super) fn commit(&mut self) -> SqlResult<Statement> {
        self.expect_word("COMMIT")?;
        let (chain, release) = self.completion()?;
        Ok(Statement::Commit { chain, release })
    }

    pub(super) fn rollback(&mut self) -> SqlResult<Statement> {
        self.expect_word("ROLLBACK")?;
        if self.at("TO") || self.at_all(&["WORK", "TO"]) {
            self.word("WORK");
            self.advance();
            self.word("SAVEPOINT");
            return self.name().map(Statement::RollbackTo);
        }
        let (chain, release) = self.completion()?;
        Ok(Statement::Rollback { chain, release })
    }

    /// PREPARE name FROM 'text' or @variable.
    pub(super) fn prepare(&mut self) -> SqlResult<Statement> {
        self.expect_word("PREPARE")?;
        let name = self.name()?;
        self.expect_word("FROM")?;
        let source = if self.peek().kind == TokenKind::UserVariable {
            Expr::UserVariable(self.user_variable()?)
        } else {
            Expr::Literal(Literal::String(self.string_bytes()?, None))
        };
        Ok(Statement::Prepare { name, source })
    }

    pub(super) fn execute(&mut self) -> SqlResult<Statement> {
        self.expect_word("EXECUTE")?;
        let name = self.name()?;
        let using = if self.word("USING") { self.list(Parser::user_variable)? } else { Vec::new() };
        Ok(Statement::Execute { name, using })
    }

    pub(super) fn kill(&mut self) -> SqlResult<Statement> {
        self.expect_word("KILL")?;
        self.word("TIDB");
        let query_only = self.word("QUERY");
        if !query_only {
            self.word("CONNECTION");
        }
        Ok(Statement::Kill { id: self.expr()?, query_only })
    }

    /// EXPLAIN and its synonyms: of a statement, or DESCRIBE of a table.
    pub(super) fn explain(&mut self) -> SqlResult<Statement> {
        self.advance();
        let mut format = ExplainFormat::Row;
        let analyze = self.word("ANALYZE");
        if self.word("FORMAT") {
            self.expect_op("=")?;
            let name = self.word_or_string()?.to_lowercase();
            format = match name.as_str() {
                "row" | "traditional" => ExplainFormat::Row,
                "brief" => ExplainFormat::Brief,
                "tree" => ExplainFormat::Tree,
                _ => return Err(SqlError::unsupported(format!("EXPLAIN FORMAT = '{name}'"))),
            };
        }
        const STATEMENTS: &[&str] =
            &["SELECT", "WITH", "TABLE", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"];
        if self.at_op("(") || STATEMENTS.iter().any(|word| self.at(word)) {
            let statement = self.nested(Parser::statement)?;
            return Ok(Statement::Explain(Box::new(Explain { format, analyze, statement })));
        }
        if self.at("FOR") {
            return Err(SqlError::unsupported("EXPLAIN FOR CONNECTION"));
        }
        self.describe()
    }

    /// CHECKSUM TABLE t, … [QUICK | EXTENDED].
    pub(super) fn checksum(&mut self) -> SqlResult<Statement> {
        self.expect_word("CHECKSUM")?;
        if !self.word("TABLES") {
            self.expect_word("TABLE")?;
        }
        let tables = self.list(Parser::object_name)?;
        let quick = self.word("QUICK");
        if !quick {
            self.word("EXTENDED");
        }
        Ok(Statement::Checksum { tables, quick })
    }

    /// ANALYZE [NO_WRITE_TO_BINLOG | LOCAL] TABLE t, ….
    /// CHECK, OPTIMIZE or REPAIR TABLE.
    pub(super) fn maintain(&mut self, what: Maintenance) -> SqlResult<Statement> {
        self.advance();
        if what != Maintenance::Check && !self.word("NO_WRITE_TO_BINLOG") {
            self.word("LOCAL");
        }
        if !self.word("TABLES") {
            self.expect_word("TABLE")?;
        }
        let tables = self.list(Parser::object_name)?;
        match what {
            // How thoroughly: always as thoroughly as can be.
            Maintenance::Check => loop {
                let ways = ["QUICK", "FAST", "MEDIUM", "EXTENDED", "CHANGED"];
                let any = self.words(&["FOR", "UPGRADE"]) || ways.iter().any(|way| self.word(way));
                if !any {
                    break;
                }
            },
            // Of an engine that repairs.
            Maintenance::Repair => {
                while ["QUICK", "EXTENDED", "USE_FRM"].iter().any(|way| self.word(way)) {}
            }
            Maintenance::Optimize => {}
        }
        Ok(Statement::Maintain(what, tables))
    }

    pub(super) fn analyze(&mut self) -> SqlResult<Statement> {
        self.expect_word("ANALYZE")?;
        if !self.word("NO_WRITE_TO_BINLOG") {
            self.word("LOCAL");
        }
        const STATEMENTS: &[&str] = &["SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "FORMAT"];
        if STATEMENTS.iter().any(|word| self.at(word)) {
            return Err(SqlError::unsupported("ANALYZE of a statement"));
        }
        if !self.word("TABLES") {
            self.expect_word("TABLE")?;
        }
        let tables = self.list(Parser::object_name)?;
        const CLAUSES: &[&str] = &[
            "UPDATE",
            "DROP",
            "PARTITION",
            "INDEX",
            "COLUMNS",
            "ALL",
            "PREDICATE",
            "WITH",
            "PERSISTENT",
            "INCREMENTAL",
        ];
        if let Some(clause) = CLAUSES.iter().find(|word| self.at(word)) {
            let histogram = self.at_all(&[clause, "HISTOGRAM"]);
            let more = if histogram { " HISTOGRAM" } else { "" };
            return Err(SqlError::unsupported(format!("ANALYZE TABLE ... {clause}{more}")));
        }
        Ok(Statement::Analyze(tables))
    }

    /// SPLIT TABLE t [INDEX i] BETWEEN (…) AND (…) REGIONS n, or BY (…), (…).
    pub(super) fn split(&mut self) -> SqlResult<Statement> {
        self.expect_word("SPLIT")?;
        self.expect_word("TABLE")?;
        let table = self.object_name()?;
        let index = if self.word("INDEX") { Some(self.name()?) } else { None };
        let boundary = if self.word("BETWEEN") {
            let low = self.parenthesised(Parser::expr)?;
            self.expect_word("AND")?;
            let high = self.parenthesised(Parser::expr)?;
            self.expect_word("REGIONS")?;
            SplitBoundary::Between { low, high, regions: self.integer()? }
        } else {
            self.expect_word("BY")?;
            SplitBoundary::By(self.list(|parser| parser.parenthesised(Parser::expr))?)
        };
        Ok(Statement::SplitTable(Box::new(SplitTable { table, index, boundary })))
    }
}
