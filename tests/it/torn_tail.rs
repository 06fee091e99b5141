//! What a power cut leaves at the end of the placement driver's log: the beginning of a record that nobody was told of.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use crate::server::{Options, Server};

#[test]
fn the_placement_driver_cuts_an_unfinished_record_off() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        Server::with(&Options {
            data_dir: Some(dir.path()),
            args: &["--role", "pd", "--name", "pd1"],
            ..Options::default()
        })
    };
    let mut server = start();
    let cluster =
        |server: &Server| server.json("/pd/api/v1/members")["header"]["cluster_id"].clone();
    let before = cluster(&server);
    assert!(before.as_u64().is_some_and(|id| id > 0), "{before}");
    server.kill();
    // The first record once more, but for most of it: its head promises more than there is.
    let files = std::fs::read_dir(dir.path().join("pd")).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let log: PathBuf = logs.max().expect("there is a log");
    let mut beginning = [0; 20];
    std::fs::File::open(&log).unwrap().read_exact(&mut beginning).unwrap();
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&beginning).unwrap();
    let mut server = start();
    assert_eq!(cluster(&server), before);
    assert!(server.log().contains("it is cut off"), "{}", server.log());
    server.terminate();
    let mut again = start();
    // The log goes on over all starts.
    assert_eq!(again.log().matches("it is cut off").count(), 1, "{}", again.log());
    again.terminate();
}
