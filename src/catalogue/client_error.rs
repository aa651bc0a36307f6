//! Client-visible errors: how each kind of failure looks in the official SDKs and in Claude Code.
//!
//! The quotes come from the clients themselves (anthropic 2.12.0 and 1.17.0 for Python, @anthropic-ai/sdk 1.12.0, Claude
//! Code 2.1.330 with its retries off); `tests/sdk` compares those of the SDKs with the pinned clients. `…` stands for omitted text.

/// Groups of [`ClientError`]s: what an on-call engineer looks up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symptom {
    /// Status 400 and 402.
    BadRequest,
    /// Status 401.
    Unauthorized,
    /// Status 403.
    Forbidden,
    /// Status 404, redirects, a 200 without an answer.
    NoAnswer,
    /// Status 413 and 431.
    TooLarge,
    /// Status 429.
    TooMany,
    /// Status 408, 500 and above.
    ServerError,
    /// No connection.
    Connection,
    /// No reply in time.
    Timeout,
    /// A stream that stops.
    StreamStops,
    /// Answers that arrive late or in one piece.
    Slow,
    /// Requests are answered.
    Quiet,
}

impl Symptom {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Symptom; 12] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NoAnswer,
        Self::TooLarge,
        Self::TooMany,
        Self::ServerError,
        Self::Connection,
        Self::Timeout,
        Self::StreamStops,
        Self::Slow,
        Self::Quiet,
    ];

    /// As a heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "400, 402",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::NoAnswer => "404, a redirect, or a 200 without an answer",
            Self::TooLarge => "413, 431",
            Self::TooMany => "429",
            Self::ServerError => "408, 500 to 529",
            Self::Connection => "Connection error",
            Self::Timeout => "Timeout",
            Self::StreamStops => "A stream stops",
            Self::Slow => "A slow answer, or all of it at once",
            Self::Quiet => "No error",
        }
    }
}

/// What one client shows.
#[derive(Clone, Copy, Debug)]
pub struct Quotes {
    /// Python: `Class: text`; where the majors differ, `Class of 2.x|Class of 1.x: text`.
    pub python: &'static str,
    /// TypeScript: `Class: text`.
    pub typescript: &'static str,
    /// Claude Code's line.
    pub claude_code: &'static str,
}

macro_rules! client_errors {
    ($($(#[$doc:meta])* $name:ident: $symptom:ident, $title:literal $(, $python:literal, $typescript:literal, $code:literal)?;)*) => {
        /// A kind of failure as a client shows it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ClientError {
            $(#[doc = $title] $(#[$doc])* $name,)*
        }

        impl ClientError {
            /// All of them, in the order in which they are shown.
            pub const ALL: &[ClientError] = &[$(Self::$name,)*];

            /// Where it is listed in the index.
            #[must_use]
            pub const fn symptom(self) -> Symptom {
                match self { $(Self::$name => Symptom::$symptom,)* }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Its name in this file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What the clients show; `None` if they show no error.
            #[must_use]
            pub const fn quotes(self) -> Option<Quotes> {
                match self { $(Self::$name => client_errors!(@shown $($python, $typescript, $code)?),)* }
            }
        }
    };
    (@shown) => { None };
    (@shown $python:literal, $typescript:literal, $code:literal) => {
        Some(Quotes { python: $python, typescript: $typescript, claude_code: $code })
    };
}

client_errors! {
    FieldRefused: BadRequest, "400 “… Extra inputs are not permitted”",
        "BadRequestError: Error code: 400 - …Extra inputs are not permitted…",
        "BadRequestError: 400 …Extra inputs are not permitted…",
        "API Error: 400 context_management: Extra inputs are not permitted";
    BetaRefused: BadRequest, "400 “Unexpected value(s) … for the `anthropic-beta` header”",
        "BadRequestError: Error code: 400 - …Unexpected value(s)…",
        "BadRequestError: 400 …Unexpected value(s)…",
        "API Error: 400 Unexpected value(s) …";
    VersionRefused: BadRequest, "400 “anthropic-version: …”",
        "BadRequestError: Error code: 400 - …anthropic-version: …",
        "BadRequestError: 400 …anthropic-version: …",
        "API Error: 400 anthropic-version: …";
    OrganizationDisabled: BadRequest, "400 “This organization has been disabled.”",
        "BadRequestError: Error code: 400 - …This organization has been disabled.…",
        "BadRequestError: 400 …This organization has been disabled.…",
        "Your ANTHROPIC_API_KEY belongs to a disabled organization · Update or unset the environment variable";
    CreditTooLow: BadRequest, "400 “Your credit balance is too low …”",
        "BadRequestError: Error code: 400 - …Your credit balance is too low…",
        "BadRequestError: 400 …Your credit balance is too low…",
        "Credit balance is too low";
    Billing: BadRequest, "402 “billing_error”",
        "PaymentRequiredError|APIStatusError: Error code: 402 - …billing_error…",
        "PaymentRequiredError: 402 …billing_error…",
        "API Error: 402 There is an issue with your billing. …";
    KeyMissing: Unauthorized, "401 “x-api-key header is required”",
        "AuthenticationError: Error code: 401 - …x-api-key header is required…",
        "AuthenticationError: 401 …x-api-key header is required…",
        "Invalid API key · Fix external API key";
    KeyRefused: Unauthorized, "401 “invalid x-api-key” or “Invalid bearer token”",
        "AuthenticationError: Error code: 401 - …authentication_error…nvalid …",
        "AuthenticationError: 401 …authentication_error…Invalid bearer token…",
        "Invalid API key · Fix external API key";
    OriginRefused: Unauthorized, "401 “CORS requests …”",
        "AuthenticationError: Error code: 401 - …CORS requests …",
        "AuthenticationError: 401 …CORS requests …",
        "Failed to authenticate. API Error: 401 CORS requests …";
    OauthUnsupported: Unauthorized, "401 “OAuth authentication is currently not supported.”",
        "AuthenticationError: Error code: 401 - …OAuth authentication is currently not supported.…",
        "AuthenticationError: 401 …OAuth authentication is currently not supported.…",
        "Failed to authenticate. API Error: 401 OAuth authentication is currently not supported.";
    GatewayUnauthorized: Unauthorized, "401 without a `request-id`, and the body is not Claude's (HTML, text, other JSON)",
        "AuthenticationError: …Authorization Required…",
        "AuthenticationError: 401 …Authorization Required…",
        "Failed to authenticate. API Error: 401 Authorization Required";
    PermissionRefused: Forbidden, "403 “permission_error”",
        "PermissionDeniedError: Error code: 403 - …permission_error…",
        "PermissionDeniedError: 403 …permission_error…",
        "Failed to authenticate. API Error: 403 …";
    AddressRefused: Forbidden, "403 “Request not allowed” without a `request-id`",
        "PermissionDeniedError: Error code: 403 - …Request not allowed…",
        "PermissionDeniedError: 403 …Request not allowed…",
        "Failed to authenticate. API Error: 403 Request not allowed";
    EdgePage: Forbidden, "403 with an HTML page and `cf-ray`",
        "PermissionDeniedError: <!DOCTYPE html>…",
        "PermissionDeniedError: 403 <!DOCTYPE html>…",
        "Failed to authenticate. API Error: 403 Just a moment...";
    GatewayForbidden: Forbidden, "403 without a `request-id`, and the body is empty or not Claude's",
        "PermissionDeniedError: …403 Forbidden…",
        "PermissionDeniedError: 403 …403 Forbidden…",
        "Failed to authenticate. API Error: 403 Forbidden";
    ModelUnknown: NoAnswer, "404 “model: …”",
        "NotFoundError: Error code: 404 - …not_found_error…model: …",
        "NotFoundError: 404 …not_found_error…model: …",
        "There's an issue with the selected model (…). It may not exist or you may not have access to it. …";
    GatewayNotFound: NoAnswer, "404 without a `request-id`, and the body is not Claude's",
        "NotFoundError: …404 Not Found…",
        "NotFoundError: 404 …404 Not Found…",
        "There's an issue with the selected model (…). It may not exist or you may not have access to it. …";
    NoMessage: NoAnswer, "200 with a login page, an empty body, or other JSON",
        "AttributeError: 'str' object has no attribute 'content'",
        "TypeError: Cannot read properties of undefined (reading '0')",
        "API Error: API returned an empty or malformed response (HTTP 200) — check for a proxy or gateway intercepting the request. …";
    GatewayTooLarge: TooLarge, "413, and the body is not Claude's",
        "ContentTooLargeError|RequestTooLargeError: …413 Request Entity Too Large…",
        "ContentTooLargeError: 413 …413 Request Entity Too Large…",
        "Request too large (max 32MB). Accumulated images and attachments in the conversation pushed the request over the limit. …";
    HeadersTooLarge: TooLarge, "431, or 400 “Request Header Or Cookie Too Large”",
        "RequestHeaderFieldsTooLargeError|APIStatusError: Error code: 431",
        "RequestHeaderFieldsTooLargeError: 431 …",
        "API Error: 431 …";
    RateLimit: TooMany, "429 “rate_limit_error” with `request-id` and `retry-after`",
        "RateLimitError: Error code: 429 - …would exceed your organization's rate limit of …",
        "RateLimitError: 429 …would exceed your organization's rate limit of …",
        "API Error: Request rejected (429) · This request would exceed your organization's rate limit of …";
    Connections: TooMany, "429 “Number of concurrent connections has exceeded your rate limit”",
        "RateLimitError: Error code: 429 - …Number of concurrent connections has exceeded your rate limit…",
        "RateLimitError: 429 …Number of concurrent connections has exceeded your rate limit…",
        "API Error: Request rejected (429) · Number of concurrent connections has exceeded your rate limit. …";
    Ramp: TooMany, "429 “… maximum usage increase rate …”",
        "RampLimitExceededError|RateLimitError: Error code: 429 - …maximum usage increase rate…",
        "RampLimitExceededError: 429 …maximum usage increase rate…",
        "API Error: Request rejected (429) · … maximum usage increase rate …";
    SpendLimit: TooMany, "429 “You have reached your API usage limits” without `retry-after`",
        "EnforcedSpendLimitReachedError|RateLimitError: Error code: 429 - …You have reached your API usage limits…",
        "EnforcedSpendLimitReachedError: 429 …You have reached your API usage limits…",
        "API Error: Request rejected (429) · You have reached your API usage limits: …";
    GatewayTooMany: TooMany, "429 without a `request-id`, and the body is not Claude's",
        "RateLimitError: local_rate_limited",
        "RateLimitError: 429 local_rate_limited",
        "API Error: Request rejected (429) · local_rate_limited";
    GatewayTimeout: ServerError, "504 or 408 after a constant time, and the body is not Claude's",
        "GatewayTimeoutError|InternalServerError: …504 Gateway Time-out…",
        "GatewayTimeoutError: 504 …504 Gateway Time-out…",
        "API Error: 504 Gateway Time-out. This is a server-side issue, … check your inference gateway (…).";
    GatewayError: ServerError, "500, 502 or 503 without a `request-id`, and the body is not Claude's",
        "InternalServerError: …502 Bad Gateway…",
        "InternalServerError: 502 …502 Bad Gateway…",
        "API Error: 502 Bad Gateway. This is a server-side issue, … check your inference gateway (…).";
    InternalError: ServerError, "500 “api_error” with a `request-id`",
        "InternalServerError: Error code: 500 - …api_error…Internal server error…",
        "InternalServerError: 500 …api_error…Internal server error…",
        "API Error: 500 Internal server error. This is a server-side issue, …";
    Overloaded: ServerError, "529 “overloaded_error”",
        "OverloadedError: Error code: 529 - …overloaded_error…",
        "OverloadedError: 529 …overloaded_error…",
        "API Error: 529 Overloaded. This is a server-side issue, …";
    Refused: Connection, "the connection is refused or cannot be made",
        "APIConnectionError: Connection error. ← …Connection refused",
        "APIConnectionError: Connection error. ← …ECONNREFUSED…",
        "API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)";
    NameUnknown: Connection, "the name does not resolve",
        "APIConnectionError: Connection error. ← …Name or service not known",
        "APIConnectionError: Connection error. ← …ENOTFOUND…",
        "API Error: Can't reach the API server — check your internet or DNS (…)";
    Untrusted: Connection, "TLS fails",
        "APIConnectionError: Connection error. ← …CERTIFICATE_VERIFY_FAILED…",
        "APIConnectionError: Connection error. ← …UNABLE_TO_VERIFY_LEAF_SIGNATURE…",
        "API Error: Unable to connect to API: SSL certificate verification failed (…). …";
    Dropped: Connection, "the connection is closed or reset before a reply",
        "APIConnectionError: Connection error. ← …Connection reset by peer",
        "APIConnectionError: Connection error. ← …ECONNRESET…",
        "API Error: Connection dropped (ECONNRESET). Check the gateway set in ANTHROPIC_BASE_URL, then try again.";
    IllegalKey: Connection, "a connection error before anything is sent (Python; other clients trim or send the key)",
        "APIConnectionError: Connection error. ← Illegal header value …",
        "(answered: the newline is trimmed)",
        "(answered: the newline is trimmed)";
    ProxyRefused: Connection, "a forward proxy rejects the tunnel",
        "APIConnectionError: Connection error. ← 403 Forbidden",
        "(no proxy in use: Node 20 does not read HTTPS_PROXY by itself)",
        "API Error: Couldn't connect through your proxy (ERR_PROXY_TUNNEL) — the proxy refused the tunnel: …";
    Silence: Timeout, "no reply within the client's own timeout",
        "APITimeoutError: Request timed out…",
        "APIConnectionTimeoutError: Request timed out.",
        "Request timed out. If the API is slow to answer, or a proxy or gateway holds responses, set API_TIMEOUT_MS above …";
    Cut: StreamStops, "an exception in the middle of a stream",
        "RemoteProtocolError: peer closed connection without sending complete message body (incomplete chunked read)",
        "TypeError: terminated",
        "(no error: it repeats the request without streaming, which is billed twice)";
    HalfAnswer: StreamStops, "half an answer without an error: `stop_reason` is null",
        "(no exception: stop_reason is None)",
        "AnthropicError: stream ended without producing a Message with role=assistant",
        "(no error: it repeats the request without streaming, which is billed twice)";
    ErrorEvent: StreamStops, "an `error` event inside the stream",
        "APIStatusError: …overloaded_error…",
        "APIError: …overloaded_error…",
        "(no error: it repeats the request without streaming, which is billed twice)";
    AllAtOnce: Slow, "no output for a long time, then the whole answer at once";
    SlowStart: Slow, "every answer starts late";
    OtherAnswer: Quiet, "another model, account or text than expected, or higher bills";
    NothingYet: Quiet, "no error yet: the next request, release or day brings it";
}
