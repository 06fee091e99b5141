//! Who has a session on a node and what becomes of it, asked by another one; how that is written.

use std::borrow::Cow;

use super::hosted::SessionHost;
use super::proto as wire;
use crate::actors::bridge::{WireError, Wired};
use crate::actors::ddl::HeldTable;
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::actors::session::{Kill, ProcessRow};
use crate::message;

/// Who has a session on a SQL node?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListProcesses {
    /// Of each statement no more than so many bytes.
    pub info_bytes: usize,
}
message!(ListProcesses => Vec<ProcessRow>, "ListProcesses");

/// End a connection or its statement. The answer is whether it is there. Sent to SQL nodes, whose sessions they may be, and by
/// those to the gateway that has the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillProcess {
    /// The number of the connection.
    pub id: u32,
    /// What is to end.
    pub what: Kill,
}
message!(KillProcess => bool, "KillProcess");

/// Accounts have changed: read them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountsChanged;
message!(AccountsChanged => (), "AccountsChanged");

impl Handler<AccountsChanged> for SessionHost {
    fn handle(&mut self, _: AccountsChanged, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let services = self.services.clone();
        ctx.spawn(async move {
            // Without an answer whoever asks is told that this node is late.
            if services.accounts.refresh(&*services.store).await.is_ok() {
                reply.send(());
            }
        });
    }
}

impl Wired for AccountsChanged {
    type Wire = wire::AccountsChanged;
    type WireReply = wire::AccountsRead;

    fn into_wire(self) -> wire::AccountsChanged {
        wire::AccountsChanged {}
    }

    fn from_wire(_: wire::AccountsChanged) -> Result<AccountsChanged, WireError> {
        Ok(AccountsChanged)
    }

    fn reply_to_wire((): ()) -> wire::AccountsRead {
        wire::AccountsRead {}
    }

    fn reply_from_wire(_: wire::AccountsRead) -> Result<(), WireError> {
        Ok(())
    }
}

impl Handler<ListProcesses> for SessionHost {
    fn handle(
        &mut self,
        message: ListProcesses,
        reply: ReplyTo<Vec<ProcessRow>>,
        _ctx: &mut Context<Self>,
    ) {
        let services = &self.services;
        let mut rows = services.processes.rows(services.clock.now(), message.info_bytes);
        let mut held = services.schema.held();
        for row in &mut rows {
            row.held = held.remove(&row.id).unwrap_or_default();
        }
        reply.send(rows);
    }
}

impl Handler<KillProcess> for SessionHost {
    fn handle(&mut self, message: KillProcess, reply: ReplyTo<bool>, _ctx: &mut Context<Self>) {
        reply.send(self.services.processes.kill(message.id, message.what));
    }
}

impl Wired for ListProcesses {
    type Wire = wire::ListProcesses;
    type WireReply = wire::ProcessesListed;

    fn into_wire(self) -> wire::ListProcesses {
        wire::ListProcesses { info_bytes: self.info_bytes as u64 }
    }

    fn from_wire(wire: wire::ListProcesses) -> Result<ListProcesses, WireError> {
        Ok(ListProcesses { info_bytes: usize::try_from(wire.info_bytes).unwrap_or(usize::MAX) })
    }

    fn reply_to_wire(rows: Vec<ProcessRow>) -> wire::ProcessesListed {
        let process = |row: ProcessRow| wire::Process {
            id: row.id,
            user: row.user,
            host: row.host,
            database: row.database,
            command: row.command.into_owned(),
            seconds: row.seconds,
            info: row.info,
            state: row.state.into_owned(),
            held: row.held.into_iter().map(held_to_wire).collect(),
        };
        wire::ProcessesListed { processes: rows.into_iter().map(process).collect() }
    }

    fn reply_from_wire(wire: wire::ProcessesListed) -> Result<Vec<ProcessRow>, WireError> {
        let row = |process: wire::Process| ProcessRow {
            id: process.id,
            user: process.user,
            host: process.host,
            database: process.database,
            command: Cow::Owned(process.command),
            seconds: process.seconds,
            info: process.info,
            state: Cow::Owned(process.state),
            held: process.held.into_iter().map(held_from_wire).collect(),
        };
        Ok(wire.processes.into_iter().map(row).collect())
    }
}

fn held_to_wire(held: HeldTable) -> wire::HeldTable {
    wire::HeldTable { database: held.database, table: held.table, written: held.written }
}

fn held_from_wire(held: wire::HeldTable) -> HeldTable {
    HeldTable { database: held.database, table: held.table, written: held.written }
}

impl Wired for KillProcess {
    type Wire = wire::KillProcess;
    type WireReply = wire::ProcessKilled;

    fn into_wire(self) -> wire::KillProcess {
        wire::KillProcess { id: self.id, query_only: self.what == Kill::Query }
    }

    fn from_wire(wire: wire::KillProcess) -> Result<KillProcess, WireError> {
        let what = if wire.query_only { Kill::Query } else { Kill::Connection };
        Ok(KillProcess { id: wire.id, what })
    }

    fn reply_to_wire(found: bool) -> wire::ProcessKilled {
        wire::ProcessKilled { found }
    }

    fn reply_from_wire(wire: wire::ProcessKilled) -> Result<bool, WireError> {
        Ok(wire.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cross_as_they_are() {
        let row = ProcessRow {
            id: 1 << 21,
            user: "ann".into(),
            host: "10.0.0.1:1234".into(),
            database: Some("d".into()),
            command: "Query".into(),
            seconds: 7,
            info: Some("SELECT 1".into()),
            state: "executing".into(),
            held: vec![HeldTable { database: "d".into(), table: "t".into(), written: true }],
        };
        let idle =
            ProcessRow { database: None, info: None, command: "Sleep".into(), ..row.clone() };
        let rows = vec![row, idle];
        let wire = ListProcesses::reply_to_wire(rows.clone());
        assert_eq!(ListProcesses::reply_from_wire(wire).unwrap(), rows);
        for info_bytes in [100, usize::MAX] {
            let list = ListProcesses { info_bytes };
            assert_eq!(ListProcesses::from_wire(list.into_wire()).unwrap(), list);
        }
        for what in [Kill::Query, Kill::Connection] {
            let kill = KillProcess { id: 7, what };
            assert_eq!(KillProcess::from_wire(kill.into_wire()).unwrap(), kill);
        }
    }
}
