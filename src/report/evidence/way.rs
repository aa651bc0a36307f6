//! A path's key, and the way to its first hop.

use serde::{Deserialize, Serialize};

pub use crate::claude::key::KeyKind;

/// Facts about a key that identify nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEvidence {
    /// First 5 hex digits of HMAC-SHA256(probe UID, key): notices a change, confirms no guess.
    pub fingerprint: String,
    /// What kind of credential its shape says it is.
    pub kind: KeyKind,
    /// What is wrong with its bytes, before anything is sent.
    pub defects: Vec<KeyDefect>,
}

/// A defect in the bytes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyDefect {
    /// The variable or file is empty, or holds only blanks.
    Empty,
    /// A line end at the end.
    TrailingNewline,
    /// A line end or control character inside.
    InnerControl,
    /// Blanks at the start or end.
    Blanks,
    /// A byte order mark at the start.
    ByteOrderMark,
    /// Surrounding quotes.
    Quoted,
    /// `Bearer ` inside the value.
    BearerPrefix,
    /// Base64 applied once too often.
    DoubleBase64,
    /// A placeholder that was never replaced.
    Placeholder,
    /// Another kind of key than the Messages API takes (admin key, another vendor's).
    WrongKind,
    /// Bytes that no header may carry.
    NotAHeaderValue,
}

/// Reaching the first hop of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// How far it came.
    pub outcome: Reach,
    /// The address that was connected to, `ip:port` (of the forward proxy where one is used). A detail: no rule may
    /// depend on it.
    pub peer: Option<String>,
    /// Number of addresses that the name resolved to.
    pub addresses: u16,
    /// Addresses among them that refused or ignored a connection before one took it (or all that did, when none took one).
    /// Those that there is no route to are left out.
    pub failed_addresses: u16,
    /// Name resolution, milliseconds.
    pub dns_ms: Option<u32>,
    /// TCP connection, milliseconds.
    pub connect_ms: Option<u32>,
    /// TLS handshake, milliseconds.
    pub tls_ms: Option<u32>,
    /// Whether TLS was spoken to the path's host, and who vouches for it.
    pub trust: Trust,
    /// Days until the leaf certificate expires; negative when it has.
    pub certificate_days: Option<i32>,
    /// The negotiated protocol.
    pub http2: bool,
    /// The peer's `Date` minus the local clock, seconds; 0 within a second.
    pub clock_skew_s: Option<i32>,
    /// Whether an address of the peer belongs to Anthropic's published inbound ranges.
    pub anthropic_address: bool,
    /// Times were taken through a sidecar: connect and TLS are the sidecar's.
    pub via_sidecar: bool,
    /// Whether a forward proxy was used (CONNECT).
    pub via_proxy: bool,
    /// The forward proxy's status for CONNECT when it refused, else 0.
    pub proxy_status: u16,
}

/// How far the way to the first hop came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reach {
    /// Not tried, or not reported.
    #[default]
    NotTried,
    /// Connected, TLS done where the URL asks for it.
    Connected,
    /// The name does not exist.
    DnsNoName,
    /// The resolver failed or did not answer.
    DnsFailed,
    /// An address that the prober refuses to connect to (metadata services).
    AddressRefused,
    /// RST or ICMP refused.
    ConnectRefused,
    /// No answer to SYN within our limit.
    ConnectTimeout,
    /// No route, network unreachable.
    Unreachable,
    /// The connection was reset during TLS.
    TlsReset,
    /// The server closed or sent an alert during TLS.
    TlsAlert,
    /// The server asked for a client certificate that we do not have.
    TlsClientCertificate,
    /// The chain does not lead to a root that we know.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsWrongName,
    /// The certificate is expired or not yet valid.
    TlsExpired,
    /// What answers does not speak TLS.
    TlsNotTls,
    /// TLS did not finish within our limit.
    TlsTimeout,
    /// The forward proxy refused CONNECT (its status in `proxy_status`).
    ProxyRefused,
    /// The forward proxy could not be reached.
    ProxyUnreachable,
    /// The path's URL cannot be used: nothing was sent.
    UrlUnusable,
    /// The forward proxy's URL cannot be used: nothing was sent.
    ProxyUnusable,
    /// The declared CA's file is not there: nothing was sent.
    CaMissing,
    /// A TLS setting cannot be used (CA, server name, client certificate): nothing was sent.
    TlsUnusable,
    /// A Secret's value that the path needs besides its key is not there: nothing was sent.
    SecretMissing,
    /// A header of the path cannot be sent: nothing was sent.
    HeaderUnusable,
}

impl Reach {
    /// What in the probe's own settings kept anything from being sent on the path; `None` for what the way itself showed.
    #[must_use]
    pub fn unusable(self) -> Option<&'static str> {
        Some(match self {
            Self::UrlUnusable => "its url cannot be used",
            Self::ProxyUnusable => "its proxy.url cannot be used",
            Self::CaMissing => {
                "the CA of tls.caConfigMapKeyRef cannot be read: does the ConfigMap exist, with that key?"
            }
            Self::TlsUnusable => {
                "its tls settings cannot be used: the CA is no PEM certificate, serverName is no name, or the client certificate does not fit its key"
            }
            Self::SecretMissing => {
                "a Secret's value that its headers, proxy or tls refer to is missing: does the Secret exist, with that key?"
            }
            Self::HeaderUnusable => "one of its headers has a name or a value that no header may have",
            _ => return None,
        })
    }
}

/// Who vouches for the peer's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Trust {
    /// No TLS.
    #[default]
    Plain,
    /// A public CA of Mozilla's list.
    Public,
    /// The machine's own list, but not a public CA.
    System,
    /// Only the CA that the probe declares.
    Declared,
    /// Nobody: the chain does not verify.
    Untrusted,
}
