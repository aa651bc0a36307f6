//! The text of a check, for a person at 3 a.m.: what, where, what was seen, what to change; then the paths.

use std::fmt::Write as _;

use super::report::CheckReport;
use crate::catalogue::{Code, Severity};
use crate::cli::output::{Paint, Tone};
use crate::cli::table::{Cell, Table, wrap};
use crate::resource::status::{Finding, PathStatus, VerdictState};

/// Width of running text.
const WIDTH: usize = 100;
/// Column where running text starts.
const INDENT: usize = 10;

/// The whole report as text, ending in a line end.
#[must_use]
pub fn render(report: &CheckReport, paint: Paint) -> String {
    let mut out = String::new();
    headline(&mut out, report, paint);
    let (main, others) = split(report);
    match main {
        Some(finding) => details(&mut out, finding, paint),
        None => labelled(&mut out, "", &report.verdict.message, paint),
    }
    out.push('\n');
    out.push_str(&paths(&report.paths, paint));
    let streams = streams(&report.paths, paint);
    if !streams.is_empty() {
        out.push('\n');
        out.push_str(&streams);
    }
    if !others.is_empty() {
        let _ = writeln!(out, "\n{}", paint.paint(Tone::Strong, "Also found"));
        for finding in others {
            other(&mut out, finding, paint);
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
    let state = format!("{:?}", verdict.state);
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
        let total = path
            .timings
            .get("total")
            .map_or_else(String::new, |s| format!(" {} s", seconds(*s)));
        let status = if path.status == 0 {
            path.outcome.clone()
        } else {
            path.status.to_string()
        };
        let _ = write!(out, "  {} {status}{total}", path.name);
    }
    out.push('\n');
    out
}

/// How a verdict's state speaks to the eye.
#[must_use]
pub fn tone(state: VerdictState) -> Tone {
    match state {
        VerdictState::Healthy => Tone::Good,
        VerdictState::Degraded => Tone::Warning,
        VerdictState::Failing => Tone::Bad,
        VerdictState::Inconclusive | VerdictState::Unknown => Tone::Unsure,
    }
}

fn headline(out: &mut String, report: &CheckReport, paint: Paint) {
    let verdict = &report.verdict;
    let _ = write!(
        out,
        "{}",
        paint.paint(tone(verdict.state), format!("{:?}", verdict.state).to_uppercase())
    );
    if !verdict.code.is_empty() {
        let path = if verdict.path.is_empty() { "all" } else { &verdict.path };
        let _ = write!(
            out,
            "  {}  layer {}  path {}",
            paint.paint(Tone::Strong, &verdict.code),
            paint.paint(Tone::Strong, &verdict.layer),
            paint.paint(Tone::Strong, path)
        );
    }
    out.push('\n');
}

/// The verdict's own finding, and the rest.
fn split(report: &CheckReport) -> (Option<&Finding>, Vec<&Finding>) {
    let verdict = &report.verdict;
    let main = report.findings.iter().position(|finding| {
        finding.code.name() == verdict.code && (finding.path == verdict.path || verdict.path.is_empty())
    });
    let others = report.findings.iter().enumerate();
    let others = others.filter(|(index, _)| Some(*index) != main);
    (
        main.map(|index| &report.findings[index]),
        others.map(|(_, finding)| finding).collect(),
    )
}

fn details(out: &mut String, finding: &Finding, paint: Paint) {
    let title = capitalised(title(finding.code));
    let sure = format!("{:?}", finding.confidence).to_lowercase();
    labelled(out, "what", &format!("{title} ({sure})."), paint);
    if let Some(hop) = &finding.hop {
        labelled(out, "hop", hop, paint);
    }
    labelled(out, "seen", &finding.evidence, paint);
    labelled(out, "change", &finding.advice, paint);
}

fn other(out: &mut String, finding: &Finding, paint: Paint) {
    let (word, tone) = match finding.severity {
        Severity::Error => ("error", Tone::Bad),
        Severity::Warning => ("warning", Tone::Warning),
        Severity::Information => ("info", Tone::Faint),
    };
    let path = if finding.path.is_empty() { "all" } else { &finding.path };
    let accepted = if finding.accepted { ", accepted" } else { "" };
    let _ = writeln!(
        out,
        "  {:<7} {}  layer {:?}  path {path} ({}{accepted})",
        paint.paint(tone, word),
        paint.paint(Tone::Strong, finding.code),
        finding.layer,
        format!("{:?}", finding.confidence).to_lowercase()
    );
    labelled(out, "seen", &finding.evidence, paint);
    labelled(out, "change", &finding.advice, paint);
}

fn labelled(out: &mut String, label: &str, text: &str, paint: Paint) {
    if !text.is_empty() {
        let label = paint.paint(Tone::Faint, label);
        let _ = writeln!(out, "  {label:<7} {}", wrap(text, WIDTH, INDENT));
    }
}

fn paths(paths: &[PathStatus], paint: Paint) -> String {
    let mut table = Table::new(&[
        "PATH",
        "HTTP",
        "OUTCOME",
        "DNS",
        "TCP",
        "TLS",
        "FIRST BYTE",
        "FIRST TOKEN",
        "TOTAL",
        "REQUEST ID",
        "PEER",
    ]);
    for path in paths {
        let phase = |name: &str| path.timings.get(name).map_or_else(String::new, |s| seconds(*s)).into();
        table.row(vec![
            path.name.as_str().into(),
            status(path),
            path.outcome.as_str().into(),
            phase("dns"),
            phase("connect"),
            phase("tls"),
            phase("first_byte"),
            phase("first_token"),
            phase("total"),
            path.request_id.as_str().into(),
            path.peer.as_str().into(),
        ]);
    }
    table.render(paint)
}

fn status(path: &PathStatus) -> Cell {
    match path.status {
        0 => Cell::toned("-", Tone::Bad),
        200..=299 => Cell::toned(path.status.to_string(), Tone::Good),
        _ => Cell::toned(path.status.to_string(), Tone::Bad),
    }
}

fn streams(paths: &[PathStatus], paint: Paint) -> String {
    let mut table = Table::new(&[
        "STREAM",
        "EVENTS",
        "BYTES",
        "LAST EVENT",
        "AT",
        "LONGEST GAP",
        "MESSAGE_STOP",
        "FRAMING",
        "ENDING",
    ]);
    let mut any = false;
    for path in paths {
        let Some(stream) = &path.stream else { continue };
        any = true;
        table.row(vec![
            path.name.as_str().into(),
            stream.events.to_string().into(),
            stream.bytes.to_string().into(),
            stream.last_event.as_str().into(),
            seconds(stream.last_event_at).into(),
            seconds(stream.max_gap).into(),
            if stream.message_stop {
                "yes".into()
            } else {
                Cell::toned("no", Tone::Bad)
            },
            stream.framing.as_str().into(),
            stream.ending.as_str().into(),
        ]);
    }
    if any { table.render(paint) } else { String::new() }
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
    let _ = writeln!(out, "{}", paint.paint(Tone::Faint, wrap(&line, WIDTH, 0)));
}

/// Seconds with three decimals: what a person compares here are tens of milliseconds.
fn seconds(value: f64) -> String {
    format!("{value:.3}")
}

fn title(code: Code) -> &'static str {
    code.entry().title
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
