//! Credentials: which hop rejects which key, and which key arrives at Claude.
//!
//! Three replies on one path show it: to the frozen request (our key), to a random key, and to no key at all. Where
//! Claude answers "invalid" to all three, the gateway sends a key of its own; where it answers "required" to the last,
//! ours is forwarded. Only the control shows whether our key is valid.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass;
use crate::diagnosis::StaleWorkload;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::trouble::is_rejection;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, GatewayErrorKind, KeyKind, ReplyTraits};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[rejected_by_upstream, rejected_by_gateway, rejected_by_unknown];

/// How a forwarding check of the credential was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Answered: the key that arrived is good.
    Accepted,
    /// Claude: a key arrived and is rejected.
    Rejected,
    /// Claude: no key arrived.
    Required,
    /// The gateway itself rejected it.
    Gateway,
    /// Not sent, or of unknown origin.
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
        // A 401 of another wording may be Claude's future error for a missing key.
        ErrorClass::Unauthenticated => Answer::Unknown,
        class if provenance.from_upstream() && is_rejection(class) => Answer::Rejected,
        ErrorClass::KeyRequired if provenance.from_upstream() => Answer::Required,
        _ if provenance.origin == Origin::Gateway && matches!(reply.status, 400 | 401 | 403) => Answer::Gateway,
        _ => Answer::Unknown,
    }
}

/// The three replies as evidence quotes them.
fn triple(path: &PathView<'_>, frozen: &Exchange) -> String {
    let other = format!("key in {}", path.case.auth_header.other().name());
    let mut text = format!("frozen request: {}", describe::reply(frozen));
    for (kind, name) in [
        (ExchangeKind::BadKey, "random key"),
        (ExchangeKind::NoKey, "no key"),
        (ExchangeKind::OtherAuthHeader, other.as_str()),
    ] {
        if let Some(reply) = path.known(kind) {
            text.push_str(&format!("; {name}: {}", describe::head(reply)));
        }
    }
    text
}

/// The control's part of the evidence.
fn beside(view: &View<'_>, path: &PathView<'_>) -> String {
    match view.pair(path) {
        Some(pair) if pair.same_key() => pair.direct.main().map_or_else(String::new, |direct| {
            format!("; direct with the same Secret: {}", describe::head(direct))
        }),
        _ => String::new(),
    }
}

/// Claude rejects the credential of the frozen request.
fn rejected_by_upstream(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if !provenance.from_upstream() {
        return vec![];
    }
    let mut found = match provenance.class {
        ErrorClass::KeyRequired => vec![stripped(view, path, frozen, provenance)],
        class if is_rejection(class) && path.case.is_direct() => match accepted_elsewhere(view, path) {
            Some(where_) => contradicted(path, frozen, &where_),
            None => vec![key_rejected(path, frozen, provenance)],
        },
        class if is_rejection(class) => rejected_through_gateway(view, path, frozen, provenance),
        _ => vec![],
    };
    // A key with wrong bytes is rejected and is not the intended key: a new key would not fix that.
    let malformed = super::key::malformed(view, path);
    if malformed.iter().any(|finding| finding.confidence >= Confidence::Likely) {
        found.retain(|finding| !matches!(finding.code, Code::CredentialRejected | Code::CredentialAltered));
    }
    found
}

/// Where Claude accepted the same key in this run that it rejects on the control: in another try of the same request,
/// or through a gateway that forwards keys unchanged (a random one is rejected there).
pub(super) fn accepted_elsewhere(view: &View<'_>, path: &PathView<'_>) -> Option<String> {
    if path.attempts().iter().any(|attempt| path.complete(attempt)) {
        return Some("the repeated request was answered".to_owned());
    }
    let mut gateways = view.gateways();
    let passing = gateways.find(|other| {
        view.pair(other).is_some_and(|pair| pair.same_key())
            && other.is_complete()
            && other.now(ExchangeKind::BadKey).is_some()
            && answer(other, ExchangeKind::BadKey) == Answer::Rejected
    })?;
    Some(format!(
        "{} forwards keys, and Claude answered with the same key",
        passing.name()
    ))
}

/// Claude rejects and accepts the same key: both readings stand, and no new key is needed.
fn contradicted(path: &PathView<'_>, frozen: &Exchange, where_: &str) -> Vec<Finding> {
    let evidence = format!("contradictory: {}; but {where_}", triple(path, frozen));
    [Code::CredentialRejected, Code::CredentialAltered]
        .map(|code| finding(code, path.name(), Confidence::Possible, evidence.clone()))
        .to_vec()
}

fn key_rejected(path: &PathView<'_>, frozen: &Exchange, provenance: Provenance) -> Finding {
    finding(
        Code::CredentialRejected,
        path.name(),
        provenance.confidence.max(Confidence::Likely),
        triple(path, frozen),
    )
    .advise(match &path.case.key_ref {
        Some(key) => format!(
            "Create a new key in the Claude Console and put it into the Secret ({key}). Then restart the workloads that use the old key."
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
    let other_header = path.case.auth_header.other();
    let other = other_header.name();
    match (&path.case.key_ref, survives) {
        (None, _) => found.advise(
            "This path sends no credential, and none reaches Claude. Configure the gateway to add its own key, or set credential on the path.",
        ),
        (Some(_), true) => found.advise(format!(
            "The gateway drops {auth_header} and forwards {other}. Configure it to forward {auth_header}, or configure clients to send {other}."
        )),
        (Some(_), false) => found.advise(format!(
            "Configure the gateway to forward {auth_header} to Claude. Check for a rule that removes it, authentication that consumes it (forwardOriginalToken, sanitize, hide_credentials), and a `Connection: {auth_header}` header."
        )),
    }
}

fn auth_header_name<'a>(path: &PathView<'a>) -> &'a str {
    path.case.auth_header.name()
}

/// Claude rejects a key as invalid through a gateway: ours or the gateway's.
fn rejected_through_gateway(
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
    let direct_rejects = same_key && pair.as_ref().is_some_and(|pair| rejected(pair.direct));
    let bad = answer(path, ExchangeKind::BadKey);
    let none = answer(path, ExchangeKind::NoKey);
    match (bad, none) {
        // The path sends none, and Claude rejects one: it is the gateway's.
        _ if path.case.key_ref.is_none() => vec![stale(view, path, new(Code::GatewayStaleCredential, sure), false)],
        // A request with another key or none is answered: replicas differ, or the key changed in between.
        (Answer::Accepted, _) | (_, Answer::Accepted) if !direct_rejects => {
            let both = format!("contradictory: {evidence}");
            [Code::GatewayStaleCredential, Code::CredentialAltered]
                .map(|code| finding(code, path.name(), Confidence::Possible, both.clone()))
                .to_vec()
        }
        // Whatever the path sends, a key arrives, and Claude rejects it: it is not ours. A rule that adds to the header
        // even where it is absent gives the same replies, since Claude calls any key of any shape invalid. Only a
        // gateway that is known to be older than the key leaves no other reading.
        (Answer::Rejected, Answer::Rejected) => {
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
        // The gateway checks its own credential and replaces it by a key of its own: ours is not meant for Claude.
        (Answer::Gateway, Answer::Gateway) if foreign_key(path) => vec![stale(
            view,
            path,
            new(Code::GatewayStaleCredential, Confidence::Likely),
            false,
        )],
        (_, Answer::Required) if direct_accepts => vec![altered(path, new(Code::CredentialAltered, sure))],
        _ if direct_rejects => vec![new(Code::CredentialRejected, sure)],
        // A random or changed key cannot be expired or revoked: this one arrived as it was sent.
        // Nor can one that Claude never issued (a gateway's own): the rejected key is the gateway's.
        (Answer::Rejected, Answer::Required)
            if provenance.class == ErrorClass::CredentialRevoked && !foreign_key(path) =>
        {
            vec![new(Code::CredentialRejected, sure)]
        }
        // Another path forwards the same key and is rejected, too: two gateways hardly change it alike.
        (_, Answer::Required) if rejected_elsewhere(view, path) => {
            vec![new(Code::CredentialRejected, Confidence::Likely)]
        }
        (_, Answer::Required) if foreign_key(path) => {
            vec![altered(path, new(Code::CredentialAltered, Confidence::Likely))]
        }
        // Ours is forwarded, and nothing shows whether it is valid.
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

/// Claude rejects this path's own key, and did not accept it in another try.
fn rejected(path: &PathView<'_>) -> bool {
    let accepted = path.attempts().iter().any(|attempt| path.complete(attempt));
    !accepted
        && path
            .trouble()
            .is_some_and(|(_, provenance)| provenance.from_upstream() && is_rejection(provenance.class))
}

/// Another gateway forwards the same key and gets the same rejection.
fn rejected_elsewhere(view: &View<'_>, path: &PathView<'_>) -> bool {
    view.gateways().any(|other| {
        other.name() != path.name()
            && other.case.key_ref == path.case.key_ref
            && rejected(other)
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
            " A gateway without a key of its own has a rule that adds to {} even where a client sends none: remove that rule.",
            auth_header_name(path)
        );
        ("", other)
    };
    let secret = key_ref.map_or_else(String::new, |key| format!(" ({key})"));
    found.advise(format!(
        "The gateway sends a {what} key of its own, whatever clients send.{age} Restart the gateway to reload its Secret{secret}: kubectl rollout restart. Mount the key as a file or add a reloader, so that the next rotation needs no restart.{other}"
    ))
}

/// Pods that read the key before it changed. The finding concerns no path.
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
            "{}{rest} started before {} changed and read it at start",
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
            "The gateway forwards a key that is not an Anthropic key. Configure a provider key in the gateway, or use an Anthropic key on this path.",
        )
    } else {
        found.advise(format!(
            "A key arrives at Claude, but not the one that was sent. Remove the gateway's rule that sets, prefixes, trims or moves {}.",
            auth_header_name(path)
        ))
    }
}

/// The gateway itself rejects the credential.
fn rejected_by_gateway(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if path.case.is_direct() || provenance.origin != Origin::Gateway || !depends_on_credential(path, frozen) {
        return vec![];
    }
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let mut found = Vec::new();
    if view
        .pair(path)
        .is_some_and(|pair| pair.same_key() && rejected(pair.direct))
    {
        // Claude rejects the same key: that explains this reply, of any origin, and more.
        let rejected_key = Code::CredentialRejected;
        found.push(finding(rejected_key, path.name(), Confidence::Likely, evidence.clone()));
    }
    if answer(path, ExchangeKind::OtherAuthHeader) == Answer::Accepted {
        let about_keys = frozen.status == 401
            || matches!(
                frozen.error_kind,
                GatewayErrorKind::AuthRequired | GatewayErrorKind::JwtInvalid
            );
        if !about_keys {
            // The gateway rejects, that is certain. The answered request had the other auth header, and another prompt,
            // too.
            let sure = provenance.confidence.min(Confidence::Likely);
            found.push(finding(Code::GatewayPolicyDenied, path.name(), sure, evidence.clone()).hop("gateway"));
            found.push(auth_header_mismatch(path, evidence, Confidence::Possible));
            return found;
        }
        found.push(auth_header_mismatch(path, evidence, provenance.confidence));
        return found;
    }
    let confidence = own_check(path, frozen, provenance.confidence);
    if confidence == Confidence::Possible {
        // An upstream rejection that the gateway rewrote gives the same reply.
        let reading = Code::GatewayStaleCredential;
        found.push(finding(reading, path.name(), confidence, evidence.clone()));
    }
    let own = finding(Code::GatewayAuthRefused, path.name(), confidence, evidence).hop("gateway");
    found.push(match frozen.error_kind {
        GatewayErrorKind::JwtInvalid => own.advise(
            "The gateway validates `Authorization` as a token of its own. Send the key as x-api-key (authHeader: XApiKey), or exempt this route from token validation.",
        ),
        _ => own,
    });
    found
}

/// How sure it is that a 401 is the gateway's own check. Without a trait that only such a check leaves, a random key
/// must get the same rejection: where it gets another, the gateway knows our key, and a hop behind its check rejects.
fn own_check(path: &PathView<'_>, frozen: &Exchange, by_traits: Confidence) -> Confidence {
    let shape = |reply: &Exchange| {
        let shapes = [
            ReplyTraits::HTML,
            ReplyTraits::TEXT,
            ReplyTraits::EMPTY,
            ReplyTraits::OTHER_JSON,
            ReplyTraits::ENVELOPE,
            ReplyTraits::WWW_AUTHENTICATE,
        ];
        (shapes.map(|flag| reply.traits.has(flag)), reply.error_kind)
    };
    if by_traits == Confidence::Certain || frozen.status != 401 {
        return by_traits;
    }
    match path.now(ExchangeKind::BadKey) {
        Some(bad) if bad.status == 401 && shape(bad) == shape(frozen) => by_traits,
        _ => Confidence::Possible,
    }
}

fn auth_header_mismatch(path: &PathView<'_>, evidence: String, confidence: Confidence) -> Finding {
    finding(Code::CredentialCarrierMismatch, path.name(), confidence, evidence)
        .hop("gateway")
        .advise(format!(
            "The gateway accepts {} but not {}. Configure the gateway to accept both auth headers, or configure clients to send the accepted one. SDKs since October 2026 send `Authorization: Bearer`, older ones send `x-api-key`.",
            path.case.auth_header.other().name(),
            auth_header_name(path)
        ))
}

/// A rejection that depends on the credential: 401, or another status whose dependence on the key was seen.
pub(super) fn depends_on_credential(path: &PathView<'_>, frozen: &Exchange) -> bool {
    match frozen.status {
        401 => true,
        // Forbidden with our key and another status with a random one or none: the key decides.
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

/// A 401 of unknown origin: readings only.
fn rejected_by_unknown(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((frozen, provenance)) = path.trouble() else {
        return vec![];
    };
    if provenance.origin != Origin::Unknown || frozen.status != 401 {
        return vec![];
    }
    let evidence = format!("{}{}", triple(path, frozen), beside(view, path));
    let reading = |code, confidence| finding(code, path.name(), confidence, evidence.clone());
    let pair = view.pair(path);
    if pair.is_some_and(|pair| pair.same_key() && rejected(pair.direct)) {
        return vec![reading(Code::CredentialRejected, Confidence::Likely)];
    }
    let mut readings = vec![reading(Code::GatewayAuthRefused, Confidence::Possible)];
    match provenance.class {
        ErrorClass::None if frozen.traits.has(ReplyTraits::CLAUDE_WORDS) => {
            readings.push(reading(Code::GatewayStaleCredential, Confidence::Possible));
        }
        ErrorClass::KeyRequired => readings.push(reading(Code::CredentialStripped, Confidence::Possible)),
        class if is_rejection(class) => readings.push(reading(Code::GatewayStaleCredential, Confidence::Possible)),
        _ => {}
    }
    readings
}
