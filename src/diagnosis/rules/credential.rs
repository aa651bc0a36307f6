//! Credentials: who refuses which key, and which key it is that arrives.
//!
//! Three replies on one path tell it: the frozen request (our key), a random key, and no key at all. If Claude says
//! "invalid" to all three, the gateway injects a key of its own; if it says "required" to the last, ours is passed on. What
//! our key is worth only the control tells.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass;
use crate::diagnosis::StaleWorkload;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::say;
use crate::diagnosis::trouble::is_refusal;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, KeyKind, ReplyTraits};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[refused_by_upstream, refused_by_gateway, refused_by_unknown];

/// What Claude made of a forwarding check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Answered: the key that arrived is good.
    Accepted,
    /// Claude: a key arrived and is refused.
    Refused,
    /// Claude: no key arrived.
    Required,
    /// The gateway itself refused.
    Gateway,
    /// Not sent, or of unknown making.
    Unknown,
}

fn answer(path: &PathView<'_>, kind: ExchangeKind) -> Answer {
    let Some(reply) = path.known(kind) else {
        return Answer::Unknown;
    };
    if path.complete(reply) {
        return Answer::Accepted;
    }
    let provenance = path.provenance(reply);
    match provenance.class {
        // A 401 of another wording may be what Claude says of a missing key one day.
        ErrorClass::Unauthenticated => Answer::Unknown,
        class if provenance.from_upstream() && is_refusal(class) => Answer::Refused,
        ErrorClass::KeyRequired if provenance.from_upstream() => Answer::Required,
        _ if provenance.origin == Origin::Gateway && matches!(reply.status, 400 | 401 | 403) => Answer::Gateway,
        _ => Answer::Unknown,
    }
}

/// The three replies as evidence quotes them.
fn triple(path: &PathView<'_>, frozen: &Exchange) -> String {
    let mut text = format!("frozen request: {}", say::reply(frozen));
    for (kind, name) in [
        (ExchangeKind::BadKey, "random key"),
        (ExchangeKind::NoKey, "no key"),
        (ExchangeKind::OtherAuthHeader, "other auth header"),
    ] {
        if let Some(reply) = path.known(kind) {
            text.push_str(&format!("; {name}: {}", say::head(reply)));
        }
    }
    text
}

/// The control's part of the evidence.
fn beside(view: &View<'_>, path: &PathView<'_>) -> String {
    match view.pair(path) {
        Some(pair) if pair.same_key() => pair.direct.main().map_or_else(String::new, |direct| {
            format!("; direct with the same Secret: {}", say::head(direct))
        }),
        _ => String::new(),
    }
}

/// Claude refuses the credential of the frozen request.
fn refused_by_upstream(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if !provenance.from_upstream() {
        return vec![];
    }
    let mut found = match provenance.class {
        ErrorClass::KeyRequired => vec![stripped(view, path, frozen, provenance)],
        class if is_refusal(class) && path.case.is_direct() => match accepted_elsewhere(view, path) {
            Some(where_) => contradicted(path, frozen, &where_),
            None => vec![rejected(path, frozen, provenance)],
        },
        class if is_refusal(class) => refused_through_gateway(view, path, frozen, provenance),
        _ => vec![],
    };
    // A key with wrong bytes is refused and is not the key that was meant: nobody need make a new one for that.
    let malformed = super::key::malformed(view, path);
    if malformed.iter().any(|finding| finding.confidence >= Confidence::Likely) {
        found.retain(|finding| !matches!(finding.code, Code::CredentialRejected | Code::CredentialAltered));
    }
    found
}

/// Where Claude accepted the very key in this run that it refuses on the control: in another try of the same request, or
/// through a gateway that passes keys on as they are (a random one is refused there).
pub(super) fn accepted_elsewhere(view: &View<'_>, path: &PathView<'_>) -> Option<String> {
    if path.attempts().iter().any(|attempt| path.complete(attempt)) {
        return Some("the same request again was answered".to_owned());
    }
    let mut gateways = view.gateways();
    let passing = gateways.find(|other| {
        view.pair(other).is_some_and(|pair| pair.same_key())
            && other.is_complete()
            && other.now(ExchangeKind::BadKey).is_some()
            && answer(other, ExchangeKind::BadKey) == Answer::Refused
    })?;
    Some(format!(
        "{} passes keys on and was answered with the same one",
        passing.name()
    ))
}

/// Claude refuses and accepts the same key: both readings stand, and nobody need make a new key.
fn contradicted(path: &PathView<'_>, frozen: &Exchange, where_: &str) -> Vec<Finding> {
    let evidence = format!("contradictory: {}; but {where_}", triple(path, frozen));
    [Code::CredentialRejected, Code::CredentialAltered]
        .map(|code| finding(code, path.name(), Confidence::Possible, evidence.clone()))
        .to_vec()
}

fn rejected(path: &PathView<'_>, frozen: &Exchange, provenance: Provenance) -> Finding {
    finding(
        Code::CredentialRejected,
        path.name(),
        provenance.confidence.max(Confidence::Likely),
        triple(path, frozen),
    )
    .advise(match &path.case.key_ref {
        Some(key) => format!(
            "Create a new key in the Claude Console and put it into the Secret ({key}), then restart what took the old one."
        ),
        None => Code::CredentialRejected.entry().advice.to_owned(),
    })
}

fn stripped(view: &View<'_>, path: &PathView<'_>, frozen: &Exchange, provenance: Provenance) -> Finding {
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let confidence = provenance.confidence.max(Confidence::Likely);
    let found = finding(Code::CredentialStripped, path.name(), confidence, evidence).hop("gateway → Claude");
    let survives = answer(path, ExchangeKind::OtherAuthHeader) == Answer::Accepted;
    let auth_header = auth_header_name(path);
    match (&path.case.key_ref, survives) {
        (None, _) => found.advise(
            "This path sends no credential, and none reaches Claude: let the gateway add its own key, or set credential on the path.",
        ),
        (Some(_), true) => found.advise(format!(
            "{auth_header} is dropped on the way to Claude, the other auth header arrives: let the gateway forward {auth_header}, or let clients use the other."
        )),
        (Some(_), false) => found.advise(format!(
            "Let the gateway forward {auth_header} to Claude: look for a rule that removes it, for authentication that consumes it (forwardOriginalToken, sanitize, hide_credentials), and for Connection: {auth_header}."
        )),
    }
}

fn auth_header_name<'a>(path: &PathView<'a>) -> &'a str {
    path.case.auth_header.name()
}

/// Claude says "invalid" through a gateway: whose key is it?
fn refused_through_gateway(
    view: &View<'_>,
    path: &PathView<'_>,
    frozen: &Exchange,
    provenance: Provenance,
) -> Vec<Finding> {
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let sure = provenance.confidence.max(Confidence::Likely);
    let new = |code, confidence| finding(code, path.name(), confidence, evidence.clone());
    let pair = view.pair(path);
    let same_key = pair.as_ref().is_some_and(Pair::same_key);
    let direct_accepts = same_key && pair.as_ref().is_some_and(Pair::direct_works);
    let direct_refuses = same_key && pair.as_ref().is_some_and(|pair| refused(pair.direct));
    let bad = answer(path, ExchangeKind::BadKey);
    let none = answer(path, ExchangeKind::NoKey);
    match (bad, none) {
        // We send none, and Claude refuses one: it is the gateway's.
        _ if path.case.key_ref.is_none() => vec![stale(view, path, new(Code::GatewayStaleCredential, sure), false)],
        // Who sends another key or none is let in: not every replica does the same, or the key changed in between.
        (Answer::Accepted, _) | (_, Answer::Accepted) if !direct_refuses => {
            let both = format!("contradictory: {evidence}");
            [Code::GatewayStaleCredential, Code::CredentialAltered]
                .map(|code| finding(code, path.name(), Confidence::Possible, both.clone()))
                .to_vec()
        }
        // Whatever we send, a key arrives, and Claude refuses it: it is not ours. A rule that glues something to the header even
        // where there is none looks the same to Claude, which says "invalid" to any key of any shape; only a gateway that
        // is known to be older than the key leaves no other reading.
        (Answer::Refused, Answer::Refused) => {
            let sure = if older_than_key(view, path) {
                sure
            } else {
                Confidence::Likely
            };
            vec![stale(
                view,
                path,
                new(Code::GatewayStaleCredential, sure),
                direct_accepts,
            )]
        }
        // The gateway checks its own credential and swaps it for a key of its own: ours is not meant for Claude.
        (Answer::Gateway, Answer::Gateway) if foreign_key(path) => vec![stale(
            view,
            path,
            new(Code::GatewayStaleCredential, Confidence::Likely),
            false,
        )],
        (_, Answer::Required) if direct_accepts => vec![altered(path, new(Code::CredentialAltered, sure))],
        _ if direct_refuses => vec![new(Code::CredentialRejected, sure)],
        // A random or changed key cannot be expired or revoked: this one arrived as it was sent.
        // One that Claude never gave out (a gateway's own) cannot, either: that is the gateway's, exchanged for ours.
        (Answer::Refused, Answer::Required)
            if provenance.class == ErrorClass::CredentialRevoked && !foreign_key(path) =>
        {
            vec![new(Code::CredentialRejected, sure)]
        }
        // Another path passes the same key on and is refused, too: two gateways that change it alike would be odd.
        (_, Answer::Required) if refused_elsewhere(view, path) => {
            vec![new(Code::CredentialRejected, Confidence::Likely)]
        }
        (_, Answer::Required) if foreign_key(path) => {
            vec![altered(path, new(Code::CredentialAltered, Confidence::Likely))]
        }
        // Ours passes, and nothing tells whether it is good.
        (_, Answer::Required) => vec![
            new(Code::CredentialRejected, Confidence::Possible),
            altered(path, new(Code::CredentialAltered, Confidence::Possible)),
        ],
        _ => vec![
            stale(
                view,
                path,
                new(Code::GatewayStaleCredential, Confidence::Possible),
                false,
            ),
            altered(path, new(Code::CredentialAltered, Confidence::Possible)),
        ],
    }
}

/// The key on this path is no Anthropic key, as with a gateway's virtual keys.
fn foreign_key(path: &PathView<'_>) -> bool {
    path.key().is_some_and(|key| key.kind == KeyKind::Foreign)
}

/// Claude refuses this path's own key, and did not accept it in another try.
fn refused(path: &PathView<'_>) -> bool {
    let accepted = path.attempts().iter().any(|attempt| path.complete(attempt));
    !accepted
        && path
            .trouble()
            .is_some_and(|(_, provenance)| provenance.from_upstream() && is_refusal(provenance.class))
}

/// Another gateway with the same key passes it on and gets the same refusal.
fn refused_elsewhere(view: &View<'_>, path: &PathView<'_>) -> bool {
    view.gateways().any(|other| {
        other.name() != path.name()
            && other.case.key_ref == path.case.key_ref
            && refused(other)
            && answer(other, ExchangeKind::NoKey) == Answer::Required
    })
}

/// The gateway's pods started before the key of this path changed.
fn older_than_key(view: &View<'_>, path: &PathView<'_>) -> bool {
    let context = &view.case.context;
    let history = path.case.key_ref.as_deref().and_then(|key| context.key(key));
    history.and_then(|key| key.previous_last_seen_ms).is_some_and(|before| {
        let pods = &context.gateway_pods;
        pods.iter()
            .any(|pods| pods.path == path.name() && pods.oldest_start_ms < before)
    })
}

fn stale(view: &View<'_>, path: &PathView<'_>, found: Finding, direct_accepts: bool) -> Finding {
    let key_ref = path.case.key_ref.as_deref();
    let history = key_ref.and_then(|key| view.case.context.key(key));
    let changed = history.and_then(|key| key.previous_last_seen_ms).is_some();
    let found = found.hop("gateway → Claude");
    let what = if changed || direct_accepts { "stale" } else { "wrong" };
    let (age, other) = if older_than_key(view, path) {
        (" Its pods started before the key changed.", String::new())
    } else {
        let other = format!(
            " If it has no key of its own, look for a rule that adds to {} even where a client sends none.",
            auth_header_name(path)
        );
        ("", other)
    };
    let secret = key_ref.map_or_else(String::new, |key| format!(" ({key})"));
    found.advise(format!(
        "The gateway sends a {what} key of its own, whatever clients send.{age} Restart it so that it reads its Secret{secret} again (kubectl rollout restart), and mount the key as a file or add a reloader so that the next rotation needs none.{other}"
    ))
}

/// Pods that were given the key before it changed. It concerns no path.
pub(super) fn workloads(view: &View<'_>) -> Vec<Finding> {
    let finding = |held: &StaleWorkload| {
        let confidence = if held.certain {
            Confidence::Certain
        } else {
            Confidence::Possible
        };
        let more = held.count.saturating_sub(held.pods.len());
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let evidence = format!(
            "{}{rest} started before {} changed and took it at their start",
            held.pods.join(", "),
            held.key_ref
        );
        finding(Code::WorkloadStaleCredential, "", confidence, evidence)
    };
    view.case.context.stale_workloads.iter().map(finding).collect()
}

fn altered(path: &PathView<'_>, found: Finding) -> Finding {
    let found = found.hop("gateway → Claude");
    if foreign_key(path) {
        found.advise(
            "The gateway passes a key on that is not one of Claude's: give it a provider key of its own, or give this path an Anthropic key.",
        )
    } else {
        found.advise(format!(
            "A key arrives at Claude, but not the one that was sent: find the rule of the gateway that sets, prefixes, trims or moves {}, and remove it.",
            auth_header_name(path)
        ))
    }
}

/// The gateway itself refuses the credential.
fn refused_by_gateway(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if path.case.is_direct() || provenance.origin != Origin::Gateway || !asks_for_credential(path, frozen) {
        return vec![];
    }
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let mut found = Vec::new();
    if view
        .pair(path)
        .is_some_and(|pair| pair.same_key() && refused(pair.direct))
    {
        // Claude refuses this very key: whoever wrote this reply, that explains it, and explains more.
        let rejected = Code::CredentialRejected;
        found.push(finding(rejected, path.name(), Confidence::Likely, evidence.clone()));
    }
    if answer(path, ExchangeKind::OtherAuthHeader) == Answer::Accepted {
        let about_keys = frozen.status == 401
            || matches!(
                frozen.error_kind,
                GatewayErrorKind::AuthRequired | GatewayErrorKind::JwtInvalid
            );
        if !about_keys {
            // The gateway refuses, that is sure. What was let in had the other auth header, and another prompt, too.
            let sure = provenance.confidence.min(Confidence::Likely);
            found.push(finding(Code::GatewayPolicyDenied, path.name(), sure, evidence.clone()).hop("gateway"));
            found.push(carrier_mismatch(path, evidence, Confidence::Possible));
            return found;
        }
        found.push(carrier_mismatch(path, evidence, provenance.confidence));
        return found;
    }
    let confidence = own_check(path, frozen, provenance.confidence);
    if confidence == Confidence::Possible {
        // Upstream's refusal in the gateway's words looks the same.
        let reading = Code::GatewayStaleCredential;
        found.push(finding(reading, path.name(), confidence, evidence.clone()));
    }
    let own = finding(Code::GatewayAuthRefused, path.name(), confidence, evidence).hop("gateway");
    found.push(match frozen.error_kind {
        GatewayErrorKind::JwtInvalid => own.advise(
            "The gateway takes authorization for a token of its own: send the key as x-api-key (authHeader: XApiKey), or exempt this route from token validation.",
        ),
        _ => own,
    });
    found
}

/// How sure it is that a 401 is the gateway's own check. Without a mark that only such a check leaves, a random key must get
/// the same refusal: where it gets another, the gateway knows our key, and something behind its check refuses.
fn own_check(path: &PathView<'_>, frozen: &Exchange, by_marks: Confidence) -> Confidence {
    let shape = |reply: &Exchange| {
        let shapes = [
            ReplyTraits::HTML,
            ReplyTraits::TEXT,
            ReplyTraits::EMPTY,
            ReplyTraits::OTHER_JSON,
            ReplyTraits::ENVELOPE,
            ReplyTraits::WWW_AUTHENTICATE,
        ];
        (shapes.map(|mark| reply.traits.has(mark)), reply.error_kind)
    };
    if by_marks == Confidence::Certain || frozen.status != 401 {
        return by_marks;
    }
    match path.now(ExchangeKind::BadKey) {
        Some(bad) if bad.status == 401 && shape(bad) == shape(frozen) => by_marks,
        _ => Confidence::Possible,
    }
}

fn carrier_mismatch(path: &PathView<'_>, evidence: String, confidence: Confidence) -> Finding {
    finding(Code::CredentialCarrierMismatch, path.name(), confidence, evidence)
        .hop("gateway")
        .advise(format!(
            "The gateway does not accept {} but the other auth header: teach it both (SDKs since October 2026 send authorization: Bearer, older ones x-api-key), or configure clients to send the one that works.",
            auth_header_name(path)
        ))
}

/// A refusal that is about who asks: 401, or another status whose dependence on the key was seen.
pub(super) fn asks_for_credential(path: &PathView<'_>, frozen: &Exchange) -> bool {
    match frozen.status {
        401 => true,
        // Forbidden with our key and something else with a random one or none: it is the key that decides.
        400 | 403 => {
            let other = |kind| {
                path.now(kind)
                    .is_some_and(|reply| reply.status != 0 && reply.status != frozen.status)
            };
            matches!(
                frozen.error_kind,
                GatewayErrorKind::AuthRequired | GatewayErrorKind::JwtInvalid
            ) || (frozen.status == 403 && (other(ExchangeKind::BadKey) || other(ExchangeKind::NoKey)))
        }
        _ => false,
    }
}

/// A 401 of unknown making: readings, no accusation.
fn refused_by_unknown(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if provenance.origin != Origin::Unknown || frozen.status != 401 {
        return vec![];
    }
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let reading = |code, confidence| finding(code, path.name(), confidence, evidence.clone());
    let pair = view.pair(path);
    if pair.is_some_and(|pair| pair.same_key() && refused(pair.direct)) {
        return vec![reading(Code::CredentialRejected, Confidence::Likely)];
    }
    let mut readings = vec![reading(Code::GatewayAuthRefused, Confidence::Possible)];
    match provenance.class {
        ErrorClass::None if frozen.traits.has(ReplyTraits::CLAUDE_WORDS) => {
            readings.push(reading(Code::GatewayStaleCredential, Confidence::Possible));
        }
        ErrorClass::KeyRequired => readings.push(reading(Code::CredentialStripped, Confidence::Possible)),
        class if is_refusal(class) => readings.push(reading(Code::GatewayStaleCredential, Confidence::Possible)),
        _ => {}
    }
    readings
}
