//! Base URLs of paths and forward proxies, checked before anything is sent to them.
//!
//! Does not resolve names: the prober rejects metadata addresses again after resolution.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest URL, characters.
pub const MAX_URL: usize = 512;

/// Host names of cloud metadata services.
pub const METADATA_HOSTS: [&str; 6] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.com",
    "instance-data",
    "instance-data.ec2.internal",
];

/// A base URL: http or https, a host, perhaps a port and a prefix, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
    port: u16,
    tls: bool,
}

impl BaseUrl {
    /// Reads the base URL of a path, as in `ANTHROPIC_BASE_URL`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write, without the field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let base = Self::parse_any(text)?;
        let path = base.text.to_ascii_lowercase();
        if path.ends_with("/v1/messages") || path.ends_with("/v1") {
            return Err("must not end in /v1 or /v1/messages: /v1/messages is appended to it".into());
        }
        Ok(base)
    }

    /// Reads the URL of a forward proxy: `http://host:port`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write, without the field's name.
    pub fn parse_proxy(text: &str) -> Result<Self, String> {
        let proxy = Self::parse_any(text)?;
        let rest = proxy.text.split_once("://").map_or("", |(_, rest)| rest);
        if proxy.tls || rest.contains('/') {
            return Err("must be http://host:port: the connection to a proxy is plain text, without a path".into());
        }
        Ok(proxy)
    }

    fn parse_any(text: &str) -> Result<Self, String> {
        if text.len() > MAX_URL {
            return Err(format!("must have at most {MAX_URL} characters"));
        }
        if !is_literal(text) {
            return Err("must be a URL such as https://api.anthropic.com".into());
        }
        let url =
            Url::parse(text).map_err(|error| format!("must be a URL such as https://api.anthropic.com: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must start with http:// or https://".into());
        }
        if url.port() == Some(0) {
            return Err("must have a port from 1 to 65535".into());
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err("must not contain credentials: put them into a Secret".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not have a query or a fragment".into());
        }
        let host = url.host().ok_or("must have a host")?;
        if let Host::Ipv4(address) = host
            && !is_written_as(text, &address.to_string())
        {
            return Err("must have its IPv4 address as four decimal numbers, such as 10.1.2.3".into());
        }
        if is_metadata(&host) {
            return Err("must not be a metadata or link-local address".into());
        }
        Ok(Self {
            host: match host {
                Host::Domain(name) => name.to_owned(),
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
            port: url.port_or_known_default().ok_or("must have a port")?,
            tls: url.scheme() == "https",
            text: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// The URL without a final slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host name or address; an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port, the scheme's default included.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the scheme is https.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether the host stands in the text as this address, perhaps with a final dot.
fn is_written_as(text: &str, address: &str) -> bool {
    let host = authority(text).split(':').next().unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host) == address
}

/// The URL standard lets parsers repair blanks, back slashes, missing hosts and stray percent signs; what is written
/// here means one thing.
fn is_literal(text: &str) -> bool {
    let authority = authority(text);
    let mut escapes = text.split('%').skip(1);
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !authority.is_empty()
        && !authority.contains('%')
        && escapes.all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

fn is_metadata(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            METADATA_HOSTS.contains(&name.as_str())
        }
        Host::Ipv4(address) => is_metadata_address(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_metadata_address(IpAddr::V6(*address)),
    }
}

/// Whether an address serves a cloud's metadata, or is link-local (where such services live); mapped forms included.
#[must_use]
pub fn is_metadata_address(address: IpAddr) -> bool {
    const V4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    const V6: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // EC2
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // EKS pod identity
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    ];
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_unspecified() || V4.contains(&address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_metadata_address(IpAddr::V4(inner)),
            None => address.is_unicast_link_local() || address.is_unspecified() || V6.contains(&address),
        },
    }
}

/// The IPv4 address inside `::ffff:0:0/96` (mapped) or `64:ff9b::/96` (NAT64).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let nat64 = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    if nat64 {
        let [high, low] = [g.to_be_bytes(), h.to_be_bytes()];
        return Some(Ipv4Addr::new(high[0], high[1], low[0], low[1]));
    }
    address.to_ipv4_mapped()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://api.anthropic.com", "api.anthropic.com:443")]
    #[case("http://ai-gateway.gateways.svc:8080/", "ai-gateway.gateways.svc:8080")]
    #[case("http://[fd00::1]:8080/team/a/", "[fd00::1]:8080")]
    fn a_base_url_has_a_host_a_port_and_perhaps_a_prefix(#[case] text: &str, #[case] authority: &str) {
        let url = BaseUrl::parse(text).unwrap();
        assert_eq!(url.authority(), authority);
        assert_eq!(url.as_str(), text.trim_end_matches('/'));
    }

    #[rstest]
    #[case("api.anthropic.com", "must be a URL")]
    #[case("ftp://a", "http:// or https://")]
    #[case("https://", "must be a URL")]
    #[case("https:///gateway", "must be a URL")]
    #[case("https:gateway", "must be a URL")]
    #[case("https:\\\\gateway", "must be a URL")]
    #[case(" https://gateway", "must be a URL")]
    #[case("https://gate\tway", "must be a URL")]
    #[case("https://user:pw@a", "must not contain credentials")]
    #[case("https://a/?x=1", "query")]
    #[case("https://a/#x", "fragment")]
    #[case("https://a/v1", "/v1/messages is appended")]
    #[case("https://a/prefix/v1/", "/v1/messages is appended")]
    #[case("https://a/v1/messages", "/v1/messages is appended")]
    #[case("http://169.254.169.254", "metadata")]
    #[case("http://0xa9fea9fe", "four decimal numbers")]
    #[case("http://2852039166/latest", "four decimal numbers")]
    #[case("http://010.1.1.1", "four decimal numbers")]
    #[case("http://169.254.43518:80", "four decimal numbers")]
    #[case("http://[::ffff:169.254.169.254]", "metadata")]
    #[case("http://[64:ff9b::a9fe:a9fe]", "metadata")]
    #[case("http://[fe80::1]", "metadata")]
    #[case("http://Metadata.Google.Internal./", "metadata")]
    fn what_is_no_base_url_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = BaseUrl::parse(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }

    #[rstest]
    #[case("http://proxy:3128", true)]
    #[case("http://proxy:3128/", true)]
    #[case("https://proxy:3128", false)]
    #[case("http://proxy:3128/x", false)]
    #[case("http://169.254.169.254:3128", false)]
    fn a_proxy_is_a_host_and_a_port(#[case] text: &str, #[case] good: bool) {
        assert_eq!(BaseUrl::parse_proxy(text).is_ok(), good);
    }
}
