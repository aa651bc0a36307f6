//! Correct set-ups, also unusual ones: no finding is allowed.

use claudeprobe::standin::{Fault, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{Arrives, ArrivesNot, Begins, Calls, Complete, Header, Lasts, NoHeader, ReadsAtLeast, Status};
use crate::proof::{direct, through};
use crate::stage::OTHER_KEY;

/// What ingress-nginx renders for a Service, with buffering off.
const INGRESS: &str = "proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Scheme $scheme; proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for; proxy_set_header Proxy \"\";
    proxy_set_header Connection \"\"; client_max_body_size 1m; proxy_next_upstream error timeout; proxy_next_upstream_tries 3;";
/// What a mesh's sidecar adds in both directions.
const MESH: Envoy = Envoy {
    manager: "          server_name: istio-envoy
          generate_request_id: true
          forward_client_cert_details: SANITIZE_SET
          use_remote_address: true",
    beside: r#"request_headers_to_add: [{header: {key: x-envoy-decorator-operation, value: "claude.ai.svc.cluster.local:443/*"}}, {header: {key: x-b3-sampled, value: "0"}}], response_headers_to_add: [{header: {key: x-envoy-peer-metadata-id, value: "sidecar~10.0.0.1~edge.ai~ai.svc.cluster.local"}}]"#,
    ..Envoy::PLAIN
};
const COMPRESSES: Envoy = Envoy {
    filters: &[
        r#"{name: gzip, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor, response_direction_config: {common_config: {min_content_length: 1, content_type: ["application/json"]}}, compressor_library: {name: gzip, typed_config: {"@type": type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip}}}}"#,
    ],
    ..Envoy::PLAIN
};
const ACCELERATOR: &str = "http_port {listen} accel defaultsite=api.anthropic.test no-vhost
cache_peer {claude_ip} parent {claude_port} 0 no-query originserver name=claude
cache_peer_access claude allow all
never_direct allow all
http_access allow all";
const FORWARD_PROXY: &str = "http_port {listen}
http_access allow all";

/// The first stream for this key is odd.
fn odd_stream(fault: Fault, key: &str) -> Rule {
    Rule {
        stream: Some(true),
        ..Rule::once(fault).for_key(key)
    }
}

cases! {
    plain_nginx: Case::new(nginx(""))
        .proof(through(&[Status(200), Complete(true)])).healthy();
    plain_nginx_for_bearer_clients: Case::new(nginx("")).bearer().request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(200)]).with("anthropic-version: 2026-10-21")).healthy();
    plain_nginx_without_stream: Case::new(nginx("")).whole()
        .proof(through(&[Status(200)]).whole()).healthy();
    nginx_as_the_ingress_controller_renders_it: Case::new(nginx(INGRESS)).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    nginx_over_https: Case::new(nginx("").https(Certificate::Good)).pace(60)
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Status(200), ReadsAtLeast(10)])).healthy();
    nginx_over_https_on_both_sides: Case::new(nginx(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name api.anthropic.test; proxy_ssl_server_name on;").https(Certificate::Good))
        .claude_https().direct(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Status(200), Complete(true)])).healthy();
    nginx_http_1_0_with_buffering_off: Case::new(nginx_server(
            "location / { proxy_buffering off; proxy_pass {claude_url}; }")).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    nginx_passes_streams_on_where_the_frozen_request_is_none: Case::new(nginx_server(
            "large_client_header_buffers 8 64k; client_max_body_size 8m; location / { proxy_buffering off; proxy_pass {claude_url}; }"))
        .pace(60).whole().deep()
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    one_odd_pair_of_streams_of_the_other_form_says_nothing: Case::new(nginx_server(
            "large_client_header_buffers 8 64k; client_max_body_size 8m; location / { proxy_http_version 1.1; proxy_buffering off; proxy_set_header x-api-key {other}; proxy_pass {claude_url}; }"))
        .gateway(", expectAccount: Any").pace(60).whole().deep()
        .fault(odd_stream(Fault::Pace { ms: 150 }, TEST_KEY))
        .fault(odd_stream(Fault::Pace { ms: 0 }, OTHER_KEY))
        .fault(odd_stream(Fault::Delay { ms: 2500 }, OTHER_KEY))
        .proof(direct(&[Status(200), Lasts(3000, 9000), ReadsAtLeast(10)]))
        .proof(through(&[Status(200), Begins(2300, 9000), Lasts(2300, 9000), Complete(true)])).healthy();
    nginx_buffers_but_nothing_flows_long_enough_to_tell: Case::new(nginx_server(
            "location / { proxy_pass {claude_url}; }"))
        .proof(through(&[Status(200), Complete(true)])).healthy();
    nginx_injects_the_key_on_purpose: Case::new(nginx("proxy_set_header x-api-key {key};"))
        .gateway(", credential: {none: {}}, expectAccount: Same")
        .proof(through(&[Status(200), Arrives("x-api-key", TEST_KEY)]).key(None)).healthy();
    nginx_swaps_a_client_key_of_its_own: Case::new(nginx("if ($http_x_api_key != vk-team-a) { return 401; } proxy_set_header x-api-key {key};"))
        .gateway(", credential: {secretKeyRef: {name: virtual, key: key}}").secret("virtual", "vk-team-a")
        .proof(through(&[Status(401), NoHeader("request-id")]))
        .proof(through(&[Status(200), Arrives("x-api-key", TEST_KEY)]).key(Some("x-api-key: vk-team-a"))).healthy();
    the_gateways_account_is_another_one_and_may_be: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .gateway(", expectAccount: Any")
        .proof(through(&[Status(200), Header("anthropic-organization-id", "0d9fbd3c")])).healthy();
    nginx_adds_headers_of_all_kinds: Case::new(nginx(
            "add_header X-Cache MISS; add_header Via '1.1 corp'; add_header X-Request-Id $request_id; add_header Server-Timing gw; add_header X-Powered-By gw; add_header X-Envoy-Upstream-Service-Time 3; add_header Strict-Transport-Security max-age=1;"))
        .proof(through(&[Status(200), Header("via", "corp")])).healthy();
    nginx_adds_a_header_to_requests: Case::new(nginx("proxy_set_header X-Team ai; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header User-Agent gateway/1;"))
        .proof(through(&[Status(200), Arrives("x-team", "ai")])).healthy();
    nginx_compresses_and_flushes: Case::new(nginx("gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;")).pace(60)
        .proof(through(&[Status(200), Header("content-encoding", "gzip"), ReadsAtLeast(10)]).with("accept-encoding: gzip")).healthy();
    plain_haproxy_leaves_no_mark: Case::new(haproxy("", "")).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(4), NoHeader("via"), Complete(true)])).healthy();
    haproxy_over_https: Case::new(haproxy("option forwardfor", "").https(Certificate::Good))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}").bearer().whole()
        .proof(through(&[Status(200)]).whole()).healthy();
    haproxy_compresses: Case::new(haproxy("", "compression algo gzip\n    compression type text/event-stream application/json")).pace(60)
        .proof(through(&[Status(200), Header("content-encoding", "gzip"), ReadsAtLeast(4)]).with("accept-encoding: gzip")).healthy();
    haproxy_in_front_of_nginx: Case::new(nginx(INGRESS)).behind(Front::Haproxy {
            defaults: String::new(), frontend: "option forwardfor".into(), backend: "server nginx {gateway_address}".into(), tls: None })
        .proof(through(&[Status(200), Complete(true)])).healthy();
    plain_envoy: Case::new(Front::Envoy(Envoy::PLAIN)).pace(60)
        .proof(through(&[Status(200), Header("server", "envoy"), ReadsAtLeast(10)])).healthy();
    envoy_with_the_headers_of_a_mesh: Case::new(Front::Envoy(MESH))
        .proof(through(&[Status(200), Header("server", "istio-envoy"), Header("x-envoy-peer-metadata-id", "sidecar")])).healthy();
    envoy_over_https: Case::new(Front::Envoy(Envoy { tls: Some(Certificate::Good), ..Envoy::PLAIN }))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}").bearer()
        .proof(through(&[Status(200)])).healthy();
    envoy_compresses_messages: Case::new(Front::Envoy(COMPRESSES)).whole()
        .proof(through(&[Status(200), Header("content-encoding", "gzip")]).whole().with("accept-encoding: gzip")).healthy();
    squid_as_accelerator: Case::new(Front::Squid(ACCELERATOR.into()))
        .proof(through(&[Status(200), Header("via", "squid"), Complete(true)])).healthy();
    squid_as_forward_proxy_of_the_gateways_path: Case::new(Front::Squid(FORWARD_PROXY.into()))
        .claude_https().gateway_url("{claude_url}").direct(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .gateway(", proxy: {url: 'http://{gateway_address}'}, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Status(200)]).tunnel("{gateway_address}")).healthy();

    a_slow_model: Case::new(nginx("")).first_byte(1500)
        .proof(direct(&[Status(200), Begins(1400, 8000)])).proof(through(&[Status(200), Begins(1400, 8000)])).healthy();
    a_model_that_pauses: Case::new(haproxy("", ""))
        .fault(Rule::always(Fault::Silence { after_events: 6, ms: 1500, ping_every_ms: Some(500) }))
        .proof(direct(&[Status(200), Lasts(1400, 8000)])).proof(through(&[Status(200), Complete(true)])).healthy();
    a_model_whose_speed_varies: Case::new(nginx("")).pace(20)
        .fault(Rule { skip: 1, ..Rule::always(Fault::Delay { ms: 400 }) })
        .fault(Rule { skip: 2, ..Rule::always(Fault::Pace { ms: 5 }) })
        .proof(through(&[Status(200)])).healthy();
    one_odd_pair_of_streams_says_nothing: Case::new(nginx("proxy_set_header x-api-key {other};")).gateway(", expectAccount: Any").pace(60)
        .fault(Rule::once(Fault::Pace { ms: 150 }).for_key(TEST_KEY))
        .fault(Rule::once(Fault::Pace { ms: 0 }).for_key(OTHER_KEY))
        .fault(Rule::once(Fault::Delay { ms: 2500 }).for_key(OTHER_KEY))
        .proof(direct(&[Status(200), Lasts(3000, 9000), ReadsAtLeast(10)]))
        .proof(through(&[Status(200), Begins(2300, 9000), Lasts(2300, 9000), Complete(true)])).healthy();
    large_chunks: Case::new(nginx("")).tokens_per_delta(40)
        .proof(through(&[Status(200), Complete(true)])).healthy();
    a_model_that_thinks: Case::new(haproxy("", "")).request(", model: claude-haiku-5-5, apiVersion: '2026-10-21'")
        .proof(through(&[Status(200)]).with("anthropic-version: 2026-10-21")
            .body(r#"{"model":"claude-haiku-5-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"."}],"thinking":{"type":"disabled"}}"#.into()))
        .healthy();
    limits_that_are_not_shown: Case::new(nginx("")).account(|key| key.limits.headers = false)
        .proof(through(&[Status(200), NoHeader("anthropic-ratelimit-requests-limit")])).healthy();
    no_direct_path: Case::new(nginx("")).no_direct()
        .proof(through(&[Status(200)])).healthy();
    everything_is_asked_and_nginx_is_set_up_for_it: Case::new(nginx_server(
            "large_client_header_buffers 8 64k; client_max_body_size 32m; location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }"))
        .deep()
        .proof(through(&[Status(200)])).healthy();
    a_header_that_the_gateway_does_not_pass_on: Case::new(nginx("proxy_set_header X-Probe \"\";"))
        .request(", headers: [{name: x-probe, value: one}]")
        .proof(through(&[Status(200), ArrivesNot("x-probe")]).with("x-probe: one")).healthy();

    nginx_caches_other_requests_only: Case::new(nginx(
            "proxy_cache answers; proxy_cache_valid 200 10m; proxy_ignore_headers Cache-Control; add_header X-Cache-Status $upstream_cache_status;")
            .http("proxy_cache_path {own}/cache keys_zone=answers:1m;")).runs(2)
        .proof(through(&[Status(200), NoHeader("x-cache-status"), Calls(1)])).proof(through(&[Status(200), Calls(1)])).healthy();
    nginx_closes_idle_connections: Case::new(nginx("keepalive_timeout 1s;")).spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200)])).healthy();
}

const TEST_KEY: &str = claudeprobe::standin::TEST_KEY;
