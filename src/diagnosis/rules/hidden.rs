//! Claude's own trouble behind a reply that a gateway wrote.
//!
//! Many gateways answer every error of their upstream with words of their own, under the same status or as a server error. Where
//! Claude has trouble on the control in the same run, such a reply tells nothing of the gateway: the trouble explains both, and
//! what other rules read out of the gateway's words is a reading.

use super::limits::upstream_limit;
use super::{Finding, Leg, View, credential, stream, upstream};
use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::finding::finding;
use crate::diagnosis::provenance::{Origin, Provenance};
use crate::diagnosis::say;
use crate::diagnosis::view::State;
use crate::report::evidence::{Exchange, Marks, Phrase};

/// The control's trouble, when it may stand behind the reply of this gateway.
fn trouble<'a>(view: &View<'a>, leg: &Leg<'a>) -> Option<(&'a Exchange, Provenance)> {
    let direct = view.direct().filter(|direct| direct.state() == State::Failed)?;
    let (theirs, said) = direct.trouble()?;
    let (reply, provenance) = leg.trouble().filter(|_| !leg.path.is_direct() && leg.speaks_claude())?;
    let refused = theirs.status >= 400 && said.origin != Origin::Gateway;
    let alike = reply.status == theirs.status || reply.status >= 500 || stream::failed_at_once(reply);
    let hides = alike && (refused || stream::ended_early(theirs)) && !provenance.from_upstream() && is_general(reply);
    // What Claude says of a key it says of this key only.
    let concerns = of_the_key(theirs, said).is_none() || Pair::of(view, leg).is_some_and(|pair| pair.same_key());
    (hides && concerns).then_some((theirs, said))
}

/// What Claude says of the key, whoever sends it.
fn of_the_key(theirs: &Exchange, said: Provenance) -> Option<Code> {
    let refused = credential::is_refusal(said.class).then_some(Code::CredentialRejected);
    let limited = || upstream_limit(theirs, said);
    let unknown = || (said.class == ErrorClass::ModelNotFound).then_some(Code::ModelNotFound);
    refused
        .or_else(limited)
        .or_else(unknown)
        .filter(|_| said.from_upstream())
}

/// Whether any error of an upstream may end as this reply: it names no trouble on the way to one, and bears no mark of a check.
fn is_general(reply: &Exchange) -> bool {
    let worded = matches!(
        reply.phrase,
        Phrase::None
            | Phrase::AuthRequired
            | Phrase::Denied
            | Phrase::RateLimited
            | Phrase::NoHealthyUpstream
            | Phrase::ClosedEarly
            | Phrase::UpstreamRefused
    );
    let failed = reply.status >= 400 || stream::failed_at_once(reply);
    failed && worded && !reply.marks.has(Marks::WWW_AUTHENTICATE)
}

/// Whether this gateway's failure may be the control's in other words.
pub(super) fn may_hide<'a>(view: &View<'a>, leg: &Leg<'a>) -> bool {
    trouble(view, leg).is_some()
}

/// The control's trouble, on the gateway that hides it.
pub(super) fn same_as_direct(view: &View<'_>, leg: &Leg<'_>) -> Vec<Finding> {
    let Some((theirs, said)) = trouble(view, leg) else {
        return vec![];
    };
    let code = match of_the_key(theirs, said) {
        None if stream::ended_early(theirs) => Some(Code::UpstreamStreamError),
        None if said.from_upstream() => upstream::code(theirs, said),
        None => upstream::unnamed_page(theirs, said),
        code => code,
    };
    let reply = leg.trouble().map_or_else(String::new, |(reply, _)| say::reply(reply));
    let evidence = format!("{reply}; direct at the same moment: {}", say::head(theirs));
    // A key that Claude takes a moment later is a reading, here as on the control.
    let taken = |direct: &Leg<'_>| credential::accepted_elsewhere(view, direct).is_some();
    let sure = if code == Some(Code::CredentialRejected) && view.direct().is_some_and(taken) {
        Confidence::Possible
    } else {
        Confidence::Likely
    };
    code.map(|code| finding(code, leg.name(), sure, evidence))
        .into_iter()
        .collect()
}

/// What rules read out of words that may hide the control's trouble accuses nobody.
pub(super) fn acquit(view: &View<'_>, leg: &Leg<'_>, findings: &mut [Finding]) {
    if !may_hide(view, leg) {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| finding.code.is_read_from_reply()) {
        finding.confidence = Confidence::Possible;
    }
}
