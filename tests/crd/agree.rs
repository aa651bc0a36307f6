//! What the API server takes must run: tricky values, field by field, given to the server and to `Probe::parse`.

use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::validated::Probe;
use kube::api::PostParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::merge::merge;
use crate::{installed, read};

const DURATIONS: &[&str] = &[
    "5m",
    "0",
    "0s",
    "5",
    "1h30m",
    "1.5h",
    ".5h",
    "1.h",
    "5m ",
    " 5m",
    "5M",
    "60000000us",
    "60000000\u{b5}s",
    "9999999h",
    "99999h",
    "5m0s",
    "1h1h",
    "-5m",
    "+5m",
    "5 m",
    "1e3s",
    "300000ms",
    "1h30",
    "30s",
    "29s999ms",
    "168h",
    "168h1ms",
    "1d",
    "five minutes",
    "٥m",
    "59s",
    "60s",
    "1m",
    "10m",
    "20m",
    "2h",
    "2h1s",
    "24h",
];
const URLS: &[&str] = &[
    "http://a",
    "https://a/",
    "HTTPS://A",
    "http://a:8080/b/c/",
    "http://a/v10",
    "http://a/V1",
    "http://a/v1/",
    "http://a/v1/x",
    "http://a/v1/messages/",
    "http://a//v1",
    "http://[fd00::1]:80",
    "http://[::1]",
    "http://1.2.3.4",
    "http://1.2.3.4.",
    "http://a_b",
    "http://ä.example",
    "http://a:0",
    "http://a:70000",
    "http://a:",
    "http://:80",
    "http://",
    "http:///x",
    "http:a",
    "http:/a",
    "//a",
    "a",
    "a:80",
    "ftp://a",
    "http://u@a",
    "http://u:p@a",
    "http://:p@a",
    "http://@a",
    "http://a/@x",
    "http://a?x",
    "http://a/?",
    "http://a#",
    "http://a/#x",
    "http://a b",
    " http://a",
    "http://a ",
    "http://a\n",
    "http:\\\\a",
    "http://a\\b",
    "http://a/b%20c",
    "http://a/b%2",
    "http://a/%zz",
    "http://%61",
    "http://169.254.169.254",
    "http://169.254.0.1",
    "http://168.63.129.16",
    "http://0xa9fea9fe",
    "http://2852039166",
    "http://0",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:169.254.169.254]",
    "http://[::FFFF:A9FE:A9FE]",
    "http://[fe80::1]",
    "http://[fd00:ec2::254]",
    "http://metadata",
    "http://metadata.",
    "http://metadata.google.internal:80/x",
    "http://metadata.google.internal.example",
    "http://100.100.100.200",
    "http://[64:ff9b::a9fe:a9fe]",
    "http://localhost:8080",
    "http://a.b.svc.cluster.local.:8080",
];
const CRONS: &[&str] = &[
    "* * * * *",
    "*/5 * * * *",
    "0 9-17 * * MON-FRI",
    "0 0 1,15 * *",
    "0 0 * JAN,jul sun",
    "0  0  *  *  *",
    "0-30/10 * * * *",
    "5/10 * * * *",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 13 *",
    "0 0 * * 7",
    "0 0 * * 8",
    "0 0 31 2 *",
    "0 0 L * *",
    "0 0 15W * *",
    "0 0 * * 5#2",
    "0 0 * * 5L",
    "0 0 ? * *",
    "@daily",
    "* * * *",
    "* * * * * *",
    "a b c d e",
    "*/0 * * * *",
    "30-10 * * * *",
    "1-5-7 * * * *",
    ",1 * * * *",
    "1, * * * *",
    "0 0 * FOO *",
    " 0 0 * * *",
    "0 0 * * * ",
    "0\t0 * * *",
    "*/5,1 * * * *",
    "0 0 29 2 *",
    "0 0 1 1 1",
    "00 00 * * *",
    "*/5 * * * +MON",
];
const ZONES: &[&str] = &[
    "UTC",
    "utc",
    "Europe/Berlin",
    "europe/berlin",
    "Europe/Kyiv",
    "US/Pacific",
    "Etc/GMT+1",
    "EST",
    "GMT",
    "Local",
    "local",
    "+01:00",
    "Europe/Berlln",
    "Berlin",
    "CET",
    "Asia/Calcutta",
    "../etc",
    "Europe",
    "America/Argentina/Ushuaia",
    "EST5EDT",
    "Factory",
];
const NAMES: &[&str] = &[
    "a", "A", "a-b", "a.b", "a..b", "-a", "a-", ".a", "a_b", "1", "a b", "ä", "direct", "all", "all-b",
];
const KEYS: &[&str] = &["a", "A.b_c-d", ".", "-", "a b", "a/b", "ä", "..", "..a"];
const WORDS: &[&str] = &[
    "a",
    "claude-haiku-4-5",
    "anthropic.claude-v1:0",
    "a/b",
    "a b",
    "-a",
    "a@20250101",
    "ä",
    "a,b",
    "a_b",
    "a:",
    "2023-06-01",
    "2023-6-1",
    "2023-13-99",
    "20230601xx",
];
const HEADER_NAMES: &[&str] = &[
    "x-a",
    "X_A",
    "x a",
    "x:a",
    "",
    "ä",
    "x'a",
    "!",
    "host",
    "HOST",
    "Cookie",
    "te",
    "x-api-key",
    "Anthropic-Version",
    "accept",
    "x-forwarded-for",
    "content-lengthx",
];
const HEADER_VALUES: &[&str] = &[
    "a", " a", "a ", "a b", "", "a\tb", "a\nb", "ä", "sk-ant-x", "Bearer x", "\"", "~", "\u{7f}",
];
const LABEL_KEYS: &[&str] = &[
    "app", "a/b", "a.b/c", "A/b", "/b", "a/", "a/b/c", "-a", "a-", "a_b.c", "ä", "a..b/c", "a./c",
];
const LABEL_VALUES: &[&str] = &["", "a", "a.b-c_d", "-a", "a-", "a/b", "a b", "ä", "A"];
const QUANTITIES: &[&str] = &[
    "1", "0.5", "100m", "64Mi", "64MB", "1e3", "-1", "", "1.", ".5", "1 Gi", "1Ki", "1ki", "1K", "1u",
];

/// Every case: what it changes, and the change.
fn cases() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    let mut each = |name: &str, values: &[&str], patch: &dyn Fn(&str) -> Value| {
        for value in values {
            cases.push((format!("{name} {value:?}"), patch(value)));
        }
    };
    each("every", DURATIONS, &|v| json!({"spec": {"schedule": {"every": v}}}));
    each("runTimeout", DURATIONS, &|v| json!({"spec": {"runTimeout": v}}));
    each(
        "startingDeadline",
        DURATIONS,
        &|v| json!({"spec": {"startingDeadline": v}}),
    );
    each("canaries", DURATIONS, &|v| json!({"spec": {"canaries": {"every": v}}}));
    each(
        "reuseIdle",
        DURATIONS,
        &|v| json!({"spec": {"exchanges": {"reuseIdle": v}}}),
    );
    each(
        "long",
        DURATIONS,
        &|v| json!({"spec": {"exchanges": {"longRequest": {"every": "24h", "minSeconds": 60, "maxTokens": 4000, "timeout": v}}}}),
    );
    each(
        "url",
        URLS,
        &|v| json!({"spec": {"gateways": [{"name": "edge", "url": v}]}}),
    );
    each("proxy", URLS, &|v| json!({"spec": {"direct": {"proxy": {"url": v}}}}));
    each(
        "cron",
        CRONS,
        &|v| json!({"spec": {"schedule": {"every": null, "cron": v}}}),
    );
    each(
        "zone",
        ZONES,
        &|v| json!({"spec": {"schedule": {"every": null, "cron": "0 9 * * *", "timeZone": v}}}),
    );
    each(
        "gateway",
        NAMES,
        &|v| json!({"spec": {"gateways": [{"name": v, "url": "http://a"}]}}),
    );
    each(
        "secret",
        NAMES,
        &|v| json!({"spec": {"credential": {"secretKeyRef": {"name": v}}}}),
    );
    each(
        "serverName",
        NAMES,
        &|v| json!({"spec": {"direct": {"tls": {"serverName": v}}}}),
    );
    each(
        "serviceAccount",
        NAMES,
        &|v| json!({"spec": {"placement": {"serviceAccountName": v}}}),
    );
    each(
        "key",
        KEYS,
        &|v| json!({"spec": {"credential": {"secretKeyRef": {"key": v}}}}),
    );
    each("model", WORDS, &|v| json!({"spec": {"request": {"model": v}}}));
    each("beta", WORDS, &|v| json!({"spec": {"request": {"betas": [v]}}}));
    each(
        "apiVersion",
        WORDS,
        &|v| json!({"spec": {"request": {"apiVersion": v}}}),
    );
    each(
        "header name",
        HEADER_NAMES,
        &|v| json!({"spec": {"request": {"headers": [{"name": v, "value": "a"}]}}}),
    );
    each(
        "carrier",
        HEADER_NAMES,
        &|v| json!({"spec": {"credential": {"carrier": "Header", "headerName": v}}}),
    );
    each(
        "header value",
        HEADER_VALUES,
        &|v| json!({"spec": {"direct": {"headers": [{"name": "x-a", "value": v}]}}}),
    );
    each(
        "label key",
        LABEL_KEYS,
        &|v| json!({"spec": {"placement": {"labels": {v: "a"}}}}),
    );
    each(
        "selector",
        LABEL_KEYS,
        &|v| json!({"spec": {"workloads": [{"selector": {"matchLabels": {v: "a"}}}]}}),
    );
    each(
        "label value",
        LABEL_VALUES,
        &|v| json!({"spec": {"placement": {"nodeSelector": {"a": v}}}}),
    );
    each(
        "quantity",
        QUANTITIES,
        &|v| json!({"spec": {"placement": {"resources": {"limits": {"memory": v}}}}}),
    );
    cases
}

/// Mistakes that CEL cannot see. The operator reports them in `Ready`.
const ONLY_SEEN_LATER: &[&str] = &["cron \"0 0 31 2 *\"", "cron \"30-10 * * * *\""];

#[test]
fn what_the_server_takes_can_be_run_and_what_it_refuses_cannot() {
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
