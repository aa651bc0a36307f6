//! Claude's own trouble by code, from a reply and its origin; and whether the control's trouble may be the cause of a
//! gateway's rewritten reply. Helpers that several rules share; they make no finding.

use super::comparison::Pair;
use super::path::{PathView, State};
use super::provenance::{Origin, Provenance};
use crate::catalogue::Code;
use crate::claude::error::ErrorClass;
use crate::report::evidence::{Exchange, GatewayErrorKind, Outcome, ReplyTraits};

/// The control's trouble, when it may stand behind the reply of this path.
pub(super) fn behind<'a>(path: &PathView<'a>, direct: &PathView<'a>) -> Option<(&'a Exchange, Provenance)> {
    let (theirs, made) = direct.trouble().filter(|_| direct.state() == State::Failed)?;
    let (reply, provenance) = path
        .trouble()
        .filter(|_| !path.case.is_direct() && path.speaks_claude())?;
    let refused = theirs.status >= 400 && made.origin != Origin::Gateway;
    let alike = reply.status == theirs.status || reply.status >= 500 || failed_at_once(reply);
    let hides = alike && (refused || ended_early(theirs)) && !provenance.from_upstream() && is_general(reply);
    // An error of Claude's about a key concerns this key only.
    let concerns = of_the_key(theirs, made).is_none() || Pair::new(direct, path).same_key();
    (hides && concerns).then_some((theirs, made))
}

/// Claude's error about the key, on any path that sends it.
pub(super) fn of_the_key(theirs: &Exchange, made: Provenance) -> Option<Code> {
    let refused = is_rejection(made.class).then_some(Code::CredentialRejected);
    let limited = || limit(theirs, made);
    let unknown = || (made.class == ErrorClass::ModelNotFound).then_some(Code::ModelNotFound);
    refused
        .or_else(limited)
        .or_else(unknown)
        .filter(|_| made.from_upstream())
}

/// Whether any error of an upstream may end as this reply: it names no connection problem, and has no trait of an
/// authentication check.
fn is_general(reply: &Exchange) -> bool {
    let worded = matches!(
        reply.error_kind,
        GatewayErrorKind::None
            | GatewayErrorKind::AuthRequired
            | GatewayErrorKind::Denied
            | GatewayErrorKind::RateLimited
            | GatewayErrorKind::NoHealthyUpstream
            | GatewayErrorKind::ClosedEarly
            | GatewayErrorKind::UpstreamRefused
    );
    let failed = reply.status >= 400 || failed_at_once(reply);
    failed && worded && !reply.traits.has(ReplyTraits::WWW_AUTHENTICATE)
}

/// Classes in which Claude rejects a credential that arrived.
pub(super) fn is_rejection(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::KeyInvalid
            | ErrorClass::BearerInvalid
            | ErrorClass::CredentialRevoked
            | ErrorClass::Unauthenticated
    )
}

/// Which of Claude's limits an error class is; a 429 without a class is a rate limit.
pub(super) fn limit(reply: &Exchange, provenance: Provenance) -> Option<Code> {
    match provenance.class {
        ErrorClass::RateLimit | ErrorClass::Throttled => Some(Code::RateLimited),
        ErrorClass::AccelerationLimit => Some(Code::AccelerationLimited),
        ErrorClass::ConcurrencyLimit => Some(Code::ConcurrencyLimited),
        ErrorClass::CreditExhausted
        | ErrorClass::SpendLimitOwn
        | ErrorClass::SpendLimitEnforced
        | ErrorClass::Billing => Some(Code::QuotaExhausted),
        ErrorClass::OrganizationDisabled => Some(Code::AccountDisabled),
        ErrorClass::None if reply.status == 429 && !reply.is_answer_restated() => Some(Code::RateLimited),
        _ => None,
    }
}

/// Which trouble of Claude's or its edge's this reply is; the trouble of a key is not among them.
pub(super) fn code(reply: &Exchange, provenance: Provenance) -> Option<Code> {
    if reply.is_answer_restated() {
        return None;
    }
    match (provenance.class, provenance.origin) {
        (ErrorClass::Overloaded, _) => Some(Code::UpstreamOverloaded),
        (ErrorClass::Internal | ErrorClass::Timeout, _) => Some(Code::UpstreamError),
        (ErrorClass::Permission | ErrorClass::OauthNotAllowed, _) => Some(Code::PermissionDenied),
        (_, Origin::ClaudeEdge) if reply.traits.has(ReplyTraits::EDGE_FORBIDDEN) => Some(Code::EgressAddressRefused),
        // Under any status that a gateway gave the page.
        (ErrorClass::EdgeChallenge, Origin::ClaudeEdge) => Some(Code::EdgeBlocked),
        (ErrorClass::EdgeUnavailable, Origin::ClaudeEdge) => Some(Code::UpstreamError),
        (ErrorClass::EdgeForbidden, _) => Some(Code::EgressAddressRefused),
        (_, Origin::ClaudeEdge) if reply.status == 403 => Some(Code::EdgeBlocked),
        (_, Origin::ClaudeEdge) if reply.status >= 500 => Some(Code::UpstreamError),
        (ErrorClass::None, Origin::Relayed) if reply.status == 529 => Some(Code::UpstreamOverloaded),
        (ErrorClass::None, Origin::Claude | Origin::Relayed) if reply.status >= 500 => Some(Code::UpstreamError),
        (ErrorClass::None, Origin::Claude) if reply.status == 403 => Some(Code::PermissionDenied),
        _ => None,
    }
}

/// The code of a page of an unknown Cloudflare zone, if it is Claude's.
pub(super) fn unnamed_page(reply: &Exchange, provenance: Provenance) -> Option<Code> {
    let page = reply.traits.has(ReplyTraits::CF_RAY)
        && (reply.traits.has(ReplyTraits::HTML) || reply.traits.has(ReplyTraits::CHALLENGE));
    let wrapped = reply.traits.has(ReplyTraits::WRAPPED_PAGE);
    match reply.status {
        _ if !(page || wrapped) || provenance.origin != Origin::Unknown => None,
        _ if reply.error == ErrorClass::EdgeChallenge => Some(Code::EdgeBlocked),
        _ if reply.error == ErrorClass::EdgeUnavailable => Some(Code::UpstreamError),
        403 => Some(Code::EdgeBlocked),
        500..=599 => Some(Code::UpstreamError),
        _ => None,
    }
}

/// Whether an answer that is longer than we read may be one of Claude's all the same: its stream has a model.
pub(super) fn began_as_claude(reply: &Exchange) -> bool {
    reply.stream.is_some() && reply.model_matches.is_some()
}

/// A stream that is nothing but an error, with nothing of Claude's before it or on its head: a rejection that came too
/// late for a status.
pub(super) fn failed_at_once(reply: &Exchange) -> bool {
    let error = reply
        .stream
        .as_ref()
        .is_some_and(|stream| stream.error_event_genuine == Some(false));
    error && reply.status == 200 && !begun(reply)
}

/// Whether any content of Claude's precedes the error.
pub(super) fn begun(reply: &Exchange) -> bool {
    began_as_claude(reply) || reply.traits.has(ReplyTraits::REQUEST_ID)
}

/// The control's stream began and ended without `message_stop`.
pub(super) fn ended_early(theirs: &Exchange) -> bool {
    theirs
        .stream
        .as_ref()
        .is_some_and(|stream| theirs.status == 200 && !stream.message_stop && theirs.outcome != Outcome::Oversized)
}
