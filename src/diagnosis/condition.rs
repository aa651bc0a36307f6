//! A condition: its type, its status, its reasons. The statuses of a run are in `conditions`.

use crate::catalogue::{Code, ConditionType};

/// The conditions that runs decide, in the order of [`super::Diagnosis::own_conditions`].
pub const DECIDED_BY_RUNS: [ConditionType; 6] = [
    ConditionType::DirectPathHealthy,
    ConditionType::GatewayPathHealthy,
    ConditionType::CredentialsFresh,
    ConditionType::HeadersPreserved,
    ConditionType::StreamIntact,
    ConditionType::QuotaAvailable,
];

/// Status of a condition. `True` is good, `Unknown` means that no evidence decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Not so.
    False,
    /// No evidence decides.
    Unknown,
    /// So.
    True,
}

impl Status {
    /// As in `metav1.Condition`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    pub(super) fn letter(self) -> char {
        match self {
            Self::True => 'T',
            Self::False => 'F',
            Self::Unknown => 'U',
        }
    }

    pub(super) fn from_letter(letter: char) -> Option<Self> {
        [Self::True, Self::False, Self::Unknown]
            .into_iter()
            .find(|status| status.letter() == letter)
    }
}

/// Why a condition has its status: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The finding that falsifies it; its reason is the finding's code.
    Finding(Code),
    /// The frozen request was answered completely.
    Answered,
    /// The credential was accepted.
    Accepted,
    /// The forwarding checks arrived as they were sent.
    AsSent,
    /// Streams arrived complete and as they were produced.
    Complete,
    /// No limit stopped a request.
    Available,
    /// The frozen request was not answered, and the evidence does not show why.
    NotExplained,
    /// Only a finding that the spec accepts explains the failure.
    AcceptedFinding,
    /// Every path fails for the same reason, which is not the gateways'.
    SharedCause(Code),
    /// The answer came from a cache and does not show health.
    AnsweredFromCache,
    /// The spec has no direct path.
    NotConfigured,
    /// The exchange that would show it was not sent.
    NotProbed,
    /// The request did not get far enough to show it.
    NotObserved,
    /// The report arrived incomplete.
    ReportIncomplete,
    /// The first run failed and could not repeat its failure.
    Unconfirmed,
}

impl Reason {
    /// The code that a [`Reason::SharedCause`] has.
    pub(super) fn shared_cause(self) -> Option<Code> {
        match self {
            Self::SharedCause(code) => Some(code),
            _ => None,
        }
    }

    /// CamelCase, as in `metav1.Condition`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finding(code) => code.name(),
            Self::Answered => "Answered",
            Self::Accepted => "Accepted",
            Self::AsSent => "AsSent",
            Self::Complete => "Complete",
            Self::Available => "Available",
            Self::NotExplained => "NotExplained",
            Self::AcceptedFinding => "AcceptedFinding",
            Self::SharedCause(_) => "SharedCause",
            Self::AnsweredFromCache => "AnsweredFromCache",
            Self::NotConfigured => "NotConfigured",
            Self::NotProbed => "NotProbed",
            Self::NotObserved => "NotObserved",
            Self::ReportIncomplete => "ReportIncomplete",
            Self::Unconfirmed => "Unconfirmed",
        }
    }
}

/// A condition as it is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type.
    pub kind: ConditionType,
    /// Its status.
    pub status: Status,
    /// CamelCase, out of a closed set; the published one's while a change is pending.
    pub reason: String,
    /// A sentence that a person can act on.
    pub message: String,
    /// The code of a [`Reason::SharedCause`].
    pub shared_cause: Option<Code>,
    /// The change that the latest run shows, while a second run must confirm it.
    pub pending: Option<Pending>,
}

/// A change of a condition that a second run must confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The status that the latest run shows.
    pub status: Status,
    /// And its reason.
    pub reason: String,
}

impl Condition {
    /// A condition with nothing pending.
    #[must_use]
    pub fn new(kind: ConditionType, status: Status, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            status,
            reason: reason.to_owned(),
            message: message.into(),
            shared_cause: None,
            pending: None,
        }
    }
}
