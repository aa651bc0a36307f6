//! One probe: the verdict and the fix, a comparison of the paths, and all other state.

use maud::{Markup, html};

use super::parts::{self, tag};
use super::{Frame, document, sparkline};
use crate::catalogue::Code;
use crate::view::explanation::Standing;
use crate::view::finding::Other;
use crate::view::{Cell, Explanation, Table, Trend, path_shown};

/// The page of one probe; `refresh` is its reload interval in seconds, 0 for none.
#[must_use]
pub fn probe(frame: &Frame<'_>, shown: &Explanation, trends: &[Trend], refresh: u32) -> String {
    let verdict = &shown.verdict;
    let main = html! {
        p.crumbs {
            a href="/" { "All probes" }
            @if refresh == 0 { a href="?refresh=30" { "Reload every 30 s" } } @else { a href="?" { "Stop reloading" } }
        }
        div.head {
            h1 { bdi { (shown.namespace) } "/" bdi { (shown.name) } }
            (parts::state(verdict.state))
        }
        @if !verdict.code.is_empty() {
            p.cause {
                strong { (verdict.code) }
                span.quiet { " · " (verdict.layer) " · path " (path_shown(&verdict.code, &verdict.path)) }
                @if let Some(code) = shown.code { " · " (runbook(frame, code)) }
            }
        } @else { p.cause {} }
        @if !shown.note.is_empty() { div.notice role="note" { p { (shown.note) } } }
        section {
            h2 id="verdict" { "Verdict" }
            (parts::points(&shown.points))
        }
        (paths(shown))
        (latency(trends))
        (others(frame, &shown.others))
        (conditions(&shown.conditions))
        (keys(&shown.keys))
        (runs(&shown.runs))
        (history(&shown.history))
    };
    let code = if verdict.code.is_empty() {
        String::new()
    } else {
        format!(" {}", verdict.code)
    };
    let title = format!("{}/{}: {:?}{code}", shown.namespace, shown.name, verdict.state);
    document(frame, &title, &main)
}

/// The runbook of a finding: a link if the base URL of the documents is known.
fn runbook(frame: &Frame<'_>, code: Code) -> Markup {
    match frame.docs {
        Some(docs) => {
            html! { a href={ (docs) (code.page()) } rel="noreferrer" { "Runbook for " (code) } }
        }
        None => html! { span.quiet { code { "claudeprobe explain --finding " (code) } } },
    }
}

/// Comparison of the paths, a column per path.
fn paths(shown: &Explanation) -> Markup {
    let answers = shown.answers.turned();
    let paths: Vec<String> = answers
        .columns()
        .iter()
        .skip(1)
        .map(|column| column.heading.to_owned())
        .collect();
    if paths.is_empty() {
        return html! {};
    }
    let groups = [
        ("Frozen request (times in seconds)", answers),
        ("Event stream (times in seconds)", shown.streams.turned()),
        ("Response headers", shown.headers.clone()),
        ("Forwarding checks", shown.forwarding_checks.clone()),
        ("Path", shown.more.turned()),
    ];
    html! {
        section {
            h2 id="paths" { "Paths compared" }
            div.panel.scroll role="region" aria-label="Paths compared" tabindex="0" {
                table.paths {
                    caption { "Reply of each path to the identical request" }
                    thead { tr { th scope="col" { "Path" } @for path in &paths { th scope="col" { (path) } } } }
                    @for (title, table) in groups.iter().filter(|(_, table)| !table.rows().is_empty()) {
                        tbody {
                            tr.group { th scope="rowgroup" colspan=(paths.len() + 1) { (title) } }
                            @for (label, cells) in aligned(table, &paths) {
                                tr { th scope="row" { (label) } @for cell in cells { td { (filled(cell)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An empty cell shows a dash: the value does not exist.
fn filled(cell: Option<&Cell>) -> Markup {
    match cell.filter(|cell| !cell.text.is_empty()) {
        Some(cell) => parts::text(cell),
        None => html! { span.quiet { "–" } },
    }
}

/// Rows of a table with a column per path, in the order of `paths`; a missing path has no cell.
fn aligned<'a>(table: &'a Table, paths: &[String]) -> Vec<(String, Vec<Option<&'a Cell>>)> {
    let columns = table.columns();
    let places: Vec<Option<usize>> = paths
        .iter()
        .map(|path| {
            columns
                .iter()
                .skip(1)
                .find(|column| column.heading == path)
                .map(|column| column.index)
        })
        .collect();
    let line = |row: &'a Vec<Cell>| {
        let cells = places.iter().map(|place| place.and_then(|place| row.get(place)));
        let label = row.first().map_or("", |cell| cell.text.as_str());
        (sentence_case(label), cells.collect())
    };
    table.rows().iter().map(line).collect()
}

/// A heading of the terminal in sentence case.
fn sentence_case(label: &str) -> String {
    const ABBREVIATED: [&str; 4] = ["HTTP", "DNS", "TCP", "TLS"];
    match label {
        "MESSAGE_STOP" => "message_stop received".to_owned(),
        "AT" => "Last event at".to_owned(),
        "REQUEST ID" => "Request id".to_owned(),
        known if ABBREVIATED.contains(&known) => known.to_owned(),
        capitals
            if capitals
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || " ()".contains(letter)) =>
        {
            crate::text::capitalised(&capitals.to_lowercase())
        }
        other => other.to_owned(),
    }
}

fn latency(trends: &[Trend]) -> Markup {
    let direct = trends.iter().find(|trend| trend.path == "direct");
    let gateways: Vec<&Trend> = trends.iter().filter(|trend| trend.path != "direct").collect();
    html! {
        @if !trends.is_empty() {
            section {
                h2 id="latency" { "Time to first byte" }
                div.figures {
                    @for gateway in gateways {
                        div.panel {
                            @let both: Vec<&Trend> = std::iter::once(gateway).chain(direct).collect();
                            (sparkline::lines(&both, 300.0, 64.0))
                            @for trend in both { p.small { (trend.spoken()) "." } }
                        }
                    }
                }
                p.small.quiet {
                    "One point per run, the newest on the right. The dashed line is the direct path. "
                    "A mark at the bottom is a run without a complete answer. At most 60 runs, from this replica's memory."
                }
            }
        }
    }
}

fn others(frame: &Frame<'_>, others: &[Other]) -> Markup {
    html! {
        @if !others.is_empty() {
            section {
                h2 id="others" { "Other findings" }
                ul.others {
                    @for other in others {
                        li.panel {
                            div.title {
                                h3 { (other.code) }
                                (tag(other.severity, other.tone))
                                span.quiet.small { (other.where_) }
                                span.small { (runbook(frame, other.code)) }
                            }
                            (parts::bare_points(&other.points))
                        }
                    }
                }
            }
        }
    }
}

fn conditions(conditions: &[Standing]) -> Markup {
    html! {
        @if !conditions.is_empty() {
            section {
                h2 id="conditions" { "Conditions" }
                div.panel {
                    table.stack.conditions role="table" {
                        thead role="rowgroup" {
                            tr role="row" {
                                @for heading in ["Condition", "Status", "Reason", "Message"] { th scope="col" role="columnheader" { (heading) } }
                            }
                        }
                        tbody role="rowgroup" {
                            @for condition in conditions {
                                tr role="row" {
                                    th scope="row" role="rowheader" { (condition.name) }
                                    td role="cell" { (tag(&condition.status.text, condition.status.tone.unwrap_or(crate::view::Tone::Undecided))) }
                                    td.reason role="cell" { (condition.reason) }
                                    td role="cell" { (condition.message) span.of.quiet.small { " Since " (condition.since) "." } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn keys(keys: &Table) -> Markup {
    let headings = [
        ("KEY", "Secret and key"),
        ("FINGERPRINT", "Fingerprint"),
        ("KIND", "Kind"),
        ("CHANGED", "Changed"),
    ];
    html! {
        @if !keys.rows().is_empty() {
            section {
                h2 id="keys" { "Keys in use" }
                (parts::table("Keys in use", keys, &headings, &[]))
                p.small.quiet { "A fingerprint shows that a key changed. It cannot confirm a guessed key. The operator reads no Secret." }
            }
        }
    }
}

fn runs(runs: &[(&str, String)]) -> Markup {
    html! {
        section {
            h2 id="runs" { "Runs and budget" }
            dl.points.panel { @for (label, text) in runs { div { dt { (label) } dd { (text) } } } }
        }
    }
}

fn history(history: &Table) -> Markup {
    let headings = [
        ("HISTORY", "From"),
        ("TO", "To"),
        ("AGE", "Age"),
        ("RUNS", "Runs"),
        ("VERDICT", "Verdict"),
        ("CODE", "Code"),
        ("PATH", "Path"),
        ("SPEC", "Generation"),
    ];
    html! {
        @if !history.rows().is_empty() {
            section {
                h2 id="history" { "History" }
                (parts::table("History, newest first", history, &headings, &["VERDICT"]))
            }
        }
    }
}
