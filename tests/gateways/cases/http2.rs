//! The same over HTTP/2, by TLS and in clear text.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{Ending, ErrorName, Fault, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, nginx_server};
use crate::proof::Observation::{ArrivesNot, Begins, Complete, Ends, Lasts, BodyHas, Status};
use crate::proof::{Proof, direct, through};
use crate::stage::OTHER_KEY;
use crate::wire::End;

/// Fields of a gateway that speaks HTTP/2 by TLS.
const H2: &str = ", httpVersion: Http2, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}";
/// In clear text.
const H2C: &str = ", httpVersion: Http2";
const TLS: Envoy = Envoy {
    tls: Some(Certificate::Good),
    ..Envoy::PLAIN
};

/// nginx over HTTP/2 by TLS with this location.
fn nginx(location: &str) -> Front {
    nginx_server(&format!(
        "listen {{listen}} ssl http2; ssl_certificate {{own}}/server.pem; ssl_certificate_key {{own}}/server.pem;
         location / {{ {location} proxy_pass {{claude_url}}; }}"
    ))
    .https(Certificate::Good)
}

/// HAProxy over HTTP/2 by TLS.
fn haproxy_tls(frontend: &str) -> Front {
    haproxy(
        &format!("bind {{listen}} ssl crt {{own}}/server.pem alpn h2,http/1.1\n    {frontend}"),
        "",
    )
    .https(Certificate::Good)
}

fn seen(observations: &[crate::proof::Observation]) -> Proof {
    through(observations).http2()
}

cases! {
    nginx_over_http2: Case::new(nginx("proxy_http_version 1.1; proxy_buffering off;")).gateway(H2).pace(60)
        .proof(seen(&[Status(200), Complete(true)])).healthy();
    nginx_over_http2_in_clear_text: Case::new(nginx_server(
            "listen {listen} http2; location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass {claude_url}; }")).gateway(H2C).whole()
        .proof(seen(&[Status(200)]).whole()).healthy();
    haproxy_over_http2: Case::new(haproxy_tls("")).gateway(H2).bearer()
        .proof(seen(&[Status(200), Complete(true)])).healthy();
    haproxy_over_http2_in_clear_text: Case::new(haproxy("bind {listen} proto h2", "")).gateway(H2C)
        .proof(seen(&[Status(200), Complete(true)])).healthy();
    envoy_over_http2: Case::new(Front::Envoy(TLS)).gateway(H2).pace(60)
        .proof(seen(&[Status(200), Complete(true)])).healthy();
    envoy_over_http2_in_clear_text: Case::new(Front::Envoy(Envoy::PLAIN)).gateway(H2C).bearer().whole()
        .proof(seen(&[Status(200)]).whole()).healthy();
    http2_where_both_speak_it: Case::new(nginx("proxy_http_version 1.1; proxy_buffering off;"))
        .gateway(", httpVersion: Auto, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(seen(&[Status(200), Complete(true)])).healthy();

    nginx_injects_an_old_key_over_http2: Case::new(nginx("proxy_set_header x-api-key {old};")).gateway(H2)
        .proof(seen(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential);
    haproxy_drops_betas_over_http2: Case::new(haproxy_tls("http-request del-header anthropic-beta")).gateway(H2)
        .proof(seen(&[Status(200), ArrivesNot("anthropic-beta")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::BetaHeaderStripped, "edge");
    envoy_caps_streams_over_http2: Case::new(Front::Envoy(Envoy { route: "timeout: 1s", ..TLS })).gateway(H2).pace(120)
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(seen(&[Status(200), Complete(false), Ends(End::Reset), Lasts(900, 7900)]))
        .failing(Code::StreamDurationCap);
    envoy_cuts_idle_streams_over_http2_in_clear_text: Case::new(Front::Envoy(Envoy { manager: "          stream_idle_timeout: 1s", ..Envoy::PLAIN }))
        .gateway(H2C)
        .fault(Rule::always(Fault::Silence { after_events: 6, ms: 3000, ping_every_ms: None }))
        .proof(seen(&[Status(200), Complete(false), Ends(End::Reset), Lasts(900, 7900)]))
        .failing(Code::StreamIdleTimeout);
    nginx_cuts_idle_streams_over_http2: Case::new(nginx("proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1s;")).gateway(H2)
        .fault(Rule::always(Fault::Silence { after_events: 6, ms: 2500, ping_every_ms: None }))
        .proof(seen(&[Status(200), Complete(false), Ends(End::Reset), Lasts(900, 7900)]))
        .failing(Code::StreamIdleTimeout);
    nginx_buffers_over_http2: Case::new(nginx("")).gateway(H2).pace(70)
        .proof(seen(&[Status(200), Complete(true), Lasts(1000, 8000)]))
        .degraded(Code::StreamBuffered, "edge");
    nginx_does_not_wait_over_http2: Case::new(nginx("proxy_read_timeout 1s;")).gateway(H2).first_byte(2500)
        .proof(direct(&[Status(200), Begins(2300, 8000)])).proof(seen(&[Status(504), Lasts(900, 7900)]))
        .failing(Code::FirstByteTimeout);
    claude_resets_the_gateways_stream_over_http2: Case::new(nginx("proxy_http_version 1.1; proxy_buffering off; proxy_set_header x-api-key {other};"))
        .gateway(", httpVersion: Http2, expectAccount: Any, tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .fault(Rule::always(Fault::Cut { after_events: 8, how: Ending::Reset }).for_key(OTHER_KEY))
        .proof(seen(&[Status(200), Complete(false), Ends(End::Reset)]))
        .failing(Code::StreamCut);
    claude_is_overloaded_over_http2: Case::new(haproxy_tls("")).gateway(H2)
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(seen(&[Status(529), BodyHas("overloaded_error")]))
        .failing_everywhere(Code::UpstreamOverloaded);
    haproxy_asks_for_a_password_over_http2: Case::new(haproxy_tls("http-request auth realm gateway")).gateway(H2)
        .proof(seen(&[Status(401)]).body(String::new()))
        .failing(Code::GatewayAuthRefused);
    envoy_fails_to_connect_over_http2: Case::new(Front::Envoy(Envoy { upstream: ("{closed_ip}", "{closed_port}"), ..TLS })).gateway(H2)
        .proof(seen(&[Status(503), BodyHas("remote connection failure")]).body(String::new()))
        .failing(Code::UpstreamUnreachable);
}
