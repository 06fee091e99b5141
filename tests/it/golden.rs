//! SQL scripts and what a client sees of them.
//!
//! `tests/it/scripts/NAME.sql` is sent statement by statement over one connection (a line `-- session b`
//! switches to another, `-- session b as ann` to one of another account, without a password); `NAME.result` has each statement with its answer. `make golden` records them anew; `SCRIPTS=NAME,…` plays only some.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder, Value};

use crate::server::{Server, repository};

/// The longest that any statement takes, with time to spare on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(120);

/// Splits a script at semicolons that end a line, or at what a line `-- delimiter $$` names instead. Lines of comments stay with the
/// statement below them.
fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut delimiter = ";";
    for line in script.lines() {
        if let Some(session) = line.strip_prefix("-- session ") {
            found.push(format!("session {}", session.trim()));
        } else if let Some(named) = line.strip_prefix("-- delimiter ") {
            delimiter = named.trim();
        } else if !line.starts_with("--") && !line.trim().is_empty() {
            current.push_str(line);
            current.push('\n');
            if line.trim_end().ends_with(delimiter) {
                let statement = std::mem::take(&mut current);
                found.push(statement.trim_end().trim_end_matches(delimiter).to_owned());
            }
        }
    }
    assert!(current.trim().is_empty(), "a statement without its semicolon: {current}");
    found
}

fn show(value: &Value) -> String {
    match value {
        Value::NULL => "NULL".into(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => format!("{bytes:02x?}"),
        },
        other => other.as_sql(true),
    }
}

/// Shows one result; false after an error.
async fn one_result(
    result: &mut mysql_async::QueryResult<'_, '_, mysql_async::TextProtocol>,
    out: &mut String,
) -> bool {
    let columns: Vec<String> =
        result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    if columns.is_empty() {
        let (affected, id, info) =
            (result.affected_rows(), result.last_insert_id(), result.info().into_owned());
        let mut line = format!("ok, {affected} affected");
        if let Some(id) = id {
            write!(line, ", insert id {id}").unwrap();
        }
        if !info.is_empty() {
            write!(line, ", {info}").unwrap();
        }
        writeln!(out, "{line}").unwrap();
    } else {
        writeln!(out, "{}", columns.join(" | ")).unwrap();
        let rows: Vec<mysql_async::Row> = match result.collect().await {
            Ok(rows) => rows,
            Err(mysql_async::Error::Server(error)) => {
                writeln!(out, "ERROR {} ({}): {}", error.code, error.state, error.message).unwrap();
                return false;
            }
            Err(error) => panic!("{error}"),
        };
        for row in rows {
            let values: Vec<String> = row.unwrap().iter().map(show).collect();
            writeln!(out, "{}", values.join(" | ")).unwrap();
        }
    }
    true
}

async fn run(conn: &mut Conn, sql: &str, out: &mut String) {
    let mut result = match conn.query_iter(sql).await {
        Ok(result) => result,
        Err(mysql_async::Error::Server(error)) => {
            writeln!(out, "ERROR {} ({}): {}", error.code, error.state, error.message).unwrap();
            return;
        }
        Err(error) => panic!("{sql}: {error}"),
    };
    // A procedure answers with several results.
    loop {
        if !one_result(&mut result, out).await {
            return;
        }
        if result.is_empty() {
            break;
        }
    }
    drop(result);
    let warnings = conn.get_warnings();
    if warnings > 0 && !sql.to_uppercase().starts_with("SHOW") {
        let rows: Vec<(String, u16, String)> = conn.query("SHOW WARNINGS").await.unwrap();
        for (level, code, message) in rows {
            writeln!(out, "{level} {code}: {message}").unwrap();
        }
    }
}

/// Somebody else than root; what the server answers if it does not let them in.
async fn log_in(server: &Server, user: &str) -> Result<Conn, String> {
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some(user));
    match Conn::new(opts).await {
        Ok(conn) => Ok(conn),
        Err(mysql_async::Error::Server(error)) => {
            Err(format!("ERROR {} ({}): {}", error.code, error.state, error.message))
        }
        Err(error) => panic!("{error}"),
    }
}

async fn play(server: &Server, script: &str) -> String {
    let mut sessions: BTreeMap<String, Conn> = BTreeMap::new();
    let mut current = "a".to_owned();
    let mut out = String::new();
    for sql in statements(script) {
        if let Some(session) = sql.strip_prefix("session ") {
            writeln!(out, "-- session {session}\n").unwrap();
            let (name, user) = session.split_once(" as ").unwrap_or((session, "root"));
            current = name.to_owned();
            if user != "root" {
                match log_in(server, user).await {
                    Ok(conn) => drop(sessions.insert(current.clone(), conn)),
                    Err(error) => writeln!(out, "{error}\n").unwrap(),
                }
            }
            continue;
        }
        if !sessions.contains_key(&current) {
            let opts = OptsBuilder::default()
                .ip_or_hostname("127.0.0.1")
                .tcp_port(server.mysql_port)
                .user(Some("root"));
            let mut conn = Conn::new(opts).await.unwrap();
            conn.query_drop("CREATE DATABASE IF NOT EXISTS test").await.unwrap();
            conn.query_drop("USE test").await.unwrap();
            sessions.insert(current.clone(), conn);
        }
        writeln!(out, "{sql};").unwrap();
        let answered = run(sessions.get_mut(&current).unwrap(), &sql, &mut out);
        if tokio::time::timeout(LONGEST, answered).await.is_err() {
            panic!("no answer within {LONGEST:?}: {sql}");
        }
        out.push('\n');
    }
    out
}

#[tokio::test]
async fn golden_scripts() {
    let server = Server::start();
    let record = std::env::var_os("UPDATE_GOLDENFILES").is_some();
    let mut scripts: Vec<_> = std::fs::read_dir(repository("tests/it/scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    scripts.sort();
    if let Ok(wanted) = std::env::var("SCRIPTS") {
        scripts
            .retain(|path| wanted.split(',').any(|name| path.file_stem() == Some(name.as_ref())));
    }
    assert!(!scripts.is_empty());
    let mut differing = Vec::new();
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        let result = play(&server, &script).await;
        // Each script starts in an empty database.
        play(&server, "DROP DATABASE test;").await;
        let golden = path.with_extension("result");
        if record {
            std::fs::write(&golden, &result).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != result {
            let got = std::env::temp_dir().join(path.with_extension("got").file_name().unwrap());
            std::fs::write(&got, &result).unwrap();
            differing.push(format!(
                "{} differs: diff {} {}",
                path.display(),
                golden.display(),
                got.display()
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
