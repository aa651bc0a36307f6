//! Pods that do not start: named at once, and well again without anybody restarting anything.

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::{Status, Story};

fn named(story: &Story, reason: &str) -> Status {
    let want = format!("False/{reason}");
    let status = story.status_when(&format!("ProberOperational is {want}"), |status| {
        status.condition("ProberOperational") == want
    });
    assert_ne!(
        status.verdict("state"),
        "Failing",
        "a pod that did not run says nothing of a gateway: {status}"
    );
    status
}

fn recovers(story: &Story) {
    let status = story.status_when("the prober works again and says Healthy", |status| {
        status.condition("ProberOperational").starts_with("True/") && status.verdict("state") == "Healthy"
    });
    assert!(status.condition("GatewayPathHealthy").starts_with("True/"), "{status}");
}

#[test]
fn a_missing_secret_is_named_and_its_creation_noticed() {
    let story = Story::new("nosecret", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.kubectl(&["delete", "secret", "claude-key"]);
    story.probe(&gateway.url, "");
    let status = named(&story, "SecretMissing");
    assert!(
        status.message("ProberOperational").contains("claude-key"),
        "{}",
        status.message("ProberOperational")
    );
    story.store_key(KEY);
    recovers(&story);
}

#[test]
fn a_missing_key_of_the_secret_is_named_and_its_addition_noticed() {
    let story = Story::new("nokey", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.kubectl(&["delete", "secret", "claude-key"]);
    story.kubectl(&["create", "secret", "generic", "claude-key", "--from-literal=other=x"]);
    story.probe(&gateway.url, "");
    let status = named(&story, "SecretKeyMissing");
    assert!(
        status.message("ProberOperational").contains("api-key"),
        "{}",
        status.message("ProberOperational")
    );
    story.store_key(KEY);
    recovers(&story);
}

#[test]
fn a_pod_that_no_node_takes_is_named_and_runs_when_one_does() {
    let story = Story::new("nonode", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(
        &gateway.url,
        "  placement: {nodeSelector: {claudeprobe-test: nowhere}}\n",
    );
    named(&story, "Unschedulable");
    story.kubectl(&[
        "patch",
        "claudeprobe",
        "p",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/spec/placement"}]"#,
    ]);
    recovers(&story);
}

#[test]
fn a_quota_of_the_namespace_is_named_and_its_end_noticed() {
    let story = Story::new("quota", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.kubectl(&["create", "quota", "none", "--hard=pods=0"]);
    story.probe(&gateway.url, "");
    named(&story, "QuotaExceeded");
    story.kubectl(&["delete", "quota", "none"]);
    recovers(&story);
}
