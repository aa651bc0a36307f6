//! The demo names every cause: its scenarios are the shortest way from a fault on the wire to a verdict.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
