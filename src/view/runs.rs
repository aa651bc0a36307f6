//! The last run, the next, and what they cost, in sentences.

use jiff::Timestamp;

use super::Known;
use super::age::moment;
use crate::status::budget;

/// The sentences, without a full stop.
#[must_use]
pub fn sentences(known: &Known, now: Timestamp) -> Vec<(&'static str, String)> {
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
        let slot = if run.slot.is_empty() {
            String::new()
        } else {
            format!(" (slot {})", run.slot)
        };
        let cause = if run.cause.is_empty() {
            String::new()
        } else {
            format!(": {}", run.cause)
        };
        parts.push(("Last run", format!("{}{cause}{slot}{ended}{pod}", run.result)));
    }
    match &status.next_run {
        Some(next) if next.0 > now => parts.push(("Next run", moment(next, now))),
        Some(next) => parts.push(("Next run", format!("was due {}", moment(next, now)))),
        None if known.suspended => parts.push(("Next run", "none, suspended".to_owned())),
        None => {}
    }
    if status.missed_runs > 0 {
        parts.push(("Missed runs", status.missed_runs.to_string()));
    }
    let used = budget::used(status.usage.as_ref(), now);
    let budget = known.tokens_per_day;
    let of = budget.map_or_else(String::new, |budget| format!(" of {budget}"));
    parts.push(("Tokens today (UTC)", format!("{used}{of}")));
    parts
}
