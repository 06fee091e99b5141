//! A socket in its place: it ends when it has to make room, and when its first words do not come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::{Place, Pulse};

/// Who asks over a connection.
#[derive(Clone, Default)]
pub(in crate::actors) struct Caller {
    /// When something came last.
    pub(in crate::actors) pulse: Pulse,
    /// Whether he has proved to belong to the cluster.
    pub(in crate::actors) proved: bool,
}

/// A stream of bytes with the place it has.
pub(in crate::actors) struct Guarded<S> {
    stream: S,
    place: Arc<Place>,
    pulse: Pulse,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    proved: bool,
    /// Until the first words are here: how many bytes they have, and when they must be.
    first: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Guarded<S> {
    /// A stream that ends when it has to make room.
    pub(in crate::actors) fn new(stream: S, place: Arc<Place>) -> Guarded<S> {
        let evicted = Box::pin(place.evicted());
        Guarded { stream, place, pulse: Pulse::default(), evicted, proved: true, first: None }
    }

    /// Whether who is there has proved to belong to the cluster; without a word everybody has.
    pub(in crate::actors) fn proved(mut self, proved: bool) -> Guarded<S> {
        self.proved = proved;
        self
    }

    /// It ends as well if its first words, so many bytes, are not here in time.
    pub(in crate::actors) fn first_words(mut self, bytes: usize, patience: Duration) -> Guarded<S> {
        self.first = Some((bytes, Box::pin(tokio::time::sleep(patience))));
        self
    }

    fn count(&mut self, read: usize) {
        if read > 0 {
            self.place.heard();
            self.pulse.beat();
        }
        if let Some((missing, _)) = &mut self.first {
            *missing = missing.saturating_sub(read);
            if *missing == 0 {
                self.first = None;
            }
        }
    }
}

impl<S> Connected for Guarded<S> {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        Caller { pulse: self.pulse.clone(), proved: self.proved }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            this.count(buffer.filled().len() - before);
            return Poll::Ready(outcome);
        }
        if this.evicted.as_mut().poll(cx).is_ready() {
            let reason = "it was quiet for the longest when there was no place for another";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason)));
        }
        if let Some((_, patience)) = &mut this.first {
            ready!(patience.as_mut().poll(cx));
            let reason = "it has said nothing in time";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes));
        this.place.heard();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, slices));
        this.place.heard();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::actors::intake::Places;

    const PATIENCE: Duration = Duration::from_secs(3);

    fn guarded(
        places: &Arc<Places>,
    ) -> (tokio::io::DuplexStream, Guarded<tokio::io::DuplexStream>) {
        let (client, server) = duplex(64);
        let place = Arc::new(places.take().unwrap());
        (client, Guarded::new(server, place).first_words(3, PATIENCE))
    }

    #[tokio::test(start_paused = true)]
    async fn silence_at_the_beginning_ends_it_and_later_silence_does_not() {
        let places = Places::new(1, PATIENCE * 1000);
        let (_client, mut silent) = guarded(&places);
        let error = silent.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(silent);

        let (mut client, mut speaking) = guarded(&places);
        client.write_all(b"abc").await.unwrap();
        let mut words = [0; 3];
        speaking.read_exact(&mut words).await.unwrap();
        let later = tokio::time::timeout(PATIENCE * 10, speaking.read_u8());
        assert!(later.await.is_err(), "it may think for as long as it wants");
    }

    #[tokio::test(start_paused = true)]
    async fn it_makes_room_when_it_is_told_to() {
        let places = Places::new(1, PATIENCE / 3);
        let (mut client, mut quiet) = guarded(&places);
        client.write_all(b"abc").await.unwrap();
        quiet.read_exact(&mut [0; 3]).await.unwrap();
        tokio::time::advance(PATIENCE).await;
        let (_other, _newcomer) = guarded(&places);
        let error = quiet.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
