//! The run in progress: which of the probe's pods belong to it, and whether it has ended.
//!
//! Pure. A run is the pods of one slot; the pod is the record that the slot was taken, until the status names the slot.

use jiff::{SignedDuration, Timestamp};

use super::pod;
use super::pod_view::{PodState, RunPod, Termination};
use crate::plan::ForwardingCheckChoice;
use crate::resource::status::RunStatus;
use crate::resource::validated::Probe;
use crate::status::fault::{Fault, FaultKind};
use crate::status::schedule::{Slot, signed};

/// How long a pod may stay Terminating beyond its grace period before it is deleted by force, and how long after its
/// deadline the kubelet may report it.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How long the scheduler may need (a cluster that scales up) before `Unschedulable` is reported.
pub const UNSCHEDULABLE_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A pod that was created just inside its slot's deadline has this long to start.
const LEAST_TO_START: SignedDuration = SignedDuration::from_secs(30);

/// The API server rejected a pod of this slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The slot.
    pub slot: Slot,
    /// Why.
    pub fault: Fault,
    /// When it was rejected first.
    pub first: Timestamp,
    /// When it was rejected last.
    pub last: Timestamp,
}

/// The probe's pods by run.
#[derive(Clone, Debug, Default)]
pub struct Sorted<'a> {
    /// Pods of the slot in progress, deleted ones without a collected report included.
    pub current: Vec<&'a RunPod>,
    /// Those of `current` that are deleted.
    pub vanished: Vec<&'a RunPod>,
    /// Pods of slots that are closed: kept for their logs, until the next run.
    pub closed: Vec<&'a RunPod>,
}

/// Sorts the probe's pods by run. Runs are numbered, and those up to the `last` one that the status names are closed:
/// neither clocks nor the order of watch events can open one again.
#[must_use]
pub fn sort<'a>(pods: &'a [RunPod], vanished: &'a [RunPod], last: Option<&RunStatus>) -> Sorted<'a> {
    let closed = last.map_or(0, |last| last.number);
    let number = pods
        .iter()
        .chain(vanished)
        .map(|pod| pod.number)
        .filter(|number| *number > closed)
        .max();
    let current = |pod: &&RunPod| Some(pod.number) == number;
    Sorted {
        current: pods.iter().chain(vanished).filter(current).collect(),
        vanished: vanished.iter().filter(current).collect(),
        closed: pods.iter().filter(|pod| !current(pod)).collect(),
    }
}

/// The progress of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress<'a> {
    /// It has not ended.
    InProgress(InProgress),
    /// It has ended.
    Ended(Ended<'a>),
}

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InProgress {
    /// Why a pod does not start, if known and long enough.
    pub fault: Option<Fault>,
    /// Groups (indexes into the probe's pods) whose pod does not exist yet.
    pub missing: Vec<usize>,
    /// When to reconcile again without a watch event.
    pub wake: Timestamp,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended<'a> {
    /// Its number.
    pub number: i64,
    /// Its slot.
    pub slot: Slot,
    /// What it did.
    pub choice: ForwardingCheckChoice,
    /// When its first pod was created; `None` when none ever was.
    pub started: Option<Timestamp>,
    /// Name of its first pod, empty when there never was one.
    pub pod: String,
    /// How its pods ended, in the order of the groups.
    pub parts: Vec<Part<'a>>,
}

/// How one pod of a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The prober terminated with a message; the reserved tokens.
    Terminated(&'a Termination, i64),
    /// It ended without a message; the reserved tokens, all of which it may have used.
    Lost(Fault, i64),
    /// It never started.
    NotStarted(Fault),
    /// The spec changed before it ended; the tokens that it may have used.
    Superseded(i64),
}

/// Until when a slot's pods must have started.
#[must_use]
pub fn start_by(slot: &Slot, first: Timestamp, probe: &Probe) -> Timestamp {
    let allowed = signed(probe.starting_deadline);
    match slot {
        Slot::At(at) => (*at + allowed).max(first + allowed.min(LEAST_TO_START)),
        Slot::Generation(_) | Slot::RunNow(_) => first + allowed,
    }
}

/// The progress of the run of these pods; `None` when there is none.
#[must_use]
pub fn progress<'a>(
    sorted: &Sorted<'a>,
    rejection: Option<&Rejection>,
    probe: &Probe,
    now: Timestamp,
) -> Option<Progress<'a>> {
    let first = sorted.current.iter().min_by_key(|pod| pod.created)?;
    let ended = |parts| {
        Progress::Ended(Ended {
            number: first.number,
            slot: first.slot.clone(),
            choice: first.choice,
            started: Some(first.created),
            pod: first.name.clone(),
            parts,
        })
    };
    let superseded = first.generation != probe.generation;
    let mut in_progress = InProgress {
        fault: None,
        missing: Vec::new(),
        wake: now + SignedDuration::from_hours(1),
    };
    let mut parts = Vec::new();
    for (index, group) in probe.pods.iter().enumerate() {
        let name = pod::group_name(group);
        let found = sorted.current.iter().find(|pod| pod.group == name);
        let part = match found {
            Some(pod) if sorted.vanished.iter().any(|gone| gone.uid == pod.uid) => Some(vanished(pod)),
            Some(pod) => part(pod, probe, now, &mut in_progress),
            None => missing(index, first, rejection, probe, now, &mut in_progress),
        };
        parts.extend(part);
    }
    if superseded {
        let cut = sorted.current.iter().map(|pod| match &pod.state {
            PodState::TerminatedWithReport(termination) => Part::Terminated(termination, pod.reserved_tokens),
            PodState::Starting(_) => Part::Superseded(0),
            _ => Part::Superseded(pod.reserved_tokens),
        });
        return Some(ended(cut.chain([Part::Superseded(0)]).collect()));
    }
    Some(if parts.len() == probe.pods.len() {
        ended(parts)
    } else {
        Progress::InProgress(in_progress)
    })
}

/// Ends a slot whose pods could not be created.
#[must_use]
pub fn never_created(number: i64, rejection: &Rejection) -> Ended<'static> {
    Ended {
        number,
        slot: rejection.slot.clone(),
        choice: ForwardingCheckChoice::default(),
        started: None,
        pod: String::new(),
        parts: vec![Part::NotStarted(rejection.fault.clone())],
    }
}

fn vanished<'a>(pod: &'a RunPod) -> Part<'a> {
    match &pod.state {
        // Its message was read before its deletion.
        PodState::TerminatedWithReport(termination) => Part::Terminated(termination, pod.reserved_tokens),
        PodState::TerminatedWithoutReport(fault) => Part::Lost(fault.clone(), pod.reserved_tokens),
        PodState::Starting(_) | PodState::Running => Part::Lost(
            Fault::new(FaultKind::ReportLost, &format!("pod {}", pod.name)),
            pod.reserved_tokens,
        ),
    }
}

/// `None` while the pod may still report.
fn part<'a>(pod: &'a RunPod, probe: &Probe, now: Timestamp, in_progress: &mut InProgress) -> Option<Part<'a>> {
    match &pod.state {
        PodState::TerminatedWithReport(termination) => return Some(Part::Terminated(termination, pod.reserved_tokens)),
        PodState::TerminatedWithoutReport(fault) => return Some(Part::Lost(fault.clone(), pod.reserved_tokens)),
        PodState::Starting(_) | PodState::Running => {}
    }
    if let Some(until) = pod.deleting {
        let until = until + PATIENCE;
        in_progress.wake = in_progress.wake.min(until);
        let fault = || Fault::new(FaultKind::ReportLost, &format!("pod {} was deleted", pod.name));
        return (until <= now).then(|| Part::Lost(fault(), pod.reserved_tokens));
    }
    match &pod.state {
        PodState::Starting(fault) => starting(pod, fault.as_ref(), probe, now, in_progress),
        _ => {
            let deadline = pod.created + signed(pod::active_deadline(probe, pod.choice)) + PATIENCE;
            in_progress.wake = in_progress.wake.min(deadline);
            // The kubelet ends a pod at its deadline: one that does not is lost.
            (deadline <= now).then(|| Part::Lost(Fault::new(FaultKind::NodeLost, ""), pod.reserved_tokens))
        }
    }
}

fn starting<'a>(
    pod: &RunPod,
    fault: Option<&Fault>,
    probe: &Probe,
    now: Timestamp,
    in_progress: &mut InProgress,
) -> Option<Part<'a>> {
    let start_by = start_by(&pod.slot, pod.created, probe);
    if start_by <= now {
        let unknown = || Fault::new(FaultKind::StartTimeout, "");
        return Some(Part::NotStarted(fault.cloned().unwrap_or_else(unknown)));
    }
    in_progress.wake = in_progress.wake.min(start_by);
    let patience = pod.created + UNSCHEDULABLE_AFTER;
    match fault {
        Some(fault) if fault.kind == FaultKind::Unschedulable && patience > now => {
            in_progress.wake = in_progress.wake.min(patience)
        }
        Some(fault) if in_progress.fault.is_none() => in_progress.fault = Some(fault.clone()),
        _ => {}
    }
    None
}

fn missing<'a>(
    index: usize,
    first: &RunPod,
    rejection: Option<&Rejection>,
    probe: &Probe,
    now: Timestamp,
    in_progress: &mut InProgress,
) -> Option<Part<'a>> {
    let fault = rejection
        .filter(|rejection| rejection.slot == first.slot)
        .map(|rejection| rejection.fault.clone());
    let start_by = start_by(&first.slot, first.created, probe);
    if start_by <= now {
        return Some(Part::NotStarted(
            fault.unwrap_or_else(|| Fault::new(FaultKind::StartTimeout, "")),
        ));
    }
    in_progress.wake = in_progress.wake.min(start_by);
    in_progress.missing.push(index);
    if in_progress.fault.is_none() {
        in_progress.fault = fault;
    }
    None
}
