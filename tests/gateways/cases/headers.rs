//! What gateways do to the other request headers, to the body, and to Claude's replies.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Rule};

use crate::case::Case;
use crate::envoy::{Envoy, replaces_in_requests};
use crate::front::{Certificate, Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{Arrives, ArrivesNot, ArrivesTimes, Calls, Header, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};

const DROPS_BETA: Envoy = Envoy {
    beside: "request_headers_to_remove: [anthropic-beta]",
    ..Envoy::PLAIN
};
const PINS_VERSION: Envoy = Envoy {
    beside: r#"request_headers_to_add: [{header: {key: anthropic-version, value: "2023-06-01"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]"#,
    ..Envoy::PLAIN
};
const APPENDS_VERSION: Envoy = Envoy {
    beside: r#"request_headers_to_add: [{header: {key: anthropic-version, value: "2023-06-01"}, append_action: APPEND_IF_EXISTS_OR_ADD}]"#,
    ..Envoy::PLAIN
};
/// A filter that adds a sampling parameter to every body, as AI gateways with defaults do.
const ADDS_TEMPERATURE: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'^{', '{\"temperature\":1,', 1"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that keeps the fields it knows and drops the others.
const DROPS_UNKNOWN_FIELDS: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'\"zz_probe_[^,}]*[,]?', ''"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that reads long integers as Lua does, into doubles, and writes them anew.
const READS_DOUBLES: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"':(%d%d%d%d%d%d%d%d%d%d+)', function(digits) return string.format(':%.0f', tonumber(digits)) end"#),
    ],
    ..Envoy::PLAIN
};

/// A filter that asks for another model, as AI gateways with a model map do.
const SUBSTITUTES: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'claude%-haiku%-4%-5', 'claude-sonnet-4-6', 1"#),
    ],
    ..Envoy::PLAIN
};
/// A value that Claude rejects and quotes.
const LONG_INTEGER: &str = r#"{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":[{"type":9007199254740993,"text":"."}]}]}"#;
/// Response headers of Claude on another platform.
const PLATFORM: &str = "http-response del-header request-id
    http-response del-header cf- -m beg
    http-response del-header anthropic- -m beg
    http-response del-header server
    http-response set-header x-amzn-requestid %[uuid()]";
/// A token as interactive logins get it.
const TOKEN: &str =
    "sk-ant-oat01-standin0000000000000000000000000000000000000000000000000000000000000000000000000000000000000AA";
const BEARER_TOKEN: &str = "authorization: Bearer sk-ant-oat01-standin0000000000000000000000000000000000000000000000000000000000000000000000000000000000000AA";

cases! {
    nginx_drops_anthropic_beta: Case::new(nginx("proxy_set_header anthropic-beta \"\";"))
        .proof(direct(&[Status(400), BodyHas("Unexpected value(s)")]).with("anthropic-beta: bogus-2099-01-01"))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    nginx_drops_anthropic_beta_over_https: Case::new(nginx("proxy_set_header anthropic-beta \"\";").https(Certificate::Good))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}").bearer().whole()
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01").whole())
        .degraded(Code::BetaHeaderStripped, "edge");
    haproxy_drops_anthropic_beta: Case::new(haproxy("http-request del-header anthropic-beta", ""))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    envoy_drops_anthropic_beta: Case::new(Front::Envoy(DROPS_BETA))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    nginx_sets_a_beta_that_claude_does_not_know: Case::new(nginx("proxy_set_header anthropic-beta old-beta-2024-01-01;"))
        .proof(through(&[Status(400), BodyHas("old-beta-2024-01-01"), Header("request-id", "req_")]))
        .failing(Code::BetaHeaderInjected);
    haproxy_adds_a_beta_that_claude_does_not_know: Case::new(haproxy("http-request add-header anthropic-beta old-beta-2024-01-01", ""))
        .proof(through(&[Status(400), BodyHas("old-beta-2024-01-01")]))
        .failing(Code::BetaHeaderInjected);

    nginx_pins_the_version: Case::new(nginx("proxy_set_header anthropic-version 2023-06-01;"))
        .proof(direct(&[Status(400), BodyHas("is not a valid version")]).with("anthropic-version: 1999-01-01"))
        .proof(through(&[Status(200), Arrives("anthropic-version", "2023-06-01")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    haproxy_pins_the_version: Case::new(haproxy("http-request set-header anthropic-version 2023-06-01", ""))
        .request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(200), Arrives("anthropic-version", "2023-06-01")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    envoy_pins_the_version: Case::new(Front::Envoy(PINS_VERSION))
        .proof(through(&[Status(200)]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    haproxy_duplicates_the_version: Case::new(haproxy("http-request add-header anthropic-version 2023-06-01", ""))
        .proof(through(&[Status(400), BodyHas("2023-06-01, 2023-06-01"), ArrivesTimes("anthropic-version", 2)]))
        .failing(Code::VersionHeaderRewritten);
    envoy_duplicates_the_version: Case::new(Front::Envoy(APPENDS_VERSION)).whole()
        .proof(through(&[Status(400), BodyHas("2023-06-01, 2023-06-01")]).whole())
        .failing(Code::VersionHeaderRewritten);
    nginx_strips_the_version: Case::new(nginx("proxy_set_header anthropic-version \"\";"))
        .proof(through(&[Status(400), BodyHas("anthropic-version: header is required"), ArrivesNot("anthropic-version")]))
        .failing(Code::VersionHeaderRewritten);
    haproxy_strips_the_version: Case::new(haproxy("http-request del-header anthropic-version", ""))
        .proof(through(&[Status(400), BodyHas("anthropic-version: header is required")]))
        .failing(Code::VersionHeaderRewritten);

    nginx_adds_an_origin: Case::new(nginx("proxy_set_header Origin https://chat.example.com;"))
        .proof(through(&[Status(401), BodyHas("CORS"), Header("request-id", "req_")]))
        .failing(Code::OriginHeaderForwarded);
    haproxy_adds_an_origin: Case::new(haproxy("http-request set-header origin https://chat.example.com", ""))
        .proof(through(&[Status(401), BodyHas("CORS")]))
        .failing(Code::OriginHeaderForwarded);

    envoy_adds_a_sampling_parameter: Case::new(Front::Envoy(ADDS_TEMPERATURE))
        .request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(400), BodyHas("temperature")]).with("anthropic-version: 2026-10-21"))
        .failing(Code::BodyRewritten);
    envoy_drops_fields_that_it_does_not_know: Case::new(Front::Envoy(DROPS_UNKNOWN_FIELDS))
        .proof(direct(&[Status(400), BodyHas("Extra inputs")])
            .body(r#"{"zz_probe_1":1,"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"."}]}"#.into()))
        .proof(through(&[Status(200)])
            .body(r#"{"zz_probe_1":1,"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"."}]}"#.into()))
        .degraded(Code::BodyRewritten, "edge");
    envoy_reads_numbers_as_doubles: Case::new(Front::Envoy(READS_DOUBLES)).deep()
        .proof(direct(&[Status(400), BodyHas("'9007199254740993'")]).body(LONG_INTEGER.into()))
        .proof(through(&[Status(400), BodyHas("'9007199254740992'"), Header("request-id", "req_")]).body(LONG_INTEGER.into()))
        // Envoy's scripts see bodies that its buffer holds.
        .degraded(Code::BodyRewritten, "edge").also(Code::GatewayBodyLimit, "edge");

    nginx_limits_the_body_to_a_megabyte: Case::new(nginx_server(
            "large_client_header_buffers 4 64k; location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .deep()
        .proof(through(&[Status(413), NoHeader("request-id"), Calls(0)]).body(format!("{{{}}}", " ".repeat(2_000_000))))
        .degraded(Code::GatewayBodyLimit, "edge");
    nginx_limits_headers_to_its_default: Case::new(nginx("client_max_body_size 32m;"))
        .deep()
        .proof(through(&[Status(400), BodyHas("Request Header Or Cookie Too Large"), Calls(0)])
            .with(LONG_HEADER))
        .degraded(Code::GatewayHeaderLimit, "edge");
    haproxy_limits_headers_to_its_default: Case::new(haproxy("", ""))
        .deep()
        .proof(through(&[Status(400), Calls(0)]).with(LONG_HEADER))
        .degraded(Code::GatewayHeaderLimit, "edge");

    nginx_replaces_error_pages: Case::new(nginx_server(
            "error_page 500 529 =502 /sorry.html; location = /sorry.html { internal; return 502 '<html>Sorry</html>'; }
             location / { proxy_intercept_errors on; proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)]))
        .proof(through(&[Status(502), BodyHas("Sorry")]))
        .failing_everywhere(Code::UpstreamOverloaded);
    nginx_replaces_the_body_of_an_overload: Case::new(nginx_server(
            "error_page 529 /sorry.html; location = /sorry.html { internal; default_type text/html; return 529 '<html>Sorry</html>'; }
             location / { proxy_intercept_errors on; proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)]))
        .proof(through(&[Status(529), BodyHas("Sorry"), NoHeader("request-id")]))
        .failing_everywhere(Code::UpstreamOverloaded).also(Code::ErrorBodyReplaced, "edge");
    nginx_replaces_the_body_of_a_rate_limit: Case::new(nginx_server(
            "error_page 429 /sorry.html; location = /sorry.html { internal; default_type text/html; return 429 '<html>Sorry</html>'; }
             location / { proxy_intercept_errors on; proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .fault(Rule::always(Fault::Error(ErrorName::RateLimitRequests)))
        .proof(direct(&[Status(429), Header("request-id", "req_")]))
        .proof(through(&[Status(429), BodyHas("Sorry"), NoHeader("request-id")]))
        .failing_everywhere(Code::RateLimited);
    haproxy_changes_the_status_of_a_rate_limit: Case::new(haproxy("", "http-response set-status 503 if { status 429 }"))
        .fault(Rule::always(Fault::Error(ErrorName::RateLimitRequests)))
        .proof(direct(&[Status(429)])).proof(through(&[Status(503), BodyHas("rate_limit_error"), Header("request-id", "req_")]))
        .failing_everywhere(Code::RateLimited).also(Code::StatusRewritten, "edge");
    nginx_drops_the_beta_that_a_token_needs: Case::new(nginx("proxy_set_header anthropic-beta \"\";"))
        .bearer().key(TOKEN).account(|key| key.key = TOKEN.into()).request(", betas: [oauth-2025-04-20]")
        .proof(direct(&[Status(200)]).key(Some(BEARER_TOKEN)).with("anthropic-beta: oauth-2025-04-20"))
        .proof(through(&[Status(401), BodyHas("OAuth authentication is currently not supported"), ArrivesNot("anthropic-beta")])
            .key(Some(BEARER_TOKEN)).with("anthropic-beta: oauth-2025-04-20"))
        .failing(Code::BetaHeaderStripped).rows(&["oauth-beta-lost", "beta-stripped"]);
    envoy_asks_for_another_model: Case::new(Front::Envoy(SUBSTITUTES))
        .proof(through(&[Status(200), BodyHas("claude-sonnet-4-6")]))
        .degraded(Code::ModelSubstituted, "edge");
    nginx_answers_from_its_cache: Case::new(nginx_server(
            "location / { proxy_pass {claude_url}; proxy_cache answers; proxy_cache_methods POST; proxy_cache_key $request_uri$request_body; proxy_cache_valid 200 10m;
             client_body_buffer_size 64k; proxy_ignore_headers Cache-Control Vary; add_header X-Cache-Status $upstream_cache_status; }")
            .http("proxy_cache_path {own}/cache keys_zone=answers:1m;"))
        .runs(2)
        .proof(through(&[Status(200), Header("x-cache-status", "MISS"), Calls(1)]))
        .proof(through(&[Status(200), Header("x-cache-status", "HIT"), Calls(0)]))
        .degraded(Code::ResponseCached, "edge");
    haproxy_leads_to_another_platform: Case::new(haproxy("", PLATFORM))
        .proof(through(&[Status(200), Header("x-amzn-requestid", ""), NoHeader("request-id")]))
        .healthy().also(Code::DifferentBackend, "edge");
    haproxy_leads_to_another_platform_as_declared: Case::new(haproxy("", PLATFORM)).gateway(", upstream: Bedrock")
        .proof(through(&[Status(200), Header("x-amzn-requestid", ""), NoHeader("request-id")]))
        .healthy();
    nginx_leads_to_vertex: Case::new(nginx(
            "proxy_hide_header request-id; proxy_hide_header cf-ray; proxy_hide_header anthropic-organization-id; proxy_hide_header anthropic-workspace-id;
             add_header x-goog-request-id $request_id always;")).gateway(", upstream: Vertex").account(|key| key.limits.headers = false)
        .proof(through(&[Status(200), Header("x-goog-request-id", ""), NoHeader("request-id")]))
        .healthy();
    nginx_hides_request_ids_and_limits: Case::new(nginx(
            "proxy_hide_header request-id; proxy_hide_header anthropic-ratelimit-requests-remaining; proxy_hide_header anthropic-ratelimit-requests-limit; proxy_hide_header anthropic-ratelimit-tokens-remaining; proxy_hide_header anthropic-organization-id;"))
        .proof(through(&[Status(200), NoHeader("request-id")]))
        .degraded(Code::ResponseHeadersRewritten, "edge");
    haproxy_hides_request_ids_and_limits: Case::new(haproxy("", "http-response del-header request-id\n    http-response del-header anthropic-ratelimit- -m beg"))
        .proof(through(&[Status(200), NoHeader("request-id"), NoHeader("anthropic-ratelimit-requests-limit")]))
        .degraded(Code::ResponseHeadersRewritten, "edge");

    the_gateways_key_belongs_to_another_organisation: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .proof(through(&[Status(200), Header("anthropic-organization-id", "0d9fbd3c")]))
        .degraded(Code::DifferentAccount, "edge");
}

/// 40 kB.
const LONG_HEADER: &str = include_str!("long-header.txt");
