//! What came back: how it ended, what the body was, the stream, usage and limits.

use serde::{Deserialize, Serialize};

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

/// What a reply's body was, as far as it is no error: of a 200, and of any other status under which a complete answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BodyKind {
    /// An error, no reply, or not looked at.
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

impl EventKind {
    /// The event's name on the wire; empty when none came.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::MessageStart => "message_start",
            Self::BlockStart => "content_block_start",
            Self::BlockDelta => "content_block_delta",
            Self::BlockStop => "content_block_stop",
            Self::MessageDelta => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
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
