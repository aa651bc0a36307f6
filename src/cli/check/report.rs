//! The report of `check`: the verdict with its findings and paths, in the status's own types.

use serde::{Deserialize, Serialize};

use crate::report::evidence::{Exchange, Outcome, RunEvidence};
use crate::resource::status::{Finding, PathStatus, Verdict};

/// The result of one check: the contract of `-o json` and `-o yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// The cause in one sentence.
    pub verdict: Verdict,
    /// Everything that the evidence shows, the verdict's cause first.
    pub findings: Vec<Finding>,
    /// What each path answered to the frozen request.
    pub paths: Vec<PathStatus>,
    /// Duration of the measuring, milliseconds.
    pub duration_ms: u32,
    /// Where the requests were sent from.
    pub vantage: Vantage,
    /// What the check has cost.
    pub cost: Cost,
}

/// Where the requests were sent from: another place may see something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vantage {
    /// This machine's host name.
    pub host: String,
    /// Forward proxies by path name; a path without one is absent.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub proxies: std::collections::BTreeMap<String, String>,
    /// Start of the measuring, RFC 3339.
    pub at: String,
}

/// What was sent, and what it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Requests that were sent, on all paths.
    pub requests: u32,
    /// Input tokens that the answers report.
    pub input_tokens: u32,
    /// Output tokens that the answers report.
    pub output_tokens: u32,
}

impl Cost {
    /// The sum over all exchanges of a run.
    #[must_use]
    pub fn of(evidence: &RunEvidence) -> Self {
        let exchanges = evidence.paths.iter().flat_map(|path| &path.exchanges);
        let exchanges = exchanges.filter(|exchange| exchange.outcome != Outcome::ConnectFailed);
        exchanges.fold(Self::default(), |sum, exchange: &Exchange| {
            let usage = exchange.billed().unwrap_or_default();
            Self {
                requests: sum.requests + 1,
                input_tokens: sum.input_tokens.saturating_add(usage.input),
                output_tokens: sum.output_tokens.saturating_add(usage.output),
            }
        })
    }
}
