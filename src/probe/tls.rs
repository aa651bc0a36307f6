//! The TLS handshake with a path's first hop, and what its failure means.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::target::TlsRoute;
use super::trust::{self, RootsInTurn};
use crate::report::evidence::{Reach, Trust};
use crate::report::plan::HttpVersion;

/// What a handshake showed, whether it succeeded or not.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// Which CA vouches for the peer.
    pub trust: Trust,
    /// Days until the leaf expires.
    pub certificate_days: Option<i32>,
    /// Issuer and subject of the leaf, for the full report.
    pub certificate: Option<String>,
    /// The server requested a client certificate.
    pub asked_for_certificate: Arc<AtomicBool>,
    /// We had one to show.
    pub had_certificate: bool,
}

/// Hands out the client certificate, and remembers that the server asked for one.
#[derive(Debug)]
struct ClientCertificate {
    key: Option<Arc<CertifiedKey>>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Speaks TLS over `io`. The facts come back in both cases.
pub async fn handshake<T: AsyncRead + AsyncWrite + Unpin>(
    io: T,
    route: &TlsRoute,
    version: HttpVersion,
) -> (Result<TlsStream<T>, io::Error>, TlsFacts) {
    let (verifier, verification) = RootsInTurn::new(route.declared.clone());
    let asked = Arc::new(AtomicBool::new(false));
    let resolver = ClientCertificate {
        key: route.client.clone(),
        asked: Arc::clone(&asked),
    };
    let builder = ClientConfig::builder_with_provider(trust::provider()).with_safe_default_protocol_versions();
    let result = match builder {
        Err(error) => Err(io::Error::other(error)),
        Ok(builder) => {
            let mut config = builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_client_cert_resolver(Arc::new(resolver));
            config.alpn_protocols = match version {
                HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
                HttpVersion::Http2 => vec![b"h2".to_vec()],
                HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            };
            TlsConnector::from(Arc::new(config))
                .connect(route.server_name.clone(), io)
                .await
        }
    };
    let seen = verification.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (certificate_days, certificate) = seen.leaf.as_deref().map_or((None, None), leaf_facts);
    let facts = TlsFacts {
        trust: seen.trust.unwrap_or_default(),
        certificate_days,
        certificate,
        asked_for_certificate: asked,
        had_certificate: route.client.is_some(),
    };
    (result, facts)
}

/// Days left, and "subject, issued by issuer".
fn leaf_facts(der: &[u8]) -> (Option<i32>, Option<String>) {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else {
        return (None, None);
    };
    let left = certificate.validity().not_after.timestamp() - crate::clock::now().as_second();
    let text = format!("{}, issued by {}", certificate.subject(), certificate.issuer());
    (i32::try_from(left.div_euclid(86_400)).ok(), Some(text))
}

/// The TLS error inside an IO error.
fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

/// Whether this error means that the server requires a client certificate that the probe did not send.
#[must_use]
pub fn wants_certificate(error: &Error) -> bool {
    matches!(error, Error::AlertReceived(AlertDescription::CertificateRequired))
}

/// What a failed handshake means.
#[must_use]
pub fn reach(error: &io::Error, facts: &TlsFacts) -> Reach {
    let unshown = facts.asked_for_certificate.load(Ordering::Relaxed) && !facts.had_certificate;
    match tls_error(error) {
        Some(error) if wants_certificate(error) => Reach::TlsClientCertificate,
        Some(Error::AlertReceived(_)) if unshown => Reach::TlsClientCertificate,
        Some(Error::AlertReceived(_)) => Reach::TlsAlert,
        Some(Error::InvalidCertificate(error)) => certificate_reach(error),
        // RFC 8446, 5.1: the first byte of a record is its content type; "HTTP/1.1 400" begins with another.
        Some(
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. },
        ) => Reach::TlsNotTls,
        Some(_) => Reach::TlsAlert,
        None if error.kind() == io::ErrorKind::ConnectionReset => Reach::TlsReset,
        None => Reach::TlsAlert,
    }
}

fn certificate_reach(error: &CertificateError) -> Reach {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Reach::TlsExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Reach::TlsWrongName,
        _ => Reach::TlsUntrusted,
    }
}
