//! Who is connected, and KILL, over all nodes.
//!
//! A client behind a gateway does not know which node its session is on, nor can it choose another: so the list has the
//! sessions of all nodes, and KILL finds a number wherever it is. A node that does not answer costs a warning.

use std::sync::Arc;

use super::answer::Sink;
use super::control::interrupted;
use super::core::Core;
use super::{Kill, Process, ProcessRow, SessionServices};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::Privilege;
use crate::sql::expr::EvalContext;
use crate::sql::system::{HeldTable, SessionFacts};

/// The most bytes of a character.
const CHAR_BYTES: usize = 4;

impl Core {
    /// KILL. The session's own connection ends after the answer.
    pub(super) async fn kill(&mut self, id: u64, what: Kill, sink: &mut Sink) -> SqlResult<()> {
        let unknown = || SqlError::new(errno::NO_SUCH_THREAD, format!("Unknown thread id: {id}"));
        let number = u32::try_from(id).map_err(|_| unknown())?;
        let rights = self.rights();
        let may_all =
            rights.has_dynamic("CONNECTION_ADMIN") || rights.global().contains(Privilege::Super);
        if !may_all && number != self.process.id {
            let all = everybody(&self.services, &self.eval, 0).await;
            let owner = all.iter().find(|one| one.id == number).ok_or_else(unknown)?;
            if owner.user != self.client.user {
                let message = format!("You are not owner of thread {id}");
                return Err(SqlError::new(errno::KILL_DENIED, message));
            }
        }
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
pub(super) async fn everybody(
    services: &SessionServices,
    eval: &EvalContext,
    info_chars: usize,
) -> Vec<SessionFacts> {
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
    rows.into_iter().map(|(node, row)| facts(node, row, info_chars)).collect()
}

/// What is told of a session.
fn facts(node: String, row: ProcessRow, info_chars: usize) -> SessionFacts {
    let held = row.held.into_iter().map(|held| HeldTable {
        database: held.database,
        table: held.table,
        written: held.written,
    });
    SessionFacts {
        node,
        id: row.id,
        user: row.user,
        host: row.host,
        database: row.database,
        command: row.command,
        seconds: row.seconds,
        state: row.state,
        info: row
            .info
            .map(|text| String::from_utf8_lossy(&text).chars().take(info_chars).collect()),
        held: held.collect(),
    }
}
