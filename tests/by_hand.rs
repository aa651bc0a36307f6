//! Runs the commands of docs/findings/ with bash and curl against each fault. The comment below a command lists what it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "by_hand/faults.rs"]
mod faults;
#[path = "by_hand/gateway.rs"]
mod gateway;

use std::path::Path;
use std::process::{Command, Stdio};

use claudeprobe::catalogue::{CATALOGUE, Code};

use faults::Fault;

/// The first block of commands in a document.
fn block(document: &str, after: &str) -> String {
    let rest = document.split(after).nth(1).unwrap();
    let block = rest.split("\n```sh\n").nth(1).unwrap();
    block.split("\n```\n").next().unwrap().to_owned()
}

fn document(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The commands of one finding with what they print, as its page has them. Commands without an output are for a cluster.
fn commands(code: Code) -> Vec<(String, Vec<String>)> {
    let block = block(&document(&format!("{code}.md")), "\n## Confirm by hand\n");
    let lines: Vec<&str> = block.lines().collect();
    let pairs = lines.iter().zip(lines.iter().skip(1));
    pairs
        .filter_map(|(command, below)| {
            let holds = below.strip_prefix("# ")?;
            Some((
                (*command).to_owned(),
                holds.split(" · ").map(str::to_owned).collect::<Vec<_>>(),
            ))
        })
        .collect()
}

/// Everything that the command prints, in the shell that the document sets up.
fn run(setup: &str, command: &str, fault: &Fault, directory: &Path) -> String {
    // The variables are the reader's; the functions are the document's.
    let functions = setup
        .lines()
        .filter(|line| !["G=", "D=", "K="].iter().any(|own| line.starts_with(own)));
    let script = format!("{}\n{command}\n", functions.collect::<Vec<_>>().join("\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(directory)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("LC_ALL", "C")
        .env("G", &fault.gateway)
        .env("D", &fault.direct)
        .env("K", &fault.key)
        .env("PROXY", &fault.proxy)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Whether the output matches the document: a status, the absence of something, a number alone, or words.
fn holds(output: &str, part: &str) -> bool {
    let digits = part.chars().all(|c| c.is_ascii_digit());
    let lower = output.to_lowercase();
    match part.strip_prefix("no ") {
        Some(absent) => !lower.contains(&absent.to_lowercase()),
        None if digits && part.len() == 3 => {
            // With the seconds of `stream` before it, or without.
            let status = output
                .lines()
                .filter_map(|line| line.split_once("HTTP/").map(|(_, rest)| rest));
            status
                .filter_map(|rest| rest.split(' ').nth(1))
                .any(|status| status == part)
        }
        None if digits => output.trim() == part,
        None => lower.contains(&part.to_lowercase()),
    }
}

async fn confirm(setup: &str, code: Code) -> Vec<String> {
    let commands = commands(code);
    if commands.is_empty() {
        return vec![];
    }
    let Some(fault) = faults::set(code).await else {
        return vec![format!("{code}: no fault to confirm it on")];
    };
    let directory = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (command, parts) in commands {
        let (setup, script, path) = (setup.to_owned(), command.clone(), directory.path().to_owned());
        let seen = fault.clone();
        let output = tokio::task::spawn_blocking(move || run(&setup, &script, &seen, &path))
            .await
            .unwrap();
        for part in parts.iter().filter(|part| !holds(&output, part)) {
            wrong.push(format!("{code}: {command}\n  does not hold: {part}\n{output}"));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_confirms_its_finding() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let setup = block(&document("README.md"), "\n## Shell setup\n");
    let setup = setup.as_str();
    let each = CATALOGUE.iter().map(|entry| confirm(setup, entry.code));
    let wrong: Vec<String> = futures::future::join_all(each).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_findings_that_need_a_cluster_or_a_date_have_no_command() {
    let without = CATALOGUE
        .iter()
        .map(|entry| entry.code)
        .filter(|code| commands(*code).is_empty());
    assert_eq!(
        without.collect::<Vec<_>>(),
        [Code::WorkloadStaleCredential, Code::CertificateExpiring]
    );
}
