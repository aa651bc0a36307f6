//! The paths side by side, as tables with a row (or a column) per path.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Cell, Table, Tone, age};
use crate::diagnosis::KeptResult;
use crate::report::evidence::ExchangeKind;
use crate::resource::status::PathStatus;
use crate::status::forwarding_checks;

/// What each path answered to the frozen request.
#[must_use]
pub fn answers(paths: &[PathStatus]) -> Table {
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
    ])
    .turning()
    .dropping(&["PEER", "DNS", "TCP", "TLS", "FIRST TOKEN", "REQUEST ID"]);
    for path in paths {
        let (phases, phase) = (&path.timings, |time: Option<f64>| {
            time.map_or_else(String::new, seconds).into()
        });
        table.row(vec![
            path.name.as_str().into(),
            status(path),
            path.outcome.name().into(),
            phase(phases.dns),
            phase(phases.connect),
            phase(phases.tls),
            phase(phases.first_byte),
            phase(phases.first_token),
            phase(phases.total),
            path.request_id.as_str().into(),
            path.peer.as_str().into(),
        ]);
    }
    table
}

fn status(path: &PathStatus) -> Cell {
    match path.status {
        0 => Cell::toned("-", Tone::Bad),
        200..=299 => Cell::toned(path.status.to_string(), Tone::Good),
        _ => Cell::toned(path.status.to_string(), Tone::Bad),
    }
}

/// How the event streams arrived; without rows where none was asked for.
#[must_use]
pub fn streams(paths: &[PathStatus]) -> Table {
    let mut table = Table::new(&[
        "STREAM",
        "EVENTS",
        "BYTES",
        "LAST EVENT",
        "AT",
        "MAX GAP",
        "MESSAGE_STOP",
        "FRAMING",
        "ENDING",
    ])
    .turning()
    .dropping(&["BYTES", "FRAMING", "LAST EVENT"]);
    for path in paths {
        let Some(stream) = &path.stream else { continue };
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
            stream.framing.name().into(),
            stream.ending.name().into(),
        ]);
    }
    table
}

/// Response headers, a column per path.
#[must_use]
pub fn headers(paths: &[PathStatus]) -> Table {
    let names: BTreeSet<&String> = paths.iter().flat_map(|path| path.headers.keys()).collect();
    let rows = names.into_iter().map(|name| {
        let cell = |path: &PathStatus| path.headers.get(name).cloned().unwrap_or_default().into();
        (name.clone(), paths.iter().map(cell).collect())
    });
    side_by_side("HEADER", paths, rows.collect())
}

/// Results of the zero-token exchanges, a column per path, and how old they are.
#[must_use]
pub fn forwarding_check_results(paths: &[PathStatus], now: Timestamp) -> Table {
    let kept: Vec<Vec<KeptResult>> = paths
        .iter()
        .map(|path| forwarding_checks::results(path.forwarding_checks.as_ref()).collect())
        .collect();
    let kinds: BTreeSet<ExchangeKind> = kept.iter().flatten().map(|result| result.exchange.kind).collect();
    let rows = kinds.into_iter().map(|kind| {
        let cell = |results: &Vec<KeptResult>| {
            let result = results.iter().find(|result| result.exchange.kind == kind);
            result.map_or_else(|| "".into(), |result| forwarding_check(result, now))
        };
        (kind.name().to_owned(), kept.iter().map(cell).collect())
    });
    side_by_side("FORWARDING CHECK", paths, rows.collect())
}

fn forwarding_check(result: &KeptResult, now: Timestamp) -> Cell {
    let exchange = &result.exchange;
    let what = match exchange.status {
        0 => exchange.outcome.name().to_owned(),
        status => status.to_string(),
    };
    match Timestamp::from_millisecond(result.at_ms) {
        Ok(at) => format!("{what} ({})", age::spoken(at, now)).into(),
        Err(_) => what.into(),
    }
}

fn side_by_side(what: &str, paths: &[PathStatus], rows: Vec<(String, Vec<Cell>)>) -> Table {
    let headings: Vec<&str> = std::iter::once(what)
        .chain(paths.iter().map(|path| path.name.as_str()))
        .collect();
    let mut table = Table::new(&headings).turning();
    for (name, cells) in rows {
        table.row(std::iter::once(name.into()).chain(cells).collect());
    }
    table
}

/// What else is known of each path: where it leads, how far its limits are, what it adds to the time, how long its
/// certificate lasts.
#[must_use]
pub fn more(paths: &[PathStatus], now: Timestamp) -> Table {
    let mut table = Table::new(&["PATH", "HOST", "LIMITS LEFT", "ADDS (MEDIAN)", "CERTIFICATE"]).turning();
    for path in paths {
        let certificate = path.certificate_expires.as_ref();
        table.row(vec![
            path.name.as_str().into(),
            path.host.as_str().into(),
            limits_left(path).into(),
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
    table
}

/// How much of Claude's rate limits is left, the untouched ones in one word.
fn limits_left(path: &PathStatus) -> String {
    let known = &path.ratelimit_remaining;
    let touched = known.observed().filter(|(_, left)| *left < 0.995);
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
    match added.len() {
        1 => format!("{median} ms over 1 run"),
        runs => format!("{median} ms over {runs} runs"),
    }
}

/// Seconds with three decimals: what a person compares here are tens of milliseconds.
#[must_use]
pub fn seconds(value: f64) -> String {
    format!("{value:.3}")
}
