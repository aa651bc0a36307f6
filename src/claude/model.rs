//! Retired models: the dates that were announced when this program was built.

use std::fmt;

/// Days before its end from which on a model is worth a warning.
pub const NOTICE_DAYS: i64 = 60;

/// Models by what their ids begin with, and the day they are retired (year, month, day).
const RETIRES: &[(&str, (i16, i8, i8))] = &[("claude-sonnet-4-5", (2026, 11, 30))];

/// A calendar day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// Whole days from this time (Unix milliseconds) to the beginning of the day; negative when it is over.
    #[must_use]
    pub fn days_after(self, now_ms: i64) -> i64 {
        let begins = self.0.to_zoned(jiff::tz::TimeZone::UTC);
        begins.map_or(i64::MAX, |at| {
            (at.timestamp().as_millisecond() - now_ms).div_euclid(86_400_000)
        })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The day on which this model, by alias or dated id, is retired, where one was announced.
#[must_use]
pub fn retires(model: &str) -> Option<Day> {
    let is = |id: &str| model == id || model.strip_prefix(id).is_some_and(|rest| rest.starts_with("-20"));
    let (_, (year, month, day)) = RETIRES.iter().find(|(id, _)| is(id))?;
    jiff::civil::Date::new(*year, *month, *day).ok().map(Day)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_alias_and_dated_id() {
        let day = retires("claude-sonnet-4-5").unwrap();
        assert_eq!(retires("claude-sonnet-4-5-20250929"), Some(day));
        assert_eq!(retires("claude-sonnet-4-50"), None);
        assert_eq!(retires("claude-haiku-4-5"), None);
        assert_eq!(day.to_string(), "2026-11-30");
        let week_before = 1_795_392_000_000;
        assert_eq!(day.days_after(week_before), 7);
        assert!(day.days_after(week_before + 9 * 86_400_000) < 0);
    }
}
