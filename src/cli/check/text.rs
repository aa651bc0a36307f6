//! The text of a check, for an on-call engineer: what, where, evidence, fix; then the paths.

use std::fmt::Write as _;

use super::report::CheckReport;
use crate::cli::evidence::{headline, other, points};
use crate::cli::output::{Paint, Tone};
use crate::cli::table::{self, wrap};
use crate::view::finding::{Other, details, split, without};
use crate::view::paths::{answers, seconds, streams};
use crate::view::tone;

/// The whole report as text, ending in a line end.
#[must_use]
pub fn render(report: &CheckReport, paint: Paint) -> String {
    let mut out = String::new();
    headline(&mut out, &report.verdict, paint);
    let (main, others) = split(&report.verdict, &report.findings);
    match main {
        Some(finding) => points(&mut out, &details(&finding), paint),
        None => points(&mut out, &without(&report.verdict), paint),
    }
    out.push('\n');
    out.push_str(&table::text(&answers(&report.paths), paint));
    let streams = table::text(&streams(&report.paths), paint);
    if !streams.is_empty() {
        out.push('\n');
        out.push_str(&streams);
    }
    if !others.is_empty() {
        let _ = writeln!(out, "\n{}", paint.paint(Tone::Strong, "Also found"));
        for finding in others.iter().filter_map(|finding| Other::of(finding)) {
            other(&mut out, &finding, paint);
        }
    }
    out.push('\n');
    vantage(&mut out, report, paint);
    out
}

/// The report in one line, for repeated checks.
#[must_use]
pub fn line(report: &CheckReport, paint: Paint) -> String {
    let verdict = &report.verdict;
    let state = verdict.state.name();
    let mut out = format!("{}  {:<12}", report.vantage.at, paint.paint(tone(verdict.state), state));
    if !verdict.code.is_empty() {
        let path = if verdict.path.is_empty() { "all" } else { &verdict.path };
        let _ = write!(
            out,
            " {} ({}, {path})",
            paint.paint(Tone::Strong, &verdict.code),
            verdict.layer
        );
    }
    for path in &report.paths {
        let total = path.timings.total;
        let total = total.map_or_else(String::new, |s| format!(" {} s", seconds(s)));
        let status = if path.status == 0 {
            path.outcome.to_string()
        } else {
            path.status.to_string()
        };
        let _ = write!(out, "  {} {status}{total}", path.name);
    }
    out.push('\n');
    out
}

fn vantage(out: &mut String, report: &CheckReport, paint: Paint) {
    let vantage = &report.vantage;
    let proxies: Vec<String> = vantage
        .proxies
        .iter()
        .map(|(path, proxy)| format!("{path} through {proxy}"))
        .collect();
    let proxies = if proxies.is_empty() {
        "no forward proxy".to_owned()
    } else {
        proxies.join(", ")
    };
    let cost = report.cost;
    let line = format!(
        "Seen from {} at {}, {proxies}; {} s, {} requests, {} input and {} output tokens.",
        vantage.host,
        vantage.at,
        seconds(f64::from(report.duration_ms) / 1000.0),
        cost.requests,
        cost.input_tokens,
        cost.output_tokens
    );
    let _ = writeln!(out, "{}", paint.paint(Tone::Faint, wrap(&line, paint.text_room(), 0)));
}
