//! What an on-call person wants to know of a finding: what people see, what it means, how the software knows, how to confirm it by
//! hand, where to turn. One source for the documentation, the advice in the status, and run-books.
//!
//! Commands are for bash, with the functions of [`SETUP`]; the test of the documentation runs them against each fault.

mod claude;
mod credential;
mod knobs;
mod network;
mod others;
mod quota;
mod request;
mod response;
mod stream;

use super::{Code, Maker, Sight};

/// Where to turn on one product.
pub type Knob = (Maker, &'static str);

/// All about one finding.
#[derive(Clone, Copy, Debug)]
pub struct Help {
    /// What people see, each with what tells this finding from others that look the same.
    pub sights: &'static [(Sight, &'static str)],
    /// What happened.
    pub meaning: &'static str,
    /// The evidence that it takes, and when the software stays silent.
    pub evidence: &'static str,
    /// Commands, each with what its output holds when the finding is right; parts are separated by ` · `.
    pub confirm: &'static [(&'static str, &'static str)],
    /// Product by product.
    pub knobs: &'static [Knob],
}

/// The shell in which [`Help::confirm`] works.
pub const SETUP: &str = r#"G=https://gateway.example                # the gateway's base URL, as ANTHROPIC_BASE_URL
D=https://api.anthropic.com              # Claude
K=$ANTHROPIC_API_KEY
ASK='"model":"claude-haiku-4-5","messages":[{"role":"user","content":"Count from 1 to 20."}]'
key="x-api-key: $K" version='anthropic-version: 2023-06-01'
post() { curl -sS -i -m 60 -H 'content-type: application/json' -H "$version" -d "$2" "$1" "${@:3}"; }
ask()   { post "$1/v1/messages" "{\"max_tokens\":64,$ASK}" "${@:2}"; }      # 60 tokens
count() { post "$1/v1/messages/count_tokens" "{$ASK}" "${@:2}"; }           # free
stream() { # each line with the second at which it came; the last one is curl's exit code
    local from=$SECONDS line
    { post "$1/v1/messages" "{\"max_tokens\":64,\"stream\":true,$ASK}" -N "${@:2}" 2>&1; echo "curl $?"; } |
        while IFS= read -r line; do echo "$((SECONDS - from))s $line"; done
}"#;

impl Code {
    /// All about this finding.
    #[must_use]
    pub const fn help(self) -> &'static Help {
        match self {
            Self::GatewayStaleCredential => &credential::STALE,
            Self::CredentialRejected => &credential::REJECTED,
            Self::CredentialStripped => &credential::STRIPPED,
            Self::CredentialAltered => &credential::ALTERED,
            Self::GatewayAuthRefused => &credential::GATEWAY_AUTH,
            Self::CredentialCarrierMismatch => &credential::CARRIER,
            Self::OriginHeaderForwarded => &request::ORIGIN,
            Self::CredentialMalformed => &credential::MALFORMED,
            Self::BetaHeaderStripped => &request::BETA_STRIPPED,
            Self::BetaHeaderInjected => &request::BETA_INJECTED,
            Self::VersionHeaderRewritten => &request::VERSION,
            Self::BodyRewritten => &request::BODY,
            Self::GatewayBodyLimit => &request::BODY_LIMIT,
            Self::GatewayHeaderLimit => &request::HEADER_LIMIT,
            Self::WafBlocked => &request::WAF,
            Self::GatewayPolicyDenied => &request::POLICY,
            Self::EgressAddressRefused => &network::EGRESS_ADDRESS,
            Self::ForwardProxyRefused => &network::FORWARD_PROXY,
            Self::UpstreamUnreachable => &network::UNREACHABLE,
            Self::UpstreamConnectTimeout => &network::CONNECT_TIMEOUT,
            Self::UpstreamDnsFailure => &network::UPSTREAM_DNS,
            Self::UpstreamTlsFailure => &network::UPSTREAM_TLS,
            Self::FirstByteTimeout => &stream::FIRST_BYTE,
            Self::StreamIdleTimeout => &stream::IDLE,
            Self::StreamDurationCap => &stream::TOTAL,
            Self::NoReply => &network::NO_REPLY,
            Self::StreamCut => &stream::CUT,
            Self::UpstreamStreamError => &claude::STREAM_ERROR,
            Self::ConnectionReset => &network::RESET,
            Self::StreamTruncationMasked => &stream::MASKED,
            Self::StreamErrorSynthesised => &stream::SYNTHESISED,
            Self::StreamBuffered => &stream::BUFFERED,
            Self::StreamCompressed => &stream::COMPRESSED,
            Self::StreamCollapsed => &stream::COLLAPSED,
            Self::GatewayRateLimited => &quota::GATEWAY_RATE,
            Self::GatewayCooldown => &quota::COOLDOWN,
            Self::GatewayConcurrencyLimited => &quota::GATEWAY_CONCURRENCY,
            Self::RateLimited => &quota::RATE,
            Self::AccelerationLimited => &quota::ACCELERATION,
            Self::ConcurrencyLimited => &quota::CONCURRENCY,
            Self::QuotaExhausted => &quota::EXHAUSTED,
            Self::PermissionDenied => &claude::PERMISSION,
            Self::AccountDisabled => &claude::DISABLED,
            Self::UpstreamOverloaded => &claude::OVERLOADED,
            Self::UpstreamError => &claude::ERROR,
            Self::EdgeBlocked => &claude::EDGE,
            Self::CircuitBreakerOpen => &quota::BREAKER,
            Self::GatewayUnavailable => &network::UNAVAILABLE,
            Self::DirectPathIntercepted => &network::INTERCEPTED,
            Self::DirectPathUnreachable => &network::DIRECT_UNREACHABLE,
            Self::EgressDown => &network::EGRESS_DOWN,
            Self::WrongRoute => &response::WRONG_ROUTE,
            Self::HiddenRetries => &response::RETRIES,
            Self::GatewayDnsFailure => &network::GATEWAY_DNS,
            Self::GatewayConnectFailed => &network::GATEWAY_CONNECT,
            Self::GatewayTlsFailure => &network::GATEWAY_TLS,
            Self::ClientCertificateRequired => &network::CLIENT_CERTIFICATE,
            Self::StatusRewritten => &response::STATUS,
            Self::ErrorBodyReplaced => &response::ERROR_BODY,
            Self::ResponseHeadersRewritten => &response::HEADERS,
            Self::DifferentAccount => &response::ACCOUNT,
            Self::DifferentBackend => &response::BACKEND,
            Self::ModelSubstituted => &response::MODEL,
            Self::ModelNotFound => &claude::MODEL_NOT_FOUND,
            Self::ModelRetiring => &claude::MODEL_RETIRING,
            Self::ResponseCached => &response::CACHED,
            Self::RequestInvalid => &request::INVALID,
            Self::WorkloadStaleCredential => &others::WORKLOAD,
            Self::GatewayLatency => &others::LATENCY,
            Self::CertificateExpiring => &others::CERTIFICATE,
            Self::ClockSkew => &others::CLOCK,
        }
    }
}

impl Help {
    /// Where to turn on this product, if it is known.
    #[must_use]
    pub fn knob(&self, maker: Maker) -> Option<&'static str> {
        self.knobs
            .iter()
            .find(|(of, _)| *of == maker)
            .map(|(_, where_to)| *where_to)
    }
}
