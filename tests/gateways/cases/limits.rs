//! Limits, quotas and rejections: the gateway's own, and Claude's through a gateway.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Page, Route, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Front, haproxy, haproxy_to, nginx, nginx_server};
use crate::proof::Observation::{Calls, Empty, Header, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};
use crate::stage::OTHER_KEY;

/// nginx with a limit of one request per minute.
fn limited(status: &str) -> Front {
    nginx(&format!("limit_req zone=requests; {status}"))
        .http("limit_req_zone $binary_remote_addr zone=requests:1m rate=1r/m;")
}

const LIMITS: Envoy = Envoy {
    filters: &[
        r#"{name: limit, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, stat_prefix: l, token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 300s}, filter_enabled: {default_value: {numerator: 100, denominator: HUNDRED}}, filter_enforced: {default_value: {numerator: 100, denominator: HUNDRED}}}}"#,
    ],
    ..Envoy::PLAIN
};
const ONE_AT_A_TIME: Envoy = Envoy {
    cluster: "type: STATIC, circuit_breakers: {thresholds: [{max_requests: 1, max_connections: 1, max_pending_requests: 1}]}",
    ..Envoy::PLAIN
};
/// Retries and reports how often, with a key of its own.
const RETRIES: Envoy = Envoy {
    host: "              include_attempt_count_in_response: true",
    route: r#"timeout: 0s, retry_policy: {retry_on: "5xx,retriable-status-codes", retriable_status_codes: [429], num_retries: 2}"#,
    beside: r#"request_headers_to_add: [{header: {key: x-api-key, value: "{other}"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]"#,
    ..Envoy::PLAIN
};
const DENIES: Envoy = Envoy {
    filters: &[
        r#"{name: rbac, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC, rules: {action: DENY, policies: {all: {permissions: [{any: true}], principals: [{any: true}]}}}}}"#,
    ],
    ..Envoy::PLAIN
};
/// The external authoriser is down, and Envoy denies with 403 and no body.
const ASKS_A_DEAD_AUTHORISER: Envoy = Envoy {
    filters: &[
        r#"{name: authz, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, transport_api_version: V3, grpc_service: {envoy_grpc: {cluster_name: nobody}, timeout: 1s}}}"#,
    ],
    ..Envoy::PLAIN
};

/// An error of Claude for every key.
fn always(name: ErrorName) -> Rule {
    Rule::always(Fault::Error(name))
}

/// An error of Claude for the gateway's own key.
fn for_the_gateway(name: ErrorName) -> Rule {
    always(name).for_key(OTHER_KEY)
}

fn own_key() -> Case {
    Case::new(nginx("proxy_set_header x-api-key {other};")).gateway(", expectAccount: Any")
}

cases! {
    nginx_limits_requests_with_429: Case::new(limited("limit_req_status 429;"))
        .proof(through(&[Status(200)]))
        .proof(through(&[Status(429), NoHeader("request-id"), Calls(0)])).proof(direct(&[Status(200)]))
        .failing(Code::GatewayRateLimited);
    haproxy_limits_requests_with_429: Case::new(haproxy(
            "stick-table type ip size 1k expire 300s store http_req_rate(300s)\n    http-request track-sc0 src\n    http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1 }", ""))
        .proof(through(&[Status(200)]))
        .proof(through(&[Status(429), NoHeader("request-id"), Calls(0)]))
        .failing(Code::GatewayRateLimited);
    envoy_limits_requests_with_429: Case::new(Front::Envoy(LIMITS)).bearer()
        .proof(through(&[Status(200)]))
        .proof(through(&[Status(429), BodyHas("local_rate_limited"), Calls(0)]))
        .failing(Code::GatewayRateLimited);
    nginx_limits_connections: Case::new(nginx("limit_conn clients 1; limit_conn_status 429;")
            .http("limit_conn_zone $binary_remote_addr zone=clients:1m;"))
        .pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)]))
        .degraded(Code::GatewayConcurrencyLimited, "edge");
    envoy_limits_concurrent_requests: Case::new(Front::Envoy(ONE_AT_A_TIME)).pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)]))
        .degraded(Code::GatewayConcurrencyLimited, "edge");
    haproxy_queues_and_gives_up: Case::new(Front::Haproxy {
            defaults: "timeout queue 300ms".into(), frontend: String::new(), backend: "server claude {claude} maxconn 1".into(), tls: None })
        .pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)]))
        .degraded(Code::GatewayConcurrencyLimited, "edge");
    claude_limits_concurrent_requests: Case::new(nginx("")).no_direct().account(|key| key.limits.concurrency = Some(2))
        .pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)]))
        .degraded(Code::ConcurrencyLimited, "edge");
    haproxy_marks_claude_down_after_an_error: Case::new(haproxy_to(
            "{claude} check inter 2s rise 1 fall 1 observe layer7 error-limit 1 on-error mark-down"))
        .fault(always(ErrorName::Overloaded).on(Route::Messages))
        .proof(through(&[Status(529), Header("request-id", "req_")]))
        .proof(through(&[Status(503), BodyHas("No server is available"), Calls(0)]))
        .proof(through(&[Header("request-id", "req_")]).at("/v1/messages/count_tokens").until())
        .failing_everywhere(Code::UpstreamOverloaded).also(Code::CircuitBreakerOpen, "edge");
    haproxy_cools_down_after_an_error: Case::new(haproxy(
            "stick-table type ip size 1k expire 10s store http_fail_rate(1s)\n    http-request track-sc0 src\n    http-request deny deny_status 429 if { sc_http_fail_rate(0) gt 0 }", ""))
        .fault(always(ErrorName::Overloaded).on(Route::Messages))
        .proof(through(&[Status(529), Header("request-id", "req_")]))
        .proof(through(&[Status(429), Calls(0)]))
        .proof(through(&[Header("request-id", "req_")]).at("/v1/messages/count_tokens").until())
        .failing_everywhere(Code::UpstreamOverloaded).also(Code::GatewayCooldown, "edge");
    envoy_retries_behind_the_clients_back: Case::new(Front::Envoy(RETRIES)).gateway(", expectAccount: Any")
        .fault(Rule { times: Some(2), ..for_the_gateway(ErrorName::Overloaded) })
        .proof(direct(&[Status(200)]))
        .proof(through(&[Status(200), Header("x-envoy-attempt-count", "3"), Calls(3)]))
        .degraded(Code::HiddenRetries, "edge");
    envoy_retries_a_rate_limit: Case::new(Front::Envoy(RETRIES)).gateway(", expectAccount: Any")
        .fault(for_the_gateway(ErrorName::RateLimitRequests))
        .proof(through(&[Status(429), Header("x-envoy-attempt-count", "3"), Calls(3)]))
        .failing(Code::RateLimited).also(Code::HiddenRetries, "edge");
    haproxy_denies_everything: Case::new(haproxy("http-request deny", ""))
        .proof(through(&[Status(403), NoHeader("request-id"), Calls(0)]))
        .failing(Code::GatewayPolicyDenied);
    nginx_denies_everything: Case::new(nginx("deny all;"))
        .proof(through(&[Status(403), Calls(0)]))
        .failing(Code::GatewayPolicyDenied);
    envoy_denies_everything: Case::new(Front::Envoy(DENIES))
        .proof(through(&[Status(403), BodyHas("RBAC: access denied"), Calls(0)]))
        .failing(Code::GatewayPolicyDenied);
    envoy_denies_because_its_authoriser_is_down: Case::new(Front::Envoy(ASKS_A_DEAD_AUTHORISER))
        .proof(through(&[Status(403), Empty, Calls(0)]))
        .failing(Code::GatewayPolicyDenied);
    modsecurity_blocks_what_looks_like_an_attack: Case::new(nginx_server(
            "large_client_header_buffers 8 64k; modsecurity on; modsecurity_rules_file {dir}/modsecurity.conf;
             location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .spec("exchanges: {attackPrompt: true}")
        .proof(through(&[Status(200)]))
        .proof(through(&[Status(403), NoHeader("request-id"), Calls(0)]).body(
            r#"{"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"' OR 1=1 UNION SELECT password FROM users; -- <script>alert(1)</script> ; cat /etc/passwd"}]}"#.into()))
        .degraded(Code::WafBlocked, "edge");

    claudes_rate_limit_through_nginx: Case::new(nginx("")).fault(always(ErrorName::RateLimitInputTokens))
        .proof(through(&[Status(429), BodyHas("input tokens per minute"), Header("request-id", "req_"), Header("retry-after", "")]))
        .failing_everywhere(Code::RateLimited);
    claudes_rate_limit_through_haproxy: Case::new(haproxy("", "")).fault(always(ErrorName::RateLimitRequests)).whole()
        .proof(through(&[Status(429), Header("request-id", "req_")]).whole())
        .failing_everywhere(Code::RateLimited);
    claudes_rate_limit_of_the_gateways_account: own_key().fault(for_the_gateway(ErrorName::RateLimitRequests))
        .proof(direct(&[Status(200)])).proof(through(&[Status(429), Header("request-id", "req_")]))
        .failing(Code::RateLimited);
    claudes_spend_limit_through_envoy: Case::new(Front::Envoy(Envoy::PLAIN)).fault(always(ErrorName::SpendLimitEnforced))
        .proof(through(&[Status(429), NoHeader("retry-after"), BodyHas("enforced_spend_limit_reached")]))
        .failing_everywhere(Code::QuotaExhausted);
    claudes_own_spend_limit_through_nginx: Case::new(nginx("")).fault(always(ErrorName::SpendLimitOwn))
        .proof(through(&[Status(400), BodyHas("specified API usage limits")]))
        .failing_everywhere(Code::QuotaExhausted);
    credit_is_used_up: Case::new(haproxy("", "")).fault(always(ErrorName::CreditExhausted))
        .proof(through(&[Status(400), BodyHas("credit balance is too low")]))
        .failing_everywhere(Code::QuotaExhausted);
    credit_of_the_gateways_account_is_used_up: own_key().fault(for_the_gateway(ErrorName::CreditExhausted))
        .proof(through(&[Status(400), BodyHas("credit balance is too low")]))
        .failing(Code::QuotaExhausted);
    the_bill_is_not_paid: Case::new(nginx("")).fault(always(ErrorName::Billing)).bearer()
        .proof(through(&[Status(402)]))
        .failing_everywhere(Code::QuotaExhausted);
    claudes_concurrency_limit: Case::new(nginx("")).fault(always(ErrorName::Concurrency))
        .proof(through(&[Status(429), BodyHas("concurrent connections")]))
        .failing_everywhere(Code::ConcurrencyLimited);
    claudes_limit_on_growth: Case::new(Front::Envoy(Envoy::PLAIN)).fault(always(ErrorName::Acceleration))
        .proof(through(&[Status(429), BodyHas("maximum usage increase rate")]))
        .failing_everywhere(Code::AccelerationLimited);

    claude_is_overloaded: Case::new(nginx("")).fault(always(ErrorName::Overloaded))
        .proof(through(&[Status(529), BodyHas("overloaded_error")]))
        .failing_everywhere(Code::UpstreamOverloaded);
    claude_is_overloaded_behind_envoy: Case::new(Front::Envoy(Envoy::PLAIN)).fault(always(ErrorName::OverloadedWithLink)).whole()
        .proof(through(&[Status(529)]).whole())
        .failing_everywhere(Code::UpstreamOverloaded);
    claude_is_overloaded_for_the_gateway: own_key().fault(for_the_gateway(ErrorName::Overloaded))
        .proof(direct(&[Status(200)])).proof(through(&[Status(529), Header("request-id", "req_")]))
        .failing(Code::UpstreamOverloaded);
    claude_fails: Case::new(haproxy("", "")).fault(always(ErrorName::Internal))
        .proof(through(&[Status(500), BodyHas("api_error")]))
        .failing_everywhere(Code::UpstreamError);
    claude_times_out: Case::new(nginx("")).fault(always(ErrorName::Timeout))
        .proof(through(&[Status(504), BodyHas("timeout_error")]))
        .failing_everywhere(Code::UpstreamError);
    claudes_edge_fails: Case::new(nginx("")).fault(Rule::always(Fault::Edge(Page::Error520)))
        .proof(through(&[Status(520), BodyHas("api.anthropic.com")]))
        .failing_everywhere(Code::UpstreamError);
    claudes_edge_challenges: Case::new(haproxy("", "")).fault(Rule::always(Fault::Edge(Page::Challenge)))
        .proof(through(&[Status(403), BodyHas("Just a moment")]))
        .failing_everywhere(Code::EdgeBlocked);
    the_model_is_unknown: Case::new(nginx("")).fault(always(ErrorName::ModelNotFound))
        .proof(through(&[Status(404), BodyHas("model:")]))
        .failing_everywhere(Code::ModelNotFound);

    the_request_names_a_beta_that_does_not_exist: Case::new(nginx("")).request(", betas: [no-such-beta-2099-01-01]")
        .proof(through(&[Status(400), BodyHas("Unexpected value(s)")]).with("anthropic-beta: no-such-beta-2099-01-01"))
        .failing_everywhere(Code::RequestInvalid);
    the_model_is_not_for_the_gateways_key: Case::new(haproxy("http-request set-header x-api-key {other}", ""))
        .gateway(", expectAccount: Any").fault(for_the_gateway(ErrorName::ModelNotFound))
        .proof(through(&[Status(404), BodyHas("model:")]))
        .failing(Code::ModelNotFound);
}
