//! Writes conditions: transition times change only with the status. Decides the conditions that no run decides.
//!
//! Pure. `Ready` and `ProberOperational` are the operator's own; the other six follow from diagnoses, and become
//! `Unknown` when the last report is too old.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as Written, Time};

use super::budget;
use super::fault::Fault;
use crate::catalogue::ConditionType;
use crate::diagnosis::{Condition, DECIDED_BY_RUNS, LONGEST_CONDITION_MESSAGE, Status};
use crate::resource::status::{ClaudeProbeStatus, PendingCondition};
use crate::resource::validated::{Probe, SpecFault};
use crate::text::shortened;

/// Why there is no recent result: the reason of the conditions that runs decide, of an Unknown verdict, and of a
/// metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleReason {
    /// None has ended yet.
    NoRunYet,
    /// Scheduled runs are suspended.
    Suspended,
    /// Only exchanges without tokens are sent.
    OverBudget,
    /// The prober does not report: see `ProberOperational`.
    NoRecentRun,
}

impl StaleReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NoRunYet, Self::Suspended, Self::OverBudget, Self::NoRecentRun];

    /// The name, as in conditions and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRunYet => "NoRunYet",
            Self::Suspended => "Suspended",
            Self::OverBudget => "OverBudget",
            Self::NoRecentRun => "NoRecentRun",
        }
    }

    /// The reason with this name, if there is one.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The condition of this type.
#[must_use]
pub fn find(conditions: &[Written], kind: ConditionType) -> Option<&Written> {
    conditions.iter().find(|condition| condition.type_ == kind.name())
}

/// Writes a condition, with its pending change.
pub fn put(status: &mut ClaudeProbeStatus, condition: &Condition, generation: i64, now: Timestamp) {
    set(&mut status.conditions, condition, generation, now);
    let type_ = condition.kind.name();
    status.pending_conditions.retain(|pending| pending.type_ != type_);
    let pending = condition.pending.as_ref().map(|pending| PendingCondition {
        type_: type_.to_owned(),
        status: pending.status.name().to_owned(),
        reason: pending.reason.clone(),
    });
    status.pending_conditions.extend(pending);
    if condition.kind == ConditionType::GatewayPathHealthy {
        status.shared_cause = condition.shared_cause;
    }
}

/// Reads a condition that a run decided, as [`put`] wrote it.
#[must_use]
pub fn read(status: &ClaudeProbeStatus, kind: ConditionType, generation: i64) -> Option<Condition> {
    let written = find(&status.conditions, kind)?;
    let state = [Status::True, Status::False, Status::Unknown]
        .into_iter()
        .find(|status| status.name() == written.status)?;
    // Neither a condition of another spec nor one that no run decided.
    let of_a_run = written.observed_generation == Some(generation) && StaleReason::of(&written.reason).is_none();
    of_a_run.then(|| Condition {
        shared_cause: status
            .shared_cause
            .filter(|_| kind == ConditionType::GatewayPathHealthy),
        ..Condition::new(kind, state, &written.reason, written.message.as_str())
    })
}

fn set(conditions: &mut Vec<Written>, condition: &Condition, generation: i64, now: Timestamp) {
    let type_ = condition.kind.name();
    let known = conditions.iter().position(|known| known.type_ == type_);
    let same = known
        .and_then(|index| conditions.get(index))
        .filter(|known| known.status == condition.status.name());
    let since = same.map_or_else(|| Time(whole_second(now)), |known| known.last_transition_time.clone());
    let written = Written {
        type_: type_.to_owned(),
        status: condition.status.name().to_owned(),
        reason: condition.reason.clone(),
        message: shortened(&condition.message, LONGEST_CONDITION_MESSAGE),
        observed_generation: Some(generation),
        last_transition_time: since,
    };
    match known.and_then(|index| conditions.get_mut(index)) {
        Some(known) => *known = written,
        None => {
            let place = |written: &Written| ConditionType::ALL.iter().position(|kind| kind.name() == written.type_);
            conditions.push(written);
            conditions.sort_by_key(place);
        }
    }
}

/// Kubernetes writes times in whole seconds.
#[must_use]
pub fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// The six conditions that runs decide, when there is no recent result.
#[must_use]
pub fn stale(reason: StaleReason, message: &str) -> [Condition; 6] {
    DECIDED_BY_RUNS.map(|kind| Condition::new(kind, Status::Unknown, reason.name(), message))
}

/// `Ready` of a valid spec.
#[must_use]
pub fn ready(probe: &Probe) -> Condition {
    let (reason, message) = if budget::planned_above(probe) {
        let text = format!(
            "The schedule needs more tokens than budget.tokensPerDay ({}), so some runs send only zero-token exchanges. Run less often \
             or raise the budget.",
            probe.tokens_per_day
        );
        ("BudgetBelowPlan", text)
    } else if probe.suspend {
        (
            StaleReason::Suspended.name(),
            "The spec is accepted. Scheduled runs are suspended.".to_owned(),
        )
    } else {
        ("Accepted", "The spec is accepted.".to_owned())
    };
    Condition::new(ConditionType::Ready, Status::True, reason, message)
}

/// `Ready` of an invalid spec.
#[must_use]
pub fn not_ready(faults: &[SpecFault]) -> Condition {
    let first = faults.first().map_or_else(String::new, ToString::to_string);
    let more = match faults.len() {
        0 | 1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    Condition::new(
        ConditionType::Ready,
        Status::False,
        "InvalidSpec",
        shortened(&first, LONGEST_CONDITION_MESSAGE - 1 - more.len()) + &more + ".",
    )
}

/// `Ready` under an installed CRD that lacks what this operator writes.
#[must_use]
pub fn crd_outdated(what: &str) -> Condition {
    Condition::new(ConditionType::Ready, Status::False, "CrdOutdated", what)
}

/// `ProberOperational` before the first run.
#[must_use]
pub fn prober_untried() -> Condition {
    Condition::new(
        ConditionType::ProberOperational,
        Status::Unknown,
        StaleReason::NoRunYet.name(),
        "No run has ended yet.",
    )
}

/// `ProberOperational` after a run: `fault` is the reason of a missing report.
#[must_use]
pub fn prober(fault: Option<&Fault>) -> Condition {
    let kind = ConditionType::ProberOperational;
    match fault {
        None => Condition::new(kind, Status::True, "Reporting", "Probe pods start, run and report."),
        Some(fault) => Condition::new(kind, Status::False, fault.kind.name(), fault.message()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::status::fault::FaultKind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_transition_time_changes_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, &prober_untried(), 1, at(10));
        set(&mut conditions, &prober(None), 1, at(20));
        set(&mut conditions, &prober(None), 2, at(30));
        assert_eq!(
            (conditions[0].last_transition_time.0, conditions[0].observed_generation),
            (at(20), Some(2))
        );
        let fault = |kind| prober(Some(&Fault::new(kind, "")));
        set(&mut conditions, &fault(FaultKind::SecretMissing), 2, at(40));
        set(&mut conditions, &fault(FaultKind::Unschedulable), 2, at(50));
        assert_eq!(
            (conditions[0].last_transition_time.0, conditions[0].reason.as_str()),
            (at(40), "Unschedulable")
        );
    }

    #[test]
    fn conditions_are_in_the_order_of_the_catalogue() {
        let mut conditions = Vec::new();
        for condition in stale(StaleReason::NoRunYet, "")
            .into_iter()
            .rev()
            .chain([prober_untried()])
        {
            set(&mut conditions, &condition, 1, at(10));
        }
        assert_eq!(conditions[0].type_, "ProberOperational");
        assert_eq!(conditions[6].type_, "QuotaAvailable");
    }
}
