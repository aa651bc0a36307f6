//! Security headers of all responses, and the host names that a page on loopback answers to.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::html::STYLE;

/// Allows this one style sheet (by its digest) and the inline icon, no script, and no frame around the page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
});

/// Sets the headers of every response.
pub fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Whether a request uses a loopback name of this machine. A web page whose name resolves to 127.0.0.1 (DNS rebinding) sends
/// its own name.
pub fn is_for_loopback<B>(request: &Request<B>) -> bool {
    let named = request.headers().get_all(header::HOST).iter();
    let named = named.map(|host| host.to_str().unwrap_or_default());
    // HTTP/2 has the authority in the URI; HTTP/1.1 may.
    let all: Vec<&str> = named.chain(request.uri().authority().map(|of| of.as_str())).collect();
    !all.is_empty() && all.into_iter().all(is_loopback)
}

fn is_loopback(authority: &str) -> bool {
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => authority,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["localhost:8090"], true)]
    #[case(&["LOCALHOST"], true)]
    #[case(&["127.0.0.1:1"], true)]
    #[case(&["127.9.9.9"], true)]
    #[case(&["[::1]:8090"], true)]
    #[case(&["[::1]"], true)]
    #[case(&["evil.example.com"], false)]
    #[case(&["localhost.evil.example.com:8090"], false)]
    #[case(&["127.0.0.1.evil.example.com"], false)]
    #[case(&["localhost:8090@evil.example.com"], false)]
    #[case(&["10.0.0.1:8090"], false)]
    #[case(&["localhost", "evil.example.com"], false)]
    #[case(&[""], false)]
    #[case(&[], false)]
    fn only_loopback_names_are_accepted(#[case] hosts: &[&str], #[case] expected: bool) {
        let mut request = Request::builder().uri("/");
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        assert_eq!(is_for_loopback(&request.body(()).unwrap()), expected, "{hosts:?}");
    }

    #[test]
    fn an_authority_in_the_request_line_counts_too() {
        let request = Request::builder()
            .uri("http://evil.example.com/")
            .header(header::HOST, "localhost");
        assert!(!is_for_loopback(&request.body(()).unwrap()));
    }
}
