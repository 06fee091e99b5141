//! Sessions on another node than their gateway.
//!
//! A gateway without SQL opens a client's session on one of the nodes that have it, in turn, and keeps it there until
//! the client goes. Nothing of the connection knows: it talks to an actor of its own node as ever, whose commands go over
//! the bridge and come back as packets ready to be written out.
//!
//! ```text
//!   gateway node                                      SQL node
//!   conn-7                                            sessions            (host)
//!   └── session   (away) ══ OpenSession ════════════▶ └── session-12
//!        Execute ══ RunCommand, MoreAnswer … ════════▶      └── session   Execute
//! ```
//!
//! # Guarantees
//!
//! - Commands of a session run in order, each answer is complete or the connection ends: a client never takes half an
//!   answer for a whole one. What was in hand when the SQL node or the link to it was lost may have been done.
//! - A large answer is asked for part by part: a slow client slows its own statement, on the other node too.
//! - A session ends with its client. The gateway says so, and since that word may be lost, also tells every few seconds
//!   which sessions have clients; of a gateway that is not heard of for long, all are closed.
//! - A connection that is killed ends at its gateway, whose client is told; its session ends with it, or by itself if the gateway does
//!   not answer.
//! - Numbers of sessions are never given twice, also not by a node that has been restarted.
//!
//! # Caveats
//!
//! A client whose SQL node is gone has to connect again: its transaction, variables and prepared statements were there.

mod away;
mod hosted;
mod listing;
mod messages;
mod others;
mod proto;

pub use away::{RemoteAccounts, RemoteSessions, SessionKeeper, SqlNodes};
pub use hosted::{DrainSessions, Hosted, SessionHost, sessions_path};
pub use listing::{AccountsChanged, KillProcess, ListProcesses};
pub use messages::{
    AnswerPart, CloseSession, FindAccount, KeepSessions, MoreAnswer, OpenSession, RunCommand,
};
pub use others::{OtherNodes, OtherSessions};
