//! Faults that only some tries show, or only an exchange that is off by default.

use claudeprobe::catalogue::Code;

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Front, nginx, nginx_server};
use crate::proof::Observation::{Complete, Ends, Header, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};
use crate::wire::End;

/// nginx takes turns with Claude and with a backend that answers nothing but an error.
fn takes_turns() -> Front {
    nginx_server("location / { proxy_http_version 1.1; proxy_buffering off; proxy_pass http://backends; }").http(
        "client_max_body_size 8m; large_client_header_buffers 8 64k;
  upstream backends { server {claude}; server unix:{own}/broken.sock; }
  server { listen unix:{own}/broken.sock; return 503; }",
    )
}

/// Envoy lets one request through at a time, and one more wait.
const ONE_AT_A_TIME: Envoy = Envoy {
    cluster: "type: STATIC, circuit_breakers: {thresholds: [{max_connections: 1, max_pending_requests: 1}]}",
    ..Envoy::PLAIN
};

/// HAProxy passes bytes on, and closes what rests.
fn closes_idle_connections() -> Front {
    Front::Haproxy {
        defaults: "mode tcp\n    timeout client 1s\n    timeout server 1s".into(),
        frontend: String::new(),
        backend: "server claude {claude}".into(),
        tls: None,
    }
}

/// Envoy passes bytes on as a network load balancer does, and closes what rests.
const CLOSES_IDLE_CONNECTIONS: Envoy = Envoy {
    tcp: "idle_timeout: 1s",
    ..Envoy::PLAIN
};

/// The same with a reset: its sockets do not linger.
const RESETS_IDLE_CONNECTIONS: Envoy = Envoy {
    listener: r#"    socket_options: [{level: 1, name: 13, buf_value: "AQAAAAAAAAA=", state: STATE_LISTENING}]"#,
    ..CLOSES_IDLE_CONNECTIONS
};

cases! {
    nginx_takes_turns_with_a_backend_that_fails: Case::new(takes_turns())
        .proof(direct(&[Status(200)]))
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Status(503), NoHeader("request-id")])).proof(through(&[Status(200)]))
        .failing(Code::GatewayUnavailable);
    nginx_takes_turns_with_a_backend_that_fails_at_other_requests: Case::new(takes_turns()).deep()
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Status(503), NoHeader("request-id")]))
        .degraded(Code::GatewayUnavailable, "edge");
    envoy_lets_one_through_at_a_time: Case::new(Front::Envoy(ONE_AT_A_TIME)).pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)])).proof(direct(&[Status(200)]))
        .degraded(Code::GatewayConcurrencyLimited, "edge");
    haproxy_lets_one_through_at_a_time: Case::new(Front::Haproxy {
            defaults: "timeout queue 200ms".into(), frontend: String::new(), backend: "server claude {claude} maxconn 1".into(), tls: None })
        .pace(40).spec("exchanges: {parallel: 4}")
        .proof(through(&[Status(200)])).proof(direct(&[Status(200)]))
        .degraded(Code::GatewayConcurrencyLimited, "edge");
    haproxy_closes_connections_that_rest_as_it_may: Case::new(closes_idle_connections()).spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Ends(End::Fin)]).again_after(2_000))
        .healthy();
    nginx_closes_connections_that_rest_as_it_may: Case::new(nginx("keepalive_timeout 1s;")).spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Ends(End::Fin)]).again_after(2_000))
        .healthy();
    envoy_closes_connections_that_rest_as_it_may: Case::new(Front::Envoy(CLOSES_IDLE_CONNECTIONS)).spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Ends(End::Fin)]).again_after(2_000))
        .healthy();
    envoy_resets_connections_that_rest: Case::new(Front::Envoy(RESETS_IDLE_CONNECTIONS)).spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Ends(End::Reset)]).again_after(2_000))
        .proof(direct(&[Status(200), Complete(true)]).again_after(2_000))
        .degraded(Code::ConnectionReset, "edge");
    nginx_takes_no_body_of_the_size_that_was_asked_for: Case::new(nginx("client_max_body_size 16k;")).spec("exchanges: {bodyBytes: 65536}")
        .proof(through(&[Status(200)]))
        .proof(through(&[Status(413), NoHeader("request-id")]).body(format!(
            r#"{{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{{"role":"user","content":"{}"}}]}}"#, "a".repeat(60_000))))
        .degraded(Code::GatewayBodyLimit, "edge");
    nginx_takes_no_header_of_the_size_that_was_asked_for: Case::new(nginx("")).spec("exchanges: {headerBytes: 16384}")
        .proof(through(&[Status(200)]).with("x-short: a"))
        .proof(through(&[Status(400), BodyHas("Request Header Or Cookie Too Large"), Header("server", "nginx")]).with(LONG_HEADER))
        .degraded(Code::GatewayHeaderLimit, "edge");
}

/// A header of 16 KiB.
const LONG_HEADER: &str = include_str!("long-header.txt");
