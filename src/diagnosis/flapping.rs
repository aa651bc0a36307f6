//! Flapping paths, which no single run can show: they answer in this run and failed in several earlier ones.
//!
//! Bad runs with a good one between them, among the last five. One bad period that is over is a fixed fault; one bad
//! run is a lost packet.

use super::case::PastRun;
use super::finding::{Sharpen as _, finding};
use super::view::{PathView, View};
use crate::catalogue::{Code, Confidence, Severity};
use crate::resource::status::{Finding, Seen, VerdictState};

/// How many earlier runs count.
const EARLIER: usize = 4;

/// A warning for each gateway that flaps, with the code of its last failure.
pub(super) fn findings(view: &View<'_>) -> Vec<Finding> {
    let complete = view.gateways().filter(|path| path.is_complete());
    complete.filter_map(|path| flaps(view, path)).collect()
}

fn flaps(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
    let runs = &view.case.context.last_runs;
    let runs = &runs[..runs.len().min(EARLIER)];
    // A run without a result shows nothing of the path.
    let judged: Vec<&PastRun> = runs
        .iter()
        .filter(|run| !matches!(run.state, VerdictState::Unknown | VerdictState::Inconclusive))
        .collect();
    let bad = |run: &PastRun| {
        run.state == VerdictState::Failing && (run.path == path.name() || run.path.is_empty()) && !run.code.is_empty()
    };
    let spells = judged
        .iter()
        .enumerate()
        .filter(|(at, run)| bad(run) && (*at == 0 || !bad(judged[at - 1])))
        .count();
    let failed: Vec<&&PastRun> = judged.iter().filter(|run| bad(run)).collect();
    let newest = failed.first().filter(|_| spells > 1)?;
    let mut codes: Vec<&str> = failed.iter().map(|run| run.code.as_str()).collect();
    codes.dedup();
    let evidence = format!(
        "answers in this run, and failed in {} of the {} runs before ({}), with good runs between",
        failed.len(),
        judged.len(),
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
            of: i32::try_from(judged.len() + 1).unwrap_or(i32::MAX),
        }),
        ..found.severity(Severity::Warning)
    })
}
