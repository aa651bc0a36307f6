//! Durations as Go writes them (`1h30m`, `90s`, `500ms`, `1.5h`): the syntax of every duration in the resource.
//!
//! The part of Go's syntax that the resource's schema lets pass: no signs, no units below a millisecond, digits on both sides
//! of a point, at most six of each. So the API server's `duration()`, which is Go's parser, reads the same value.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of the form number, unit, number, unit, …
    #[error("must be a duration such as 90s, 5m or 1h30m")]
    Malformed,
    /// A number without a unit.
    #[error("must have a unit, such as 90s, 5m or 1h30m")]
    NoUnit,
    /// A unit that is not known here.
    #[error("must use the units h, m, s and ms (24h for a day)")]
    UnknownUnit,
    /// More digits than any duration of the resource needs.
    #[error("must have at most six digits before and after the decimal point")]
    TooManyDigits,
}

/// Milliseconds; the largest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const NANOS_PER_MILLI: u64 = 1_000_000;
const MAX_DIGITS: usize = 6;

/// Reads a duration.
///
/// # Errors
/// What Go or the schema rejects, see above.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (whole, after_whole) = digits(rest);
        let (fraction, after_number) = match after_whole.strip_prefix('.') {
            Some(after_dot) => digits(after_dot),
            None => ("0", after_whole),
        };
        if whole.is_empty() || fraction.is_empty() {
            return Err(DurationError::Malformed);
        }
        let end = after_number
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(end);
        if unit.is_empty() {
            return Err(DurationError::NoUnit);
        }
        let (_, millis) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(DurationError::UnknownUnit)?;
        total = total.saturating_add(part(whole, fraction, millis * NANOS_PER_MILLI)?);
        rest = after_unit;
    }
    Ok(total)
}

/// Writes a duration so that [`parse`] and Go read it back: the largest units that need no fraction, zero parts left out, what
/// is below a millisecond dropped.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, scale) in UNITS {
        let count = rest / u128::from(scale);
        rest %= u128::from(scale);
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

/// `whole.fraction` units of so many nanoseconds.
fn part(whole: &str, fraction: &str, nanos: u64) -> Result<Duration, DurationError> {
    if whole.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
        return Err(DurationError::TooManyDigits);
    }
    let number = |digits: &str| digits.parse::<u64>().map_err(|_| DurationError::Malformed);
    // Six digits of hours are 3.6e18 ns: nothing here overflows 64 bits.
    let below = number(&format!("{fraction:0<MAX_DIGITS$}"))? * (nanos / 1_000_000);
    Ok(Duration::from_nanos(number(whole)? * nanos + below))
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
    #[case("0.000001h", 3)]
    #[case("0s", 0)]
    #[case("1m0.25s", 60_250)]
    fn what_go_reads_is_read(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(parse(text).unwrap().as_millis(), u128::from(millis));
    }

    #[rstest]
    #[case("", DurationError::Malformed)]
    #[case("s", DurationError::Malformed)]
    #[case(".s", DurationError::Malformed)]
    #[case(".5s", DurationError::Malformed)]
    #[case("1.s", DurationError::Malformed)]
    #[case("0", DurationError::NoUnit)]
    #[case("5us", DurationError::UnknownUnit)]
    #[case("-5m", DurationError::Malformed)]
    #[case("+5m", DurationError::Malformed)]
    #[case("5", DurationError::NoUnit)]
    #[case("1h30", DurationError::NoUnit)]
    #[case("5 m", DurationError::UnknownUnit)]
    #[case("1d", DurationError::UnknownUnit)]
    #[case("5min", DurationError::UnknownUnit)]
    #[case("3000000h", DurationError::TooManyDigits)]
    #[case("99999999999999999999s", DurationError::TooManyDigits)]
    fn everything_else_is_refused(#[case] text: &str, #[case] error: DurationError) {
        assert_eq!(parse(text).unwrap_err(), error);
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(millis in 0..3_600_000_000_000_u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,24}") {
            let _ = parse(&text);
        }
    }
}
