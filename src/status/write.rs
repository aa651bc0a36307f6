//! Status changes outside the end of a run, and whether a changed status needs a write.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{self, StaleReason, whole_second};
use crate::resource::go_duration;
use crate::resource::status::{ClaudeProbeStatus, Verdict};
use crate::resource::validated::Probe;

/// Fills in the fields of a status before the first run.
pub fn begin(status: &mut ClaudeProbeStatus, probe: &Probe, now: Timestamp) {
    if status.verdict.is_none() {
        status.verdict = Some(Verdict {
            reason: StaleReason::NoRunYet.name().to_owned(),
            message: "No run has ended yet.".to_owned(),
            since: Some(Time(whole_second(now))),
            ..Verdict::default()
        });
    }
    status.run_timeout = Some(go_duration::format(probe.run_timeout));
    let first = conditions::stale(StaleReason::NoRunYet, "No run has ended yet.")
        .into_iter()
        .chain([conditions::prober_untried()]);
    for condition in first {
        if conditions::find(&status.conditions, condition.kind).is_none() {
            conditions::put(status, &condition, probe.generation, now);
        }
    }
}

/// The spec changed and nothing runs: results of the previous spec's paths do not apply.
pub fn forget_paths(status: &mut ClaudeProbeStatus) {
    for path in &mut status.paths {
        path.forwarding_checks = None;
        path.latency = None;
    }
}

/// Whether they differ in anything but time stamps.
#[must_use]
pub fn differ(one: &ClaudeProbeStatus, other: &ClaudeProbeStatus) -> bool {
    let timeless = |status: &ClaudeProbeStatus| {
        let mut status = status.clone();
        status.next_run = None;
        for condition in &mut status.conditions {
            condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
        }
        if let Some(verdict) = &mut status.verdict {
            verdict.since = None;
        }
        status
    };
    timeless(one) != timeless(other)
}
