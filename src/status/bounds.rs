//! Bounds the status to 32 KiB: each text has a largest size, and the least important content is dropped first.
//!
//! Pure. etcd and every watcher pay for each byte of a status, at every run.

use crate::resource::status::ClaudeProbeStatus;
use crate::text::shortened;

/// Largest status, bytes of JSON.
pub const STATUS_BYTES: usize = 32 * 1024;
/// Most findings.
pub const FINDINGS: usize = 64;
/// Longest quotation or other short text, bytes.
const SHORT: usize = 256;
/// Longest message, bytes.
const LONG: usize = 1024;

/// Bounds every text and list, then the whole.
pub fn apply(status: &mut ClaudeProbeStatus) {
    texts(status);
    for step in [
        drop_old_findings,
        drop_old_history,
        shorten_findings,
        drop_headers,
        drop_forwarding_check_results,
        drop_findings,
        drop_history,
        squeeze,
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
        *text = shortened(text, bytes);
    }
}

fn texts(status: &mut ClaudeProbeStatus) {
    if let Some(verdict) = &mut status.verdict {
        cut(&mut verdict.message, crate::diagnosis::LONGEST_MESSAGE);
        cut(&mut verdict.advice, LONG);
        cut(&mut verdict.changed, SHORT);
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
        for text in [&mut path.host, &mut path.request_id, &mut path.peer] {
            cut(text, SHORT);
        }
        path.headers.values_mut().for_each(|value| cut(value, SHORT));
    }
    for entry in &mut status.history {
        entry.findings.truncate(FINDINGS);
    }
}

/// The rules use five runs.
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

fn drop_forwarding_check_results(status: &mut ClaudeProbeStatus) {
    for forwarding_checks in status
        .paths
        .iter_mut()
        .filter_map(|path| path.forwarding_checks.as_mut())
    {
        // For readers only: without the record they would be sent again at each run.
        forwarding_checks.results.clear();
    }
}

fn drop_findings(status: &mut ClaudeProbeStatus) {
    status.findings.truncate(24);
    status.history.iter_mut().for_each(|entry| entry.findings.truncate(8));
}

fn drop_history(status: &mut ClaudeProbeStatus) {
    status.history.truncate(2);
    status.paths.iter_mut().for_each(|path| path.forwarding_checks = None);
}

/// The last resort: every text is cut to a short form.
fn squeeze(status: &mut ClaudeProbeStatus) {
    for finding in &mut status.findings {
        // The runbook of each code has its advice.
        finding.advice.clear();
        if let Some(hop) = &mut finding.hop {
            cut(hop, 64);
        }
    }
    status.findings.truncate(16);
    for path in &mut status.paths {
        for text in [&mut path.host, &mut path.request_id, &mut path.peer] {
            cut(text, 64);
        }
    }
    for condition in &mut status.conditions {
        cut(&mut condition.message, 512);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;
    use crate::catalogue::{CATALOGUE, ConditionType, Confidence};
    use crate::resource::status::{
        CredentialStatus, Finding, ForwardingCheckStatus, FoundOn, HistoryEntry, LatencyStatus, PathOutcome,
        PathStatus, RunResult, RunStatus, StreamStatus, Timings, Verdict, VerdictState,
    };
    use crate::status::forwarding_checks::KEPT_PER_PATH;

    fn time() -> Option<Time> {
        Some(Time(Timestamp::from_second(1_800_000_000).unwrap()))
    }

    fn finding(number: usize, path: &str) -> Finding {
        let entry = &CATALOGUE[number % CATALOGUE.len()];
        Finding {
            code: entry.code,
            layer: entry.layer,
            path: path.to_owned(),
            hop: Some("h".repeat(1000)),
            severity: entry.severity,
            confidence: Confidence::Certain,
            evidence: "é".repeat(1000),
            advice: "a".repeat(4000),
            accepted: true,
            observed_at: time(),
            seen: None,
        }
    }

    /// Nine paths with the longest possible values, every finding on every path, fifty different runs.
    fn worst() -> ClaudeProbeStatus {
        let names: Vec<String> = (0..9).map(|number| format!("{number}{}", "n".repeat(39))).collect();
        let long = |length| "x".repeat(length);
        let path = |name: &String| PathStatus {
            name: name.clone(),
            host: long(2000),
            outcome: PathOutcome::ResetBeforeHead,
            request_id: long(2000),
            peer: long(2000),
            headers: (0..20).map(|number| (format!("header-{number}"), long(1000))).collect(),
            timings: Timings {
                dns: Some(123.456_789),
                connect: Some(123.456_789),
                tls: Some(123.456_789),
                first_byte: Some(123.456_789),
                first_token: Some(123.456_789),
                total: Some(123.456_789),
            },
            stream: Some(StreamStatus::default()),
            forwarding_checks: Some(ForwardingCheckStatus {
                at: time(),
                results: (0..KEPT_PER_PATH)
                    .map(|at| (format!("MetadataField{at}"), 400))
                    .collect(),
                // Each exchange with all that the format has room for.
                record: long(KEPT_PER_PATH * 60),
            }),
            latency: Some(LatencyStatus {
                at: time(),
                direct_ms: vec![120_000; 12],
                gateway_ms: vec![120_000; 12],
            }),
            ..PathStatus::default()
        };
        let entry = |number: i32| HistoryEntry {
            at: time(),
            since: time(),
            generation: Some(1),
            state: VerdictState::Failing,
            code: long(40),
            path: long(40),
            count: number,
            findings: (0..200)
                .map(|number| FoundOn {
                    code: CATALOGUE[number % CATALOGUE.len()].code,
                    path: long(40),
                })
                .collect(),
            conditions: "TFUTFU".into(),
        };
        let condition = |kind: ConditionType| Condition {
            type_: kind.name().into(),
            status: "Unknown".into(),
            reason: "Reason".into(),
            message: long(1024),
            observed_generation: Some(1),
            last_transition_time: time().unwrap(),
        };
        ClaudeProbeStatus {
            conditions: ConditionType::ALL.into_iter().map(condition).collect(),
            verdict: Some(Verdict {
                message: long(9000),
                advice: long(9000),
                ..Verdict::default()
            }),
            findings: names
                .iter()
                .flat_map(|name| (0..CATALOGUE.len()).map(move |number| finding(number, name)))
                .collect(),
            paths: names.iter().map(path).collect(),
            credentials: (0..9)
                .map(|_| CredentialStatus {
                    secret: long(253),
                    key: long(253),
                    ..CredentialStatus::default()
                })
                .collect(),
            last_run: Some(RunStatus {
                slot: long(40),
                result: RunResult::ReportLost,
                cause: long(40),
                pod: long(63),
                ..RunStatus::default()
            }),
            history: (0..50).map(entry).collect(),
            ..ClaudeProbeStatus::default()
        }
    }

    #[test]
    fn the_largest_status_fits_and_keeps_the_most_important_content() {
        let mut status = worst();
        let verdict_code = status.findings[0].code;
        apply(&mut status);
        assert!(size(&status) <= STATUS_BYTES, "{}", size(&status));
        assert_eq!(
            (status.conditions.len(), status.paths.len(), status.findings[0].code),
            (8, 9, verdict_code)
        );
        assert!(
            !status.history.is_empty() && status.findings.len() >= 8,
            "{} {}",
            status.history.len(),
            status.findings.len()
        );
        let once = status.clone();
        apply(&mut status);
        assert_eq!(status, once, "a bounded status stays the same");
    }
}
