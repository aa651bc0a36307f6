//! The headers that Claude answers with, and their values.
//!
//! Only names and formats: any hop can forge or drop each of them.

use http::HeaderMap;

/// `request-id`: `req_…`, on every reply of the origin.
pub const REQUEST_ID: &str = "request-id";
/// The organisation (UUID) whose key authenticated the call.
pub const ORGANIZATION_ID: &str = "anthropic-organization-id";
/// The workspace (`wrkspc_…`) whose key authenticated the call; also a request header of organisation-wide keys.
pub const WORKSPACE_ID: &str = "anthropic-workspace-id";
/// Request header: the API's version.
pub const VERSION: &str = "anthropic-version";
/// Request header: a comma list of beta features.
pub const BETA: &str = "anthropic-beta";
/// Request header: the API key.
pub const API_KEY: &str = "x-api-key";
/// Whether the SDKs shall retry: `true` or `false`.
pub const SHOULD_RETRY: &str = "x-should-retry";
/// Seconds, or a date, after which a retry makes sense.
pub const RETRY_AFTER: &str = "retry-after";
/// Trace context of the reply; on every reply that passed authentication.
pub const TRACE_RESPONSE: &str = "traceresponse";
/// Cloudflare's ray id; on every reply that passed Cloudflare, Claude's edge or another's.
pub const CF_RAY: &str = "cf-ray";
/// Set on Cloudflare's challenge pages.
pub const CF_MITIGATED: &str = "cf-mitigated";

/// API versions that Claude accepts (November 2026).
pub const VERSIONS: [&str; 3] = ["2023-01-01", "2023-06-01", "2026-10-21"];

/// Whether the value has the form of Claude's request ids: `^req_[A-Za-z0-9_-]{4,128}$`, the rule of Anthropic's own
/// client.
pub fn is_request_id(value: &str) -> bool {
    value.strip_prefix("req_").is_some_and(|rest| {
        (4..=128).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    })
}

/// Whether the value looks as the ids that Claude makes: `req_` (`req_vrtx_`, `req_bdrk_` on other platforms) and 24
/// characters of base 58 that begin with `01`. Narrower than [`is_request_id`]; the form may change, so it counts only
/// beside ids that have it.
pub fn is_usual_request_id(value: &str) -> bool {
    is_usual_id(value, "req_")
}

/// Whether the value is a message's id as Claude makes them.
pub fn is_usual_message_id(value: &str) -> bool {
    is_usual_id(value, "msg_")
}

fn is_usual_id(value: &str, prefix: &str) -> bool {
    let rest = value.strip_prefix(prefix).unwrap_or_default();
    let rest = rest
        .strip_prefix("vrtx_")
        .or_else(|| rest.strip_prefix("bdrk_"))
        .unwrap_or(rest);
    let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l');
    rest.len() == 24 && rest.strip_prefix("01").is_some_and(|rest| rest.bytes().all(base58))
}

/// Whether the value has the form of a workspace id.
pub fn is_workspace_id(value: &str) -> bool {
    value
        .strip_prefix("wrkspc_")
        .is_some_and(|rest| (4..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether the value has the form of an organisation id (a UUID in lower case or upper case).
pub fn is_organization_id(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The first value of a header as text, without blanks at its ends; `None` when absent or not visible ASCII.
pub fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The reply's request id, when its header has the right form.
pub fn request_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, REQUEST_ID).filter(|value| is_request_id(value))
}

/// The reply's organisation id, when its header has the right form.
pub fn organization_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, ORGANIZATION_ID).filter(|value| is_organization_id(value))
}

/// The reply's workspace id, when its header has the right form.
pub fn workspace_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, WORKSPACE_ID).filter(|value| is_workspace_id(value))
}

/// What `retry-after` asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryAfter {
    /// Seconds from now.
    Seconds(f64),
    /// Until a point in time.
    At(jiff::Timestamp),
}

impl RetryAfter {
    /// Seconds from `now`, never negative.
    pub fn seconds_from(self, now: jiff::Timestamp) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::At(at) => at.duration_since(now).as_secs_f64().max(0.0),
        }
    }
}

/// `retry-after`: a number of seconds (RFC 9110, and fractions as some gateways write them) or an HTTP date.
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let value = text(headers, RETRY_AFTER)?;
    match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Some(RetryAfter::Seconds(seconds)),
        Ok(_) => None,
        Err(_) => jiff::fmt::rfc2822::parse(value)
            .ok()
            .map(|date| RetryAfter::At(date.timestamp())),
    }
}

/// The kinds of limit that headers and messages name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, strum::FromRepr,
)]
#[repr(u8)]
pub enum LimitKind {
    /// Requests per minute.
    Requests = 0,
    /// All tokens: the most restrictive limit, or the sum of input and output.
    Tokens = 3,
    /// Input tokens per minute.
    InputTokens = 1,
    /// Output tokens per minute.
    OutputTokens = 2,
}

impl LimitKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens];

    /// The part of `anthropic-ratelimit-<name>-limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input-tokens",
            Self::OutputTokens => "output-tokens",
        }
    }
}

/// One limit as the headers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Which limit.
    pub kind: LimitKind,
    /// Units per minute.
    pub limit: Option<u64>,
    /// Units left; tokens are rounded to thousands.
    pub remaining: Option<u64>,
    /// When the limit is whole again.
    pub reset: Option<jiff::Timestamp>,
}

impl RateLimit {
    /// Units left over units per minute, 0 to 1; `None` when either is unknown or the limit is 0.
    pub fn remaining_ratio(&self) -> Option<f64> {
        match (self.remaining, self.limit) {
            #[allow(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
            (Some(remaining), Some(limit)) if limit > 0 => Some((remaining as f64 / limit as f64).min(1.0)),
            _ => None,
        }
    }
}

/// The `anthropic-ratelimit-*` headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits(Vec<RateLimit>);

impl RateLimits {
    /// Reads the headers; a value of the wrong form counts as absent.
    pub fn read(headers: &HeaderMap) -> Self {
        let field = |kind: LimitKind, part: &str| text(headers, &format!("anthropic-ratelimit-{}-{part}", kind.name()));
        let limits = LimitKind::ALL.into_iter().map(|kind| RateLimit {
            kind,
            limit: field(kind, "limit").and_then(|value| value.parse().ok()),
            remaining: field(kind, "remaining").and_then(|value| value.parse().ok()),
            reset: field(kind, "reset").and_then(|value| value.parse().ok()),
        });
        Self(
            limits
                .filter(|limit| limit.limit.is_some() || limit.remaining.is_some() || limit.reset.is_some())
                .collect(),
        )
    }

    /// The limits that were stated, in the order of [`LimitKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &RateLimit> {
        self.0.iter()
    }

    /// One limit, if stated.
    pub fn of(&self, kind: LimitKind) -> Option<&RateLimit> {
        self.0.iter().find(|limit| limit.kind == kind)
    }

    /// Whether no limit was stated. Some organisations get none: absence alone proves nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The limits of which nothing remains.
    pub fn exhausted(&self) -> impl Iterator<Item = LimitKind> {
        self.0
            .iter()
            .filter(|limit| limit.remaining == Some(0))
            .map(|limit| limit.kind)
    }

    /// The least remaining ratio of all limits.
    pub fn headroom(&self) -> Option<f64> {
        self.0.iter().filter_map(RateLimit::remaining_ratio).reduce(f64::min)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_request_id_has_one_form() {
        for good in ["req_011CeCGmBjaWkq37Sf5iU7so", "req_abcd", "req_A-b_9"] {
            assert!(is_request_id(good), "{good}");
        }
        for bad in [
            "",
            "req_",
            "req_abc",
            "req-abcd",
            "011CeCGm",
            "req_abcd efgh",
            "req_äbcd",
            &format!("req_{}", "a".repeat(129)),
        ] {
            assert!(!is_request_id(bad), "{bad}");
        }
    }

    #[test]
    fn rate_limits_of_a_genuine_reply_are_read() {
        let limits = RateLimits::read(&map(&[
            ("anthropic-ratelimit-requests-limit", "10000"),
            ("anthropic-ratelimit-requests-remaining", "9999"),
            ("anthropic-ratelimit-requests-reset", "2026-08-19T14:34:11Z"),
            ("anthropic-ratelimit-input-tokens-limit", "50000"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-limit", "many"),
        ]));
        assert_eq!(
            limits.iter().count(),
            2,
            "a limit with an unreadable value only is absent"
        );
        assert_eq!(
            limits.of(LimitKind::Requests).unwrap().reset.unwrap().to_string(),
            "2026-08-19T14:34:11Z"
        );
        assert_eq!(limits.exhausted().collect::<Vec<_>>(), [LimitKind::InputTokens]);
        assert_eq!(limits.headroom(), Some(0.0));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |value: &str| retry_after(&map(&[("retry-after", value)]));
        assert_eq!(read("16"), Some(RetryAfter::Seconds(16.0)));
        assert_eq!(read("0.5"), Some(RetryAfter::Seconds(0.5)));
        let now: jiff::Timestamp = "2026-08-19T14:34:00Z".parse().unwrap();
        assert_eq!(read("Wed, 19 Aug 2026 14:34:12 GMT").unwrap().seconds_from(now), 12.0);
        assert_eq!(read("Wed, 19 Aug 2026 14:33:12 GMT").unwrap().seconds_from(now), 0.0);
        for bad in ["-1", "soon", "inf", "NaN", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn account_ids_are_read_only_in_their_form() {
        let headers = map(&[
            (ORGANIZATION_ID, "6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11"),
            (WORKSPACE_ID, "wrkspc_01MZW3YzUeytZsFc9LHFxP78"),
        ]);
        assert!(organization_id(&headers).is_some() && workspace_id(&headers).is_some());
        let forged = map(&[(ORGANIZATION_ID, "acme"), (WORKSPACE_ID, "default")]);
        assert!(organization_id(&forged).is_none() && workspace_id(&forged).is_none());
    }
}
