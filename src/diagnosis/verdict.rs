//! The verdict: one state, one code, one path, out of all findings.
//!
//! The code is the finding that explains most: a cause before its symptom, then severity, the number of failing paths
//! that it explains, confidence, the catalogue's order, the resource's order. A path that fails without a finding of at
//! least `Likely` is unexplained; a verdict never names a cause that is only a reading.

use std::cmp::Reverse;

use super::finding::{concerns, counts};
use super::view::{PathView, State, View};
use crate::catalogue::{Code, Confidence, Severity};
use crate::report::evidence::Reach;
use crate::resource::status::{Finding, VerdictState};

/// What was chosen, before it is put into words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// The state.
    pub state: VerdictState,
    /// The finding that explains most.
    pub code: Option<Code>,
    /// The first path that it is on, empty when it concerns all.
    pub path: String,
    /// Gateways whose frozen request fails and that no finding explains.
    pub unexplained: Vec<String>,
}

/// Chooses. `findings` are marked as accepted already.
pub(super) fn choose(view: &View<'_>, findings: &[Finding]) -> Choice {
    let failing: Vec<&PathView<'_>> = judged(view).filter(|probed| probed.state() == State::Failed).collect();
    let explained = |probed: &&PathView<'_>| findings.iter().any(|finding| explains(finding, probed));
    let accepted = |probed: &&PathView<'_>| {
        findings
            .iter()
            .any(|finding| finding.accepted && finding.severity == Severity::Error && concerns(finding, probed.name()))
    };
    let unexplained: Vec<String> = failing
        .iter()
        .filter(|probed| !explained(probed) && !accepted(probed))
        .map(|probed| probed.name().to_owned())
        .collect();
    let not_sent = judged(view).any(|probed| probed.state() == State::NotSent);
    let nothing = judged(view).all(|probed| probed.seen.is_none());
    let any_explained = failing.iter().any(explained);
    let warned = findings.iter().any(counts);
    let direct_fails = view.direct().is_some_and(|direct| direct.state() == State::Failed);
    let state = match () {
        () if nothing && view.case.evidence.complete => VerdictState::Unknown,
        () if !view.case.evidence.complete => VerdictState::Inconclusive,
        () if any_explained => VerdictState::Failing,
        () if !unexplained.is_empty() => VerdictState::Inconclusive,
        () if not_sent => VerdictState::Unknown,
        () if warned || direct_fails || !failing.is_empty() => VerdictState::Degraded,
        () => VerdictState::Healthy,
    };
    let code = match state {
        VerdictState::Failing => best(view, findings, |finding| {
            failing.iter().any(|probed| explains(finding, probed))
        }),
        VerdictState::Degraded => best(view, findings, counts).or_else(|| {
            best(view, findings, |finding| {
                finding.accepted && finding.severity == Severity::Error
            })
        }),
        VerdictState::Unknown => best(view, findings, counts),
        VerdictState::Healthy | VerdictState::Inconclusive => None,
    };
    let path = match (code, state) {
        (Some(code), _) => path_of(view, findings, code),
        (None, VerdictState::Inconclusive) if unexplained.len() < view.paths.len() || view.paths.len() == 1 => {
            unexplained.first().cloned().unwrap_or_default()
        }
        (None, _) => String::new(),
    };
    Choice {
        state,
        code,
        path,
        unexplained,
    }
}

/// The paths that decide the state: the gateways, or the control where there are none.
fn judged<'v, 'a>(view: &'v View<'a>) -> impl Iterator<Item = &'v PathView<'a>> {
    let alone = view.gateways().next().is_none();
    view.paths.iter().filter(move |path| alone || !path.case.is_direct())
}

/// Whether a finding explains why this path's frozen request fails.
fn explains(finding: &Finding, path: &PathView<'_>) -> bool {
    counts(finding)
        && finding.severity == Severity::Error
        && concerns(finding, path.name())
        && can_explain(finding, path)
}

/// Without a connection nothing past it was tried.
fn can_explain(finding: &Finding, path: &PathView<'_>) -> bool {
    let stopped = !matches!(path.reach(), Reach::Connected | Reach::NotTried);
    !(stopped && finding.code.needs_connection())
}

/// The finding that explains most among those that `admit` admits.
fn best(view: &View<'_>, findings: &[Finding], admit: impl Fn(&Finding) -> bool) -> Option<Code> {
    findings
        .iter()
        .filter(|finding| admit(finding))
        .min_by_key(|finding| rank(view, findings, finding))
        .map(|finding| finding.code)
}

/// Smaller explains more.
type Rank = (
    bool,
    Reverse<Severity>,
    Reverse<usize>,
    Reverse<Confidence>,
    Code,
    usize,
);

fn rank(view: &View<'_>, findings: &[Finding], finding: &Finding) -> Rank {
    let place = view
        .paths
        .iter()
        .position(|path| path.name() == finding.path)
        .map_or(0, |at| at + 1);
    (
        is_symptom(view, findings, finding),
        Reverse(finding.severity),
        Reverse(paths_explained(view, findings, finding.code)),
        Reverse(finding.confidence),
        finding.code,
        place,
    )
}

/// Whether another finding on the same path is the cause of this one.
fn is_symptom(view: &View<'_>, findings: &[Finding], finding: &Finding) -> bool {
    let on_its_path = |other: &Finding| {
        let path = view.paths.iter().find(|path| path.name() == other.path);
        path.is_none_or(|path| can_explain(other, path))
    };
    findings.iter().any(|other| {
        counts(other)
            && on_its_path(other)
            && finding.code.gives_way_to(other.code)
            && other.severity >= finding.severity
            && (other.path.is_empty() || concerns(finding, &other.path))
    })
}

fn paths_explained(view: &View<'_>, findings: &[Finding], code: Code) -> usize {
    view.paths
        .iter()
        .filter(|path| {
            findings.iter().any(|finding| {
                finding.code == code && counts(finding) && concerns(finding, path.name()) && can_explain(finding, path)
            })
        })
        .count()
}

/// The first path that a code is on; empty when it is on all of several.
fn path_of(view: &View<'_>, findings: &[Finding], code: Code) -> String {
    let on = |path: &&PathView<'_>| {
        findings.iter().any(|finding| {
            finding.code == code && finding.confidence >= Confidence::Likely && concerns(finding, path.name())
        })
    };
    let count = view.paths.iter().filter(on).count();
    let everywhere = findings
        .iter()
        .any(|finding| finding.code == code && finding.path.is_empty());
    if everywhere || (count > 1 && count == view.paths.len()) {
        return String::new();
    }
    view.paths
        .iter()
        .find(on)
        .map_or_else(String::new, |path| path.name().to_owned())
}

/// Puts the findings that explain most first.
pub(super) fn sort(view: &View<'_>, findings: &mut [Finding]) {
    let all = findings.to_vec();
    findings.sort_by_cached_key(|finding| (finding.accepted, !counts(finding), rank(view, &all, finding)));
}
