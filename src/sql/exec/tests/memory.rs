//! What queries do when their memory is used up. All of them run on both roads.

use super::golden::Session;
use crate::sql::exec::ExecLimits;

/// Numbers from 0 on.
const ROWS: usize = 3000;

/// What a query takes at most here: less than the rows of `t`, more than a few batches of them.
const MEMORY: usize = 3 << 20;

fn session() -> Session {
    let mut session = Session::new();
    session.text("CREATE TABLE t (a INT PRIMARY KEY, s VARCHAR(2000), g INT)");
    session.text("CREATE TABLE few (a INT, s VARCHAR(2000))");
    let padding = "x".repeat(1500);
    for from in (0..ROWS).step_by(500) {
        let row = |n: usize| format!("({n}, '{n:04}{padding}', {})", n % 3);
        let rows: Vec<String> = (from..from + 500).map(row).collect();
        session.text(&format!("INSERT INTO t VALUES {}", rows.join(", ")));
    }
    session.text("INSERT INTO few SELECT a, s FROM t WHERE a < 10");
    session
}

fn with_limits(session: &mut Session, spills: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let spill_dir = spills.then(|| directory.path().to_owned());
    session.limits = ExecLimits { memory_bytes: MEMORY, spill_dir, ..ExecLimits::default() };
    directory
}

#[test]
fn aggregations_spill() {
    let mut session = session();
    let queries = [
        (
            "SELECT COUNT(*) FROM (SELECT s, COUNT(*) AS c FROM t GROUP BY s) AS x WHERE c = 1",
            "3000",
        ),
        ("SELECT COUNT(*) FROM (SELECT DISTINCT s FROM t) AS x", "3000"),
        (
            "SELECT COUNT(*) FROM (SELECT s, COUNT(DISTINCT a), SUM(g) FROM t GROUP BY s) AS x",
            "3000",
        ),
        ("SELECT COUNT(DISTINCT s), COUNT(DISTINCT s) FROM t", "3000 | 3000"),
        ("SELECT SUM(n) FROM (SELECT COUNT(DISTINCT s) AS n FROM t GROUP BY g) AS x", "3000"),
    ];
    let directory = with_limits(&mut session, true);
    for (query, wanted) in queries {
        let answer = session.text(query);
        assert_eq!(answer.lines().last(), Some(wanted), "{query}: {answer}");
    }
    drop(directory);
    with_limits(&mut session, false);
    for (query, _) in queries {
        let answer = session.text(query);
        assert!(answer.starts_with("ERROR 8175 (HY000): Your query"), "{query}: {answer}");
    }
}

#[test]
fn what_cannot_spill_is_one_error() {
    let mut session = session();
    let _directory = with_limits(&mut session, true);
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
    let _directory = with_limits(&mut session, true);
    let query = "SELECT COUNT(*), MIN(a) FROM t WHERE s NOT IN (SELECT s FROM few)";
    assert_eq!(session.text(query).lines().last(), Some("2990 | 10"));
    session.text("INSERT INTO few VALUES (1, NULL)");
    assert_eq!(session.text(query).lines().last(), Some("0 | NULL"));
    let none = "SELECT COUNT(*), MIN(a) FROM t WHERE s NOT IN (SELECT s FROM few WHERE a > 100)";
    assert_eq!(session.text(none).lines().last(), Some("3000 | 0"));
}
