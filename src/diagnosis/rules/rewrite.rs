//! How a gateway changes Claude's answers (status, error body), and where an answer comes from: account, backend,
//! model, cache. Response headers are in `heads`, the bodies of answers in `body`.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, ReplyTraits};
use crate::resource::spec::Upstream;
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[
    status,
    answer_as_error,
    error_as_success,
    error_body,
    account,
    backend,
    model,
    cached,
    retries,
];

/// The status that Claude gives this class; `None` where it has several.
fn canonical(class: ErrorClass) -> Option<u16> {
    Some(match class {
        ErrorClass::KeyRequired | ErrorClass::KeyInvalid | ErrorClass::BearerInvalid | ErrorClass::CorsDenied => 401,
        ErrorClass::VersionRequired
        | ErrorClass::VersionInvalid
        | ErrorClass::BetaUnexpected
        | ErrorClass::ExtraInputs
        | ErrorClass::CreditExhausted
        | ErrorClass::PromptTooLong => 400,
        ErrorClass::Billing => 402,
        ErrorClass::Permission => 403,
        ErrorClass::ModelNotFound => 404,
        ErrorClass::RateLimit | ErrorClass::AccelerationLimit | ErrorClass::ConcurrencyLimit => 429,
        ErrorClass::Overloaded => 529,
        _ => return None,
    })
}

/// Claude's error under another status. Claude itself was seen to send "Overloaded" as 500.
fn status(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() || !path.speaks_claude() {
        return vec![];
    }
    if let Some(found) = rejections_as_failures(view, path) {
        return vec![found];
    }
    path.exchanges()
        .filter(|reply| reply.stream.is_none() && reply.status != 0)
        .find_map(|reply| {
            let provenance = path.provenance(reply);
            let should = canonical(provenance.class).filter(|_| provenance.from_upstream())?;
            let own = provenance.origin == Origin::Claude && provenance.class == ErrorClass::Overloaded;
            (should != reply.status && !own).then(|| {
                finding(
                    Code::StatusRewritten,
                    path.name(),
                    Confidence::Likely,
                    format!(
                        "{} has status {} instead of {should}",
                        describe::class(provenance.class),
                        reply.status
                    ),
                )
                .hop("gateway")
            })
        })
        .into_iter()
        .collect()
}

/// Requests that Claude rejects on the control get a server error of the gateway's own here, each time, while the
/// frozen request is answered: the gateway replaces Claude's rejections.
fn rejections_as_failures(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
    let pair = view
        .pair(path)
        .filter(|pair| path.is_complete() && pair.direct_unaltered())?;
    let refused = |reply: &&Exchange| {
        pair.direct.now(reply.kind).is_some_and(|theirs| {
            (400..=499).contains(&theirs.status)
                && pair.direct.provenance(theirs).origin == Origin::Claude
                && !reply.kind.is_large()
        })
    };
    let failed = |reply: &&Exchange| reply.status >= 500 && !path.provenance(reply).from_upstream();
    let (failures, others): (Vec<_>, Vec<_>) = path.exchanges().filter(refused).partition(failed);
    let (first, [_, ..]) = failures.split_first().filter(|_| others.is_empty())? else {
        return None;
    };
    let theirs = pair.direct.now(first.kind).map_or_else(String::new, describe::head);
    let evidence = format!(
        "requests that Claude rejects get a server error of the gateway's own, {} times: {}; direct: {theirs}",
        failures.len(),
        describe::reply(first)
    );
    let found = finding(Code::StatusRewritten, path.name(), Confidence::Likely, evidence);
    Some(found.hop("gateway"))
}

/// An answer under the status of an error: Claude answered, and a hop set the status.
fn answer_as_error(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(reply) = path
        .main()
        .filter(|reply| !path.case.is_direct() && reply.is_answer_restated())
    else {
        return vec![];
    };
    vec![
        finding(
            Code::StatusRewritten,
            path.name(),
            Confidence::Likely,
            format!("a complete answer has status {}", reply.status),
        )
        .hop("gateway")
        .severity(Severity::Error)
        .advise("Claude answered, and the gateway sets another status. Remove the filter, error page or response mapping that sets it."),
    ]
}

/// An error under status 200, of any origin: Claude never sends one outside a stream.
fn error_as_success(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble().filter(|_| !path.case.is_direct()) else {
        return vec![];
    };
    if reply.status != 200 || reply.stream.is_some() || provenance.class == ErrorClass::None {
        return vec![];
    }
    vec![
        finding(
            Code::StatusRewritten,
            path.name(),
            Confidence::Likely,
            format!("an error has status 200: {}", describe::reply(reply)),
        )
        .hop("gateway")
        .severity(Severity::Error),
    ]
}

/// Claude's error with a body that the gateway wrote.
fn error_body(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() || !path.speaks_claude() {
        return vec![];
    }
    let foreign = |reply: &&Exchange| {
        reply.status >= 400
            && !reply.is_answer_restated()
            && path.provenance(reply).origin == Origin::Relayed
            && (!reply.traits.has(ReplyTraits::ENVELOPE)
                || reply.traits.has(ReplyTraits::EXTRA_KEYS)
                || reply.traits.has(ReplyTraits::INNER_REQUEST_ID)
                || reply.inner_error != ErrorClass::None)
    };
    let complaints = || ExchangeKind::all().filter(|kind| kind.entry().complaint);
    let evidence = match path.exchanges().find(foreign) {
        Some(reply) => format!(
            "a reply with Claude's headers has a body that is not Claude's: {}",
            describe::reply(reply)
        ),
        // A single rejection may be the gateway's own: many validate bodies, and some headers.
        None if complaints().all(|kind| path.masked.contains(&kind)) => {
            "where the direct path returns Claude's error, this path returns the same status with another body"
                .to_owned()
        }
        None => return vec![],
    };
    vec![
        finding(Code::ErrorBodyReplaced, path.name(), Confidence::Likely, evidence)
            .hop("gateway")
            .severity(Severity::Warning),
    ]
}

/// The gateway's key belongs to another organisation or workspace.
fn account(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(pair) = view.pair(path).filter(|_| path.case.expect_same_account) else {
        return vec![];
    };
    if pair.same_account() != Some(false) {
        return vec![];
    }
    vec![finding(
        Code::DifferentAccount,
        path.name(),
        Confidence::Certain,
        "anthropic-organization-id or anthropic-workspace-id differs from the direct path's",
    )]
}

/// Another platform answers than the Claude API.
fn backend(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() || path.case.upstream != Upstream::Auto || !path.on_platform() {
        return vec![];
    }
    vec![finding(
        Code::DifferentBackend,
        path.name(),
        Confidence::Likely,
        "replies have a cloud platform's headers and no request-id of Claude's",
    )]
}

/// Another model answers than the requested one, and not on the control.
fn model(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let substituted = path.main().is_some_and(|main| main.model_matches == Some(false));
    let direct_too = view
        .direct()
        .and_then(|direct| direct.main())
        .is_some_and(|main| main.model_matches == Some(false));
    if path.case.is_direct() || !substituted || direct_too {
        return vec![];
    }
    let model = path.case.model.as_deref().unwrap_or(&view.case.request.model);
    vec![finding(
        Code::ModelSubstituted,
        path.name(),
        Confidence::Certain,
        format!("the request names {model}, and the answer names another model"),
    )]
}

/// The answer was stored before. A stored answer to any request of the run shows it.
fn cached(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let judged = path.main().filter(|main| main.status == 200 && main.is_stored());
    let repeated = || path.exchanges().find(|reply| reply.status == 200 && reply.is_stored());
    let Some(reply) = judged.or_else(|| repeated().filter(|_| !path.case.is_direct())) else {
        return vec![];
    };
    let evidence = match reply.cache_age_s {
        None => "a later answer repeats an earlier answer's request-id or message id: it was stored".to_owned(),
        Some(0) => "the answer is labelled as a cache hit".to_owned(),
        Some(age) => format!("the answer was stored {age} s ago"),
    };
    vec![finding(Code::ResponseCached, path.name(), Confidence::Likely, evidence)]
}

/// The gateway reports that it tried more than once.
fn retries(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let retried = path
        .exchanges()
        .find(|exchange| exchange.traits.has(ReplyTraits::RETRIED));
    let Some(reply) = retried.filter(|_| !path.case.is_direct()) else {
        return vec![];
    };
    vec![
        finding(
            Code::HiddenRetries,
            path.name(),
            Confidence::Likely,
            format!(
                "the reply reports that the gateway tried more than once: {}",
                describe::head(reply)
            ),
        )
        .hop("gateway"),
    ]
}
