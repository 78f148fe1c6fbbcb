//! A connection that counts its bytes and can be torn.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::counters::Counters;

/// Becomes ready when the connection is to end at once.
pub type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tears a connection: its peer sees a reset instead of an orderly end.
#[derive(Clone, Debug, Default)]
pub struct Tear(Arc<AtomicBool>);

impl Tear {
    pub fn tear(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection.
pub struct Stream {
    pub tcp: TcpStream,
    pub counters: Arc<Counters>,
    pub tear: Tear,
    pub ending: Ending,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ending.as_mut().poll(cx).is_ready() {
            // Whoever polls again finds a future that never ends.
            self.ending = Box::pin(std::future::pending());
            self.tear.tear();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        self.counters.received(buffer.filled().len().saturating_sub(before));
        outcome
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.count(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.tcp).poll_write_vectored(cx, parts);
        self.count(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl Stream {
    fn count(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(written)) = &outcome {
            self.counters.sent(*written);
        }
        outcome
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.tear.0.load(Ordering::Relaxed) {
            // Closing a socket that lingers for no time sends a reset. If that fails, it is closed in order.
            let _ = self.tcp.set_zero_linger();
        }
    }
}
