//! What may still be written on a disk that is almost full.
//!
//! Space is freed by writing: rows are deleted by records that say so, a table is dropped by a change of the schema. So what frees space, and
//! the little that belongs to it, may use the reserve; what adds data may not.

use crate::storage::api::{Mutation, MutationKind, Prewrite};
use crate::storage::engine::DiskRoom;

/// Where the schema, its jobs and the accounts are: small, and changed by what frees space.
const SCHEMA: &[u8] = b"m";

/// A key of the schema that is written with everything that makes something new: it is taken only where there is room.
pub const ADDS_KEY: &[u8] = b"mW";

/// Whether a transaction's writes may go onto a disk with so much room.
pub fn may_use(prewrite: &Prewrite, room: DiskRoom) -> bool {
    let all = |holds: fn(&Mutation) -> bool| prewrite.mutations.iter().all(holds);
    match room {
        DiskRoom::Enough => true,
        DiskRoom::AlmostFull => all(|mutation| is_schema(mutation) || !adds(mutation)),
        DiskRoom::Full => all(is_schema),
    }
}

fn adds(mutation: &Mutation) -> bool {
    matches!(mutation.kind, MutationKind::Put | MutationKind::Insert)
}

fn is_schema(mutation: &Mutation) -> bool {
    mutation.key.starts_with(SCHEMA) && mutation.key != ADDS_KEY
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::common::Timestamp;
    use crate::storage::api::{Assertion, PessimisticAction};

    fn prewrite(mutations: &[(MutationKind, &'static [u8])]) -> Prewrite {
        let mutation = |(kind, key): &(MutationKind, &'static [u8])| Mutation {
            kind: *kind,
            key: Bytes::from_static(key),
            value: Bytes::new(),
            assertion: Assertion::default(),
            pessimistic: PessimisticAction::SkipCheck,
        };
        Prewrite {
            mutations: mutations.iter().map(mutation).collect(),
            primary: Bytes::new(),
            start_ts: Timestamp(1),
            ttl_ms: 0,
            txn_size: 1,
            for_update_ts: Timestamp::ZERO,
            min_commit_ts: Timestamp::ZERO,
            try_one_pc: true,
            async_commit: None,
        }
    }

    type Mutated = (MutationKind, &'static [u8]);

    #[test]
    fn what_frees_space_may_use_the_reserve() {
        use MutationKind::{Delete, Insert, Lock, Put};
        // The least room with which each is taken.
        let cases: [(&[Mutated], DiskRoom); 6] = [
            (&[(Put, b"t1"), (Delete, b"t2")], DiskRoom::Enough),
            (&[(Insert, b"t1")], DiskRoom::Enough),
            (&[(Delete, b"t1"), (Lock, b"t2")], DiskRoom::AlmostFull),
            (&[(Delete, b"t1"), (Put, b"mQ1")], DiskRoom::AlmostFull),
            (&[(Put, b"mQ1"), (Put, b"mV")], DiskRoom::Full),
            (&[(Put, b"mQ1"), (Put, ADDS_KEY)], DiskRoom::Enough),
        ];
        for (mutations, least) in cases {
            for room in [DiskRoom::Enough, DiskRoom::AlmostFull, DiskRoom::Full] {
                assert_eq!(may_use(&prewrite(mutations), room), room <= least, "{mutations:?}");
            }
        }
    }
}
