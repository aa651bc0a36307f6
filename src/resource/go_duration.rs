//! Durations as Go writes them (`1h30m`, `90s`, `500ms`, `1.5h`): the syntax of every duration in the resource.
//!
//! Accepts what Go's `time.ParseDuration` accepts, except signs: no duration of the resource may be negative. CEL's
//! `duration()` in the API server is the same parser, so what the server stores can be read here.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of the form number, unit, number, unit, …
    #[error("is not a duration: write a number and a unit, such as 90s, 5m or 1h30m")]
    Malformed,
    /// A number without a unit, where it is not 0.
    #[error("has no unit: write for example 90s, 5m or 1h30m")]
    NoUnit,
    /// A unit that Go does not know.
    #[error("has an unknown unit: h, m, s, ms, us and ns are known (write 24h for a day)")]
    UnknownUnit,
    /// More than Go's 64 bits of nanoseconds hold (292 years).
    #[error("is too long")]
    TooLong,
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),  // micro sign
    ("\u{3bc}s", 1_000), // Greek letter mu
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration.
///
/// # Errors
/// Anything that Go would refuse, and signs.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after_whole) = digits(rest);
        let (fraction, after_number) = match after_whole.strip_prefix('.') {
            Some(after_dot) => digits(after_dot),
            None => ("", after_whole),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DurationError::Malformed);
        }
        let end = after_number
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(end);
        if unit.is_empty() {
            return Err(DurationError::NoUnit);
        }
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale)
            .ok_or(DurationError::UnknownUnit)?;
        total = total
            .checked_add(nanoseconds(whole, fraction, scale)?)
            .filter(|total| i64::try_from(*total).is_ok())
            .ok_or(DurationError::TooLong)?;
        rest = after_unit;
    }
    Ok(Duration::from_nanos(total))
}

/// Writes a duration so that [`parse`] and Go read it back: the largest units that need no fraction, zero parts left out.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    if rest == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, scale) in [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ] {
        let count = rest / scale;
        rest %= scale;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
    }
    text
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn nanoseconds(whole: &str, fraction: &str, scale: u64) -> Result<u64, DurationError> {
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| DurationError::TooLong)?
    };
    // Digits of the fraction beyond a nanosecond of the largest unit change nothing.
    let mut part: u64 = 0;
    let mut unit = u128::from(scale);
    let mut sum: u128 = 0;
    for digit in fraction.bytes().take(18) {
        unit *= 10;
        sum = sum * 10 + u128::from(digit - b'0');
    }
    if !fraction.is_empty() {
        let divisor = unit / u128::from(scale);
        part = u64::try_from(sum * u128::from(scale) / divisor).map_err(|_| DurationError::TooLong)?;
    }
    whole
        .checked_mul(scale)
        .and_then(|nanos| nanos.checked_add(part))
        .ok_or(DurationError::TooLong)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90s", 90_000)]
    #[case("5m", 300_000)]
    #[case("1h30m", 5_400_000)]
    #[case("500ms", 500)]
    #[case("1.5h", 5_400_000)]
    #[case(".5s", 500)]
    #[case("1.s", 1_000)]
    #[case("0", 0)]
    #[case("0s", 0)]
    #[case("1m0.25s", 60_250)]
    #[case("1000us", 1)]
    #[case("1000\u{b5}s", 1)]
    fn what_go_reads_is_read(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(parse(text).unwrap(), Duration::from_millis(millis));
    }

    #[rstest]
    #[case("", DurationError::Malformed)]
    #[case("s", DurationError::Malformed)]
    #[case(".s", DurationError::Malformed)]
    #[case("-5m", DurationError::Malformed)]
    #[case("+5m", DurationError::Malformed)]
    #[case("5", DurationError::NoUnit)]
    #[case("1h30", DurationError::NoUnit)]
    #[case("5 m", DurationError::UnknownUnit)]
    #[case("1d", DurationError::UnknownUnit)]
    #[case("5min", DurationError::UnknownUnit)]
    #[case("3000000h", DurationError::TooLong)]
    #[case("99999999999999999999s", DurationError::TooLong)]
    fn what_go_refuses_is_refused(#[case] text: &str, #[case] error: DurationError) {
        assert_eq!(parse(text).unwrap_err(), error);
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(nanos in 0..=u64::try_from(i64::MAX).unwrap()) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,24}") {
            let _ = parse(&text);
        }
    }
}
