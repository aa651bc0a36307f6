//! The generated documents say what the program says. `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use claudeprobe::metrics::{FAMILIES, PREFIX};

fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{file} is not what the program says: run UPDATE_DOCS=1 cargo test --test docs"
    );
}

#[test]
fn the_metrics_reference_is_the_catalogue() {
    let mut text = String::from(
        "# Metrics\n\nGenerated from `src/metrics/families.rs`. The replica that acts shows the series of all probes, with the labels `namespace` and\n\
         `probe` besides those listed; they are removed with the probe. Scrape with `honorLabels: true`.\n",
    );
    for (title, per_probe) in [("Of each probe", true), ("Of the operator", false)] {
        let _ = write!(
            text,
            "\n## {title}\n\n| metric | kind | labels | says |\n|---|---|---|---|\n"
        );
        for family in FAMILIES.iter().filter(|family| family.per_probe == per_probe) {
            let (name, kind, labels) = (family.name, family.kind.name(), family.labels.join(", "));
            let _ = writeln!(text, "| `{PREFIX}{name}` | {kind} | {labels} | {} |", family.help);
        }
    }
    compare("docs/metrics.md", &text);
}

#[test]
fn the_findings_reference_is_the_catalogue() {
    compare("docs/findings.md", &claudeprobe::catalogue::document::markdown());
}

#[test]
fn the_reference_is_the_schema() {
    compare(
        "docs/reference.md",
        &claudeprobe::resource::reference::markdown().unwrap(),
    );
}

#[test]
fn the_command_reference_is_the_programs_own_help() {
    let mut text = String::from("# Command line\n\nGenerated from `claudeprobe --help`.\n");
    let top = help(&[]);
    let _ = write!(text, "\n## claudeprobe\n```text\n{top}```\n");
    for command in commands(&top) {
        let _ = write!(text, "\n## claudeprobe {command}\n```text\n{}```\n", help(&[&command]));
    }
    compare("docs/command-line.md", &text);
}

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(command)
        .arg("--help")
        // Neither the width of a terminal nor variables that options read must matter.
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?} --help: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The subcommands that the top-level help lists.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty());
    names
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
