//! The bytes of the key: what is wrong with them before anything is sent, and which clients would stumble over it.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::say;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{ExchangeKind, KeyDefect, Outcome, SkipReason};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[malformed];

/// The defects that count on this path: those of form always, those of kind only where the key is meant for Claude and does
/// not work.
fn defects(view: &View<'_>, path: &PathView<'_>) -> Vec<KeyDefect> {
    let own_key = !path.case.is_direct()
        && view
            .direct()
            .is_some_and(|direct| direct.case.key_ref != path.case.key_ref);
    let works = path.is_complete();
    let counts = |defect: &KeyDefect| match defect {
        KeyDefect::WrongKind => !works && !own_key,
        KeyDefect::Placeholder | KeyDefect::DoubleBase64 => !works,
        _ => true,
    };
    path.key()
        .map(|key| key.defects.iter().copied().filter(counts).collect())
        .unwrap_or_default()
}

/// The bytes of the key are wrong, whatever the paths answer.
pub(super) fn malformed(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let defects = defects(view, path);
    let Some(first) = defects.first() else {
        return vec![];
    };
    let unsent = path.skipped(ExchangeKind::Frozen) == Some(SkipReason::NoUsableKey);
    let auth = path.trouble().is_none_or(|(reply, _)| {
        matches!(reply.status, 400 | 401 | 403 | 500 | 502) || reply.outcome != Outcome::Answered
    });
    let failed = unsent || path.trouble().is_some();
    if failed && !auth && !unsent {
        return vec![];
    }
    let trimmed = path.now(ExchangeKind::TrimmedKey).map(|reply| path.complete(reply));
    let confidence = match (unsent, failed, trimmed) {
        (true, ..) | (_, _, Some(true)) => Confidence::Certain,
        (_, true, Some(false)) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    let tried = match trimmed {
        Some(true) => "; the same key without it is accepted",
        Some(false) => "; without it the key is refused, too",
        None => "",
    };
    let names: Vec<&str> = defects.iter().map(|defect| describe(*defect)).collect();
    let answered = path.main().map_or_else(|| "not sent".to_owned(), say::head);
    let evidence = format!("the key has {}; frozen request: {answered}{tried}", names.join(", "));
    let severity = if failed { Severity::Error } else { Severity::Warning };
    vec![
        finding(Code::CredentialMalformed, path.name(), confidence, evidence)
            .severity(severity)
            .advise(fix(*first, path.case.key_ref.as_deref())),
    ]
}

fn describe(defect: KeyDefect) -> &'static str {
    match defect {
        KeyDefect::Empty => "no content",
        KeyDefect::TrailingNewline => "a line end at its end",
        KeyDefect::InnerControl => "a line end or control character inside",
        KeyDefect::Blanks => "blanks at its start or end",
        KeyDefect::ByteOrderMark => "a byte order mark at its start",
        KeyDefect::Quoted => "quotes around it",
        KeyDefect::BearerPrefix => "“Bearer ” inside the value",
        KeyDefect::DoubleBase64 => "base64 applied once too often",
        KeyDefect::Placeholder => "a placeholder that was never replaced",
        KeyDefect::WrongKind => "the shape of another kind of key than the Messages API takes",
        KeyDefect::NotAHeaderValue => "bytes that no header may carry",
    }
}

fn fix(defect: KeyDefect, key_ref: Option<&str>) -> String {
    let secret = key_ref.unwrap_or("the Secret");
    match defect {
        KeyDefect::TrailingNewline | KeyDefect::Blanks | KeyDefect::ByteOrderMark => format!(
            "Write {secret} again without it (printf %s \"$KEY\", not echo). Until then clients differ: Python SDKs refuse such a key before they send (“Connection error”), curl and some proxies send it as it is, others trim it."
        ),
        KeyDefect::DoubleBase64 => {
            format!("Encode the key once: put it into stringData, or base64 it once into data of {secret}.")
        }
        KeyDefect::Placeholder | KeyDefect::Empty => format!("Put the real key into {secret}."),
        KeyDefect::WrongKind => format!(
            "Put a Messages API key (sk-ant-api…) into {secret}: admin keys and other vendors' keys are refused."
        ),
        KeyDefect::Quoted | KeyDefect::BearerPrefix | KeyDefect::InnerControl | KeyDefect::NotAHeaderValue => {
            format!("Write the bare key into {secret}: printf %s \"$KEY\".")
        }
    }
}
