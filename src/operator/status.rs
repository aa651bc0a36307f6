//! The status after a run, and after everything else that a user should see.
//!
//! Pure: the status before, what happened, and `now`; out comes the whole status, bounded (see `bounds`). The fields of one
//! run are all taken from that run.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{self, Said, whole_second};
use super::harvest::Harvest;
use super::judge::{self, Facts};
use super::run::{Ended, signed};
use super::schedule::{self, Slot, short_hash};
use super::start_fault::Fault;
use super::{budget, canaries, history, keys, text};
use crate::diagnosis::Diagnosis;
use crate::report::evidence::{ExchangeKind, LegEvidence, Reach, RunEvidence, SkipReason};
use crate::report::summary;
use crate::resource::go_duration;
use crate::resource::status::{ClaudeProbeStatus, HistoryEntry, PathStatus, RunStatus, Verdict, VerdictState};
use crate::resource::validated::Probe;

/// Longest annotation value that is kept as it is, bytes.
const RUN_NOW_BYTES: usize = 128;

/// What a run-now value is remembered as: itself, or its hash when it is long.
#[must_use]
pub fn run_now_mark(value: &str) -> String {
    if value.len() <= RUN_NOW_BYTES {
        value.to_owned()
    } else {
        format!("hash:{}", short_hash(&[value]))
    }
}

/// The status of a probe that nobody has looked at yet.
pub fn begin(status: &mut ClaudeProbeStatus, probe: &Probe, now: Timestamp) {
    if status.verdict.is_none() {
        status.verdict = Some(Verdict {
            message: "No run has ended yet.".to_owned(),
            since: Some(Time(whole_second(now))),
            ..Verdict::default()
        });
    }
    status.run_timeout = Some(go_duration::format(probe.run_timeout));
    let first = conditions::untold("NoRunYet", "No run has ended yet.")
        .into_iter()
        .chain([conditions::prober_untried()]);
    let missing: Vec<Said> = first
        .filter(|said| conditions::find(&status.conditions, said.kind).is_none())
        .collect();
    for said in missing {
        conditions::set(&mut status.conditions, &said, probe.generation, now);
    }
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct RunOver<'a> {
    /// The run.
    pub run: &'a Ended<'a>,
    /// What it brought home.
    pub harvest: &'a Harvest,
    /// Slots that were missed meanwhile, and the schedule's new cursor.
    pub schedule: (u32, Option<Timestamp>),
    /// The annotation's value, when this run was asked for by it.
    pub run_now: Option<&'a str>,
}

/// Writes a run that is over into the status.
pub fn end_run(status: &mut ClaudeProbeStatus, probe: &Probe, over: &RunOver<'_>, facts: &Facts, now: Timestamp) {
    let RunOver {
        run,
        harvest,
        schedule: (missed, cursor),
        run_now,
    } = over;
    let started = run.started.map(Time);
    let before = status.clone();
    if harvest.charged > 0 || status.usage.is_some() {
        status.usage = Some(budget::charged(before.usage.as_ref(), harvest.charged, now));
    }
    if let Some(value) = run_now {
        status.last_handled_run_now = Some(run_now_mark(value));
    }
    let never_started = harvest.result().starts_with("NotStarted") && matches!(run.slot, Slot::At(_));
    status.missed_runs = status
        .missed_runs
        .saturating_add(i64::from(*missed) + i64::from(never_started));
    status.next_run = cursor.map(Time);
    status.last_run = Some(RunStatus {
        number: run.number,
        slot: run.slot.to_string(),
        result: harvest.result(),
        started_at: started.clone(),
        finished_at: Some(Time(whole_second(now))),
        pod: run.pod.clone(),
    });
    if harvest.superseded {
        return;
    }
    match (&harvest.evidence, &started) {
        (Some(evidence), Some(started)) => {
            let seen = Seen {
                evidence,
                started,
                free: run.choice.zero_token_only,
            };
            reported(status, &before, probe, &seen, facts, now);
        }
        _ => unreported(status, probe, harvest.cause(), now),
    }
    status.observed_generation = Some(probe.generation);
    status.run_timeout = Some(go_duration::format(probe.run_timeout));
    let fault = harvest.cause();
    conditions::set(
        &mut status.conditions,
        &conditions::prober(fault),
        probe.generation,
        now,
    );
}

/// What a run brought home.
struct Seen<'a> {
    evidence: &'a RunEvidence,
    started: &'a Time,
    /// Nothing that costs tokens was sent.
    free: bool,
}

fn reported(
    status: &mut ClaudeProbeStatus,
    before: &ClaudeProbeStatus,
    probe: &Probe,
    seen: &Seen<'_>,
    facts: &Facts,
    now: Timestamp,
) {
    let keys = keys::seen(
        &before.credentials,
        probe,
        seen.evidence,
        seen.started,
        before.last_reported_at.as_ref(),
    );
    let diagnosis = judge::judge(probe, before, &keys, seen.evidence, facts, now);
    status.credentials = keys;
    status.paths = paths(probe, seen.evidence, &diagnosis);
    if seen.free && !matches!(diagnosis.verdict.state, VerdictState::Failing) {
        return saved_tokens(status, before, probe, now);
    }
    status.last_reported_at = Some(seen.started.clone());
    let Diagnosis {
        findings,
        mut verdict,
        conditions,
        own_conditions,
        own_findings,
        ..
    } = diagnosis;
    if seen.free {
        verdict.message = format!("Over budget, judged by zero-token exchanges. {}", verdict.message);
    }
    if matches!(verdict.state, VerdictState::Healthy | VerdictState::Degraded) {
        status.last_good_at = Some(Time(whole_second(now)));
    }
    for said in conditions::of_diagnosis(conditions) {
        conditions::set(&mut status.conditions, &said, probe.generation, now);
    }
    remember(status, probe, &verdict, own_findings, own_conditions, now);
    status.findings = findings;
    status.verdict = Some(verdict);
}

/// Over budget, and what cost nothing showed no fault. That says nothing of the frozen request: the verdict stays until it is
/// too old, and says since when nobody asked. There is none for a spec that nobody has asked under.
fn saved_tokens(status: &mut ClaudeProbeStatus, before: &ClaudeProbeStatus, probe: &Probe, now: Timestamp) {
    const NOTE: &str = "Over budget: only zero-token exchanges since ";
    let asked = before.observed_generation == Some(probe.generation) && before.last_reported_at.is_some();
    let note = format!("{NOTE}{}, without an error.", whole_second(now));
    match &mut status.verdict {
        Some(verdict) if asked => {
            if verdict.state != VerdictState::Unknown && !verdict.message.starts_with(NOTE) {
                verdict.message = format!("{note} Before: {}", verdict.message);
            }
        }
        Some(verdict) if verdict.state == VerdictState::Unknown && verdict.message.starts_with(NOTE) => {}
        _ => {
            for said in conditions::untold("OverBudget", &note) {
                conditions::set(&mut status.conditions, &said, probe.generation, now);
            }
            status.findings.clear();
            status.verdict = Some(unknown(status, note, "", now));
        }
    }
}

fn paths(probe: &Probe, evidence: &RunEvidence, diagnosis: &Diagnosis) -> Vec<PathStatus> {
    let shown = probe.paths.iter().map(|path| {
        let host = path.url.authority();
        let leg = evidence.legs.iter().find(|leg| leg.path == path.name);
        let shown = leg.map(|leg| summary::path_status(leg, &host, probe.request.stream, evidence.started_at_ms));
        let unseen = || PathStatus {
            name: path.name.clone(),
            host: host.clone(),
            outcome: "NotReported".to_owned(),
            ..PathStatus::default()
        };
        let mut shown = shown.unwrap_or_else(unseen);
        if leg.is_some_and(saves_tokens) {
            "NotSent".clone_into(&mut shown.outcome);
        }
        let kept = diagnosis.canaries.iter().find(|kept| kept.path == path.name);
        PathStatus {
            canaries: kept.map(canaries::status),
            latency: canaries::latency_status(&diagnosis.latency, &path.name),
            ..shown
        }
    });
    shown.collect()
}

/// Reached, and the frozen request was left out on purpose.
fn saves_tokens(leg: &LegEvidence) -> bool {
    let left_out = (ExchangeKind::Frozen, SkipReason::OverBudget);
    leg.handshake.outcome == Reach::Connected && leg.skipped.contains(&left_out)
}

/// The spec changed and nothing runs: what was learnt about paths of another spec says nothing of these.
pub fn forget_paths(status: &mut ClaudeProbeStatus) {
    for path in &mut status.paths {
        path.canaries = None;
        path.latency = None;
    }
}

fn remember(
    status: &mut ClaudeProbeStatus,
    probe: &Probe,
    verdict: &Verdict,
    findings: Vec<String>,
    own: String,
    now: Timestamp,
) {
    let at = Some(Time(whole_second(now)));
    let entry = HistoryEntry {
        at: at.clone(),
        since: at,
        state: verdict.state,
        code: verdict.code.clone(),
        path: verdict.path.clone(),
        generation: Some(probe.generation),
        count: 1,
        findings,
        conditions: own,
    };
    history::add(&mut status.history, entry, probe.history_limit);
}

/// The prober said nothing: the verdict is `Unknown`, never `Failing`; what earlier runs found stands until it is too old.
fn unreported(status: &mut ClaudeProbeStatus, probe: &Probe, fault: Option<&Fault>, now: Timestamp) {
    let message = fault.map_or_else(|| "The run ended without a report.".to_owned(), Fault::what);
    let advice = fault.map_or("", |fault| fault.kind.fix());
    let verdict = unknown(status, message, advice, now);
    remember(status, probe, &verdict, Vec::new(), String::new(), now);
    status.verdict = Some(verdict);
}

fn unknown(status: &ClaudeProbeStatus, message: String, advice: &str, now: Timestamp) -> Verdict {
    let before = status
        .verdict
        .as_ref()
        .filter(|verdict| verdict.state == VerdictState::Unknown);
    let since = before.and_then(|verdict| verdict.since.clone());
    Verdict {
        message,
        advice: advice.to_owned(),
        since: since.or(Some(Time(whole_second(now)))),
        ..Verdict::default()
    }
}

/// When the last completed run is too old to speak for the present: the second slot after it, and a run's time.
#[must_use]
pub fn blind_at(probe: &Probe, status: &ClaudeProbeStatus) -> Option<Timestamp> {
    let last = status.last_reported_at.as_ref()?.0;
    let first = schedule::next(&probe.schedule, &probe.uid, last)?;
    let second = schedule::next(&probe.schedule, &probe.uid, first)?;
    Some(second + signed(probe.run_timeout))
}

/// Nothing was heard for too long: no verdict and no condition of a path may look as if somebody had looked.
pub fn go_blind(status: &mut ClaudeProbeStatus, probe: &Probe, now: Timestamp) {
    let used = budget::used(status.usage.as_ref(), now);
    // The last run reported, and is not the one that the status speaks of: it cost nothing.
    let saved = status.last_run.as_ref().is_some_and(|last| {
        last.result == "Reported"
            && last.started_at.as_ref().map(|at| at.0) > status.last_reported_at.as_ref().map(|at| at.0)
    });
    let (reason, why) = if probe.suspend {
        ("Suspended", "scheduled runs are suspended")
    } else if saved || budget::afford(probe, crate::plan::CanaryChoice::default(), used, now).zero_token_only {
        (
            "OverBudget",
            "the tokens of the day are used up (budget.tokensPerDay), and only exchanges without tokens are sent",
        )
    } else {
        ("NoRecentRun", "see ProberOperational")
    };
    let last = status
        .last_reported_at
        .as_ref()
        .map_or_else(String::new, |at| format!(" since {}", at.0));
    let message = format!("No run has completed{last}: {why}.");
    for said in conditions::untold(reason, &message) {
        conditions::set(&mut status.conditions, &said, probe.generation, now);
    }
    // A verdict that already says why the prober does not report says more.
    if status
        .verdict
        .as_ref()
        .is_none_or(|verdict| verdict.state != VerdictState::Unknown)
    {
        status.verdict = Some(unknown(status, text::sentence_case(&message), "", now));
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
