//! What a session holds is bounded.

use bytes::Bytes;

use super::client::read_answer;
use super::{Client, Node, capabilities};
use crate::protocol::command::Command;

async fn code(client: &Client, command: Command) -> Option<u16> {
    let bytes = client.send(command).await;
    // The header of the packet, and 0xff for an error.
    (bytes.get(4) == Some(&0xff)).then(|| u16::from_le_bytes([bytes[5], bytes[6]]))
}

async fn query(client: &Client, sql: &str) -> Option<u16> {
    code(client, Command::Query(Bytes::copy_from_slice(sql.as_bytes()))).await
}

async fn prepare(client: &Client, sql: &str) -> Option<u16> {
    code(client, Command::StmtPrepare(Bytes::copy_from_slice(sql.as_bytes()))).await
}

async fn node() -> Node {
    Node::start_with(|services| {
        services.session_memory = 1 << 20;
        services.max_prepared_statements = 3;
    })
    .await
}

#[actix::test]
async fn a_text_with_too_many_tokens_is_refused() {
    let node = node().await;
    let client = node.connect(capabilities());
    for unit in ["1,", "(", "a ", "+1", "'',"] {
        let long = format!("SELECT {}1", unit.repeat(600_000));
        assert_eq!(query(&client, &long).await, Some(3170), "{unit}");
    }
    // It is not the length that counts.
    let long = format!("SELECT LENGTH('{}'){}", "x".repeat(600_000), " ".repeat(600_000));
    assert_eq!(query(&client, &long).await, Some(1041), "the text is held, too");
    let long = format!("SELECT LENGTH('{}'){}", "1,".repeat(300_000), " ".repeat(300_000));
    assert_eq!(client.show(&long).await.lines().last(), Some("600000"));
}

#[actix::test]
async fn user_variables_are_counted() {
    let node = node().await;
    let client = node.connect(capabilities());
    assert_eq!(query(&client, "SET @a = REPEAT('x', 600000)").await, None);
    assert_eq!(query(&client, "SET @b = REPEAT('x', 600000)").await, Some(1041));
    assert_eq!(query(&client, "SELECT @b := REPEAT('x', 600000)").await, Some(1041));
    assert_eq!(query(&client, "SET @a = REPEAT('y', 700000)").await, None, "the old one goes");
    assert_eq!(query(&client, "SET @a = NULL").await, None);
    assert_eq!(query(&client, "SET @b = REPEAT('x', 600000)").await, None);
    assert_eq!(code(&client, Command::ResetConnection).await, None);
    assert_eq!(query(&client, "SET @a = REPEAT('x', 900000)").await, None);
}

#[actix::test]
async fn parameters_in_pieces_are_counted() {
    let node = node().await;
    let client = node.connect(capabilities());
    let statement = client.prepare("SELECT LENGTH(?)").await;
    let piece = Bytes::from(vec![b'x'; 400_000]);
    let send = |parameter| Command::StmtSendLongData { statement, parameter, data: piece.clone() };
    let execute = || {
        let body = Bytes::from_static(&[0, 1, 0xfd, 0]);
        Command::StmtExecute { statement, cursor: 0, body }
    };
    for _ in 0..2 {
        client.send(send(0)).await;
    }
    let answer = read_answer(&client.send(execute()).await, capabilities(), true);
    assert!(answer[0].to_string().ends_with("800000\n"), "{answer:?}");
    for _ in 0..3 {
        client.send(send(0)).await;
    }
    assert_eq!(code(&client, execute()).await, Some(1041));
    assert_eq!(code(&client, execute()).await, Some(1041), "until it is reset");
    assert_eq!(code(&client, Command::StmtReset(statement)).await, None);
    client.send(send(7)).await;
    assert_eq!(code(&client, execute()).await, Some(1210), "there is no such parameter");
}

#[actix::test]
async fn prepared_statements_of_all_sessions_are_counted() {
    let node = node().await;
    let (a, b) = (node.connect(capabilities()), node.connect(capabilities()));
    let first = a.prepare("SELECT 1").await;
    a.prepare("SELECT 2").await;
    assert_eq!(query(&b, "PREPARE p FROM 'SELECT 3'").await, None);
    assert_eq!(prepare(&b, "SELECT 4").await, Some(1461));
    a.send(Command::StmtClose(first)).await;
    assert_eq!(prepare(&b, "SELECT 4").await, None);
    assert_eq!(prepare(&a, "SELECT 5").await, Some(1461));
    b.session.stop();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(prepare(&a, "SELECT 5").await, None);
    // And their texts are held.
    let long = format!("SELECT '{}'", "x".repeat(600_000));
    assert_eq!(prepare(&a, &long).await, None);
    node.services.prepared.store(0, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(prepare(&a, &long).await, Some(1041));
}
