//! SHOW PROCESSLIST and KILL, over all nodes.
//!
//! A client behind a gateway does not know which node its session is on, nor can it choose another: so the list has the
//! sessions of all nodes, and KILL finds a number wherever it is. A node that does not answer costs a warning.

use std::sync::Arc;

use super::Shown;
use crate::actors::session::answer::Sink;
use crate::actors::session::control::interrupted;
use crate::actors::session::core::Core;
use crate::actors::session::{Kill, Process, ProcessRow, SessionServices};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::types::Datum;

/// What SHOW PROCESSLIST shows of a long statement, in characters.
const SHORT_INFO: usize = 100;
/// The most bytes of a character.
const CHAR_BYTES: usize = 4;

impl Core {
    pub(super) async fn process_list(&self, full: bool) -> Shown {
        let chars = if full { usize::MAX } else { SHORT_INFO };
        let rows = everybody(&self.services, &self.eval, chars).await;
        let columns = ["#Id", "User", "Host", "db", "Command", "#Time", "State", "!Info"];
        Shown::new(&columns, rows.into_iter().map(|(_, row)| process_row(&row, chars)).collect())
    }

    /// KILL. The session's own connection ends after the answer.
    pub(in crate::actors::session) async fn kill(
        &self,
        id: u64,
        what: Kill,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let unknown = || SqlError::new(errno::NO_SUCH_THREAD, format!("Unknown thread id: {id}"));
        let number = u32::try_from(id).map_err(|_| unknown())?;
        if number == self.process.id {
            sink.disconnect = what == Kill::Connection;
            return Err(interrupted());
        }
        if self.services.processes.kill(number, what) {
            return Ok(());
        }
        let Some(others) = &self.services.others else { return Err(unknown()) };
        let Err(silent) = others.kill(number, what).await else { return Ok(()) };
        for node in silent {
            let text = format!("node {node} does not answer: connection {id} may be there");
            self.eval.warn(errno::UNKNOWN, text);
        }
        Err(unknown())
    }
}

/// The sessions of all nodes with the nodes they are on, by number; of a node that does not answer there are none, and a warning.
pub(in crate::actors::session) async fn everybody(
    services: &SessionServices,
    eval: &EvalContext,
    info_chars: usize,
) -> Vec<(String, ProcessRow)> {
    let now = services.clock.now();
    let info_bytes = info_chars.saturating_mul(CHAR_BYTES);
    let here = services.others.as_ref().map_or("", |others| others.me());
    let mut held = services.schema.held();
    let own = services.processes.list();
    let row = |process: &Arc<Process>| {
        let held = held.remove(&process.id).unwrap_or_default();
        (here.to_owned(), ProcessRow { held, ..process.row(now, usize::MAX) })
    };
    let mut rows: Vec<_> = own.iter().map(row).collect();
    if let Some(others) = &services.others {
        let found = others.sessions(info_bytes).await;
        rows.extend(found.rows);
        for node in found.silent {
            let text = format!("node {node} does not answer: its sessions are not shown");
            eval.warn(errno::UNKNOWN, text);
        }
    }
    rows.sort_by_key(|(_, row)| row.id);
    rows
}

/// A row of SHOW PROCESSLIST and of `information_schema.PROCESSLIST`.
pub(in crate::actors::session) fn process_row(row: &ProcessRow, info_chars: usize) -> Vec<Datum> {
    let info = row
        .info
        .as_ref()
        .map(|text| String::from_utf8_lossy(text).chars().take(info_chars).collect::<String>());
    vec![
        Datum::Int(row.id.into()),
        Datum::from(row.user.as_str()),
        Datum::from(row.host.as_str()),
        Datum::from(row.database.as_deref()),
        Datum::from(&*row.command),
        Datum::Int(i64::try_from(row.seconds).unwrap_or(i64::MAX)),
        Datum::from(&*row.state),
        Datum::from(info),
    ]
}
