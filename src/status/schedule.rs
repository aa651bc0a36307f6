//! Slots: which run is due, how many were missed, when the next one is due.
//!
//! Pure: knows spec values, the cursor that the status keeps (`nextRun`, the first unhandled slot) and `now`; knows no
//! clock, no pod and no client. A slot is handled once: by a run, or by being counted as missed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ring::digest;

use crate::resource::validated::Schedule;

/// Upper limit of counted missed slots (a month of one-minute slots is 44,640).
const COUNTED_AT_MOST: u32 = 100_000;

/// The first slot strictly after `after`; `None` when there never is one.
#[must_use]
pub fn next(schedule: &Schedule, uid: &str, after: Timestamp) -> Option<Timestamp> {
    match schedule {
        Schedule::Every(interval) => {
            let grid = Grid::of(uid, *interval);
            grid.slot(grid.index(after) + 1)
        }
        Schedule::Cron(cron) => cron.next_after(after),
    }
}

/// The last slot at or before `at`; `None` when there was none.
#[must_use]
pub fn previous(schedule: &Schedule, uid: &str, at: Timestamp) -> Option<Timestamp> {
    match schedule {
        Schedule::Every(interval) => {
            let grid = Grid::of(uid, *interval);
            grid.slot(grid.index(at))
        }
        Schedule::Cron(cron) => cron.last_until(at),
    }
}

/// Slots in `[from, until)`.
fn count(schedule: &Schedule, uid: &str, from: Timestamp, until: Timestamp) -> u32 {
    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    if let Schedule::Every(interval) = schedule {
        let grid = Grid::of(uid, *interval);
        let between = grid.index(until - SECOND) - grid.index(from - SECOND);
        return u32::try_from(between).unwrap_or(0).min(COUNTED_AT_MOST);
    }
    let mut count = 0;
    let mut at = from - SECOND;
    while count < COUNTED_AT_MOST {
        match next(schedule, uid, at) {
            Some(slot) if slot < until => {
                count += 1;
                at = slot;
            }
            _ => break,
        }
    }
    count
}

/// The slots of an interval: the same after every restart, evenly spread over probes, on whole seconds.
struct Grid {
    interval: i64,
    offset: i64,
}

impl Grid {
    fn of(uid: &str, interval: Duration) -> Self {
        let interval = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(1);
        let hash = digest::digest(&digest::SHA256, uid.as_bytes());
        let number = hash
            .as_ref()
            .iter()
            .take(7)
            .fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
        Self {
            interval,
            offset: number % interval,
        }
    }

    /// The number of the last slot at or before `at`.
    fn index(&self, at: Timestamp) -> i64 {
        (at.as_second() - self.offset).div_euclid(self.interval)
    }

    fn slot(&self, index: i64) -> Option<Timestamp> {
        Timestamp::from_second(self.offset + index * self.interval).ok()
    }
}

/// What a run is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A slot of the schedule.
    At(Timestamp),
    /// The first run of this generation of the spec.
    Generation(i64),
    /// Requested by the annotation; holds the hash of its value.
    RunNow(String),
}

impl Slot {
    /// The slot that the annotation's value stands for.
    #[must_use]
    pub fn run_now(value: &str) -> Self {
        Self::RunNow(short_hash(&[value]))
    }
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::Generation(generation) => write!(f, "g{generation}"),
            Self::RunNow(hash) => write!(f, "r{hash}"),
        }
    }
}

impl std::str::FromStr for Slot {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(generation) = text.strip_prefix('g') {
            return generation.parse().map(Self::Generation).map_err(|_| ());
        }
        if let Some(hash) = text.strip_prefix('r') {
            let fine = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return if fine { Ok(Self::RunNow(hash.into())) } else { Err(()) };
        }
        text.parse().map(Self::At).map_err(|_| ())
    }
}

/// A hash of these parts for names: ten lower-case characters (50 bits of SHA-256).
#[must_use]
pub fn short_hash(parts: &[&str]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    let hash = context.finish();
    hash.as_ref()
        .iter()
        .take(10)
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
        .collect()
}

/// The input that decides which slot is due.
#[derive(Clone, Debug)]
pub struct ScheduleState<'a> {
    /// When slots come.
    pub schedule: &'a Schedule,
    /// The probe's UID.
    pub uid: &'a str,
    /// The first unhandled slot of the schedule; `None` before the first run ended.
    pub cursor: Option<Timestamp>,
    /// The spec's generation.
    pub generation: i64,
    /// The generation of the last status.
    pub handled_generation: Option<i64>,
    /// No scheduled runs.
    pub suspend: bool,
    /// The annotation's value, when it was not handled yet.
    pub run_now: Option<&'a str>,
    /// How late a slot may start.
    pub starting_deadline: SignedDuration,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The run to start now.
    pub due: Option<Slot>,
    /// Missed slots of the schedule before `due` (or before now).
    pub missed: u32,
    /// The first slot of the schedule after now; `None` when suspended or when there never is one.
    pub next: Option<Timestamp>,
}

/// Which slot is due at `now`.
#[must_use]
pub fn due(state: &ScheduleState<'_>, now: Timestamp) -> Due {
    let ScheduleState { schedule, uid, .. } = state;
    let next = if state.suspend { None } else { next(schedule, uid, now) };
    let requested = state.run_now.map(Slot::run_now);
    let changed = state.handled_generation != Some(state.generation);
    // A changed spec has a new schedule: missed slots of the old one do not count.
    if state.suspend || changed {
        let first = (!state.suspend).then_some(Slot::Generation(state.generation));
        return Due {
            due: first.or(requested),
            missed: 0,
            next,
        };
    }
    let Some(cursor) = state.cursor.filter(|cursor| *cursor <= now) else {
        return Due {
            due: requested,
            missed: 0,
            next,
        };
    };
    let newest = previous(schedule, uid, now).filter(|slot| *slot >= cursor);
    let runnable = newest.filter(|slot| *slot + state.starting_deadline > now);
    let until = runnable.unwrap_or(now + SignedDuration::from_secs(1));
    let missed = count(schedule, uid, cursor, until);
    // A scheduled slot goes first: the requested run can wait, the slot would be missed.
    Due {
        due: runnable.map(Slot::At).or(requested),
        missed,
        next,
    }
}

/// The schedule after a run of this slot has ended: the missed slots, and the new cursor.
#[must_use]
pub fn after(state: &ScheduleState<'_>, ran: &Slot, now: Timestamp) -> (u32, Option<Timestamp>) {
    let ScheduleState { schedule, uid, .. } = state;
    if state.suspend {
        return (0, None);
    }
    let (missed, cursor) = match ran {
        // A changed spec starts a new schedule.
        Slot::Generation(_) => (0, next(schedule, uid, now)),
        Slot::At(slot) => {
            let before = state.cursor.map_or(0, |cursor| count(schedule, uid, cursor, *slot));
            (before, next(schedule, uid, *slot))
        }
        Slot::RunNow(_) => (0, state.cursor.or_else(|| next(schedule, uid, now))),
    };
    // Slots during the run: at most the newest can still run.
    let handled = Some(state.generation);
    let left = due(
        &ScheduleState {
            cursor,
            handled_generation: handled,
            run_now: None,
            ..state.clone()
        },
        now,
    );
    match left.due {
        Some(Slot::At(due)) => (missed + left.missed, Some(due)),
        _ if left.missed > 0 => (missed + left.missed, left.next),
        _ => (missed, cursor),
    }
}

/// A duration of the spec as jiff's; they are at most days.
#[must_use]
pub fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::resource::validated::Cron;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    fn berlin(expression: &str) -> Schedule {
        Schedule::Cron(Box::new(
            Cron::parse(expression, TimeZone::get("Europe/Berlin").unwrap()).unwrap(),
        ))
    }

    fn state(cadence: &Schedule) -> ScheduleState<'_> {
        ScheduleState {
            schedule: cadence,
            uid: "u",
            cursor: None,
            generation: 1,
            handled_generation: Some(1),
            suspend: false,
            run_now: None,
            starting_deadline: minutes(2),
        }
    }

    #[test]
    fn a_new_probe_and_a_changed_spec_run_once_immediately() {
        let cadence = Schedule::Every(Duration::from_secs(300));
        let now = at("2026-11-23T10:00:00Z");
        let new = ScheduleState {
            handled_generation: None,
            ..state(&cadence)
        };
        assert_eq!(due(&new, now).due, Some(Slot::Generation(1)));
        let changed = ScheduleState {
            generation: 2,
            cursor: Some(now - minutes(60)),
            ..state(&cadence)
        };
        assert_eq!(
            due(&changed, now),
            Due {
                due: Some(Slot::Generation(2)),
                missed: 0,
                next: next(&cadence, "u", now)
            }
        );
        let handled = state(&cadence);
        assert_eq!(due(&handled, now).due, None);
    }

    #[test]
    fn after_downtime_only_the_newest_slot_runs_and_the_rest_is_counted() {
        let cadence = berlin("*/5 * * * *");
        let requested = ScheduleState {
            cursor: Some(at("2026-11-23T10:00:00Z")),
            ..state(&cadence)
        };
        assert_eq!(
            due(&requested, at("2026-11-23T10:21:30Z")),
            Due {
                due: Some(Slot::At(at("2026-11-23T10:20:00Z"))),
                missed: 4,
                next: Some(at("2026-11-23T10:25:00Z"))
            }
        );
        assert_eq!(
            due(&requested, at("2026-11-23T10:22:00Z")),
            Due {
                due: None,
                missed: 5,
                next: Some(at("2026-11-23T10:25:00Z"))
            }
        );
    }

    #[test]
    fn a_suspended_probe_runs_only_on_request() {
        let cadence = Schedule::Every(Duration::from_secs(300));
        let now = at("2026-11-23T10:00:00Z");
        let quiet = ScheduleState {
            suspend: true,
            generation: 2,
            cursor: Some(now - minutes(60)),
            ..state(&cadence)
        };
        assert_eq!(
            due(&quiet, now),
            Due {
                due: None,
                missed: 0,
                next: None
            }
        );
        let requested = ScheduleState {
            run_now: Some("x"),
            ..quiet
        };
        assert_eq!(due(&requested, now).due, Some(Slot::run_now("x")));
    }

    #[test]
    fn daylight_saving_time_doubles_no_slot() {
        let daily = berlin("30 2 * * *");
        // 2027-03-28: 02:30 does not exist; the run comes when the clock has jumped.
        let spring = next(&daily, "u", at("2027-03-27T12:00:00Z")).unwrap();
        assert_eq!(spring, at("2027-03-28T01:00:00Z"));
        assert_eq!(next(&daily, "u", spring).unwrap(), at("2027-03-29T00:30:00Z"));
        // 2026-10-25: 02:30 comes twice; it runs once.
        let autumn = next(&daily, "u", at("2026-10-24T12:00:00Z")).unwrap();
        assert_eq!(autumn, at("2026-10-25T00:30:00Z"));
        assert_eq!(next(&daily, "u", autumn).unwrap(), at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn probes_are_spread_over_the_interval() {
        let cadence = Schedule::Every(Duration::from_secs(300));
        let mut per_minute = [0; 5];
        for number in 0..1000 {
            let slot = next(&cadence, &format!("uid-{number}"), at("2026-11-23T10:00:00Z")).unwrap();
            per_minute[usize::try_from((slot.as_second() - 1) % 300 / 60).unwrap()] += 1;
        }
        assert!(
            per_minute.iter().all(|count| (150..=250).contains(count)),
            "{per_minute:?}"
        );
    }

    fn cadences() -> impl Strategy<Value = Schedule> {
        prop_oneof![
            (30_u64..100_000).prop_map(|seconds| Schedule::Every(Duration::from_secs(seconds))),
            prop::sample::select(vec!["*/5 * * * *", "0 * * * *", "30 2 * * *", "7,37 1-3 * * *"]).prop_map(berlin),
        ]
    }

    proptest! {
        #[test]
        fn the_next_slot_is_after_now_and_the_one_before_it_is_not(
            cadence in cadences(), uid in "[a-z0-9]{1,12}", second in 1_700_000_000_i64..1_900_000_000
        ) {
            let now = Timestamp::from_second(second).unwrap();
            let following = next(&cadence, &uid, now).unwrap();
            prop_assert!(following > now);
            let before = previous(&cadence, &uid, now).unwrap();
            prop_assert!(before <= now);
            prop_assert_eq!(next(&cadence, &uid, before).unwrap(), following);
        }

        /// With any delay and any number of reconciles, each slot is run or counted exactly once.
        #[test]
        fn no_slot_is_run_twice_and_none_is_lost(
            cadence in cadences(), uid in "[a-z0-9]{1,12}", start in 1_790_000_000_i64..1_800_000_000,
            waits in prop::collection::vec(1_i64..20_000, 1..30)
        ) {
            let start = Timestamp::from_second(start).unwrap();
            let mut now = start;
            let mut cursor = next(&cadence, &uid, start).unwrap();
            let (mut ran, mut missed) = (Vec::new(), 0);
            for wait in waits {
                now += SignedDuration::from_secs(wait);
                let requested = ScheduleState { cursor: Some(cursor), uid: &uid, ..state(&cadence) };
                let turn = due(&requested, now);
                missed += turn.missed;
                if let Some(Slot::At(slot)) = turn.due {
                    prop_assert!(slot <= now && slot + requested.starting_deadline > now);
                    ran.push(slot);
                }
                cursor = turn.next.unwrap();
            }
            let distinct: std::collections::BTreeSet<_> = ran.iter().collect();
            prop_assert_eq!(distinct.len(), ran.len());
            let total = count(&cadence, &uid, start + SignedDuration::from_secs(1), now + SignedDuration::from_secs(1));
            prop_assert_eq!(u64::from(total), u64::from(missed) + ran.len() as u64);
        }

        /// The same with long runs: the cursor moves only when a run ends or when slots are counted.
        #[test]
        fn long_runs_neither_lose_nor_double_a_slot(
            cadence in cadences(), uid in "[a-z0-9]{1,12}", start in 1_790_000_000_i64..1_800_000_000,
            waits in prop::collection::vec((1_i64..5_000, 0_i64..400), 1..30)
        ) {
            let start = Timestamp::from_second(start).unwrap();
            let mut now = start;
            let mut cursor = next(&cadence, &uid, start);
            let (mut ran, mut missed) = (std::collections::BTreeSet::new(), 0);
            for (wait, length) in waits {
                now += SignedDuration::from_secs(wait);
                let requested = ScheduleState { cursor, uid: &uid, ..state(&cadence) };
                let due = due(&requested, now);
                if let Some(slot) = due.due {
                    now += SignedDuration::from_secs(length);
                    let (more, then) = after(&requested, &slot, now);
                    prop_assert!(ran.insert(slot));
                    missed += more;
                    cursor = then;
                } else if due.missed > 0 {
                    missed += due.missed;
                    cursor = due.next;
                }
            }
            let total = count(&cadence, &uid, start + SignedDuration::from_secs(1), cursor.unwrap());
            prop_assert_eq!(u64::from(total), u64::from(missed) + ran.len() as u64);
        }

        #[test]
        fn a_slot_reads_back_from_its_text(second in 0_i64..4_000_000_000, generation in 1_i64..1_000_000, value in ".*") {
            for slot in [Slot::At(Timestamp::from_second(second).unwrap()), Slot::Generation(generation), Slot::run_now(&value)] {
                prop_assert_eq!(slot.to_string().parse::<Slot>(), Ok(slot));
            }
        }
    }
}
