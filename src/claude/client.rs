//! How a client calls a path: auth header, extra headers, forward proxy, TLS, HTTP version. One definition for the checked
//! resource, the plan and the prober.
//!
//! No secret is in here. `S` names the place of a secret or a file: a key of a Secret or ConfigMap in the checked resource, an
//! environment variable or a path in a plan.

use http::header::{HeaderName, HeaderValue as WireValue, InvalidHeaderName, InvalidHeaderValue};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The request header that holds the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthHeader {
    /// `x-api-key: KEY`.
    #[default]
    XApiKey,
    /// `authorization: Bearer KEY`.
    Authorization,
    /// Another header with the bare key as its value. Lower case.
    Custom(String),
}

impl AuthHeader {
    /// The header's name, lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::XApiKey => super::headers::API_KEY,
            Self::Authorization => "authorization",
            Self::Custom(name) => name,
        }
    }

    /// The header that the other generation of SDKs uses.
    #[must_use]
    pub fn other(&self) -> Self {
        match self {
            Self::Authorization => Self::XApiKey,
            Self::XApiKey | Self::Custom(_) => Self::Authorization,
        }
    }

    /// The header with this key, marked sensitive.
    ///
    /// # Errors
    /// The name is no header name, or the key has bytes that no header may have. The error does not show the key.
    pub fn with_key(&self, key: &SecretString) -> Result<(HeaderName, WireValue), AuthHeaderError> {
        let mut value = match self {
            Self::Authorization => WireValue::from_str(&format!("Bearer {}", key.expose_secret()))?,
            Self::XApiKey | Self::Custom(_) => WireValue::from_str(key.expose_secret())?,
        };
        value.set_sensitive(true);
        Ok((HeaderName::try_from(self.name())?, value))
    }
}

/// Why an auth header cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum AuthHeaderError {
    /// Its name.
    #[error(transparent)]
    Name(#[from] InvalidHeaderName),
    /// Its value.
    #[error(transparent)]
    Value(#[from] InvalidHeaderValue),
}

/// A key and the header that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential<S> {
    /// Where the key is.
    pub secret: S,
    /// The header that holds it.
    pub auth_header: AuthHeader,
    /// Whether it must be an Anthropic key: the direct path uses it. A gateway's own key may have any shape.
    pub anthropic: bool,
}

impl<S> Credential<S> {
    /// The same with its secret elsewhere.
    pub fn map<T>(&self, mut place: impl FnMut(&S) -> T) -> Credential<T> {
        Credential {
            secret: place(&self.secret),
            auth_header: self.auth_header.clone(),
            anthropic: self.anthropic,
        }
    }
}

/// An extra request header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header<S> {
    /// Name, lower case.
    pub name: String,
    /// Value, or where it is.
    #[serde(flatten)]
    pub value: HeaderValue<S>,
}

/// The value of an extra request header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeaderValue<S> {
    /// Visible ASCII and inner blanks.
    Value(String),
    /// A secret.
    Secret(S),
}

impl<S> Header<S> {
    /// Where the value is, if it is a secret.
    pub fn secret(&self) -> Option<&S> {
        match &self.value {
            HeaderValue::Value(_) => None,
            HeaderValue::Secret(secret) => Some(secret),
        }
    }

    /// The same with its secret elsewhere.
    pub fn map<T>(&self, place: impl FnOnce(&S) -> T) -> Header<T> {
        Header {
            name: self.name.clone(),
            value: match &self.value {
                HeaderValue::Value(value) => HeaderValue::Value(value.clone()),
                HeaderValue::Secret(secret) => HeaderValue::Secret(place(secret)),
            },
        }
    }
}

/// A forward proxy, used by CONNECT (or by absolute-form for http URLs).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxy<S> {
    /// `http://host:port`.
    pub url: String,
    /// User name and password.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub credential: Option<(S, S)>,
}

impl<S> Proxy<S> {
    /// The same with its secrets elsewhere.
    pub fn map<T>(&self, mut place: impl FnMut(&S) -> T) -> Proxy<T> {
        Proxy {
            url: self.url.clone(),
            credential: self
                .credential
                .as_ref()
                .map(|(user, password)| (place(user), place(password))),
        }
    }
}

/// TLS settings of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls<S> {
    /// Additional roots, PEM.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub ca: Option<S>,
    /// Name for SNI and verification instead of the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Client certificate chain and its key, PEM.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<(S, S)>,
}

impl<S> Default for Tls<S> {
    fn default() -> Self {
        Self {
            ca: None,
            server_name: None,
            client_certificate: None,
        }
    }
}

impl<S> Tls<S> {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        self.ca.is_none() && self.server_name.is_none() && self.client_certificate.is_none()
    }

    /// The same with its certificates elsewhere: `file` places the roots, `secret` the client certificate.
    pub fn map<T>(&self, file: impl FnOnce(&S) -> T, mut secret: impl FnMut(&S) -> T) -> Tls<T> {
        Tls {
            ca: self.ca.as_ref().map(file),
            server_name: self.server_name.clone(),
            client_certificate: self
                .client_certificate
                .as_ref()
                .map(|(chain, key)| (secret(chain), secret(key))),
        }
    }
}

/// serde's plain `default` would ask for `S: Default`.
fn none<T>() -> Option<T> {
    None
}

/// HTTP version of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.1, as the SDKs use.
    #[default]
    Http1,
    /// HTTP/2, by ALPN on https and with prior knowledge on http.
    Http2,
    /// What ALPN negotiates.
    Auto,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_its_auth_header_and_never_in_a_debug_text_or_an_error() {
        let key = SecretString::from("sk-ant-api03-test");
        let (name, value) = AuthHeader::Authorization.with_key(&key).unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("authorization", "Bearer sk-ant-api03-test")
        );
        assert!(!format!("{value:?}").contains("test"));
        assert_eq!(AuthHeader::XApiKey.with_key(&key).unwrap().0, "x-api-key");
        let custom = AuthHeader::Custom("api-key".into()).with_key(&key).unwrap();
        assert_eq!(
            (custom.0.as_str(), custom.1.to_str().unwrap()),
            ("api-key", "sk-ant-api03-test")
        );
        let broken = SecretString::from("sk-secret\n");
        let error = AuthHeader::XApiKey.with_key(&broken).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
