//! Sessions: a client's statements, its variables and its transaction, on a SQL node.

mod messages;
mod processes;

pub use messages::{
    Account, Accounts, Answer, CancelStatement, ClientInfo, Execute, SessionRef, Sessions,
    SwitchUser,
};
pub use processes::{Kill, Process, ProcessList, ProcessState};
