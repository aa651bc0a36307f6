//! The catalogue of the fact sheet, row by row, and hostile bodies.

use http::HeaderMap;
use proptest::prelude::*;

use super::ErrorClass as E;
use super::*;
use crate::claude::headers::LimitKind;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

fn read(status: u16, body: &str) -> ErrorReading {
    classify(status, Some("application/json"), &HeaderMap::new(), body.as_bytes())
}

fn envelope(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CeCGmBjaWkq37Sf5iU7so"}).to_string()
}

const R1: &str = "This request would exceed your organization's rate limit of 30,000 input tokens per minute (org: 6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11, model: claude-opus-4-6). For details, refer to: https://docs.claude.com/en/api/rate-limits.";
const R3: &str = "This request would exceed your organization's maximum usage increase rate for input tokens per minute (org: 6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11, model: x). Your current limit is 58,276 input tokens per minute, and will increase to 68,276 at the next minute boundary.";

#[test]
fn a_page_inside_a_message_is_the_edges_and_not_the_word_of_the_envelopes_type() {
    let page = |title: &str| {
        format!("Upstream answered 403: <!DOCTYPE html><html><head><title>{title}</title></head><body></body></html>")
    };
    let challenge = read(500, &envelope("api_error", &page("Just a moment...")));
    assert!(challenge.wrapped_page);
    assert_eq!(
        (challenge.class, challenge.page_host),
        (ErrorClass::EdgeChallenge, None)
    );
    let named = read(
        502,
        &envelope(
            "api_error",
            &page("api.anthropic.com | 520: Web server is returning an unknown error"),
        ),
    );
    assert_eq!(named.class, ErrorClass::EdgeUnavailable);
    assert_eq!(named.page_host.as_deref(), Some("api.anthropic.com"));
    // A foreign page in JSON of another shape: still a page, without an owner.
    let foreign = read(502, &serde_json::json!({"detail": page("Blocked")}).to_string());
    assert!(foreign.wrapped_page && foreign.class == ErrorClass::None);
    let plain = read(500, &envelope("api_error", "Internal server error"));
    assert!(!plain.wrapped_page && plain.class == ErrorClass::Internal);
}

#[test]
fn the_words_of_the_edge_under_another_type_have_no_class() {
    for kind in ["api_error", "permission_error", "authentication_error"] {
        let reading = read(403, &envelope(kind, "Request not allowed"));
        assert_eq!(reading.class, ErrorClass::None, "{kind}");
    }
    assert_eq!(
        read(403, r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#).class,
        ErrorClass::EdgeForbidden
    );
}

#[test]
fn every_row_of_the_catalogue_has_its_class() {
    let rows = [
        (
            401,
            "authentication_error",
            "x-api-key header is required",
            E::KeyRequired,
        ),
        (401, "authentication_error", "invalid x-api-key", E::KeyInvalid),
        (401, "authentication_error", "API key is invalid.", E::KeyInvalid),
        (401, "authentication_error", "Invalid bearer token", E::BearerInvalid),
        (
            401,
            "authentication_error",
            "OAuth authentication is currently not supported.",
            E::OauthUnsupported,
        ),
        (
            401,
            "authentication_error",
            "Invalid authentication credentials",
            E::Unauthenticated,
        ),
        (
            401,
            "authentication_error",
            "OAuth token has expired. Please obtain a new token",
            E::CredentialRevoked,
        ),
        (
            401,
            "authentication_error",
            "Workspace access has been revoked",
            E::CredentialRevoked,
        ),
        (
            403,
            "permission_error",
            "OAuth authentication is currently not allowed for this organization",
            E::OauthNotAllowed,
        ),
        (
            401,
            "authentication_error",
            "CORS requests must set 'anthropic-dangerous-direct-browser-access' header",
            E::CorsDenied,
        ),
        (
            400,
            "invalid_request_error",
            "anthropic-version: header is required",
            E::VersionRequired,
        ),
        (
            400,
            "invalid_request_error",
            "anthropic-version: \"2023-06-01, 2023-06-01\" is not a valid version",
            E::VersionInvalid,
        ),
        (
            400,
            "invalid_request_error",
            "Unexpected value(s) `x` for the `anthropic-beta` header. Please consult our documentation at platform.claude.com/docs or try again without the header.",
            E::BetaUnexpected,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            E::CreditExhausted,
        ),
        (
            400,
            "invalid_request_error",
            "This organization has been disabled.",
            E::OrganizationDisabled,
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2025-06-01 at 00:00 UTC.",
            E::SpendLimitOwn,
        ),
        (
            429,
            "rate_limit_error",
            "You have reached your specified workspace API usage limits. You will regain access on 2025-06-01 at 00:00 UTC.",
            E::SpendLimitOwn,
        ),
        (
            429,
            "rate_limit_error",
            "You have reached your API usage limits: your organization has crossed its monthly API usage threshold, set based on your organization's API tier.",
            E::SpendLimitEnforced,
        ),
        (429, "rate_limit_error", R1, E::RateLimit),
        (
            429,
            "rate_limit_error",
            "Number of request tokens has exceeded your per-minute rate limit",
            E::RateLimit,
        ),
        (
            429,
            "rate_limit_error",
            "Number of concurrent connections has exceeded your rate limit. Please try again later",
            E::ConcurrencyLimit,
        ),
        (429, "rate_limit_error", R3, E::AccelerationLimit),
        (
            429,
            "rate_limit_error",
            "This request would exceed your account's rate limit. Please try again later.",
            E::Throttled,
        ),
        (402, "billing_error", "…", E::Billing),
        (
            404,
            "not_found_error",
            "model: claude-3-5-haiku-20241022",
            E::ModelNotFound,
        ),
        (404, "not_found_error", "Not Found", E::NotFound),
        (
            403,
            "permission_error",
            "Access to this model requires an access grant your request does not have.",
            E::Permission,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 3333404 tokens > 200000 maximum",
            E::PromptTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "The request body is not valid JSON: unexpected control character in string: line 1 column 2379 (char 2378)",
            E::InvalidJson,
        ),
        (
            400,
            "invalid_request_error",
            "response_format: Extra inputs are not permitted",
            E::ExtraInputs,
        ),
        (
            400,
            "invalid_request_error",
            "messages: at least one message is required",
            E::InvalidRequest,
        ),
        (409, "conflict_error", "…", E::Conflict),
        (
            413,
            "request_too_large",
            "Request exceeds the maximum size",
            E::TooLarge,
        ),
        (500, "api_error", "Internal server error", E::Internal),
        (500, "api_error", "Overloaded", E::Overloaded),
        (504, "timeout_error", "…", E::Timeout),
        (529, "overloaded_error", "Overloaded", E::Overloaded),
        (
            500,
            "overloaded_error",
            "Overloaded. https://docs.claude.com/en/api/errors",
            E::Overloaded,
        ),
    ];
    for (status, kind, message, class) in rows {
        let reading = read(status, &envelope(kind, message));
        assert_eq!(reading.class, class, "{status} {kind}: {message}");
        assert!(
            reading.top_level_type && !reading.extra_keys && reading.inner_request_id.is_none(),
            "{message}"
        );
        assert_eq!(
            reading.body_request_id.genuine_form(),
            Some("req_011CeCGmBjaWkq37Sf5iU7so")
        );
        let event = classify_event(&envelope(kind, message));
        assert_eq!(event.class, class, "as an event: {kind}: {message}");
    }
}

#[test]
fn the_code_decides_before_the_message() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"new wording","details":{"error_code":"contract_spend_limit_reached"}},"request_id":null}"#;
    let reading = read(429, body);
    assert_eq!(
        (reading.class, reading.body_request_id),
        (E::SpendLimitEnforced, BodyRequestId::Null)
    );
    assert_eq!(reading.error_code.as_deref(), Some("contract_spend_limit_reached"));
}

#[test]
fn an_exhausted_limit_in_the_headers_names_a_rate_limit_of_new_wording() {
    let limits = headers(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
    ]);
    let body = envelope("rate_limit_error", "Slow down");
    assert_eq!(classify(429, None, &limits, body.as_bytes()).class, E::RateLimit);
}

#[test]
fn the_edge_speaks_without_type_and_id() {
    let forbidden = read(403, r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#);
    assert_eq!(
        (forbidden.class, forbidden.top_level_type, forbidden.body_request_id),
        (E::EdgeForbidden, false, BodyRequestId::Absent)
    );
    let large = read(
        413,
        r#"{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
    );
    assert_eq!(large.class, E::TooLarge);
}

#[test]
fn an_edges_page_names_its_host() {
    let cases = [
        (
            520,
            "<!DOCTYPE html>\n<html><head><title>api.anthropic.com | 520: Web server is returning an unknown error</title>",
            E::EdgeUnavailable,
            Some("api.anthropic.com"),
        ),
        (
            524,
            "<!DOCTYPE html><html><head><title>newcli.com | 524: A timeout occurred</title>",
            E::EdgeUnavailable,
            Some("newcli.com"),
        ),
        (
            502,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>",
            E::EdgeUnavailable,
            None,
        ),
        (
            403,
            "<!DOCTYPE html><html><head><title>Just a moment...</title>",
            E::EdgeChallenge,
            None,
        ),
        (
            502,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>",
            E::None,
            None,
        ),
    ];
    for (status, body, class, host) in cases {
        let reading = classify(
            status,
            Some("text/html; charset=UTF-8"),
            &HeaderMap::new(),
            body.as_bytes(),
        );
        assert_eq!(
            (reading.class, reading.page_host.as_deref(), reading.shape),
            (class, host, BodyShape::Html),
            "{body}"
        );
    }
    let json = read(
        522,
        r#"{"title":"Error 522","status":522,"zone":"api.anthropic.com","cloudflare_error":true,"retryable":true,"retry_after":120,"ray_id":"9"}"#,
    );
    assert_eq!(
        (json.class, json.page_host.as_deref()),
        (E::EdgeUnavailable, Some("api.anthropic.com"))
    );
    let challenged = classify(
        403,
        Some("text/html"),
        &headers(&[("cf-mitigated", "challenge")]),
        b"<html>",
    );
    assert_eq!(challenged.class, E::EdgeChallenge);
}

#[test]
fn gateways_errors_are_foreign() {
    let cases = [
        (401, r#"{"message":"No API key found in request"}"#, BodyShape::Json),
        (
            502,
            "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
            BodyShape::Text,
        ),
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"401"}}"#,
            BodyShape::Envelope,
        ),
        (
            500,
            r#"{"type":"error","error":{"type":"internal_server_error","code":"500","message":"x"}}"#,
            BodyShape::Envelope,
        ),
        (429, "", BodyShape::Empty),
        (500, "{\"error\":", BodyShape::Json),
    ];
    for (status, body, shape) in cases {
        let reading = read(status, body);
        assert_eq!((reading.class, reading.shape), (E::None, shape), "{body}");
    }
    assert!(
        read(
            500,
            r#"{"type":"error","error":{"type":"api_error","message":"x","provider_specific_fields":{}}}"#
        )
        .extra_keys
    );
}

#[test]
fn a_wrapped_genuine_error_is_found() {
    let inner = r#"{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"},\"request_id\":\"req_011CeCGmBjaWkq37Sf5iU7so\"}"#;
    let bodies = [
        format!(r#"{{"error":{{"message":"litellm.AuthenticationError: AnthropicException - {inner}","type":"None","param":"None","code":"401"}}}}"#),
        format!(r#"{{"type":"error","error":{{"type":"api_error","message":"AnthropicException - b'{inner}'"}}}}"#),
        format!(r#"{{"detail":"Error from provider(anthropic): {inner} try later"}}"#),
        r#"{"error":"{'type': 'error', 'error': {'type': 'authentication_error', 'message': 'invalid x-api-key'}, 'request_id': 'req_011CeCGmBjaWkq37Sf5iU7so'}"}"#.to_owned(),
    ];
    for body in bodies {
        let reading = read(500, &body);
        assert_eq!(
            (reading.inner_class, reading.inner_request_id.as_deref()),
            (Some(E::KeyInvalid), Some("req_011CeCGmBjaWkq37Sf5iU7so")),
            "{body}"
        );
    }
    let text = classify(
        502,
        Some("text/plain"),
        &HeaderMap::new(),
        br#"upstream said {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    );
    assert_eq!((text.inner_class, text.inner_request_id), (Some(E::Overloaded), None));
}

#[test]
fn a_type_with_claudes_words_behind_the_gateways_is_read() {
    for (status, kind, message, class) in [
        (
            404,
            "not_found_error",
            "provider error: model: claude-nope-1",
            E::ModelNotFound,
        ),
        (500, "api_error", "provider error: Overloaded", E::Overloaded),
        (404, "not_found_error", "provider error: no such model", E::NotFound),
    ] {
        let body = format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null}},"provider":"x"}}"#);
        assert_eq!(read(status, &body).class, class, "{body}");
    }
}

/// The same genuine error, as many ways as gateways carry it on.
#[test]
fn a_genuine_error_is_found_however_it_is_wrapped() {
    let genuine = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CeCGmBjaWkq37Sf5iU7so"}"#;
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let once = quoted(&format!("upstream: {genuine}"));
    let twice = quoted(&format!("upstream: {}", quoted(genuine)));
    let in_text = format!("upstream: {}", quoted(&quoted(genuine)));
    let html = format!("<html><body>bad: {}</body></html>", genuine.replace('"', "&quot;"));
    let cut = genuine.split_once("loaded\"}").unwrap().0;
    for body in [
        format!(r#"{{"error":{once}}}"#),
        format!(r#"{{"error":{{"message":{twice},"code":500}}}}"#),
        format!(r#"{{"errors":[{{"upstream":{genuine}}}]}}"#),
        format!(r#"{{"message":"failed","cause":{{"body":{genuine},"status":529}}}}"#),
        in_text,
        html,
    ] {
        let reading = read(500, &body);
        let id = reading.inner_request_id.as_deref();
        assert_eq!(reading.inner_class, Some(E::Overloaded), "{body}");
        assert_eq!(id, Some("req_011CeCGmBjaWkq37Sf5iU7so"), "{body}");
    }
    for body in [
        format!("upstream said: {cut}"),
        format!(r#"{{"detail":{}}}"#, quoted(cut)),
        format!(r#"{{"detail":{}}}"#, quoted(&quoted(cut))),
        format!(
            "upstream said: {}",
            cut.replace('"', "'").replace(":", ": ").replace(",", ", ")
        ),
    ] {
        assert_eq!(read(500, &body).inner_class, Some(E::Overloaded), "{body}");
    }
    // Nothing of Claude's is left in these.
    for body in [
        r#"{"detail":"{\"type\":\"error\",\"error\":{\"type\":\"overl"}"#,
        r#"{"error":{"message":"no healthy deployment","type":"error","param":null}}"#,
        r#"{"type":"error","error":{"type":"api_error","message":"no upstream is left"}}"#,
    ] {
        assert_eq!(read(500, body).inner_class, None, "{body}");
    }
}

#[test]
fn quotes_are_extracted() {
    assert_eq!(
        version_echo("anthropic-version: \"1999-01-01\" is not a valid version").as_deref(),
        Some("1999-01-01")
    );
    assert_eq!(
        version_echo("anthropic-version: \"a, b\" is not a valid version").as_deref(),
        Some("a, b")
    );
    assert_eq!(version_echo("anthropic-version: header is required"), None);
    assert_eq!(
        beta_echo("Unexpected value(s) `a-1`, `b-2` for the `anthropic-beta` header. Please").unwrap(),
        ["a-1", "b-2"]
    );
    assert_eq!(
        beta_echo("Unexpected value(s) `a-1` for the `anthropic-beta` header.").unwrap(),
        ["a-1"]
    );
    let limit = |message| limit_in(message).map(|limit| (limit.kind, limit.per_minute));
    assert_eq!(limit(R1), Some((LimitKind::InputTokens, 30_000)));
    assert_eq!(limit(R3), Some((LimitKind::InputTokens, 58_276)));
    assert_eq!(
        limit("rate limit of 50 requests per minute (org"),
        Some((LimitKind::Requests, 50))
    );
    assert_eq!(
        limit("of 8,000 output tokens per minute"),
        Some((LimitKind::OutputTokens, 8_000))
    );
    assert_eq!(limit("per minute"), None);
    let org = Some("6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11");
    assert_eq!(org_in(R1), org);
    assert_eq!(
        org_in(
            "exceed the rate limit for your organization (6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11) of 20,000 input tokens per minute"
        ),
        org
    );
    assert_eq!(model_in(R1), Some("claude-opus-4-6"));
    assert_eq!(model_in("model: probe-no-such-model"), Some("probe-no-such-model"));
    assert_eq!(
        extra_input_field("tools.0.custom.x: Extra inputs are not permitted"),
        Some("tools.0.custom.x")
    );
    assert_eq!(
        regain_at("x. You will regain access on 2026-09-01 at 00:00 UTC."),
        Some("2026-09-01 at 00:00 UTC")
    );
    assert_eq!(
        json_error_position("… in string: line 1 column 2379 (char 2378)"),
        Some(2378)
    );
}

proptest! {
    #[test]
    fn no_body_panics(status in 100u16..600, body in proptest::collection::vec(any::<u8>(), 0..400)) {
        classify(status, None, &HeaderMap::new(), &body);
    }

    #[test]
    fn no_json_like_text_panics(body in "[{}\\[\\]\"':,\\\\a-z_ é<>|`.()0-9]{0,200}", prefix in "(\\{\"error\":\")?(<title>)?(Unexpected value\\(s\\) )?") {
        let text = format!("{prefix}{body}");
        classify(500, Some("text/html"), &HeaderMap::new(), text.as_bytes());
        classify_event(&text);
        let _ = (version_echo(&text), beta_echo(&text), limit_in(&text), org_in(&text), model_in(&text), extra_input_field(&text), regain_at(&text), json_error_position(&text));
    }
}

#[test]
fn huge_and_deep_bodies_stay_bounded() {
    let deep = format!("{{\"error\":{}", "[".repeat(1 << 20));
    assert_eq!(read(500, &deep).class, E::None);
    let reading = read(400, &envelope("invalid_request_error", &"é".repeat(5000)));
    assert!(reading.message.unwrap().len() <= 2048);
    let nested = format!("{{\"error\":\"{}\"}}", "{\\\"type\\\":".repeat(3000));
    assert_eq!(read(500, &nested).class, E::None);
}
