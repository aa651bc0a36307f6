//! The way to the gateway, and the gateway's way to Claude.

use crate::claude::error::ErrorClass as E;
use crate::diagnosis::Role;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{BodyKind, Exchange, ExchangeKind, GatewayErrorKind, Outcome, Reach, ReplyTraits, Trust};

/// Direct answers so, edge so, twice.
fn pair(direct: Exchange, edge: &Exchange) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(direct);
    story.on("edge").frozen(edge.clone()).reply(K::Repeat, edge.clone());
    story
}

fn slow(first_byte: u32) -> Exchange {
    Exchange {
        first_byte_ms: Some(first_byte),
        ..stream()
    }
}

#[test]
fn a_key_with_a_line_end_is_named_whatever_the_path_answers() {
    use crate::report::evidence::{KeyDefect, SkipReason};
    let mut story = Story::new();
    for path in ["direct", "edge"] {
        let on = story.on(path);
        on.evidence.key.as_mut().unwrap().defects = vec![KeyDefect::TrailingNewline];
        on.evidence.skipped.push((K::Frozen, SkipReason::NoUsableKey));
        on.reply(K::TrimmedKey, stream());
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing CredentialMalformed@");
    assert!(evidence(&diagnosis).contains("a line end at its end"));
    assert!(evidence(&diagnosis).contains("without it is accepted"));
}

#[test]
fn a_key_in_base64_twice() {
    let mut story = pair(claude(401, E::KeyInvalid), &claude(401, E::KeyInvalid));
    for path in ["direct", "edge"] {
        story.on(path).evidence.key.as_mut().unwrap().defects = vec![crate::report::evidence::KeyDefect::DoubleBase64];
        story.on(path).reply(K::TrimmedKey, stream());
    }
    assert_eq!(story.verdict(), "Failing CredentialMalformed@");
}

#[test]
fn a_forward_proxy_that_rejects_connect() {
    let mut story = Story::healthy();
    story.evidence.paths[1].exchanges.clear();
    story
        .on("edge")
        .unreached(Reach::ProxyRefused)
        .evidence
        .handshake
        .proxy_status = 407;
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing ForwardProxyRefused@edge");
    assert!(evidence(&diagnosis).contains("407"));
}

#[test]
fn words_that_name_a_failed_connection_mean_unreachable() {
    let worded = Exchange {
        error_kind: GatewayErrorKind::ConnectFailed,
        ..page(503)
    };
    assert_eq!(pair(stream(), &worded).verdict(), "Failing UpstreamUnreachable@edge");
}

#[test]
fn a_bare_502_at_once_fits_too_much_to_name_a_cause() {
    for status in [502, 503] {
        let diagnosis = pair(stream(), &after(2, page(status))).diagnose();
        assert_eq!(headline(&diagnosis), "Failing GatewayUnavailable@edge");
        assert!(
            diagnosis.verdict.advice.contains("TLS to it fails"),
            "{}",
            diagnosis.verdict.advice
        );
    }
}

#[test]
fn a_502_sooner_than_a_connection_to_claude_means_unreachable() {
    let mut story = pair(stream(), &after(2, page(502)));
    story.on("direct").evidence.handshake.connect_ms = Some(12); // and no reply came sooner
    assert_eq!(story.verdict(), "Failing UpstreamUnreachable@edge");
    story.on("edge").evidence.exchanges[1].first_byte_ms = Some(14);
    assert_eq!(
        story.verdict(),
        "Failing GatewayUnavailable@edge",
        "one of two is chance"
    );
}

#[test]
fn envoy_reports_refused_connections_and_failed_tls_alike() {
    let worded = Exchange {
        error_kind: GatewayErrorKind::ConnectFailed,
        product: crate::report::evidence::Product::Envoy,
        ..page(503)
    };
    let mut story = pair(stream(), &after(11, worded));
    assert_eq!(story.verdict(), "Failing GatewayUnavailable@edge");
    // TLS takes two round trips: it cannot have failed so soon.
    story.on("direct").evidence.handshake.connect_ms = Some(9);
    assert_eq!(story.verdict(), "Failing UpstreamUnreachable@edge");
    story.on("direct").evidence.handshake.connect_ms = Some(5);
    assert_eq!(story.verdict(), "Failing GatewayUnavailable@edge");
    // No path uses TLS here.
    story.on("direct").path.https = false;
    assert_eq!(story.verdict(), "Failing UpstreamUnreachable@edge");
}

/// Claude's rejection of a GET.
fn rejected_get() -> Exchange {
    claude(405, E::InvalidRequest)
}

#[test]
fn a_get_that_claude_rejects_shows_that_the_gateway_reaches_claude() {
    let mut story = pair(stream(), &after(2, page(502)));
    story.on("direct").evidence.handshake.connect_ms = Some(12);
    assert_eq!(story.verdict(), "Failing UpstreamUnreachable@edge");
    story.on("edge").reply(K::Route, rejected_get());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayUnavailable@edge");
    assert!(diagnosis.verdict.advice.contains("Other requests reach Claude"));
    // The gateway's own rejection of a method shows nothing.
    let mut own = pair(stream(), &after(2, page(502)));
    own.on("direct").evidence.handshake.connect_ms = Some(12);
    own.on("edge").reply(K::Route, page(405));
    assert_eq!(own.verdict(), "Failing UpstreamUnreachable@edge");
}

#[test]
fn an_error_that_even_a_get_gets_is_the_gateways_where_claude_rejects_the_get() {
    let imitated = minted(529, E::Overloaded);
    let mut story = pair(stream(), &imitated);
    assert_eq!(story.verdict(), "Inconclusive @edge");
    story.on("edge").reply(K::Route, imitated.clone());
    assert_eq!(
        story.verdict(),
        "Inconclusive @edge",
        "Claude's reply to a GET is not known"
    );
    story.on("direct").reply(K::Route, rejected_get());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayUnavailable@edge");
    assert!(
        diagnosis.findings[0]
            .evidence
            .contains("a GET of the same path returns the same error here, direct: 405")
    );
    // Claude is overloaded on the control, too: whose it is stays open.
    let mut both = pair(claude(529, E::Overloaded), &imitated);
    both.on("direct").reply(K::Route, rejected_get());
    both.on("edge").reply(K::Route, imitated.clone());
    assert!(!attributions(&both.diagnose().findings).contains(&"GatewayUnavailable@edge".to_owned()));
    // Another error of a GET shows nothing.
    let mut other = pair(stream(), &imitated);
    other.on("direct").reply(K::Route, rejected_get());
    other.on("edge").reply(K::Route, page(405));
    assert_eq!(other.verdict(), "Inconclusive @edge");
}

#[test]
fn no_healthy_upstream_has_many_causes() {
    for ms in [1, 1_003, 3_010] {
        let reply = Exchange {
            error_kind: GatewayErrorKind::NoHealthyUpstream,
            ..page(503)
        };
        assert_eq!(
            pair(stream(), &after(ms, reply)).verdict(),
            "Failing GatewayUnavailable@edge"
        );
    }
}

#[test]
fn a_gateways_own_error_beside_claudes_trouble_is_a_reading_only() {
    let diagnosis = pair(claude(529, E::Overloaded), &page(502)).diagnose();
    assert_eq!(headline(&diagnosis), "Failing UpstreamOverloaded@");
    assert!(!attributions(&diagnosis.findings).contains(&"GatewayUnavailable@edge".to_owned()));
}

#[test]
fn a_key_is_not_the_cause_without_a_connection() {
    let mut story = Story::new();
    for path in ["direct", "edge"] {
        let on = story.on(path);
        on.evidence.key.as_mut().unwrap().defects = vec![crate::report::evidence::KeyDefect::Placeholder];
        on.unreached(Reach::ConnectRefused);
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayConnectFailed@edge");
    assert!(attributions(&diagnosis.findings).contains(&"CredentialMalformed@edge".to_owned()));
}

#[test]
fn a_stream_that_is_reset_on_every_path_is_claudes_doing() {
    let reset = cut(Outcome::CutByReset, 9, 900, 905);
    let mut story = pair(reset, &cut(Outcome::CutByClose, 9, 900, 905));
    assert_eq!(story.verdict(), "Failing UpstreamStreamError@");
    assert_eq!(
        attributions(&story.diagnose().findings),
        ["UpstreamStreamError@direct", "UpstreamStreamError@edge"]
    );
    story.on("direct").evidence.exchanges[0] = stream();
    assert_eq!(story.verdict(), "Failing StreamCut@edge");
}

#[test]
fn a_502_of_a_gateway_that_reached_claude_in_the_same_run_is_only_unavailable() {
    let mut story = pair(stream(), &page(502));
    story.on("edge").reply(K::CountTokens, ok());
    assert_eq!(story.verdict(), "Failing GatewayUnavailable@edge");
}

#[test]
fn a_504_after_a_wait_that_claude_did_not_need_is_a_connect_timeout() {
    assert_eq!(
        pair(stream(), &after(3_000, page(504))).verdict(),
        "Failing UpstreamConnectTimeout@edge"
    );
}

#[test]
fn a_missing_name_and_failed_tls_need_words() {
    for (error_kind, code) in [
        (GatewayErrorKind::DnsFailure, "UpstreamDnsFailure"),
        (GatewayErrorKind::TlsFailure, "UpstreamTlsFailure"),
    ] {
        let reply = Exchange {
            error_kind,
            ..page(502)
        };
        assert_eq!(pair(stream(), &reply).verdict(), format!("Failing {code}@edge"));
    }
}

#[test]
fn a_first_byte_timer_needs_a_control_that_took_as_long() {
    let edge = after(3_000, page(504));
    let diagnosis = pair(slow(5_000), &edge).diagnose();
    assert_eq!(headline(&diagnosis), "Failing FirstByteTimeout@edge");
    assert!(
        diagnosis.verdict.advice.contains("3.0 s"),
        "{}",
        diagnosis.verdict.advice
    );
    assert_eq!(
        pair(slow(2_300), &edge).verdict(),
        "Failing UpstreamConnectTimeout@edge"
    );
    let mut alone = pair(slow(5_000), &edge);
    alone.paths.remove(0);
    assert_eq!(alone.verdict(), "Failing GatewayUnavailable@edge");
    assert_eq!(
        pair(slow(5_000), &claude(504, E::Timeout)).verdict(),
        "Failing UpstreamError@edge",
        "a genuine timeout is Claude's"
    );
}

#[test]
fn resets_come_from_the_first_hop() {
    assert_eq!(
        pair(stream(), &nothing(Outcome::ResetBeforeHead)).verdict(),
        "Failing ConnectionReset@edge"
    );
    assert_eq!(
        pair(stream(), &cut(Outcome::CutByReset, 9, 900, 905)).verdict(),
        "Failing ConnectionReset@edge"
    );
    let mut idle = Story::healthy();
    idle.on("edge").reply(K::ReuseIdle, nothing(Outcome::ResetBeforeHead));
    assert_eq!(idle.verdict(), "Degraded ConnectionReset@edge");
    let mut closed = Story::healthy();
    closed
        .on("edge")
        .reply(K::ReuseIdle, nothing(Outcome::ClosedBeforeHead));
    assert_eq!(closed.verdict(), "Healthy @", "a keep-alive may end just as we write");
}

#[test]
fn a_reset_after_an_error_is_no_network_fault() {
    for status in [500, 403] {
        let error = Exchange {
            outcome: Outcome::CutByReset,
            ..page(status)
        };
        let found = attributions(&pair(stream(), &error).diagnose().findings);
        assert_eq!(found, attributions(&pair(stream(), &page(status)).diagnose().findings));
    }
}

#[test]
fn nothing_within_our_limit_is_no_reply_and_never_a_timer() {
    assert_eq!(
        pair(stream(), &nothing(Outcome::NoReply)).verdict(),
        "Failing NoReply@edge"
    );
}

#[test]
fn a_503_without_a_named_cause() {
    assert_eq!(pair(stream(), &page(503)).verdict(), "Failing GatewayUnavailable@edge");
    assert_eq!(
        pair(stream(), &after(3_010, page(503))).verdict(),
        "Failing GatewayUnavailable@edge"
    );
}

#[test]
fn an_intercepted_or_unreachable_control_is_no_control_and_attributes_nothing_to_a_gateway() {
    let mut story = Story::healthy();
    story.evidence.paths[0].exchanges.clear();
    story
        .on("direct")
        .unreached(Reach::TlsUntrusted)
        .evidence
        .handshake
        .trust = Trust::Untrusted;
    assert_eq!(story.verdict(), "Degraded DirectPathIntercepted@direct");
    let mut story = Story::healthy();
    story.evidence.paths[0].exchanges.clear();
    story.on("direct").unreached(Reach::ConnectTimeout);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded DirectPathUnreachable@direct");
    assert_eq!(diagnosis.own_conditions, "FTTUTT");
    story.evidence.paths[1].exchanges[0] = cut(Outcome::CutByClose, 9, 900, 905);
    assert_eq!(story.verdict(), "Inconclusive @edge");
}

#[test]
fn neither_we_nor_any_gateway_reaches_claude() {
    let mut story = pair(stream(), &page(502));
    story.evidence.paths[0].exchanges.clear();
    story.on("direct").unreached(Reach::ConnectTimeout);
    assert_eq!(story.verdict(), "Failing EgressDown@");
    let mut once = story.clone();
    once.on("edge").evidence.exchanges.pop();
    once.on("edge").reply(K::Repeat, stream());
    assert_eq!(once.verdict(), "Failing GatewayUnavailable@edge", "it got through once");
    story.add("other", Role::Gateway);
    story.on("other").frozen(stream());
    assert_eq!(
        story.verdict(),
        "Failing GatewayUnavailable@edge",
        "the other one reaches it"
    );
}

#[test]
fn replies_that_are_no_answer_of_claudes() {
    let foreign = |body| Exchange { body, ..reply(200) };
    for edge in [
        foreign(BodyKind::Empty),
        foreign(BodyKind::Html),
        foreign(BodyKind::OtherJson),
        page(404),
        claude(404, E::NotFound),
        Exchange {
            traits: ReplyTraits::REDIRECT,
            ..reply(302)
        },
        nothing(Outcome::NotHttp),
    ] {
        assert_eq!(pair(stream(), &edge).verdict(), "Failing WrongRoute@edge", "{edge:?}");
    }
}

#[test]
fn an_empty_200_without_any_reply_on_the_control_names_no_route() {
    let empty = Exchange {
        body: BodyKind::Empty,
        ..reply(200)
    };
    for nothing in [nothing(Outcome::ClosedBeforeHead), nothing(Outcome::NoReply)] {
        let found = attributions(&pair(nothing, &empty).diagnose().findings);
        assert!(!found.contains(&"WrongRoute@edge".to_owned()), "{found:?}");
    }
}

#[test]
fn what_stops_us_before_the_gateway_answers_is_named() {
    for (reach, code) in [
        (Reach::DnsNoName, "GatewayDnsFailure"),
        (Reach::ConnectRefused, "GatewayConnectFailed"),
        (Reach::ConnectTimeout, "GatewayConnectFailed"),
        (Reach::TlsUntrusted, "GatewayTlsFailure"),
        (Reach::TlsWrongName, "GatewayTlsFailure"),
        (Reach::TlsClientCertificate, "ClientCertificateRequired"),
    ] {
        let mut story = Story::healthy();
        story.evidence.paths[1].exchanges.clear();
        story.on("edge").unreached(reach);
        assert_eq!(story.verdict(), format!("Failing {code}@edge"));
    }
    assert_eq!(
        pair(stream(), &nothing(Outcome::ClosedBeforeHead)).verdict(),
        "Failing GatewayConnectFailed@edge"
    );
}

#[test]
fn certificates_clocks_and_latency_warn() {
    use crate::diagnosis::LatencyPair;
    let mut story = Story::healthy();
    story.on("edge").evidence.handshake.certificate_days = Some(5);
    assert_eq!(story.verdict(), "Degraded CertificateExpiring@edge");
    let mut story = Story::healthy();
    story.on("edge").evidence.handshake.clock_skew_s = Some(-400);
    assert_eq!(story.verdict(), "Degraded ClockSkew@edge");
    let mut story = Story::healthy();
    story.context.latency = vec![
        LatencyPair {
            at_ms: story.context.now_ms,
            path: "edge".into(),
            direct_ms: 100,
            gateway_ms: 500,
        };
        11
    ];
    assert_eq!(story.verdict(), "Healthy @", "eleven runs are not enough");
    story.context.latency.push(story.context.latency[0].clone());
    assert_eq!(story.verdict(), "Degraded GatewayLatency@edge");
    story.context.latency.iter_mut().for_each(|pair| pair.gateway_ms = 340);
    assert_eq!(story.verdict(), "Healthy @", "below 250 ms it does not matter");
}

#[test]
fn a_reset_after_the_same_silence_twice_is_an_idle_timer() {
    let mut slow = stream();
    if let Some(stream) = &mut slow.stream {
        (stream.max_gap_ms, stream.last_event_ms, stream.end_ms) = (5_100, Some(7_000), 7_000);
    }
    let story = pair(slow, &cut(Outcome::CutByReset, 9, 700, 2_700));
    assert_eq!(story.verdict(), "Failing StreamIdleTimeout@edge");
    assert_eq!(attributions(&story.diagnose().findings), ["StreamIdleTimeout@edge"]);
}

#[test]
fn a_bare_failure_beside_claudes_rejection_of_the_key_is_not_the_gateways() {
    let rejection = claude(401, E::KeyInvalid);
    let bare = pair(rejection.clone(), &page(503));
    assert_eq!(bare.verdict(), "Failing CredentialRejected@");
    assert_eq!(
        attributions(&bare.diagnose().findings),
        ["CredentialRejected@direct", "CredentialRejected@edge"]
    );
    let mut taken = pair(rejection.clone(), &page(503));
    taken.on("direct").reply(ExchangeKind::Repeat, stream());
    assert_eq!(
        taken.verdict(),
        "Inconclusive @edge",
        "Claude took the key a moment later"
    );
    let named = Exchange {
        error_kind: GatewayErrorKind::DnsFailure,
        ..page(503)
    };
    assert!(
        attributions(&pair(rejection, &named).diagnose().findings).contains(&"UpstreamDnsFailure@edge".to_owned()),
        "a gateway that names its trouble has it"
    );
}
