//! The bytes of the key: which defects they have before anything is sent, and which clients fail on them.
//! Knows the defects that the probe reported and how the key fared; never sees the key.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{ExchangeKind, KeyDefect, Outcome, SkipReason};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[malformed];

/// The defects that count on this path: those of form always, those of kind only where the key is meant for Claude and
/// does not work.
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

/// The bytes of the key have a defect, whatever the paths answer.
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
        Some(false) => "; without it the key is rejected, too",
        None => "",
    };
    let names: Vec<&str> = defects.iter().map(|defect| defect_text(*defect)).collect();
    let answered = path.main().map_or_else(|| "not sent".to_owned(), describe::head);
    let evidence = format!("the key has {}; frozen request: {answered}{tried}", names.join(", "));
    let severity = if failed { Severity::Error } else { Severity::Warning };
    vec![
        finding(Code::CredentialMalformed, path.name(), confidence, evidence)
            .severity(severity)
            .advise(fix(*first, path.case.key_ref.as_deref())),
    ]
}

fn defect_text(defect: KeyDefect) -> &'static str {
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
        KeyDefect::WrongKind => "the shape of a key that the Messages API does not accept",
        KeyDefect::NotAHeaderValue => "bytes that are not allowed in a header",
    }
}

fn fix(defect: KeyDefect, key_ref: Option<&str>) -> String {
    let secret = key_ref.unwrap_or("the Secret");
    match defect {
        KeyDefect::TrailingNewline | KeyDefect::Blanks | KeyDefect::ByteOrderMark => format!(
            "Write the key into {secret} without it: use printf %s \"$KEY\", not echo. Until then clients behave differently: Python SDKs reject such a key before they send (“Connection error”), curl and some proxies send it unchanged, others trim it."
        ),
        KeyDefect::DoubleBase64 => {
            format!(
                "Encode the key in base64 only once. Put the plain key into stringData of {secret}, or its base64 into data."
            )
        }
        KeyDefect::Placeholder | KeyDefect::Empty => format!("Put the real key into {secret}."),
        KeyDefect::WrongKind => format!(
            "Put a Messages API key (sk-ant-api…) into {secret}. Claude rejects admin keys and other vendors' keys."
        ),
        KeyDefect::Quoted | KeyDefect::BearerPrefix | KeyDefect::InnerControl | KeyDefect::NotAHeaderValue => {
            format!("Write only the key itself into {secret}: printf %s \"$KEY\".")
        }
    }
}
