//! The run in progress: which of the probe's pods belong to it, how far it is, and whether it is over.
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

/// How long a pod may stay Terminating beyond its grace before it is deleted by force, and how long past its deadline a
/// silent kubelet is waited for.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How long the scheduler may need (a cluster that scales up) before `Unschedulable` is said aloud.
pub const UNSCHEDULABLE_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A pod that was created just inside its slot's deadline has this long to start.
const LEAST_TO_START: SignedDuration = SignedDuration::from_secs(30);

/// The API server refused to create a pod of this slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The slot.
    pub slot: Slot,
    /// Why.
    pub fault: Fault,
    /// When it was refused first.
    pub first: Timestamp,
    /// When it was refused last.
    pub last: Timestamp,
}

/// The probe's pods, told apart.
#[derive(Clone, Debug, Default)]
pub struct Sorted<'a> {
    /// Pods of the slot in progress, those that are gone unread included.
    pub current: Vec<&'a RunPod>,
    /// Those of `current` that are gone.
    pub vanished: Vec<&'a RunPod>,
    /// Pods of slots that are closed: kept for their logs, until the next run.
    pub closed: Vec<&'a RunPod>,
}

/// Tells the probe's pods apart. Runs are numbered, and those up to the `last` one that the status names are closed: neither
/// clocks nor the order in which watches tell things can open one again.
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

/// How far a run is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress<'a> {
    /// Not over.
    InProgress(InProgress),
    /// Over.
    Ended(Ended<'a>),
}

/// A run that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InProgress {
    /// What keeps a pod from starting, if it is said and has lasted long enough.
    pub fault: Option<Fault>,
    /// Groups (indexes into the probe's pods) whose pod does not exist yet.
    pub missing: Vec<usize>,
    /// When to look again, even if nothing is heard.
    pub wake: Timestamp,
}

/// A run that is over.
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
    /// What its pods left, in the order of the groups.
    pub parts: Vec<Part<'a>>,
}

/// How one pod of a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// It left something to read, and may have used so many tokens.
    Terminated(&'a Termination, i64),
    /// It may have run and used so many tokens, and left nothing.
    Lost(Fault, i64),
    /// It never started.
    NotStarted(Fault),
    /// The spec changed before it ended; it may have used so many tokens.
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

/// How far the run of these pods is. `current` is not empty.
#[must_use]
pub fn progress<'a>(
    sorted: &Sorted<'a>,
    refusal: Option<&Refusal>,
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
            None => missing(index, first, refusal, probe, now, &mut in_progress),
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

/// Ends a slot none of whose pods could be created.
#[must_use]
pub fn never_created(number: i64, refusal: &Refusal) -> Ended<'static> {
    Ended {
        number,
        slot: refusal.slot.clone(),
        choice: ForwardingCheckChoice::default(),
        started: None,
        pod: String::new(),
        parts: vec![Part::NotStarted(refusal.fault.clone())],
    }
}

fn vanished<'a>(pod: &'a RunPod) -> Part<'a> {
    match &pod.state {
        // Read before it went: nothing is lost.
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
            // The kubelet ends a pod at its deadline: one that does not is not there.
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
        let unsaid = || Fault::new(FaultKind::StartTimeout, "");
        return Some(Part::NotStarted(fault.cloned().unwrap_or_else(unsaid)));
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
    refusal: Option<&Refusal>,
    probe: &Probe,
    now: Timestamp,
    in_progress: &mut InProgress,
) -> Option<Part<'a>> {
    let fault = refusal
        .filter(|refusal| refusal.slot == first.slot)
        .map(|refusal| refusal.fault.clone());
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
