//! What stands behind a published condition, as labels.
//!
//! Alerts rest on conditions, because these change only when runs agree, and name a cause in their text. Derived from the
//! status alone: a restart or another leader shows the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::catalogue::{Code, ConditionType};
use crate::resource::status::{ClaudeProbeStatus, VerdictState};
use crate::status::judge::NO_RUN_REASONS;

const DIRECT: &str = "direct";

/// Why a condition does not hold. Empty fields: the evidence does not tell, or it concerns no path or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The condition's type.
    pub kind: String,
    /// The finding's code.
    pub code: &'static str,
    /// Its layer.
    pub layer: String,
    /// The path it is on.
    pub path: String,
}

/// One per condition that is False, and one for gateways that all fail for a reason that is not theirs.
pub(crate) fn causes(status: &ClaudeProbeStatus) -> Vec<Cause> {
    let conditions = status.conditions.iter();
    conditions.filter_map(|condition| cause(status, condition)).collect()
}

fn cause(status: &ClaudeProbeStatus, condition: &Condition) -> Option<Cause> {
    let shared = condition.reason == "SharedCause";
    if condition.status != "False" && !shared {
        return None;
    }
    let code = if shared {
        shared_code(status, &condition.message)
    } else {
        Code::from_name(&condition.reason)
    };
    let is = |kind: ConditionType| condition.type_ == format!("{kind:?}");
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
        layer: code.map_or_else(String::new, |code| format!("{:?}", code.entry().layer)),
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
        let findings = entry.findings.iter().filter_map(|name| name.split_once('@'));
        verdict
            .into_iter()
            .chain(findings.filter_map(|(code, path)| Some((Code::from_name(code)?, path))))
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

/// The one that the condition's message names.
fn shared_code(status: &ClaudeProbeStatus, message: &str) -> Option<Code> {
    let named = |code: Code| code.is_shareable() && message.contains(&format!(": {code}."));
    seen(status).map(|(code, _)| code).find(|code| named(*code))
}

/// Why no run speaks for the present, if none does. A probe that was suspended before its first run waits for nobody.
pub(crate) fn blind(status: &ClaudeProbeStatus) -> Option<&'static str> {
    let reason = |kind: ConditionType| {
        let kind = format!("{kind:?}");
        let condition = status.conditions.iter().find(|condition| condition.type_ == kind);
        condition.map(|condition| condition.reason.as_str())
    };
    let suspended = reason(ConditionType::Ready) == Some("Suspended");
    let said = match reason(ConditionType::GatewayPathHealthy)? {
        "NoRunYet" if suspended => "Suspended",
        said => said,
    };
    NO_RUN_REASONS.into_iter().find(|reason| *reason == said)
}
