//! The traits of a reply that show its possible origin, read from its headers and its body. Decides nothing.

use http::HeaderMap;

use crate::claude::error::{BodyShape, ErrorClass, ErrorReading};
use crate::claude::headers::{self, RateLimits};
use crate::probe::compose::Asked;
use crate::report::evidence::ReplyTraits;

/// `error.type` of Claude's envelope.
const TYPES: [&str; 12] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
    "forbidden",
];

/// Header prefixes that only gateways set.
const GATEWAY: [&str; 18] = [
    "x-litellm-",
    "llm_provider-",
    "helicone-",
    "x-portkey-",
    "cf-aig-",
    "x-kong-",
    "x-bt-",
    "x-bifrost-",
    "x-databricks-",
    "x-ai-eg-",
    "ngrok-",
    "x-cc-gateway-",
    "x-apisix-",
    "x-apigee-",
    "x-squid-error",
    "x-envoy-overloaded",
    "x-envoy-ratelimited",
    "x-retry-in",
];

/// Headers of intermediaries, which need not have made the reply.
const INTERMEDIARY: [&str; 14] = [
    "via",
    "x-cache",
    "x-cache-lookup",
    "x-cache-hits",
    "x-served-by",
    "x-varnish",
    "age",
    "x-envoy-upstream-service-time",
    "proxy-connection",
    "x-iinfo",
    "x-akamai-",
    "x-zscaler-",
    "x-azure-ref",
    "x-powered-by",
];

/// Headers of cloud platforms.
const CLOUD: [&str; 7] = [
    "x-amzn-requestid",
    "x-amzn-",
    "x-amz-",
    "x-goog-",
    "x-cloud-trace-context",
    "apim-request-id",
    "x-ms-request-id",
];

/// Headers that count a gateway's attempts; the number is above this many when it tried again.
const ATTEMPTS: [(&str, u32); 4] = [
    ("x-envoy-attempt-count", 1),
    ("x-litellm-attempted-retries", 0),
    ("x-portkey-retry-attempt-count", 0),
    ("x-retry-count", 0),
];

/// The host whose edge is Claude's.
const CLAUDE_HOST: &str = "api.anthropic.com";

/// Whether a message's id is one of those that Claude has on a cloud's own platform: Bedrock and Vertex name themselves
/// in it.
#[must_use]
pub fn is_platform_message(id: &str) -> bool {
    id.starts_with("msg_bdrk_") || id.starts_with("msg_vrtx_")
}

/// The traits of a reply.
#[must_use]
pub fn traits(status: u16, headers: &HeaderMap, reading: &ErrorReading, asked: &Asked) -> ReplyTraits {
    let mut traits = of_headers(headers);
    // An id of ours that comes back is an echo.
    let theirs = |id: &&str| !asked.ids.iter().any(|ours| ours == id);
    let header_id = headers::request_id(headers)
        .filter(|id| headers::is_request_id(id))
        .filter(theirs);
    let body_id = reading.body_request_id.genuine_form().filter(theirs);
    traits.set(ReplyTraits::REQUEST_ID, header_id.is_some());
    let odd = header_id
        .or(body_id)
        .is_some_and(|id| !headers::is_usual_request_id(id));
    traits.set(ReplyTraits::ID_ODD, odd && (header_id.is_some() || status >= 400));
    traits.set(
        ReplyTraits::REDIRECT,
        (300..400).contains(&status) && headers.contains_key("location"),
    );
    if status < 400 {
        return traits;
    }
    let envelope = reading.shape == BodyShape::Envelope;
    let known = reading.error_type.as_deref().is_some_and(|kind| TYPES.contains(&kind));
    let whole = envelope && reading.top_level_type && known && reading.message.is_some() && !reading.wrapped_page;
    traits.set(ReplyTraits::BODY_REQUEST_ID, body_id.is_some());
    traits.set(ReplyTraits::IDS_AGREE, header_id.is_some() && header_id == body_id);
    traits.set(ReplyTraits::INNER_REQUEST_ID, reading.inner_request_id.is_some());
    traits.set(ReplyTraits::ENVELOPE, whole);
    traits.set(ReplyTraits::EXTRA_KEYS, envelope && reading.extra_keys);
    traits.set(ReplyTraits::HTML, reading.shape == BodyShape::Html);
    traits.set(
        ReplyTraits::TEXT,
        matches!(reading.shape, BodyShape::Text | BodyShape::Binary),
    );
    traits.set(ReplyTraits::EMPTY, reading.shape == BodyShape::Empty);
    traits.set(
        ReplyTraits::OTHER_JSON,
        reading.shape == BodyShape::Json || (envelope && !whole),
    );
    traits.set(ReplyTraits::WRAPPED_PAGE, reading.wrapped_page);
    let page = reading.page_host.as_deref();
    traits.set(
        ReplyTraits::EDGE_PAGE,
        page.is_some_and(|host| host.eq_ignore_ascii_case(CLAUDE_HOST)),
    );
    traits.set(
        ReplyTraits::FOREIGN_EDGE_PAGE,
        page.is_some_and(|host| !host.eq_ignore_ascii_case(CLAUDE_HOST)),
    );
    traits.set(ReplyTraits::EDGE_FORBIDDEN, reading.class == ErrorClass::EdgeForbidden);
    traits
}

fn of_headers(headers: &HeaderMap) -> ReplyTraits {
    let mut traits = ReplyTraits::default();
    let begins = |list: &[&str]| {
        headers
            .keys()
            .any(|name| list.iter().any(|prefix| name.as_str().starts_with(prefix)))
    };
    let account = headers::organization_id(headers).is_some() || headers::workspace_id(headers).is_some();
    traits.set(ReplyTraits::ACCOUNT, account);
    traits.set(ReplyTraits::RATE_LIMITS, !RateLimits::read(headers).is_empty());
    traits.set(ReplyTraits::CF_RAY, headers.contains_key(headers::CF_RAY));
    traits.set(ReplyTraits::SHOULD_RETRY, headers.contains_key(headers::SHOULD_RETRY));
    traits.set(ReplyTraits::RETRY_AFTER, headers.contains_key(headers::RETRY_AFTER));
    traits.set(ReplyTraits::WWW_AUTHENTICATE, headers.contains_key("www-authenticate"));
    traits.set(ReplyTraits::CHALLENGE, headers.contains_key(headers::CF_MITIGATED));
    traits.set(ReplyTraits::GATEWAY_HEADER, begins(&GATEWAY));
    traits.set(ReplyTraits::INTERMEDIARY, begins(&INTERMEDIARY));
    traits.set(ReplyTraits::CLOUD_PLATFORM, begins(&CLOUD));
    let server = headers::text(headers, "server").unwrap_or_default();
    traits.set(
        ReplyTraits::SERVER_CLOUDFLARE,
        server.eq_ignore_ascii_case("cloudflare"),
    );
    traits.set(
        ReplyTraits::RETRIED,
        ATTEMPTS.iter().any(|(name, normal)| {
            headers::text(headers, name)
                .and_then(|text| text.trim().parse::<u32>().ok())
                .is_some_and(|count| count > *normal)
        }),
    );
    traits
}
