//! How Claude's error quotes a value that was sent.

use crate::claude::error::{ErrorClass, ErrorReading, beta_echo, extra_input_field, unknown_tag, version_echo};
use crate::probe::compose::Asked;
use crate::report::evidence::Echo;

/// Compares what was sent with what the complaint names.
#[must_use]
pub fn echo(asked: &Asked, reading: &ErrorReading) -> Echo {
    let Some(message) = reading.message.as_deref() else {
        return Echo::None;
    };
    match reading.class {
        ErrorClass::VersionInvalid => version_echo(message).map_or(Echo::None, |value| {
            let values: Vec<&str> = value.split(',').map(str::trim).collect();
            compare(&[&asked.version], &values)
        }),
        ErrorClass::BetaUnexpected => beta_echo(message).map_or(Echo::None, |values| {
            let sent: Vec<&str> = asked.betas.iter().map(String::as_str).collect();
            compare(&sent, &values.iter().map(String::as_str).collect::<Vec<_>>())
        }),
        ErrorClass::ExtraInputs => extra_input_field(message).map_or(Echo::None, |path| field(asked, path)),
        ErrorClass::InvalidRequest => number(asked, message),
        _ => Echo::None,
    }
}

/// Of several unknown fields a complaint names the first that arrives.
fn field(asked: &Asked, path: &str) -> Echo {
    let named = path.rsplit('.').next();
    if named == asked.field.as_deref() {
        Echo::Exact
    } else if named == asked.second_field.as_deref() {
        Echo::NotFirst
    } else {
        Echo::OnlyOthers
    }
}

/// Only another number shows that ours was changed: an error without a number may be about another field.
fn number(asked: &Asked, message: &str) -> Echo {
    match (unknown_tag(message), asked.number) {
        (Some(tag), Some(sent)) if tag == sent.to_string() => Echo::Exact,
        (Some(tag), Some(_)) if tag.parse::<f64>().is_ok_and(f64::is_finite) => Echo::OnlyOthers,
        _ => Echo::None,
    }
}

/// A complaint names those of the values that Claude does not know: a part of ours is exactly ours.
fn compare(sent: &[&str], named: &[&str]) -> Echo {
    let ours = named.iter().filter(|value| sent.contains(value)).count();
    let distinct = sent.iter().filter(|value| named.contains(value)).count();
    match (ours, named.len() - ours) {
        (0, 0) => Echo::None,
        (0, _) => Echo::OnlyOthers,
        (_, 0) if ours > distinct => Echo::Duplicated,
        (_, 0) => Echo::Exact,
        _ => Echo::WithOthers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        ErrorClass::VersionInvalid,
        r#"anthropic-version: "1999-01-01" is not a valid version"#,
        Echo::Exact
    )]
    #[case(
        ErrorClass::VersionInvalid,
        r#"anthropic-version: "1999-01-01, 1999-01-01" is not a valid version"#,
        Echo::Duplicated
    )]
    #[case(
        ErrorClass::VersionInvalid,
        r#"anthropic-version: "2023-06-01, 1999-01-01" is not a valid version"#,
        Echo::WithOthers
    )]
    #[case(
        ErrorClass::VersionInvalid,
        r#"anthropic-version: "2022-01-01" is not a valid version"#,
        Echo::OnlyOthers
    )]
    #[case(
        ErrorClass::BetaUnexpected,
        "Unexpected value(s) `probe-1` for the `anthropic-beta` header.",
        Echo::Exact
    )]
    #[case(
        ErrorClass::BetaUnexpected,
        "Unexpected value(s) `probe-1`, `other` for the `anthropic-beta` header.",
        Echo::WithOthers
    )]
    #[case(
        ErrorClass::BetaUnexpected,
        "Unexpected value(s) `other` for the `anthropic-beta` header.",
        Echo::OnlyOthers
    )]
    #[case(ErrorClass::ExtraInputs, "zz_probe: Extra inputs are not permitted", Echo::Exact)]
    #[case(
        ErrorClass::ExtraInputs,
        "messages.0.zz_probe: Extra inputs are not permitted",
        Echo::Exact
    )]
    #[case(ErrorClass::ExtraInputs, "aa_probe: Extra inputs are not permitted", Echo::NotFirst)]
    #[case(
        ErrorClass::ExtraInputs,
        "temperature: Extra inputs are not permitted",
        Echo::OnlyOthers
    )]
    #[case(
        ErrorClass::InvalidRequest,
        "messages.0.content.0: Input tag '9007199254740993' found using 'type' does not match",
        Echo::Exact
    )]
    #[case(
        ErrorClass::InvalidRequest,
        "messages.0.content.0: Input tag '9007199254740992' found using 'type' does not match",
        Echo::OnlyOthers
    )]
    #[case(
        ErrorClass::InvalidRequest,
        "messages.0.content.0: Input tag '9007199254740992.0' found using 'type' does not match",
        Echo::OnlyOthers
    )]
    #[case(
        ErrorClass::InvalidRequest,
        "tools.0: Input tag 'function' found using 'type' does not match",
        Echo::None
    )]
    #[case(ErrorClass::InvalidRequest, "max_tokens: 9007199254740992 > 64000", Echo::None)]
    #[case(ErrorClass::RateLimit, "zz_probe: Extra inputs are not permitted", Echo::None)]
    fn a_complaint_is_compared_with_what_was_sent(
        #[case] class: ErrorClass,
        #[case] message: &str,
        #[case] expected: Echo,
    ) {
        let asked = Asked {
            version: "1999-01-01".into(),
            betas: vec!["known".into(), "probe-1".into()],
            field: Some("zz_probe".into()),
            second_field: Some("aa_probe".into()),
            number: Some(9_007_199_254_740_993),
            ..Asked::default()
        };
        let reading = ErrorReading {
            class,
            message: Some(message.into()),
            ..ErrorReading::default()
        };
        assert_eq!(echo(&asked, &reading), expected);
    }
}
