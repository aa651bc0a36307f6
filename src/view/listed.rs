//! One probe of a list: its columns, and its place in the order.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::{Cell, Tone, age};
use crate::resource::status::{RunStatus, Verdict, VerdictState};

/// One probe of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Since when it exists.
    #[serde(skip)]
    pub created: Option<Time>,
    /// Status of its condition Ready; empty where it has none.
    #[serde(skip)]
    pub ready: String,
    /// No scheduled runs.
    pub suspended: bool,
    /// The latest run's verdict.
    pub verdict: Verdict,
    /// The last run that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunStatus>,
    /// When the next is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Time>,
}

impl Listed {
    /// For how long the verdict has been the same.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> String {
        let since = self.verdict.since.as_ref();
        since.map_or_else(String::new, |at| age::between(at.0, now))
    }

    /// When the last run ended.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> String {
        let ended = self.last_run.as_ref().and_then(|run| run.finished_at.as_ref());
        ended.map_or_else(|| "never".to_owned(), |at| age::spoken(at.0, now))
    }

    /// How long it exists.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> String {
        let created = self.created.as_ref();
        created.map_or_else(String::new, |at| age::between(at.0, now))
    }

    /// Whether the operator can act on its spec.
    #[must_use]
    pub fn ready(&self) -> Cell {
        match self.ready.as_str() {
            "False" => Cell::toned("False", Tone::Bad),
            ready => ready.into(),
        }
    }

    /// When the next run is due.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Cell {
        match &self.next_run {
            _ if self.suspended => Cell::toned("suspended", Tone::Faint),
            Some(next) if next.0 <= now => Cell::toned(format!("due {}", age::spoken(next.0, now)), Tone::Warning),
            Some(next) => age::spoken(next.0, now).into(),
            None => "".into(),
        }
    }

    /// The order of a list: the worst verdict first, then by name.
    #[must_use]
    pub fn worst_first(&self, other: &Self) -> Ordering {
        let badness = |listed: &Self| match listed.verdict.state {
            VerdictState::Failing => 4,
            VerdictState::Inconclusive => 3,
            VerdictState::Unknown => 2,
            VerdictState::Degraded => 1,
            VerdictState::Healthy => 0,
        };
        let key = |listed: &Self| Reverse(badness(listed));
        (key(self), &self.namespace, &self.name).cmp(&(key(other), &other.namespace, &other.name))
    }
}
