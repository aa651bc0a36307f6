//! The parts of a Pod that the operator reads: about 2 KiB instead of the 27 KiB of a whole pod in memory.

use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};

/// The parts of a Pod that are read from the watch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, kube::Resource)]
#[resource(inherit = Pod)]
pub struct ProbePod {
    /// Metadata; managedFields are cleared on arrival.
    pub metadata: ObjectMeta,
    /// Status.
    #[serde(default)]
    pub status: PodStatusView,
}

/// The parts of a pod's status that are read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatusView {
    /// Pending, Running, Succeeded, Failed, Unknown.
    pub phase: Option<String>,
    /// Why the pod as a whole is in this state (Evicted, DeadlineExceeded, …).
    pub reason: Option<String>,
    /// The message to that reason.
    pub message: Option<String>,
    /// Scheduling and disruption.
    pub conditions: Vec<PodCondition>,
    /// Sidecars that a mesh injected, among others.
    pub init_container_statuses: Vec<ContainerStatusView>,
    /// The prober, and sidecars.
    pub container_statuses: Vec<ContainerStatusView>,
}

/// One container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStatusView {
    /// Name.
    pub name: String,
    /// State.
    pub state: Option<ContainerState>,
}

/// Exactly one of them is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not started.
    pub waiting: Option<Waiting>,
    /// Running.
    pub running: Option<Running>,
    /// Ended.
    pub terminated: Option<Terminated>,
}

/// A container that runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Running {}

/// Why a container has not started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// One word.
    pub reason: String,
    /// The message of the kubelet or the runtime.
    pub message: String,
}

/// How a container ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// Exit code.
    pub exit_code: i32,
    /// One word.
    pub reason: String,
    /// The termination message: the report.
    pub message: String,
    /// When.
    pub finished_at: Option<Time>,
}
