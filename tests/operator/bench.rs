//! Measures what the operator costs on a real API server: prints numbers, sets no limit.
//!
//! `make bench` runs this inside an API server's network namespace. Pods are run by the tests' kubelet of a few lines, so
//! the numbers are the operator's and the API server's, not a container runtime's. CLAUDEPROBE names the program to measure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    missing_docs
)]

mod kit;
mod kubelet;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claudeprobe::resource::spec::ClaudeProbe;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kit::{Operator, connect, eventually, namespace};
use kube::api::{Api, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;

const PROBES: usize = 100;

/// When something was first seen, by probe.
type Times = Arc<Mutex<BTreeMap<String, Instant>>>;

#[tokio::main]
async fn main() {
    let client = connect().await;
    let namespace = namespace(&client, "bench").await;
    kubelet::start(client.clone(), Duration::from_secs(1));
    let (ended, reported) = (Times::default(), Times::default());
    tokio::spawn(note_ended(client.clone(), namespace.clone(), ended.clone()));
    tokio::spawn(note_reported(client.clone(), namespace.clone(), reported.clone()));
    let operator = Operator::start(&namespace, "bench", &[]);
    let idle = operator.resident_kib();
    let began = Instant::now();
    create(&client, &namespace).await;
    eventually("every probe has run", async || match reported.lock().unwrap().len() {
        PROBES => Ok(()),
        few => Err(format!("{few} of {PROBES}")),
    })
    .await;
    println!(
        "{PROBES} probes of two paths, all due at once: done after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    show_delays(&ended, &reported);
    show_requests(&operator).await;
    println!(
        "operator's resident memory: {:.1} MiB before, {:.1} MiB with {PROBES} probes that have run",
        idle / 1024.0,
        operator.resident_kib() / 1024.0
    );
}

async fn create(client: &Client, namespace: &str) {
    let api: Api<ClaudeProbe> = Api::namespaced(client.clone(), namespace);
    for number in 0..PROBES {
        let probe = serde_json::from_value(json!({
            "apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe", "metadata": {"name": format!("p{number:03}")},
            "spec": {
                "schedule": {"every": "1h"},
                "credential": {"secretKeyRef": {"name": "claude-key", "key": "api-key"}},
                "direct": {"url": "https://api.anthropic.com"},
                "gateways": [{"name": "edge", "url": "http://ai-gateway:8080"}],
            },
        }))
        .unwrap();
        api.create(&PostParams::default(), &probe).await.unwrap();
    }
}

/// When each probe's first pod was seen to have ended.
async fn note_ended(client: Client, namespace: String, times: Times) {
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let mut changes = watcher(pods, watcher::Config::default()).applied_objects().boxed();
    while let Ok(Some(pod)) = changes.try_next().await {
        let over = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Succeeded");
        if let (true, Some(owner)) = (over, pod.owner_references().first()) {
            times
                .lock()
                .unwrap()
                .entry(owner.name.clone())
                .or_insert_with(Instant::now);
        }
    }
}

/// When each probe's first run was seen in its status.
async fn note_reported(client: Client, namespace: String, times: Times) {
    let probes: Api<ClaudeProbe> = Api::namespaced(client, &namespace);
    let mut changes = watcher(probes, watcher::Config::default()).applied_objects().boxed();
    while let Ok(Some(probe)) = changes.try_next().await {
        if probe.status.as_ref().is_some_and(|status| status.last_run.is_some()) {
            times
                .lock()
                .unwrap()
                .entry(probe.name_any())
                .or_insert_with(Instant::now);
        }
    }
}

fn show_delays(ended: &Times, reported: &Times) {
    let ended = ended.lock().unwrap();
    let delay =
        |(name, reported): (&String, &Instant)| Some(reported.saturating_duration_since(*ended.get(name)?).as_millis());
    let mut delays: Vec<u128> = reported.lock().unwrap().iter().filter_map(delay).collect();
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
    println!(
        "from the container's end to the status: median {} ms, p99 {} ms   aim <= 1 s",
        at(50),
        at(99)
    );
}

async fn show_requests(operator: &Operator) {
    println!("requests to the API server per run, aim 3 writes and no read:");
    for (verb, resource) in [
        ("create", "pods"),
        ("delete", "pods"),
        ("patch", "claudeprobes"),
        ("get", "pods"),
        ("list", "pods"),
        ("get", "claudeprobes"),
        ("list", "claudeprobes"),
    ] {
        let line = format!("claudeprobe_kube_requests_total{{resource=\"{resource}\",verb=\"{verb}\"}}");
        let count = operator.metric(&line).await.unwrap_or(0.0);
        println!("  {verb:<7}{resource:<14}{:>6.2}", count / PROBES as f64);
    }
    println!(
        "  (first runs: a new probe's first status is a patch more, and the pod's deletion comes with the next run)"
    );
}
