//! The API's errors: status, type, code and exact wording, and which headers go with them.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use super::error_name::ErrorName;

/// Which headers an error carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Refused before the account was known: no account, no trace.
    Authentication,
    /// Refused afterwards.
    Account,
    /// A limit: with the limits' headers.
    Limit,
    /// The origin failed.
    Origin,
}

/// An error in the API's envelope.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub status: u16,
    pub kind: Cow<'static, str>,
    pub message: String,
    pub code: Option<Cow<'static, str>>,
    pub retry_after: Option<u64>,
    pub stage: Stage,
    /// The body's `request_id` is `null` (the header has it).
    pub null_id: bool,
}

/// What messages quote.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted<'a> {
    pub organization: &'a str,
    pub model: &'a str,
    pub limits: super::config::Limits,
}

impl ApiError {
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>, stage: Stage) -> Self {
        Self {
            status,
            kind: Cow::Borrowed(kind),
            message: message.into(),
            code: None,
            retry_after: None,
            stage,
            null_id: false,
        }
    }

    /// 400 `invalid_request_error`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message, Stage::Account)
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(Cow::Borrowed(code));
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The body: `request_id` is the reply's own.
    pub fn body(&self, request_id: &str) -> Bytes {
        Bytes::from(self.json(request_id).to_string())
    }

    fn json(&self, request_id: &str) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = &self.code {
            error["details"] = json!({"error_code": code});
        }
        let id = if self.null_id {
            Value::Null
        } else {
            Value::from(request_id)
        };
        json!({"type": "error", "error": error, "request_id": id})
    }

    /// The data of an `error` event inside a stream, in the form of a recorded one.
    pub fn event_data(&self, request_id: &str) -> String {
        let details = self
            .code
            .as_ref()
            .map_or(Value::Null, |code| json!({"error_code": code}));
        let error = json!({"details": details, "type": self.kind, "message": self.message});
        json!({"type": "error", "error": error, "request_id": request_id}).to_string()
    }

    /// The error of a name.
    pub fn named(name: ErrorName, quoted: Quoted<'_>) -> Self {
        use ErrorName as N;
        match name {
            N::KeyRequired
            | N::KeyInvalid
            | N::BearerInvalid
            | N::OauthUnsupported
            | N::OauthNotAllowed
            | N::CredentialsInvalid
            | N::CredentialExpired
            | N::OauthExpired
            | N::OauthRevoked
            | N::OrganizationRevoked
            | N::WorkspaceRevoked
            | N::CorsDenied => Self::authentication(name),
            N::RateLimitRequests
            | N::RateLimitInputTokens
            | N::RateLimitOutputTokens
            | N::Concurrency
            | N::Acceleration
            | N::Throttled
            | N::SpendLimitEnforced
            | N::SpendLimitContract => Self::limit(name, quoted),
            N::Internal | N::InternalOverloaded | N::Timeout | N::Overloaded | N::OverloadedWithLink => {
                Self::origin(name)
            }
            _ => Self::account(name, quoted),
        }
    }

    fn authentication(name: ErrorName) -> Self {
        use ErrorName as N;
        if name == N::OauthNotAllowed {
            let message = "OAuth authentication is currently not allowed for this organization";
            return Self::new(403, "permission_error", message, Stage::Account);
        }
        let message = match name {
            N::KeyRequired => "x-api-key header is required",
            N::KeyInvalid => "invalid x-api-key",
            N::BearerInvalid => "Invalid bearer token",
            N::OauthUnsupported => "OAuth authentication is currently not supported.",
            N::CredentialExpired => "Credential is invalid",
            N::OauthExpired => "OAuth token has expired. Please obtain a new token or refresh your existing token.",
            N::OauthRevoked => "OAuth token has been revoked. Please obtain a new token.",
            N::OrganizationRevoked => "Organization access has been revoked",
            N::WorkspaceRevoked => "Workspace access has been revoked",
            N::CorsDenied => "CORS requests must set 'anthropic-dangerous-direct-browser-access' header",
            _ => "Invalid authentication credentials",
        };
        Self::new(401, "authentication_error", message, Stage::Authentication)
    }

    fn account(name: ErrorName, quoted: Quoted<'_>) -> Self {
        use ErrorName as N;
        let model = quoted.model;
        match name {
            N::VersionRequired => Self::invalid("anthropic-version: header is required"),
            N::WorkspaceRequired => Self::invalid(
                "anthropic-workspace-id: header is required when authenticating with an organization-scoped credential",
            ),
            N::CreditExhausted => Self::invalid(
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            N::OrganizationDisabled => Self::invalid("This organization has been disabled."),
            N::OrganizationOnHold => {
                Self::invalid("This organization has been placed on hold.").code("organization_on_hold")
            }
            N::SpendLimitOwn => Self::invalid(
                "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            ),
            N::SpendLimitWorkspace => Self::invalid(
                "You have reached your specified workspace API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            ),
            N::Billing => Self::new(
                402,
                "billing_error",
                "There is an issue with your billing. Please check your payment information.",
                Stage::Account,
            ),
            N::ModelNotFound => Self::new(404, "not_found_error", format!("model: {model}"), Stage::Account),
            N::Permission => Self::new(
                403,
                "permission_error",
                "Access to this model requires an access grant your request does not have.",
                Stage::Account,
            ),
            N::Conflict => Self::new(
                409,
                "conflict_error",
                "The request conflicts with another one.",
                Stage::Account,
            ),
            N::PromptTooLong => Self::invalid("prompt is too long: 3333404 tokens > 200000 maximum"),
            _ => Self::new(404, "not_found_error", "Not Found", Stage::Authentication),
        }
    }

    fn limit(name: ErrorName, quoted: Quoted<'_>) -> Self {
        use ErrorName as N;
        let limits = quoted.limits;
        let error = |message: String| Self::new(429, "rate_limit_error", message, Stage::Limit);
        match name {
            N::RateLimitRequests => error(rate(quoted, limits.requests, "requests")).retry_after(16),
            N::RateLimitInputTokens => error(rate(quoted, limits.input_tokens, "input tokens")).retry_after(16),
            N::RateLimitOutputTokens => error(rate(quoted, limits.output_tokens, "output tokens")).retry_after(16),
            N::Concurrency => error(
                "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate limit increase.".to_owned(),
            ),
            N::Acceleration => error(format!(
                "This request would exceed your organization's maximum usage increase rate for input tokens per minute (org: {}, model: {}). Your current limit is 58,276 input tokens per minute, and will increase to 68,276 at the next minute boundary. Please scale up your input tokens usage more gradually to stay within the acceleration limit. For details, refer to: https://docs.claude.com/en/api/rate-limits.",
                quoted.organization, quoted.model
            ))
            .code("ramp_limit_exceeded")
            .retry_after(30),
            N::SpendLimitEnforced | N::SpendLimitContract => error(
                "You have reached your API usage limits: your organization has crossed its monthly API usage threshold, set based on your organization's API tier. You will regain access on 2026-12-01 at 00:00 UTC.".to_owned(),
            )
            .code(if name == N::SpendLimitContract {
                "contract_spend_limit_reached"
            } else {
                "enforced_spend_limit_reached"
            }),
            _ => error("This request would exceed your account's rate limit. Please try again later.".to_owned()),
        }
    }

    fn origin(name: ErrorName) -> Self {
        use ErrorName as N;
        match name {
            N::Timeout => Self::new(504, "timeout_error", "Request timed out", Stage::Origin),
            N::Overloaded => Self::new(529, "overloaded_error", "Overloaded", Stage::Origin),
            N::OverloadedWithLink => Self::new(
                529,
                "overloaded_error",
                "Overloaded. https://docs.claude.com/en/api/errors",
                Stage::Origin,
            ),
            N::InternalOverloaded => Self {
                null_id: true,
                ..Self::new(500, "api_error", "Overloaded", Stage::Origin)
            },
            _ => Self::new(500, "api_error", "Internal server error", Stage::Origin),
        }
    }
}

/// The message of a rate limit; `limit` per minute.
fn rate(quoted: Quoted<'_>, limit: u64, unit: &str) -> String {
    format!(
        "This request would exceed your organization's rate limit of {} {unit} per minute (org: {}, model: {}). For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later. You may also contact sales at https://claude.com/contact-sales to discuss your options for a rate limit increase.",
        thousands(limit),
        quoted.organization,
        quoted.model
    )
}

/// `30,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn named(name: ErrorName) -> ApiError {
        let quoted = Quoted {
            organization: "o",
            model: "m",
            limits: super::super::config::Limits::default(),
        };
        ApiError::named(name, quoted)
    }

    #[test]
    fn bodies_have_the_genuine_bytes() {
        assert_eq!(
            named(ErrorName::KeyInvalid).body("req_1"),
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#
        );
        assert_eq!(
            named(ErrorName::Overloaded).event_data("req_1"),
            r#"{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#
        );
        assert!(
            named(ErrorName::InternalOverloaded)
                .body("req_1")
                .ends_with(br#""request_id":null}"#)
        );
    }

    #[test]
    fn only_true_rate_limits_say_when_to_come_back() {
        assert!(named(ErrorName::RateLimitRequests).retry_after.is_some());
        for name in [
            ErrorName::SpendLimitEnforced,
            ErrorName::SpendLimitContract,
            ErrorName::SpendLimitOwn,
        ] {
            assert_eq!(named(name).retry_after, None, "{name:?}");
        }
        assert!(
            named(ErrorName::RateLimitRequests)
                .message
                .contains("10,000 requests per minute")
        );
        assert_eq!(
            (thousands(5), thousands(58_276), thousands(1_000_000)),
            ("5".into(), "58,276".into(), "1,000,000".into())
        );
    }
}
