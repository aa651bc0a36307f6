//! The text of an explanation for an on-call engineer: the verdict and its fix first, then the evidence side by side,
//! then the rest.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::evidence::{headline, labelled, other, points};
use crate::cli::output::{Paint, Tone};
use crate::cli::table::{self, wrap};
use crate::view::explanation::Standing;
use crate::view::finding::Other;
use crate::view::{Explanation, Known};

/// The whole explanation as text, ending in a line end.
#[must_use]
pub fn render(known: &Known, now: Timestamp, paint: Paint) -> String {
    let shown = Explanation::of(known, now);
    let mut out = String::new();
    let _ = write!(out, "{}/{}  ", shown.namespace, paint.paint(Tone::Strong, &shown.name));
    headline(&mut out, &shown.verdict, paint);
    points(&mut out, &shown.points, paint);
    if let Some(code) = shown.code {
        let link = format!("{}, or claudeprobe explain --finding {code}", code.page());
        labelled(&mut out, "read", &link, paint);
    }
    labelled(&mut out, "note", &shown.note, paint);
    let sections = [
        table::text(&shown.answers, paint),
        table::text(&shown.streams, paint),
        table::text(&shown.headers, paint),
        table::text(&shown.forwarding_checks, paint),
        table::text(&shown.more, paint),
        also_found(&shown.others, paint),
        conditions(&shown.conditions, paint),
        table::text(&shown.keys, paint),
        runs(&shown.runs, paint),
        table::text(&shown.history, paint),
    ];
    for section in sections.iter().filter(|section| !section.trim().is_empty()) {
        out.push('\n');
        out.push_str(section);
    }
    out
}

fn also_found(others: &[Other], paint: Paint) -> String {
    let mut out = String::new();
    if !others.is_empty() {
        let _ = writeln!(out, "{}", paint.paint(Tone::Strong, "Also found"));
    }
    for finding in others {
        other(&mut out, finding, paint);
    }
    out
}

/// Those that are not as they should be: the others need no words.
fn conditions(all: &[Standing], paint: Paint) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for condition in all.iter().filter(|condition| !condition.is_true()) {
        shown += 1;
        let tone = condition.status.tone.unwrap_or(Tone::Undecided);
        let _ = writeln!(
            out,
            "  {:<7} {}  {}, since {}",
            paint.paint(tone, &condition.status.text),
            paint.paint(Tone::Strong, &condition.name),
            condition.reason,
            condition.since
        );
        labelled(&mut out, "", &condition.message, paint);
    }
    match (all.len(), shown) {
        (0, _) => String::new(),
        (all, 0) => format!("All {all} conditions are True.\n"),
        (all, _) => format!(
            "{}\n{out}",
            paint.paint(Tone::Strong, "Conditions that are not True").to_string() + &format!(" ({shown} of {all})")
        ),
    }
}

fn runs(sentences: &[(&str, String)], paint: Paint) -> String {
    let parts: Vec<String> = sentences
        .iter()
        .map(|(label, text)| format!("{label}: {text}."))
        .collect();
    format!(
        "{}\n",
        paint.paint(Tone::Faint, wrap(&parts.join(" "), paint.text_room(), 0))
    )
}
