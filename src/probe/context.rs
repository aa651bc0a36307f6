//! What all exchanges of a run share: what to do, within which bounds, what was seen so far, and the observer of
//! progress.
//!
//! Knows no path's state and sends nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::address::Refusal;
use super::compose::Composer;
use super::details::{ExchangeDetails, PathDetails};
use super::limits::Limits;
use super::meeting::Meeting;
use super::redact::Redactor;
use crate::report::evidence::{Exchange, ExchangeKind, PathEvidence, RunEvidence, SkipReason};
use crate::report::plan::Plan;

/// Everything that a run saw: the evidence, and what is only for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FullReport {
    /// What a diagnosis may use.
    pub evidence: RunEvidence,
    /// One entry per path: addresses, headers, reads and events with their times.
    pub details: Vec<PathDetails>,
}

/// What a run is doing, for a terminal.
#[derive(Debug)]
pub enum Progress<'e> {
    /// An exchange is about to be sent.
    Sending {
        /// Path name.
        path: &'e str,
        /// Which exchange.
        kind: ExchangeKind,
    },
    /// An exchange is over.
    Done {
        /// Path name.
        path: &'e str,
        /// What it showed.
        exchange: &'e Exchange,
    },
}

/// What is common to all exchanges of a run.
pub struct Context<'r> {
    /// What to do.
    pub plan: &'r Plan,
    /// Request bytes.
    pub composer: Composer,
    /// Knows the secrets.
    pub redactor: Redactor,
    /// Addresses that are never connected to.
    pub refusal: Refusal,
    /// Bounds of one exchange.
    pub limits: Limits,
    /// When the report must be on its way.
    pub report_by: Instant,
    /// Observes each exchange.
    pub progress: &'r (dyn Fn(Progress<'_>) + Sync),
    /// Where paths of different keys meet for a second pair of streams.
    pub meeting: Meeting,
    /// What was seen so far.
    pub board: Board,
}

impl Context<'_> {
    /// Time left until the report.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.report_by.saturating_duration_since(Instant::now())
    }

    /// Changes what is known of a path.
    pub fn publish(&self, path: usize, change: impl FnOnce(&mut PathEvidence, &mut PathDetails)) {
        let mut known = self.board.known();
        let Known { evidence, details } = &mut *known;
        if let (Some(evidence), Some(details)) = (evidence.get_mut(path), details.get_mut(path)) {
            change(evidence, details);
        }
    }

    /// Reads what is known of all paths.
    pub fn read<T>(&self, at: impl FnOnce(&[PathEvidence]) -> T) -> T {
        at(&self.board.known().evidence)
    }

    /// Notes that an exchange is left out.
    pub fn skip(&self, path: usize, kind: ExchangeKind, reason: SkipReason) {
        self.publish(path, |evidence, _| evidence.skipped.push((kind, reason)));
    }

    /// Notes an exchange.
    pub fn record(&self, path: usize, exchange: Exchange, details: ExchangeDetails) {
        let name = self.plan.paths.get(path).map_or("", |path| path.name.as_str());
        (self.progress)(Progress::Done {
            path: name,
            exchange: &exchange,
        });
        self.publish(path, |evidence, all| {
            evidence.exchanges.push(exchange);
            all.exchanges.push(details);
        });
    }
}

/// What is known of the paths so far, in the plan's order. A run that is stopped in the middle reports it.
#[derive(Debug)]
pub struct Board(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    evidence: Vec<PathEvidence>,
    details: Vec<PathDetails>,
}

impl Board {
    /// Nothing yet.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let blank = |name: &String| PathEvidence {
            path: name.clone(),
            ..PathEvidence::default()
        };
        Self(Mutex::new(Known {
            evidence: plan.paths.iter().map(|path| blank(&path.name)).collect(),
            details: plan.paths.iter().map(|path| PathDetails::new(&path.name)).collect(),
        }))
    }

    /// All of it.
    #[must_use]
    pub fn into_parts(self) -> (Vec<PathEvidence>, Vec<PathDetails>) {
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (known.evidence, known.details)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
