//! Pods that do not start: the cause is named at once, and the probe recovers without a restart.

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
        "a pod that did not run has no evidence of a gateway: {status}"
    );
    status
}

fn recovers(story: &Story) {
    let status = story.status_when("the prober works again and the verdict is Healthy", |status| {
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
fn an_unschedulable_pod_is_named_and_runs_when_a_node_fits() {
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

/// The operator's image on the node, hidden from the kubelet while the value lives.
struct HiddenImage(String);

impl HiddenImage {
    const KEPT: &str = "docker.io/library/kept-for-a-story:1";

    fn of_the_operator() -> Self {
        let image = crate::kit::kubectl(&[
            "--namespace=claudeprobe-system",
            "get",
            "deployment",
            "claudeprobe-operator",
            "--output=jsonpath={.spec.template.spec.containers[0].image}",
        ]);
        let name = format!("docker.io/library/{image}");
        images(&["tag", "--force", &name, Self::KEPT]);
        images(&["rm", &name]);
        Self(name)
    }
}

impl Drop for HiddenImage {
    fn drop(&mut self) {
        images(&["tag", "--force", Self::KEPT, &self.0]);
        images(&["rm", Self::KEPT]);
    }
}

fn images(arguments: &[&str]) {
    let status = std::process::Command::new("ctr")
        .args(["--namespace", "k8s.io", "images"])
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("ctr starts");
    assert!(status.success(), "ctr images {arguments:?}: {status}");
}

#[test]
fn alone_a_missing_image_is_named_and_its_arrival_noticed() {
    let story = Story::new("noimage", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    let hidden = HiddenImage::of_the_operator();
    story.probe(&gateway.url, "");
    named(&story, "ImagePullFailed");
    drop(hidden);
    recovers(&story);
}
