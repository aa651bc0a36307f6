//! The numbers of the closed enums on the wire. A number is never given to another variant: operator and probe pods may
//! be of different releases for a while.

use super::bits::{BitReader, BitWriter};
use crate::claude::error::ErrorClass;
pub use crate::report::evidence::DIGITS;
use crate::report::evidence::{
    BodyKind, Echo, EventKind, ExchangeKind, KeyDefect, KeyKind, LimitKind, Maker, Outcome, Phrase, Reach, ReplyHeader,
    SkipReason, Spelling, Trust,
};

/// An enum with numbers.
pub trait Coded: Copy + PartialEq {
    /// Bits of the largest number that the format has room for.
    const BITS: u32;
    /// The number of this variant.
    fn code(self) -> u32;
    /// The variant of a number; `None` for one that this release does not know.
    fn of(code: u32) -> Option<Self>;
}

/// Writes a variant.
pub fn put<T: Coded>(out: &mut BitWriter, value: T) {
    out.bits(value.code(), T::BITS);
}

/// What [`put`] wrote.
pub fn take<T: Coded>(from: &mut BitReader<'_>) -> Option<T> {
    T::of(from.bits(T::BITS)?)
}

/// One bit for the usual value, else the value.
pub fn put_unless<T: Coded>(out: &mut BitWriter, value: T, usual: T) {
    out.option((value != usual).then_some(value), put);
}

/// What [`put_unless`] wrote.
pub fn take_unless<T: Coded>(from: &mut BitReader<'_>, usual: T) -> Option<T> {
    Some(from.option(take)?.unwrap_or(usual))
}

/// A time, if any.
pub fn put_time(out: &mut BitWriter, time: Option<u32>) {
    out.option(time, |out, time| out.significant(time, DIGITS));
}

/// What [`put_time`] wrote.
pub fn take_time(from: &mut BitReader<'_>) -> Option<Option<u32>> {
    from.option(|from| from.significant(DIGITS))
}

/// Largest distance that [`put_near`] writes as such.
const NEAR: i64 = 8;

/// A time that is most often next to another one.
pub fn put_near(out: &mut BitWriter, time: Option<u32>, other: Option<u32>) {
    let distance = time.zip(other).map(|(time, other)| i64::from(time) - i64::from(other));
    let near = distance.filter(|distance| (-NEAR..NEAR).contains(distance));
    out.bit(near.is_some());
    match near {
        Some(distance) => out.bits(u32::try_from(distance + NEAR).unwrap_or(0), 4),
        None => put_time(out, time),
    }
}

/// What [`put_near`] wrote.
pub fn take_near(from: &mut BitReader<'_>, other: Option<u32>) -> Option<Option<u32>> {
    if !from.bit()? {
        return take_time(from);
    }
    let distance = i64::from(from.bits(4)?) - NEAR;
    Some(Some(u32::try_from(i64::from(other?) + distance).ok()?))
}

macro_rules! coded {
    ($name:ident: $bits:literal { $($variant:ident = $code:literal),* $(,)? }) => {
        impl Coded for $name {
            const BITS: u32 = $bits;
            fn code(self) -> u32 {
                // Exhaustive: a new variant does not compile until it has a number.
                match self { $(Self::$variant => $code,)* }
            }
            fn of(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

impl Coded for ExchangeKind {
    const BITS: u32 = 5;
    fn code(self) -> u32 {
        self.entry().code
    }
    fn of(code: u32) -> Option<Self> {
        Self::all().find(|kind| kind.entry().code == code)
    }
}

coded!(Outcome: 4 {
    Answered = 0,
    CutByClose = 1,
    CutByReset = 2,
    StalledInBody = 3,
    BrokenFraming = 4,
    Oversized = 5,
    ClosedBeforeHead = 6,
    ResetBeforeHead = 7,
    NoReply = 8,
    NotHttp = 9,
    ConnectFailed = 10,
});

coded!(ErrorClass: 6 {
    None = 0,
    KeyRequired = 1,
    KeyInvalid = 2,
    BearerInvalid = 3,
    OauthUnsupported = 4,
    OauthNotAllowed = 5,
    CredentialRevoked = 6,
    CorsDenied = 7,
    Unauthenticated = 8,
    VersionRequired = 9,
    VersionInvalid = 10,
    BetaUnexpected = 11,
    WorkspaceRequired = 12,
    CreditExhausted = 13,
    OrganizationDisabled = 14,
    SpendLimitOwn = 15,
    SpendLimitEnforced = 16,
    Billing = 17,
    RateLimit = 18,
    ConcurrencyLimit = 19,
    AccelerationLimit = 20,
    Throttled = 21,
    ModelNotFound = 22,
    NotFound = 23,
    Permission = 24,
    EdgeForbidden = 25,
    EdgeChallenge = 26,
    EdgeUnavailable = 27,
    TooLarge = 28,
    PromptTooLong = 29,
    InvalidJson = 30,
    ExtraInputs = 31,
    InvalidRequest = 32,
    Conflict = 33,
    Internal = 34,
    Timeout = 35,
    Overloaded = 36,
});

coded!(Maker: 5 {
    Unknown = 0,
    Nginx = 1,
    Haproxy = 2,
    Envoy = 3,
    EnvoyAiGateway = 4,
    Squid = 5,
    LiteLlm = 6,
    Kong = 7,
    Portkey = 8,
    Apisix = 9,
    Apigee = 10,
    Aws = 11,
    Azure = 12,
    Google = 13,
    Cloudflare = 14,
    Traefik = 15,
    Caddy = 16,
    Apache = 17,
    Linkerd = 18,
    OtherAiGateway = 19,
});

coded!(Phrase: 5 {
    None = 0,
    ConnectFailed = 1,
    ConnectTimeout = 2,
    DnsFailure = 3,
    TlsFailure = 4,
    ReplyTimeout = 5,
    ClosedEarly = 6,
    NoHealthyUpstream = 7,
    NoRoute = 8,
    AuthRequired = 9,
    JwtInvalid = 10,
    Denied = 11,
    RateLimited = 12,
    Overflow = 13,
    Cooldown = 14,
    BudgetExceeded = 15,
    BodyTooLarge = 16,
    HeaderTooLarge = 17,
    UnknownModel = 18,
    ClientCertificate = 19,
    UpstreamRefused = 20,
});

coded!(Echo: 3 {
    None = 0,
    Exact = 1,
    Duplicated = 2,
    WithOthers = 3,
    OnlyOthers = 4,
    NotFirst = 5,
});

coded!(BodyKind: 3 {
    Unknown = 0,
    AsAsked = 1,
    MessageNotStream = 2,
    Empty = 3,
    Html = 4,
    OtherJson = 5,
    Other = 6,
});

coded!(EventKind: 4 {
    None = 0,
    MessageStart = 1,
    BlockStart = 2,
    BlockDelta = 3,
    BlockStop = 4,
    MessageDelta = 5,
    MessageStop = 6,
    Ping = 7,
    Error = 8,
    Other = 9,
});

coded!(ReplyHeader: 5 {
    RequestId = 0,
    RequestLimits = 1,
    TokenLimits = 2,
    InputTokenLimits = 3,
    OutputTokenLimits = 4,
    OrganizationId = 5,
    WorkspaceId = 6,
    TraceResponse = 7,
    StrictTransportSecurity = 8,
    ContentSecurityPolicy = 9,
    RobotsTag = 10,
    CfRay = 11,
    CfCacheStatus = 12,
    Server = 13,
    Date = 14,
    Vary = 15,
    CacheControl = 16,
    ContentType = 17,
});

coded!(Spelling: 2 {
    Unknown = 0,
    Mixed = 1,
    Lower = 2,
    Capital = 3,
});

coded!(Reach: 5 {
    NotTried = 0,
    Connected = 1,
    DnsNoName = 2,
    DnsFailed = 3,
    AddressRefused = 4,
    ConnectRefused = 5,
    ConnectTimeout = 6,
    Unreachable = 7,
    TlsReset = 8,
    TlsAlert = 9,
    TlsClientCertificate = 10,
    TlsUntrusted = 11,
    TlsWrongName = 12,
    TlsExpired = 13,
    TlsNotTls = 14,
    TlsTimeout = 15,
    ProxyRefused = 16,
    ProxyUnreachable = 17,
    UrlUnusable = 18,
    ProxyUnusable = 19,
    CaMissing = 20,
    TlsUnusable = 21,
    SecretMissing = 22,
    HeaderUnusable = 23,
});

coded!(Trust: 3 {
    Plain = 0,
    Public = 1,
    System = 2,
    Declared = 3,
    Untrusted = 4,
});

coded!(SkipReason: 3 {
    Unreachable = 0,
    RateLimited = 1,
    LowHeadroom = 2,
    OutOfTime = 3,
    Pointless = 4,
    NoUsableKey = 5,
    OverBudget = 6,
});

coded!(KeyKind: 2 {
    Foreign = 0,
    ApiKey = 1,
    AdminKey = 2,
    OauthToken = 3,
});

coded!(KeyDefect: 4 {
    Empty = 0,
    TrailingNewline = 1,
    InnerControl = 2,
    Blanks = 3,
    ByteOrderMark = 4,
    Quoted = 5,
    BearerPrefix = 6,
    DoubleBase64 = 7,
    Placeholder = 8,
    WrongKind = 9,
    NotAHeaderValue = 10,
});

coded!(LimitKind: 2 {
    Requests = 0,
    InputTokens = 1,
    OutputTokens = 2,
    Tokens = 3,
});
