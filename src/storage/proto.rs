//! The messages of `proto/`, as prost makes them.
//!
//! They are wire and disk formats. They are documented in the `.proto` files; the comments there become the
//! doc comments here.

#![allow(missing_docs, reason = "generated; prost documents only what the .proto files comment")]
#![allow(unreachable_pub, clippy::pedantic, reason = "generated")]

/// The part of Raft's own messages that is kept on disk.
pub mod eraftpb {
    include!(concat!(env!("OUT_DIR"), "/eraftpb.rs"));
}

/// What a cluster is made of.
pub mod metapb {
    include!(concat!(env!("OUT_DIR"), "/metapb.rs"));
}

/// The state of a store and its Raft groups on disk.
pub mod raft_serverpb {
    include!(concat!(env!("OUT_DIR"), "/raft_serverpb.rs"));
}

/// Why a region could not serve a request.
pub mod errorpb {
    include!(concat!(env!("OUT_DIR"), "/errorpb.rs"));
}

/// Requests to regions and their answers.
pub mod kvrpcpb {
    include!(concat!(env!("OUT_DIR"), "/kvrpcpb.rs"));
}

/// What the placement driver is asked.
pub mod pdpb {
    include!(concat!(env!("OUT_DIR"), "/pdpb.rs"));
}

/// Packages of our own, nested as in their names because the generated code refers to other packages by `super`.
pub mod troupe {
    /// Raft.
    pub mod raft {
        /// What a region's Raft log entries carry.
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/troupe.raft.v1.rs"));
        }
    }

    /// Regions.
    pub mod kv {
        /// Requests to regions, between nodes.
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/troupe.kv.v1.rs"));
        }
    }

    /// SQL.
    pub mod sql {
        /// Parts of queries that run where the rows are.
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/troupe.sql.v1.rs"));
        }
    }

    /// Placement.
    pub mod pd {
        /// Calls to the placement driver, between nodes.
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/troupe.pd.v1.rs"));
        }
    }
}

pub use troupe::kv::v1 as kv_command;
pub use troupe::pd::v1 as pd_call;
pub use troupe::raft::v1 as raft_entry;
pub use troupe::sql::v1 as fragment;
