//! The direct path is blocked: no control, no blame for the gateway.

use std::process::Command;

use serde_json::json;

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

/// Pods may not reach this port of the node; its own processes, such as the gateway, may. Until the value ends.
struct Blocked {
    rule: [String; 9],
}

impl Blocked {
    fn new(port: u16) -> Self {
        let port = port.to_string();
        let rule = ["INPUT", "-i", "cni0", "-p", "tcp", "--dport", &port, "-j", "DROP"].map(str::to_owned);
        assert!(
            Command::new("iptables")
                .arg("-I")
                .args(&rule)
                .status()
                .unwrap()
                .success()
        );
        Self { rule }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = Command::new("iptables").arg("-D").args(&self.rule).status();
    }
}

#[test]
fn without_a_control_the_gateway_is_not_blamed() {
    let story = Story::new("egress", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    let _blocked = Blocked::new(story.claude.port);
    story.probe(&gateway.url, "");
    let uncontrolled = story.first_run();
    assert_eq!(uncontrolled.verdict("state"), "Degraded", "{uncontrolled}");
    assert_eq!(
        (uncontrolled.verdict("code"), uncontrolled.verdict("path")),
        ("DirectPathUnreachable", "direct"),
        "{uncontrolled}"
    );
    assert!(
        uncontrolled.condition("GatewayPathHealthy").starts_with("True/"),
        "{uncontrolled}"
    );

    // Now the gateway fails with a status that does not show its origin.
    story.claude.fault(
        &json!({"fault": {"custom_error": {"status": 500, "type": "api_error", "message": "Internal server error"}}}),
    );
    let fails = story.run();
    let blamed: Vec<_> = fails
        .codes()
        .into_iter()
        .filter(|code| code.starts_with("Gateway") && *code != "GatewayUnavailable")
        .collect();
    assert!(blamed.is_empty(), "{fails}");
    assert_ne!(fails.verdict("state"), "Healthy");
}
