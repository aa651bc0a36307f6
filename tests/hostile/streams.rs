//! Event streams: endless, giant, tiny, garbled.

use super::check::{CUT, Case, Expected, HARMLESS, MADE_UP, MADE_UP_SHAPE, SILENT, TOO_LONG, all};
use super::server::{Step, reply, send};

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-haiku-4-5-20251001\",\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":15,\"output_tokens\":1}}  }\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// A stream that begins as Claude's and then does this; it lasts until the connection ends.
fn case(name: &'static str, steps: impl IntoIterator<Item = Step>, expected: Expected) -> Case {
    let head = send(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{START}"
    ));
    Case::new(name, reply(std::iter::once(head).chain(steps)), expected)
}

fn flood(text: impl AsRef<[u8]>) -> Step {
    let text = text.as_ref();
    Step::Flood(text.repeat(65_536 / text.len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_streams() {
    all(vec![
        case("one endless line", [send("data: "), flood("x")], TOO_LONG),
        case("one endless event", [flood("data: x\n")], TOO_LONG),
        case("millions of tiny events", [flood("data:\n\n")], TOO_LONG),
        case(
            "millions of pings",
            [flood("event: ping\ndata: {\"type\": \"ping\"}\n\n")],
            TOO_LONG,
        ),
        case("millions of comments", [flood(":\n")], TOO_LONG),
        case("endless line ends", [flood("\r\n")], TOO_LONG),
        case(
            "a dripping stream",
            [Step::Drip(b"event: ping\ndata: {\"type\": \"ping\"}\n\n")],
            SILENT,
        ),
        case(
            "comments after the end, dripping",
            [send(STOP), Step::Drip(b":\n")],
            SILENT,
        ),
        case("endless event ids", [send("id: "), flood("i")], TOO_LONG),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbled_streams() {
    let users = format!("event: error\ndata: {}\n\n", "://a@".repeat(180_000));
    let deep = format!("data: {}\n\n", r#"{"type":"#.repeat(100_000));
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"\\u001b[2J\\u202e\"}}\n\n";
    all(vec![
        case(
            "data that are no text",
            [send(b"event: \xff\xfe\ndata: \xc0\x80\xff\x1b[2J\n\n")],
            CUT,
        ),
        case("NUL", [send([0u8; 4096])], CUT),
        case("an event without a bottom", [send(&deep)], CUT),
        case("an error of user names", [send(&users)], MADE_UP),
        case("an error of controls", [send(error)], MADE_UP_SHAPE),
        case(
            "events after the last",
            [send(STOP), send(START), send("data: x\n\n")],
            HARMLESS,
        ),
        case("two ends", [send(STOP), send(STOP)], HARMLESS),
        case(
            "a giant event, then the end",
            [send(format!("data: {}\n\n{STOP}", "x".repeat(3 << 20)))],
            HARMLESS,
        ),
        case(
            "another dialect",
            [send("data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n")],
            CUT,
        ),
    ])
    .await;
}
