//! The server's end of a TCP connection, with a switch that breaks it on purpose.
//!
//! HTTP libraries end connections properly. Faults need the opposite: a reset, or an end in the middle of a chunk.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The switch of one connection.
#[derive(Debug)]
pub(super) struct Switch {
    /// Identifies the connection in the log.
    pub connection: u64,
    reset: AtomicBool,
    /// Bytes that may still be written; negative: no bound.
    budget: AtomicI64,
    /// Flushes so far.
    flushes: AtomicU64,
    /// Pieces given to bodies.
    given: AtomicU64,
    /// Pieces that the connection took from them.
    taken: AtomicU64,
    /// Flushes when it took the last one.
    taken_at: AtomicU64,
}

impl Switch {
    /// A switch that leaves the connection alone.
    pub fn new(connection: u64) -> Arc<Self> {
        Arc::new(Self {
            connection,
            reset: AtomicBool::new(false),
            budget: AtomicI64::new(-1),
            flushes: AtomicU64::new(0),
            given: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            taken_at: AtomicU64::new(0),
        })
    }

    /// A piece is about to be given to a body.
    pub fn give(&self) {
        self.given.fetch_add(1, Ordering::SeqCst);
    }

    /// The connection has taken a piece.
    pub fn take(&self) {
        self.taken_at
            .store(self.flushes.load(Ordering::SeqCst), Ordering::SeqCst);
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until all pieces have been taken and flushed; at most a second, for a peer that does not read.
    pub async fn settled(&self) {
        for _ in 0..1000 {
            let all = self.taken.load(Ordering::SeqCst) >= self.given.load(Ordering::SeqCst);
            if all && self.flushes.load(Ordering::SeqCst) > self.taken_at.load(Ordering::SeqCst) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The next write fails, and the peer gets a reset instead of an end.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }

    /// After this many more bytes every write fails.
    pub fn end_after(&self, bytes: u32) {
        self.budget.store(i64::from(bytes), Ordering::SeqCst);
    }
}

/// A TCP stream that obeys its [`Switch`].
pub(super) struct Wire {
    tcp: TcpStream,
    switch: Arc<Switch>,
}

impl Wire {
    pub fn new(tcp: TcpStream, switch: Arc<Switch>) -> Self {
        Self { tcp, switch }
    }

    /// `Err` when the connection shall break now.
    fn broken(&self) -> io::Result<()> {
        if self.switch.reset.load(Ordering::SeqCst) {
            // With a linger time of zero, closing sends RST.
            self.tcp.set_zero_linger()?;
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        if self.switch.budget.load(Ordering::SeqCst) == 0 {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.broken()?;
        let budget = self.switch.budget.load(Ordering::SeqCst);
        let allowed = usize::try_from(budget).map_or(bytes.len(), |budget| budget.min(bytes.len()));
        let written = std::task::ready!(Pin::new(&mut self.tcp).poll_write(cx, bytes.get(..allowed).unwrap_or(bytes)))?;
        if budget >= 0 {
            self.switch
                .budget
                .fetch_sub(i64::try_from(written).unwrap_or(budget), Ordering::SeqCst);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.broken()?;
        self.switch.flushes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.broken()?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.switch.reset.load(Ordering::SeqCst) {
            let _ = self.tcp.set_zero_linger();
        }
    }
}
