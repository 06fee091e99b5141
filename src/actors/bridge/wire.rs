//! What makes a message one that may leave its node: how it is written and read, its number, and its class.
//!
//! A message gets there in three steps. Its prost types go into `proto/`. Its conversions are an implementation of
//! [`Wired`], beside the message. And it gets a line in the table, which stands above all who have messages, in
//! `node/crossing.rs`. That implements [`Remote`]: nothing else can, so a message that is not in the table has no remote
//! address. That is found by the compiler.
//!
//! Numbers are forever: one that was used for a message is never used for another, and a message whose meaning
//! changes gets a new one. Two nodes may differ in their tables: who gets a number it does not know says so.

use crate::actors::runtime::Message;

use super::proto::TrafficClass;

/// What is wrong with bytes from another node. Who sent them has another version or is broken; the message is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read a {message}: {reason}")]
pub struct WireError {
    /// The type that was to be read.
    pub message: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl WireError {
    /// An error about the message `M`.
    pub fn of<M: Message>(reason: impl ToString) -> WireError {
        WireError { message: M::NAME, reason: reason.to_string() }
    }
}

/// A message that can be written and read.
pub trait Wired: Message + Sized {
    /// What of it goes over the wire.
    type Wire: prost::Message + Default;
    /// What of its reply goes over the wire; `()` for none.
    type WireReply: prost::Message + Default;
    /// Writes.
    fn into_wire(self) -> Self::Wire;
    /// Reads what another node wrote, and trusts nothing of it.
    fn from_wire(wire: Self::Wire) -> Result<Self, WireError>;
    /// Writes a reply.
    fn reply_to_wire(reply: Self::Reply) -> Self::WireReply;
    /// Reads a reply.
    fn reply_from_wire(wire: Self::WireReply) -> Result<Self::Reply, WireError>;
}

pub(in crate::actors) mod sealed {
    /// Stands in the table.
    pub trait Listed {}
}

/// A message that may be sent to another node: one of the table.
pub trait Remote: Wired + sealed::Listed {
    /// Its number.
    const ID: u32;
    /// Its class: order is kept within a class only.
    const CLASS: Class;
}

/// The traffic classes. Each has a stream, a connection and credits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Small and urgent: heartbeats and log entries of Raft.
    Raft,
    /// What clients wait for.
    Data,
    /// Everything else.
    Control,
    /// Bulk that nobody waits for: the pieces of snapshots.
    Snapshot,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 4] = [Class::Raft, Class::Data, Class::Control, Class::Snapshot];

    /// For people and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Class::Raft => "raft",
            Class::Data => "data",
            Class::Control => "control",
            Class::Snapshot => "snapshot",
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn to_wire(self) -> TrafficClass {
        match self {
            Class::Raft => TrafficClass::Raft,
            Class::Data => TrafficClass::Data,
            Class::Control => TrafficClass::Control,
            Class::Snapshot => TrafficClass::Snapshot,
        }
    }

    pub(super) fn from_wire(wire: TrafficClass) -> Option<Class> {
        match wire {
            TrafficClass::Unspecified => None,
            TrafficClass::Raft => Some(Class::Raft),
            TrafficClass::Data => Some(Class::Data),
            TrafficClass::Control => Some(Class::Control),
            TrafficClass::Snapshot => Some(Class::Snapshot),
        }
    }
}

/// A line of the table, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The number.
    pub id: u32,
    /// The message.
    pub name: &'static str,
    /// The class.
    pub class: Class,
}

/// Makes messages [`Remote`], and a table of their [`Line`]s.
macro_rules! wire_table {
    ($(#[$attribute:meta])* $table:ident { $($id:literal $class:ident $message:ty;)* }) => {
        $(
            impl $crate::actors::bridge::wire::sealed::Listed for $message {}
            impl $crate::actors::bridge::Remote for $message {
                const ID: u32 = $id;
                const CLASS: $crate::actors::bridge::Class = $crate::actors::bridge::Class::$class;
            }
        )*
        $(#[$attribute])*
        pub const $table: &[$crate::actors::bridge::wire::Line] = &[$(
            $crate::actors::bridge::wire::Line {
                id: $id,
                name: <$message as $crate::actors::runtime::Message>::NAME,
                class: $crate::actors::bridge::Class::$class,
            },
        )*];
    };
}
pub(in crate::actors) use wire_table;

#[cfg(test)]
wire_table! {
    /// Those of the tests.
    TEST_TABLE {
        9001 Data super::tests::subject::Note;
        9002 Data super::tests::subject::Count;
        9003 Data super::tests::subject::Work;
        9004 Raft super::tests::subject::Beat;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_read_as_they_are_written() {
        for class in Class::ALL {
            assert_eq!(Class::from_wire(class.to_wire()), Some(class));
            assert_eq!(Class::ALL[class.index()], class);
        }
        assert_eq!(Class::from_wire(TrafficClass::Unspecified), None);
    }
}
