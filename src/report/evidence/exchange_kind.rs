//! Every kind of exchange that a prober can send: what it is, what it costs, when it is sent, what its reply is good
//! for.
//!
//! The only such list. The plan, the prober's order, the report's format, the rules, `check --explain-plan` and
//! `docs/exchanges.md` read an [`Entry`] and keep no lists of their own: a new kind is a variant and an entry here, its
//! bytes in `probe/compose.rs`, and the rule that reads its reply.

mod entry;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::claude::error::ErrorClass;
use entry::{ANSWERED, AT_ONCE, CHECK, FROZEN, KEY, PROMPT, SIZE, complaint, refusal};
pub use entry::{
    Cause, Cost, DIGITS, Endpoint, Entry, Family, Form, Key, Manner, Opt, Planned, SECOND_SAMPLES, SecondSample, Usual,
};

/// What an exchange is for, in the order in which they are sent on a path: nothing that is billed follows a request
/// with a defect; what may lock out, cool down or raise an alarm comes after all that it could spoil, rejected keys
/// last. The `P` numbers are those of `docs/exchanges.md`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, VariantArray, strum::IntoStaticStr,
)]
pub enum ExchangeKind {
    /// P8/P9: the frozen request, in the form that `stream` selects.
    Frozen,
    /// The frozen request with the key's repairable defects removed.
    TrimmedKey,
    /// The frozen request again: after a failure on the same connection; where a stream looks buffered on a fresh one,
    /// on the gateway and on the control.
    Repeat,
    /// The one confirming request after a 429.
    Confirm,
    /// P8/P9: the form that `stream` does not select; twice where that is a stream and looks buffered, on the gateway
    /// and on the control.
    OtherForm,
    /// P11: the long request.
    Long,
    /// P12: one of several at once.
    Parallel,
    /// P4 with the path's own key and no defect: a valid count_tokens request, the positive control.
    CountTokens,
    /// P1: a GET of the path of messages, after a failure. Claude rejects it, with any key.
    Route,
    /// P15: reuse of a connection after an idle time.
    ReuseIdle,
    /// P6: two top-level body fields that do not exist.
    UnknownField,
    /// P7: an unknown field inside a message.
    NestedField,
    /// P7: an unknown field inside `metadata`.
    MetadataField,
    /// P7: an unknown field inside an entry of `tools`.
    ToolField,
    /// P7: an integer that no double holds, where Claude rejects it and quotes it.
    Number,
    /// P5: an API version that does not exist.
    BogusVersion,
    /// P4: a beta value that does not exist.
    BogusBeta,
    /// A large header.
    LargeHeader,
    /// P13: a big body.
    BigBody,
    /// P14: the benign twin of the attack-looking prompt, on the gateway.
    BenignPrompt,
    /// P14: an attack-looking prompt (gateway) or its benign twin (direct).
    AttackPrompt,
    /// P3: the credential in the other auth header.
    OtherAuthHeader,
    /// P3: no credential at all.
    NoKey,
    /// P2: a key that does not exist.
    BadKey,
}

impl ExchangeKind {
    /// How many kinds there are.
    pub const COUNT: usize = Self::VARIANTS.len();

    /// All that is known of the kind.
    #[must_use]
    pub const fn entry(self) -> Entry {
        match self {
            Self::Frozen => Entry {
                code: 0,
                number: "P8, P9",
                sends: "the frozen request",
                shows: "status, headers, timing, how it ends, usage",
                comparable: true,
                ..FROZEN
            },
            Self::TrimmedKey => Entry {
                code: 4,
                sends: "the same, with blanks removed from the key",
                shows: "whether the blanks are the cause",
                key: Key::Trimmed,
                planned: Planned::Reaction(Cause::BlanksAroundKey),
                ..FROZEN
            },
            Self::Repeat => Entry {
                code: 1,
                sends: "the same once more",
                shows: "whether it fails, or is buffered, each time",
                planned: Planned::Reaction(Cause::Failure),
                ..FROZEN
            },
            Self::Confirm => Entry {
                code: 2,
                sends: "the same, after at most 10 s",
                shows: "whether a limit still applies",
                planned: Planned::Reaction(Cause::Limit),
                ..FROZEN
            },
            Self::OtherForm => Entry {
                code: 3,
                number: "P8, P9",
                sends: "the non-streaming form of a stream, or the reverse",
                shows: "errors of one form only",
                family: Family::Message,
                form: Form::Other,
                planned: Planned::WithChecks,
                deep_in_check: true,
                second_sample: SecondSample::IfBrokenOrDifferent,
                kept: true,
                comparable: true,
                ..FROZEN
            },
            Self::Long => Entry {
                code: 18,
                number: "P11",
                sends: "a stream as long as maxTokens allows",
                shows: "first-byte, idle and total timeouts; buffers",
                cost: Cost::LongAnswer,
                family: Family::Message,
                form: Form::Stream,
                planned: Planned::LongRequest,
                ..FROZEN
            },
            Self::Parallel => Entry {
                code: 17,
                number: "P12",
                sends: "the frozen request several times at once",
                shows: "the hop that limits concurrency",
                family: Family::Message,
                manner: Manner::AtOnce,
                planned: Planned::Opted(Opt::Parallel),
                ..FROZEN
            },
            Self::CountTokens => Entry {
                code: 5,
                number: "P4",
                sends: "count_tokens of the same prompt",
                shows: "whether valid requests pass: the reference for forwarding checks",
                family: Family::Free,
                endpoint: Endpoint::CountTokens,
                useful_after_failure: true,
                usual: ANSWERED,
                digits: DIGITS,
                comparable: true,
                ..CHECK
            },
            Self::Route => Entry {
                code: 21,
                number: "P1",
                sends: "a GET of the path of messages",
                shows: "whether requests reach Claude: it rejects a GET with 405",
                family: Family::Free,
                endpoint: Endpoint::Messages,
                at_most: AT_ONCE,
                planned: Planned::AfterFailure,
                over_budget: false,
                claude_only: false,
                second_sample: SecondSample::Never,
                useful_after_failure: true,
                usual: refusal(405, ErrorClass::InvalidRequest),
                kept: false,
                well_formed: false,
                ..CHECK
            },
            Self::ReuseIdle => Entry {
                code: 19,
                number: "P15",
                sends: "count_tokens, idle time, count_tokens",
                shows: "the hop that drops idle connections",
                family: Family::Free,
                endpoint: Endpoint::CountTokens,
                manner: Manner::AfterIdle,
                planned: Planned::Opted(Opt::ReuseIdle),
                over_budget: false,
                claude_only: false,
                second_sample: SecondSample::Never,
                usual: ANSWERED,
                digits: DIGITS,
                kept: false,
                ..CHECK
            },
            Self::UnknownField => Entry {
                code: 8,
                number: "P6",
                sends: "two top-level fields that do not exist",
                shows: "whether the body arrives as sent, and in which order",
                unknown_field: Some("at the top of the body"),
                comparable: true,
                complaint: true,
                ..CHECK
            },
            Self::NestedField => Entry {
                code: 9,
                sends: "an unknown field inside a message",
                shows: "whether nested objects arrive as sent",
                deep_in_check: true,
                unknown_field: Some("in messages"),
                comparable: true,
                ..CHECK
            },
            Self::MetadataField => Entry {
                code: 22,
                sends: "an unknown field inside metadata",
                shows: "whether metadata arrives as sent",
                // count_tokens knows no `metadata`, and rejects any. Of messages, one is answered where it gets lost.
                endpoint: Endpoint::Messages,
                over_budget: false,
                deep_in_check: true,
                unknown_field: Some("in metadata"),
                well_formed: false,
                ..CHECK
            },
            Self::ToolField => Entry {
                code: 23,
                sends: "an unknown field inside a tool",
                shows: "whether tools arrive as sent",
                deep_in_check: true,
                unknown_field: Some("in tools"),
                well_formed: false,
                ..CHECK
            },
            Self::Number => Entry {
                code: 20,
                sends: "an integer of 54 bits as a content's type",
                shows: "whether numbers arrive as sent",
                deep_in_check: true,
                usual: complaint(ErrorClass::InvalidRequest),
                well_formed: false,
                ..CHECK
            },
            Self::BogusVersion => Entry {
                code: 7,
                number: "P5",
                sends: "anthropic-version 1999-01-01",
                shows: "whether the header arrives, and with which value",
                usual: complaint(ErrorClass::VersionInvalid),
                comparable: true,
                complaint: true,
                ..CHECK
            },
            Self::BogusBeta => Entry {
                code: 6,
                number: "P4",
                sends: "an anthropic-beta that does not exist",
                shows: "whether the header arrives, and with which other values",
                usual: complaint(ErrorClass::BetaUnexpected),
                comparable: true,
                complaint: true,
                ..CHECK
            },
            Self::LargeHeader => Entry {
                code: 11,
                number: "",
                sends: "a header of many bytes",
                shows: "the hop that limits headers",
                planned: Planned::Opted(Opt::HeaderBytes),
                usual: ANSWERED,
                ..SIZE
            },
            Self::BigBody => Entry {
                code: 10,
                number: "P13",
                sends: "a body of many bytes of JSON white space",
                shows: "the hop that limits bodies",
                planned: Planned::Opted(Opt::BodyBytes),
                ..SIZE
            },
            Self::BenignPrompt => Entry {
                code: 13,
                sends: "a harmless prompt of the same length",
                shows: "the reference for AttackPrompt",
                planned: Planned::Opted(Opt::AttackTwin),
                ..PROMPT
            },
            Self::AttackPrompt => Entry {
                code: 12,
                sends: "a prompt that looks like an attack",
                shows: "whether a firewall inspects prompts",
                ..PROMPT
            },
            Self::OtherAuthHeader => Entry {
                code: 14,
                sends: "the key in the other header",
                shows: "which auth header the gateway forwards",
                key: Key::OtherHeader,
                usual: ANSWERED,
                ..KEY
            },
            Self::NoKey => Entry {
                code: 15,
                sends: "no key",
                shows: "which hop adds a key, and which hop requires one",
                key: Key::Absent,
                usual: refusal(401, ErrorClass::KeyRequired),
                ..KEY
            },
            Self::BadKey => Entry {
                code: 16,
                number: "P2",
                sends: "a key that does not exist",
                shows: "which hop checks keys, and which key reaches Claude",
                key: Key::Invalid,
                usual: refusal(401, ErrorClass::KeyInvalid),
                ..KEY
            },
        }
    }

    /// All kinds, in the order in which they are sent on a path.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        Self::VARIANTS.iter().copied()
    }

    /// The name in reports, in the status and in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it generates tokens where everything works.
    #[must_use]
    pub fn is_billed(self) -> bool {
        self.entry().cost != Cost::Nothing
    }

    /// Whether it shows who authenticates.
    #[must_use]
    pub fn is_about_key(self) -> bool {
        self.entry().family == Family::Key
    }

    /// Whether it is the frozen request itself, at first or again.
    #[must_use]
    pub fn is_frozen_request(self) -> bool {
        self.entry().family == Family::Frozen
    }

    /// Whether a rejection of it is for its size.
    #[must_use]
    pub fn is_large(self) -> bool {
        self.entry().family == Family::Size
    }

    /// Whether it has a key of the path, in any form.
    #[must_use]
    pub fn needs_own_key(self) -> bool {
        !matches!(self.entry().key, Key::Absent | Key::Invalid)
    }

    /// Whether a run sends it without a failure before it.
    #[must_use]
    pub fn is_regular(self) -> bool {
        !matches!(self.entry().planned, Planned::Reaction(_) | Planned::AfterFailure)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
