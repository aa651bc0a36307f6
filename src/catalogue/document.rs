//! The findings as a document: first by what people see, then one by one. Markdown, with GitHub's anchors.

use std::fmt::Write as _;

use super::help::SETUP;
use super::sight::{Shown, Symptom};
use super::{CATALOGUE, Code, Entry, Sight};
use crate::text::capitalised;

/// The whole document.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for symptom in Symptom::ALL {
        let _ = writeln!(text, "- [{0}](#{1})", symptom.title(), anchor(symptom.title()));
    }
    let _ = write!(text, "\n{SHELL}\n```sh\n{SETUP}\n```\n");
    for symptom in Symptom::ALL {
        let _ = write!(text, "\n## {}\n", symptom.title());
        for sight in Sight::ALL.iter().filter(|sight| sight.symptom() == symptom) {
            text.push_str(&look(*sight));
        }
    }
    text.push_str("\n# The findings\n");
    for entry in CATALOGUE {
        let _ = write!(text, "\n{}", finding(entry));
    }
    text
}

const INTRODUCTION: &str = "# Findings

Generated from `src/catalogue/`. How they are told apart: [diagnosis.md](diagnosis.md).

The first half leads from what you see to findings, the second half says of each finding what you see, what it means, how it
is known, how to confirm it by hand, and where to turn. An *error* makes the verdict `Failing`, a *warning* `Degraded`;
*information* is shown only. The condition named beside a finding is what it falsifies in a `ClaudeProbe`, besides
`GatewayPathHealthy` or `DirectPathHealthy`.

First question, whatever the status: **has the reply a `request-id: req_…`?** If so, Claude answered, and the cause lies in what
reached it. If not, somebody on the way did.

Quotes are what the clients said when they met the fault: `anthropic` 2.12.0 for Python (where 1.17.0 has another class, it stands
behind a stroke), `@anthropic-ai/sdk` 1.12.0, Claude Code 2.1.330 with its retries off. `←` is the exception's cause, `…` what is left
out, text in brackets a remark.

";

const SHELL: &str = "The commands are for bash. Paste this first; below each command stands what its output holds if the finding is right.
";

/// One finding, as a section.
#[must_use]
pub fn section(code: Code) -> String {
    finding(code.entry())
}

fn finding(entry: &Entry) -> String {
    let help = entry.code.help();
    let condition = entry
        .condition
        .map_or_else(String::new, |condition| format!(" · {condition:?}"));
    let severity = format!("{:?}", entry.severity).to_lowercase();
    let mut text = format!(
        "## {}\n{:?} · {severity}{condition}\n\n{}.\n\n**You see**\n",
        entry.code,
        entry.layer,
        capitalised(entry.title)
    );
    for (sight, clue) in help.sights {
        let _ = write!(text, "- {}, {clue}", sight.title());
        if let Some(shown) = sight.shown() {
            let _ = write!(text, ": {}", clients(shown));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "\n**It means** {}\n\n**How it is known** {}\n\n**By hand**\n```sh\n",
        help.meaning, help.evidence
    );
    for (command, holds) in help.confirm {
        let _ = writeln!(text, "{command}");
        if !holds.is_empty() {
            let _ = writeln!(text, "# {holds}");
        }
    }
    let _ = write!(text, "```\n\n**Fix** {}\n", entry.advice);
    for (maker, knob) in help.knobs {
        let _ = writeln!(text, "- {}: {knob}", maker.name());
    }
    text
}

/// A sight with what the clients say in full, and the findings that it may be.
fn look(sight: Sight) -> String {
    let mut text = format!("\n### {}\n", capitalised(sight.title()));
    if let Some(shown) = sight.shown() {
        let _ = write!(
            text,
            "Python {} · TypeScript {} · Claude Code {}\n\n",
            quote(shown.python),
            quote(shown.typescript),
            quote(shown.claude_code)
        );
    }
    for entry in CATALOGUE {
        for (_, clue) in entry.code.help().sights.iter().filter(|(of, _)| *of == sight) {
            let name = entry.code.name();
            let _ = writeln!(text, "- {clue}: [{name}](#{})", name.to_lowercase());
        }
    }
    text
}

/// The clients' classes, and Claude Code's words, which have no class.
fn clients(shown: Shown) -> String {
    let class = |quote: &str| match quote.split_once(": ") {
        Some((class, _)) if !quote.starts_with('(') => format!("`{class}`"),
        _ => quote.to_owned(),
    };
    let (python, typescript) = (class(shown.python), class(shown.typescript));
    let sdks = if python == typescript {
        format!("SDKs {python}")
    } else {
        format!("Python {python}, TypeScript {typescript}")
    };
    format!("{sdks}, Claude Code {}", quote(shown.claude_code))
}

/// As code, a remark as it is.
fn quote(text: &str) -> String {
    match text {
        remark if remark.starts_with('(') => remark.to_owned(),
        text if text.contains('`') => format!("`` {text} ``"),
        text => format!("`{text}`"),
    }
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sight_leads_to_a_finding_and_every_finding_has_all_five_parts() {
        for sight in Sight::ALL {
            assert!(look(*sight).contains("](#"), "{}", sight.title());
        }
        for entry in CATALOGUE {
            let help = entry.code.help();
            let parts = [help.meaning, help.evidence, entry.advice];
            assert!(parts.iter().all(|part| part.ends_with('.')), "{}", entry.code);
            assert!(!help.sights.is_empty() && !help.confirm.is_empty(), "{}", entry.code);
            let products: BTreeSet<_> = help.knobs.iter().map(|(maker, _)| maker).collect();
            assert!(products.len() == help.knobs.len(), "{}: a product twice", entry.code);
            assert!(
                help.knobs.iter().all(|(maker, _)| !maker.name().is_empty()),
                "{}",
                entry.code
            );
        }
    }

    #[test]
    fn anchors_are_those_of_github() {
        assert_eq!(
            anchor("404, a redirect, or a 200 that is no answer"),
            "404-a-redirect-or-a-200-that-is-no-answer"
        );
    }
}
