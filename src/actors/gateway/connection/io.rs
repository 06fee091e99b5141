//! Packets over a socket, with or without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::actors::gateway::tls;
use crate::actors::session::TlsSession;
use crate::protocol::packet::{self, Packet, PacketReader, PacketWriter};

/// How much is read from a socket at once, if there is as much.
const READ_CHUNK: usize = 8 << 10;

/// A client's socket.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<Begun>>),
}

/// A socket of which a few bytes have been read already: they are read again, first.
#[derive(Debug)]
pub(super) struct Begun {
    read: BytesMut,
    stream: TcpStream,
}

impl AsyncRead for Begun {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let length = this.read.len().min(buf.remaining());
        buf.put_slice(&this.read.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The client went away.
    #[error("the client closed the connection")]
    Closed,
    /// The socket failed.
    #[error("socket: {0}")]
    Io(#[from] io::Error),
    /// Frames that cannot be read.
    #[error(transparent)]
    Packet(#[from] packet::Error),
    /// Packets that make no sense.
    #[error(transparent)]
    Malformed(#[from] crate::protocol::Malformed),
    /// KILL, or the server stops.
    #[error("ended by the server")]
    Killed,
    /// The login failed, and the client knows.
    #[error("login refused")]
    Refused,
    /// The login took too long.
    #[error("login timed out")]
    LoginTimeout,
    /// The session failed.
    #[error("session: {0}")]
    Session(#[from] crate::actors::runtime::AskError),
}

/// Packets in and out.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    reader: PacketReader,
    input: BytesMut,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, max_packet: usize) -> Wire {
        Wire {
            stream: Stream::Plain(stream),
            reader: PacketReader::new(max_packet),
            input: BytesMut::new(),
        }
    }

    /// The next packet, whose first frame must have this number.
    pub(super) async fn packet(&mut self, sequence: u8) -> Result<Packet, End> {
        self.reader.expect_sequence(sequence);
        loop {
            if let Some(packet) = self.reader.next(&mut self.input)? {
                return Ok(packet);
            }
            self.input.reserve(READ_CHUNK);
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return Err(End::Closed),
                Ok(_) => {}
                // Most clients close the socket without saying so in TLS first.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(End::Closed);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes packets that are framed.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.stream.write_all(bytes).await?;
        if matches!(self.stream, Stream::Tls(_)) {
            self.stream.flush().await?;
        }
        Ok(())
    }

    /// Writes one packet with this number; answers the next number.
    pub(super) async fn write_packet(
        &mut self,
        sequence: u8,
        body: impl FnOnce(&mut BytesMut),
    ) -> Result<u8, End> {
        let mut writer = PacketWriter::new(sequence);
        writer.packet(body);
        self.write(&writer.take()).await?;
        Ok(writer.sequence())
    }

    /// Goes on inside TLS. Clients do not wait for an answer to their request: what has come after it is the beginning of
    /// the handshake, and never a packet in the clear.
    pub(super) async fn start_tls(mut self, acceptor: &TlsAcceptor) -> Result<Wire, End> {
        let read = std::mem::take(&mut self.input);
        let Stream::Plain(stream) = self.stream else {
            return Err(crate::protocol::Malformed("TLS inside TLS").into());
        };
        let stream = acceptor.accept(Begun { read, stream }).await?;
        Ok(Wire { stream: Stream::Tls(Box::new(stream)), ..self })
    }

    /// What TLS has agreed on.
    pub(super) fn tls(&self) -> Option<TlsSession> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => tls::agreed(stream.get_ref().1),
        }
    }

    /// Says goodbye on the transport's level.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }
}
