//! Nothing is wrong.

use crate::kit::nginx::Nginx;
use crate::kit::operator::series;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

#[test]
fn a_healthy_gateway_is_healthy_in_get_describe_wait_and_metrics() {
    let story = Story::new("healthy", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "");
    let status = story.first_run();

    assert_eq!(status.verdict("state"), "Healthy", "{status}");
    for condition in [
        "Ready",
        "ProberOperational",
        "DirectPathHealthy",
        "GatewayPathHealthy",
        "HeadersPreserved",
        "QuotaAvailable",
    ] {
        assert!(
            status.condition(condition).starts_with("True/"),
            "{condition}: {status}"
        );
    }
    let row = story.kubectl(&["get", "cprobe", "p"]);
    assert!(row.contains("VERDICT") && row.contains("Healthy"), "{row}");
    let described = story.describe();
    assert!(described.contains("Healthy"), "{described}");
    story.kubectl(&[
        "wait",
        "--for=condition=GatewayPathHealthy",
        "claudeprobe/p",
        "--timeout=5s",
    ]);

    let of_story = format!("namespace=\"{}\"", story.namespace);
    let up = series("claudeprobe_up", &[&of_story]);
    assert_eq!(up.len(), 2, "{up:?}");
    assert!(up.iter().all(|line| line.ends_with(" 1")), "{up:?}");
    assert!(series("claudeprobe_verdict", &[&of_story, "state=\"Healthy\""])[0].ends_with(" 1"));

    // The version in the status: an image has the commit that it was built from, where git knows one.
    let build = series(
        "claudeprobe_build_info",
        &[concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")],
    );
    let commit = build[0].split("commit=\"").nth(1).unwrap();
    let git = std::process::Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "HEAD"])
        .output();
    let known = git.is_ok_and(|output| output.status.success());
    assert!(
        !known || commit.bytes().take(12).all(|byte| byte.is_ascii_hexdigit()),
        "{build:?}"
    );
}
