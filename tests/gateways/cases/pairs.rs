//! Two faults at once: both must be found.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{Arrives, ArrivesNot, Begins, Header, NoHeader, BodyHas, Status, Unreachable};
use crate::proof::{direct, through};

const DROPS_BETA_AND_CAPS: Envoy = Envoy {
    route: "timeout: 1s",
    beside: "request_headers_to_remove: [anthropic-beta]",
    ..Envoy::PLAIN
};

cases! {
    nginx_drops_betas_and_buffers: Case::new(nginx_server("location / { proxy_set_header anthropic-beta \"\"; proxy_pass {claude_url}; }")).pace(70)
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta"), Begins(1000, 9000)]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::StreamBuffered, "edge").also(Code::BetaHeaderStripped, "edge");
    nginx_drops_betas_and_pins_the_version: Case::new(nginx("proxy_set_header anthropic-beta \"\"; proxy_set_header anthropic-version 2023-06-01;"))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta"), Arrives("anthropic-version", "2023-06-01")])
            .with("anthropic-beta: bogus-2099-01-01").with("anthropic-version: 1999-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge").also(Code::VersionHeaderRewritten, "edge");
    haproxy_pins_the_version_and_hides_ids: Case::new(haproxy("http-request set-header anthropic-version 2023-06-01", "http-response del-header request-id"))
        .proof(through(&[Status(200), NoHeader("request-id")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::VersionHeaderRewritten, "edge");
    another_account_and_no_betas: Case::new(haproxy("http-request set-header x-api-key {other}\n    http-request del-header anthropic-beta", ""))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta"), Header("anthropic-organization-id", "0d9fbd3c")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::DifferentAccount, "edge").also(Code::BetaHeaderStripped, "edge");
    envoy_drops_betas_and_caps_streams: Case::new(Front::Envoy(DROPS_BETA_AND_CAPS)).pace(120)
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .failing(Code::StreamDurationCap).also(Code::BetaHeaderStripped, "edge");
    the_direct_path_is_closed_and_nginx_injects_an_old_key: Case::new(nginx("proxy_set_header x-api-key {old};")).direct_url("http://{closed}")
        .proof(through(&[Status(401)]))
        .failing(Code::GatewayStaleCredential).also(Code::DirectPathUnreachable, "direct");
    the_key_has_a_line_end_and_nginx_drops_betas: Case::new(nginx("proxy_set_header anthropic-beta \"\";"))
        .key(format!("{}\n", claudeprobe::standin::TEST_KEY))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .failing_everywhere(Code::CredentialMalformed).also(Code::BetaHeaderStripped, "edge");
    nginx_limits_bodies_and_headers: Case::new(nginx("")).deep()
        .proof(through(&[Status(413)]).body(format!("{{{}}}", " ".repeat(2_000_000))))
        .degraded(Code::GatewayBodyLimit, "edge").also(Code::GatewayHeaderLimit, "edge");
    claude_is_overloaded_directly_and_the_gateway_has_an_old_key: Case::new(nginx("proxy_set_header x-api-key {old};"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)).for_key(claudeprobe::standin::TEST_KEY))
        .proof(direct(&[Status(529)])).proof(through(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential).also(Code::UpstreamOverloaded, "direct");
    the_gateway_refuses_us_and_claude_is_overloaded: Case::new(nginx("auth_basic gateway; auth_basic_user_file {dir}/htpasswd;"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(401), Header("www-authenticate", "Basic")]))
        .failing(Code::GatewayAuthRefused).also(Code::UpstreamOverloaded, "direct");

    haproxy_pins_the_version_for_another_account: Case::new(haproxy(
            "http-request set-header x-api-key {other}\n    http-request set-header anthropic-version 2023-06-01", ""))
        .proof(through(&[Status(200), Header("anthropic-organization-id", "0d9fbd3c")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::DifferentAccount, "edge").also(Code::VersionHeaderRewritten, "edge");
    nginx_buffers_and_hides_request_ids: Case::new(nginx_server("location / { proxy_hide_header request-id; proxy_pass {claude_url}; }")).pace(70)
        .proof(through(&[Status(200), NoHeader("request-id"), Begins(1000, 9000)]))
        .degraded(Code::StreamBuffered, "edge").also(Code::ResponseHeadersRewritten, "edge");
    haproxys_clock_is_wrong_and_it_drops_betas: Case::new(haproxy(
            "http-request del-header anthropic-beta", "http-response set-header date \"Thu, 01 Jan 1998 00:00:00 GMT\""))
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta"), Header("date", "1998")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge").also(Code::ClockSkew, "edge");
    nginx_has_a_certificate_that_ends_soon_and_pins_the_version: Case::new(
            nginx("proxy_set_header anthropic-version 2023-06-01;").https(Certificate::Expiring))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Status(200), Arrives("anthropic-version", "2023-06-01")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::CertificateExpiring, "edge").also(Code::VersionHeaderRewritten, "edge");
    the_direct_path_is_closed_and_the_gateway_denies: Case::new(haproxy("http-request deny", "")).direct_url("http://{closed}")
        .proof(direct(&[Unreachable("refused")])).proof(through(&[Status(403)]))
        .failing(Code::GatewayPolicyDenied).also(Code::DirectPathUnreachable, "direct");
    haproxy_limits_headers_and_drops_betas: Case::new(haproxy("http-request del-header anthropic-beta", "")).deep()
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge").also(Code::GatewayHeaderLimit, "edge");
    nginx_limits_connections_and_drops_betas: Case::new(nginx("proxy_set_header anthropic-beta \"\"; limit_conn clients 1; limit_conn_status 429;")
            .http("limit_conn_zone $binary_remote_addr zone=clients:1m;"))
        .pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge").also(Code::GatewayConcurrencyLimited, "edge");
}
