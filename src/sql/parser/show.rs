//! SHOW and DESCRIBE.

use super::ast::{EngineReport, Show, ShowFilter, ShowKind, Statement};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

/// What else MySQL shows, by its first word.
const UNSUPPORTED: &[&str] = &[
    "BINARY",
    "MASTER",
    "SLAVE",
    "REPLICA",
    "BINLOG",
    "FUNCTION",
    "PROCEDURE",
    "RELAYLOG",
    "STATS_BUCKETS",
    "STATS_TOPN",
    "STATS_LOCKED",
    "STATS_EXTENDED",
    "CONFIG",
    "TABLE",
    "ANALYZE",
    "BACKUPS",
];

impl Parser<'_> {
    pub(super) fn show(&mut self) -> SqlResult<Statement> {
        self.expect_word("SHOW")?;
        let kind = self.show_kind()?;
        let filterable = !matches!(
            kind,
            ShowKind::CreateTable(_)
                | ShowKind::CreateView(_)
                | ShowKind::CreateRoutine(..)
                | ShowKind::CreateTrigger(_)
                | ShowKind::CreateDatabase { .. }
                | ShowKind::Warnings { .. }
                | ShowKind::Errors { .. }
                | ShowKind::Grants { .. }
                | ShowKind::CreateUser { .. }
                | ShowKind::BinaryLogStatus
                | ShowKind::ReplicaStatus { .. }
                | ShowKind::Replicas { .. }
                | ShowKind::BinaryLogs
                | ShowKind::BinlogEvents
                | ShowKind::Engine { .. }
        );
        if matches!(kind, ShowKind::ReplicaStatus { .. }) && self.at("FOR") {
            return Err(SqlError::unsupported("SHOW REPLICA STATUS FOR CHANNEL"));
        }
        let filter = if filterable && self.word("LIKE") {
            Some(ShowFilter::Like(self.string()?))
        } else if filterable && self.word("WHERE") {
            Some(ShowFilter::Where(self.expr()?))
        } else {
            None
        };
        Ok(Statement::Show(Box::new(Show { kind, filter })))
    }

    fn show_kind(&mut self) -> SqlResult<ShowKind> {
        if self.word("DATABASES") || self.word("SCHEMAS") {
            return Ok(ShowKind::Databases);
        }
        if self.words(&["TABLE", "STATUS"]) {
            return Ok(ShowKind::TableStatus { database: self.database_clause()? });
        }
        if self.word("CREATE") {
            return self.show_create();
        }
        if let Some(kind) = self.show_tables_or_columns()? {
            return Ok(kind);
        }
        if self.word("INDEX") || self.word("INDEXES") || self.word("KEYS") {
            return Ok(ShowKind::Indexes { table: self.table_clause()? });
        }
        if let Some(kind) = self.show_variables()? {
            return Ok(kind);
        }
        if let Some(kind) = self.show_diagnostics()? {
            return Ok(kind);
        }
        if self.word("STORAGE") {
            self.expect_word("ENGINES")?;
            return Ok(ShowKind::Engines);
        }
        if self.word("GRANTS") {
            let user = if self.word("FOR") { Some(self.user_name()?) } else { None };
            let using = match user.is_some() && self.word("USING") {
                true => self.list(Parser::user_name)?,
                false => Vec::new(),
            };
            return Ok(ShowKind::Grants { user, using });
        }
        if let Some(kind) = self.show_programs()? {
            return Ok(kind);
        }
        if self.at("CHARACTER") && self.character_set()? {
            return Ok(ShowKind::CharacterSets);
        }
        let simple = [
            ("ENGINES", ShowKind::Engines),
            ("COLLATION", ShowKind::Collations),
            ("CHARSET", ShowKind::CharacterSets),
            ("PRIVILEGES", ShowKind::Privileges),
            ("PLUGINS", ShowKind::Plugins),
            ("STATS_META", ShowKind::StatsMeta),
            ("STATS_HISTOGRAMS", ShowKind::StatsHistograms),
            ("STATS_HEALTHY", ShowKind::StatsHealthy),
        ];
        for (word, kind) in simple {
            if self.word(word) {
                return Ok(kind);
            }
        }
        if let Some(kind) = self.show_replication() {
            return Ok(kind);
        }
        if let Some(kind) = self.show_engine()? {
            return Ok(kind);
        }
        match UNSUPPORTED.iter().find(|word| self.at(word)) {
            Some(word) => Err(SqlError::unsupported(format!("SHOW {word}"))),
            None => Err(self.syntax_error()),
        }
    }

    /// What there is to say of the binary log and of replicas.
    fn show_replication(&mut self) -> Option<ShowKind> {
        let kinds: [(&[&str], ShowKind); 8] = [
            (&["MASTER", "STATUS"], ShowKind::BinaryLogStatus),
            (&["BINARY", "LOG", "STATUS"], ShowKind::BinaryLogStatus),
            (&["SLAVE", "STATUS"], ShowKind::ReplicaStatus { old: true }),
            (&["REPLICA", "STATUS"], ShowKind::ReplicaStatus { old: false }),
            (&["SLAVE", "HOSTS"], ShowKind::Replicas { old: true }),
            (&["REPLICAS"], ShowKind::Replicas { old: false }),
            (&["BINARY", "LOGS"], ShowKind::BinaryLogs),
            (&["MASTER", "LOGS"], ShowKind::BinaryLogs),
        ];
        kinds.into_iter().find(|(words, _)| self.words(words)).map(|(_, kind)| kind)
    }

    /// What MySQL tells of its engines, its tables' files and its own working.
    fn show_engine(&mut self) -> SqlResult<Option<ShowKind>> {
        if self.words(&["OPEN", "TABLES"]) {
            return Ok(Some(ShowKind::OpenTables { database: self.database_clause()? }));
        }
        if self.word("ENGINE") {
            let engine = if self.word("ALL") { None } else { Some(self.word_or_string()?) };
            let reports = [
                ("STATUS", EngineReport::Status),
                ("MUTEX", EngineReport::Mutex),
                ("LOGS", EngineReport::Logs),
            ];
            let Some((_, report)) = reports.into_iter().find(|(word, _)| self.word(word)) else {
                return Err(self.syntax_error());
            };
            return Ok(Some(ShowKind::Engine { engine, report }));
        }
        if self.words(&["BINLOG", "EVENTS"]) {
            if self.word("IN") {
                self.string()?;
            }
            if self.word("FROM") {
                self.integer()?;
            }
            if self.word("LIMIT") {
                self.integer()?;
                if self.op(",") || self.word("OFFSET") {
                    self.integer()?;
                }
            }
            return Ok(Some(ShowKind::BinlogEvents));
        }
        for (words, feature, with) in [
            (&["PROFILES"][..], "SHOW PROFILES", "enable-profiling"),
            (&["PROFILE"], "SHOW PROFILE", "enable-profiling"),
            (&["PROCEDURE", "CODE"], "SHOW PROCEDURE|FUNCTION CODE", "--with-debug"),
            (&["FUNCTION", "CODE"], "SHOW PROCEDURE|FUNCTION CODE", "--with-debug"),
        ] {
            if self.words(words) {
                let text = format!(
                    "The '{feature}' feature is disabled; you need MySQL built with '{with}' to have it working"
                );
                return Err(SqlError::new(errno::FEATURE_DISABLED, text));
            }
        }
        Ok(None)
    }

    /// SHOW TRIGGERS, SHOW EVENTS, SHOW PROCEDURE STATUS, SHOW FUNCTION STATUS.
    fn show_programs(&mut self) -> SqlResult<Option<ShowKind>> {
        Ok(if self.word("TRIGGERS") {
            Some(ShowKind::Triggers { database: self.database_clause()? })
        } else if self.word("EVENTS") {
            Some(ShowKind::Events { database: self.database_clause()? })
        } else if self.words(&["PROCEDURE", "STATUS"]) {
            Some(ShowKind::Routines { procedures: true })
        } else if self.words(&["FUNCTION", "STATUS"]) {
            Some(ShowKind::Routines { procedures: false })
        } else {
            None
        })
    }

    fn show_create(&mut self) -> SqlResult<ShowKind> {
        if self.word("TABLE") {
            return self.object_name().map(ShowKind::CreateTable);
        }
        if self.word("DATABASE") || self.word("SCHEMA") {
            let if_not_exists = self.word("IF");
            if if_not_exists {
                self.expect_words(&["NOT", "EXISTS"])?;
            }
            return Ok(ShowKind::CreateDatabase { name: self.name()?, if_not_exists });
        }
        if self.word("USER") {
            return Ok(ShowKind::CreateUser { user: self.user_name()? });
        }
        if self.word("VIEW") {
            return self.object_name().map(ShowKind::CreateView);
        }
        if let Some(kind) = self.routine_kind() {
            return Ok(ShowKind::CreateRoutine(kind, self.object_name()?));
        }
        if self.word("TRIGGER") {
            return self.object_name().map(ShowKind::CreateTrigger);
        }
        if self.at("EVENT") {
            return Err(SqlError::unsupported("SHOW CREATE EVENT"));
        }
        Err(self.syntax_error())
    }

    fn show_tables_or_columns(&mut self) -> SqlResult<Option<ShowKind>> {
        let extended = self.word("EXTENDED");
        let full = self.word("FULL");
        if extended && (self.at("COLUMNS") || self.at("FIELDS")) {
            return Err(SqlError::unsupported("SHOW EXTENDED COLUMNS"));
        }
        if extended && !full && ["INDEX", "INDEXES", "KEYS"].iter().any(|word| self.at(word)) {
            return Err(SqlError::unsupported("SHOW EXTENDED INDEX"));
        }
        if full && !extended && self.at("TRIGGERS") {
            return self.show_programs();
        }
        if self.word("TABLES") {
            return Ok(Some(ShowKind::Tables { full, database: self.database_clause()? }));
        }
        if self.word("COLUMNS") || self.word("FIELDS") {
            return Ok(Some(ShowKind::Columns { full, table: self.table_clause()? }));
        }
        if !extended && self.word("PROCESSLIST") {
            return Ok(Some(ShowKind::ProcessList { full }));
        }
        if full || extended { Err(self.syntax_error()) } else { Ok(None) }
    }

    fn show_variables(&mut self) -> SqlResult<Option<ShowKind>> {
        let global = self.word("GLOBAL");
        let session = !global && (self.word("SESSION") || self.word("LOCAL"));
        if self.word("VARIABLES") {
            return Ok(Some(ShowKind::Variables { global }));
        }
        if self.word("STATUS") {
            return Ok(Some(ShowKind::Status { global }));
        }
        if global || session { Err(self.syntax_error()) } else { Ok(None) }
    }

    fn show_diagnostics(&mut self) -> SqlResult<Option<ShowKind>> {
        let count = self.at("COUNT") && self.nth_is_op(1, "(");
        if count {
            self.advance();
            self.expect_op("(")?;
            self.expect_op("*")?;
            self.expect_op(")")?;
        }
        let errors = self.word("ERRORS");
        if !errors && !self.word("WARNINGS") {
            return if count { Err(self.syntax_error()) } else { Ok(None) };
        }
        let mut limit = None;
        if !count && self.word("LIMIT") {
            let first = self.integer()?;
            limit = Some(if self.op(",") { (first, self.integer()?) } else { (0, first) });
            if let Some((0, count)) = limit
                && self.word("OFFSET")
            {
                limit = Some((self.integer()?, count));
            }
        }
        Ok(Some(if errors {
            ShowKind::Errors { count, limit }
        } else {
            ShowKind::Warnings { count, limit }
        }))
    }

    /// [FROM | IN database].
    fn database_clause(&mut self) -> SqlResult<Option<String>> {
        if self.word("FROM") || self.word("IN") { self.name().map(Some) } else { Ok(None) }
    }

    /// FROM table [FROM database].
    fn table_clause(&mut self) -> SqlResult<super::ast::ObjectName> {
        if !self.word("FROM") {
            self.expect_word("IN")?;
        }
        let mut table = self.object_name()?;
        if let Some(database) = self.database_clause()? {
            table.database = Some(database);
        }
        Ok(table)
    }

    /// DESCRIBE table [column].
    pub(super) fn describe(&mut self) -> SqlResult<Statement> {
        let table = self.object_name()?;
        let column = if self.at_end() { None } else { Some(self.word_or_string()?) };
        Ok(Statement::Describe { table, column })
    }
}
