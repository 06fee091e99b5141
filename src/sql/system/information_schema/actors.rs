//! `information_schema.ACTORS`: the actors of all nodes, and what they do.

use crate::sql::system::table::table;

table! {
    "ACTORS": |asked| for actor in asked.sources.actors().await;
    INSTANCE: Varchar(64) NOT NULL = actor.node.as_str();
    PATH: Varchar(512) NOT NULL = actor.path.as_str();
    KIND: Varchar(64) NOT NULL = actor.kind.as_str();
    STATE: Varchar(16) NOT NULL = actor.state.as_str();
    RESTARTS: UBigInt NOT NULL = actor.restarts;
    PANICS: UBigInt NOT NULL = actor.panics;
    IN_HAND: Varchar(64) = actor.in_hand.as_ref().map(|hand| hand.message.as_str());
    IN_HAND_US: UBigInt = actor.in_hand.as_ref().map(|hand| hand.since_us);
}
