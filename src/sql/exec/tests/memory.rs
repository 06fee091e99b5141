//! What queries do when their memory is used up. All of them run on both roads.

use super::golden::Session;
use crate::sql::exec::ExecLimits;

/// Rows that are inserted by their values; then they are doubled.
const FIRST_ROWS: usize = 2500;
const ROWS: usize = FIRST_ROWS << 4;

/// Less than the groups by the texts of all rows take, and enough to merge what was spilled batch by batch.
const SOME_MEMORY: usize = 24 << 20;

/// A few batches of rows.
const LITTLE_MEMORY: usize = 2 << 20;

fn session() -> Session {
    let mut session = Session::new();
    session.text("CREATE TABLE t (a INT PRIMARY KEY, s VARCHAR(200), g INT)");
    session.text("CREATE TABLE few (a INT, s VARCHAR(200))");
    let padding = "x".repeat(150);
    let row = |n: usize| format!("({n}, '{n}-{padding}', {})", n % 3);
    let rows: Vec<String> = (0..FIRST_ROWS).map(row).collect();
    session.text(&format!("INSERT INTO t VALUES {}", rows.join(", ")));
    for doubled in 0..4 {
        let more = FIRST_ROWS << doubled;
        let done = session.text(&format!(
            "INSERT INTO t SELECT a + {more}, CONCAT(a + {more}, '-{padding}'), a % 3 FROM t"
        ));
        assert!(done.starts_with(&format!("{more} affected")), "{done}");
    }
    session.text("INSERT INTO few SELECT a, s FROM t WHERE a < 10");
    session
}

fn with_limits(session: &mut Session, memory_bytes: usize, spills: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let spill_dir = spills.then(|| directory.path().to_owned());
    session.limits = ExecLimits { memory_bytes, spill_dir, ..ExecLimits::default() };
    directory
}

#[test]
fn aggregations_spill() {
    let mut session = session();
    let all = ROWS.to_string();
    let queries = [
        "SELECT COUNT(*) FROM (SELECT s, COUNT(*) AS c FROM t GROUP BY s) AS x WHERE c = 1",
        "SELECT COUNT(*) FROM (SELECT s, COUNT(DISTINCT a), SUM(g) FROM t GROUP BY s) AS x",
        "SELECT COUNT(*) FROM (SELECT DISTINCT s FROM t) AS x",
        "SELECT COUNT(DISTINCT s) FROM t",
        "SELECT SUM(n) FROM (SELECT COUNT(DISTINCT s) AS n FROM t GROUP BY g) AS x",
    ];
    let directory = with_limits(&mut session, SOME_MEMORY, true);
    for query in queries {
        let answer = session.text(query);
        assert_eq!(answer.lines().last(), Some(&*all), "{query}: {answer}");
    }
    drop(directory);
    with_limits(&mut session, LITTLE_MEMORY, false);
    for query in queries {
        let answer = session.text(query);
        assert!(answer.starts_with("ERROR 8175 (HY000): Your query"), "{query}: {answer}");
    }
}

#[test]
fn what_cannot_spill_is_one_error() {
    let mut session = session();
    let _directory = with_limits(&mut session, LITTLE_MEMORY, true);
    for query in [
        "SELECT COUNT(*) FROM t AS a JOIN t AS b ON a.s = b.s AND a.g < b.a",
        "WITH c AS (SELECT s FROM t) SELECT COUNT(*) FROM c AS a, c AS b",
        "SELECT COUNT(DISTINCT s), COUNT(*) FROM t",
    ] {
        let answer = session.text(query);
        assert!(answer.starts_with("ERROR 8175 (HY000): Your query"), "{query}: {answer}");
    }
}

#[test]
fn not_in_keeps_its_list_in_memory_and_not_the_other_rows() {
    let mut session = session();
    let _directory = with_limits(&mut session, LITTLE_MEMORY, true);
    let last = |session: &mut Session, query: &str| {
        session.text(query).lines().last().map(str::to_owned).unwrap_or_default()
    };
    let query = "SELECT COUNT(*), MIN(a) FROM t WHERE s NOT IN (SELECT s FROM few)";
    assert_eq!(last(&mut session, query), format!("{} | 10", ROWS - 10));
    session.text("INSERT INTO few VALUES (1, NULL)");
    assert_eq!(last(&mut session, query), "0 | NULL");
    let none = "SELECT COUNT(*), MIN(a) FROM t WHERE s NOT IN (SELECT s FROM few WHERE a > 100)";
    assert_eq!(last(&mut session, none), format!("{ROWS} | 0"));
}

#[test]
fn windows_hold_one_partition() {
    let mut session = session();
    let directory = with_limits(&mut session, SOME_MEMORY, true);
    let small = "SELECT COUNT(*), SUM(n) FROM (SELECT COUNT(s) OVER (PARTITION BY a DIV 10 ORDER BY s) AS n FROM t) AS x";
    let answer = session.text(small);
    let expected = format!("{ROWS} | {}", ROWS / 10 * 55);
    assert_eq!(answer.lines().last(), Some(&*expected), "{answer}");
    drop(directory);
    let _directory = with_limits(&mut session, LITTLE_MEMORY, true);
    let large = "SELECT SUM(n) FROM (SELECT COUNT(s) OVER () AS n FROM t) AS x";
    let answer = session.text(large);
    assert!(answer.starts_with("ERROR 8175 (HY000): Your query"), "{answer}");
}
