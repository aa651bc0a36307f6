//! Errors that a gateway makes because its way to Claude failed: which part of the way, and which timer.
//!
//! One reply of one path gets one name here. Without words that name the cause, status, elapsed time, a second try and the
//! control's own time decide; what they leave open stays `GatewayUnavailable`, which states a fact and blames no part.

use super::shot::{Shot, direct_trouble, reached_upstream, shots};
use super::{Finding, Leg, View};
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::say;
use crate::report::evidence::{Exchange, Maker, Outcome, Phrase};

/// Shorter waits are no timers: they are a refusal, and its noise.
pub(super) const TIMER_MIN_MS: u32 = 900;

/// A gateway-made error towards upstream, by its most exact name.
pub(super) fn towards_upstream(view: &View<'_>, leg: &Leg<'_>) -> Vec<Finding> {
    if leg.path.is_direct() {
        return vec![];
    }
    shots(view, leg)
        .iter()
        .filter(|shot| is_server_error(shot))
        .map(|shot| shot.grade(name(view, leg, shot)))
        .collect()
}

fn is_server_error(shot: &Shot<'_>) -> bool {
    let timeout = matches!(shot.exchange.status, 408 | 500..=599);
    let closed_after_wait =
        shot.exchange.outcome == Outcome::ClosedBeforeHead && waited(shot.exchange).is_some() && shot.control.is_some();
    let own = matches!(shot.provenance.origin, Origin::Gateway | Origin::Unknown);
    let limit = matches!(
        shot.exchange.phrase,
        Phrase::Overflow | Phrase::Cooldown | Phrase::RateLimited | Phrase::BudgetExceeded | Phrase::NoRoute
    );
    let page_of_an_edge =
        shot.provenance.origin == Origin::Unknown && shot.exchange.marks.has(crate::report::evidence::Marks::CF_RAY);
    own && !limit && !page_of_an_edge && shot.exchange.stream.is_none() && (timeout || closed_after_wait)
}

/// The time until the gateway gave up, where it is long enough to be a timer.
fn waited(exchange: &Exchange) -> Option<u32> {
    exchange
        .first_byte_ms
        .or(exchange.total_ms)
        .filter(|ms| *ms >= TIMER_MIN_MS)
}

fn name(view: &View<'_>, leg: &Leg<'_>, shot: &Shot<'_>) -> Finding {
    let after = waited(shot.exchange).map_or_else(String::new, |ms| format!(" after {}", say::seconds(ms)));
    let direct = shot.beside.map_or_else(String::new, |theirs| {
        let first = theirs
            .first_byte_ms
            .map_or_else(String::new, |ms| format!(", first byte after {}", say::seconds(ms)));
        format!("; direct: {}{first}", say::head(theirs))
    });
    let evidence = format!("{}{after}{}{direct}", say::reply(shot.exchange), shot.rate());
    let new = |code: Code, confidence| {
        let hop = if code == Code::GatewayUnavailable {
            "gateway"
        } else {
            "gateway → Claude"
        };
        finding(code, leg.name(), confidence, evidence.clone())
            .hop(hop)
            .severity(Severity::Error)
    };
    if let Some((code, confidence)) = timer(leg, shot) {
        let found = new(code, confidence);
        let ms = waited(shot.exchange).unwrap_or_default();
        return found.advise(format!(
            "The gateway waits about {} for the first byte; Claude needed longer on the direct path. Raise that timer (proxy_read_timeout, response or route timeout) above the slowest first byte, and stream.",
            say::seconds(ms)
        ));
    }
    if shot.provenance.origin == Origin::Unknown || shot.exchange.status == 0 {
        return new(Code::GatewayUnavailable, Confidence::Possible);
    }
    let (code, confidence) = cause(view, leg, shot);
    new(code, confidence)
}

/// First byte: the control needed at least 0.8 of the time after which the gateway gave up.
fn timer(leg: &Leg<'_>, shot: &Shot<'_>) -> Option<(Code, Confidence)> {
    let limit = waited(shot.exchange)?;
    let direct = shot.control?.first_byte_ms?;
    let slow = u64::from(direct) * 10 >= u64::from(limit) * 8;
    let twice = shot.twice(waited);
    let says_timeout = matches!(shot.exchange.status, 408 | 504 | 524) || shot.exchange.phrase == Phrase::ReplyTimeout;
    // A connection that is refused and retried ends as 503 after a constant time, too, unless the way is open.
    let may_be_timeout = twice && (shot.exchange.status != 503 || reached_upstream(leg));
    if !slow || !(says_timeout || may_be_timeout) {
        return None;
    }
    let confidence = if twice && says_timeout {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    Some((Code::FirstByteTimeout, confidence))
}

/// Programs that answer a failed connection with another status than a missing reply: their 504 is about the reply.
fn tells_timeouts_apart(reply: &Exchange) -> bool {
    matches!(
        reply.maker,
        Maker::Envoy | Maker::EnvoyAiGateway | Maker::Haproxy | Maker::Squid | Maker::LiteLlm
    )
}

/// Why a gateway could not get an answer, as far as its reply and the control tell.
fn cause(view: &View<'_>, leg: &Leg<'_>, shot: &Shot<'_>) -> (Code, Confidence) {
    let sure = shot.provenance.confidence;
    let named = match shot.exchange.phrase {
        Phrase::ConnectFailed | Phrase::NoHealthyUpstream => Some(Code::UpstreamUnreachable),
        Phrase::ConnectTimeout => Some(Code::UpstreamConnectTimeout),
        Phrase::DnsFailure => Some(Code::UpstreamDnsFailure),
        Phrase::TlsFailure => Some(Code::UpstreamTlsFailure),
        _ => None,
    };
    // Something of Claude's came through on this path in this run, or Claude has trouble of its own: the way is open.
    let open = reached_upstream(leg) || direct_trouble(view).is_some();
    // "No server left" is what some programs say of a refusal, dropped packets, a queue, a missing name and failed TLS alike.
    let general = shot.exchange.phrase == Phrase::NoHealthyUpstream;
    if let Some(code) = named {
        let sure = if open || general {
            sure.min(Confidence::Likely)
        } else {
            sure
        };
        return (code, sure);
    }
    let control = shot.control.and_then(|theirs| theirs.first_byte_ms);
    let fast = |limit: u32| control.is_some_and(|direct| u64::from(direct) * 10 < u64::from(limit) * 8);
    match (shot.exchange.status, waited(shot.exchange)) {
        _ if open || control.is_none() => (Code::GatewayUnavailable, Confidence::Likely),
        (504 | 524, Some(limit)) if fast(limit) && !tells_timeouts_apart(shot.exchange) => {
            (Code::UpstreamConnectTimeout, Confidence::Likely)
        }
        (502, Some(limit)) if fast(limit) && shot.twice(waited) => (Code::UpstreamConnectTimeout, Confidence::Likely),
        (502, None) if shot.exchange.phrase == Phrase::None => (Code::UpstreamUnreachable, Confidence::Likely),
        _ => (Code::GatewayUnavailable, sure),
    }
}
