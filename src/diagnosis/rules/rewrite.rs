//! What a gateway does to Claude's answers: status, body, headers; and whose answer it is: account, backend, model, cache.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::say;
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
    if let Some(found) = refusals_as_failures(view, path) {
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
                        "{} comes as {} instead of {should}",
                        say::class(provenance.class),
                        reply.status
                    ),
                )
                .hop("gateway")
            })
        })
        .into_iter()
        .collect()
}

/// What Claude refuses on the control ends here as a server error of the gateway's own, again and again, while the frozen
/// request is answered: the gateway writes Claude's refusals anew.
fn refusals_as_failures(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
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
    let theirs = pair.direct.now(first.kind).map_or_else(String::new, say::head);
    let evidence = format!(
        "what Claude refuses comes as an error of the gateway's own, {} times: {}; direct: {theirs}",
        failures.len(),
        say::reply(first)
    );
    let found = finding(Code::StatusRewritten, path.name(), Confidence::Likely, evidence);
    Some(found.hop("gateway"))
}

/// An answer under the status of an error: whoever set it, Claude answered.
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
            format!("a complete answer comes under status {}", reply.status),
        )
        .hop("gateway")
        .severity(Severity::Error)
        .advise("Claude answered, and the gateway sets another status: take out the filter, error page or response mapping that does."),
    ]
}

/// An error under status 200, whoever made it: Claude never sends one outside a stream.
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
            format!("an error comes under status 200: {}", say::reply(reply)),
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
        Some(reply) => format!("Claude's marks with a body that is not Claude's: {}", say::reply(reply)),
        // One such refusal may be the gateway's own: many check bodies, and some headers.
        None if complaints().all(|kind| path.masked.contains(&kind)) => {
            "where the direct path shows Claude's error, this one shows the same status with another body".to_owned()
        }
        None => return vec![],
    };
    vec![
        finding(Code::ErrorBodyReplaced, path.name(), Confidence::Likely, evidence)
            .hop("gateway")
            .severity(Severity::Warning),
    ]
}

/// Another organisation or workspace pays and limits.
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
        "anthropic-organization-id or anthropic-workspace-id differ from the direct path's",
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
        "replies carry a cloud platform's marks and no request-id of Claude's",
    )]
}

/// Another model answers than was asked for, and the control got the one that was asked for where there is one.
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
        format!("asked for {model}, and another model's name is in the answer"),
    )]
}

/// The answer was stored before. One that comes to another request than the first shows it, too.
fn cached(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let judged = path.main().filter(|main| main.status == 200 && main.is_stored());
    let repeated = || path.exchanges().find(|reply| reply.status == 200 && reply.is_stored());
    let Some(reply) = judged.or_else(|| repeated().filter(|_| !path.case.is_direct())) else {
        return vec![];
    };
    let evidence = match reply.cache_age_s {
        None => "one answer's request-id or message id comes with a later answer: it was stored".to_owned(),
        Some(0) => "the answer is marked as a cache hit".to_owned(),
        Some(age) => format!("the answer was stored {age} s ago"),
    };
    vec![finding(Code::ResponseCached, path.name(), Confidence::Likely, evidence)]
}

/// The gateway says that it tried more than once.
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
                "the reply says that the gateway tried more than once: {}",
                say::head(reply)
            ),
        )
        .hop("gateway"),
    ]
}
