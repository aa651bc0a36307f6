//! The response headers of Claude's answers and errors, compared with the control's.
//!
//! A lost header that clients use is a warning: `request-id`, `retry-after`, `anthropic-ratelimit-*`. Any other
//! difference is information, and what every proxy writes in its own way (`server`, the spelling of names, its own
//! headers) is no finding by itself.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::comparison::{HeadDifference, Pair};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, ReplyHeader, ReplyTraits, Spelling};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[response_headers];

/// The gateway's replies compared with the control's.
fn response_headers(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(pair) = view
        .pair(path)
        .filter(|pair| pair.direct_unaltered() && pair.same_model())
    else {
        return vec![];
    };
    let difference = heads(path, &pair);
    let lost = lost(path, &pair, &difference);
    let listed = difference.as_ref().map(list_differences).unwrap_or_default();
    let (severity, confidence, evidence) = match lost.as_slice() {
        [] if difference.is_some_and(|difference| difference.concerns_claudes_headers()) => (
            Severity::Information,
            Confidence::Certain,
            format!("compared with the direct answer: {listed}"),
        ),
        [] => return vec![],
        lost => {
            let names: Vec<&str> = lost.iter().map(|(name, _)| *name).collect();
            let where_ = lost.first().map(|(_, of)| of.as_str()).unwrap_or_default();
            let rest = if listed.is_empty() {
                String::new()
            } else {
                format!("; all differences: {listed}")
            };
            let evidence = format!(
                "the direct {where_} has {}, this path's does not{rest}",
                names.join(" and ")
            );
            (Severity::Warning, Confidence::Certain, evidence)
        }
    };
    vec![
        finding(Code::ResponseHeadersRewritten, path.name(), confidence, evidence)
            .hop("gateway")
            .severity(severity),
    ]
}

/// The heads of the two judged answers, where both are complete and comparable.
fn heads(path: &PathView<'_>, pair: &Pair<'_, '_>) -> Option<HeadDifference> {
    let (ours, theirs) = answers(path, pair)?;
    let mut difference = HeadDifference::between(theirs.head.as_ref()?, ours.head.as_ref()?);
    // With a key of its own the gateway has limits and an account of its own.
    if !pair.same_key() {
        let own = |header: &ReplyHeader| {
            !header.is_limit() && !matches!(header, ReplyHeader::OrganizationId | ReplyHeader::WorkspaceId)
        };
        difference.dropped.retain(own);
    }
    Some(difference)
}

fn answers<'a>(path: &PathView<'a>, pair: &Pair<'_, 'a>) -> Option<(&'a Exchange, &'a Exchange)> {
    let (ours, theirs) = (path.main()?, pair.direct.main()?);
    let comparable =
        path.complete(ours) && pair.direct.complete(theirs) && ours.kind == theirs.kind && !path.is_cached();
    comparable.then_some((ours, theirs))
}

/// What clients use and do not get, with the reply that shows it.
fn lost(path: &PathView<'_>, pair: &Pair<'_, '_>, difference: &Option<HeadDifference>) -> Vec<(&'static str, String)> {
    let mut lost: Vec<(&'static str, String)> = Vec::new();
    let mut note = |name: &'static str, of: &str| {
        if lost.iter().all(|(known, _)| *known != name) {
            lost.push((name, of.to_owned()));
        }
    };
    if let Some((ours, theirs)) = answers(path, pair) {
        let gone = |mark| theirs.traits.has(mark) && !ours.traits.has(mark);
        if gone(ReplyTraits::REQUEST_ID) {
            note("request-id", "answer");
        }
        // With an account of its own a gateway hides Claude's limits on purpose: they are not the client's.
        if gone(ReplyTraits::RATE_LIMITS) && pair.same_key() {
            note("anthropic-ratelimit-*", "answer");
        }
        let spoilt = difference
            .iter()
            .flat_map(|difference| difference.merged.iter().chain(&difference.repeated));
        if spoilt.copied().any(|header| header == ReplyHeader::RequestId) {
            note("one request-id", "answer");
        }
    }
    let gone = |mark| move |(ours, theirs): &(&Exchange, &Exchange)| theirs.traits.has(mark) && !ours.traits.has(mark);
    let errors = errors(path, pair);
    let bare: Vec<_> = errors.iter().copied().filter(gone(ReplyTraits::REQUEST_ID)).collect();
    // A single one may be the gateway's own in Claude's shape, unless Claude's id is still in its body.
    let sure = |ours: &Exchange| ours.kind == ExchangeKind::Frozen || ours.traits.has(ReplyTraits::BODY_REQUEST_ID);
    if let Some((_, theirs)) = bare.first().filter(|(ours, _)| bare.len() > 1 || sure(ours)) {
        note(
            "request-id",
            &format!("{} {}", theirs.status, describe::class(theirs.error)),
        );
    }
    if errors
        .iter()
        .any(|both| both.1.status == 429 && gone(ReplyTraits::RETRY_AFTER)(both))
    {
        note("retry-after", "429");
    }
    lost
}

/// The same error of Claude's on both.
fn errors<'a>(path: &PathView<'a>, pair: &Pair<'_, 'a>) -> Vec<(&'a Exchange, &'a Exchange)> {
    let both = |kind| Some((path.known(kind)?, pair.direct.known(kind)?));
    ExchangeKind::all()
        .filter(|kind| kind.entry().comparable)
        .filter_map(both)
        .filter(|(ours, theirs)| {
            let (our, their) = (path.provenance(ours), pair.direct.provenance(theirs));
            // Where the body was written anew, that is the finding.
            let whole = ours.traits.has(ReplyTraits::ENVELOPE) && !ours.traits.has(ReplyTraits::EXTRA_KEYS);
            let quoted = ours.traits.has(ReplyTraits::INNER_REQUEST_ID) || ours.inner_error != ErrorClass::None;
            theirs.status >= 400
                && ours.status >= 400
                && whole
                && !quoted
                && their.origin == Origin::Claude
                && our.from_upstream()
                && our.class == their.class
        })
        .collect()
}

/// The difference in words.
fn list_differences(difference: &HeadDifference) -> String {
    let list = |headers: &[ReplyHeader]| -> String {
        let names = headers.iter().map(|header| match header.name() {
            group if group.ends_with('-') => format!("{group}*"),
            name => name.to_owned(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let mut parts: Vec<String> = [
        ("dropped", &difference.dropped),
        ("changed", &difference.changed),
        ("merged into one line", &difference.merged),
        ("on several lines", &difference.repeated),
    ]
    .into_iter()
    .filter(|(_, headers)| !headers.is_empty())
    .map(|(what, headers)| format!("{what}: {}", list(headers)))
    .collect();
    match difference.added {
        0 => {}
        1 => parts.push("1 header added".to_owned()),
        added => parts.push(format!("{added} headers added")),
    }
    match difference.recased {
        Some(Spelling::Lower) => parts.push("names in lower case".to_owned()),
        Some(Spelling::Capital) => parts.push("names with capitals".to_owned()),
        Some(Spelling::Mixed | Spelling::Unknown) => parts.push("names re-cased".to_owned()),
        None => {}
    }
    parts.join("; ")
}
