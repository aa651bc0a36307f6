//! Finds pods that still use an older key: pods of the spec's workloads and of the gateways, by their containers'
//! start.
//!
//! A container keeps the key of its start only with `env`, `envFrom` or a `subPath` mount; a plain volume follows the
//! Secret. A change lies between two runs: a container that started before the last run with the old key certainly has
//! it, one that started between the runs may. Lists pods, never Secrets; only after a key changed, until no pod has an
//! older key, and at most every five minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, Pod, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Client;
use kube::api::{Api, ListParams};
use serde::{Deserialize, Serialize};

use crate::diagnosis::StaleWorkload;
use crate::resource::status::{ClaudeProbeStatus, CredentialKind, CredentialStatus};
use crate::resource::validated::{Probe, Selector};
use crate::status::memory::Facts;

/// Pods per page.
const PAGE: u32 = 250;
/// Longest time of one request.
const LIMIT: Duration = Duration::from_secs(10);
/// Pods that are named at most.
const NAMED: usize = 5;

/// The fields of a pod that concern its keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize, kube::Resource)]
#[resource(inherit = Pod)]
struct Holder {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: HolderSpec,
    #[serde(default)]
    status: HolderStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct HolderSpec {
    containers: Vec<HolderContainer>,
    volumes: Vec<Volume>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HolderContainer {
    name: String,
    env: Vec<EnvVar>,
    env_from: Vec<EnvFromSource>,
    volume_mounts: Vec<VolumeMount>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HolderStatus {
    container_statuses: Vec<HolderState>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct HolderState {
    name: String,
    state: State,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Running>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<Time>,
}

/// A changed key that a pod may still use. Short-lived tokens change by themselves, and their users fetch new ones.
fn is_suspect(key: &CredentialStatus) -> bool {
    key.previous_last_seen_at.is_some() && key.kind != Some(CredentialKind::OauthToken)
}

/// Whether a pod may hold an older key: a key changed, and the spec names workloads.
#[must_use]
pub fn may_hold_old_key(probe: &Probe, status: &ClaudeProbeStatus) -> bool {
    let changed = status.credentials.iter().any(is_suspect);
    changed && (!probe.workloads.is_empty() || probe.paths.iter().any(|path| path.workload.is_some()))
}

/// Lists the pods that hold an older key.
///
/// # Errors
/// The API server rejected the request, or did not answer in time.
pub async fn find_stale(client: &Client, probe: &Probe, status: &ClaudeProbeStatus) -> Result<Facts, kube::Error> {
    let api: Api<Holder> = Api::namespaced(client.clone(), &probe.namespace);
    let mut facts = Facts::default();
    let suspects = status.credentials.iter().filter(|key| is_suspect(key));
    for selector in &probe.workloads {
        let pods = list(&api, selector).await?;
        facts
            .stale_workloads
            .extend(suspects.clone().filter_map(|key| stale(&pods, key)));
    }
    for path in &probe.paths {
        if let Some(selector) = &path.workload {
            let oldest = list(&api, selector).await?.iter().flat_map(starts).min();
            facts
                .gateway_pods
                .extend(oldest.map(|start| (path.name.clone(), start)));
        }
    }
    Ok(facts)
}

async fn list(api: &Api<Holder>, selector: &Selector) -> Result<Vec<Holder>, kube::Error> {
    let labels: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut params = ListParams::default().labels(&labels.join(",")).limit(PAGE);
    let mut pods = Vec::new();
    loop {
        let page = tokio::time::timeout(LIMIT, api.list(&params))
            .await
            .map_err(|late| kube::Error::Service(late.into()))??;
        pods.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(pods),
        }
    }
}

fn starts(pod: &Holder) -> impl Iterator<Item = i64> {
    let running = pod
        .status
        .container_statuses
        .iter()
        .filter_map(|container| container.state.running.as_ref());
    running
        .filter_map(|running| running.started_at.as_ref())
        .map(|at| at.0.as_millisecond())
}

/// The pods that hold an older version of this key.
fn stale(pods: &[Holder], key: &CredentialStatus) -> Option<StaleWorkload> {
    let before = key.previous_last_seen_at.as_ref()?.0.as_millisecond();
    let since = key.seen_since.as_ref()?.0.as_millisecond();
    let mut found: BTreeMap<bool, Vec<String>> = BTreeMap::new();
    for pod in pods {
        let oldest = pod
            .spec
            .containers
            .iter()
            .filter(|container| pins(container, &pod.spec.volumes, key))
            .filter_map(|container| {
                let state = pod
                    .status
                    .container_statuses
                    .iter()
                    .find(|state| state.name == container.name)?;
                Some(state.state.running.as_ref()?.started_at.as_ref()?.0.as_millisecond())
            });
        if let Some(oldest) = oldest.min().filter(|oldest| *oldest < since) {
            found
                .entry(oldest < before)
                .or_default()
                .extend(pod.metadata.name.clone());
        }
    }
    // Certain ones make possible ones redundant.
    let (certain, mut names) = found.into_iter().next_back()?;
    names.sort();
    let count = names.len();
    names.truncate(NAMED);
    Some(StaleWorkload {
        key_ref: format!("{}/{}", key.secret, key.key),
        pods: names,
        count,
        certain,
    })
}

/// Whether the container keeps the key of its start.
fn pins(container: &HolderContainer, volumes: &[Volume], key: &CredentialStatus) -> bool {
    let variable = container.env.iter().any(|variable| {
        let source = variable
            .value_from
            .as_ref()
            .and_then(|from| from.secret_key_ref.as_ref());
        source.is_some_and(|source| source.name == key.secret && source.key == key.key)
    });
    let all = container
        .env_from
        .iter()
        .any(|from| from.secret_ref.as_ref().is_some_and(|secret| secret.name == key.secret));
    let mounted = container
        .volume_mounts
        .iter()
        .filter(|mount| mount.sub_path.is_some() || mount.sub_path_expr.is_some())
        .any(|mount| {
            let volume = volumes.iter().find(|volume| volume.name == mount.name);
            volume
                .and_then(|volume| volume.secret.as_ref()?.secret_name.as_ref())
                .is_some_and(|name| *name == key.secret)
        });
    variable || all || mounted
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, start: &str, takes: Value) -> Holder {
        let mut container = json!({"name": "app"});
        container
            .as_object_mut()
            .unwrap()
            .extend(takes.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"containers": [container], "volumes": [{"name": "keys", "secret": {"secretName": "claude-key"}}]},
            "status": {"containerStatuses": [{"name": "app", "state": {"running": {"startedAt": start}}}]},
        }))
        .unwrap()
    }

    fn by_env() -> Value {
        json!({"env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "claude-key", "key": "api-key"}}}]})
    }

    fn key() -> CredentialStatus {
        let at = |text: &str| Some(Time(text.parse().unwrap()));
        CredentialStatus {
            secret: "claude-key".into(),
            key: "api-key".into(),
            fingerprint: "abcde".into(),
            kind: Some(CredentialKind::ApiKey),
            previous_last_seen_at: at("2026-11-23T10:00:00Z"),
            seen_since: at("2026-11-23T10:05:00Z"),
        }
    }

    #[test]
    fn only_a_container_that_took_the_key_at_its_start_before_the_change_is_stale() {
        let old = "2026-11-23T09:00:00Z";
        let pods = [
            pod("by-env", old, by_env()),
            pod(
                "by-env-from",
                old,
                json!({"envFrom": [{"secretRef": {"name": "claude-key"}}]}),
            ),
            pod(
                "by-sub-path",
                old,
                json!({"volumeMounts": [{"name": "keys", "mountPath": "/k", "subPath": "api-key"}]}),
            ),
            pod(
                "by-volume",
                old,
                json!({"volumeMounts": [{"name": "keys", "mountPath": "/k"}]}),
            ),
            pod(
                "other-key",
                old,
                json!({"env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "claude-key", "key": "other"}}}]}),
            ),
            pod("restarted", "2026-11-23T10:06:00Z", by_env()),
        ];
        let found = stale(&pods, &key()).unwrap();
        assert_eq!(
            (found.pods, found.count, found.certain),
            (
                vec!["by-env".into(), "by-env-from".into(), "by-sub-path".into()],
                3,
                true
            )
        );
    }

    #[test]
    fn a_changed_short_lived_token_needs_no_listing() {
        let probe = crate::status::fixture::probe_with("workloads: [{selector: {matchLabels: {app: chat}}}]");
        let mut status = ClaudeProbeStatus {
            credentials: vec![key()],
            ..ClaudeProbeStatus::default()
        };
        assert!(may_hold_old_key(&probe, &status));
        status.credentials[0].kind = Some(CredentialKind::OauthToken);
        assert!(!may_hold_old_key(&probe, &status));
    }

    #[test]
    fn a_start_between_the_two_runs_is_only_possible() {
        let found = stale(&[pod("between", "2026-11-23T10:03:00Z", by_env())], &key()).unwrap();
        assert!(!found.certain);
        assert_eq!(stale(&[pod("after", "2026-11-23T10:05:00Z", by_env())], &key()), None);
    }
}
