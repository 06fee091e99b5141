//! Statistics of tables in a cluster of one process a service: what was written is known on every SQL node, and of the nodes that
//! analyze one does so, until it is gone.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::roles::{Place, query};
use crate::server::Server;

/// Longer than the lease of the node that analyzes.
const PATIENCE: Duration = Duration::from_secs(90);

/// Intervals for people who do not want to wait.
const SETTINGS: &str = r#"
[stats]
report-interval = "1s"
reload-interval = "2s"
analyze-interval = "1s"
analyze-load = 1.0
"#;

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(200));
    }
    eprintln!("{what}: after {:.1?}", begun.elapsed());
}

/// A table with rows from one transaction, so that they are reported together.
fn make_table(server: &Server, name: &str, rows: usize) {
    let create =
        format!("CREATE TABLE d.{name} (a INT PRIMARY KEY, b INT, c VARCHAR(20), KEY (b))");
    query(server, &create);
    insert(server, name, 0..rows);
}

fn insert(server: &Server, name: &str, rows: std::ops::Range<usize>) {
    let mut sql = format!("INSERT INTO d.{name} VALUES ");
    for row in rows.clone() {
        let comma = if row == rows.start { "" } else { "," };
        write!(sql, "{comma}({row},{},'row {row}')", row % 100).unwrap();
    }
    query(server, &sql);
}

/// What a SQL node says of a table: its rows, and the bytes of one, which only an analysis tells.
fn known(server: &Server, table: &str) -> (u64, u64) {
    let said = query(
        server,
        &format!(
            "SELECT TABLE_ROWS, AVG_ROW_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = '{table}'"
        ),
    );
    let mut numbers = said.split_whitespace().map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn node_name(place: &Place) -> String {
    format!("node-{}", place.address.replace(':', "-"))
}

/// What a node's worker has done.
fn progress(place: &Place, server: &Server) -> Value {
    let worker = server.json(&format!("/actors/{}/stats-worker", node_name(place)));
    worker["observed"]["progress"].clone()
}

#[test]
fn tables_are_counted_and_analyzed_by_one_node_until_it_is_gone() {
    let settings = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(settings.path(), SETTINGS).unwrap();
    let settings = ["--config", settings.path().to_str().unwrap()];
    let pd = Place::new("pd", None);
    let at = |role: &str| Place::new(role, Some(&pd.address)).and(&settings);
    let places = [at("store"), at("ddl"), at("sql,gateway"), at("sql,gateway")];
    let analyzers = [at("stats"), at("stats")];
    let _pd = pd.start();
    let [_store, _ddl, mut one, other] = places.each_ref().map(Place::start);
    let mut workers = analyzers.each_ref().map(Place::start);
    let analyzed = |workers: &[Server; 2], at: usize| {
        progress(&analyzers[at], &workers[at])["analyzed"].as_u64().unwrap()
    };

    query(&one, "CREATE DATABASE d");
    make_table(&one, "first", 4000);
    wait("both SQL nodes know the table's rows and what they are like", || {
        [&one, &other].iter().all(|sql| matches!(known(sql, "first"), (4000, 1..)))
    });
    // What they know was committed; the worker counts it a moment later.
    wait("one of them says that it was at work", || (0..2).any(|at| analyzed(&workers, at) > 0));
    let owner = usize::from(analyzed(&workers, 0) == 0);
    assert_eq!(analyzed(&workers, owner), 1);
    assert_eq!(analyzed(&workers, 1 - owner), 0, "one of them works");
    let figures = progress(&analyzers[owner], &workers[owner]);
    assert_eq!((&figures["owner"], &figures["rows_read"]), (&true.into(), &4000.into()));
    let metrics = workers[owner].get("/metrics");
    assert!(metrics.contains("troupe_stats_tables_analyzed_total 1"), "{metrics}");

    workers[owner].kill();
    make_table(&other, "second", 3000);
    wait("the other node analyzes the next table", || analyzed(&workers, 1 - owner) == 1);
    wait("both SQL nodes know that table", || {
        [&one, &other].iter().all(|sql| matches!(known(sql, "second"), (3000, 1..)))
    });

    // What a node's sessions did last is reported before it goes.
    insert(&one, "second", 3000..3010);
    assert!(one.terminate().success(), "{}", one.log());
    wait("what was written last is known", || known(&other, "second").0 == 3010);
    assert!(workers[1 - owner].terminate().success(), "{}", workers[1 - owner].log());
}
