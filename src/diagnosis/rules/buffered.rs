//! Streams that are complete, but buffered on the way.
//!
//! One pair of streams may be noise: a slow moment of the control beside a late, short answer. So it is a reading until
//! a second pair shows the same: this run's, an earlier run's, or the long request's, which may show it several times
//! by itself. Two pairs of one run that disagree give no finding.

use super::rule::PathRule;
use super::shot::{Shot, shots};
use crate::catalogue::{Code, Confidence, Severity};
use crate::diagnosis::buffering::{self, Buffered};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, StreamEvidence};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[buffered];

/// Runs before this one whose finding counts as a second pair.
const EARLIER: usize = 4;

/// The events come in a burst where the control's come as they are produced.
fn buffered(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() || path.is_cached() {
        return vec![];
    }
    let shots = shots(view, path);
    let seen: Vec<(&Shot<'_>, Buffered)> = shots
        .iter()
        .filter_map(|shot| Some((shot, of(path, shot.exchange, shot.control)?)))
        .collect();
    let before = seen_before(view, path);
    let others = seen.len() > 1;
    seen.into_iter()
        .filter_map(|(shot, buffered)| {
            let stream = shot.exchange.stream.as_ref()?;
            let direct = shot.control.and_then(|theirs| theirs.stream.as_ref());
            let long = shot.exchange.kind == ExchangeKind::Long;
            let code = if stream.compressed && buffered != Buffered::Collected {
                Code::StreamCompressed
            } else {
                Code::StreamBuffered
            };
            let sure = if buffered == Buffered::InTime && code == Code::StreamBuffered {
                Confidence::Certain
            } else {
                Confidence::Likely
            };
            let (confidence, pairs) = match again(view, path, shot) {
                // Without a control the timing may be Claude's own.
                _ if direct.is_none() => (Confidence::Possible, ""),
                Some(true) => (sure, ", also in a second pair of streams"),
                Some(false) if before => (
                    Confidence::Likely,
                    ", not in a second pair of streams, but in an earlier run",
                ),
                Some(false) => return None,
                None if before => (sure, ", as in an earlier run"),
                None if others => (sure, ", in two pairs of streams"),
                None if long && direct.is_some_and(|direct| buffering::again_and_again(stream, direct)) => {
                    (Confidence::Likely, ", in repeated bursts")
                }
                None => (Confidence::Possible, ", in one pair of streams"),
            };
            let evidence = format!("{}{pairs}", spread(stream, direct));
            Some(
                finding(code, path.name(), confidence, evidence)
                    .hop("gateway")
                    .severity(Severity::Warning),
            )
        })
        .collect()
}

/// How a complete answer of this path was buffered, compared with the control's for the same request.
fn of(path: &PathView<'_>, exchange: &Exchange, control: Option<&Exchange>) -> Option<Buffered> {
    let stream = exchange.stream.as_ref().filter(|_| path.complete(exchange))?;
    buffering::between(stream, control.and_then(|theirs| theirs.stream.as_ref()))
}

/// Whether a second pair of this exchange shows it, too: the frozen request's repeats, or further samples of the other
/// form, those that were kept of an earlier run included, each beside each of the control's. `None` where no second
/// pair can show it.
fn again(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>) -> Option<bool> {
    let (kind, least) = if shot.frozen {
        (ExchangeKind::Repeat, 1)
    } else {
        (shot.exchange.kind, 2)
    };
    let (ours, theirs) = (samples(path, kind), samples(view.direct()?, kind));
    if ours.len() < least || theirs.len() < least {
        return None;
    }
    let pairs = ours.iter().flat_map(|ours| {
        theirs.iter().filter_map(|theirs| {
            let shows = || theirs.stream.as_ref().is_some_and(buffering::shows_buffering);
            let buffered = of(path, ours, Some(theirs)).is_some();
            (buffered || shows()).then_some(buffered)
        })
    });
    pairs.reduce(|all, buffered| all && buffered)
}

/// The complete answers of this path to exchanges of this kind.
fn samples<'a>(path: &PathView<'a>, kind: ExchangeKind) -> Vec<&'a Exchange> {
    let of_kind = path.replies().filter(|exchange| exchange.kind == kind);
    of_kind.filter(|exchange| path.complete(exchange)).collect()
}

/// Whether one of the last runs found the same on this path.
fn seen_before(view: &View<'_>, path: &PathView<'_>) -> bool {
    let runs = view.case.context.last_runs.iter().take(EARLIER);
    runs.flat_map(|run| &run.findings)
        .any(|found| found.path == path.name() && buffering::is_buffering(found.code))
}

fn spread(stream: &StreamEvidence, direct: Option<&StreamEvidence>) -> String {
    let words = |stream: &StreamEvidence| {
        format!(
            "first event at {}, last at {}, {} reads",
            stream.first_event_ms.map_or_else(|| "?".to_owned(), describe::seconds),
            stream.last_event_ms.map_or_else(|| "?".to_owned(), describe::seconds),
            stream.reads
        )
    };
    let length = if stream.content_length {
        ", with a content-length"
    } else {
        ""
    };
    let gzip = if stream.compressed { ", compressed" } else { "" };
    format!(
        "{}{length}{gzip}{}",
        words(stream),
        direct.map_or_else(String::new, |direct| format!("; direct: {}", words(direct)))
    )
}
