//! FIN, RST, silence, a masked end, a lie about the length: each has its own name.

use super::support::*;
use crate::report::evidence::{BodyKind, EventKind, Exchange, GatewayErrorKind, Outcome, ReplyTraits};

fn stream(events: usize, end: Vec<Step>) -> Vec<Step> {
    let mut script = vec![send(SSE_HEAD)];
    for event in EVENTS.iter().take(events) {
        script.push(chunk(event));
        script.push(wait(5));
    }
    script.extend(end);
    script
}

fn facts(exchange: &Exchange) -> (Outcome, bool, bool) {
    let stream = exchange.stream.as_ref().unwrap();
    (exchange.outcome, stream.message_stop, stream.framing_complete)
}

#[tokio::test]
async fn a_complete_stream_has_both_facts() {
    let exchange = frozen(stream(7, vec![send("0\r\n\r\n")]), 10_000).await;
    assert_eq!(facts(&exchange), (Outcome::Answered, true, true));
    let stream = exchange.stream.unwrap();
    assert_eq!((stream.events, stream.pings, stream.padded), (7, 1, Some(true)));
    assert!(stream.reads >= 2 && stream.bytes > 700);
    assert_eq!((exchange.body, exchange.model_matches), (BodyKind::AsAsked, Some(true)));
    let usage = exchange.usage.unwrap();
    assert_eq!((usage.input, usage.output), (15, 9));
    assert_eq!(exchange.quote, None, "nothing of an answer is quoted");
}

#[tokio::test]
async fn a_complete_answer_under_an_errors_status_is_an_answer_and_nothing_of_it_is_read() {
    let head = SSE_HEAD
        .replace("200 OK", "502 Bad Gateway")
        .replace("\r\n\r\n", "\r\nrequest-id: req_011CeCGmC8uwD58unxgBN8Qx\r\n\r\n");
    let mut script = vec![send(&head)];
    script.extend(EVENTS.map(|event| chunk(&event.replace("1 2", "connection refused"))));
    let whole = frozen([script.clone(), vec![send("0\r\n\r\n")]].concat(), 10_000).await;
    assert_eq!(
        (whole.status, whole.body, whole.quote.as_deref()),
        (502, BodyKind::AsAsked, None)
    );
    assert_eq!(
        (whole.error_kind, whole.traits),
        (GatewayErrorKind::None, ReplyTraits::REQUEST_ID)
    );
    script.truncate(4);
    let part = frozen([script, vec![send("0\r\n\r\n")]].concat(), 10_000).await;
    assert_eq!((part.status, part.body), (502, BodyKind::Unknown));
}

#[tokio::test]
async fn a_fin_in_the_middle_is_a_close() {
    let exchange = frozen(stream(4, vec![]), 10_000).await;
    assert_eq!(facts(&exchange), (Outcome::CutByClose, false, false));
    assert_eq!(exchange.stream.unwrap().last_event, EventKind::BlockDelta);
}

#[tokio::test]
async fn a_reset_in_the_middle_is_a_reset() {
    let exchange = frozen(stream(4, vec![wait(50), Step::Reset]), 10_000).await;
    assert_eq!(facts(&exchange), (Outcome::CutByReset, false, false));
}

#[tokio::test]
async fn a_clean_end_without_message_stop_is_complete_framing_only() {
    let exchange = frozen(stream(5, vec![send("0\r\n\r\n")]), 10_000).await;
    assert_eq!(facts(&exchange), (Outcome::Answered, false, true));
}

#[tokio::test]
async fn silence_in_the_body_is_a_stall() {
    let exchange = frozen(stream(4, vec![Step::Hang]), 3_000).await;
    assert_eq!(facts(&exchange), (Outcome::StalledInBody, false, false));
    let stream = exchange.stream.unwrap();
    assert!(stream.end_ms > stream.last_event_ms.unwrap());
}

#[tokio::test]
async fn silence_before_the_head_is_no_reply() {
    let exchange = frozen(vec![Step::Hang], 3_000).await;
    assert_eq!((exchange.outcome, exchange.status), (Outcome::NoReply, 0));
    assert!(exchange.total_ms.is_some() && exchange.first_byte_ms.is_none());
}

#[tokio::test]
async fn endings_before_the_head_are_distinguished() {
    assert_eq!(frozen(vec![], 10_000).await.outcome, Outcome::ClosedBeforeHead);
    assert_eq!(
        frozen(vec![send("HTTP/1.1 200 OK\r\ncontent-")], 10_000).await.outcome,
        Outcome::ClosedBeforeHead
    );
    assert_eq!(
        frozen(vec![wait(20), Step::Reset], 10_000).await.outcome,
        Outcome::ResetBeforeHead
    );
    assert_eq!(
        frozen(vec![send("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Step::Hang], 3_000)
            .await
            .outcome,
        Outcome::NotHttp
    );
}

#[tokio::test]
async fn an_http10_stream_lasts_until_the_connection_closes() {
    let head = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let whole = frozen(vec![send(head), send(&EVENTS.concat())], 10_000).await;
    assert_eq!(facts(&whole), (Outcome::Answered, true, false));
    assert!(whole.stream.unwrap().close_delimited);
    let cut = frozen(vec![send(head), send(&EVENTS[..4].concat())], 10_000).await;
    assert_eq!(facts(&cut), (Outcome::CutByClose, false, false));
}

#[tokio::test]
async fn a_wrong_length_is_a_cut_and_a_broken_chunk_is_broken_framing() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n";
    let short = frozen(vec![send(head), send(&EVENTS.concat())], 10_000).await;
    assert_eq!(facts(&short), (Outcome::CutByClose, true, false));
    assert!(short.stream.unwrap().content_length);
    let mut script = stream(4, vec![send("zzzz\r\n"), Step::Hang]);
    let broken = frozen(std::mem::take(&mut script), 3_000).await;
    assert_eq!(facts(&broken), (Outcome::BrokenFraming, false, false));
    let overflow = frozen(stream(2, vec![send("fffffffffffffffff\r\nx"), Step::Hang]), 3_000).await;
    assert_eq!(overflow.outcome, Outcome::BrokenFraming);
}

#[tokio::test]
async fn a_refused_port_is_a_failed_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let report = probe(&plan(vec![path("edge", &format!("http://{address}"))], 10_000)).await;
    let path = &report.evidence.paths[0];
    assert_eq!(path.handshake.outcome, crate::report::evidence::Reach::ConnectRefused);
    assert_eq!(path.frozen().unwrap().outcome, Outcome::ConnectFailed);
}

#[tokio::test]
async fn an_early_rejection_of_a_large_body_is_read_although_the_server_closes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = [0; 2048];
            let _ = socket.read(&mut head).await;
            let page = "<html><title>413 Request Entity Too Large</title></html>";
            let reply = format!(
                "HTTP/1.1 413 Too Large\r\nserver: nginx\r\ncontent-length: {}\r\n\r\n{page}",
                page.len()
            );
            let _ = socket.write_all(reply.as_bytes()).await;
            let _ = socket.shutdown().await;
            // As nginx does: the answer must not be lost to an RST, so a part of the rest is read.
            let mut rest = vec![0; 1 << 16];
            for _ in 0..4 {
                let _ = socket.read(&mut rest).await;
            }
        }
    });
    let mut path = path("edge", &url);
    path.exchanges = exchanges(&[crate::report::evidence::ExchangeKind::BigBody]);
    let report = probe(&plan(vec![path], 20_000)).await;
    let big = report.evidence.paths[0]
        .exchange(crate::report::evidence::ExchangeKind::BigBody)
        .unwrap();
    assert_eq!(
        (big.status, big.error_kind),
        (413, crate::report::evidence::GatewayErrorKind::BodyTooLarge),
        "{big:?}"
    );
}
