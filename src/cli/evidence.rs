//! What `check`, `explain` and `run` show alike: the verdict, its findings, and the paths side by side.

use std::fmt::Write as _;

use super::output::{Paint, Tone};
use super::table::{Cell, Table, wrap};
use crate::catalogue::{Code, Severity};
use crate::resource::status::{Finding, PathStatus, Verdict, VerdictState};

/// Width of running text.
pub const WIDTH: usize = 100;
/// Column where running text starts.
const INDENT: usize = 10;

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

/// The verdict in one line.
pub fn headline(out: &mut String, verdict: &Verdict, paint: Paint) {
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
#[must_use]
pub fn split<'a>(verdict: &Verdict, findings: &'a [Finding]) -> (Option<&'a Finding>, Vec<&'a Finding>) {
    let main = findings.iter().position(|finding| {
        finding.code.name() == verdict.code && (finding.path == verdict.path || verdict.path.is_empty())
    });
    let others = findings.iter().enumerate();
    let others = others.filter(|(index, _)| Some(*index) != main);
    (
        main.map(|index| &findings[index]),
        others.map(|(_, finding)| finding).collect(),
    )
}

/// The finding that the verdict names.
pub fn details(out: &mut String, finding: &Finding, paint: Paint) {
    let title = capitalised(title(finding.code));
    let sure = format!("{:?}", finding.confidence).to_lowercase();
    labelled(out, "what", &format!("{title} ({sure})."), paint);
    if let Some(hop) = &finding.hop {
        labelled(out, "hop", hop, paint);
    }
    labelled(out, "seen", &finding.evidence, paint);
    labelled(out, "change", &finding.advice, paint);
}

/// Another finding.
pub fn other(out: &mut String, finding: &Finding, paint: Paint) {
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

/// Running text behind a label; nothing where there is none.
pub fn labelled(out: &mut String, label: &str, text: &str, paint: Paint) {
    if !text.is_empty() {
        let label = paint.paint(Tone::Faint, label);
        let _ = writeln!(out, "  {label:<7} {}", wrap(text, WIDTH, INDENT));
    }
}

/// What each path answered to the frozen request.
#[must_use]
pub fn paths(paths: &[PathStatus], paint: Paint) -> String {
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

/// How the event streams arrived; empty where none was asked for.
#[must_use]
pub fn streams(paths: &[PathStatus], paint: Paint) -> String {
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

/// Seconds with three decimals: what a person compares here are tens of milliseconds.
#[must_use]
pub fn seconds(value: f64) -> String {
    format!("{value:.3}")
}

fn title(code: Code) -> &'static str {
    code.entry().title
}

/// With its first letter in upper case.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
