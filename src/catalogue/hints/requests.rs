//! What decides over requests: headers, keys, rules, sizes, bodies, models, routes.

use super::ProductHint;
use crate::catalogue::Product::{
    Apache, Apigee, Apisix, Aws, Azure, Caddy, Cloudflare, Envoy, EnvoyAiGateway, Google, Haproxy, Kong, Linkerd,
    LiteLlm, Nginx, Portkey, Squid, Traefik,
};

/// What changes request headers on the way to Claude.
pub const REQUEST_HEADERS: &[ProductHint] = &[
    (
        Nginx,
        "proxy_set_header lines for this header (an empty value removes it; one such line in a location disables those inherited from the server); ingress-nginx: the ConfigMap key proxy-set-headers and configuration-snippet annotations",
    ),
    (
        Haproxy,
        "http-request del-header, set-header, replace-header and add-header (add-header adds a second line)",
    ),
    (
        Envoy,
        "request_headers_to_remove and request_headers_to_add (append_action OVERWRITE_IF_EXISTS_OR_ADD, or the header appears twice); ext_authz can remove headers too; Istio: VirtualService headers.request, RequestAuthentication forwardOriginalToken: true; Envoy Gateway: HTTPRoute RequestHeaderModifier, SecurityPolicy apiKeyAuth.sanitize",
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
        "/v1/messages rebuilds the request with few of the client's headers: use the pass-through route /anthropic, or general_settings.forward_client_headers_to_llm_api: true",
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
pub const PROVIDER_KEY: &[ProductHint] = &[
    (
        Nginx,
        "the value in proxy_set_header x-api-key is read at (re)load: update the file, then nginx -s reload",
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
        "API Management: the named value; one that is backed by Key Vault is refreshed within hours, or at once on request",
    ),
    (Portkey, "the key stored for the provider in Portkey, not the client's"),
];

/// The gateway's own authentication.
pub const AUTHENTICATION: &[ProductHint] = &[
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

/// Access rules.
pub const POLICY: &[ProductHint] = &[
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
pub const FIREWALL: &[ProductHint] = &[
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
pub const BODY_SIZE: &[ProductHint] = &[
    (
        Nginx,
        "client_max_body_size 32m (default 1m); ingress-nginx: annotation proxy-body-size: 32m",
    ),
    (Haproxy, "no limit of its own; http-request deny on req.body_size"),
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
pub const HEADER_SIZE: &[ProductHint] = &[
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

/// What changes request bodies.
pub const REQUEST_BODY: &[ProductHint] = &[
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

/// Which model is requested.
pub const MODEL: &[ProductHint] = &[
    (
        LiteLlm,
        "model_list: model_name is the name that clients send, litellm_params.model the one that LiteLLM sends; fallbacks",
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
pub const ROUTE: &[ProductHint] = &[
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
