//! The views of a probe: `check`, `explain`, `list` and `run` write them to a terminal, the status page to HTML.
//!
//! Defines content, order and wording: verdict, evidence side by side, findings, conditions, keys, history. Knows
//! neither terminals nor HTML, judges nothing, and reads nothing.

pub mod age;
pub mod explanation;
pub mod finding;
pub mod history;
mod known;
mod listed;
pub mod paths;
pub mod runs;
mod table;

pub use crate::status::figures::{Figures, Measured, Trend};
pub use explanation::Explanation;
pub use known::{Known, Unreadable, cleaned};
pub use listed::Listed;
pub use table::{Cell, Column, Table, Tone};

use crate::resource::status::VerdictState;

/// The tone of a verdict's state.
#[must_use]
pub fn tone(state: VerdictState) -> Tone {
    match state {
        VerdictState::Healthy => Tone::Good,
        VerdictState::Degraded => Tone::Warning,
        VerdictState::Failing => Tone::Bad,
        VerdictState::Inconclusive | VerdictState::Unknown => Tone::Undecided,
    }
}

/// The path that a code is on: `all` where it is on none of its own, empty where there is no code.
#[must_use]
pub fn path_shown<'a>(code: &str, path: &'a str) -> &'a str {
    if path.is_empty() && !code.is_empty() {
        "all"
    } else {
        path
    }
}
