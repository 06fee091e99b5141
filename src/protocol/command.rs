//! What a client asks after it is connected.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{Malformed, WireReader};

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// COM_QUIT: no answer, the connection ends.
    Quit,
    /// COM_INIT_DB: the database to use from now on.
    InitDb(Bytes),
    /// COM_QUERY: text, perhaps of several statements.
    Query(Bytes),
    /// COM_FIELD_LIST: the columns of a table; old clients complete names with it.
    FieldList {
        /// The table.
        table: Bytes,
        /// A LIKE pattern of its columns.
        pattern: Bytes,
    },
    /// COM_STATISTICS: one line of text.
    Statistics,
    /// COM_PROCESS_INFO: as SHOW PROCESSLIST.
    ProcessInfo,
    /// COM_PROCESS_KILL: as KILL.
    ProcessKill(u32),
    /// COM_DEBUG.
    Debug,
    /// COM_PING.
    Ping,
    /// COM_CHANGE_USER; the body is read with the connection's capabilities.
    ChangeUser(Bytes),
    /// COM_RESET_CONNECTION: a fresh session of the same user.
    ResetConnection,
    /// COM_SET_OPTION: multi-statements on or off.
    SetOption {
        /// On.
        multi_statements: bool,
    },
    /// COM_STMT_PREPARE: text of one statement.
    StmtPrepare(Bytes),
    /// COM_STMT_EXECUTE.
    StmtExecute {
        /// The statement.
        statement: u32,
        /// Which cursor is wanted; 0: none.
        cursor: u8,
        /// Parameters: read with the statement's parameter count.
        body: Bytes,
    },
    /// COM_STMT_SEND_LONG_DATA: no answer; errors show at the execution.
    StmtSendLongData {
        /// The statement.
        statement: u32,
        /// Its parameter.
        parameter: u16,
        /// Bytes to append to the parameter's value.
        data: Bytes,
    },
    /// COM_STMT_CLOSE: no answer.
    StmtClose(u32),
    /// COM_STMT_RESET: forgets long data.
    StmtReset(u32),
    /// COM_STMT_FETCH: rows of a cursor.
    StmtFetch {
        /// The statement.
        statement: u32,
        /// How many rows at most.
        rows: u32,
    },
    /// Anything else, by number.
    Unknown(u8),
}

impl Command {
    /// Writes the payload that is read as this command.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        let mut put = |code: u8, numbers: &[u8], body: &[u8]| {
            out.reserve(1 + numbers.len() + body.len());
            out.put_u8(code);
            out.put_slice(numbers);
            out.put_slice(body);
        };
        match self {
            Command::Quit => put(0x01, &[], &[]),
            Command::InitDb(body) => put(0x02, &[], body),
            Command::Query(body) => put(0x03, &[], body),
            Command::FieldList { table, pattern } => {
                put(0x04, &[table.as_ref(), &[0]].concat(), pattern);
            }
            Command::Statistics => put(0x09, &[], &[]),
            Command::ProcessInfo => put(0x0a, &[], &[]),
            Command::ProcessKill(id) => put(0x0c, &id.to_le_bytes(), &[]),
            Command::Debug => put(0x0d, &[], &[]),
            Command::Ping => put(0x0e, &[], &[]),
            Command::ChangeUser(body) => put(0x11, &[], body),
            Command::StmtPrepare(body) => put(0x16, &[], body),
            Command::StmtExecute { statement, cursor, body } => {
                // After the cursor comes how often, which is always once.
                let numbers = [&statement.to_le_bytes()[..], &[*cursor], &1u32.to_le_bytes()];
                put(0x17, &numbers.concat(), body);
            }
            Command::StmtSendLongData { statement, parameter, data } => {
                let numbers = [&statement.to_le_bytes()[..], &parameter.to_le_bytes()];
                put(0x18, &numbers.concat(), data);
            }
            Command::StmtClose(statement) => put(0x19, &statement.to_le_bytes(), &[]),
            Command::StmtReset(statement) => put(0x1a, &statement.to_le_bytes(), &[]),
            Command::SetOption { multi_statements } => {
                put(0x1b, &u16::from(!multi_statements).to_le_bytes(), &[]);
            }
            Command::StmtFetch { statement, rows } => {
                put(0x1c, &[statement.to_le_bytes(), rows.to_le_bytes()].concat(), &[]);
            }
            Command::ResetConnection => put(0x1f, &[], &[]),
            Command::Unknown(code) => put(*code, &[], &[]),
        }
        out.freeze()
    }

    /// Reads a command's payload.
    pub fn decode(payload: &Bytes) -> Result<Command, Malformed> {
        let Some((&code, _)) = payload.split_first() else {
            return Err(Malformed("an empty command"));
        };
        let body = payload.slice(1..);
        let mut reader = WireReader::new(&payload[1..]);
        Ok(match code {
            0x01 => Command::Quit,
            0x02 => Command::InitDb(body),
            0x03 => Command::Query(body),
            0x04 => {
                let length = reader.nul_bytes()?.len();
                Command::FieldList {
                    table: body.slice(..length),
                    pattern: body.slice(length + 1..),
                }
            }
            0x09 => Command::Statistics,
            0x0a => Command::ProcessInfo,
            0x0c => Command::ProcessKill(reader.u32()?),
            0x0d => Command::Debug,
            0x0e => Command::Ping,
            0x11 => Command::ChangeUser(body),
            0x16 => Command::StmtPrepare(body),
            0x17 => {
                let (statement, cursor) = (reader.u32()?, reader.u8()?);
                reader.u32()?;
                Command::StmtExecute { statement, cursor, body: body.slice(9..) }
            }
            0x18 => Command::StmtSendLongData {
                statement: reader.u32()?,
                parameter: reader.u16()?,
                data: body.slice(6..),
            },
            0x19 => Command::StmtClose(reader.u32()?),
            0x1a => Command::StmtReset(reader.u32()?),
            0x1b => Command::SetOption {
                multi_statements: match reader.u16()? {
                    0 => true,
                    1 => false,
                    _ => return Err(Malformed("no such option")),
                },
            },
            0x1c => Command::StmtFetch { statement: reader.u32()?, rows: reader.u32()? },
            0x1f => Command::ResetConnection,
            code => Command::Unknown(code),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_read() {
        let cases: [(&[u8], Command); 6] = [
            (b"\x03SELECT 1", Command::Query(Bytes::from_static(b"SELECT 1"))),
            (
                b"\x17\x05\0\0\0\0\x01\0\0\0rest",
                Command::StmtExecute { statement: 5, cursor: 0, body: Bytes::from_static(b"rest") },
            ),
            (
                b"\x18\x05\0\0\0\x02\0data",
                Command::StmtSendLongData {
                    statement: 5,
                    parameter: 2,
                    data: Bytes::from_static(b"data"),
                },
            ),
            (
                b"\x04t\0a%",
                Command::FieldList {
                    table: Bytes::from_static(b"t"),
                    pattern: Bytes::from_static(b"a%"),
                },
            ),
            (b"\x1b\x01\0", Command::SetOption { multi_statements: false }),
            (b"\x77", Command::Unknown(0x77)),
        ];
        for (payload, command) in cases {
            assert_eq!(Command::decode(&Bytes::from_static(payload)).as_ref(), Ok(&command));
            assert_eq!(command.encode(), payload);
        }
        assert!(Command::decode(&Bytes::new()).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Command::decode(&Bytes::from(bytes));
        }

        /// What a gateway passes on means the same on the other node.
        #[test]
        fn a_command_that_is_written_is_read_again(
            code in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let payload = [&[code][..], &rest].concat();
            if let Ok(command) = Command::decode(&Bytes::from(payload)) {
                prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
            }
        }
    }
}
