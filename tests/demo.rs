//! The demo names every cause: its scenarios are the shortest way from a fault on the wire to a verdict.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "docs/part.rs"]
#[allow(dead_code)] // Whole documents are compared elsewhere.
mod part;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The demo's text without the seconds that each fault and all of them took.
fn untimed(text: &str) -> String {
    let untimed = |word: &&str| !(word.contains('.') && word.parse::<f64>().is_ok());
    let line = |line: &str| line.split_whitespace().filter(untimed).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_cause_of_the_demo_is_named_and_the_readme_shows_it() {
    // Without any variable of the user's environment: no key and no proxy is needed.
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .arg("demo")
        .env_clear()
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && shown.lines().count() > 20, "{shown}");
    let text = format!("```console\n$ make demo\n{shown}```\n");
    part::part_like("README.md", "demo", &text, untimed);
}

#[test]
fn an_outcome_is_an_object_for_programs() {
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(["demo", "-o", "json", "--only", "stale-key"])
        .env_clear()
        .output()
        .unwrap();
    let outcomes: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!(
        (&outcomes[0]["name"], &outcomes[0]["right"]),
        (&"stale-key".into(), &true.into())
    );
    assert_eq!(outcomes[0]["report"]["verdict"]["code"], "GatewayStaleCredential");
}

#[test]
fn serve_shows_each_fault_as_metrics() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args([
            "demo",
            "--serve",
            "127.0.0.1:0",
            "--only",
            "healthy",
            "--only",
            "stale-key",
        ])
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first
        .strip_prefix("Metrics: http://")
        .and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("no address in {first:?}")).to_owned();
    let wanted = "claudeprobe_verdict_info{namespace=\"demo\",probe=\"stale-key\",state=\"Failing\",code=\"GatewayStaleCredential\"";
    let deadline = Instant::now() + Duration::from_secs(120);
    let metrics = loop {
        let metrics = get(&address);
        if metrics.contains(wanted) || Instant::now() > deadline {
            break metrics;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(metrics.contains(wanted), "{metrics}");
}

fn get(address: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    reply
}
