//! The paths and the request of a case, as a checked probe means them: the same for the operator and for `check`.

use super::case::{PathCase, Request, Role, Thresholds};
use crate::resource::spec::ExpectAccount;
use crate::resource::validated::{Body, Path, Probe};

/// Host of the Claude API itself.
const CLAUDE_HOST: &str = "api.anthropic.com";

impl Request {
    /// The probe's frozen request.
    #[must_use]
    pub fn of(probe: &Probe) -> Self {
        let request = &probe.request;
        Self {
            model: request.model.clone(),
            api_version: request.api_version.clone(),
            betas: request.betas.clone(),
            stream: request.stream,
            saved_body: matches!(request.body, Body::Saved(_)),
            long_at_least_ms: probe
                .exchanges
                .long
                .map(|long| u32::try_from(long.at_least.as_millis()).unwrap_or(u32::MAX)),
        }
    }
}

impl PathCase {
    /// All paths of a probe, in its order.
    #[must_use]
    pub fn all(probe: &Probe) -> Vec<Self> {
        probe.paths.iter().map(Self::of).collect()
    }

    /// A path as it was meant.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let key = path.credential.as_ref();
        Self {
            name: path.name.clone(),
            role: if path.direct { Role::Direct } else { Role::Gateway },
            host: path.url.authority(),
            first_party: path.url.host().eq_ignore_ascii_case(CLAUDE_HOST),
            https: path.url.tls(),
            upstream: path.upstream,
            expect_same_account: path.expect_account == ExpectAccount::Same,
            accept: path.accept.clone(),
            key_ref: key.map(|key| format!("{}/{}", key.secret.name, key.secret.key)),
            auth_header: key.map(|key| key.auth_header.clone()).unwrap_or_default(),
            model: path.model.clone(),
            declared_ca: path.tls.ca.is_some(),
            forward_proxy: path.proxy.is_some(),
            http_version: path.http_version,
        }
    }
}

impl Thresholds {
    /// The probe's own.
    #[must_use]
    pub fn of(probe: &Probe) -> Self {
        Self {
            gateway_latency_percent: probe.thresholds.gateway_latency_percent,
            certificate_expiry_days: i32::try_from(probe.thresholds.certificate_expiry_days).unwrap_or(i32::MAX),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::claude::client::AuthHeader;
    use crate::resource::spec::ClaudeProbe;

    #[test]
    fn a_case_has_the_paths_and_the_request_of_its_probe() {
        let text = "
metadata: {name: p}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: k, key: a}}
  direct: {url: 'https://api.anthropic.com'}
  gateways:
  - {name: edge, url: 'http://edge:8080/x', credential: {secretKeyRef: {name: v, key: b}, authHeader: Authorization}}
  - {name: open, url: 'https://open', credential: {none: {}}, accept: [StreamBuffered]}
";
        let probe = Probe::parse(&serde_saphyr::from_str::<ClaudeProbe>(text).unwrap()).unwrap();
        let paths = PathCase::all(&probe);
        assert!(paths[0].is_direct() && paths[0].first_party && paths[0].https);
        assert_eq!(paths[0].host, "api.anthropic.com:443");
        assert_eq!(
            (paths[1].host.as_str(), paths[1].key_ref.as_deref()),
            ("edge:8080", Some("v/b"))
        );
        assert_eq!(paths[1].auth_header, AuthHeader::Authorization);
        assert!(!paths[1].expect_same_account, "another key may be another account's");
        assert_eq!((paths[2].key_ref.as_deref(), paths[2].accept.len()), (None, 1));
        assert!(Request::of(&probe).stream);
    }
}
