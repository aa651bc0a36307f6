//! What came back: how it ended, what the body was, the stream, usage and limits.

use serde::{Deserialize, Serialize};
use strum::FromRepr;

pub use crate::claude::headers::LimitKind;

/// How an exchange ended, as far as the transport goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr, strum::IntoStaticStr,
)]
#[repr(u8)]
pub enum Outcome {
    /// A response came and its framing ended properly.
    Answered = 0,
    /// A response head came; the body ended by FIN (or TLS close) before its framing was complete.
    CutByClose = 1,
    /// A response head came; the body ended by RST.
    CutByReset = 2,
    /// A response head came; then nothing within our own limit.
    StalledInBody = 3,
    /// A response head came; the body's framing is malformed.
    BrokenFraming = 4,
    /// The body passed our own size limit and was not read to its end.
    Oversized = 5,
    /// The connection was closed before a response head.
    ClosedBeforeHead = 6,
    /// The connection was reset before a response head.
    ResetBeforeHead = 7,
    /// Nothing within our own limit.
    NoReply = 8,
    /// What came is not HTTP.
    NotHttp = 9,
    /// The connection could not be made (see the path's handshake for the first one).
    ConnectFailed = 10,
}

impl Outcome {
    /// The outcome's name, as in reports and in the status.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a reply's body was, as far as it is no error: of a 200, and of any other status under which a complete answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum BodyKind {
    /// An error, no reply, or not read.
    #[default]
    Unknown = 0,
    /// What was asked for: a message, a token count, or an event stream.
    AsAsked = 1,
    /// A complete message where a stream was asked for.
    MessageNotStream = 2,
    /// Empty.
    Empty = 3,
    /// HTML.
    Html = 4,
    /// JSON of another shape.
    OtherJson = 5,
    /// Anything else.
    Other = 6,
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
    /// The body has no framing and lasts until the connection ends (HTTP/1.0): `framing_complete` is then `false`, and
    /// the outcome `Answered` when `message_stop` came before a FIN.
    pub close_delimited: bool,
}

/// Kind of a stream event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum EventKind {
    /// None came.
    #[default]
    None = 0,
    /// `message_start`.
    MessageStart = 1,
    /// `content_block_start`.
    BlockStart = 2,
    /// `content_block_delta`.
    BlockDelta = 3,
    /// `content_block_stop`.
    BlockStop = 4,
    /// `message_delta`.
    MessageDelta = 5,
    /// `message_stop`.
    MessageStop = 6,
    /// `ping`.
    Ping = 7,
    /// `error`.
    Error = 8,
    /// Another name, or data that is no JSON.
    Other = 9,
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
#[serde(rename_all = "camelCase")]
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
