//! The findings as runbooks in Markdown, with GitHub's anchors: an index by client-visible error, and a page per finding.

use std::fmt::Write as _;

use super::client_error::{Quotes, Symptom};
use super::{CATALOGUE, ClientError, Entry};
use crate::text::capitalised;

/// The shell in which [`Entry::confirm`] works; the test of the documentation runs the commands against each fault.
pub const SHELL_SETUP: &str = r#"G=https://gateway.example      # base URL of the gateway, as ANTHROPIC_BASE_URL
D=https://api.anthropic.com    # Claude
K=$ANTHROPIC_API_KEY
ASK='"model":"claude-haiku-4-5","messages":[{"role":"user",'
ASK+='"content":"Count from 1 to 20."}]'
key="x-api-key: $K" version='anthropic-version: 2023-06-01'
post() { curl -sS -i -m 60 -H 'content-type: application/json' \
    -H "$version" -d "$2" "$1" "${@:3}"; }
# an answer: 60 tokens
ask() { post "$1/v1/messages" "{\"max_tokens\":64,$ASK}" "${@:2}"; }
# a token count: free
count() { post "$1/v1/messages/count_tokens" "{$ASK}" "${@:2}"; }
# each line with the second of its arrival; the last line is curl's exit code
stream() { local from=$SECONDS line
    local body="{\"max_tokens\":64,\"stream\":true,$ASK}"
    { post "$1/v1/messages" "$body" -N "${@:2}" 2>&1; echo "curl $?"; } |
        while IFS= read -r line; do echo "$((SECONDS - from))s $line"; done; }"#;

const INTRODUCTION: &str = "# Findings

<!-- Generated from `src/catalogue/`: `UPDATE_DOCS=1 cargo test --test docs`. -->

A finding names one cause of failing or degraded calls to Claude. Each has a page: what clients show, what it means, how it is
detected, how to confirm it by hand, and how to fix it. This page leads from a client-visible error to the findings that cause it.
[diagnosis.md](../diagnosis.md) describes how findings are distinguished.

First question, with any status: **does the reply have a `request-id: req_…`?** If it does, Claude answered, and the cause lies in
what reached Claude. If it does not, a gateway or proxy on the path answered.

An *error* makes the verdict `Failing`, a *warning* `Degraded`. *Information* does not change the verdict.

The quotes come from `anthropic` 2.12.0 for Python (a class after a stroke is that of 1.17.0), `@anthropic-ai/sdk` 1.12.0, and
Claude Code 2.1.330 without retries. `←` is the exception's cause, `…` omitted text, and text in brackets is a remark.

";

/// The index: client-visible errors with the findings that cause them, the shell for the commands, and all findings.
#[must_use]
pub fn index() -> String {
    let mut text = String::from(INTRODUCTION);
    for symptom in Symptom::ALL {
        let _ = writeln!(text, "- [{0}](#{1})", symptom.title(), anchor(symptom.title()));
    }
    text.push_str("- [All findings](#all-findings)\n- [Shell setup for the commands](#shell-setup)\n");
    for symptom in Symptom::ALL {
        let _ = write!(text, "\n## {}\n", symptom.title());
        for error in ClientError::ALL.iter().filter(|error| error.symptom() == symptom) {
            text.push_str(&caused(*error));
        }
    }
    text.push_str("\n## All findings\n\n| finding | layer | severity | |\n|---|---|---|---|\n");
    for entry in CATALOGUE {
        let (code, layer, severity) = (entry.code, entry.layer.name(), entry.severity.name().to_lowercase());
        let _ = writeln!(text, "| [{code}]({code}.md) | {layer} | {severity} | {} |", entry.title);
    }
    let _ = write!(
        text,
        "\n## Shell setup\n\nThe commands of the runbooks are for bash with these variables and functions. The comment below a command \
         lists what\nits output contains if the finding is right.\n\n```sh\n{SHELL_SETUP}\n```\n"
    );
    text
}

/// A client-visible error with the clients' quotes in full, and the findings that cause it.
fn caused(error: ClientError) -> String {
    let mut text = format!("\n### {}\n", capitalised(error.title()));
    if let Some(quotes) = error.quotes() {
        let _ = write!(
            text,
            "Python {} · TypeScript {} · Claude Code {}\n\n",
            quote(quotes.python),
            quote(quotes.typescript),
            quote(quotes.claude_code)
        );
    }
    for entry in CATALOGUE {
        for (_, clue) in entry.client_errors.iter().filter(|(of, _)| *of == error) {
            let _ = writeln!(text, "- {clue}: [{0}]({0}.md)", entry.code);
        }
    }
    text
}

/// The page of one finding.
#[must_use]
pub fn page(entry: &Entry) -> String {
    let condition = entry.condition.map_or_else(String::new, |condition| {
        format!(" · makes `{}` `False`", condition.name())
    });
    let mut text = format!(
        "# {}\n\n{}.\n\nLayer {} · {}{condition} · [all findings](README.md)\n\n## What you see\n\n",
        entry.code,
        capitalised(entry.title),
        entry.layer.name(),
        entry.severity.name().to_lowercase(),
    );
    for (error, clue) in entry.client_errors {
        let _ = write!(text, "- {}, {clue}", error.title());
        if let Some(quotes) = error.quotes() {
            let _ = write!(text, ": {}", clients(quotes));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "\n## What it means\n\n{}\n\n## How it is detected\n\n{}\n\n## Confirm by hand\n\n\
         Paste the [shell setup](README.md#shell-setup) first.\n\n```sh\n",
        entry.meaning, entry.evidence
    );
    for (command, contains) in entry.confirm {
        let _ = writeln!(text, "{command}");
        if !contains.is_empty() {
            let _ = writeln!(text, "# {contains}");
        }
    }
    let _ = write!(text, "```\n\n## Fix\n\n{}\n", entry.advice);
    if !entry.product_hints.is_empty() {
        text.push_str("\nBy product:\n\n");
    }
    for (product, hint) in entry.product_hints {
        let _ = writeln!(text, "- {}: {hint}", product.name());
    }
    text
}

/// What the clients show in short: the SDKs' exception classes, and the text of Claude Code, which has no classes.
fn clients(quotes: Quotes) -> String {
    let class = |quote: &str| match quote.split_once(": ") {
        Some((class, _)) if !quote.starts_with('(') => format!("`{class}`"),
        _ => quote.to_owned(),
    };
    let (python, typescript) = (class(quotes.python), class(quotes.typescript));
    let sdks = if python == typescript {
        format!("SDKs {python}")
    } else {
        format!("Python {python}, TypeScript {typescript}")
    };
    format!("{sdks}, Claude Code {}", quote(quotes.claude_code))
}

/// As code; a remark as it is.
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
    use super::*;

    #[test]
    fn anchors_are_those_of_github() {
        assert_eq!(
            anchor("404, a redirect, or a 200 without an answer"),
            "404-a-redirect-or-a-200-without-an-answer"
        );
    }
}
