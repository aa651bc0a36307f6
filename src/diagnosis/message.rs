//! The verdict's message, in a fixed form of at most [`LONGEST`] bytes: what, path and hop; since when and in how many
//! runs; request id. Evidence, advice and what changed last are fields of their own.
//!
//! Nothing here decides anything.

use super::finding::concerns;
use super::time;
use super::verdict::Choice;
use super::view::{State, View};
use crate::catalogue::{Code, Confidence};
use crate::resource::status::{Finding, Verdict, VerdictState};
use crate::text::shortened;

/// Longest message of a verdict, bytes: one line of `kubectl get events`, three lines of a terminal.
pub const LONGEST: usize = 200;
/// Longest message of a condition, bytes.
pub const LONGEST_OF_CONDITION: usize = 160;

/// The verdict with its message. `findings` are sorted, the cause first.
pub(super) fn verdict(view: &View<'_>, findings: &[Finding], choice: &Choice) -> Verdict {
    let cause = choice
        .code
        .and_then(|code| findings.iter().find(|finding| finding.code == code));
    let code = choice.code.map_or("", |code| code.name());
    let now = view.case.context.now_ms;
    let since = match &view.case.context.previous {
        Some(before) if before.state == choice.state && before.code == code => before.since_ms,
        _ => now,
    };
    let readings = readings(view, choice, cause, findings);
    let message = fitted(
        &what(view, choice, cause, &readings),
        &[
            unexplained(choice, cause),
            when(view, choice, since),
            request_id(view, choice, cause),
        ],
    );
    Verdict {
        state: choice.state,
        code: code.to_owned(),
        layer: cause.map_or("", |cause| cause.layer.name()).to_owned(),
        path: choice.path.clone(),
        hop: cause.and_then(|cause| cause.hop.clone()).unwrap_or_default(),
        message,
        advice: cause.map_or_else(|| decide(view, choice, &readings), |cause| cause.advice.clone()),
        since: time(since),
        changed: changed(view),
        ..Verdict::default()
    }
}

/// The first sentence, and of the others those that there is room for: what is left out is a field elsewhere.
fn fitted(first: &str, others: &[String]) -> String {
    let mut message = shortened(first, LONGEST);
    for sentence in others.iter().filter(|sentence| !sentence.is_empty()) {
        if message.len() + 1 + sentence.len() <= LONGEST {
            message.push(' ');
            message.push_str(sentence);
        }
    }
    message
}

/// The advice of a reading is conditional.
pub(super) fn hedge(finding: &mut Finding) {
    if finding.confidence == Confidence::Possible && !finding.advice.is_empty() {
        let mut letters = finding.advice.chars();
        let first = letters.next().map(|first| first.to_lowercase().to_string());
        finding.advice = format!(
            "If this is the cause: {}{}",
            first.unwrap_or_default(),
            letters.as_str()
        );
    }
}

/// What is wrong, and where.
fn what(view: &View<'_>, choice: &Choice, cause: Option<&Finding>, readings: &[Code]) -> String {
    let on = match choice.path.as_str() {
        "" if view.paths.len() > 1 => "all paths".to_owned(),
        "" => view
            .paths
            .first()
            .map_or_else(String::new, |probed| probed.name().to_owned()),
        path => path.to_owned(),
    };
    match (choice.state, cause) {
        (_, Some(cause)) => {
            let sure = match cause.confidence {
                Confidence::Certain => "",
                Confidence::Likely => " (likely)",
                Confidence::Possible => " (possible)",
            };
            let accepted = if cause.accepted { " (accepted)" } else { "" };
            let hop = cause.hop.as_ref().map_or_else(String::new, |hop| format!(" [{hop}]"));
            let name = cause.code.name();
            let title = cause.code.entry().title;
            format!("{name} on {on}{hop}: {title}{sure}{accepted}.")
        }
        (VerdictState::Healthy, None) => match view.paths.len() {
            1 => format!("{on} answered the frozen request completely."),
            n => format!("All {n} paths answered the frozen request completely."),
        },
        (VerdictState::Degraded, None) => {
            "The gateways answer. The direct path fails, and the evidence does not show why.".to_owned()
        }
        (VerdictState::Inconclusive, None) if !view.case.evidence.complete => {
            "The report is incomplete: the missing part can change the verdict.".to_owned()
        }
        (VerdictState::Inconclusive, None) => match alternatives(readings) {
            None => format!("The frozen request fails on {on}, and the evidence does not show why."),
            Some(codes) => format!("The frozen request fails on {on}. Could be {codes}."),
        },
        (_, None) if view.paths.iter().any(|probed| probed.seen.is_some()) => {
            format!("The frozen request was not sent on every path.{}", unusable(view))
        }
        (_, None) => "The run reported no path.".to_owned(),
    }
}

/// What the evidence of an inconclusive run fits, each once.
fn readings(view: &View<'_>, choice: &Choice, cause: Option<&Finding>, findings: &[Finding]) -> Vec<Code> {
    let mut codes = Vec::new();
    if cause.is_some() || choice.state != VerdictState::Inconclusive {
        return codes;
    }
    let failed = || view.paths.iter().filter(|path| path.state() == State::Failed);
    for finding in findings {
        if failed().any(|path| concerns(finding, path.name())) && !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    codes
}

/// `A`, `A or B`, `A, B or 2 others`; `None` where there is none.
fn alternatives(codes: &[Code]) -> Option<String> {
    Some(match codes {
        [] => return None,
        [one] => one.to_string(),
        [one, two] => format!("{one} or {two}"),
        [one, two, three] => format!("{one}, {two} or {three}"),
        [one, two, others @ ..] => format!("{one}, {two} or {} others", others.len()),
    })
}

/// What would decide an inconclusive verdict; empty for the other states. Never a repair: nothing is known to be
/// broken.
fn decide(view: &View<'_>, choice: &Choice, readings: &[Code]) -> String {
    if choice.state != VerdictState::Inconclusive {
        return String::new();
    }
    if !view.case.evidence.complete {
        return "To decide: repeat the run. Its report arrived incomplete.".to_owned();
    }
    let control = match view.direct() {
        None => Some("configure a direct path, so that a run compares the gateway with Claude itself"),
        Some(direct) if direct.state() != State::Complete => Some("wait for a run in which the direct path answers"),
        Some(_) => None,
    };
    let by_hand = match readings.first() {
        Some(code) => format!("confirm by hand as `claudeprobe explain --finding {code}` describes"),
        None => "find the request in the gateway's log by its request id or the time of the run".to_owned(),
    };
    match control {
        Some(control) => format!("To decide: {control}; or {by_hand}."),
        None => format!("To decide: {by_hand}."),
    }
}

/// Paths on which the probe's own settings kept anything from being sent, each as a sentence after a blank.
fn unusable(view: &View<'_>) -> String {
    let paths = view.paths.iter();
    let sentences = paths.filter_map(|path| {
        Some(format!(
            " Nothing was sent on {}: {}.",
            path.name(),
            path.reach().unusable()?
        ))
    });
    sentences.collect()
}

/// Since when, and in how many of the last runs.
fn when(view: &View<'_>, choice: &Choice, since: i64) -> String {
    if choice.state == VerdictState::Healthy {
        return String::new();
    }
    let mut parts = Vec::new();
    if let Some(at) = time(since) {
        parts.push(format!("Since {}", at.0));
    }
    let runs = &view.case.context.last_runs[..view.case.context.last_runs.len().min(4)];
    if !runs.is_empty() {
        let same = runs.iter().filter(|run| run.state == choice.state).count() + 1;
        parts.push(format!("{same} of {} runs", runs.len() + 1));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("{}.", parts.join(", "))
    }
}

/// What changed last: the key, the spec, a path's peer or its gateway's set of headers.
fn changed(view: &View<'_>) -> String {
    let context = &view.case.context;
    let mut changes: Vec<(i64, String)> = Vec::new();
    for key in &context.keys {
        if let (Some(_), Some(since)) = (key.previous_last_seen_ms, key.seen_since_ms)
            && let Some(at) = time(since)
        {
            changes.push((since, format!("the key {} (seen since {})", key.key_ref, at.0)));
        }
    }
    if let Some(spec) = context.spec_changed_ms
        && let Some(at) = time(spec)
    {
        changes.push((spec, format!("the spec ({})", at.0)));
    }
    for before in &context.before {
        let Some(seen) = view
            .paths
            .iter()
            .find(|path| path.name() == before.path)
            .and_then(|path| path.seen)
        else {
            continue;
        };
        let headers = seen.frozen().and_then(|frozen| frozen.header_set);
        if before.peer.is_some() && seen.handshake.peer.is_some() && before.peer != seen.handshake.peer {
            changes.push((context.now_ms, format!("the address of {}", before.path)));
        }
        if before.header_set.is_some() && headers.is_some() && before.header_set != headers {
            changes.push((context.now_ms, format!("the response headers of {}", before.path)));
        }
    }
    changes.sort();
    changes.pop().map_or_else(String::new, |(_, what)| what)
}

fn request_id(view: &View<'_>, choice: &Choice, cause: Option<&Finding>) -> String {
    if choice.state == VerdictState::Healthy {
        return String::new();
    }
    view.paths
        .iter()
        .filter(|path| match cause {
            Some(cause) => concerns(cause, path.name()),
            None => choice.unexplained.iter().any(|name| name == path.name()),
        })
        .find_map(|path| path.main()?.request_id.as_ref())
        .map_or_else(String::new, |id| format!("Request {id}."))
}

/// Paths that fail as well, and that the verdict's finding does not explain.
fn unexplained(choice: &Choice, cause: Option<&Finding>) -> String {
    match (cause, choice.unexplained.as_slice()) {
        (None, _) | (_, []) => String::new(),
        (Some(_), paths) => format!("Without a known cause: {}.", paths.join(", ")),
    }
}
