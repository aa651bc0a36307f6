//! The input of a decision about one probe, as plain values.

use std::sync::Arc;

use super::pod_view::RunPod;
use super::run::Rejection;
use crate::resource::status::ClaudeProbeStatus;
use crate::resource::validated::{Probe, SpecFault};
use crate::status::memory::Facts;

/// A probe and its surroundings at one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The spec, checked.
    pub spec: Result<Arc<Probe>, Arc<[SpecFault]>>,
    /// Its generation.
    pub generation: i64,
    /// The annotation's value, if there is one.
    pub run_now: Option<String>,
    /// The newest status that the API server acknowledged.
    pub status: ClaudeProbeStatus,
    /// The probe's pods.
    pub pods: Vec<RunPod>,
    /// Deleted pods whose slot no status names.
    pub vanished: Vec<RunPod>,
    /// The API server rejected a pod.
    pub rejection: Option<Rejection>,
    /// What the installed CRD lacks, if it is older than this operator.
    pub crd_outdated: Option<String>,
    /// Further input of a diagnosis.
    pub facts: Facts,
}
