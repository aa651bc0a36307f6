//! Why a probe pod does not start, or ended without a report: the closed list, each with what to do about it.
//!
//! Pure: reads a pod's status, knows no spec and no clock. A fault here says something of the cluster around the prober,
//! never of a path: it makes `ProberOperational` false and no verdict `Failing`.

use super::pod_view::{ContainerState, PodStatusView};
use crate::diagnosis::{LONGEST_CONDITION_MESSAGE, LONGEST_MESSAGE};

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
    /// No node takes the pod.
    Unschedulable => "no node can take the probe pod", "Correct placement (nodeSelector, tolerations, resources), or add room.";
    /// The node that it was bound to refused it.
    NodeRefused => "the node rejected the probe pod", "The next slot runs again.";
    /// The API server refused to create it.
    AdmissionDenied => "the API server rejected the probe pod", "Change that policy, or placement.";
    /// A ResourceQuota is used up.
    QuotaExceeded => "a ResourceQuota leaves no room for the probe pod", "Raise the quota, or lower placement.resources.";
    /// The namespace is being deleted.
    NamespaceTerminating => "the namespace is being deleted", "The probe is deleted with it.";
    /// The service account does not exist.
    ServiceAccountMissing => "the probe pod's service account does not exist", "Create it, or correct placement.serviceAccountName.";
    /// The operator is not allowed to create pods.
    OperatorForbidden => "the operator may not create pods in this namespace", "Restore the operator's ClusterRole and its binding (pods: create).";
    /// Something else that has the pod's name.
    PodNameTaken => "another pod has the name of the run's pod", "Delete or rename that pod.";
    /// The plan does not fit in a pod.
    PlanTooLarge => "the run's plan does not fit in a pod", "Shorten prompt and headers, or use request.bodyFrom.";
    /// Evicted, preempted or deleted by a drain.
    Evicted => "the probe pod was evicted", "If no node was drained: set a priority class, or give the node more room.";
    /// Killed for its memory.
    OutOfMemory => "the prober ran out of memory", "Raise placement.resources.limits.memory.";
    /// The pod's deadline passed before it reported.
    DeadlineExceeded => "the probe pod did not report before its deadline", "Read kubectl logs of the pod; raise runTimeout if the paths are slow.";
    /// The node does not answer any more.
    NodeLost => "the probe pod's node does not answer", "Check the node.";
    /// It ended without a report.
    ProberCrashed => "the prober ended without a report", "Read kubectl logs of the pod, and report this bug.";
    /// The prober could not do what it was told.
    PlanRefused => "the prober could not carry out its plan", "Correct what is named; --image must match the operator's release.";
    /// What it left is not a report of this version.
    ReportUnreadable => "the prober's report cannot be read", "Use the same release for operator and prober (--image).";
    /// The pod is gone, and nobody read it.
    ReportLost => "the probe pod was deleted before its report was read", "Find what deletes pods in this namespace: a drained node, a cleaner.";
    /// It did not start in time, and nothing says why.
    StartTimeout => "the probe pod did not start in time; its status shows no reason", "Run kubectl describe on the pod (volumes, network plugin, sidecars).";
}

/// A fault with the cluster's own words about it.
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

    /// What is wrong, for a verdict's message: its advice is a field of its own.
    #[must_use]
    pub fn what(&self) -> String {
        let title = super::text::sentence_case(self.kind.title());
        if self.detail.is_empty() {
            return format!("{title}.");
        }
        let room = LONGEST_MESSAGE.saturating_sub(title.len() + ": .".len());
        let detail = super::text::bounded(self.detail.trim_end_matches('.'), room);
        format!("{title}: {detail}.")
    }

    /// What is wrong and what to do, for a condition's message: the cluster's words are cut where they do not fit.
    #[must_use]
    pub fn message(&self) -> String {
        let (title, fix) = (self.kind.title(), self.kind.fix());
        let title = super::text::sentence_case(title);
        let room = LONGEST_CONDITION_MESSAGE.saturating_sub(title.len() + fix.len() + ": . ".len());
        let detail = super::text::bounded(self.detail.trim_end_matches('.'), room);
        if detail.is_empty() {
            format!("{title}. {fix}")
        } else {
            format!("{title}: {detail}. {fix}")
        }
    }
}

/// Why this pod has not started; `None` while it is on its way.
#[must_use]
pub fn while_starting(status: &PodStatusView) -> Option<Fault> {
    let waiting = status.init_container_statuses.iter().chain(&status.container_statuses);
    for container in waiting {
        if let Some(ContainerState {
            waiting: Some(waiting), ..
        }) = &container.state
            && let Some(fault) = of_waiting(&waiting.reason, &waiting.message)
        {
            return Some(fault);
        }
    }
    status
        .conditions
        .iter()
        .find(|condition| {
            condition.type_ == "PodScheduled"
                && condition.status == "False"
                && matches!(condition.reason.as_deref(), Some("Unschedulable" | "SchedulingGated"))
        })
        .map(|condition| {
            Fault::new(
                FaultKind::Unschedulable,
                condition.message.as_deref().unwrap_or_default(),
            )
        })
}

fn of_waiting(reason: &str, message: &str) -> Option<Fault> {
    let kind = match reason {
        // Still on its way.
        "" | "ContainerCreating" | "PodInitializing" => return None,
        "ErrImagePull"
        | "ImagePullBackOff"
        | "RegistryUnavailable"
        | "SignatureValidationFailed"
        | "ImageInspectError" => FaultKind::ImagePullFailed,
        "InvalidImageName" => FaultKind::ImageNameInvalid,
        "ErrImageNeverPull" => FaultKind::ImageNotPresent,
        "CreateContainerConfigError" if message.starts_with("secret ") && message.ends_with("not found") => {
            FaultKind::SecretMissing
        }
        "CreateContainerConfigError" if message.contains("find key") && message.contains("in Secret") => {
            FaultKind::SecretKeyMissing
        }
        "CreateContainerConfigError" => FaultKind::ContainerConfigInvalid,
        _ => FaultKind::ContainerNotStarted,
    };
    Some(Fault::new(kind, if message.is_empty() { reason } else { message }))
}

/// Why this pod, which has ended or is being deleted, left no report.
#[must_use]
pub fn without_report(status: &PodStatusView) -> Fault {
    let detail = status.message.as_deref().unwrap_or_default();
    let disruption = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    let pod = match (
        status.reason.as_deref(),
        disruption.and_then(|condition| condition.reason.as_deref()),
    ) {
        (Some("DeadlineExceeded"), _) => Some(FaultKind::DeadlineExceeded),
        (Some("NodeLost"), _) | (_, Some("DeletionByPodGC" | "DeletionByTaintManager")) => Some(FaultKind::NodeLost),
        (Some("Evicted" | "Preempting" | "Terminated" | "NodeShutdown"), _) | (_, Some(_)) => Some(FaultKind::Evicted),
        (Some("UnexpectedAdmissionError" | "NodeAffinity" | "NodePorts" | "Shutdown"), _) => {
            Some(FaultKind::NodeRefused)
        }
        (Some(reason), _) if reason.starts_with("OutOf") => Some(FaultKind::NodeRefused),
        _ => None,
    };
    if let Some(kind) = pod {
        let words = disruption
            .and_then(|condition| condition.message.as_deref())
            .unwrap_or_default();
        return Fault::new(kind, if detail.is_empty() { words } else { detail });
    }
    let ended = status.container_statuses.iter().find_map(|container| {
        let terminated = container.state.as_ref()?.terminated.as_ref()?;
        (container.name == super::names::CONTAINER).then_some(terminated)
    });
    match ended {
        Some(ended) if ended.reason == "OOMKilled" => Fault::new(FaultKind::OutOfMemory, ""),
        Some(ended) if matches!(ended.reason.as_str(), "ContainerCannotRun" | "StartError") => {
            Fault::new(FaultKind::ContainerNotStarted, &ended.message)
        }
        Some(ended) => Fault::new(FaultKind::ProberCrashed, &format!("exit code {}", ended.exit_code)),
        None => Fault::new(FaultKind::ReportLost, detail),
    }
}

/// Why the API server refused to create a pod.
#[must_use]
pub fn of_refusal(code: u16, message: &str) -> Fault {
    let kind = if message.contains("exceeded quota") || message.contains("failed quota") {
        FaultKind::QuotaExceeded
    } else if message.contains("because it is being terminated") {
        FaultKind::NamespaceTerminating
    } else if message.contains("error looking up service account") {
        FaultKind::ServiceAccountMissing
    } else if code == 403 && message.contains("cannot create resource \"pods\"") {
        FaultKind::OperatorForbidden
    } else {
        FaultKind::AdmissionDenied
    };
    Fault::new(kind, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn status(value: Value) -> PodStatusView {
        serde_json::from_value(value).unwrap()
    }

    fn waiting(reason: &str, message: &str) -> PodStatusView {
        status(json!({"phase": "Pending", "containerStatuses": [
            {"name": "prober", "state": {"waiting": {"reason": reason, "message": message}}}]}))
    }

    #[rstest]
    #[case::pulls("ErrImagePull", "not found", FaultKind::ImagePullFailed)]
    #[case::backs_off("ImagePullBackOff", "Back-off pulling image", FaultKind::ImagePullFailed)]
    #[case::never_pulls("ErrImageNeverPull", "Container image is not present", FaultKind::ImageNotPresent)]
    #[case::bad_name("InvalidImageName", "couldn't parse image name", FaultKind::ImageNameInvalid)]
    #[case::no_secret(
        "CreateContainerConfigError",
        "secret \"claude-key\" not found",
        FaultKind::SecretMissing
    )]
    #[case::no_key(
        "CreateContainerConfigError",
        "couldn't find key api-key in Secret ai/claude-key",
        FaultKind::SecretKeyMissing
    )]
    #[case::root(
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root",
        FaultKind::ContainerConfigInvalid
    )]
    #[case::no_binary("RunContainerError", "no such file", FaultKind::ContainerNotStarted)]
    fn a_waiting_container_names_its_fault(#[case] reason: &str, #[case] message: &str, #[case] kind: FaultKind) {
        let fault = while_starting(&waiting(reason, message)).unwrap();
        assert_eq!((fault.kind, fault.detail.as_str()), (kind, message));
        assert!(fault.message().ends_with(kind.fix()));
    }

    #[test]
    fn every_fault_fits_a_message_whatever_the_cluster_adds() {
        for kind in FaultKind::ALL {
            for detail in [
                "",
                "secret \"claude-key\" not found",
                &"node(s) did not match: ".repeat(40),
            ] {
                let fault = Fault::new(*kind, detail);
                assert!(fault.message().len() <= 160, "{}", fault.message());
                assert!(
                    fault.what().len() <= 200 && !fault.what().contains(kind.fix()),
                    "{}",
                    fault.what()
                );
                assert!(
                    fault.message().contains(detail) || detail.len() > 30,
                    "{}",
                    fault.message()
                );
            }
        }
    }

    #[test]
    fn a_pod_on_its_way_has_no_fault() {
        assert_eq!(while_starting(&waiting("ContainerCreating", "")), None);
        assert_eq!(while_starting(&status(json!({"phase": "Pending"}))), None);
    }

    #[test]
    fn an_unschedulable_pod_names_what_the_scheduler_said() {
        let pod = status(
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) didn't match"}]}),
        );
        let fault = while_starting(&pod).unwrap();
        assert_eq!(fault.kind, FaultKind::Unschedulable);
        assert!(fault.detail.starts_with("0/1 nodes"));
    }

    #[rstest]
    #[case::evicted(json!({"reason": "Evicted", "message": "low on memory"}), FaultKind::Evicted)]
    #[case::preempted(json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]}), FaultKind::Evicted)]
    #[case::node_gone(json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}]}), FaultKind::NodeLost)]
    #[case::deadline(json!({"reason": "DeadlineExceeded"}), FaultKind::DeadlineExceeded)]
    #[case::no_cpu(json!({"reason": "OutOfcpu"}), FaultKind::NodeRefused)]
    #[case::oom(json!({"containerStatuses": [{"name": "prober", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}), FaultKind::OutOfMemory)]
    #[case::crash(json!({"containerStatuses": [{"name": "prober", "state": {"terminated": {"exitCode": 101, "reason": "Error"}}}]}), FaultKind::ProberCrashed)]
    #[case::gone(json!({}), FaultKind::ReportLost)]
    fn a_pod_without_a_report_names_why(#[case] pod: Value, #[case] kind: FaultKind) {
        assert_eq!(without_report(&status(pod)).kind, kind);
    }

    #[rstest]
    #[case::quota(
        403,
        "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1",
        FaultKind::QuotaExceeded
    )]
    #[case::pss(
        403,
        "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\"",
        FaultKind::AdmissionDenied
    )]
    #[case::webhook(400, "admission webhook \"x\" denied the request", FaultKind::AdmissionDenied)]
    #[case::rbac(
        403,
        "pods is forbidden: User \"x\" cannot create resource \"pods\" in API group \"\"",
        FaultKind::OperatorForbidden
    )]
    #[case::account(
        403,
        "pods \"a\" is forbidden: error looking up service account ai/x: not found",
        FaultKind::ServiceAccountMissing
    )]
    #[case::leaving(
        403,
        "unable to create new content in namespace x because it is being terminated",
        FaultKind::NamespaceTerminating
    )]
    fn a_refused_pod_names_who_refused_it(#[case] code: u16, #[case] message: &str, #[case] kind: FaultKind) {
        assert_eq!(of_refusal(code, message).kind, kind);
    }
}
