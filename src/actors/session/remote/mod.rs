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
//! - Numbers of sessions are never given twice, also not by a node that has been restarted.
//!
//! # Caveats
//!
//! A client whose SQL node is gone has to connect again: its transaction, variables and prepared statements were there. SHOW
//! PROCESSLIST and KILL are about the sessions of one SQL node.

mod away;
mod hosted;
mod messages;
mod proto;

pub use away::{RemoteAccounts, RemoteSessions, SessionKeeper, SqlNodes};
pub use hosted::{DrainSessions, Hosted, SessionHost, sessions_path};
pub use messages::{
    AnswerPart, CloseSession, FindAccount, KeepSessions, MoreAnswer, OpenSession, RunCommand,
};
