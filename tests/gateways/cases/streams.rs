//! Streams that a gateway cuts, hides, buffers or collapses. Timers are real and short; Claude's pace keeps clear of them.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{Ending, ErrorName, Fault, Route, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{Begins, Complete, Ends, Header, Lasts, ReadsAtLeast, ReadsAtMost, BodyHas, Status};
use crate::proof::{direct, through};
use crate::stage::OTHER_KEY;
use crate::wire::End;

const TLS: &str = ", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}";
const CAPS_AT_A_SECOND: Envoy = Envoy {
    route: "timeout: 1s",
    ..Envoy::PLAIN
};
const IDLE_AFTER_A_SECOND: Envoy = Envoy {
    manager: "          stream_idle_timeout: 1s",
    ..Envoy::PLAIN
};
const ACCELERATOR: &str = "http_port {listen} accel defaultsite=api.anthropic.test no-vhost
cache_peer {claude_ip} parent {claude_port} 0 no-query originserver name=claude
cache_peer_access claude allow all
never_direct allow all
http_access allow all
read_timeout 2 seconds";

/// Claude falls silent in the middle of a stream and then goes on.
fn pause(ms: u64) -> Rule {
    Rule::always(Fault::Silence {
        after_events: 6,
        ms,
        ping_every_ms: None,
    })
}

/// The long request is due.
const LONG: &str = "exchanges: {longRequest: {every: 1h, minSeconds: 10, maxTokens: 256, timeout: 60s}}";

/// A fault of long requests only: Claude answers the frozen request on both paths before.
fn of_long_requests(rule: Rule) -> Rule {
    Rule { skip: 2, ..rule }.on(Route::Messages)
}

/// Claude needs longer for the first byte of long answers.
fn thinks_long() -> Rule {
    of_long_requests(Rule::always(Fault::Delay { ms: 2500 }))
}

/// Claude's stream breaks off, for the gateway's own key only.
fn cut_for_the_gateway(how: Ending) -> Rule {
    Rule::always(Fault::Cut { after_events: 8, how }).for_key(OTHER_KEY)
}

/// A proxy with HAProxy's idle timer, whatever stands in front of it.
fn idle_haproxy() -> Front {
    Front::Haproxy {
        defaults: "timeout server 2s".into(),
        frontend: String::new(),
        backend: "server claude {claude}".into(),
        tls: None,
    }
}

cases! {
    nginx_cuts_an_idle_stream: Case::new(nginx("proxy_read_timeout 1s;")).fault(pause(2500))
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Ends(End::Fin), Lasts(900, 7900)]))
        .failing(Code::StreamIdleTimeout);
    nginx_cuts_an_idle_stream_over_https: Case::new(nginx("proxy_read_timeout 1s;").https(Certificate::Good)).gateway(TLS)
        .bearer().fault(pause(2500))
        .proof(through(&[Status(200), Complete(false), Lasts(900, 7900)]))
        .failing(Code::StreamIdleTimeout);
    haproxy_cuts_an_idle_stream: Case::new(idle_haproxy()).fault(pause(4500))
        .proof(through(&[Status(200), Complete(false), Ends(End::Fin), Lasts(1700, 7900)]))
        .failing(Code::StreamIdleTimeout);
    envoy_cuts_an_idle_stream: Case::new(Front::Envoy(IDLE_AFTER_A_SECOND)).fault(pause(4000))
        .proof(through(&[Status(200), Complete(false), Lasts(900, 7900)]))
        .failing(Code::StreamIdleTimeout);
    squid_cuts_an_idle_stream: Case::new(Front::Squid(ACCELERATOR.into())).fault(pause(7000))
        .proof(through(&[Status(200), Complete(false), Lasts(1500, 6500)]))
        .failing(Code::StreamIdleTimeout);

    envoy_caps_a_stream_that_flows: Case::new(Front::Envoy(CAPS_AT_A_SECOND)).pace(120)
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Lasts(900, 7900)]))
        .failing(Code::StreamDurationCap);
    envoy_caps_a_stream_that_flows_over_https: Case::new(Front::Envoy(Envoy { tls: Some(Certificate::Good), ..CAPS_AT_A_SECOND }))
        .gateway(TLS).pace(120)
        .proof(through(&[Status(200), Complete(false), Lasts(900, 7900)]))
        .failing(Code::StreamDurationCap);

    envoy_caps_a_stream_at_an_odd_time: Case::new(Front::Envoy(Envoy { route: "timeout: 1.5s", ..Envoy::PLAIN })).pace(120)
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Lasts(1400, 7900)]))
        .failing(Code::StreamDurationCap);
    envoy_caps_streams_at_an_odd_time: Case::new(Front::Envoy(Envoy { route: "timeout: 0s, max_stream_duration: {max_stream_duration: 1.5s}", ..Envoy::PLAIN })).pace(120)
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Lasts(1400, 7900)]))
        .failing(Code::StreamDurationCap);

    envoy_caps_long_streams_only: Case::new(Front::Envoy(Envoy { route: "timeout: 4s", ..Envoy::PLAIN })).long()
        .spec(LONG).pace(60).time(100)
        .proof(direct(&[Status(200), Complete(true)])).proof(through(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Lasts(3900, 9000)]).body(
            r#"{"model":"claude-haiku-4-5","max_tokens":400,"stream":true,"messages":[{"role":"user","content":"Count from 1 to 2000."}]}"#.into()))
        .degraded(Code::StreamDurationCap, "edge");

    nginx_does_not_wait_for_the_first_byte_of_long_answers: Case::new(nginx("proxy_read_timeout 1500ms;")).long().spec(LONG)
        .fault(thinks_long())
        .proof(direct(&[Status(200), Begins(0, 1400)])).proof(through(&[Status(200), Complete(true)]))
        .proof(direct(&[Status(200), Begins(2300, 8000)])).proof(through(&[Status(504), Lasts(1400, 7900)]))
        .degraded(Code::FirstByteTimeout, "edge");
    haproxy_does_not_wait_for_the_first_byte_of_long_answers: Case::new(haproxy("", "timeout server 1500ms")).long().spec(LONG)
        .fault(thinks_long())
        .proof(direct(&[Status(200), Begins(0, 1400)])).proof(through(&[Status(200), Complete(true)]))
        .proof(direct(&[Status(200), Begins(2300, 8000)])).proof(through(&[Status(504), Lasts(1400, 7900)]))
        .degraded(Code::FirstByteTimeout, "edge");
    envoy_does_not_wait_for_the_first_byte_of_long_answers: Case::new(Front::Envoy(Envoy { route: "timeout: 1.5s", ..Envoy::PLAIN }))
        .long().spec(LONG).fault(thinks_long())
        .proof(direct(&[Status(200), Begins(0, 1400)])).proof(through(&[Status(200), Complete(true)]))
        .proof(direct(&[Status(200), Begins(2300, 8000)])).proof(through(&[Status(504), Lasts(1400, 7900)]))
        .degraded(Code::FirstByteTimeout, "edge");
    nginx_waits_for_the_first_byte_of_long_answers: Case::new(nginx("proxy_read_timeout 6s;")).long().spec(LONG)
        .fault(thinks_long())
        .proof(direct(&[Status(200), Begins(0, 1400)])).proof(through(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(true), Begins(2300, 8000)]))
        .healthy();
    haproxy_cuts_idle_streams_of_long_answers: Case::new(idle_haproxy()).long().spec(LONG)
        .fault(of_long_requests(pause(4500)))
        .proof(direct(&[Status(200), Complete(true)])).proof(through(&[Status(200), Complete(true)]))
        .proof(direct(&[Status(200), Complete(true), Lasts(4400, 9000)]))
        .proof(through(&[Status(200), Complete(false), Ends(End::Fin), Lasts(1700, 7900)]))
        .degraded(Code::StreamIdleTimeout, "edge");
    nginx_waits_while_long_answers_pause: Case::new(nginx("proxy_read_timeout 6s;")).long().spec(LONG)
        .fault(of_long_requests(pause(2500)))
        .proof(direct(&[Status(200), Complete(true)])).proof(through(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(true), Lasts(2400, 9000)]))
        .healthy();

    nginx_does_not_wait_for_the_first_byte: Case::new(nginx("proxy_read_timeout 1s;")).first_byte(2500)
        .proof(direct(&[Status(200), Begins(2300, 8000)]))
        .proof(through(&[Status(504), Lasts(900, 7900)]))
        .failing(Code::FirstByteTimeout);
    nginx_does_not_wait_for_a_whole_message: Case::new(nginx("proxy_read_timeout 1s;")).whole().first_byte(2500)
        .proof(through(&[Status(504), Lasts(900, 7900)]).whole())
        .failing(Code::FirstByteTimeout);
    haproxy_does_not_wait_for_the_first_byte: Case::new(idle_haproxy()).first_byte(4500)
        .proof(through(&[Status(504), Lasts(1700, 7900)]))
        .failing(Code::FirstByteTimeout);
    envoy_does_not_wait_for_the_first_byte: Case::new(Front::Envoy(CAPS_AT_A_SECOND)).first_byte(2500)
        .proof(through(&[Status(504), BodyHas("upstream request timeout"), Lasts(900, 7900)]))
        .failing(Code::FirstByteTimeout);

    nginx_hides_that_the_stream_was_cut: Case::new(nginx_server(
            "location / { proxy_set_header x-api-key {other}; proxy_pass {claude_url}; }"))
        .gateway(", expectAccount: Any").fault(cut_for_the_gateway(Ending::Fin))
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Ends(End::Framed)]))
        .failing(Code::StreamTruncationMasked);
    nginx_hides_that_haproxy_cuts_idle_streams: Case::new(idle_haproxy())
        .behind(nginx_server("location / { proxy_buffering off; proxy_pass http://{gateway_address}; }"))
        .fault(pause(4500))
        .proof(direct(&[Status(200), Complete(true)]))
        .proof(through(&[Status(200), Complete(false), Ends(End::Framed), Lasts(1700, 7900)]))
        .failing(Code::StreamIdleTimeout)
        .also(Code::StreamTruncationMasked, "edge");

    nginx_buffers_by_default: Case::new(nginx_server("location / { proxy_pass {claude_url}; }")).pace(70)
        .proof(direct(&[Status(200)]))
        .proof(through(&[Status(200), Complete(true), Begins(1000, 8000), ReadsAtMost(3)]))
        .degraded(Code::StreamBuffered, "edge");
    nginx_buffers_where_the_frozen_request_is_no_stream: Case::new(nginx_server(
            "large_client_header_buffers 8 64k; client_max_body_size 8m; location / { proxy_pass {claude_url}; }")).pace(70).whole().deep()
        .proof(direct(&[Status(200), Complete(true), ReadsAtLeast(10)]))
        .proof(through(&[Status(200), Complete(true), Begins(1000, 8000), ReadsAtMost(3)]))
        .degraded(Code::StreamBuffered, "edge");
    nginx_buffers_for_tls_clients: Case::new(nginx_server("location / { proxy_http_version 1.1; proxy_pass {claude_url}; }").https(Certificate::Good))
        .gateway(TLS).pace(70)
        .proof(through(&[Status(200), Complete(true), Begins(1000, 8000)]))
        .degraded(Code::StreamBuffered, "edge");
    nginx_buffers_for_bearer_clients: Case::new(nginx_server("location / { proxy_pass {claude_url}; }")).pace(70).bearer()
        .request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(200), Begins(1000, 8000)]).with("anthropic-version: 2026-10-21"))
        .degraded(Code::StreamBuffered, "edge");
    nginx_compresses_and_holds_back: Case::new(nginx_server(
            "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any; location / { proxy_http_version 1.1; proxy_pass {claude_url}; }"))
        .pace(70)
        .proof(through(&[Status(200), Header("content-encoding", "gzip"), Begins(1000, 8000)]).with("accept-encoding: gzip"))
        .degraded(Code::StreamCompressed, "edge");

    claude_breaks_the_stream_on_both_paths: Case::new(nginx(""))
        .fault(Rule::always(Fault::Cut { after_events: 8, how: Ending::Fin }))
        .proof(direct(&[Status(200), Complete(false), Ends(End::Fin)]))
        .proof(through(&[Status(200), Complete(false)]))
        .failing_everywhere(Code::UpstreamStreamError);
    claude_resets_the_stream_on_both_paths: Case::new(haproxy("", ""))
        .fault(Rule::always(Fault::Cut { after_events: 8, how: Ending::Reset }))
        .proof(direct(&[Status(200), Complete(false)]))
        .failing_everywhere(Code::UpstreamStreamError);
    claude_ends_the_stream_with_an_error_event: Case::new(haproxy("", ""))
        .fault(Rule::always(Fault::StreamError { after_events: 8, error: ErrorName::Overloaded }))
        .proof(direct(&[Status(200), BodyHas("event: error"), BodyHas("Overloaded")]))
        .proof(through(&[Status(200), BodyHas("event: error")]))
        .failing_everywhere(Code::UpstreamStreamError);
    the_gateways_stream_is_cut_by_claude_alone: Case::new(nginx("proxy_set_header x-api-key {other};"))
        .gateway(", expectAccount: Any").fault(cut_for_the_gateway(Ending::Fin))
        .proof(through(&[Status(200), Complete(false), Ends(End::Fin)]))
        .failing(Code::StreamCut);
    nginx_answers_a_stream_with_a_whole_message: Case::new(nginx("proxy_set_body '{\"model\":\"claude-haiku-4-5\",\"max_tokens\":64,\"messages\":[{\"role\":\"user\",\"content\":\"Count.\"}]}';"))
        .proof(through(&[Status(200), Header("content-type", "application/json")]))
        .failing(Code::StreamCollapsed).also(Code::BodyRewritten, "edge");
}
