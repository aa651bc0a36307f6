//! From a run's evidence and what the status remembers to a case for the diagnosis.
//!
//! Pure. Gathers; decides nothing about causes.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{canaries, history, keys};
use crate::catalogue::ConditionType;
use crate::diagnosis::{
    self, Case, Context, Diagnosis, PathBefore, PathCase, PodsOf, PreviousVerdict, Request, StaleWorkload, Status,
    Thresholds,
};
use crate::report::evidence::RunEvidence;
use crate::resource::status::{ClaudeProbeStatus, CredentialStatus};
use crate::resource::validated::Probe;

/// Reasons of conditions that say nothing of any run: a first run decides at once after them.
pub const NO_RUN_REASONS: [&str; 4] = ["NoRunYet", "Suspended", "OverBudget", "NoRecentRun"];

/// What the operator knows besides spec, status and evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Start of the oldest container of each gateway's own pods, Unix milliseconds, where it was looked up.
    pub gateway_pods: Vec<(String, i64)>,
    /// Pods of the spec's workloads that hold an older key.
    pub stale_workloads: Vec<StaleWorkload>,
}

/// Diagnoses a run. `before` is the status that the run found, `keys` the keys that it left.
#[must_use]
pub fn judge(
    probe: &Probe,
    before: &ClaudeProbeStatus,
    keys: &[CredentialStatus],
    evidence: &RunEvidence,
    facts: &Facts,
    now: Timestamp,
) -> Diagnosis {
    let case = Case {
        request: Request::of(probe),
        paths: PathCase::all(probe),
        evidence,
        context: context(probe, before, keys, facts, now),
    };
    diagnosis::diagnose(&case)
}

fn context(
    probe: &Probe,
    before: &ClaudeProbeStatus,
    keys: &[CredentialStatus],
    facts: &Facts,
    now: Timestamp,
) -> Context {
    let ms = |time: &Option<Time>| time.as_ref().map(|time| time.0.as_millisecond());
    // Runs of another spec prove nothing about this one.
    let same_spec = before.observed_generation == Some(probe.generation);
    let same_spec_paths = if same_spec { before.paths.as_slice() } else { &[] };
    let published = before
        .conditions
        .iter()
        .filter(|condition| condition.observed_generation == Some(probe.generation))
        .filter_map(published)
        .collect();
    let previous = before.verdict.as_ref().and_then(|verdict| {
        let since_ms = ms(&verdict.since)?;
        Some(PreviousVerdict {
            state: verdict.state,
            code: verdict.code.clone(),
            since_ms,
        })
    });
    let paths = before.paths.iter().map(|path| PathBefore {
        path: path.name.clone(),
        peer: (!path.peer.is_empty()).then(|| path.peer.clone()),
        header_set: path.header_set.and_then(|digest| u32::try_from(digest).ok()),
    });
    Context {
        now_ms: now.as_millisecond(),
        canaries: canaries::kept(same_spec_paths, probe, keys),
        canary_period_ms: probe
            .canaries
            .every
            .map_or(0, |every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX)),
        keys: keys::histories(keys),
        last_runs: history::last_runs(&before.history, probe.generation),
        previous,
        conditions: published,
        last_good_ms: ms(&before.last_good_at),
        before: paths.collect(),
        spec_changed_ms: (!same_spec && before.observed_generation.is_some()).then(|| now.as_millisecond()),
        gateway_pods: facts
            .gateway_pods
            .iter()
            .map(|(path, start)| PodsOf {
                path: path.clone(),
                oldest_start_ms: *start,
            })
            .collect(),
        stale_workloads: facts.stale_workloads.clone(),
        latency: canaries::latency(same_spec_paths, probe),
        thresholds: Thresholds::of(probe),
    }
}

fn published(condition: &Condition) -> Option<diagnosis::Condition> {
    if NO_RUN_REASONS.contains(&condition.reason.as_str()) {
        return None;
    }
    let kind = ConditionType::ALL
        .into_iter()
        .find(|kind| format!("{kind:?}") == condition.type_)?;
    let status = [Status::True, Status::False, Status::Unknown]
        .into_iter()
        .find(|status| status.name() == condition.status)?;
    Some(diagnosis::Condition {
        kind,
        status,
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    })
}
