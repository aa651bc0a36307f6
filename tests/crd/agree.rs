//! What the API server accepts must run: tricky values, field by field, for the server and for `Probe::parse`.

use std::collections::BTreeMap;

use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::validated::Probe;
use kube::api::PostParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::merge::merge;
use crate::{installed, read};

/// Every case: what it changes, and the change.
fn cases() -> Vec<(String, Value)> {
    let tricky: BTreeMap<String, Vec<String>> = read("tricky.yaml");
    let mut cases = Vec::new();
    let mut each = |name: &str, values: &[String], patch: &dyn Fn(&str) -> Value| {
        for value in values {
            cases.push((format!("{name} {value:?}"), patch(value)));
        }
    };
    each(
        "every",
        &tricky["durations"],
        &|v| json!({"spec": {"schedule": {"every": v}}}),
    );
    each(
        "runTimeout",
        &tricky["durations"],
        &|v| json!({"spec": {"runTimeout": v}}),
    );
    each(
        "startingDeadline",
        &tricky["durations"],
        &|v| json!({"spec": {"startingDeadline": v}}),
    );
    each(
        "forwardingChecks",
        &tricky["durations"],
        &|v| json!({"spec": {"forwardingChecks": {"every": v}}}),
    );
    each(
        "reuseIdle",
        &tricky["durations"],
        &|v| json!({"spec": {"exchanges": {"reuseIdle": v}}}),
    );
    each(
        "long",
        &tricky["durations"],
        &|v| json!({"spec": {"exchanges": {"longRequest": {"every": "24h", "minSeconds": 60, "maxTokens": 4000, "timeout": v}}}}),
    );
    each(
        "url",
        &tricky["urls"],
        &|v| json!({"spec": {"gateways": [{"name": "edge", "url": v}]}}),
    );
    each(
        "proxy",
        &tricky["urls"],
        &|v| json!({"spec": {"direct": {"proxy": {"url": v}}}}),
    );
    each(
        "cron",
        &tricky["crons"],
        &|v| json!({"spec": {"schedule": {"every": null, "cron": v}}}),
    );
    each(
        "zone",
        &tricky["zones"],
        &|v| json!({"spec": {"schedule": {"every": null, "cron": "0 9 * * *", "timeZone": v}}}),
    );
    each(
        "gateway",
        &tricky["names"],
        &|v| json!({"spec": {"gateways": [{"name": v, "url": "http://a"}]}}),
    );
    each(
        "secret",
        &tricky["names"],
        &|v| json!({"spec": {"credential": {"secretKeyRef": {"name": v}}}}),
    );
    each(
        "serverName",
        &tricky["names"],
        &|v| json!({"spec": {"direct": {"tls": {"serverName": v}}}}),
    );
    each(
        "serviceAccount",
        &tricky["names"],
        &|v| json!({"spec": {"placement": {"serviceAccountName": v}}}),
    );
    each(
        "key",
        &tricky["keys"],
        &|v| json!({"spec": {"credential": {"secretKeyRef": {"key": v}}}}),
    );
    each(
        "model",
        &tricky["words"],
        &|v| json!({"spec": {"request": {"model": v}}}),
    );
    each(
        "beta",
        &tricky["words"],
        &|v| json!({"spec": {"request": {"betas": [v]}}}),
    );
    each(
        "apiVersion",
        &tricky["words"],
        &|v| json!({"spec": {"request": {"apiVersion": v}}}),
    );
    each(
        "header name",
        &tricky["header_names"],
        &|v| json!({"spec": {"request": {"headers": [{"name": v, "value": "a"}]}}}),
    );
    each(
        "auth header",
        &tricky["header_names"],
        &|v| json!({"spec": {"credential": {"authHeader": "Custom", "headerName": v}}}),
    );
    each(
        "header value",
        &tricky["header_values"],
        &|v| json!({"spec": {"direct": {"headers": [{"name": "x-a", "value": v}]}}}),
    );
    each(
        "label key",
        &tricky["label_keys"],
        &|v| json!({"spec": {"placement": {"labels": {v: "a"}}}}),
    );
    each(
        "selector",
        &tricky["label_keys"],
        &|v| json!({"spec": {"workloads": [{"selector": {"matchLabels": {v: "a"}}}]}}),
    );
    each(
        "label value",
        &tricky["label_values"],
        &|v| json!({"spec": {"placement": {"nodeSelector": {"a": v}}}}),
    );
    each(
        "quantity",
        &tricky["quantities"],
        &|v| json!({"spec": {"placement": {"resources": {"limits": {"memory": v}}}}}),
    );
    cases
}

/// Mistakes that CEL cannot see. The operator reports them in `Ready`.
const ONLY_SEEN_LATER: &[&str] = &["cron \"0 0 31 2 *\"", "cron \"30-10 * * * *\""];

#[test]
fn what_the_server_accepts_can_run_and_what_it_rejects_cannot() {
    installed();
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let minimal: Value = read("minimal.yaml");
    let mut differences = Vec::new();
    runtime.block_on(async {
        let api: Api<DynamicObject> = Api::namespaced_with(
            Client::try_default().await.unwrap(),
            "default",
            &ApiResource::erase::<ClaudeProbe>(&()),
        );
        let dry = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        for (name, patch) in cases() {
            let manifest = merge(&minimal, &patch);
            let created = api
                .create(&dry, &serde_json::from_value(manifest.clone()).unwrap())
                .await;
            let server = match created {
                Ok(_) => "takes it".to_owned(),
                Err(kube::Error::Api(status)) if status.code == 422 => status.message.clone(),
                Err(error) => panic!("{name}: {error}"),
            };
            let parsed = Probe::parse(&serde_json::from_value(manifest).unwrap());
            let agree = parsed.is_ok() == (server == "takes it");
            let later = ONLY_SEEN_LATER.contains(&name.as_str()) && parsed.is_err();
            if !agree && !later {
                let ours = parsed.map_or_else(|faults| format!("{faults:?}"), |_| "takes it".into());
                differences.push(format!("{name}:\n  server {server}\n  parse  {ours}"));
            }
        }
    });
    assert!(
        differences.is_empty(),
        "{}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
