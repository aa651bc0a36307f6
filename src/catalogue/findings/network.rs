//! Findings about the way out of the cluster: egress, forward proxies, resets, silence, the direct path.

use super::super::{ClientError, Code, Entry, Layer, Relation, Severity, hints};

pub const EGRESS_ADDRESS_REFUSED: Entry = Entry {
    code: Code::EgressAddressRefused,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "Claude's edge rejects the egress address",
    advice: "Route the traffic through an egress address in a supported region that is not blocked.",
    client_errors: &[(
        ClientError::AddressRefused,
        "from this network only; `server: cloudflare`",
    )],
    meaning: "Claude's edge rejects the source address of the request. Its region is not supported, or its range is \
        blocked. Keys and gateways are fine.",
    evidence: "The edge's own 403, in its own format and with its headers. One path is enough. Another path that \
        works does not rule it out, because paths can leave through different addresses. If `cf-ray` is on the \
        gateway's other replies but not on this one, the gateway wrote the 403.",
    confirm: &[
        ("curl -sS -i \"$G/v1/messages\"", "403 · Request not allowed"),
        (
            "kubectl exec GATEWAY-POD -- curl -sS -i https://api.anthropic.com/v1/messages",
            "",
        ),
    ],
    product_hints: &[],
};

pub const FORWARD_PROXY_REFUSED: Entry = Entry {
    code: Code::ForwardProxyRefused,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the forward proxy does not open the connection",
    advice: "Allow the destination in the proxy's rules, or give the client the proxy's credential. If the proxy does \
        not answer, check its address.",
    client_errors: &[
        (ClientError::ProxyRefused, "with HTTPS_PROXY set"),
        (ClientError::GatewayForbidden, "407, or an error page of the proxy"),
    ],
    meaning: "The forward proxy does not let this client reach this host, requires a credential (407), or is \
        unreachable.",
    evidence: "The proxy's reply to CONNECT, or no connection to the proxy. Both come before TLS, so neither Claude \
        nor the gateway wrote the reply.",
    confirm: &[(
        "curl -sS -v -x \"$PROXY\" \"$D/v1/messages\" 2>&1",
        "CONNECT tunnel failed",
    )],
    product_hints: hints::FORWARD_PROXY,
};

pub const NO_REPLY: Entry = Entry {
    code: Code::NoReply,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Symptom],
    title: "no complete reply within the probe's own time limit",
    advice: "To find the hop that holds the request, look for it in the gateway's access log.",
    client_errors: &[(ClientError::Silence, "through this path only")],
    meaning: "A hop accepts the request and does not reply within the probe's own limit. That limit is not a timer of \
        the gateway.",
    evidence: "The probe connects, sends the request and receives nothing, or the body stalls. Which hop holds the \
        request is not visible from outside.",
    confirm: &[
        ("ask \"$G\" -H \"$key\" -m 5", "curl: (28)"),
        ("ask \"$D\" -H \"$key\" -m 5", "200"),
    ],
    product_hints: hints::UPSTREAM,
};

pub const CONNECTION_RESET: Entry = Entry {
    code: Code::ConnectionReset,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the connection is reset",
    advice: "Could be a NAT, a load balancer or a network policy between the client and its first hop. To decide: \
        compare their logs and idle timeouts with the time of the reset.",
    client_errors: &[
        (ClientError::Dropped, "often after minutes without traffic"),
        (ClientError::Cut, "“Connection reset by peer”, ECONNRESET"),
    ],
    meaning: "A device on the path sends a TCP reset. HTTP gateways do not forward resets, so it comes from the first \
        hop or from a device before it: NAT, load balancer, network policy.",
    evidence: "The socket shows a reset instead of a close. With exchanges.reuseIdle, a connection that is dead after \
        an idle period counts as well (a warning).",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "curl: (56)"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::IDLE,
};

pub const DIRECT_PATH_INTERCEPTED: Entry = Entry {
    code: Code::DirectPathIntercepted,
    layer: Layer::Network,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "TLS on the direct path is intercepted",
    advice: "Exempt the host from TLS inspection, or declare the CA with tls.caConfigMapKeyRef.",
    client_errors: &[(ClientError::Untrusted, "to api.anthropic.com itself")],
    meaning: "A proxy between the cluster and Claude terminates TLS and presents a certificate of its own. Clients \
        without its CA fail. The direct path is no reference for headers, bodies, streams and timing then.",
    evidence: "The direct path's certificate chain does not verify (likely), or the chain of api.anthropic.com \
        verifies only through an added CA (certain). If tls.caConfigMapKeyRef declares the CA, the finding is \
        information.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (60)"),
        (
            "openssl s_client -connect api.anthropic.com:443 -servername api.anthropic.com </dev/null | openssl x509 -noout -issuer -dates",
            "",
        ),
    ],
    product_hints: &[],
};

pub const DIRECT_PATH_UNREACHABLE: Entry = Entry {
    code: Code::DirectPathUnreachable,
    layer: Layer::Network,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the direct path is unreachable: there is no reference",
    advice: "Allow egress from the probe's pod to Claude, or remove direct from the probe's spec.",
    client_errors: &[
        (
            ClientError::Refused,
            "to api.anthropic.com; through the gateway it works",
        ),
        (
            ClientError::NameUnknown,
            "api.anthropic.com; through the gateway it works",
        ),
    ],
    meaning: "The probe's pod cannot leave the cluster by itself. Clients of the gateway are not affected, but there \
        is nothing to compare the gateway with.",
    evidence: "The direct path gets no connection, or something other than Claude answers there. It makes a verdict \
        Degraded, never Failing.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (7)"),
        ("count \"$G\" -H \"$key\"", "200"),
    ],
    product_hints: &[],
};

pub const EGRESS_DOWN: Entry = Entry {
    code: Code::EgressDown,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "neither the probe nor any gateway reaches Claude",
    advice: "Check the cluster's egress: NAT, firewall, DNS.",
    client_errors: &[
        (ClientError::GatewayError, "on every gateway at once"),
        (ClientError::Refused, "to api.anthropic.com"),
        (ClientError::NameUnknown, "api.anthropic.com"),
    ],
    meaning: "No workload in this cluster reaches Claude. The NAT gateway, the egress firewall or the cluster's DNS \
        fails.",
    evidence: "The direct path does not connect, and every gateway fails towards Claude. One gateway that gets \
        through rules it out. Without a direct path it is not reported.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (7)"),
        ("count \"$G\" -H \"$key\"", "502 · no request-id"),
    ],
    product_hints: &[],
};
