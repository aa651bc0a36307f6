//! The Secret is rotated and the gateway keeps the old key.

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, NEW_KEY, PASS};
use crate::kit::story::Story;

#[test]
fn a_gateway_with_the_old_key_is_named_and_its_restart_is_noticed() {
    let story = Story::new("rotation", &[KEY]);
    let with_key = |key: &str| format!("proxy_set_header x-api-key {key};\n{}", story.claude.pass(PASS));
    let mut gateway = Nginx::start(&story.namespace, "gateway", "", &with_key(KEY));
    story.probe(&gateway.url, "");
    let before = story.first_run();
    assert_eq!(before.verdict("state"), "Healthy", "{before}");

    // Rotation: Claude knows the new key only, the Secret has it, the gateway does not.
    story.claude.set_keys(&[NEW_KEY]);
    story.store_key(NEW_KEY);
    gateway.configure("", &with_key(NEW_KEY));
    let stale = story.run();
    assert_eq!(stale.verdict("state"), "Failing", "{stale}");
    assert_eq!(stale.verdict("code"), "GatewayStaleCredential", "{stale}");
    assert_eq!(stale.verdict("layer"), "Configuration");
    assert_eq!(stale.verdict("path"), "edge");
    assert!(stale.condition("DirectPathHealthy").starts_with("True/"), "{stale}");
    let described = story.describe();
    assert!(
        described.contains("GatewayStaleCredential") && !described.contains(KEY) && !described.contains(NEW_KEY),
        "{described}"
    );

    // Conditions change after two runs that agree.
    let again = story.run();
    assert!(again.condition("GatewayPathHealthy").starts_with("False/"), "{again}");
    assert_eq!(again.0["verdict"]["since"], stale.0["verdict"]["since"]);

    gateway.restart();
    let recovered = story.run();
    assert_eq!(recovered.verdict("state"), "Healthy", "{recovered}");
    let settled = story.run();
    assert!(
        settled.condition("GatewayPathHealthy").starts_with("True/"),
        "{settled}"
    );
    let once = |reason: &str| {
        let events = story
            .events()
            .into_iter()
            .filter(|(known, _)| known.contains(reason))
            .map(|(_, count)| count)
            .sum::<i64>();
        assert_eq!(events, 1, "{reason}: {:?}", story.events());
    };
    once("GatewayStaleCredential");
}
