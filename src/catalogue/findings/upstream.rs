//! Findings about the connection from a gateway to Claude.

use super::super::{ClientError, Code, Entry, Layer, Relation, Severity, hints};

pub const UPSTREAM_UNREACHABLE: Entry = Entry {
    code: Code::UpstreamUnreachable,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::ReadFromReply],
    title: "the gateway cannot connect to Claude",
    advice: "Check the host and port of the gateway's upstream, and that the gateway's egress policy allows port 443.",
    client_errors: &[(ClientError::GatewayError, "at once, for every request")],
    meaning: "The gateway's connection to Claude is refused. The host or port is wrong, nothing listens there, or a \
        firewall rejects the connection.",
    evidence: "The gateway's own error, with a text that names a refused connection. Without such a text, the gateway \
        must give up twice, sooner than a connection to Claude takes (likely). A bare 502 or 503 is \
        GatewayUnavailable. If other requests reach Claude on this path in the same run, it is likely at most.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "502 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
        (
            "kubectl exec GATEWAY-POD -- curl -sv --connect-timeout 5 https://api.anthropic.com/",
            "",
        ),
    ],
    product_hints: hints::UPSTREAM,
};

pub const UPSTREAM_CONNECT_TIMEOUT: Entry = Entry {
    code: Code::UpstreamConnectTimeout,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::ReadFromReply],
    title: "the gateway's connection to Claude times out",
    advice: "Allow port 443 from the gateway's pods in network policies and firewalls. Packets are dropped, not \
        refused.",
    client_errors: &[
        (ClientError::GatewayTimeout, "even for the shortest request"),
        (ClientError::GatewayError, "after a constant wait"),
    ],
    meaning: "Packets from the gateway to Claude are dropped, for example by a network policy or a firewall that does \
        not reply.",
    evidence: "A text that names a connection timeout. Without it: a 504 after a wait, or a 502 after the same wait \
        twice, while the direct path's first byte comes in less than 80 % of that wait. If Claude needs longer than \
        that, the finding is FirstByteTimeout.",
    confirm: &[
        ("time count \"$G\" -H \"$key\"", "504 · no request-id"),
        ("time count \"$D\" -H \"$key\"", "200"),
        (
            "kubectl exec GATEWAY-POD -- curl -sv --connect-timeout 5 https://api.anthropic.com/",
            "",
        ),
    ],
    product_hints: hints::UPSTREAM,
};

pub const UPSTREAM_DNS_FAILURE: Entry = Entry {
    code: Code::UpstreamDnsFailure,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the gateway cannot resolve its upstream's name",
    advice: "Allow DNS from the gateway's pods, and check the upstream's name.",
    client_errors: &[(
        ClientError::GatewayError,
        "with a text about names: “no such host”, “could not be resolved”",
    )],
    meaning: "The gateway cannot resolve the name of its upstream. DNS is blocked for its pods, or the name is wrong.",
    evidence: "The gateway's own error text about a name. Without it the finding is GatewayUnavailable.",
    confirm: &[
        (
            "count \"$G\" -H \"$key\"",
            "502 · lookup api.anthropic.com · no request-id",
        ),
        ("kubectl exec GATEWAY-POD -- getent hosts api.anthropic.com", ""),
    ],
    product_hints: hints::UPSTREAM,
};

pub const UPSTREAM_TLS_FAILURE: Entry = Entry {
    code: Code::UpstreamTlsFailure,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the gateway's TLS connection to Claude fails",
    advice: "Send the upstream's name as SNI and Host (proxy_ssl_server_name on), and trust its CA.",
    client_errors: &[(
        ClientError::GatewayError,
        "at once, with or without a text about certificates or handshakes",
    )],
    meaning: "The gateway connects, and TLS to Claude fails. SNI is missing, Host is wrong, the CA is unknown, or an \
        inspecting proxy sits between them.",
    evidence: "The gateway's own error text about TLS. Many gateways return a bare 502 instead. The finding is \
        UpstreamUnreachable or GatewayUnavailable then.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "502 · certificate · no request-id"),
        (
            "kubectl exec GATEWAY-POD -- openssl s_client -connect api.anthropic.com:443 -servername api.anthropic.com </dev/null",
            "",
        ),
    ],
    product_hints: hints::UPSTREAM_TLS,
};

pub const GATEWAY_UNAVAILABLE: Entry = Entry {
    code: Code::GatewayUnavailable,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Symptom, Relation::ReadFromReply],
    title: "the gateway returns an error that does not show its cause",
    advice: "To find the cause, look up the request in the gateway's log. The reply alone does not show it.",
    client_errors: &[
        (ClientError::GatewayError, "and the reply does not show the cause"),
        (ClientError::GatewayTimeout, "and the direct path is fast"),
    ],
    meaning: "The gateway returns an error of its own. Could be an upstream that is down, replicas that are all \
        ejected, or a crash in the gateway. The reply does not decide which.",
    evidence: "A 5xx that the gateway wrote and that no more specific finding fits. It blames no part of the path.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "503 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::UPSTREAM,
};
