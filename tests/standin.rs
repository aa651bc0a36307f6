//! `claudeprobe standin` as a program: addresses, control, HTTPS, signals, wrong input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A running program; killed if a test fails before it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claudeprobe"));
    command.arg("standin").args(args).stdin(Stdio::null());
    command
}

fn refused(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

async fn addresses(file: &Path) -> Value {
    for _ in 0..3000 {
        if let Ok(text) = std::fs::read(file) {
            return serde_json::from_slice(&text).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no addresses after a minute");
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("addresses.json");
    let tls = directory.path().join("tls");
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
        "--pace",
        "0s",
        "--first-byte",
        "0s",
    ];
    let mut command = program(&args);
    command
        .arg("--address-file")
        .arg(&file)
        .arg("--tls-self-signed")
        .arg(&tls)
        .stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let found = addresses(&file).await;
    let (api, control, key) = (
        &found["api"],
        found["control"].as_str().unwrap(),
        found["key"].as_str().unwrap(),
    );

    let ca = reqwest::Certificate::from_pem(&std::fs::read(tls.join("ca.pem")).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .unwrap();
    let body =
        json!({"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Count to 3"}]});
    let url = format!("{}/v1/messages", api.as_str().unwrap());
    let ask = || {
        client
            .post(&url)
            .header("x-api-key", key)
            .header("anthropic-version", "2023-06-01")
            .json(&body)
            .send()
    };
    let message: Value = ask().await.unwrap().json().await.unwrap();
    assert_eq!(message["content"][0]["text"], "1\n2\n3");

    let rotated = client
        .put(format!("{control}keys"))
        .json(&json!([{"key": "another"}]))
        .send()
        .await
        .unwrap();
    assert_eq!(rotated.status(), 200);
    assert_eq!(ask().await.unwrap().status(), 401);

    // `kill` of the shell's own: std can only send SIGKILL.
    let id = running.0.id().to_string();
    assert!(
        Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = tokio::task::spawn_blocking(move || running.0.wait().unwrap())
        .await
        .unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn wrong_input_is_a_sentence_and_exit_code_64() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("standin.yaml");
    std::fs::write(&config, "faults: [{fault: {error: nonsense}}]").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["--listen", "nowhere"], "--listen"),
        (&["--listen", &taken.1], "cannot listen on"),
        (&["--pace", "fast"], "must be a duration"),
        (&["--config", "/nonexistent"], "/nonexistent cannot be read"),
        (&["--config", config.to_str().unwrap()], "nonsense"),
        (&["--tls-cert", "/nonexistent"], "--tls-key"),
    ];
    for (args, says) in cases {
        let output = refused(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{args:?}: {error}");
        assert!(error.contains(says) && !error.contains("panicked"), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
