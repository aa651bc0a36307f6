//! The gateway products that replies can be recognised by. Recognition sharpens advice; it never makes a finding.

use serde::{Deserialize, Serialize};

/// The product whose error text or headers a reply has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Maker {
    /// No known product.
    #[default]
    Unknown,
    /// nginx, ingress-nginx, OpenResty.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy, Istio, Envoy Gateway.
    Envoy,
    /// Envoy AI Gateway.
    EnvoyAiGateway,
    /// Squid.
    Squid,
    /// LiteLLM.
    LiteLlm,
    /// Kong.
    Kong,
    /// Portkey.
    Portkey,
    /// APISIX.
    Apisix,
    /// Apigee.
    Apigee,
    /// AWS Application Load Balancer or API Gateway.
    Aws,
    /// Azure API Management or Front Door.
    Azure,
    /// Google load balancer.
    Google,
    /// Cloudflare (any zone).
    Cloudflare,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
    /// Apache httpd.
    Apache,
    /// Linkerd.
    Linkerd,
    /// Another AI gateway that names itself by a header prefix.
    OtherAiGateway,
}

impl Maker {
    /// The name of the product; empty for those that are not a single product.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown | Self::OtherAiGateway => "",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::EnvoyAiGateway => "Envoy AI Gateway",
            Self::Squid => "Squid",
            Self::LiteLlm => "LiteLLM",
            Self::Kong => "Kong",
            Self::Portkey => "Portkey",
            Self::Apisix => "APISIX",
            Self::Apigee => "Apigee",
            Self::Aws => "AWS",
            Self::Azure => "Azure",
            Self::Google => "Google Cloud",
            Self::Cloudflare => "Cloudflare",
            Self::Traefik => "Traefik",
            Self::Caddy => "Caddy",
            Self::Apache => "Apache",
            Self::Linkerd => "Linkerd",
        }
    }
}
