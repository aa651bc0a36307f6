//! An event stream, against the times of its exchange.

use super::wire::{Done, Wire};
use crate::report::evidence::{EventKind, StreamEvidence};

/// A whole stream as Claude sends it: what a reader starts from.
pub fn usual() -> StreamEvidence {
    StreamEvidence {
        message_stop: true,
        framing_complete: true,
        last_event: EventKind::MessageStop,
        padded: Some(true),
        ..StreamEvidence::default()
    }
}

/// The stream of an exchange with these times.
pub fn stream<W: Wire>(wire: &mut W, it: &mut StreamEvidence, first_byte: Option<u32>, total: Option<u32>) -> Done {
    let mut is_usual = shape(it) == shape(&usual());
    wire.bit(&mut is_usual)?;
    if !is_usual {
        wire.bit(&mut it.message_stop)?;
        wire.bit(&mut it.framing_complete)?;
        wire.bit(&mut it.compressed)?;
        wire.bit(&mut it.content_length)?;
        wire.bit(&mut it.close_delimited)?;
        wire.code(&mut it.last_event)?;
        wire.option(&mut it.padded, false, W::bit)?;
        wire.option(&mut it.error_event_genuine, false, W::bit)?;
    }
    wire.exact(&mut it.events)?;
    wire.exact(&mut it.pings)?;
    wire.exact(&mut it.reads)?;
    wire.measure(&mut it.bytes)?;
    wire.near(&mut it.first_event_ms, first_byte)?;
    wire.near(&mut it.first_token_ms, it.first_event_ms)?;
    let mut end = Some(it.end_ms);
    wire.near(&mut end, total)?;
    it.end_ms = end?;
    wire.near(&mut it.last_event_ms, end)?;
    wire.measure(&mut it.max_gap_ms)
}

fn shape(it: &StreamEvidence) -> (bool, bool, bool, bool, bool, EventKind, Option<bool>, Option<bool>) {
    (
        it.message_stop,
        it.framing_complete,
        it.compressed,
        it.content_length,
        it.close_delimited,
        it.last_event,
        it.padded,
        it.error_event_genuine,
    )
}
