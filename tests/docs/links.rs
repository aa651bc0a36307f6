//! Every link within the repository leads to something, the index of the documents names them all, and the changelog has its form.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Markdown of the repository that people read.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<PathBuf> = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "tests/tools/README.md",
    ]
    .map(|file| root.join(file))
    .to_vec();
    let docs = ["docs", "docs/adr", "docs/findings"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let docs = docs.into_iter().flatten().map(|entry| entry.unwrap().path());
    found.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    found.sort();
    found
}

/// Targets of `[text](target)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    prose
        .flat_map(|line| {
            line.split("](")
                .skip(1)
                .map(|rest| rest.split(')').next().unwrap().to_owned())
        })
        .collect()
}

/// GitHub's anchors of the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(file)
            };
            let there = target.exists()
                && (anchor.is_empty() || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor));
            if !there {
                wrong.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_index_names_every_document() {
    let index = crate::read("docs/README.md");
    let named: BTreeSet<String> = links(&index).into_iter().collect();
    for document in documents() {
        let name = document.file_name().unwrap().to_str().unwrap();
        let in_docs = document.parent().unwrap() == Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        assert!(
            !in_docs || name == "README.md" || named.contains(name),
            "docs/README.md does not name {name}"
        );
    }
}

#[test]
fn the_changelog_groups_what_changed_by_release_and_kind() {
    let text = crate::read("CHANGELOG.md");
    let heads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(heads.first(), Some(&"[Unreleased]"));
    for head in &heads[1..] {
        // `[1.2.3] - 2026-11-25`
        let (version, day) = head.split_once(" - ").unwrap_or_else(|| panic!("{head}"));
        assert!(
            version.starts_with('[') && version.split('.').count() == 3 && day.len() == 10,
            "{head}"
        );
    }
    for kind in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        let known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
        assert!(known.contains(&kind), "{kind}");
    }
}
