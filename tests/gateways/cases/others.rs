//! Gateways of other kinds: an old web server, a modern one, a small one, a cache.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Route, Rule};

use crate::case::Case;
use crate::front::Front;
use crate::proof::Observation::{Begins, Complete, Empty, Header, Lasts, NoHeader, ReadsAtLeast, ReadsAtMost, BodyHas, Status};
use crate::proof::{direct, through};
use crate::others::{Kind, Other};

const PASS: &str = "sub vcl_recv { return (pass); }";
const COLLECTS: &str = "sub vcl_recv { return (pass); } sub vcl_backend_response { set beresp.do_stream = false; }";
/// By the URL alone, and so the answer of one request to every other.
const CACHES: &str = r#"sub vcl_recv { set req.http.m = req.method; std.cache_req_body(500KB); return (hash); }
sub vcl_hash { hash_data(req.url); return (lookup); }
sub vcl_backend_fetch { set bereq.method = bereq.http.m; }
sub vcl_backend_response { unset beresp.http.cache-control; set beresp.ttl = 1h; }"#;
const HIDES: &str = r#"sub vcl_recv { return (pass); }
sub vcl_backend_response { if (beresp.status >= 400) { return (error(503, "Something is wrong")); } }"#;
const STREAMS: &str = r#"proxy.server = ("" => (("host" => "{claude_ip}", "port" => {claude_port})))
server.stream-response-body = 2"#;

fn other(kind: Kind, lines: &'static str) -> Front {
    Front::Other(Other { kind, lines })
}

/// A request for an answer of many events.
const LONGER: &str = r#"{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Count from 1 to 200."}]}"#;

cases! {
    plain_apache: Case::new(other(Kind::Apache, "")).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    apache_denies_our_address: Case::new(other(Kind::Apache, "<Location \"/\">\nRequire ip 192.0.2.1\n</Location>"))
        .proof(through(&[Status(403), NoHeader("request-id")]))
        .failing(Code::GatewayPolicyDenied);
    apache_sends_an_old_key: Case::new(other(Kind::Apache, "RequestHeader set x-api-key {old}"))
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential);
    apache_gives_up_before_the_first_byte: Case::new(other(Kind::Apache, "ProxyTimeout 3")).first_byte(5_000)
        .proof(through(&[Lasts(2_900, 4_900)]))
        .failing(Code::FirstByteTimeout);
    apache_rewrites_the_page_of_a_refused_key: Case::new(other(Kind::Apache, "ProxyErrorOverride On 401\nErrorDocument 401 \"Not today\""))
        .key(crate::stage::OLD_KEY)
        .proof(through(&[Status(401), BodyHas("Not today")]).key(Some("x-api-key: {old}")))
        .proof(direct(&[Status(401), Header("request-id", "req_")]).key(Some("x-api-key: {old}")))
        .failing_everywhere(Code::CredentialRejected);

    plain_caddy: Case::new(other(Kind::Caddy, "reverse_proxy {claude}")).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    caddy_has_no_handler_for_the_path: Case::new(other(Kind::Caddy, "handle_path /claude/* {\nreverse_proxy {claude}\n}"))
        .proof(through(&[Status(200), Empty]))
        .failing(Code::WrongRoute);
    caddy_holds_the_stream_back_to_compress_it: Case::new(other(Kind::Caddy, "encode {\ngzip\nminimum_length 1\n}\nreverse_proxy {claude}")).pace(70)
        .proof(through(&[Status(200), Header("content-encoding", "gzip"), ReadsAtMost(4)]).with("accept-encoding: gzip"))
        .degraded(Code::StreamCompressed, "edge");
    caddy_stops_writing_after_a_second: Case::new(other(Kind::Caddy, "servers {\ntimeouts {\nwrite 1s\n}\n}\n---\nreverse_proxy {claude}")).pace(130)
        .proof(through(&[Status(200), Complete(false), Lasts(900, 1_600)]))
        .failing(Code::StreamDurationCap);
    // Many small events: the cut comes soon after the timer, whatever their pace.
    caddy_stops_writing_at_an_odd_time: Case::new(other(Kind::Caddy, "servers {\ntimeouts {\nwrite 2500ms\n}\n}\n---\nreverse_proxy {claude}"))
        .pace(60).tokens_per_delta(1).request(", prompt: 'Count from 1 to 200.'")
        // The second try's events come more slowly: it is cut at the same time, after fewer of them.
        .fault(Rule { skip: 2, ..Rule::always(Fault::Pace { ms: 75 }) }.on(Route::Messages))
        .proof(through(&[Status(200), Complete(false), Lasts(2_400, 3_500)]).body(LONGER.into()))
        .failing(Code::StreamDurationCap);
    // Few events: the timer strikes between two of them, and the cut comes with the next, the same in each try.
    caddy_stops_writing_at_an_odd_time_and_always_at_the_same_event: Case::new(other(Kind::Caddy,
            "servers {\ntimeouts {\nwrite 2250ms\n}\n}\n---\nreverse_proxy {claude}")).pace(300).tokens_per_delta(3)
        .proof(direct(&[Status(200), Complete(true), Lasts(2_600, 7_900)]))
        .proof(through(&[Status(200), Complete(false), Lasts(2_100, 3_500)]))
        .failing(Code::StreamCut)
        .really(Code::StreamDurationCap, "where each try ends at the same event, too, a limit on the answer's size would show the same; the advice names both");
    caddy_hides_that_claude_is_overloaded: Case::new(other(Kind::Caddy,
            "reverse_proxy {claude} {\n@wrong status 4xx 5xx\nhandle_response @wrong {\nrespond \"upstream error\" 502\n}\n}"))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(502), BodyHas("upstream error"), NoHeader("request-id")]))
        .failing_everywhere(Code::UpstreamOverloaded);

    plain_varnish: Case::new(other(Kind::Varnish, PASS)).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    // Its `age` counts while it waits: a buffered answer was not stored.
    varnish_collects_the_stream: Case::new(other(Kind::Varnish, COLLECTS)).pace(70)
        .proof(through(&[Status(200), Complete(true), Begins(1_000, 9_000)]))
        .degraded(Code::StreamBuffered, "edge");
    varnish_answers_each_request_with_the_first_answer: Case::new(other(Kind::Varnish, CACHES))
        .proof(through(&[Status(200)])).proof(through(&[Status(200)]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::ResponseCached, "edge");
    varnish_turns_refusals_into_failures: Case::new(other(Kind::Varnish, HIDES))
        .proof(through(&[Status(503), BodyHas("Something is wrong")]).with("anthropic-version: 1999-01-01"))
        .degraded(Code::StatusRewritten, "edge");
    varnish_hides_that_the_key_is_refused: Case::new(other(Kind::Varnish, HIDES)).key(crate::stage::OLD_KEY)
        .proof(through(&[Status(503)]).key(Some("x-api-key: {old}")))
        .proof(direct(&[Status(401)]).key(Some("x-api-key: {old}")))
        .failing_everywhere(Code::CredentialRejected);

    plain_lighttpd: Case::new(other(Kind::Lighttpd, STREAMS)).pace(60)
        .proof(through(&[Status(200), ReadsAtLeast(10), Complete(true)])).healthy();
    lighttpd_buffers_by_default: Case::new(other(Kind::Lighttpd,
            r#"proxy.server = ("" => (("host" => "{claude_ip}", "port" => {claude_port})))"#)).pace(70)
        .proof(through(&[Status(200), Complete(true), Begins(1_000, 9_000)]))
        .degraded(Code::StreamBuffered, "edge");
}
