//! Cursors, packet by packet.

use bytes::Bytes;

use super::{Client, Node, capabilities};
use crate::protocol::command::Command;
use crate::protocol::{CapabilityFlags, StatusFlags};

/// The payloads of an answer's packets.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
        assert_eq!(usize::from(bytes[3]), found.len() + 1, "packets are numbered");
        found.push(&bytes[4..4 + length]);
        bytes = &bytes[4 + length..];
    }
    found
}

/// The flags of the packet that ends a result.
fn status(packet: &[u8], capabilities: CapabilityFlags) -> StatusFlags {
    assert_eq!(packet[0], 0xfe);
    let deprecate = capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    let at = 3;
    assert!(deprecate || packet.len() == 5, "an EOF packet of the old kind");
    StatusFlags::from_bits_truncate(u16::from_le_bytes([packet[at], packet[at + 1]]))
}

fn error(packet: &[u8]) -> (u16, String) {
    assert_eq!(packet[0], 0xff);
    let message = String::from_utf8_lossy(&packet[9..]).into_owned();
    (u16::from_le_bytes([packet[1], packet[2]]), message)
}

async fn open(client: &Client, statement: u32) -> Bytes {
    client.send(Command::StmtExecute { statement, cursor: 1, body: Bytes::new() }).await
}

async fn fetch(client: &Client, statement: u32, rows: u32) -> Bytes {
    client.send(Command::StmtFetch { statement, rows }).await
}

#[actix::test]
async fn rows_are_fetched_as_asked() {
    let node = Node::start().await;
    for capabilities in [capabilities(), CapabilityFlags::CLIENT_PROTOCOL_41] {
        let client = node.connect(capabilities);
        client.show("DROP DATABASE IF EXISTS d").await;
        client.show("CREATE DATABASE d").await;
        client.show("USE d").await;
        client.show("CREATE TABLE t (id INT PRIMARY KEY)").await;
        client.show("INSERT INTO t VALUES (1), (2), (3), (4), (5)").await;
        let select = client.prepare("SELECT id FROM t ORDER BY id").await;

        // The count of columns, the column, and the end: no rows.
        let answer = open(&client, select).await;
        let answer = packets(&answer);
        assert_eq!(answer.len(), 3);
        let flags = status(answer[2], capabilities);
        assert!(flags.contains(StatusFlags::SERVER_STATUS_CURSOR_EXISTS));
        // They are those of the moment it was opened.
        client.show("DELETE FROM t").await;

        let mut ids = Vec::new();
        for (rows, given, last) in [(2, 2, false), (3, 3, false), (3, 0, true)] {
            let answer = fetch(&client, select, rows).await;
            let answer = packets(&answer);
            let (end, rows) = answer.split_last().unwrap();
            assert_eq!(rows.len(), given);
            let flags = status(end, capabilities);
            assert_eq!(flags.contains(StatusFlags::SERVER_STATUS_LAST_ROW_SENT), last);
            assert_eq!(flags.contains(StatusFlags::SERVER_STATUS_CURSOR_EXISTS), !last);
            ids.extend(rows.iter().map(|row| row[2]));
        }
        assert_eq!(ids, [1, 2, 3, 4, 5]);

        // The last row has closed it.
        let answer = fetch(&client, select, 1).await;
        let no_cursor = (1421, format!("The statement ({select}) has no open cursor."));
        assert_eq!(error(packets(&answer)[0]), no_cursor);
        // So does a reset.
        open(&client, select).await;
        client.send(Command::StmtReset(select)).await;
        assert_eq!(error(packets(&fetch(&client, select, 1).await)[0]), no_cursor);
        let answer = fetch(&client, 99, 1).await;
        assert_eq!(error(packets(&answer)[0]).0, 1243);
        // A statement without rows answers as ever.
        let delete = client.prepare("DELETE FROM t").await;
        assert_eq!(packets(&open(&client, delete).await)[0][0], 0);
    }
}
