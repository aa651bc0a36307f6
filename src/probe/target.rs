//! A path's route: the parsed URL, the forward proxy, the TLS settings. All errors in them are reported here, before
//! anything is sent. Secrets are never in an error.

use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderValue;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::secrets::Secrets;
use super::trust;
use crate::report::evidence::Reach;
use crate::report::plan::{HttpVersion, PathPlan};

/// An error in a plan, or in one path of it: names the path and the field to change. Nothing was sent there.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The URL of a path or of its proxy cannot be used.
    #[error("path {path}: {what} {url:?} is invalid: {reason}")]
    Url {
        /// Path name.
        path: String,
        /// `url` or `proxy.url`.
        what: &'static str,
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// A file of the plan cannot be read: its ConfigMap is missing or has no such key.
    #[error("{field} cannot be read from {}: {source}. Check that the ConfigMap exists and has that key", file.display())]
    File {
        /// The field of the resource.
        field: String,
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// TLS settings of a path cannot be used.
    #[error("path {path}: {field} is invalid: {reason}")]
    Tls {
        /// Path name.
        path: String,
        /// The field of the resource.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// A variable that the plan names is not set.
    #[error("{field}: the environment variable {name} is not set. Check that the Secret exists and has that key")]
    Variable {
        /// The field of the resource.
        field: String,
        /// The variable.
        name: String,
    },
    /// A header of the plan cannot be sent.
    #[error("header {name:?} is invalid: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// An entry of the forbidden networks is no network.
    #[error("{0:?} is not a network in CIDR notation")]
    Network(String),
}

impl SetupError {
    /// The outcome in the evidence of a path with this error.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Self::Url { what: "url", .. } => Reach::UrlUnusable,
            Self::Url { .. } => Reach::ProxyUnusable,
            // The only file of a path; the saved body and the networks concern the whole run.
            Self::File { .. } | Self::Network(_) => Reach::CaMissing,
            Self::Tls { .. } => Reach::TlsUnusable,
            Self::Variable { .. } => Reach::SecretMissing,
            Self::Header { .. } => Reach::HeaderUnusable,
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: Host<String>,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// `host:port`, IPv6 in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host as a resolver takes it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }
}

/// A forward proxy.
#[derive(Clone, Debug)]
pub struct ProxyRoute {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// `Proxy-Authorization`.
    pub authorization: Option<HeaderValue>,
}

/// What a TLS connection to a path needs.
#[derive(Clone, Debug)]
pub struct TlsRoute {
    /// Name for SNI and verification.
    pub server_name: ServerName<'static>,
    /// Roots that the probe declares.
    pub declared: Option<Arc<WebPkiServerVerifier>>,
    /// Client certificate.
    pub client: Option<Arc<CertifiedKey>>,
}

/// The route to one path's first hop.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where the URL points.
    pub endpoint: Endpoint,
    /// Value of `Host`: without the scheme's default port, as clients send it.
    pub host_header: String,
    /// The URL's path, without a final slash; `/v1/messages` is appended.
    pub prefix: String,
    /// Forward proxy.
    pub proxy: Option<ProxyRoute>,
    /// TLS, when the URL is https.
    pub tls: Option<TlsRoute>,
    /// HTTP version.
    pub http_version: HttpVersion,
}

impl Route {
    /// The route of a path.
    ///
    /// # Errors
    /// The first thing in the path that cannot be used.
    pub fn new(path: &PathPlan, secrets: &Secrets) -> Result<Self, SetupError> {
        let (url, endpoint) = endpoint(&path.name, "url", &path.url)?;
        let https = url.scheme() == "https";
        let default_port = if https { 443 } else { 80 };
        let host_header = match endpoint.port {
            port if port == default_port => endpoint.host.to_string(),
            _ => endpoint.authority(),
        };
        Ok(Self {
            host_header,
            prefix: url.path().trim_end_matches('/').to_owned(),
            proxy: proxy(path, secrets)?,
            tls: if https {
                Some(tls(path, &endpoint, secrets)?)
            } else {
                None
            },
            http_version: path.http_version,
            endpoint,
        })
    }

    /// Whether requests go to the proxy in absolute form: plain http through a proxy. Proxies reject CONNECT to port
    /// 80.
    #[must_use]
    pub fn absolute_form(&self) -> bool {
        self.proxy.is_some() && self.tls.is_none()
    }
}

fn endpoint(path: &str, what: &'static str, text: &str) -> Result<(Url, Endpoint), SetupError> {
    let invalid = |reason: &str| SetupError::Url {
        path: path.to_owned(),
        what,
        url: text.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("it is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Not `invalid`: the text holds a secret.
        let (path, url) = (path.to_owned(), "…".to_owned());
        let reason = "it has credentials. Put them into a Secret".to_owned();
        return Err(SetupError::Url {
            path,
            what,
            url,
            reason,
        });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a query or a fragment"));
    }
    let host = url.host().ok_or_else(|| invalid("it has no host"))?.to_owned();
    let port = url.port_or_known_default().ok_or_else(|| invalid("it has no port"))?;
    Ok((url, Endpoint { host, port }))
}

fn proxy(path: &PathPlan, secrets: &Secrets) -> Result<Option<ProxyRoute>, SetupError> {
    let Some(proxy) = &path.proxy else { return Ok(None) };
    let (url, endpoint) = endpoint(&path.name, "proxy.url", &proxy.url)?;
    if url.scheme() != "http" {
        let reason = "the scheme must be http".to_owned();
        return Err(SetupError::Url {
            path: path.name.clone(),
            what: "proxy.url",
            url: proxy.url.clone(),
            reason,
        });
    }
    let authorization = match &proxy.credential {
        None => None,
        Some((user, password)) => {
            let field = format!("path {}: proxy.credentialSecretRef", path.name);
            let secret = |name: &String| {
                let value = secrets.get(name).map(|value| value.expose_secret().trim().to_owned());
                value.ok_or_else(|| SetupError::Variable {
                    field: field.clone(),
                    name: name.clone(),
                })
            };
            Some(basic(&secret(user)?, &secret(password)?))
        }
    };
    Ok(Some(ProxyRoute {
        endpoint,
        authorization,
    }))
}

/// `Basic`, as RFC 7617 has it. Base64 text is always a header value.
fn basic(user: &str, password: &str) -> HeaderValue {
    use base64::Engine;
    let credential = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let text = format!("Basic {credential}");
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

fn tls(path: &PathPlan, endpoint: &Endpoint, secrets: &Secrets) -> Result<TlsRoute, SetupError> {
    let invalid = |field: &'static str, reason: String| SetupError::Tls {
        path: path.name.clone(),
        field,
        reason,
    };
    let name = path.tls.server_name.clone().unwrap_or_else(|| endpoint.name());
    let server_name = ServerName::try_from(name.clone())
        .map_err(|_| invalid("tls.serverName", format!("{name:?} is not a valid server name")))?;
    let declared = match &path.tls.ca {
        None => None,
        Some(file) => {
            let field = format!("path {}: tls.caConfigMapKeyRef", path.name);
            let pem = std::fs::read(file).map_err(|source| SetupError::File {
                field,
                file: file.into(),
                source,
            })?;
            Some(trust::declared_roots(&pem).map_err(|reason| invalid("tls.caConfigMapKeyRef", reason))?)
        }
    };
    let client = match &path.tls.client_certificate {
        None => None,
        Some((chain, key)) => Some(client_certificate(path, chain, key, secrets)?),
    };
    Ok(TlsRoute {
        server_name,
        declared,
        client,
    })
}

fn client_certificate(
    path: &PathPlan,
    chain: &str,
    key: &str,
    secrets: &Secrets,
) -> Result<Arc<CertifiedKey>, SetupError> {
    const FIELD: &str = "tls.clientCertificateSecretRef";
    let invalid = |reason: String| SetupError::Tls {
        path: path.name.clone(),
        field: FIELD,
        reason,
    };
    let secret = |name: &str| {
        let field = format!("path {}: {FIELD}", path.name);
        secrets.get(name).ok_or(SetupError::Variable {
            field,
            name: name.to_owned(),
        })
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(secret(chain)?.expose_secret().as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("tls.crt is not PEM".to_owned()))?;
    if certificates.is_empty() {
        return Err(invalid("tls.crt has no certificate".to_owned()));
    }
    // The parser's errors may quote the text: they are dropped.
    let key = PrivateKeyDer::from_pem_slice(secret(key)?.expose_secret().as_bytes())
        .map_err(|_| invalid("tls.key has no private key in PEM".to_owned()))?;
    let certified = CertifiedKey::from_der(certificates, key, &trust::provider())
        .map_err(|error| invalid(format!("the certificate does not match the key: {error}")))?;
    Ok(Arc::new(certified))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::report::plan::{Proxy, Tls};
    use rstest::rstest;

    fn path(url: &str) -> PathPlan {
        PathPlan {
            name: "edge".into(),
            url: url.into(),
            credential: None,
            model: None,
            headers: vec![],
            proxy: None,
            tls: Tls::default(),
            http_version: HttpVersion::Http1,
            exchanges: vec![],
            anthropic: true,
        }
    }

    #[rstest]
    #[case("http://gw.svc:8080", "gw.svc:8080", "")]
    #[case("http://gw.svc/anthropic/", "gw.svc", "/anthropic")]
    #[case("https://api.anthropic.com", "api.anthropic.com", "")]
    #[case("https://[::1]:8443/a", "[::1]:8443", "/a")]
    fn urls_become_host_and_prefix(#[case] url: &str, #[case] host: &str, #[case] prefix: &str) {
        let route = Route::new(&path(url), &Secrets::new()).unwrap();
        assert_eq!((route.host_header.as_str(), route.prefix.as_str()), (host, prefix));
    }

    #[rstest]
    #[case("ftp://gw", "not http or https")]
    #[case("gw:8080", "not http or https")]
    #[case("http://gw/?a=1", "query")]
    #[case("http://", "empty host")]
    fn bad_urls_are_named(#[case] url: &str, #[case] reason: &str) {
        let error = Route::new(&path(url), &Secrets::new()).unwrap_err().to_string();
        assert!(error.contains("path edge") && error.contains(reason), "{error}");
    }

    #[test]
    fn credentials_in_a_url_are_rejected_and_not_repeated() {
        let error = Route::new(&path("http://user:hunter2@gw"), &Secrets::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("Secret") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_missing_ca_file_names_field_and_file() {
        let mut path = path("https://gw");
        path.tls.ca = Some("/nowhere/ca.crt".into());
        let error = Route::new(&path, &Secrets::new()).unwrap_err().to_string();
        assert!(
            error.contains("caConfigMapKeyRef") && error.contains("/nowhere/ca.crt"),
            "{error}"
        );
    }

    #[test]
    fn a_proxy_credential_becomes_basic() {
        let mut path = path("http://gw");
        path.proxy = Some(Proxy {
            url: "http://proxy:3128".into(),
            credential: Some(("U".into(), "P".into())),
        });
        let route = Route::new(&path, &Secrets::new().with("U", "user").with("P", "pass\n")).unwrap();
        assert_eq!(route.proxy.unwrap().authorization.unwrap(), "Basic dXNlcjpwYXNz");
        let error = Route::new(&path, &Secrets::new()).unwrap_err().to_string();
        assert!(error.contains("environment variable U"), "{error}");
    }
}
