//! Claude's own trouble behind a reply that a gateway wrote.
//!
//! Many gateways answer every error of their upstream with words of their own, under the same status or as a server error. Where
//! Claude has trouble on the control in the same run, such a reply tells nothing of the gateway: the trouble explains both, and
//! what other rules read out of the gateway's words is a reading.

use super::credential;
use super::rule::PathRule;
use crate::catalogue::{Code, Confidence};
use crate::diagnosis::finding::finding;
use crate::diagnosis::say;
use crate::diagnosis::trouble;
use crate::diagnosis::view::{PathView, View};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[same_as_direct];

/// The control's trouble, on the gateway that hides it.
fn same_as_direct(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((theirs, said)) = path.hides else {
        return vec![];
    };
    let code = match trouble::of_the_key(theirs, said) {
        None if trouble::ended_early(theirs) => Some(Code::UpstreamStreamError),
        None if said.from_upstream() => trouble::code(theirs, said),
        None => trouble::unnamed_page(theirs, said),
        code => code,
    };
    let reply = path.trouble().map_or_else(String::new, |(reply, _)| say::reply(reply));
    let evidence = format!("{reply}; direct at the same moment: {}", say::head(theirs));
    // A key that Claude takes a moment later is a reading, here as on the control.
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

/// What rules read out of words that may hide the control's trouble accuses nobody.
pub(super) fn acquit(path: &PathView<'_>, findings: &mut [Finding]) {
    if path.hides.is_none() {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| finding.code.is_read_from_reply()) {
        finding.confidence = Confidence::Possible;
    }
}
