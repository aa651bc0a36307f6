//! The probe pod of one slot: satisfies the `restricted` Pod Security Standard, has no service account token, and
//! passes the plan to the prober in one environment variable. Nothing of the spec reaches `args`.
//!
//! Pure: values in, a pod out. The user's placement is applied before the security settings and cannot replace them.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, EnvVar, EnvVarSource, KeyToPath, LocalObjectReference, Pod,
    PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile, SecretKeySelector, SecurityContext, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::plan::{self, ForwardingCheckChoice, PodPlan};
use crate::report::plan::{PLAN_ENV, PlanError};
use crate::resource::validated::{Placement, PodGroup, Probe};
use crate::status::names;
use crate::status::schedule::Slot;

/// Grace period of a probe pod, seconds: the prober's time to report after SIGTERM.
pub const GRACE_SECONDS: i64 = 5;

/// Settings of every probe pod, from the operator's flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The prober's image.
    pub image: String,
    /// Its pull policy.
    pub image_pull_policy: String,
    /// What plans need.
    pub plan: plan::Settings,
}

/// The input for one pod beside the probe.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Number of its run.
    pub number: i64,
    /// The slot that it fills.
    pub slot: &'a Slot,
    /// What the run does.
    pub choice: ForwardingCheckChoice,
    /// Which pod of the run.
    pub group: &'a PodGroup,
    /// Tokens that this pod may use at most.
    pub reserved_tokens: u64,
}

/// The name of a pod group.
#[must_use]
pub fn group_name(group: &PodGroup) -> &str {
    group.own.as_deref().unwrap_or(names::SHARED_GROUP)
}

/// Builds the pod.
///
/// # Errors
/// [`PlanError::TooLarge`] when the plan does not fit in a pod.
pub fn build(probe: &Probe, order: &Order<'_>, settings: &Settings) -> Result<Pod, PlanError> {
    let slot = order.slot.to_string();
    let planned = plan::plan(probe, order.group, &slot, order.choice, &settings.plan);
    let plan = planned.plan.to_env()?;
    let placement = &order.group.placement;
    let mounts = planned.needs.files.iter().map(|file| VolumeMount {
        name: file.volume.clone(),
        mount_path: file.directory.clone(),
        read_only: Some(true),
        ..VolumeMount::default()
    });
    let container = Container {
        name: names::CONTAINER.into(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some(settings.image_pull_policy.clone()),
        args: Some(vec!["probe".into()]),
        env: Some(environment(plan, &planned)),
        resources: Some(resources(placement)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".into()]),
                ..Capabilities::default()
            }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        // With FallbackToLogsOnError a crash would put log lines in place of the report.
        termination_message_policy: Some("File".into()),
        volume_mounts: none_if_empty(mounts.collect()),
        ..Container::default()
    };
    Ok(Pod {
        metadata: metadata(probe, order, &slot),
        spec: Some(pod_spec(probe, order, container, &planned)),
        ..Pod::default()
    })
}

fn pod_spec(probe: &Probe, order: &Order<'_>, container: Container, planned: &PodPlan) -> PodSpec {
    let placement = &order.group.placement;
    let volumes = planned.needs.files.iter().map(|file| Volume {
        name: file.volume.clone(),
        config_map: Some(ConfigMapVolumeSource {
            name: file.config_map.name.clone(),
            items: Some(vec![KeyToPath {
                key: file.config_map.key.clone(),
                path: file.file.clone(),
                ..KeyToPath::default()
            }]),
            // The prober itself reports which one is missing.
            optional: Some(true),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    });
    let secrets = placement
        .image_pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        containers: vec![container],
        restart_policy: Some("Never".into()),
        active_deadline_seconds: Some(seconds(active_deadline(probe, order.choice))),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        enable_service_links: Some(false),
        automount_service_account_token: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".into(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        volumes: none_if_empty(volumes.collect()),
        image_pull_secrets: none_if_empty(secrets.collect()),
        node_selector: (!placement.node_selector.is_empty()).then(|| placement.node_selector.clone()),
        tolerations: none_if_empty(placement.tolerations.clone()),
        service_account_name: placement.service_account_name.clone(),
        priority_class_name: placement.priority_class_name.clone(),
        runtime_class_name: placement.runtime_class_name.clone(),
        ..PodSpec::default()
    }
}

/// The pod's activeDeadlineSeconds: the time to start and the time to run.
#[must_use]
pub fn active_deadline(probe: &Probe, choice: ForwardingCheckChoice) -> Duration {
    probe.starting_deadline + plan::run_timeout(probe, choice)
}

fn metadata(probe: &Probe, order: &Order<'_>, slot: &str) -> ObjectMeta {
    let group = group_name(order.group);
    let placement = &order.group.placement;
    let mut labels = placement.labels.clone();
    let mut annotations = placement.annotations.clone();
    if !placement.mesh {
        labels.extend(MESH_OFF_LABELS.map(owned));
        annotations.extend(MESH_OFF_ANNOTATIONS.map(owned));
    }
    labels.extend([names::MANAGED_BY, names::APP_NAME].map(owned));
    labels.insert(names::PROBE_LABEL.into(), names::label_value(&probe.name));
    annotations.extend([
        (names::RUN.to_owned(), order.number.to_string()),
        (names::SLOT.to_owned(), slot.to_owned()),
        (names::GROUP.to_owned(), group.to_owned()),
        (names::PODS.to_owned(), probe.pods.len().to_string()),
        (names::RESERVED_TOKENS.to_owned(), order.reserved_tokens.to_string()),
        (names::GENERATION.to_owned(), probe.generation.to_string()),
        (names::CHOICE.to_owned(), names::choice_text(order.choice)),
        // A probe must not delay the scale-down of a node: the next slot runs again.
        (
            "cluster-autoscaler.kubernetes.io/safe-to-evict".to_owned(),
            "true".to_owned(),
        ),
        (
            "kubectl.kubernetes.io/default-container".to_owned(),
            names::CONTAINER.to_owned(),
        ),
    ]);
    ObjectMeta {
        name: Some(names::pod_name(&probe.name, &probe.uid, order.slot, group)),
        namespace: Some(probe.namespace.clone()),
        labels: Some(labels),
        annotations: Some(annotations),
        owner_references: Some(vec![OwnerReference {
            api_version: names::API_VERSION.into(),
            kind: "ClaudeProbe".into(),
            name: probe.name.clone(),
            uid: probe.uid.clone(),
            controller: Some(true),
            // No blockOwnerDeletion: it would need the permission to update the probe's finalizers.
            block_owner_deletion: None,
        }]),
        ..ObjectMeta::default()
    }
}

const MESH_OFF_LABELS: [(&str, &str); 2] = [
    ("sidecar.istio.io/inject", "false"),
    ("kuma.io/sidecar-injection", "disabled"),
];
const MESH_OFF_ANNOTATIONS: [(&str, &str); 3] = [
    ("sidecar.istio.io/inject", "false"),
    ("linkerd.io/inject", "disabled"),
    ("kuma.io/sidecar-injection", "disabled"),
];

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The plan first: the kubelet expands `$(NAME)` only for variables defined *before*, so no key can get into it even if
/// it contained a `$`.
fn environment(plan: String, planned: &PodPlan) -> Vec<EnvVar> {
    let secrets = planned.needs.secrets.iter().map(|need| EnvVar {
        name: need.variable.clone(),
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: need.secret.name.clone(),
                key: need.secret.key.clone(),
                optional: Some(false),
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    });
    let plan = EnvVar {
        name: PLAN_ENV.into(),
        value: Some(plan),
        ..EnvVar::default()
    };
    std::iter::once(plan).chain(secrets).collect()
}

/// Small, and no CPU limit: throttling would be measured as the path's latency.
fn resources(placement: &Placement) -> ResourceRequirements {
    let quantities = |defaults: &[(&str, &str)], own: &BTreeMap<String, String>| {
        let defaults = defaults.iter().map(|pair| owned(*pair)).collect::<BTreeMap<_, _>>();
        let all = defaults.into_iter().chain(own.clone()).collect::<BTreeMap<_, _>>();
        all.into_iter()
            .map(|(name, amount)| (name, Quantity(amount)))
            .collect::<BTreeMap<_, _>>()
    };
    ResourceRequirements {
        requests: Some(quantities(
            &[("cpu", "10m"), ("memory", "32Mi")],
            &placement.resources.requests,
        )),
        limits: Some(quantities(&[("memory", "128Mi")], &placement.resources.limits)),
        ..ResourceRequirements::default()
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn none_if_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::resource::spec::ClaudeProbe;

    const FULL: &str = "
metadata: {name: assistants, namespace: ai, uid: 0b5e1e0e-6d5d-4d0a-9f3e-2f4f6a1c2d3e, generation: 3}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: claude-key, key: api-key}}
  direct: {url: 'https://api.anthropic.com'}
  gateways:
  - name: edge
    url: http://ai-gateway.gateways.svc:8080
    tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}
  placement:
    labels: {team: ai}
    annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: 'false'}
    nodeSelector: {pool: probes}
    resources: {limits: {cpu: '1'}}
    imagePullSecrets: [{name: pull}]
";

    fn settings() -> Settings {
        Settings {
            image: "claudeprobe:test".into(),
            image_pull_policy: "IfNotPresent".into(),
            plan: plan::Settings::default(),
        }
    }

    fn pod(yaml: &str) -> Pod {
        let resource: ClaudeProbe = serde_saphyr::from_str(&format!(
            "apiVersion: claudeprobe.dev/v1alpha1\nkind: ClaudeProbe{yaml}"
        ))
        .unwrap();
        let probe = Probe::parse(&resource).unwrap();
        let order = Order {
            number: 7,
            slot: &Slot::Generation(3),
            choice: ForwardingCheckChoice::default(),
            group: &probe.pods[0],
            reserved_tokens: 200,
        };
        build(&probe, &order, &settings()).unwrap()
    }

    #[test]
    fn the_pod_matches_its_snapshot() {
        insta::assert_json_snapshot!(pod(FULL));
    }

    #[test]
    fn a_placement_cannot_loosen_the_security_settings() {
        let pod = pod(FULL);
        let annotations = pod.metadata.annotations.unwrap();
        assert_eq!(annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"], "true");
        assert_eq!(annotations["linkerd.io/inject"], "disabled");
        assert_eq!(
            pod.metadata.labels.unwrap()["app.kubernetes.io/managed-by"],
            "claudeprobe"
        );
    }

    #[test]
    fn mesh_injection_needs_the_probes_consent() {
        let meshed = pod(&FULL.replace("labels: {team: ai}", "mesh: true"));
        assert!(!meshed.metadata.labels.unwrap().contains_key("sidecar.istio.io/inject"));
        assert!(!meshed.metadata.annotations.unwrap().contains_key("linkerd.io/inject"));
    }

    #[test]
    fn the_plan_comes_before_every_secret() {
        let pod = pod(FULL);
        let environment = pod.spec.unwrap().containers[0].env.clone().unwrap();
        assert_eq!(environment[0].name, PLAN_ENV);
        assert!(
            environment[1..]
                .iter()
                .all(|variable| variable.value.is_none() && variable.value_from.is_some())
        );
    }
}
