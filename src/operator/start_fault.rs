//! Why a probe pod does not start or ended without a report: from its status, or from the API server's error.
//!
//! Pure: knows no spec and no clock.

use super::pod_status::{ContainerState, PodStatusView};
use crate::status::fault::{Fault, FaultKind};
use crate::status::names;

/// Why this pod has not started; `None` while it is starting normally.
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
        // Still starting.
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

/// Why this pod, which has ended or is being deleted, has no report.
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
        (container.name == names::CONTAINER).then_some(terminated)
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

/// Why the API server rejected a pod.
#[must_use]
pub fn of_rejection(code: u16, message: &str) -> Fault {
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
    fn a_waiting_container_has_its_fault(#[case] reason: &str, #[case] message: &str, #[case] kind: FaultKind) {
        let fault = while_starting(&waiting(reason, message)).unwrap();
        assert_eq!((fault.kind, fault.detail.as_str()), (kind, message));
        assert!(fault.message().ends_with(kind.fix()));
    }

    #[test]
    fn every_fault_fits_a_condition_message_with_any_detail() {
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
    fn a_starting_pod_has_no_fault() {
        assert_eq!(while_starting(&waiting("ContainerCreating", "")), None);
        assert_eq!(while_starting(&status(json!({"phase": "Pending"}))), None);
    }

    #[test]
    fn an_unschedulable_pod_has_the_schedulers_message() {
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
    fn a_pod_without_a_report_has_its_fault(#[case] pod: Value, #[case] kind: FaultKind) {
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
    fn a_rejected_pod_has_its_fault(#[case] code: u16, #[case] message: &str, #[case] kind: FaultKind) {
        assert_eq!(of_rejection(code, message).kind, kind);
    }
}
