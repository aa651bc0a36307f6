//! How long ago, in the two largest units, as kubectl shows ages.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The time from `from` to `to`; `0s` when it has not passed yet.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, unit: char, small: i64, small_unit: char| match small {
        0 => format!("{big}{unit}"),
        _ => format!("{big}{unit}{small}{small_unit}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}

/// `at` relative to `now`: `3m ago` or `in 3m`.
#[must_use]
pub fn spoken(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", between(now, at))
    } else {
        format!("{} ago", between(at, now))
    }
}

/// A moment, and how long ago that is.
#[must_use]
pub fn moment(at: &Time, now: Timestamp) -> String {
    format!("{} ({})", at.0, spoken(at.0, now))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(-5, "0s")]
    #[case(119, "119s")]
    #[case(120, "2m")]
    #[case(185, "3m5s")]
    #[case(3599, "59m")]
    #[case(10_860, "3h1m")]
    #[case(100_000, "27h")]
    #[case(180_000, "2d2h")]
    #[case(900_000, "10d")]
    fn ages_are_those_of_kubectl(#[case] seconds: i64, #[case] expected: &str) {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(between(at(1000), at(1000 + seconds)), expected);
    }
}
