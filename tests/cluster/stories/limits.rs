//! Four errors with status 429 or 400 are distinct findings: the gateway's limit, and Claude's rate, spend and concurrency limits.

use serde_json::json;

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

#[test]
fn a_gateways_rate_limit_and_claudes_are_different_findings() {
    let story = Story::new("limited", &[KEY]);
    let limited = format!("limit_req zone=few; limit_req_status 429; {}", story.claude.pass(PASS));
    let mut gateway = Nginx::start(
        &story.namespace,
        "gateway",
        "limit_req_zone $server_port zone=few:1m rate=1r/m;",
        &limited,
    );
    // Another client uses up the gateway's minute.
    crate::kit::http("GET", &gateway.url.replace("http://", ""), "/v1/models", "");
    story.probe(&gateway.url, "  forwardingChecks: {every: 0s}\n");
    let own = story.first_run();
    assert_eq!(
        (own.verdict("code"), own.verdict("layer"), own.verdict("path")),
        ("GatewayRateLimited", "Quota", "edge"),
        "{own}"
    );
    assert!(own.condition("DirectPathHealthy").starts_with("True/"), "{own}");

    gateway.configure("", &story.claude.pass(PASS));
    gateway.restart();
    for (error, code) in [
        ("rate_limit_requests", "RateLimited"),
        ("spend_limit_enforced", "QuotaExhausted"),
        ("concurrency", "ConcurrencyLimited"),
    ] {
        story.claude.clear();
        story.claude.fault(&json!({"fault": {"error": error}}));
        let claudes = story.run();
        assert_eq!(
            (claudes.verdict("code"), claudes.verdict("layer")),
            (code, "Quota"),
            "{error}: {claudes}"
        );
        assert!(
            claudes.codes().iter().all(|found| !found.starts_with("Gateway")),
            "{error}: {claudes}"
        );
    }
}
