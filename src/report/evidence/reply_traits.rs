//! Traits that show the possible origin of a reply: headers and shape, product, kind of gateway error, echo.

use serde::{Deserialize, Serialize};
use strum::FromRepr;

pub use crate::catalogue::Product;

/// The traits of a reply. They are facts; whether they make a reply genuine is the diagnosis's decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplyTraits(pub u32);

macro_rules! traits {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl ReplyTraits {
            $($(#[$doc])* pub const $name: ReplyTraits = ReplyTraits(1 << $bit);)*
            /// Every trait with its name.
            pub const ALL: &[(&str, ReplyTraits)] = &[$((stringify!($name), ReplyTraits::$name),)*];
        }
    };
}

traits! {
    /// A `request-id` header of the genuine shape.
    REQUEST_ID = 0;
    /// A top-level `request_id` of the genuine shape in the body.
    BODY_REQUEST_ID = 1;
    /// Both are there and equal.
    IDS_AGREE = 2;
    /// A `req_…` inside a string of another JSON.
    INNER_REQUEST_ID = 3;
    /// Claude's envelope: top-level `type: error`, `error.type` of its vocabulary, a message.
    ENVELOPE = 4;
    /// The envelope has keys that Claude's never has.
    EXTRA_KEYS = 5;
    /// `anthropic-organization-id` or `anthropic-workspace-id`.
    ACCOUNT = 6;
    /// Any `anthropic-ratelimit-*`.
    RATE_LIMITS = 7;
    /// `cf-ray`.
    CF_RAY = 8;
    /// `x-should-retry`.
    SHOULD_RETRY = 9;
    /// `retry-after`.
    RETRY_AFTER = 10;
    /// `www-authenticate`.
    WWW_AUTHENTICATE = 11;
    /// An HTML body.
    HTML = 12;
    /// A text body.
    TEXT = 13;
    /// An empty body.
    EMPTY = 14;
    /// A JSON body that is no envelope of Claude's.
    OTHER_JSON = 15;
    /// An edge page or zone that names api.anthropic.com.
    EDGE_PAGE = 16;
    /// An edge page or zone that names another host.
    FOREIGN_EDGE_PAGE = 17;
    /// A header that only a gateway sets (vendor prefixes, `x-squid-error`, `x-envoy-overloaded`, …).
    GATEWAY_HEADER = 18;
    /// `via`, `x-cache`, `x-served-by`, …: an intermediary, not necessarily the origin.
    INTERMEDIARY = 19;
    /// `cf-mitigated`: a challenge.
    CHALLENGE = 20;
    /// A genuine 403 `forbidden` of the edge (`Request not allowed`).
    EDGE_FORBIDDEN = 21;
    /// `location` of a redirect.
    REDIRECT = 22;
    /// The reply repeats a header or body value that we sent and that Claude would not repeat.
    ECHOES_REQUEST = 23;
    /// `server: cloudflare`.
    SERVER_CLOUDFLARE = 24;
    /// A header with the count of the gateway's attempts (`x-envoy-attempt-count`, `x-litellm-attempted-retries`, …)
    /// above 1.
    RETRIED = 25;
    /// `x-amzn-requestid`, `x-goog-…`: a cloud platform's own reply.
    CLOUD_PLATFORM = 26;
    /// Words of one of Claude's own messages in a body that is not of Claude's shape, and not quoted as a whole error.
    CLAUDE_WORDS = 27;
    /// The id ([`ReplyTraits::REQUEST_ID`], else [`ReplyTraits::BODY_REQUEST_ID`]) has not the length and alphabet of
    /// those that Claude makes.
    ID_ODD = 28;
    /// The `request-id`, or the message's id, was on an earlier reply of this path in this run: Claude gives each reply
    /// its own.
    ID_SEEN = 29;
    /// An HTML page inside a string of the body: the reply wraps what another hop answered.
    WRAPPED_PAGE = 30;
}

impl ReplyTraits {
    /// Whether all of `other` are here.
    #[must_use]
    pub const fn has(self, other: ReplyTraits) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: ReplyTraits) -> ReplyTraits {
        ReplyTraits(self.0 | other.0)
    }

    /// Adds `other` when `condition` holds.
    pub fn set(&mut self, other: ReplyTraits, condition: bool) {
        if condition {
            self.0 |= other.0;
        }
    }
}

/// The kind of a gateway-made error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum GatewayErrorKind {
    /// Nothing that we know.
    #[default]
    None = 0,
    /// Connecting to the upstream failed at once.
    ConnectFailed = 1,
    /// Connecting to the upstream timed out.
    ConnectTimeout = 2,
    /// The upstream's name does not resolve.
    DnsFailure = 3,
    /// TLS to the upstream failed.
    TlsFailure = 4,
    /// The upstream did not answer in time.
    ReplyTimeout = 5,
    /// The upstream closed before it answered.
    ClosedEarly = 6,
    /// No healthy upstream is left.
    NoHealthyUpstream = 7,
    /// No route matches.
    NoRoute = 8,
    /// Authentication of the client failed or is missing.
    AuthRequired = 9,
    /// A JWT was expected.
    JwtInvalid = 10,
    /// Access denied by a rule.
    Denied = 11,
    /// The gateway's own rate limit.
    RateLimited = 12,
    /// The gateway's own concurrency limit or overflow.
    Overflow = 13,
    /// A cooldown or an open circuit breaker.
    Cooldown = 14,
    /// The gateway's own budget.
    BudgetExceeded = 15,
    /// Body too large.
    BodyTooLarge = 16,
    /// Header too large.
    HeaderTooLarge = 17,
    /// The gateway does not know the model.
    UnknownModel = 18,
    /// The gateway requires a client certificate.
    ClientCertificate = 19,
    /// The upstream rejected or failed; the cause is not named.
    UpstreamRefused = 20,
}

/// How a value that we sent came back in Claude's complaint about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum Echo {
    /// No echo in the reply.
    #[default]
    None = 0,
    /// Exactly what we sent.
    Exact = 1,
    /// Ours, twice or more.
    Duplicated = 2,
    /// Ours and others.
    WithOthers = 3,
    /// Only others.
    OnlyOthers = 4,
    /// Ours, and not the one of them that we sent first.
    NotFirst = 5,
}
