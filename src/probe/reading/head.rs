//! The head of an answer beside the one that Claude is known to send.

use http::HeaderMap;

use super::digest::digest32;
use crate::report::evidence::{Departure, HeadEvidence, ReplyHeader, Spelling};

/// Headers that frame a message, belong to one connection, or come with a single reply, on whatever hop.
const FRAMING: [&str; 8] = [
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "trailer",
    "set-cookie",
    "server-timing",
];

/// Reads the head of an answer. `spelled` are the names as they came over HTTP/1, empty where that was not seen.
#[must_use]
pub fn head(headers: &HeaderMap, spelled: &[String]) -> HeadEvidence {
    let departures = ReplyHeader::ALL
        .into_iter()
        .filter_map(|header| Some((header, departure(headers, header)?)))
        .collect();
    let is_known = |name: &str| FRAMING.contains(&name) || ReplyHeader::ALL.iter().any(|header| is_of(name, *header));
    let foreign = headers.keys().filter(|name| !is_known(name.as_str())).count();
    HeadEvidence {
        spelling: spelling(spelled),
        departures,
        foreign: u8::try_from(foreign.min(15)).unwrap_or(15),
    }
}

fn is_of(name: &str, header: ReplyHeader) -> bool {
    let known = header.name();
    name == known || (known.ends_with('-') && name.starts_with(known))
}

fn departure(headers: &HeaderMap, header: ReplyHeader) -> Option<Departure> {
    let values = |name: &http::HeaderName| headers.get_all(name).iter().count();
    let names: Vec<_> = headers.keys().filter(|name| is_of(name.as_str(), header)).collect();
    if names.is_empty() {
        return Some(Departure::Absent);
    }
    if names.iter().any(|name| values(name) > 1) {
        return Some(Departure::Repeated);
    }
    let value = names
        .first()
        .and_then(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let commas = value.matches(',').count();
    let allowed = match header {
        ReplyHeader::Vary | ReplyHeader::CacheControl => usize::MAX,
        // `Wed, 19 Aug 2026 …`.
        ReplyHeader::Date => 1,
        _ => 0,
    };
    if commas > allowed {
        return Some(Departure::Merged);
    }
    let plain: String = value.chars().filter(|letter| !letter.is_whitespace()).collect();
    let plain = plain.to_ascii_lowercase();
    let usual = usual(header)?;
    (!usual.contains(&plain.as_str())).then(|| Departure::Value(u8::try_from(digest32(&plain) >> 28).unwrap_or(0)))
}

/// The values of headers that have always the same one, in lower case and without blanks. `None` for the others.
fn usual(header: ReplyHeader) -> Option<&'static [&'static str]> {
    Some(match header {
        ReplyHeader::StrictTransportSecurity => &["max-age=31536000;includesubdomains;preload"],
        ReplyHeader::ContentSecurityPolicy => &["default-src'none';frame-ancestors'none'"],
        ReplyHeader::RobotsTag => &["none"],
        ReplyHeader::Server => &["cloudflare"],
        ReplyHeader::Vary => &["accept-encoding"],
        ReplyHeader::CacheControl => &["no-cache"],
        ReplyHeader::ContentType => &["text/event-stream;charset=utf-8", "application/json"],
        _ => return None,
    })
}

fn spelling(names: &[String]) -> Spelling {
    let capital = |name: &String| name.bytes().any(|byte| byte.is_ascii_uppercase());
    let capitals = names.iter().filter(|name| capital(name)).count();
    match capitals {
        _ if names.is_empty() => Spelling::Unknown,
        0 => Spelling::Lower,
        all if all == names.len() => Spelling::Capital,
        _ => Spelling::Mixed,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A genuine head over HTTP/1.1, as recorded.
    const GENUINE: [(&str, &str); 23] = [
        ("Date", "Wed, 19 Aug 2026 14:34:12 GMT"),
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Cache-Control", "no-cache"),
        ("anthropic-ratelimit-input-tokens-limit", "10000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "10000000"),
        ("anthropic-ratelimit-output-tokens-limit", "2000000"),
        ("anthropic-ratelimit-requests-limit", "10000"),
        ("anthropic-ratelimit-tokens-limit", "12000000"),
        ("anthropic-ratelimit-tokens-reset", "2026-08-19T14:34:11Z"),
        ("request-id", "req_011CeCGmBjaWkq37Sf5iU7so"),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        ),
        ("anthropic-organization-id", "0d9fbd3c-3a52-4b4b-8a55-66a1b3f2a0c2"),
        ("anthropic-workspace-id", "wrkspc_01MZW3YzUeytZsFc9LHFxP78"),
        (
            "traceresponse",
            "00-7abe39b499bbaa3cca25485b468db247-72b00d9cfa473f27-01",
        ),
        ("Server", "cloudflare"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("vary", "Accept-Encoding"),
        ("cf-cache-status", "DYNAMIC"),
        ("x-robots-tag", "none"),
        ("CF-RAY", "9a1b2c3d4e5f6071-FRA"),
        ("Set-Cookie", "a=b"),
    ];

    fn read(lines: &[(&str, &str)]) -> HeadEvidence {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let spelled: Vec<String> = lines.iter().map(|(name, _)| (*name).to_owned()).collect();
        head(&headers, &spelled)
    }

    fn with(change: impl FnOnce(&mut Vec<(&'static str, &'static str)>)) -> HeadEvidence {
        let mut lines = GENUINE.to_vec();
        change(&mut lines);
        read(&lines)
    }

    #[test]
    fn a_genuine_head_departs_in_nothing() {
        let head = with(|_| {});
        assert_eq!((head.spelling, head.foreign), (Spelling::Mixed, 0));
        assert_eq!(head.departures, []);
    }

    #[test]
    fn each_class_of_change_is_seen() {
        use ReplyHeader as H;
        let dropped = with(|lines| lines.retain(|(name, _)| !name.starts_with("anthropic-ratelimit-tokens")));
        assert_eq!(dropped.departures, [(H::TokenLimits, Departure::Absent)]);
        let added = with(|lines| lines.extend([("via", "1.1 x"), ("x-cache", "MISS")]));
        assert_eq!((added.foreign, added.departures.len()), (2, 0));
        let merged = with(|lines| lines[11].1 = "req_011CeCGmBjaWkq37Sf5iU7so, req_x");
        assert_eq!(merged.departures, [(H::RequestId, Departure::Merged)]);
        let repeated = with(|lines| lines.push(("Content-Type", "text/event-stream")));
        assert_eq!(repeated.departures, [(H::ContentType, Departure::Repeated)]);
        let changed = with(|lines| lines[4].1 = "no-store");
        assert!(matches!(
            changed.departures[..],
            [(H::CacheControl, Departure::Value(_))]
        ));
        let lower: Vec<(String, &str)> = GENUINE
            .iter()
            .map(|(name, value)| (name.to_lowercase(), *value))
            .collect();
        let lower: Vec<(&str, &str)> = lower.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(read(&lower).spelling, Spelling::Lower);
        assert_eq!(read(&lower).departures, []);
    }
}
