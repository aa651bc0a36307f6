//! The samples of `README.md` that need no cluster: what the program prints. (The sample of `make demo` is held by `tests/demo.rs`.)

use std::process::Command;

use claudeprobe::demo::gateway::{Behaviour, Edit, Gateway};
use claudeprobe::standin::{Config, Standin, TEST_KEY};

/// What is the same in each run: no times, ids, ports and sizes, and nothing of the machine.
fn same(text: &str) -> String {
    let (text, _) = text.split_once("\nSeen from ").unwrap_or((text, ""));
    let word = |word: &str| match word.trim_matches(['(', ')', ';', ':']) {
        id if id.starts_with("req_") => word.replace(id, "ID"),
        address if address.contains("127.0.0.1:") => "ADDRESS".to_owned(),
        number if number.contains('.') && number.parse::<f64>().is_ok() => "SECONDS".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        match words.first().map(String::as_str) {
            Some("BYTES") => "BYTES".to_owned(),
            _ => words.join(" "),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_prints_what_the_readme_shows() {
    let claude = Standin::start(Config::default()).await.unwrap();
    let behaviour = Behaviour {
        edits: vec![Edit::Set("x-api-key", "sk-ant-api03-old".to_owned())],
        ..Behaviour::default()
    };
    let gateway = Gateway::start(claude.address(), behaviour).await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_claudeprobe"));
    command
        .args([
            "check",
            "--direct",
            &claude.url(),
            "--gateway",
            &format!("edge={}", gateway.url()),
        ])
        .env_clear()
        .envs([("ANTHROPIC_API_KEY", TEST_KEY), ("COLUMNS", "80")]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let text = format!(
        "```console\n$ export ANTHROPIC_API_KEY=…\n$ claudeprobe check --direct {} --gateway edge={}\n{shown}```\n",
        claude.url(),
        gateway.url()
    );
    crate::part::part_like("README.md", "check", &text, same);
}
