//! Counters of one probe, kept in memory and removed with it.

use std::collections::BTreeMap;

use crate::resource::status::RunResult;

/// Results of runs.
pub const RESULTS: [&str; 4] = ["reported", "not_started", "report_lost", "superseded"];
/// The label of this result, one of [`RESULTS`].
#[must_use]
pub fn label(result: &RunResult) -> &'static str {
    match result {
        RunResult::Reported => RESULTS[0],
        RunResult::NotStarted => RESULTS[1],
        RunResult::ReportLost | RunResult::Other(_) => RESULTS[2],
        RunResult::Superseded => RESULTS[3],
    }
}

/// Reasons of missed slots.
pub const MISSED: [&str; 2] = ["late", "not_started"];

/// Counters since this process leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Runs that ended, by result: a closed set of labels.
    pub runs: BTreeMap<&'static str, u64>,
    /// Missed slots, by reason: a closed set of labels.
    pub missed: BTreeMap<&'static str, u64>,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// US dollars, where the model's price is known.
    pub cost: f64,
}
