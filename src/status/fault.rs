//! Why a run has no report: the closed list, each with what to do about it.
//!
//! A fault here is about the cluster around the prober, never about a path: it makes `ProberOperational` false and no verdict
//! `Failing`.

/// Longest detail that is carried on, bytes.
const DETAIL_BYTES: usize = 300;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident => $title:literal, $fix:literal;)*) => {
        /// What keeps a prober from reporting. The name is the reason of `ProberOperational=False`.
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

            /// What to do about it.
            #[must_use]
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)* }
            }
        }
    };
}

faults! {
    /// The image cannot be pulled.
    ImagePullFailed => "the prober's image cannot be pulled", "Check the operator's --image, the registry, and placement.imagePullSecrets.";
    /// The image name is not one.
    ImageNameInvalid => "the prober's image name is invalid", "Correct the operator's --image.";
    /// `imagePullPolicy: Never`, and the node does not have it.
    ImageNotPresent => "the prober's image is not on the node, and must not be pulled", "Load the image on every node, or set the operator's --image-pull-policy to IfNotPresent.";
    /// A Secret that the probe names does not exist.
    SecretMissing => "a Secret that the probe names does not exist", "Create the Secret in the probe's namespace, or correct its name in the probe.";
    /// The Secret exists, the key in it does not.
    SecretKeyMissing => "a Secret that the probe names has no such key", "Add the key to the Secret, or correct the key's name in the probe.";
    /// Another fault in the container's configuration.
    ContainerConfigInvalid => "the kubelet refuses the container's configuration", "Read the message; kubectl describe of the pod shows more.";
    /// The runtime cannot create or start the container.
    ContainerNotStarted => "the container runtime cannot start the prober", "Check that the operator's --image is claudeprobe's own, for this node's architecture, and placement.runtimeClassName.";
    /// No node takes the pod.
    Unschedulable => "no node can take the probe pod", "Correct placement (nodeSelector, tolerations, resources), or give the cluster room.";
    /// The node that it was bound to refused it.
    NodeRefused => "the node refused the probe pod", "Read the message; the pod runs again in the next slot, maybe on another node.";
    /// The API server refused to create it.
    AdmissionDenied => "the API server refused to create the probe pod", "Read the message: a policy, webhook or Pod Security level of the namespace says what it misses.";
    /// A ResourceQuota is used up.
    QuotaExceeded => "a ResourceQuota of the namespace leaves no room for the probe pod", "Raise the quota, or lower placement.resources.";
    /// The namespace is being deleted.
    NamespaceTerminating => "the namespace is being deleted", "Nothing: the probe goes with it.";
    /// The service account does not exist.
    ServiceAccountMissing => "the probe pod's service account does not exist", "Create it, or correct placement.serviceAccountName.";
    /// The operator is not allowed to create pods.
    OperatorForbidden => "the operator may not create pods in this namespace", "Restore the operator's ClusterRole and its binding (pods: create).";
    /// Something else that has the pod's name.
    PodNameTaken => "a pod that is not this probe's has the name of the run's pod", "Delete or rename that pod.";
    /// The plan does not fit in a pod.
    PlanTooLarge => "the run's plan does not fit in a pod", "Shorten prompt and headers, or put the body into a ConfigMap (request.bodyFrom).";
    /// Evicted, preempted or deleted by a drain.
    Evicted => "the probe pod was evicted", "Nothing if the node was drained; else give it a priority class or the node more room.";
    /// Killed for its memory.
    OutOfMemory => "the prober ran out of memory", "Raise placement.resources.limits.memory.";
    /// The pod's deadline passed before it reported.
    DeadlineExceeded => "the probe pod did not report before its deadline", "Look at kubectl logs of the pod; raise runTimeout if the paths are that slow.";
    /// The node does not answer any more.
    NodeLost => "the probe pod's node does not answer", "Check the node.";
    /// It ended without a report.
    ProberCrashed => "the prober ended without a report", "Look at kubectl logs of the pod, and report the fault.";
    /// The prober could not do what it was told.
    PlanRefused => "the prober could not carry out its plan", "Correct what the message names: a ConfigMap, a file, or an operator and a prober of different releases (--image).";
    /// What it left is not a report of this version.
    ReportUnreadable => "the prober's report cannot be read", "Use operator and prober of the same release (--image).";
    /// The pod is gone, and nobody read it.
    ReportLost => "the probe pod is gone, and its report with it", "Find out what deletes pods in this namespace (a drained node, a cleaner).";
    /// It did not start in time, and nothing says why.
    StartTimeout => "the probe pod did not start in time, and its status does not say why", "Look at kubectl describe of the pod (volumes, network plugin, sidecars).";
}

/// A fault with what the cluster said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// The cluster's own words, bounded; empty when it has none.
    pub detail: String,
}

impl Fault {
    /// A fault with the cluster's words, cut to a bound.
    #[must_use]
    pub fn new(kind: FaultKind, detail: &str) -> Self {
        Self {
            kind,
            detail: super::text::bounded(&super::text::one_line(detail), DETAIL_BYTES),
        }
    }

    /// What is wrong and what to do, for a condition's message.
    #[must_use]
    pub fn message(&self) -> String {
        let (title, fix) = (self.kind.title(), self.kind.fix());
        let title = super::text::sentence_case(title);
        if self.detail.is_empty() {
            format!("{title}. {fix}")
        } else {
            format!("{title}: {}. {fix}", self.detail.trim_end_matches('.'))
        }
    }
}
