//! Percolator's commands: what a transaction asks of a region.

mod command;

pub use command::{
    Assertion, CheckTxnStatus, CommitKeys, KeyError, KvPair, KvRequest, KvResponse, LockInfo,
    LockKind, Mutation, MutationKind, PessimisticAction, PessimisticLock, Prewrite, RegionContext,
    RegionEpoch, RegionError, RequestError, TxnStatus, WaitPolicy,
};
