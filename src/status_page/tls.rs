//! TLS for a page that others than this machine can reach: the certificate and key of a mounted Secret of the type kubernetes.io/tls, read
//! again when they change.

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

/// How often the files are looked at: the kubelet renews a mounted Secret within a minute or two.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at the same time.
const AT_ONCE: usize = 256;

/// Why there is no certificate to serve.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file}: {source}. Mount a Secret of the type kubernetes.io/tls there")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit.
    #[error("tls.crt and tls.key in {folder} cannot be used together: {source}")]
    Unfit {
        /// Where they lie.
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
    let unfit = |source| TlsError::Unfit {
        folder: folder.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts TLS connections.
pub struct TlsListener {
    tcp: TcpListener,
    folder: PathBuf,
    acceptor: TlsAcceptor,
    looked: Instant,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Serves the certificate in `folder`.
    ///
    /// # Errors
    /// Files that cannot be read or used now. Later the last good ones stay.
    pub fn new(tcp: TcpListener, folder: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            tcp,
            folder: folder.to_owned(),
            acceptor: load(folder)?,
            looked: Instant::now(),
            handshakes: JoinSet::new(),
        })
    }

    fn look(&mut self) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        match load(&self.folder) {
            Ok(acceptor) => self.acceptor = acceptor,
            Err(error) => tracing::warn!(%error, "the status page goes on with the certificate that it has"),
        }
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, address) = axum::serve::Listener::accept(&mut self.tcp), if self.handshakes.len() < AT_ONCE => {
                    self.look();
                    let acceptor = self.acceptor.clone();
                    self.handshakes.spawn(async move {
                        let done = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
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

    /// Puts a certificate of a new authority into the folder, and gives a client that trusts this authority alone.
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
                // Handshakes go on for as long as somebody accepts.
                () = async { loop { listener.accept().await; } } => unreachable!(),
            }
        };
        assert!(connects(&mut listener, &before).await);
        let after = renew(folder.path());
        let due = |listener: &mut TlsListener| listener.looked = Instant::now().checked_sub(LOOK_EVERY).unwrap();
        assert!(connects(&mut listener, &before).await, "not before it is time to look");
        due(&mut listener);
        assert!(!connects(&mut listener, &before).await);
        assert!(connects(&mut listener, &after).await);
        std::fs::write(folder.path().join("tls.key"), "half a key").unwrap();
        due(&mut listener);
        assert!(connects(&mut listener, &after).await, "the last good one stays");
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = load(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains("tls.crt") && error.contains("kubernetes.io/tls"),
            "{error}"
        );
    }
}
