//! What decides over replies: timers, buffers, errors, headers, caches.

use super::ProductHint;
use crate::catalogue::Product::{
    Apache, Apigee, Apisix, Aws, Azure, Caddy, Cloudflare, Envoy, Google, Haproxy, Kong, Linkerd, LiteLlm, Nginx,
    Portkey, Squid, Traefik,
};

/// The wait for the first byte of an answer.
pub const FIRST_BYTE: &[ProductHint] = &[
    (
        Nginx,
        "proxy_read_timeout 600s (default 60s); ingress-nginx: annotation proxy-read-timeout: \"600\"",
    ),
    (Haproxy, "timeout server 600s"),
    (
        Envoy,
        "route timeout: 0s (default 15 s); Istio: VirtualService timeout; Envoy Gateway: HTTPRoute timeouts.request: 0s, BackendTrafficPolicy timeout.http.requestTimeout",
    ),
    (
        Traefik,
        "serversTransport forwardingTimeouts.responseHeaderTimeout (default none)",
    ),
    (Kong, "Service read_timeout 600000 (milliseconds, default 60000)"),
    (Caddy, "transport http { response_header_timeout }"),
    (Apache, "ProxyTimeout 600, or timeout=600 on ProxyPass"),
    (Squid, "read_timeout (default 15 minutes)"),
    (
        LiteLlm,
        "litellm_params.timeout and stream_timeout, litellm_settings.request_timeout",
    ),
    (Portkey, "request_timeout in the config"),
    (Apisix, "timeout.read of upstream or route (default 60 s)"),
    (Apigee, "io.timeout.millis of the target endpoint (default 55 s)"),
    (
        Aws,
        "ALB: attribute idle_timeout.timeout_seconds (default 60); API Gateway: integration timeout (default 29 s)",
    ),
    (Azure, "API Management: forward-request timeout (default 300 s)"),
    (
        Google,
        "backend service timeoutSec (default 30); GKE: BackendConfig or GCPBackendPolicy timeoutSec",
    ),
    (
        Cloudflare,
        "524 after 100 to 120 s without a byte, raised on Enterprise plans only: stream",
    ),
    (
        Linkerd,
        "annotations timeout.linkerd.io/request and /response, or HTTPRoute timeouts",
    ),
];

/// The longest silence inside an answer.
pub const IDLE: &[ProductHint] = &[
    (
        Nginx,
        "proxy_read_timeout 600s counts between two reads (default 60s); ingress-nginx: annotation proxy-read-timeout: \"600\"",
    ),
    (Haproxy, "timeout server and timeout client, both count idleness"),
    (
        Envoy,
        "stream_idle_timeout of the connection manager (default 5 min), idle_timeout of the route; Envoy Gateway: ClientTrafficPolicy timeout.http",
    ),
    (Kong, "Service read_timeout (milliseconds, default 60000)"),
    (Caddy, "transport http { read_timeout }"),
    (Apache, "ProxyTimeout, or timeout= on ProxyPass"),
    (Squid, "read_timeout (default 15 minutes)"),
    (LiteLlm, "litellm_params.stream_timeout"),
    (Apisix, "timeout.read of upstream or route (default 60 s)"),
    (
        Aws,
        "ALB: attribute idle_timeout.timeout_seconds (default 60); NLB: TCP idle timeout (default 350 s)",
    ),
    (
        Azure,
        "load balancers drop a connection after 4 minutes of silence by default: raise idleTimeoutInMinutes",
    ),
    (Cloudflare, "100 to 120 s without a byte: let pings through unbuffered"),
    (Linkerd, "annotation timeout.linkerd.io/idle"),
];

/// The total time of a request.
pub const TOTAL: &[ProductHint] = &[
    (
        Envoy,
        "route timeout: 0s (default 15 s, also while events flow), max_stream_duration; Istio: VirtualService timeout: 0s; Envoy Gateway: HTTPRoute timeouts.request: 0s",
    ),
    (Traefik, "entryPoints transport.respondingTimeouts.writeTimeout: 0"),
    (Caddy, "servers { timeouts { write } }"),
    (Squid, "client_lifetime"),
    (LiteLlm, "litellm_params.timeout, litellm_settings.request_timeout"),
    (Portkey, "request_timeout in the config"),
    (Apigee, "io.timeout.millis of proxy and target endpoint"),
    (Aws, "API Gateway: integration timeout; Lambda: function timeout"),
    (Azure, "API Management: forward-request timeout"),
    (
        Google,
        "backend service timeoutSec bounds the whole answer (default 30)",
    ),
    (
        Linkerd,
        "annotation timeout.linkerd.io/request, HTTPRoute timeouts.request",
    ),
];

/// What a gateway does to streams when it reloads or stops.
pub const DRAIN: &[ProductHint] = &[
    (
        Nginx,
        "worker_shutdown_timeout; ingress-nginx: ConfigMap key worker-shutdown-timeout (default 240s)",
    ),
    (Haproxy, "hard-stop-after bounds the old process after a reload"),
    (
        Envoy,
        "--drain-time-s; Istio: proxyConfig terminationDrainDuration; Envoy Gateway: EnvoyProxy spec.shutdown.drainTimeout",
    ),
    (Traefik, "entryPoints transport.lifeCycle.graceTimeOut (default 10 s)"),
    (Caddy, "grace_period"),
    (Squid, "shutdown_lifetime (default 30 s)"),
];

/// Response buffering.
pub const BUFFERING: &[ProductHint] = &[
    (
        Nginx,
        "proxy_buffering off; and proxy_http_version 1.1; ingress-nginx: annotations proxy-buffering: \"off\", proxy-http-version: \"1.1\"",
    ),
    (
        Haproxy,
        "option http-no-delay, and no filter that waits for the whole body",
    ),
    (
        Envoy,
        "no buffer filter on this route; ext_proc with response_body_mode STREAMED or NONE instead of BUFFERED",
    ),
    (Traefik, "no buffering middleware on this router"),
    (
        Kong,
        "Route response_buffering: false, and no plugin that reads the response body",
    ),
    (Caddy, "flush_interval -1, and no response_buffers"),
    (Apache, "flushpackets=on on ProxyPass"),
    (Squid, "adaptation_access deny (ICAP, eCAP) for this host"),
    (LiteLlm, "no guardrail or callback that waits for the whole answer"),
    (Apisix, "proxy-buffering plugin with disable_proxy_buffering: true"),
    (Apigee, "response.streaming.enabled on proxy and target endpoint"),
    (
        Azure,
        "API Management: forward-request buffer-response=\"false\", and no policy or diagnostic log that reads bodies",
    ),
];

/// Response compression.
pub const COMPRESSION: &[ProductHint] = &[
    (
        Nginx,
        "gzip_types without text/event-stream, or gzip off here; ingress-nginx: ConfigMap keys gzip-types, use-gzip",
    ),
    (Haproxy, "compression type without text/event-stream"),
    (
        Envoy,
        "compressor filter: content_type without text/event-stream; Envoy Gateway: BackendTrafficPolicy compression",
    ),
    (
        Traefik,
        "compress middleware: excludedContentTypes: [text/event-stream]",
    ),
    (Caddy, "encode with a matcher that leaves text/event-stream out"),
    (
        Apache,
        "SetEnvIf Request_URI ^/v1/ no-gzip; no AddOutputFilterByType DEFLATE text/event-stream",
    ),
    (Apisix, "gzip and brotli plugins: types without text/event-stream"),
];

/// Errors that the gateway rewrites.
pub const ERRORS: &[ProductHint] = &[
    (
        Nginx,
        "proxy_intercept_errors off and no error_page here; ingress-nginx: annotation custom-http-errors",
    ),
    (Haproxy, "http-response set-status and http-response return"),
    (
        Envoy,
        "local_reply_config, the custom_response filter; Envoy Gateway: BackendTrafficPolicy responseOverride",
    ),
    (Traefik, "errors middleware"),
    (Kong, "response-transformer and exit-transformer plugins"),
    (Caddy, "handle_response in reverse_proxy"),
    (Apache, "ProxyErrorOverride Off"),
    (
        LiteLlm,
        "/v1/messages rewrites errors (529 becomes 500): use the pass-through route /anthropic",
    ),
    (Apisix, "response-rewrite plugin"),
    (Apigee, "FaultRules, DefaultFaultRule and RaiseFault"),
    (Azure, "API Management: on-error and set-status"),
    (Cloudflare, "custom error pages of the zone"),
];

/// Response headers that the gateway drops.
pub const RESPONSE_HEADERS: &[ProductHint] = &[
    (Nginx, "proxy_hide_header, more_clear_headers"),
    (Haproxy, "http-response del-header"),
    (Envoy, "response_headers_to_remove; HTTPRoute ResponseHeaderModifier"),
    (Traefik, "headers middleware: customResponseHeaders with empty values"),
    (Kong, "response-transformer plugin: remove.headers"),
    (Caddy, "header_down with a leading -"),
    (Apache, "Header unset"),
    (Squid, "reply_header_access"),
    (
        LiteLlm,
        "/v1/messages drops them from non-streaming answers: use the pass-through route /anthropic",
    ),
    (Apisix, "response-rewrite plugin: headers.remove"),
    (
        Azure,
        "API Management: set-header with exists-action delete in outbound",
    ),
];

/// Caches of answers.
pub const CACHE: &[ProductHint] = &[
    (Nginx, "proxy_cache off here (proxy_cache_methods has POST)"),
    (Squid, "cache deny for this host"),
    (Kong, "proxy-cache and ai-semantic-cache plugins"),
    (Apache, "CacheDisable for this path"),
    (
        LiteLlm,
        "litellm_settings.cache: false, or cache: {no-cache: true} in the request",
    ),
    (Portkey, "cache in the config"),
    (Apisix, "proxy-cache plugin"),
    (Azure, "API Management: cache-lookup, llm-semantic-cache-lookup"),
    (Cloudflare, "AI Gateway: caching off, or header cf-aig-skip-cache: true"),
];
