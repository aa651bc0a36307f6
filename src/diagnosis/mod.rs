//! From evidence to findings, verdict and conditions. Pure: no clock, no clients, no logging; the same in the operator,
//! in `check` and in tests.
//!
//! ```text
//! Case ──► view ──► rules ──► findings ──► verdict
//!           │        │           └───────► conditions (two runs, or three of five, must agree)
//!           │        ├─ provenance: who made this reply
//!           │        └─ comparison: what two paths have in common
//!           └─ which exchange decides a path's state, what "complete" means
//! ```
//!
//! # Guarantees
//! Every finding is kept; the verdict picks one and lists the others. A finding below `Likely` attributes nothing: it
//! is a reading. Nothing depends on the order of paths or exchanges, on quotes, request ids or peers, or on knowing a
//! gateway's wording. A report that is not complete is `Inconclusive`.

pub mod buffering;
mod case;
mod comparison;
mod condition;
mod conditions;
mod describe;
mod finding;
mod flapping;
mod meant;
mod memory;
mod message;
mod path;
mod product;
pub mod provenance;
mod rules;
mod trouble;
mod verdict;
mod view;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod fixture;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

pub use case::{
    Case, Context, KeptResult, KeyHistory, LatencyPair, PastRun, PathBefore, PathCase, PathForwardingChecks, PodsOf,
    PreviousVerdict, Request, Role, StaleWorkload, Thresholds,
};
pub use condition::{Condition, DECIDED_BY_RUNS, Pending, Reason, Status};
pub use message::{LONGEST as LONGEST_MESSAGE, LONGEST_OF_CONDITION as LONGEST_CONDITION_MESSAGE};

use crate::resource::status::{Finding, FoundOn, Seen, Verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// What the evidence means.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// Everything that the evidence shows, the verdict's cause first.
    pub findings: Vec<Finding>,
    /// The latest run in at most 200 bytes.
    pub verdict: Verdict,
    /// The six conditions that runs decide, as they are to be published.
    pub conditions: Vec<Condition>,
    /// This run's own condition statuses, one letter (`T`, `F`, `U`) each, in the order of `conditions`. Keep it with
    /// the run's history: the rule of two runs reads it back from [`PastRun::own_conditions`].
    pub own_conditions: String,
    /// What this run itself found; what only earlier runs show is not among them. Keep it, too: [`PastRun::findings`].
    pub own_findings: Vec<FoundOn>,
    /// Forwarding check results to keep for the next runs, per path.
    pub forwarding_checks: Vec<PathForwardingChecks>,
    /// Pairs of times to keep for the next runs: [`Context::latency`].
    pub latency: Vec<LatencyPair>,
}

/// Diagnoses one run.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Diagnosis {
    let view = view::View::new(case);
    let mut findings = rules::apply(&view);
    for finding in &mut findings {
        finish(case, finding);
        product::sharpen(&view, finding);
        message::hedge(finding);
    }
    verdict::sort(&view, &mut findings);
    let own = conditions::own(&view, &findings);
    let own_findings: Vec<FoundOn> = findings.iter().map(name).collect();
    // A warning of earlier runs yields to this run's own finding, and falsifies no condition of this run.
    let mut earlier = flapping::findings(&view);
    earlier.retain(|finding| !own_findings.contains(&name(finding)));
    for finding in &mut earlier {
        finding.accepted = is_accepted(case, finding);
    }
    findings.extend(earlier);
    let choice = verdict::choose(&view, &findings);
    verdict::sort(&view, &mut findings);
    let verdict = message::verdict(&view, &findings, &choice);
    Diagnosis {
        own_findings,
        own_conditions: conditions::letters(&own),
        conditions: conditions::publish(&case.context, own),
        forwarding_checks: case
            .paths
            .iter()
            .filter_map(|path| memory::forwarding_checks(case, &path.name))
            .collect(),
        latency: view.latency,
        findings,
        verdict,
    }
}

/// A finding as histories name it.
fn name(finding: &Finding) -> FoundOn {
    FoundOn {
        code: finding.code,
        path: finding.path.clone(),
    }
}

fn is_accepted(case: &Case<'_>, finding: &Finding) -> bool {
    let accepts = |path: &PathCase| path.accept.contains(&finding.code);
    if finding.path.is_empty() {
        case.paths.iter().filter(|path| !path.is_direct()).all(accepts)
    } else {
        case.paths.iter().any(|path| path.name == finding.path && accepts(path))
    }
}

/// Marks a finding as accepted, and adds time and rate.
fn finish(case: &Case<'_>, finding: &mut Finding) {
    finding.accepted = is_accepted(case, finding);
    let ended = case.evidence.started_at_ms + i64::from(case.evidence.duration_ms);
    finding.observed_at = time(ended);
    let name = name(finding);
    let runs = &case.context.last_runs[..case.context.last_runs.len().min(4)];
    let before = runs.iter().filter(|run| run.findings.contains(&name)).count();
    finding.seen = Some(Seen {
        failed: i32::try_from(before + 1).unwrap_or(i32::MAX),
        of: i32::try_from(runs.len() + 1).unwrap_or(i32::MAX),
    });
}

/// Unix milliseconds as the status writes them; `None` before the epoch and beyond the calendar.
fn time(ms: i64) -> Option<Time> {
    (ms > 0)
        .then(|| Timestamp::from_second(ms.div_euclid(1000)).ok())
        .flatten()
        .map(Time)
}
