//! A path's key, and the connection to its first hop. Closed enums and numbers: never the key itself.

use serde::{Deserialize, Serialize};
use strum::FromRepr;

pub use crate::claude::key::KeyKind;

/// Facts about a key that identify nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEvidence {
    /// First 5 hex digits of HMAC-SHA256(probe UID, key): notices a change, confirms no guess.
    pub fingerprint: String,
    /// The kind of credential, by its shape.
    pub kind: KeyKind,
    /// What is wrong with its bytes, before anything is sent.
    pub defects: Vec<KeyDefect>,
}

/// A defect in the bytes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum KeyDefect {
    /// The variable or file is empty, or holds only blanks.
    Empty = 0,
    /// A line end at the end.
    TrailingNewline = 1,
    /// A line end or control character inside.
    InnerControl = 2,
    /// Blanks at the start or end.
    Blanks = 3,
    /// A byte order mark at the start.
    ByteOrderMark = 4,
    /// Surrounding quotes.
    Quoted = 5,
    /// `Bearer ` inside the value.
    BearerPrefix = 6,
    /// Base64 applied once too often.
    DoubleBase64 = 7,
    /// A placeholder that was never replaced.
    Placeholder = 8,
    /// A kind of key that the Messages API does not accept (admin key, another vendor's).
    WrongKind = 9,
    /// Bytes that are not allowed in a header.
    NotAHeaderValue = 10,
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
    /// Addresses among them that refused or ignored a connection before one accepted it (or all, when none did).
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

/// How far the connection to the first hop came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum Reach {
    /// Not tried, or not reported.
    #[default]
    NotTried = 0,
    /// Connected, TLS done where the URL asks for it.
    Connected = 1,
    /// The name does not exist.
    DnsNoName = 2,
    /// The resolver failed or did not answer.
    DnsFailed = 3,
    /// A forbidden address: the prober does not connect to it (metadata services).
    AddressRefused = 4,
    /// RST or ICMP refused.
    ConnectRefused = 5,
    /// No answer to SYN within the probe's limit.
    ConnectTimeout = 6,
    /// No route, network unreachable.
    Unreachable = 7,
    /// The connection was reset during TLS.
    TlsReset = 8,
    /// The server closed or sent an alert during TLS.
    TlsAlert = 9,
    /// The server requires a client certificate that the probe does not have.
    TlsClientCertificate = 10,
    /// The chain does not lead to a known root.
    TlsUntrusted = 11,
    /// The certificate is for another name.
    TlsWrongName = 12,
    /// The certificate is expired or not yet valid.
    TlsExpired = 13,
    /// The server does not speak TLS.
    TlsNotTls = 14,
    /// TLS did not finish within the probe's limit.
    TlsTimeout = 15,
    /// The forward proxy rejected CONNECT (its status in `proxy_status`).
    ProxyRefused = 16,
    /// The forward proxy could not be reached.
    ProxyUnreachable = 17,
    /// The path's URL cannot be used: nothing was sent.
    UrlUnusable = 18,
    /// The forward proxy's URL cannot be used: nothing was sent.
    ProxyUnusable = 19,
    /// The declared CA's file is missing: nothing was sent.
    CaMissing = 20,
    /// A TLS setting cannot be used (CA, server name, client certificate): nothing was sent.
    TlsUnusable = 21,
    /// A Secret's value other than the path's key is missing: nothing was sent.
    SecretMissing = 22,
    /// A header of the path cannot be sent: nothing was sent.
    HeaderUnusable = 23,
}

impl Reach {
    /// The setting of the probe that prevented sending on the path; `None` for what the connection itself showed.
    #[must_use]
    pub fn unusable(self) -> Option<&'static str> {
        Some(match self {
            Self::UrlUnusable => "its url is invalid",
            Self::ProxyUnusable => "its proxy.url is invalid",
            Self::CaMissing => "the ConfigMap or the key of tls.caConfigMapKeyRef is missing",
            Self::TlsUnusable => {
                "its tls settings are invalid: the CA, serverName, or the client certificate with its key"
            }
            Self::SecretMissing => "a Secret or a key that its headers, proxy or tls settings reference is missing",
            Self::HeaderUnusable => "one of its headers has an invalid name or value",
            _ => return None,
        })
    }
}

/// Who vouches for the peer's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum Trust {
    /// No TLS.
    #[default]
    Plain = 0,
    /// A public CA of Mozilla's list.
    Public = 1,
    /// The machine's own list, but not a public CA.
    System = 2,
    /// Only the CA that the probe declares.
    Declared = 3,
    /// No CA: the chain does not verify.
    Untrusted = 4,
}
