//! Values that several SQL nodes generate for one AUTO_INCREMENT column, beside those that rows bring along.

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::cluster::Cluster;

async fn connect(port: u16) -> Conn {
    let opts = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"));
    Conn::new(opts).await.unwrap()
}

async fn insert(conn: &mut Conn, sql: &str) -> u64 {
    conn.query_drop(sql).await.unwrap();
    conn.last_insert_id().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_out_of_another_nodes_batch_are_passed_over() {
    let cluster = Cluster::start(3, 2);
    let ports = cluster.ports();
    let (mut here, mut there) = (connect(ports[0]).await, connect(ports[1]).await);
    here.query_drop("CREATE DATABASE d").await.unwrap();
    here.query_drop("CREATE TABLE d.t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v INT)")
        .await
        .unwrap();
    let generated = "INSERT INTO d.t (v) VALUES (1)";
    assert_eq!(insert(&mut here, generated).await, 1);
    // Alone, where the commit finds out; in a transaction, where the statement does.
    for begin in ["SET autocommit = 1", "BEGIN", "BEGIN OPTIMISTIC"] {
        let next = insert(&mut here, generated).await + 1;
        let rows: Vec<String> = (next..next + 20).map(|id| format!("({id}, 2)")).collect();
        there.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(", "))).await.unwrap();
        here.query_drop(begin).await.unwrap();
        let id = insert(&mut here, generated).await;
        here.query_drop("COMMIT").await.unwrap();
        assert!(id >= next + 20, "{id}");
        assert_eq!(insert(&mut here, generated).await, id + 1, "once for a batch");
    }
    let rows: Option<u64> = there.query_first("SELECT COUNT(*) FROM d.t").await.unwrap();
    assert_eq!(rows, Some(1 + 3 * 23));
}
