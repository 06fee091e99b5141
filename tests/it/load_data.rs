//! LOAD DATA with MySQL's own tools: files of clients, in one process and through a gateway on another node, and files of the server.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cluster::{Cluster, Shape};
use crate::server::{Options, Server, have, mariadb, run};

/// What statements answer, each after the other, with the client's errors.
fn said(port: u16, sql: &str) -> String {
    let mut client = Command::new("mariadb")
        .args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "--local-infile=1", "-N", "-vvv"])
        .args(["--force", "-P", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A client that goes on after an error does so with the next line.
    let lines = format!("{};\n", sql.replace("; ", ";\n"));
    client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A file of so many rows: a number, a text.
fn file_of(folder: &Path, rows: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        writeln!(text, "{row}\ttext of row {row}").unwrap();
    }
    let path = folder.join("items.txt");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const TABLE: &str = "CREATE DATABASE l; SET GLOBAL local_infile = ON; \
    CREATE TABLE l.items (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL)";

#[test]
fn clients_files_are_loaded() {
    if !have("mariadb") {
        return;
    }
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = file_of(folder.path(), 20_000);
    let load = format!("LOAD DATA LOCAL INFILE '{file}' INTO TABLE l.items");
    run(mariadb(&server).args(["-e", "CREATE DATABASE off"]));
    let off = said(server.mysql_port, &format!("LOAD DATA LOCAL INFILE '{file}' INTO TABLE off.t"));
    assert!(off.contains("ERROR 3948 (42000)"), "{off}");
    run(mariadb(&server).args(["-e", TABLE]));
    let loaded = said(server.mysql_port, &load);
    assert!(loaded.contains("Records: 20000  Deleted: 0  Skipped: 0  Warnings: 0"), "{loaded}");
    let count = "SELECT COUNT(*), SUM(id), MAX(name) FROM l.items";
    let wanted = "20000\t199990000\ttext of row 9999\n";
    assert_eq!(run(mariadb(&server).args(["-N", "-e", count])), wanted);
    // What is there already is passed over, as with IGNORE; or replaced. The connection goes on.
    let again = said(server.mysql_port, &format!("{load}; SELECT 'and on'"));
    assert!(again.contains("Records: 20000  Deleted: 0  Skipped: 20000"), "{again}");
    assert!(again.contains("and on"), "{again}");
    // Without the table the file is passed over, and the connection goes on all the same.
    let nowhere = said(
        server.mysql_port,
        &format!("LOAD DATA LOCAL INFILE '{file}' INTO TABLE l.nowhere; SELECT 'and on'"),
    );
    assert!(nowhere.contains("ERROR 1146"), "{nowhere}");
    // A transaction that is open takes the rows in.
    let undone = format!("BEGIN; DELETE FROM l.items; {load}; ROLLBACK; {count}");
    assert!(said(server.mysql_port, &undone).contains("199990000"));
}

#[test]
fn mariadb_import_loads_files() {
    if !have("mariadb-import") {
        return;
    }
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = file_of(folder.path(), 3_000);
    run(mariadb(&server).args(["-e", TABLE]));
    let mut import = Command::new("mariadb-import");
    import.args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "--local", "l", &file]);
    let told = run(import.args(["-P", &server.mysql_port.to_string()]));
    assert!(told.contains("l.items: Records: 3000  Deleted: 0  Skipped: 0  Warnings: 0"), "{told}");
}

#[test]
fn a_file_goes_through_a_gateway() {
    if !have("mariadb") {
        return;
    }
    let cluster = Cluster::of(Shape { pds: 1, stores: 1, fronts: 1, gateways: 1 });
    let port = cluster.ports()[0];
    let folder = tempfile::tempdir().unwrap();
    let file = file_of(folder.path(), 5_000);
    let load = format!("{TABLE}; LOAD DATA LOCAL INFILE '{file}' INTO TABLE l.items");
    let loaded = said(port, &load);
    assert!(loaded.contains("Records: 5000  Deleted: 0  Skipped: 0  Warnings: 0"), "{loaded}");
}

#[test]
fn the_servers_files_are_where_it_says() {
    if !have("mariadb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let allowed = folder.path().join("files");
    std::fs::create_dir(&allowed).unwrap();
    let (inside, outside) = (file_of(&allowed, 100), file_of(folder.path(), 100));
    let priv_dir = allowed.display().to_string();
    let server =
        Server::with(&Options { args: &["--secure-file-priv", &priv_dir], ..Options::default() });
    run(mariadb(&server).args(["-e", TABLE]));
    let load = |file: &str| {
        said(server.mysql_port, &format!("LOAD DATA INFILE '{file}' INTO TABLE l.items"))
    };
    assert!(load(&outside).contains("ERROR 1290"));
    assert!(load(&format!("{priv_dir}/../items.txt")).contains("ERROR 1290"));
    assert!(load(&format!("{priv_dir}/nothing")).contains("ERROR 13 (HY000)"));
    assert!(load(&inside).contains("Records: 100  Deleted: 0  Skipped: 0"));
    // Without LOCAL and IGNORE a duplicate undoes all of it.
    assert!(load(&inside).contains("ERROR 1062 (23000)"));
    let rows = run(mariadb(&server).args(["-N", "-e", "SELECT COUNT(*) FROM l.items"]));
    assert_eq!(rows, "100\n");
    // Clauses, and what becomes of values that do not fit.
    let clauses = allowed.join("clauses.csv");
    std::fs::write(&clauses, "id;name\n>1;'it''s';2\n>2;NULL;x\n>3\n>4;'a';5;6\n").unwrap();
    let sql = format!(
        "CREATE TABLE l.c (id INT PRIMARY KEY, name VARCHAR(10), twice INT, n INT NOT NULL DEFAULT 9); \
         LOAD DATA INFILE '{}' IGNORE INTO TABLE l.c FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\\'' \
         LINES STARTING BY '>' IGNORE 1 LINES (id, name, @t) SET twice = @t * 2; SHOW WARNINGS; SELECT * FROM l.c",
        clauses.display()
    );
    let told = said(server.mysql_port, &sql);
    for wanted in [
        "Records: 4  Deleted: 0  Skipped: 0",
        "Row 3 doesn't contain data for all columns",
        "Row 4 was truncated; it contained more data than there were input columns",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(told.contains("it's"), "{told}");
}

#[test]
fn what_is_written_is_loaded() {
    if !have("mariadb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().display().to_string();
    let server =
        Server::with(&Options { args: &["--secure-file-priv", &files], ..Options::default() });
    let sql = format!(
        "CREATE DATABASE o; USE o; \
         CREATE TABLE t (id INT PRIMARY KEY, a TEXT, n DECIMAL(5, 2), d DATE); \
         INSERT INTO t VALUES (1, 'tab\\tand\\nline', 1.5, '2024-01-02'), (2, NULL, NULL, NULL), (3, 'say \"hi\", \\\\N', -1, NULL); \
         CREATE TABLE u LIKE t; CREATE TABLE v LIKE t; \
         SELECT * INTO OUTFILE '{files}/t.txt' FROM t; \
         SELECT * FROM t ORDER BY id INTO OUTFILE '{files}/t.csv' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' LINES TERMINATED BY '\\r\\n'; \
         LOAD DATA INFILE '{files}/t.txt' INTO TABLE u; \
         LOAD DATA INFILE '{files}/t.csv' INTO TABLE v FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' LINES TERMINATED BY '\\r\\n'; \
         SELECT a FROM t WHERE id = 1 INTO DUMPFILE '{files}/one'"
    );
    let told = said(server.mysql_port, &sql);
    assert!(!told.contains("ERROR"), "{told}");
    let equal = "SELECT COUNT(*) FROM o.t JOIN o.u USING (id) JOIN o.v USING (id) \
        WHERE t.a <=> u.a AND t.a <=> v.a AND t.n <=> u.n AND t.n <=> v.n AND t.d <=> u.d AND t.d <=> v.d";
    assert_eq!(run(mariadb(&server).args(["-N", "-e", equal])), "3\n");
    assert_eq!(std::fs::read(folder.path().join("one")).unwrap(), b"tab\tand\nline");
    let csv = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert!(csv.contains("2,\\N,\\N,\\N\r\n"), "{csv}");
    let again = said(server.mysql_port, &format!("SELECT 1 INTO OUTFILE '{files}/one'"));
    assert!(again.contains("ERROR 1086 (HY000)"), "{again}");
    let rows = said(server.mysql_port, &format!("SELECT id FROM o.t INTO DUMPFILE '{files}/two'"));
    assert!(rows.contains("ERROR 1172 (42000)"), "{rows}");
    assert!(!folder.path().join("two").exists(), "half a file is taken away");
}
