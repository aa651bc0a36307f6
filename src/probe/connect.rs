//! Reaching the first hop of a path: name, TCP, proxy, TLS, each timed and each with its own kind of failure.
//!
//! The name is resolved once per run and path, by the system's resolver as a workload would; what it gave is connected
//! to in its order, forbidden addresses never. Nothing here comes from the process's environment.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Host;

use super::address::{Refusal, is_anthropic};
use super::limits::Limits;
use super::link::Link;
use super::tap::{Tap, Tapped};
use super::target::{Endpoint, ProxyRoute, Route, TlsRoute};
use super::tls::{self, TlsFacts};
use crate::report::evidence::{Handshake, Reach, Trust};
use crate::report::plan::HttpVersion;

/// One attempt to reach the first hop.
#[derive(Debug)]
pub struct Attempt {
    /// What it showed.
    pub handshake: Handshake,
    /// The connection, when there is one.
    pub link: Option<Link>,
    /// Details for the full report.
    pub notes: Notes,
}

/// What an attempt showed beyond the evidence.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// The error, in words.
    pub error: Option<String>,
    /// All addresses of the name.
    pub addresses: Vec<IpAddr>,
    /// Subject and issuer of the leaf certificate.
    pub certificate: Option<String>,
}

/// The addresses of a route's first hop, kept for the whole run.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    addresses: Vec<SocketAddr>,
    dns_ms: Option<u32>,
}

impl Resolved {
    /// Whether the name has more than one address.
    #[must_use]
    pub fn has_several(&self) -> bool {
        self.addresses.len() > 1
    }

    /// Puts the next address first.
    pub fn turn(&mut self) {
        if self.has_several() {
            self.addresses.rotate_left(1);
        }
    }

    /// Undoes [`Resolved::turn`].
    pub fn turn_back(&mut self) {
        if self.has_several() {
            self.addresses.rotate_right(1);
        }
    }
}

/// Milliseconds since `start`, saturating.
#[must_use]
pub fn millis(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX)
}

type Step<T> = Result<T, (Reach, String)>;

/// Connects to the first hop of `route`, resolving into `resolved` unless that was done before.
pub async fn connect(route: &Route, resolved: &mut Option<Resolved>, refusal: &Refusal, limits: &Limits) -> Attempt {
    let mut attempt = Attempt {
        handshake: Handshake::default(),
        link: None,
        notes: Notes::default(),
    };
    attempt.handshake.via_proxy = route.proxy.is_some();
    match reach(route, resolved, refusal, limits, &mut attempt).await {
        Ok(link) => {
            attempt.handshake.outcome = Reach::Connected;
            attempt.handshake.http2 = link.is_http2();
            attempt.link = Some(link);
        }
        Err((outcome, error)) => {
            attempt.handshake.outcome = outcome;
            attempt.notes.error = Some(error);
        }
    }
    attempt
}

async fn reach(
    route: &Route,
    resolved: &mut Option<Resolved>,
    refusal: &Refusal,
    limits: &Limits,
    attempt: &mut Attempt,
) -> Step<Link> {
    let hop = route.proxy.as_ref().map_or(&route.endpoint, |proxy| &proxy.endpoint);
    if resolved.is_none() {
        *resolved = Some(resolve(hop, refusal, limits, route.proxy.is_some()).await?);
    }
    if route.proxy.is_some() {
        target_allowed(&route.endpoint, refusal, limits).await?;
    }
    let known = resolved.as_mut().ok_or((Reach::DnsFailed, String::new()))?;
    attempt.handshake.dns_ms = known.dns_ms;
    attempt.handshake.addresses = u16::try_from(known.addresses.len()).unwrap_or(u16::MAX);
    attempt.notes.addresses = known.addresses.iter().map(SocketAddr::ip).collect();
    let (tcp, peer) = tcp(known, limits, route.proxy.is_some(), &mut attempt.handshake).await?;
    attempt.handshake.peer = Some(peer.to_string());
    attempt.handshake.anthropic_address = is_anthropic(peer.ip());
    let (mut socket, tap) = Tapped::socket(tcp);
    if let (Some(proxy), Some(_)) = (&route.proxy, &route.tls) {
        tunnel(&mut socket, proxy, &route.endpoint, limits, &mut attempt.handshake).await?;
    }
    match &route.tls {
        None => {
            let http2 = route.http_version == HttpVersion::Http2;
            link(socket, Arc::clone(&tap), tap, http2, None).await
        }
        Some(settings) => secure(socket, tap, settings, route.http_version, limits, attempt).await,
    }
}

async fn link<T>(io: T, socket: Arc<Tap>, plain: Arc<Tap>, http2: bool, tls: Option<TlsFacts>) -> Step<Link>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made = Link::new(io, socket, plain, http2, tls).await;
    made.map_err(|error| (Reach::NotTried, format!("HTTP could not be set up: {error}")))
}

/// The system's resolver, timed. A refused address fails the whole name: what else it resolves to is no safer.
async fn resolve(hop: &Endpoint, refusal: &Refusal, limits: &Limits, is_proxy: bool) -> Step<Resolved> {
    let failed = |reach, error: String| {
        let reach = if is_proxy && reach != Reach::AddressRefused {
            Reach::ProxyUnreachable
        } else {
            reach
        };
        Err((reach, error))
    };
    let name = hop.name();
    if refusal.refuses_name(&name) {
        return failed(Reach::AddressRefused, format!("{name} names a metadata service"));
    }
    let start = Instant::now();
    let literal = match &hop.host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    };
    let (addresses, dns_ms) = match literal {
        Some(address) => (vec![SocketAddr::new(address, hop.port)], None),
        None => match timeout(limits.dns, tokio::net::lookup_host((name.as_str(), hop.port))).await {
            Err(_) => {
                return failed(
                    Reach::DnsFailed,
                    format!("the resolver did not answer for {name} in {:?}", limits.dns),
                );
            }
            Ok(Err(error)) => return failed(resolver_reach(&error), format!("{name} does not resolve: {error}")),
            Ok(Ok(found)) => {
                let mut addresses: Vec<SocketAddr> = Vec::new();
                for address in found {
                    if !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                (addresses, Some(millis(start)))
            }
        },
    };
    if addresses.is_empty() {
        return failed(Reach::DnsNoName, format!("{name} has no address"));
    }
    if let Some(refused) = addresses.iter().find(|address| refusal.refuses(address.ip())) {
        let text = format!(
            "{name} resolves to {}, and probes never connect to that address",
            refused.ip()
        );
        return failed(Reach::AddressRefused, text);
    }
    Ok(Resolved { addresses, dns_ms })
}

/// `getaddrinfo` has no error codes that reach us, only the C library's words (glibc's and musl's).
fn resolver_reach(error: &io::Error) -> Reach {
    const NO_NAME: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
    ];
    let text = error.to_string();
    if NO_NAME.iter().any(|error_kind| text.contains(error_kind)) {
        Reach::DnsNoName
    } else {
        Reach::DnsFailed
    }
}

/// Behind a proxy the target is resolved by the proxy; what we can see of it must be allowed all the same.
async fn target_allowed(target: &Endpoint, refusal: &Refusal, limits: &Limits) -> Step<()> {
    let refused = |what: String| Err((Reach::AddressRefused, format!("{what} is a metadata address")));
    let addresses: Vec<IpAddr> = match &target.host {
        Host::Ipv4(address) => vec![IpAddr::V4(*address)],
        Host::Ipv6(address) => vec![IpAddr::V6(*address)],
        Host::Domain(name) if refusal.refuses_name(name) => return refused(name.clone()),
        // A pod behind a proxy often cannot resolve outside names: no answer is no objection.
        Host::Domain(name) => match timeout(limits.proxy_lookup, tokio::net::lookup_host((name.as_str(), 0))).await {
            Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
            _ => Vec::new(),
        },
    };
    match addresses.into_iter().find(|&address| refusal.refuses(address)) {
        Some(address) => refused(address.to_string()),
        None => Ok(()),
    }
}

/// Connects to the first address that answers, and moves it to the front for the exchanges that follow.
async fn tcp(
    resolved: &mut Resolved,
    limits: &Limits,
    is_proxy: bool,
    handshake: &mut Handshake,
) -> Step<(TcpStream, SocketAddr)> {
    let several = resolved.addresses.len() > 1;
    let patience = if several { limits.connect / 2 } else { limits.connect };
    let mut failure = (Reach::Unreachable, String::new());
    for index in 0..resolved.addresses.len() {
        let Some(&address) = resolved.addresses.get(index) else {
            break;
        };
        let start = Instant::now();
        let error = match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Best effort: without it only our own small writes would wait for an ACK.
                let _ = tcp.set_nodelay(true);
                handshake.connect_ms = Some(millis(start));
                resolved.addresses.rotate_left(index);
                return Ok((tcp, address));
            }
            Ok(Err(error)) => (connect_reach(&error), format!("{address}: {error}")),
            Err(_) => (
                Reach::ConnectTimeout,
                format!("{address}: no answer to SYN within {patience:?}"),
            ),
        };
        // An address of a family that this machine has no route for shows nothing of the other side.
        if error.0 != Reach::Unreachable {
            handshake.failed_addresses = handshake.failed_addresses.saturating_add(1);
        }
        // The first failure is reported, as the address that the resolver prefers.
        if failure.1.is_empty() {
            handshake.peer = Some(address.to_string());
            failure = error;
        }
    }
    if is_proxy {
        failure.0 = Reach::ProxyUnreachable;
    }
    Err(failure)
}

fn connect_reach(error: &io::Error) -> Reach {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Reach::ConnectRefused,
        io::ErrorKind::TimedOut => Reach::ConnectTimeout,
        _ => Reach::Unreachable,
    }
}

/// RFC 9110, 9.3.6: requests a tunnel from the proxy.
async fn tunnel(
    socket: &mut Tapped<TcpStream>,
    proxy: &ProxyRoute,
    target: &Endpoint,
    limits: &Limits,
    handshake: &mut Handshake,
) -> Step<()> {
    let authority = target.authority();
    let mut request = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {}\r\n",
        crate::version::USER_AGENT
    );
    if let Some(Ok(value)) = proxy.authorization.as_ref().map(|value| value.to_str()) {
        request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    request.push_str("\r\n");
    let reply = async {
        socket.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        // One byte at a time: what follows the head belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") && head.len() < limits.head_bytes {
            head.push(socket.read_u8().await?);
        }
        Ok::<_, io::Error>(head)
    };
    let head = match timeout(limits.proxy, reply).await {
        Err(_) => {
            return Err((
                Reach::ProxyUnreachable,
                format!("the proxy did not answer CONNECT within {:?}", limits.proxy),
            ));
        }
        Ok(Err(error)) => {
            return Err((
                Reach::ProxyUnreachable,
                format!("the proxy closed the connection after CONNECT: {error}"),
            ));
        }
        Ok(Ok(head)) => head,
    };
    let line = String::from_utf8_lossy(head.split(|&byte| byte == b'\n').next().unwrap_or_default())
        .trim()
        .to_owned();
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(()),
        Some(status) => {
            handshake.proxy_status = status;
            Err((Reach::ProxyRefused, format!("the proxy rejected CONNECT: {line}")))
        }
        None => Err((
            Reach::ProxyUnreachable,
            "the proxy's answer to CONNECT is not HTTP".to_owned(),
        )),
    }
}

async fn secure(
    socket: Tapped<TcpStream>,
    tap: Arc<Tap>,
    settings: &TlsRoute,
    version: HttpVersion,
    limits: &Limits,
    attempt: &mut Attempt,
) -> Step<Link> {
    let start = Instant::now();
    let Ok((result, facts)) = timeout(limits.tls, tls::handshake(socket, settings, version)).await else {
        return Err((
            Reach::TlsTimeout,
            format!("the TLS handshake did not finish within {:?}", limits.tls),
        ));
    };
    attempt.handshake.trust = facts.trust;
    attempt.handshake.certificate_days = facts.certificate_days;
    attempt.notes.certificate.clone_from(&facts.certificate);
    match result {
        Ok(stream) => {
            attempt.handshake.tls_ms = Some(millis(start));
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2") || version == HttpVersion::Http2;
            let (stream, plain) = Tapped::layer(stream);
            link(stream, tap, plain, http2, Some(facts)).await
        }
        Err(error) => {
            if facts.trust == Trust::Plain {
                attempt.handshake.trust = Trust::Untrusted;
            }
            Err((tls::reach(&error, &facts), format!("TLS failed: {error}")))
        }
    }
}
