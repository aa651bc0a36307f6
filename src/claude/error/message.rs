//! From what an envelope states to its class.

use super::ErrorClass;

/// What an envelope states, and what the headers add.
pub(super) struct Stated<'a> {
    pub status: u16,
    pub top_level_type: bool,
    pub error_type: &'a str,
    pub error_code: &'a str,
    pub message: &'a str,
    /// An `anthropic-ratelimit-*-remaining` is 0.
    pub limit_exhausted: bool,
}

/// The class: by code, then by type, then by message. A type alone, without any known wording, counts only where the
/// status fits it or the envelope is Claude's: other vendors use the same words for other things.
pub(super) fn class_of(stated: &Stated<'_>) -> ErrorClass {
    if let Some(class) = by_code(stated.error_code) {
        return class;
    }
    let message = stated.message.to_ascii_lowercase();
    let message = message.trim();
    // The edge's own message under another type: the envelope's sender need not be the rejecting hop.
    if stated.error_type != "forbidden" && is_edges_refusal(message) {
        return ErrorClass::None;
    }
    let (usual_status, class) = match stated.error_type {
        "authentication_error" => (&[401, 403][..], authentication(message)),
        "invalid_request_error" => (&[400, 413, 422][..], invalid_request(message)),
        "billing_error" => (&[402, 429][..], ErrorClass::Billing),
        "permission_error" if message.contains("not allowed for this organization") => {
            (&[][..], ErrorClass::OauthNotAllowed)
        }
        "permission_error" => (&[403][..], ErrorClass::Permission),
        "forbidden" if message.contains("request not allowed") => return ErrorClass::EdgeForbidden,
        "not_found_error" if says(message, "model:") => return ErrorClass::ModelNotFound,
        "not_found_error" => (&[404][..], ErrorClass::NotFound),
        "conflict_error" => (&[409][..], ErrorClass::Conflict),
        "request_too_large" => return ErrorClass::TooLarge,
        "rate_limit_error" => (&[429][..], rate_limit(message, stated.limit_exhausted)),
        "timeout_error" => (&[504, 408][..], ErrorClass::Timeout),
        "overloaded_error" => return ErrorClass::Overloaded,
        "api_error" if says(message, "overloaded") => return ErrorClass::Overloaded,
        "api_error" => (&[500][..], ErrorClass::Internal),
        _ => return ErrorClass::None,
    };
    let generic = matches!(
        class,
        ErrorClass::Unauthenticated
            | ErrorClass::InvalidRequest
            | ErrorClass::Billing
            | ErrorClass::Permission
            | ErrorClass::NotFound
            | ErrorClass::Conflict
            | ErrorClass::Throttled
            | ErrorClass::Timeout
            | ErrorClass::Internal
    );
    if generic && !stated.top_level_type && !usual_status.contains(&stated.status) {
        ErrorClass::None
    } else {
        class
    }
}

/// Whether a message begins like this, or does so behind what a gateway that writes errors anew sets before it (`provider error: `).
fn says(message: &str, beginning: &str) -> bool {
    message.starts_with(beginning) || message.contains(&format!(": {beginning}"))
}

/// Codes are the most stable part of an error.
fn by_code(code: &str) -> Option<ErrorClass> {
    Some(match code {
        "enforced_spend_limit_reached" | "contract_spend_limit_reached" => ErrorClass::SpendLimitEnforced,
        "ramp_limit_exceeded" => ErrorClass::AccelerationLimit,
        "organization_on_hold" => ErrorClass::OrganizationDisabled,
        "linked_organization_billing_unavailable" | "linked_organization_spend_limit_reached" => ErrorClass::Billing,
        "request_body_too_large_after_decoding" => ErrorClass::TooLarge,
        "compaction_unavailable" => ErrorClass::Overloaded,
        "sandbox_egress_restricted" => ErrorClass::Permission,
        _ => return None,
    })
}

fn authentication(message: &str) -> ErrorClass {
    let has = |part: &str| message.contains(part);
    if has("cors requests") {
        ErrorClass::CorsDenied
    } else if has("header is required") {
        ErrorClass::KeyRequired
    } else if has("invalid x-api-key") || has("api key is invalid") {
        ErrorClass::KeyInvalid
    } else if has("invalid bearer token") {
        ErrorClass::BearerInvalid
    } else if has("oauth authentication is currently not supported") {
        ErrorClass::OauthUnsupported
    } else if has("not allowed for this organization") {
        ErrorClass::OauthNotAllowed
    } else if has("revoked")
        || has("expired")
        || has("no longer a member")
        || has("oauth access token is invalid")
        || has("credential is invalid")
    {
        ErrorClass::CredentialRevoked
    } else {
        ErrorClass::Unauthenticated
    }
}

fn invalid_request(message: &str) -> ErrorClass {
    let has = |part: &str| message.contains(part);
    if has("anthropic-version") && has("header is required") {
        ErrorClass::VersionRequired
    } else if has("anthropic-version") && has("is not a valid version") {
        ErrorClass::VersionInvalid
    } else if has("unexpected value(s)") && has("anthropic-beta") {
        ErrorClass::BetaUnexpected
    } else if has("anthropic-workspace-id") {
        ErrorClass::WorkspaceRequired
    } else if has("credit balance is too low") {
        ErrorClass::CreditExhausted
    } else if has("organization has been disabled") || has("organization is on hold") {
        ErrorClass::OrganizationDisabled
    } else if has("api usage limits") {
        ErrorClass::SpendLimitOwn
    } else if has("prompt is too long") || has("exceed context limit") {
        ErrorClass::PromptTooLong
    } else if has("not valid json") {
        ErrorClass::InvalidJson
    } else if has("extra inputs are not permitted") {
        ErrorClass::ExtraInputs
    } else {
        ErrorClass::InvalidRequest
    }
}

fn rate_limit(message: &str, limit_exhausted: bool) -> ErrorClass {
    let has = |part: &str| message.contains(part);
    if has("specified") && has("api usage limits") {
        ErrorClass::SpendLimitOwn
    } else if has("api usage limits") || has("monthly api usage threshold") {
        ErrorClass::SpendLimitEnforced
    } else if has("concurrent connections") || has("concurrent requests") {
        ErrorClass::ConcurrencyLimit
    } else if has("usage increase rate") || has("acceleration limit") {
        ErrorClass::AccelerationLimit
    } else if has("per minute") || has("per-minute rate limit") || limit_exhausted {
        ErrorClass::RateLimit
    } else {
        ErrorClass::Throttled
    }
}

/// What only Claude's messages say, lower case. Wording that libraries share (`extra inputs are not permitted`) is left out.
const OWN_WORDS: [&str; 16] = [
    "invalid x-api-key",
    "x-api-key header is required",
    "invalid bearer token",
    "oauth authentication is currently not",
    "cors requests are not allowed",
    "credit balance is too low to access",
    "would exceed your organization's",
    "would exceed the rate limit for your organization",
    "number of concurrent connections has exceeded",
    "for the `anthropic-beta` header",
    "is not a valid version",
    "api usage limits",
    "maximum usage increase rate",
    "exceed your account's rate limit",
    "requires an access grant",
    "this organization has been disabled",
];

/// Whether a text, in lower case, has words of one of Claude's messages: any hop may have quoted it.
#[must_use]
pub fn has_claudes_words(text: &str) -> bool {
    OWN_WORDS.iter().any(|words| text.contains(words))
}

/// Whether a message is, word for word, the refusal of Claude's edge.
#[must_use]
pub fn is_edges_refusal(message: &str) -> bool {
    let message = message.trim().trim_end_matches('.');
    message.eq_ignore_ascii_case("request not allowed")
}
