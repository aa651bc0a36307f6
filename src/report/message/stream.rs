//! An event stream as bits, against the times of its exchange.

use super::bits::{BitReader, BitWriter};
use super::codes::{DIGITS, put, put_near, take, take_near};
use crate::report::evidence::{EventKind, Exchange, StreamEvidence};

/// Whether the stream is as a whole one usually is.
fn is_usual(stream: &StreamEvidence) -> bool {
    let shape = (
        stream.message_stop,
        stream.framing_complete,
        stream.compressed,
        stream.content_length,
    );
    shape == (true, true, false, false)
        && !stream.close_delimited
        && stream.last_event == EventKind::MessageStop
        && stream.padded == Some(true)
        && stream.error_event_genuine.is_none()
}

fn usual() -> StreamEvidence {
    StreamEvidence {
        message_stop: true,
        framing_complete: true,
        last_event: EventKind::MessageStop,
        padded: Some(true),
        ..StreamEvidence::default()
    }
}

/// The stream of `exchange`, whose times are known to the reader.
pub fn put_stream(out: &mut BitWriter, stream: &StreamEvidence, exchange: &Exchange) {
    out.bit(is_usual(stream));
    if !is_usual(stream) {
        let flags = [
            stream.message_stop,
            stream.framing_complete,
            stream.compressed,
            stream.content_length,
            stream.close_delimited,
        ];
        flags.into_iter().for_each(|flag| out.bit(flag));
        put(out, stream.last_event);
        out.option(stream.padded, BitWriter::bit);
        out.option(stream.error_event_genuine, BitWriter::bit);
    }
    [stream.events, stream.pings, stream.reads]
        .into_iter()
        .for_each(|count| out.exact(count));
    out.significant(stream.bytes, DIGITS);
    put_near(out, stream.first_event_ms, exchange.first_byte_ms);
    put_near(out, stream.first_token_ms, stream.first_event_ms);
    put_near(out, Some(stream.end_ms), exchange.total_ms);
    put_near(out, stream.last_event_ms, Some(stream.end_ms));
    out.significant(stream.max_gap_ms, DIGITS);
}

/// What [`put_stream`] wrote.
pub fn take_stream(from: &mut BitReader<'_>, exchange: &Exchange) -> Option<StreamEvidence> {
    let mut stream = usual();
    if !from.bit()? {
        stream.message_stop = from.bit()?;
        stream.framing_complete = from.bit()?;
        stream.compressed = from.bit()?;
        stream.content_length = from.bit()?;
        stream.close_delimited = from.bit()?;
        stream.last_event = take(from)?;
        stream.padded = from.option(BitReader::bit)?;
        stream.error_event_genuine = from.option(BitReader::bit)?;
    }
    (stream.events, stream.pings, stream.reads) = (from.exact()?, from.exact()?, from.exact()?);
    stream.bytes = from.significant(DIGITS)?;
    stream.first_event_ms = take_near(from, exchange.first_byte_ms)?;
    stream.first_token_ms = take_near(from, stream.first_event_ms)?;
    stream.end_ms = take_near(from, exchange.total_ms)??;
    stream.last_event_ms = take_near(from, Some(stream.end_ms))?;
    stream.max_gap_ms = from.significant(DIGITS)?;
    Some(stream)
}
