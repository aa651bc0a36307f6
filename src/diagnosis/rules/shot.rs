//! A shot: one judged exchange of a path with its repeats and with what the control got for the same request.

use crate::catalogue::Severity;
use crate::diagnosis::comparison::same_time;
use crate::diagnosis::finding::Sharpen as _;
use crate::diagnosis::provenance::Provenance;
use crate::diagnosis::view::State;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, StreamEvidence};
use crate::resource::status::Finding;

/// One judged exchange.
pub(super) struct Shot<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// The origin of its reply.
    pub provenance: Provenance,
    /// The exchange and its repeats that failed, in the order in which they were sent.
    pub failed: Vec<&'a Exchange>,
    /// How many were sent.
    pub of: usize,
    /// What the control got for the same request at the same moment, when it got it completely and unaltered.
    pub control: Option<&'a Exchange>,
    /// What the control got, however it ended.
    pub beside: Option<&'a Exchange>,
    /// The frozen request itself, not an exchange that only warns.
    pub frozen: bool,
}

/// The exchanges of a path that are judged on their own: the frozen request, its streaming or non-streaming form, the
/// long request.
pub(super) fn shots<'a>(view: &View<'a>, path: &PathView<'a>) -> Vec<Shot<'a>> {
    let frozen = path.main().map(|main| (main, path.attempts()));
    let others = [ExchangeKind::OtherForm, ExchangeKind::Long]
        .into_iter()
        .filter_map(|kind| {
            let samples: Vec<&Exchange> = path.exchanges().filter(|exchange| exchange.kind == kind).collect();
            path.now(kind).map(|exchange| (exchange, samples))
        });
    frozen
        .into_iter()
        .chain(others)
        .map(|(exchange, attempts)| {
            let attempts = if attempts.is_empty() { vec![exchange] } else { attempts };
            let (beside, control) = control(view, path, exchange.kind);
            Shot {
                exchange,
                provenance: path.provenance(exchange),
                of: attempts.len(),
                failed: attempts.into_iter().filter(|tried| !path.complete(tried)).collect(),
                control,
                beside,
                frozen: path.main().is_some_and(|main| main.kind == exchange.kind),
            }
        })
        .collect()
}

type Both<'a> = (Option<&'a Exchange>, Option<&'a Exchange>);

fn control<'a>(view: &View<'a>, path: &PathView<'a>, kind: ExchangeKind) -> Both<'a> {
    let Some(direct) = view.direct().filter(|_| !path.case.is_direct()) else {
        return (None, None);
    };
    let beside = direct.now(kind);
    let fit = view
        .pair(path)
        .is_some_and(|pair| pair.direct_unaltered() && pair.same_model());
    let control = beside.filter(|exchange| fit && direct.complete(exchange));
    (beside, control)
}

impl Shot<'_> {
    /// Whether two failed attempts agree in this time.
    pub fn twice(&self, time: impl Fn(&Exchange) -> Option<u32>) -> bool {
        let mut times = self.failed.iter().filter_map(|exchange| time(exchange));
        times
            .next()
            .is_some_and(|first| times.any(|other| same_time(first, other)))
    }

    /// Whether the streams of two failed attempts have the same count of something.
    pub fn twice_same(&self, count: impl Fn(&StreamEvidence) -> u32) -> bool {
        let mut counts = self.failed.iter().filter_map(|exchange| exchange.stream.as_ref());
        match (counts.next(), counts.next()) {
            (Some(a), Some(b)) => count(a) == count(b),
            _ => false,
        }
    }

    /// How often it failed, for evidence; empty for a single try.
    pub fn rate(&self) -> String {
        match self.of {
            0 | 1 => String::new(),
            of => format!(" ({} of {of} tries)", self.failed.len()),
        }
    }

    /// A finding of a shot that is not the frozen request warns at most.
    pub fn grade(&self, finding: Finding) -> Finding {
        if self.frozen {
            finding
        } else {
            let severity = finding.severity.min(Severity::Warning);
            finding.severity(severity)
        }
    }
}

/// Whether Claude or its edge answered anything on this path in this run: the gateway can reach it.
pub(super) fn reached_upstream(path: &PathView<'_>) -> bool {
    path.exchanges().chain(path.now(ExchangeKind::Route)).any(|exchange| {
        let answered = path.complete(exchange) && !exchange.is_stored();
        answered || (exchange.status != 0 && path.provenance(exchange).from_upstream())
    })
}

/// Whether the control failed for a reason that is Claude's own.
pub(super) fn direct_trouble<'a>(view: &View<'a>) -> Option<(&'a Exchange, Provenance)> {
    let direct = view.direct()?;
    if direct.state() != State::Failed {
        return None;
    }
    direct.trouble().filter(|(_, provenance)| provenance.from_upstream())
}
