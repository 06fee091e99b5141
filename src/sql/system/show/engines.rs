//! SHOW ENGINE and SHOW OPEN TABLES: what is said of transactions and of the tables they work with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Showing, Shown};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::EngineReport;
use crate::sql::system::asked::Asked;
use crate::sql::system::sources::SessionFacts;
use crate::sql::types::Datum;

/// The engines that have something to say.
const ENGINES: [&str; 2] = ["InnoDB", "PERFORMANCE_SCHEMA"];
/// Those that have nothing.
const SILENT: [&str; 6] = ["MyISAM", "MEMORY", "HEAP", "CSV", "ARCHIVE", "BLACKHOLE"];
/// What is shown of a statement that a transaction runs, in characters.
const STATEMENT_SHOWN: usize = 1024;

impl Showing<'_> {
    /// The tables of the schema, in the order of their names, with how many sessions work with each. A schema is known whole: every table is open.
    pub(super) async fn open_tables(&self, named: Option<&str>) -> SqlResult<Shown> {
        let only = match named {
            Some(_) => Some(self.database(named)?),
            None => None,
        };
        let mut in_use: BTreeMap<(String, String), i64> = BTreeMap::new();
        for session in self.sources.sessions(0).await {
            for held in session.held {
                let name = (held.database.to_lowercase(), held.table.to_lowercase());
                *in_use.entry(name).or_default() += 1;
            }
        }
        let asked = Asked { database: only.as_deref(), ..Asked::all(self.sources) };
        let open =
            asked.tables().filter(|(database, table)| database.id >= 0 && table.view.is_none());
        let rows = open.map(|(database, table)| {
            let name = (database.name.to_lowercase(), table.name.to_lowercase());
            let users = in_use.get(&name).copied().unwrap_or(0);
            vec![
                Datum::from(database.name.as_str()),
                Datum::from(table.name.as_str()),
                Datum::Int(users),
                Datum::Int(0),
            ]
        });
        let rows = rows.collect();
        let mut shown = Shown::new(&["Database", "Table", "#In_use", "#Name_locked"], rows);
        shown.like = 1;
        Ok(shown)
    }

    /// What an engine tells of itself: `None` asks all.
    pub(super) async fn engine(
        &self,
        engine: Option<&str>,
        report: EngineReport,
    ) -> SqlResult<Shown> {
        let known = |names: &[&str]| {
            engine.is_none_or(|asked| names.iter().any(|name| name.eq_ignore_ascii_case(asked)))
        };
        if !known(&ENGINES) && !known(&SILENT) {
            let text = format!("Unknown storage engine '{}'", engine.unwrap_or_default());
            return Err(SqlError::new(errno::UNKNOWN_STORAGE_ENGINE, text));
        }
        let mut rows = Vec::new();
        if report == EngineReport::Status && known(&ENGINES[..1]) {
            let text = self.transactions().await;
            rows.push(vec![Datum::from("InnoDB"), Datum::from(""), Datum::from(text.as_str())]);
        }
        Ok(Shown::new(&["Type", "Name", "!Status"], rows))
    }

    /// The open transactions with the tables they work with, in the manner of InnoDB's monitor; the counters that tools read there
    /// are in SHOW GLOBAL STATUS.
    async fn transactions(&self) -> String {
        let mut text = String::from("------------\nTRANSACTIONS\n------------\n");
        let mut open: Vec<SessionFacts> = self.sources.sessions(STATEMENT_SHOWN).await;
        open.retain(|session| !session.held.is_empty());
        open.sort_by_key(|session| session.id);
        let _ = writeln!(text, "{} transactions are open", open.len());
        for session in open {
            let written = session.held.iter().filter(|held| held.written).count();
            let _ = writeln!(
                text,
                "---TRANSACTION of thread id {} on node {}, works with {} tables, has written to {written}",
                session.id,
                session.node,
                session.held.len(),
            );
            let _ = writeln!(
                text,
                "{} {} {} for {} s, {}",
                session.user, session.host, session.command, session.seconds, session.state
            );
            if let Some(info) = session.info {
                text.push_str(&info);
                text.push('\n');
            }
        }
        text
    }
}
