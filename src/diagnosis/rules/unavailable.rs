//! Errors that a gateway returns because its connection to Claude failed: which part of it, and which timer.
//!
//! One reply of one path gets one code here. Where the reply's text does not name the cause, status, elapsed time, a
//! second try and the control's own time decide. What they leave open stays `GatewayUnavailable`, which states a fact
//! and blames no part.

use super::rule::PathRule;
use super::shot::{Shot, direct_trouble, reached_upstream, shots};
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, Outcome, Product, ReplyTraits};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[towards_upstream];

/// Shorter waits are no timers: they are an immediate error, with its noise.
pub(super) const TIMER_MIN_MS: u32 = 900;

/// Below this a connection's time is noise, milliseconds.
const MEASURABLE: u32 = 4;

/// A gateway-made error towards upstream, by its most exact name.
fn towards_upstream(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() {
        return vec![];
    }
    shots(view, path)
        .iter()
        .filter(|shot| is_server_error(shot))
        .map(|shot| shot.grade(name(view, path, shot)))
        .collect()
}

fn is_server_error(shot: &Shot<'_>) -> bool {
    let timeout = matches!(shot.exchange.status, 408 | 500..=599);
    let closed_after_wait =
        shot.exchange.outcome == Outcome::ClosedBeforeHead && waited(shot.exchange).is_some() && shot.control.is_some();
    let own = matches!(shot.provenance.origin, Origin::Gateway | Origin::Unknown);
    let limit = matches!(
        shot.exchange.error_kind,
        GatewayErrorKind::Overflow
            | GatewayErrorKind::Cooldown
            | GatewayErrorKind::RateLimited
            | GatewayErrorKind::BudgetExceeded
            | GatewayErrorKind::NoRoute
            | GatewayErrorKind::BodyTooLarge
            | GatewayErrorKind::HeaderTooLarge
    );
    // An edge gives its own pages no id of Claude's.
    let traits = shot.exchange.traits;
    let page_of_an_edge = shot.provenance.origin == Origin::Unknown
        && traits.has(ReplyTraits::CF_RAY)
        && !traits.has(ReplyTraits::REQUEST_ID);
    own && !limit && !page_of_an_edge && shot.exchange.stream.is_none() && (timeout || closed_after_wait)
}

/// The time until the gateway gave up, where it is long enough to be a timer.
fn waited(exchange: &Exchange) -> Option<u32> {
    exchange
        .first_byte_ms
        .or(exchange.total_ms)
        .filter(|ms| *ms >= TIMER_MIN_MS)
}

fn name(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>) -> Finding {
    let after = waited(shot.exchange).map_or_else(String::new, |ms| format!(" after {}", describe::seconds(ms)));
    let direct = shot.beside.map_or_else(String::new, |theirs| {
        let first = theirs.first_byte_ms.map_or_else(String::new, |ms| {
            format!(", first byte after {}", describe::seconds(ms))
        });
        format!("; direct: {}{first}", describe::head(theirs))
    });
    let refused = view.direct().and_then(|direct| direct.now(ExchangeKind::Route));
    let get = refused
        .filter(|_| path.relay_profile.fails_a_get.is_some())
        .map_or_else(String::new, |theirs| {
            format!(
                "; a GET of the same path returns the same error here, direct: {}",
                describe::head(theirs)
            )
        });
    let evidence = format!("{}{after}{}{direct}{get}", describe::reply(shot.exchange), shot.rate());
    let new = |code: Code, confidence| {
        finding(code, path.name(), confidence, evidence.clone())
            .hop(if code == Code::GatewayUnavailable {
                "gateway"
            } else {
                "gateway → Claude"
            })
            .severity(Severity::Error)
    };
    if let Some((code, confidence)) = timer(path, shot) {
        let ms = waited(shot.exchange).unwrap_or_default();
        return new(code, confidence).advise(format!(
            "The gateway waits about {} for the first byte. Claude needed longer on the direct path. Raise that timer (proxy_read_timeout, response timeout or route timeout) above the slowest first byte, and use streaming.",
            describe::timer(ms)
        ));
    }
    let (code, confidence) = match (shot.provenance.origin, shot.exchange.status) {
        // The connection ended after a wait, and the control was answered.
        (_, 0) => (Code::GatewayUnavailable, Confidence::Likely),
        (Origin::Unknown, _) => (Code::GatewayUnavailable, Confidence::Possible),
        _ => cause(view, path, shot),
    };
    let found = new(code, confidence);
    match (code, waited(shot.exchange)) {
        (Code::GatewayUnavailable, _) => {
            found.advise(format!("{}Read the cause in the gateway's log, or run `curl -sv https://api.anthropic.com/` in the gateway's pod: the connection is refused, it times out, the name does not resolve, or the certificate fails.", readings(path, shot)))
        }
        (Code::UpstreamConnectTimeout, Some(ms)) => found.advise(format!(
            "{} The gateway gives up after about {}.",
            code.entry().advice,
            describe::timer(ms)
        )),
        _ => found,
    }
}

/// The causes that fit a reply without a named cause, for the advice.
fn readings(path: &PathView<'_>, shot: &Shot<'_>) -> String {
    if reached_upstream(path) {
        return "Other requests reach Claude on this path. Check for an upstream that closes before it answers, a replica that is down, and a timer. ".to_owned();
    }
    match waited(shot.exchange) {
        None => "The error comes at once. Possible causes: nothing listens at the upstream's address, its name does not resolve, TLS to it fails (SNI, Host, CA), or no upstream is configured. ".to_owned(),
        Some(ms) => format!(
            "The error comes after {}. Possible causes: packets to the upstream are dropped, its name server does not answer, the gateway retries a failed connection, a queue is full, or the upstream does not answer in time. ",
            describe::seconds(ms)
        ),
    }
}

/// First byte: the control needed at least 0.8 of the time after which the gateway gave up.
fn timer(path: &PathView<'_>, shot: &Shot<'_>) -> Option<(Code, Confidence)> {
    let limit = waited(shot.exchange)?;
    let direct = shot.control?.first_byte_ms?;
    let slow = u64::from(direct) * 10 >= u64::from(limit) * 8;
    let twice = shot.twice(waited);
    let names_a_timeout =
        matches!(shot.exchange.status, 408 | 504 | 524) || shot.exchange.error_kind == GatewayErrorKind::ReplyTimeout;
    // A connection that is refused and retried ends as 503 after a constant time, too, unless the connection to Claude
    // works.
    let may_be_timeout = twice && (shot.exchange.status != 503 || reached_upstream(path));
    if !slow || !(names_a_timeout || may_be_timeout) {
        return None;
    }
    let confidence = if twice && names_a_timeout {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    Some((Code::FirstByteTimeout, confidence))
}

/// Programs that answer a failed connection with another status than a missing reply: their 504 is about the reply.
fn distinguishes_timeouts(reply: &Exchange) -> bool {
    matches!(
        reply.product,
        Product::Envoy | Product::EnvoyAiGateway | Product::Haproxy | Product::Squid | Product::LiteLlm
    )
}

/// Why a gateway got no answer, as far as its reply and the control show.
///
/// Programs report "no server left" for a refused connection, dropped packets, a queue, a missing name and failed TLS
/// alike, and a bare 502 or 503 shows no more: these attribute the failure to no part.
fn cause(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>) -> (Code, Confidence) {
    let sure = shot.provenance.confidence;
    let named = match shot.exchange.error_kind {
        // Envoy reports a refused connection and failed TLS alike.
        GatewayErrorKind::ConnectFailed if shot.exchange.product == Product::Envoy && may_be_tls(view, shot) => None,
        GatewayErrorKind::ConnectFailed => Some(Code::UpstreamUnreachable),
        GatewayErrorKind::ConnectTimeout => Some(Code::UpstreamConnectTimeout),
        GatewayErrorKind::DnsFailure => Some(Code::UpstreamDnsFailure),
        GatewayErrorKind::TlsFailure => Some(Code::UpstreamTlsFailure),
        _ => None,
    };
    // Something of Claude's came through on this path in this run, or Claude has trouble of its own: the connection
    // works.
    let open = reached_upstream(path) || direct_trouble(view).is_some();
    if let Some(code) = named {
        return (code, if open { sure.min(Confidence::Likely) } else { sure });
    }
    let control = shot.control.and_then(|theirs| theirs.first_byte_ms);
    let fast = |limit: u32| control.is_some_and(|direct| u64::from(direct) * 10 < u64::from(limit) * 8);
    match (shot.exchange.status, waited(shot.exchange)) {
        _ if open || control.is_none() => (Code::GatewayUnavailable, Confidence::Likely),
        (504 | 524, Some(limit)) if fast(limit) && !distinguishes_timeouts(shot.exchange) => {
            (Code::UpstreamConnectTimeout, Confidence::Likely)
        }
        (502, Some(limit)) if fast(limit) && shot.twice(waited) && !answers_timeouts_otherwise(shot.exchange) => {
            (Code::UpstreamConnectTimeout, Confidence::Likely)
        }
        (502 | 503, None) if sooner_than_a_connection(view, shot) => (Code::UpstreamUnreachable, Confidence::Likely),
        _ => (Code::GatewayUnavailable, sure),
    }
}

/// Programs that answer a connection timeout with another status than 502.
fn answers_timeouts_otherwise(reply: &Exchange) -> bool {
    matches!(reply.product, Product::Nginx) || distinguishes_timeouts(reply)
}

/// The gateway gave up sooner than a connection to Claude can be made from here: it got no connection, and no TLS
/// failed.
fn sooner_than_a_connection(view: &View<'_>, shot: &Shot<'_>) -> bool {
    shot.failed.len() > 1
        && round_trip(view).is_some_and(|way| {
            let soon = |tried: &&Exchange| tried.first_byte_ms.is_some_and(|ms| 2 * ms < way);
            shot.failed.iter().all(soon)
        })
}

/// The round trip to Claude from here, milliseconds, where it can be measured: a connection takes one, and so does
/// every reply. A single slow connection on a busy node is none.
fn round_trip(view: &View<'_>) -> Option<u32> {
    let direct = view.direct()?;
    let connect = direct.seen?.handshake.connect_ms?;
    let replies = direct.exchanges().filter_map(|exchange| exchange.first_byte_ms);
    replies.chain([connect]).min().filter(|way| *way >= MEASURABLE)
}

/// Nothing rules out that TLS with Claude is what failed: Claude is spoken to in TLS, and the gateway did not give up
/// sooner than TLS can fail from here.
fn may_be_tls(view: &View<'_>, shot: &Shot<'_>) -> bool {
    let Some(direct) = view.direct() else { return true };
    let sooner = round_trip(view).is_some_and(|way| {
        let soon = |tried: &&Exchange| tried.first_byte_ms.is_some_and(|ms| ms < 2 * way);
        shot.failed.iter().all(soon)
    });
    direct.case.https && !sooner
}
