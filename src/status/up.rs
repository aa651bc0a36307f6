//! Whether a path answered in the last run.

use crate::catalogue::Severity;
use crate::resource::status::{ClaudeProbeStatus, PathStatus, VerdictState};

/// Whether the frozen request was answered; `None` when the last run did not ask, or did not say: a blind probe is never 1.
#[must_use]
pub fn up(status: &ClaudeProbeStatus, path: &PathStatus) -> Option<bool> {
    let blind = status
        .verdict
        .as_ref()
        .is_none_or(|verdict| verdict.state == VerdictState::Unknown);
    if blind || matches!(path.outcome.as_str(), "NotSent" | "NotReported" | "") {
        return None;
    }
    let whole = path
        .stream
        .as_ref()
        .is_none_or(|stream| stream.message_stop && stream.framing == "Complete");
    let broken = status
        .findings
        .iter()
        .any(|finding| finding.path == path.name && finding.severity == Severity::Error);
    Some(path.outcome == "Answered" && (200..300).contains(&path.status) && whole && !broken)
}
