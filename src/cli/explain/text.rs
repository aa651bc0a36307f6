//! The text of an explanation, for a person at 3 a.m.: the verdict and what to change, the evidence side by side, all else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::history;
use crate::cli::cluster::{Known, age};
use crate::cli::evidence::{WIDTH, details, headline, labelled, other, paths, split, streams};
use crate::cli::output::{Paint, Tone};
use crate::cli::table::{Cell, Table, wrap};
use crate::diagnosis::KeptResult;
use crate::operator::{budget, canaries, run_now_mark};
use crate::report::evidence::ExchangeKind;
use crate::resource::status::{ClaudeProbeStatus, Finding, PathStatus};

/// The whole explanation as text, ending in a line end.
#[must_use]
pub fn render(known: &Known, now: Timestamp, paint: Paint) -> String {
    let mut out = String::new();
    let status = &known.status;
    let verdict = known.verdict();
    let _ = write!(out, "{}/{}  ", known.namespace, paint.paint(Tone::Strong, &known.name));
    headline(&mut out, &verdict, paint);
    let (main, others) = split(&verdict, &status.findings);
    if let Some(main) = main {
        details(&mut out, main, paint);
        labelled(&mut out, "since", &since(status, main, now), paint);
        labelled(&mut out, "changed", changed_last(&verdict.message), paint);
        let link = format!(
            "docs/findings.md#{}, or claudeprobe explain --finding {}",
            main.code.name().to_lowercase(),
            main.code
        );
        labelled(&mut out, "read", &link, paint);
    } else {
        labelled(&mut out, "", &verdict.message, paint);
        labelled(&mut out, "change", &verdict.advice, paint);
        if let Some(since) = &verdict.since {
            labelled(&mut out, "since", &moment(since, now), paint);
        }
    }
    labelled(&mut out, "note", &outdated(known, main.is_some()), paint);
    let sections = [
        paths(&status.paths, paint),
        streams(&status.paths, paint),
        headers(&status.paths, paint),
        canary_table(&status.paths, now, paint),
        more_of_paths(&status.paths, now, paint),
        also_found(&others, now, paint),
        conditions(status, now, paint),
        keys(status, now, paint),
        runs(known, now, paint),
        history::timeline(&status.history, now, paint),
    ];
    for section in sections.iter().filter(|section| !section.trim().is_empty()) {
        out.push('\n');
        out.push_str(section);
    }
    out
}

fn moment(at: &Time, now: Timestamp) -> String {
    format!("{} ({})", at.0, age::spoken(at.0, now))
}

fn since(status: &ClaudeProbeStatus, finding: &Finding, now: Timestamp) -> String {
    let since = status.verdict.as_ref().and_then(|verdict| verdict.since.as_ref());
    let mut parts: Vec<String> = since.map(|at| moment(at, now)).into_iter().collect();
    parts.extend(seen(finding));
    if let Some(good) = &status.last_good_at {
        parts.push(format!("last good {}", moment(good, now)));
    }
    parts.join("; ")
}

fn seen(finding: &Finding) -> Option<String> {
    let seen = finding.seen?;
    Some(format!("seen in {} of the last {} runs", seen.failed, seen.of))
}

/// What the verdict's message says of the latest change, see `diagnosis::message`.
fn changed_last(message: &str) -> &str {
    let Some((_, rest)) = message.split_once(" Changed last: ") else {
        return "";
    };
    let ends = [" Evidence: ", " Fix: ", " Request id: "];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// What keeps the status from speaking of the present.
fn outdated(known: &Known, finding_shown: bool) -> String {
    let status = &known.status;
    let mut notes = Vec::new();
    if status.observed_generation.is_some_and(|seen| seen < known.generation) {
        notes.push("The spec has changed since: all this is of the one before.".to_owned());
    }
    if known.suspended {
        notes.push("Scheduled runs are suspended; claudeprobe run starts one all the same.".to_owned());
    }
    let verdict = known.verdict();
    // Such a verdict is of a run before, or of exchanges without tokens; where a finding is shown in the message's place, say so.
    if let Some((budget, _)) = verdict.message.split_once(". ")
        && finding_shown
        && budget.starts_with("Over budget")
    {
        notes.push(format!("{budget}."));
    }
    let asked = known.run_now.as_deref().filter(|value| !value.is_empty());
    if asked.is_some_and(|value| status.last_handled_run_now != Some(run_now_mark(value))) {
        notes.push("A run was asked for by hand and has not ended yet.".to_owned());
    }
    notes.join(" ")
}

/// Response headers, a column per path.
fn headers(paths: &[PathStatus], paint: Paint) -> String {
    let names: BTreeSet<&String> = paths.iter().flat_map(|path| path.headers.keys()).collect();
    let rows = names.into_iter().map(|name| {
        let cell = |path: &PathStatus| path.headers.get(name).cloned().unwrap_or_default().into();
        (name.clone(), paths.iter().map(cell).collect())
    });
    side_by_side("HEADER", paths, rows.collect(), paint)
}

/// Results of the zero-token exchanges, a column per path, and how old they are.
fn canary_table(paths: &[PathStatus], now: Timestamp, paint: Paint) -> String {
    let kept: Vec<Vec<KeptResult>> = paths
        .iter()
        .map(|path| canaries::results(path.canaries.as_ref()).collect())
        .collect();
    let kinds: BTreeSet<ExchangeKind> = kept.iter().flatten().map(|result| result.exchange.kind).collect();
    let rows = kinds.into_iter().map(|kind| {
        let cell = |results: &Vec<KeptResult>| {
            let result = results.iter().find(|result| result.exchange.kind == kind);
            result.map_or_else(|| "".into(), |result| canary(result, now))
        };
        (format!("{kind:?}"), kept.iter().map(cell).collect())
    });
    side_by_side("CANARY", paths, rows.collect(), paint)
}

fn canary(result: &KeptResult, now: Timestamp) -> Cell {
    let exchange = &result.exchange;
    let what = match exchange.status {
        0 => format!("{:?}", exchange.outcome),
        status => status.to_string(),
    };
    match Timestamp::from_millisecond(result.at_ms) {
        Ok(at) => format!("{what} ({})", age::spoken(at, now)).into(),
        Err(_) => what.into(),
    }
}

fn side_by_side(what: &str, paths: &[PathStatus], rows: Vec<(String, Vec<Cell>)>, paint: Paint) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let headings: Vec<&str> = std::iter::once(what)
        .chain(paths.iter().map(|path| path.name.as_str()))
        .collect();
    let mut table = Table::new(&headings);
    for (name, cells) in rows {
        table.row(std::iter::once(name.into()).chain(cells).collect());
    }
    table.render(paint)
}

/// What else is known of each path: where it leads, how far its limits are, what it adds to the time, how long its certificate lasts.
fn more_of_paths(paths: &[PathStatus], now: Timestamp, paint: Paint) -> String {
    let mut table = Table::new(&["PATH", "HOST", "LIMITS LEFT", "ADDS (MEDIAN)", "CERTIFICATE"]);
    for path in paths {
        let limits = limits_left(path);
        let certificate = path.certificate_expires.as_ref();
        table.row(vec![
            path.name.as_str().into(),
            path.host.as_str().into(),
            limits.into(),
            added(path).into(),
            certificate
                .map_or_else(String::new, |at| {
                    if at.0 > now {
                        format!("expires {}", age::spoken(at.0, now))
                    } else {
                        "expired".to_owned()
                    }
                })
                .into(),
        ]);
    }
    if paths.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

/// How much of Claude's rate limits is left, the untouched ones in one word.
fn limits_left(path: &PathStatus) -> String {
    let known = &path.ratelimit_remaining;
    let touched = known.iter().filter(|(_, left)| **left < 0.995);
    let touched: Vec<String> = touched
        .map(|(limit, left)| format!("{limit} {:.0} %", left * 100.0))
        .collect();
    match (known.is_empty(), touched.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "100 %".to_owned(),
        (false, false) => touched.join(", "),
    }
}

/// The median of what a gateway adds to the time of the zero-token exchange.
fn added(path: &PathStatus) -> String {
    let Some(kept) = &path.latency else {
        return String::new();
    };
    let pairs = kept.direct_ms.iter().zip(&kept.gateway_ms);
    let mut added: Vec<i64> = pairs
        .map(|(direct, gateway)| i64::from(*gateway) - i64::from(*direct))
        .collect();
    added.sort_unstable();
    let Some(median) = added.get(added.len() / 2) else {
        return String::new();
    };
    format!("{median} ms over {} runs", added.len())
}

fn also_found(others: &[&Finding], now: Timestamp, paint: Paint) -> String {
    let mut out = String::new();
    if !others.is_empty() {
        let _ = writeln!(out, "{}", paint.paint(Tone::Strong, "Also found"));
    }
    for finding in others {
        other(&mut out, finding, paint);
        let seen: Vec<String> = seen(finding)
            .into_iter()
            .chain(
                finding
                    .observed_at
                    .as_ref()
                    .map(|at| format!("observed {}", age::spoken(at.0, now))),
            )
            .collect();
        labelled(&mut out, "when", &seen.join("; "), paint);
    }
    out
}

fn conditions(status: &ClaudeProbeStatus, now: Timestamp, paint: Paint) -> String {
    let mut out = String::new();
    let all = status.conditions.len();
    let standing = status.conditions.iter().filter(|condition| condition.status != "True");
    let mut shown = 0;
    for condition in standing {
        shown += 1;
        let tone = if condition.status == "False" {
            Tone::Bad
        } else {
            Tone::Unsure
        };
        let _ = writeln!(
            out,
            "  {:<7} {}  {}, since {}",
            paint.paint(tone, &condition.status),
            paint.paint(Tone::Strong, &condition.type_),
            condition.reason,
            moment(&condition.last_transition_time, now)
        );
        labelled(&mut out, "", &condition.message, paint);
    }
    match (all, shown) {
        (0, _) => String::new(),
        (_, 0) => format!("All {all} conditions are True.\n"),
        _ => format!(
            "{}\n{out}",
            paint.paint(Tone::Strong, "Conditions that are not True").to_string() + &format!(" ({shown} of {all})")
        ),
    }
}

/// The keys, and when they changed.
fn keys(status: &ClaudeProbeStatus, now: Timestamp, paint: Paint) -> String {
    let mut table = Table::new(&["KEY", "FINGERPRINT", "KIND", "CHANGED"]);
    for key in &status.credentials {
        let changed = match (&key.previous_last_seen_at, &key.seen_since) {
            (Some(before), Some(since)) => format!("between {} and {}", before.0, moment(since, now)),
            (None, Some(since)) => format!("no change seen since {}", moment(since, now)),
            _ => String::new(),
        };
        table.row(vec![
            format!("{}/{}", key.secret, key.key).into(),
            key.fingerprint.as_str().into(),
            key.kind.map_or_else(String::new, |kind| format!("{kind:?}")).into(),
            changed.into(),
        ]);
    }
    if status.credentials.is_empty() {
        String::new()
    } else {
        table.render(paint)
    }
}

/// The last run, the next, and what they cost.
fn runs(known: &Known, now: Timestamp, paint: Paint) -> String {
    let status = &known.status;
    let mut parts = Vec::new();
    if let Some(run) = &status.last_run {
        let ended = run
            .finished_at
            .as_ref()
            .map_or_else(String::new, |at| format!(", ended {}", moment(at, now)));
        let pod = if run.pod.is_empty() {
            String::new()
        } else {
            format!(", pod {}", run.pod)
        };
        parts.push(format!("Last run: {} (slot {}){ended}{pod}.", run.result, run.slot));
    }
    match &status.next_run {
        Some(next) if next.0 > now => parts.push(format!("Next run: {}.", moment(next, now))),
        Some(next) => parts.push(format!("Next run: was due {}.", moment(next, now))),
        None if known.suspended => parts.push("Next run: none, suspended.".to_owned()),
        None => {}
    }
    if status.missed_runs > 0 {
        parts.push(format!("Missed runs: {}.", status.missed_runs));
    }
    let used = budget::used(status.usage.as_ref(), now);
    match known.tokens_per_day {
        Some(budget) => parts.push(format!("Tokens today (UTC): {used} of {budget}.")),
        None => parts.push(format!("Tokens today (UTC): {used}.")),
    }
    format!("{}\n", paint.paint(Tone::Faint, wrap(&parts.join(" "), WIDTH, 0)))
}
