//! TLS with the first hop: which CA vouches, what fails, and how failures are distinguished.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::support::*;
use crate::probe::{Secrets, run, trust};
use crate::report::evidence::{Outcome, PathEvidence, Reach, Trust};
use crate::report::plan::HttpVersion;
use crate::standin::tls::Authority;
use crate::standin::{Config, Standin};

struct Place {
    authority: Authority,
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let authority = Authority::new("test CA").unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.ca_pem()).unwrap();
        Self { authority, directory }
    }

    fn ca_file(&self) -> Option<String> {
        Some(self.directory.path().join("ca.pem").display().to_string())
    }

    async fn serve(&self, names: &[&str], days: i64) -> Standin {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let tls = Some(self.authority.issue_for_days(&names, days).unwrap());
        Standin::start(Config {
            tls,
            ..Config::default()
        })
        .await
        .unwrap()
    }
}

async fn reach(path: crate::report::plan::PathPlan, run_timeout_ms: u64) -> PathEvidence {
    probe(&plan(vec![path], run_timeout_ms)).await.evidence.paths[0].clone()
}

#[tokio::test]
async fn a_declared_ca_vouches_and_none_does_without_it() {
    let place = Place::new();
    let server = place.serve(&["127.0.0.1"], 30).await;
    let unknown = reach(path("edge", &server.url()), 10_000).await;
    assert_eq!(
        (unknown.handshake.outcome, unknown.handshake.trust),
        (Reach::TlsUntrusted, Trust::Untrusted)
    );
    assert_eq!(unknown.frozen().unwrap().outcome, Outcome::ConnectFailed);
    let mut declared = path("edge", &server.url());
    declared.tls.ca = place.ca_file();
    let known = reach(declared, 10_000).await;
    assert_eq!(
        (known.handshake.outcome, known.handshake.trust),
        (Reach::Connected, Trust::Declared)
    );
    assert!(
        matches!(known.handshake.certificate_days, Some(28..=30)),
        "{:?}",
        known.handshake
    );
    assert!(known.handshake.tls_ms.is_some() && known.handshake.connect_ms.is_some());
}

#[tokio::test]
async fn an_expired_certificate_and_one_for_another_name_are_distinguished() {
    let place = Place::new();
    let expired = place.serve(&["127.0.0.1"], -2).await;
    let mut to_expired = path("edge", &expired.url());
    to_expired.tls.ca = place.ca_file();
    let seen = reach(to_expired, 10_000).await;
    assert_eq!(seen.handshake.outcome, Reach::TlsExpired);
    assert!(seen.handshake.certificate_days.unwrap() < 0);

    let other = place.serve(&["gateway.example"], 30).await;
    let mut to_other = path("edge", &other.url());
    to_other.tls.ca = place.ca_file();
    assert_eq!(
        reach(to_other.clone(), 10_000).await.handshake.outcome,
        Reach::TlsWrongName
    );
    to_other.tls.server_name = Some("gateway.example".into());
    assert_eq!(reach(to_other, 10_000).await.handshake.outcome, Reach::Connected);
    assert_eq!(other.requests()[0].server_name.as_deref(), Some("gateway.example"));
}

#[tokio::test]
async fn a_server_without_tls_is_distinguished_from_one_that_closes() {
    let listen = || async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        (listener, url)
    };
    let (plain, plain_url) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = plain.accept().await.unwrap();
            let mut hello = [0; 512];
            let _ = socket.read(&mut hello).await;
            let _ = socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    let (closing, closing_url) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = closing.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = socket.read(&mut hello).await;
        }
    });
    let (resetting, resetting_url) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = resetting.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = socket.read(&mut hello).await;
            socket.set_zero_linger().unwrap();
        }
    });
    let (silent, silent_url) = listen().await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(silent.accept().await.unwrap());
        }
    });
    for (url, timeout, expected) in [
        (plain_url, 10_000, Reach::TlsNotTls),
        (closing_url, 10_000, Reach::TlsAlert),
        (resetting_url, 10_000, Reach::TlsReset),
        (silent_url, 2_000, Reach::TlsTimeout),
    ] {
        assert_eq!(
            reach(path("edge", &url), timeout).await.handshake.outcome,
            expected,
            "{url}"
        );
    }
}

fn pem_key(pem: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn pem_chain(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(Result::unwrap)
        .collect()
}

/// A server that answers only clients with a certificate of the authority.
async fn serve_mutual(place: &Place, version: &'static rustls::SupportedProtocolVersion) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(pem_chain(place.authority.ca_pem()));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), trust::provider())
        .build()
        .unwrap();
    let own = place.authority.issue(&["127.0.0.1".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(trust::provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(pem_chain(own.chain_pem()), pem_key(own.key_pem()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else {
                    return;
                };
                let mut request = [0; 16 * 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_missing_client_certificate_is_named_and_a_declared_one_is_shown() {
    let place = Place::new();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let url = serve_mutual(&place, version).await;
        let mut bare = path("edge", &url);
        bare.tls.ca = place.ca_file();
        let seen = reach(bare.clone(), 10_000).await;
        assert_eq!(seen.handshake.outcome, Reach::TlsClientCertificate, "{version:?}");
        let own = place.authority.issue(&["client".to_owned()]).unwrap();
        let secrets = Secrets::new()
            .with("K", KEY)
            .with("CRT", own.chain_pem())
            .with("CRT_KEY", own.key_pem());
        bare.tls.client_certificate = Some(("CRT".into(), "CRT_KEY".into()));
        let report = run(&plan(vec![bare], 10_000), &secrets, &|_| {}).await.unwrap();
        let path = &report.evidence.paths[0];
        assert_eq!(
            (path.handshake.outcome, path.frozen().unwrap().status),
            (Reach::Connected, 204),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_body_without_framing_may_end_without_close_notify() {
    let place = Place::new();
    let own = place.authority.issue(&["127.0.0.1".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(pem_chain(own.chain_pem()), pem_key(own.key_pem()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    for (events, expected) in [(7, Outcome::Answered), (4, Outcome::CutByClose)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(socket).await.unwrap();
                let mut request = [0; 16 * 1024];
                let _ = stream.read(&mut request).await;
                let head = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                let text = format!("{head}{}", EVENTS[..events].concat());
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.flush().await;
                // Dropped: FIN, and no close_notify.
            }
        });
        let mut path = path("edge", &url);
        path.tls.ca = place.ca_file();
        let seen = reach(path, 10_000).await;
        let frozen = seen.frozen().unwrap();
        assert_eq!(
            (frozen.outcome, frozen.stream.as_ref().unwrap().close_delimited),
            (expected, true)
        );
    }
}

#[tokio::test]
async fn http_2_is_spoken_by_agreement_and_by_prior_knowledge() {
    let place = Place::new();
    let secure = place.serve(&["127.0.0.1"], 30).await;
    let plain = Standin::start(Config::default()).await.unwrap();
    for (server, http_version) in [
        (&secure, HttpVersion::Auto),
        (&secure, HttpVersion::Http2),
        (&plain, HttpVersion::Http2),
    ] {
        let mut path = path("edge", &server.url());
        path.tls.ca = place.ca_file();
        path.http_version = http_version;
        let secrets = Secrets::new().with("K", crate::standin::TEST_KEY);
        let report = run(&plan(vec![path], 20_000), &secrets, &|_| {}).await.unwrap();
        let path = &report.evidence.paths[0];
        assert!(path.handshake.http2, "{http_version:?}: {:?}", path.handshake);
        let frozen = path.frozen().unwrap();
        assert_eq!((frozen.status, frozen.outcome), (200, Outcome::Answered), "{frozen:?}");
        let stream = frozen.stream.as_ref().unwrap();
        assert!(stream.message_stop && stream.framing_complete);
        assert_eq!(server.requests().last().unwrap().version, "HTTP/2.0");
    }
}
