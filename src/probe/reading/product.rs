//! Which product's wording and headers a reply has, and which kind of gateway error its text names.
//!
//! Tables of what real gateways send (nginx, HAProxy, Envoy, Squid, LiteLLM measured; others from their sources and
//! documentation), and, since users run many more, of general phrases in such replies. For advice and error kinds only:
//! attributes nothing.

use http::HeaderMap;

use crate::report::evidence::{GatewayErrorKind, Product};

/// `server` values, lower case, by what they begin with.
const SERVERS: &[(&str, Product)] = &[
    ("nginx", Product::Nginx),
    ("openresty", Product::Nginx),
    ("tengine", Product::Nginx),
    ("envoy", Product::Envoy),
    ("istio-envoy", Product::Envoy),
    ("squid", Product::Squid),
    ("apisix", Product::Apisix),
    ("kong", Product::Kong),
    ("awselb", Product::Aws),
    ("cloudfront", Product::Aws),
    ("microsoft-azure-application-gateway", Product::Azure),
    ("google frontend", Product::Google),
    ("gws", Product::Google),
    ("cloudflare", Product::Cloudflare),
    ("caddy", Product::Caddy),
    ("apache", Product::Apache),
    ("haproxy", Product::Haproxy),
];

/// Header names by what they begin with. Ordered: an AI gateway in front of a proxy names itself first.
const HEADERS: &[(&str, Product)] = &[
    ("x-litellm-", Product::LiteLlm),
    ("llm_provider-", Product::LiteLlm),
    ("x-portkey-", Product::Portkey),
    ("x-ai-eg-", Product::EnvoyAiGateway),
    ("x-kong-", Product::Kong),
    ("helicone-", Product::OtherAiGateway),
    ("cf-aig-", Product::OtherAiGateway),
    ("x-bt-", Product::OtherAiGateway),
    ("x-bifrost-", Product::OtherAiGateway),
    ("x-databricks-", Product::OtherAiGateway),
    ("ngrok-aig-", Product::OtherAiGateway),
    ("x-cc-gateway-", Product::OtherAiGateway),
    ("x-apisix-", Product::Apisix),
    ("x-apigee-", Product::Apigee),
    ("x-squid-error", Product::Squid),
    ("x-envoy-overloaded", Product::Envoy),
    ("x-envoy-ratelimited", Product::Envoy),
    ("l5d-", Product::Linkerd),
    ("x-amzn-errortype", Product::Aws),
    ("apim-", Product::Azure),
    ("x-azure-ref", Product::Azure),
];

/// Wording, lower case.
const BODIES: &[(&str, Product)] = &[
    ("<center>nginx", Product::Nginx),
    ("<center>openresty", Product::Nginx),
    ("<center>cloudflare</center>", Product::Cloudflare),
    ("<center>microsoft-azure-application-gateway", Product::Azure),
    (
        "upstream connect error or disconnect/reset before headers",
        Product::Envoy,
    ),
    ("no healthy upstream", Product::Envoy),
    ("upstream request timeout", Product::Envoy),
    ("rbac: access denied", Product::Envoy),
    ("jwt is missing", Product::Envoy),
    ("jwt is not in the form", Product::Envoy),
    ("jwt verification fails", Product::Envoy),
    ("local_rate_limited", Product::Envoy),
    ("client authentication failed.", Product::Envoy),
    ("no matching route found. it is likely", Product::EnvoyAiGateway),
    ("no server is available to handle this request", Product::Haproxy),
    ("the server didn't respond in time", Product::Haproxy),
    (
        "the server returned an invalid or incomplete response",
        Product::Haproxy,
    ),
    ("request forbidden by administrative rules", Product::Haproxy),
    ("your browser sent an invalid request", Product::Haproxy),
    (
        "you have sent too many requests in a given amount of time",
        Product::Haproxy,
    ),
    ("litellm.", Product::LiteLlm),
    ("litellm_", Product::LiteLlm),
    ("no deployments available for selected model", Product::LiteLlm),
    ("authentication error, ", Product::LiteLlm),
    ("no route matched with those values", Product::Kong),
    (
        "an invalid response was received from the upstream server",
        Product::Kong,
    ),
    ("the upstream server is currently unavailable", Product::Kong),
    ("the upstream server is timing out", Product::Kong),
    ("\"error_msg\":", Product::Apisix),
    ("\"faultstring\":", Product::Apigee),
    ("squid", Product::Squid),
    ("<address>apache", Product::Apache),
    ("linkerd", Product::Linkerd),
];

/// The product that the reply's headers and text match. `body` is its text, lower case, bounded.
#[must_use]
pub fn product(headers: &HeaderMap, body: &str) -> Product {
    let by_header = HEADERS
        .iter()
        .find(|(prefix, _)| headers.keys().any(|name| name.as_str().starts_with(prefix)));
    if let Some((_, product)) = by_header {
        return *product;
    }
    if let Some((_, product)) = BODIES.iter().find(|(needle, _)| body.contains(needle)) {
        return *product;
    }
    let server = text(headers, "server");
    let via = text(headers, "via");
    let by_server = SERVERS.iter().find(|(prefix, _)| server.starts_with(prefix));
    match by_server {
        Some((_, product)) => *product,
        None if via.contains("squid") => Product::Squid,
        None if via.contains("kong") => Product::Kong,
        None if via.contains("google") => Product::Google,
        None if via.contains("cloudfront") => Product::Aws,
        None if via.contains("caddy") => Product::Caddy,
        // The defaults of these two.
        None if body == "404 page not found\n" || body == "bad gateway" || body == "gateway timeout" => {
            Product::Traefik
        }
        None => Product::Unknown,
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// Phrases of gateways, lower case; where ` … ` stands, both must be there. Ordered: the first that fits, so the
/// specific stands before the general.
const PHRASES: &[(&str, GatewayErrorKind)] = &[
    // Limits and breakers first: their texts mention upstreams and connections too.
    (
        "no deployments available for selected model",
        GatewayErrorKind::Cooldown,
    ),
    ("cooldown", GatewayErrorKind::Cooldown),
    ("circuit breaker", GatewayErrorKind::Cooldown),
    ("circuit_breaker", GatewayErrorKind::Cooldown),
    ("circuit open", GatewayErrorKind::Cooldown),
    ("reset reason: overflow", GatewayErrorKind::Overflow),
    ("max connections reached", GatewayErrorKind::Overflow),
    ("too many concurrent", GatewayErrorKind::Overflow),
    ("max parallel request", GatewayErrorKind::Overflow),
    ("queue full", GatewayErrorKind::Overflow),
    ("server overload", GatewayErrorKind::Overflow),
    ("budget has been exceeded", GatewayErrorKind::BudgetExceeded),
    ("exceeded budget", GatewayErrorKind::BudgetExceeded),
    ("budget exceeded", GatewayErrorKind::BudgetExceeded),
    ("spend limit reached", GatewayErrorKind::BudgetExceeded),
    ("local_rate_limited", GatewayErrorKind::RateLimited),
    ("rate limit exceeded", GatewayErrorKind::RateLimited),
    ("ratelimit exceeded", GatewayErrorKind::RateLimited),
    ("too many requests", GatewayErrorKind::RateLimited),
    ("rate limited", GatewayErrorKind::RateLimited),
    ("throttl", GatewayErrorKind::RateLimited),
    ("spike arrest", GatewayErrorKind::RateLimited),
    ("quota", GatewayErrorKind::RateLimited),
    ("rate limit is exceeded", GatewayErrorKind::RateLimited),
    ("limit exceeded", GatewayErrorKind::RateLimited),
    ("no required ssl certificate", GatewayErrorKind::ClientCertificate),
    ("the ssl certificate error", GatewayErrorKind::ClientCertificate),
    ("client certificate", GatewayErrorKind::ClientCertificate),
    ("jwt is missing", GatewayErrorKind::JwtInvalid),
    ("jwt is not", GatewayErrorKind::JwtInvalid),
    ("jwt verification", GatewayErrorKind::JwtInvalid),
    ("jwt issuer", GatewayErrorKind::JwtInvalid),
    ("jwt is expired", GatewayErrorKind::JwtInvalid),
    ("invalid jwt", GatewayErrorKind::JwtInvalid),
    ("jwks", GatewayErrorKind::JwtInvalid),
    ("bad token; invalid json", GatewayErrorKind::JwtInvalid),
    ("client authentication failed", GatewayErrorKind::AuthRequired),
    ("no api key", GatewayErrorKind::AuthRequired),
    ("invalid proxy server token", GatewayErrorKind::AuthRequired),
    ("invalid api key", GatewayErrorKind::AuthRequired),
    ("missing api key", GatewayErrorKind::AuthRequired),
    ("invalid authentication credentials", GatewayErrorKind::AuthRequired),
    ("invalid subscription key", GatewayErrorKind::AuthRequired),
    ("missing subscription key", GatewayErrorKind::AuthRequired),
    ("no_db_connection", GatewayErrorKind::AuthRequired),
    ("invalid virtual key", GatewayErrorKind::AuthRequired),
    ("missing authentication token", GatewayErrorKind::AuthRequired),
    ("unauthenticated", GatewayErrorKind::AuthRequired),
    ("authentication error", GatewayErrorKind::AuthRequired),
    ("authorization required", GatewayErrorKind::AuthRequired),
    ("rbac: access denied", GatewayErrorKind::Denied),
    ("forbidden by administrative rules", GatewayErrorKind::Denied),
    ("access denied", GatewayErrorKind::Denied),
    ("request blocked", GatewayErrorKind::Denied),
    ("has been blocked", GatewayErrorKind::Denied),
    ("err_access_denied", GatewayErrorKind::Denied),
    ("request header or cookie too large", GatewayErrorKind::HeaderTooLarge),
    ("request header fields too large", GatewayErrorKind::HeaderTooLarge),
    ("header too large", GatewayErrorKind::HeaderTooLarge),
    ("err_too_big", GatewayErrorKind::HeaderTooLarge),
    (
        "request header field exceeds server limit",
        GatewayErrorKind::HeaderTooLarge,
    ),
    ("header fields too large", GatewayErrorKind::HeaderTooLarge),
    ("request entity too large", GatewayErrorKind::BodyTooLarge),
    ("payload too large", GatewayErrorKind::BodyTooLarge),
    ("body too large", GatewayErrorKind::BodyTooLarge),
    ("content too large", GatewayErrorKind::BodyTooLarge),
    ("body exceeds", GatewayErrorKind::BodyTooLarge),
    ("request body is too large", GatewayErrorKind::BodyTooLarge),
    ("body is larger than", GatewayErrorKind::BodyTooLarge),
    ("maximum allowed size", GatewayErrorKind::BodyTooLarge),
    ("request too large", GatewayErrorKind::BodyTooLarge),
    ("no matching route", GatewayErrorKind::NoRoute),
    ("no route matched", GatewayErrorKind::NoRoute),
    ("route not found", GatewayErrorKind::NoRoute),
    ("404 page not found", GatewayErrorKind::NoRoute),
    ("default backend - 404", GatewayErrorKind::NoRoute),
    ("invalid model name", GatewayErrorKind::UnknownModel),
    ("model not found", GatewayErrorKind::UnknownModel),
    ("model_not_found", GatewayErrorKind::UnknownModel),
    ("unknown model", GatewayErrorKind::UnknownModel),
    ("model is not configured", GatewayErrorKind::UnknownModel),
    ("not allowed to access model", GatewayErrorKind::UnknownModel),
    // Name resolution and TLS before connecting: their texts often begin with "cannot connect".
    ("name or service not known", GatewayErrorKind::DnsFailure),
    ("name resolution", GatewayErrorKind::DnsFailure),
    ("name does not resolve", GatewayErrorKind::DnsFailure),
    ("no such host", GatewayErrorKind::DnsFailure),
    ("dial tcp: lookup", GatewayErrorKind::DnsFailure),
    ("does not have a dns entry", GatewayErrorKind::DnsFailure),
    ("could not be resolved", GatewayErrorKind::DnsFailure),
    ("dns resolution", GatewayErrorKind::DnsFailure),
    ("dns lookup", GatewayErrorKind::DnsFailure),
    ("getaddrinfo", GatewayErrorKind::DnsFailure),
    ("enotfound", GatewayErrorKind::DnsFailure),
    ("eai_again", GatewayErrorKind::DnsFailure),
    ("err_dns_fail", GatewayErrorKind::DnsFailure),
    ("server misbehaving", GatewayErrorKind::DnsFailure),
    ("dns error", GatewayErrorKind::DnsFailure),
    ("origin dns error", GatewayErrorKind::DnsFailure),
    ("unknownhostexception", GatewayErrorKind::DnsFailure),
    ("no such host is known", GatewayErrorKind::DnsFailure),
    ("could not resolve host", GatewayErrorKind::DnsFailure),
    ("host not found", GatewayErrorKind::DnsFailure),
    ("nxdomain", GatewayErrorKind::DnsFailure),
    ("certificate_verify_failed", GatewayErrorKind::TlsFailure),
    ("certificate verify failed", GatewayErrorKind::TlsFailure),
    ("tls_error", GatewayErrorKind::TlsFailure),
    ("tls error", GatewayErrorKind::TlsFailure),
    ("tls handshake", GatewayErrorKind::TlsFailure),
    ("ssl handshake", GatewayErrorKind::TlsFailure),
    ("ssl error", GatewayErrorKind::TlsFailure),
    ("x509:", GatewayErrorKind::TlsFailure),
    ("err_secure_connect_fail", GatewayErrorKind::TlsFailure),
    ("unable to verify the first certificate", GatewayErrorKind::TlsFailure),
    ("unable to get local issuer certificate", GatewayErrorKind::TlsFailure),
    ("unable to get issuer certificate", GatewayErrorKind::TlsFailure),
    ("certificate has expired", GatewayErrorKind::TlsFailure),
    ("certificate is not trusted", GatewayErrorKind::TlsFailure),
    ("certificate's altnames", GatewayErrorKind::TlsFailure),
    ("hostname mismatch", GatewayErrorKind::TlsFailure),
    ("unable_to_get_issuer_cert", GatewayErrorKind::TlsFailure),
    ("wrong version number", GatewayErrorKind::TlsFailure),
    ("self signed certificate", GatewayErrorKind::TlsFailure),
    ("self-signed certificate", GatewayErrorKind::TlsFailure),
    ("ssl connection could not be established", GatewayErrorKind::TlsFailure),
    ("remote certificate is invalid", GatewayErrorKind::TlsFailure),
    ("invalid peer certificate", GatewayErrorKind::TlsFailure),
    ("invalid ssl certificate", GatewayErrorKind::TlsFailure),
    ("pkix path building failed", GatewayErrorKind::TlsFailure),
    ("sslhandshakeexception", GatewayErrorKind::TlsFailure),
    ("alert_handshake_failure", GatewayErrorKind::TlsFailure),
    ("wrong_version_number", GatewayErrorKind::TlsFailure),
    ("unable_to_verify_leaf_signature", GatewayErrorKind::TlsFailure),
    ("cert_has_expired", GatewayErrorKind::TlsFailure),
    ("depth_zero_self_signed_cert", GatewayErrorKind::TlsFailure),
    ("reset reason: connection timeout", GatewayErrorKind::ConnectTimeout),
    ("delayed connect error: 110", GatewayErrorKind::ConnectTimeout),
    ("connect timeout", GatewayErrorKind::ConnectTimeout),
    ("connection timed out", GatewayErrorKind::ConnectTimeout),
    ("connecttimeout", GatewayErrorKind::ConnectTimeout),
    ("connect timed out", GatewayErrorKind::ConnectTimeout),
    ("und_err_connect_timeout", GatewayErrorKind::ConnectTimeout),
    ("connecttimeoutexception", GatewayErrorKind::ConnectTimeout),
    // The same words follow a read that took too long.
    ("dial … i/o timeout", GatewayErrorKind::ConnectTimeout),
    ("connect … etimedout", GatewayErrorKind::ConnectTimeout),
    ("no healthy upstream", GatewayErrorKind::NoHealthyUpstream),
    (
        "no server is available to handle this request",
        GatewayErrorKind::NoHealthyUpstream,
    ),
    ("no available server", GatewayErrorKind::NoHealthyUpstream),
    ("no healthy endpoint", GatewayErrorKind::NoHealthyUpstream),
    ("no endpoints available", GatewayErrorKind::NoHealthyUpstream),
    (
        "upstream server is currently unavailable",
        GatewayErrorKind::NoHealthyUpstream,
    ),
    ("backend fetch failed", GatewayErrorKind::NoHealthyUpstream),
    ("unable to find instance", GatewayErrorKind::NoHealthyUpstream),
    ("no endpoint is available", GatewayErrorKind::NoHealthyUpstream),
    ("fail-fast", GatewayErrorKind::NoHealthyUpstream),
    ("no live upstreams", GatewayErrorKind::NoHealthyUpstream),
    (
        "services aren't available right now",
        GatewayErrorKind::NoHealthyUpstream,
    ),
    ("remote connection failure", GatewayErrorKind::ConnectFailed),
    ("reset reason: connection failure", GatewayErrorKind::ConnectFailed),
    ("connection refused", GatewayErrorKind::ConnectFailed),
    ("econnrefused", GatewayErrorKind::ConnectFailed),
    ("cannot connect to host", GatewayErrorKind::ConnectFailed),
    ("failed to connect", GatewayErrorKind::ConnectFailed),
    ("err_connect_fail", GatewayErrorKind::ConnectFailed),
    ("err_cannot_forward", GatewayErrorKind::ConnectFailed),
    ("all connection attempts failed", GatewayErrorKind::ConnectFailed),
    ("no route to host", GatewayErrorKind::ConnectFailed),
    ("network is unreachable", GatewayErrorKind::ConnectFailed),
    ("connect call failed", GatewayErrorKind::ConnectFailed),
    ("failed to establish a new connection", GatewayErrorKind::ConnectFailed),
    ("tcp connect error", GatewayErrorKind::ConnectFailed),
    ("actively refused", GatewayErrorKind::ConnectFailed),
    ("web server is down", GatewayErrorKind::ConnectFailed),
    ("origin is unreachable", GatewayErrorKind::ConnectFailed),
    ("ehostunreach", GatewayErrorKind::ConnectFailed),
    ("enetunreach", GatewayErrorKind::ConnectFailed),
    ("error trying to connect", GatewayErrorKind::ConnectFailed),
    ("upstream request timeout", GatewayErrorKind::ReplyTimeout),
    ("stream timeout", GatewayErrorKind::ReplyTimeout),
    ("gateway time-out", GatewayErrorKind::ReplyTimeout),
    ("gateway timeout", GatewayErrorKind::ReplyTimeout),
    ("didn't respond in time", GatewayErrorKind::ReplyTimeout),
    ("upstream server is timing out", GatewayErrorKind::ReplyTimeout),
    ("err_read_timeout", GatewayErrorKind::ReplyTimeout),
    ("litellm.timeout", GatewayErrorKind::ReplyTimeout),
    ("timeout on reading data", GatewayErrorKind::ReplyTimeout),
    ("read timeout", GatewayErrorKind::ReplyTimeout),
    ("request timed out", GatewayErrorKind::ReplyTimeout),
    ("context deadline exceeded", GatewayErrorKind::ReplyTimeout),
    ("a timeout occurred", GatewayErrorKind::ReplyTimeout),
    ("endpoint request timed out", GatewayErrorKind::ReplyTimeout),
    ("read timed out", GatewayErrorKind::ReplyTimeout),
    ("operation timed out", GatewayErrorKind::ReplyTimeout),
    ("readtimeout", GatewayErrorKind::ReplyTimeout),
    ("awaiting headers", GatewayErrorKind::ReplyTimeout),
    ("timeout awaiting response", GatewayErrorKind::ReplyTimeout),
    ("reset reason: connection termination", GatewayErrorKind::ClosedEarly),
    ("invalid or incomplete response", GatewayErrorKind::ClosedEarly),
    (
        "invalid response was received from the upstream",
        GatewayErrorKind::ClosedEarly,
    ),
    ("server disconnected", GatewayErrorKind::ClosedEarly),
    ("prematurely closed", GatewayErrorKind::ClosedEarly),
    ("payload is not completed", GatewayErrorKind::ClosedEarly),
    ("incomplete chunked read", GatewayErrorKind::ClosedEarly),
    ("err_zero_size_object", GatewayErrorKind::ClosedEarly),
    ("socket hang up", GatewayErrorKind::ClosedEarly),
    ("econnreset", GatewayErrorKind::ClosedEarly),
    ("unexpected eof", GatewayErrorKind::ClosedEarly),
    ("invalid response from an upstream", GatewayErrorKind::ClosedEarly),
    ("error reading from remote server", GatewayErrorKind::ClosedEarly),
    ("connection reset by peer", GatewayErrorKind::ClosedEarly),
    ("remote end closed connection", GatewayErrorKind::ClosedEarly),
    ("closed without response", GatewayErrorKind::ClosedEarly),
    ("forbidden", GatewayErrorKind::Denied),
    ("unauthorized", GatewayErrorKind::AuthRequired),
    // Errors of HTTP clients in several languages for every failed connection, for any reason.
    ("fetch failed", GatewayErrorKind::NoHealthyUpstream),
    ("error sending request", GatewayErrorKind::NoHealthyUpstream),
    ("connection error", GatewayErrorKind::NoHealthyUpstream),
    // The failure is a hop further on.
    ("upstream", GatewayErrorKind::UpstreamRefused),
    ("provider error", GatewayErrorKind::UpstreamRefused),
    ("provider returned", GatewayErrorKind::UpstreamRefused),
    ("error from provider", GatewayErrorKind::UpstreamRefused),
];

/// Whether a rejection is about the requested model: it names the model, and has a general phrase for unavailable.
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

/// The kind of gateway error that the reply's text names. `body` is its text, lower case, bounded.
#[must_use]
pub fn error_kind(status: u16, headers: &HeaderMap, body: &str) -> GatewayErrorKind {
    if status < 400 {
        return GatewayErrorKind::None;
    }
    let text = format!(
        "{} {}",
        text(headers, "x-squid-error"),
        text(headers, "l5d-proxy-error")
    );
    let found = |text: &str| {
        PHRASES
            .iter()
            .find(|(needles, _)| needles.split(" … ").all(|needle| text.contains(needle)))
            .map(|(_, error_kind)| *error_kind)
    };
    if let Some(error_kind) = found(&text).or_else(|| found(body)) {
        return error_kind;
    }
    if headers.contains_key("x-envoy-overloaded") {
        return GatewayErrorKind::Overflow;
    }
    // By the status alone, where no text matches.
    match status {
        // A page of another failure: its status may be upstream's.
        400..=499 if SERVER_ERRORS.iter().any(|words| body.contains(words)) => GatewayErrorKind::UpstreamRefused,
        401 | 407 if headers.contains_key("www-authenticate") || headers.contains_key("proxy-authenticate") => {
            GatewayErrorKind::AuthRequired
        }
        413 => GatewayErrorKind::BodyTooLarge,
        429 => GatewayErrorKind::RateLimited,
        431 => GatewayErrorKind::HeaderTooLarge,
        504 => GatewayErrorKind::ReplyTimeout,
        _ => GatewayErrorKind::None,
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
    #[case::nginx(502, &[("server", "nginx/1.22.1")], "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<center>nginx/1.22.1</center>", Product::Nginx, GatewayErrorKind::None)]
    #[case::nginx_504(504, &[("server", "nginx/1.22.1")], "<title>504 Gateway Time-out</title>", Product::Nginx, GatewayErrorKind::ReplyTimeout)]
    #[case::nginx_413(413, &[("server", "nginx")], "<title>413 Request Entity Too Large</title>", Product::Nginx, GatewayErrorKind::BodyTooLarge)]
    #[case::haproxy(503, &[], "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>", Product::Haproxy, GatewayErrorKind::NoHealthyUpstream)]
    #[case::envoy_refused(503, &[("server", "envoy")], "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: 111", Product::Envoy, GatewayErrorKind::ConnectFailed)]
    #[case::envoy_timeout(503, &[("server", "envoy")], "upstream connect error or disconnect/reset before headers. reset reason: connection timeout", Product::Envoy, GatewayErrorKind::ConnectTimeout)]
    #[case::envoy_overflow(503, &[("x-envoy-overloaded", "true")], "upstream connect error or disconnect/reset before headers. reset reason: overflow", Product::Envoy, GatewayErrorKind::Overflow)]
    #[case::envoy_route(504, &[("server", "envoy")], "upstream request timeout", Product::Envoy, GatewayErrorKind::ReplyTimeout)]
    #[case::istio_jwt(401, &[("server", "istio-envoy"), ("www-authenticate", "Bearer")], "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", Product::Envoy, GatewayErrorKind::JwtInvalid)]
    #[case::litellm_dns(500, &[("x-litellm-version", "1.106.2")], r#"{"type":"error","error":{"type":"api_error","message":"Cannot connect to host x:443 ssl:default [Name or service not known]"}}"#, Product::LiteLlm, GatewayErrorKind::DnsFailure)]
    #[case::litellm_cooldown(429, &[("x-litellm-version", "1")], "No deployments available for selected model, Try again in 30 seconds", Product::LiteLlm, GatewayErrorKind::Cooldown)]
    #[case::kong(404, &[("x-kong-response-latency", "0")], r#"{"message":"no Route matched with those values"}"#, Product::Kong, GatewayErrorKind::NoRoute)]
    #[case::squid(503, &[("x-squid-error", "ERR_CONNECT_FAIL 111")], "<html>", Product::Squid, GatewayErrorKind::ConnectFailed)]
    #[case::alb(504, &[("server", "awselb/2.0")], "<center><h1>504 Gateway Time-out</h1></center>", Product::Aws, GatewayErrorKind::ReplyTimeout)]
    #[case::unknown_go_proxy(502, &[], "dial tcp: lookup api.anthropic.com: no such host", Product::Unknown, GatewayErrorKind::DnsFailure)]
    #[case::apache_header(400, &[], "<p>Size of a request header field exceeds server limit.</p>", Product::Unknown, GatewayErrorKind::HeaderTooLarge)]
    #[case::go_timeout(502, &[], "dial tcp 160.79.104.10:443: i/o timeout", Product::Unknown, GatewayErrorKind::ConnectTimeout)]
    #[case::go_resolver(502, &[], "dial tcp: lookup api.anthropic.com on 10.96.0.10:53: read udp: i/o timeout", Product::Unknown, GatewayErrorKind::DnsFailure)]
    #[case::some_timeout(502, &[], "I/O timeout", Product::Unknown, GatewayErrorKind::None)]
    #[case::node_connect(502, &[], "connect ETIMEDOUT 160.79.104.10:443", Product::Unknown, GatewayErrorKind::ConnectTimeout)]
    #[case::node_read(502, &[], "read ETIMEDOUT", Product::Unknown, GatewayErrorKind::None)]
    #[case::java_dns(500, &[], "java.net.UnknownHostException: api.anthropic.com", Product::Unknown, GatewayErrorKind::DnsFailure)]
    #[case::linkerd(504, &[("l5d-proxy-error", "HTTP Logical service in fail-fast")], "", Product::Linkerd, GatewayErrorKind::NoHealthyUpstream)]
    #[case::cloudflare_521(521, &[("server", "cloudflare")], "<title>gw.example | 521: Web server is down</title>", Product::Cloudflare, GatewayErrorKind::ConnectFailed)]
    #[case::unknown_bare(429, &[], "", Product::Unknown, GatewayErrorKind::RateLimited)]
    #[case::anothers_page(429, &[], "bad gateway", Product::Traefik, GatewayErrorKind::UpstreamRefused)]
    #[case::its_own_page(502, &[], "<title>502 Bad Gateway</title>", Product::Unknown, GatewayErrorKind::None)]
    #[case::success(200, &[("server", "nginx")], "forbidden words in an answer", Product::Nginx, GatewayErrorKind::None)]
    fn replies_are_recognised(
        #[case] status: u16,
        #[case] pairs: &[(&'static str, &str)],
        #[case] body: &str,
        #[case] expected_product: Product,
        #[case] expected_error_kind: GatewayErrorKind,
    ) {
        let (headers, body) = (headers(pairs), body.to_lowercase());
        assert_eq!(
            (product(&headers, &body), error_kind(status, &headers, &body)),
            (expected_product, expected_error_kind)
        );
    }
}
