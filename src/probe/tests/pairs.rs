//! The second pair of streams, through a relay that collects answers before it passes them on.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use crate::probe::{Secrets, run};
use crate::report::evidence::{ExchangeKind, PathEvidence};
use crate::report::plan::Plan;
use crate::standin::{Config, Key, Standin, TEST_KEY};

const OTHER_KEY: &str = "sk-ant-api03-of-the-gateway";

/// Claude, at a pace at which buffers show.
async fn claude() -> Standin {
    let config = Config {
        keys: vec![Key::new(TEST_KEY), Key::new(OTHER_KEY)],
        pace: Duration::from_millis(60),
        ..Config::default()
    };
    Standin::start(config).await.unwrap()
}

/// A relay that collects the streams on these of its connections.
async fn collects(claude: &Standin, which: fn(usize) -> bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = claude.address();
    tokio::spawn(async move {
        for connection in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(relay(socket, upstream, which(connection)));
        }
    });
    url
}

async fn relay(mut socket: TcpStream, upstream: std::net::SocketAddr, collect: bool) {
    let mut upstream = TcpStream::connect(upstream).await.unwrap();
    let request = read_request(&mut socket).await.unwrap();
    upstream.write_all(request.as_bytes()).await.unwrap();
    if !collect || !request.contains("\"stream\":true") {
        let _ = tokio::io::copy_bidirectional(&mut socket, &mut upstream).await;
        return;
    }
    let (mut answer, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    while !answer.ends_with(b"\r\n0\r\n\r\n") {
        let read = upstream.read(&mut part).await.unwrap();
        answer.extend_from_slice(&part[..read]);
    }
    let _ = socket.write_all(&answer).await;
}

async fn go(plan: &Plan) -> Vec<PathEvidence> {
    let secrets = Secrets::new().with("K", TEST_KEY).with("OTHER", OTHER_KEY);
    run(plan, &secrets, &|_| {}).await.unwrap().evidence.paths
}

fn sent(path: &PathEvidence) -> Vec<ExchangeKind> {
    path.exchanges.iter().map(|exchange| exchange.kind).collect()
}

/// Each request names its path.
fn name_paths(plan: &mut Plan) {
    for path in &mut plan.paths {
        path.headers = vec![crate::report::plan::Header {
            name: "x-path".into(),
            value: crate::report::plan::HeaderValue::Value(path.name.clone()),
        }];
    }
}

/// The paths of the requests, in the order in which they arrived.
fn order(claude: &Standin) -> Vec<String> {
    let requests = claude.requests();
    let paths = requests.iter().filter_map(|request| request.header("x-path").next());
    paths.map(str::to_owned).collect()
}

const PAIRS: [ExchangeKind; 2] = [ExchangeKind::Frozen, ExchangeKind::Repeat];

#[tokio::test]
async fn a_stream_that_looks_buffered_leads_to_a_second_pair_in_the_opposite_order() {
    let claude = claude().await;
    let first = collects(&claude, |connection| connection == 0).await;
    let paths = vec![
        path("direct", &claude.url()),
        path("once", &first),
        path("plain", &claude.url()),
    ];
    let mut asked = plan(paths, 40_000);
    name_paths(&mut asked);
    let paths = go(&asked).await;
    let kinds: Vec<_> = paths.iter().map(sent).collect();
    assert_eq!(kinds, [PAIRS.to_vec(), PAIRS.to_vec(), vec![ExchangeKind::Frozen]]);
    assert_eq!(order(&claude), ["direct", "once", "plain", "once", "direct"]);
    let reads = |at: usize| paths[1].exchanges[at].stream.as_ref().unwrap().reads;
    assert!(reads(0) <= 3 && reads(1) >= 10, "buffered once, and not again");
    // Where an earlier run counts as the second pair, none is sent.
    asked.second_pair = false;
    asked.paths[1].url = collects(&claude, |_| true).await;
    let paths = go(&asked).await;
    assert_eq!(sent(&paths[1]), [ExchangeKind::Frozen]);
}

#[tokio::test]
async fn a_path_with_a_key_of_its_own_meets_the_control_for_the_second_pair() {
    let claude = claude().await;
    let mut edge = path("edge", &collects(&claude, |_| true).await);
    edge.credential.as_mut().unwrap().secret = "OTHER".into();
    let paths = go(&plan(vec![path("direct", &claude.url()), edge], 40_000)).await;
    let kinds: Vec<_> = paths.iter().map(sent).collect();
    assert_eq!(kinds, [PAIRS, PAIRS]);
}

#[tokio::test]
async fn where_the_frozen_request_is_no_stream_its_other_form_goes_out_once_more() {
    let claude = claude().await;
    let held = collects(&claude, |_| true).await;
    let mut asked = plan(vec![path("direct", &claude.url()), path("edge", &held)], 40_000);
    asked.request.stream = false;
    for path in &mut asked.paths {
        path.exchanges = exchanges(&[ExchangeKind::OtherForm, ExchangeKind::CountTokens]);
    }
    let both = [
        ExchangeKind::Frozen,
        ExchangeKind::OtherForm,
        ExchangeKind::OtherForm,
        ExchangeKind::CountTokens,
    ];
    name_paths(&mut asked);
    let paths = go(&asked).await;
    assert_eq!([sent(&paths[0]), sent(&paths[1])], [both, both]);
    assert!(paths.iter().all(|path| path.skipped.is_empty()));
    assert_eq!(order(&claude)[2..6], ["edge", "direct", "direct", "edge"]);
    // With a key of its own the gateway's path meets the control, too.
    asked.paths[1].credential.as_mut().unwrap().secret = "OTHER".into();
    let paths = go(&asked).await;
    assert_eq!([sent(&paths[0]), sent(&paths[1])], [both, both]);
    // What flows is asked for once.
    asked.paths[1].url = claude.url();
    let paths = go(&asked).await;
    let once = [ExchangeKind::Frozen, ExchangeKind::OtherForm, ExchangeKind::CountTokens];
    assert_eq!([sent(&paths[0]), sent(&paths[1])], [once, once]);
}
