//! When models retire, as Claude's list of models said when this release was made.
//!
//! Nothing in a reply of the Messages API says that its model will retire. The Models API does (`retires_at` of
//! `GET /v1/models/{id}`), but gateways need not serve it, and a probe does not ask it. So this table is all that is known here, and
//! a model that it does not list is one of which nothing is known.

use jiff::civil::{Date, date};

use super::price::is_family;

/// What the table says of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// It is retired since before this release.
    Past,
    /// It retires on this day (UTC).
    On(Date),
}

/// Families with a day.
const DATED: [(&str, Date); 1] = [("claude-sonnet-4-5", date(2026, 11, 30))];
/// Families that were retired.
const PAST: [&str; 2] = ["claude-3", "claude-opus-4-1"];
/// Models whose successors' names begin with theirs: the alias, its `-0` form, the dated id.
const PAST_ALONE: [&str; 2] = ["claude-opus-4", "claude-sonnet-4"];

/// When this model retires, if that is known.
#[must_use]
pub fn of(model: &str) -> Option<Retirement> {
    let dated = DATED.iter().find(|(family, _)| is_family(model, family));
    if let Some((_, day)) = dated {
        return Some(Retirement::On(*day));
    }
    let alone = |name: &&str| {
        let rest = model.strip_prefix(*name);
        rest.is_some_and(|rest| {
            let id = rest.strip_prefix(['-', '@']);
            matches!(rest, "" | "-0")
                || id.is_some_and(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    let past = PAST.iter().any(|family| is_family(model, family)) || PAST_ALONE.iter().any(|name| alone(&name));
    past.then_some(Retirement::Past)
}

/// Days from this time (Unix milliseconds) to the day of a retirement; negative when it has passed.
#[must_use]
pub fn days_until(day: Date, now_ms: i64) -> Option<i64> {
    let then = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some((then - now_ms).div_euclid(86_400_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("claude-sonnet-4-5", Some(Retirement::On(date(2026, 11, 30))))]
    #[case("claude-sonnet-4-5-20250929", Some(Retirement::On(date(2026, 11, 30))))]
    #[case("claude-3-5-haiku-20241022", Some(Retirement::Past))]
    #[case("claude-opus-4-20250514", Some(Retirement::Past))]
    #[case("claude-opus-4-0", Some(Retirement::Past))]
    #[case("claude-opus-4-1", Some(Retirement::Past))]
    #[case("claude-sonnet-4", Some(Retirement::Past))]
    #[case("claude-sonnet-4-6", None)]
    #[case("claude-opus-4-5", None)]
    #[case("claude-haiku-4-5", None)]
    #[case("claude-sonnet-45", None)]
    #[case("gpt-3", None)]
    fn each_model_that_is_known_to_retire(#[case] model: &str, #[case] expected: Option<Retirement>) {
        assert_eq!(of(model), expected);
    }

    #[test]
    fn days_are_whole_and_end_at_the_day_itself() {
        let day = date(2026, 11, 30);
        let midnight = 1_795_996_800_000;
        assert_eq!(days_until(day, midnight), Some(0));
        assert_eq!(days_until(day, midnight - 1), Some(0));
        assert_eq!(days_until(day, midnight - 7 * 86_400_000), Some(7));
        assert_eq!(days_until(day, midnight + 1), Some(-1));
    }
}
