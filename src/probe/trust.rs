//! Which CA vouches for a server's certificate: a public one, one of this machine's own list, the one that the probe
//! declares, or none.
//!
//! A chain that verifies only through an added CA means that a hop intercepts TLS; a plain "verified" would hide that.
//! Verification itself is webpki's, tried with one set of roots after the other.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::report::evidence::Trust;

/// The crypto provider of every TLS connection of the prober.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// What the verification of one handshake showed.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// Which CA vouches; `None` before a certificate came.
    pub trust: Option<Trust>,
    /// The leaf certificate, DER.
    pub leaf: Option<Vec<u8>>,
}

/// Verifies against one set of roots after the other and remembers which one vouched.
pub struct RootsInTurn {
    declared: Option<Arc<WebPkiServerVerifier>>,
    result: Arc<Mutex<Verification>>,
}

impl RootsInTurn {
    /// A verifier for one handshake, with the roots that the probe declares, if any; and where its result will be.
    pub fn new(declared: Option<Arc<WebPkiServerVerifier>>) -> (Self, Arc<Mutex<Verification>>) {
        let result = Arc::new(Mutex::new(Verification::default()));
        (
            Self {
                declared,
                result: Arc::clone(&result),
            },
            result,
        )
    }

    fn in_turn(&self) -> impl Iterator<Item = (Trust, Arc<WebPkiServerVerifier>)> {
        // Lazy: the machine's list is read from disk only when no public CA vouches.
        let public = std::iter::once_with(|| (Trust::Public, public_roots()));
        let system = std::iter::once_with(|| (Trust::System, system_roots()));
        let declared = self.declared.clone();
        let declared = std::iter::once_with(move || (Trust::Declared, declared));
        public
            .chain(system)
            .chain(declared)
            .filter_map(|(trust, roots)| Some((trust, roots?)))
    }
}

/// The roots in a PEM text.
///
/// # Errors
/// The defect, as text.
pub fn declared_roots(pem: &[u8]) -> Result<Arc<WebPkiServerVerifier>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| format!("it is not PEM: {error}"))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err("it has no valid certificate".to_owned());
    }
    verifier(roots).ok_or_else(|| "it has no valid certificate".to_owned())
}

fn verifier(roots: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .ok()
}

fn public_roots() -> Option<Arc<WebPkiServerVerifier>> {
    static ROOTS: OnceLock<Option<Arc<WebPkiServerVerifier>>> = OnceLock::new();
    let build = || verifier(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
    ROOTS.get_or_init(build).clone()
}

fn system_roots() -> Option<Arc<WebPkiServerVerifier>> {
    static ROOTS: OnceLock<Option<Arc<WebPkiServerVerifier>>> = OnceLock::new();
    let build = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        verifier(roots)
    };
    ROOTS.get_or_init(build).clone()
}

/// The more specific of two errors: a chain that leads to a known root but is expired or for another name beats
/// "unknown issuer", which every other set of roots returns too.
fn more_specific(first: Option<Error>, next: Error) -> Error {
    match first {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) | None => next,
        Some(kept) => kept,
    }
}

impl ServerCertVerifier for RootsInTurn {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut refusal = None;
        let mut vouching = Trust::Untrusted;
        for (trust, roots) in self.in_turn() {
            match roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                Ok(_) => {
                    vouching = trust;
                    break;
                }
                Err(error) => refusal = Some(more_specific(refusal, error)),
            }
        }
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        *result = Verification {
            trust: Some(vouching),
            leaf: Some(end_entity.to_vec()),
        };
        match vouching {
            Trust::Untrusted => Err(refusal.unwrap_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for RootsInTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootsInTurn(declared: {})", self.declared.is_some())
    }
}
