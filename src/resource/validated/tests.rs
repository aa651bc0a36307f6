//! The guarantees of the parsed form: defaults, inheritance, and errors with their field.

use rstest::rstest;

use super::*;
use crate::resource::spec::{ExpectAccount, Upstream};

const MINIMAL: &str = "
apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {name: assistants, namespace: ai}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: claude-key, key: api-key}}
  direct: {url: https://api.anthropic.com}
  gateways:
  - {name: edge, url: 'http://ai-gateway.gateways.svc:8080/'}
";

fn read(yaml: &str) -> ClaudeProbe {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The minimal probe with one part of its spec replaced or added, as a user would.
fn with(pointer: &str, value: serde_json::Value) -> ClaudeProbe {
    let mut object = serde_json::to_value(read(MINIMAL)).unwrap();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(&format!("/spec{parent}")).unwrap();
    match parent {
        serde_json::Value::Array(list) => list.push(value),
        parent => parent[last] = value,
    }
    serde_json::from_value(object).unwrap()
}

#[test]
fn everything_that_follows_is_filled_in() {
    let probe = Probe::parse(&read(MINIMAL)).unwrap();
    assert_eq!(probe.run_timeout, Duration::from_secs(180));
    assert_eq!(probe.starting_deadline, Duration::from_secs(120));
    assert_eq!(probe.forwarding_checks.every, Some(HOUR));
    let [direct, edge] = probe.paths.as_slice() else {
        panic!("two paths")
    };
    assert!(direct.direct && !edge.direct);
    assert_eq!(edge.url.as_str(), "http://ai-gateway.gateways.svc:8080");
    assert_eq!(edge.expect_account, ExpectAccount::Same);
    assert!(edge.credential.as_ref().unwrap().anthropic);
    assert_eq!(probe.pods.len(), 1);
    assert_eq!(probe.pods[0].paths, [0, 1]);
    let estimate = estimate(&probe);
    assert_eq!(probe.tokens_per_day, estimate.day * 3 / 2);
    assert_eq!(estimate.day, 288 * estimate.run + 24 * estimate.forwarding_checks);
}

#[test]
fn a_gateway_with_its_own_key_may_use_any_account_and_any_kind_of_key() {
    let own = serde_json::json!({"secretKeyRef": {"name": "virtual", "key": "key"}, "authHeader": "Authorization"});
    let probe = Probe::parse(&with("/gateways/0/credential", own)).unwrap();
    let edge = &probe.paths[1];
    assert_eq!(edge.expect_account, ExpectAccount::Any);
    assert!(!edge.credential.as_ref().unwrap().anthropic);
    assert_eq!(edge.credential.as_ref().unwrap().auth_header, AuthHeader::Authorization);
}

#[test]
fn a_gateway_to_another_cloud_need_not_share_the_account() {
    let probe = Probe::parse(&with("/gateways/0/upstream", "Bedrock".into())).unwrap();
    assert_eq!(probe.paths[1].upstream, Upstream::Bedrock);
    assert_eq!(probe.paths[1].expect_account, ExpectAccount::Any);
    assert!(!probe.paths[1].leads_to_claude());
}

#[test]
fn a_path_with_its_own_placement_has_its_own_pod() {
    let placement = serde_json::json!({"nodeSelector": {"zone": "b"}, "mesh": true});
    let probe = Probe::parse(&with("/gateways/0/placement", placement)).unwrap();
    let shared: Vec<_> = probe
        .pods
        .iter()
        .map(|pod| (pod.own.as_deref(), pod.paths.clone()))
        .collect();
    assert_eq!(shared, [(None, vec![0]), (Some("edge"), vec![1])]);
    assert!(probe.pods[1].placement.mesh);
}

#[test]
fn without_a_control_no_key_is_held_to_look_like_claudes() {
    let mut resource = read(MINIMAL);
    resource.spec.direct = None;
    let probe = Probe::parse(&resource).unwrap();
    assert!(probe.direct().is_none());
    assert_eq!(probe.paths[0].expect_account, ExpectAccount::Any);
    assert!(!probe.paths[0].credential.as_ref().unwrap().anthropic);
}

#[test]
fn all_faults_are_reported_together() {
    let mut resource = read(MINIMAL);
    resource.spec.schedule.every = Some("5".into());
    resource.spec.gateways[0].url = "gateway".into();
    resource.spec.history_limit = 99;
    let fields: Vec<String> = Probe::parse(&resource)
        .unwrap_err()
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(
        fields,
        ["spec.schedule.every", "spec.gateways[0].url", "spec.historyLimit"]
    );
}

#[rstest]
#[case("/schedule/cron", serde_json::json!("* * * * *"), "spec.schedule: must have exactly one of every and cron")]
#[case("/schedule/timeZone", serde_json::json!("Europe/Berlin"), "spec.schedule.timeZone: must be unset unless cron is set")]
#[case("/schedule", serde_json::json!({"cron": "0 0 31 2 *"}), "spec.schedule.cron: \"0 0 31 2 *\" must fire at some time: no month has such a day")]
#[case("/schedule", serde_json::json!({"cron": "0 9 * * *", "timeZone": "Berlin"}), "spec.schedule.timeZone: \"Berlin\" must be an IANA time zone such as Europe/Berlin")]
#[case("/runTimeout", serde_json::json!("5m"), "spec.runTimeout: must be shorter than the interval of the schedule: one run at a time")]
#[case("/request/headers", serde_json::json!([{"name": "X-Api-Key", "value": "a"}]), "spec.request.headers[0].name: \"x-api-key\" must not be set here: use credential, or proxy.credentialSecretRef")]
#[case("/gateways/0/headers", serde_json::json!([{"name": "x-team", "value": "sk-ant-api03-abc"}]), "spec.gateways[0].headers[0].value: must not be an API key: put the key into a Secret and use valueFrom.secretKeyRef")]
#[case("/gateways/0/credential", serde_json::json!({}), "spec.gateways[0].credential: must have exactly one of secretKeyRef and none")]
#[case("/gateways/1", serde_json::json!({"name": "edge", "url": "http://b"}), "spec.gateways[1].name: \"edge\" must be unique among the gateways")]
#[case("/gateways/1", serde_json::json!({"name": "all", "url": "http://b"}), "spec.gateways[1].name: \"all\" must be another name: direct and all are reserved")]
#[case("/placement/labels", serde_json::json!({"claudeprobe.dev/probe": "x"}), "spec.placement.labels: must not set claudeprobe.dev/…: the operator owns these")]
#[case("/workloads", serde_json::json!([{"selector": {"matchLabels": {}}}]), "spec.workloads[0].selector.matchLabels: must have at least one label: an empty selector selects every pod")]
fn a_fault_names_the_field_and_the_fix(#[case] pointer: &str, #[case] value: serde_json::Value, #[case] fault: &str) {
    let faults = Probe::parse(&with(pointer, value)).unwrap_err();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, [fault]);
}

/// A manifest that the API server rejects (tests/crd/rejected.yaml).
#[derive(serde::Deserialize)]
struct Refused {
    mistake: String,
    field: String,
    patch: serde_json::Value,
}

fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    for (key, change) in changes {
        if change.is_null() {
            target.as_object_mut().unwrap().shift_remove(key);
        } else {
            merge(&mut target[key], change);
        }
    }
}

fn crd_test(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/crd/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn what_the_api_server_rejects_is_rejected_here_at_the_same_field() {
    let minimal: serde_json::Value = serde_saphyr::from_str(&crd_test("minimal.yaml")).unwrap();
    Probe::parse(&serde_json::from_value(minimal.clone()).unwrap()).unwrap();
    let table: Vec<Refused> = serde_saphyr::from_str(&crd_test("rejected.yaml")).unwrap();
    let mut wrong = Vec::new();
    for case in table {
        let mut object = minimal.clone();
        merge(&mut object, &case.patch);
        // What does not fit the types is rejected while it is read; unknown fields are rejected where a file is read.
        let Ok(resource) = serde_json::from_value(object) else {
            continue;
        };
        if case.field == "spec.gateway" {
            continue;
        }
        match Probe::parse(&resource) {
            Ok(_) => wrong.push(format!("{} passes", case.mistake)),
            // The server names the list or the object where CEL cannot name the entry.
            Err(faults) if faults.iter().any(|fault| fault.field.starts_with(&case.field)) => {}
            Err(faults) => wrong.push(format!("{}: {} is not named in {faults:?}", case.mistake, case.field)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_can_be_run() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let resource = read(&std::fs::read_to_string(&path).unwrap());
        assert!(
            Probe::parse(&resource).is_ok(),
            "{}: {:?}",
            path.display(),
            Probe::parse(&resource)
        );
    }
}
