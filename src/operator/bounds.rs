//! The status never grows beyond 32 KiB: each text has a largest size, and what is least needed goes first.
//!
//! Pure. etcd and every watcher pay for each byte of a status, at every run.

use super::text::bounded;
use crate::resource::status::ClaudeProbeStatus;

/// Largest status, bytes of JSON.
pub const STATUS_BYTES: usize = 32 * 1024;
/// Most findings.
pub const FINDINGS: usize = 64;
/// Longest quotation or other short text, bytes.
const SHORT: usize = 256;
/// Longest sentence, bytes.
const LONG: usize = 1024;

/// Bounds every text and list, then the whole.
pub fn apply(status: &mut ClaudeProbeStatus) {
    texts(status);
    for step in [
        drop_old_findings,
        drop_old_history,
        shorten_findings,
        drop_headers,
        drop_canaries,
        drop_findings,
        drop_history,
    ] {
        if size(status) <= STATUS_BYTES {
            return;
        }
        step(status);
    }
}

/// Size as the API server stores it.
#[must_use]
pub fn size(status: &ClaudeProbeStatus) -> usize {
    serde_json::to_vec(status).map_or(usize::MAX, |bytes| bytes.len())
}

fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        *text = bounded(text, bytes);
    }
}

fn texts(status: &mut ClaudeProbeStatus) {
    if let Some(verdict) = &mut status.verdict {
        cut(&mut verdict.message, LONG);
        cut(&mut verdict.advice, LONG);
    }
    status.findings.truncate(FINDINGS);
    for finding in &mut status.findings {
        cut(&mut finding.evidence, 2 * SHORT);
        cut(&mut finding.advice, LONG);
        if let Some(hop) = &mut finding.hop {
            cut(hop, SHORT);
        }
    }
    for path in &mut status.paths {
        for text in [&mut path.host, &mut path.outcome, &mut path.request_id, &mut path.peer] {
            cut(text, SHORT);
        }
        path.headers.values_mut().for_each(|value| cut(value, SHORT));
    }
    for entry in &mut status.history {
        entry.findings.truncate(FINDINGS);
    }
}

/// The rules look at five runs.
fn drop_old_findings(status: &mut ClaudeProbeStatus) {
    status
        .history
        .iter_mut()
        .skip(5)
        .for_each(|entry| entry.findings.clear());
}

fn drop_old_history(status: &mut ClaudeProbeStatus) {
    status.history.truncate(10);
    status.history.iter_mut().for_each(|entry| entry.findings.truncate(16));
}

fn shorten_findings(status: &mut ClaudeProbeStatus) {
    for finding in &mut status.findings {
        cut(&mut finding.evidence, 160);
        cut(&mut finding.advice, 160);
    }
}

fn drop_headers(status: &mut ClaudeProbeStatus) {
    status.paths.iter_mut().for_each(|path| path.headers.clear());
}

fn drop_canaries(status: &mut ClaudeProbeStatus) {
    for canaries in status.paths.iter_mut().filter_map(|path| path.canaries.as_mut()) {
        canaries.results.truncate(6);
    }
}

fn drop_findings(status: &mut ClaudeProbeStatus) {
    status.findings.truncate(24);
    status.history.iter_mut().for_each(|entry| entry.findings.truncate(8));
}

fn drop_history(status: &mut ClaudeProbeStatus) {
    status.history.truncate(2);
    status.paths.iter_mut().for_each(|path| path.canaries = None);
}
