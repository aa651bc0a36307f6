//! Replies that do not come from the Claude API, and rejections by a gateway's policy, filter or size limit.

use super::rule::PathRule;
use super::shot::shots;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::trouble::began_as_claude;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{BodyKind, Exchange, ExchangeKind, GatewayErrorKind, Outcome, ReplyTraits};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[wrong_route, collapsed, denied, waf, sizes];

/// The URL does not lead to the Claude API: a 404, a redirect, a foreign or empty 200, no HTTP at all.
fn wrong_route(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble().filter(|(reply, _)| !reply.is_answer_restated()) else {
        return vec![];
    };
    let direct_ok = view.pair(path).is_some_and(|pair| pair.direct_works());
    let same_request_works = direct_ok && view.pair(path).is_some_and(|pair| pair.same_key() && pair.same_model());
    let confidence = match reply.status {
        0 if matches!(reply.outcome, Outcome::NotHttp | Outcome::Oversized) => Confidence::Likely,
        // RFC 9110, 15: no final answer, or none at all.
        100..=199 | 600.. => Confidence::Likely,
        200 if reply.outcome == Outcome::Oversized && !began_as_claude(reply) => Confidence::Likely,
        404 | 405 | 410 | 421 => match (provenance.origin, provenance.class) {
            (_, ErrorClass::ModelNotFound) => return vec![],
            (Origin::Gateway, _) if reply.error_kind == GatewayErrorKind::UnknownModel => return vec![],
            (Origin::Gateway, _) => provenance.confidence,
            // Claude itself has no such endpoint: the prefix is wrong. Some keys get this for a model, too.
            _ if provenance.from_upstream() && (direct_ok || reply.status == 405) => Confidence::Likely,
            // Of any origin: for the same model the same key gets an answer elsewhere.
            (Origin::Unknown, ErrorClass::NotFound)
                if same_request_works && reply.error_kind != GatewayErrorKind::UnknownModel =>
            {
                Confidence::Likely
            }
            _ => Confidence::Possible,
        },
        // The same under another status.
        _ if provenance.is_upstreams(ErrorClass::NotFound) && direct_ok => Confidence::Likely,
        300..=399 => Confidence::Likely,
        // With Claude's own traits the route is right, and the body was changed on its way back.
        200 if foreign(reply) && !super::body::is_claudes_changed(reply) => {
            // A gateway that gets nothing from upstream may return nothing, and the control gets nothing either.
            let direct_unanswered = view
                .direct()
                .and_then(PathView::main)
                .is_some_and(|main| main.status == 0);
            if direct_unanswered && reply.body == BodyKind::Empty {
                Confidence::Possible
            } else {
                Confidence::Likely
            }
        }
        201..=299 => Confidence::Likely,
        _ if provenance.origin == Origin::Gateway && reply.error_kind == GatewayErrorKind::NoRoute => {
            Confidence::Likely
        }
        _ => return vec![],
    };
    let found = finding(
        Code::WrongRoute,
        path.name(),
        confidence,
        format!("{}{}", describe::reply(reply), body(reply)),
    );
    vec![match reply.status {
        300..=399 => found.advise(
            "The path answers with a redirect (to a login page, or from http to https). Change the URL to the address where the API itself answers.",
        ),
        200 => found.advise(
            "The path returns a 200 that is no answer of Claude's: the URL leads to another backend, a login page or an error page. Correct the base URL. The probe appends /v1/messages to it.",
        ),
        _ => found,
    }]
}

/// A 200 whose body was cut shows nothing of the route.
fn foreign(reply: &Exchange) -> bool {
    reply.outcome == Outcome::Answered
        && reply.stream.is_none()
        && reply.error == ErrorClass::None
        && reply.inner_error == ErrorClass::None
        && matches!(
            reply.body,
            BodyKind::Empty | BodyKind::Html | BodyKind::OtherJson | BodyKind::Other
        )
}

fn body(reply: &Exchange) -> &'static str {
    match reply.body {
        BodyKind::Empty => ", empty body",
        BodyKind::Html => ", HTML body",
        BodyKind::OtherJson => ", JSON of another shape",
        BodyKind::Other => ", body of another kind",
        BodyKind::MessageNotStream => ", a complete message",
        BodyKind::Unknown | BodyKind::AsAsked => "",
    }
}

/// A complete message where the request wants a stream: a hop collects the stream first.
fn collapsed(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    shots(view, path)
        .into_iter()
        .filter(|shot| {
            path.wants_stream(shot.exchange.kind)
                && shot.exchange.status == 200
                && shot.exchange.body == BodyKind::MessageNotStream
                && !path.case.is_direct()
        })
        .map(|shot| {
            let confidence = match shot.control {
                Some(_) => Confidence::Certain,
                // Whether a saved body requests a stream is not known.
                None if view.case.request.saved_body => Confidence::Possible,
                None => Confidence::Likely,
            };
            shot.grade(
                finding(
                    Code::StreamCollapsed,
                    path.name(),
                    confidence,
                    "the request wants a stream, and the reply is one complete message",
                )
                .hop("gateway"),
            )
        })
        .collect()
}

/// The gateway itself rejects the request, and not for its credential.
fn denied(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble().filter(|_| !path.case.is_direct()) else {
        return vec![];
    };
    if provenance.origin != Origin::Gateway {
        return unknown_rejection(view, path, reply, provenance);
    }
    let sure = provenance.confidence;
    let code = match reply.status {
        _ if reply.error_kind == GatewayErrorKind::ClientCertificate => return vec![], // has a name of its own
        403 if content_decides(path) => Code::WafBlocked,
        403 if super::credential::depends_on_credential(path, reply) => return vec![],
        407 => Code::ForwardProxyRefused,
        413 => Code::GatewayBodyLimit,
        431 => Code::GatewayHeaderLimit,
        _ if reply.error_kind == GatewayErrorKind::BodyTooLarge => Code::GatewayBodyLimit,
        _ if reply.error_kind == GatewayErrorKind::HeaderTooLarge => Code::GatewayHeaderLimit,
        // Those without a name of their own in this match or in another rule, the many that no standard assigns
        // included.
        400 | 403 | 406 | 409 | 411..=418 | 422..=428 | 430 | 432..=498 if is_policy(path, reply) => {
            Code::GatewayPolicyDenied
        }
        _ => return vec![],
    };
    let found = finding(code, path.name(), sure, describe::reply(reply))
        .hop("gateway")
        .severity(Severity::Error);
    vec![match (reply.status, reply.traits.has(ReplyTraits::EMPTY)) {
        (403, true) => found.advise(
            "The gateway denies with an empty body. Check first that its external authoriser is up and reachable, then its access rules.",
        ),
        _ => found,
    }]
}

/// Rejections that other rules name more exactly are theirs.
fn is_policy(path: &PathView<'_>, reply: &Exchange) -> bool {
    let named_elsewhere = matches!(
        reply.error_kind,
        GatewayErrorKind::AuthRequired
            | GatewayErrorKind::JwtInvalid
            | GatewayErrorKind::RateLimited
            | GatewayErrorKind::Overflow
            | GatewayErrorKind::Cooldown
            | GatewayErrorKind::BudgetExceeded
            | GatewayErrorKind::UnknownModel
            | GatewayErrorKind::NoRoute
    );
    let bad_key = path.key().is_some_and(|key| !key.defects.is_empty());
    !(named_elsewhere || reply.status == 400 && bad_key)
}

/// The same path accepts another prompt: the content decides.
fn content_decides(path: &PathView<'_>) -> bool {
    path.now(ExchangeKind::BenignPrompt)
        .is_some_and(|twin| twin.status != 403 && twin.status != 0 && path.provenance(twin).origin != Origin::Gateway)
}

/// A 403, or a 400 that names nothing, of unknown origin: readings.
fn unknown_rejection(view: &View<'_>, path: &PathView<'_>, reply: &Exchange, provenance: Provenance) -> Vec<Finding> {
    if provenance.origin != Origin::Unknown {
        return vec![];
    }
    let unnamed = provenance.class == ErrorClass::InvalidRequest && is_policy(path, reply);
    let claudes = match reply.status {
        403 => Code::PermissionDenied,
        // Claude accepts the same request on the control: where it rejects this one, the gateway changed it.
        400 if unnamed && view.pair(path).is_some_and(|pair| pair.direct_works()) => Code::BodyRewritten,
        _ => return vec![],
    };
    [Code::GatewayPolicyDenied, claudes]
        .into_iter()
        .map(|code| finding(code, path.name(), Confidence::Possible, describe::reply(reply)))
        .collect()
}

/// The gateway rejects the prompt that resembles an attack, and not its benign twin. The frozen request works: a
/// warning.
fn waf(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(attack) = path
        .known(ExchangeKind::AttackPrompt)
        .filter(|_| !path.case.is_direct())
    else {
        return vec![];
    };
    let rejected = path.provenance(attack).origin == Origin::Gateway && (400..=499).contains(&attack.status);
    let dropped = matches!(attack.outcome, Outcome::ResetBeforeHead | Outcome::ClosedBeforeHead);
    let twin = path.known(ExchangeKind::BenignPrompt).or_else(|| path.main());
    let twin_passes = twin.is_some_and(|twin| {
        twin.status != attack.status
            && twin.status != 0
            && path.provenance(twin).origin != Origin::Gateway
            && twin.status < 500
    });
    if !(rejected || dropped) || !twin_passes {
        return vec![];
    }
    let evidence = format!(
        "prompt that resembles an attack: {}; benign prompt: {}",
        describe::reply(attack),
        twin.map_or_else(String::new, describe::head)
    );
    vec![
        finding(Code::WafBlocked, path.name(), Confidence::Likely, evidence)
            .hop("gateway")
            .severity(Severity::Warning),
    ]
}

/// A size that the gateway rejects and Claude accepts.
fn sizes(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    [
        (ExchangeKind::BigBody, Code::GatewayBodyLimit, "the big body"),
        (ExchangeKind::LargeHeader, Code::GatewayHeaderLimit, "the large header"),
    ]
    .into_iter()
    .filter_map(|(kind, code, what)| too_large(view, path, kind, code, what))
    .collect()
}

fn too_large(view: &View<'_>, path: &PathView<'_>, kind: ExchangeKind, code: Code, what: &str) -> Option<Finding> {
    let reply = path.known(kind).filter(|_| !path.case.is_direct())?;
    let names_it = matches!(
        (code, reply.status, reply.error_kind),
        (Code::GatewayBodyLimit, 413, _)
            | (Code::GatewayBodyLimit, _, GatewayErrorKind::BodyTooLarge)
            | (Code::GatewayHeaderLimit, 431 | 494, _)
            | (Code::GatewayHeaderLimit, _, GatewayErrorKind::HeaderTooLarge)
    );
    let own = path.provenance(reply).origin == Origin::Gateway;
    let dropped = matches!(reply.outcome, Outcome::ResetBeforeHead | Outcome::ClosedBeforeHead);
    // The same path must take the request when it is small, or the size is not what decides.
    let small = path.main().filter(|main| path.complete(main))?;
    let control = view.direct().and_then(|direct| Some((direct, direct.known(kind)?)));
    let direct = control.map(|(_, theirs)| theirs);
    // Only Claude's own rejection rules the gateway out: another hop on the direct path may have its own limit.
    let direct_takes = control.map(|(path, theirs)| {
        theirs.status != 0 && !(matches!(theirs.status, 413 | 431) && path.provenance(theirs).from_upstream())
    });
    // Some gateways fail on the size instead of rejecting it. Nothing else may fail on the path, or the size is not the
    // cause.
    let breaks = |reply: &Exchange| reply.status >= 500 && path.provenance(reply).origin == Origin::Gateway;
    let breaks_alone = breaks(reply)
        && path
            .exchanges()
            .filter(|other| other.kind != kind)
            .all(|other| !breaks(other));
    // The big body has an unknown field, and so may the request with the large header: rejecting that is no size limit.
    let takes_the_field = path.known(ExchangeKind::UnknownField).is_some_and(|field| {
        (field.status != 0 && field.status != reply.status) || path.provenance(field).from_upstream()
    });
    let counts = || {
        path.known(ExchangeKind::CountTokens)
            .is_some_and(|counted| path.complete(counted))
    };
    let bare = kind == ExchangeKind::LargeHeader && counts();
    let rejects = own && (400..=499).contains(&reply.status) && (takes_the_field || bare);
    let confidence = match (own && names_it, rejects || dropped || breaks_alone, direct_takes) {
        (_, _, Some(false)) => return None,
        (true, _, Some(true)) => Confidence::Certain,
        (true, _, None) | (false, true, Some(true)) => Confidence::Likely,
        _ => return None,
    };
    let evidence = format!(
        "{what}: {}; the frozen request: {}{}",
        describe::reply(reply),
        describe::head(small),
        direct.map_or_else(String::new, |theirs| format!(
            "; {what} on direct: {}",
            describe::head(theirs)
        ))
    );
    Some(
        finding(code, path.name(), confidence, evidence)
            .hop("gateway")
            .severity(Severity::Warning),
    )
}
