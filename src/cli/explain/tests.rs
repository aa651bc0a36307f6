//! The text of a recorded status: the content that an on-call engineer needs, and the safety of foreign text.

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::runbook;
use super::text::render;
use crate::catalogue::{CATALOGUE, Code};
use crate::cli::output::Paint;
use crate::text::plain::is_obeyed;
use crate::view::Known;

/// The paths and findings of a run of `demo --only stale-key`, with names, conditions and history around them.
fn recorded() -> Value {
    serde_json::from_str(include_str!("recorded.json")).unwrap()
}

fn known(value: Value) -> Known {
    let object: DynamicObject = serde_json::from_value(value).unwrap();
    Known::of(&object).unwrap()
}

fn text(value: Value) -> String {
    let now: Timestamp = "2026-11-23T08:04:14Z".parse().unwrap();
    render(&known(value), now, Paint::PLAIN)
}

#[test]
fn the_text_has_all_that_an_on_call_engineer_needs() {
    let text = text(recorded());
    for part in [
        "ai/assistants  FAILING  GatewayStaleCredential  layer Configuration  path edge",
        "Restart the",
        "2026-11-23T05:17:14Z (167m ago); seen in 5 of the last 5 runs; last good 2026-11-23T05:12:14Z (172m ago)",
        "  changed the key claude-key/api-key (seen since 2026-11-23T05:17:10Z)",
        "docs/findings/GatewayStaleCredential.md",
        "HEADER  direct",
        "OtherAuthHeader  200 (119s ago)  401 (119s ago)",
        "direct  api.anthropic.com:443  requests 99 %",
        "4 ms over 3 runs",
        "expires in 36d",
        "warning CertificateExpiring  layer Network  path direct (certain, accepted)",
        "Conditions that are not True (2 of 4)",
        "  False   GatewayPathHealthy  GatewayStaleCredential, since 2026-11-23T05:17:14Z (167m ago)",
        "  Unknown StreamIntact  NotAnswered",
        "claude-key/api-key  1a2b3",
        "between 2026-11-23T05:12:10Z and 2026-11-23T05:17:10Z (167m ago)",
        "Last run: Reported (slot 2026-11-23T08:02:10Z)",
        "Next run: 2026-11-23T08:07:10Z (in 2m56s)",
        "Missed runs: 1.",
        "Tokens today (UTC): 4711 of 200000.",
        "2026-11-23T05:17:14Z  2026-11-23T08:02:14Z  2m    33  Failing  GatewayStaleCredential  edge",
        "111  Healthy",
    ] {
        assert!(squeezed(&text).contains(&squeezed(part)), "{part}\n{text}");
    }
    assert!(!text.contains("\u{1b}"), "no colours unless requested");
}

/// Line ends and runs of blanks do not matter here.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn text_of_strangers_cannot_steer_a_terminal() {
    fn poison(value: &mut Value) {
        match value {
            Value::String(text) if text.parse::<Timestamp>().is_err() => {
                text.push_str("\u{1b}[2J\u{9b}31m\u{202e}\r\n\u{7}");
            }
            Value::Array(list) => list.iter_mut().for_each(poison),
            Value::Object(fields) => fields.values_mut().for_each(poison),
            _ => {}
        }
    }
    let mut value = recorded();
    let status = &mut value["status"];
    for at in [
        "/verdict/message",
        "/verdict/advice",
        "/verdict/code",
        "/findings/0/evidence",
        "/paths/0/name",
        "/paths/0/headers",
        "/paths/1/requestId",
        "/paths/1/outcome",
        "/paths/1/forwardingChecks",
        "/conditions/2/message",
        "/conditions/2/reason",
        "/credentials/0/secret",
        "/lastRun/pod",
        "/history/0/code",
        "/history/0/path",
    ] {
        poison(status.pointer_mut(at).unwrap());
    }
    status["paths"][0]["headers"]["x-\u{1b}]0;evil\u{7}"] = json!("y");
    let known = known(value.clone());
    let text = text(value);
    assert!(text.chars().all(|c| c == '\n' || !is_obeyed(c)), "{text:?}");
    let object = serde_json::to_string(&known).unwrap();
    assert!(
        object.chars().all(|c| !is_obeyed(c)) && !object.contains("\\u001b"),
        "{object}"
    );
}

#[test]
fn the_object_has_the_fields_of_the_status_beside_the_name() {
    let object = serde_json::to_value(known(recorded())).unwrap();
    assert_eq!(object["namespace"], "ai");
    assert_eq!(object["verdict"]["code"], "GatewayStaleCredential");
    assert_eq!(object["paths"][1]["status"], 401);
    assert_eq!(object["tokensPerDay"], 200_000);
    assert_eq!(object["history"][0]["count"], 33);
}

#[test]
fn an_unreconciled_probe_is_shown_as_such() {
    let mut value = recorded();
    value.as_object_mut().unwrap().remove("status");
    let text = text(value);
    assert!(
        text.contains("UNKNOWN") && text.contains("No operator has reconciled this probe yet."),
        "{text}"
    );
}

#[test]
fn an_older_spec_and_a_pending_run_are_noted() {
    let mut value = recorded();
    value["metadata"]["generation"] = json!(2);
    value["metadata"]["annotations"] = json!({"claudeprobe.dev/run-now": "2026-11-23T08:04:00Z deep"});
    value["spec"]["suspend"] = json!(true);
    let note = "Over budget (budget.tokensPerDay): since 2026-11-23T08:00:00Z only zero-token exchanges are sent.";
    value["status"]["verdict"]["zeroTokenSince"] = json!("2026-11-23T08:00:00Z");
    let text = squeezed(&text(value));
    for part in [note, "The spec has changed since", "suspended", "has not ended yet"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn unknown_parts_of_a_newer_status_are_noted() {
    let mut value = recorded();
    let status = &mut value["status"];
    status["findings"][0]["code"] = json!("FoundInTheFuture");
    status["paths"][1]["outcome"] = json!("EndedInTheFuture");
    status["paths"][0]["stream"]["framing"] = json!("FramedInTheFuture");
    status["paths"][0]["forwardingChecks"]["results"] = json!({"AskedInTheFuture": "soon"});
    status["paths"][0]["forwardingChecks"]["record"] = json!("k9 of a later format");
    status["lastRun"]["result"] = json!("OverInTheFuture");
    status["history"][0]["findings"] = json!([{"code": "FoundInTheFuture", "path": "edge"}]);
    status["credentials"][0]["kind"] = json!("KeyOfTheFuture");
    let text = squeezed(&text(value));
    for part in [
        "Not shown: 1 findings of a newer release. Use the operator's version of claudeprobe.",
        "EndedInTheFuture",
        "FramedInTheFuture",
        "OverInTheFuture",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_finding_is_found_in_any_case_of_letters() {
    let found = runbook::find("gatewaystalecredential").unwrap();
    assert_eq!(found.code, Code::GatewayStaleCredential);
}

#[test]
fn a_wrong_code_gets_suggestions() {
    for (wrong, meant) in [
        ("StaleCred", "GatewayStaleCredential"),
        ("GatewayStaleCredentail", "GatewayStaleCredential"),
        ("StreamBufferd", "StreamBuffered"),
        ("RateLimit", "RateLimited"),
    ] {
        let failure = runbook::find(wrong).unwrap_err();
        assert!(
            failure.message.contains("did you mean") && failure.message.contains(meant),
            "{failure:?}"
        );
        assert_eq!(failure.exit.0, 64);
    }
    for nothing_alike in ["", "xyzzy"] {
        let failure = runbook::find(nothing_alike).unwrap_err();
        assert!(!failure.message.contains("did you mean"), "{failure:?}");
    }
}

#[test]
fn runbooks_fit_a_narrow_terminal_without_markdown() {
    for entry in CATALOGUE {
        for width in [80, 100] {
            let text = runbook::text(entry, Paint::PLAIN.within(width));
            let commands: Vec<&str> = entry.confirm.iter().map(|(command, _)| *command).collect();
            for line in text.lines().filter(|line| !commands.contains(line)) {
                let is_one_word = !line.trim_start().contains(' ');
                assert!(line.chars().count() <= width || is_one_word, "{}: {line}", entry.code);
            }
            let prose: String = text.lines().filter(|line| !commands.contains(line)).collect();
            for mark in ["`", "**", "## ", "]("] {
                assert!(!prose.contains(mark), "{}: {mark}", entry.code);
            }
        }
    }
}

#[test]
fn the_list_of_findings_fits_a_narrow_terminal() {
    let text = runbook::list(Paint::PLAIN.within(80));
    for entry in CATALOGUE {
        assert!(text.contains(entry.code.name()), "{}", entry.code);
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
