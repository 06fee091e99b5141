//! Packets over a socket, with or without TLS.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::services::Services;
use crate::actors::gateway::tls;
use crate::actors::session::{ClientLimits, Held, TlsSession};
use crate::common::SqlError;
use crate::protocol::compress::Compressed;
use crate::protocol::packet::{self, Packet, PacketReader, PacketWriter};

/// How much is read from a socket at once, if there is as much.
const READ_CHUNK: usize = 8 << 10;
/// How much of what a client says is taken while its last command is still answered.
const READ_AHEAD: usize = 64 << 10;
/// What has arrived of a packet counts as memory when it is as much as this.
const COUNTED: usize = 64 << 10;
/// The largest packet of a client that has not logged in.
const LOGIN_PACKET: usize = 16 << 10;
/// How long a client may take no byte of its answer once the server stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);
/// How long a client may be silent within a packet, or take no byte of an answer, before it has a session with its own settings.
const LOGIN_PATIENCE: Duration = Duration::from_secs(30);

/// A client's socket.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<Begun>>),
    /// While it goes from one to the other.
    Between,
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
            Stream::Between => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
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
            Stream::Between => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Stream::Between => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Stream::Between => Poll::Ready(Ok(())),
        }
    }
}

impl Stream {
    /// Resolves when there is something to read, or the other side is gone.
    async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => poll_fn(|cx| stream.poll_read_ready(cx)).await,
            Stream::Tls(stream) => {
                poll_fn(|cx| stream.get_ref().0.stream.poll_read_ready(cx)).await
            }
            Stream::Between => pending().await,
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
    /// What has arrived of its packet is more than all packets and statements together may take.
    #[error("{0}")]
    NoMemory(SqlError),
    /// KILL, or the client was idle for too long.
    #[error("ended by the server")]
    Killed,
    /// The server stops.
    #[error("the server stops")]
    Stopped,
    /// The client is silent in the middle of a packet.
    #[error("the client said no more for {0:?} (net_read_timeout)")]
    ReadTimeout(Duration),
    /// The client does not read its answer.
    #[error("the client did not read its answer for {0:?} (net_write_timeout)")]
    WriteTimeout(Duration),
    /// The login failed, and the client knows.
    #[error("login refused")]
    Refused,
    /// The login took too long.
    #[error("login timed out")]
    LoginTimeout,
    /// There was no place for another, and this one had not logged in.
    #[error("it made room for another before it had logged in")]
    MadeRoom,
    /// The session failed.
    #[error("session: {0}")]
    Session(#[from] crate::actors::runtime::AskError),
}

/// Packets in and out.
pub(super) struct Wire {
    stream: Stream,
    reader: PacketReader,
    input: BytesMut,
    compressed: Option<Compressed>,
    /// What has arrived of a packet, if it is much. Whole it is its session's, who counts what it makes of it.
    arriving: Option<Held>,
    /// The number of the next packet that is not part of an answer already numbered.
    sequence: u8,
    read_patience: Duration,
    write_patience: Duration,
    services: Arc<Services>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, services: Arc<Services>) -> Wire {
        Wire {
            stream: Stream::Plain(stream),
            reader: PacketReader::new(LOGIN_PACKET),
            input: BytesMut::new(),
            compressed: None,
            arriving: None,
            sequence: 0,
            read_patience: LOGIN_PATIENCE,
            write_patience: LOGIN_PATIENCE,
            services,
        }
    }

    /// The client has logged in: its packets may be as large as the server allows, and compressed if that was agreed on.
    pub(super) fn logged_in(&mut self, compressed: bool) {
        self.reader.set_max_packet(self.services.options.max_packet);
        self.compressed = compressed.then(Compressed::default);
    }

    /// What the client may do from now on.
    pub(super) fn set_limits(&mut self, limits: ClientLimits) {
        (self.read_patience, self.write_patience) = (limits.read, limits.write);
        self.reader.set_max_packet(limits.packet);
    }

    /// The number of a packet that answers the last one.
    pub(super) fn sequence(&self) -> u8 {
        self.sequence
    }

    /// The next of several packets, for which the client may not take longer than within one.
    pub(super) async fn next_packet(&mut self, sequence: u8) -> Result<Packet, End> {
        let patience = self.read_patience;
        // Between packets nobody else looks at the time.
        let packet = timeout(patience, self.packet(sequence)).await;
        packet.map_err(|_| End::ReadTimeout(patience))?
    }

    /// The next packet, whose first frame must have this number.
    pub(super) async fn packet(&mut self, sequence: u8) -> Result<Packet, End> {
        self.reader.expect_sequence(sequence);
        self.sequence = sequence.wrapping_add(1);
        loop {
            if let Some(packet) = self.reader.next(&mut self.input)? {
                self.arriving = None;
                self.sequence = packet.next_sequence;
                return Ok(packet);
            }
            if let Some(compressed) = &mut self.compressed
                && compressed.unpack(&mut self.input)?
            {
                continue;
            }
            if self.is_between() {
                self.fill().await?;
            } else {
                let patience = self.read_patience;
                timeout(patience, self.fill()).await.map_err(|_| End::ReadTimeout(patience))??;
            }
            self.count_arriving()?;
        }
    }

    /// Counts what is here of the next packet.
    fn count_arriving(&mut self) -> Result<(), End> {
        let packed = self.compressed.as_mut().map_or(0, |compressed| compressed.received().len());
        let bytes = self.input.len() + packed + self.reader.begun();
        if let Some(held) = &mut self.arriving {
            return held.set(bytes).map_err(End::NoMemory);
        }
        if bytes > COUNTED {
            let held = self.services.options.memory.hold(bytes).map_err(End::NoMemory)?;
            self.arriving = Some(held);
        }
        Ok(())
    }

    /// Whether nothing of the next packet is here.
    fn is_between(&mut self) -> bool {
        let packed = self.compressed.as_mut().map_or(0, |compressed| compressed.received().len());
        self.input.len() + packed == 0 && self.reader.is_between()
    }

    /// Reads what there is, at least one byte.
    async fn fill(&mut self) -> Result<(), End> {
        let buffer = match &mut self.compressed {
            Some(compressed) => compressed.received(),
            None => &mut self.input,
        };
        buffer.reserve(READ_CHUNK);
        match self.stream.read_buf(buffer).await {
            Ok(0) => Err(End::Closed),
            Ok(_) => Ok(()),
            // Most clients close the socket without saying so in TLS first.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(End::Closed),
            Err(error) => Err(error.into()),
        }
    }

    /// Resolves when the client is gone. What it says in the meantime is kept.
    pub(super) async fn gone(&mut self) -> End {
        loop {
            let packed = self.compressed.as_mut().map_or(0, |packed| packed.received().len());
            if self.input.len() + packed >= READ_AHEAD {
                return pending().await;
            }
            // Without a buffer until there is something: commands are short, and their buffer is still in use.
            if let Err(error) = self.stream.readable().await {
                return error.into();
            }
            if let Err(end) = self.fill().await {
                return end;
            }
        }
    }

    /// Writes packets that are framed.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        let packed;
        let mut rest = match &mut self.compressed {
            None => bytes,
            Some(compressed) => {
                packed = compressed.pack(bytes);
                &packed[..]
            }
        };
        while !rest.is_empty() {
            let written =
                patiently(self.stream.write(rest), self.write_patience, &self.services).await?;
            if written == 0 {
                return Err(End::Closed);
            }
            rest = &rest[written..];
        }
        if matches!(self.stream, Stream::Tls(_)) {
            patiently(self.stream.flush(), self.write_patience, &self.services).await?;
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
        self.sequence = writer.sequence();
        Ok(writer.sequence())
    }

    /// Goes on inside TLS. Clients do not wait for an answer to their request: what has come after it is the beginning of
    /// the handshake, and never a packet in the clear.
    pub(super) async fn start_tls(&mut self, acceptor: &TlsAcceptor) -> Result<(), End> {
        let read = std::mem::take(&mut self.input);
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Between) else {
            return Err(crate::protocol::Malformed("TLS inside TLS").into());
        };
        let stream = acceptor.accept(Begun { read, stream }).await?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(())
    }

    /// What TLS has agreed on.
    pub(super) fn tls(&self) -> Option<TlsSession> {
        match &self.stream {
            Stream::Plain(_) | Stream::Between => None,
            Stream::Tls(stream) => tls::agreed(stream.get_ref().1),
        }
    }

    /// Says goodbye on the transport's level.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }
}

/// A step of a write: it ends when the client takes nothing for too long. Most go through at once, without a timer.
async fn patiently<T>(
    step: impl Future<Output = io::Result<T>>,
    patience: Duration,
    services: &Services,
) -> Result<T, End> {
    let mut step = pin!(step);
    if let Poll::Ready(done) = futures::poll!(step.as_mut()) {
        return Ok(done?);
    }
    let stopped = async {
        services.drained().await;
        sleep(DRAIN_PATIENCE).await;
    };
    tokio::select! {
        biased;
        done = step => Ok(done?),
        () = sleep(patience) => Err(End::WriteTimeout(patience)),
        () = stopped => Err(End::Stopped),
    }
}
