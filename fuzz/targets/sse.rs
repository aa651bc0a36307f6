//! Event streams: the same events however the bytes are cut, and never more memory than allowed.

use claudeprobe::claude::event;
use claudeprobe::claude::sse::{Item, Limits, Parser};

/// The first byte cuts the rest into portions.
pub fn check(bytes: &[u8]) {
    let Some((&size, stream)) = bytes.split_first() else {
        return;
    };
    let limits = Limits { event_bytes: 512 };
    let mut at_once = Parser::new(limits);
    let whole = at_once.push(stream);
    let mut parser = Parser::new(limits);
    let mut parts = Vec::new();
    for portion in stream.chunks(usize::from(size) + 1) {
        parts.extend(parser.push(portion));
        assert!(parser.held() <= limits.event_bytes, "the parser exceeds its limit");
    }
    assert_eq!(whole, parts, "the events depend on the portions");
    assert_eq!(at_once.finish(), parser.finish(), "the rest depends on the portions");
    for item in &whole {
        if let Item::Event(event) = item {
            // Any event is read as something.
            let _ = event::read(event);
        }
    }
}
