//! A kubelet of a few lines: starts every probe pod, and ends it with a report, as values in its status.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claudeprobe::report::evidence::{
    BodyKind, Exchange, ExchangeKind, KeyEvidence, Outcome, PathEvidence, Reach, ReplyTraits, RunEvidence,
    StreamEvidence, Usage,
};
use claudeprobe::report::message;
use claudeprobe::report::plan::{PLAN_ENV, Plan};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;

/// Every probe pod that ever was, by namespace: slot and UID.
pub type Seen = Arc<Mutex<BTreeMap<String, Vec<(String, String)>>>>;

/// Annotation of a namespace that stands for the key in its Secret.
const KEY: &str = "tests.claudeprobe.dev/key";

/// Runs until the test's runtime ends; pods run this long.
pub fn start(client: Client, run_for: Duration) -> Seen {
    let seen = Seen::default();
    let noted = seen.clone();
    tokio::spawn(async move {
        let config = watcher::Config::default().labels("app.kubernetes.io/managed-by=claudeprobe");
        // Without a pause after an error this would never yield once the client is gone, and the test's runtime could not end.
        let mut events = std::pin::pin!(watcher(Api::<Pod>::all(client.clone()), config).default_backoff());
        while let Some(event) = events.next().await {
            let Ok(Event::Apply(pod) | Event::InitApply(pod)) = event else {
                continue;
            };
            let (namespace, slot) = (
                pod.namespace().unwrap(),
                pod.annotations()["claudeprobe.dev/slot"].clone(),
            );
            let known = (slot, pod.uid().unwrap());
            let new = {
                let mut seen = noted.lock().unwrap();
                let list = seen.entry(namespace).or_default();
                let new = !list.contains(&known);
                if new {
                    list.push(known);
                }
                new
            };
            if new {
                tokio::spawn(live(client.clone(), pod, run_for));
            }
        }
    });
    seen
}

async fn live(client: Client, pod: Pod, run_for: Duration) {
    // A pod takes its key when it starts.
    let key = key(&client, &pod.namespace().unwrap()).await;
    let api: Api<Pod> = Api::namespaced(client, &pod.namespace().unwrap());
    let set = async |phase: &str, state: serde_json::Value| {
        let container =
            json!({"name": "prober", "image": "i", "imageID": "i", "ready": false, "restartCount": 0, "state": state});
        let patch = json!({"status": {"phase": phase, "containerStatuses": [container]}});
        // The pod may be gone: nothing to do then.
        let _ = api
            .patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch))
            .await;
    };
    set("Running", json!({"running": {"startedAt": "2026-11-23T10:00:00Z"}})).await;
    tokio::time::sleep(run_for).await;
    let text = message::encode(&answer(&plan(&pod), &key), message::MAX_BYTES);
    set(
        "Succeeded",
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "message": text}}),
    )
    .await;
}

fn plan(pod: &Pod) -> Plan {
    let environment = pod.spec.as_ref().unwrap().containers[0].env.clone().unwrap();
    let value = environment
        .into_iter()
        .find(|variable| variable.name == PLAN_ENV)
        .unwrap()
        .value
        .unwrap();
    Plan::from_env(&value).unwrap()
}

/// The key that the namespace's Secret would hold, as a prober would describe it: see [`set_key`].
async fn key(client: &Client, namespace: &str) -> KeyEvidence {
    let found = Api::<Namespace>::all(client.clone()).get(namespace).await;
    let text = found.ok().and_then(|found| found.annotations().get(KEY).cloned());
    match text.as_deref().and_then(|text| text.split_once(' ')) {
        Some((fingerprint, kind)) => KeyEvidence {
            fingerprint: fingerprint.to_owned(),
            kind: serde_json::from_value(kind.into()).unwrap(),
            defects: vec![],
        },
        None => KeyEvidence {
            fingerprint: "abcde".into(),
            ..KeyEvidence::default()
        },
    }
}

/// Changes the key that pods of this namespace take from now on.
pub async fn set_key(client: &Client, namespace: &str, fingerprint: &str, kind: &str) {
    let patch = json!({"metadata": {"annotations": {KEY: format!("{fingerprint} {kind}")}}});
    Api::<Namespace>::all(client.clone())
        .patch(namespace, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

/// Every path answers completely, but for one that leads to a host named `refused`.
fn answer(plan: &Plan, key: &KeyEvidence) -> RunEvidence {
    let stream = StreamEvidence {
        events: 30,
        bytes: 4000,
        reads: 20,
        message_stop: true,
        framing_complete: true,
        ..StreamEvidence::default()
    };
    let probed_paths = plan.paths.iter().map(|probed| {
        let mut path = PathEvidence {
            path: probed.name.clone(),
            ..PathEvidence::default()
        };
        path.key = Some(key.clone());
        if probed.url.starts_with("http://refused") {
            path.handshake.outcome = Reach::ConnectRefused;
            path.exchanges = vec![Exchange::new(ExchangeKind::Frozen, Outcome::ConnectFailed)];
            return path;
        }
        path.handshake.outcome = Reach::Connected;
        path.exchanges = vec![Exchange {
            status: 200,
            traits: ReplyTraits::REQUEST_ID,
            body: BodyKind::AsAsked,
            stream: Some(stream.clone()),
            usage: Some(Usage { input: 20, output: 40 }),
            model_matches: Some(true),
            first_byte_ms: Some(40),
            total_ms: Some(300),
            ..Exchange::new(ExchangeKind::Frozen, Outcome::Answered)
        }];
        path
    });
    RunEvidence {
        slot: plan.slot.clone(),
        started_at_ms: jiff::Timestamp::now().as_millisecond(),
        duration_ms: 500,
        paths: probed_paths.collect(),
        complete: true,
    }
}
