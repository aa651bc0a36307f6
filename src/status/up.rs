//! Whether a path answered in the last run.

use crate::catalogue::Severity;
use crate::resource::status::{ClaudeProbeStatus, PathOutcome, PathStatus, StreamStatus, VerdictState};

/// Whether the frozen request got a complete reply; `None` when the last run did not send it or has no report: a stale
/// probe is never 1.
#[must_use]
pub fn up(status: &ClaudeProbeStatus, path: &PathStatus) -> Option<bool> {
    let stale = status
        .verdict
        .as_ref()
        .is_none_or(|verdict| verdict.state == VerdictState::Unknown);
    if stale || path.outcome.is_unasked() {
        return None;
    }
    let whole = path.stream.as_ref().is_none_or(StreamStatus::is_whole);
    let broken = status
        .findings
        .iter()
        .any(|finding| finding.path == path.name && finding.severity == Severity::Error);
    Some(path.outcome == PathOutcome::Answered && (200..300).contains(&path.status) && whole && !broken)
}
