//! Whether a stream was buffered on its way: a gateway's stream compared with the control's of the same request. Pure;
//! attributes nothing.
//!
//! A slow moment of the control beside a late, short answer through the gateway has the same timing, so one pair of
//! streams is only a suspicion: the prober then sends a second pair, and the rule needs two pairs that agree.

use super::comparison::same_time;
use crate::catalogue::Code;
use crate::report::evidence::StreamEvidence;

/// How a stream was buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffered {
    /// The events come in a burst, or in lumps, where the control's come as they are produced.
    InTime,
    /// It has a content length, so the whole body was collected before the first byte was forwarded; and it took time.
    Collected,
}

/// Whether a finding of this code shows a buffered stream.
#[must_use]
pub fn is_buffering(code: Code) -> bool {
    matches!(code, Code::StreamBuffered | Code::StreamCompressed)
}

/// How this stream was buffered, compared with the control's. `None` where it was not, or where nothing shows it.
#[must_use]
pub fn between(stream: &StreamEvidence, direct: Option<&StreamEvidence>) -> Option<Buffered> {
    // A length known beforehand means that the whole body was.
    let collected = stream.content_length
        && flows_elsewhere(stream, direct)
        && !direct.is_some_and(|direct| produced_later(stream, direct));
    if collected {
        return Some(Buffered::Collected);
    }
    direct
        .is_some_and(|direct| in_time(stream, direct))
        .then_some(Buffered::InTime)
}

/// Whether buffers on another path can be seen against this stream of the control: its events spread over at least a
/// second and ten reads.
#[must_use]
pub fn shows_buffering(direct: &StreamEvidence) -> bool {
    length(direct).is_some_and(|length| length >= 1_000) && direct.reads >= 10
}

/// Whether this stream alone shows it more than once: lump after lump, with silences between them that the control
/// never has.
#[must_use]
pub fn again_and_again(stream: &StreamEvidence, direct: &StreamEvidence) -> bool {
    let silences = stream.reads.saturating_sub(1);
    let each = length(stream).and_then(|length| length.checked_div(silences));
    silences >= 3 && each.is_some_and(|each| each >= 2 * direct.max_gap_ms.max(100))
}

/// Whether the control's stream took so much longer that this one cannot have been collected from a model: a stored
/// answer.
fn produced_later(stream: &StreamEvidence, direct: &StreamEvidence) -> bool {
    direct.end_ms >= 300 && stream.end_ms < direct.end_ms / 4
}

/// From the first event to the last.
fn length(stream: &StreamEvidence) -> Option<u32> {
    Some(stream.last_event_ms?.saturating_sub(stream.first_event_ms?))
}

/// Whether this stream takes time, and has no content length, on the control. A gateway that got all of a short answer
/// at once may send its length.
fn flows_elsewhere(stream: &StreamEvidence, direct: Option<&StreamEvidence>) -> bool {
    match direct {
        Some(direct) => !direct.content_length && length(direct).is_some_and(|length| length >= 1_000),
        None => stream.first_event_ms.is_some_and(|ms| ms >= 1_000),
    }
}

/// Observable only where the control shows it.
fn in_time(stream: &StreamEvidence, direct: &StreamEvidence) -> bool {
    let (Some(ours), Some(theirs)) = (length(stream), length(direct)) else {
        return false;
    };
    // Late and at once; or in few lumps with silences that the control does not have.
    let at_once = ours <= theirs / 5 && stream.reads <= direct.reads / 2;
    let lumps = stream.reads <= direct.reads / 4
        && stream.max_gap_ms >= 3 * direct.max_gap_ms.max(100)
        && !same_time(stream.max_gap_ms, direct.max_gap_ms);
    let produced_meanwhile = stream.first_event_ms.is_some_and(|first| first >= theirs / 3);
    shows_buffering(direct) && ((at_once && produced_meanwhile) || lumps)
}
