//! The meaning of an error reply, whichever hop relays it: the catalogue of Claude's errors as a closed enum.
//!
//! Classification reads status, `error.type`, `error.details.error_code` and, last, the message, because wording may
//! change. It does not judge who made the reply: a gateway can imitate all of this (see `diagnosis::provenance`).
//!
//! [`classify`] reads a reply, [`classify_event`] an `error` event inside a stream; the functions of [`extract`] read what a
//! message quotes (version, betas, limit, organisation, field).

pub mod extract;
mod message;
mod nested;
mod page;
mod reading;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

pub use extract::{
    Limit, beta_echo, extra_input_field, json_error_position, limit_in, model_in, org_in, regain_at, unknown_tag,
    version_echo,
};
pub use message::{has_claudes_words, is_edges_refusal};
pub use reading::{BodyRequestId, BodyShape, ErrorReading, MAX_BODY, classify, classify_event};

use serde::{Deserialize, Serialize};
use strum::FromRepr;

/// The class of an error reply or of an `error` event inside a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum ErrorClass {
    /// No error, or none in Claude's vocabulary.
    #[default]
    None = 0,
    /// 401: no credential arrived (`x-api-key header is required`).
    KeyRequired = 1,
    /// 401: a key arrived in `x-api-key` and is unknown (`invalid x-api-key`, `API key is invalid`).
    KeyInvalid = 2,
    /// 401: a token arrived in `authorization` and is unknown (`Invalid bearer token`).
    BearerInvalid = 3,
    /// 401: an OAuth token without its beta header (`OAuth authentication is currently not supported.`).
    OauthUnsupported = 4,
    /// 401/403: OAuth is not allowed for this organisation.
    OauthNotAllowed = 5,
    /// 401: the credential is expired, revoked, or its workspace or organisation is closed to it.
    CredentialRevoked = 6,
    /// 401: an `Origin` header arrived (CORS).
    CorsDenied = 7,
    /// 401 of another wording.
    Unauthenticated = 8,
    /// 400: `anthropic-version: header is required`.
    VersionRequired = 9,
    /// 400: `anthropic-version: "…" is not a valid version`.
    VersionInvalid = 10,
    /// 400: `Unexpected value(s) … for the anthropic-beta header`.
    BetaUnexpected = 11,
    /// 400: an `anthropic-workspace-id` header is needed.
    WorkspaceRequired = 12,
    /// 400: prepaid credit is used up.
    CreditExhausted = 13,
    /// 400: the organisation is disabled or on hold.
    OrganizationDisabled = 14,
    /// 400 (or 429): a spend limit that the customer set.
    SpendLimitOwn = 15,
    /// 429: the tier's or contract's spend limit (`enforced_spend_limit_reached`, `contract_spend_limit_reached`).
    SpendLimitEnforced = 16,
    /// 402.
    Billing = 17,
    /// 429: requests, input or output tokens per minute.
    RateLimit = 18,
    /// 429: concurrent connections.
    ConcurrencyLimit = 19,
    /// 429: growth of use (`ramp_limit_exceeded`).
    AccelerationLimit = 20,
    /// 429: a subscription's limit, or a transient throttle without a named limit.
    Throttled = 21,
    /// 404: `model: …`.
    ModelNotFound = 22,
    /// 404 of another kind.
    NotFound = 23,
    /// 403 `permission_error`.
    Permission = 24,
    /// 403 `forbidden` `Request not allowed`: Claude's edge refuses the address.
    EdgeForbidden = 25,
    /// An HTML challenge or block page of the edge (`cf-mitigated`).
    EdgeChallenge = 26,
    /// 5xx page of the edge (520, 522, 524, 502, 504).
    EdgeUnavailable = 27,
    /// 413.
    TooLarge = 28,
    /// 400: the prompt exceeds the context window.
    PromptTooLong = 29,
    /// 400: the body is not valid JSON.
    InvalidJson = 30,
    /// 400: `<field>: Extra inputs are not permitted`.
    ExtraInputs = 31,
    /// 400 of another kind.
    InvalidRequest = 32,
    /// 409.
    Conflict = 33,
    /// 500 `api_error`.
    Internal = 34,
    /// 504 `timeout_error`.
    Timeout = 35,
    /// 529, or `overloaded_error` under any status.
    Overloaded = 36,
}
