//! A probe's memory from one run to the next: read from the status, passed to the diagnosis, and written back.
//!
//! Pure. Decides nothing about causes. All fields of one run come from that run.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{self, StaleReason, whole_second};
use super::fault::{Fault, FaultKind};
use super::schedule::Slot;
use super::stale::unknown;
use super::{budget, forwarding_checks, history, keys, names, summary};
use crate::diagnosis::{
    Case, Condition, Context, DECIDED_BY_RUNS, Diagnosis, LatencyPair, PastRun, PathBefore, PathCase,
    PathForwardingChecks, PodsOf, PreviousVerdict, Request, StaleWorkload, Thresholds,
};
use crate::report::evidence::{ExchangeKind, PathEvidence, Reach, RunEvidence, SkipReason};
use crate::resource::go_duration;
use crate::resource::status::{
    ClaudeProbeStatus, FoundOn, HistoryEntry, PathOutcome, PathStatus, RunResult, RunStatus, Verdict, VerdictState,
};
use crate::resource::validated::Probe;

/// Facts beside spec, status and evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Start of the oldest container of each gateway's own pods, Unix milliseconds, where it was listed.
    pub gateway_pods: Vec<(String, i64)>,
    /// Pods of the spec's workloads that hold an older key.
    pub stale_workloads: Vec<StaleWorkload>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct RunOver<'a> {
    /// Its number.
    pub number: i64,
    /// The slot that it filled.
    pub slot: &'a Slot,
    /// When its first pod was created.
    pub started: Option<Timestamp>,
    /// Name of its first pod.
    pub pod: &'a str,
    /// Only zero-token exchanges were planned.
    pub free: bool,
    /// How it ended.
    pub result: RunResult,
    /// The most specific fault, where a pod's report is missing.
    pub fault: Option<&'a Fault>,
    /// What its pods reported together.
    pub evidence: Option<&'a RunEvidence>,
    /// Tokens to charge.
    pub charged: i64,
    /// Slots of the schedule that were missed meanwhile.
    pub missed: u32,
    /// The schedule's new cursor.
    pub next: Option<Timestamp>,
    /// The annotation's value, when this run was requested by it.
    pub run_now: Option<&'a str>,
}

impl<'a> RunOver<'a> {
    /// The evidence for a diagnosis, and when its pods were created. A superseded run has none: it shows nothing of the
    /// present spec.
    #[must_use]
    pub fn reported(&self) -> Option<(&'a RunEvidence, Timestamp)> {
        let evidence = self.evidence.filter(|_| self.result != RunResult::Superseded)?;
        Some((evidence, self.started?))
    }
}

/// A probe's memory, each part in the type that a diagnosis takes.
#[derive(Clone, Debug)]
pub struct Memory<'a> {
    probe: &'a Probe,
    status: ClaudeProbeStatus,
    /// The status is about the present spec.
    same_spec: bool,
    forwarding_checks: Vec<PathForwardingChecks>,
    latency: Vec<LatencyPair>,
    last_runs: Vec<PastRun>,
    previous: Option<PreviousVerdict>,
    conditions: Vec<Condition>,
    paths: Vec<PathBefore>,
}

impl<'a> Memory<'a> {
    /// Reads the results of earlier runs.
    #[must_use]
    pub fn read(status: &ClaudeProbeStatus, probe: &'a Probe) -> Self {
        // Runs of another spec prove nothing about this one.
        let same_spec = status.observed_generation == Some(probe.generation);
        let same_spec_paths = if same_spec { status.paths.as_slice() } else { &[] };
        let previous = status.verdict.as_ref().and_then(|verdict| {
            Some(PreviousVerdict {
                state: verdict.state,
                code: verdict.code.clone(),
                since_ms: milliseconds(verdict.since.as_ref())?,
            })
        });
        let paths = status.paths.iter().map(|path| PathBefore {
            path: path.name.clone(),
            peer: (!path.peer.is_empty()).then(|| path.peer.clone()),
            header_set: path.header_set.and_then(|digest| u32::try_from(digest).ok()),
        });
        let conditions = DECIDED_BY_RUNS.into_iter();
        Self {
            probe,
            same_spec,
            forwarding_checks: forwarding_checks::read(same_spec_paths, probe),
            latency: forwarding_checks::latency(same_spec_paths, probe),
            last_runs: history::last_runs(&status.history, probe.generation),
            previous,
            conditions: conditions
                .filter_map(|kind| conditions::read(status, kind, probe.generation))
                .collect(),
            paths: paths.collect(),
            status: status.clone(),
        }
    }

    /// Adds the keys that a run saw whose pods were created at `started`. Results about a key that is no longer in use
    /// are dropped.
    pub fn see_keys(&mut self, evidence: &RunEvidence, started: Timestamp) {
        let status = &mut self.status;
        let (before, previous) = (&status.credentials, status.last_reported_at.as_ref());
        status.credentials = keys::seen(before, self.probe, evidence, &Time(started), previous);
        forwarding_checks::forget_old_keys(&mut self.forwarding_checks, self.probe, &self.status.credentials);
    }

    /// The case for a diagnosis of this evidence.
    #[must_use]
    pub fn case<'e>(&self, evidence: &'e RunEvidence, facts: &Facts, now: Timestamp) -> Case<'e> {
        let probe = self.probe;
        let pods = facts.gateway_pods.iter().map(|(path, start)| PodsOf {
            path: path.clone(),
            oldest_start_ms: *start,
        });
        let period = probe.forwarding_checks.every;
        let spec_changed = !self.same_spec && self.status.observed_generation.is_some();
        Case {
            request: Request::of(probe),
            paths: PathCase::all(probe),
            evidence,
            context: Context {
                now_ms: now.as_millisecond(),
                forwarding_checks: self.forwarding_checks.clone(),
                forwarding_check_period_ms: period
                    .map_or(0, |every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX)),
                keys: keys::histories(&self.status.credentials),
                last_runs: self.last_runs.clone(),
                previous: self.previous.clone(),
                conditions: self.conditions.clone(),
                last_good_ms: milliseconds(self.status.last_good_at.as_ref()),
                before: self.paths.clone(),
                spec_changed_ms: spec_changed.then(|| now.as_millisecond()),
                gateway_pods: pods.collect(),
                stale_workloads: facts.stale_workloads.clone(),
                latency: self.latency.clone(),
                thresholds: Thresholds::of(probe),
            },
        }
    }

    /// The memory after a run, diagnosed where it reported.
    #[must_use]
    pub fn after(mut self, run: &RunOver<'_>, diagnosis: Option<Diagnosis>, now: Timestamp) -> Self {
        self.count(run, now);
        if run.result == RunResult::Superseded {
            return self;
        }
        match (run.reported(), diagnosis) {
            (Some((evidence, started)), Some(diagnosis)) => {
                self.status.paths = paths(self.probe, evidence, &diagnosis);
                if run.free && diagnosis.verdict.state != VerdictState::Failing {
                    self.saved_tokens(now);
                } else {
                    self.diagnosed(run, started, diagnosis, now);
                }
            }
            _ => self.unreported(run.fault, now),
        }
        self.status.observed_generation = Some(self.probe.generation);
        self.status.run_timeout = Some(go_duration::format(self.probe.run_timeout));
        self.put(&conditions::prober(run.fault), now);
        self
    }

    /// The status that keeps it.
    #[must_use]
    pub fn write(self) -> ClaudeProbeStatus {
        self.status
    }

    fn put(&mut self, condition: &Condition, now: Timestamp) {
        conditions::put(&mut self.status, condition, self.probe.generation, now);
    }

    /// The fields that every run updates, whatever its result.
    fn count(&mut self, run: &RunOver<'_>, now: Timestamp) {
        let status = &mut self.status;
        if run.charged > 0 || status.usage.is_some() {
            status.usage = Some(budget::charged(status.usage.as_ref(), run.charged, now));
        }
        if let Some(value) = run.run_now {
            status.last_handled_run_now = Some(names::run_now_mark(value));
        }
        let never_started = run.result == RunResult::NotStarted && matches!(run.slot, Slot::At(_));
        status.missed_runs = status
            .missed_runs
            .saturating_add(i64::from(run.missed) + i64::from(never_started));
        status.next_run = run.next.map(Time);
        let unreported = matches!(run.result, RunResult::NotStarted | RunResult::ReportLost);
        status.last_run = Some(RunStatus {
            number: run.number,
            slot: run.slot.to_string(),
            result: run.result.clone(),
            cause: run
                .fault
                .filter(|fault| unreported && fault.kind != FaultKind::ReportLost)
                .map_or_else(String::new, |fault| fault.kind.name().to_owned()),
            started_at: run.started.map(Time),
            finished_at: Some(Time(whole_second(now))),
            pod: run.pod.to_owned(),
        });
    }

    fn diagnosed(&mut self, run: &RunOver<'_>, started: Timestamp, diagnosis: Diagnosis, now: Timestamp) {
        self.status.last_reported_at = Some(Time(started));
        let mut verdict = diagnosis.verdict;
        if run.free {
            let before = self.status.verdict.as_ref();
            let since = before.and_then(|verdict| verdict.zero_token_since.clone());
            verdict.zero_token_since = since.or(Some(Time(whole_second(now))));
        }
        if matches!(verdict.state, VerdictState::Healthy | VerdictState::Degraded) {
            self.status.last_good_at = Some(Time(whole_second(now)));
        }
        for condition in &diagnosis.conditions {
            self.put(condition, now);
        }
        self.remember(&verdict, diagnosis.own_findings, diagnosis.own_conditions, now);
        self.status.findings = diagnosis.findings;
        self.status.verdict = Some(verdict);
    }

    /// Over budget, and the zero-token exchanges showed no error. That proves nothing about the frozen request: the
    /// verdict stays until it is stale, with the time since which the frozen request was not sent. A new spec has no
    /// verdict then.
    fn saved_tokens(&mut self, now: Timestamp) {
        let since = whole_second(now);
        let sent = self.same_spec && self.status.last_reported_at.is_some();
        match &mut self.status.verdict {
            Some(verdict) if sent && verdict.state != VerdictState::Unknown => {
                verdict.zero_token_since.get_or_insert(Time(since));
            }
            Some(verdict) if sent || verdict.zero_token_since.is_some() => {}
            _ => {
                let note = format!("Over budget since {since}: only zero-token exchanges, without an error.");
                for condition in conditions::stale(StaleReason::OverBudget, &note) {
                    self.put(&condition, now);
                }
                self.status.findings.clear();
                let verdict = unknown(&self.status, StaleReason::OverBudget.name(), note, "", now);
                self.status.verdict = Some(Verdict {
                    zero_token_since: Some(Time(since)),
                    ..verdict
                });
            }
        }
    }

    /// The prober did not report: the verdict is `Unknown`, never `Failing`; earlier findings stay until they are
    /// stale.
    fn unreported(&mut self, fault: Option<&Fault>, now: Timestamp) {
        let message = fault.map_or_else(|| "The run ended without a report.".to_owned(), Fault::what);
        let (reason, advice) = fault.map_or(("NotReported", ""), |fault| (fault.kind.name(), fault.kind.fix()));
        let verdict = unknown(&self.status, reason, message, advice, now);
        self.remember(&verdict, Vec::new(), String::new(), now);
        self.status.verdict = Some(verdict);
    }

    fn remember(&mut self, verdict: &Verdict, findings: Vec<FoundOn>, own: String, now: Timestamp) {
        let at = Some(Time(whole_second(now)));
        let entry = HistoryEntry {
            at: at.clone(),
            since: at,
            state: verdict.state,
            code: verdict.code.clone(),
            path: verdict.path.clone(),
            generation: Some(self.probe.generation),
            count: 1,
            findings,
            conditions: own,
        };
        history::add(&mut self.status.history, entry, self.probe.history_limit);
    }
}

fn milliseconds(time: Option<&Time>) -> Option<i64> {
    time.map(|time| time.0.as_millisecond())
}

fn paths(probe: &Probe, evidence: &RunEvidence, diagnosis: &Diagnosis) -> Vec<PathStatus> {
    let shown = probe.paths.iter().map(|path| {
        let host = path.url.authority();
        let probed = evidence.paths.iter().find(|probed| probed.path == path.name);
        let shown =
            probed.map(|probed| summary::path_status(probed, &host, probe.request.stream, evidence.started_at_ms));
        let unseen = || PathStatus {
            name: path.name.clone(),
            host: host.clone(),
            outcome: PathOutcome::NotReported,
            ..PathStatus::default()
        };
        let mut shown = shown.unwrap_or_else(unseen);
        if probed.is_some_and(saves_tokens) {
            shown.outcome = PathOutcome::NotSent;
        }
        let kept = diagnosis.forwarding_checks.iter().find(|kept| kept.path == path.name);
        PathStatus {
            forwarding_checks: kept.map(forwarding_checks::status),
            latency: forwarding_checks::latency_status(&diagnosis.latency, &path.name),
            ..shown
        }
    });
    shown.collect()
}

/// Reached, and the frozen request was skipped on purpose.
fn saves_tokens(path: &PathEvidence) -> bool {
    let left_out = (ExchangeKind::Frozen, SkipReason::OverBudget);
    path.handshake.outcome == Reach::Connected && path.skipped.contains(&left_out)
}
