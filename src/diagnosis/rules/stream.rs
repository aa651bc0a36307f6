//! Streams that began and did not end properly: which hop cut them, and which timer.
//!
//! Two facts are kept apart: whether `message_stop` came, and whether the framing ended properly. The timer is read
//! from when the cut came: a constant silence before it is an idle timer, a constant total while events flow is a cap,
//! neither is a cut by an event (a reload, a rollout). A second cut at the same time makes a timer certain.

use super::rule::PathRule;
use super::shot::{Shot, shots};
use super::unavailable::TIMER_MIN_MS;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::trouble::{begun, ended_early, failed_at_once};
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{EventKind, Outcome, StreamEvidence};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[broken];

/// Usual values of configured timers, seconds.
const SET: [u32; 23] = [
    1, 2, 3, 4, 5, 10, 15, 20, 25, 29, 30, 45, 50, 55, 60, 90, 100, 120, 180, 230, 240, 300, 600,
];

/// Everything about broken streams of this path.
fn broken(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    shots(view, path)
        .iter()
        .filter(|shot| shot.exchange.status == 200 && !path.complete(shot.exchange))
        .flat_map(|shot| {
            let found = match &shot.exchange.stream {
                Some(stream) => broken_stream(view, path, shot, stream),
                None => broken_message(path, shot),
            };
            found.into_iter().map(|finding| shot.grade(finding)).collect::<Vec<_>>()
        })
        .collect()
}

/// A message (no stream) whose body was cut.
fn broken_message(path: &PathView<'_>, shot: &Shot<'_>) -> Vec<Finding> {
    if !matches!(shot.exchange.outcome, Outcome::CutByClose | Outcome::BrokenFraming) {
        return vec![];
    }
    let confidence = cut_confidence(shot);
    vec![finding(
        Code::StreamCut,
        path.name(),
        confidence,
        format!("{}{}", describe::head(shot.exchange), shot.rate()),
    )]
}

/// A cut is attributed to a gateway only where the control got the same request completely.
fn cut_confidence(shot: &Shot<'_>) -> Confidence {
    if shot.control.is_some() {
        Confidence::Likely
    } else {
        Confidence::Possible
    }
}

fn broken_stream(view: &View<'_>, path: &PathView<'_>, shot: &Shot<'_>, stream: &StreamEvidence) -> Vec<Finding> {
    let evidence = evidence(shot, stream);
    let new = |code, confidence| finding(code, path.name(), confidence, evidence.clone());
    let mut found = Vec::new();
    let both = if path.case.is_direct() {
        view.gateways().any(|gateway| {
            let hidden = shot.frozen && gateway.hides.is_some();
            hidden || gateway.now(shot.exchange.kind).is_some_and(ended_early)
        })
    } else {
        shot.control.is_none() && shot.beside.is_some_and(ended_early)
    };
    if let Some(genuine) = stream.error_event_genuine {
        found.extend(error_event(path, shot, genuine, both, &new));
    } else if both {
        // The control's stream ends early, too: Claude ends it, however the gateway relays that.
        found.push(new(Code::UpstreamStreamError, Confidence::Likely));
    } else {
        match shot.exchange.outcome {
            // Silence, oversized answers and resets that no timer explains have rules of their own.
            Outcome::StalledInBody | Outcome::Oversized => return found,
            Outcome::CutByReset if !by_idle_timer(shot) => return found,
            _ => found.push(cut(path, shot, stream, &new)),
        }
    }
    let masked = shot.exchange.outcome == Outcome::Answered && !stream.message_stop && !path.case.is_direct();
    if masked && stream.error_event_genuine.is_none() && stream.framing_complete {
        // The proper end hides the cut: one fault, one code. A timer has a code of its own.
        found.retain(|finding| finding.code != Code::StreamCut);
        let severity = if both { Severity::Warning } else { Severity::Error };
        let confidence = if shot.control.is_some() || both {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        found.push(
            new(Code::StreamTruncationMasked, confidence)
                .hop("gateway")
                .severity(severity),
        );
    }
    if path.case.is_direct() {
        found.retain(|finding| finding.code == Code::UpstreamStreamError);
        if found.is_empty() && stream.error_event_genuine != Some(true) {
            found.push(new(Code::StreamCut, Confidence::Likely));
        }
    }
    found
}

fn evidence(shot: &Shot<'_>, stream: &StreamEvidence) -> String {
    let direct = shot
        .beside
        .and_then(|theirs| theirs.stream.as_ref())
        .map_or_else(String::new, |theirs| format!("; direct: {}", describe::stream(theirs)));
    let quote = shot
        .exchange
        .quote
        .as_ref()
        .map_or_else(String::new, |quote| format!("; “{}”", quote.trim()));
    format!("200, then {}{}{quote}{direct}", describe::stream(stream), shot.rate())
}

/// An `error` event: Claude's when it has a genuine id or comes on both paths; on one path without an id it may be made
/// up.
fn error_event(
    path: &PathView<'_>,
    shot: &Shot<'_>,
    genuine: bool,
    both: bool,
    new: &impl Fn(Code, Confidence) -> Finding,
) -> Vec<Finding> {
    if genuine {
        return vec![new(Code::UpstreamStreamError, Confidence::Certain)];
    }
    let overloaded = shot.exchange.error == ErrorClass::Overloaded && begun(shot.exchange);
    // On the control Claude's vocabulary counts as Claude's; other text there is another server's.
    let claims = path.case.is_direct() && shot.exchange.error != ErrorClass::None;
    if both || claims || overloaded {
        return vec![new(Code::UpstreamStreamError, Confidence::Likely)];
    }
    // An error alone, in Claude's vocabulary, may be a hop's, for a reply of Claude's or for a request that it never
    // forwarded.
    if failed_at_once(shot.exchange) && shot.exchange.error != ErrorClass::None {
        let readings = [Code::StreamErrorSynthesised, Code::UpstreamStreamError];
        return readings.map(|code| new(code, Confidence::Possible)).into();
    }
    let mut found = vec![new(Code::StreamErrorSynthesised, cut_confidence(shot)).hop("gateway")];
    if let Some((code, confidence)) = shot.exchange.stream.as_ref().and_then(|stream| timer(shot, stream)) {
        found.push(advise_timer(new(code, confidence), code, shot));
    }
    if shot.control.is_none() && !path.case.is_direct() {
        found.push(new(Code::UpstreamStreamError, Confidence::Possible));
    }
    found
}

fn cut(
    path: &PathView<'_>,
    shot: &Shot<'_>,
    stream: &StreamEvidence,
    new: &impl Fn(Code, Confidence) -> Finding,
) -> Finding {
    match timer(shot, stream) {
        Some((code, confidence)) => advise_timer(new(code, confidence), code, shot).hop("gateway"),
        None => {
            let found = new(Code::StreamCut, cut_confidence(shot));
            let found = if is_same_place(shot, stream) {
                found.advise(format!(
                    "Each try ended after about {} and {} events. A total timer of the gateway (write, response or route timeout) and a limit on the size of answers both cut like this. Check both.",
                    describe::timer(stream.end_ms),
                    stream.events
                ))
            } else {
                found
            };
            if path.case.is_direct() {
                found
            } else {
                found.hop("gateway")
            }
        }
    }
}

/// Advice with the timer's value and its likely setting.
fn advise_timer(found: Finding, code: Code, shot: &Shot<'_>) -> Finding {
    let Some(stream) = &shot.exchange.stream else {
        return found;
    };
    match code {
        Code::StreamIdleTimeout if stream.events == 0 => found.advise(format!(
            "The gateway discards its buffer and closes after at most {}. Disable buffering, and raise its read or idle timeout (proxy_read_timeout, stream idle timeout).",
            describe::timer(stream.end_ms)
        )),
        Code::StreamIdleTimeout => found.advise(format!(
            "An idle timer of about {} cuts the stream. Raise the gateway's read or idle timeout (proxy_read_timeout, stream idle timeout, load balancer idle timeout) above the longest silence of a model.",
            describe::timer(silence(stream))
        )),
        Code::StreamDurationCap => found.advise(format!(
            "A total timer of about {} cuts the stream while events flow. Disable the gateway's total request timeout for streams (route timeout 0), and bound them by an idle timeout.",
            describe::timer(total(stream))
        )),
        _ => found,
    }
}

/// Whether two tries ended at the same time and the same event, which a clock and a count explain alike: see [`timer`].
fn is_same_place(shot: &Shot<'_>, stream: &StreamEvidence) -> bool {
    let control = shot.control.and_then(|theirs| theirs.stream.as_ref());
    let same_end = shot.twice(|exchange| exchange.stream.as_ref().map(|stream| stream.end_ms));
    let late = stream.end_ms >= TIMER_MIN_MS && control.is_some_and(|direct| goes_on(direct, stream));
    late && same_end && shot.twice_same(|stream| stream.events)
}

/// Whether upstream goes on beyond the time of the cut on the control.
fn goes_on(direct: &StreamEvidence, stream: &StreamEvidence) -> bool {
    u64::from(direct.end_ms) * 100 >= u64::from(total(stream)) * 95
}

/// When a total timer struck: at the end, or at the last event where the connection was closed only a while later.
fn total(stream: &StreamEvidence) -> u32 {
    match stream.last_event_ms {
        Some(last) if stream.end_ms.saturating_sub(last) >= TIMER_MIN_MS.max(3 * stream.max_gap_ms) => last,
        _ => stream.end_ms,
    }
}

/// The silence before the end. An `error` event at the end is the end itself.
fn silence(stream: &StreamEvidence) -> u32 {
    match (stream.last_event, stream.last_event_ms) {
        (EventKind::Error, _) => stream.max_gap_ms,
        (_, Some(last)) => stream.end_ms.saturating_sub(last),
        (_, None) => stream.end_ms,
    }
}

/// Which timer ended this stream, if one did. Needs the control's completed stream: a timer shows only against an
/// upstream that went on.
fn timer(shot: &Shot<'_>, stream: &StreamEvidence) -> Option<(Code, Confidence)> {
    let direct = shot.control?.stream.as_ref()?;
    let gap = silence(stream);
    let twice = |time: fn(&StreamEvidence) -> u32| shot.twice(|exchange| exchange.stream.as_ref().map(time));
    let sure = |twice: bool| if twice { Confidence::Certain } else { Confidence::Likely };
    if stream.events == 0 {
        let waiting = direct.max_gap_ms >= TIMER_MIN_MS && twice(|stream| stream.end_ms);
        let discarded = stream.end_ms >= TIMER_MIN_MS && direct.end_ms >= stream.end_ms / 2;
        return (waiting && discarded).then_some((Code::StreamIdleTimeout, Confidence::Likely));
    }
    // Silent for longer than ever before, and upstream is silent for as long on the control.
    let longest = stream.last_event == EventKind::Error || gap > stream.max_gap_ms + stream.max_gap_ms / 5;
    let upstream_silent = u64::from(direct.max_gap_ms) * 10 >= u64::from(gap) * 9;
    let same_gap = twice(silence);
    let same_end = twice(|stream| stream.end_ms);
    // A gateway may close a moment after its total timer (a constant gap, too): an idle timer needs a silent upstream,
    // or cuts at different totals.
    if gap >= TIMER_MIN_MS && longest && (upstream_silent || (same_gap && !same_end)) {
        let confidence = if upstream_silent {
            sure(same_gap)
        } else {
            Confidence::Likely
        };
        return Some((Code::StreamIdleTimeout, confidence));
    }
    // Events were flowing, and upstream goes on beyond this time on the control.
    let goes_on = goes_on(direct, stream);
    let set = is_set(stream);
    let single = shot.failed.len() == 1;
    // A cut after a number of events or bytes comes at a constant time, too, where the pace is constant. A timer is
    // assumed at a usual configured value, or where the second cut left another number of events.
    let by_clock = same_end && (set || !shot.twice_same(|stream| stream.events));
    if stream.end_ms >= TIMER_MIN_MS && goes_on && (by_clock || (single && set)) {
        return Some((Code::StreamDurationCap, sure(by_clock && set)));
    }
    let brackets = stream.end_ms >= TIMER_MIN_MS && goes_on && between_events(shot);
    brackets.then_some((Code::StreamDurationCap, Confidence::Likely))
}

/// A cap that is checked only on writes strikes with the first event after it: each cut brackets it, and one usual
/// configured value lies between the last two events of all.
fn between_events(shot: &Shot<'_>) -> bool {
    let streams = || shot.failed.iter().filter_map(|exchange| exchange.stream.as_ref());
    let after = streams().filter_map(|stream| stream.last_event_ms).max();
    let before = streams().map(|stream| stream.end_ms).min();
    match (after, before) {
        (Some(after), Some(before)) if shot.failed.len() > 1 && streams().count() == shot.failed.len() => {
            SET.iter().any(|set| (after..=before).contains(&(set * 1_000)))
        }
        _ => false,
    }
}

/// Whether an idle timer ended this stream: the same silence twice.
pub(super) fn by_idle_timer(shot: &Shot<'_>) -> bool {
    let stream = shot.exchange.stream.as_ref();
    stream
        .and_then(|stream| timer(shot, stream))
        .is_some_and(|found| found == (Code::StreamIdleTimeout, Confidence::Certain))
}

/// Whether the end came at a usual configured value, within the noise of one sample. A gateway that closes a while
/// after its timer struck shows the last event only: the timer is between that and the next one, which did not come.
fn is_set(stream: &StreamEvidence) -> bool {
    let (struck, end) = (total(stream), stream.end_ms);
    let next = if struck < end { struck + stream.max_gap_ms } else { end };
    SET.iter().map(|seconds| seconds * 1_000).any(|set| {
        let late = (set / 50).max(60);
        let near = |ms: u32| ms + set / 200 >= set && ms <= set + late;
        near(end) || near(struck) || (struck..=next).contains(&set)
    })
}
