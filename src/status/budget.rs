//! The token budget of a day: what a run may use, reserved before its pod is created, and the choice over budget.
//!
//! Pure. The reservation is the pod's annotation: a pod that the status does not account for yet counts with its whole
//! reservation.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::plan::{ForwardingCheckChoice, reservation};
use crate::resource::status::UsageStatus;
use crate::resource::validated::{Probe, estimate};

/// The UTC day of a moment, as in `usage.day`.
#[must_use]
pub fn day(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).date().to_string()
}

/// Tokens used today.
#[must_use]
pub fn used(usage: Option<&UsageStatus>, now: Timestamp) -> i64 {
    usage
        .filter(|usage| usage.day == day(now))
        .map_or(0, |usage| usage.tokens_today)
}

/// The usage after `tokens` more.
#[must_use]
pub fn charged(usage: Option<&UsageStatus>, tokens: i64, now: Timestamp) -> UsageStatus {
    UsageStatus {
        tokens_today: used(usage, now).saturating_add(tokens.max(0)),
        day: day(now),
    }
}

/// Whether the schedule plans more than the budget allows.
#[must_use]
pub fn planned_above(probe: &Probe) -> bool {
    estimate(probe).day > probe.tokens_per_day
}

/// Drops the long request from a run when the day's tokens do not suffice for both, and reduces the run to zero-token
/// exchanges when they do not suffice for the rest.
///
/// Where more is planned than allowed, paid runs are spread evenly: at noon at most half of the budget is spent.
#[must_use]
pub fn afford(probe: &Probe, asked: ForwardingCheckChoice, used: i64, now: Timestamp) -> ForwardingCheckChoice {
    let asked = ForwardingCheckChoice {
        long: asked.long && fits(probe, asked, used),
        ..asked
    };
    let free = ForwardingCheckChoice {
        zero_token_only: true,
        long: false,
        ..asked
    };
    if !fits(probe, asked, used) {
        return free;
    }
    let used = u64::try_from(used).unwrap_or(0);
    let budget = probe.tokens_per_day;
    let passed = u64::try_from(now.as_second().rem_euclid(86_400)).unwrap_or(0);
    let pace = u64::try_from(u128::from(budget) * u128::from(passed) / 86_400).unwrap_or(budget);
    if planned_above(probe) && used > pace {
        free
    } else {
        asked
    }
}

fn fits(probe: &Probe, choice: ForwardingCheckChoice, used: i64) -> bool {
    let used = u64::try_from(used).unwrap_or(0);
    used.saturating_add(reservation(probe, choice)) <= probe.tokens_per_day
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::status::fixture;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_over_budget_sends_zero_token_exchanges_only() {
        let probe = fixture::probe_with("budget: {tokensPerDay: 1000000}");
        let noon = at("2026-11-23T12:00:00Z");
        assert!(!afford(&probe, ForwardingCheckChoice::default(), 0, noon).zero_token_only);
        let choice = afford(&probe, ForwardingCheckChoice::default(), 999_999, noon);
        assert!(choice.zero_token_only);
        assert_eq!(reservation(&probe, choice), 0);
    }

    #[test]
    fn a_long_request_over_budget_is_dropped_from_the_ordinary_run() {
        let probe = fixture::probe_with(
            "budget: {tokensPerDay: 10000}\n  exchanges: {longRequest: {every: 24h, minSeconds: 60, maxTokens: 30000, timeout: 5m}}",
        );
        let asked = ForwardingCheckChoice {
            long: true,
            ..ForwardingCheckChoice::default()
        };
        let choice = afford(&probe, asked, 0, at("2026-11-23T12:00:00Z"));
        assert!(!choice.long && !choice.zero_token_only);
    }

    #[test]
    fn a_budget_below_the_plan_is_spread_over_the_day() {
        let probe = fixture::probe_with("budget: {tokensPerDay: 20000}");
        assert!(planned_above(&probe));
        let one = i64::try_from(reservation(&probe, ForwardingCheckChoice::default())).unwrap();
        let (mut used, mut paid) = (0, Vec::new());
        for slot in 0..288_i64 {
            let now = at("2026-11-23T00:00:00Z") + jiff::SignedDuration::from_mins(5 * slot);
            if !afford(&probe, ForwardingCheckChoice::default(), used, now).zero_token_only {
                used += one;
                paid.push(slot);
            }
        }
        assert!(used <= 20_000 && used > 19_000, "{used}");
        let gaps: Vec<_> = paid.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() <= 2, "{gaps:?}");
    }

    #[test]
    fn a_new_day_begins_with_nothing_used() {
        let usage = charged(None, 500, at("2026-11-23T23:59:00Z"));
        assert_eq!((usage.tokens_today, usage.day.as_str()), (500, "2026-11-23"));
        assert_eq!(used(Some(&usage), at("2026-11-23T23:59:59Z")), 500);
        assert_eq!(used(Some(&usage), at("2026-11-24T00:00:00Z")), 0);
        assert_eq!(charged(Some(&usage), 10, at("2026-11-24T00:01:00Z")).tokens_today, 10);
    }
}
