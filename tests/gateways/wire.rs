//! A small HTTP/1.1 client on a raw socket: shows what is on the wire without the prober.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for the next byte.
const PATIENCE: Duration = Duration::from_secs(8);

/// The server to ask, and the way to reach it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address of the first hop.
    pub address: SocketAddr,
    /// `host:port` of the URL.
    pub authority: String,
    /// TLS with these roots (PEM) and this name.
    pub tls: Option<(String, String)>,
    /// `CONNECT` is sent to `address` first.
    pub tunnel: bool,
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By its framing.
    Framed,
    /// By FIN (or TLS close) before that, or without framing.
    Fin,
    /// By RST.
    Reset,
    /// No end: silence.
    Silence,
    /// No connection, no TLS, or no tunnel: why.
    NoConnection,
}

/// The reply as observed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Status, 0 without a head.
    pub status: u16,
    /// The HTTP version, if `curl` sent the request.
    pub version: String,
    /// The head as text.
    pub head: String,
    /// The body, chunks put together.
    pub body: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// Why there is no connection.
    pub trouble: String,
    /// Time of the first byte of the head.
    pub first_byte: Duration,
    /// Time of the first byte of the body.
    pub first_body: Duration,
    /// Time of the end.
    pub total: Duration,
    /// Reads in which the body came.
    pub reads: usize,
}

impl Seen {
    /// There is no connection, for this reason.
    pub fn unreachable(trouble: String) -> Self {
        Self::none(trouble, Instant::now())
    }

    fn none(trouble: String, started: Instant) -> Self {
        Self {
            status: 0,
            version: String::new(),
            head: String::new(),
            body: Vec::new(),
            end: End::NoConnection,
            trouble,
            first_byte: Duration::ZERO,
            first_body: Duration::ZERO,
            total: started.elapsed(),
            reads: 0,
        }
    }

    /// The body as text; gzip is not undone.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a response header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request on a connection of its own and reads the reply to its end. With `again_after` the connection then rests for so
/// long, unless it ends meanwhile, and the request is sent once more: what is seen is the second reply, or how the connection ended
/// without one.
pub async fn ask(target: &Target, head: &str, body: &[u8], again_after: Option<Duration>) -> Seen {
    let started = Instant::now();
    let tcp = match timeout(PATIENCE, TcpStream::connect(target.address)).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => return Seen::none(error.to_string(), started),
        Err(_) => return Seen::none("no answer to SYN".into(), started),
    };
    let mut tcp = tcp;
    if target.tunnel {
        match tunnel(&mut tcp, &target.authority).await {
            Ok(()) => {}
            Err(refusal) => return Seen::none(refusal, started),
        }
    }
    let mut request = head.as_bytes().to_vec();
    request.extend_from_slice(body);
    match &target.tls {
        None => exchanges(tcp, &request, started, again_after).await,
        Some((roots, name)) => match secure(tcp, roots, name).await {
            Ok(stream) => exchanges(stream, &request, started, again_after).await,
            Err(error) => Seen::none(error, started),
        },
    }
}

async fn tunnel(tcp: &mut TcpStream, authority: &str) -> Result<(), String> {
    let request = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    tcp.write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, tcp.read_u8())
            .await
            .map_err(|_| "no answer to CONNECT".to_owned())?;
        head.push(byte.map_err(|error| error.to_string())?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(head),
    }
}

async fn secure(tcp: TcpStream, roots: &str, name: &str) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let mut store = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(root.unwrap()).unwrap();
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| error.to_string())
}

async fn exchanges<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &[u8],
    started: Instant,
    again_after: Option<Duration>,
) -> Seen {
    let first = exchange(&mut stream, request, started).await;
    let Some(rest) = again_after.filter(|_| first.end == End::Framed) else {
        return first;
    };
    match timeout(rest, stream.read_u8()).await {
        Err(_) => exchange(&mut stream, request, started).await,
        Ok(ended) => Seen {
            end: match ended {
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => End::Reset,
                _ => End::Fin,
            },
            total: started.elapsed(),
            ..Seen::none(String::new(), started)
        },
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8], started: Instant) -> Seen {
    let mut seen = Seen::none(String::new(), started);
    // A gateway may answer and close before it has read a large request: its reply counts, not the failed write.
    let _ = stream.write_all(request).await;
    let _ = stream.flush().await;
    let mut raw = Vec::new();
    let mut buffer = vec![0u8; 64 * 1024];
    seen.end = loop {
        match timeout(PATIENCE, stream.read(&mut buffer)).await {
            Err(_) => break End::Silence,
            Ok(Ok(0)) => break End::Fin,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => break End::Reset,
            Ok(Err(_)) => break End::Fin, // TLS without close_notify
            Ok(Ok(length)) => {
                if raw.is_empty() {
                    seen.first_byte = started.elapsed();
                }
                raw.extend_from_slice(&buffer[..length]);
            }
        }
        let reply = Reply::parse(&raw);
        if reply.body_bytes > 0 {
            if seen.reads == 0 {
                seen.first_body = started.elapsed();
            }
            seen.reads += 1;
        }
        if reply.complete {
            break End::Framed;
        }
    };
    seen.total = started.elapsed();
    let reply = Reply::parse(&raw);
    seen.status = reply.status;
    seen.head = reply.head;
    seen.body = reply.body;
    seen
}

#[derive(Default)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
    body_bytes: usize,
    complete: bool,
}

impl Reply {
    fn parse(raw: &[u8]) -> Self {
        let Some(end) = raw.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Self::default();
        };
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let rest = &raw[end + 4..];
        let find = |name: &str| {
            head.lines().skip(1).find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let (body, complete) = if find("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            dechunk(rest)
        } else if let Some(length) = find("content-length").and_then(|text| text.parse::<usize>().ok()) {
            (rest.to_vec(), rest.len() >= length)
        } else {
            (rest.to_vec(), matches!(status, 204 | 304))
        };
        Self {
            status,
            head,
            body,
            body_bytes: rest.len(),
            complete,
        }
    }
}

fn dechunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|window| window == b"\r\n") {
        let line = String::from_utf8_lossy(&raw[..end]);
        let size = line.split(';').next().map(str::trim).unwrap_or_default();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return (body, false);
        };
        let rest = &raw[end + 2..];
        if size == 0 {
            return (body, rest.ends_with(b"\r\n"));
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        if rest.len() < size + 2 {
            return (body, false);
        }
        raw = &rest[size + 2..];
    }
    (body, false)
}
