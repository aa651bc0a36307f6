//! What gateways do to requests and streams: each fault is a typical line of nginx configuration.

use serde_json::json;

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::{Status, Story};

/// The status of the first run through an nginx with these lines in its location.
fn through(story: &Story, lines: &str, more: &str) -> (Nginx, Status) {
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(lines));
    story.probe(&gateway.url, more);
    let status = story.first_run();
    (gateway, status)
}

fn assert_named(status: &Status, state: &str, code: &str) {
    assert_eq!(
        (status.verdict("state"), status.verdict("code")),
        (state, code),
        "{status}"
    );
    assert_eq!(status.verdict("path"), "edge", "{status}");
}

/// The advice names the timer that nginx was given, as far as it can be measured on a machine with other things to do.
fn assert_about_two_seconds(status: &Status) {
    let message = status.verdict("advice");
    let after = message.split_once("about ").map_or("", |(_, after)| after);
    let seconds: f64 = after
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or_else(|_| panic!("names no value: {message}"));
    assert!((1.5..3.0).contains(&seconds), "{message}");
}

#[test]
fn a_stripped_key_and_a_stale_key_are_different_findings() {
    let story = Story::new("stripped", &[KEY]);
    let (_gateway, status) = through(&story, &format!("{PASS} proxy_set_header x-api-key \"\";"), "");
    assert_named(&status, "Failing", "CredentialStripped");
    assert_eq!(status.verdict("layer"), "Configuration");
    assert!(story.describe().contains("CredentialStripped"));
}

#[test]
fn a_dropped_beta_header_is_named() {
    let story = Story::new("beta", &[KEY]);
    let (_gateway, status) = through(
        &story,
        &format!("{PASS} proxy_set_header anthropic-beta \"\";"),
        "  request: {betas: [context-1m-2025-08-07]}\n",
    );
    assert_named(&status, "Degraded", "BetaHeaderStripped");
    assert!(status.condition("GatewayPathHealthy").starts_with("True/"), "{status}");
}

#[test]
fn a_read_timeout_that_cuts_the_stream_is_named_with_its_value() {
    let story = Story::new("idle", &[KEY]);
    story
        .claude
        .fault(&json!({"stream": true, "fault": {"silence": {"after_events": 6, "ms": 5000}}}));
    let (_gateway, status) = through(&story, &format!("{PASS} proxy_read_timeout 2s;"), "");
    assert_named(&status, "Failing", "StreamIdleTimeout");
    assert_about_two_seconds(&status);
    assert!(status.condition("DirectPathHealthy").starts_with("True/"), "{status}");
}

#[test]
fn a_read_timeout_before_the_first_byte_is_named_with_its_value() {
    let story = Story::new("firstbyte", &[KEY]);
    story
        .claude
        .fault(&json!({"route": "messages", "fault": {"delay": {"ms": 4000}}}));
    let (_gateway, status) = through(&story, &format!("{PASS} proxy_read_timeout 2s;"), "");
    assert_named(&status, "Failing", "FirstByteTimeout");
    assert_about_two_seconds(&status);
}

#[test]
fn a_buffered_stream_is_named() {
    let story = Story::new("buffered", &[KEY]);
    story
        .claude
        .fault(&json!({"stream": true, "fault": {"pace": {"ms": 150}}}));
    // The upstream in HTTP/1.0, nginx's default, and buffering on, its other default.
    let (_gateway, status) = through(&story, "proxy_http_version 1.0; proxy_buffering on;", "");
    assert_named(&status, "Degraded", "StreamBuffered");
}

#[test]
fn a_wrong_prefix_is_a_wrong_route() {
    let story = Story::new("route", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", "return 404;");
    story.probe(&gateway.url, "");
    let status = story.first_run();
    assert_named(&status, "Failing", "WrongRoute");
}
