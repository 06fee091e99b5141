//! Clusters of several processes, each with some of the roles.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::server::{Options, Server, free_address, mariadb, run, troupe};

/// A node at a fixed address, so that it can be restarted.
pub(crate) struct Place {
    pub(crate) address: String,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) args: Vec<String>,
}

impl Place {
    pub(crate) fn new(role: &str, pd: Option<&str>) -> Place {
        let place = Place::at(free_address(), role);
        match pd {
            Some(pd) => place.and(&["--pd", pd]),
            None => place,
        }
    }

    pub(crate) fn at(address: String, role: &str) -> Place {
        let place = Place { address, dir: tempfile::tempdir().unwrap(), args: Vec::new() };
        let address = place.address.clone();
        place.and(&["--role", role, "--addr", &address])
    }

    /// With further arguments.
    pub(crate) fn and(mut self, args: &[&str]) -> Place {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn start(&self) -> Server {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Server::with(&Options {
            data_dir: Some(self.dir.path()),
            args: &args,
            ..Options::default()
        })
    }

    /// A process that may not come far.
    fn begin(&self, more: &[&str]) -> Child {
        troupe()
            .args(["start", "--mysql-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(self.dir.path())
            .args(&self.args)
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts it where it must not start; answers what it says.
    pub(crate) fn refused(&self, more: &[&str]) -> String {
        let output = self.begin(more).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    }
}

/// What a client reads.
pub(crate) fn query(server: &Server, sql: &str) -> String {
    run(mariadb(server).args(["-N", "-e", sql]))
}

/// The same, tried until it succeeds.
pub(crate) fn query_soon(server: &Server, sql: &str) -> String {
    let begun = Instant::now();
    loop {
        let output = mariadb(server).args(["-N", "-e", sql]).output().unwrap();
        if output.status.success() {
            return String::from_utf8_lossy(&output.stdout).into_owned();
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(begun.elapsed() < Duration::from_secs(60), "{sql}: {said}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn three_processes_are_a_database_and_each_may_be_restarted() {
    let pd = Place::new("pd", None);
    let store = Place::new("store", Some(&pd.address));
    let sql = Place::new("sql,gateway,ddl", Some(&pd.address));
    let mut pd_process = pd.start();
    let mut store_process = store.start();
    let mut sql_process = sql.start();

    query(
        &sql_process,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(20), KEY (b));
         INSERT INTO d.t VALUES (1, 'one'), (2, 'two'); UPDATE d.t SET b = 'TWO' WHERE a = 2;
         BEGIN; SELECT * FROM d.t WHERE a = 1 FOR UPDATE; INSERT INTO d.t VALUES (3, 'three'); COMMIT",
    );
    let all = "SELECT a, b FROM d.t ORDER BY a";
    assert_eq!(query(&sql_process, all), "1\tone\n2\tTWO\n3\tthree\n");
    assert_eq!(query(&sql_process, "SELECT a FROM d.t WHERE b = 'one'"), "1\n");

    // The process with the statements holds nothing that matters.
    sql_process.kill();
    sql_process = sql.start();
    assert_eq!(query(&sql_process, all), "1\tone\n2\tTWO\n3\tthree\n");

    assert!(store_process.terminate().success(), "{}", store_process.log());
    store_process = store.start();
    assert_eq!(query_soon(&sql_process, all), "1\tone\n2\tTWO\n3\tthree\n");
    query_soon(&sql_process, "REPLACE INTO d.t VALUES (4, 'four')");

    pd_process.kill();
    pd_process = pd.start();
    query_soon(&sql_process, "REPLACE INTO d.t VALUES (5, 'five')");
    query_soon(&sql_process, "CREATE TABLE IF NOT EXISTS d.u (a INT PRIMARY KEY)");

    store_process.kill();
    store_process = store.start();
    assert_eq!(query_soon(&sql_process, "SELECT COUNT(*) FROM d.t"), "5\n");

    for process in [&mut sql_process, &mut store_process, &mut pd_process] {
        assert!(process.terminate().success(), "{}", process.log());
    }
}

#[test]
fn all_roles_in_one_process_encode_nothing() {
    let server = Server::start();
    query(
        &server,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1); SELECT * FROM d.t",
    );
    let metrics = server.get("/metrics");
    let encoded = metrics.lines().find(|line| line.starts_with("troupe_bridge_messages_encoded"));
    assert!(encoded.is_some_and(|line| line.ends_with(" 0")), "{encoded:?}");
}

#[test]
fn an_unreachable_placement_driver_is_waited_for_and_given_up() {
    let nowhere = free_address();
    let begun = Instant::now();
    let said = Place::new("store", Some(&nowhere)).refused(&["--join-timeout", "5s"]);
    assert!(begun.elapsed() >= Duration::from_secs(5), "{said}");
    assert!(said.matches("waiting for the placement driver").count() >= 2, "{said}");
    assert!(said.contains(&nowhere) && said.contains("gave up"), "{said}");
}

#[test]
fn a_store_of_another_cluster_or_a_copy_is_refused() {
    let (pd_a, pd_b) = (Place::new("pd", None), Place::new("pd", None));
    let (mut a, _b) = (pd_a.start(), pd_b.start());
    let mut store = Place::new("store", Some(&pd_a.address));
    let mut process = store.start();

    // A copy of a directory that is in use.
    assert!(process.terminate().success(), "{}", process.log());
    let copy = Place::new("store", Some(&pd_a.address));
    run(std::process::Command::new("cp")
        .arg("-a")
        .arg(format!("{}/.", store.dir.path().display()))
        .arg(copy.dir.path())
        .stdout(Stdio::null()));
    let process = store.start();
    let sql = Place::new("sql,gateway,ddl", Some(&pd_a.address)).start();
    query_soon(&sql, "CREATE DATABASE d");
    let said = copy.refused(&["--join-timeout", "30s"]);
    assert!(said.contains("a copy of it"), "{said}");
    // Under the name of the first it does not even get a link, nor ends one.
    let name = format!("node-{}", store.address.replace(':', "-"));
    let said = copy.refused(&["--join-timeout", "4s", "--name", &name]);
    assert!(said.contains("another node that is called"), "{said}");
    // The first goes on.
    query(&sql, "CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)");
    assert_eq!(query(&sql, "SELECT a FROM d.t"), "1\n");

    // Nor when the placement driver starts anew, and the copy is the first to speak with it.
    a.kill();
    process.signal(Signal::STOP);
    let mut copied = copy.begin(&["--join-timeout", "20s", "--name", &name]);
    let _a = pd_a.start();
    std::thread::sleep(Duration::from_secs(3));
    process.signal(Signal::CONT);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = copied.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            copied.kill().unwrap();
            panic!("the copy was let in: {}", process.log());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut said = String::new();
    copied.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("another node"), "{said}");
    query_soon(&sql, "REPLACE INTO d.t VALUES (2)");
    drop((process, sql));

    // The directory of another cluster.
    let last = store.args.len() - 1;
    store.args[last].clone_from(&pd_b.address);
    let said = store.refused(&["--join-timeout", "30s"]);
    assert!(said.contains("belongs to cluster"), "{said}");
}

/// Starts a node as a configuration file says, but at free ports and in a directory of its own.
fn start_as(file: &str, dir: &std::path::Path, pd: &str) -> Server {
    let file = format!("{}/config/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap();
    let mut args = vec!["--config", &file];
    if text.contains("pd = ") {
        args.extend(["--pd", pd]);
    } else {
        args.extend(["--addr", pd]);
    }
    Server::with(&Options { data_dir: Some(dir), args: &args, ..Options::default() })
}

/// A deployment of these files is a database.
fn deployment(files: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let pd = free_address();
    let servers: Vec<Server> = files
        .iter()
        .enumerate()
        .map(|(number, file)| start_as(file, &dir.path().join(number.to_string()), &pd))
        .collect();
    let front = servers.last().unwrap();
    query(
        front,
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1); ALTER TABLE d.t ADD INDEX (a)",
    );
    assert_eq!(query(front, "SELECT a FROM d.t"), "1\n");
}

#[test]
fn the_shape_front_and_back() {
    deployment(&["front-and-back/back.toml", "front-and-back/front.toml"]);
}

#[test]
fn the_shape_of_every_service_on_its_own() {
    deployment(&[
        "separate/pd.toml",
        "separate/store.toml",
        "separate/ddl.toml",
        "separate/sql.toml",
        "separate/stats.toml",
        "separate/gateway.toml",
    ]);
}

#[test]
fn what_one_sql_node_changes_the_others_see() {
    let pd = Place::new("pd", None);
    let at = Some(pd.address.as_str());
    let _pd = pd.start();
    let places =
        [Place::new("store", at), Place::new("sql,gateway,ddl", at), Place::new("sql,gateway", at)];
    let [_store, one, other] = places.each_ref().map(Place::start);
    query(&one, "CREATE DATABASE d");
    for number in 0..5 {
        let (a, b) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        query(a, &format!("CREATE TABLE d.t{number} (a INT PRIMARY KEY, b INT)"));
        query(b, &format!("INSERT INTO d.t{number} VALUES (1, 2)"));
        query(b, &format!("ALTER TABLE d.t{number} ADD INDEX i (b)"));
        assert_eq!(query(a, &format!("SELECT a FROM d.t{number} WHERE b = 2")), "1\n");
        query(b, &format!("DROP TABLE d.t{number}"));
        assert_eq!(query(a, "SHOW TABLES FROM d"), "");
    }
    // All four are seen from each of those that take statements.
    for server in [&one, &other] {
        for table in ["ACTORS", "MAILBOXES"] {
            let sql = format!("SELECT COUNT(DISTINCT INSTANCE) FROM information_schema.{table}");
            assert_eq!(query(server, &sql), "4\n", "{table}");
        }
    }
    query(&one, "CREATE USER ann IDENTIFIED BY 'secret'");
    let begun = Instant::now();
    while !mariadb(&other)
        .args(["-uann", "-psecret", "-e", "SELECT 1"])
        .output()
        .unwrap()
        .status
        .success()
    {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", other.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}
