//! A tap on a connection: when the first byte went out, when bytes came in, and how the other side ended it.
//!
//! Client libraries report FIN, RST and a cut in the middle of TLS as the same error; here they stay apart. The tap on
//! the socket swallows write errors: a server that rejects a large body answers and closes while we still write, and
//! its answer must be read all the same.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// FIN (or, above TLS, close_notify).
    Close,
    /// RST.
    Reset,
    /// Another error of the connection (a TLS alert, a lost route).
    Error,
}

/// What a tap has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// First byte written since [`Tap::begin`].
    pub first_write: Option<Instant>,
    /// First byte read after that.
    pub first_read: Option<Instant>,
    /// Bytes read since [`Tap::begin`].
    pub bytes_read: u64,
    /// Bytes written since [`Tap::begin`].
    pub bytes_written: u64,
    /// How the other side ended the connection, and when.
    pub end: Option<(End, Instant)>,
    /// When reading stops.
    deadline: Option<Instant>,
}

/// Bytes of a reply's beginning that are kept.
const HEAD_BYTES: usize = 16 * 1024;

/// A shared log of one layer of a connection.
#[derive(Debug, Default)]
pub struct Tap(Mutex<Log>);

#[derive(Default)]
struct Log {
    seen: Seen,
    /// What was read first, up to [`HEAD_BYTES`].
    head: Vec<u8>,
}

/// Without the bytes: a reply may repeat secrets.
impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.seen.fmt(f)
    }
}

impl Tap {
    fn log(&self) -> MutexGuard<'_, Log> {
        // The log is plain data: what a panicking holder left is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets reads and writes, keeps the end: a new exchange begins on the same connection, and reads nothing after
    /// `deadline`.
    pub fn begin(&self, deadline: Instant) {
        let mut log = self.log();
        *log = Log {
            seen: Seen {
                end: log.seen.end,
                deadline: Some(deadline),
                ..Seen::default()
            },
            head: Vec::new(),
        };
    }

    /// What was seen since [`Tap::begin`].
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.log().seen
    }

    /// The exchange is over: what the other side does with the idle connection is observed without a deadline.
    pub fn rest(&self) {
        self.log().seen.deadline = None;
    }

    fn is_over(&self) -> bool {
        self.log()
            .seen
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// What was read first since [`Tap::begin`], bounded: a reply's head as it is on the wire, above TLS where this
    /// layer is.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        self.log().head.clone()
    }

    fn read(&self, bytes: &[u8]) {
        let now = Instant::now();
        let mut log = self.log();
        if log.seen.first_write.is_some() {
            log.seen.first_read.get_or_insert(now);
        }
        log.seen.bytes_read += bytes.len() as u64;
        let room = HEAD_BYTES.saturating_sub(log.head.len());
        log.head
            .extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    fn wrote(&self, bytes: usize) {
        let mut log = self.log();
        log.seen.first_write.get_or_insert_with(Instant::now);
        log.seen.bytes_written += bytes as u64;
    }

    fn ended(&self, end: End) {
        self.log().seen.end.get_or_insert_with(|| (end, Instant::now()));
    }
}

/// A connection with a tap on it.
#[derive(Debug)]
pub struct Tapped<T> {
    inner: T,
    tap: Arc<Tap>,
    /// Whether writing has failed; from then on writes are taken and dropped.
    deaf: bool,
    swallow: bool,
}

impl<T> Tapped<T> {
    /// Taps the socket itself: write errors are noted and swallowed.
    pub fn socket(inner: T) -> (Self, Arc<Tap>) {
        let tap = Arc::new(Tap::default());
        (
            Self {
                inner,
                tap: Arc::clone(&tap),
                deaf: false,
                swallow: true,
            },
            tap,
        )
    }

    /// Taps a layer above the socket.
    pub fn layer(inner: T) -> (Self, Arc<Tap>) {
        let tap = Arc::new(Tap::default());
        (
            Self {
                inner,
                tap: Arc::clone(&tap),
                deaf: false,
                swallow: false,
            },
            tap,
        )
    }

    /// What is tapped.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    fn write_failed(&mut self, error: io::Error, taken: usize) -> Poll<io::Result<usize>> {
        // RST in answer to what we wrote. EPIPE follows a FIN that reading will find, after what was sent before it.
        if error.kind() == io::ErrorKind::ConnectionReset {
            self.tap.ended(End::Reset);
        }
        if !self.swallow {
            return Poll::Ready(Err(error));
        }
        self.deaf = true;
        Poll::Ready(Ok(taken))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Tapped<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let room = buf.remaining() > 0;
        // A peer that sends faster than we parse (a flood of 1xx) would keep one poll busy for long, and no timer is
        // polled meanwhile.
        if self.tap.is_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let result = std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        let bytes = buf.filled().get(before..).unwrap_or_default();
        match &result {
            Ok(()) if !bytes.is_empty() => self.tap.read(bytes),
            Ok(()) if room => self.tap.ended(End::Close),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.tap.ended(End::Reset),
            // TLS: the socket ended without close_notify.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.tap.ended(End::Close),
            Err(_) => self.tap.ended(End::Error),
        }
        Poll::Ready(result)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Tapped<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Ready(Ok(buf.len()));
        }
        match std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, buf)) {
            Ok(bytes) => {
                if bytes > 0 {
                    self.tap.wrote(bytes);
                }
                Poll::Ready(Ok(bytes))
            }
            Err(error) => self.write_failed(error, buf.len()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deaf {
            return Poll::Ready(Ok(()));
        }
        match std::task::ready!(Pin::new(&mut self.inner).poll_flush(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => self.write_failed(error, 0).map(|result| result.map(|_| ())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deaf {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
