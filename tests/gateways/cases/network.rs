//! Unreachable hops: from the gateway to Claude, from the prober to the gateway, from the prober to Claude.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{Fault, Page, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, haproxy_to, nginx, nginx_server};
use crate::proof::Observation::{Calls, Ends, Header, Lasts, NoHeader, BodyHas, Status, Unreachable};
use crate::proof::{direct, through};
use crate::stage::OTHER_KEY;
use crate::wire::End;

const TLS: &str = ", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}";
const REFUSED: Envoy = Envoy {
    upstream: ("{closed_ip}", "{closed_port}"),
    ..Envoy::PLAIN
};
const DROPPED: Envoy = Envoy {
    upstream: ("{blackhole_ip}", "{blackhole_port}"),
    ..Envoy::PLAIN
};
const UNKNOWN: Envoy = Envoy {
    cluster: r#"type: STRICT_DNS, dns_resolvers: [{socket_address: {address: "127.0.0.1", port_value: 9}}]"#,
    upstream: ("api.anthropic.invalid", "443"),
    ..Envoy::PLAIN
};
/// TLS to Claude with the public roots only, which did not sign its certificate here.
const MISTRUSTS: Envoy = Envoy {
    cluster: r#"type: STATIC, transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: api.anthropic.test, common_tls_context: {validation_context: {trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}}}}}"#,
    ..Envoy::PLAIN
};
const BUMPS: &str =
    "http_port {listen} ssl-bump cert={dir}/inspector.pem generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s {own}/certificates -M 4MB
tls_outgoing_options cafile={dir}/ca.pem
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
http_access allow all";
/// The same, and the name is Claude's own.
const INSPECTS_CLAUDE: &str =
    "http_port {listen} ssl-bump cert={dir}/inspector.pem generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s {own}/certificates -M 4MB
tls_outgoing_options cafile={dir}/ca.pem
hosts_file {dir}/hosts
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
http_access allow all";
/// Resolves the name for each request, by a server that has no names.
const LOOKS_UP: Envoy = Envoy {
    filters: &[
        r#"{name: dfp, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig, dns_cache_config: {name: names, dns_lookup_family: V4_ONLY, typed_dns_resolver_config: {name: envoy.network.dns_resolver.cares, typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{socket_address: {address: "{names_ip}", port_value: {names_port}}}]}}}}}"#,
    ],
    beside: r#"typed_per_filter_config: {dfp: {"@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig, host_rewrite_literal: api.anthropic.invalid}}"#,
    cluster: r#"lb_policy: CLUSTER_PROVIDED, cluster_type: {name: envoy.clusters.dynamic_forward_proxy, typed_config: {"@type": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig, dns_cache_config: {name: names, dns_lookup_family: V4_ONLY, typed_dns_resolver_config: {name: envoy.network.dns_resolver.cares, typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{socket_address: {address: "{names_ip}", port_value: {names_port}}}]}}}}}"#,
    ..Envoy::PLAIN
};
/// An accelerator that speaks TLS to Claude with the public roots only.
const SQUID_MISTRUSTS: &str = "http_port {listen} accel defaultsite=api.anthropic.test no-vhost
cache_peer {claude_ip} parent {claude_port} 0 no-query originserver tls name=claude
cache_peer_access claude allow all
never_direct allow all
http_access allow all";
const SQUID_REFUSED: &str = "http_port {listen} accel defaultsite=api.anthropic.test no-vhost
cache_peer {closed_ip} parent {closed_port} 0 no-query originserver name=claude
cache_peer_access claude allow all
never_direct allow all
http_access allow all";
const DENIES: &str = "http_port {listen}
http_access deny all";
const ASKS: &str = "http_port {listen}
auth_param basic program /bin/false
auth_param basic realm corp
acl people proxy_auth REQUIRED
http_access allow people
http_access deny all";

/// nginx answers 502 alike for a refusal, a missing name, failed TLS and an early close.
const BARE_502: &str = "nginx answers a bare 502 whatever kept it from its upstream";
/// HAProxy answers 503 alike for a refusal, dropped packets, failed TLS, a full queue and a missing route.
const NO_SERVER: &str = "HAProxy answers “No server is available” whatever kept it from its upstream";

cases! {
    nginx_is_refused_by_its_upstream: Case::new(nginx_server("location / { proxy_pass http://{closed}; }"))
        .proof(direct(&[Status(200)]))
        .proof(through(&[Status(502), NoHeader("request-id")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamUnreachable, BARE_502);
    haproxy_is_refused_by_its_upstream: Case::new(haproxy_to("{closed}"))
        .proof(through(&[Status(503), BodyHas("No server is available")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamUnreachable, NO_SERVER);
    envoy_is_refused_by_its_upstream: Case::new(Front::Envoy(REFUSED))
        .proof(through(&[Status(503), BodyHas("remote connection failure")]))
        .failing(Code::UpstreamUnreachable);
    nginx_gets_no_answer_to_its_syn: Case::new(nginx_server("location / { proxy_connect_timeout 1s; proxy_pass http://{blackhole}; }"))
        .proof(through(&[Status(504), Lasts(900, 7900)]))
        .failing(Code::UpstreamConnectTimeout);
    haproxy_gets_no_answer_to_its_syn: Case::new(Front::Haproxy {
            defaults: "timeout connect 1s".into(), frontend: String::new(), backend: "server claude {blackhole}".into(), tls: None })
        .proof(through(&[Status(503), Lasts(900, 7900)]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamConnectTimeout, NO_SERVER);
    envoy_gets_no_answer_to_its_syn: Case::new(Front::Envoy(DROPPED))
        .proof(through(&[Status(503), BodyHas("connection timeout"), Lasts(900, 7900)]))
        .failing(Code::UpstreamConnectTimeout);
    nginx_cannot_resolve_its_upstream: Case::new(nginx_server(
            "resolver {names} ipv6=off; resolver_timeout 2s; set $claude http://api.anthropic.invalid; location / { proxy_pass $claude; }"))
        .proof(through(&[Status(502), NoHeader("request-id")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamDnsFailure, BARE_502);
    envoy_cannot_resolve_its_upstream: Case::new(Front::Envoy(UNKNOWN))
        .proof(through(&[Status(503), BodyHas("no healthy upstream")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamDnsFailure, "Envoy says “no healthy upstream” of failed health checks, too");
    nginx_checks_another_name_than_claudes: Case::new(nginx(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name elsewhere.test;"))
        .claude_https().direct(TLS)
        .proof(direct(&[Status(200)])).proof(through(&[Status(502)]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamTlsFailure, BARE_502);
    envoy_does_not_trust_claudes_certificate: Case::new(Front::Envoy(MISTRUSTS))
        .claude_https().direct(TLS)
        .proof(through(&[Status(503), BodyHas("remote connection failure")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamTlsFailure, "Envoy says “remote connection failure” of a refusal, too");
    claude_closes_before_it_answers_the_gateway: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .gateway(", expectAccount: Any").fault(Rule::always(Fault::Close(claudeprobe::standin::Ending::Fin)).for_key(OTHER_KEY))
        .proof(through(&[Status(502), Calls(1)]))
        .failing(Code::GatewayUnavailable);

    envoy_looks_its_upstream_up_and_finds_nothing: Case::new(Front::Envoy(LOOKS_UP))
        .proof(through(&[Status(503), BodyHas("DNS resolution failure")]))
        .failing(Code::UpstreamDnsFailure);
    squid_does_not_trust_claudes_certificate: Case::new(Front::Squid(SQUID_MISTRUSTS.into())).claude_https().direct(TLS)
        .proof(through(&[Status(503), Header("x-squid-error", "ERR_SECURE_CONNECT_FAIL")]))
        .failing(Code::UpstreamTlsFailure);
    squid_is_refused_by_its_upstream: Case::new(Front::Squid(SQUID_REFUSED.into()))
        .proof(through(&[Status(502), Header("x-squid-error", "ERR_READ_ERROR")]))
        .failing(Code::GatewayUnavailable).really(Code::UpstreamUnreachable, "Squid says ERR_READ_ERROR of a refusal, dropped packets and a missing name alike");
    nginx_resets_the_connection: Case::new(nginx_server("reset_timedout_connection on; location / { return 444; }"))
        .proof(through(&[Ends(End::Reset), Calls(0)]))
        .failing(Code::ConnectionReset);
    haproxy_closes_the_connection: Case::new(haproxy("http-request reject", ""))
        .proof(through(&[Ends(End::Fin), Calls(0)]))
        .failing(Code::GatewayConnectFailed);
    no_path_connects_and_the_key_is_a_placeholder: Case::new(Front::NoServer).gateway_url("http://{closed}").direct_url("http://{closed}")
        .key("changeme")
        .proof(through(&[Unreachable("refused")])).proof(direct(&[Unreachable("refused")]))
        .failing(Code::GatewayConnectFailed).also(Code::DirectPathUnreachable, "direct").also(Code::CredentialMalformed, "edge");

    claude_never_answers_through_nginx: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .gateway(", expectAccount: Any").fault(Rule::always(Fault::Hang).for_key(OTHER_KEY)).time(9)
        .proof(through(&[Ends(End::Silence), Calls(1)]))
        .failing(Code::NoReply);
    haproxy_drops_the_request_silently: Case::new(haproxy("http-request silent-drop", "")).time(9)
        .proof(through(&[Ends(End::Silence), Calls(0)]))
        .failing(Code::NoReply);

    the_gateway_is_down: Case::new(Front::NoServer).gateway_url("http://{closed}")
        .proof(through(&[Unreachable("refused")]))
        .failing(Code::GatewayConnectFailed);
    the_gateway_drops_packets: Case::new(Front::NoServer).gateway_url("http://{blackhole}").time(12)
        .proof(through(&[Unreachable("no answer to SYN")]))
        .failing(Code::GatewayConnectFailed);
    the_gateways_name_does_not_exist: Case::new(Front::NoServer).gateway_url("http://ai-gateway.gateways.invalid:8080")
        .proof(through(&[Unreachable("no address")]))
        .failing(Code::GatewayDnsFailure);
    the_gateways_ca_is_not_declared: Case::new(nginx("").https(Certificate::Good))
        .proof(through(&[Status(200)]))
        .failing(Code::GatewayTlsFailure);
    haproxys_ca_is_not_declared: Case::new(haproxy("", "").https(Certificate::Good)).bearer()
        .proof(through(&[Status(200)]))
        .failing(Code::GatewayTlsFailure);
    the_gateways_certificate_is_for_another_name: Case::new(nginx("").https(Certificate::WrongName)).gateway(TLS)
        .proof(through(&[Unreachable("certificate not valid for name")]))
        .failing(Code::GatewayTlsFailure);
    the_gateways_certificate_has_expired: Case::new(haproxy("", "").https(Certificate::Expired)).gateway(TLS)
        .proof(through(&[Unreachable("expired")]))
        .failing(Code::GatewayTlsFailure);
    the_gateway_speaks_no_tls: Case::new(nginx("")).gateway_url("https://{gateway_address}").gateway(TLS)
        .proof(through(&[Unreachable("")]))
        .failing(Code::GatewayTlsFailure);
    haproxy_asks_for_a_client_certificate: Case::new(haproxy(
            "bind {listen} ssl crt {own}/server.pem verify required ca-file {dir}/ca.pem", "").https(Certificate::Good))
        .gateway(TLS)
        .proof(through(&[Calls(0)]))
        .failing(Code::ClientCertificateRequired);
    the_gateways_certificate_ends_soon: Case::new(nginx("").https(Certificate::Expiring)).gateway(TLS)
        .proof(through(&[Status(200)]))
        .degraded(Code::CertificateExpiring, "edge");
    haproxys_clock_is_wrong: Case::new(haproxy("", "http-response set-header date \"Thu, 01 Jan 1998 00:00:00 GMT\""))
        .proof(through(&[Status(200), Header("date", "1998")]))
        .degraded(Code::ClockSkew, "edge");
    the_gateway_asks_for_a_client_certificate: Case::new(nginx_server(
            "ssl_client_certificate {dir}/ca.pem; ssl_verify_client on; location / { proxy_pass {claude_url}; }").https(Certificate::Good))
        .gateway(TLS)
        .proof(through(&[Status(400), BodyHas("No required SSL certificate was sent")]))
        .failing(Code::ClientCertificateRequired);

    squid_refuses_the_tunnel: Case::new(Front::Squid(DENIES.into())).claude_https().direct(TLS).gateway_url("{claude_url}")
        .gateway(", proxy: {url: 'http://{gateway_address}'}, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Unreachable("403")]).tunnel("{gateway_address}"))
        .failing(Code::ForwardProxyRefused);
    squid_asks_for_a_password: Case::new(Front::Squid(ASKS.into())).claude_https().direct(TLS).gateway_url("{claude_url}")
        .gateway(", proxy: {url: 'http://{gateway_address}'}, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&[Unreachable("407")]).tunnel("{gateway_address}"))
        .failing(Code::ForwardProxyRefused);

    the_direct_path_is_closed: Case::new(nginx("")).direct_url("http://{closed}")
        .proof(direct(&[Unreachable("refused")])).proof(through(&[Status(200)]))
        .degraded(Code::DirectPathUnreachable, "direct");
    the_direct_path_drops_packets: Case::new(haproxy("", "")).direct_url("http://{blackhole}").time(12)
        .proof(direct(&[Unreachable("no answer to SYN")])).proof(through(&[Status(200)]))
        .degraded(Code::DirectPathUnreachable, "direct");
    squid_inspects_the_direct_path: Case::new(Front::Squid(BUMPS.into())).behind(nginx(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name api.anthropic.test;"))
        .claude_https().direct(", proxy: {url: 'http://{squid}'}, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(direct(&[Unreachable("UnknownIssuer")]).tunnel("{squid}")).proof(through(&[Status(200)]))
        .degraded(Code::DirectPathIntercepted, "direct");
    squid_inspects_the_direct_path_and_that_is_declared: Case::new(Front::Squid(INSPECTS_CLAUDE.into())).behind(nginx(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name api.anthropic.test;"))
        .claude_https().direct_url("https://api.anthropic.com:{claude_port}")
        .direct(", proxy: {url: 'http://{squid}'}, tls: {caConfigMapKeyRef: {name: inspector, key: ca.crt}}")
        .proof(direct(&[Unreachable("UnknownIssuer")]).tunnel("{squid}")).proof(through(&[Status(200)]))
        .healthy().also(Code::DirectPathIntercepted, "direct");
    a_declared_inspector_and_an_old_key: Case::new(Front::Squid(INSPECTS_CLAUDE.into())).behind(nginx(
            "proxy_set_header x-api-key {old}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name api.anthropic.test;"))
        .claude_https().direct_url("https://api.anthropic.com:{claude_port}")
        .direct(", proxy: {url: 'http://{squid}'}, tls: {caConfigMapKeyRef: {name: inspector, key: ca.crt}}")
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential).also(Code::DirectPathIntercepted, "direct");
    squid_refuses_the_direct_path: Case::new(Front::Squid(DENIES.into())).behind(nginx(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {dir}/ca.pem; proxy_ssl_name api.anthropic.test;"))
        .claude_https().direct(", proxy: {url: 'http://{squid}'}, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(direct(&[Unreachable("403")]).tunnel("{squid}")).proof(through(&[Status(200)]))
        .degraded(Code::ForwardProxyRefused, "direct");
    no_path_reaches_claude: Case::new(nginx_server("location / { proxy_pass http://{closed}; }")).direct_url("http://{closed}")
        .proof(direct(&[Unreachable("refused")])).proof(through(&[Status(502)]))
        .failing_everywhere(Code::EgressDown)
        .also(Code::DirectPathUnreachable, "direct").also(Code::GatewayUnavailable, "edge");
    no_path_reaches_claude_and_envoy_says_so: Case::new(Front::Envoy(DROPPED)).direct_url("http://{closed}")
        .proof(through(&[Status(503)]))
        .failing_everywhere(Code::EgressDown)
        .also(Code::DirectPathUnreachable, "direct").also(Code::UpstreamConnectTimeout, "edge");

    claudes_edge_refuses_the_gateways_address: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .gateway(", expectAccount: Any").fault(Rule::always(Fault::Edge(Page::Forbidden)).for_key(OTHER_KEY))
        .proof(direct(&[Status(200)]))
        .proof(through(&[Status(403), BodyHas("Request not allowed"), Header("cf-ray", "")]))
        .failing(Code::EgressAddressRefused);
    claudes_edge_refuses_every_address: Case::new(haproxy("", ""))
        .fault(Rule::always(Fault::Edge(Page::Forbidden)))
        .proof(through(&[Status(403), BodyHas("Request not allowed")]))
        .failing_everywhere(Code::EgressAddressRefused);
}
