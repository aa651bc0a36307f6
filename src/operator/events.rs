//! Events on transitions, as `kubectl describe` shows them: one per change.
//!
//! The notes are pure. A failed publication is logged and not repeated: the status has the same content.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::catalogue::ConditionType;
use crate::resource::status::{ClaudeProbeStatus, VerdictState};
use crate::status::conditions;
use crate::text;

/// Longest note: one line. The API server allows 1024 bytes.
const NOTE_BYTES: usize = crate::diagnosis::LONGEST_MESSAGE;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether the Event's type is Warning.
    pub warning: bool,
    /// CamelCase, out of a closed set: a finding's code, a verdict's state, or a condition's reason.
    pub reason: String,
    /// The operator's action at the change.
    pub action: &'static str,
    /// The sentence.
    pub text: String,
}

/// What changed between two statuses.
#[must_use]
pub fn notes(before: &ClaudeProbeStatus, after: &ClaudeProbeStatus) -> Vec<Note> {
    let verdict = verdict(before, after);
    let operator = [ConditionType::Ready, ConditionType::ProberOperational]
        .into_iter()
        .filter_map(|kind| own(kind, before, after));
    verdict.into_iter().chain(operator).collect()
}

fn verdict(before: &ClaudeProbeStatus, after: &ClaudeProbeStatus) -> Option<Note> {
    let now = after.verdict.as_ref()?;
    let was = before
        .verdict
        .as_ref()
        .map(|verdict| (verdict.state, verdict.code.as_str(), verdict.path.as_str()));
    // `Unknown` concerns the prober: `ProberOperational` has an Event of its own.
    if now.state == VerdictState::Unknown || was == Some((now.state, now.code.as_str(), now.path.as_str())) {
        return None;
    }
    let reason = if now.code.is_empty() {
        now.state.name().to_owned()
    } else {
        now.code.clone()
    };
    let text = if now.message.is_empty() {
        reason.clone()
    } else {
        now.message.clone()
    };
    Some(Note {
        warning: now.state != VerdictState::Healthy,
        reason,
        action: "Diagnosed",
        text,
    })
}

fn own(kind: ConditionType, before: &ClaudeProbeStatus, after: &ClaudeProbeStatus) -> Option<Note> {
    let now = conditions::find(&after.conditions, kind)?;
    let was = conditions::find(&before.conditions, kind);
    let bad = |status: &str| status == "False";
    let same = was.is_some_and(|was| was.status == now.status && (was.reason == now.reason || !bad(&now.status)));
    // The first `True` is no change.
    let news = bad(&now.status) || was.is_some_and(|was| bad(&was.status) && now.status == "True");
    (news && !same).then(|| Note {
        warning: bad(&now.status),
        reason: now.reason.clone(),
        action: "Reconciled",
        text: now.message.clone(),
    })
}

/// Publishes notes, through one Recorder for the whole process.
#[derive(Clone)]
pub struct Publisher(Recorder);

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publisher")
    }
}

impl Publisher {
    /// A publisher that reports as this instance.
    #[must_use]
    pub fn new(client: kube::Client, instance: &str) -> Self {
        Self(Recorder::new(
            client,
            Reporter {
                controller: "claudeprobe-operator".into(),
                instance: Some(instance.into()),
            },
        ))
    }

    /// Publishes one note about this object.
    pub async fn publish(&self, note: &Note, regarding: &ObjectReference) {
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason.clone(),
            note: Some(text::shortened(&note.text, NOTE_BYTES)),
            action: note.action.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.0.publish(&event, regarding).await {
            tracing::warn!(%error, reason = note.reason, "an Event could not be published");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::resource::status::Verdict;
    use crate::status::fault::{Fault, FaultKind};

    fn status(state: VerdictState, code: &str, fault: Option<FaultKind>) -> ClaudeProbeStatus {
        let mut status = ClaudeProbeStatus {
            verdict: Some(Verdict {
                state,
                code: code.into(),
                ..Verdict::default()
            }),
            ..Default::default()
        };
        let fault = fault.map(|kind| Fault::new(kind, ""));
        let prober = conditions::prober(fault.as_ref());
        conditions::put(&mut status, &prober, 1, Timestamp::UNIX_EPOCH);
        status
    }

    fn reasons(before: &ClaudeProbeStatus, after: &ClaudeProbeStatus) -> Vec<String> {
        notes(before, after).into_iter().map(|note| note.reason).collect()
    }

    #[test]
    fn each_change_has_exactly_one_event() {
        let new = ClaudeProbeStatus::default();
        let healthy = status(VerdictState::Healthy, "", None);
        let stale = status(VerdictState::Failing, "GatewayStaleCredential", None);
        let unreported = status(VerdictState::Unknown, "", Some(FaultKind::SecretMissing));
        assert_eq!(reasons(&new, &healthy), ["Healthy"]);
        assert_eq!(reasons(&healthy, &healthy), [] as [&str; 0]);
        assert_eq!(reasons(&healthy, &stale), ["GatewayStaleCredential"]);
        assert_eq!(reasons(&stale, &unreported), ["SecretMissing"]);
        assert_eq!(reasons(&unreported, &healthy), ["Healthy", "Reporting"]);
    }
}
