//! An HTTP/1.1 reverse proxy with one fault on request.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What a gateway does to the traffic. The default passes everything on.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Changes of the request's headers, in order.
    pub edits: Vec<Edit>,
    /// Answers by itself, without an upstream request.
    pub answer: Option<Answer>,
    /// Accepts the request and never answers.
    pub silent: bool,
    /// Longest wait for the upstream's response head; then an own 504.
    pub first_byte: Option<Duration>,
    /// How the response body is passed on.
    pub body: Relay,
}

/// A change of one request header.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Takes it away.
    Remove(&'static str),
    /// Sets it, replacing what the client sent.
    Set(&'static str, String),
}

/// A reply that the gateway makes itself.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Header lines beside `content-type`.
    pub headers: Vec<(&'static str, &'static str)>,
    /// `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
}

/// How a response body is passed on.
#[derive(Clone, Debug, Default)]
pub enum Relay {
    /// As it comes.
    #[default]
    AsItComes,
    /// Collected first, then sent in one piece.
    Buffered,
    /// Ended by a timer, without a terminator.
    Timed {
        /// Which timer.
        timer: Timer,
        /// How long.
        limit: Duration,
    },
    /// As it comes, but a body that the upstream breaks off gets a proper terminator and looks complete.
    EndsCleanly,
}

/// A timer on a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Counts from the last bytes of the upstream.
    Idle,
    /// Counts from the request.
    Total,
}

/// A running gateway; it stops when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    behaviour: watch::Sender<Behaviour>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Starts a gateway on a free port of loopback, in front of `upstream`.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(upstream: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (behaviour, current) = watch::channel(behaviour);
        let task = tokio::spawn(serve(listener, upstream, current));
        Ok(Self {
            address,
            behaviour,
            task,
        })
    }

    /// Behaves so from the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, behaviour: watch::Receiver<Behaviour>) {
    // Connections end with the gateway.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let behaviour = behaviour.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let behaviour = behaviour.borrow().clone();
                async move { Ok::<_, io::Error>(handle(request, upstream, behaviour).await) }
            });
            // An error here is a client that went away, or a body that the fault cut: both are meant.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn handle(request: Request<Incoming>, upstream: SocketAddr, behaviour: Behaviour) -> Response<Body> {
    let started = Instant::now();
    if behaviour.silent {
        return std::future::pending().await;
    }
    if let Some(answer) = &behaviour.answer {
        // Read to the end first: a server that closes on an unread body resets the connection.
        let _ = request.into_body().collect().await;
        return own(answer);
    }
    let exchange = ask(request, upstream, &behaviour.edits);
    let limit = behaviour.first_byte.unwrap_or(Duration::from_secs(3600));
    match tokio::time::timeout(limit, exchange).await {
        Ok(Ok(response)) => relay(response, &behaviour.body, started).await,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => own(&REFUSED),
        Ok(Err(_)) => own(&BAD_GATEWAY),
        Err(_) => own(&GATEWAY_TIMEOUT),
    }
}

const BAD_GATEWAY: Answer = Answer {
    status: StatusCode::BAD_GATEWAY,
    headers: Vec::new(),
    content_type: "text/html",
    body: "<html><body><h1>502 Bad Gateway</h1></body></html>",
};

/// A gateway that says why: a bare 502 fits a missing name and failed TLS as well.
const REFUSED: Answer = Answer {
    status: StatusCode::BAD_GATEWAY,
    headers: Vec::new(),
    content_type: "text/html",
    body: "<html><body><h1>502 Bad Gateway</h1><p>upstream: connection refused</p></body></html>",
};

const GATEWAY_TIMEOUT: Answer = Answer {
    status: StatusCode::GATEWAY_TIMEOUT,
    headers: Vec::new(),
    content_type: "text/html",
    body: "<html><body><h1>504 Gateway Time-out</h1></body></html>",
};

fn own(answer: &Answer) -> Response<Body> {
    let body = Full::new(Bytes::from_static(answer.body.as_bytes()));
    let mut response = Response::new(body.map_err(io::Error::other).boxed_unsync());
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    for (name, value) in &answer.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Sends the request on, on a connection of its own.
async fn ask(request: Request<Incoming>, upstream: SocketAddr, edits: &[Edit]) -> io::Result<Response<Incoming>> {
    let (mut parts, body) = request.into_parts();
    drop_hop_by_hop(&mut parts.headers);
    for edit in edits {
        apply(edit, &mut parts.headers)?;
    }
    let host = HeaderValue::from_str(&upstream.to_string()).map_err(io::Error::other)?;
    parts.headers.insert(HOST, host);
    let socket = TcpStream::connect(upstream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .map_err(io::Error::other)?;
    // Its errors reach the body's reader as well.
    tokio::spawn(connection);
    sender
        .send_request(Request::from_parts(parts, body))
        .await
        .map_err(io::Error::other)
}

fn apply(edit: &Edit, headers: &mut HeaderMap) -> io::Result<()> {
    match edit {
        Edit::Remove(name) => {
            headers.remove(*name);
        }
        Edit::Set(name, value) => {
            let value = HeaderValue::from_str(value).map_err(io::Error::other)?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(())
}

/// Headers of one connection (RFC 9110 section 7.6.1).
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in [
        CONNECTION,
        TRANSFER_ENCODING,
        TE,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
    ] {
        headers.remove(name);
    }
}

async fn relay(response: Response<Incoming>, how: &Relay, started: Instant) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    drop_hop_by_hop(&mut parts.headers);
    let body = match how {
        Relay::AsItComes => body.map_err(io::Error::other).boxed_unsync(),
        Relay::Buffered => match body.collect().await {
            Ok(whole) => Full::new(whole.to_bytes()).map_err(io::Error::other).boxed_unsync(),
            Err(_) => return own(&BAD_GATEWAY),
        },
        Relay::Timed { timer, limit } => StreamBody::new(timed(body, *timer, *limit, started)).boxed_unsync(),
        Relay::EndsCleanly => {
            let frames = BodyStream::new(body).take_while(|frame| std::future::ready(frame.is_ok()));
            StreamBody::new(frames.map(|frame| frame.map_err(io::Error::other))).boxed_unsync()
        }
    };
    Response::from_parts(parts, body)
}

type Frames = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>;

/// The body until the timer fires; then an error, which makes the server close without a terminator.
fn timed(body: Incoming, timer: Timer, limit: Duration, started: Instant) -> Frames {
    let frames = stream::unfold(Some(BodyStream::new(body)), move |state| async move {
        let mut frames = state?;
        let deadline = match timer {
            Timer::Idle => Instant::now() + limit,
            Timer::Total => started + limit,
        };
        match tokio::time::timeout_at(deadline, frames.next()).await {
            Ok(Some(frame)) => Some((frame.map_err(io::Error::other), Some(frames))),
            Ok(None) => None,
            Err(_) => Some((Err(io::Error::other("the gateway's timer ended the response")), None)),
        }
    });
    Box::pin(frames)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Upstream {
        Whole,
        Silent,
        Breaks,
    }

    /// An upstream that sends the received request head as the first chunk, then the configured reply.
    async fn upstream(kind: Upstream) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let read = socket.read(&mut head).await.unwrap();
                    let head = String::from_utf8_lossy(&head[..read]).into_owned();
                    let reply = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{head}\r\n",
                        head.len()
                    );
                    socket.write_all(reply.as_bytes()).await.unwrap();
                    if kind == Upstream::Whole {
                        socket.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
                    }
                    if kind != Upstream::Breaks {
                        // Buffered open: what ends the response must be the gateway.
                        let _ = socket.read(&mut [0; 1]).await;
                    }
                });
            }
        });
        address
    }

    /// What comes back through a gateway of this behaviour, as raw text up to the end of the connection.
    async fn through(kind: Upstream, behaviour: Behaviour) -> String {
        let gateway = Gateway::start(upstream(kind).await, behaviour).await.unwrap();
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let request = "POST /v1/messages HTTP/1.1\r\nhost: gateway\r\nx-api-key: mine\r\nanthropic-beta: b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.unwrap();
        reply
    }

    #[tokio::test]
    async fn a_faithful_gateway_passes_headers_and_body_on() {
        let reply = through(Upstream::Whole, Behaviour::default()).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
        assert!(
            reply.contains("x-api-key: mine") && reply.contains("anthropic-beta: b"),
            "{reply}"
        );
        assert!(reply.contains("last") && reply.ends_with("0\r\n\r\n"), "{reply}");
    }

    #[tokio::test]
    async fn headers_are_taken_away_and_set() {
        let edits = vec![Edit::Remove("anthropic-beta"), Edit::Set("x-api-key", "old".into())];
        let reply = through(
            Upstream::Whole,
            Behaviour {
                edits,
                ..Behaviour::default()
            },
        )
        .await;
        assert!(!reply.contains("anthropic-beta"), "{reply}");
        assert!(reply.contains("x-api-key: old") && !reply.contains("mine"), "{reply}");
    }

    #[tokio::test]
    async fn a_timer_ends_the_body_without_a_terminator() {
        for timer in [Timer::Idle, Timer::Total] {
            let limit = Duration::from_millis(200);
            let body = Relay::Timed { timer, limit };
            let reply = through(
                Upstream::Silent,
                Behaviour {
                    body,
                    ..Behaviour::default()
                },
            )
            .await;
            assert!(reply.contains("x-api-key"), "the first chunk arrives: {reply}");
            assert!(!reply.ends_with("0\r\n\r\n"), "{timer:?}: {reply}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_can_be_made_to_look_complete() {
        for (body, complete) in [(Relay::EndsCleanly, true), (Relay::AsItComes, false)] {
            let behaviour = Behaviour {
                body,
                ..Behaviour::default()
            };
            let reply = through(Upstream::Breaks, behaviour).await;
            assert!(reply.contains("x-api-key"), "the first chunk arrives: {reply}");
            assert_eq!(reply.ends_with("0\r\n\r\n"), complete, "{reply}");
        }
    }

    #[tokio::test]
    async fn an_upstream_that_is_down_is_the_gateways_own_502() {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let gateway = Gateway::start(closed, Behaviour::default()).await.unwrap();
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.unwrap();
        assert!(
            reply.starts_with("HTTP/1.1 502") && reply.contains("connection refused"),
            "{reply}"
        );
    }

    #[tokio::test]
    async fn an_answer_of_its_own_never_reaches_the_upstream() {
        let answer = Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: vec![("retry-after", "7")],
            content_type: "text/plain",
            body: "slow down",
        };
        let reply = through(
            Upstream::Whole,
            Behaviour {
                answer: Some(answer),
                ..Behaviour::default()
            },
        )
        .await;
        assert!(
            reply.starts_with("HTTP/1.1 429") && reply.contains("retry-after: 7"),
            "{reply}"
        );
        assert!(reply.ends_with("slow down"), "{reply}");
    }
}
