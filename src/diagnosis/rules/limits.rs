//! Limits: whose, which, how large, and whether waiting helps.

use super::rule::PathRule;
use super::shot::{Shot, shots};
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, is_worded};
use crate::diagnosis::say;
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
        let evidence = format!("{}{}{}", say::reply(reply), size(reply), whose(view, path, reply));
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

/// What stops the frozen request is an error; a limit that only other exchanges met is a warning.
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
        (_, true) => format!("; direct answers at the same moment{account}"),
        _ => String::new(),
    }
}

fn advice(code: Code, reply: &Exchange) -> String {
    let general = code.entry().advice;
    match (code, reply.error) {
        (Code::QuotaExhausted, ErrorClass::CreditExhausted) => {
            "Buy credit in the Claude Console (Plans & Billing): retrying is useless until then.".to_owned()
        }
        (Code::QuotaExhausted, ErrorClass::SpendLimitOwn) => {
            "Raise the spend limit that you set for the organisation or workspace, or wait for the date in the reply: retrying is useless.".to_owned()
        }
        (Code::QuotaExhausted, ErrorClass::SpendLimitEnforced) => {
            "The tier's or contract's monthly spend limit is reached: move to a higher tier, or wait for the date in the reply.".to_owned()
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
    // What came after a failure of Claude's has a name of its own: see `cooldown`.
    let cools_down = shots(view, path)
        .iter()
        .any(|shot| shot.frozen && changes_its_mind(view, path, shot));
    for reply in limited(path) {
        if cools_down && path.main().is_some_and(|main| main.kind != reply.kind) {
            continue;
        }
        if reply.kind == ExchangeKind::Parallel && path.is_complete() && is_refused_beside_others(path, reply) {
            continue; // alone it is answered: see `parallel`
        }
        let provenance = path.provenance(reply);
        let evidence = format!("{}{}{}", say::reply(reply), size(reply), whose(view, path, reply));
        let new = |code, confidence| {
            finding(code, path.name(), confidence, evidence.clone())
                .hop("gateway")
                .severity(severity(path, reply))
        };
        match provenance.origin {
            Origin::Gateway => {
                let Some(code) = gateway_limit(reply) else { continue };
                let rate = code == Code::GatewayRateLimited && !says_whose(reply);
                if rate && shared(view, path) {
                    // The same key is limited by Claude at this moment: that is the better explanation, and a gateway that
                    // puts a page of its own in the place of Claude's 429 has no limit.
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

/// Words of its own, beyond what its status says.
fn says_whose(reply: &Exchange) -> bool {
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
    let said = |kind, class| path.known(kind).is_some_and(|reply| path.provenance(reply).says(class));
    (said(ExchangeKind::BadKey, ErrorClass::KeyInvalid) || said(ExchangeKind::BadKey, ErrorClass::BearerInvalid))
        && said(ExchangeKind::NoKey, ErrorClass::KeyRequired)
}

/// With the same key the control answers at this moment, with headroom.
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

/// One of several at once that the gateway refused (not Claude: no id, no envelope of its).
fn is_refused_beside_others(path: &PathView<'_>, exchange: &Exchange) -> bool {
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

/// Concurrency: several at once are refused where one is answered. A warning: the frozen request works.
fn parallel(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let sent: Vec<&Exchange> = path
        .exchanges()
        .filter(|exchange| exchange.kind == ExchangeKind::Parallel)
        .collect();
    let refused: Vec<&Exchange> = sent
        .iter()
        .copied()
        .filter(|exchange| is_refused_beside_others(path, exchange))
        .collect();
    if path.case.is_direct() || refused.is_empty() || refused.len() == sent.len() || !path.is_complete() {
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
        "{} of {} requests at once: {}",
        refused.len(),
        sent.len(),
        say::reply(refused[0])
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

/// After a failure the gateway answers the same request with a refusal of its own: a cooldown or a breaker, a symptom.
fn cooldown(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(shot) = shots(view, path).into_iter().find(|shot| shot.frozen) else {
        return vec![];
    };
    if path.case.is_direct() || !changes_its_mind(view, path, &shot) {
        return vec![];
    }
    let (first, then) = (shot.failed[0], shot.failed[1]);
    let code = if then.status == 429 {
        Code::GatewayCooldown
    } else {
        Code::CircuitBreakerOpen
    };
    let evidence = format!("first {}, then {}", say::reply(first), say::reply(then));
    vec![finding(code, path.name(), Confidence::Likely, evidence).hop("gateway")]
}

fn changes_its_mind(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>) -> bool {
    let [first, then, ..] = shot.failed.as_slice() else {
        return false;
    };
    let own = path.provenance(then).origin == Origin::Gateway && !then.traits.has(ReplyTraits::REQUEST_ID);
    let caused = matches!(first.status, 429 | 500..=599) && first.status != then.status;
    // The same key is limited by Claude at this moment: that is the better explanation.
    let claudes = then.status == 429 && !says_whose(then) && shared(view, path);
    own && caused && !claudes && matches!(then.status, 429 | 503) && path.provenance(first).from_upstream()
}
