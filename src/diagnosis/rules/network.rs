//! Reaching the first hop: names, connections, TLS, forward proxies, interception, resets, silence.

use super::rule::PathRule;
use super::shot::{reached_upstream, shots};
use super::stream::by_idle_timer;
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::trouble::began_as_claude;
use crate::diagnosis::view::State;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, Outcome, Reach, Trust};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[
    handshake,
    certificate_required,
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
        // An undeclared private CA gives the same evidence.
        Code::DirectPathIntercepted => Confidence::Likely,
        _ => Confidence::Certain,
    };
    let found = finding(code, path.name(), confidence, evidence);
    vec![match (code, reach) {
        (Code::ForwardProxyRefused, _) => found.hop("forward proxy"),
        (Code::GatewayTlsFailure, Reach::TlsUntrusted) => {
            found.advise("No known CA issued the gateway's certificate chain. Declare its CA with tls.caConfigMapKeyRef, or configure the gateway to send its intermediate certificates.")
        }
        (Code::GatewayTlsFailure, Reach::TlsWrongName) => {
            found.advise("The gateway's certificate is for another name. Use that name in the URL, or set tls.serverName.")
        }
        (Code::GatewayTlsFailure, Reach::TlsNotTls) => {
            found.advise("The server at this URL does not speak TLS. Use http:// in the URL, or the port that speaks TLS.")
        }
        (Code::GatewayTlsFailure, Reach::TlsExpired) => found.advise("The gateway's certificate is expired or not yet valid. Renew it, and check the node's clock."),
        (Code::GatewayConnectFailed, Reach::AddressRefused) => {
            found.advise("The gateway's name resolves to an address that the probe does not connect to (metadata services, or networks of --refuse-network). Correct the URL.")
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
        // Where the probe's own settings prevent sending, nothing is known of the path: see `Reach::unusable`.
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
        Reach::AddressRefused => "a forbidden address: the probe does not connect to it",
        Reach::ConnectRefused => "connection refused",
        Reach::ConnectTimeout => "no answer to the connection attempt within the probe's limit",
        Reach::Unreachable => "no route",
        Reach::TlsReset => "reset during the TLS handshake",
        Reach::TlsAlert => "closed or alerted during the TLS handshake",
        Reach::TlsClientCertificate => "the server requires a client certificate",
        Reach::TlsUntrusted => "no known CA issued the certificate chain",
        Reach::TlsWrongName => "the certificate is for another name",
        Reach::TlsExpired => "the certificate is expired or not yet valid",
        Reach::TlsNotTls => "the server does not speak TLS",
        Reach::TlsTimeout => "no TLS handshake within the probe's limit",
        Reach::ProxyRefused => "the forward proxy rejected the connection",
        Reach::ProxyUnreachable => "the forward proxy cannot be reached",
    })
}

/// TLS succeeds without a client certificate, and the gateway requires one by an HTTP error.
fn certificate_required(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let requires = |(reply, provenance): &(&Exchange, Provenance)| {
        reply.error_kind == GatewayErrorKind::ClientCertificate && !provenance.from_upstream()
    };
    let Some((reply, provenance)) = path.trouble().filter(requires) else {
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
        describe::reply(reply),
    )]
}

/// The control's TLS is intercepted although its chain verifies: only an added CA vouches for api.anthropic.com.
fn intercepted(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let reached = path.reach() == Reach::Connected;
    if !path.case.is_direct() || !reached || !path.intercepted() {
        return vec![];
    }
    let trust = path.seen.map(|seen| seen.handshake.trust);
    let (confidence, who) = match trust {
        Some(Trust::Declared) => (Confidence::Certain, "trusted only through the declared CA"),
        Some(Trust::System) => (
            Confidence::Certain,
            "trusted only through a CA that was added to this machine",
        ),
        _ => (Confidence::Likely, "trusted by no known CA"),
    };
    let found = finding(
        Code::DirectPathIntercepted,
        path.name(),
        confidence,
        format!("the certificate of {} is {who}", path.case.host),
    );
    vec![if trust == Some(Trust::Declared) {
        // The user declared it; the path stays a control for credential, quota and upstream.
        found.severity(Severity::Information).advise(
            "TLS inspection is declared. This path is a control for credential, quota and Claude itself, but not for headers, bodies, streams and timing.",
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
            format!(
                "{}{}{}",
                describe::ending(main.outcome),
                waited(main),
                beside(view, path)
            ),
        ),
        // Without a connection the handshake rule reports it.
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead if path.reach() != Reach::Connected => return vec![],
        // Like no end within our time: what the probe gave up on is no fault of a hop until it is known to be another's
        // answer.
        Outcome::Oversized if main.status == 200 && began_as_claude(main) => finding(
            Code::NoReply,
            path.name(),
            Confidence::Possible,
            format!(
                "no end within the probe's own limit: {}{}",
                describe::ending(main.outcome),
                beside(view, path)
            ),
        )
        .advise("The answer is longer than the probe reads. Lower maxTokens, or find the hop that adds to the answer."),
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead if path.case.is_direct() => finding(
            Code::DirectPathUnreachable,
            path.name(),
            Confidence::Likely,
            describe::ending(main.outcome),
        ),
        // The gateway took the request and closed after a time: no connection problem. With a control the timer rule
        // names it.
        Outcome::ClosedBeforeHead if gave_up(main) && shots(view, path).iter().any(|shot| shot.control.is_some()) => {
            return vec![];
        }
        Outcome::ClosedBeforeHead if gave_up(main) => finding(
            Code::GatewayUnavailable,
            path.name(),
            Confidence::Likely,
            format!(
                "{} after {}",
                describe::ending(main.outcome),
                describe::seconds(main.total_ms.unwrap_or_default())
            ),
        ),
        Outcome::ConnectFailed | Outcome::ClosedBeforeHead => {
            let found = finding(
                Code::GatewayConnectFailed,
                path.name(),
                Confidence::Likely,
                format!("{}{}", describe::ending(main.outcome), beside(view, path)),
            );
            match main.outcome {
                Outcome::ClosedBeforeHead => found.advise(
                    "The gateway accepts the connection and closes it. Check for a balancer without endpoints, an upstream that the gateway connects to first and cannot reach, a rule that drops requests, and a port that expects TLS.",
                ),
                _ => found,
            }
        }
        // Streams that end early on every path are Claude's doing: see `stream`.
        Outcome::CutByReset if ends_early_elsewhere(view, path) => return vec![],
        // The error itself is the finding: a server that answers before it has read the request, and closes, causes a
        // reset.
        Outcome::CutByReset if main.status >= 300 => return vec![],
        // After the same silence twice it is a timer that resets, and it has its name.
        Outcome::CutByReset if shots(view, path).first().is_some_and(by_idle_timer) => return vec![],
        Outcome::ResetBeforeHead | Outcome::CutByReset => finding(
            Code::ConnectionReset,
            path.name(),
            Confidence::Likely,
            format!("{}{}", describe::ending(main.outcome), beside(view, path)),
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
        .map_or_else(String::new, |ms| format!(" of {}", describe::seconds(ms)))
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
            .map_or_else(String::new, |main| format!("; direct: {}", describe::head(main))),
        _ => String::new(),
    }
}

/// Another server answers on the control in Claude's place.
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
            format!("another server answers in Claude's place: {}", describe::reply(main)),
        )
        .advise(
            "A proxy or firewall between the probe's pod and Claude answers. Find it, and allow the request there.",
        ),
    ]
}

/// An idle connection was dead when it was used again.
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
            format!("a request on a connection that had been idle: {}", describe::ending(reused.outcome)),
        )
        .severity(Severity::Warning)
        .advise("A hop drops idle connections (NAT, load balancer, keep-alive limit). Lower the idle time of connections in clients, or send TCP keepalives."),
    ]
}

/// Neither the probe nor any gateway can reach Claude. Compares all paths.
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
                "direct: {}; every gateway fails to reach Claude, too",
                words(direct.reach()).unwrap_or_default()
            ),
        )
    })
}
