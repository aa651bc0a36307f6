//! The cause of a published condition, as labels.
//!
//! Alerts are based on conditions, because these change only when runs agree, and name the cause in their text. Derived
//! from the status alone: a restart or another leader shows the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::catalogue::{Code, ConditionType};
use crate::resource::status::{ClaudeProbeStatus, VerdictState};

const DIRECT: &str = "direct";

/// Why a condition is False. Empty fields: the cause is unknown, or concerns no path or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The condition's type.
    pub kind: String,
    /// The finding's code.
    pub code: &'static str,
    /// Its layer.
    pub layer: &'static str,
    /// The path it is on.
    pub path: String,
}

/// One per condition that is False, and one where all gateways fail for a shared cause.
#[must_use]
pub fn causes(status: &ClaudeProbeStatus) -> Vec<Cause> {
    let conditions = status.conditions.iter();
    conditions.filter_map(|condition| cause(status, condition)).collect()
}

fn cause(status: &ClaudeProbeStatus, condition: &Condition) -> Option<Cause> {
    let shared = condition.reason == "SharedCause";
    if condition.status != "False" && !shared {
        return None;
    }
    let code = if shared {
        status.shared_cause
    } else {
        Code::from_name(&condition.reason)
    };
    let is = |kind: ConditionType| condition.type_ == kind.name();
    let path = if shared || is(ConditionType::Ready) || is(ConditionType::ProberOperational) {
        None
    } else if is(ConditionType::DirectPathHealthy) {
        Some(DIRECT)
    } else {
        let fits = |path: &str| !is(ConditionType::GatewayPathHealthy) || path != DIRECT;
        match code {
            Some(code) => seen(status)
                .find(|(found, path)| *found == code && fits(path))
                .map(|(_, path)| path),
            None => failed(status).find(|path| fits(path)),
        }
    };
    Some(Cause {
        kind: condition.type_.clone(),
        code: code.map_or("", Code::name),
        layer: code.map_or("", |code| code.entry().layer.name()),
        path: path.unwrap_or_default().to_owned(),
    })
}

/// Codes and paths of all findings that the status remembers, newest first.
fn seen(status: &ClaudeProbeStatus) -> impl Iterator<Item = (Code, &str)> {
    let latest = status
        .findings
        .iter()
        .map(|finding| (finding.code, finding.path.as_str()));
    let earlier = status.history.iter().flat_map(|entry| {
        let verdict = Code::from_name(&entry.code).map(|code| (code, entry.path.as_str()));
        let findings = entry.findings.iter().map(|found| (found.code, found.path.as_str()));
        verdict.into_iter().chain(findings)
    });
    latest.chain(earlier)
}

/// Paths of failing verdicts, newest first.
fn failed(status: &ClaudeProbeStatus) -> impl Iterator<Item = &str> {
    let failing = |state| matches!(state, VerdictState::Failing | VerdictState::Inconclusive);
    let latest = status
        .verdict
        .iter()
        .map(|verdict| (verdict.state, verdict.path.as_str()));
    let earlier = status.history.iter().map(|entry| (entry.state, entry.path.as_str()));
    latest
        .chain(earlier)
        .filter(move |(state, _)| failing(*state))
        .map(|(_, path)| path)
}
