//! Limits: whether Claude or the gateway limits, which limit, its size, and whether waiting helps.

use super::rule::PathRule;
use super::shot::{Shot, shots};
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, is_worded};
use crate::diagnosis::trouble::limit;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, LimitKind, ReplyTraits, same_account};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[upstream, gateway, parallel, cooldown];

/// Claude's own limits, on the frozen request (an error) or under load (a warning).
fn upstream(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for reply in limited(path) {
        let provenance = path.provenance(reply);
        let Some(code) = limit(reply, provenance).filter(|_| provenance.from_upstream()) else {
            continue;
        };
        let confidence = if provenance.class == ErrorClass::None {
            Confidence::Likely
        } else {
            provenance.confidence.max(Confidence::Likely)
        };
        let evidence = format!("{}{}{}", describe::reply(reply), size(reply), whose(view, path, reply));
        found.push(
            finding(code, path.name(), confidence, evidence)
                .severity(severity(path, reply))
                .advise(advice(code, reply)),
        );
    }
    found
}

/// Replies of this run that may be a limit's: the judged one and those of parallel and later exchanges.
fn limited<'a>(path: &PathView<'a>) -> impl Iterator<Item = &'a Exchange> {
    let main = path.trouble().map(|(main, _)| main);
    let others = path.exchanges().filter(move |exchange| {
        main.is_none_or(|main| main.kind != exchange.kind) && exchange.status == 429 && exchange.kind.needs_own_key()
    });
    main.into_iter().chain(others)
}

/// A limit on the frozen request is an error; one that only other exchanges reached is a warning.
fn severity(path: &PathView<'_>, reply: &Exchange) -> Severity {
    let stops = path.trouble().is_some_and(|(main, _)| main.kind == reply.kind);
    if stops { Severity::Error } else { Severity::Warning }
}

fn size(reply: &Exchange) -> String {
    let mut text = String::new();
    if let Some(limit) = reply.limit {
        let what = match limit.kind {
            LimitKind::Requests => "requests",
            LimitKind::InputTokens => "input tokens",
            LimitKind::OutputTokens => "output tokens",
            LimitKind::Tokens => "tokens",
        };
        match limit.per_minute {
            0 => text.push_str(&format!("; limit on {what} per minute")),
            n => text.push_str(&format!("; limit of {n} {what} per minute")),
        }
    }
    if let Some(wait) = reply.retry_after_s {
        text.push_str(&format!("; retry-after {wait} s"));
    }
    text
}

/// Whether the control meets the same limit, and in the same account.
fn whose(view: &View<'_>, path: &PathView<'_>, reply: &Exchange) -> String {
    let Some(pair) = view.pair(path) else {
        return String::new();
    };
    let limited = pair
        .direct
        .main()
        .is_some_and(|direct| limit(direct, pair.direct.provenance(direct)).is_some());
    let theirs = pair.direct.main().and_then(|direct| direct.account);
    let same = reply.account.zip(theirs).and_then(|(a, b)| same_account(a, b));
    let account = match same {
        Some(true) => " (same organisation and workspace)",
        Some(false) => " (another organisation or workspace)",
        None => "",
    };
    match (limited, pair.direct_works()) {
        (true, _) => format!("; direct is limited, too{account}"),
        (_, true) => format!("; direct answers in the same run{account}"),
        _ => String::new(),
    }
}

fn advice(code: Code, reply: &Exchange) -> String {
    let general = code.entry().advice;
    match (code, reply.error) {
        (Code::QuotaExhausted, ErrorClass::CreditExhausted) => {
            "The credit is used up. Buy credit in the Claude Console (Plans & Billing). Retries fail until then.".to_owned()
        }
        (Code::QuotaExhausted, ErrorClass::SpendLimitOwn) => {
            "The organisation or workspace has reached its own spend limit. Raise it, or wait for the date in the reply. Retries fail until then.".to_owned()
        }
        (Code::QuotaExhausted, ErrorClass::SpendLimitEnforced) => {
            "The monthly spend limit of the tier or contract is reached. Move to a higher tier, or wait for the date in the reply.".to_owned()
        }
        (Code::RateLimited, _) => match reply.retry_after_s {
            Some(wait) => format!("{general} Wait {wait} s before the next try."),
            None => general.to_owned(),
        },
        _ => general.to_owned(),
    }
}

/// The gateway's own limits.
fn gateway(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() {
        return vec![];
    }
    let mut found = Vec::new();
    // A limit right after a failure of Claude's has a finding of its own: see `cooldown`.
    let cools_down = shots(view, path)
        .iter()
        .any(|shot| shot.frozen && turns_to_own_error(view, path, shot));
    for reply in limited(path) {
        if cools_down && path.main().is_some_and(|main| main.kind != reply.kind) {
            continue;
        }
        if reply.kind == ExchangeKind::Parallel && path.is_complete() && is_rejected_in_parallel(path, reply) {
            continue; // answered without parallel requests: see `parallel`
        }
        let provenance = path.provenance(reply);
        let evidence = format!("{}{}{}", describe::reply(reply), size(reply), whose(view, path, reply));
        let new = |code, confidence| {
            finding(code, path.name(), confidence, evidence.clone())
                .hop("gateway")
                .severity(severity(path, reply))
        };
        match provenance.origin {
            Origin::Gateway => {
                let Some(code) = gateway_limit(reply) else { continue };
                let rate = code == Code::GatewayRateLimited && !names_its_owner(reply);
                if rate && shared(view, path) {
                    // Claude limits the same key in this run: that is the better explanation, and a gateway that
                    // replaces Claude's 429 by a page of its own has no limit.
                    found.push(new(Code::RateLimited, Confidence::Likely));
                    found.push(new(code, Confidence::Possible));
                } else {
                    found.push(new(code, provenance.confidence));
                }
            }
            Origin::Unknown if reply.status == 429 => {
                let sure = passes_our_key(path) && view.pair(path).is_some_and(|pair| headroom_left(&pair));
                let confidence = if sure { Confidence::Likely } else { Confidence::Possible };
                found.push(new(Code::GatewayRateLimited, confidence));
                let shared = shared(view, path);
                let confidence = if shared {
                    Confidence::Likely
                } else {
                    Confidence::Possible
                };
                found.push(new(Code::RateLimited, confidence));
            }
            _ => {}
        }
    }
    found
}

/// Which of a gateway's limits a gateway-made reply is.
fn gateway_limit(reply: &Exchange) -> Option<Code> {
    match (reply.status, reply.error_kind) {
        (400..=599, GatewayErrorKind::Cooldown) => Some(match reply.status {
            503 => Code::CircuitBreakerOpen,
            _ => Code::GatewayCooldown,
        }),
        (400..=599, GatewayErrorKind::Overflow) => Some(Code::GatewayConcurrencyLimited),
        (400..=599, GatewayErrorKind::RateLimited | GatewayErrorKind::BudgetExceeded) => Some(Code::GatewayRateLimited),
        (429, _) if reply.kind == ExchangeKind::Parallel => Some(Code::GatewayConcurrencyLimited),
        (402 | 429, _) => Some(Code::GatewayRateLimited),
        _ => None,
    }
}

/// Text or headers of the gateway's own, beyond its status.
fn names_its_owner(reply: &Exchange) -> bool {
    is_worded(reply) || reply.traits.has(ReplyTraits::GATEWAY_HEADER)
}

/// Claude limits the same key on the direct path in this run.
fn shared(view: &View<'_>, path: &PathView<'_>) -> bool {
    view.pair(path).is_some_and(|pair| {
        pair.same_key()
            && pair.direct.trouble().is_some_and(|(direct, provenance)| {
                provenance.from_upstream() && limit(direct, provenance) == Some(Code::RateLimited)
            })
    })
}

/// Forwarding checks showed that the key which arrives at Claude is the one that we send.
fn passes_our_key(path: &PathView<'_>) -> bool {
    let seen = |kind, class| {
        path.known(kind)
            .is_some_and(|reply| path.provenance(reply).is_upstreams(class))
    };
    (seen(ExchangeKind::BadKey, ErrorClass::KeyInvalid) || seen(ExchangeKind::BadKey, ErrorClass::BearerInvalid))
        && seen(ExchangeKind::NoKey, ErrorClass::KeyRequired)
}

/// With the same key the control is answered in this run, with headroom left.
fn headroom_left(pair: &Pair<'_, '_>) -> bool {
    pair.same_key()
        && pair.direct_works()
        && pair.direct.main().is_some_and(|direct| {
            direct.headroom.is_some_and(|left| {
                [left.requests, left.input_tokens, left.output_tokens, left.tokens]
                    .into_iter()
                    .flatten()
                    .all(|percent| percent > 0)
            })
        })
}

/// One of several parallel requests that the gateway rejected (not Claude: no id, no envelope of Claude's).
fn is_rejected_in_parallel(path: &PathView<'_>, exchange: &Exchange) -> bool {
    let origin = path.provenance(exchange).origin;
    match exchange.status {
        503 => origin == Origin::Gateway,
        429 => {
            let named = matches!(
                exchange.error_kind,
                GatewayErrorKind::Cooldown | GatewayErrorKind::BudgetExceeded
            );
            matches!(origin, Origin::Gateway | Origin::Unknown) && !named
        }
        _ => false,
    }
}

/// Concurrency: parallel requests are rejected where one is answered. A warning: the frozen request works.
fn parallel(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let sent: Vec<&Exchange> = path
        .exchanges()
        .filter(|exchange| exchange.kind == ExchangeKind::Parallel)
        .collect();
    let rejected: Vec<&Exchange> = sent
        .iter()
        .copied()
        .filter(|exchange| is_rejected_in_parallel(path, exchange))
        .collect();
    if path.case.is_direct() || rejected.is_empty() || rejected.len() == sent.len() || !path.is_complete() {
        return vec![];
    }
    let direct_takes_it = view.direct().is_none_or(|direct| {
        direct
            .exchanges()
            .filter(|exchange| exchange.kind == ExchangeKind::Parallel)
            .all(|exchange| direct.complete(exchange))
    });
    if !direct_takes_it {
        return vec![];
    }
    let evidence = format!(
        "{} of {} parallel requests: {}",
        rejected.len(),
        sent.len(),
        describe::reply(rejected[0])
    );
    vec![
        finding(
            Code::GatewayConcurrencyLimited,
            path.name(),
            Confidence::Likely,
            evidence,
        )
        .hop("gateway")
        .severity(Severity::Warning),
    ]
}

/// After a failure the gateway rejects the same request by itself: a cooldown or a circuit breaker, a symptom.
fn cooldown(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(shot) = shots(view, path).into_iter().find(|shot| shot.frozen) else {
        return vec![];
    };
    if path.case.is_direct() || !turns_to_own_error(view, path, &shot) {
        return vec![];
    }
    let (first, then) = (shot.failed[0], shot.failed[1]);
    let code = if then.status == 429 {
        Code::GatewayCooldown
    } else {
        Code::CircuitBreakerOpen
    };
    let evidence = format!("first {}, then {}", describe::reply(first), describe::reply(then));
    vec![finding(code, path.name(), Confidence::Likely, evidence).hop("gateway")]
}

fn turns_to_own_error(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>) -> bool {
    let [first, then, ..] = shot.failed.as_slice() else {
        return false;
    };
    let own = path.provenance(then).origin == Origin::Gateway && !then.traits.has(ReplyTraits::REQUEST_ID);
    let caused = matches!(first.status, 429 | 500..=599) && first.status != then.status;
    // Claude limits the same key in this run: that is the better explanation.
    let claudes = then.status == 429 && !names_its_owner(then) && shared(view, path);
    own && caused && !claudes && matches!(then.status, 429 | 503) && path.provenance(first).from_upstream()
}
