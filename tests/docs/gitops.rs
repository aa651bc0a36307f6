//! `docs/gitops.md`: what Argo CD's health script concludes from a probe. The script is taken out of the document and run by Lua 5.1.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

const FILE: &str = "docs/gitops.md";

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        // A long bracket takes every byte but its own end; it drops a line end at its beginning.
        Value::String(text) => format!("[==[\n{text}]==]"),
        Value::Array(items) => items.iter().fold("{".to_owned(), |text, item| text + &lua(item) + ", ") + "}",
        Value::Object(fields) => {
            let mut text = "{".to_owned();
            for (name, field) in fields.iter().filter(|(_, field)| !field.is_null()) {
                let _ = write!(text, "[ {} ] = {}, ", lua(&name.as_str().into()), lua(field));
            }
            text + "}"
        }
    }
}

/// What the document's script says of this object: status and message.
fn health(object: &Value) -> (String, String) {
    let document = crate::read(FILE);
    let script = document.split("```lua\n").nth(1).unwrap().split("```").next().unwrap();
    let program = format!(
        "obj = {}\nlocal function health()\n{script}end\nlocal hs = health()\nio.write(hs.status, '\\n', hs.message)",
        lua(object)
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("health.lua");
    std::fs::write(&file, program).unwrap();
    let output = Command::new("lua5.1")
        .arg(&file)
        .output()
        .unwrap_or_else(|error| panic!("lua5.1: {error}; tests/tools/install docs brings it"));
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (status, message) = text.split_once('\n').unwrap();
    (status.to_owned(), message.to_owned())
}

/// A probe with the status that the operator wrote on the real node, where the gateway holds an old key.
fn recorded() -> Value {
    serde_json::from_str(&crate::read("tests/docs/recorded.json")).unwrap()
}

fn with(condition: &str, status: &str, reason: &str, message: &str) -> Value {
    let mut object = recorded();
    let conditions = object["status"]["conditions"].as_array_mut().unwrap();
    let found = conditions.iter_mut().find(|known| known["type"] == condition).unwrap();
    for (field, text) in [("status", status), ("reason", reason), ("message", message)] {
        found[field] = text.into();
    }
    object
}

#[test]
fn argo_cd_calls_a_probe_healthy_that_works_whatever_it_says_of_claude() {
    let object = recorded();
    assert_eq!(object["status"]["verdict"]["state"], "Failing", "the case that matters");
    let (status, message) = health(&object);
    assert_eq!(status, "Healthy", "{message}");
    assert!(message.starts_with("The probe works. Verdict: Failing ("), "{message}");
    let mut healthy = recorded();
    healthy["status"]["verdict"] = json!({"state": "Healthy", "code": ""});
    assert_eq!(
        health(&healthy),
        ("Healthy".into(), "The probe works. Verdict: Healthy".into())
    );
}

#[test]
fn argo_cd_waits_for_the_operator_and_degrades_what_cannot_work() {
    let mut unseen = recorded();
    unseen["status"] = Value::Null;
    assert_eq!(health(&unseen).0, "Progressing");
    let mut changed = recorded();
    changed["metadata"]["generation"] = json!(99);
    assert_eq!(health(&changed).0, "Progressing");
    assert_eq!(
        health(&with(
            "ProberOperational",
            "Unknown",
            "NoRunYet",
            "No run has ended yet."
        ))
        .0,
        "Progressing"
    );
    for (condition, reason) in [("Ready", "InvalidSpec"), ("ProberOperational", "SecretMissing")] {
        let (status, message) = health(&with(condition, "False", reason, "what to do: \"]]\" \\ ${x}"));
        assert_eq!(status, "Degraded");
        assert_eq!(message, format!("{condition}: {reason}: what to do: \"]]\" \\ ${{x}}"));
    }
    let mut suspended = recorded();
    suspended["spec"]["suspend"] = json!(true);
    assert_eq!(health(&suspended).0, "Suspended");
}
