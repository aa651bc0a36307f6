//! Every exchange that a prober can send: what it is, what it costs, what it shows. The one place that says so; the prober's order,
//! `check --explain-plan` and `docs/exchanges.md` follow from it.

use crate::report::evidence::ExchangeKind;

/// One kind of exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub kind: ExchangeKind,
    /// Its number in the measured probe set, empty for what that set does not have.
    pub number: &'static str,
    /// What is sent.
    pub sends: &'static str,
    /// What the reply shows.
    pub shows: &'static str,
    /// What it costs.
    pub cost: Cost,
}

/// Second samples on one path of a deep run at most.
pub const SECOND_SAMPLES: u64 = 4;

/// What an exchange costs where everything works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// An answer of the frozen request's length.
    Answer,
    /// An answer of the long request's length.
    LongAnswer,
    /// Nothing: Claude counts or refuses it. Where a gateway swallows what makes Claude refuse, and does not count, one token.
    Nothing,
}

const fn entry(
    kind: ExchangeKind,
    number: &'static str,
    cost: Cost,
    sends: &'static str,
    shows: &'static str,
) -> Entry {
    Entry {
        kind,
        number,
        sends,
        shows,
        cost,
    }
}

/// All of them, in the order in which they are sent on a path. Nothing that is billed follows a canary; what may lock out, cool down
/// or raise an alarm comes after all that it could spoil, refused keys last.
pub const CATALOGUE: [Entry; 24] = {
    use Cost::{Answer, LongAnswer, Nothing};
    use ExchangeKind as Kind;
    [
        entry(
            Kind::Frozen,
            "P8, P9",
            Answer,
            "the frozen request",
            "status, headers, timing, how it ends, usage",
        ),
        entry(
            Kind::TrimmedKey,
            "",
            Answer,
            "the same, the key without its blanks",
            "whether the blanks are the fault",
        ),
        entry(
            Kind::Repeat,
            "",
            Answer,
            "the same once more",
            "whether it fails, or is held back, each time",
        ),
        entry(
            Kind::Confirm,
            "",
            Answer,
            "the same, after at most 10 s",
            "whether a limit still stands",
        ),
        entry(
            Kind::OtherForm,
            "P8, P9",
            Answer,
            "a message for a stream, or the reverse",
            "faults of one form only",
        ),
        entry(
            Kind::Long,
            "P11",
            LongAnswer,
            "a stream as long as maxTokens allows",
            "first-byte, idle and total timers; buffers",
        ),
        entry(
            Kind::Parallel,
            "P12",
            Answer,
            "the frozen request several times at once",
            "whose limit on concurrency",
        ),
        entry(
            Kind::CountTokens,
            "P4",
            Nothing,
            "count_tokens of the same prompt",
            "that valid requests pass: the canaries' control",
        ),
        entry(
            Kind::Route,
            "P1",
            Nothing,
            "a GET of the path of messages",
            "whether Claude is asked at all: it refuses a GET",
        ),
        entry(
            Kind::ReuseIdle,
            "P15",
            Nothing,
            "count_tokens, idle time, count_tokens",
            "what drops idle connections",
        ),
        entry(
            Kind::UnknownField,
            "P6",
            Nothing,
            "two top-level fields that do not exist",
            "whether the body arrives as sent, and in what order",
        ),
        entry(
            Kind::NestedField,
            "P7",
            Nothing,
            "one inside a message",
            "whether nested objects arrive as sent",
        ),
        entry(
            Kind::MetadataField,
            "P7",
            Nothing,
            "one inside metadata",
            "whether metadata arrives as sent",
        ),
        entry(
            Kind::ToolField,
            "P7",
            Nothing,
            "one inside a tool",
            "whether tools arrive as sent",
        ),
        entry(
            Kind::Number,
            "P7",
            Nothing,
            "an integer of 54 bits as a content's type",
            "whether numbers arrive as sent",
        ),
        entry(
            Kind::BogusVersion,
            "P5",
            Nothing,
            "anthropic-version 1999-01-01",
            "whether the header arrives, and as what",
        ),
        entry(
            Kind::BogusBeta,
            "P4",
            Nothing,
            "an anthropic-beta that does not exist",
            "whether the header arrives, and with what",
        ),
        entry(
            Kind::LargeHeader,
            "",
            Nothing,
            "a header of many bytes",
            "whose limit on headers",
        ),
        entry(
            Kind::BigBody,
            "P13",
            Nothing,
            "a body of many bytes of JSON white space",
            "whose limit on bodies",
        ),
        entry(
            Kind::BenignPrompt,
            "P14",
            Nothing,
            "a harmless prompt of the same length",
            "the twin of the next",
        ),
        entry(
            Kind::AttackPrompt,
            "P14",
            Nothing,
            "a prompt that looks like an attack",
            "a firewall that reads prompts",
        ),
        entry(
            Kind::OtherCarrier,
            "P3",
            Nothing,
            "the key in the other header",
            "which carrier survives",
        ),
        entry(
            Kind::NoKey,
            "P3",
            Nothing,
            "no key",
            "who adds one, and who asks for one",
        ),
        entry(
            Kind::BadKey,
            "P2",
            Nothing,
            "a key that does not exist",
            "who checks keys, and whose key arrives",
        ),
    ]
};

/// The entry of a kind.
#[must_use]
pub fn of(kind: ExchangeKind) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.kind == kind)
}

/// Whether an exchange generates tokens where everything works.
#[must_use]
pub fn is_billed(kind: ExchangeKind) -> bool {
    of(kind).is_some_and(|entry| entry.cost != Cost::Nothing)
}

/// Whether the prober sends it by itself, in reaction to what the frozen request gave: no plan lists it.
#[must_use]
pub fn is_reaction(kind: ExchangeKind) -> bool {
    use ExchangeKind as Kind;
    matches!(kind, Kind::TrimmedKey | Kind::Repeat | Kind::Confirm)
}

/// Whether an exchange tests who authenticates.
#[must_use]
pub fn is_credential(kind: ExchangeKind) -> bool {
    use ExchangeKind as Kind;
    matches!(kind, Kind::OtherCarrier | Kind::NoKey | Kind::BadKey)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_billed_follows_a_canary_and_what_may_lock_out_comes_last() {
        let place = |kind| CATALOGUE.iter().position(|entry| entry.kind == kind).unwrap();
        let last_billed = CATALOGUE.iter().rposition(|entry| is_billed(entry.kind)).unwrap();
        let first_free = CATALOGUE.iter().position(|entry| !is_billed(entry.kind)).unwrap();
        assert!(last_billed < first_free);
        let first_credential = CATALOGUE.iter().position(|entry| is_credential(entry.kind)).unwrap();
        assert!(
            CATALOGUE[first_credential..]
                .iter()
                .all(|entry| is_credential(entry.kind))
        );
        assert!(place(ExchangeKind::AttackPrompt) + 1 == first_credential);
        assert!(place(ExchangeKind::BigBody) < place(ExchangeKind::BenignPrompt));
        assert_eq!(CATALOGUE.last().unwrap().kind, ExchangeKind::BadKey);
        let mut kinds: Vec<_> = CATALOGUE.iter().map(|entry| entry.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), CATALOGUE.len());
    }
}
