//! Paths that answer now and did not a moment ago, again and again: what no single run can show.
//!
//! Bad runs with a good one between them, among the last five. One bad spell that is over is a fault that was mended; one bad
//! run is what a lost packet gives.

use super::case::PastRun;
use super::finding::{Sharpen as _, finding};
use super::view::{PathView, View};
use crate::catalogue::{Code, Confidence, Severity};
use crate::resource::status::{Finding, Seen, VerdictState};

/// Runs before this one that are looked at.
const EARLIER: usize = 4;

/// A warning for each gateway that comes and goes, under the name of what it failed with last.
pub(super) fn findings(view: &View<'_>) -> Vec<Finding> {
    let complete = view.gateways().filter(|path| path.is_complete());
    complete.filter_map(|path| comes_and_goes(view, path)).collect()
}

fn comes_and_goes(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
    let runs = &view.case.context.last_runs;
    let runs = &runs[..runs.len().min(EARLIER)];
    // What the prober did not come to says nothing of the path.
    let told: Vec<&PastRun> = runs
        .iter()
        .filter(|run| !matches!(run.state, VerdictState::Unknown | VerdictState::Inconclusive))
        .collect();
    let bad = |run: &PastRun| {
        run.state == VerdictState::Failing && (run.path == path.name() || run.path.is_empty()) && !run.code.is_empty()
    };
    let spells = told
        .iter()
        .enumerate()
        .filter(|(at, run)| bad(run) && (*at == 0 || !bad(told[at - 1])))
        .count();
    let failed: Vec<&&PastRun> = told.iter().filter(|run| bad(run)).collect();
    let newest = failed.first().filter(|_| spells > 1)?;
    let mut codes: Vec<&str> = failed.iter().map(|run| run.code.as_str()).collect();
    codes.dedup();
    let evidence = format!(
        "answered now, and failed in {} of the {} runs before ({}), with good ones between",
        failed.len(),
        told.len(),
        codes.join(", ")
    );
    let found = finding(
        Code::from_name(&newest.code)?,
        path.name(),
        Confidence::Likely,
        evidence,
    );
    Some(Finding {
        observed_at: super::time(newest.at_ms),
        seen: Some(Seen {
            failed: i32::try_from(failed.len()).unwrap_or(i32::MAX),
            of: i32::try_from(told.len() + 1).unwrap_or(i32::MAX),
        }),
        ..found.severity(Severity::Warning)
    })
}
