use proptest::prelude::*;

use super::*;
use crate::claude::error::ErrorClass;
use crate::report::compact;
use crate::report::evidence::ExchangeKind;
use crate::report::evidence::{
    BodyKind, Departure, Echo, EventKind, GatewayErrorKind, Handshake, HeadEvidence, Headroom, KeyDefect, KeyEvidence,
    KeyKind, LimitKind, NamedLimit, Outcome, Product, Reach, ReplyHeader, ReplyTraits, SkipReason, Spelling,
    StreamEvidence, Trust, Usage,
};

/// Every kind, in sending order.
fn kinds() -> Vec<ExchangeKind> {
    ExchangeKind::all().collect()
}

/// The evidence without its details.
fn decisive(mut run: RunEvidence) -> RunEvidence {
    for path in &mut run.paths {
        path.handshake.peer = None;
        for exchange in &mut path.exchanges {
            exchange.quote = None;
            exchange.request_id = None;
        }
    }
    run
}

/// One of several values.
fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> proptest::sample::Select<T> {
    proptest::sample::select(values.to_vec())
}

prop_compose! {
    fn stream()(
        counts in (0u32..5000, 0u32..50, 0u32..5000, 0u32..1_000_000),
        times in proptest::option::of((0u32..60_000, 0u32..60_000, 0u32..200_000)),
        end in 0u32..200_000, gap in 0u32..60_000, flags: [bool; 5],
        last in one_of(&[EventKind::MessageStop, EventKind::BlockDelta, EventKind::None, EventKind::Error]),
        padded: Option<bool>, genuine: Option<bool>,
    ) -> StreamEvidence {
        StreamEvidence {
            events: counts.0, pings: counts.1, reads: counts.2, bytes: counts.3,
            first_event_ms: times.map(|t| t.0), first_token_ms: times.map(|t| t.1), last_event_ms: times.map(|t| t.2),
            end_ms: end, max_gap_ms: gap,
            message_stop: flags[0], framing_complete: flags[1], compressed: flags[2], content_length: flags[3],
            close_delimited: flags[4], last_event: last, padded, error_event_genuine: genuine,
        }
    }
}

prop_compose! {
    fn head()(
        spelling in one_of(&[Spelling::Unknown, Spelling::Mixed, Spelling::Lower, Spelling::Capital]),
        headers in proptest::sample::subsequence(ReplyHeader::ALL.to_vec(), 0..=18),
        departures in proptest::collection::vec(one_of(&[
            Departure::Absent, Departure::Value(3), Departure::Value(15), Departure::Repeated, Departure::Merged,
        ]), 18),
        foreign in 0u8..=15,
    ) -> HeadEvidence {
        HeadEvidence { spelling, departures: headers.into_iter().zip(departures).collect(), foreign }
    }
}

prop_compose! {
    fn exchange(kind: ExchangeKind)(
        outcome in one_of(&[Outcome::Answered, Outcome::CutByReset, Outcome::NoReply, Outcome::ConnectFailed]),
        status in one_of(&[0u16, 200, 400, 401, 403, 429, 502, 529, 418, 599]),
        traits in any::<u32>().prop_map(|bits| ReplyTraits(bits & ((1 << 30) - 1))),
        errors in one_of(&[(ErrorClass::None, ErrorClass::None), (ErrorClass::KeyInvalid, ErrorClass::None), (ErrorClass::Overloaded, ErrorClass::RateLimit)]),
        product in one_of(&[Product::Unknown, Product::Nginx, Product::LiteLlm]),
        error_kind in one_of(&[GatewayErrorKind::None, GatewayErrorKind::ConnectFailed, GatewayErrorKind::UnknownModel]),
        echo in one_of(&[Echo::None, Echo::Exact, Echo::OnlyOthers, Echo::NotFirst]),
        times in (proptest::option::of(0u32..2_000_000), proptest::option::of(0u32..2_000_000)),
        numbers in (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u32>>()),
        limit in proptest::option::of((one_of(&[LimitKind::Requests, LimitKind::Tokens]), any::<u64>())),
        room in proptest::option::of((0u8..=100, any::<Option<u32>>())),
        body in one_of(&[BodyKind::Unknown, BodyKind::AsAsked, BodyKind::Html]),
        stream in proptest::option::of(stream()),
        usage in proptest::option::of((any::<u32>(), 0u32..9000)),
        model_matches: Option<bool>,
        head in proptest::option::of(head()),
        detail in proptest::option::of(("[ -~é]{0,80}", "req_[a-zA-Z0-9]{24}")),
    ) -> Exchange {
        Exchange {
            status, traits, error: errors.0, inner_error: errors.1, product, error_kind, echo,
            first_byte_ms: times.0, total_ms: times.1,
            retry_after_s: numbers.0, account: numbers.1, cache_age_s: numbers.2, header_set: numbers.3.map(|set| set & 0xffff), head,
            headroom: room.map(|(percent, requests_limit)| Headroom {
                requests: Some(percent), input_tokens: None, output_tokens: Some(percent), tokens: None, requests_limit,
            }),
            limit: limit.map(|(kind, per_minute)| NamedLimit { kind, per_minute }),
            body, stream, usage: usage.map(|(input, output)| Usage { input, output }), model_matches,
            quote: detail.as_ref().map(|detail| detail.0.clone()).filter(|quote| !quote.is_empty()),
            request_id: detail.map(|detail| detail.1),
            ..Exchange::new(kind, outcome)
        }
    }
}

fn exchanges() -> impl Strategy<Value = Vec<Exchange>> {
    proptest::sample::subsequence(kinds(), 0..=kinds().len())
        .prop_flat_map(|kinds| kinds.into_iter().map(exchange).collect::<Vec<_>>())
}

prop_compose! {
    fn probed()(
        path in one_of(&["direct", "edge", "a-very-long-gateway-name-of-forty-lette40", "Ümlaut and blanks"]),
        key in proptest::option::of((0u32..0xf_ffff, one_of(&[vec![], vec![KeyDefect::TrailingNewline, KeyDefect::Quoted]]))),
        outcome in one_of(&[Reach::Connected, Reach::NotTried, Reach::TlsExpired, Reach::ProxyUnreachable]),
        times in proptest::option::of((0u32..100, 0u32..10_000, 0u32..10_000)),
        numbers in (any::<u16>(), 0u16..4, any::<Option<i32>>(), any::<Option<i32>>(), 0u16..600),
        trust in one_of(&[Trust::Plain, Trust::Public, Trust::Untrusted]),
        flags: [bool; 4],
        peer in proptest::option::of("[0-9.:]{5,20}"),
        exchanges in exchanges(),
        skipped in proptest::collection::vec((one_of(&kinds()), one_of(&[SkipReason::Pointless, SkipReason::OverBudget])), 0..12),
    ) -> PathEvidence {
        PathEvidence {
            path: path.to_owned(),
            key: key.map(|(print, defects)| KeyEvidence { fingerprint: format!("{print:05x}"), kind: KeyKind::ApiKey, defects }),
            handshake: Handshake {
                outcome, peer, addresses: numbers.0, failed_addresses: numbers.1,
                dns_ms: times.map(|t| t.0), connect_ms: times.map(|t| t.1), tls_ms: times.map(|t| t.2),
                trust, certificate_days: numbers.2, http2: flags[0], clock_skew_s: numbers.3,
                anthropic_address: flags[1], via_sidecar: flags[2], via_proxy: flags[3], proxy_status: numbers.4,
            },
            exchanges,
            skipped,
        }
    }
}

prop_compose! {
    fn run()(
        slot in "[a-z0-9:TZ-]{0,40}", started_at_ms in 0i64..4_000_000_000_000, duration_ms in 0u32..600_000,
        paths in proptest::collection::vec(probed(), 1..=9),
    ) -> RunEvidence {
        RunEvidence { slot, started_at_ms, duration_ms, paths, complete: true }.rounded()
    }
}

proptest! {
    #[test]
    fn a_record_brings_back_what_decides_and_a_changed_one_nothing(
        run in run(), ages in proptest::collection::vec(any::<u32>(), 24), at in any::<proptest::sample::Index>(),
    ) {
        for path in run.paths {
            let plain = |exchange: Exchange| Exchange { quote: None, request_id: None, ..exchange };
            let kept: Vec<_> = ages.iter().copied().zip(path.exchanges.into_iter().map(plain)).collect();
            let text = compact::pack(&kept).unwrap();
            prop_assert_eq!(compact::unpack(&text), Some(kept));
            let mut changed = text.into_bytes();
            let place = at.index(changed.len());
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            prop_assert_eq!(compact::unpack(std::str::from_utf8(&changed).unwrap()), None);
        }
    }

    #[test]
    fn any_text_can_be_given_as_a_record(text in "k2[ -~]{0,80}") {
        // With a checksum that fits, as one who may edit the status can write it.
        let _ = compact::unpack(super::lines::seal("", &text).trim_end());
    }
}

/// Whether all that `part` has is in `whole`.
fn is_subset(part: &RunEvidence, whole: &RunEvidence) -> bool {
    part.paths.iter().all(|path| {
        whole.paths.iter().any(|full| {
            full.path == path.path
                && full.key == path.key
                && path.exchanges.iter().all(|exchange| full.exchanges.contains(exchange))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_that_is_encoded_comes_back(run in run()) {
        let back = decode(&encode(&run, usize::MAX)).unwrap();
        prop_assert_eq!(back, run);
    }

    #[test]
    fn a_budget_is_kept_and_what_is_missing_makes_it_incomplete(run in run(), budget in 60usize..5000) {
        let message = encode(&run, budget);
        prop_assert!(message.len() <= budget.max(160), "the header always stands");
        let back = decode(&message).unwrap();
        prop_assert!(is_subset(&decisive(back.clone()), &decisive(run.clone())));
        prop_assert_eq!(back.complete, decisive(back.clone()) == decisive(run));
    }

    #[test]
    fn cut_anywhere_at_either_end_it_yields_a_part_and_is_incomplete(run in run(), cut in 0.0f64..1.0, tail: bool) {
        let whole = encode(&run, MAX_BYTES);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = whole.floor_char_boundary((whole.len() as f64 * cut) as usize);
        let part = if tail { &whole[at..] } else { &whole[..at] };
        if let Ok(back) = decode(part) {
            prop_assert!(is_subset(&decisive(back.clone()), &decisive(run.clone())));
            prop_assert!(!back.complete || decisive(back) == decisive(run));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}", lines in proptest::collection::vec("[LXQRA][0-9a-z][ -~]{0,60}", 0..6)) {
        let _ = decode(&text);
        let sealed: String = lines.iter().map(|line| lines::seal(line, "")).collect();
        let _ = decode(&sealed);
    }
}

/// A path when everything works, with every exchange: the forwarding checks are rejected by Claude itself.
fn usual(path: &str, seed: u32) -> PathEvidence {
    let genuine = ReplyTraits::REQUEST_ID
        .with(ReplyTraits::CF_RAY)
        .with(ReplyTraits::SERVER_CLOUDFLARE)
        .with(ReplyTraits::ACCOUNT);
    let refused = genuine
        .with(ReplyTraits::BODY_REQUEST_ID)
        .with(ReplyTraits::IDS_AGREE)
        .with(ReplyTraits::ENVELOPE)
        .with(ReplyTraits::SHOULD_RETRY);
    // Where everything works no exchange follows a failure; those of the frozen request are there all the same, as they
    // weigh most.
    let sent = kinds()
        .into_iter()
        .filter(|kind| kind.is_regular() || kind.is_frozen_request());
    let exchanges = sent.zip(0u32..).map(|(kind, place)| {
        use ExchangeKind as Kind;
        let mut exchange = Exchange::new(kind, Outcome::Answered);
        let wobble = seed
            .wrapping_mul(2_654_435_761)
            .wrapping_add(place.wrapping_mul(40_503))
            >> 20;
        exchange.first_byte_ms = Some(300 + wobble % 400);
        exchange.total_ms = Some(301 + wobble % 400);
        exchange.product = if seed == 0 { Product::Cloudflare } else { Product::Nginx };
        exchange.request_id = Some(format!("req_011CeCGmBjaWkq37Sf5iU{place:03}"));
        exchange.account = Some(0x1234_5678);
        let usual = kind.entry().usual;
        (exchange.status, exchange.error, exchange.echo) = (usual.status, usual.error, usual.echo);
        exchange.traits = if usual.status == 200 {
            genuine.with(ReplyTraits::RATE_LIMITS)
        } else {
            refused
        };
        if exchange.status == 200 {
            exchange.body = BodyKind::AsAsked;
        } else {
            exchange.quote = Some("x".repeat(160));
        }
        if kind.entry().form.is_stream(true) {
            exchange.total_ms = Some(900 + wobble % 500);
            exchange.usage = Some(Usage { input: 15, output: 64 });
            exchange.model_matches = Some(true);
            let percent = Some(u8::try_from(90 + wobble % 10).unwrap());
            exchange.headroom = Some(Headroom {
                requests: percent,
                input_tokens: percent,
                output_tokens: percent,
                tokens: percent,
                requests_limit: Some(1000),
            });
            exchange.stream = Some(StreamEvidence {
                events: 30 + wobble % 20,
                pings: 1,
                bytes: 6000 + wobble,
                reads: 20 + wobble % 15,
                first_event_ms: exchange.first_byte_ms,
                first_token_ms: Some(310 + wobble % 400),
                last_event_ms: Some(900 + wobble % 500),
                end_ms: 900 + wobble % 500,
                max_gap_ms: 120 + wobble % 60,
                message_stop: true,
                framing_complete: true,
                last_event: EventKind::MessageStop,
                padded: Some(true),
                ..StreamEvidence::default()
            });
        }
        if kind == Kind::CountTokens {
            exchange.usage = Some(Usage { input: 15, output: 0 });
        }
        if kind == Kind::Frozen {
            exchange.header_set = Some(0x89ab ^ seed);
            // A proxy that names itself, adds two headers and writes all names in lower case.
            exchange.head = Some(HeadEvidence {
                spelling: if seed == 0 { Spelling::Mixed } else { Spelling::Lower },
                departures: match seed {
                    0 => vec![],
                    _ => vec![(ReplyHeader::Server, Departure::Value(7))],
                },
                foreign: if seed == 0 { 0 } else { 2 },
            });
        }
        exchange
    });
    PathEvidence {
        path: path.to_owned(),
        key: Some(KeyEvidence {
            fingerprint: "0a1b2".into(),
            kind: KeyKind::ApiKey,
            defects: vec![],
        }),
        handshake: Handshake {
            outcome: Reach::Connected,
            peer: Some(format!("10.0.12.{seed}:8080")),
            addresses: 2,
            dns_ms: Some(3),
            connect_ms: Some(1),
            tls_ms: Some(12),
            trust: Trust::Public,
            certificate_days: Some(61),
            clock_skew_s: Some(0),
            ..Handshake::default()
        },
        exchanges: exchanges.collect(),
        skipped: vec![],
    }
}

#[test]
fn one_to_eight_gateways_with_every_exchange_fit() {
    for gateways in 1..=8u32 {
        let mut paths = vec![usual("direct", 0)];
        paths.extend((1..=gateways).map(|at| usual(&format!("gateway-{at}"), at)));
        let run = RunEvidence {
            slot: "g12".into(),
            started_at_ms: 1_795_000_000_000,
            duration_ms: 61_234,
            paths,
            complete: true,
        };
        let run = run.rounded();
        let decides: usize = encode(&decisive(run.clone()), usize::MAX).len();
        assert!(decides <= DECISIVE_BYTES, "{gateways} gateways need {decides} bytes");
        let message = encode(&run, MAX_BYTES);
        assert!(message.len() <= MAX_BYTES);
        assert!(message.is_ascii());
        let back = decode(&message).unwrap();
        assert!(back.complete);
        assert_eq!(decisive(back), decisive(run));
    }
}

#[test]
fn other_formats_garbage_and_failures_are_distinguished() {
    assert_eq!(decode(" \n"), Err(MessageError::Empty));
    assert_eq!(decode("cp1zzzzzzzz\n"), Err(MessageError::Version { found: '1' }));
    let garbage = decode(&format!(
        "panic: key=sk-ant-api03-{} {}",
        "secret".repeat(5),
        "x".repeat(2000)
    ));
    let Err(MessageError::Malformed { shown }) = garbage else {
        panic!("{garbage:?}")
    };
    assert!(
        shown.len() <= 256 && shown.starts_with("panic: key=sk-ant-[redacted]"),
        "{shown}"
    );
    let complaint = decode(&encode_failure("request.bodyFrom cannot be read\nfrom /x"));
    assert_eq!(
        complaint,
        Err(MessageError::Prober {
            reason: "request.bodyFrom cannot be read from /x".into()
        })
    );
}

/// A healthy path, one that refuses connections, and one with a placeholder for a key. Where this fails, the format has
/// changed, and needs another version.
#[test]
fn the_format_of_this_version_is_read_and_written_as_it_was() {
    let message = include_str!("format-2.txt");
    let run = decode(message).unwrap();
    assert!(run.complete && run.paths.len() == 3);
    assert_eq!(run.paths[0].exchanges.len(), 13);
    assert_eq!(encode(&run, MAX_BYTES), message);
}
