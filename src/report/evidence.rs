//! What a run saw, reduced at the source to closed enums, integers and digests: all that a diagnosis may use.
//!
//! Everything here travels in the termination message; what does not (all headers, every chunk's time) is only in the
//! full report on stdout. Three fields are *details* that go first when room is short, and no verdict may depend on
//! them: [`Handshake::peer`], [`Exchange::request_id`], [`Exchange::quote`]. All others decide. A value that was not
//! observed is `None` or absent, never a default that reads like an observation.

pub mod exchange_kind;
mod head;
mod reply;
mod reply_traits;
mod way;

pub use exchange_kind::{DIGITS, ExchangeKind};
pub use head::{Departure, HeadEvidence, ReplyHeader, Spelling};
pub use reply::{BodyKind, EventKind, Headroom, LimitKind, NamedLimit, Outcome, StreamEvidence, Usage};
pub use reply_traits::{Echo, GatewayErrorKind, Product, ReplyTraits};
pub use way::{Handshake, KeyDefect, KeyEvidence, KeyKind, Reach, Trust};

use serde::{Deserialize, Serialize};
use strum::FromRepr;

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
    pub paths: Vec<PathEvidence>,
    /// Whether all that decides arrived. `false` after a cut message: the verdict is then `Inconclusive`, and the
    /// findings are those that stand without what is missing.
    pub complete: bool,
}

impl RunEvidence {
    /// The evidence with times and sizes rounded as the termination message carries them: what decides is then the same
    /// in the full report and in the message.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let whole = |value: &mut Option<u32>| *value = value.map(|value| round(value, DIGITS));
        self.duration_ms = round(self.duration_ms, DIGITS);
        for path in &mut self.paths {
            let hand = &mut path.handshake;
            [&mut hand.dns_ms, &mut hand.connect_ms, &mut hand.tls_ms]
                .into_iter()
                .for_each(whole);
            for exchange in &mut path.exchanges {
                let kept = exchange.kind.entry().digits;
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

/// Rounds down to so many significant bits.
#[must_use]
pub fn round(value: u32, digits: u32) -> u32 {
    let drop = (32 - value.leading_zeros()).saturating_sub(digits);
    value >> drop << drop
}

/// What one path showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathEvidence {
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

impl PathEvidence {
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

/// Why an exchange of the plan was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum SkipReason {
    /// The first hop could not be reached.
    Unreachable = 0,
    /// A 429 came: nothing more is sent with this key.
    RateLimited = 1,
    /// Below 10 % headroom only the frozen request is sent.
    LowHeadroom = 2,
    /// The run's own time was up.
    OutOfTime = 3,
    /// It would be inconclusive after what came before.
    Pointless = 4,
    /// The key cannot be sent.
    NoUsableKey = 5,
    /// Over budget: nothing that generates tokens is sent.
    OverBudget = 6,
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
    /// The reply's traits: see [`ReplyTraits`].
    pub traits: ReplyTraits,
    /// The class of an error reply (or an `error` event) in Claude's vocabulary.
    pub error: ErrorClass,
    /// The error class of a Claude error that is quoted inside another's reply.
    pub inner_error: ErrorClass,
    /// The product whose wording or headers the reply has, if it is a known one. For advice only.
    pub product: Product,
    /// The kind of a gateway-made error, if its wording is a known one.
    pub error_kind: GatewayErrorKind,
    /// How Claude's error quotes the value that was sent.
    pub echo: Echo,
    /// Milliseconds from the first byte sent to the first byte of the response head.
    pub first_byte_ms: Option<u32>,
    /// Milliseconds from the first byte sent to the end.
    pub total_ms: Option<u32>,
    /// `retry-after` in seconds.
    pub retry_after_s: Option<u32>,
    /// `request-id` header, only when it has the genuine shape ([`ReplyTraits::REQUEST_ID`] shows whether). A detail:
    /// no rule may depend on it.
    pub request_id: Option<String>,
    /// 16-bit digests of `anthropic-organization-id` (upper half) and `anthropic-workspace-id` (lower half), 0 for one
    /// that the reply does not show; compare with [`same_account`].
    pub account: Option<u32>,
    /// Rate-limit headroom, when the reply carries it.
    pub headroom: Option<Headroom>,
    /// The limit that a 429 names.
    pub limit: Option<NamedLimit>,
    /// What the body of a 200 was.
    pub body: BodyKind,
    /// The stream, where one was requested and a 200 came.
    pub stream: Option<StreamEvidence>,
    /// `usage` of the answer; of [`ExchangeKind::CountTokens`] the number that was counted, which costs nothing: see
    /// [`Exchange::billed`].
    pub usage: Option<Usage>,
    /// Whether the model that answered is the requested one (alias and dated id are the same).
    pub model_matches: Option<bool>,
    /// `age` header or a cache-hit header, seconds (0 for a hit without age).
    pub cache_age_s: Option<u32>,
    /// 16-bit digest of the set of response header names, per-request ones left out. Of the frozen request's answer
    /// only.
    pub header_set: Option<u32>,
    /// How the head of the frozen request's answer departs from Claude's.
    pub head: Option<HeadEvidence>,
    /// At most 160 bytes of an error reply or of a broken stream's last event, redacted. A detail: no rule may depend
    /// on it.
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
            traits: ReplyTraits::default(),
            error: ErrorClass::None,
            inner_error: ErrorClass::None,
            product: Product::default(),
            error_kind: GatewayErrorKind::default(),
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
            head: None,
            quote: None,
        }
    }
}

impl Exchange {
    /// Whether the body is a model's answer or a token count, in whatever form, under whatever status, and however it
    /// ended.
    #[must_use]
    pub fn bears_an_answer(&self) -> bool {
        matches!(self.body, BodyKind::AsAsked | BodyKind::MessageNotStream)
    }

    /// Whether an answer began: a 200 with what was requested, in any form and however it ended.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == 200 && self.bears_an_answer()
    }

    /// Whether a complete answer has a status that no answer has: a hop set another one.
    #[must_use]
    pub fn is_answer_restated(&self) -> bool {
        !matches!(self.status, 0 | 200) && self.bears_an_answer()
    }

    /// Whether the answer is complete, in any form: a message counts where the request wants a stream.
    #[must_use]
    pub fn is_answered_in_any_form(&self) -> bool {
        let whole = self.stream.as_ref().is_none_or(|stream| stream.message_stop);
        self.is_success() && self.outcome == Outcome::Answered && self.error == ErrorClass::None && whole
    }

    /// Whether the answer is complete, in the requested form: an event stream, or one body.
    #[must_use]
    pub fn is_answered_as_requested(&self, stream: bool) -> bool {
        if self.status != 200 || self.outcome != Outcome::Answered {
            return false;
        }
        match &self.stream {
            // Both facts: the last event, and the framing. A close-delimited body that the transport calls answered has
            // no framing to miss.
            Some(stream) => stream.message_stop && stream.error_event_genuine.is_none(),
            None => {
                let body = self.body == BodyKind::AsAsked || (self.body == BodyKind::Unknown && !stream);
                body && self.error == ErrorClass::None
            }
        }
    }

    /// Whether the exchange failed as far as status and quote show, without knowledge of the request.
    #[must_use]
    pub fn shows_a_failure(&self) -> bool {
        self.status != 200 || self.quote.is_some()
    }

    /// Whether this is an answer that was stored before: a header shows it, or it has an earlier answer's id.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.cache_age_s.is_some() || (self.status == 200 && self.traits.has(ReplyTraits::ID_SEEN))
    }

    /// The tokens that this exchange cost.
    #[must_use]
    pub fn billed(&self) -> Option<Usage> {
        self.usage.filter(|_| self.kind != ExchangeKind::CountTokens)
    }
}

/// Whether two replies name the same organisation and workspace; `None` when they name nothing in common. A gateway
/// that hides one of the two headers does not make another account of it.
#[must_use]
pub fn same_account(one: u32, other: u32) -> Option<bool> {
    let halves = [(one >> 16, other >> 16), (one & 0xffff, other & 0xffff)];
    let mut both = halves.iter().filter(|(a, b)| *a != 0 && *b != 0).peekable();
    both.peek()?;
    Some(both.all(|(a, b)| a == b))
}
