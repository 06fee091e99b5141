//! Statements of all shapes and sizes: deep ones and long ones. Each has an answer or an error, and the process lives.

use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error};

use crate::server::{Options, Server, connect};

const SIZES: [usize; 4] = [10, 60, 1_500, 4_000];
/// Measured: below a second where the build is optimized.
const PATIENCE: Duration = Duration::from_secs(60);

/// What no client is to be told: it means that something broke.
const INTERNAL: u16 = 1105;

fn chain(first: &str, link: &str, n: usize) -> String {
    format!("{first}{}", link.repeat(n))
}

fn nest(open: &str, inner: &str, close: &str, n: usize) -> String {
    format!("{}{inner}{}", open.repeat(n), close.repeat(n))
}

/// What a chain of expressions is made of.
const LINKS: [&str; 36] = [
    " + 1",
    " - 1",
    " * 1",
    " / 1",
    " DIV 1",
    " MOD 1",
    " % 1",
    " AND 1",
    " OR 1",
    " XOR 1",
    " = 1",
    " <=> 1",
    " < 1",
    " LIKE 1",
    " NOT LIKE 1",
    " REGEXP 1",
    " | 1",
    " & 1",
    " << 1",
    " ^ 1",
    " || 1",
    " && 1",
    " IS NULL",
    " IS NOT TRUE",
    " COLLATE utf8mb4_bin",
    " IN (1)",
    " NOT IN (1, 2)",
    " BETWEEN 0 AND 1",
    " NOT BETWEEN 0 AND 1",
    " AND 1 OR 0",
    " IN (1) AND 0 OR 1",
    " IS NULL = 1 AND 1",
    " XOR 1 AND 1",
    " + 1 > 0 OR 1 AND 1",
    " = 1 OR NOT 1",
    " IS NULL IN (1) COLLATE utf8mb4_bin",
];

/// What expressions are nested in.
const BRACKETS: [(&str, &str); 16] = [
    ("(", ")"),
    ("ABS(", ")"),
    ("CONCAT('a', ", ")"),
    ("IF(1, 1, ", ")"),
    ("CASE WHEN 1 THEN 1 ELSE ", " END"),
    ("CASE ", " WHEN 1 THEN 1 END"),
    ("CASE WHEN ", " THEN 1 END"),
    ("(1 + ", ")"),
    ("(1 IN (1, ", "))"),
    ("NOT (1 AND ", ")"),
    ("(SELECT ", ")"),
    ("EXISTS (SELECT ", ")"),
    ("1 IN (SELECT ", ")"),
    ("(1, ", ") = (1, 1)"),
    ("CAST(", " AS CHAR)"),
    ("COALESCE(NULL, ", ")"),
];

/// Expressions with `n` of something.
fn expressions(n: usize) -> Vec<String> {
    let mut all: Vec<String> = LINKS.iter().map(|link| chain("1", link, n)).collect();
    all.push(chain("NOW()", " + INTERVAL 1 SECOND", n));
    for prefix in ["NOT ", "- ", "! ", "~ ", "BINARY ", "+ ", "@a := "] {
        all.push(format!("{}1", prefix.repeat(n)));
    }
    for (open, close) in BRACKETS {
        all.push(nest(open, "1", close, n));
    }
    // Limits must not multiply.
    let rows = chain("", " + 1", n / 40 + 1);
    all.push((0..40).fold("1".to_owned(), |inner, _| format!("({inner}){rows}")));
    let rows = chain("", " IS NULL", n / 40 + 1);
    all.push(
        (0..40).fold("1".to_owned(), |inner, _| format!("CASE WHEN ({inner}){rows} THEN 1 END")),
    );
    // Long, not deep.
    all.push(format!("1 IN (1{})", ", 2".repeat(n)));
    all.push(format!("CONCAT('a'{})", ", 'b'".repeat(n)));
    all.push(format!("CASE 1 {} END", "WHEN 2 THEN 3 ".repeat(n)));
    all.push(format!("(1, 2) IN ((1, 1){})", ", (2, 2)".repeat(n)));
    all
}

/// Queries with `n` of something.
fn queries(n: usize) -> Vec<String> {
    let numbered = |each: &dyn Fn(usize) -> String| (1..=n).map(each).collect::<String>();
    let ctes = numbered(&|k| format!(", c{k} AS (SELECT a FROM c{})", k - 1));
    vec![
        format!("WITH c0 AS (SELECT 1 AS a){ctes} SELECT a FROM c{n}"),
        nest("WITH c AS (", "SELECT 1 AS a", ") SELECT a FROM c", n),
        nest("SELECT * FROM (", "SELECT 1 AS a", ") t", n),
        chain("SELECT 1", " UNION SELECT 1", n),
        chain("SELECT 1", " UNION ALL SELECT 1", n),
        nest("(SELECT 1 UNION ", "SELECT 1", ")", n),
        nest("(", "SELECT 1", ")", n),
        format!("SELECT COUNT(*) FROM t{}", numbered(&|k| format!(" JOIN t t{k}"))),
        format!("SELECT COUNT(*) FROM t{}", numbered(&|k| format!(", t t{k}"))),
        format!(
            "SELECT COUNT(*) FROM t{}",
            numbered(&|k| format!(" LEFT JOIN t t{k} ON t{k}.a = t.a"))
        ),
        format!("SELECT COUNT(*) FROM (t{})", numbered(&|k| format!(", t t{k}"))),
        format!("SELECT COUNT(*) FROM {}", nest("(", "t", " JOIN t t1)", n)),
        format!("SELECT 1{}", ", 1".repeat(n)),
        format!("SELECT a FROM t ORDER BY a{}", ", a".repeat(n)),
        format!("SELECT a FROM t GROUP BY a{}", ", a".repeat(n)),
        format!("SELECT a FROM t WHERE a = 1{}", " OR a = 2".repeat(n)),
        format!("SELECT a FROM t WHERE a = 1{}", " AND b = 2".repeat(n)),
        format!("SELECT a FROM t WHERE {}", nest("a IN (SELECT a FROM t WHERE ", "1", ")", n)),
        format!(
            "INSERT INTO t VALUES (1, 1){} ON DUPLICATE KEY UPDATE b = 1",
            ", (1, 1)".repeat(n)
        ),
        format!("INSERT INTO t SELECT 1, 1{} ON DUPLICATE KEY UPDATE b = 1", " + 0".repeat(n)),
        format!("UPDATE t SET b = 1{} WHERE a = 1{}", " + 0".repeat(n), " OR a = 2".repeat(n)),
        format!("DELETE FROM t WHERE a = 7{}", " + 0".repeat(n)),
        format!("SET @a = 1{}", " + 0".repeat(n)),
        format!("SET @a = {}", nest("CASE WHEN 1 THEN ", "1", " END", n)),
        format!("EXPLAIN SELECT a FROM t WHERE a = 1{}", " + 0".repeat(n)),
        format!("PREPARE p FROM 'SELECT 1{}'", " + 1".repeat(n)),
        "EXECUTE p".to_owned(),
        "DEALLOCATE PREPARE p".to_owned(),
        format!("{}SELECT 1", ";".repeat(n)),
        format!("SELECT 1{}", " ".repeat(n)),
        format!("SELECT {}", "/**/".repeat(n) + "1"),
    ]
}

fn beginning(text: &str) -> String {
    text.chars().take(100).collect()
}

/// What came of a statement: its error's number, if that is one it may have.
async fn attempt(conn: &mut Conn, sql: &str) -> Option<u16> {
    let begun = Instant::now();
    let outcome = conn.query_drop(sql).await;
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{took:?} for {} bytes: {}", sql.len(), beginning(sql));
    match outcome {
        Ok(()) => None,
        Err(Error::Server(error)) if error.code != INTERNAL => Some(error.code),
        Err(error) => panic!("{error}: {} bytes: {}", sql.len(), beginning(sql)),
    }
}

#[tokio::test]
async fn whatever_its_shape_a_statement_has_an_answer() {
    let server = Server::with(&Options::default());
    let mut conn = connect(&server).await;
    for sql in [
        "CREATE DATABASE d",
        "USE d",
        "CREATE TABLE t (a INT PRIMARY KEY, b INT)",
        "INSERT INTO t VALUES (1, 1)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    let mut answered = 0;
    for n in SIZES {
        for expression in expressions(n) {
            for sql in
                [format!("SELECT {expression}"), format!("SELECT b FROM t WHERE {expression}")]
            {
                answered += usize::from(attempt(&mut conn, &sql).await.is_none());
            }
        }
        for sql in queries(n) {
            answered += usize::from(attempt(&mut conn, &sql).await.is_none());
        }
    }
    println!("{answered} statements had an answer");
    // What programs make: long rows of conditions and sums.
    for sql in [
        format!("SELECT a FROM t WHERE a = 1{}", " AND b > 0".repeat(5_000)),
        format!("SELECT a FROM t WHERE a = 0{}", " OR a = 1".repeat(5_000)),
        format!("SELECT 1{}", " + 1".repeat(1_500)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(300)),
        nest("ABS(", "1", ")", 60),
    ] {
        let sql = if sql.starts_with("ABS") { format!("SELECT {sql}") } else { sql };
        assert_eq!(attempt(&mut conn, &sql).await, None, "{}", beginning(&sql));
    }
    assert_eq!(conn.query_first("SELECT 1").await.unwrap(), Some(1));
}
