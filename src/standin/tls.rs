//! A certificate authority of one's own, for HTTPS without any file on disk.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};

/// Why no TLS identity could be made or read.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("cannot make a certificate for {names}: {source}")]
    Make {
        /// The names asked for.
        names: String,
        /// What was wrong.
        source: rcgen::Error,
    },
    /// A PEM text holds no usable certificate chain or key.
    #[error("{what} is not usable PEM: {reason}")]
    Pem {
        /// The certificate or the key.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// Chain and key do not fit.
    #[error("certificate and key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate authority that lives as long as the process.
pub struct Authority {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority with a new key.
    ///
    /// # Errors
    /// [`TlsError::Make`] if the cryptographic library refuses.
    pub fn new(common_name: &str) -> Result<Self, TlsError> {
        let failed = |source| TlsError::Make {
            names: common_name.to_owned(),
            source,
        };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            ca_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's certificate, for clients to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A server's identity for these DNS names and IP addresses.
    ///
    /// # Errors
    /// [`TlsError::Make`] for a name that no certificate can carry.
    pub fn issue(&self, names: &[String]) -> Result<Identity, TlsError> {
        self.issue_valid_until(names, None)
    }

    /// As [`Authority::issue`], valid for this many days from today (0 or less: expired already).
    ///
    /// # Errors
    /// [`TlsError::Make`] for a name that no certificate can carry.
    pub fn issue_for_days(&self, names: &[String], days: i64) -> Result<Identity, TlsError> {
        self.issue_valid_until(names, Some(days))
    }

    fn issue_valid_until(&self, names: &[String], days: Option<i64>) -> Result<Identity, TlsError> {
        let failed = |source| TlsError::Make {
            names: names.join(", "),
            source,
        };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
        if let Some(first) = names.first() {
            params.distinguished_name.push(DnType::CommonName, first.as_str());
        }
        params.use_authority_key_identifier_extension = true;
        if let Some(days) = days {
            let today = crate::clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
            let day = |offset: i64| {
                let date = today.saturating_add(jiff::Span::new().days(offset.clamp(-30_000, 30_000)));
                rcgen::date_time_ymd(
                    i32::from(date.year()),
                    date.month().unsigned_abs(),
                    date.day().unsigned_abs(),
                )
            };
            params.not_before = day(days.min(0) - 30);
            params.not_after = day(days);
        }
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Identity::from_pem(&certificate.pem(), &key.serialize_pem(), Some(self.ca_pem.clone()))
    }
}

/// A certificate chain with its key, ready to serve.
#[derive(Clone, Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    ca_pem: Option<String>,
    chain_pem: String,
    key_pem: SecretString,
}

impl Identity {
    /// Reads a chain and a key.
    ///
    /// # Errors
    /// [`TlsError::Pem`] or [`TlsError::Unusable`].
    pub fn from_pem(chain: &str, key: &str, ca_pem: Option<String>) -> Result<Self, TlsError> {
        let pem = |what, error: rustls::pki_types::pem::Error| TlsError::Pem {
            what,
            reason: error.to_string(),
        };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| pem("the certificate", error))?;
        if certificates.is_empty() {
            return Err(TlsError::Pem {
                what: "the certificate",
                reason: "no certificate in it".to_owned(),
            });
        }
        let key_pem = key;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| pem("the key", error))?;
        // An explicit provider: the process-wide one may not be installed in a test.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            ca_pem,
            chain_pem: chain.to_owned(),
            key_pem: SecretString::from(key_pem),
        })
    }

    /// The certificate of the authority that signed this, if it is ours.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The chain as PEM.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The private key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        self.key_pem.expose_secret()
    }

    /// The configuration of a server that offers HTTP/2 and HTTP/1.1.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}
