//! Claude's official SDKs check the stand-in.
//!
//! Each SDK runs in its own process against a stand-in of its own; `tests/sdk/run` installs it, pinned, and ends with a
//! line of totals. A missing interpreter is a failure, never a skip.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod seen;

use std::process::{Command, Stdio};

use claudeprobe::standin::tls::Authority;
use claudeprobe::standin::{Config, Standin, TEST_KEY};

/// Runs the checks of `sdk`; panics with their output if one fails.
async fn judge(sdk: &str) {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("stand-in of the SDK tests").unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let tls = Some(authority.issue(&names).unwrap());
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.ca_pem()).unwrap();
    let plain = Standin::start(Config::default()).await.unwrap();
    let secure = Standin::start(Config {
        tls,
        ..Config::default()
    })
    .await
    .unwrap();

    let mut run = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/run"));
    run.args([
        sdk,
        &plain.url(),
        &format!("http://{}", plain.control_address().unwrap()),
        TEST_KEY,
        &secure.url(),
    ]);
    run.arg(&ca).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || run.output())
        .await
        .unwrap()
        .expect("tests/sdk/run starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let totals = text.lines().last().unwrap_or_default();
    assert!(
        output.status.success() && totals.ends_with(" passed, 0 failed") && !totals.contains(": 0 passed"),
        "{sdk}:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_python_sdk_accepts_the_stand_in() {
    judge("python-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_python_sdk_of_the_older_api_version_accepts_the_stand_in() {
    judge("python-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_typescript_sdk_accepts_the_stand_in() {
    judge("node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_python_sdk_says_what_the_catalogue_quotes() {
    seen::shows_what_the_catalogue_quotes("python-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_python_sdk_of_the_older_api_version_says_what_the_catalogue_quotes() {
    seen::shows_what_the_catalogue_quotes("python-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_typescript_sdk_says_what_the_catalogue_quotes() {
    seen::shows_what_the_catalogue_quotes("node").await;
}
