//! When a probe runs: the parsed schedule, and the defaults that follow from its interval.
//!
//! Computes when a cron fires; the operator decides which slot is due.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fault::Faults;
use crate::resource::spec;

/// Shortest interval. A run has 80 % of it and reports 15 s before its end: at 30 s that leaves 9 s for the exchanges,
/// about what the default request needs on two paths; anything shorter would report nothing but its own deadline.
pub const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// Longest interval of `every`.
pub const MAX_INTERVAL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Shortest run timeout: 5 s to probe, 15 s to report.
pub const MIN_RUN_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest run timeout.
pub const MAX_RUN_TIMEOUT: Duration = Duration::from_secs(2 * 3600);
/// Bounds of the starting deadline.
pub const STARTING_DEADLINE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(24 * 3600));

/// When a probe runs.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Once per interval, at a moment in it that follows from the probe's UID.
    Every(Duration),
    /// When the clock on the wall says so.
    Cron(Box<Cron>),
}

impl Schedule {
    /// Shortest time between two runs.
    #[must_use]
    pub fn interval(&self) -> Duration {
        match self {
            Self::Every(interval) => *interval,
            Self::Cron(cron) => cron.interval,
        }
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Every(one), Self::Every(two)) => one == two,
            (Self::Cron(one), Self::Cron(two)) => one.expression == two.expression && one.zone == two.zone,
            _ => false,
        }
    }
}

/// A cron expression in its time zone, known to fire.
#[derive(Clone, Debug)]
pub struct Cron {
    expression: String,
    zone: TimeZone,
    interval: Duration,
    pattern: croner::Cron,
}

impl Cron {
    /// Reads five fields; names of months and weekdays, lists, ranges and steps are known, extensions of Quartz are
    /// not.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the field's name: syntax, unknown extensions, or that it never fires.
    pub fn parse(expression: &str, zone: TimeZone) -> Result<Self, String> {
        let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
        if fields.len() != 5 {
            return Err(format!(
                "must have five fields (minute, hour, day of month, month, day of week) but has {}",
                fields.len()
            ));
        }
        let empty_entry = |field: &&str| field.split(',').any(str::is_empty);
        if expression.trim() != expression || expression.contains(char::is_control) || fields.iter().any(empty_entry) {
            return Err("must not have blanks around it, tabs or empty list entries".into());
        }
        // Croner knows more than Kubernetes' CronJob does; a schedule means the same here as there.
        if fields.iter().any(|field| has_extension(field)) {
            return Err("must not use L, W, # or ?: write days as numbers, ranges, lists, * or */n".into());
        }
        let pattern = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| format!("must be a cron expression such as \"*/5 * * * *\": {error}"))?;
        if never_fires(&pattern) {
            return Err("must fire at some time: no month has such a day".into());
        }
        let mut cron = Self {
            expression: expression.to_owned(),
            zone,
            interval: MAX_INTERVAL,
            pattern,
        };
        cron.interval = cron
            .shortest_gap()
            .ok_or_else(|| String::from("must fire at some time: no month has such a day"))?;
        Ok(cron)
    }

    /// The first time after `after` at which it fires, by the clock of its zone: a time that a change to summer time
    /// skips fires once right after the gap, one that comes twice in autumn fires once (`*/n` minutes and hours go on
    /// through both). `None` when there is none before the year 9999.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.zone.clone());
        let next = self.pattern.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp())
    }

    /// The last time at or before `at` at which it fired; `None` when there was none.
    #[must_use]
    pub fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.to_zoned(self.zone.clone());
        let last = self.pattern.find_previous_occurrence(&at, true).ok()?;
        Some(last.timestamp())
    }

    /// The expression as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Its time zone's name, `UTC` by default.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The shortest of the first gaps between two firings, counted from a fixed day, so that it does not depend on
    /// today.
    fn shortest_gap(&self) -> Option<Duration> {
        const FIRINGS: usize = 32;
        let mut at = self.next_after(Timestamp::UNIX_EPOCH)?;
        let mut shortest = None;
        for _ in 0..FIRINGS {
            let Some(next) = self.next_after(at) else { break };
            let gap = Duration::try_from(next.duration_since(at)).ok()?;
            shortest = Some(shortest.map_or(gap, |known: Duration| known.min(gap)));
            at = next;
        }
        shortest
    }
}

fn has_extension(field: &str) -> bool {
    let field = field.to_ascii_uppercase();
    let names_removed = ["JUL", "APR", "WED"]
        .iter()
        .fold(field, |field, name| field.replace(name, ""));
    names_removed.contains(['L', 'W', '#', '?', '@', '+'])
}

/// Croner finds this out by searching 5,000 years (120 ms); the calendar says it at once.
fn never_fires(pattern: &croner::Cron) -> bool {
    let pattern = &pattern.pattern;
    if pattern.is_dom_wildcard() || !pattern.is_dow_wildcard() {
        return false;
    }
    const LONGEST: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let first_day = pattern.days.values().into_iter().min().unwrap_or(u16::MAX);
    !pattern.months.values().iter().any(|month| {
        LONGEST
            .get(usize::from(*month).wrapping_sub(1))
            .is_some_and(|days| first_day <= *days)
    })
}

pub(super) struct Timing {
    pub schedule: Schedule,
    pub starting_deadline: Duration,
    pub run_timeout: Duration,
}

pub(super) fn timing(spec: &spec::ClaudeProbeSpec, faults: &mut Faults) -> Option<Timing> {
    let schedule = schedule(&spec.schedule, faults);
    let interval = schedule.as_ref().map(Schedule::interval);
    let starting_deadline = match &spec.starting_deadline {
        Some(text) => faults.duration("spec.startingDeadline", text, STARTING_DEADLINE),
        None => interval.map(default_starting_deadline),
    };
    let run_timeout = match &spec.run_timeout {
        Some(text) => faults
            .duration("spec.runTimeout", text, (MIN_RUN_TIMEOUT, MAX_RUN_TIMEOUT))
            .filter(|timeout| {
                let fits = interval.is_none_or(|interval| *timeout < interval);
                faults.check(
                    fits,
                    "spec.runTimeout",
                    "must be shorter than the interval of the schedule: one run at a time",
                );
                fits
            }),
        None => interval.map(default_run_timeout),
    };
    Some(Timing {
        schedule: schedule?,
        starting_deadline: starting_deadline?,
        run_timeout: run_timeout?,
    })
}

fn schedule(spec: &spec::Schedule, faults: &mut Faults) -> Option<Schedule> {
    match (&spec.every, &spec.cron) {
        (Some(every), None) => {
            faults.check(
                spec.time_zone.is_none(),
                "spec.schedule.timeZone",
                "must be unset unless cron is set",
            );
            faults
                .duration("spec.schedule.every", every, (MIN_INTERVAL, MAX_INTERVAL))
                .map(Schedule::Every)
        }
        (None, Some(cron)) => {
            let name = spec.time_zone.as_deref().unwrap_or("UTC");
            // The API server knows the exact names only.
            let zone = TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name));
            let Some(zone) = zone else {
                faults.add(
                    "spec.schedule.timeZone",
                    format!("{name:?} must be an IANA time zone such as Europe/Berlin"),
                );
                return None;
            };
            match Cron::parse(cron, zone) {
                Ok(cron) => Some(Schedule::Cron(Box::new(cron))),
                Err(message) => {
                    faults.add("spec.schedule.cron", format!("{cron:?} {message}"));
                    None
                }
            }
        }
        _ => {
            faults.add("spec.schedule", "must have exactly one of every and cron");
            None
        }
    }
}

fn default_starting_deadline(interval: Duration) -> Duration {
    (interval / 5).clamp(Duration::from_secs(120), STARTING_DEADLINE.1)
}

fn default_run_timeout(interval: Duration) -> Duration {
    (interval * 4 / 5).min(Duration::from_secs(180))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn cron(expression: &str, zone: &str) -> Result<Cron, String> {
        Cron::parse(expression, TimeZone::get(zone).unwrap())
    }

    #[rstest]
    #[case("*/5 * * * *", 300)]
    #[case("0 9,10 * * MON", 3600)]
    #[case("0 0 29 2 *", 4 * 365 * 86_400 + 86_400)]
    #[case("30 6 * JUL,APR WED", 7 * 86_400)]
    #[case("0 0 31 2 1", 7 * 86_400)]
    fn the_interval_is_the_shortest_gap(#[case] expression: &str, #[case] seconds: u64) {
        assert_eq!(cron(expression, "UTC").unwrap().interval, Duration::from_secs(seconds));
    }

    #[rstest]
    #[case("0 0 31 2 *", "must fire at some time")]
    #[case("0 0 31 4,6,9,11 *", "must fire at some time")]
    #[case("0 0 L * *", "must not use L")]
    #[case("0 0 15W * *", "must not use L")]
    #[case("0 0 * * 5#2", "must not use L")]
    #[case("0 0 ? * 1", "must not use L")]
    #[case("@hourly", "five fields")]
    #[case("*/5 * * * * *", "five fields")]
    #[case("61 * * * *", "must be a cron expression")]
    fn what_never_fires_or_means_something_else_elsewhere_is_rejected(#[case] expression: &str, #[case] message: &str) {
        let error = cron(expression, "UTC").unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[rstest]
    // Berlin: summer time from 2027-03-28 02:00 to 03:00, until 2027-10-31 03:00 to 02:00.
    #[case("30 2 * * *", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z")]
    #[case("30 2 * * *", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z")]
    #[case("30 2 * * *", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z")]
    #[case("30 2 * * *", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z")]
    #[case("*/30 * * * *", "2027-10-31T00:30:00Z", "2027-10-31T01:00:00Z")]
    fn the_clock_on_the_wall_decides(#[case] expression: &str, #[case] after: &str, #[case] next: &str) {
        let cron = cron(expression, "Europe/Berlin").unwrap();
        assert_eq!(cron.next_after(after.parse().unwrap()), Some(next.parse().unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn the_next_firing_is_later_and_on_a_whole_minute(
            millis in 1_700_000_000_000_i64..4_000_000_000_000,
            expression in proptest::sample::select(vec!["* * * * *", "*/7 3 * * *", "30 2 * * *", "0 0 29 2 *", "15 1 * * SUN"]),
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
        ) {
            let after = Timestamp::from_millisecond(millis).unwrap();
            let next = cron(expression, zone).unwrap().next_after(after).unwrap();
            proptest::prop_assert!(next > after);
            proptest::prop_assert_eq!(next.as_nanosecond() % 60_000_000_000, 0);
        }

        #[test]
        fn any_interval_leaves_a_run_its_time(seconds in 30_u64..=604_800) {
            let interval = Duration::from_secs(seconds);
            let timeout = default_run_timeout(interval);
            proptest::prop_assert!(timeout >= MIN_RUN_TIMEOUT && timeout < interval);
            let deadline = default_starting_deadline(interval);
            proptest::prop_assert!(deadline >= STARTING_DEADLINE.0 && deadline <= STARTING_DEADLINE.1);
        }
    }

    #[rstest]
    #[case(30, 24, 120)]
    #[case(300, 180, 120)]
    #[case(3600, 180, 720)]
    fn defaults_follow_the_interval(#[case] interval: u64, #[case] timeout: u64, #[case] deadline: u64) {
        let interval = Duration::from_secs(interval);
        assert_eq!(default_run_timeout(interval), Duration::from_secs(timeout));
        assert_eq!(default_starting_deadline(interval), Duration::from_secs(deadline));
    }
}
