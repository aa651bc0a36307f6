//! Earlier verdicts: equal neighbours are folded, and unfolded again for the rules that use the last runs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::diagnosis::PastRun;
use crate::resource::status::HistoryEntry;

/// Earlier runs that a diagnosis uses.
const USED_RUNS: usize = 5;

/// Adds a run, newest first; one that equals its neighbour only raises its count.
pub fn add(history: &mut Vec<HistoryEntry>, entry: HistoryEntry, limit: usize) {
    let same = |newest: &HistoryEntry| {
        (
            newest.generation,
            newest.state,
            &newest.code,
            &newest.path,
            &newest.findings,
            &newest.conditions,
        ) == (
            entry.generation,
            entry.state,
            &entry.code,
            &entry.path,
            &entry.findings,
            &entry.conditions,
        )
    };
    match history.first_mut() {
        Some(newest) if same(newest) => {
            newest.count = newest.count.saturating_add(1);
            newest.at = entry.at;
        }
        _ => history.insert(0, entry),
    }
    // Even beyond the limit: the rules need the last runs.
    let mut runs = 0;
    let needed = history.iter().take_while(|entry| {
        let more = runs < USED_RUNS;
        runs += usize::try_from(entry.count).unwrap_or(1);
        more
    });
    let needed = needed.count();
    history.truncate(limit.max(needed));
}

/// The last runs under this generation of the spec, newest first, one by one.
#[must_use]
pub fn last_runs(history: &[HistoryEntry], generation: i64) -> Vec<PastRun> {
    let ms = |time: &Option<Time>| time.as_ref().map_or(0, |time| time.0.as_millisecond());
    let own = history.iter().take_while(|entry| entry.generation == Some(generation));
    let unfolded = own.flat_map(|entry| {
        let times = usize::try_from(entry.count.max(1)).unwrap_or(1).min(USED_RUNS);
        (0..times).map(move |number| PastRun {
            // Only the ends of a folded span are known; the rules use only the order.
            at_ms: if number == 0 { ms(&entry.at) } else { ms(&entry.since) },
            state: entry.state,
            code: entry.code.clone(),
            path: entry.path.clone(),
            findings: entry.findings.clone(),
            own_conditions: entry.conditions.clone(),
        })
    });
    unfolded.take(USED_RUNS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::resource::status::VerdictState;

    fn entry(minute: i64, state: VerdictState) -> HistoryEntry {
        let at = Some(Time(k8s_openapi::jiff::Timestamp::from_second(minute * 60).unwrap()));
        HistoryEntry {
            at: at.clone(),
            since: at,
            generation: Some(1),
            state,
            count: 1,
            ..HistoryEntry::default()
        }
    }

    #[test]
    fn equal_neighbours_are_folded_and_the_limit_holds() {
        let mut history = Vec::new();
        for minute in 0..4 {
            add(&mut history, entry(minute, VerdictState::Healthy), 3);
        }
        assert_eq!(history.len(), 1);
        assert_eq!(
            (history[0].count, &history[0].since),
            (4, &entry(0, VerdictState::Healthy).at)
        );
        for minute in 4..10 {
            let state = if minute % 2 == 0 {
                VerdictState::Failing
            } else {
                VerdictState::Healthy
            };
            add(&mut history, entry(minute, state), 3);
        }
        assert_eq!(history.len(), 5, "the runs that the rules need stay");
        assert_eq!(history[0].at, entry(9, VerdictState::Healthy).at);
        for minute in 10..20 {
            add(&mut history, entry(minute, VerdictState::Healthy), 3);
        }
        assert_eq!(history.len(), 3);
    }

    #[test]
    fn the_last_runs_come_back_one_by_one() {
        let mut history = Vec::new();
        for minute in 0..3 {
            add(&mut history, entry(minute, VerdictState::Healthy), 10);
        }
        add(&mut history, entry(3, VerdictState::Failing), 10);
        let states: Vec<_> = last_runs(&history, 1).iter().map(|run| run.state).collect();
        use VerdictState::{Failing, Healthy};
        assert_eq!(states, [Failing, Healthy, Healthy, Healthy]);
        assert_eq!(
            last_runs(&history, 2),
            [],
            "runs of another spec prove nothing about this one"
        );
    }
}
