//! Whose wording and headers a reply has, and what a gateway says in words of its own.
//!
//! Tables of what real gateways send (nginx, HAProxy, Envoy, Squid, LiteLLM measured; others from their sources and documentation), and, since users run
//! many more, of what such replies say in general. It sharpens advice; it convicts nobody.

use http::HeaderMap;

use crate::report::evidence::{Maker, Phrase};

/// `server` values, lower case, by what they begin with.
const SERVERS: &[(&str, Maker)] = &[
    ("nginx", Maker::Nginx),
    ("openresty", Maker::Nginx),
    ("tengine", Maker::Nginx),
    ("envoy", Maker::Envoy),
    ("istio-envoy", Maker::Envoy),
    ("squid", Maker::Squid),
    ("apisix", Maker::Apisix),
    ("kong", Maker::Kong),
    ("awselb", Maker::Aws),
    ("cloudfront", Maker::Aws),
    ("microsoft-azure-application-gateway", Maker::Azure),
    ("google frontend", Maker::Google),
    ("gws", Maker::Google),
    ("cloudflare", Maker::Cloudflare),
    ("caddy", Maker::Caddy),
    ("apache", Maker::Apache),
    ("haproxy", Maker::Haproxy),
];

/// Header names by what they begin with. Ordered: an AI gateway in front of a proxy names itself first.
const HEADERS: &[(&str, Maker)] = &[
    ("x-litellm-", Maker::LiteLlm),
    ("llm_provider-", Maker::LiteLlm),
    ("x-portkey-", Maker::Portkey),
    ("x-ai-eg-", Maker::EnvoyAiGateway),
    ("x-kong-", Maker::Kong),
    ("helicone-", Maker::OtherAiGateway),
    ("cf-aig-", Maker::OtherAiGateway),
    ("x-bt-", Maker::OtherAiGateway),
    ("x-bifrost-", Maker::OtherAiGateway),
    ("x-databricks-", Maker::OtherAiGateway),
    ("ngrok-aig-", Maker::OtherAiGateway),
    ("x-cc-gateway-", Maker::OtherAiGateway),
    ("x-apisix-", Maker::Apisix),
    ("x-apigee-", Maker::Apigee),
    ("x-squid-error", Maker::Squid),
    ("x-envoy-overloaded", Maker::Envoy),
    ("x-envoy-ratelimited", Maker::Envoy),
    ("l5d-", Maker::Linkerd),
    ("x-amzn-errortype", Maker::Aws),
    ("apim-", Maker::Azure),
    ("x-azure-ref", Maker::Azure),
];

/// Wording, lower case.
const BODIES: &[(&str, Maker)] = &[
    ("<center>nginx", Maker::Nginx),
    ("<center>openresty", Maker::Nginx),
    ("<center>cloudflare</center>", Maker::Cloudflare),
    ("<center>microsoft-azure-application-gateway", Maker::Azure),
    (
        "upstream connect error or disconnect/reset before headers",
        Maker::Envoy,
    ),
    ("no healthy upstream", Maker::Envoy),
    ("upstream request timeout", Maker::Envoy),
    ("rbac: access denied", Maker::Envoy),
    ("jwt is missing", Maker::Envoy),
    ("jwt is not in the form", Maker::Envoy),
    ("jwt verification fails", Maker::Envoy),
    ("local_rate_limited", Maker::Envoy),
    ("client authentication failed.", Maker::Envoy),
    ("no matching route found. it is likely", Maker::EnvoyAiGateway),
    ("no server is available to handle this request", Maker::Haproxy),
    ("the server didn't respond in time", Maker::Haproxy),
    ("the server returned an invalid or incomplete response", Maker::Haproxy),
    ("request forbidden by administrative rules", Maker::Haproxy),
    ("your browser sent an invalid request", Maker::Haproxy),
    (
        "you have sent too many requests in a given amount of time",
        Maker::Haproxy,
    ),
    ("litellm.", Maker::LiteLlm),
    ("litellm_", Maker::LiteLlm),
    ("no deployments available for selected model", Maker::LiteLlm),
    ("authentication error, ", Maker::LiteLlm),
    ("no route matched with those values", Maker::Kong),
    ("an invalid response was received from the upstream server", Maker::Kong),
    ("the upstream server is currently unavailable", Maker::Kong),
    ("the upstream server is timing out", Maker::Kong),
    ("\"error_msg\":", Maker::Apisix),
    ("\"faultstring\":", Maker::Apigee),
    ("squid", Maker::Squid),
    ("<address>apache", Maker::Apache),
    ("linkerd", Maker::Linkerd),
];

/// Whose reply it looks like. `body` is its text, lower case, bounded.
#[must_use]
pub fn maker(headers: &HeaderMap, body: &str) -> Maker {
    let by_header = HEADERS
        .iter()
        .find(|(prefix, _)| headers.keys().any(|name| name.as_str().starts_with(prefix)));
    if let Some((_, maker)) = by_header {
        return *maker;
    }
    if let Some((_, maker)) = BODIES.iter().find(|(needle, _)| body.contains(needle)) {
        return *maker;
    }
    let server = text(headers, "server");
    let via = text(headers, "via");
    let by_server = SERVERS.iter().find(|(prefix, _)| server.starts_with(prefix));
    match by_server {
        Some((_, maker)) => *maker,
        None if via.contains("squid") => Maker::Squid,
        None if via.contains("kong") => Maker::Kong,
        None if via.contains("google") => Maker::Google,
        None if via.contains("cloudfront") => Maker::Aws,
        None if via.contains("caddy") => Maker::Caddy,
        // What these two send where nobody configured anything.
        None if body == "404 page not found\n" || body == "bad gateway" || body == "gateway timeout" => Maker::Traefik,
        None => Maker::Unknown,
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// What gateways say, lower case; where ` … ` stands, both must be there. Ordered: the first that fits, so the specific stands
/// before the general.
const PHRASES: &[(&str, Phrase)] = &[
    // Limits and breakers first: their texts mention upstreams and connections too.
    ("no deployments available for selected model", Phrase::Cooldown),
    ("cooldown", Phrase::Cooldown),
    ("circuit breaker", Phrase::Cooldown),
    ("circuit_breaker", Phrase::Cooldown),
    ("circuit open", Phrase::Cooldown),
    ("reset reason: overflow", Phrase::Overflow),
    ("max connections reached", Phrase::Overflow),
    ("too many concurrent", Phrase::Overflow),
    ("max parallel request", Phrase::Overflow),
    ("queue full", Phrase::Overflow),
    ("server overload", Phrase::Overflow),
    ("budget has been exceeded", Phrase::BudgetExceeded),
    ("exceeded budget", Phrase::BudgetExceeded),
    ("budget exceeded", Phrase::BudgetExceeded),
    ("spend limit reached", Phrase::BudgetExceeded),
    ("local_rate_limited", Phrase::RateLimited),
    ("rate limit exceeded", Phrase::RateLimited),
    ("ratelimit exceeded", Phrase::RateLimited),
    ("too many requests", Phrase::RateLimited),
    ("rate limited", Phrase::RateLimited),
    ("throttl", Phrase::RateLimited),
    ("spike arrest", Phrase::RateLimited),
    ("quota", Phrase::RateLimited),
    ("rate limit is exceeded", Phrase::RateLimited),
    ("limit exceeded", Phrase::RateLimited),
    ("no required ssl certificate", Phrase::ClientCertificate),
    ("the ssl certificate error", Phrase::ClientCertificate),
    ("client certificate", Phrase::ClientCertificate),
    ("jwt is missing", Phrase::JwtInvalid),
    ("jwt is not", Phrase::JwtInvalid),
    ("jwt verification", Phrase::JwtInvalid),
    ("jwt issuer", Phrase::JwtInvalid),
    ("jwt is expired", Phrase::JwtInvalid),
    ("invalid jwt", Phrase::JwtInvalid),
    ("jwks", Phrase::JwtInvalid),
    ("bad token; invalid json", Phrase::JwtInvalid),
    ("client authentication failed", Phrase::AuthRequired),
    ("no api key", Phrase::AuthRequired),
    ("invalid proxy server token", Phrase::AuthRequired),
    ("invalid api key", Phrase::AuthRequired),
    ("missing api key", Phrase::AuthRequired),
    ("invalid authentication credentials", Phrase::AuthRequired),
    ("invalid subscription key", Phrase::AuthRequired),
    ("missing subscription key", Phrase::AuthRequired),
    ("no_db_connection", Phrase::AuthRequired),
    ("invalid virtual key", Phrase::AuthRequired),
    ("missing authentication token", Phrase::AuthRequired),
    ("unauthenticated", Phrase::AuthRequired),
    ("authentication error", Phrase::AuthRequired),
    ("authorization required", Phrase::AuthRequired),
    ("rbac: access denied", Phrase::Denied),
    ("forbidden by administrative rules", Phrase::Denied),
    ("access denied", Phrase::Denied),
    ("request blocked", Phrase::Denied),
    ("has been blocked", Phrase::Denied),
    ("err_access_denied", Phrase::Denied),
    ("request header or cookie too large", Phrase::HeaderTooLarge),
    ("request header fields too large", Phrase::HeaderTooLarge),
    ("header too large", Phrase::HeaderTooLarge),
    ("err_too_big", Phrase::HeaderTooLarge),
    ("request header field exceeds server limit", Phrase::HeaderTooLarge),
    ("header fields too large", Phrase::HeaderTooLarge),
    ("request entity too large", Phrase::BodyTooLarge),
    ("payload too large", Phrase::BodyTooLarge),
    ("body too large", Phrase::BodyTooLarge),
    ("content too large", Phrase::BodyTooLarge),
    ("body exceeds", Phrase::BodyTooLarge),
    ("request body is too large", Phrase::BodyTooLarge),
    ("body is larger than", Phrase::BodyTooLarge),
    ("maximum allowed size", Phrase::BodyTooLarge),
    ("request too large", Phrase::BodyTooLarge),
    ("no matching route", Phrase::NoRoute),
    ("no route matched", Phrase::NoRoute),
    ("route not found", Phrase::NoRoute),
    ("404 page not found", Phrase::NoRoute),
    ("default backend - 404", Phrase::NoRoute),
    ("invalid model name", Phrase::UnknownModel),
    ("model not found", Phrase::UnknownModel),
    ("model_not_found", Phrase::UnknownModel),
    ("unknown model", Phrase::UnknownModel),
    ("model is not configured", Phrase::UnknownModel),
    ("not allowed to access model", Phrase::UnknownModel),
    // Name resolution and TLS before connecting: their texts often begin with "cannot connect".
    ("name or service not known", Phrase::DnsFailure),
    ("name resolution", Phrase::DnsFailure),
    ("name does not resolve", Phrase::DnsFailure),
    ("no such host", Phrase::DnsFailure),
    ("dial tcp: lookup", Phrase::DnsFailure),
    ("does not have a dns entry", Phrase::DnsFailure),
    ("could not be resolved", Phrase::DnsFailure),
    ("dns resolution", Phrase::DnsFailure),
    ("dns lookup", Phrase::DnsFailure),
    ("getaddrinfo", Phrase::DnsFailure),
    ("enotfound", Phrase::DnsFailure),
    ("eai_again", Phrase::DnsFailure),
    ("err_dns_fail", Phrase::DnsFailure),
    ("server misbehaving", Phrase::DnsFailure),
    ("dns error", Phrase::DnsFailure),
    ("origin dns error", Phrase::DnsFailure),
    ("unknownhostexception", Phrase::DnsFailure),
    ("no such host is known", Phrase::DnsFailure),
    ("could not resolve host", Phrase::DnsFailure),
    ("host not found", Phrase::DnsFailure),
    ("nxdomain", Phrase::DnsFailure),
    ("certificate_verify_failed", Phrase::TlsFailure),
    ("certificate verify failed", Phrase::TlsFailure),
    ("tls_error", Phrase::TlsFailure),
    ("tls error", Phrase::TlsFailure),
    ("tls handshake", Phrase::TlsFailure),
    ("ssl handshake", Phrase::TlsFailure),
    ("ssl error", Phrase::TlsFailure),
    ("x509:", Phrase::TlsFailure),
    ("err_secure_connect_fail", Phrase::TlsFailure),
    ("unable to verify the first certificate", Phrase::TlsFailure),
    ("unable to get local issuer certificate", Phrase::TlsFailure),
    ("unable to get issuer certificate", Phrase::TlsFailure),
    ("certificate has expired", Phrase::TlsFailure),
    ("certificate is not trusted", Phrase::TlsFailure),
    ("certificate's altnames", Phrase::TlsFailure),
    ("hostname mismatch", Phrase::TlsFailure),
    ("unable_to_get_issuer_cert", Phrase::TlsFailure),
    ("wrong version number", Phrase::TlsFailure),
    ("self signed certificate", Phrase::TlsFailure),
    ("self-signed certificate", Phrase::TlsFailure),
    ("ssl connection could not be established", Phrase::TlsFailure),
    ("remote certificate is invalid", Phrase::TlsFailure),
    ("invalid peer certificate", Phrase::TlsFailure),
    ("invalid ssl certificate", Phrase::TlsFailure),
    ("pkix path building failed", Phrase::TlsFailure),
    ("sslhandshakeexception", Phrase::TlsFailure),
    ("alert_handshake_failure", Phrase::TlsFailure),
    ("wrong_version_number", Phrase::TlsFailure),
    ("unable_to_verify_leaf_signature", Phrase::TlsFailure),
    ("cert_has_expired", Phrase::TlsFailure),
    ("depth_zero_self_signed_cert", Phrase::TlsFailure),
    ("reset reason: connection timeout", Phrase::ConnectTimeout),
    ("delayed connect error: 110", Phrase::ConnectTimeout),
    ("connect timeout", Phrase::ConnectTimeout),
    ("connection timed out", Phrase::ConnectTimeout),
    ("connecttimeout", Phrase::ConnectTimeout),
    ("connect timed out", Phrase::ConnectTimeout),
    ("und_err_connect_timeout", Phrase::ConnectTimeout),
    ("connecttimeoutexception", Phrase::ConnectTimeout),
    // The same words follow a read that took too long.
    ("dial … i/o timeout", Phrase::ConnectTimeout),
    ("connect … etimedout", Phrase::ConnectTimeout),
    ("no healthy upstream", Phrase::NoHealthyUpstream),
    (
        "no server is available to handle this request",
        Phrase::NoHealthyUpstream,
    ),
    ("no available server", Phrase::NoHealthyUpstream),
    ("no healthy endpoint", Phrase::NoHealthyUpstream),
    ("no endpoints available", Phrase::NoHealthyUpstream),
    ("upstream server is currently unavailable", Phrase::NoHealthyUpstream),
    ("backend fetch failed", Phrase::NoHealthyUpstream),
    ("unable to find instance", Phrase::NoHealthyUpstream),
    ("no endpoint is available", Phrase::NoHealthyUpstream),
    ("fail-fast", Phrase::NoHealthyUpstream),
    ("no live upstreams", Phrase::NoHealthyUpstream),
    ("services aren't available right now", Phrase::NoHealthyUpstream),
    ("remote connection failure", Phrase::ConnectFailed),
    ("reset reason: connection failure", Phrase::ConnectFailed),
    ("connection refused", Phrase::ConnectFailed),
    ("econnrefused", Phrase::ConnectFailed),
    ("cannot connect to host", Phrase::ConnectFailed),
    ("failed to connect", Phrase::ConnectFailed),
    ("err_connect_fail", Phrase::ConnectFailed),
    ("err_cannot_forward", Phrase::ConnectFailed),
    ("all connection attempts failed", Phrase::ConnectFailed),
    ("no route to host", Phrase::ConnectFailed),
    ("network is unreachable", Phrase::ConnectFailed),
    ("connect call failed", Phrase::ConnectFailed),
    ("failed to establish a new connection", Phrase::ConnectFailed),
    ("tcp connect error", Phrase::ConnectFailed),
    ("actively refused", Phrase::ConnectFailed),
    ("web server is down", Phrase::ConnectFailed),
    ("origin is unreachable", Phrase::ConnectFailed),
    ("ehostunreach", Phrase::ConnectFailed),
    ("enetunreach", Phrase::ConnectFailed),
    ("error trying to connect", Phrase::ConnectFailed),
    ("upstream request timeout", Phrase::ReplyTimeout),
    ("stream timeout", Phrase::ReplyTimeout),
    ("gateway time-out", Phrase::ReplyTimeout),
    ("gateway timeout", Phrase::ReplyTimeout),
    ("didn't respond in time", Phrase::ReplyTimeout),
    ("upstream server is timing out", Phrase::ReplyTimeout),
    ("err_read_timeout", Phrase::ReplyTimeout),
    ("litellm.timeout", Phrase::ReplyTimeout),
    ("timeout on reading data", Phrase::ReplyTimeout),
    ("read timeout", Phrase::ReplyTimeout),
    ("request timed out", Phrase::ReplyTimeout),
    ("context deadline exceeded", Phrase::ReplyTimeout),
    ("a timeout occurred", Phrase::ReplyTimeout),
    ("endpoint request timed out", Phrase::ReplyTimeout),
    ("read timed out", Phrase::ReplyTimeout),
    ("operation timed out", Phrase::ReplyTimeout),
    ("readtimeout", Phrase::ReplyTimeout),
    ("awaiting headers", Phrase::ReplyTimeout),
    ("timeout awaiting response", Phrase::ReplyTimeout),
    ("reset reason: connection termination", Phrase::ClosedEarly),
    ("invalid or incomplete response", Phrase::ClosedEarly),
    ("invalid response was received from the upstream", Phrase::ClosedEarly),
    ("server disconnected", Phrase::ClosedEarly),
    ("prematurely closed", Phrase::ClosedEarly),
    ("payload is not completed", Phrase::ClosedEarly),
    ("incomplete chunked read", Phrase::ClosedEarly),
    ("err_zero_size_object", Phrase::ClosedEarly),
    ("socket hang up", Phrase::ClosedEarly),
    ("econnreset", Phrase::ClosedEarly),
    ("unexpected eof", Phrase::ClosedEarly),
    ("invalid response from an upstream", Phrase::ClosedEarly),
    ("error reading from remote server", Phrase::ClosedEarly),
    ("connection reset by peer", Phrase::ClosedEarly),
    ("remote end closed connection", Phrase::ClosedEarly),
    ("closed without response", Phrase::ClosedEarly),
    ("forbidden", Phrase::Denied),
    ("unauthorized", Phrase::AuthRequired),
    // What HTTP clients of several languages say of every connection that came to nothing, whatever the reason.
    ("fetch failed", Phrase::NoHealthyUpstream),
    ("error sending request", Phrase::NoHealthyUpstream),
    ("connection error", Phrase::NoHealthyUpstream),
    // Whatever it was, it was somebody further on.
    ("upstream", Phrase::UpstreamRefused),
    ("provider error", Phrase::UpstreamRefused),
    ("provider returned", Phrase::UpstreamRefused),
    ("error from provider", Phrase::UpstreamRefused),
];

/// Whether a refusal is about the model that was asked for: it names it, and says in general terms that it is not to be had.
/// `body` is lower case.
#[must_use]
pub fn refuses_model(status: u16, body: &str, model: &str) -> bool {
    const WORDS: [&str; 11] = [
        "not available",
        "unavailable",
        "not found",
        "not exist",
        "unknown",
        "unsupported",
        "not supported",
        "not allowed",
        "not configured",
        "not enabled",
        "no such",
    ];
    matches!(status, 400 | 403 | 404 | 422)
        && !model.is_empty()
        && body.contains(&model.to_ascii_lowercase())
        && WORDS.iter().any(|words| body.contains(words))
}

/// What pages of server errors are called, lower case.
const SERVER_ERRORS: [&str; 3] = ["internal server error", "bad gateway", "service unavailable"];

/// What the reply says in words of a gateway's. `body` is its text, lower case, bounded.
#[must_use]
pub fn phrase(status: u16, headers: &HeaderMap, body: &str) -> Phrase {
    if status < 400 {
        return Phrase::None;
    }
    let said = format!(
        "{} {}",
        text(headers, "x-squid-error"),
        text(headers, "l5d-proxy-error")
    );
    let found = |text: &str| {
        PHRASES
            .iter()
            .find(|(needles, _)| needles.split(" … ").all(|needle| text.contains(needle)))
            .map(|(_, phrase)| *phrase)
    };
    if let Some(phrase) = found(&said).or_else(|| found(body)) {
        return phrase;
    }
    if headers.contains_key("x-envoy-overloaded") {
        return Phrase::Overflow;
    }
    // What the status alone says, where no words do.
    match status {
        // A page of another failure: whoever wrote it did not choose the status, which may be upstream's.
        400..=499 if SERVER_ERRORS.iter().any(|words| body.contains(words)) => Phrase::UpstreamRefused,
        401 | 407 if headers.contains_key("www-authenticate") || headers.contains_key("proxy-authenticate") => {
            Phrase::AuthRequired
        }
        413 => Phrase::BodyTooLarge,
        429 => Phrase::RateLimited,
        431 => Phrase::HeaderTooLarge,
        504 => Phrase::ReplyTimeout,
        _ => Phrase::None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[rstest]
    #[case::nginx(502, &[("server", "nginx/1.22.1")], "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<center>nginx/1.22.1</center>", Maker::Nginx, Phrase::None)]
    #[case::nginx_504(504, &[("server", "nginx/1.22.1")], "<title>504 Gateway Time-out</title>", Maker::Nginx, Phrase::ReplyTimeout)]
    #[case::nginx_413(413, &[("server", "nginx")], "<title>413 Request Entity Too Large</title>", Maker::Nginx, Phrase::BodyTooLarge)]
    #[case::haproxy(503, &[], "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>", Maker::Haproxy, Phrase::NoHealthyUpstream)]
    #[case::envoy_refused(503, &[("server", "envoy")], "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: 111", Maker::Envoy, Phrase::ConnectFailed)]
    #[case::envoy_timeout(503, &[("server", "envoy")], "upstream connect error or disconnect/reset before headers. reset reason: connection timeout", Maker::Envoy, Phrase::ConnectTimeout)]
    #[case::envoy_overflow(503, &[("x-envoy-overloaded", "true")], "upstream connect error or disconnect/reset before headers. reset reason: overflow", Maker::Envoy, Phrase::Overflow)]
    #[case::envoy_route(504, &[("server", "envoy")], "upstream request timeout", Maker::Envoy, Phrase::ReplyTimeout)]
    #[case::istio_jwt(401, &[("server", "istio-envoy"), ("www-authenticate", "Bearer")], "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", Maker::Envoy, Phrase::JwtInvalid)]
    #[case::litellm_dns(500, &[("x-litellm-version", "1.106.2")], r#"{"type":"error","error":{"type":"api_error","message":"Cannot connect to host x:443 ssl:default [Name or service not known]"}}"#, Maker::LiteLlm, Phrase::DnsFailure)]
    #[case::litellm_cooldown(429, &[("x-litellm-version", "1")], "No deployments available for selected model, Try again in 30 seconds", Maker::LiteLlm, Phrase::Cooldown)]
    #[case::kong(404, &[("x-kong-response-latency", "0")], r#"{"message":"no Route matched with those values"}"#, Maker::Kong, Phrase::NoRoute)]
    #[case::squid(503, &[("x-squid-error", "ERR_CONNECT_FAIL 111")], "<html>", Maker::Squid, Phrase::ConnectFailed)]
    #[case::alb(504, &[("server", "awselb/2.0")], "<center><h1>504 Gateway Time-out</h1></center>", Maker::Aws, Phrase::ReplyTimeout)]
    #[case::unknown_go_proxy(502, &[], "dial tcp: lookup api.anthropic.com: no such host", Maker::Unknown, Phrase::DnsFailure)]
    #[case::apache_header(400, &[], "<p>Size of a request header field exceeds server limit.</p>", Maker::Unknown, Phrase::HeaderTooLarge)]
    #[case::go_timeout(502, &[], "dial tcp 160.79.104.10:443: i/o timeout", Maker::Unknown, Phrase::ConnectTimeout)]
    #[case::go_resolver(502, &[], "dial tcp: lookup api.anthropic.com on 10.96.0.10:53: read udp: i/o timeout", Maker::Unknown, Phrase::DnsFailure)]
    #[case::some_timeout(502, &[], "I/O timeout", Maker::Unknown, Phrase::None)]
    #[case::node_connect(502, &[], "connect ETIMEDOUT 160.79.104.10:443", Maker::Unknown, Phrase::ConnectTimeout)]
    #[case::node_read(502, &[], "read ETIMEDOUT", Maker::Unknown, Phrase::None)]
    #[case::java_dns(500, &[], "java.net.UnknownHostException: api.anthropic.com", Maker::Unknown, Phrase::DnsFailure)]
    #[case::linkerd(504, &[("l5d-proxy-error", "HTTP Logical service in fail-fast")], "", Maker::Linkerd, Phrase::NoHealthyUpstream)]
    #[case::cloudflare_521(521, &[("server", "cloudflare")], "<title>gw.example | 521: Web server is down</title>", Maker::Cloudflare, Phrase::ConnectFailed)]
    #[case::unknown_bare(429, &[], "", Maker::Unknown, Phrase::RateLimited)]
    #[case::anothers_page(429, &[], "bad gateway", Maker::Traefik, Phrase::UpstreamRefused)]
    #[case::its_own_page(502, &[], "<title>502 Bad Gateway</title>", Maker::Unknown, Phrase::None)]
    #[case::success(200, &[("server", "nginx")], "forbidden words in an answer", Maker::Nginx, Phrase::None)]
    fn replies_are_recognised(
        #[case] status: u16,
        #[case] pairs: &[(&'static str, &str)],
        #[case] body: &str,
        #[case] expected_maker: Maker,
        #[case] expected_phrase: Phrase,
    ) {
        let (headers, body) = (headers(pairs), body.to_lowercase());
        assert_eq!(
            (maker(&headers, &body), phrase(status, &headers, &body)),
            (expected_maker, expected_phrase)
        );
    }
}
