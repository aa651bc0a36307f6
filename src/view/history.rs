//! The history as a timeline: the newest first, equal neighbours as one line with their count.

use jiff::Timestamp;

use super::{Cell, Table, age, path_shown, tone};
use crate::resource::status::HistoryEntry;

/// The timeline; without rows where nothing is remembered.
#[must_use]
pub fn timeline(history: &[HistoryEntry], now: Timestamp) -> Table {
    let generations = |entry: &HistoryEntry| entry.generation;
    let one_spec = history
        .windows(2)
        .all(|two| generations(&two[0]) == generations(&two[1]));
    let mut table =
        Table::new(&["HISTORY", "TO", "AGE", "RUNS", "VERDICT", "CODE", "PATH", "SPEC"]).dropping(&["TO", "SPEC"]);
    for entry in history {
        let (first, last) = (entry.since.as_ref().or(entry.at.as_ref()), entry.at.as_ref());
        let until = last.filter(|last| Some(*last) != first);
        table.row(vec![
            first.map_or_else(String::new, |at| at.0.to_string()).into(),
            until.map_or_else(String::new, |at| at.0.to_string()).into(),
            last.map_or_else(String::new, |at| age::between(at.0, now)).into(),
            entry.count.max(1).to_string().into(),
            Cell::toned(entry.state.name(), tone(entry.state)),
            entry.code.as_str().into(),
            path_shown(&entry.code, &entry.path).into(),
            // Only where it is useful: verdicts of another spec do not apply to this one.
            entry
                .generation
                .filter(|_| !one_spec)
                .map_or_else(String::new, |generation| generation.to_string())
                .into(),
        ]);
    }
    table
}
