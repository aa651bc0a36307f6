//! All probes, worst first.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::parts::{self, tag};
use super::{Frame, document, sparkline};
use crate::resource::status::VerdictState;
use crate::status_page::Row;
use crate::status_page::query::{Query, REFRESH, STATES};
use crate::view::{Measured, Trend, path_shown, tone};

/// The overview of `rows`, all that the reader may see, filtered by `query`.
#[must_use]
pub fn overview(frame: &Frame<'_>, rows: &[Row], query: &Query) -> String {
    let namespaces: BTreeSet<&str> = rows.iter().map(|row| row.listed.namespace.as_str()).collect();
    let in_namespace: Vec<&Row> = rows.iter().filter(|row| query.in_namespace(row)).collect();
    let mut shown: Vec<&Row> = rows.iter().filter(|row| query.matches(row)).collect();
    shown.sort_by(|one, other| one.listed.worst_first(&other.listed));
    let (page, pages) = query.paginate(&shown);
    let main = html! {
        h1 { "Probes" }
        (counts(&in_namespace, query))
        (filter(&namespaces, query))
        @if page.is_empty() {
            (empty(frame, rows.is_empty(), query))
        } @else {
            (table(frame, page, shown.len(), query))
            (pager(query, pages))
        }
    };
    let failing = in_namespace
        .iter()
        .filter(|row| row.listed.verdict.state == VerdictState::Failing)
        .count();
    let title = match failing {
        0 => "Probes".to_owned(),
        failing => format!("{failing} failing · Probes"),
    };
    document(frame, &title, &main)
}

fn counts(rows: &[&Row], query: &Query) -> Markup {
    let of = |state| rows.iter().filter(|row| row.listed.verdict.state == state).count();
    let entry = |state: Option<VerdictState>, count: usize, what: Markup| {
        let here = query.state == state;
        html! {
            li.none[count == 0] {
                a href=(query.with_state(state).link()) aria-current=[here.then_some("true")] { strong { (count) } " " (what) }
            }
        }
    };
    html! {
        nav aria-label="Probes by verdict" {
            ul.counts {
                (entry(None, rows.len(), html! { span.small { "All" } }))
                @for state in STATES {
                    (entry(Some(state), of(state), tag(&format!("{state:?}"), tone(state))))
                }
            }
        }
    }
}

fn filter(namespaces: &BTreeSet<&str>, query: &Query) -> Markup {
    let unknown = !query.namespace.is_empty() && !namespaces.contains(query.namespace.as_str());
    html! {
        form.filter method="get" action="/" role="search" aria-label="Filter probes" {
            label {
                "Namespace"
                select name="namespace" {
                    option value="" { "All" }
                    @for namespace in namespaces {
                        option value=(namespace) selected[*namespace == query.namespace] { (namespace) }
                    }
                    @if unknown { option value=(query.namespace) selected { (query.namespace) } }
                }
            }
            label {
                "Verdict"
                select name="state" {
                    option value="" { "All" }
                    @for state in STATES {
                        option value={ (format!("{state:?}")) } selected[query.state == Some(state)] { (format!("{state:?}")) }
                    }
                }
            }
            label {
                "Reload"
                select name="refresh" {
                    option value="0" { "manually" }
                    @for seconds in REFRESH {
                        option value=(seconds) selected[query.refresh == seconds] { "every " (period(seconds)) }
                    }
                }
            }
            button type="submit" { "Apply" }
        }
    }
}

fn period(seconds: u32) -> String {
    match seconds {
        60.. if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// The operator watches no probe that the reader may see (`no_rows`), or the filter matches none.
fn empty(frame: &Frame<'_>, no_rows: bool, query: &Query) -> Markup {
    html! {
        div.notice {
            @if no_rows {
                p {
                    "The operator watches no ClaudeProbe"
                    @if frame.user.is_some() { " in the namespaces that you may list" }
                    ". To create one: " code { "kubectl apply -f examples/simple.yaml" }
                }
            } @else {
                p { "No probe matches the filter. " a href=(Query { refresh: query.refresh, page: 1, ..Query::default() }.link()) { "Show all" } }
            }
        }
    }
}

/// With explicit roles: on a narrow screen rows are blocks, and a browser drops the implicit roles of a table.
fn table(frame: &Frame<'_>, rows: &[&Row], all: usize, query: &Query) -> Markup {
    let first = (query.page - 1) * 200 + 1;
    html! {
        div.panel {
            table.probes.stack role="table" {
                caption {
                    @if rows.len() == all { (all) @if all == 1 { " probe" } @else { " probes" } ", worst first" }
                    @else { "Probes " (first) " to " (first + rows.len() - 1) " of " (all) ", worst first" }
                }
                thead role="rowgroup" {
                    tr role="row" {
                        @for heading in ["Verdict", "Probe", "Cause", "For", "Last run", "Next run", "First byte per run"] {
                            th scope="col" role="columnheader" { (heading) }
                        }
                    }
                }
                tbody role="rowgroup" { @for row in rows { (line(frame, row)) } }
            }
        }
    }
}

fn line(frame: &Frame<'_>, row: &Row) -> Markup {
    let listed = &row.listed;
    let verdict = &listed.verdict;
    html! {
        tr role="row" {
            td role="cell" { (parts::state(verdict.state)) }
            th scope="row" role="rowheader" {
                a.name href=(probe_url(&listed.namespace, &listed.name)) { (listed.name) }
                span.of { (listed.namespace) }
            }
            td role="cell" {
                @if !verdict.code.is_empty() {
                    (verdict.code)
                    span.of { (verdict.layer) " · path " (path_shown(&verdict.code, &verdict.path)) }
                }
            }
            td.keep role="cell" data-label="For" { (listed.since(frame.now)) }
            td.keep role="cell" data-label="Last run" { (listed.last(frame.now)) }
            td.keep role="cell" data-label="Next run" { (parts::text(&listed.next(frame.now))) }
            td.line role="cell" { (latency(row)) }
        }
    }
}

fn latency(row: &Row) -> Markup {
    let trends = compared(&row.trends, &row.listed.verdict.path);
    // Of the newest run alone: beside a failure the latency of an earlier answer would look current.
    let last = match trends.first().and_then(|trend| trend.runs.last()) {
        Some(Measured::Answered(ms)) => format!("{ms} ms"),
        _ => "–".to_owned(),
    };
    if trends.is_empty() {
        return html! { span.quiet { "no runs yet" } };
    }
    html! { span { (sparkline::lines(&trends, 108.0, 26.0)) b { (last) } } }
}

/// The gateway of the verdict, else the first, and the direct path.
fn compared<'a>(trends: &'a [Trend], path: &str) -> Vec<&'a Trend> {
    let gateways = || trends.iter().filter(|trend| trend.path != "direct");
    let gateway = gateways()
        .find(|trend| trend.path == path)
        .or_else(|| gateways().next());
    let direct = trends.iter().find(|trend| trend.path == "direct");
    gateway.into_iter().chain(direct).collect()
}

fn pager(query: &Query, pages: usize) -> Markup {
    html! {
        @if pages > 1 {
            nav.pages aria-label="Pages" {
                @if query.page > 1 { a rel="prev" href=(query.with_page(query.page - 1).link()) { "Previous page" } }
                span.quiet { "Page " (query.page) " of " (pages) }
                @if query.page < pages { a rel="next" href=(query.with_page(query.page + 1).link()) { "Next page" } }
            }
        }
    }
}

/// URL of a probe's page.
fn probe_url(namespace: &str, name: &str) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("/probes/{}/{}", encoded(namespace), encoded(name))
}
