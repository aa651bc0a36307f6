//! What decides whether a request gets through: limits, breakers, retries, the connection to Claude, TLS.

use super::ProductHint;
use crate::catalogue::Product::{
    Apache, Apigee, Apisix, Aws, Azure, Caddy, Cloudflare, Envoy, EnvoyAiGateway, Haproxy, Kong, Linkerd, LiteLlm,
    Nginx, Portkey, Squid, Traefik,
};

/// The gateway's own rate limits and budgets.
pub const RATE: &[ProductHint] = &[
    (
        Nginx,
        "limit_req (rate, burst), limit_req_status; ingress-nginx: annotations limit-rps, limit-rpm",
    ),
    (
        Haproxy,
        "stick-table with http_req_rate and the http-request deny that reads it",
    ),
    (
        Envoy,
        "local_ratelimit token_bucket, or the ratelimit service's descriptors; Envoy Gateway: BackendTrafficPolicy rateLimit",
    ),
    (EnvoyAiGateway, "BackendTrafficPolicy rateLimit with token costs"),
    (Traefik, "rateLimit middleware: average, burst"),
    (Kong, "rate-limiting and ai-rate-limiting-advanced plugins"),
    (
        LiteLlm,
        "rpm and tpm of the model; rpm_limit, tpm_limit and max_budget of key, user or team",
    ),
    (Portkey, "limits of the virtual key or API key"),
    (Apisix, "limit-req, limit-count, ai-rate-limiting plugins"),
    (Apigee, "SpikeArrest and Quota policies"),
    (
        Aws,
        "API Gateway: stage throttling and usage plans; WAF: rate-based rules",
    ),
    (
        Azure,
        "API Management: rate-limit-by-key, quota-by-key, llm-token-limit",
    ),
    (Cloudflare, "rate limiting rules; AI Gateway: its own rate limit"),
    (Linkerd, "HTTPLocalRateLimitPolicy"),
];

/// The gateway's own limits on concurrency.
pub const CONCURRENCY: &[ProductHint] = &[
    (Nginx, "limit_conn; ingress-nginx: annotation limit-connections"),
    (Haproxy, "maxconn of server and frontend, timeout queue"),
    (
        Envoy,
        "circuit_breakers thresholds max_requests, max_pending_requests, max_connections (default 1024 each); Istio: DestinationRule connectionPool; Envoy Gateway: BackendTrafficPolicy circuitBreaker",
    ),
    (Traefik, "inFlightReq middleware: amount"),
    (LiteLlm, "max_parallel_requests of key, model or proxy"),
    (Apache, "MaxRequestWorkers, max= on ProxyPass"),
    (Apisix, "limit-conn plugin"),
    (Azure, "API Management: limit-concurrency"),
];

/// Cooldowns, circuit breakers, ejection of upstreams.
pub const BREAKER: &[ProductHint] = &[
    (
        Nginx,
        "max_fails and fail_timeout of the upstream's servers; proxy_next_upstream lists what counts as a failure",
    ),
    (Haproxy, "observe, error-limit and on-error of the server"),
    (
        Envoy,
        "outlier_detection and circuit_breakers of the cluster; Istio: DestinationRule outlierDetection; Envoy Gateway: BackendTrafficPolicy healthCheck.passive, circuitBreaker",
    ),
    (Traefik, "circuitBreaker middleware: expression"),
    (Kong, "healthchecks.passive of the Upstream"),
    (Caddy, "fail_duration, max_fails, unhealthy_status"),
    (
        Apache,
        "retry=0 on ProxyPass (a failed worker is skipped for 60 s by default)",
    ),
    (
        LiteLlm,
        "router_settings allowed_fails, cooldown_time, disable_cooldowns",
    ),
    (Apisix, "api-breaker plugin: unhealthy.http_statuses, max_breaker_sec"),
    (Azure, "API Management: circuitBreaker of the backend"),
    (Linkerd, "annotation balancer.linkerd.io/failure-accrual"),
];

/// Retries that the client does not see.
pub const RETRIES: &[ProductHint] = &[
    (
        Nginx,
        "proxy_next_upstream without non_idempotent, or proxy_next_upstream off",
    ),
    (Haproxy, "retry-on none, or http-request disable-l7-retry if METH_POST"),
    (
        Envoy,
        "no retry_policy on this route; Istio: VirtualService retries.attempts: 0 (the mesh's default is 2); Envoy Gateway: BackendTrafficPolicy retry",
    ),
    (Traefik, "no retry middleware on this router"),
    (Kong, "Service retries: 0 (default 5)"),
    (Caddy, "lb_retries 0 and no lb_try_duration"),
    (
        LiteLlm,
        "num_retries: 0 in litellm_settings and router_settings; fallbacks",
    ),
    (Portkey, "retry.attempts: 0 in the config"),
    (Apisix, "retries: 0 of the upstream"),
    (Azure, "API Management: retry policy"),
    (Linkerd, "annotations retry.linkerd.io/*"),
];

/// Where a gateway shows why it cannot reach its upstream.
pub const UPSTREAM: &[ProductHint] = &[
    (
        Nginx,
        "error_log: “connect() failed (111)” means refused, “upstream timed out … while connecting” dropped packets, “could not be resolved” DNS, “SSL_do_handshake() failed” TLS",
    ),
    (
        Haproxy,
        "the log's termination state: SC refused or TLS, sC connect timeout, sQ queue, sH no reply in time; show stat for servers that are DOWN",
    ),
    (
        Envoy,
        "access log %RESPONSE_FLAGS% and %UPSTREAM_TRANSPORT_FAILURE_REASON%: UF no connection or TLS, UH no healthy host or name, UT timeout, URX retries used up; Istio with REGISTRY_ONLY needs a ServiceEntry",
    ),
    (
        EnvoyAiGateway,
        "the Backend that the AIServiceBackend names, and its BackendTLSPolicy",
    ),
    (Traefik, "its log at level DEBUG names the dial error"),
    (Kong, "host, port and protocol of the Service; error.log as nginx"),
    (Caddy, "its log names the dial error"),
    (
        Apache,
        "error_log AH00957 and AH01114 (connection failed), AH01102 and AH00898 (no usable reply)",
    ),
    (
        Squid,
        "x-squid-error and access.log: ERR_CONNECT_FAIL with the errno, ERR_DNS_FAIL; dns_nameservers",
    ),
    (
        LiteLlm,
        "litellm_params.api_base; the reply quotes the client library's error",
    ),
    (Apisix, "the upstream's nodes, scheme and pass_host; error.log as nginx"),
    (Aws, "target health of the target group; API Gateway: execution log"),
    (Linkerd, "header l5d-proxy-error, and the proxy's log"),
];

/// TLS from the gateway to Claude.
pub const UPSTREAM_TLS: &[ProductHint] = &[
    (
        Nginx,
        "proxy_ssl_server_name on; proxy_set_header Host api.anthropic.com; with proxy_ssl_verify also proxy_ssl_trusted_certificate; ingress-nginx: annotations backend-protocol: HTTPS, proxy-ssl-server-name: \"on\", proxy-ssl-name, upstream-vhost",
    ),
    (
        Haproxy,
        "server … ssl verify required ca-file FILE sni str(api.anthropic.com)",
    ),
    (
        Envoy,
        "UpstreamTlsContext: sni and validation_context.trusted_ca; host_rewrite_literal on the route; Istio: DestinationRule tls.mode SIMPLE with sni; Envoy Gateway: BackendTLSPolicy hostname, wellKnownCACertificates: System",
    ),
    (EnvoyAiGateway, "BackendTLSPolicy hostname and CA"),
    (
        Traefik,
        "serversTransport serverName and rootCAs; passHostHeader: false",
    ),
    (
        Kong,
        "Service protocol https, tls_verify and ca_certificates; preserve_host: false",
    ),
    (
        Caddy,
        "transport http { tls tls_server_name api.anthropic.com }; header_up Host {upstream_hostport}",
    ),
    (
        Apache,
        "SSLProxyEngine on; SSLProxyCACertificateFile; ProxyPreserveHost Off",
    ),
    (Squid, "tls_outgoing_options cafile="),
    (LiteLlm, "SSL_CERT_FILE in its environment, litellm_settings.ssl_verify"),
    (
        Apisix,
        "upstream scheme https, pass_host: node; or rewrite with upstream_host",
    ),
];

/// Client certificates.
pub const CLIENT_CERTIFICATE: &[ProductHint] = &[
    (
        Nginx,
        "ssl_verify_client, ssl_client_certificate; ingress-nginx: annotations auth-tls-*",
    ),
    (Haproxy, "bind … ssl verify required ca-file"),
    (
        Envoy,
        "require_client_certificate; Istio: Gateway tls.mode MUTUAL, PeerAuthentication STRICT; Envoy Gateway: ClientTrafficPolicy tls.clientValidation",
    ),
    (Traefik, "tls.options clientAuth"),
    (Kong, "mtls-auth plugin"),
    (Caddy, "tls { client_auth }"),
    (Apache, "SSLVerifyClient"),
    (
        Azure,
        "API Management: negotiate client certificate, validate-client-certificate",
    ),
];

/// The certificate that the gateway shows.
pub const SERVER_CERTIFICATE: &[ProductHint] = &[
    (
        Nginx,
        "ssl_certificate must hold the leaf and its intermediates; ingress-nginx: the Ingress's tls secretName",
    ),
    (Haproxy, "bind … ssl crt FILE with leaf, intermediates and key"),
    (
        Envoy,
        "DownstreamTlsContext certificates; Istio: Gateway tls.credentialName; Gateway API: listener tls.certificateRefs",
    ),
    (Traefik, "tls.certificates or the resolver of the router"),
    (Kong, "Certificate and SNI entities"),
    (Caddy, "tls, and the log of its ACME client"),
    (Apache, "SSLCertificateFile with leaf and intermediates"),
];

/// Forward proxies.
pub const FORWARD_PROXY: &[ProductHint] = &[(
    Squid,
    "http_access lines in their order (acl dstdomain .anthropic.com, SSL_ports, proxy_auth); access.log shows TCP_DENIED",
)];
