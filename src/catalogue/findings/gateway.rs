//! Findings about the connection to the gateway: name, TCP, TLS, certificates, clocks, latency.

use super::super::{ClientError, Code, Entry, Layer, Severity, hints};

pub const GATEWAY_DNS_FAILURE: Entry = Entry {
    code: Code::GatewayDnsFailure,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the gateway's name does not resolve",
    advice: "Check the host in the gateway's URL, and the cluster's DNS.",
    client_errors: &[(ClientError::NameUnknown, "the gateway's name")],
    meaning: "The host in the gateway's URL does not exist, or the pod's resolver does not find it. A Service in \
        another namespace needs NAME.NAMESPACE.svc.",
    evidence: "The resolver's reply, before any connection.",
    confirm: &[("count \"$G\" -H \"$key\"", "curl: (6)")],
    product_hints: &[],
};

pub const GATEWAY_CONNECT_FAILED: Entry = Entry {
    code: Code::GatewayConnectFailed,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the gateway does not accept connections",
    advice: "Check that the gateway runs, that its Service has endpoints, and that network policies allow the \
        connection.",
    client_errors: &[
        (ClientError::Refused, "to the gateway"),
        (ClientError::Dropped, "for every request"),
        (ClientError::Silence, "while connecting: packets are dropped"),
    ],
    meaning: "Nothing accepts connections at the gateway's address. The gateway is down, its Service has no \
        endpoints, the port is wrong, or a network policy forbids the connection.",
    evidence: "TCP is refused or times out on every address of the name, or the connection closes before any reply. \
        If only some addresses fail, it is a warning.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "curl: (7)"),
        ("kubectl get endpointslices -l kubernetes.io/service-name=GATEWAY", ""),
    ],
    product_hints: &[],
};

pub const GATEWAY_TLS_FAILURE: Entry = Entry {
    code: Code::GatewayTlsFailure,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "TLS to the gateway fails",
    advice: "Check the gateway's certificate and name, or declare its CA with tls.caConfigMapKeyRef.",
    client_errors: &[(ClientError::Untrusted, "with the gateway")],
    meaning: "The gateway's certificate is expired, for another name, without its intermediates, or from a CA that \
        clients do not know. Or the port does not speak TLS.",
    evidence: "The way in which the TLS handshake fails. The advice names which of these it is.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "curl: (60)"),
        (
            "openssl s_client -connect GATEWAY:443 -servername GATEWAY </dev/null | openssl x509 -noout -issuer -dates -ext subjectAltName",
            "",
        ),
    ],
    product_hints: hints::SERVER_CERTIFICATE,
};

pub const CLIENT_CERTIFICATE_REQUIRED: Entry = Entry {
    code: Code::ClientCertificateRequired,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the gateway requires a client certificate",
    advice: "Give the path a certificate with tls.clientCertificateSecretRef.",
    client_errors: &[
        (
            ClientError::Untrusted,
            "a TLS alert of the gateway: certificate required",
        ),
        (ClientError::Dropped, "right after the handshake"),
    ],
    meaning: "The gateway requires a client certificate (mutual TLS). The client sends none, or one that the gateway \
        does not know.",
    evidence: "A TLS alert or an error text of the gateway that requires a certificate.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "400 · SSL certificate"),
        ("curl -sS -i --cert client.pem --key client.key \"$G/v1/messages\"", ""),
    ],
    product_hints: hints::CLIENT_CERTIFICATE,
};

pub const CERTIFICATE_EXPIRING: Entry = Entry {
    code: Code::CertificateExpiring,
    layer: Layer::Network,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "a certificate expires soon",
    advice: "Renew the certificate.",
    client_errors: &[(ClientError::NothingYet, "on that day TLS fails for all clients")],
    meaning: "The gateway's certificate expires within thresholds.certificateExpiryDays.",
    evidence: "The expiry date of the certificate in the TLS handshake. Claude's own certificate is not yours to \
        renew and is not checked.",
    confirm: &[(
        "openssl s_client -connect GATEWAY:443 -servername GATEWAY </dev/null | openssl x509 -noout -enddate",
        "",
    )],
    product_hints: hints::SERVER_CERTIFICATE,
};

pub const CLOCK_SKEW: Entry = Entry {
    code: Code::ClockSkew,
    layer: Layer::Network,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the clocks of the node and its peer differ",
    advice: "Synchronise the node's clock.",
    client_errors: &[
        (ClientError::Untrusted, "“certificate is not yet valid”"),
        (
            ClientError::NothingYet,
            "tokens expire at once, and timestamps in logs do not match",
        ),
    ],
    meaning: "The clocks of the node and of the peer differ by more than a minute.",
    evidence: "The Date header compared with the node's clock. Answers from a cache have an old date and are not \
        compared.",
    confirm: &[("curl -sS -i \"$G/\" | grep -i '^date'; date -u", "ate:")],
    product_hints: &[],
};

pub const GATEWAY_LATENCY: Entry = Entry {
    code: Code::GatewayLatency,
    layer: Layer::Network,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the gateway adds latency",
    advice: "Check the gateway's load and placement.",
    client_errors: &[(ClientError::SlowStart, "through the gateway, with every model")],
    meaning: "The gateway itself adds time: load, placement in another zone or region, a slow authoriser or \
        guardrail.",
    evidence: "The median of at least 12 paired differences of a zero-token request is at least 250 ms, and at least \
        thresholds.gatewayLatencyPercent of the direct path's time. A slow model is slow on both paths and cancels \
        out.",
    confirm: &[
        (
            "for i in 1 2 3; do count \"$G\" -H \"$key\" -o /dev/null -w '%{time_starttransfer}s\\n'; done",
            "s",
        ),
        (
            "for i in 1 2 3; do count \"$D\" -H \"$key\" -o /dev/null -w '%{time_starttransfer}s\\n'; done",
            "s",
        ),
    ],
    product_hints: &[],
};
