//! Findings about names, connections and TLS: ours, the gateway's, the control's.

use super::{Help, Sight, knobs};

pub const EGRESS_ADDRESS: Help = Help {
    sights: &[(Sight::AddressRefused, "from this network only; `server: cloudflare`")],
    meaning: "Claude's edge refuses the address that the request comes from: a region that is not supported, or a range that is blocked. Keys and gateways are fine.",
    evidence: "The edge's own 403 in its own shape with its marks. It convicts on one path alone, and another path that works does not acquit: paths may leave by different addresses. A gateway whose other replies carry cf-ray and this one does not, made it up.",
    confirm: &[
        ("curl -sS -i \"$G/v1/messages\"", "403 · Request not allowed"),
        (
            "kubectl exec GATEWAY-POD -- curl -sS -i https://api.anthropic.com/v1/messages",
            "",
        ),
    ],
    knobs: knobs::NONE,
};

pub const FORWARD_PROXY: Help = Help {
    sights: &[
        (Sight::ProxyRefused, "with HTTPS_PROXY set"),
        (Sight::GatewayForbidden, "407, or a page of the proxy's"),
    ],
    meaning: "The forward proxy does not let this client reach this host, or asks for a credential (407).",
    evidence: "The proxy's reply to CONNECT, before TLS: nothing of Claude's or the gateway's can be in it.",
    confirm: &[(
        "curl -sS -v -x \"$PROXY\" \"$D/v1/messages\" 2>&1",
        "CONNECT tunnel failed",
    )],
    knobs: knobs::FORWARD_PROXY,
};

pub const UNREACHABLE: Help = Help {
    sights: &[(Sight::GatewayError, "at once, for every request")],
    meaning: "The gateway's connection to Claude is refused: wrong host or port, nothing that listens, a firewall that rejects.",
    evidence: "An error of the gateway's own whose words say so. A bare 502 or 503 says no more than that something failed, and stays GatewayUnavailable; likely at most when something of Claude's came through on this path in this run.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "502 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
        (
            "kubectl exec GATEWAY-POD -- curl -sv --connect-timeout 5 https://api.anthropic.com/",
            "",
        ),
    ],
    knobs: knobs::UPSTREAM,
};

pub const CONNECT_TIMEOUT: Help = Help {
    sights: &[
        (Sight::GatewayTimeout, "also for the shortest request"),
        (Sight::GatewayError, "after a constant wait"),
    ],
    meaning: "Packets from the gateway to Claude are dropped on the way: a network policy or firewall that does not answer.",
    evidence: "Words that say so; or the same wait twice while the direct path's first byte comes in less than 0.8 of it. If Claude needs longer than that, FirstByteTimeout fits.",
    confirm: &[
        ("time count \"$G\" -H \"$key\"", "504 · no request-id"),
        ("time count \"$D\" -H \"$key\"", "200"),
        (
            "kubectl exec GATEWAY-POD -- curl -sv --connect-timeout 5 https://api.anthropic.com/",
            "",
        ),
    ],
    knobs: knobs::UPSTREAM,
};

pub const UPSTREAM_DNS: Help = Help {
    sights: &[(
        Sight::GatewayError,
        "with words about names: “no such host”, “could not be resolved”",
    )],
    meaning: "The gateway cannot resolve the name of its upstream: DNS is blocked for its pods, or the name is wrong.",
    evidence: "The gateway's own words about a name. Without words it stays GatewayUnavailable.",
    confirm: &[
        (
            "count \"$G\" -H \"$key\"",
            "502 · lookup api.anthropic.com · no request-id",
        ),
        ("kubectl exec GATEWAY-POD -- getent hosts api.anthropic.com", ""),
    ],
    knobs: knobs::UPSTREAM,
};

pub const UPSTREAM_TLS: Help = Help {
    sights: &[(
        Sight::GatewayError,
        "at once, with words about certificates or handshakes, or none",
    )],
    meaning: "The gateway connects, and TLS to Claude fails: no SNI, another Host, a CA that it does not know, or an inspecting proxy between them.",
    evidence: "The gateway's own words about TLS. Many gateways say 502 only: then it is UpstreamUnreachable or GatewayUnavailable.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "502 · certificate · no request-id"),
        (
            "kubectl exec GATEWAY-POD -- openssl s_client -connect api.anthropic.com:443 -servername api.anthropic.com </dev/null",
            "",
        ),
    ],
    knobs: knobs::UPSTREAM_TLS,
};

pub const UNAVAILABLE: Help = Help {
    sights: &[
        (Sight::GatewayError, "and the reply does not say why"),
        (Sight::GatewayTimeout, "and the direct path is fast"),
    ],
    meaning: "The gateway answers with an error of its own, and its reply does not tell the cause: upstream down, all replicas ejected, a crash in the gateway.",
    evidence: "A 5xx made by the gateway for which no better name fits. It states a fact and blames no part.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "503 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::UPSTREAM,
};

pub const NO_REPLY: Help = Help {
    sights: &[(Sight::Silence, "through this path only")],
    meaning: "Somebody took the request and did not answer before our own limit: that limit is ours, not a timer of the gateway's.",
    evidence: "Connected, sent, and nothing came (or the body stalled). Which hop holds it cannot be seen from outside.",
    confirm: &[
        ("ask \"$G\" -H \"$key\" -m 5", "curl: (28)"),
        ("ask \"$D\" -H \"$key\" -m 5", "200"),
    ],
    knobs: knobs::UPSTREAM,
};

pub const RESET: Help = Help {
    sights: &[
        (Sight::Dropped, "often after minutes of rest"),
        (Sight::Cut, "“Connection reset by peer”, ECONNRESET"),
    ],
    meaning: "Someone sends a TCP reset. Gateways that speak HTTP do not pass resets on, so it comes from the first hop or from a device before it: NAT, load balancer, network policy.",
    evidence: "A reset instead of a close, seen on the socket. With exchanges.reuseIdle also a connection that was dead after a rest (a warning).",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "curl: (56)"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::IDLE,
};

pub const INTERCEPTED: Help = Help {
    sights: &[(Sight::Untrusted, "to api.anthropic.com itself")],
    meaning: "A proxy between the cluster and Claude opens TLS and shows a certificate of its own. Clients without its CA fail, and the direct path is no longer a control for headers, bodies, streams and timing.",
    evidence: "The chain of the direct path does not verify (likely), or that of api.anthropic.com verifies only through a CA that was added. Declared with tls.caConfigMapKeyRef it is information.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (60)"),
        (
            "openssl s_client -connect api.anthropic.com:443 -servername api.anthropic.com </dev/null | openssl x509 -noout -issuer -dates",
            "",
        ),
    ],
    knobs: knobs::NONE,
};

pub const DIRECT_UNREACHABLE: Help = Help {
    sights: &[
        (Sight::Refused, "to api.anthropic.com; through the gateway it works"),
        (Sight::NameUnknown, "api.anthropic.com; through the gateway it works"),
    ],
    meaning: "The probe's pod may not leave the cluster by itself. Nothing is broken for those who use the gateway, but there is nothing to compare with.",
    evidence: "No connection on the direct path, or something other than Claude answers there. It makes a verdict Degraded, never Failing.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (7)"),
        ("count \"$G\" -H \"$key\"", "200"),
    ],
    knobs: knobs::NONE,
};

pub const EGRESS_DOWN: Help = Help {
    sights: &[
        (Sight::GatewayError, "on every gateway at once"),
        (Sight::Refused, "to api.anthropic.com"),
        (Sight::NameUnknown, "api.anthropic.com"),
    ],
    meaning: "Nobody in this cluster reaches Claude: NAT gateway, egress firewall, or the cluster's DNS.",
    evidence: "The direct path does not connect, and every gateway's own error is about its way to Claude. One gateway that gets through, or no direct path, and it is not said.",
    confirm: &[
        ("count \"$D\" -H \"$key\"", "curl: (7)"),
        ("count \"$G\" -H \"$key\"", "502 · no request-id"),
    ],
    knobs: knobs::NONE,
};

pub const GATEWAY_DNS: Help = Help {
    sights: &[(Sight::NameUnknown, "the gateway's")],
    meaning: "The host in the gateway's URL does not exist, or the pod's resolver cannot find it (another namespace needs NAME.NAMESPACE.svc).",
    evidence: "The resolver's answer, before any connection.",
    confirm: &[("count \"$G\" -H \"$key\"", "curl: (6)")],
    knobs: knobs::NONE,
};

pub const GATEWAY_CONNECT: Help = Help {
    sights: &[
        (Sight::Refused, "to the gateway"),
        (Sight::Dropped, "for every request"),
        (Sight::Silence, "while connecting: packets are dropped"),
    ],
    meaning: "Nothing accepts connections at the gateway's address: it is down, its Service has no endpoints, the port is wrong, or a network policy forbids it.",
    evidence: "TCP refused or timed out, or closed before any reply, on every address that the name has.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "curl: (7)"),
        ("kubectl get endpointslices -l kubernetes.io/service-name=GATEWAY", ""),
    ],
    knobs: knobs::NONE,
};

pub const GATEWAY_TLS: Help = Help {
    sights: &[(Sight::Untrusted, "with the gateway")],
    meaning: "The gateway's certificate is expired, for another name, without its intermediates, or from a CA that clients do not know; or the port does not speak TLS.",
    evidence: "How the handshake failed; the advice names which of these it was.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "curl: (60)"),
        (
            "openssl s_client -connect GATEWAY:443 -servername GATEWAY </dev/null | openssl x509 -noout -issuer -dates -ext subjectAltName",
            "",
        ),
    ],
    knobs: knobs::SERVER_CERTIFICATE,
};

pub const CLIENT_CERTIFICATE: Help = Help {
    sights: &[
        (Sight::Untrusted, "an alert of the gateway's: certificate required"),
        (Sight::Dropped, "right after the handshake"),
    ],
    meaning: "The gateway asks for a client certificate (mutual TLS), and none was sent, or one that it does not know.",
    evidence: "A TLS alert that says so, or the gateway's own words in a reply.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "400 · SSL certificate"),
        ("curl -sS -i --cert client.pem --key client.key \"$G/v1/messages\"", ""),
    ],
    knobs: knobs::CLIENT_CERTIFICATE,
};
