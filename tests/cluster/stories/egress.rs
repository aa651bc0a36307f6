//! The direct path is blocked: no control, no accusation.

use std::process::Command;

use serde_json::json;

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

#[test]
fn without_a_control_nobody_is_accused() {
    let story = Story::new("egress", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    // Pods may not reach the stand-in; the gateway, a process of the node, may.
    let port = story.claude.port.to_string();
    let blocked = Command::new("iptables")
        .args(["-I", "INPUT", "-i", "cni0", "-p", "tcp", "--dport", &port, "-j", "DROP"])
        .status();
    assert!(blocked.unwrap().success());
    story.probe(&gateway.url, "");
    let blind = story.first_run();
    assert_eq!(blind.verdict("state"), "Degraded", "{:#}", blind.0);
    assert_eq!(
        (blind.verdict("code"), blind.verdict("path")),
        ("DirectPathUnreachable", "direct"),
        "{:#}",
        blind.0
    );
    assert!(
        blind.condition("GatewayPathHealthy").starts_with("True/"),
        "{:#}",
        blind.0
    );

    // Now the gateway fails with a status that says nothing of who made it.
    story.claude.fault(
        &json!({"fault": {"custom_error": {"status": 500, "type": "api_error", "message": "Internal server error"}}}),
    );
    let fails = story.run();
    let accused: Vec<_> = fails
        .codes()
        .into_iter()
        .filter(|code| code.starts_with("Gateway") && *code != "GatewayUnavailable")
        .collect();
    assert!(accused.is_empty(), "{:#}", fails.0);
    assert_ne!(fails.verdict("state"), "Healthy");
}
