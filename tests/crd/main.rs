//! The CRD on a real API server: what it rejects and with which message, what it stores, and what kubectl shows.
//!
//! `tests/run crd` runs this inside the network namespace of a server, `tests/run compat` in those of the oldest and the newest; KUBECONFIG and
//! PATH point at it. Without one every test fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agree;
mod kubectl;
mod merge;

use std::collections::BTreeMap;
use std::sync::Mutex;

use claudeprobe::resource::status::ClaudeProbeStatus;
use kubectl::{Answer, kubectl, kubectl_with, server_version};
use merge::merge;
use serde_json::{Value, json};

/// A manifest that must be rejected.
#[derive(Clone, Debug, serde::Deserialize)]
struct Rejected {
    mistake: String,
    field: String,
    patch: Value,
    message: Message,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged)]
enum Message {
    Everywhere(String),
    ByVersion(BTreeMap<String, String>),
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("tests/crd/{name}: {error}"))
}

fn text(name: &str) -> String {
    let path = format!("{}/tests/crd/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Installs the CRD once; the tests of this file run at the same time.
fn installed() {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if *done {
        return;
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/crds/claudeprobe.yaml");
    let answer = kubectl(&["apply", "--server-side", "--validate=strict", "-f", file]);
    assert!(answer.good, "{answer:?}");
    assert_eq!(answer.errors, "", "the server warns about the CRD");
    // Not `kubectl wait`: it fails on a CRD that has no conditions yet, and an established one is served a moment later.
    for _ in 0..300 {
        if kubectl(&["get", "claudeprobes"]).good && kubectl(&["explain", "claudeprobe.spec"]).good {
            *done = true;
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("the server does not serve claudeprobes");
}

fn dry_run(manifest: &Value) -> Answer {
    kubectl_with(
        &manifest.to_string(),
        &["apply", "--dry-run=server", "-o", "json", "-f", "-"],
    )
}

/// The errors of a rejection: without kubectl's introduction, and without the remark that rules on an invalid
/// object were not checked.
fn errors_of(answer: &Answer) -> Vec<String> {
    let text = match answer.errors.split_once(" is invalid: ") {
        Some((introduction, rest)) if introduction.starts_with("The ClaudeProbe") => rest,
        _ => &answer.errors,
    };
    text.lines()
        .map(|line| line.strip_prefix("* ").unwrap_or(line).trim().to_owned())
        .filter(|line| !line.is_empty() && !line.contains("some validation rules were not checked"))
        .collect()
}

#[test]
fn every_mistake_is_rejected_with_its_field_and_the_fix() {
    installed();
    let version = server_version();
    let minimal: Value = read("minimal.yaml");
    let table: Vec<Rejected> = read("rejected.yaml");
    assert!(table.len() >= 80, "the table shrank to {}", table.len());
    let wrong: Vec<String> = in_parallel(&table, |case| {
        let answer = dry_run(&merge(&minimal, &case.patch));
        let expected = match &case.message {
            Message::Everywhere(text) => text,
            // The message of a version holds until a newer one has another.
            Message::ByVersion(texts) => texts
                .range(..=version.clone())
                .next_back()
                .map(|(_, text)| text)
                .unwrap_or_else(|| panic!("{}: no message for a server of version {version}", case.mistake)),
        };
        let messages = errors_of(&answer);
        let as_expected = match (messages.as_slice(), expected.strip_suffix('…')) {
            ([line], Some(start)) => line.starts_with(start),
            ([line], None) => line == expected,
            _ => false,
        };
        let named = messages.iter().any(|line| line.contains(&case.field));
        (answer.good || !as_expected || !named).then(|| {
            format!(
                "{} ({}):\n  expected {expected}\n  found    {messages:?}",
                case.mistake, case.field
            )
        })
    });
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        table.len(),
        wrong.join("\n")
    );
}

/// Runs `each` for all cases, four at a time: most of a call is kubectl starting.
fn in_parallel<T: Sync, R: Send>(cases: &[T], each: impl Fn(&T) -> Option<R> + Sync) -> Vec<R> {
    let each = &each;
    std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .chunks(cases.len().div_ceil(4))
            .map(|chunk| scope.spawn(move || chunk.iter().filter_map(each).collect::<Vec<R>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_literal_key_is_rejected_without_being_printed() {
    installed();
    let minimal: Value = read("minimal.yaml");
    for patch in [
        json!({"spec": {"request": {"headers": [{"name": "x-team", "value": "sk-ant-api03-s3cr3t"}]}}}),
        json!({"spec": {"direct": {"url": "https://user:s3cr3t@claude"}}}),
        json!({"spec": {"direct": {"proxy": {"url": "http://user:s3cr3t@proxy:3128"}}}}),
        json!({"spec": {"gateways": [{"name": "edge", "url": "https://user:s3cr3t@gateway"}]}}),
    ] {
        let answer = dry_run(&merge(&minimal, &patch));
        assert!(!answer.good && !answer.errors.contains("s3cr3t"), "{answer:?}");
    }
}

#[test]
fn defaults_are_stored_where_a_reader_sees_them() {
    installed();
    let stored: Value = serde_json::from_str(&dry_run(&read("minimal.yaml")).expect_good()).unwrap();
    let expected: Value = read("stored.yaml");
    assert_eq!(stored["spec"], expected, "{:#}", stored["spec"]);
}

#[test]
fn every_example_is_accepted_and_can_be_run() {
    installed();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let answer = kubectl(&["apply", "--dry-run=server", "-f", file.to_str().unwrap()]);
        assert!(
            answer.good && answer.errors.is_empty(),
            "{}: {answer:?}",
            file.display()
        );
    }
}

#[test]
fn explain_is_a_manual() {
    installed();
    // The server's version is in no line of it, so one text does for all.
    let shown = kubectl(&["explain", "claudeprobe.spec", "--recursive"]).expect_good();
    let expected = text("explain.txt");
    assert!(
        shown == expected,
        "tests/crd/explain.txt differs from what kubectl explains now:\n{shown}"
    );
    let field = kubectl(&["explain", "claudeprobe.spec.runTimeout"]).expect_good();
    let words = field.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Duration, 20s to 2h, shorter than the interval"),
        "{field}"
    );
}

#[test]
fn get_shows_the_verdict_and_when_the_next_run_is_due() {
    installed();
    let mut manifest: Value = read("minimal.yaml");
    manifest["metadata"]["name"] = "columns".into();
    kubectl_with(&manifest.to_string(), &["apply", "-f", "-"]).expect_good();
    let status = json!({"status": {
        "verdict": {"state": "Failing", "layer": "Configuration", "path": "edge", "code": "GatewayStaleCredential",
            "message": "m", "advice": "a", "since": "2026-01-01T00:00:00Z"},
        "lastRun": {"slot": "g1", "finishedAt": "2026-01-01T00:00:00Z"},
        "nextRun": "2199-01-01T00:00:00Z",
        "conditions": [{"type": "Ready", "status": "True", "reason": "Accepted", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }});
    let patch = status.to_string();
    kubectl(&[
        "patch",
        "claudeprobe",
        "columns",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ])
    .expect_good();
    let table = kubectl(&["get", "cprobe", "columns"]).expect_good();
    let wide = kubectl(&["get", "cprobe", "columns", "-o", "wide"]).expect_good();
    let waited = kubectl(&["wait", "--for=condition=Ready", "cprobe/columns", "--timeout=10s"]);
    let listed = kubectl(&["get", "observability", "-o", "name"]);
    kubectl(&["delete", "claudeprobe", "columns"]).expect_good();
    let mut lines = table.lines();
    let heads: Vec<_> = lines
        .next()
        .unwrap()
        .split("   ")
        .map(str::trim)
        .filter(|head| !head.is_empty())
        .collect();
    assert_eq!(
        heads,
        ["NAME", "VERDICT", "CODE", "PATH", "SINCE", "LAST-RUN", "READY", "AGE"]
    );
    let row: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["columns", "Failing", "GatewayStaleCredential", "edge"]);
    for part in ["LAYER", "HOP", "NEXT-RUN", "Configuration", "2199-01-01T00:00:00Z"] {
        assert!(wide.contains(part), "{part}: {wide}");
        assert!(!table.contains(part), "{part} only with -o wide: {table}");
    }
    assert!(waited.good, "{waited:?}");
    assert!(listed.expect_good().contains("claudeprobe.claudeprobe.dev/columns"));
}

#[test]
fn a_status_of_every_field_is_stored_whole() {
    installed();
    let mut manifest: Value = read("minimal.yaml");
    manifest["metadata"]["name"] = "status".into();
    kubectl_with(&manifest.to_string(), &["apply", "-f", "-"]).expect_good();
    // Through the Rust types, so that a field that they do not have, or spell otherwise, shows here.
    let status: ClaudeProbeStatus = read("status.yaml");
    let written = serde_json::to_value(&status).unwrap();
    let patch = json!({"status": written}).to_string();
    let answer = kubectl(&[
        "patch",
        "claudeprobe",
        "status",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
    let stored = kubectl(&["get", "claudeprobe", "status", "-o", "json"]);
    kubectl(&["delete", "claudeprobe", "status"]).expect_good();
    assert!(answer.good && answer.errors.is_empty(), "{answer:?}");
    let stored: Value = serde_json::from_str(&stored.expect_good()).unwrap();
    assert_eq!(stored["status"], written);
    let unused: Vec<String> = status_fields()
        .into_iter()
        .filter(|field| written.get(field).is_none())
        .collect();
    assert!(unused.is_empty(), "tests/crd/status.yaml has no {unused:?}");
}

fn status_fields() -> Vec<String> {
    let definition = claudeprobe::resource::crd::definition().unwrap();
    let status = definition
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties")
        .unwrap();
    status.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_definition_is_structural_and_its_lists_are_maps() {
    installed();
    let definition = kubectl(&["get", "crd", "claudeprobes.claudeprobe.dev", "-o", "json"]).expect_good();
    let definition: Value = serde_json::from_str(&definition).unwrap();
    let conditions = definition["status"]["conditions"].as_array().unwrap().clone();
    let bad = conditions
        .iter()
        .find(|condition| condition["type"] == "NonStructuralSchema");
    assert!(bad.is_none(), "{bad:?}");
    let status = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
    for (list, keys) in [
        ("conditions", json!(["type"])),
        ("paths", json!(["name"])),
        ("credentials", json!(["secret", "key"])),
    ] {
        assert_eq!(status[list]["x-kubernetes-list-map-keys"], keys, "{list}");
    }
}
