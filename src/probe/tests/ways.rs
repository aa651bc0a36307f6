//! Ways to the first hop: forward proxies, refused addresses, names that do not resolve.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use crate::probe::{Secrets, run};
use crate::report::evidence::{Outcome, PathEvidence, Reach};
use crate::report::plan::{PathPlan, Proxy};
use crate::standin::tls::Authority;
use crate::standin::{Config, Standin, TEST_KEY};

type Heads = Arc<Mutex<Vec<String>>>;

/// A forward proxy that answers CONNECT with `answer`, and opens the tunnel when that is a 200. Anything else it
/// forwards to `target`.
async fn proxy(answer: &'static str, target: std::net::SocketAddr) -> (String, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Heads::default();
    let log = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                let text = String::from_utf8(head).unwrap();
                let connects = text.starts_with("CONNECT ");
                log.lock().unwrap().push(text.clone());
                let mut upstream = TcpStream::connect(target).await.unwrap();
                if connects {
                    socket
                        .write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes())
                        .await
                        .unwrap();
                    if !answer.starts_with("200") {
                        return;
                    }
                } else {
                    upstream
                        .write_all(text.replacen("http://upstream.example", "", 1).as_bytes())
                        .await
                        .unwrap();
                }
                let _ = tokio::io::copy_bidirectional(&mut socket, &mut upstream).await;
            });
        }
    });
    (url, heads)
}

fn through(mut path: PathPlan, proxy: &str) -> PathPlan {
    path.proxy = Some(Proxy {
        url: proxy.into(),
        credential: Some(("U".into(), "P".into())),
    });
    path
}

async fn go(path: PathPlan) -> PathEvidence {
    let secrets = Secrets::new()
        .with("K", TEST_KEY)
        .with("U", "user")
        .with("P", "pass-word-1");
    let report = run(&plan(vec![path], 20_000), &secrets, &|_| {}).await.unwrap();
    assert!(!serde_json::to_string(&report).unwrap().contains("pass-word-1"));
    report.evidence.paths[0].clone()
}

#[tokio::test]
async fn https_goes_through_a_tunnel_with_the_proxys_credential() {
    let authority = Authority::new("ca").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.ca_pem()).unwrap();
    let tls = Some(authority.issue(&["upstream.example".to_owned()]).unwrap());
    let claude = Standin::start(Config {
        tls,
        ..Config::default()
    })
    .await
    .unwrap();
    let (url, heads) = proxy("200 Connection established", claude.address()).await;
    let mut path = through(path("edge", "https://upstream.example"), &url);
    path.tls.ca = Some(ca.display().to_string());
    let seen = go(path).await;
    assert_eq!(
        (seen.handshake.outcome, seen.handshake.via_proxy),
        (Reach::Connected, true),
        "{seen:?}"
    );
    assert_eq!(seen.frozen().unwrap().status, 200);
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].starts_with("CONNECT upstream.example:443 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(
        heads[0].contains("Proxy-Authorization: Basic dXNlcjpwYXNzLXdvcmQtMQ=="),
        "{heads:?}"
    );
}

#[tokio::test]
async fn http_goes_through_a_proxy_in_absolute_form() {
    let claude = Standin::start(Config::default()).await.unwrap();
    let (url, heads) = proxy("405 No", claude.address()).await;
    let seen = go(through(path("edge", "http://upstream.example/base"), &url)).await;
    assert_eq!(
        seen.frozen().unwrap().status,
        404,
        "the stand-in knows no such path, but the request arrived"
    );
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].starts_with("POST http://upstream.example/base/v1/messages HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(heads[0].contains("proxy-authorization: Basic "), "{heads:?}");
}

#[tokio::test]
async fn a_proxys_rejection_has_its_status() {
    for (answer, status) in [("407 Proxy Authentication Required", 407), ("403 Forbidden", 403)] {
        let (url, _) = proxy(answer, "127.0.0.1:9".parse().unwrap()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (refusing, _) = proxy(answer, listener.local_addr().unwrap()).await;
        drop(url);
        let seen = go(through(path("edge", "https://upstream.example"), &refusing)).await;
        assert_eq!(
            (seen.handshake.outcome, seen.handshake.proxy_status),
            (Reach::ProxyRefused, status)
        );
        assert_eq!(seen.frozen().unwrap().outcome, Outcome::ConnectFailed);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_not_the_gateways_fault() {
    let seen = go(through(path("edge", "https://upstream.example"), "http://127.0.0.1:1")).await;
    assert_eq!(seen.handshake.outcome, Reach::ProxyUnreachable);
}

#[tokio::test]
async fn metadata_addresses_are_never_connected_to_not_even_through_a_proxy() {
    let (url, heads) = proxy("200 OK", "127.0.0.1:9".parse().unwrap()).await;
    for target in [
        "http://169.254.169.254",
        "http://[::ffff:169.254.169.254]",
        "http://2852039166",
        "https://[fd00:ec2::254]",
        "http://metadata.google.internal",
        "http://100.100.100.200:80",
    ] {
        let direct = go(path("edge", target)).await;
        assert_eq!(direct.handshake.outcome, Reach::AddressRefused, "{target}");
        let proxied = go(through(path("edge", target), &url)).await;
        assert_eq!(proxied.handshake.outcome, Reach::AddressRefused, "{target}");
    }
    let proxied = go(through(
        path("edge", "https://upstream.example"),
        "http://169.254.169.254:3128",
    ))
    .await;
    assert_eq!(proxied.handshake.outcome, Reach::AddressRefused);
    assert!(heads.lock().unwrap().is_empty(), "nothing was asked of the proxy");
}

#[tokio::test]
async fn networks_of_the_plan_are_forbidden_too() {
    let address = serve(vec![]).await;
    let mut plan = plan(vec![path("edge", &format!("http://{address}"))], 10_000);
    plan.refuse_networks = vec!["127.0.0.0/8".into()];
    let report = probe(&plan).await;
    assert_eq!(report.evidence.paths[0].handshake.outcome, Reach::AddressRefused);
    plan.refuse_networks = vec!["nonsense".into()];
    let error = run(&plan, &secrets(), &|_| {}).await.unwrap_err().to_string();
    assert!(error.contains("nonsense"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_reported_as_such() {
    let seen = go(path("edge", "http://no-such-host.invalid")).await;
    assert!(
        matches!(seen.handshake.outcome, Reach::DnsNoName | Reach::DnsFailed),
        "a machine without a resolver cannot show it: {:?}",
        seen.handshake
    );
    assert_eq!(seen.frozen().unwrap().outcome, Outcome::ConnectFailed);
}
