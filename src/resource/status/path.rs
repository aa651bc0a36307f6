//! What the status shows of one path.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::lenient::open_enum;

/// What one path answered to the frozen request in the latest run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathStatus {
    /// `direct` or the gateway's name.
    pub name: String,
    /// Host and port of the path's URL.
    #[serde(default)]
    pub host: String,
    /// The form of the frozen request: `message` or `stream`.
    #[serde(default)]
    pub exchange: String,
    /// How it ended: `Answered`, or what stopped it.
    #[serde(default)]
    pub outcome: PathOutcome,
    /// HTTP status, 0 when no response head came.
    #[serde(default)]
    pub status: i32,
    /// Claude's request id, empty when the reply had none.
    #[serde(default)]
    pub request_id: String,
    /// Address that was connected to.
    #[serde(default)]
    pub peer: String,
    /// Response headers that help to find the hop. Only a check has them; the operator writes none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(skip)]
    pub headers: BTreeMap<String, String>,
    /// Seconds per phase; a phase that was not observed is absent.
    #[serde(default, skip_serializing_if = "Timings::is_empty")]
    pub timings: Timings,
    /// The event stream, where one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamStatus>,
    /// 16-bit digest of the set of response header names: shows whether the gateway's headers changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_set: Option<i64>,
    /// Remaining share of Claude's rate limits, 0 to 1; a limit that the reply does not show is absent.
    #[serde(default, skip_serializing_if = "RatelimitRemaining::is_empty")]
    pub ratelimit_remaining: RatelimitRemaining,
    /// When the certificate of this path expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expires: Option<Time>,
    /// Results of the last zero-token exchanges; they enter every diagnosis until refuted or stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding_checks: Option<ForwardingCheckStatus>,
    /// How long the zero-token exchange took in the last runs that sent it, here and on the direct path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
}

open_enum! {
    /// How the frozen request of a path ended, or why it was not sent.
    pub enum PathOutcome {
        /// The run does not show it.
        NotReported,
        /// Left out on purpose: over budget.
        NotSent,
        /// A response came and its framing ended properly.
        Answered,
        /// A response head came; the body ended by a close before its framing was complete.
        CutByClose,
        /// A response head came; the body ended by a reset.
        CutByReset,
        /// A response head came; then nothing within our own limit.
        StalledInBody,
        /// The body's framing is malformed.
        BrokenFraming,
        /// The body is longer than our own limit.
        Oversized,
        /// The connection was closed before a response head.
        ClosedBeforeHead,
        /// The connection was reset before a response head.
        ResetBeforeHead,
        /// Nothing within our own limit.
        NoReply,
        /// What came is not HTTP.
        NotHttp,
        /// The connection could not be made.
        ConnectFailed,
        /// The name does not exist.
        DnsNoName,
        /// The resolver failed or did not answer.
        DnsFailed,
        /// An address that the prober does not connect to.
        AddressRefused,
        /// The connection was refused.
        ConnectRefused,
        /// No answer to SYN within our limit.
        ConnectTimeout,
        /// No route, or the network is unreachable.
        Unreachable,
        /// The connection was reset during TLS.
        TlsReset,
        /// The server closed or sent an alert during TLS.
        TlsAlert,
        /// The server requires a client certificate.
        TlsClientCertificate,
        /// The chain does not lead to a known root.
        TlsUntrusted,
        /// The certificate is for another name.
        TlsWrongName,
        /// The certificate is expired or not yet valid.
        TlsExpired,
        /// What answers does not speak TLS.
        TlsNotTls,
        /// TLS did not finish within our limit.
        TlsTimeout,
        /// The forward proxy refused CONNECT.
        ProxyRefused,
        /// The forward proxy could not be reached.
        ProxyUnreachable,
        /// The path's URL cannot be used.
        UrlUnusable,
        /// The forward proxy's URL cannot be used.
        ProxyUnusable,
        /// The declared CA is missing.
        CaMissing,
        /// A TLS setting cannot be used.
        TlsUnusable,
        /// A Secret's value is missing.
        SecretMissing,
        /// A header cannot be sent.
        HeaderUnusable,
        /// After a 429 nothing more was sent with this key.
        RateLimited,
        /// Too little of a rate limit was left.
        LowHeadroom,
        /// The run's own time was up.
        OutOfTime,
        /// It could show nothing after what came before.
        Pointless,
        /// The key cannot be sent.
        NoUsableKey,
        /// Over budget.
        OverBudget,
    }
}

impl PathOutcome {
    /// Whether the run did not send the frozen request, or does not show what became of it.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::NotSent | Self::NotReported) || *self == Self::default()
    }
}

open_enum! {
    /// Whether the HTTP framing of a stream ended properly.
    pub enum StreamFraming {
        /// It did not.
        Incomplete,
        /// It did.
        Complete,
    }
}

/// Seconds per phase of the frozen request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Name resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<f64>,
    /// TCP connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    /// TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<f64>,
    /// From the request to the first byte of the response head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<f64>,
    /// From the request to the first `content_block_delta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token: Option<f64>,
    /// From the request to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
}

impl Timings {
    /// The phases that were observed, by the names that metrics have for them.
    pub fn observed(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let phases = [
            ("connect", self.connect),
            ("dns", self.dns),
            ("first_byte", self.first_byte),
            ("first_token", self.first_token),
            ("tls", self.tls),
            ("total", self.total),
        ];
        phases
            .into_iter()
            .filter_map(|(phase, seconds)| Some((phase, seconds?)))
    }

    /// Whether no phase was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Remaining share of Claude's rate limits, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RatelimitRemaining {
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    /// Input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<f64>,
    /// Output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<f64>,
    /// All tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<f64>,
}

impl RatelimitRemaining {
    /// The limits that the reply showed, by the names that metrics have for them.
    pub fn observed(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let limits = [
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
            ("requests", self.requests),
            ("tokens", self.tokens),
        ];
        limits.into_iter().filter_map(|(limit, left)| Some((limit, left?)))
    }

    /// Whether the reply showed no limit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An event stream as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatus {
    /// Events, pings included.
    pub events: i64,
    /// Body bytes.
    pub bytes: i64,
    /// Name of the last event.
    pub last_event: String,
    /// When it came, seconds after the request was sent.
    pub last_event_at: f64,
    /// Longest silence between two events, seconds.
    pub max_gap: f64,
    /// `message_stop` came.
    pub message_stop: bool,
    /// The HTTP framing ended properly: `Complete`, or `Incomplete`.
    pub framing: StreamFraming,
    /// How the connection ended.
    pub ending: PathOutcome,
}

impl StreamStatus {
    /// Whether message and framing both ended.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.message_stop && self.framing == StreamFraming::Complete
    }
}

/// Results of the last zero-token exchanges of a path, the newest of each kind that showed something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardingCheckStatus {
    /// When the newest of them was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// HTTP status of each, by kind of exchange; 0 when no response head came.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "crate::resource::lenient::map"
    )]
    pub results: BTreeMap<String, i32>,
    /// The same with all that the replies showed, for the next diagnosis: compact, of this release's own format, without any text
    /// of a reply. Removing it makes the operator send them again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub record: String,
}

/// Times of the zero-token exchange of a gateway beside the direct path's, the newest last: both lists are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatencyStatus {
    /// When the newest was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Milliseconds on the direct path.
    #[serde(default)]
    pub direct_ms: Vec<i32>,
    /// Milliseconds through the gateway, in the same runs.
    #[serde(default)]
    pub gateway_ms: Vec<i32>,
}
