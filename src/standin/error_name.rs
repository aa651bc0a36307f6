//! The errors by name.

use serde::{Deserialize, Serialize};

/// An error by name: the catalogue that faults choose from. The words are those of recorded replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorName {
    /// 401 `x-api-key header is required`.
    KeyRequired,
    /// 401 `invalid x-api-key`.
    KeyInvalid,
    /// 401 `Invalid bearer token`.
    BearerInvalid,
    /// 401 `OAuth authentication is currently not supported.`
    OauthUnsupported,
    /// 403 `OAuth authentication is currently not allowed for this organization`.
    OauthNotAllowed,
    /// 401 `Invalid authentication credentials`.
    CredentialsInvalid,
    /// 401 `Credential is invalid`.
    CredentialExpired,
    /// 401 `OAuth token has expired…`.
    OauthExpired,
    /// 401 `OAuth token has been revoked…`.
    OauthRevoked,
    /// 401 `Organization access has been revoked`.
    OrganizationRevoked,
    /// 401 `Workspace access has been revoked`.
    WorkspaceRevoked,
    /// 401: an `Origin` arrived.
    CorsDenied,
    /// 400 `anthropic-version: header is required`.
    VersionRequired,
    /// 400: an organisation-wide key without `anthropic-workspace-id`.
    WorkspaceRequired,
    /// 400: prepaid credit is used up.
    CreditExhausted,
    /// 400 `This organization has been disabled.`
    OrganizationDisabled,
    /// 400 with code `organization_on_hold`.
    OrganizationOnHold,
    /// 400: the organisation's own spend limit.
    SpendLimitOwn,
    /// 400: the workspace's own spend limit.
    SpendLimitWorkspace,
    /// 429 with code `enforced_spend_limit_reached`, without `retry-after`.
    SpendLimitEnforced,
    /// 429 with code `contract_spend_limit_reached`, without `retry-after`.
    SpendLimitContract,
    /// 402.
    Billing,
    /// 429: requests per minute.
    RateLimitRequests,
    /// 429: input tokens per minute.
    RateLimitInputTokens,
    /// 429: output tokens per minute.
    RateLimitOutputTokens,
    /// 429: concurrent connections.
    Concurrency,
    /// 429 with code `ramp_limit_exceeded`.
    Acceleration,
    /// 429 without a named limit.
    Throttled,
    /// 404 `model: …`.
    ModelNotFound,
    /// 404 `Not Found`.
    NotFound,
    /// 403: an access grant is missing.
    Permission,
    /// 409.
    Conflict,
    /// 400: the prompt exceeds the context window.
    PromptTooLong,
    /// 500.
    Internal,
    /// 500 `Overloaded`, `request_id` null.
    InternalOverloaded,
    /// 504 `timeout_error`.
    Timeout,
    /// 529.
    Overloaded,
    /// 529 with a link in its message.
    OverloadedWithLink,
}

impl ErrorName {
    /// All names.
    pub const ALL: [Self; 38] = [
        Self::KeyRequired,
        Self::KeyInvalid,
        Self::BearerInvalid,
        Self::OauthUnsupported,
        Self::OauthNotAllowed,
        Self::CredentialsInvalid,
        Self::CredentialExpired,
        Self::OauthExpired,
        Self::OauthRevoked,
        Self::OrganizationRevoked,
        Self::WorkspaceRevoked,
        Self::CorsDenied,
        Self::VersionRequired,
        Self::WorkspaceRequired,
        Self::CreditExhausted,
        Self::OrganizationDisabled,
        Self::OrganizationOnHold,
        Self::SpendLimitOwn,
        Self::SpendLimitWorkspace,
        Self::SpendLimitEnforced,
        Self::SpendLimitContract,
        Self::Billing,
        Self::RateLimitRequests,
        Self::RateLimitInputTokens,
        Self::RateLimitOutputTokens,
        Self::Concurrency,
        Self::Acceleration,
        Self::Throttled,
        Self::ModelNotFound,
        Self::NotFound,
        Self::Permission,
        Self::Conflict,
        Self::PromptTooLong,
        Self::Internal,
        Self::InternalOverloaded,
        Self::Timeout,
        Self::Overloaded,
        Self::OverloadedWithLink,
    ];
}
