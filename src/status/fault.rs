//! Why a run has no report: the closed list of faults, each with its fix.
//!
//! A fault here concerns the cluster around the prober, never a path: it makes `ProberOperational` False and no verdict
//! `Failing`.

use crate::diagnosis::{LONGEST_CONDITION_MESSAGE, LONGEST_MESSAGE};
use crate::text::{capitalised, one_line, shortened};

/// Longest detail that is kept, bytes.
const DETAIL_BYTES: usize = 300;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident => $title:literal, $fix:literal;)*) => {
        /// Why a prober does not report. The name is the reason of `ProberOperational=False`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FaultKind {
            $($(#[$doc])* $name,)*
        }

        impl FaultKind {
            /// All of them.
            pub const ALL: &[FaultKind] = &[$(Self::$name,)*];

            /// The name, a condition reason.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What is wrong, one line without a full stop.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// How to fix it.
            #[must_use]
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)* }
            }
        }
    };
}

faults! {
    /// The image cannot be pulled.
    ImagePullFailed => "the prober's image cannot be pulled", "Check the operator's --image, the registry and placement.imagePullSecrets.";
    /// The image name is not one.
    ImageNameInvalid => "the prober's image name is invalid", "Correct the operator's --image.";
    /// `imagePullPolicy: Never`, and the node does not have it.
    ImageNotPresent => "the prober's image is missing on the node", "Load it on every node, or set the operator's --image-pull-policy to IfNotPresent.";
    /// A Secret that the probe names does not exist.
    SecretMissing => "a Secret of the probe does not exist", "Create it in the probe's namespace, or correct its name in the spec.";
    /// The Secret exists, the key in it does not.
    SecretKeyMissing => "a Secret of the probe lacks a key", "Add the key to the Secret, or correct its name in the spec.";
    /// Another fault in the container's configuration.
    ContainerConfigInvalid => "the kubelet rejects the container's configuration", "Run kubectl describe on the pod.";
    /// The runtime cannot create or start the container.
    ContainerNotStarted => "the container runtime cannot start the prober", "Check the operator's --image, its architecture and placement.runtimeClassName.";
    /// No node fits the pod.
    Unschedulable => "no node fits the probe pod", "Correct placement (nodeSelector, tolerations, resources), or add capacity.";
    /// The node that it was bound to rejected it.
    NodeRefused => "the node rejected the probe pod", "The next slot runs again.";
    /// The API server rejected it.
    AdmissionDenied => "the API server rejected the probe pod", "Change that policy, or placement.";
    /// A ResourceQuota is used up.
    QuotaExceeded => "a ResourceQuota is exhausted", "Raise the quota, or lower placement.resources.";
    /// The namespace is being deleted.
    NamespaceTerminating => "the namespace is being deleted", "The probe is deleted with it.";
    /// The service account does not exist.
    ServiceAccountMissing => "the probe pod's service account does not exist", "Create it, or correct placement.serviceAccountName.";
    /// The operator is not allowed to create pods.
    OperatorForbidden => "the operator may not create pods in this namespace", "Restore the operator's ClusterRole and its binding (pods: create).";
    /// Another pod has the pod's name.
    PodNameTaken => "another pod has the name of the run's pod", "Delete or rename that pod.";
    /// The plan does not fit in a pod.
    PlanTooLarge => "the run's plan does not fit in a pod", "Shorten prompt and headers, or use request.bodyFrom.";
    /// Evicted, preempted or deleted by a drain.
    Evicted => "the probe pod was evicted", "If no node was drained: set a priority class, or add node capacity.";
    /// Killed for its memory.
    OutOfMemory => "the prober ran out of memory", "Raise placement.resources.limits.memory.";
    /// The pod's deadline passed before it reported.
    DeadlineExceeded => "the probe pod did not report before its deadline", "Read kubectl logs of the pod; raise runTimeout if the paths are slow.";
    /// The node stopped answering.
    NodeLost => "the probe pod's node does not answer", "Check the node.";
    /// It ended without a report.
    ProberCrashed => "the prober ended without a report", "Read kubectl logs of the pod, and report this bug.";
    /// The prober could not execute its plan.
    PlanRefused => "the prober could not execute its plan", "Correct the named field; use the same release for operator and prober (--image).";
    /// Its termination message is no report of this version.
    ReportUnreadable => "the prober's report cannot be read", "Use the same release for operator and prober (--image).";
    /// The pod was deleted before its report was read.
    ReportLost => "the probe pod was deleted before its report was read", "Check what deletes pods in this namespace: a node drain, a clean-up job.";
    /// It did not start in time, for an unknown reason.
    StartTimeout => "the probe pod did not start in time", "Run kubectl describe on the pod (volumes, network plugin, sidecars).";
}

/// A fault with the cluster's own message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// The cluster's own message, bounded; empty when there is none.
    pub detail: String,
}

impl Fault {
    /// A fault with the cluster's message, cut to a bound.
    #[must_use]
    pub fn new(kind: FaultKind, detail: &str) -> Self {
        Self {
            kind,
            detail: shortened(&one_line(detail), DETAIL_BYTES),
        }
    }

    /// What is wrong, for a verdict's message: the advice is a field of its own.
    #[must_use]
    pub fn what(&self) -> String {
        let title = capitalised(self.kind.title());
        if self.detail.is_empty() {
            return format!("{title}.");
        }
        let room = LONGEST_MESSAGE.saturating_sub(title.len() + ": .".len());
        let detail = shortened(self.detail.trim_end_matches('.'), room);
        format!("{title}: {detail}.")
    }

    /// What is wrong and how to fix it, for a condition's message: the cluster's message is cut where it does not fit.
    #[must_use]
    pub fn message(&self) -> String {
        let (title, fix) = (self.kind.title(), self.kind.fix());
        let title = capitalised(title);
        let room = LONGEST_CONDITION_MESSAGE.saturating_sub(title.len() + fix.len() + ": . ".len());
        let detail = shortened(self.detail.trim_end_matches('.'), room);
        if detail.is_empty() {
            format!("{title}. {fix}")
        } else {
            format!("{title}: {detail}. {fix}")
        }
    }
}
