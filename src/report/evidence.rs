//! What a run saw, reduced at the source to closed enums, integers and digests: all that a diagnosis may use.
//!
//! Everything here travels in the termination message; what does not (all headers, every chunk's time) is only in the full
//! report on stdout. Three fields are *details* that go first when room is short, and no verdict may depend on them:
//! [`Handshake::peer`], [`Exchange::request_id`], [`Exchange::quote`]. All others decide. A value that was not observed is `None` or absent, never a default that reads like an observation.

use serde::{Deserialize, Serialize};

use crate::claude::error::ErrorClass;

/// One run, as the prober saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEvidence {
    /// Slot of the plan that was run.
    pub slot: String,
    /// Start of the run, Unix milliseconds by the node's clock.
    pub started_at_ms: i64,
    /// Duration of the run in milliseconds.
    pub duration_ms: u32,
    /// One entry per path that reported, in the plan's order.
    pub legs: Vec<LegEvidence>,
    /// Whether all that decides arrived. `false` after a cut message: the verdict is then `Inconclusive`, and the findings
    /// are those that stand without what is missing.
    pub complete: bool,
}

impl RunEvidence {
    /// The evidence with times and sizes rounded as the termination message carries them: what decides is then the same
    /// in the full report and in the message.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let whole = |value: &mut Option<u32>| *value = value.map(|value| round(value, DIGITS));
        self.duration_ms = round(self.duration_ms, DIGITS);
        for leg in &mut self.legs {
            let hand = &mut leg.handshake;
            [&mut hand.dns_ms, &mut hand.connect_ms, &mut hand.tls_ms]
                .into_iter()
                .for_each(whole);
            for exchange in &mut leg.exchanges {
                let kept = digits(exchange.kind);
                for time in [&mut exchange.first_byte_ms, &mut exchange.total_ms] {
                    *time = time.map(|time| round(time, kept));
                }
                if let Some(stream) = &mut exchange.stream {
                    [
                        &mut stream.first_event_ms,
                        &mut stream.first_token_ms,
                        &mut stream.last_event_ms,
                    ]
                    .into_iter()
                    .for_each(whole);
                    stream.end_ms = round(stream.end_ms, DIGITS);
                    stream.max_gap_ms = round(stream.max_gap_ms, DIGITS);
                    stream.bytes = round(stream.bytes, DIGITS);
                }
            }
        }
        self
    }
}

/// Significant bits of times and sizes that rules measure by: an error below 0.1 %.
pub const DIGITS: u32 = 11;

/// Significant bits of an exchange's times: fewer where the times of a refusal are only shown (an error below 2 %).
#[must_use]
pub fn digits(kind: ExchangeKind) -> u32 {
    use ExchangeKind as Kind;
    match kind {
        Kind::UnknownField
        | Kind::NestedField
        | Kind::BogusVersion
        | Kind::BogusBeta
        | Kind::LargeHeader
        | Kind::BigBody
        | Kind::BenignPrompt
        | Kind::AttackPrompt
        | Kind::OtherCarrier
        | Kind::NoKey
        | Kind::BadKey => 7,
        _ => DIGITS,
    }
}

/// Rounds down to so many significant bits.
#[must_use]
pub fn round(value: u32, digits: u32) -> u32 {
    let drop = (32 - value.leading_zeros()).saturating_sub(digits);
    value >> drop << drop
}

/// What one path showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LegEvidence {
    /// Path name: `direct` or the gateway's.
    pub path: String,
    /// Facts about the key that this path used; `None` with `credential: {none: {}}`.
    pub key: Option<KeyEvidence>,
    /// Reaching the first hop: name, connection, TLS.
    pub handshake: Handshake,
    /// The exchanges in the order in which they were sent. Those that were not sent are absent.
    pub exchanges: Vec<Exchange>,
    /// Why exchanges of the plan were left out, if any were.
    pub skipped: Vec<(ExchangeKind, SkipReason)>,
}

impl LegEvidence {
    /// The first exchange of this kind.
    #[must_use]
    pub fn exchange(&self, kind: ExchangeKind) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.kind == kind)
    }

    /// The frozen request's exchange.
    #[must_use]
    pub fn frozen(&self) -> Option<&Exchange> {
        self.exchange(ExchangeKind::Frozen)
    }
}

/// Facts about a key that identify nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEvidence {
    /// First 5 hex digits of HMAC-SHA256(probe UID, key): notices a change, confirms no guess.
    pub fingerprint: String,
    /// What kind of credential its shape says it is.
    pub kind: KeyKind,
    /// What is wrong with its bytes, before anything is sent.
    pub defects: Vec<KeyDefect>,
}

/// What kind of credential a key's shape says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyKind {
    /// Not the shape of an Anthropic credential. Fine for a gateway's own (virtual) key.
    #[default]
    Foreign,
    /// `sk-ant-api…`.
    ApiKey,
    /// `sk-ant-admin…`: cannot call the Messages API.
    AdminKey,
    /// `sk-ant-oat…`: short-lived, exempt from staleness.
    OauthToken,
}

/// A defect in the bytes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyDefect {
    /// The variable or file is empty, or holds only blanks.
    Empty,
    /// A line end at the end.
    TrailingNewline,
    /// A line end or control character inside.
    InnerControl,
    /// Blanks at the start or end.
    Blanks,
    /// A byte order mark at the start.
    ByteOrderMark,
    /// Surrounding quotes.
    Quoted,
    /// `Bearer ` inside the value.
    BearerPrefix,
    /// Base64 applied once too often.
    DoubleBase64,
    /// A placeholder that was never replaced.
    Placeholder,
    /// Another kind of key than the Messages API takes (admin key, another vendor's).
    WrongKind,
    /// Bytes that no header may carry.
    NotAHeaderValue,
}

/// Reaching the first hop of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// How far it came.
    pub outcome: Reach,
    /// The address that was connected to, `ip:port` (of the forward proxy where one is used). A detail: no rule may
    /// depend on it.
    pub peer: Option<String>,
    /// Number of addresses that the name resolved to.
    pub addresses: u16,
    /// Addresses among them that were tried and could not be connected to before one could (or all, when none could).
    pub failed_addresses: u16,
    /// Name resolution, milliseconds.
    pub dns_ms: Option<u32>,
    /// TCP connection, milliseconds.
    pub connect_ms: Option<u32>,
    /// TLS handshake, milliseconds.
    pub tls_ms: Option<u32>,
    /// Whether TLS was spoken to the path's host, and who vouches for it.
    pub trust: Trust,
    /// Days until the leaf certificate expires; negative when it has.
    pub certificate_days: Option<i32>,
    /// The negotiated protocol.
    pub http2: bool,
    /// The peer's `Date` minus the local clock, seconds; 0 within a second.
    pub clock_skew_s: Option<i32>,
    /// Whether an address of the peer belongs to Anthropic's published inbound ranges.
    pub anthropic_address: bool,
    /// Times were taken through a sidecar: connect and TLS are the sidecar's.
    pub via_sidecar: bool,
    /// Whether a forward proxy was used (CONNECT).
    pub via_proxy: bool,
    /// The forward proxy's status for CONNECT when it refused, else 0.
    pub proxy_status: u16,
}

/// How far the way to the first hop came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reach {
    /// Not tried, or not reported.
    #[default]
    NotTried,
    /// Connected, TLS done where the URL asks for it.
    Connected,
    /// The name does not exist.
    DnsNoName,
    /// The resolver failed or did not answer.
    DnsFailed,
    /// An address that the prober refuses to connect to (metadata services).
    AddressRefused,
    /// RST or ICMP refused.
    ConnectRefused,
    /// No answer to SYN within our limit.
    ConnectTimeout,
    /// No route, network unreachable.
    Unreachable,
    /// The connection was reset during TLS.
    TlsReset,
    /// The server closed or sent an alert during TLS.
    TlsAlert,
    /// The server asked for a client certificate that we do not have.
    TlsClientCertificate,
    /// The chain does not lead to a root that we know.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsWrongName,
    /// The certificate is expired or not yet valid.
    TlsExpired,
    /// What answers does not speak TLS.
    TlsNotTls,
    /// TLS did not finish within our limit.
    TlsTimeout,
    /// The forward proxy refused CONNECT (its status in `proxy_status`).
    ProxyRefused,
    /// The forward proxy could not be reached.
    ProxyUnreachable,
}

/// Who vouches for the peer's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Trust {
    /// No TLS.
    #[default]
    Plain,
    /// A public CA of Mozilla's list.
    Public,
    /// The machine's own list, but not a public CA.
    System,
    /// Only the CA that the probe declares.
    Declared,
    /// Nobody: the chain does not verify.
    Untrusted,
}

/// What an exchange is for. The `P` numbers are those of the measured probe set that the design refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExchangeKind {
    /// P8/P9: the frozen request, as `stream` says.
    Frozen,
    /// The frozen request again, on the same connection, after a failure.
    Repeat,
    /// The one confirming request after a 429.
    Confirm,
    /// P8/P9: the other form than `stream` says.
    OtherForm,
    /// The frozen request with the key's repairable defects removed.
    TrimmedKey,
    /// P4 with the path's own key and no canary value: a valid count_tokens request, the positive control.
    CountTokens,
    /// P4: a beta value that does not exist.
    BogusBeta,
    /// P5: an API version that does not exist.
    BogusVersion,
    /// P6: a top-level body field that does not exist.
    UnknownField,
    /// P7: unknown fields in nested objects.
    NestedField,
    /// P13: a big body.
    BigBody,
    /// A large header.
    LargeHeader,
    /// P14: an attack-looking prompt (gateway) or its benign twin (direct).
    AttackPrompt,
    /// P14: the benign twin on the gateway.
    BenignPrompt,
    /// P3: the credential in the other carrier.
    OtherCarrier,
    /// P3: no credential at all.
    NoKey,
    /// P2: a key that does not exist.
    BadKey,
    /// P12: one of several at once.
    Parallel,
    /// P11: the long request.
    Long,
    /// P15: reuse of a connection after an idle time.
    ReuseIdle,
}

/// Why an exchange of the plan was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SkipReason {
    /// The first hop could not be reached.
    Unreachable,
    /// A 429 came: nothing more is sent with this key.
    RateLimited,
    /// Below 10 % headroom only the frozen request is sent.
    LowHeadroom,
    /// The run's own time was up.
    OutOfTime,
    /// It could not tell anything after what came before.
    Pointless,
    /// The key cannot be sent.
    NoUsableKey,
    /// Over budget: nothing that generates tokens is sent.
    OverBudget,
}

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// What it is for.
    pub kind: ExchangeKind,
    /// How it ended, as far as the transport goes.
    pub outcome: Outcome,
    /// Final HTTP status, 0 when no response head came.
    pub status: u16,
    /// What the reply bears: see [`Marks`].
    pub marks: Marks,
    /// What an error reply (or an `error` event) says in Claude's vocabulary.
    pub error: ErrorClass,
    /// The error class of a Claude error that is quoted inside another's reply.
    pub inner_error: ErrorClass,
    /// Whose wording or headers the reply has, if it is a known one. Sharpens advice, convicts nobody.
    pub maker: Maker,
    /// What a gateway-made reply says, if its wording is a known one.
    pub phrase: Phrase,
    /// How the value that we sent came back in Claude's complaint.
    pub echo: Echo,
    /// Milliseconds from the first byte sent to the first byte of the response head.
    pub first_byte_ms: Option<u32>,
    /// Milliseconds from the first byte sent to the end.
    pub total_ms: Option<u32>,
    /// `retry-after` in seconds.
    pub retry_after_s: Option<u32>,
    /// `request-id` header, only when it has the genuine shape ([`Marks::REQUEST_ID`] says whether). A detail: no rule may
    /// depend on it.
    pub request_id: Option<String>,
    /// 16-bit digests of `anthropic-organization-id` (upper half) and `anthropic-workspace-id` (lower half), 0 for one that
    /// the reply does not show; compare with [`same_account`].
    pub account: Option<u32>,
    /// Rate-limit headroom, when the reply carries it.
    pub headroom: Option<Headroom>,
    /// The limit that a 429 names.
    pub limit: Option<NamedLimit>,
    /// What the body of a 200 was.
    pub body: BodyKind,
    /// The stream, where one was asked for and a 200 came.
    pub stream: Option<StreamEvidence>,
    /// `usage` of the answer.
    pub usage: Option<Usage>,
    /// Whether the model that answered is the one that was asked for (alias and dated id are the same).
    pub model_matches: Option<bool>,
    /// `age` header or a cache-hit mark, seconds (0 for a hit without age).
    pub cache_age_s: Option<u32>,
    /// 32-bit digest of the set of response header names, per-request ones left out. Of the frozen request's answer only.
    pub header_set: Option<u32>,
    /// At most 160 bytes of an error reply or of a broken stream's last event, redacted. A detail: no rule may depend on
    /// it.
    pub quote: Option<String>,
}

impl Exchange {
    /// An exchange of this kind that ended so; everything else unobserved.
    #[must_use]
    pub fn new(kind: ExchangeKind, outcome: Outcome) -> Self {
        Self {
            kind,
            outcome,
            status: 0,
            marks: Marks::default(),
            error: ErrorClass::None,
            inner_error: ErrorClass::None,
            maker: Maker::default(),
            phrase: Phrase::default(),
            echo: Echo::default(),
            first_byte_ms: None,
            total_ms: None,
            retry_after_s: None,
            request_id: None,
            account: None,
            headroom: None,
            limit: None,
            body: BodyKind::default(),
            stream: None,
            usage: None,
            model_matches: None,
            cache_age_s: None,
            header_set: None,
            quote: None,
        }
    }
}

/// Whether two replies name the same organisation and workspace; `None` when they name nothing in common. A gateway that
/// hides one of the two headers does not make another account of it.
#[must_use]
pub fn same_account(one: u32, other: u32) -> Option<bool> {
    let halves = [(one >> 16, other >> 16), (one & 0xffff, other & 0xffff)];
    let mut both = halves.iter().filter(|(a, b)| *a != 0 && *b != 0).peekable();
    both.peek()?;
    Some(both.all(|(a, b)| a == b))
}

/// How an exchange ended, as far as the transport goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// A response came and its framing ended properly.
    Answered,
    /// A response head came; the body ended by FIN (or TLS close) before its framing was complete.
    CutByClose,
    /// A response head came; the body ended by RST.
    CutByReset,
    /// A response head came; then nothing within our own limit.
    StalledInBody,
    /// A response head came; the body's framing is malformed.
    BrokenFraming,
    /// The body passed our own size limit and was not read to its end.
    Oversized,
    /// The connection was closed before a response head.
    ClosedBeforeHead,
    /// The connection was reset before a response head.
    ResetBeforeHead,
    /// Nothing within our own limit.
    NoReply,
    /// What came is not HTTP.
    NotHttp,
    /// The connection could not be made (see the leg's handshake for the first one).
    ConnectFailed,
}

/// What a 200's body was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BodyKind {
    /// Not a 200, or not looked at.
    #[default]
    Unknown,
    /// What was asked for: a message, a token count, or an event stream.
    AsAsked,
    /// A complete message where a stream was asked for.
    MessageNotStream,
    /// Empty.
    Empty,
    /// HTML.
    Html,
    /// JSON of another shape.
    OtherJson,
    /// Anything else.
    Other,
}

/// What an event stream showed. Times are milliseconds from the first byte sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamEvidence {
    /// Events received, pings included.
    pub events: u32,
    /// Pings among them.
    pub pings: u32,
    /// Body bytes received, after transfer coding, before content coding.
    pub bytes: u32,
    /// Reads (bursts of bytes at least 1 ms apart) that the body came in.
    pub reads: u32,
    /// Arrival of the first event.
    pub first_event_ms: Option<u32>,
    /// Arrival of the first `content_block_delta`.
    pub first_token_ms: Option<u32>,
    /// Arrival of the last event.
    pub last_event_ms: Option<u32>,
    /// When the end (FIN, RST, terminator, our limit) came.
    pub end_ms: u32,
    /// Longest time between two events.
    pub max_gap_ms: u32,
    /// `message_stop` was seen.
    pub message_stop: bool,
    /// The HTTP framing ended properly (last chunk, full length, END_STREAM). A close-delimited body has no proper end.
    pub framing_complete: bool,
    /// Kind of the last event.
    pub last_event: EventKind,
    /// Events carry the random padding that genuine ones have. `None` with fewer than five events.
    pub padded: Option<bool>,
    /// An `error` event came; its class is the exchange's `error`. `true` when it carries a genuine request id.
    pub error_event_genuine: Option<bool>,
    /// Content coding was applied (gzip).
    pub compressed: bool,
    /// The response had a `content-length`.
    pub content_length: bool,
    /// The body has no framing and lasts until the connection ends (HTTP/1.0): `framing_complete` is then `false`, and the
    /// outcome `Answered` when `message_stop` came before a FIN.
    pub close_delimited: bool,
}

/// Kind of a stream event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    /// None came.
    #[default]
    None,
    /// `message_start`.
    MessageStart,
    /// `content_block_start`.
    BlockStart,
    /// `content_block_delta`.
    BlockDelta,
    /// `content_block_stop`.
    BlockStop,
    /// `message_delta`.
    MessageDelta,
    /// `message_stop`.
    MessageStop,
    /// `ping`.
    Ping,
    /// `error`.
    Error,
    /// Another name, or data that is no JSON.
    Other,
}

/// Tokens of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens, cache reads and writes included.
    pub input: u32,
    /// Output tokens.
    pub output: u32,
}

/// Remaining share of each rate limit, percent of the limit; `None` when the reply does not carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headroom {
    /// `anthropic-ratelimit-requests-*`.
    pub requests: Option<u8>,
    /// `anthropic-ratelimit-input-tokens-*`.
    pub input_tokens: Option<u8>,
    /// `anthropic-ratelimit-output-tokens-*`.
    pub output_tokens: Option<u8>,
    /// `anthropic-ratelimit-tokens-*`: the most restrictive.
    pub tokens: Option<u8>,
    /// `anthropic-ratelimit-requests-limit`, requests per minute.
    pub requests_limit: Option<u32>,
}

/// The limit that a 429 names, or whose remaining is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLimit {
    /// Which.
    pub kind: LimitKind,
    /// Its size per minute, 0 when not named.
    pub per_minute: u64,
}

/// Which rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitKind {
    /// Requests per minute.
    Requests,
    /// Input tokens per minute.
    InputTokens,
    /// Output tokens per minute.
    OutputTokens,
    /// Tokens per minute.
    Tokens,
}

/// What a reply bears. Marks are facts; whether they make a reply genuine is for the diagnosis to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(pub u32);

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl Marks {
            $($(#[$doc])* pub const $name: Marks = Marks(1 << $bit);)*
            /// Every mark with its name.
            pub const ALL: &[(&str, Marks)] = &[$((stringify!($name), Marks::$name),)*];
        }
    };
}

marks! {
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
    /// `via`, `x-cache`, `x-served-by`, …: an intermediary, not necessarily the maker.
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
    /// A header that says how often the gateway tried (`x-envoy-attempt-count`, `x-litellm-attempted-retries`, …) above 1.
    RETRIED = 25;
    /// `x-amzn-requestid`, `x-goog-…`: a cloud platform's own reply.
    CLOUD_PLATFORM = 26;
}

impl Marks {
    /// Whether all of `other` are here.
    #[must_use]
    pub const fn has(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    /// Adds `other` when `condition` holds.
    pub fn set(&mut self, other: Marks, condition: bool) {
        if condition {
            self.0 |= other.0;
        }
    }
}

/// Whose wording or headers a reply has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Maker {
    /// None that we know.
    #[default]
    Unknown,
    /// nginx, ingress-nginx, OpenResty.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy, Istio, Envoy Gateway.
    Envoy,
    /// Envoy AI Gateway.
    EnvoyAiGateway,
    /// Squid.
    Squid,
    /// LiteLLM.
    LiteLlm,
    /// Kong.
    Kong,
    /// Portkey.
    Portkey,
    /// APISIX.
    Apisix,
    /// Apigee.
    Apigee,
    /// AWS Application Load Balancer or API Gateway.
    Aws,
    /// Azure API Management or Front Door.
    Azure,
    /// Google load balancer.
    Google,
    /// Cloudflare (whose zone, the marks say).
    Cloudflare,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
    /// Apache httpd.
    Apache,
    /// Linkerd.
    Linkerd,
    /// Another AI gateway that names itself by a header prefix.
    OtherAiGateway,
}

/// What a gateway-made reply says, in general terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phrase {
    /// Nothing that we know.
    #[default]
    None,
    /// Connecting to the upstream failed at once.
    ConnectFailed,
    /// Connecting to the upstream timed out.
    ConnectTimeout,
    /// The upstream's name does not resolve.
    DnsFailure,
    /// TLS to the upstream failed.
    TlsFailure,
    /// The upstream did not answer in time.
    ReplyTimeout,
    /// The upstream closed before it answered.
    ClosedEarly,
    /// No healthy upstream is left.
    NoHealthyUpstream,
    /// No route matches.
    NoRoute,
    /// Authentication of the client failed or is missing.
    AuthRequired,
    /// A JWT was expected.
    JwtInvalid,
    /// Access denied by a rule.
    Denied,
    /// The gateway's own rate limit.
    RateLimited,
    /// The gateway's own concurrency limit or overflow.
    Overflow,
    /// A cooldown or an open circuit breaker.
    Cooldown,
    /// The gateway's own budget.
    BudgetExceeded,
    /// Body too large.
    BodyTooLarge,
    /// Header too large.
    HeaderTooLarge,
    /// The gateway does not know the model.
    UnknownModel,
}

/// How a value that we sent came back in Claude's complaint about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Echo {
    /// No echo in the reply.
    #[default]
    None,
    /// Exactly what we sent.
    Exact,
    /// Ours, twice or more.
    Duplicated,
    /// Ours and others.
    WithOthers,
    /// Only others.
    OnlyOthers,
}
