//! Invalid HTTP/2 (RFC 9113).

use super::check::{CUT, Case, Expected, HUNG_UP, SILENT, all};
use super::server::{Step, send};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// The stream of the only request.
const STREAM: u32 = 1;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// RFC 7541: `:status: 200` by its index, `content-type: text/event-stream` as a literal.
fn ok() -> Vec<u8> {
    let head = [&[0x88, 0x0f, 0x10, 17], b"text/event-stream".as_slice()].concat();
    frame(HEADERS, END_HEADERS, STREAM, &head)
}

/// A header of 4 KiB, again and again.
fn large() -> Vec<u8> {
    [&[0, 1, b'x', 0x7f, 0x81, 0x1f], vec![b'y'; 4096].as_slice()].concat()
}

fn case(name: &'static str, steps: impl IntoIterator<Item = Step>, expected: Expected) -> Case {
    let settings = [Step::Request, send(frame(SETTINGS, 0, 0, &[]))];
    Case {
        http2: true,
        ..Case::new(name, settings.into_iter().chain(steps).collect(), expected)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_frames() {
    let data = frame(DATA, 0, STREAM, &vec![b' '; 16_384]);
    all(vec![
        case(
            "endless PING",
            [Step::Flood(frame(PING, 0, 0, &[7; 8]).repeat(500))],
            SILENT,
        ),
        case(
            "endless SETTINGS",
            [Step::Flood(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(500))],
            SILENT,
        ),
        case(
            "endless empty DATA",
            [send(ok()), Step::Flood(frame(DATA, 0, STREAM, &[]).repeat(500))],
            CUT,
        ),
        case("endless DATA", [send(ok()), Step::Flood(data)], CUT),
        case(
            "endless CONTINUATION",
            [
                send(frame(HEADERS, 0, STREAM, &[0x88])),
                Step::Flood(frame(CONTINUATION, 0, STREAM, &large())),
            ],
            HUNG_UP,
        ),
        case(
            "endless empty CONTINUATION",
            [
                send(frame(HEADERS, 0, STREAM, &[0x88])),
                Step::Flood(frame(CONTINUATION, 0, STREAM, &[]).repeat(500)),
            ],
            HUNG_UP,
        ),
        case(
            "a header list of a megabyte",
            [
                send(frame(HEADERS, 0, STREAM, &[0x88])),
                send(frame(CONTINUATION, 0, STREAM, &large()).repeat(250)),
                send(frame(CONTINUATION, END_HEADERS, STREAM, &[])),
                Step::Hang,
            ],
            HUNG_UP,
        ),
        case(
            "endless 100",
            [Step::Flood(
                frame(HEADERS, END_HEADERS, STREAM, &[0x08, 3, b'1', b'0', b'0']).repeat(500),
            )],
            SILENT,
        ),
        case(
            "endless frames of an unknown kind",
            [Step::Flood(frame(0xfa, 0, 0, &[0; 1024]))],
            SILENT,
        ),
        case("silence", [Step::Hang], SILENT),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fatal_frames() {
    let reset = |code: u8| send(frame(RST_STREAM, 0, STREAM, &[0, 0, 0, code]));
    let go_away = |last: u8, code: u8| send(frame(GOAWAY, 0, 0, &[0, 0, 0, last, 0, 0, 0, code]));
    let event = || send(frame(DATA, 0, STREAM, b"data: {}\n\n"));
    all(vec![
        case("RST_STREAM before the head", [reset(2), Step::Hang], HUNG_UP),
        case("REFUSED_STREAM", [reset(7), Step::Hang], HUNG_UP),
        case(
            "RST_STREAM within the body",
            [send(ok()), event(), reset(2), Step::Hang],
            CUT,
        ),
        case("GOAWAY before the head", [go_away(0, 0)], HUNG_UP),
        case("GOAWAY ENHANCE_YOUR_CALM", [go_away(0, 11), Step::Hang], HUNG_UP),
        case("GOAWAY within the body", [send(ok()), event(), go_away(1, 2)], CUT),
        case("a close within the body", [send(ok()), event()], CUT),
        case(
            "a frame beyond bounds",
            [send([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), Step::Flood(vec![0; 4096])],
            HUNG_UP,
        ),
        case(
            "a window beyond numbers",
            [send(frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])), Step::Hang],
            HUNG_UP,
        ),
        case("DATA before HEADERS", [event(), Step::Hang], HUNG_UP),
        case(
            "a head that is no HPACK",
            [send(frame(HEADERS, END_HEADERS, STREAM, &[0xff; 64])), Step::Hang],
            HUNG_UP,
        ),
        case("HTTP/1.1 instead", [send("HTTP/1.1 400 Bad Request\r\n\r\n")], HUNG_UP),
    ])
    .await;
}
