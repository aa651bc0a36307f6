//! `docs/gitops.md`: what Argo CD's health script concludes from a probe. The script is taken out of the document and run by Lua 5.1.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const FILE: &str = "docs/gitops.md";

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        // Every byte by its number: nothing in it can end the string.
        Value::String(text) => {
            text.bytes()
                .fold("\"".to_owned(), |text, byte| text + &format!("\\{byte:03}"))
                + "\""
        }
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
    let document = read(FILE);
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

/// A probe as the API server of the real node gave it, with the status that the operator wrote.
fn recorded(name: &str) -> Value {
    serde_json::from_str(&read(&format!("tests/docs/recorded/{name}.json"))).unwrap()
}

#[test]
fn argo_cd_waits_for_the_operator_degrades_what_cannot_work_and_leaves_claude_to_the_alerts() {
    for (name, status, message) in [
        ("healthy", "Healthy", "The probe works. Verdict: Healthy"),
        (
            "failing",
            "Healthy",
            "The probe works. Verdict: Failing (CredentialStripped)",
        ),
        ("suspended", "Suspended", "Scheduled runs are suspended."),
        ("invalid", "Degraded", "Ready: InvalidSpec: spec.schedule.cron: "),
        ("blind", "Degraded", "ProberOperational: SecretMissing: "),
    ] {
        let (found, said) = health(&recorded(name));
        assert_eq!(found, status, "{name}: {said}");
        assert!(said.starts_with(message), "{name}: {said}");
    }
    let mut unseen = recorded("failing");
    unseen["status"] = Value::Null;
    assert_eq!(health(&unseen).0, "Progressing");
    let mut changed = recorded("failing");
    changed["metadata"]["generation"] = json!(99);
    assert_eq!(health(&changed).0, "Progressing");
    let mut starting = recorded("suspended");
    starting["spec"]["suspend"] = json!(false);
    assert_eq!(
        health(&starting),
        ("Progressing".into(), "No run has ended yet.".into())
    );
}

#[test]
fn text_of_strangers_does_not_end_the_script() {
    let mut object = recorded("blind");
    let words = "\"]]\" ]==] \\ ${x} \n end";
    object["status"]["conditions"][1]["message"] = words.into();
    let (status, message) = health(&object);
    assert_eq!(
        (status.as_str(), message),
        ("Degraded", format!("ProberOperational: SecretMissing: {words}"))
    );
}
