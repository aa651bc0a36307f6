//! When a probe is stale (no recent result), and why.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::budget;
use super::conditions::{self, StaleReason, whole_second};
use super::schedule::{self, signed};
use crate::catalogue::ConditionType;
use crate::plan::ForwardingCheckChoice;
use crate::resource::status::{ClaudeProbeStatus, RunResult, Verdict, VerdictState};
use crate::resource::validated::Probe;
use crate::text::capitalised;

/// Why the probe is stale, if it is. A probe that was suspended before its first run is Suspended.
#[must_use]
pub fn reason(status: &ClaudeProbeStatus) -> Option<StaleReason> {
    let reason = |kind| StaleReason::of(&conditions::find(&status.conditions, kind)?.reason);
    let suspended = reason(ConditionType::Ready) == Some(StaleReason::Suspended);
    match reason(ConditionType::GatewayPathHealthy)? {
        StaleReason::NoRunYet if suspended => Some(StaleReason::Suspended),
        reason => Some(reason),
    }
}

/// When the last completed run becomes stale: the second slot after it, and a run's time.
#[must_use]
pub fn due(probe: &Probe, status: &ClaudeProbeStatus) -> Option<Timestamp> {
    let last = status.last_reported_at.as_ref()?.0;
    let first = schedule::next(&probe.schedule, &probe.uid, last)?;
    let second = schedule::next(&probe.schedule, &probe.uid, first)?;
    Some(second + signed(probe.run_timeout))
}

/// Marks verdict and conditions as stale: the last completed run is too old.
pub fn mark(status: &mut ClaudeProbeStatus, probe: &Probe, now: Timestamp) {
    let used = budget::used(status.usage.as_ref(), now);
    // The last run reported and is not the one of the verdict: it sent only zero-token exchanges.
    let saved = status.last_run.as_ref().is_some_and(|last| {
        last.result == RunResult::Reported
            && last.started_at.as_ref().map(|at| at.0) > status.last_reported_at.as_ref().map(|at| at.0)
    });
    let (reason, why) = if probe.suspend {
        (StaleReason::Suspended, "scheduled runs are suspended")
    } else if saved || budget::afford(probe, ForwardingCheckChoice::default(), used, now).zero_token_only {
        (
            StaleReason::OverBudget,
            "the day's budget (budget.tokensPerDay) is used up, and only zero-token exchanges are sent",
        )
    } else {
        (StaleReason::NoRecentRun, "see ProberOperational")
    };
    let last = status
        .last_reported_at
        .as_ref()
        .map_or_else(String::new, |at| format!(" since {}", at.0));
    let message = format!("No run has completed{last}: {why}.");
    for condition in conditions::stale(reason, &message) {
        conditions::put(status, &condition, probe.generation, now);
    }
    // A verdict with the prober's fault is more specific.
    let known = status.verdict.as_ref().map(|verdict| verdict.state);
    if known != Some(VerdictState::Unknown) {
        let verdict = unknown(status, reason.name(), capitalised(&message), "", now);
        status.verdict = Some(verdict);
    }
}

/// The verdict Unknown, with the time since which there is no result.
pub(super) fn unknown(
    status: &ClaudeProbeStatus,
    reason: &str,
    message: String,
    advice: &str,
    now: Timestamp,
) -> Verdict {
    let before = status.verdict.as_ref();
    let before = before.filter(|verdict| verdict.state == VerdictState::Unknown);
    let since = before.and_then(|verdict| verdict.since.clone());
    Verdict {
        reason: reason.to_owned(),
        message,
        advice: advice.to_owned(),
        since: since.or(Some(Time(whole_second(now)))),
        ..Verdict::default()
    }
}
