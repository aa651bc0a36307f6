//! The list of all findings. Each finding is declared once, with its runbook, in one of the files below.
//!
//! To add a finding: declare it in the file of its subject, and add its line here. The documentation, the alert rules, the
//! schema and the labels of metrics follow from the declaration.

mod claude;
mod credential;
mod gateway;
mod network;
mod quota;
mod refusal;
mod request;
mod response;
mod stream;
mod upstream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Entry;

macro_rules! findings {
    ($($code:ident: $module:ident::$entry:ident,)*) => {
        /// The code of a finding. Codes are a closed set and stable.
        // The order is the last tie-break of the verdict.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
            strum::IntoStaticStr, strum::EnumString, strum::Display,
        )]
        #[schemars(inline)]
        #[allow(missing_docs)] // Each is documented by its declaration.
        pub enum Code {
            $($code,)*
        }

        /// Every finding that this software can make, in the order of [`Code`].
        pub const CATALOGUE: &[&Entry] = &[$(&$module::$entry,)*];
    };
}

findings! {
    GatewayStaleCredential: credential::GATEWAY_STALE_CREDENTIAL,
    CredentialRejected: credential::CREDENTIAL_REJECTED,
    CredentialStripped: credential::CREDENTIAL_STRIPPED,
    CredentialAltered: credential::CREDENTIAL_ALTERED,
    GatewayAuthRefused: credential::GATEWAY_AUTH_REFUSED,
    CredentialCarrierMismatch: credential::CREDENTIAL_CARRIER_MISMATCH,
    OriginHeaderForwarded: request::ORIGIN_HEADER_FORWARDED,
    CredentialMalformed: credential::CREDENTIAL_MALFORMED,
    BetaHeaderStripped: request::BETA_HEADER_STRIPPED,
    BetaHeaderInjected: request::BETA_HEADER_INJECTED,
    VersionHeaderRewritten: request::VERSION_HEADER_REWRITTEN,
    BodyRewritten: request::BODY_REWRITTEN,
    GatewayBodyLimit: refusal::GATEWAY_BODY_LIMIT,
    GatewayHeaderLimit: refusal::GATEWAY_HEADER_LIMIT,
    WafBlocked: refusal::WAF_BLOCKED,
    GatewayPolicyDenied: refusal::GATEWAY_POLICY_DENIED,
    EgressAddressRefused: network::EGRESS_ADDRESS_REFUSED,
    ForwardProxyRefused: network::FORWARD_PROXY_REFUSED,
    UpstreamUnreachable: upstream::UPSTREAM_UNREACHABLE,
    UpstreamConnectTimeout: upstream::UPSTREAM_CONNECT_TIMEOUT,
    UpstreamDnsFailure: upstream::UPSTREAM_DNS_FAILURE,
    UpstreamTlsFailure: upstream::UPSTREAM_TLS_FAILURE,
    FirstByteTimeout: stream::FIRST_BYTE_TIMEOUT,
    StreamIdleTimeout: stream::STREAM_IDLE_TIMEOUT,
    StreamDurationCap: stream::STREAM_DURATION_CAP,
    NoReply: network::NO_REPLY,
    StreamCut: stream::STREAM_CUT,
    UpstreamStreamError: claude::UPSTREAM_STREAM_ERROR,
    ConnectionReset: network::CONNECTION_RESET,
    StreamTruncationMasked: stream::STREAM_TRUNCATION_MASKED,
    StreamErrorSynthesised: stream::STREAM_ERROR_SYNTHESISED,
    StreamBuffered: stream::STREAM_BUFFERED,
    StreamCompressed: stream::STREAM_COMPRESSED,
    StreamCollapsed: stream::STREAM_COLLAPSED,
    GatewayRateLimited: quota::GATEWAY_RATE_LIMITED,
    GatewayCooldown: quota::GATEWAY_COOLDOWN,
    GatewayConcurrencyLimited: quota::GATEWAY_CONCURRENCY_LIMITED,
    RateLimited: quota::RATE_LIMITED,
    AccelerationLimited: quota::ACCELERATION_LIMITED,
    ConcurrencyLimited: quota::CONCURRENCY_LIMITED,
    QuotaExhausted: quota::QUOTA_EXHAUSTED,
    PermissionDenied: claude::PERMISSION_DENIED,
    AccountDisabled: claude::ACCOUNT_DISABLED,
    UpstreamOverloaded: claude::UPSTREAM_OVERLOADED,
    UpstreamError: claude::UPSTREAM_ERROR,
    EdgeBlocked: claude::EDGE_BLOCKED,
    CircuitBreakerOpen: quota::CIRCUIT_BREAKER_OPEN,
    GatewayUnavailable: upstream::GATEWAY_UNAVAILABLE,
    DirectPathIntercepted: network::DIRECT_PATH_INTERCEPTED,
    DirectPathUnreachable: network::DIRECT_PATH_UNREACHABLE,
    EgressDown: network::EGRESS_DOWN,
    WrongRoute: response::WRONG_ROUTE,
    HiddenRetries: response::HIDDEN_RETRIES,
    GatewayDnsFailure: gateway::GATEWAY_DNS_FAILURE,
    GatewayConnectFailed: gateway::GATEWAY_CONNECT_FAILED,
    GatewayTlsFailure: gateway::GATEWAY_TLS_FAILURE,
    ClientCertificateRequired: gateway::CLIENT_CERTIFICATE_REQUIRED,
    StatusRewritten: response::STATUS_REWRITTEN,
    ErrorBodyReplaced: response::ERROR_BODY_REPLACED,
    ResponseHeadersRewritten: response::RESPONSE_HEADERS_REWRITTEN,
    DifferentAccount: response::DIFFERENT_ACCOUNT,
    DifferentBackend: response::DIFFERENT_BACKEND,
    ModelSubstituted: response::MODEL_SUBSTITUTED,
    ModelNotFound: claude::MODEL_NOT_FOUND,
    ModelRetiring: claude::MODEL_RETIRING,
    ResponseCached: response::RESPONSE_CACHED,
    RequestInvalid: request::REQUEST_INVALID,
    WorkloadStaleCredential: credential::WORKLOAD_STALE_CREDENTIAL,
    GatewayLatency: gateway::GATEWAY_LATENCY,
    CertificateExpiring: gateway::CERTIFICATE_EXPIRING,
    ClockSkew: gateway::CLOCK_SKEW,
}

// The place of a declaration in the list is its code's: `Code::entry` relies on it.
const _: () = {
    let mut at = 0;
    while at < CATALOGUE.len() {
        assert!(CATALOGUE[at].code as usize == at);
        at += 1;
    }
};
