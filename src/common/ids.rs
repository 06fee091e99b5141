//! One type per identity, so that a region id can never be passed where a store id belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                $name(id)
            }
        }
    };
}

identity! {
    /// A region: a contiguous key range replicated as one Raft group.
    RegionId
}
identity! {
    /// A replica of a region; unique in the cluster and never used again.
    PeerId
}
identity! {
    /// A store: one node's durable home for replicas.
    StoreId
}
identity! {
    /// A Raft term.
    Term
}
identity! {
    /// A position in a Raft log.
    LogIndex
}
