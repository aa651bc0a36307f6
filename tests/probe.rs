//! The binary as a probe pod runs it: plan from the environment, report to the termination message and standard output.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use claudeprobe::report::evidence::{ExchangeKind, Outcome, Reach, SkipReason};
use claudeprobe::report::message::{self, MessageError};
use claudeprobe::report::plan::{
    AuthHeader, Credential, FrozenRequest, HttpVersion, PLAN_ENV, PLAN_VERSION, PathPlan, Plan, Tls,
};

const KEY: &str =
    "sk-ant-api03-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsAA";

fn plan(url: &str) -> Plan {
    let path = PathPlan {
        name: "edge".into(),
        url: url.into(),
        credential: Some(Credential {
            secret: "API_KEY".into(),
            auth_header: AuthHeader::XApiKey,
            anthropic: true,
        }),
        model: None,
        headers: vec![],
        proxy: None,
        tls: Tls::default(),
        http_version: HttpVersion::Http1,
        exchanges: vec![],
        anthropic: true,
    };
    Plan {
        version: PLAN_VERSION,
        probe: "ai/assistants".into(),
        uid: "uid".into(),
        slot: "g1".into(),
        run_timeout_ms: 30_000,
        request: FrozenRequest {
            model: "claude-haiku-4-5".into(),
            api_version: "2023-06-01".into(),
            betas: vec![],
            headers: vec![],
            stream: false,
            max_tokens: 64,
            prompt: "pay $5 to $(API_KEY) and $$".into(),
            body_file: None,
        },
        paths: vec![path],
        refuse_networks: vec![],
        mesh: false,
        zero_token_only: false,
        second_samples: false,
        second_pair: true,
        long_timeout_ms: 0,
    }
}

#[test]
fn a_missing_ca_ends_its_path_with_a_report_that_names_it() {
    let mut plan = plan("https://127.0.0.1:9");
    plan.paths[0].tls.ca = Some("/etc/claudeprobe/ca/ca.crt".into());
    let pod = Pod::new();
    let output = pod.command(&plan.to_env().unwrap()).output().unwrap();
    assert!(output.status.success());
    let evidence = message::decode(&pod.message()).unwrap();
    let path = &evidence.paths[0];
    assert_eq!((path.handshake.outcome, path.exchanges.len()), (Reach::CaMissing, 0));
    let (log, _) = text(&output);
    assert!(
        log.contains("caConfigMapKeyRef cannot be read from /etc/claudeprobe/ca/ca.crt"),
        "{log}"
    );
}

struct Pod {
    directory: tempfile::TempDir,
}

impl Pod {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("termination-log")
    }

    fn command(&self, plan: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claudeprobe"));
        command
            .arg("probe")
            .arg("--termination-log")
            .arg(self.log())
            .env_clear()
            .env(PLAN_ENV, plan)
            .env("API_KEY", KEY)
            // Neither a proxy from the environment nor a debug setting may change what is sent.
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("http_proxy", "http://127.0.0.1:9")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn message(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }
}

/// A server that echoes every request in a header and in the body of a 500, and returns what it received.
fn echo() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !(request.windows(4).any(|part| part == b"\r\n\r\n") && request.ends_with(b"}")) {
                let read = socket.read(&mut buffer).unwrap();
                if read == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..read]);
            }
            let text = String::from_utf8(request).unwrap();
            let flat = text.replace(['\r', '\n'], " ");
            let reply = format!(
                "HTTP/1.1 500 Oops\r\nx-echo: {flat}\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            );
            let _ = socket.write_all(reply.as_bytes());
            let _ = sender.send(text);
        }
    });
    (url, receiver)
}

fn assert_no_key(text: &str) {
    let lower = text.to_lowercase();
    for part in KEY.as_bytes().windows(10).skip(10) {
        let part = std::str::from_utf8(part).unwrap().to_lowercase();
        assert!(!lower.contains(&part), "{part} in {text}");
    }
}

fn text(output: &Output) -> (String, String) {
    let decode = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (decode(&output.stdout), decode(&output.stderr))
}

#[test]
fn a_run_reports_in_both_places_and_a_gateway_that_echoes_everything_gets_no_key_into_either() {
    let (url, requests) = echo();
    let pod = Pod::new();
    let output = pod.command(&plan(&url).to_env().unwrap()).output().unwrap();
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stderr}");
    let request = requests.recv().unwrap();
    assert!(
        request.contains("pay $5 to $(API_KEY) and $$"),
        "the prompt arrives byte for byte: {request}"
    );
    assert!(request.contains(KEY), "the key itself was sent");
    let evidence = message::decode(&pod.message()).unwrap();
    assert!(evidence.complete);
    assert_eq!(evidence.paths[0].frozen().unwrap().status, 500);
    assert_eq!(stdout.lines().count(), 1);
    let full: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(full["evidence"]["paths"][0]["path"], "edge");
    for place in [&stdout, &stderr, &pod.message()] {
        assert_no_key(place);
    }
}

#[test]
fn sigterm_ends_the_run_with_a_report_of_what_was_seen() {
    // Accepts and sends nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pod = Pod::new();
    let child = pod.command(&plan(&url).to_env().unwrap()).spawn().unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let mut first = [0; 16];
    socket.read_exact(&mut first).unwrap();
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let evidence = message::decode(&pod.message()).unwrap();
    assert_eq!(
        evidence.paths[0].skipped,
        [(ExchangeKind::Frozen, SkipReason::OutOfTime)]
    );
}

#[test]
fn a_server_that_never_answers_is_reported_before_the_runs_own_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = plan(&format!("http://{}", listener.local_addr().unwrap()));
    plan.run_timeout_ms = 2_000;
    let pod = Pod::new();
    let output = pod.command(&plan.to_env().unwrap()).output().unwrap();
    assert!(output.status.success());
    let evidence = message::decode(&pod.message()).unwrap();
    assert_eq!(evidence.paths[0].frozen().unwrap().outcome, Outcome::NoReply);
    assert!(Duration::from_millis(evidence.duration_ms.into()) < Duration::from_secs(30));
}

fn complaint(plan: &str) -> String {
    let pod = Pod::new();
    let output = pod.command(plan).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let (_, stderr) = text(&output);
    assert_no_key(&stderr);
    let Err(MessageError::Prober { reason }) = message::decode(&pod.message()) else {
        panic!("{}", pod.message())
    };
    assert!(stderr.contains(&reason), "{stderr}");
    reason
}

#[test]
fn what_is_missing_is_named() {
    let mut without_body = plan("http://127.0.0.1:9");
    without_body.request.body_file = Some("/etc/claudeprobe/body/body.json".into());
    let reason = complaint(&without_body.to_env().unwrap());
    assert!(
        reason.contains("request.bodyFrom") && reason.contains("ConfigMap"),
        "{reason}"
    );

    assert!(complaint("{}").contains("plan"), "a plan that is none");
    let other = plan("http://127.0.0.1:9")
        .to_env()
        .unwrap()
        .replace("\"version\":2", "\"version\":7");
    assert!(complaint(&other).contains("version 7"));
}
