//! What an event stream showed: its events, when they came, and whether it is whole.

use crate::claude::error::ErrorReading;
use crate::claude::event::{self, StreamEvent, Usage};
use crate::claude::sse::{Item, Parser};
use crate::probe::link::Chunk;
use crate::report::evidence::{EventKind, StreamEvidence};

/// A stream, read.
#[derive(Debug, Default)]
pub struct Stream {
    /// The evidence, without what only the transport knows.
    pub evidence: StreamEvidence,
    /// The last `error` event.
    pub error: Option<ErrorReading>,
    /// Usage as last stated.
    pub usage: Option<Usage>,
    /// Model of `message_start`.
    pub model: Option<String>,
    /// Message id of `message_start`.
    pub message_id: Option<String>,
    /// Data of the last event.
    pub last_data: String,
    /// Arrival of each event, for the full report.
    pub arrivals: Vec<(u32, EventKind)>,
    /// There are more events than are read.
    pub oversized: bool,
}

/// Events that are read. Claude's smallest have about 110 bytes: a body within our limit has fewer.
const MAX_EVENTS: u32 = 1 << 16;
/// Bytes that are parsed between two checks of the limit.
const MAX_PIECE: usize = 64 * 1024;
/// Arrivals kept for the full report.
const MAX_ARRIVALS: usize = 256;

/// Reads a decoded body, in the portions in which it came. `raw` are the portions before decoding.
#[must_use]
pub fn read(body: &[u8], chunks: &[Chunk], raw: &[Chunk]) -> Stream {
    let mut parser = Parser::default();
    let mut stream = Stream::default();
    let mut padding = Padding::default();
    let mut from = 0;
    for chunk in chunks {
        let part = body.get(from..chunk.end).unwrap_or_default();
        from = chunk.end;
        for piece in part.chunks(MAX_PIECE) {
            parser.feed(piece, &mut |item| stream.take(chunk.at_ms, item, &mut padding));
            if stream.oversized {
                break;
            }
        }
    }
    stream.evidence.padded = padding.verdict();
    stream.evidence.bytes = raw.last().map_or(0, |last| u32::try_from(last.end).unwrap_or(u32::MAX));
    stream.evidence.reads = bursts(raw);
    stream
}

/// Bursts of bytes at least 1 ms apart.
fn bursts(chunks: &[Chunk]) -> u32 {
    let mut last = None;
    let mut count = 0u32;
    for chunk in chunks {
        if last.is_none_or(|last| chunk.at_ms > last) {
            count += 1;
        }
        last = Some(chunk.at_ms);
    }
    count
}

#[derive(Default)]
struct Padding {
    events: u32,
    padded: bool,
}

impl Padding {
    fn take(&mut self, data: &str) {
        self.events += 1;
        self.padded |= event::has_padding(data);
    }

    /// A genuine event has none with probability 1/16: five in a row are no accident.
    fn verdict(&self) -> Option<bool> {
        (self.events >= 5).then_some(self.padded)
    }
}

impl Stream {
    fn take(&mut self, at_ms: u32, item: Item, padding: &mut Padding) {
        self.oversized |= self.evidence.events >= MAX_EVENTS;
        if self.oversized {
            return;
        }
        let (kind, data) = match item {
            Item::Oversized => (EventKind::Other, String::new()),
            Item::Event(item) => {
                let kind = self.read(event::read(&item));
                (kind, item.data)
            }
        };
        let evidence = &mut self.evidence;
        if let Some(last) = evidence.last_event_ms {
            evidence.max_gap_ms = evidence.max_gap_ms.max(at_ms.saturating_sub(last));
        }
        evidence.events = evidence.events.saturating_add(1);
        evidence.first_event_ms.get_or_insert(at_ms);
        evidence.last_event_ms = Some(at_ms);
        evidence.last_event = kind;
        match kind {
            EventKind::Ping => evidence.pings = evidence.pings.saturating_add(1),
            EventKind::BlockDelta => {
                evidence.first_token_ms.get_or_insert(at_ms);
            }
            EventKind::MessageStop => evidence.message_stop = true,
            _ => {}
        }
        if !matches!(kind, EventKind::Ping | EventKind::Error) {
            padding.take(&data);
        }
        self.last_data = data;
        if self.arrivals.len() < MAX_ARRIVALS {
            self.arrivals.push((at_ms, kind));
        }
    }

    fn read(&mut self, event: StreamEvent) -> EventKind {
        match event {
            StreamEvent::MessageStart { id, model, usage } => {
                self.message_id = self.message_id.take().or(id);
                self.model = self.model.take().or(model);
                self.usage = Some(self.usage.unwrap_or_default().updated_by(usage));
                EventKind::MessageStart
            }
            StreamEvent::ContentBlockStart { .. } => EventKind::BlockStart,
            StreamEvent::ContentBlockDelta { .. } => EventKind::BlockDelta,
            StreamEvent::ContentBlockStop => EventKind::BlockStop,
            StreamEvent::Ping => EventKind::Ping,
            StreamEvent::MessageDelta { usage, .. } => {
                self.usage = Some(self.usage.unwrap_or_default().updated_by(usage));
                EventKind::MessageDelta
            }
            StreamEvent::MessageStop => EventKind::MessageStop,
            StreamEvent::Error(reading) => {
                let genuine = reading.body_request_id.genuine_form().is_some();
                self.evidence.error_event_genuine = Some(genuine);
                self.error = Some(reading);
                EventKind::Error
            }
            StreamEvent::Unknown { .. } | StreamEvent::Malformed => EventKind::Other,
        }
    }
}
