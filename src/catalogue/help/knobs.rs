//! Where to turn, product by product: the directives that decide one thing each. Several findings share a set.

use super::super::product::Maker::{
    Apache, Apigee, Apisix, Aws, Azure, Caddy, Cloudflare, Envoy, EnvoyAiGateway, Google, Haproxy, Kong, Linkerd,
    LiteLlm, Nginx, Portkey, Squid, Traefik,
};
use super::Knob;

/// What changes request headers on the way to Claude.
pub const REQUEST_HEADERS: &[Knob] = &[
    (
        Nginx,
        "look for proxy_set_header lines for this header (an empty value removes it; one such line in a location switches off those inherited from the server); ingress-nginx: the ConfigMap key proxy-set-headers and configuration-snippet annotations",
    ),
    (
        Haproxy,
        "look for http-request del-header, set-header, replace-header and add-header (add-header makes a second line)",
    ),
    (
        Envoy,
        "look for request_headers_to_remove and request_headers_to_add (append_action OVERWRITE_IF_EXISTS_OR_ADD, or there are two lines); ext_authz may remove headers, too; Istio: VirtualService headers.request, RequestAuthentication forwardOriginalToken: true; Envoy Gateway: HTTPRoute RequestHeaderModifier, SecurityPolicy apiKeyAuth.sanitize",
    ),
    (
        Traefik,
        "headers middleware: customRequestHeaders (an empty value removes); basicAuth removeHeader; forwardAuth authResponseHeaders",
    ),
    (
        Kong,
        "request-transformer plugin (remove, replace, add .headers); key-auth hide_credentials",
    ),
    (
        Caddy,
        "header_up in reverse_proxy (a leading - removes), request_header before it",
    ),
    (Apache, "RequestHeader unset, set, edit"),
    (
        Squid,
        "request_header_access, request_header_replace, request_header_add",
    ),
    (
        LiteLlm,
        "it builds the request anew with few of the client's headers: use the pass-through route /anthropic, or general_settings.forward_client_headers_to_llm_api: true",
    ),
    (
        Apisix,
        "proxy-rewrite plugin (headers.set, add, remove); key-auth hide_credentials",
    ),
    (Azure, "API Management: set-header policies in inbound"),
    (Apigee, "AssignMessage policies in the request flow"),
    (Cloudflare, "Transform Rules that modify request headers"),
];

/// Where a gateway keeps the key that it sends to Claude.
pub const PROVIDER_KEY: &[Knob] = &[
    (
        Nginx,
        "the value in proxy_set_header x-api-key is read at (re)load: write the file anew and nginx -s reload",
    ),
    (
        Haproxy,
        "http-request set-header x-api-key %[env(NAME)] reads the environment once: restart it with the new value",
    ),
    (
        Envoy,
        "request_headers_to_add is static, the credential_injector filter follows its secret (SDS)",
    ),
    (
        EnvoyAiGateway,
        "the Secret that the BackendSecurityPolicy of this backend names",
    ),
    (Traefik, "customRequestHeaders of the headers middleware that sets it"),
    (
        Kong,
        "request-transformer or ai-proxy config.auth.header_value; a vault reference is read again after its ttl",
    ),
    (
        Caddy,
        "header_up x-api-key {env.NAME}: the environment is the process's own, so restart it",
    ),
    (Apache, "RequestHeader set x-api-key: change it and reload gracefully"),
    (
        LiteLlm,
        "litellm_params.api_key of the model; os.environ/NAME is read at the start: kubectl rollout restart",
    ),
    (Apisix, "auth.header of ai-proxy, or headers of proxy-rewrite"),
    (
        Azure,
        "API Management: the named value; one that is backed by Key Vault is refreshed within hours, or at once by hand",
    ),
    (Portkey, "the key stored for the provider in Portkey, not the client's"),
];

/// The gateway's own authentication.
pub const AUTHENTICATION: &[Knob] = &[
    (
        Nginx,
        "auth_basic, auth_request, auth_jwt; ingress-nginx: annotations auth-url, auth-type, auth-secret",
    ),
    (Haproxy, "http-request auth, or deny with deny_status 401"),
    (
        Envoy,
        "jwt_authn, api_key_auth, basic_auth, ext_authz; Istio: RequestAuthentication with AuthorizationPolicy; Envoy Gateway: SecurityPolicy jwt, apiKeyAuth, basicAuth, extAuth",
    ),
    (Traefik, "basicAuth, digestAuth, forwardAuth middlewares"),
    (Kong, "key-auth (key_names), jwt, basic-auth, openid-connect plugins"),
    (Caddy, "basic_auth, forward_auth"),
    (Apache, "AuthType and Require valid-user in this Location"),
    (Squid, "acl … proxy_auth REQUIRED and the http_access line that uses it"),
    (
        LiteLlm,
        "general_settings.master_key is set: clients send a LiteLLM key (virtual key), not an Anthropic one",
    ),
    (Apisix, "key-auth, jwt-auth, basic-auth plugins"),
    (
        Azure,
        "API Management: subscription required (header Ocp-Apim-Subscription-Key), validate-jwt",
    ),
    (Apigee, "VerifyAPIKey and OAuthV2 policies"),
    (
        Aws,
        "API Gateway authorizers and API keys; ALB listener action authenticate-oidc",
    ),
    (
        Cloudflare,
        "Access policy (service token: CF-Access-Client-Id and CF-Access-Client-Secret); AI Gateway: cf-aig-authorization",
    ),
];

/// Rules about who may call.
pub const POLICY: &[Knob] = &[
    (
        Nginx,
        "allow and deny; ingress-nginx: annotation whitelist-source-range",
    ),
    (Haproxy, "http-request deny"),
    (
        Envoy,
        "the rbac filter, ext_authz (with an empty body: is the authoriser up? failure_mode_allow); Istio: AuthorizationPolicy; Envoy Gateway: SecurityPolicy authorization, extAuth",
    ),
    (Traefik, "ipAllowList middleware"),
    (Kong, "ip-restriction and acl plugins"),
    (Caddy, "matchers (remote_ip, client_ip) before respond or abort"),
    (Apache, "Require ip, Require not, Require all denied"),
    (Squid, "the first http_access line that matches decides"),
    (Apisix, "ip-restriction and consumer-restriction plugins"),
    (
        Azure,
        "API Management: ip-filter; Application Gateway: WAF custom rules",
    ),
    (Aws, "WAF IP sets, API Gateway resource policy"),
    (
        Cloudflare,
        "WAF custom rules and IP access rules: Security events name the rule",
    ),
    (
        Linkerd,
        "Server with AuthorizationPolicy: the proxy's log names the denied client",
    ),
];

/// Web application firewalls.
pub const FIREWALL: &[Knob] = &[
    (
        Nginx,
        "ModSecurity: the audit log names the rule; SecRuleRemoveById, or modsecurity off in this location; ingress-nginx: annotations enable-modsecurity, modsecurity-snippet",
    ),
    (
        Apache,
        "ModSecurity: SecRuleRemoveById or SecRuleEngine Off in this Location",
    ),
    (Haproxy, "the SPOE agent that judges bodies: exempt this path"),
    (
        Envoy,
        "the Wasm or ext_proc filter that judges bodies: switch it off on this route",
    ),
    (
        Aws,
        "AWS WAF: set the rule that its log names (body rules for XSS, LFI, size) to Count for this path",
    ),
    (
        Azure,
        "WAF policy: exclusion for the request body, or a custom rule that allows this path",
    ),
    (
        Google,
        "Cloud Armor: the preconfigured rule in preview, or opted out for this path",
    ),
    (
        Cloudflare,
        "a WAF custom rule with Skip for this path: Security events name the managed rule",
    ),
];

/// The limit on a request's body.
pub const BODY_SIZE: &[Knob] = &[
    (
        Nginx,
        "client_max_body_size 32m (default 1m); ingress-nginx: annotation proxy-body-size: 32m",
    ),
    (
        Haproxy,
        "it has no limit of its own: look for http-request deny on req.body_size",
    ),
    (
        Envoy,
        "buffer filter max_request_bytes; Envoy Gateway: connection.bufferLimit of ClientTrafficPolicy and BackendTrafficPolicy",
    ),
    (Traefik, "buffering middleware: maxRequestBodyBytes"),
    (
        Kong,
        "request-size-limiting plugin allowed_payload_size; KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE",
    ),
    (Caddy, "request_body max_size"),
    (Apache, "LimitRequestBody 33554432"),
    (Squid, "request_body_max_size"),
    (
        Apisix,
        "client-control plugin max_body_size; nginx_config.http.client_max_body_size",
    ),
    (Apigee, "bodies above 10 MB need request.streaming.enabled"),
    (Aws, "API Gateway: 10 MB, fixed; ALB: a WAF size rule"),
];

/// The limit on a request's headers.
pub const HEADER_SIZE: &[Knob] = &[
    (
        Nginx,
        "large_client_header_buffers 4 64k (default 4 8k); ingress-nginx: ConfigMap key large-client-header-buffers",
    ),
    (Haproxy, "tune.bufsize (default 16384, less tune.maxrewrite)"),
    (Envoy, "max_request_headers_kb (default 60)"),
    (Kong, "KONG_NGINX_HTTP_LARGE_CLIENT_HEADER_BUFFERS"),
    (Caddy, "servers { max_header_size }"),
    (Apache, "LimitRequestFieldSize (default 8190), LimitRequestFields"),
    (Squid, "request_header_max_size (default 64 KB)"),
    (Aws, "ALB: 16 KB a line, 64 KB together, fixed"),
];

/// The wait for the first byte of an answer.
pub const FIRST_BYTE: &[Knob] = &[
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
pub const IDLE: &[Knob] = &[
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
pub const TOTAL: &[Knob] = &[
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

/// What a gateway does to streams when it reloads or ends.
pub const DRAIN: &[Knob] = &[
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
pub const BUFFERING: &[Knob] = &[
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
pub const COMPRESSION: &[Knob] = &[
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

/// The gateway's own rate limits and budgets.
pub const RATE: &[Knob] = &[
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
pub const CONCURRENCY: &[Knob] = &[
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
pub const BREAKER: &[Knob] = &[
    (
        Nginx,
        "max_fails and fail_timeout of the upstream's servers; proxy_next_upstream says what counts as a failure",
    ),
    (Haproxy, "observe, error-limit and on-error of the server"),
    (
        Envoy,
        "outlier_detection and circuit_breakers of the cluster; Istio: DestinationRule outlierDetection; Envoy Gateway: BackendTrafficPolicy healthCheck.passive, circuitBreaker",
    ),
    (Traefik, "circuitBreaker middleware: expression"),
    (Kong, "healthchecks.passive of the Upstream"),
    (Caddy, "fail_duration, max_fails, unhealthy_status"),
    (Apache, "retry=0 on ProxyPass (a failed worker rests 60 s by default)"),
    (
        LiteLlm,
        "router_settings allowed_fails, cooldown_time, disable_cooldowns",
    ),
    (Apisix, "api-breaker plugin: unhealthy.http_statuses, max_breaker_sec"),
    (Azure, "API Management: circuitBreaker of the backend"),
    (Linkerd, "annotation balancer.linkerd.io/failure-accrual"),
];

/// How a gateway says why it cannot reach its upstream.
pub const UPSTREAM: &[Knob] = &[
    (
        Nginx,
        "error_log: connect() failed (111) is a refusal, upstream timed out while connecting are dropped packets, could not be resolved is DNS",
    ),
    (
        Haproxy,
        "the log's termination state: SC refused, sC connect timeout, sH no reply in time; show stat for servers that are DOWN",
    ),
    (
        Envoy,
        "access log %RESPONSE_FLAGS% and %UPSTREAM_TRANSPORT_FAILURE_REASON%: UF no connection, UH no healthy host, UT timeout, URX retries used up; Istio with REGISTRY_ONLY needs a ServiceEntry",
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
        "error_log AH00957 and AH01114 (connect failed), AH01102 and AH00898 (no usable reply)",
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
pub const UPSTREAM_TLS: &[Knob] = &[
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

/// Retries that the client does not see.
pub const RETRIES: &[Knob] = &[
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

/// Errors that the gateway writes anew.
pub const ERRORS: &[Knob] = &[
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
        "its /v1/messages writes errors anew (529 becomes 500): use the pass-through route /anthropic",
    ),
    (Apisix, "response-rewrite plugin"),
    (Apigee, "FaultRules, DefaultFaultRule and RaiseFault"),
    (Azure, "API Management: on-error and set-status"),
    (Cloudflare, "custom error pages of the zone"),
];

/// Response headers that the gateway drops.
pub const RESPONSE_HEADERS: &[Knob] = &[
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
        "its /v1/messages drops them from plain answers: use the pass-through route /anthropic",
    ),
    (Apisix, "response-rewrite plugin: headers.remove"),
    (
        Azure,
        "API Management: set-header with exists-action delete in outbound",
    ),
];

/// What changes request bodies.
pub const REQUEST_BODY: &[Knob] = &[
    (Kong, "request-transformer, ai-proxy, ai-prompt-decorator plugins"),
    (EnvoyAiGateway, "body mutations of route and backend"),
    (
        LiteLlm,
        "litellm_settings.drop_params and the model's default parameters; the pass-through route /anthropic leaves more alone, but drops metadata",
    ),
    (Portkey, "override_params in the config"),
    (Apisix, "ai-proxy options, ai-prompt-decorator plugin"),
    (Azure, "API Management: set-body"),
    (Apigee, "AssignMessage and script policies"),
];

/// Which model is asked for.
pub const MODEL: &[Knob] = &[
    (
        LiteLlm,
        "model_list: model_name is what clients ask for, litellm_params.model what is sent; fallbacks",
    ),
    (Kong, "ai-proxy: model.name"),
    (
        EnvoyAiGateway,
        "AIGatewayRoute: the x-ai-eg-model match and modelNameOverride",
    ),
    (Portkey, "override_params.model and fallback targets in the config"),
    (Apisix, "ai-proxy: options.model"),
];

/// Which path leads where.
pub const ROUTE: &[Knob] = &[
    (
        Nginx,
        "location and proxy_pass: a URI part (even a single /) replaces the matched prefix; ingress-nginx: annotation rewrite-target",
    ),
    (
        Haproxy,
        "use_backend rules and default_backend, http-request replace-path",
    ),
    (
        Envoy,
        "route match, prefix_rewrite; Istio: VirtualService rewrite.uri; Gateway API: HTTPRoute URLRewrite",
    ),
    (EnvoyAiGateway, "AIGatewayRoute: a model without a rule has no route"),
    (Traefik, "router rule, stripPrefix and replacePath middlewares"),
    (Kong, "Route paths and strip_path, Service path"),
    (Caddy, "handle_path strips its prefix, handle does not"),
    (Apache, "ProxyPass: trailing slashes of both sides must agree"),
    (
        LiteLlm,
        "base URL without /v1, or with /anthropic for the pass-through route",
    ),
    (Apisix, "route uri, proxy-rewrite uri and regex_uri"),
    (Azure, "API Management: API URL suffix and operations"),
    (Aws, "listener rules; API Gateway: resources and stage prefix"),
];

/// Caches of answers.
pub const CACHE: &[Knob] = &[
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

/// Client certificates.
pub const CLIENT_CERTIFICATE: &[Knob] = &[
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
pub const SERVER_CERTIFICATE: &[Knob] = &[
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
pub const FORWARD_PROXY: &[Knob] = &[(
    Squid,
    "http_access lines in their order (acl dstdomain .anthropic.com, SSL_ports, proxy_auth); access.log says TCP_DENIED",
)];

/// Nothing that a gateway could change.
pub const NONE: &[Knob] = &[];
