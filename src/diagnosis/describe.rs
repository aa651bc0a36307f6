//! Text for evidence and messages: replies, streams, times and sizes. Decides nothing: everything here may be cut or
//! missing without changing a verdict.

use crate::claude::error::ErrorClass;
use crate::report::evidence::{Exchange, Outcome, StreamEvidence};

/// A reply in short: status or how it ended, error class, request id, quote.
pub(super) fn reply(exchange: &Exchange) -> String {
    let mut text = head(exchange);
    if let Some(id) = &exchange.request_id {
        text.push_str(&format!(" ({id})"));
    }
    // Often the class quotes the same text already.
    let quote = exchange.quote.as_ref().map(|quote| quote.trim());
    if let Some(quote) = quote.filter(|quote| !text.contains(quote)) {
        text.push_str(&format!(": “{quote}”"));
    }
    text
}

/// As [`reply`], without id and quote.
pub(super) fn head(exchange: &Exchange) -> String {
    let class = class(if exchange.inner_error == ErrorClass::None {
        exchange.error
    } else {
        exchange.inner_error
    });
    let mut text = match exchange.status {
        0 => ending(exchange.outcome).to_owned(),
        status => status.to_string(),
    };
    if !class.is_empty() {
        text.push(' ');
        text.push_str(class);
    } else if exchange.status != 0 && exchange.outcome != Outcome::Answered {
        text.push_str(", ");
        text.push_str(ending(exchange.outcome));
    }
    text
}

/// How an exchange ended.
pub(super) fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::CutByClose => "cut by a close of the connection",
        Outcome::CutByReset => "cut by a reset of the connection",
        Outcome::StalledInBody => "stalled in the body until the probe's own limit",
        Outcome::BrokenFraming => "broken HTTP framing",
        Outcome::Oversized => "longer than the probe's own limit",
        Outcome::ClosedBeforeHead => "connection closed without a reply",
        Outcome::ResetBeforeHead => "connection reset without a reply",
        Outcome::NoReply => "no reply within the probe's own limit",
        Outcome::NotHttp => "an answer that is not HTTP",
        Outcome::ConnectFailed => "no connection",
    }
}

/// A stream in short.
pub(super) fn stream(stream: &StreamEvidence) -> String {
    let last = stream.last_event_ms.map_or_else(String::new, |at| {
        format!(", the last ({}) at {}", stream.last_event.name(), seconds(at))
    });
    format!(
        "{} events{last}, end at {}, message_stop {}, framing {}",
        stream.events,
        seconds(stream.end_ms),
        if stream.message_stop { "seen" } else { "missing" },
        if stream.framing_complete {
            "complete"
        } else {
            "incomplete"
        },
    )
}

/// Milliseconds as seconds with the digits that matter.
pub(super) fn seconds(ms: u32) -> String {
    let s = f64::from(ms) / 1000.0;
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=9_999 => format!("{s:.1} s"),
        _ => format!("{s:.0} s"),
    }
}

/// A size: bytes, else KiB or MiB with a digit behind the point.
pub(super) fn size(bytes: u32) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{:.1} KiB", f64::from(bytes) / 1024.0),
        _ => format!("{:.1} MiB", f64::from(bytes) / 1_048_576.0),
    }
}

/// A timer's likely configured value: measured milliseconds, rounded to a tenth of a second.
pub(super) fn timer(ms: u32) -> String {
    seconds(ms.saturating_add(50) / 100 * 100)
}

/// An error class in Claude's wording; empty for none.
pub(super) fn class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::None => "",
        ErrorClass::KeyRequired => "“x-api-key header is required”",
        ErrorClass::KeyInvalid => "“invalid x-api-key”",
        ErrorClass::BearerInvalid => "“Invalid bearer token”",
        ErrorClass::OauthUnsupported => "“OAuth authentication is currently not supported”",
        ErrorClass::OauthNotAllowed => "OAuth is not allowed for this organisation",
        ErrorClass::CredentialRevoked => "credential expired or revoked",
        ErrorClass::CorsDenied => "CORS requests are not allowed",
        ErrorClass::Unauthenticated => "authentication_error",
        ErrorClass::VersionRequired => "“anthropic-version: header is required”",
        ErrorClass::VersionInvalid => "“is not a valid version”",
        ErrorClass::BetaUnexpected => "“Unexpected value(s) … for the anthropic-beta header”",
        ErrorClass::WorkspaceRequired => "anthropic-workspace-id is required",
        ErrorClass::CreditExhausted => "“credit balance is too low”",
        ErrorClass::OrganizationDisabled => "organisation disabled",
        ErrorClass::SpendLimitOwn => "own spend limit reached",
        ErrorClass::SpendLimitEnforced => "spend limit of the tier or contract reached",
        ErrorClass::Billing => "billing_error",
        ErrorClass::RateLimit => "rate_limit_error",
        ErrorClass::ConcurrencyLimit => "“concurrent connections has exceeded your rate limit”",
        ErrorClass::AccelerationLimit => "maximum usage increase rate",
        ErrorClass::Throttled => "throttled",
        ErrorClass::ModelNotFound => "not_found_error: model",
        ErrorClass::NotFound => "not_found_error",
        ErrorClass::Permission => "permission_error",
        ErrorClass::EdgeForbidden => "forbidden, “Request not allowed”",
        ErrorClass::EdgeChallenge => "challenge page of the edge",
        ErrorClass::EdgeUnavailable => "error page of the edge",
        ErrorClass::TooLarge => "request_too_large",
        ErrorClass::PromptTooLong => "prompt is too long",
        ErrorClass::InvalidJson => "the body is not valid JSON",
        ErrorClass::ExtraInputs => "“Extra inputs are not permitted”",
        ErrorClass::InvalidRequest => "invalid_request_error",
        ErrorClass::Conflict => "conflict_error",
        ErrorClass::Internal => "api_error",
        ErrorClass::Timeout => "timeout_error",
        ErrorClass::Overloaded => "overloaded_error",
    }
}
