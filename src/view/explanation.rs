//! Everything about one probe, in the order in which an on-call engineer needs it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::finding::{self, Other, Point};
use super::{Cell, Known, Table, Tone, age, history, paths, runs};
use crate::catalogue::Code;
use crate::resource::status::{ClaudeProbeStatus, CredentialKind, Finding, PendingCondition, Verdict};
use crate::status::names::run_now_mark;

/// What is known of one probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The latest run's verdict.
    pub verdict: Verdict,
    /// The verdict's finding, where there is one of that code.
    pub code: Option<Code>,
    /// What is wrong, evidence, fix, since when.
    pub points: Vec<Point>,
    /// Why it may be stale; empty where it is not.
    pub note: String,
    /// What each path answered to the frozen request, a row per path.
    pub answers: Table,
    /// How the event streams arrived, a row per path.
    pub streams: Table,
    /// Response headers, a column per path.
    pub headers: Table,
    /// Results of the zero-token exchanges, a column per path.
    pub forwarding_checks: Table,
    /// Where each path leads and how far its limits are, a row per path.
    pub more: Table,
    /// The findings beside the verdict's own.
    pub others: Vec<Other>,
    /// The conditions.
    pub conditions: Vec<Standing>,
    /// The keys, by fingerprint, and when they changed.
    pub keys: Table,
    /// The last run, the next, and what they cost.
    pub runs: Vec<(&'static str, String)>,
    /// Earlier verdicts.
    pub history: Table,
}

/// How a condition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its type.
    pub name: String,
    /// True, False or Unknown.
    pub status: Cell,
    /// Why, in one word.
    pub reason: String,
    /// Since when.
    pub since: String,
    /// Why, in a sentence.
    pub message: String,
}

impl Standing {
    fn of(condition: &Condition, pending: &[PendingCondition], now: Timestamp) -> Self {
        let tone = match condition.status.as_str() {
            "True" => Tone::Good,
            "False" => Tone::Bad,
            _ => Tone::Undecided,
        };
        Self {
            name: condition.type_.clone(),
            status: Cell::toned(&condition.status, tone),
            reason: condition.reason.clone(),
            since: age::moment(&condition.last_transition_time, now),
            message: match pending.iter().find(|pending| pending.type_ == condition.type_) {
                Some(pending) => format!(
                    "{} (latest run: {} {}, pending until a second run confirms it)",
                    condition.message, pending.status, pending.reason
                ),
                None => condition.message.clone(),
            },
        }
    }

    /// Whether all is well with it.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.status.text == "True"
    }
}

impl Explanation {
    /// What is known, at `now`.
    #[must_use]
    pub fn of(known: &Known, now: Timestamp) -> Self {
        let status = &known.status;
        let verdict = known.verdict();
        let (main, others) = finding::split(&verdict, &status.findings);
        Self {
            namespace: known.namespace.clone(),
            name: known.name.clone(),
            code: main.as_ref().and_then(|main| Some(main.first()?.code)),
            points: main.as_ref().map_or_else(
                || without_finding(&verdict, now),
                |main| of_finding(status, &verdict, main, now),
            ),
            note: outdated(known),
            answers: paths::answers(&status.paths),
            streams: paths::streams(&status.paths),
            headers: paths::headers(&status.paths),
            forwarding_checks: paths::forwarding_check_results(&status.paths, now),
            more: paths::more(&status.paths, now),
            others: others.iter().filter_map(|other| Other::seen_at(other, now)).collect(),
            conditions: status
                .conditions
                .iter()
                .map(|condition| Standing::of(condition, &status.pending_conditions, now))
                .collect(),
            keys: keys(status, now),
            runs: runs::sentences(known, now),
            history: history::timeline(&status.history, now),
            verdict,
        }
    }
}

fn of_finding(status: &ClaudeProbeStatus, verdict: &Verdict, main: &[&Finding], now: Timestamp) -> Vec<Point> {
    let mut points = finding::details(main);
    points.extend(Point::new("since", since(status, main, now)));
    points.extend(Point::new("changed", verdict.changed.as_str()));
    points
}

fn without_finding(verdict: &Verdict, now: Timestamp) -> Vec<Point> {
    let since = verdict.since.as_ref();
    let mut points = finding::without(verdict);
    points.extend(Point::new(
        "since",
        since.map_or_else(String::new, |since| age::moment(since, now)),
    ));
    points
}

fn since(status: &ClaudeProbeStatus, main: &[&Finding], now: Timestamp) -> String {
    let since = status.verdict.as_ref().and_then(|verdict| verdict.since.as_ref());
    let mut parts: Vec<String> = since.map(|at| age::moment(at, now)).into_iter().collect();
    parts.extend(main.first().and_then(|finding| finding::seen(finding)));
    if let Some(good) = &status.last_good_at {
        parts.push(format!("last good {}", age::moment(good, now)));
    }
    parts.join("; ")
}

/// Why the status may be stale.
fn outdated(known: &Known) -> String {
    let status = &known.status;
    let mut notes = Vec::new();
    if status.observed_generation.is_some_and(|seen| seen < known.generation) {
        notes.push("The spec has changed since: everything here belongs to the previous spec.".to_owned());
    }
    if known.suspended {
        notes.push("Scheduled runs are suspended. To start one: claudeprobe run.".to_owned());
    }
    let verdict = status.verdict.as_ref();
    if let Some(since) = verdict.and_then(|verdict| verdict.zero_token_since.as_ref()) {
        notes.push(format!(
            "Over budget (budget.tokensPerDay): since {} only zero-token exchanges are sent.",
            since.0
        ));
    }
    if known.unread > 0 {
        notes.push(format!(
            "Not shown: {} findings of a newer release. Use the operator's version of claudeprobe.",
            known.unread
        ));
    }
    let asked = known.run_now.as_deref().filter(|value| !value.is_empty());
    if asked.is_some_and(|value| status.last_handled_run_now != Some(run_now_mark(value))) {
        notes.push("A requested run has not ended yet.".to_owned());
    }
    notes.join(" ")
}

/// The keys, and when they changed.
fn keys(status: &ClaudeProbeStatus, now: Timestamp) -> Table {
    let mut table = Table::new(&["KEY", "FINGERPRINT", "KIND", "CHANGED"]).turning();
    for key in &status.credentials {
        let changed = match (&key.previous_last_seen_at, &key.seen_since) {
            (Some(before), Some(since)) => format!("between {} and {}", before.0, age::moment(since, now)),
            (None, Some(since)) => format!("no change seen since {}", age::moment(since, now)),
            _ => String::new(),
        };
        table.row(vec![
            format!("{}/{}", key.secret, key.key).into(),
            key.fingerprint.as_str().into(),
            key.kind.map_or("", CredentialKind::name).into(),
            changed.into(),
        ]);
    }
    table
}
