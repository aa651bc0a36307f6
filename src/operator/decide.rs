//! The decision about one probe: pure, from the observation and `now` to writes and the next wake-up.
//!
//! # Guarantees
//! One run at a time. A slot is taken by creating its pods and closed by a status that names it; a closed slot never runs
//! again. A pod is deleted only after the API server acknowledged the status that closes its slot: a plan has the status
//! first, then the deletions. The same observation gives the same plan.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::collected_report::{self, CollectedReport};
use super::observe::Observed;
use super::pod_view::PodState;
use super::run::{self, Ended, InProgress, PATIENCE, Progress, Sorted};
use crate::catalogue::ConditionType;
use crate::diagnosis::diagnose;
use crate::plan::ForwardingCheckChoice;
use crate::resource::status::ClaudeProbeStatus;
use crate::resource::validated::Probe;
use crate::status::fault::Fault;
use crate::status::memory::{Memory, RunOver};
use crate::status::schedule::{self, Due, ScheduleState, Slot};
use crate::status::{bounds, budget, conditions, forwarding_checks, names, stale, write};

/// Time from a rejected create to the next attempt.
const RETRY_REJECTED: SignedDuration = SignedDuration::from_secs(10);
/// Longest time between two reconciles of a probe.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_hours(1);

/// A write beside the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Create the pod of this group (an index into the probe's pods).
    Create {
        /// Number of the run.
        number: i64,
        /// The slot that it fills.
        slot: Slot,
        /// Which pod.
        group: usize,
        /// What the run does.
        choice: ForwardingCheckChoice,
    },
    /// Delete a pod.
    Delete {
        /// Its name.
        name: String,
        /// Its UID, a precondition.
        uid: String,
        /// Without a grace period: its node does not answer.
        force: bool,
    },
}

/// A run that this plan closes, for counters and Events.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Its slot.
    pub slot: Slot,
    /// Its collected report.
    pub report: CollectedReport,
}

/// The decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The status to write before anything else; `None` when only time stamps would change.
    pub status: Option<Box<ClaudeProbeStatus>>,
    /// The writes after it, in this order.
    pub actions: Vec<Action>,
    /// When to reconcile again at the latest.
    pub wake: Timestamp,
    /// The run that the status closes.
    pub closed: Option<Closed>,
    /// Slots that the status counts as missed.
    pub missed: i64,
}

struct Draft<'a> {
    observed: &'a Observed,
    status: ClaudeProbeStatus,
    actions: Vec<Action>,
    wake: Timestamp,
    closed: Option<Closed>,
}

impl Draft<'_> {
    fn finish(mut self) -> Plan {
        bounds::apply(&mut self.status);
        let before = &self.observed.status;
        let missed = self.status.missed_runs - before.missed_runs;
        let write = self.closed.is_some() || write::differ(&self.status, before);
        Plan {
            status: write.then(|| Box::new(self.status)),
            actions: self.actions,
            wake: self.wake,
            closed: self.closed,
            missed,
        }
    }

    fn wake_by(&mut self, at: Timestamp) {
        self.wake = self.wake.min(at);
    }

    fn delete(&mut self, name: &str, uid: &str, force: bool) {
        self.actions.push(Action::Delete {
            name: name.to_owned(),
            uid: uid.to_owned(),
            force,
        });
    }
}

/// Decides.
#[must_use]
pub fn decide(observed: &Observed, now: Timestamp) -> Plan {
    let mut draft = Draft {
        observed,
        status: observed.status.clone(),
        actions: Vec::new(),
        wake: now + LONGEST_SLEEP,
        closed: None,
    };
    let probe = match &observed.spec {
        Ok(probe) => probe.as_ref(),
        Err(faults) => {
            draft.status.observed_generation = Some(observed.generation);
            let ready = conditions::not_ready(faults);
            conditions::put(&mut draft.status, &ready, observed.generation, now);
            return draft.finish();
        }
    };
    let ready = observed
        .crd_outdated
        .as_deref()
        .map_or_else(|| conditions::ready(probe), conditions::crd_outdated);
    conditions::put(&mut draft.status, &ready, probe.generation, now);
    write::begin(&mut draft.status, probe, now);
    let sorted = run::sort(&observed.pods, &observed.vanished, observed.status.last_run.as_ref());
    match run::progress(&sorted, observed.rejection.as_ref(), probe, now) {
        Some(Progress::Ended(run)) => close(&mut draft, probe, &run, &sorted, now),
        Some(Progress::InProgress(in_progress)) => continue_run(&mut draft, probe, &sorted, &in_progress, now),
        None => match rejected_too_long(observed, probe, now) {
            Some(run) => close(&mut draft, probe, &run, &sorted, now),
            None => idle(&mut draft, probe, &sorted, now),
        },
    }
    match stale::due(probe, &draft.status) {
        Some(at) if at <= now => stale::mark(&mut draft.status, probe, now),
        Some(at) => draft.wake_by(at),
        None => {}
    }
    draft.finish()
}

fn next_number(status: &ClaudeProbeStatus) -> i64 {
    status.last_run.as_ref().map_or(0, |run| run.number) + 1
}

/// The annotation's value, unless it was handled.
fn pending_run_now(observed: &Observed) -> Option<&str> {
    let value = observed.run_now.as_deref().filter(|value| !value.is_empty())?;
    (observed.status.last_handled_run_now != Some(names::run_now_mark(value))).then_some(value)
}

fn schedule_state<'a>(observed: &'a Observed, probe: &'a Probe) -> ScheduleState<'a> {
    ScheduleState {
        schedule: &probe.schedule,
        uid: &probe.uid,
        cursor: observed.status.next_run.as_ref().map(|at| at.0),
        generation: probe.generation,
        handled_generation: observed.status.observed_generation,
        suspend: probe.suspend,
        run_now: pending_run_now(observed),
        starting_deadline: schedule::signed(probe.starting_deadline),
    }
}

/// A slot whose pods the API server rejected until its deadline.
fn rejected_too_long(observed: &Observed, probe: &Probe, now: Timestamp) -> Option<Ended<'static>> {
    let rejection = observed.rejection.as_ref()?;
    let stale = matches!(rejection.slot, Slot::Generation(generation) if generation != probe.generation);
    let over = run::start_by(&rejection.slot, rejection.first, probe) <= now;
    (over && !stale).then(|| run::never_created(next_number(&observed.status), rejection))
}

/// Closes a run: the status first, then the deletion of pods that must not continue. Every step is pure.
fn close(draft: &mut Draft<'_>, probe: &Probe, run: &Ended<'_>, sorted: &Sorted<'_>, now: Timestamp) {
    let report = collected_report::collect(run);
    let over = over(draft.observed, probe, run, &report, now);
    let mut memory = Memory::read(&draft.status, probe);
    let diagnosis = over.reported().map(|(evidence, started)| {
        memory.see_keys(evidence, started);
        diagnose(&memory.case(evidence, &draft.observed.facts, now))
    });
    draft.status = memory.after(&over, diagnosis, now).write();
    stop(draft, sorted, now);
    draft.closed = Some(Closed {
        slot: run.slot.clone(),
        report,
    });
    // The next step is decided from the acknowledged status.
    draft.wake = now;
}

/// The run as the status keeps it, with the schedule after it.
fn over<'a>(
    observed: &'a Observed,
    probe: &'a Probe,
    run: &'a Ended<'_>,
    report: &'a CollectedReport,
    now: Timestamp,
) -> RunOver<'a> {
    let state = schedule_state(observed, probe);
    let (missed, next) = if report.superseded {
        (0, state.cursor)
    } else {
        schedule::after(&state, &run.slot, now)
    };
    RunOver {
        number: run.number,
        slot: &run.slot,
        started: run.started,
        pod: &run.pod,
        free: run.choice.zero_token_only,
        result: report.result(),
        fault: report.cause(),
        evidence: report.evidence.as_ref(),
        charged: report.charged,
        missed,
        next,
        run_now: state.run_now.filter(|value| Slot::run_now(value) == run.slot),
    }
}

/// Deletes the run's pods that still run: the prober has not ended, or a sidecar runs.
fn stop(draft: &mut Draft<'_>, sorted: &Sorted<'_>, now: Timestamp) {
    for pod in &sorted.current {
        let gone = sorted.vanished.iter().any(|gone| gone.uid == pod.uid);
        let lingers = matches!(&pod.state, PodState::TerminatedWithReport(termination) if termination.sidecar_runs);
        if !gone && (!pod.ended() || lingers) {
            let force = pod.deleting.is_some_and(|until| until + PATIENCE <= now);
            if pod.deleting.is_none() || force {
                draft.delete(&pod.name, &pod.uid, force);
            }
        }
    }
}

/// A run is in progress.
fn continue_run(draft: &mut Draft<'_>, probe: &Probe, sorted: &Sorted<'_>, in_progress: &InProgress, now: Timestamp) {
    draft.wake_by(in_progress.wake);
    if let Some(fault) = &in_progress.fault {
        report_fault(draft, fault, probe, now);
    }
    let Some(first) = sorted.current.first() else { return };
    let again = draft
        .observed
        .rejection
        .as_ref()
        .filter(|rejection| rejection.slot == first.slot)
        .map(|rejection| rejection.last + RETRY_REJECTED);
    match again.filter(|again| *again > now) {
        Some(again) => draft.wake_by(again),
        None => {
            let create = |group: &usize| Action::Create {
                number: first.number,
                slot: first.slot.clone(),
                group: *group,
                choice: first.choice,
            };
            draft.actions.extend(in_progress.missing.iter().map(create));
        }
    }
}

/// Writes why the prober does not start. The first message stays: the kubelet's text changes with every retry.
fn report_fault(draft: &mut Draft<'_>, fault: &Fault, probe: &Probe, now: Timestamp) {
    let condition = conditions::prober(Some(fault));
    let known = conditions::find(&draft.status.conditions, ConditionType::ProberOperational);
    let same = known.is_some_and(|known| known.status == "False" && known.reason == condition.reason);
    if !same {
        conditions::put(&mut draft.status, &condition, probe.generation, now);
    }
}

/// No run is in progress: starts the one that is due, if any.
fn idle(draft: &mut Draft<'_>, probe: &Probe, sorted: &Sorted<'_>, now: Timestamp) {
    let state = schedule_state(draft.observed, probe);
    let Due { due, missed, next } = schedule::due(&state, now);
    if let Some(next) = next {
        draft.wake_by(next);
    }
    if probe.suspend {
        if draft.status.observed_generation != Some(probe.generation) {
            draft.status.observed_generation = Some(probe.generation);
            write::forget_paths(&mut draft.status);
        }
        draft.status.next_run = None;
    }
    let Some(slot) = due else {
        leftovers(draft, sorted);
        if missed > 0 {
            draft.status.missed_runs = draft.status.missed_runs.saturating_add(i64::from(missed));
            draft.status.next_run = next.map(Time);
        } else if draft.status.next_run.is_none() {
            draft.status.next_run = next.map(Time);
        }
        return;
    };
    let rejection = draft
        .observed
        .rejection
        .as_ref()
        .filter(|rejection| rejection.slot == slot);
    if let Some(rejection) = rejection {
        report_fault(draft, &rejection.fault, probe, now);
        draft.wake_by(run::start_by(&slot, rejection.first, probe));
        if rejection.last + RETRY_REJECTED > now {
            return draft.wake_by(rejection.last + RETRY_REJECTED);
        }
    }
    if overlaps(draft, sorted, now) {
        return;
    }
    let used = budget::used(draft.status.usage.as_ref(), now);
    let deep = matches!(slot, Slot::RunNow(_)) && state.run_now.is_some_and(names::wants_deep);
    let choice = forwarding_checks::choose(probe, &draft.status, &slot, deep, now);
    let choice = budget::afford(probe, choice, used, now);
    let number = next_number(&draft.status);
    let create = |group| Action::Create {
        number,
        slot: slot.clone(),
        group,
        choice,
    };
    draft.actions.extend((0..probe.pods.len()).map(create));
    for pod in sorted.closed.iter().filter(|pod| pod.deleting.is_none()) {
        draft.delete(&pod.name, &pod.uid, false);
    }
}

/// Deletes pods of earlier runs: the process that should have deleted them ended before.
fn leftovers(draft: &mut Draft<'_>, sorted: &Sorted<'_>) {
    let last = draft.status.last_run.as_ref().map_or(0, |run| run.number);
    for pod in sorted
        .closed
        .iter()
        .filter(|pod| pod.deleting.is_none() && pod.number < last)
    {
        draft.delete(&pod.name, &pod.uid, false);
    }
}

/// Whether a pod of a closed slot may still run. Such a pod is deleted, without a grace period when its node does not
/// answer.
fn overlaps(draft: &mut Draft<'_>, sorted: &Sorted<'_>, now: Timestamp) -> bool {
    let mut overlaps = false;
    for pod in sorted.closed.iter().filter(|pod| !pod.ended()) {
        overlaps = true;
        match pod.deleting {
            None => draft.delete(&pod.name, &pod.uid, false),
            Some(until) if until + PATIENCE <= now => draft.delete(&pod.name, &pod.uid, true),
            Some(until) => draft.wake_by(until + PATIENCE),
        }
    }
    overlaps
}
