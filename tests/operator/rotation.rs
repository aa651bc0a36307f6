//! A key changes, and a workload still holds the previous one.

use claudeprobe::resource::status::{ClaudeProbeStatus, CredentialKind};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::kit::{Operator, connect, namespace, probe, ran, run_now};
use crate::{SHORT, kubelet};

/// Pods of an application, started an hour ago: one took the key into its environment, one follows the mounted Secret.
async fn workload(client: &Client, namespace: &str) {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let by_env = json!({"name": "app", "image": "app", "env": [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "claude-key", "key": "api-key"}}}]});
    let by_file = json!({"name": "app", "image": "app", "volumeMounts": [{"name": "key", "mountPath": "/key"}]});
    let started = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    for (name, container) in [("by-env", by_env), ("by-file", by_file)] {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"app": "chat"}},
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [container],
                "volumes": [{"name": "key", "secret": {"secretName": "claude-key"}}],
            },
        }))
        .unwrap();
        api.create(&PostParams::default(), &pod).await.unwrap();
        let status = json!({"status": {"phase": "Running", "containerStatuses": [{
            "name": "app", "image": "app", "imageID": "app", "ready": true, "restartCount": 0,
            "state": {"running": {"startedAt": started.to_string()}},
        }]}});
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
    }
}

/// The status after a key of this kind was changed for another.
async fn rotated(client: &Client, test: &str, kind: &str) -> ClaudeProbeStatus {
    let ns = namespace(client, test).await;
    kubelet::set_key(client, &ns, "aaaaa", kind).await;
    workload(client, &ns).await;
    let _operator = Operator::start(&ns, "one", &[]);
    let api = probe(
        client,
        &ns,
        json!({"workloads": [{"selector": {"matchLabels": {"app": "chat"}}}]}),
    )
    .await;
    for (value, key) in [("one", "aaaaa"), ("two", "bbbbb"), ("three", "bbbbb")] {
        kubelet::set_key(client, &ns, key, kind).await;
        run_now(&api, value).await;
        ran(&api, value).await;
    }
    api.get("assistants").await.unwrap().status.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_took_the_old_key_at_its_start_is_named() {
    let client = connect().await;
    kubelet::start(client.clone(), SHORT);
    let status = rotated(&client, "rotation", "ApiKey").await;
    let found: Vec<_> = status
        .findings
        .iter()
        .map(|finding| (finding.code.name(), finding.evidence.as_str()))
        .collect();
    let evidence = "by-env started before claude-key/api-key changed and read it at start";
    assert_eq!(found, [("WorkloadStaleCredential", evidence)]);
    let key = &status.credentials[0];
    assert_eq!(
        (key.fingerprint.as_str(), key.kind),
        ("bbbbb", Some(CredentialKind::ApiKey))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_lived_token_that_changes_is_no_finding() {
    let client = connect().await;
    kubelet::start(client.clone(), SHORT);
    let status = rotated(&client, "token", "OauthToken").await;
    assert_eq!(status.findings, []);
    let key = &status.credentials[0];
    assert!(
        key.previous_last_seen_at.is_some() && key.kind == Some(CredentialKind::OauthToken),
        "{key:?}"
    );
}
