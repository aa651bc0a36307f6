//! Connections that are accepted and not served, half open, cut, and TLS that fails in each of its phases.

use super::check::{CUT, Case, Expected, HUNG_UP, NO_TLS, SILENT, UNASKED, all};
use super::server::{Step, reply, send};

fn secure(name: &'static str, script: Vec<Step>, expected: Expected) -> Case {
    Case {
        scheme: "https",
        ..Case::new(name, script, expected)
    }
}

/// RFC 8446, 6: a fatal alert in the clear.
fn alert(description: u8) -> Vec<u8> {
    vec![0x15, 3, 3, 0, 2, 2, description]
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_connections() {
    all(vec![
        Case::new("accepted and never answered", vec![Step::Hang], SILENT),
        Case::new("asked and never answered", reply([Step::Hang]), SILENT),
        Case::new("closed at once", vec![], HUNG_UP),
        Case::new("reset at once", vec![Step::Reset], HUNG_UP),
        Case::new("closed after the request", reply([]), HUNG_UP),
        Case::new("reset after the request", reply([Step::Reset]), HUNG_UP),
        Case::new("half open from the start", vec![Step::Fin, Step::Hang], HUNG_UP),
        Case::new("half open after the request", reply([Step::Fin, Step::Hang]), HUNG_UP),
        Case::new(
            "half open within the head",
            reply([send("HTTP/1.1 200 OK\r\n"), Step::Fin, Step::Hang]),
            HUNG_UP,
        ),
        Case::new(
            "half open within the body",
            reply([
                send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
                Step::Fin,
                Step::Hang,
            ]),
            CUT,
        ),
        Case::new(
            "an answer before the request",
            vec![send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), Step::Hang],
            UNASKED,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_failures_in_each_phase() {
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {}\n\n";
    all(vec![
        secure("an alert for a hello", vec![send(alert(40))], NO_TLS),
        secure("an alert about the protocol", vec![send(alert(70))], NO_TLS),
        secure("an alert about the name", vec![send(alert(112))], NO_TLS),
        secure("an alert of an unknown kind", vec![send(alert(255))], NO_TLS),
        secure("half an alert", vec![send(&alert(40)[..4]), Step::Hang], NO_TLS),
        secure("a close for a hello", vec![], NO_TLS),
        secure("a reset for a hello", vec![Step::Reset], NO_TLS),
        secure("silence for a hello", vec![Step::Hang], NO_TLS),
        secure("noise for a hello", vec![Step::Flood(vec![0xff; 4096])], NO_TLS),
        secure(
            "a record beyond bounds",
            vec![send([0x16, 3, 3, 0xff, 0xff]), Step::Flood(vec![0; 4096])],
            NO_TLS,
        ),
        secure(
            "an endless handshake message",
            vec![
                send([0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff]),
                Step::Flood(vec![0; 4096]),
            ],
            NO_TLS,
        ),
        secure(
            "a dripping handshake",
            vec![Step::Drip(&[0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xff])],
            NO_TLS,
        ),
        secure(
            "an alert after the handshake",
            vec![Step::Tls, Step::Below(alert(80))],
            HUNG_UP,
        ),
        secure(
            "an alert for the request",
            vec![Step::Tls, Step::Request, Step::Below(alert(80))],
            HUNG_UP,
        ),
        secure(
            "a reset for the request",
            vec![Step::Tls, Step::Request, Step::Reset],
            HUNG_UP,
        ),
        secure(
            "noise for the request",
            vec![Step::Tls, Step::Request, Step::Below(vec![0xff; 4096])],
            HUNG_UP,
        ),
        secure(
            "an alert within the stream",
            vec![Step::Tls, Step::Request, send(events), Step::Below(alert(80))],
            UNASKED,
        ),
        secure("silence after the handshake", vec![Step::Tls, Step::Hang], SILENT),
    ])
    .await;
}
