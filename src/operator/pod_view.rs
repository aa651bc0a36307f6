//! A probe pod, reduced to the fields that a decision needs.

use std::str::FromStr;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::pod_status::{ContainerStatusView, PodStatusView, ProbePod};
use super::start_fault;
use crate::plan::ForwardingCheckChoice;
use crate::status::fault::Fault;
use crate::status::names;
use crate::status::schedule::Slot;

/// A probe pod, reduced to the fields that a decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPod {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Number of its run.
    pub number: i64,
    /// The slot that it fills.
    pub slot: Slot,
    /// Which pod of the slot.
    pub group: String,
    /// How many pods the slot has.
    pub pods: usize,
    /// Tokens that it may use at most.
    pub reserved_tokens: i64,
    /// The spec's generation that it was built from.
    pub generation: i64,
    /// What the run does.
    pub choice: ForwardingCheckChoice,
    /// When it was created, by the API server's clock.
    pub created: Timestamp,
    /// When its grace period ends, when it is being deleted.
    pub deleting: Option<Timestamp>,
    /// Its state.
    pub state: PodState,
}

/// The state of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodState {
    /// The prober has not started; with the fault, if one is known.
    Starting(Option<Fault>),
    /// The prober runs.
    Running,
    /// The prober terminated with a message; `collected_report` parses it.
    TerminatedWithReport(Termination),
    /// The prober terminated without a message.
    TerminatedWithoutReport(Fault),
}

/// How a prober terminated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Termination {
    /// The termination message.
    pub message: String,
    /// When the prober ended.
    pub finished: Option<Timestamp>,
    /// Another container still runs, such as a sidecar.
    pub sidecar_runs: bool,
    /// The fault to report if the message is no report.
    pub fault: Fault,
}

impl RunPod {
    /// Whether the prober has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(
            self.state,
            PodState::TerminatedWithReport(_) | PodState::TerminatedWithoutReport(_)
        )
    }
}

/// The UID of the probe that owns this pod as its controller.
#[must_use]
pub fn owner(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    owners
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == "ClaudeProbe")
}

/// Reduces a pod; `None` when it is none of ours.
#[must_use]
pub fn reduce(pod: &ProbePod) -> Option<RunPod> {
    let meta = &pod.metadata;
    owner(meta)?;
    let annotations = meta.annotations.as_ref()?;
    let number = |name: &str| annotations.get(name).and_then(|text| text.parse::<i64>().ok());
    Some(RunPod {
        name: meta.name.clone()?,
        uid: meta.uid.clone()?,
        number: number(names::RUN).unwrap_or(0),
        slot: Slot::from_str(annotations.get(names::SLOT)?).ok()?,
        group: annotations.get(names::GROUP)?.clone(),
        pods: number(names::PODS)
            .and_then(|pods| usize::try_from(pods).ok())
            .unwrap_or(1),
        reserved_tokens: number(names::RESERVED_TOKENS).unwrap_or(0),
        generation: number(names::GENERATION).unwrap_or(0),
        choice: names::choice(annotations.get(names::CHOICE).map_or("", String::as_str)),
        created: meta.creation_timestamp.as_ref()?.0,
        deleting: meta.deletion_timestamp.as_ref().map(|time| time.0),
        state: state(&pod.status),
    })
}

fn state(status: &PodStatusView) -> PodState {
    let prober = status
        .container_statuses
        .iter()
        .find(|container| container.name == names::CONTAINER);
    let state = prober.and_then(|container| container.state.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        let fault = start_fault::without_report(status);
        // The runtime itself writes into `message` when it cannot start the program.
        let started = !matches!(ended.reason.as_str(), "ContainerCannotRun" | "StartError");
        if ended.message.is_empty() || !started {
            return PodState::TerminatedWithoutReport(fault);
        }
        let running =
            |container: &ContainerStatusView| container.state.as_ref().is_some_and(|state| state.running.is_some());
        return PodState::TerminatedWithReport(Termination {
            message: ended.message.clone(),
            finished: ended.finished_at.as_ref().map(|time| time.0),
            sidecar_runs: status.container_statuses.iter().any(running)
                || status.init_container_statuses.iter().any(running),
            fault,
        });
    }
    if matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")) {
        return PodState::TerminatedWithoutReport(start_fault::without_report(status));
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return PodState::Running;
    }
    PodState::Starting(start_fault::while_starting(status))
}
