//! Which findings a path may get, and which it must get.

use super::*;
use crate::report::evidence::Usage;

/// A forwarding check that Claude complains about on the direct path, and this on the gateway.
fn forwarding_check(story: &mut Story, kind: K, class: E, edge: Exchange) {
    let complaint = Exchange {
        echo: Echo::Exact,
        ..claude(400, class)
    };
    if story.evidence.paths[1].exchange(kind).is_none() {
        story.on("direct").reply(kind, complaint);
        story.on("edge").reply(kind, edge);
    }
}

/// Something that a gateway does to requests that it answers, with the name of the finding.
type Change = (&'static str, fn(&mut Story));

/// One of each kind; none hides another.
const CHANGES: [Change; 8] = [
    ("BetaHeaderStripped", |story| {
        forwarding_check(story, K::BogusBeta, E::BetaUnexpected, ok())
    }),
    ("VersionHeaderRewritten", |story| {
        forwarding_check(story, K::BogusVersion, E::VersionInvalid, ok())
    }),
    ("BodyRewritten", |story| {
        story.evidence.paths[0].exchanges[0].usage = Some(Usage { input: 20, output: 40 });
        story.evidence.paths[1].exchanges[0].usage = Some(Usage { input: 90, output: 40 });
    }),
    ("DifferentAccount", |story| {
        story.evidence.paths[1].exchanges[0].account = Some(9 << 16 | 9)
    }),
    ("HiddenRetries", |story| {
        story.evidence.paths[1].exchanges[0]
            .traits
            .set(ReplyTraits::RETRIED, true)
    }),
    ("CertificateExpiring", |story| {
        story.evidence.paths[1].handshake.certificate_days = Some(3)
    }),
    ("ClockSkew", |story| {
        story.evidence.paths[1].handshake.clock_skew_s = Some(900)
    }),
    ("StreamBuffered", |story| {
        let frozen = &mut story.evidence.paths[1].exchanges[0];
        frozen.first_byte_ms = Some(2_790);
        let stream = frozen.stream.as_mut().unwrap();
        stream.first_event_ms = Some(2_790);
        stream.first_token_ms = Some(2_790);
        stream.reads = 1;
        for path in &mut story.evidence.paths {
            let again = Exchange {
                kind: K::Repeat,
                ..path.exchanges[0].clone()
            };
            path.exchanges.push(again);
        }
    }),
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn removing_evidence_never_creates_an_attribution(story in any_story(), drop in prop::collection::vec(any::<bool>(), 40)) {
        let whole = story.diagnose();
        let full = attributions(&whole.findings);
        let mut less = story.clone();
        let mut keep = drop.into_iter().cycle();
        for path in &mut less.evidence.paths {
            path.exchanges.retain(|_| keep.next().unwrap());
        }
        less.context.forwarding_checks.retain(|_| keep.next().unwrap());
        for attribution in attributions(&less.diagnose().findings) {
            prop_assert!(
                explained(&story, &whole, &attribution),
                "{attribution} is new; before: {full:?}"
            );
        }
    }

    #[test]
    fn removing_the_control_never_creates_an_attribution(story in any_story()) {
        let whole = story.diagnose();
        let full = attributions(&whole.findings);
        let mut less = story.clone();
        less.paths.remove(0);
        for attribution in attributions(&less.diagnose().findings) {
            prop_assert!(
                explained(&story, &whole, &attribution),
                "{attribution} is new; before: {full:?}"
            );
        }
    }

    #[test]
    fn benign_headers_and_jitter_never_change_a_healthy_verdict(
        bits in any::<u32>(),
        slower in 0u32..190,
        gap in 0u32..60,
        reads in 15u32..60,
        product in prop::sample::select(vec![
            crate::report::evidence::Product::Nginx,
            crate::report::evidence::Product::Envoy,
            crate::report::evidence::Product::Unknown,
        ]),
    ) {
        let benign = [ReplyTraits::INTERMEDIARY, ReplyTraits::GATEWAY_HEADER, ReplyTraits::SHOULD_RETRY, ReplyTraits::SERVER_CLOUDFLARE, ReplyTraits::CLOUD_PLATFORM];
        let mut story = Story::healthy();
        let frozen = &mut story.evidence.paths[1].exchanges[0];
        frozen.product = product;
        frozen.header_set = Some(bits);
        for (bit, flag) in benign.into_iter().enumerate() {
            frozen.traits.set(flag, bits >> bit & 1 == 1);
        }
        let stream = frozen.stream.as_mut().unwrap();
        stream.first_event_ms = stream.first_event_ms.map(|ms| ms + slower);
        stream.last_event_ms = stream.last_event_ms.map(|ms| ms + slower);
        stream.end_ms += slower;
        stream.max_gap_ms += gap;
        stream.reads = reads;
        stream.compressed = bits & 64 != 0;
        prop_assert_eq!(story.verdict(), "Healthy @");
    }

    #[test]
    fn one_odd_pair_of_streams_is_never_attributed(
        direct in any_pace(), edge in any_pace(), second in prop::option::of((any::<bool>(), any::<bool>())), cached: bool, whole: bool,
    ) {
        let mut story = Story::new();
        // A probe that requests whole messages streams only in the other form.
        story.request.stream = !whole;
        let (first, again) = if whole { (K::OtherForm, K::OtherForm) } else { (K::Frozen, K::Repeat) };
        for (name, streamed) in [("direct", direct), ("edge", edge)] {
            if whole {
                story.on(name).frozen(ok());
            }
            story.on(name).reply(first, streamed);
        }
        // The second pair is as it should be, or only one half of it came.
        if let Some((on_direct, on_edge)) = second {
            for (_, name) in [(on_direct, "direct"), (on_edge, "edge")].into_iter().filter(|(sent, _)| *sent) {
                story.on(name).reply(again, stream());
            }
        }
        if cached {
            story.evidence.paths[1].exchanges[0].cache_age_s = Some(3);
        }
        let found = attributions(&story.diagnose().findings);
        prop_assert!(!found.iter().any(|found| is_buffering(found)), "{found:?}");
        story.paths.remove(0);
        let found = attributions(&story.diagnose().findings);
        prop_assert!(!found.iter().any(|found| is_buffering(found)), "{found:?}");
    }

    #[test]
    fn independent_faults_on_two_gateways_are_both_found(first in 0usize..5, second in 0usize..5) {
        let faults = [
            ("CredentialStripped", claude(401, E::KeyRequired)),
            ("GatewayRateLimited", page(429)),
            ("StreamCut", cut(Outcome::CutByClose, 5, 1_111, 1_115)),
            ("WrongRoute", page(404)),
            ("GatewayUnavailable", page(502)),
        ];
        let mut story = Story::new();
        story.add("other", Role::Gateway);
        story.on("direct").frozen(stream());
        story.on("edge").frozen(faults[first].1.clone());
        story.on("other").frozen(faults[second].1.clone());
        let found = attributions(&story.diagnose().findings);
        let (one, two) = (format!("{}@edge", faults[first].0), format!("{}@other", faults[second].0));
        prop_assert!(found.contains(&one) && found.contains(&two), "{found:?}");
    }

    #[test]
    fn an_attribution_never_rests_on_wording_alone(story in any_story(), error_kind in prop::sample::select(vec![
        GatewayErrorKind::ConnectFailed, GatewayErrorKind::DnsFailure, GatewayErrorKind::RateLimited, GatewayErrorKind::Cooldown, GatewayErrorKind::AuthRequired,
    ])) {
        // Words on an answer that came whole are nothing.
        let mut worded = Story::healthy();
        worded.evidence.paths[1].exchanges[0].error_kind = error_kind;
        prop_assert_eq!(worded.verdict(), "Healthy @");
        // And a verdict is always made of findings that are there.
        let diagnosis = story.diagnose();
        if !diagnosis.verdict.code.is_empty() {
            prop_assert!(diagnosis.findings.iter().any(|finding| finding.code.name() == diagnosis.verdict.code));
        }
    }

    #[test]
    fn two_independent_changes_on_one_gateway_are_both_found(first in 0..CHANGES.len(), second in 0..CHANGES.len()) {
        let mut story = Story::healthy();
        let (one, other) = (CHANGES[first], CHANGES[second]);
        (one.1)(&mut story);
        (other.1)(&mut story);
        let found = attributions(&story.diagnose().findings);
        for code in [one.0, other.0] {
            prop_assert!(found.contains(&format!("{code}@edge")), "{} and {}: {:?}", one.0, other.0, found);
        }
        let changed: std::collections::BTreeSet<_> = [one.0, other.0].into_iter().collect();
        prop_assert_eq!(found.len(), changed.len(), "and nothing else: {:?}", found);
    }
}
