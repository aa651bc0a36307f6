//! An incremental parser of server-sent events (WHATWG HTML, section 9.2) that keeps memory bounded.
//!
//! It is our own because a prober needs what libraries hide: it hands an event out in the very `push` whose bytes
//! completed it, so that the caller can stamp the arrival, it says what was left when the stream broke off, and a
//! hostile stream costs at most [`Limits::event_bytes`]. It knows nothing of Claude's events (see
//! [`super::event`]) and has no clock.

use std::fmt;

/// Bounds of what the parser keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one event (its fields' values and the line being read). A larger event becomes [`Item::Oversized`].
    pub event_bytes: usize,
}

impl Default for Limits {
    /// 1 MiB, far above any event that Claude sends.
    fn default() -> Self {
        Self { event_bytes: 1 << 20 }
    }
}

/// One dispatched event.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Value of the last `event` field; empty when there was none (a browser would say `message`).
    pub name: String,
    /// The `data` fields joined by LF, without a final one. Bytes that are no UTF-8 are replaced by U+FFFD.
    pub data: String,
    /// Value of the `id` field of this event, when it had one.
    pub id: Option<String>,
    /// Milliseconds of the `retry` field of this event, when it had a valid one.
    pub retry: Option<u64>,
}

impl fmt::Debug for Event {
    /// Shows the sizes, not the text: a stream's text must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({:?}, {} bytes)", self.name, self.data.len())
    }
}

/// What a push can yield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A complete event.
    Event(Event),
    /// An event over the limit, reported when the limit is passed; its rest is skipped up to the next blank line.
    Oversized,
}

/// What the parser held when the stream ended: by the standard it is no event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Bytes of the unfinished line and of the fields of the undispatched event.
    pub bytes: usize,
    /// Name of the undispatched event, if its `event` line was complete.
    pub name: String,
}

/// The parser. Feed it the bytes of the body in any portions.
#[derive(Default)]
pub struct Parser {
    limits: Limits,
    /// The line being read, without its end.
    line: Vec<u8>,
    /// The event being read.
    event: Event,
    /// Whether a `data` field was seen: an empty one dispatches, none does not.
    has_data: bool,
    /// How many bytes of a leading byte order mark have been matched; `None` once the start has been passed.
    bom: Bom,
    /// The last byte was CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Inside an oversized event; `line_len` detects blank lines without keeping them.
    skipping: bool,
    line_len: usize,
    comments: u64,
    events: u64,
}

/// Progress in a byte order mark at the start of the stream.
#[derive(Clone, Copy, Default)]
enum Bom {
    #[default]
    Start,
    One,
    Two,
    Passed,
}

impl Parser {
    /// A parser with other bounds than the default.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Comment lines seen so far (gateways send them as keep-alives).
    pub fn comments(&self) -> u64 {
        self.comments
    }

    /// Events dispatched so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Takes the next bytes and returns what they completed.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        self.feed(chunk, &mut |item| items.push(item));
        items
    }

    /// As [`Parser::push`], handing each item out at once: memory stays bounded whatever the chunk's size.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Item)) {
        let mut rest = chunk;
        while !matches!(self.bom, Bom::Passed) {
            let Some((&byte, tail)) = rest.split_first() else {
                return;
            };
            let (next, held): (Bom, &[u8]) = match (self.bom, byte) {
                (Bom::Start, 0xEF) => (Bom::One, b""),
                (Bom::One, 0xBB) => (Bom::Two, b""),
                (Bom::Two, 0xBF) => (Bom::Passed, b""),
                // Not a mark: the bytes held back are text, and this one is read again below.
                (Bom::One, _) => (Bom::Passed, b"\xEF"),
                (Bom::Two, _) => (Bom::Passed, b"\xEF\xBB"),
                _ => (Bom::Passed, b""),
            };
            let is_mark = matches!(
                (self.bom, byte),
                (Bom::Start, 0xEF) | (Bom::One, 0xBB) | (Bom::Two, 0xBF)
            );
            self.bom = next;
            self.text(held, sink);
            if is_mark {
                rest = tail;
            }
        }
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            match memchr::memchr2(b'\r', b'\n', rest) {
                None => {
                    self.text(rest, sink);
                    return;
                }
                Some(end) => {
                    let (line, tail) = rest.split_at(end);
                    self.text(line, sink);
                    self.after_cr = tail.first() == Some(&b'\r');
                    self.end_of_line(sink);
                    rest = tail.get(1..).unwrap_or_default();
                }
            }
        }
    }

    /// What is left when the body ended. The parser starts afresh.
    pub fn finish(&mut self) -> Tail {
        let tail = Tail {
            bytes: self.held(),
            name: std::mem::take(&mut self.event.name),
        };
        *self = Self::new(self.limits);
        tail
    }

    /// Bytes that the parser holds: never more than [`Limits::event_bytes`].
    pub fn held(&self) -> usize {
        let id = self.event.id.as_ref().map_or(0, String::len);
        self.line.len() + self.event.name.len() + self.event.data.len() + id
    }

    /// Bytes of a line, without its end.
    fn text(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Item)) {
        self.line_len = self.line_len.saturating_add(bytes.len());
        if self.skipping || bytes.is_empty() {
            return;
        }
        if self.held().saturating_add(bytes.len()) > self.limits.event_bytes {
            self.oversized(sink);
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn oversized(&mut self, sink: &mut dyn FnMut(Item)) {
        self.skipping = true;
        self.line = Vec::new();
        self.event = Event::default();
        self.has_data = false;
        sink(Item::Oversized);
    }

    fn end_of_line(&mut self, sink: &mut dyn FnMut(Item)) {
        let blank = std::mem::take(&mut self.line_len) == 0;
        if self.skipping {
            self.skipping = !blank;
            return;
        }
        if blank {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                self.events += 1;
                sink(Item::Event(event));
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        self.field(&line);
        // Replacement characters are three bytes for one, so the text can outgrow the bytes that were counted.
        if self.held() > self.limits.event_bytes {
            self.oversized(sink);
        }
        // Give the allocation back to the next line.
        if !self.skipping {
            self.line = line;
            self.line.clear();
        }
    }

    /// One whole line that is not blank.
    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => {
                self.comments += 1;
                return;
            }
            Some(colon) => {
                let value = line.get(colon + 1..).unwrap_or_default();
                (
                    line.get(..colon).unwrap_or_default(),
                    value.strip_prefix(b" ").unwrap_or(value),
                )
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(&String::from_utf8_lossy(value));
            }
            b"event" => self.event.name = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => self.event.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.event.retry = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Vec<Item> {
        Parser::default().push(bytes)
    }

    fn named(items: &[Item]) -> Vec<(&str, &str)> {
        items
            .iter()
            .map(|item| match item {
                Item::Event(event) => (event.name.as_str(), event.data.as_str()),
                Item::Oversized => ("!", "oversized"),
            })
            .collect()
    }

    #[test]
    fn every_line_end_ends_a_line() {
        for text in [
            "event: a\ndata: 1\n\n",
            "event: a\r\ndata: 1\r\n\r\n",
            "event: a\rdata: 1\r\r",
            "\u{feff}event: a\ndata: 1\r\n\n",
        ] {
            assert_eq!(named(&whole(text.as_bytes())), [("a", "1")], "{text:?}");
        }
    }

    #[test]
    fn a_lone_cr_dispatches_without_waiting_for_the_next_byte() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: 1\r\n\r").len(), 1);
        assert!(parser.push(b"\n").is_empty());
        assert_eq!(parser.finish(), Tail::default());
    }

    #[test]
    fn fields_follow_the_standard() {
        let items = whole(
            b": hello\ndata\ndata: x\ndata:  y\nid: 7\nretry: 15\nretry: 1x\nother: z\n\nevent: lonely\n\ndata:\n\n",
        );
        let Item::Event(first) = &items[0] else {
            panic!("no event")
        };
        assert_eq!(
            (first.data.as_str(), first.id.as_deref(), first.retry),
            ("\nx\n y", Some("7"), Some(15))
        );
        assert_eq!(
            named(&items[1..]),
            [("", "")],
            "an event without data is none, one with empty data is"
        );
    }

    #[test]
    fn an_oversized_event_is_reported_once_and_the_next_one_is_read() {
        let mut parser = Parser::new(Limits { event_bytes: 64 });
        let mut text = b"event: big\ndata: ".to_vec();
        text.extend(std::iter::repeat_n(b'x', 1000));
        text.extend_from_slice(b"\ndata: more\n\nevent: ok\ndata: 1\n\n");
        assert_eq!(named(&parser.push(&text)), [("!", "oversized"), ("ok", "1")]);
    }

    #[test]
    fn many_small_lines_of_one_event_are_bounded_too() {
        let mut parser = Parser::new(Limits { event_bytes: 64 });
        let mut oversized = 0;
        for _ in 0..1000 {
            oversized += parser.push(b"data: 12345678\n").len();
            assert!(parser.held() <= 64);
        }
        assert_eq!(oversized, 1);
    }

    #[test]
    fn what_was_begun_is_told_at_the_end() {
        let mut parser = Parser::default();
        assert!(
            parser
                .push(b"event: content_block_delta\ndata: {\"type\":\"con")
                .is_empty()
        );
        let tail = parser.finish();
        assert_eq!(tail.name, "content_block_delta");
        assert!(tail.bytes > 20);
    }

    /// Text made of the pieces that matter to the format, with arbitrary bytes between.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\n\n".to_vec()),
            Just(b"data: ".to_vec()),
            Just(b"data".to_vec()),
            Just(b"event:".to_vec()),
            Just(b"id: ".to_vec()),
            Just(b"retry: 9".to_vec()),
            Just(b": c".to_vec()),
            Just(vec![0xEF, 0xBB, 0xBF]),
            Just(vec![0xEF, 0xBB]),
            Just(vec![0xEF]),
            proptest::collection::vec(any::<u8>(), 0..20),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_chunking(bytes in stream(), cuts in proptest::collection::vec(1usize..9, 0..80)) {
            let limits = Limits { event_bytes: 48 };
            let mut at_once = Parser::new(limits);
            let expected = at_once.push(&bytes);
            let mut parser = Parser::new(limits);
            let mut items = Vec::new();
            let mut rest = bytes.as_slice();
            let mut cuts = cuts.into_iter().cycle();
            while !rest.is_empty() {
                let (chunk, tail) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                items.extend(parser.push(chunk));
                prop_assert!(parser.held() <= limits.event_bytes);
                rest = tail;
            }
            prop_assert_eq!(items, expected);
            prop_assert_eq!(parser.comments(), at_once.comments());
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_grow_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            let mut parser = Parser::new(Limits { event_bytes: 256 });
            for chunk in bytes.chunks(97) {
                parser.push(chunk);
                prop_assert!(parser.held() <= 256);
            }
            prop_assert!(parser.finish().bytes <= 256);
        }
    }
}
