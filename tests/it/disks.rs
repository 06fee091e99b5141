//! Disks that are full or cannot be written: small file systems in memory, which a server mounts over its data directory
//! and nobody else sees.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::bank::{execute, query};
use crate::cluster::{Cluster, Shape};
use crate::server::{Options, Server, mariadb, may_mount, run, through_shell, troupe};

/// MySQL's "disk full".
const DISK_FULL: u16 = 1021;
const MIB: u64 = 1 << 20;
/// Below this the server takes no writes.
const RESERVE: u64 = 100 * MIB;

/// A file system as a server's process sees it.
struct Disk {
    root: PathBuf,
}

impl Disk {
    fn of(server: &Server) -> Disk {
        let dir = server.data_dir.strip_prefix("/").unwrap();
        Disk { root: Path::new("/proc").join(server.pid().to_string()).join("root").join(dir) }
    }

    fn available(&self) -> u64 {
        let space = rustix::fs::statvfs(&self.root).unwrap();
        space.f_bavail * space.f_frsize
    }

    /// Leaves so many bytes free.
    fn fill_up_to(&self, free: u64) {
        let ballast = vec![0; usize::try_from(self.available() - free).unwrap()];
        std::fs::write(self.root.join("ballast"), ballast).unwrap();
    }

    /// Fills it until a statement has met a full disk for some seconds: what the server gives up of its log meanwhile is filled, too.
    async fn fill_for_good(&self, conn: &mut Conn, sql: &str) {
        let (begun, mut full, mut ballast) = (Instant::now(), 0, 0);
        while full < 8 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not stay full");
            let available = self.available();
            if available > RESERVE - 15 * MIB {
                let rest = vec![0; usize::try_from(available - (RESERVE - 20 * MIB)).unwrap()];
                std::fs::write(self.root.join(format!("ballast-{ballast}")), rest).unwrap();
                ballast += 1;
            }
            full = if code(conn, sql).await == Some(DISK_FULL) { full + 1 } else { 0 };
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn relieve(&self) {
        std::fs::remove_file(self.root.join("ballast")).unwrap();
    }
}

/// The error a statement ends with.
async fn code(conn: &mut Conn, sql: &str) -> Option<u16> {
    match conn.query_drop(sql).await {
        Ok(()) => None,
        Err(mysql_async::Error::Server(error)) => {
            assert!(error.code != DISK_FULL || error.message.contains("Disk full"), "{error}");
            Some(error.code)
        }
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// Repeats a statement until it ends as it should: the server looks at its disk each second.
async fn until(conn: &mut Conn, sql: &str, wanted: Option<u16>) {
    let begun = Instant::now();
    loop {
        let found = code(conn, sql).await;
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{sql}: {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_writes_and_serves_reads() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=400m tmpfs {}", dir.path().display());
    let reserve = RESERVE.to_string();
    let server = Server::with(&Options {
        data_dir: Some(dir.path()),
        through: Some(&mount),
        mounts: true,
        env: &[("TROUPE_STORE_RESERVE_SPACE", &reserve), ("TROUPE_STORE_WRITE_BUFFER", "1MiB")],
        ..Options::default()
    });
    let opts = || OptsBuilder::default().tcp_port(server.mysql_port).user(Some("root"));
    let mut conn = Conn::new(opts().ip_or_hostname("127.0.0.1")).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, b INT, KEY (b))").await.unwrap();
    conn.query_drop("INSERT INTO d.t VALUES (1, 1), (2, 2)").await.unwrap();

    let disk = Disk::of(&server);
    disk.fill_up_to(RESERVE - 20 * MIB);
    until(&mut conn, "UPDATE d.t SET b = b + 1 WHERE a = 1", Some(DISK_FULL)).await;
    for sql in [
        "INSERT INTO d.t VALUES (3, 3)",
        "CREATE DATABASE e",
        "CREATE TABLE d.u (a INT PRIMARY KEY)",
        "CREATE INDEX i ON d.t (b)",
        "ALTER TABLE d.t ADD INDEX i (b), DROP INDEX b",
    ] {
        assert_eq!(code(&mut conn, sql).await, Some(DISK_FULL), "{sql}");
    }
    let read = "SELECT COUNT(*), SUM(a) FROM d.t";
    assert_eq!(conn.query_first(read).await.unwrap(), Some((2, 3)));
    let by_index: Option<i64> = conn.query_first("SELECT a FROM d.t WHERE b = 2").await.unwrap();
    assert!(by_index.is_some());
    // Operators see it.
    let begun = Instant::now();
    while server.json("/health")["services"]["disk"]["state"] != "degraded" {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:#}", server.json("/health"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(server.get("/metrics").contains("troupe_store_disk_short 1"));
    assert!(server.log().contains("the disk is nearly full: writes are refused"));

    disk.relieve();
    until(&mut conn, "INSERT INTO d.t VALUES (3, 3)", None).await;
    conn.query_drop("CREATE TABLE d.u (a INT PRIMARY KEY)").await.unwrap();
    assert_eq!(conn.query_first(read).await.unwrap(), Some((3, 6)));
    assert!(server.log().contains("the disk has room again"));
}

const BEFORE_IT_IS_FULL: [&str; 9] = [
    "CREATE DATABASE d",
    "CREATE DATABASE e",
    "CREATE USER ann IDENTIFIED BY 'secret'",
    "CREATE TABLE d.t (a INT PRIMARY KEY, b INT, KEY (b))",
    "CREATE TABLE d.u (a INT PRIMARY KEY, b INT, KEY (b))",
    "CREATE TABLE e.v (a INT PRIMARY KEY)",
    "INSERT INTO d.t VALUES (1, 1), (2, 2)",
    "INSERT INTO d.u VALUES (1, 1), (2, 2)",
    "CREATE TABLE d.large (a INT PRIMARY KEY, b LONGTEXT)",
];

/// Rows of half a mebibyte and more that do not get smaller on the disk.
async fn insert_large(conn: &mut Conn, rows: i32) {
    let mut seed = 1_u64;
    for a in 0..rows {
        let text: String = (0..1 << 16)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                format!("{seed:016x}")
            })
            .collect();
        conn.query_drop(format!("INSERT INTO d.large VALUES ({a}, '{text}')")).await.unwrap();
    }
}

/// A server on a disk of so many mebibytes, whose garbage is collected as soon as may be.
fn on_small_disk(dir: &Path, mib: u32) -> Server {
    let mount = format!("mount -t tmpfs -o size={mib}m tmpfs {}", dir.display());
    Server::with(&Options {
        data_dir: Some(dir),
        through: Some(&mount),
        mounts: true,
        env: &[
            ("TROUPE_STORE_RESERVE_SPACE", &RESERVE.to_string()),
            ("TROUPE_STORE_WRITE_BUFFER", "1MiB"),
            ("TROUPE_TRANSACTION_GC_LIFE_TIME", "1s"),
        ],
        ..Options::default()
    })
}

/// Rows that are deleted give their space back though nobody can write any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_delete_frees_space_on_a_full_disk() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = on_small_disk(dir.path(), 400);
    let opts = OptsBuilder::default().tcp_port(server.mysql_port).user(Some("root"));
    let mut conn = Conn::new(opts.ip_or_hostname("127.0.0.1")).await.unwrap();
    conn.query_drop("CREATE DATABASE d").await.unwrap();
    conn.query_drop("CREATE TABLE d.large (a INT PRIMARY KEY, b LONGTEXT)").await.unwrap();
    insert_large(&mut conn, 60).await;
    let disk = Disk::of(&server);
    disk.fill_for_good(&mut conn, "UPDATE d.large SET b = UUID() WHERE a = 55").await;
    let available = disk.available();
    assert_eq!(code(&mut conn, "DELETE FROM d.large WHERE a < 50").await, None);
    let begun = Instant::now();
    while disk.available() < available + 25 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(300), "{available} {}", disk.available());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // So much that writers go on.
    until(&mut conn, "UPDATE d.large SET b = UUID() WHERE a = 55", None).await;
}

/// An index that does not fit is taken back, and its entries with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_meets_a_full_disk_is_taken_back() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = on_small_disk(dir.path(), 400);
    let opts = || OptsBuilder::default().tcp_port(server.mysql_port).user(Some("root"));
    let mut conn = Conn::new(opts().ip_or_hostname("127.0.0.1")).await.unwrap();
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a INT AUTO_INCREMENT PRIMARY KEY, b INT)",
        "INSERT INTO d.t (b) VALUES (1), (2), (3), (4), (5), (6), (7), (8)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    for _ in 0..14 {
        conn.query_drop("INSERT INTO d.t (b) SELECT b + a FROM d.t").await.unwrap();
    }
    let disk = Disk::of(&server);
    let begun = |log: String| log.matches("running a schema change").count();
    let mut met = false;
    for _ in 0..20 {
        let before = begun(server.log());
        // The server looks at its disk each second: it may find out before the work begins, or after it has ended.
        disk.fill_up_to(RESERVE - 20 * MIB);
        let found = code(&mut conn, "CREATE INDEX i ON d.t (b)").await;
        met = found == Some(DISK_FULL) && begun(server.log()) > before;
        if met {
            break;
        }
        if found.is_none() {
            conn.query_drop("DROP INDEX i ON d.t").await.unwrap();
        }
        disk.relieve();
        until(&mut conn, "UPDATE d.t SET b = b + 1 WHERE a = 1", None).await;
    }
    assert!(met, "the disk was never full in the middle of the work");
    let shown: Vec<mysql_async::Row> =
        conn.query("SHOW INDEX FROM d.t WHERE Key_name = 'i'").await.unwrap();
    assert!(shown.is_empty());
    // The next one stands where it stood.
    disk.relieve();
    until(&mut conn, "CREATE INDEX i ON d.t (b)", None).await;
    let by_index: Option<i64> =
        conn.query_first("SELECT COUNT(*) FROM d.t WHERE b >= 0").await.unwrap();
    assert_eq!(by_index, Some(8 << 14));
}

/// A full disk is emptied by the means of SQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_frees_space_works_on_a_full_disk() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = on_small_disk(dir.path(), 500);
    let opts = || OptsBuilder::default().tcp_port(server.mysql_port).user(Some("root"));
    let mut conn = Conn::new(opts().ip_or_hostname("127.0.0.1")).await.unwrap();
    for sql in BEFORE_IT_IS_FULL {
        conn.query_drop(sql).await.unwrap();
    }
    insert_large(&mut conn, 60).await;

    let disk = Disk::of(&server);
    disk.fill_up_to(RESERVE - 20 * MIB);
    until(&mut conn, "UPDATE d.t SET b = b + 1 WHERE a = 1", Some(DISK_FULL)).await;
    for sql in [
        "DELETE FROM d.t WHERE a = 1",
        "BEGIN",
        "SELECT * FROM d.t WHERE a = 2 FOR UPDATE",
        "DELETE FROM d.t WHERE a = 2",
        "COMMIT",
        "ALTER USER ann IDENTIFIED BY 'another'",
        "DROP USER ann",
        "ALTER TABLE d.u DROP INDEX b",
        "TRUNCATE TABLE d.u",
        "DROP DATABASE e",
    ] {
        assert_eq!(code(&mut conn, sql).await, None, "{sql}");
    }
    let rows: Option<i64> = conn.query_first("SELECT COUNT(*) FROM d.t").await.unwrap();
    assert_eq!(rows, Some(0));
    assert_eq!(code(&mut conn, "INSERT INTO d.t VALUES (3, 3)").await, Some(DISK_FULL));

    // With hardly anything left, the schema still can.
    std::fs::write(disk.root.join("more"), vec![0; usize::try_from(40 * MIB).unwrap()]).unwrap();
    let available = disk.available();
    assert!(available < RESERVE / 2, "{available}");
    until(&mut conn, "DELETE FROM d.large WHERE a = 1", Some(DISK_FULL)).await;
    assert_eq!(code(&mut conn, "DROP TABLE d.large").await, None);
    let begun = Instant::now();
    while disk.available() < available + 20 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(150), "{available} {}", disk.available());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn a_follower_whose_disk_is_full_holds_nobody_up() {
    if !may_mount() {
        return;
    }
    let shape = Shape { pds: 1, stores: 3, fronts: 1, gateways: 0 };
    let mut cluster = Cluster::prepared(shape, |cluster| {
        let store = &mut cluster.stores[0];
        store.disk = Some(400);
        // 100 MiB.
        store.env.push(("TROUPE_STORE_RESERVE_SPACE", "104857600"));
        store.env.push(("TROUPE_STORE_WRITE_BUFFER", "1MiB"));
    });
    let port = cluster.ports()[0];
    execute(port, &["CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b LONGTEXT)"]);
    cluster.wait_whole();
    let id = cluster.store_id(0);
    let says = |cluster: &Cluster, room: &str| {
        cluster.pd_json(&format!("/pd/api/v1/store/{id}"))["status"]["disk"] == room
    };
    let disk = Disk::of(cluster.stores[0].server());
    disk.fill_up_to(RESERVE / 2 - 10 * MIB);
    cluster.wait("the placement driver hears that it is full", |cluster| says(cluster, "full"));
    cluster.wait("it leads nothing", |cluster| {
        cluster.regions().iter().all(|region| region["leader"]["store_id"] != id)
    });
    let pd = cluster.pd.server().admin.trim_start_matches("http://").to_owned();
    let shown = run(troupe().args(["ctl", "--pd", &pd, "stores"]));
    assert!(shown.contains("  full  "), "{shown}");

    // More than it has room for.
    let text = "x".repeat(512 << 10);
    for a in 0..100 {
        execute(port, &[&format!("INSERT INTO d.t VALUES ({a}, '{text}')")]);
    }
    assert!(disk.available() > 10 * MIB, "{} bytes are left", disk.available());

    disk.relieve();
    cluster.wait("it has room", |cluster| says(cluster, "room"));
    // With one of the others gone nothing is acknowledged without it.
    cluster.stores[1].kill();
    cluster.wait("a write that needs it", |cluster| {
        let sql = "REPLACE INTO d.t VALUES (100, 'the last')";
        mariadb(cluster.fronts[0].server()).args(["-e", sql]).output().unwrap().status.success()
    });
    assert_eq!(query::<i64>(port, "SELECT COUNT(*) FROM d.t"), [101]);
}

/// What a server says that is to start in a directory of which a shell has made something it cannot use.
fn refused(roles: &[&str], dir: &Path, made: &str) -> String {
    let output = through_shell(made, true)
        .args(["start", "--mysql-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
        .args(["--addr", "127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .args(roles)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{}", dir.display())), "{said}");
    said
}

#[test]
fn a_start_on_a_full_disk_says_so() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Full from the beginning, and at some point of a first start.
    for kib in [4, 20, 60, 100, 140] {
        let mount = format!("mount -t tmpfs -o size={kib}k tmpfs {}", dir.path().display());
        let said = refused(&[], dir.path(), &mount);
        assert!(said.contains("No space left on device"), "{kib} KiB: {said}");
    }
}

#[test]
fn a_read_only_directory_is_named() {
    if !may_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display();
    let mount = format!("mount --bind {path} {path}; mount -o remount,bind,ro {path}");
    let gateway = ["--role", "gateway", "--pd", "127.0.0.1:1"];
    for (roles, data) in [
        (&[][..], dir.path().to_owned()),
        (&[], dir.path().join("data")),
        (&gateway, dir.path().to_owned()),
    ] {
        let said = refused(roles, &data, &mount);
        assert!(
            said.contains("data directory") && said.contains("Read-only file system"),
            "{said}"
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
