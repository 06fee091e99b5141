//! Bad clients: their connection ends with its error, and nothing else notices.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use mysql_async::prelude::*;
use mysql_async::{Conn, OptsBuilder};

use crate::server::{Options, Server};

fn opts(server: &Server) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.mysql_port)
        .user(Some("root"))
}

/// One packet, header and payload.
pub(crate) fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes[3] = sequence;
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn read_packet(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).ok()?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    Some(payload)
}

/// A socket that is logged in, without a client library in between.
pub(crate) fn raw(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.mysql_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    read_packet(&mut stream).expect("a greeting");
    let capabilities = 0x0000_0200u32 | 0x0000_8000 | 0x0008_0000 | 0x0000_0001;
    let mut hello = capabilities.to_le_bytes().to_vec();
    hello.extend_from_slice(&(1u32 << 24).to_le_bytes());
    hello.push(45);
    hello.extend_from_slice(&[0; 23]);
    hello.extend_from_slice(b"root\0\0caching_sha2_password\0");
    stream.write_all(&packet(1, &hello)).unwrap();
    let answer = read_packet(&mut stream).expect("an answer");
    assert_eq!(answer[0], 0, "{}", String::from_utf8_lossy(&answer));
    stream
}

/// The error a socket gets before it is closed.
pub(crate) fn error_and_end(mut stream: TcpStream) -> u16 {
    let answer = read_packet(&mut stream).expect("an error");
    assert_eq!(answer[0], 0xff, "{answer:?}");
    assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0, "the connection goes on");
    u16::from_le_bytes([answer[1], answer[2]])
}

async fn still_well(conn: &mut Conn) {
    let one: Option<u64> = conn.query_first("SELECT 1").await.unwrap();
    assert_eq!(one, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_packets_end_their_connection_only() {
    let server = Server::with(&Options {
        env: &[("TROUPE_MYSQL_MAX_ALLOWED_PACKET", "1MiB")],
        ..Options::default()
    });
    let mut bystander = Conn::new(opts(&server)).await.unwrap();

    let mut stream = raw(&server);
    stream.write_all(&packet(7, b"\x0e")).unwrap();
    assert_eq!(error_and_end(stream), 1156, "out of order");

    let mut stream = raw(&server);
    stream.write_all(&packet(0, b"\x17\x01")).unwrap();
    assert_eq!(error_and_end(stream), 1835, "malformed");

    let mut stream = raw(&server);
    stream.write_all(&[0xff, 0xff, 0x7f, 0]).unwrap();
    assert_eq!(error_and_end(stream), 1153, "too large");

    for garbage in [&b"GET / HTTP/1.1\r\nHost: troupe\r\n\r\n"[..], &[0xff; 64], &[0; 3], b""] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.mysql_port)).unwrap();
        stream.write_all(garbage).unwrap();
        drop(stream);
        let mut stream = raw(&server);
        stream.write_all(&packet(0, b"\x03SELECT SLEEP(5)")).unwrap();
        drop(stream);
        still_well(&mut bystander).await;
    }
    assert_eq!(server.json("/status")["node"], "node-1");
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let server = Server::start();
    let mut root = Conn::new(opts(&server)).await.unwrap();
    root.query_drop("CREATE USER 'u'@'%' IDENTIFIED BY 'right'").await.unwrap();
    for (user, password) in [("u", "wrong"), ("u", ""), ("nobody", "right"), ("root", "guess")] {
        let attempt = Conn::new(opts(&server).user(Some(user)).pass(Some(password))).await;
        let Err(mysql_async::Error::Server(error)) = attempt else {
            panic!("{user} with '{password}' went through");
        };
        assert_eq!((error.code, error.state.as_str()), (1045, "28000"));
        assert!(
            error.message.starts_with(&format!("Access denied for user '{user}'@'localhost'")),
            "{}",
            error.message
        );
    }
    let right = opts(&server).user(Some("u")).pass(Some("right"));
    still_well(&mut Conn::new(right).await.unwrap()).await;
    still_well(&mut root).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_gives_its_locks_back() {
    let server = Server::start();
    let mut conn = Conn::new(opts(&server)).await.unwrap();
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a INT PRIMARY KEY, b INT)",
        "INSERT INTO d.t VALUES (1, 1)",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    let mut stream = raw(&server);
    for sql in ["BEGIN", "UPDATE d.t SET b = 2 WHERE a = 1"] {
        stream.write_all(&packet(0, &[b"\x03", sql.as_bytes()].concat())).unwrap();
        assert_eq!(read_packet(&mut stream).unwrap()[0], 0, "{sql}");
    }
    drop(stream);
    // Waits for the lock, which goes away with its owner, or with its ttl at the latest.
    conn.query_drop("UPDATE d.t SET b = b + 10 WHERE a = 1").await.unwrap();
    let b: Option<i64> = conn.query_first("SELECT b FROM d.t").await.unwrap();
    assert_eq!(b, Some(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_refused() {
    let server = Server::with(&Options {
        env: &[("TROUPE_MYSQL_MAX_CONNECTIONS", "2")],
        ..Options::default()
    });
    let mut first = Conn::new(opts(&server)).await.unwrap();
    let second = Conn::new(opts(&server)).await.unwrap();
    // Root has one more in reserve.
    let reserve = Conn::new(opts(&server)).await.unwrap();
    let Err(mysql_async::Error::Server(error)) = Conn::new(opts(&server)).await else {
        panic!("a fourth connection was let in");
    };
    assert_eq!(error.code, 1040);
    reserve.disconnect().await.unwrap();
    second.disconnect().await.unwrap();
    still_well(&mut first).await;
    for attempt in 0.. {
        match Conn::new(opts(&server)).await {
            Ok(mut third) => return still_well(&mut third).await,
            Err(error) => assert!(attempt < 100, "the place is not free again: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_query_interrupts_and_kill_ends() {
    let server = Server::start();
    let mut killer = Conn::new(opts(&server)).await.unwrap();
    let mut victim = Conn::new(opts(&server)).await.unwrap();
    let id = victim.id();
    let sleeping = tokio::spawn(async move {
        let outcome = victim.query_drop("SELECT SLEEP(30)").await;
        (victim, outcome)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    killer.query_drop(format!("KILL QUERY {id}")).await.unwrap();
    let (mut victim, _) = sleeping.await.unwrap();
    still_well(&mut victim).await;
    killer.query_drop(format!("KILL {id}")).await.unwrap();
    assert!(victim.query_drop("SELECT 1").await.is_err());
    let Err(mysql_async::Error::Server(error)) = killer.query_drop("KILL 999999").await else {
        panic!("killed nobody");
    };
    assert_eq!(error.code, 1094);
    still_well(&mut killer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_that_do_not_end_take_no_more_than_their_part_of_the_memory() {
    let server = Server::with(&Options {
        env: &[("TROUPE_SQL_SESSION_MEMORY", "64MiB"), ("TROUPE_SQL_SESSIONS_MEMORY", "64MiB")],
        ..Options::default()
    });
    let mut bystander = Conn::new(opts(&server)).await.unwrap();
    // 8 MiB each, of a frame of 16: four fit.
    let begun: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = raw(&server);
            stream.write_all(&[0xff, 0xff, 0xff, 0]).unwrap();
            let piece = vec![b' '; 1 << 20];
            // A socket that is refused may be closed before it has said all.
            let _ = (0..8).try_for_each(|_| stream.write_all(&piece));
            stream
        })
        .collect();
    still_well(&mut bystander).await;
    let mut refused = 0;
    for mut stream in begun {
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        match read_packet(&mut stream) {
            Some(answer) => {
                assert_eq!(u16::from_le_bytes([answer[1], answer[2]]), 1041);
                refused += 1;
            }
            // Closed with bytes that nobody has read, its last words may be lost.
            None if stream.write_all(&[0; 1 << 20]).is_err() => refused += 1,
            None => {}
        }
    }
    assert!((4..=6).contains(&refused), "{refused} of 8 were refused");
    // What was begun is given back with its socket.
    let large: Option<u64> =
        bystander.query_first(format!("SELECT LENGTH('{}')", "x".repeat(10 << 20))).await.unwrap();
    assert_eq!(large, Some(10 << 20));
}
