//! A finding's runbook, and the list of all findings, for a terminal of any width.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::catalogue::runbook::SHELL_SETUP;
use crate::catalogue::{CATALOGUE, Entry, Severity};
use crate::cli::exit::Failure;
use crate::cli::output::{Paint, Tone};
use crate::cli::table::wrap;
use crate::text::capitalised;

/// Names that are less alike than this are no suggestion: a typing error or a swapped word gives more.
const ALIKE: f64 = 0.8;

/// The finding of this name, in any case of letters.
///
/// # Errors
/// Names the findings that are alike.
pub fn find(name: &str) -> Result<&'static Entry, Failure> {
    let exact = |entry: &&&Entry| entry.code.name().eq_ignore_ascii_case(name);
    CATALOGUE.iter().find(exact).copied().ok_or_else(|| {
        let suggestion = match alike(name).as_slice() {
            [] => String::new(),
            [only] => format!(": did you mean {only}?"),
            [first @ .., last] => format!(": did you mean {} or {last}?", first.join(", ")),
        };
        Failure::usage(format!(
            "unknown finding {name}{suggestion} (claudeprobe explain --findings lists all)"
        ))
    })
}

/// The codes that a name may mean, the likeliest first: those that contain it, otherwise those that are spelt alike.
fn alike(name: &str) -> Vec<&'static str> {
    let wanted = name.to_ascii_lowercase();
    let names = || CATALOGUE.iter().map(|entry| entry.code.name());
    let containing: Vec<&str> = names()
        .filter(|name| !wanted.is_empty() && name.to_ascii_lowercase().contains(&wanted))
        .collect();
    if !containing.is_empty() {
        return containing;
    }
    let mut near: Vec<(f64, &str)> = names()
        .map(|name| (strsim::jaro_winkler(&name.to_ascii_lowercase(), &wanted), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// All findings: code, layer, title.
#[must_use]
pub fn list(paint: Paint) -> String {
    let width = paint.text_room();
    let widest = |column: fn(&Entry) -> &'static str| {
        let widths = CATALOGUE.iter().map(|entry| column(entry).chars().count());
        widths.max().unwrap_or_default()
    };
    let code = |entry: &Entry| entry.code.name();
    let layer = |entry: &Entry| entry.layer.name();
    let (codes, layers) = (widest(code), widest(layer));
    let indent = codes + 2 + layers + 2;
    let mut out = String::new();
    for entry in CATALOGUE {
        let title = wrap(entry.title, width, indent);
        let name = paint.paint(tone(entry), code(entry));
        let fill = codes - code(entry).chars().count();
        let _ = writeln!(out, "{name}{:fill$}  {:<layers$}  {title}", "", layer(entry));
    }
    let note =
        "claudeprobe explain --finding CODE shows what a finding means, how to confirm it by hand, and how to fix it.";
    let _ = writeln!(out, "\n{}", paint.paint(Tone::Faint, wrap(note, width, 0)));
    out
}

/// The runbook of one finding.
#[must_use]
pub fn text(entry: &Entry, paint: Paint) -> String {
    let width = paint.text_room();
    let condition = entry
        .condition
        .map_or_else(String::new, |condition| format!(", makes {} False", condition.name()));
    let mut out = format!("{}\n", paint.paint(tone(entry), entry.code));
    let facts = format!(
        "layer {}, {}{condition}",
        entry.layer.name(),
        entry.severity.name().to_lowercase()
    );
    paragraph(&mut out, &format!("{}.", capitalised(entry.title)), width);
    paragraph(&mut out, &facts, width);
    heading(&mut out, "What you see", paint);
    for (error, clue) in entry.client_errors {
        let line = plain(&format!("{}, {clue}", error.title()));
        let _ = writeln!(out, "  - {}", wrap(&line, width, 4));
        let Some(quotes) = error.quotes() else { continue };
        for (client, quote) in [
            ("Python", quotes.python),
            ("TypeScript", quotes.typescript),
            ("Claude Code", quotes.claude_code),
        ] {
            let _ = writeln!(
                out,
                "    {client:<11}  {}",
                paint.paint(Tone::Faint, wrap(quote, width, 17))
            );
        }
    }
    for (title, body) in [("What it means", entry.meaning), ("How it is detected", entry.evidence)] {
        heading(&mut out, title, paint);
        paragraph(&mut out, &plain(body), width);
    }
    heading(&mut out, "Confirm by hand", paint);
    paragraph(
        &mut out,
        "Paste the shell setup below first. The comment below a command lists what its output contains if the finding is right.",
        width,
    );
    // Commands are not wrapped or indented: they are copied.
    out.push('\n');
    for (command, contains) in entry.confirm {
        let _ = writeln!(out, "{command}");
        if !contains.is_empty() {
            let _ = writeln!(out, "{}", paint.paint(Tone::Faint, format!("# {contains}")));
        }
    }
    heading(&mut out, "Fix", paint);
    paragraph(&mut out, entry.advice, width);
    for (product, hint) in entry.product_hints {
        let _ = writeln!(out, "  - {}", wrap(&format!("{}: {hint}", product.name()), width, 4));
    }
    heading(&mut out, "Shell setup", paint);
    let _ = writeln!(out, "\n{SHELL_SETUP}");
    out
}

/// A finding for programs.
#[must_use]
pub fn object(entry: &Entry) -> Value {
    json!({
        "code": entry.code,
        "layer": entry.layer,
        "severity": entry.severity,
        "condition": entry.condition,
        "title": entry.title,
        "meaning": entry.meaning,
        "evidence": entry.evidence,
        "advice": entry.advice,
    })
}

/// All findings for programs.
#[must_use]
pub fn objects() -> Vec<Value> {
    CATALOGUE.iter().map(|entry| object(entry)).collect()
}

fn tone(entry: &Entry) -> Tone {
    match entry.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warning,
        Severity::Information => Tone::Strong,
    }
}

fn heading(out: &mut String, title: &str, paint: Paint) {
    let _ = writeln!(out, "\n{}", paint.paint(Tone::Strong, title));
}

fn paragraph(out: &mut String, text: &str, width: usize) {
    let _ = writeln!(out, "  {}", wrap(text, width, 2));
}

/// Without the marks of code: a terminal shows them as they are.
fn plain(text: &str) -> String {
    text.replace('`', "")
}
