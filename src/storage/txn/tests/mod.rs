//! Golden scripts for the commands, one file a behaviour, and a random test against a model.

mod format;
mod model;
mod runner;

use runner::Runner;

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let path = format!("src/storage/txn/testscripts/{}", stringify!($name));
                goldenscript::run(&mut Runner::new(), path).expect("the script runs");
            }
        )*

        #[test]
        fn every_script_is_listed() {
            let listed = [$(stringify!($name)),*];
            for file in std::fs::read_dir("src/storage/txn/testscripts").unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                assert!(listed.contains(&name.as_str()), "{name} is not listed");
            }
        }
    };
}

scripts! {
    amend,
    assertions,
    async_commit,
    async_commit_overlapped_rollback,
    check_secondary_locks,
    check_txn_status,
    commit,
    committed_locks,
    conflict,
    delete_range,
    gc,
    handover,
    heartbeat,
    insert,
    one_pc,
    one_pc_readers,
    overlapped_rollback,
    pessimistic_conflict,
    pessimistic_lock,
    pessimistic_prewrite,
    prewrite_retry,
    read_locks,
    resolve_lock,
    rollback,
    scan,
    scan_lock,
}
