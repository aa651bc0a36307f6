//! Claude's own trouble behind a reply that a gateway wrote.
//!
//! Many gateways replace every error of their upstream with a reply of their own, under the same status or as a server
//! error. Where Claude has trouble on the control in the same run, such a reply shows nothing of the gateway: the
//! trouble explains both, and what other rules derive from the gateway's text is only a reading.

use super::credential;
use super::rule::PathRule;
use crate::catalogue::{Code, Confidence};
use crate::diagnosis::describe;
use crate::diagnosis::finding::finding;
use crate::diagnosis::trouble;
use crate::diagnosis::view::{PathView, View};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[same_as_direct];

/// The control's trouble, on the gateway that hides it.
fn same_as_direct(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((theirs, made)) = path.hides else {
        return vec![];
    };
    let code = match trouble::of_the_key(theirs, made) {
        None if trouble::ended_early(theirs) => Some(Code::UpstreamStreamError),
        None if made.from_upstream() => trouble::code(theirs, made),
        None => trouble::unnamed_page(theirs, made),
        code => code,
    };
    let reply = path
        .trouble()
        .map_or_else(String::new, |(reply, _)| describe::reply(reply));
    let evidence = format!("{reply}; direct in the same run: {}", describe::head(theirs));
    // Claude accepts the key a moment later: a reading, here as on the control.
    let taken = |direct: &PathView<'_>| credential::accepted_elsewhere(view, direct).is_some();
    let sure = if code == Some(Code::CredentialRejected) && view.direct().is_some_and(taken) {
        Confidence::Possible
    } else {
        Confidence::Likely
    };
    code.map(|code| finding(code, path.name(), sure, evidence))
        .into_iter()
        .collect()
}

/// Findings from a text that may hide the control's trouble become readings.
pub(super) fn demote_readings(path: &PathView<'_>, findings: &mut [Finding]) {
    if path.hides.is_none() {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| finding.code.is_read_from_reply()) {
        finding.confidence = Confidence::Possible;
    }
}
