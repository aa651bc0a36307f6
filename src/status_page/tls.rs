//! TLS for a page that is not on loopback: certificate and key of a mounted Secret of type kubernetes.io/tls, reloaded when
//! they change.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Interval of reloads: the kubelet updates a mounted Secret within a minute or two.
const RELOAD_EVERY: Duration = Duration::from_secs(30);
/// Timeout of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Concurrent handshakes.
const MAX_HANDSHAKES: usize = 256;

/// Why no certificate is available.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file}: {source}. Mount a Secret of type kubernetes.io/tls there")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not match.
    #[error("tls.crt and tls.key in {folder} cannot be used together: {source}")]
    Mismatch {
        /// Their folder.
        folder: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Reads `tls.crt` and `tls.key`.
fn load(folder: &Path) -> Result<TlsAcceptor, TlsError> {
    let read = |name: &str| folder.join(name);
    let failed = |name: &str| {
        let file = read(name);
        |source| TlsError::Read { file, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(read("tls.crt"))
        .and_then(Iterator::collect)
        .map_err(failed("tls.crt"))?;
    let key = PrivateKeyDer::from_pem_file(read("tls.key")).map_err(failed("tls.key"))?;
    let mismatch = |source| TlsError::Mismatch {
        folder: folder.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts TLS connections.
pub struct TlsListener {
    tcp: TcpListener,
    folder: PathBuf,
    acceptor: TlsAcceptor,
    reloaded: Instant,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Serves the certificate in `folder`.
    ///
    /// # Errors
    /// The files are not usable now. Later reloads keep the last usable certificate.
    pub fn new(tcp: TcpListener, folder: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            tcp,
            folder: folder.to_owned(),
            acceptor: load(folder)?,
            reloaded: Instant::now(),
            handshakes: JoinSet::new(),
        })
    }

    fn reload_if_due(&mut self) {
        if self.reloaded.elapsed() < RELOAD_EVERY {
            return;
        }
        self.reloaded = Instant::now();
        match load(&self.folder) {
            Ok(acceptor) => self.acceptor = acceptor,
            Err(error) => tracing::warn!(%error, "the status page keeps its certificate: the new files are not usable"),
        }
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, address) = axum::serve::Listener::accept(&mut self.tcp), if self.handshakes.len() < MAX_HANDSHAKES => {
                    self.reload_if_due();
                    let acceptor = self.acceptor.clone();
                    self.handshakes.spawn(async move {
                        let done = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                        Some((done.ok()?.ok()?, address))
                    });
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(accepted)) = done {
                        return accepted;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::serve::Listener as _;
    use rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::standin::tls::Authority;

    /// Writes a certificate of a new authority to the folder; returns a client that trusts only this authority.
    fn renew(folder: &Path) -> TlsConnector {
        let authority = Authority::new("status page").unwrap();
        let identity = authority.issue(&["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("tls.crt"), identity.chain_pem()).unwrap();
        std::fs::write(folder.join("tls.key"), identity.key_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let before = renew(folder.path());
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let mut listener = TlsListener::new(tcp, folder.path()).unwrap();
        let connects = async |listener: &mut TlsListener, client: &TlsConnector| {
            let asked = client.connect(
                "localhost".try_into().unwrap(),
                TcpStream::connect(address).await.unwrap(),
            );
            tokio::select! {
                done = asked => done.is_ok(),
                // Handshakes need a task that accepts.
                () = async { loop { listener.accept().await; } } => unreachable!(),
            }
        };
        assert!(connects(&mut listener, &before).await);
        let after = renew(folder.path());
        let due = |listener: &mut TlsListener| listener.reloaded = Instant::now().checked_sub(RELOAD_EVERY).unwrap();
        assert!(connects(&mut listener, &before).await, "not before the next reload");
        due(&mut listener);
        assert!(!connects(&mut listener, &before).await);
        assert!(connects(&mut listener, &after).await);
        std::fs::write(folder.path().join("tls.key"), "half a key").unwrap();
        due(&mut listener);
        assert!(
            connects(&mut listener, &after).await,
            "the last usable certificate stays"
        );
    }

    #[test]
    fn an_error_names_the_missing_file_and_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let error = load(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains("tls.crt") && error.contains("kubernetes.io/tls"),
            "{error}"
        );
    }
}
