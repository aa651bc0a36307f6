//! Reaching the first hop: names, connections, TLS, forward proxies, interception, resets, silence.

use super::rule::PathRule;
use super::shot::{reached_upstream, shots};
use super::stream::by_idle_timer;
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::say;
use crate::diagnosis::trouble::began_as_claude;
use crate::diagnosis::view::State;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, Outcome, Reach, Trust};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[
    handshake,
    certificate_asked,
    intercepted,
    silence,
    direct_answered_by_another,
    reuse,
];

/// What the handshake of this path shows.
fn handshake(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(seen) = path.seen else {
        return vec![];
    };
    let reach = seen.handshake.outcome;
    let Some((code, words)) = failure(path, reach) else {
        return vec![];
    };
    let peer = seen
        .handshake
        .peer
        .as_ref()
        .filter(|peer| **peer != path.case.host)
        .map_or_else(String::new, |peer| format!(" ({peer})"));
    let status = match seen.handshake.proxy_status {
        0 => String::new(),
        status => format!(", status {status}"),
    };
    let evidence = format!("{}{peer}: {words}{status}", path.case.host);
    let confidence = match code {
        // A private CA that nobody declared looks the same.
        Code::DirectPathIntercepted => Confidence::Likely,
        _ => Confidence::Certain,
    };
    let found = finding(code, path.name(), confidence, evidence);
    vec![match (code, reach) {
        (Code::ForwardProxyRefused, _) => found.hop("forward proxy"),
        (Code::GatewayTlsFailure, Reach::TlsUntrusted) => {
            found.advise("The gateway's chain leads to no known root: declare its CA with tls.caConfigMapKeyRef, or let the gateway send its intermediate certificates.")
        }
        (Code::GatewayTlsFailure, Reach::TlsWrongName) => {
            found.advise("The gateway's certificate is for another name: use that name in the URL, or set tls.serverName.")
        }
        (Code::GatewayTlsFailure, Reach::TlsNotTls) => {
            found.advise("What answers does not speak TLS: write http:// in the URL, or point it to the TLS port.")
        }
        (Code::GatewayTlsFailure, Reach::TlsExpired) => found.advise("Renew the gateway's certificate, and check the node's clock."),
        (Code::GatewayConnectFailed, Reach::AddressRefused) => {
            found.advise("The gateway's name resolves to an address that the probe refuses (metadata services, or networks of --refuse-network): correct the URL.")
        }
        _ => found,
    }]
}

fn failure(path: &PathView<'_>, reach: Reach) -> Option<(Code, &'static str)> {
    let words = words(reach)?;
    let code = match (path.case.is_direct(), reach) {
        (_, Reach::ProxyRefused | Reach::ProxyUnreachable) => Code::ForwardProxyRefused,
        (true, Reach::TlsUntrusted) => Code::DirectPathIntercepted,
        (true, Reach::TlsWrongName) if path.case.first_party => Code::DirectPathIntercepted,
        (true, _) => Code::DirectPathUnreachable,
        (false, Reach::DnsNoName | Reach::DnsFailed) => Code::GatewayDnsFailure,
        (false, Reach::TlsClientCertificate) => Code::ClientCertificateRequired,
        (
            false,
            Reach::TlsReset
            | Reach::TlsAlert
            | Reach::TlsUntrusted
            | Reach::TlsWrongName
            | Reach::TlsExpired
            | Reach::TlsNotTls
            | Reach::TlsTimeout,
        ) => Code::GatewayTlsFailure,
        (false, _) => Code::GatewayConnectFailed,
    };
    Some((code, words))
}

fn words(reach: Reach) -> Option<&'static str> {
    Some(match reach {
        // What the probe's own settings keep from being sent says nothing of the path: see `Reach::unusable`.
        Reach::NotTried
        | Reach::Connected
        | Reach::UrlUnusable
        | Reach::ProxyUnusable
        | Reach::CaMissing
        | Reach::TlsUnusable
        | Reach::SecretMissing
        | Reach::HeaderUnusable => return None,
        Reach::DnsNoName => "the name does not exist",
        Reach::DnsFailed => "the resolver failed or did not answer",
        Reach::AddressRefused => "an address that the probe refuses to connect to",
        Reach::ConnectRefused => "connection refused",
        Reach::ConnectTimeout => "no answer to the connection attempt within our limit",
        Reach::Unreachable => "no route",
        Reach::TlsReset => "reset during the TLS handshake",
        Reach::TlsAlert => "closed or alerted during the TLS handshake",
        Reach::TlsClientCertificate => "a client certificate is asked for",
        Reach::TlsUntrusted => "the certificate chain leads to no known root",
        Reach::TlsWrongName => "the certificate is for another name",
        Reach::TlsExpired => "the certificate is expired or not yet valid",
        Reach::TlsNotTls => "what answers does not speak TLS",
        Reach::TlsTimeout => "no TLS within our limit",
        Reach::ProxyRefused => "the forward proxy refused the connection",
        Reach::ProxyUnreachable => "the forward proxy cannot be reached",
    })
}

/// TLS goes through without a client certificate, and the gateway asks for one in HTTP.
fn certificate_asked(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let asks = |(reply, provenance): &(&Exchange, Provenance)| {
        reply.error_kind == GatewayErrorKind::ClientCertificate && !provenance.from_upstream()
    };
    let Some((reply, provenance)) = path.trouble().filter(asks) else {
        return vec![];
    };
    if path.case.is_direct() {
        return vec![];
    }
    let confidence = provenance.confidence.max(Confidence::Likely);
    vec![finding(
        Code::ClientCertificateRequired,
        path.name(),
        confidence,
        say::reply(reply),
    )]
}

/// The control is opened on the way although its chain verifies: only a CA that somebody added vouches for api.anthropic.com.
fn intercepted(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let reached = path.reach() == Reach::Connected;
    if !path.case.is_direct() || !reached || !path.intercepted() {
        return vec![];
    }
    let trust = path.seen.map(|seen| seen.handshake.trust);
    let (confidence, who) = match trust {
        Some(Trust::Declared) => (Confidence::Certain, "only through the declared CA"),
        Some(Trust::System) => (Confidence::Certain, "only through a CA that was added to this machine"),
        _ => (Confidence::Likely, "by no known CA"),
    };
    let found = finding(
        Code::DirectPathIntercepted,
        path.name(),
        confidence,
        format!("{} verifies {who}", path.case.host),
    );
    vec![if trust == Some(Trust::Declared) {
        // The user knows and said so; the path stays a control for credential, quota and upstream.
        found.severity(Severity::Information).advise(
            "TLS inspection is declared: this path is a control for credential, quota and Claude itself, not for headers, bodies, streams and timing.",
        )
    } else {
        found
    }]
}

/// Connected, and then nothing that could be read.
fn silence(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((main, _)) = path.trouble() else {
        return vec![];
    };
    let found = match main.outcome {
        Outcome::NoReply | Outcome::StalledInBody => finding(
            Code::NoReply,
            path.name(),
            Confidence::Certain,
            format!("{}{}{}", say::ending(main.outcome), waited(main), beside(view, path)),
        ),
        // Where not even a connection came about, the handshake has said so.
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead if path.reach() != Reach::Connected => return vec![],
        // As no end within our time: what we gave up on is no fault of a hop until it is known to be another's answer.
        Outcome::Oversized if main.status == 200 && began_as_claude(main) => finding(
            Code::NoReply,
            path.name(),
            Confidence::Possible,
            format!(
                "no end within our own limit: {}{}",
                say::ending(main.outcome),
                beside(view, path)
            ),
        )
        .advise("The answer is longer than the probe reads: ask for less (maxTokens), or look for who adds to it."),
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead if path.case.is_direct() => finding(
            Code::DirectPathUnreachable,
            path.name(),
            Confidence::Likely,
            say::ending(main.outcome),
        ),
        // It took the request and gave it up after a time: no matter of connecting. Beside a control the time has its name.
        Outcome::ClosedBeforeHead if gave_up(main) && shots(view, path).iter().any(|shot| shot.control.is_some()) => {
            return vec![];
        }
        Outcome::ClosedBeforeHead if gave_up(main) => finding(
            Code::GatewayUnavailable,
            path.name(),
            Confidence::Likely,
            format!(
                "{} after {}",
                say::ending(main.outcome),
                say::seconds(main.total_ms.unwrap_or_default())
            ),
        ),
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead => {
            let found = finding(
                Code::GatewayConnectFailed,
                path.name(),
                Confidence::Likely,
                format!("{}{}", say::ending(main.outcome), beside(view, path)),
            );
            match main.outcome {
                Outcome::ClosedBeforeHead => found.advise(
                    "It takes the connection and closes it: look for a balancer without endpoints, an upstream that is connected to first and cannot be reached, a rule that drops requests, or a port that expects TLS.",
                ),
                _ => found,
            }
        }
        // Streams that end early on every path are Claude's doing: see `stream`.
        Outcome::CutByReset if ends_early_elsewhere(view, path) => return vec![],
        // An error that tells its own story: who answers before it has read the request, and closes, makes the kernel reset.
        Outcome::CutByReset if main.status >= 300 => return vec![],
        // After the same silence twice it is a timer that resets, and it has its name.
        Outcome::CutByReset if shots(view, path).first().is_some_and(by_idle_timer) => return vec![],
        Outcome::ResetBeforeHead | Outcome::CutByReset => finding(
            Code::ConnectionReset,
            path.name(),
            Confidence::Likely,
            format!("{}{}", say::ending(main.outcome), beside(view, path)),
        ),
        _ => return vec![],
    };
    vec![found]
}

/// Whether the connection was held for a time before it ended: what is not there closes at once.
fn gave_up(reply: &Exchange) -> bool {
    reply.total_ms.is_some_and(|ms| ms >= super::unavailable::TIMER_MIN_MS)
}

/// How long that was.
fn waited(reply: &Exchange) -> String {
    reply
        .total_ms
        .map_or_else(String::new, |ms| format!(" of {}", say::seconds(ms)))
}

/// Whether the same stream began and ended early on the control, or for the control on a gateway.
fn ends_early_elsewhere(view: &View<'_>, path: &PathView<'_>) -> bool {
    let early = |other: &PathView<'_>| {
        other.main().is_some_and(|main| {
            let stream = main.stream.as_ref();
            main.status == 200 && stream.is_some_and(|stream| stream.events > 0 && !stream.message_stop)
        })
    };
    if path.case.is_direct() {
        view.gateways().any(early)
    } else {
        view.direct().is_some_and(early)
    }
}

fn beside(view: &View<'_>, path: &PathView<'_>) -> String {
    match view.direct() {
        Some(direct) if !path.case.is_direct() => direct
            .main()
            .map_or_else(String::new, |main| format!("; direct: {}", say::head(main))),
        _ => String::new(),
    }
}

/// Something on the way answers the control in Claude's place.
fn direct_answered_by_another(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((main, provenance)) = path.trouble().filter(|_| path.case.is_direct()) else {
        return vec![];
    };
    if provenance.origin != Origin::Gateway || main.status == 0 {
        return vec![];
    }
    let code = match main.status {
        407 => Code::ForwardProxyRefused,
        _ => Code::DirectPathUnreachable,
    };
    vec![
        finding(
            code,
            path.name(),
            Confidence::Likely,
            format!("not Claude but something on the way answers: {}", say::reply(main)),
        )
        .advise("Find the proxy or firewall between the probe's pod and Claude, and let it pass the request."),
    ]
}

/// A connection that rested was dead when it was used again.
fn reuse(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(reused) = path.now(ExchangeKind::ReuseIdle).filter(|_| path.is_complete()) else {
        return vec![];
    };
    // A close just as we write is a server's keep-alive that ends by chance at the same moment: clients send again.
    if !matches!(reused.outcome, Outcome::ResetBeforeHead | Outcome::NoReply) {
        return vec![];
    }
    vec![
        finding(
            Code::ConnectionReset,
            path.name(),
            Confidence::Likely,
            format!("a connection reused after an idle time: {}", say::ending(reused.outcome)),
        )
        .severity(Severity::Warning)
        .advise("Something drops idle connections (NAT, load balancer, keep-alive limit): keep idle connections shorter than that in clients, or send TCP keepalives."),
    ]
}

/// Neither we nor any gateway can reach Claude. Looks at all paths.
pub(super) fn egress_down(view: &View<'_>, found: &[Finding]) -> Option<Finding> {
    let direct = view.direct()?;
    let stopped = !matches!(
        direct.reach(),
        Reach::Connected | Reach::NotTried | Reach::TlsUntrusted | Reach::TlsWrongName | Reach::AddressRefused
    ) && direct.reach().unusable().is_none();
    let upstream_connection = |name: &str| {
        found.iter().any(|finding| {
            finding.path == name
                && finding.confidence >= Confidence::Likely
                && matches!(
                    finding.code,
                    Code::UpstreamUnreachable
                        | Code::UpstreamConnectTimeout
                        | Code::UpstreamDnsFailure
                        | Code::GatewayUnavailable
                )
        })
    };
    let mut gateways = view.gateways().peekable();
    gateways.peek()?;
    // A gateway that got through once has a way out.
    let all = gateways
        .all(|path| path.state() == State::Failed && upstream_connection(path.name()) && !reached_upstream(path));
    (stopped && all).then(|| {
        finding(
            Code::EgressDown,
            "",
            Confidence::Likely,
            format!(
                "direct: {}; every gateway fails towards Claude, too",
                words(direct.reach()).unwrap_or_default()
            ),
        )
    })
}
