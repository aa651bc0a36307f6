//! The closed vocabulary of a diagnosis: layers, severities, conditions, and the catalogue of findings.
//!
//! This is the only place that lists the findings, and that knows the way to each product's knobs. The resource's schema (`accept`), the diagnosis, the metrics'
//! label values and the documentation derive from it. It knows nothing of how a finding is made.

pub mod document;
pub mod help;
mod product;
pub mod sight;

pub use help::Help;
pub use product::Maker;
pub use sight::Sight;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the cause sits: what kind of person has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Layer {
    /// A key, a header, a route, a limit or a timer that someone set.
    Configuration,
    /// Rate, spend, concurrency.
    Quota,
    /// DNS, TCP, TLS, egress.
    Network,
    /// Claude itself.
    Upstream,
}

/// How bad a finding is for the requests that take this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// Shown, never a verdict.
    Information,
    /// The request works, and something stands that will hurt: makes a verdict `Degraded`.
    Warning,
    /// The request fails.
    Error,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Confidence {
    /// Fits what was seen, and so do other causes.
    Possible,
    /// Other causes would be unusual.
    Likely,
    /// The evidence admits no other cause that we know of.
    Certain,
}

/// The conditions of a `ClaudeProbe`, `True` is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionType {
    /// The specification can be acted on by this operator.
    Ready,
    /// Probe pods start, run and report.
    ProberOperational,
    /// The control answers.
    DirectPathHealthy,
    /// Every gateway answers the frozen request completely.
    GatewayPathHealthy,
    /// No key in use is older than its Secret, refused, or malformed.
    CredentialsFresh,
    /// What clients send arrives, and what Claude answers comes back.
    HeadersPreserved,
    /// Streams arrive complete and as they are produced.
    StreamIntact,
    /// No rate, spend or concurrency limit stands in the way.
    QuotaAvailable,
}

impl ConditionType {
    /// All condition types, in the order in which they are shown.
    pub const ALL: [ConditionType; 8] = [
        Self::Ready,
        Self::ProberOperational,
        Self::DirectPathHealthy,
        Self::GatewayPathHealthy,
        Self::CredentialsFresh,
        Self::HeadersPreserved,
        Self::StreamIntact,
        Self::QuotaAvailable,
    ];
}

/// What the catalogue says of one finding code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// Where the cause sits.
    pub layer: Layer,
    /// How bad it is.
    pub severity: Severity,
    /// The condition that it falsifies, besides `GatewayPathHealthy`/`DirectPathHealthy`, which follow from whether the
    /// path's frozen request was answered.
    pub condition: Option<ConditionType>,
    /// One line that says what is wrong, without a full stop.
    pub title: &'static str,
    /// What a person can do now, in general terms. Rules sharpen it for the gateway at hand.
    pub advice: &'static str,
}

macro_rules! catalogue {
    ($($(#[$meta:meta])* $code:ident, $layer:ident, $severity:ident, $condition:expr, $title:literal, $advice:literal;)*) => {
        /// A finding's code: closed, stable, the name that people search for. Declared in the order of §5 of the design,
        /// which is the last tie-break of the verdict.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[schemars(inline)]
        pub enum Code {
            $(#[doc = $title] $(#[$meta])* $code,)*
        }

        /// Every finding that this software can make.
        pub const CATALOGUE: &[Entry] = &[
            $(Entry {
                code: Code::$code,
                layer: Layer::$layer,
                severity: Severity::$severity,
                condition: $condition,
                title: $title,
                advice: $advice,
            },)*
        ];

        impl Code {
            /// The code's name, as in status, metrics and documentation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }
        }
    };
}

const CRED: Option<ConditionType> = Some(ConditionType::CredentialsFresh);
const HEAD: Option<ConditionType> = Some(ConditionType::HeadersPreserved);
const STREAM: Option<ConditionType> = Some(ConditionType::StreamIntact);
const QUOTA: Option<ConditionType> = Some(ConditionType::QuotaAvailable);
const NONE: Option<ConditionType> = None;

catalogue! {
    GatewayStaleCredential, Configuration, Error, CRED, "the gateway injects an old or wrong key", "Restart the gateway so that it reads the Secret again, and mount the key as a file or add a reloader so that the next rotation needs no restart.";
    CredentialRejected, Configuration, Error, CRED, "the key itself is refused by Claude, on the direct path too", "Create a new key in the Claude Console and put it into the Secret.";
    CredentialStripped, Configuration, Error, CRED, "the gateway drops the credential", "Make the gateway forward x-api-key and authorization to Claude.";
    CredentialAltered, Configuration, Error, CRED, "the credential arrives changed", "Find the rule of the gateway that sets or rewrites x-api-key or authorization, and remove it.";
    GatewayAuthRefused, Configuration, Error, CRED, "the gateway itself refuses our credential", "Give the client the credential that the gateway asks for, or exempt this route from the gateway's own authentication.";
    CredentialCarrierMismatch, Configuration, Error, CRED, "only one of x-api-key and authorization works through the gateway", "Teach the gateway the other carrier, or configure clients to send the one that works.";
    OriginHeaderForwarded, Configuration, Error, HEAD, "the gateway adds or forwards an Origin header", "Remove origin and sec-fetch-* on the way to Claude.";
    CredentialMalformed, Configuration, Error, CRED, "the key in the Secret is malformed", "Write the key without a line end, blanks or quotes: printf %s \"$KEY\" | kubectl create secret generic NAME --from-file=KEY=/dev/stdin.";
    BetaHeaderStripped, Configuration, Warning, HEAD, "the anthropic-beta header does not arrive as sent", "Forward anthropic-beta byte for byte.";
    BetaHeaderInjected, Configuration, Error, HEAD, "the gateway adds values to anthropic-beta", "Remove the value that the gateway adds to anthropic-beta.";
    VersionHeaderRewritten, Configuration, Warning, HEAD, "the anthropic-version header does not arrive as sent", "Forward anthropic-version as the client sent it; set it only when it is absent.";
    BodyRewritten, Configuration, Warning, HEAD, "the gateway changes the body", "Use the gateway's pass-through mode, or turn off the option that drops or adds fields.";
    GatewayBodyLimit, Configuration, Warning, NONE, "the gateway's limit on the request body is below Claude's", "Raise the gateway's body limit to 32 MB.";
    GatewayHeaderLimit, Configuration, Warning, NONE, "the gateway's limit on request headers is low", "Enlarge the gateway's header buffers.";
    WafBlocked, Configuration, Error, NONE, "a web application firewall in the path blocks the prompt", "Exempt this route from the body rules of the firewall.";
    GatewayPolicyDenied, Configuration, Error, NONE, "a policy of the gateway denies the request", "Allow this client in the gateway's access policy; where an external authoriser decides, check that it is up.";
    EgressAddressRefused, Network, Error, NONE, "Claude's edge refuses this egress address", "Leave the cluster through an address in a supported region that is not blocked.";
    ForwardProxyRefused, Network, Error, NONE, "the forward proxy refuses the connection", "Allow the destination in the proxy's rules, or give the client the proxy's credential.";
    UpstreamUnreachable, Network, Error, NONE, "the gateway cannot reach Claude", "Check the host and port of the gateway's upstream, and that its egress policy allows 443.";
    UpstreamConnectTimeout, Network, Error, NONE, "the gateway's connection to Claude times out", "Allow 443 from the gateway's pods in network policies and firewalls: packets are dropped, not refused.";
    UpstreamDnsFailure, Network, Error, NONE, "the gateway cannot resolve its upstream's name", "Allow DNS from the gateway's pods, and check the upstream's name.";
    UpstreamTlsFailure, Configuration, Error, NONE, "the gateway's TLS to Claude fails", "Send SNI and Host of the upstream (proxy_ssl_server_name on) and trust its CA.";
    FirstByteTimeout, Configuration, Error, STREAM, "a timer of the gateway ends the wait for the first byte", "Raise the gateway's read or route timeout above the model's slowest first byte, and stream.";
    StreamIdleTimeout, Configuration, Error, STREAM, "an idle timer of the gateway cuts the stream", "Raise the gateway's read or idle timeout.";
    StreamDurationCap, Configuration, Error, STREAM, "a total timer of the gateway cuts the stream while events flow", "Switch the gateway's total request timeout off for streams, and bound them by an idle timeout.";
    NoReply, Network, Error, NONE, "no reply within our own limit", "Find the hop that holds the request: look for it in the gateway's access log.";
    StreamCut, Network, Error, STREAM, "the stream is cut, and no timer shows", "Look for restarts and reloads of the gateway at that moment, and let it drain.";
    UpstreamStreamError, Upstream, Error, STREAM, "Claude ends the stream with an error", "Retry with backoff, and look at Claude's status page.";
    ConnectionReset, Network, Error, NONE, "the connection is reset", "Look at NAT, load balancers and network policies between the client and its first hop.";
    StreamTruncationMasked, Configuration, Error, STREAM, "the stream ends early and looks complete", "Speak HTTP/1.1 to the upstream (proxy_http_version 1.1), and let clients check for message_stop.";
    StreamErrorSynthesised, Configuration, Error, STREAM, "the gateway makes up an error event", "Look into the gateway's log for what ended its upstream connection.";
    StreamBuffered, Configuration, Warning, STREAM, "the gateway buffers the stream", "Switch response buffering off for this route (proxy_buffering off), and speak HTTP/1.1 to the upstream.";
    StreamCompressed, Configuration, Warning, STREAM, "the gateway's compression holds the stream back", "Exclude text/event-stream from compression.";
    StreamCollapsed, Configuration, Error, STREAM, "the gateway answers in one piece where a stream was asked", "Let the gateway pass streams through; exempt the route from content inspection.";
    GatewayRateLimited, Quota, Error, QUOTA, "the gateway's own rate limit", "Raise the gateway's limit for this client.";
    GatewayCooldown, Configuration, Error, QUOTA, "the gateway refuses because of earlier errors", "Look for the error before the cooldown, and tune the gateway's cooldown.";
    GatewayConcurrencyLimited, Quota, Error, QUOTA, "the gateway's own limit on concurrent requests", "Raise the gateway's limit on concurrent requests.";
    RateLimited, Quota, Error, QUOTA, "Claude's rate limit", "Send less per minute, or ask for a higher limit.";
    AccelerationLimited, Quota, Error, QUOTA, "Claude's limit on the growth of use", "Raise the load more slowly.";
    ConcurrencyLimited, Quota, Error, QUOTA, "Claude's limit on concurrent connections", "Use a connection pool or a queue with fewer requests in flight.";
    QuotaExhausted, Quota, Error, QUOTA, "spend limit, credit or billing: retrying is useless", "Raise the spend limit or buy credit in the Claude Console.";
    PermissionDenied, Configuration, Error, CRED, "Claude refuses this key what it asks for", "Give the key's workspace access to the model or feature.";
    AccountDisabled, Configuration, Error, CRED, "the organisation is disabled", "Contact Anthropic's support.";
    UpstreamOverloaded, Upstream, Error, NONE, "Claude is overloaded", "Retry with backoff, and look at Claude's status page.";
    UpstreamError, Upstream, Error, NONE, "Claude answers with an internal error", "Retry with backoff, and look at Claude's status page; give support the request id.";
    EdgeBlocked, Upstream, Error, NONE, "the firewall at Claude's edge blocks the request", "Give support the ray id and the prompt's shape.";
    CircuitBreakerOpen, Configuration, Error, NONE, "a circuit breaker of the gateway is open", "Look for the error that opened it, and do not count 429 as a failure.";
    GatewayUnavailable, Network, Error, NONE, "the gateway answers with an error of its own whose cause it does not tell", "Look into the gateway's log: the reply alone does not say why.";
    DirectPathIntercepted, Network, Warning, NONE, "TLS on the direct path is intercepted", "Exempt the host from inspection, or declare the CA with tls.caConfigMapKeyRef.";
    DirectPathUnreachable, Network, Warning, NONE, "the direct path cannot be reached: there is no control", "Allow egress from the probe's pod to Claude, or remove direct from the probe.";
    EgressDown, Network, Error, NONE, "neither we nor any gateway can reach Claude", "Look at the cluster's egress: NAT, firewall, DNS.";
    WrongRoute, Configuration, Error, NONE, "the path does not lead to the Claude API", "Correct the base URL: the path /v1/messages is appended to it.";
    HiddenRetries, Configuration, Warning, NONE, "the gateway retries behind the client's back", "Switch retries of POST off in the gateway.";
    GatewayDnsFailure, Network, Error, NONE, "the gateway's name does not resolve", "Check the host in the gateway's URL, and DNS in the cluster.";
    GatewayConnectFailed, Network, Error, NONE, "the gateway does not accept connections", "Check that the gateway runs, that its Service has endpoints, and network policies.";
    GatewayTlsFailure, Network, Error, NONE, "TLS to the gateway fails", "Check the gateway's certificate and name, or declare its CA with tls.caConfigMapKeyRef.";
    ClientCertificateRequired, Configuration, Error, NONE, "the gateway asks for a client certificate", "Give the path a certificate with tls.clientCertificateSecretRef.";
    StatusRewritten, Configuration, Warning, HEAD, "the gateway changes the status of Claude's errors", "Let the gateway pass the status of errors through: SDKs decide by it whether to retry.";
    ErrorBodyReplaced, Configuration, Warning, HEAD, "the gateway replaces Claude's error bodies", "Let the gateway pass error bodies through (proxy_intercept_errors off).";
    ResponseHeadersRewritten, Configuration, Warning, HEAD, "the gateway changes the headers of Claude's replies", "Let request-id, retry-after and anthropic-ratelimit-* through.";
    DifferentAccount, Configuration, Warning, NONE, "the gateway uses another organisation or workspace", "Set expectAccount: Any if this is meant; else correct the gateway's key.";
    DifferentBackend, Configuration, Information, NONE, "the gateway uses another backend than the Claude API", "Set upstream on this gateway if this is meant.";
    ModelSubstituted, Configuration, Warning, NONE, "another model answers than was asked", "Correct the model mapping of the gateway.";
    ModelNotFound, Configuration, Error, NONE, "the model is unknown, retired or not allowed for this key", "Correct the model, or the gateway's model list.";
    ModelRetiring, Configuration, Warning, NONE, "the model will be retired", "Move to its successor.";
    ResponseCached, Configuration, Warning, NONE, "the answer comes from a cache", "Exempt POST /v1/messages from caching: an answer from a cache says nothing of health.";
    RequestInvalid, Configuration, Error, NONE, "Claude refuses the request itself as invalid", "Correct the request in the probe.";
    WorkloadStaleCredential, Configuration, Warning, CRED, "workloads hold an older key", "Restart the workloads that took the key before it changed.";
    GatewayLatency, Network, Warning, NONE, "the gateway is slow", "Look at the gateway's load and placement.";
    CertificateExpiring, Network, Warning, NONE, "a certificate expires soon", "Renew the certificate.";
    ClockSkew, Network, Warning, NONE, "clocks differ", "Synchronise the node's clock.";
}

impl Code {
    /// The catalogue's entry of this code.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // The macro declares enum and table from the same list, so the discriminant is the index.
        &CATALOGUE[self as usize]
    }

    /// Whether `cause` on the same path explains this one: a cause comes before its symptom.
    #[must_use]
    pub const fn gives_way_to(self, cause: Code) -> bool {
        if matches!(cause, Self::CredentialMalformed) {
            return self.is_symptom()
                || matches!(
                    self,
                    Self::CredentialRejected
                        | Self::CredentialAltered
                        | Self::CredentialStripped
                        | Self::GatewayAuthRefused
                        | Self::GatewayPolicyDenied
                );
        }
        self.is_symptom() && !cause.is_symptom()
    }

    /// Whether this is what another fault looks like from outside.
    #[must_use]
    pub const fn is_symptom(self) -> bool {
        matches!(
            self,
            Self::NoReply
                | Self::StreamCut
                | Self::StreamTruncationMasked
                | Self::StreamErrorSynthesised
                | Self::GatewayCooldown
                | Self::CircuitBreakerOpen
                | Self::GatewayUnavailable
                | Self::StatusRewritten
                | Self::ErrorBodyReplaced
        )
    }

    /// Whether this can be the one reason for which every path fails without any gateway being at fault.
    #[must_use]
    pub const fn is_shareable(self) -> bool {
        matches!(
            self,
            Self::CredentialRejected
                | Self::CredentialMalformed
                | Self::EgressAddressRefused
                | Self::UpstreamStreamError
                | Self::RateLimited
                | Self::AccelerationLimited
                | Self::ConcurrencyLimited
                | Self::QuotaExhausted
                | Self::PermissionDenied
                | Self::AccountDisabled
                | Self::UpstreamOverloaded
                | Self::UpstreamError
                | Self::EdgeBlocked
                | Self::EgressDown
                | Self::ModelNotFound
                | Self::RequestInvalid
        )
    }

    /// The code with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        CATALOGUE
            .iter()
            .map(|entry| entry.code)
            .find(|code| code.name() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_finds_its_own_entry() {
        for entry in CATALOGUE {
            assert_eq!(entry.code.entry().code, entry.code);
            assert_eq!(Code::from_name(entry.code.name()), Some(entry.code));
        }
    }
}
