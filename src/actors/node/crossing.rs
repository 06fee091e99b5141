//! The wire table: which messages may leave their node, under which number, and in which class. How a message gets here:
//! [`crate::actors::bridge::wire`].

use crate::actors::bridge::wire::wire_table;

// Numbers of a hundred each: 1 bridge, 100 store, 200 transactions, 300 placement, 400 schema, 500 sessions, 600 admin.
wire_table! {
    /// All messages that may cross.
    TABLE {
        1 Control crate::actors::bridge::Echo;
        2 Control crate::actors::bridge::ListActors;
        3 Control crate::actors::bridge::DescribeActor;
        100 Raft crate::actors::store::SendRaft;
        101 Snapshot crate::actors::store::SendChunk;
        102 Control crate::actors::store::deadlock::ShareWaits;
        104 Raft crate::actors::store::Greet;
        200 Data crate::actors::store::KvCommand;
        201 Data crate::actors::store::region_peer::SplitRegion;
        202 Data crate::actors::store::region_peer::ReplicaRead;
        203 Control crate::actors::kv::AskWork;
        300 Control crate::actors::pd::PdCall;
        301 Control crate::actors::pd::AnnounceNode;
        302 Raft crate::actors::pd::GroupStep;
        303 Control crate::actors::pd::PdMembers;
        400 Control crate::actors::node::SyncSchema;
        500 Data crate::actors::session::remote::OpenSession;
        501 Data crate::actors::session::remote::RunCommand;
        502 Data crate::actors::session::remote::MoreAnswer;
        503 Data crate::actors::session::remote::CloseSession;
        504 Data crate::actors::session::SwitchUser;
        505 Control crate::actors::session::CancelStatement;
        506 Control crate::actors::session::remote::FindAccount;
        507 Control crate::actors::session::remote::KeepSessions;
        508 Data crate::actors::session::remote::ListProcesses;
        509 Control crate::actors::session::remote::KillProcess;
        510 Data crate::actors::session::Upload;
        511 Control crate::actors::session::remote::AccountsChanged;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TABLE;
    use crate::actors::bridge::wire::TEST_TABLE;

    #[test]
    fn no_number_and_no_name_is_used_twice() {
        let lines: Vec<_> = TABLE.iter().chain(TEST_TABLE).collect();
        let numbers: BTreeSet<u32> = lines.iter().map(|line| line.id).collect();
        let names: BTreeSet<&str> = lines.iter().map(|line| line.name).collect();
        assert_eq!(numbers.len(), lines.len());
        assert_eq!(names.len(), lines.len());
        assert!(!numbers.contains(&0), "0 is what an absent number reads as");
    }
}
