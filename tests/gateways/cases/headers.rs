//! What becomes of the other request headers, of the body, and of Claude's replies.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Rule};

use crate::case::Case;
use crate::front::{Certificate, Envoy, Front, haproxy, nginx, nginx_server};
use crate::look::Sight::{Arrives, ArrivesNot, ArrivesTimes, Calls, Header, NoHeader, Says, Status};
use crate::look::{direct, through};

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
        r#"{name: lua, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: {inline_string: "function envoy_on_request(handle)\n local body = handle:body()\n local text = body:getBytes(0, body:length())\n local changed = string.gsub(text, '^{', '{\"temperature\":1,', 1)\n handle:headers():replace('content-length', body:setBytes(changed))\nend"}}}"#,
    ],
    ..Envoy::PLAIN
};
/// A filter that keeps the fields it knows and drops the others.
const DROPS_UNKNOWN_FIELDS: Envoy = Envoy {
    filters: &[
        r#"{name: lua, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: {inline_string: "function envoy_on_request(handle)\n local body = handle:body()\n local text = body:getBytes(0, body:length())\n local changed = string.gsub(text, '\"zz_probe_[^,}]*[,]?', '')\n handle:headers():replace('content-length', body:setBytes(changed))\nend"}}}"#,
    ],
    ..Envoy::PLAIN
};

cases! {
    nginx_drops_anthropic_beta: Case::new(nginx("proxy_set_header anthropic-beta \"\";"))
        .look(direct(&[Status(400), Says("Unexpected value(s)")]).with("anthropic-beta: bogus-2099-01-01"))
        .look(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    nginx_drops_anthropic_beta_over_https: Case::new(nginx("proxy_set_header anthropic-beta \"\";").https(Certificate::Good))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}").bearer().whole()
        .look(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01").whole())
        .degraded(Code::BetaHeaderStripped, "edge");
    haproxy_drops_anthropic_beta: Case::new(haproxy("http-request del-header anthropic-beta", ""))
        .look(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    envoy_drops_anthropic_beta: Case::new(Front::Envoy(DROPS_BETA))
        .look(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    nginx_sets_a_beta_that_claude_does_not_know: Case::new(nginx("proxy_set_header anthropic-beta old-beta-2024-01-01;"))
        .look(through(&[Status(400), Says("old-beta-2024-01-01"), Header("request-id", "req_")]))
        .failing(Code::BetaHeaderInjected);
    haproxy_adds_a_beta_that_claude_does_not_know: Case::new(haproxy("http-request add-header anthropic-beta old-beta-2024-01-01", ""))
        .look(through(&[Status(400), Says("old-beta-2024-01-01")]))
        .failing(Code::BetaHeaderInjected);

    nginx_pins_the_version: Case::new(nginx("proxy_set_header anthropic-version 2023-06-01;"))
        .look(direct(&[Status(400), Says("is not a valid version")]).with("anthropic-version: 1999-01-01"))
        .look(through(&[Status(200), Arrives("anthropic-version", "2023-06-01")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    haproxy_pins_the_version: Case::new(haproxy("http-request set-header anthropic-version 2023-06-01", ""))
        .request(", apiVersion: '2026-10-21'")
        .look(through(&[Status(200), Arrives("anthropic-version", "2023-06-01")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    envoy_pins_the_version: Case::new(Front::Envoy(PINS_VERSION))
        .look(through(&[Status(200)]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::VersionHeaderRewritten, "edge");
    haproxy_duplicates_the_version: Case::new(haproxy("http-request add-header anthropic-version 2023-06-01", ""))
        .look(through(&[Status(400), Says("2023-06-01, 2023-06-01"), ArrivesTimes("anthropic-version", 2)]))
        .failing(Code::VersionHeaderRewritten);
    envoy_duplicates_the_version: Case::new(Front::Envoy(APPENDS_VERSION)).whole()
        .look(through(&[Status(400), Says("2023-06-01, 2023-06-01")]).whole())
        .failing(Code::VersionHeaderRewritten);
    nginx_strips_the_version: Case::new(nginx("proxy_set_header anthropic-version \"\";"))
        .look(through(&[Status(400), Says("anthropic-version: header is required"), ArrivesNot("anthropic-version")]))
        .failing(Code::VersionHeaderRewritten);
    haproxy_strips_the_version: Case::new(haproxy("http-request del-header anthropic-version", ""))
        .look(through(&[Status(400), Says("anthropic-version: header is required")]))
        .failing(Code::VersionHeaderRewritten);

    nginx_adds_an_origin: Case::new(nginx("proxy_set_header Origin https://chat.example.com;"))
        .look(through(&[Status(401), Says("CORS"), Header("request-id", "req_")]))
        .failing(Code::OriginHeaderForwarded);
    haproxy_adds_an_origin: Case::new(haproxy("http-request set-header origin https://chat.example.com", ""))
        .look(through(&[Status(401), Says("CORS")]))
        .failing(Code::OriginHeaderForwarded);

    envoy_adds_a_sampling_parameter: Case::new(Front::Envoy(ADDS_TEMPERATURE))
        .request(", apiVersion: '2026-10-21'")
        .look(through(&[Status(400), Says("temperature")]).with("anthropic-version: 2026-10-21"))
        .failing(Code::BodyRewritten);
    envoy_drops_fields_that_it_does_not_know: Case::new(Front::Envoy(DROPS_UNKNOWN_FIELDS))
        .look(direct(&[Status(400), Says("Extra inputs")])
            .body(r#"{"zz_probe_1":1,"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"."}]}"#.into()))
        .look(through(&[Status(200)])
            .body(r#"{"zz_probe_1":1,"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"."}]}"#.into()))
        .degraded(Code::BodyRewritten, "edge");

    nginx_limits_the_body_to_a_megabyte: Case::new(nginx_server(
            "large_client_header_buffers 4 64k; location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .deep()
        .look(through(&[Status(413), NoHeader("request-id"), Calls(0)]).body(format!("{{{}}}", " ".repeat(2_000_000))))
        .degraded(Code::GatewayBodyLimit, "edge");
    nginx_limits_headers_to_its_default: Case::new(nginx("client_max_body_size 32m;"))
        .deep()
        .look(through(&[Status(400), Says("Request Header Or Cookie Too Large"), Calls(0)])
            .with(LONG_HEADER))
        .degraded(Code::GatewayHeaderLimit, "edge");
    haproxy_limits_headers_to_its_default: Case::new(haproxy("", ""))
        .deep()
        .look(through(&[Status(400), Calls(0)]).with(LONG_HEADER))
        .degraded(Code::GatewayHeaderLimit, "edge");

    nginx_replaces_error_pages: Case::new(nginx_server(
            "error_page 500 529 =502 /sorry.html; location = /sorry.html { internal; return 502 '<html>Sorry</html>'; }
             location / { proxy_intercept_errors on; proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .look(direct(&[Status(529)]))
        .look(through(&[Status(502), Says("Sorry")]))
        .failing_everywhere(Code::UpstreamOverloaded);
    nginx_hides_request_ids_and_limits: Case::new(nginx(
            "proxy_hide_header request-id; proxy_hide_header anthropic-ratelimit-requests-remaining; proxy_hide_header anthropic-ratelimit-requests-limit; proxy_hide_header anthropic-ratelimit-tokens-remaining; proxy_hide_header anthropic-organization-id;"))
        .look(through(&[Status(200), NoHeader("request-id")]))
        .degraded(Code::ResponseHeadersRewritten, "edge");
    haproxy_hides_request_ids_and_limits: Case::new(haproxy("", "http-response del-header request-id\n    http-response del-header anthropic-ratelimit- -m beg"))
        .look(through(&[Status(200), NoHeader("request-id"), NoHeader("anthropic-ratelimit-requests-limit")]))
        .degraded(Code::ResponseHeadersRewritten, "edge");

    the_gateways_key_belongs_to_another_organisation: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .look(through(&[Status(200), Header("anthropic-organization-id", "0d9fbd3c")]))
        .degraded(Code::DifferentAccount, "edge");
}

/// 40 kB.
const LONG_HEADER: &str = include_str!("long-header.txt");
