//! One connection to a first hop, speaking HTTP/1.1 or HTTP/2, and one exchange on it at a time.
//!
//! hyper parses; the connection is driven by the exchange itself, so that nothing is read before the exchange polls it,
//! and the log of the socket (see [`super::tap`]) shows how it ended. Sent as given: no retries, no redirects, no
//! headers added but those of the framing.

use std::error::Error as _;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::limits::Limits;
use super::tap::{End, Tap};
use super::tls::{self, TlsFacts};
use crate::report::evidence::Outcome;

/// A connection to a first hop.
pub struct Link {
    sender: Sender,
    /// The connection's own work; `None` when it is over.
    driver: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    socket: Arc<Tap>,
    plain: Arc<Tap>,
    tls: Option<TlsFacts>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// HTTP version of the response.
    pub version: Version,
    /// The header names as they are written on the wire, line by line; empty over HTTP/2 and where the head is longer
    /// than what is kept of it.
    pub spelled: Vec<String>,
}

/// Bytes that arrived together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Milliseconds from the first byte sent.
    pub at_ms: u32,
    /// Bytes of the body so far, these included.
    pub end: usize,
}

/// What came back for one request.
#[derive(Clone, Debug)]
pub struct Received {
    /// How it ended.
    pub outcome: Outcome,
    /// The response head, if one came.
    pub head: Option<Head>,
    /// When it came.
    head_at: Option<Instant>,
    /// The body after transfer coding, up to the limit.
    pub body: Vec<u8>,
    /// When its bytes came.
    pub chunks: Vec<Chunk>,
    /// The body has no framing: it lasts until the connection ends.
    pub close_delimited: bool,
    /// Milliseconds from the first byte sent to the first byte of the response.
    pub first_byte_ms: Option<u32>,
    /// Milliseconds from the first byte sent to the end. `None` when nothing could be sent.
    pub total_ms: Option<u32>,
    /// How the other side ended the connection, if it did.
    pub end: Option<End>,
    /// The server requested a client certificate after the handshake (TLS 1.3) and closed.
    pub wants_certificate: bool,
    /// The error, in words.
    pub error: Option<String>,
}

impl Received {
    fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            head: None,
            head_at: None,
            body: Vec::new(),
            chunks: Vec::new(),
            close_delimited: false,
            first_byte_ms: None,
            total_ms: None,
            end: None,
            wants_certificate: false,
            error: None,
        }
    }

    /// An exchange whose connection could not be made.
    #[must_use]
    pub fn unconnected(error: Option<String>) -> Self {
        Self {
            error,
            ..Self::nothing(Outcome::ConnectFailed)
        }
    }
}

impl Link {
    /// Sets up HTTP on a connection.
    ///
    /// # Errors
    /// The HTTP/2 preface cannot be written.
    pub async fn new<T>(
        io: T,
        socket: Arc<Tap>,
        plain: Arc<Tap>,
        http2: bool,
        tls: Option<TlsFacts>,
    ) -> Result<Self, hyper::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(io);
        let limits = Limits::default();
        let (sender, driver): (_, Pin<Box<dyn Future<Output = ()> + Send>>) = if http2 {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
                .handshake(io)
                .await?;
            (Sender::Http2(sender), Box::pin(async move { drop(connection.await) }))
        } else {
            let (sender, connection) = http1::Builder::new()
                .max_headers(256)
                .max_buf_size(limits.head_bytes)
                // What clients of the SDKs tolerate is no finding.
                .allow_spaces_after_header_name_in_responses(true)
                .allow_obsolete_multiline_headers_in_responses(true)
                .handshake(io)
                .await?;
            (Sender::Http1(sender), Box::pin(async move { drop(connection.await) }))
        };
        Ok(Self {
            sender,
            driver: Some(driver),
            socket,
            plain,
            tls,
        })
    }

    /// Whether HTTP/2 is spoken.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Whether the connection can take another request.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let ended = self.socket.seen().end.is_some() || self.plain.seen().end.is_some();
        let closed = match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        };
        self.driver.is_some() && !ended && !closed
    }

    /// Whether the other side ended the connection by RST.
    #[must_use]
    pub fn was_reset(&self) -> bool {
        ending(&self.socket, &self.plain) == Some(End::Reset)
    }

    /// Keeps the connection going without sending anything, as an idle pool does, so that its end is seen.
    pub async fn idle(&mut self, duration: std::time::Duration) {
        let wait = async {
            // Pending once, so that the connection is polled even for no time at all.
            tokio::task::yield_now().await;
            tokio::time::sleep(duration).await;
        };
        self.drive(wait).await;
    }

    /// Sends a request and reads what comes, until it is over or `deadline`.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>, limits: &Limits, deadline: Instant) -> Received {
        self.plain.begin(deadline);
        if !Arc::ptr_eq(&self.plain, &self.socket) {
            self.socket.begin(deadline);
        }
        let mut received = Received::nothing(Outcome::NoReply);
        let (socket, plain) = (Arc::clone(&self.socket), Arc::clone(&self.plain));
        let http2 = self.is_http2();
        let response = self.send(request);
        let reading = read(response, &mut received, &plain, limits);
        let timed = tokio::time::timeout_at(deadline.into(), self.drive(reading)).await;
        let asked = self
            .tls
            .as_ref()
            .is_some_and(|tls| tls.asked_for_certificate.load(Ordering::Relaxed) && !tls.had_certificate);
        let ended = Instant::now();
        let end = ending(&socket, &plain);
        received.outcome = match timed {
            Err(_) if received.head.is_none() => Outcome::NoReply,
            Err(_) => Outcome::StalledInBody,
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                received.wants_certificate = asked && received.head.is_none() && is_about_a_certificate(&error);
                received.error = Some(words(&error));
                match failure(&error, received.head.is_some(), end, http2) {
                    // TLS without close_notify: clients take it for the end of such a body, and so do we. Whether it is
                    // complete, its content shows.
                    Outcome::CutByClose if received.close_delimited => Outcome::Answered,
                    outcome => outcome,
                }
            }
        };
        let seen = plain.seen();
        socket.rest();
        plain.rest();
        received.end = end;
        // Over HTTP/2 the first bytes are the connection's own settings.
        let first_read = if http2 { received.head_at } else { seen.first_read };
        received.first_byte_ms = seen.first_write.zip(first_read).map(|(from, to)| span(from, to));
        received.total_ms = seen.first_write.map(|from| span(from, ended));
        received
    }

    /// The response, as a future that does not borrow the link.
    fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>> {
        match &mut self.sender {
            Sender::Http1(sender) => Box::pin(sender.send_request(request)),
            Sender::Http2(sender) => {
                to_http2(&mut request, self.tls.is_some());
                Box::pin(sender.send_request(request))
            }
        }
    }

    /// Runs `work` and the connection in one task: a read is handled in the poll that made it.
    async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            // First the work, so that a request is there to be written; then again, for what the connection has read.
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if let Some(driver) = &mut self.driver
                && driver.as_mut().poll(cx).is_ready()
            {
                self.driver = None;
            }
            work.as_mut().poll(cx)
        })
        .await
    }
}

/// RFC 9113, 8.3.1: scheme and authority stand in place of `Host`.
fn to_http2(request: &mut Request<Full<Bytes>>, tls: bool) {
    *request.version_mut() = Version::HTTP_2;
    let Some(host) = request.headers_mut().remove(http::header::HOST) else {
        return;
    };
    let scheme = if tls {
        http::uri::Scheme::HTTPS
    } else {
        http::uri::Scheme::HTTP
    };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(scheme);
    parts.authority = http::uri::Authority::try_from(host.as_bytes()).ok();
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Reads a response to its end, into `received`.
async fn read(
    response: Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>,
    received: &mut Received,
    plain: &Tap,
    limits: &Limits,
) -> Result<Outcome, hyper::Error> {
    let (parts, mut body) = response.await?.into_parts();
    received.head_at = Some(Instant::now());
    let chunked = parts.headers.contains_key(http::header::TRANSFER_ENCODING);
    let bodiless = matches!(parts.status.as_u16(), 204 | 304);
    let length = hyper::body::Body::size_hint(&body).exact();
    received.close_delimited = parts.version < Version::HTTP_2 && !chunked && !bodiless && length.is_none();
    received.head = Some(Head {
        status: parts.status.as_u16(),
        headers: parts.headers,
        version: parts.version,
        spelled: if parts.version < Version::HTTP_2 {
            spelled(&plain.head())
        } else {
            Vec::new()
        },
    });
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let at_ms = plain.seen().first_write.map_or(0, |from| span(from, Instant::now()));
        let room = limits.body_bytes.saturating_sub(received.body.len());
        received
            .body
            .extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        let end = received.body.len();
        match received.chunks.last_mut() {
            Some(last) if last.at_ms == at_ms => last.end = end,
            _ => received.chunks.push(Chunk { at_ms, end }),
        }
        if data.len() > room {
            return Ok(Outcome::Oversized);
        }
    }
    Ok(Outcome::Answered)
}

/// The names in the last head of these bytes: interim ones (1xx) come before it. hyper keeps them in lower case only.
fn spelled(bytes: &[u8]) -> Vec<String> {
    let mut rest = bytes;
    while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        let (head, behind) = rest.split_at(end);
        let mut lines = head.split(|&byte| byte == b'\n');
        let interim = lines
            .next()
            .and_then(|line| line.split(|&byte| byte == b' ').nth(1))
            .is_some_and(|status| status.starts_with(b"1"));
        if interim {
            rest = behind.get(4..).unwrap_or_default();
            continue;
        }
        let name = |line: &[u8]| {
            let end = line.iter().position(|&byte| byte == b':')?;
            let name = line.get(..end)?.trim_ascii();
            // A folded line continues the one before.
            let folded = line.first().is_some_and(u8::is_ascii_whitespace);
            (!folded).then(|| String::from_utf8_lossy(name).into_owned())
        };
        return lines.filter_map(name).collect();
    }
    Vec::new()
}

fn span(from: Instant, to: Instant) -> u32 {
    u32::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u32::MAX)
}

/// How the other side ended the connection: RST on the socket beats what the layers above made of it.
fn ending(socket: &Tap, plain: &Tap) -> Option<End> {
    let (low, high) = (socket.seen().end, plain.seen().end);
    match (low, high) {
        (Some((End::Reset, _)), _) => Some(End::Reset),
        (_, Some((End::Close, _))) | (Some((End::Close, _)), _) => Some(End::Close),
        (_, Some((end, _))) | (Some((end, _)), _) => Some(end),
        (None, None) => None,
    }
}

/// What an error means for the outcome.
fn failure(error: &hyper::Error, head: bool, end: Option<End>, http2: bool) -> Outcome {
    if error.is_parse_too_large() {
        return Outcome::Oversized;
    }
    if !head {
        return match end {
            _ if error.is_parse() => Outcome::NotHttp,
            Some(End::Reset) => Outcome::ResetBeforeHead,
            _ => Outcome::ClosedBeforeHead,
        };
    }
    let malformed = io_kind(error)
        .is_some_and(|kind| matches!(kind, std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData));
    match end {
        _ if malformed || error.is_parse() => Outcome::BrokenFraming,
        Some(End::Reset) => Outcome::CutByReset,
        Some(_) => Outcome::CutByClose,
        // RST_STREAM: a gateway gives up one stream of a connection that lives on. It is no RST of TCP.
        None if http2 => Outcome::CutByClose,
        None => Outcome::BrokenFraming,
    }
}

fn sources(error: &hyper::Error) -> Vec<&(dyn std::error::Error + 'static)> {
    let mut chain = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    chain
}

fn io_kind(error: &hyper::Error) -> Option<std::io::ErrorKind> {
    let io = sources(error)
        .into_iter()
        .find_map(|source| source.downcast_ref::<std::io::Error>());
    io.map(std::io::Error::kind)
}

fn is_about_a_certificate(error: &hyper::Error) -> bool {
    let inside = |source: &(dyn std::error::Error + 'static)| -> bool {
        let io = source.downcast_ref::<std::io::Error>();
        let tls = io
            .and_then(|io| io.get_ref())
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        tls.is_some_and(|error| tls::wants_certificate(error) || matches!(error, rustls::Error::AlertReceived(_)))
    };
    sources(error).into_iter().any(inside)
}

fn words(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    for source in sources(error) {
        text.push_str(": ");
        text.push_str(&source.to_string());
    }
    text
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("http2", &self.is_http2())
            .field("open", &self.is_open())
            .finish()
    }
}
