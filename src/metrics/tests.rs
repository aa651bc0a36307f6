//! The exposition against its catalogue.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;
use crate::catalogue::{Code, ConditionType, Confidence};
use crate::resource::status::{
    CredentialStatus, Finding, FoundOn, HistoryEntry, PathOutcome, RatelimitRemaining, RunStatus, StreamFraming,
    StreamStatus, Timings, Verdict,
};

fn time() -> Option<Time> {
    Some(Time(Timestamp::from_second(1_800_000_000).unwrap()))
}

fn path(name: &str) -> PathStatus {
    PathStatus {
        name: name.into(),
        host: "host:443".into(),
        outcome: PathOutcome::Answered,
        status: 200,
        timings: Timings {
            dns: Some(0.25),
            connect: Some(0.25),
            tls: Some(0.25),
            first_byte: Some(0.25),
            first_token: Some(0.25),
            total: Some(0.25),
        },
        stream: Some(StreamStatus {
            max_gap: 0.5,
            message_stop: true,
            framing: StreamFraming::Complete,
            ..StreamStatus::default()
        }),
        ratelimit_remaining: RatelimitRemaining {
            requests: Some(0.5),
            input_tokens: Some(0.5),
            output_tokens: Some(0.5),
            tokens: Some(0.5),
        },
        certificate_expires: time(),
        ..PathStatus::default()
    }
}

fn finding(code: Code, path: &str) -> Finding {
    Finding {
        code,
        layer: code.entry().layer,
        path: path.into(),
        hop: None,
        severity: code.entry().severity,
        confidence: Confidence::Certain,
        evidence: String::new(),
        advice: String::new(),
        accepted: false,
        observed_at: None,
        seen: None,
    }
}

fn condition(kind: ConditionType, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        type_: kind.name().into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        observed_generation: None,
        last_transition_time: time().unwrap(),
    }
}

/// A probe of two paths that shows everything at once.
fn full() -> Shown {
    let condition = |kind| match kind {
        // Impossible in practice: all conditions are False, one of them stale.
        ConditionType::GatewayPathHealthy => condition(kind, "False", "NoRecentRun", ""),
        kind => condition(kind, "False", "StreamBuffered", ""),
    };
    let status = ClaudeProbeStatus {
        verdict: Some(Verdict {
            state: VerdictState::Degraded,
            code: "GatewayLatency".into(),
            ..Verdict::default()
        }),
        conditions: ConditionType::ALL.into_iter().map(condition).collect(),
        findings: [
            Code::GatewayLatency,
            Code::StreamBuffered,
            Code::BetaHeaderStripped,
            Code::CertificateExpiring,
        ]
        .map(|code| finding(code, "edge"))
        .into(),
        paths: vec![path("direct"), path("edge")],
        credentials: vec![CredentialStatus {
            seen_since: time(),
            previous_last_seen_at: time(),
            ..CredentialStatus::default()
        }],
        last_run: Some(RunStatus {
            finished_at: time(),
            ..RunStatus::default()
        }),
        last_good_at: time(),
        next_run: time(),
        ..ClaudeProbeStatus::default()
    };
    let counters = Counters {
        runs: BTreeMap::from([
            ("reported", 5),
            ("not_started", 1),
            ("report_lost", 1),
            ("superseded", 1),
        ]),
        missed: BTreeMap::from([("late", 2), ("not_started", 1)]),
        input_tokens: 100,
        output_tokens: 200,
        cost: 0.01,
    };
    Shown {
        namespace: "ai".into(),
        probe: "assistants".into(),
        status,
        counters,
    }
}

fn series(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(['{', ' ']).unwrap();
            let labels = rest
                .split("\",")
                .filter_map(|label| label.split_once('='))
                .map(|(name, _)| name.to_owned());
            (
                name.to_owned(),
                if line.contains('{') {
                    labels.collect()
                } else {
                    BTreeSet::new()
                },
            )
        })
        .collect()
}

#[test]
fn every_series_of_a_probe_is_in_the_catalogue_with_its_labels() {
    let text = state([full()]);
    let mut shown = BTreeSet::new();
    for (name, labels) in series(&text) {
        let family = FAMILIES
            .iter()
            .find(|family| format!("{PREFIX}{}", family.name) == name)
            .unwrap_or_else(|| panic!("{name}"));
        let expected: BTreeSet<String> = ["namespace", "probe"]
            .iter()
            .chain(family.labels)
            .map(|label| (*label).to_owned())
            .collect();
        assert_eq!(labels, expected, "{name}");
        shown.insert(family.name);
    }
    let expected: BTreeSet<_> = FAMILIES
        .iter()
        .filter(|family| family.per_probe)
        .map(|family| family.name)
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_operators_own_metrics_are_in_the_catalogue() {
    let metrics = OperatorMetrics::new();
    metrics.reconciled(std::time::Duration::from_millis(3), Some("timeout"));
    metrics.requested("list", "pods");
    metrics.skewed(0.1);
    metrics.run_ended(&[path("edge")]);
    let text = metrics.exposition(true);
    for family in FAMILIES.iter().filter(|family| !family.per_probe) {
        let line = format!("# TYPE {PREFIX}{} {}", family.name, family.kind.name());
        assert!(text.contains(&line), "{line}\n{text}");
    }
    assert!(text.contains("claudeprobe_leader 1"));
    assert!(metrics.exposition(false).contains("claudeprobe_leader 0"));
}

#[test]
fn a_probe_of_two_paths_has_at_most_70_series() {
    let count = series(&state([full()])).len();
    assert!(count <= 70, "{count}");
}

/// The series of causes of a status.
fn causes(status: ClaudeProbeStatus) -> Vec<String> {
    let shown = Shown { status, ..full() };
    let text = state([shown]);
    let lines = text.lines().filter_map(|line| line.split_once("condition_cause{"));
    lines
        .filter_map(|(_, rest)| rest.split_once("type="))
        .map(|(_, labels)| format!("type={labels}"))
        .collect()
}

#[test]
fn a_false_condition_has_its_cause_even_after_another_run() {
    use ConditionType::{DirectPathHealthy, GatewayPathHealthy, ProberOperational, StreamIntact};
    let mut status = ClaudeProbeStatus {
        conditions: vec![
            condition(ProberOperational, "False", "SecretMissing", ""),
            condition(DirectPathHealthy, "False", "ConnectionReset", ""),
            condition(GatewayPathHealthy, "False", "ConnectionReset", ""),
            condition(StreamIntact, "True", "Complete", ""),
        ],
        findings: vec![
            finding(Code::ConnectionReset, "direct"),
            finding(Code::ConnectionReset, "edge"),
        ],
        ..ClaudeProbeStatus::default()
    };
    let expected = [
        r#"type="ProberOperational",code="",layer="",path=""} 1"#,
        r#"type="DirectPathHealthy",code="ConnectionReset",layer="Network",path="direct"} 1"#,
        r#"type="GatewayPathHealthy",code="ConnectionReset",layer="Network",path="edge"} 1"#,
    ];
    assert_eq!(causes(status.clone()), expected);
    // One good run between: the conditions wait for a second one.
    status.findings.clear();
    status.verdict = Some(Verdict {
        state: VerdictState::Healthy,
        ..Verdict::default()
    });
    status.history = vec![
        HistoryEntry {
            state: VerdictState::Healthy,
            ..HistoryEntry::default()
        },
        HistoryEntry {
            state: VerdictState::Failing,
            findings: ["direct", "edge"]
                .map(|path| FoundOn {
                    code: Code::ConnectionReset,
                    path: path.into(),
                })
                .into(),
            ..HistoryEntry::default()
        },
    ];
    assert_eq!(causes(status), expected);
}

#[test]
fn an_unexplained_failure_has_its_path() {
    let failing = |path: &str| HistoryEntry {
        state: VerdictState::Inconclusive,
        path: path.into(),
        ..HistoryEntry::default()
    };
    let status = ClaudeProbeStatus {
        conditions: vec![condition(
            ConditionType::GatewayPathHealthy,
            "False",
            "NotExplained",
            "",
        )],
        history: vec![HistoryEntry::default(), failing("edge"), failing("other")],
        ..ClaudeProbeStatus::default()
    };
    assert_eq!(
        causes(status),
        [r#"type="GatewayPathHealthy",code="",layer="",path="edge"} 1"#]
    );
}

#[test]
fn a_failure_shared_by_all_gateways_has_a_cause() {
    let status = ClaudeProbeStatus {
        conditions: vec![condition(
            ConditionType::GatewayPathHealthy,
            "Unknown",
            "SharedCause",
            "",
        )],
        shared_cause: Some(Code::UpstreamOverloaded),
        findings: vec![finding(Code::RateLimited, "edge")],
        ..ClaudeProbeStatus::default()
    };
    let expected = r#"type="GatewayPathHealthy",code="UpstreamOverloaded",layer="Upstream",path=""} 1"#;
    assert_eq!(causes(status), [expected]);
}

#[test]
fn a_stale_probe_shows_its_reason() {
    let stale = |status: &str, reason: &str| {
        let conditions = vec![condition(ConditionType::GatewayPathHealthy, status, reason, "")];
        let status = ClaudeProbeStatus {
            conditions,
            ..ClaudeProbeStatus::default()
        };
        state([Shown { status, ..full() }])
    };
    assert!(stale("Unknown", "OverBudget").contains("assistants\",reason=\"OverBudget\"} 1"));
    assert!(!stale("Unknown", "Unconfirmed").contains("claudeprobe_stale"));
    assert!(!stale("True", "Answered").contains("claudeprobe_stale"));
    // Suspended before its first run: the reason is Suspended.
    let mut shown = full();
    shown.status.conditions = vec![
        condition(ConditionType::Ready, "True", "Suspended", ""),
        condition(ConditionType::GatewayPathHealthy, "Unknown", "NoRunYet", ""),
    ];
    let text = state([shown]);
    assert!(
        text.contains("reason=\"Suspended\"} 1") && !text.contains("reason=\"NoRunYet\""),
        "{text}"
    );
}

#[test]
fn an_accepted_finding_is_shown_and_does_not_count() {
    let mut shown = full();
    shown.status.findings[0].accepted = true;
    let text = state([shown]);
    assert!(text.contains("code=\"GatewayLatency\",layer=\"Network\"} 0"), "{text}");
    assert!(text.contains("code=\"StreamBuffered\",layer=\"Configuration\"} 1"));
}

#[test]
fn a_stale_probe_is_never_up() {
    let mut shown = full();
    assert!(state([shown.clone()]).contains("claudeprobe_up{namespace=\"ai\",probe=\"assistants\",path=\"edge\"} 1"));
    shown.status.findings.push(finding(Code::WrongRoute, "edge"));
    assert!(state([shown.clone()]).contains("path=\"edge\"} 0"));
    shown.status.verdict = Some(Verdict::default());
    assert!(!state([shown]).contains("claudeprobe_up"));
}

#[test]
fn a_label_value_cannot_break_a_line() {
    let mut shown = full();
    shown.status.paths[0].host = "a\"b\\c\nd".into();
    assert!(state([shown]).contains(r#"host="a\"b\\c\nd""#));
}
