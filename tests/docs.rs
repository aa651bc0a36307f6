//! The generated documents say what the program says. `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;

use claudeprobe::catalogue::CATALOGUE;

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
fn the_findings_reference_is_the_catalogue() {
    let mut text = String::from(
        "# Findings\n\nGenerated from `src/catalogue.rs`. How they are told apart: [diagnosis.md](diagnosis.md).\n\n\
         An *error* makes the verdict `Failing`, a *warning* `Degraded`; *information* is shown only. The condition is what the\n\
         finding falsifies in a `ClaudeProbe`, besides `GatewayPathHealthy` or `DirectPathHealthy`.\n",
    );
    for entry in CATALOGUE {
        let condition = entry
            .condition
            .map_or_else(String::new, |condition| format!(" · {condition:?}"));
        let _ = write!(
            text,
            "\n## {}\n{:?} · {}{condition}\n\n{}. {}\n",
            entry.code,
            entry.layer,
            format!("{:?}", entry.severity).to_lowercase(),
            capitalised(entry.title),
            entry.advice
        );
    }
    compare("docs/findings.md", &text);
}

#[test]
fn the_reference_is_the_schema() {
    compare(
        "docs/reference.md",
        &claudeprobe::resource::reference::markdown().unwrap(),
    );
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
