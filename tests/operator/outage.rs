//! The API server cannot be reached while a slot comes due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::api::Api;
use serde_json::json;

use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::status::{ClaudeProbeStatus, RunResult};

use crate::front::Front;
use crate::kit::{Operator, connect, eventually, namespace, probe};
use crate::{SHORT, kubelet, per_slot};

async fn status(api: &Api<ClaudeProbe>) -> ClaudeProbeStatus {
    api.get("assistants").await.unwrap().status.unwrap_or_default()
}

/// Waits for a moment of the clock.
async fn until(at: Timestamp) {
    let left = at.duration_since(Timestamp::now());
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}

/// The slot that comes due next, once the first run has ended.
async fn next_slot(api: &Api<ClaudeProbe>) -> Timestamp {
    eventually("the first run has ended", async || {
        let status = status(api).await;
        match (status.last_run, status.next_run) {
            (Some(_), Some(next)) if next.0 > Timestamp::now() + SignedDuration::from_secs(4) => Ok(next.0),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_comes_due_in_an_outage_runs_once_when_it_is_over_and_in_time() {
    let client = connect().await;
    let ns = namespace(&client, "outage").await;
    let seen = kubelet::start(client.clone(), SHORT);
    let front = Front::start().await;
    let operator = Operator::start(&ns, "one", &[("KUBECONFIG", front.kubeconfig.to_str().unwrap())]);
    let api = probe(
        &client,
        &ns,
        json!({"schedule": {"every": "1m"}, "runTimeout": "30s", "startingDeadline": "50s"}),
    )
    .await;
    let slot = next_slot(&api).await;
    until(slot - SignedDuration::from_secs(2)).await;
    front.set_open(false);
    until(slot + SignedDuration::from_secs(5)).await;
    assert!(
        !per_slot(&seen, &ns).contains_key(&slot.to_string()),
        "the run was not possible"
    );
    // No request to the API server comes through now, and a scrape is answered.
    let scrape = tokio::time::timeout(Duration::from_secs(5), operator.get("/metrics")).await;
    assert!(scrape.unwrap().unwrap().contains("claudeprobe_leader"));
    front.set_open(true);
    eventually("the slot was run", async || {
        let status = status(&api).await;
        match status.last_run {
            Some(run) if run.slot == slot.to_string() && run.result == RunResult::Reported => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(per_slot(&seen, &ns)[&slot.to_string()], 1);
    assert_eq!(status(&api).await.missed_runs, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_whose_deadline_passes_in_an_outage_is_missed_once_and_the_next_one_runs() {
    let client = connect().await;
    let ns = namespace(&client, "missed").await;
    let seen = kubelet::start(client.clone(), SHORT);
    let front = Front::start().await;
    let _operator = Operator::start(&ns, "one", &[("KUBECONFIG", front.kubeconfig.to_str().unwrap())]);
    let api = probe(
        &client,
        &ns,
        json!({"schedule": {"every": "1m"}, "runTimeout": "30s", "startingDeadline": "10s"}),
    )
    .await;
    let slot = next_slot(&api).await;
    until(slot - SignedDuration::from_secs(2)).await;
    front.set_open(false);
    until(slot + SignedDuration::from_secs(12)).await;
    front.set_open(true);
    let next = slot + SignedDuration::from_mins(1);
    eventually("the next slot was run", async || {
        let status = status(&api).await;
        match status.last_run {
            Some(run) if run.slot == next.to_string() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(
        !per_slot(&seen, &ns).contains_key(&slot.to_string()),
        "it was too late for it"
    );
    assert_eq!(status(&api).await.missed_runs, 1);
}
