//! MySQL's client/server protocol, as values and bytes: no socket, no clock, no SQL.
//!
//! A connection starts with the server's [`handshake::Greeting`], the client's
//! [`handshake::HandshakeResponse`] and whatever the password [`auth`] needs. Then commands come in, one
//! at a time ([`command`]), each a packet numbered 0, and each is answered with packets that number on
//! ([`packet::PacketWriter`], [`response`]). Packets of 16 MiB − 1 bytes and more travel in several frames.
//!
//! Source of the formats: the chapter "Client/Server Protocol" of MySQL's documentation of its source.
//!
//! What we chose not to speak: the protocol before 4.1, compression with zstd, LOCAL INFILE, replication.

pub mod auth;
pub mod command;
pub mod compress;
pub mod handshake;
pub mod packet;
pub mod parameters;
pub mod response;
mod wire;

pub use mysql_common::constants::{CapabilityFlags, ColumnFlags, ColumnType, StatusFlags};
pub use wire::{Malformed, WireReader, put_lenenc_bytes, put_lenenc_int};
