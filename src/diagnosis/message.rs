//! The verdict in words, in a fixed form: what, path, since / k of n / last good, evidence, fix, request id,
//! the other findings.
//!
//! Nothing here decides anything.

use super::finding::concerns;
use super::time;
use super::verdict::Choice;
use super::view::{State, View};
use crate::catalogue::Confidence;
use crate::resource::status::{Finding, Verdict, VerdictState};

/// Puts a choice into words. `findings` are sorted, the cause first.
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
    let parts = [
        what(view, choice, cause),
        when(view, choice, since),
        evidence(view, choice, cause, findings),
        cause.map_or_else(String::new, |cause| format!("Fix: {}", cause.advice)),
        request_id(view, choice, cause),
        others(choice, cause, findings),
        if cause.is_some() || choice.state != VerdictState::Unknown {
            unusable(view).trim_start().to_owned()
        } else {
            String::new()
        },
    ];
    let message: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Verdict {
        state: choice.state,
        code: code.to_owned(),
        layer: cause.map_or("", |cause| cause.layer.name()).to_owned(),
        path: choice.path.clone(),
        message: message.join(" "),
        changed: changed(view),
        advice: cause.map_or_else(String::new, |cause| cause.advice.clone()),
        since: time(since),
        ..Verdict::default()
    }
}

fn what(view: &View<'_>, choice: &Choice, cause: Option<&Finding>) -> String {
    let on = match choice.path.as_str() {
        "" if view.legs.len() > 1 => "all paths".to_owned(),
        "" => view.legs.first().map_or_else(String::new, |leg| leg.name().to_owned()),
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
        (VerdictState::Healthy, None) => match view.legs.len() {
            1 => format!("{on} answered the frozen request completely."),
            n => format!("All {n} paths answered the frozen request completely."),
        },
        (VerdictState::Degraded, None) => {
            "The gateways answer; the direct path does not, and the evidence does not tell why.".to_owned()
        }
        (VerdictState::Inconclusive, None) if !view.case.evidence.complete => {
            "The report did not arrive whole: what is missing may decide.".to_owned()
        }
        (VerdictState::Inconclusive, None) => {
            format!("The frozen request fails on {on}, and the evidence does not tell why.")
        }
        (_, None) if view.legs.iter().any(|leg| leg.seen.is_some()) => {
            format!("The frozen request was not sent on every path.{}", unusable(view))
        }
        (_, None) => "No path was reported.".to_owned(),
    }
}

/// Paths on which the probe's own settings kept anything from being sent, each as a sentence after a blank.
fn unusable(view: &View<'_>) -> String {
    let legs = view.legs.iter();
    let sentences = legs.filter_map(|leg| {
        Some(format!(
            " Nothing was sent on {}: {}.",
            leg.name(),
            leg.reach().unusable()?
        ))
    });
    sentences.collect::<String>().replace("?.", "?")
}

fn when(view: &View<'_>, choice: &Choice, since: i64) -> String {
    let context = &view.case.context;
    if choice.state == VerdictState::Healthy {
        return String::new();
    }
    let mut parts = Vec::new();
    if let Some(at) = time(since) {
        parts.push(format!("Since {}", at.0));
    }
    let runs = &context.last_runs[..context.last_runs.len().min(4)];
    if !runs.is_empty() {
        let same = runs.iter().filter(|run| run.state == choice.state).count() + 1;
        parts.push(format!("{same} of the last {} runs", runs.len() + 1));
    }
    if let Some(good) = context.last_good_ms.and_then(time) {
        parts.push(format!("last good {}", good.0));
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
            .legs
            .iter()
            .find(|leg| leg.name() == before.path)
            .and_then(|leg| leg.seen)
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

fn evidence(view: &View<'_>, choice: &Choice, cause: Option<&Finding>, findings: &[Finding]) -> String {
    if let Some(cause) = cause {
        return format!("Evidence: {}.", cause.evidence.trim_end_matches('.'));
    }
    if choice.state != VerdictState::Inconclusive {
        return String::new();
    }
    let mut seen: Vec<String> = Vec::new();
    let mut readings: Vec<String> = Vec::new();
    for leg in view.legs.iter().filter(|leg| leg.state() == State::Failed) {
        // What a reading rests on says more than the reply that it reads.
        let read = findings
            .iter()
            .filter(|finding| finding.confidence == Confidence::Possible)
            .find(|finding| concerns(finding, leg.name()))
            .map(|finding| finding.evidence.clone());
        if let Some(text) = read.or_else(|| leg.main().map(super::say::reply)) {
            seen.push(format!("{}: {text}", leg.name()));
        }
        for finding in findings.iter().filter(|finding| concerns(finding, leg.name())) {
            let reading = format!("{} ({})", finding.code, finding.code.entry().title);
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
    }
    let mut text = String::new();
    if !seen.is_empty() {
        text.push_str(&format!("Seen: {}.", seen.join("; ")));
    }
    if !readings.is_empty() {
        text.push_str(&format!(" It fits: {}.", readings.join(", or ")));
    }
    text.trim().to_owned()
}

fn request_id(view: &View<'_>, choice: &Choice, cause: Option<&Finding>) -> String {
    if choice.state == VerdictState::Healthy {
        return String::new();
    }
    view.legs
        .iter()
        .filter(|leg| match cause {
            Some(cause) => concerns(cause, leg.name()),
            None => choice.unexplained.iter().any(|name| name == leg.name()),
        })
        .find_map(|leg| leg.main()?.request_id.as_ref())
        .map_or_else(String::new, |id| format!("Request id: {id}."))
}

fn others(choice: &Choice, cause: Option<&Finding>, findings: &[Finding]) -> String {
    let mut parts: Vec<String> = findings
        .iter()
        .filter(|finding| {
            finding.confidence >= Confidence::Likely && cause.is_none_or(|cause| cause.code != finding.code)
        })
        .map(|finding| {
            let on = if finding.path.is_empty() { "all" } else { &finding.path };
            let accepted = if finding.accepted { ", accepted" } else { "" };
            format!("{} ({on}{accepted})", finding.code)
        })
        .collect();
    if cause.is_some() {
        parts.extend(
            choice
                .unexplained
                .iter()
                .map(|path| format!("{path} fails unexplained")),
        );
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("Also: {}.", parts.join(", "))
    }
}
