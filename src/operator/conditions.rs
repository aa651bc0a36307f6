//! Writing conditions: transition times change only with the status, and what no run decides is decided here.
//!
//! Pure. `Ready` and `ProberOperational` are the operator's own; the other six follow from diagnoses, and become `Unknown`
//! when no run has told anything for too long.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::budget;
use super::start_fault::Fault;
use super::text;
use crate::catalogue::ConditionType;
use crate::diagnosis::{self, Status};
use crate::resource::validated::{Probe, SpecFault};

/// Longest message of a condition, bytes.
const MESSAGE_BYTES: usize = diagnosis::LONGEST_CONDITION_MESSAGE;

/// The six conditions that runs decide.
pub const DECIDED_BY_RUNS: [ConditionType; 6] = [
    ConditionType::DirectPathHealthy,
    ConditionType::GatewayPathHealthy,
    ConditionType::CredentialsFresh,
    ConditionType::HeadersPreserved,
    ConditionType::StreamIntact,
    ConditionType::QuotaAvailable,
];

/// A condition to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its type.
    pub kind: ConditionType,
    /// Its status.
    pub status: Status,
    /// CamelCase, out of a closed set.
    pub reason: String,
    /// A sentence that a person can act on.
    pub message: String,
}

/// The condition of this type.
#[must_use]
pub fn find(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == format!("{kind:?}"))
}

/// Writes a condition.
pub fn set(conditions: &mut Vec<Condition>, said: &Said, generation: i64, now: Timestamp) {
    let type_ = format!("{:?}", said.kind);
    let known = conditions.iter().position(|condition| condition.type_ == type_);
    let same = known
        .and_then(|index| conditions.get(index))
        .filter(|condition| condition.status == said.status.name());
    let since = same.map_or_else(
        || Time(whole_second(now)),
        |condition| condition.last_transition_time.clone(),
    );
    let condition = Condition {
        type_,
        status: said.status.name().to_owned(),
        reason: said.reason.clone(),
        message: text::bounded(&said.message, MESSAGE_BYTES),
        observed_generation: Some(generation),
        last_transition_time: since,
    };
    match known.and_then(|index| conditions.get_mut(index)) {
        Some(known) => *known = condition,
        None => {
            let place = |condition: &Condition| {
                ConditionType::ALL
                    .iter()
                    .position(|kind| format!("{kind:?}") == condition.type_)
            };
            conditions.push(condition);
            conditions.sort_by_key(place);
        }
    }
}

/// Kubernetes writes times in whole seconds.
#[must_use]
pub fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// What a diagnosis published.
#[must_use]
pub fn of_diagnosis(conditions: Vec<diagnosis::Condition>) -> Vec<Said> {
    conditions.into_iter().map(Said::from).collect()
}

impl From<diagnosis::Condition> for Said {
    fn from(condition: diagnosis::Condition) -> Self {
        Self {
            kind: condition.kind,
            status: condition.status,
            reason: condition.reason,
            message: condition.message,
        }
    }
}

/// The six conditions when no run tells anything.
#[must_use]
pub fn untold(reason: &str, message: &str) -> Vec<Said> {
    let unknown = |kind| Said {
        kind,
        status: Status::Unknown,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    DECIDED_BY_RUNS.map(unknown).to_vec()
}

/// `Ready` of a spec that can be acted on.
#[must_use]
pub fn ready(probe: &Probe) -> Said {
    let (reason, message) = if budget::planned_above(probe) {
        let text = format!(
            "The schedule needs more tokens than budget.tokensPerDay ({}), so some runs send only zero-token exchanges. Run less often \
             or raise the budget.",
            probe.tokens_per_day
        );
        ("BudgetBelowPlan", text)
    } else if probe.suspend {
        (
            "Suspended",
            "The spec is accepted; scheduled runs are suspended.".to_owned(),
        )
    } else {
        ("Accepted", "The spec is accepted.".to_owned())
    };
    Said {
        kind: ConditionType::Ready,
        status: Status::True,
        reason: reason.to_owned(),
        message,
    }
}

/// `Ready` of a spec that cannot.
#[must_use]
pub fn not_ready(faults: &[SpecFault]) -> Said {
    let first = faults.first().map_or_else(String::new, ToString::to_string);
    let more = match faults.len() {
        0 | 1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    Said {
        kind: ConditionType::Ready,
        status: Status::False,
        reason: "InvalidSpec".to_owned(),
        message: text::bounded(&first, MESSAGE_BYTES - 1 - more.len()) + &more + ".",
    }
}

/// `Ready` under an installed CRD that lacks what this operator writes.
#[must_use]
pub fn crd_outdated(what: &str) -> Said {
    Said {
        kind: ConditionType::Ready,
        status: Status::False,
        reason: "CrdOutdated".to_owned(),
        message: what.to_owned(),
    }
}

/// `ProberOperational` before anything was tried.
#[must_use]
pub fn prober_untried() -> Said {
    Said {
        kind: ConditionType::ProberOperational,
        status: Status::Unknown,
        reason: "NoRunYet".to_owned(),
        message: "No run has ended yet.".to_owned(),
    }
}

/// `ProberOperational` after a run: `fault` says why a pod's part is missing.
#[must_use]
pub fn prober(fault: Option<&Fault>) -> Said {
    let kind = ConditionType::ProberOperational;
    match fault {
        None => Said {
            kind,
            status: Status::True,
            reason: "Reporting".to_owned(),
            message: "Probe pods start, run and report.".to_owned(),
        },
        Some(fault) => Said {
            kind,
            status: Status::False,
            reason: fault.kind.name().to_owned(),
            message: fault.message(),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::operator::start_fault::FaultKind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_transition_time_changes_with_the_status_only() {
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
    fn conditions_are_shown_in_the_order_of_the_catalogue() {
        let mut conditions = Vec::new();
        for said in untold("NoRunYet", "").into_iter().rev().chain([prober_untried()]) {
            set(&mut conditions, &said, 1, at(10));
        }
        assert_eq!(conditions[0].type_, "ProberOperational");
        assert_eq!(conditions[6].type_, "QuotaAvailable");
    }
}
