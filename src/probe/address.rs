//! Addresses that a prober never connects to: the metadata services of clouds, in every notation, and more by flag.
//!
//! A probe's URL is user input, and its pod may stand where a metadata service hands out the node's identity. The check
//! is on the address after resolution, because a name can point anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks that are always refused: link-local ones (AWS, Azure, GCP, OpenStack, ECS task credentials), and the
/// metadata and wire-server addresses that lie elsewhere (Alibaba, Azure, Oracle, AWS and GCP over IPv6).
const REFUSED: [&str; 8] = [
    "169.254.0.0/16",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fe80::/10",
    "fd00:ec2::/32",
    "fd20:ce::254/128",
    "fd00:42::42/128",
];

/// Names that lead to a metadata service wherever they resolve: refused too where a proxy resolves for us.
const REFUSED_NAMES: [&str; 4] = ["metadata.google.internal", "metadata.goog", "metadata", "instance-data"];

/// What is refused: the fixed list and the plan's own networks.
#[derive(Clone, Debug)]
pub struct Refusal {
    networks: Vec<IpNet>,
}

impl Refusal {
    /// The fixed list and `extra` networks (CIDR notation or a single address).
    ///
    /// # Errors
    /// The first entry that is neither.
    pub fn new(extra: &[String]) -> Result<Self, String> {
        let mut networks: Vec<IpNet> = REFUSED.iter().filter_map(|text| text.parse().ok()).collect();
        for text in extra {
            let parsed = text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            networks.push(parsed.map_err(|_| text.clone())?);
        }
        Ok(Self { networks })
    }

    /// Whether this address is refused, in this notation or as the IPv4 address that an IPv6 one wraps.
    #[must_use]
    pub fn refuses(&self, address: IpAddr) -> bool {
        let inner = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => wrapped(v6),
        };
        let hits = |candidate: IpAddr| self.networks.iter().any(|network| network.contains(&candidate));
        hits(address) || inner.is_some_and(|v4| hits(IpAddr::V4(v4)))
    }

    /// Whether this host name is forbidden without a lookup.
    #[must_use]
    pub fn refuses_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        REFUSED_NAMES.contains(&name.as_str())
    }
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, translated (SIIT), NAT64, 6to4.
fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let tail = Some(join(g, h));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff | 0] | [0, 0, 0, 0, 0xffff, 0] => tail,
        // RFC 6052 and RFC 8215: the well-known and the local-use NAT64 prefixes.
        [0x64, 0xff9b, ..] => tail,
        // RFC 3056: 6to4 carries it behind the prefix.
        [0x2002, ..] => Some(join(b, c)),
        _ => None,
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// Whether the address is in the inbound ranges that Anthropic publishes for its API.
#[must_use]
pub fn is_anthropic(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [160, 79, 104 | 105, _]),
        IpAddr::V6(v6) => v6.segments().starts_with(&[0x2607, 0x6bc0]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::aws("169.254.169.254")]
    #[case::ecs("169.254.170.2")]
    #[case::alibaba("100.100.100.200")]
    #[case::azure_wire_server("168.63.129.16")]
    #[case::oracle("192.0.0.192")]
    #[case::aws_v6("fd00:ec2::254")]
    #[case::link_local_v6("fe80::1")]
    #[case::mapped("::ffff:169.254.169.254")]
    #[case::compatible("::169.254.169.254")]
    #[case::translated("::ffff:0:169.254.169.254")]
    #[case::nat64("64:ff9b::169.254.169.254")]
    #[case::local_nat64("64:ff9b:1::169.254.169.254")]
    #[case::six_to_four("2002:a9fe:a9fe::1")]
    #[case::extra("10.9.1.2")]
    #[case::extra_mapped("::ffff:10.9.1.2")]
    fn metadata_addresses_are_forbidden_in_every_notation(#[case] address: &str) {
        let refusal = Refusal::new(&["10.9.0.0/16".to_owned()]).unwrap();
        assert!(refusal.refuses(address.parse().unwrap()), "{address}");
    }

    #[rstest]
    #[case("127.0.0.1")]
    #[case("10.96.0.10")]
    #[case("160.79.104.10")]
    #[case("::1")]
    #[case("2607:6bc0::10")]
    #[case("::ffff:10.0.0.1")]
    fn others_are_not(#[case] address: &str) {
        assert!(
            !Refusal::new(&[]).unwrap().refuses(address.parse().unwrap()),
            "{address}"
        );
    }

    #[test]
    fn a_bad_network_is_named() {
        assert_eq!(Refusal::new(&["10.0.0.0/99".to_owned()]).unwrap_err(), "10.0.0.0/99");
    }

    #[test]
    fn anthropics_published_ranges_are_recognised() {
        assert!(is_anthropic("160.79.105.255".parse().unwrap()));
        assert!(!is_anthropic("160.79.106.0".parse().unwrap()));
        assert!(is_anthropic("2607:6bc0::10".parse().unwrap()));
    }
}
