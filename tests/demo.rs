//! The demo names every cause: its scenarios are the shortest way from a fault on the wire to a verdict.

#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

use serde_json::Value;

#[test]
fn every_cause_of_the_demo_is_named() {
    // Without any variable of the user's environment: no key and no proxy is needed.
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(["demo", "-o", "json"])
        .env_clear()
        .output()
        .unwrap();
    let outcomes: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let wrong: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome["right"] != true)
        .map(|outcome| {
            format!(
                "{}: expected {}, got {:#}",
                outcome["name"], outcome["expected"], outcome["report"]
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(outcomes.len() > 20 && output.status.success());
}
