//! Response headers: endless, garbled, contradictory.

use super::check::{Case, EMPTY, Expected, FOREIGN, LIMITED, NOT_CLAUDE, SILENT, UNAVAILABLE, all};
use super::server::{Step, reply, send};

fn case(name: &'static str, steps: impl IntoIterator<Item = Step>, expected: Expected) -> Case {
    Case::new(name, reply(steps), expected)
}

fn flood(text: impl AsRef<[u8]>) -> Step {
    Step::Flood(text.as_ref().repeat(500))
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_headers() {
    let ok = || send("HTTP/1.1 200 OK\r\n");
    all(vec![
        case("endless header fields", [ok(), flood("x-h: y\r\n")], FOREIGN),
        case("an endless header value", [ok(), send("x-h: "), flood("y")], FOREIGN),
        case("an endless header name", [ok(), flood("y")], FOREIGN),
        case("an endless status line", [send("HTTP/1.1 200 "), flood("O")], FOREIGN),
        case("endless blank lines", [flood("\r\n")], FOREIGN),
        case("a flood of 100", [flood("HTTP/1.1 100 Continue\r\n\r\n")], SILENT),
        case(
            "a flood of 103",
            [flood("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")],
            SILENT,
        ),
        case("a dripping head", [ok(), Step::Drip(b"x-drip: y\r\n")], SILENT),
        case("endless noise", [flood([0u8, 0xff, 0x1b, b'['])], FOREIGN),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_headers() {
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    all(vec![
        case(
            "garbage before the status line",
            [send(b"\0\xff\x1b[2Jgarbage\r\n"), send(page)],
            FOREIGN,
        ),
        case("HTTP/0.9", [send("<html>hello</html>\r\n")], FOREIGN),
        case("HTTP/9.9", [send("HTTP/9.9 200 OK\r\n\r\n")], FOREIGN),
        case("another protocol", [send("220 mail ESMTP\r\n250 ok\r\n")], FOREIGN),
        case("status 0", [send("HTTP/1.1 000 Zero\r\n\r\n")], FOREIGN),
        case("status 99999", [send("HTTP/1.1 99999 Many\r\n\r\n")], FOREIGN),
        case(
            "a NUL in a header",
            [send("HTTP/1.1 200 OK\r\nx-nul: a\0b\r\n\r\n")],
            FOREIGN,
        ),
        case(
            "two different lengths",
            [send(
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
            )],
            FOREIGN,
        ),
        case(
            "a negative length",
            [send("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n")],
            FOREIGN,
        ),
        case(
            "a length beyond numbers",
            [send(
                "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
            )],
            FOREIGN,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_statuses() {
    let with = |head: &str, body: &[u8]| {
        send(
            [
                format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(),
                body,
            ]
            .concat(),
        )
    };
    all(vec![
        case("101 that switches nothing", [send("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello")], FOREIGN),
        case("204 with a body", [with("204 No Content", b"hello")], FOREIGN),
        case("304 with a body", [with("304 Not Modified", b"hello")], FOREIGN),
        case("200 without anything", [with("200 OK", b"")], EMPTY),
        case("599", [with("599 Odd", b"odd")], UNAVAILABLE),
        case("999", [with("999 Odder", b"odd")], NOT_CLAUDE),
        case("a reason of bytes that are no text", [send(b"HTTP/1.1 502 \xff\xfe\x80\r\ncontent-length: 0\r\n\r\n")], UNAVAILABLE),
        case("header values that are no text", [send(b"HTTP/1.1 502 Bad\r\nserver: \xff\xfe\r\nrequest-id: \xff\r\nretry-after: \xff\r\ndate: \xff\r\ncontent-length: 0\r\n\r\n")], UNAVAILABLE),
        case("controls in header values", ["\u{9b}2J\u{9d}0;owned\u{9c}\u{202e}gnp\u{2028}x".as_bytes()].map(|odd| send([b"HTTP/1.1 502 Bad\r\nserver: ", odd, b"\r\nvia: ", odd, b"\r\ncontent-length: 0\r\n\r\n"].concat())), UNAVAILABLE),
        case("header values of all kinds of numbers", [with("429 Too Many\r\nretry-after: 1e308\r\nage: -1\r\nanthropic-ratelimit-requests-limit: 18446744073709551615\r\nanthropic-ratelimit-requests-remaining: 18446744073709551616\r\ndate: Wed, 31 Feb 99999 99:99:99 GMT", b"{}")], LIMITED),
        case("a redirect to itself", [send("HTTP/1.1 307 Temporary Redirect\r\nlocation: /v1/messages\r\ncontent-length: 0\r\n\r\n")], NOT_CLAUDE),
        case("a redirect to nowhere", [send(b"HTTP/1.1 302 Found\r\nlocation: \xff://\x80\r\ncontent-length: 0\r\n\r\n")], NOT_CLAUDE),
    ])
    .await;
}
