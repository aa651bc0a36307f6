//! The operator against a real API server; pods are run by a kubelet of a few lines.
//!
//! `tests/run crd` runs this inside the network namespace of an API server; KUBECONFIG points at it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs
)]

mod commands;
mod front;
mod kit;
mod kubelet;
mod outage;
mod page;
mod rotation;

use std::collections::BTreeMap;
use std::time::Duration;

use claudeprobe::resource::status::{RunResult, VerdictState};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kit::{Operator, connect, eventually, namespace, probe, ran, run_now};
use kube::api::{Api, DeleteParams, ListParams};
use serde_json::json;

const SHORT: Duration = Duration::from_millis(300);

/// Pods per slot.
fn per_slot(seen: &kubelet::Seen, namespace: &str) -> BTreeMap<String, usize> {
    let seen = seen.lock().unwrap();
    let mut count = BTreeMap::new();
    for (slot, _) in seen.get(namespace).into_iter().flatten() {
        *count.entry(slot.clone()).or_default() += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_reported_in_the_status_and_costs_three_writes_and_no_read() {
    let client = connect().await;
    let ns = namespace(&client, "cost").await;
    kubelet::start(client.clone(), SHORT);
    let operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    run_now(&api, "zero").await;
    ran(&api, "zero").await;
    let count = async |verb: &str, resource: &str| {
        let line = format!("claudeprobe_kube_requests_total{{resource=\"{resource}\",verb=\"{verb}\"}}");
        operator.metric(&line).await.unwrap_or(0.0)
    };
    let asked = [
        ("create", "pods"),
        ("delete", "pods"),
        ("patch", "claudeprobes"),
        ("get", "pods"),
        ("list", "pods"),
        ("get", "claudeprobes"),
        ("list", "claudeprobes"),
    ];
    let mut before = Vec::new();
    for (verb, resource) in asked {
        before.push(count(verb, resource).await);
    }
    for value in ["one", "two", "three"] {
        run_now(&api, value).await;
        let probe = ran(&api, value).await;
        let status = probe.status.unwrap();
        assert_eq!(status.last_run.as_ref().unwrap().result, RunResult::Reported);
        assert_eq!(
            status.verdict.as_ref().unwrap().state,
            VerdictState::Healthy,
            "{:?}",
            status.verdict
        );
    }
    let mut spent = Vec::new();
    for ((verb, resource), before) in asked.into_iter().zip(before) {
        spent.push(count(verb, resource).await - before);
    }
    assert_eq!(spent, [3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0], "{asked:?}");
    let labels = format!("{{namespace=\"{ns}\",probe=\"assistants\"");
    assert_eq!(
        operator
            .metric(&format!("claudeprobe_up{labels},path=\"edge\"}}"))
            .await,
        Some(1.0)
    );
    assert_eq!(
        operator
            .metric(&format!("claudeprobe_runs_total{labels},result=\"reported\"}}"))
            .await,
        Some(5.0)
    );

    // Deleted: its series go with it.
    api.delete("assistants", &DeleteParams::default()).await.unwrap();
    eventually("the series are gone", async || {
        let text = operator.get("/metrics").await?;
        if text.contains(&ns) {
            Err("still there".into())
        } else {
            Ok(())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_one_event() {
    let client = connect().await;
    let ns = namespace(&client, "events").await;
    kubelet::start(client.clone(), SHORT);
    let _operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    for value in ["one", "two"] {
        run_now(&api, value).await;
        ran(&api, value).await;
    }
    let events: Api<Event> = Api::namespaced(client.clone(), &ns);
    let list = events.list(&ListParams::default()).await.unwrap();
    let reasons: Vec<_> = list
        .items
        .iter()
        .map(|event| (event.reason.clone().unwrap(), event.series.is_some()))
        .collect();
    assert_eq!(reasons, [("Healthy".to_owned(), false)]);
}

/// The process dies right after its n-th write has been answered, for every n of two runs; another takes over.
#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_dies_no_slot_is_run_twice_and_none_is_lost() {
    let client = connect().await;
    let seen = kubelet::start(client.clone(), SHORT);
    for writes in 1..=7_usize {
        let ns = namespace(&client, &format!("crash-{writes}")).await;
        let api = probe(&client, &ns, json!({"suspend": true})).await;
        run_now(&api, "one").await;
        let limit = writes.to_string();
        let mut dying = Operator::start(&ns, "same-pod", &[("CLAUDEPROBE_TEST_ABORT_AFTER_WRITES", &limit)]);
        // The second run begins when the first has ended, if it lives to see that.
        let handled = async |value: &str| {
            api.get("assistants")
                .await
                .unwrap()
                .status
                .unwrap_or_default()
                .last_handled_run_now
                .as_deref()
                == Some(value)
        };
        let asked = async {
            while !handled("one").await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            run_now(&api, "two").await;
            std::future::pending::<()>().await;
        };
        // The next container has the same pod name and takes over at once.
        tokio::select! {
            () = dying.ended() => {}
            () = asked => {}
            // Fewer writes than that were needed.
            () = async { while !handled("two").await { tokio::time::sleep(Duration::from_millis(50)).await; } } => {}
        }
        drop(dying);
        let _next = Operator::start(&ns, "same-pod", &[]);
        ran(&api, if handled("two").await { "two" } else { "one" }).await;
        run_now(&api, "two").await;
        ran(&api, "two").await;
        let count = per_slot(&seen, &ns);
        assert!(
            count.len() == 2 && count.values().all(|pods| *pods == 1),
            "after {writes} writes: {count:?}"
        );
        eventually("one pod is left", async || {
            let pods = Api::<Pod>::namespaced(client.clone(), &ns)
                .list(&ListParams::default())
                .await
                .map_err(|error| error.to_string())?;
            if pods.items.len() == 1 {
                Ok(())
            } else {
                Err(format!("{}", pods.items.len()))
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_leads_and_the_standby_replaces_a_lost_leader() {
    let client = connect().await;
    let ns = namespace(&client, "two").await;
    let seen = kubelet::start(client.clone(), SHORT);
    let api = probe(&client, &ns, json!({})).await;
    let mut one = Operator::start(&ns, "one", &[]);
    run_now(&api, "a").await;
    ran(&api, "a").await;
    let two = Operator::start(&ns, "two", &[]);
    eventually("the second is ready", async || two.get("/readyz").await).await;
    assert_eq!(
        (
            one.metric("claudeprobe_leader").await,
            two.metric("claudeprobe_leader").await
        ),
        (Some(1.0), Some(0.0))
    );
    assert!(
        !two.get("/metrics").await.unwrap().contains("claudeprobe_verdict"),
        "only the leader shows probes"
    );
    // A graceful end gives the Lease back.
    one.stop().await;
    run_now(&api, "b").await;
    ran(&api, "b").await;
    assert_eq!(two.metric("claudeprobe_leader").await, Some(1.0));
    // The standby replaces a killed leader when its lease expires.
    let three = Operator::start(&ns, "three", &[]);
    eventually("the third is ready", async || three.get("/readyz").await).await;
    drop(two);
    run_now(&api, "c").await;
    ran(&api, "c").await;
    let count = per_slot(&seen, &ns);
    assert!(count.len() == 4 && count.values().all(|pods| *pods == 1), "{count:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up_is_named_and_recovers_by_itself() {
    use k8s_openapi::api::core::v1::ResourceQuota;
    let client = connect().await;
    let ns = namespace(&client, "quota").await;
    kubelet::start(client.clone(), SHORT);
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), &ns);
    let quota = serde_json::from_value(json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})).unwrap();
    quotas.create(&Default::default(), &quota).await.unwrap();
    // What the controller manager would do.
    let status = json!({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}});
    quotas
        .patch_status("none", &Default::default(), &kube::api::Patch::Merge(status))
        .await
        .unwrap();
    let _operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    let reason = async || {
        let probe = api.get("assistants").await.map_err(|error| error.to_string())?;
        let conditions = probe.status.unwrap_or_default().conditions;
        Ok::<_, String>(
            conditions
                .into_iter()
                .find(|condition| condition.type_ == "ProberOperational")
                .map(|condition| condition.reason)
                .unwrap_or_default(),
        )
    };
    eventually("the quota is named", async || match reason().await?.as_str() {
        "QuotaExceeded" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    quotas.delete("none", &DeleteParams::default()).await.unwrap();
    eventually("it recovers", async || match reason().await?.as_str() {
        "Reporting" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
}
