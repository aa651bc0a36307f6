//! Bodies: gigabytes, bombs, wrong lengths, invalid text, endless nesting of JSON.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::check::{CUT, Case, Expected, FOREIGN, Place, Role, SILENT, UNAVAILABLE, all, unprintable};
use super::server::{Step, reply, send};

/// A reply with this head and the rest.
fn case(name: &'static str, head: &str, steps: impl IntoIterator<Item = Step>, expected: Expected) -> Case {
    let head = send(format!("HTTP/1.1 {head}\r\n\r\n"));
    Case::new(name, reply(std::iter::once(head).chain(steps)), expected)
}

/// A whole reply.
fn whole(name: &'static str, head: &str, body: impl AsRef<[u8]>, expected: Expected) -> Case {
    let body = body.as_ref();
    case(
        name,
        &format!("{head}\r\ncontent-length: {}", body.len()),
        [send(body)],
        expected,
    )
}

fn flood(text: &str) -> Step {
    Step::Flood(text.repeat(65_536 / text.len()).into_bytes())
}

fn gzip(text: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..times {
        encoder.write_all(text).unwrap();
    }
    encoder.finish().unwrap()
}

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const SSE: &str = "200 OK\r\ncontent-type: text/event-stream";

#[tokio::test(flavor = "multi_thread")]
async fn gigabytes() {
    let chunk = || Step::Flood([b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat());
    let length = |head: &str| format!("{head}\r\ncontent-length: 1073741824");
    all(vec![
        case("1 GiB of JSON, declared", &length(JSON), [flood(" ")], FOREIGN),
        case(
            "1 GiB in chunks",
            &format!("{JSON}\r\ntransfer-encoding: chunked"),
            [chunk()],
            FOREIGN,
        ),
        case("1 GiB without framing", JSON, [flood("[")], FOREIGN),
        case(
            "1 GiB of HTML with a 502",
            &length("502 Bad Gateway\r\ncontent-type: text/html"),
            [flood("<html>")],
            UNAVAILABLE,
        ),
        case(
            "1 GiB of an error",
            "500 Error\r\ncontent-type: application/json",
            [send(r#"{"error":{"message":""#), flood("x")],
            UNAVAILABLE,
        ),
        case(
            "an endless chunk extension",
            &format!("{JSON}\r\ntransfer-encoding: chunked"),
            [send("1;"), flood("x=y;")],
            CUT,
        ),
        case(
            "endless trailers",
            &format!("{JSON}\r\ntransfer-encoding: chunked"),
            [send("2\r\n{}\r\n0\r\n"), flood("x-t: y\r\n")],
            CUT,
        ),
        whole(
            "a bomb of JSON",
            &format!("{JSON}\r\ncontent-encoding: gzip"),
            gzip(&[b' '; 1 << 20], 256),
            FOREIGN,
        ),
        whole(
            "a bomb of one event",
            &format!("{SSE}\r\ncontent-encoding: gzip"),
            gzip(&[b'x'; 1 << 20], 256),
            FOREIGN,
        ),
        whole(
            "a bomb of events",
            &format!("{SSE}\r\ncontent-encoding: gzip"),
            gzip(b"data: {}\n\n", 10_000_000),
            FOREIGN,
        ),
        case("a dripping body", &length(JSON), [Step::Drip(b"{\"a\":")], SILENT),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_framing() {
    let chunked = format!("{JSON}\r\ntransfer-encoding: chunked");
    let chunks = |name, text: &str| case(name, &chunked, [send(text)], CUT);
    all(vec![
        case(
            "a length that is too long",
            &format!("{JSON}\r\ncontent-length: 100"),
            [send("{}")],
            CUT,
        ),
        case(
            "a length that is too short",
            &format!("{JSON}\r\ncontent-length: 1"),
            [send("{}{}{}")],
            FOREIGN,
        ),
        case(
            "length and chunks",
            &format!("{chunked}\r\ncontent-length: 9"),
            [send("2\r\n{}\r\n0\r\n\r\n")],
            FOREIGN,
        ),
        case(
            "an unknown transfer coding",
            &format!("{JSON}\r\ntransfer-encoding: zip"),
            [send("xyz")],
            FOREIGN,
        ),
        chunks("a chunk size beyond numbers", "fffffffffffffffffff\r\nx"),
        chunks("a negative chunk size", "-5\r\nx"),
        chunks("a chunk size of letters", "size\r\nx"),
        chunks("a chunk without its end", "2\r\n{}xx0\r\n\r\n"),
        whole(
            "gzip that is none",
            &format!("{JSON}\r\ncontent-encoding: gzip"),
            "{}",
            FOREIGN,
        ),
        whole(
            "gzip that is cut",
            &format!("{JSON}\r\ncontent-encoding: gzip"),
            &gzip(b"{\"a\":1}", 500)[..20],
            FOREIGN,
        ),
        whole(
            "two codings",
            &format!("{JSON}\r\ncontent-encoding: gzip, br"),
            gzip(b"{}", 1),
            FOREIGN,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_text() {
    let error = "500 Error\r\ncontent-type: application/json";
    let deep = "[".repeat(1 << 20);
    let objects = r#"{"error":"#.repeat(100_000);
    let users = "://a@".repeat(200_000);
    // Not one of Claude's types: those would leave open whose error it is.
    let message = |text: &str| format!(r#"{{"error":{{"type":"broken","message":"{text}"}}}}"#);
    all(vec![
        whole("arrays without a bottom", JSON, &deep, FOREIGN),
        whole("errors without a bottom", error, &objects, UNAVAILABLE),
        whole(
            "an error of bytes that are no text",
            error,
            [b"{\"error\":\"".as_slice(), &[0xff; 100], b"\"}"].concat(),
            UNAVAILABLE,
        ),
        whole(
            "an error of a megabyte",
            error,
            message(&"x".repeat(1 << 20)),
            UNAVAILABLE,
        ),
        whole(
            "an error of controls",
            error,
            message("\\u001b[2J\\u0007\\u009b1m\\u202eabc\\u2066\\u200b"),
            UNAVAILABLE,
        ),
        whole(
            "a page of controls",
            "502 Bad\r\ncontent-type: text/html",
            "<html><title>\u{1b}[31m\u{9b}2J\u{202e}</title>\0\u{7f}",
            UNAVAILABLE,
        ),
        whole(
            "a page of openings",
            "502 Bad\r\ncontent-type: text/html",
            "<".repeat(1 << 20),
            UNAVAILABLE,
        ),
        whole(
            "a megabyte of user names",
            "502 Bad\r\ncontent-type: text/plain",
            &users,
            UNAVAILABLE,
        ),
        whole(
            "numbers beyond numbers",
            JSON,
            r#"{"type":"message","usage":{"input_tokens":1e999,"output_tokens":-1}}"#,
            FOREIGN,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_control_character_reaches_a_terminal() {
    let place = Place::new().await;
    let odd = "\u{1b}[2J\u{7}\u{9b}1m\u{9d}0;owned\u{9c}\u{202e}abc\u{2066}\u{200b}\u{2028}\0";
    let page = whole(
        "",
        "502 Bad\r\ncontent-type: text/html\r\nserver: a\u{9b}2J\u{202e}",
        format!("<html><title>{odd}"),
        UNAVAILABLE,
    );
    for form in ["text", "json", "yaml"] {
        let (result, _) = place.check(&page, Role::Gateway, form).await;
        assert_eq!(result.exit, Some(2), "{}{}", result.text, result.errors);
        assert_eq!(unprintable(&result.text), None, "{form}: {:?}", result.text);
    }
}
