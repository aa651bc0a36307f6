//! Authentication: the credential of a request, and the API's reply to it.

use http::HeaderMap;

use super::config::{Key, KeyState};
use super::error_name::ErrorName;

/// The credential as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    XApiKey(String),
    Bearer(String),
}

impl Credential {
    pub fn value(&self) -> &str {
        match self {
            Self::XApiKey(value) | Self::Bearer(value) => value,
        }
    }
}

/// All values of a header; bytes that are no text are replaced.
pub(super) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect()
}

/// The credential that counts: `x-api-key` wins over `authorization: Bearer`.
pub(super) fn presented(headers: &HeaderMap) -> Option<Credential> {
    let key = values(headers, "x-api-key").join(", ");
    if !key.is_empty() {
        return Some(Credential::XApiKey(key));
    }
    let authorization = values(headers, "authorization").join(", ");
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Credential::Bearer(token.to_owned()))
}

/// The key behind a credential, or why there is none.
pub(super) fn check(credential: Option<&Credential>, keys: &[Key], headers: &HeaderMap) -> Result<Key, ErrorName> {
    let browser = headers.contains_key("origin");
    if browser && !headers.contains_key("anthropic-dangerous-direct-browser-access") {
        return Err(ErrorName::CorsDenied);
    }
    let credential = credential.ok_or(ErrorName::KeyRequired)?;
    let (unknown, bearer) = match credential {
        Credential::XApiKey(_) => (ErrorName::KeyInvalid, false),
        Credential::Bearer(_) => (ErrorName::BearerInvalid, true),
    };
    let oauth = credential.value().starts_with("sk-ant-oat");
    if oauth && bearer && !values(headers, "anthropic-beta").join(",").contains("oauth-2025-04-20") {
        return Err(ErrorName::OauthUnsupported);
    }
    let key = keys
        .iter()
        .find(|key| key.key == credential.value() && (bearer || !oauth))
        .ok_or(unknown)?;
    match key.state {
        KeyState::Active => Ok(key.clone()),
        KeyState::Expired if oauth => Err(ErrorName::OauthExpired),
        KeyState::Expired => Err(ErrorName::CredentialExpired),
        KeyState::OrganizationRevoked => Err(ErrorName::OrganizationRevoked),
        KeyState::WorkspaceRevoked => Err(ErrorName::WorkspaceRevoked),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn says(pairs: &[(&'static str, &str)]) -> Result<String, ErrorName> {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let expired = Key {
            state: KeyState::Expired,
            ..Key::new("old")
        };
        let keys = [Key::new("good"), Key::new("sk-ant-oat01-t"), expired];
        check(presented(&headers).as_ref(), &keys, &headers).map(|key| key.key)
    }

    #[test]
    fn each_credential_gets_the_apis_answer() {
        let beta = ("anthropic-beta", "oauth-2025-04-20");
        assert_eq!(says(&[("x-api-key", "good")]), Ok("good".into()));
        assert_eq!(says(&[("authorization", "Bearer good")]), Ok("good".into()));
        assert_eq!(
            says(&[("x-api-key", "good"), ("authorization", "Bearer bad")]),
            Ok("good".into())
        );
        assert_eq!(
            says(&[("x-api-key", "bad"), ("authorization", "Bearer good")]),
            Err(ErrorName::KeyInvalid)
        );
        assert_eq!(says(&[]), Err(ErrorName::KeyRequired));
        assert_eq!(says(&[("x-api-key", "")]), Err(ErrorName::KeyRequired));
        assert_eq!(says(&[("authorization", "Basic Zm9v")]), Err(ErrorName::KeyRequired));
        assert_eq!(says(&[("authorization", "Bearer bad")]), Err(ErrorName::BearerInvalid));
        assert_eq!(
            says(&[("authorization", "Bearer sk-ant-oat01-t")]),
            Err(ErrorName::OauthUnsupported)
        );
        assert_eq!(
            says(&[("authorization", "Bearer sk-ant-oat01-t"), beta]),
            Ok("sk-ant-oat01-t".into())
        );
        assert_eq!(
            says(&[("x-api-key", "sk-ant-oat01-t"), beta]),
            Err(ErrorName::KeyInvalid)
        );
        assert_eq!(says(&[("x-api-key", "old")]), Err(ErrorName::CredentialExpired));
        assert_eq!(
            says(&[("x-api-key", "good"), ("origin", "https://x")]),
            Err(ErrorName::CorsDenied)
        );
    }
}
