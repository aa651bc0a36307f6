//! The gateway products that replies can be recognised by. Recognition sharpens advice; it never makes a finding.

use serde::{Deserialize, Serialize};
use strum::FromRepr;

/// The product whose error text or headers a reply has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum Product {
    /// No known product.
    #[default]
    Unknown = 0,
    /// nginx, ingress-nginx, OpenResty.
    Nginx = 1,
    /// HAProxy.
    Haproxy = 2,
    /// Envoy, Istio, Envoy Gateway.
    Envoy = 3,
    /// Envoy AI Gateway.
    EnvoyAiGateway = 4,
    /// Squid.
    Squid = 5,
    /// LiteLLM.
    LiteLlm = 6,
    /// Kong.
    Kong = 7,
    /// Portkey.
    Portkey = 8,
    /// APISIX.
    Apisix = 9,
    /// Apigee.
    Apigee = 10,
    /// AWS Application Load Balancer or API Gateway.
    Aws = 11,
    /// Azure API Management or Front Door.
    Azure = 12,
    /// Google load balancer.
    Google = 13,
    /// Cloudflare (any zone).
    Cloudflare = 14,
    /// Traefik.
    Traefik = 15,
    /// Caddy.
    Caddy = 16,
    /// Apache httpd.
    Apache = 17,
    /// Linkerd.
    Linkerd = 18,
    /// Another AI gateway that names itself by a header prefix.
    OtherAiGateway = 19,
}

impl Product {
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
