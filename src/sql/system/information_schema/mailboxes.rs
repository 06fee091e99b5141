//! `information_schema.MAILBOXES`: the mailbox of every actor of all nodes. Times are in microseconds.

use crate::sql::system::table::table;

table! {
    "MAILBOXES": |asked| for actor in asked.sources.actors().await;
    INSTANCE: Varchar(64) NOT NULL = actor.node.as_str();
    PATH: Varchar(512) NOT NULL = actor.path.as_str();
    KIND: Varchar(64) NOT NULL = actor.kind.as_str();
    CAPACITY: UBigInt NOT NULL = actor.capacity;
    OVERFLOW: Varchar(16) NOT NULL = actor.overflow.as_str();
    DEPTH: UBigInt NOT NULL = actor.depth;
    HIGH_WATER: UBigInt NOT NULL = actor.high_water;
    ENQUEUED: UBigInt NOT NULL = actor.enqueued;
    HANDLED: UBigInt NOT NULL = actor.handled;
    REJECTED: UBigInt NOT NULL = actor.rejected;
    DROPPED: UBigInt NOT NULL = actor.dropped;
    WAIT_P50_US: UBigInt NOT NULL = actor.wait.p50_us;
    WAIT_P99_US: UBigInt NOT NULL = actor.wait.p99_us;
    WAIT_MAX_US: UBigInt NOT NULL = actor.wait.max_us;
    BUSY_P50_US: UBigInt NOT NULL = actor.busy.p50_us;
    BUSY_P99_US: UBigInt NOT NULL = actor.busy.p99_us;
    BUSY_MAX_US: UBigInt NOT NULL = actor.busy.max_us;
    MESSAGES: LongText NOT NULL = actor.counted_messages();
}
