//! Laws that hold for any evidence: [`attributions`] (which findings are allowed, and when), [`verdicts`] (what they
//! follow from), [`history`] (what the runs before change).

mod attributions;
mod history;
mod verdicts;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::diagnosis::{Diagnosis, KeptResult, PathForwardingChecks, Role};
use crate::report::evidence::{BodyKind, Echo, Exchange, GatewayErrorKind, Outcome, Reach, ReplyTraits};
use crate::report::message;

/// Replies that the frozen request may get, from Claude, from gateways, from the way.
fn any_reply() -> impl Strategy<Value = Exchange> {
    let statuses = prop::sample::select(vec![400u16, 401, 403, 404, 408, 413, 429, 431, 500, 502, 503, 504]);
    let classes = prop::sample::select(vec![
        (401u16, E::KeyInvalid),
        (401, E::KeyRequired),
        (401, E::CredentialRevoked),
        (403, E::Permission),
        (400, E::VersionInvalid),
        (400, E::ExtraInputs),
        (404, E::ModelNotFound),
        (429, E::RateLimit),
        (429, E::SpendLimitEnforced),
        (500, E::Internal),
        (529, E::Overloaded),
    ]);
    let outcomes = prop::sample::select(vec![
        Outcome::NoReply,
        Outcome::ClosedBeforeHead,
        Outcome::ResetBeforeHead,
        Outcome::NotHttp,
    ]);
    prop_oneof![
        4 => Just(stream()),
        1 => (500u32..9_000).prop_map(slow_stream),
        2 => any_pace(),
        2 => (statuses.clone(), 1u32..6_000).prop_map(|(status, ms)| after(ms, page(status))),
        1 => statuses.prop_map(|status| Exchange { traits: ReplyTraits::EMPTY, ..reply(status) }),
        2 => classes.clone().prop_map(|(status, class)| claude(status, class)),
        1 => classes.clone().prop_map(|(status, class)| lookalike(status, class)),
        1 => classes.prop_map(|(status, class)| minted(status, class)),
        1 => outcomes.prop_map(nothing),
        1 => (0u32..20, 100u32..3_000, 0u32..5_000, any::<bool>()).prop_map(|(events, last, gap, clean)| {
            let outcome = if clean { Outcome::Answered } else { Outcome::CutByClose };
            cut(outcome, events, last, last + gap)
        }),
        1 => prop::sample::select(vec![BodyKind::Html, BodyKind::Empty, BodyKind::MessageNotStream])
            .prop_map(|body| Exchange { body, ..reply(200) }),
    ]
}

/// A complete stream at any pace: fast, slow, late, in lumps, with a length, compressed.
fn any_pace() -> impl Strategy<Value = Exchange> {
    let times = (100u32..6_000, 0u32..8_000, 1u32..3_000);
    (times, 1u32..60, any::<bool>(), any::<bool>()).prop_map(
        |((first, spread, gap), reads, content_length, compressed)| {
            let end = first + spread + 5;
            let paced = changed(stream(), |stream| {
                (stream.first_event_ms, stream.first_token_ms) = (Some(first), Some(first));
                (stream.last_event_ms, stream.end_ms) = (Some(first + spread), end);
                (stream.max_gap_ms, stream.reads) = (gap.min(spread), reads);
                (stream.content_length, stream.compressed) = (content_length, compressed);
            });
            Exchange {
                first_byte_ms: Some(first),
                total_ms: Some(end),
                ..paced
            }
        },
    )
}

fn any_forwarding_check() -> impl Strategy<Value = (K, Exchange)> {
    // A prompt is read beside its twin, and a large header beside what counts tokens: without that they are another
    // story.
    let needs_another = |kind: &K| matches!(kind, K::AttackPrompt | K::BenignPrompt | K::LargeHeader);
    let shows = |kind: &K| (kind.entry().kept || kind.entry().useful_after_failure) && !needs_another(kind);
    let kinds = prop::sample::select(K::all().filter(shows).collect::<Vec<_>>());
    let replies = prop_oneof![
        Just(ok()),
        Just(Exchange {
            echo: Echo::Exact,
            ..claude(400, E::BetaUnexpected)
        }),
        Just(Exchange {
            echo: Echo::OnlyOthers,
            ..claude(400, E::VersionInvalid)
        }),
        Just(claude(401, E::KeyInvalid)),
        Just(claude(401, E::KeyRequired)),
        Just(claude(400, E::ExtraInputs)),
        Just(page(401)),
        Just(page(403)),
        Just(page(413)),
        Just(lookalike(401, E::KeyInvalid)),
        Just(claude(405, E::InvalidRequest)),
        Just(minted(529, E::Overloaded)),
    ];
    (kinds, replies)
}

prop_compose! {
    /// A control and two gateways, each with a reply, perhaps a repeat, and some forwarding checks.
    fn any_story()(
        replies in prop::collection::vec((any_reply(), prop::option::of(any_reply())), 3),
        forwarding_checks in prop::collection::vec((0usize..3, any_forwarding_check()), 0..10),
        unreached in prop::option::weighted(0.2, (0usize..3, prop::sample::select(vec![
            Reach::DnsNoName, Reach::ConnectTimeout, Reach::TlsUntrusted, Reach::ConnectRefused,
        ]))),
        virtual_key in any::<bool>(),
        kept in prop::collection::vec((0usize..3, any_forwarding_check()), 0..4),
    ) -> Story {
        let mut story = Story::new();
        story.add("other", Role::Gateway);
        let names = ["direct", "edge", "other"];
        for (name, (frozen, repeat)) in names.into_iter().zip(replies) {
            let on = story.on(name).frozen(frozen);
            if let Some(repeat) = repeat {
                on.reply(K::Repeat, repeat);
            }
        }
        for (probed, (kind, reply)) in forwarding_checks {
            // A run sends one exchange of a kind on a path.
            if story.evidence.paths[probed].exchange(kind).is_none() {
                story.on(names[probed]).reply(kind, reply);
            }
        }
        if let Some((probed, reach)) = unreached {
            story.evidence.paths[probed].exchanges.clear();
            story.on(names[probed]).unreached(reach);
        }
        if virtual_key {
            story.on("other").virtual_key();
        }
        for (probed, (kind, exchange)) in kept {
            // An earlier run's, of a kind that this run did not send.
            let path = names[probed].to_owned();
            let exchange = Exchange { kind, ..exchange };
            let at_ms = story.context.now_ms - 60_000;
            let known = story.context.forwarding_checks.iter().any(|kept| kept.path == path);
            if !known && story.evidence.paths[probed].exchange(kind).is_none() {
                let results = vec![KeptResult { at_ms, exchange }];
                story.context.forwarding_checks.push(PathForwardingChecks { path, results });
            }
        }
        story
    }
}

/// A finding without its words.
type Named = (Code, String, Confidence, bool);

/// All that a user acts on.
fn gist(diagnosis: &Diagnosis) -> (String, Vec<Named>, String) {
    let mut findings: Vec<_> = diagnosis
        .findings
        .iter()
        .map(|finding| (finding.code, finding.path.clone(), finding.confidence, finding.accepted))
        .collect();
    findings.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    (headline(diagnosis), findings, diagnosis.own_conditions.clone())
}

/// Codes that state what happened and blame no part: what is left when the evidence for a cause is taken away.
fn states_a_fact(code: &str) -> bool {
    let (code, path) = code.split_once('@').unwrap();
    let code = Code::from_name(code).unwrap();
    if path == "direct" && code == Code::StreamCut {
        return true;
    }
    matches!(
        code,
        Code::GatewayUnavailable | Code::NoReply | Code::ConnectionReset | Code::StreamTruncationMasked
    )
}

/// What the same part of the same path may be called when evidence is missing, by what it was called with all of it.
/// From left to right only.
const RENAMED: [(&str, &[&str]); 9] = [
    // The gateway's own rejection: without the forwarding checks that show what it depends on.
    (
        "GatewayAuthRefused",
        &["GatewayPolicyDenied", "CredentialCarrierMismatch"],
    ),
    ("GatewayPolicyDenied", &["GatewayAuthRefused"]),
    ("CredentialCarrierMismatch", &["GatewayAuthRefused"]),
    // The gateway's own 429: without the failure of Claude's that it followed nothing shows its reason.
    ("GatewayCooldown", &["GatewayRateLimited"]),
    // The gateway's way to Claude: without the exchange that arrived there.
    (
        "GatewayUnavailable",
        &["UpstreamUnreachable", "UpstreamConnectTimeout", "FirstByteTimeout"],
    ),
    // One cut at a time that people set, or a second one that is of another kind.
    ("StreamCut", &["StreamDurationCap", "StreamIdleTimeout"]),
    (
        "StreamTruncationMasked",
        &["StreamDurationCap", "StreamIdleTimeout", "StreamCut"],
    ),
    ("StreamDurationCap", &["StreamCut", "StreamIdleTimeout"]),
    ("StreamIdleTimeout", &["StreamCut"]),
];

/// Whether this was attributed before, under this code or another one of the same part.
fn attributed_before(full: &[String], attribution: &str) -> bool {
    let (code, path) = attribution.split_once('@').unwrap();
    let renamed = |known: &str| RENAMED.iter().any(|(name, to)| *name == known && to.contains(&code));
    full.iter()
        .filter_map(|known| known.split_once('@'))
        .any(|(known, on)| on == path && (known == code || renamed(known)))
}

/// Whether the evidence of this path or of the control contradicts itself about a key: what is left when one side of
/// that is taken away stands by itself.
fn contradicts(full: &Diagnosis, attribution: &str) -> bool {
    let (code, path) = attribution.split_once('@').unwrap();
    let about_key = [
        "GatewayStaleCredential",
        "GatewayAuthRefused",
        "CredentialAltered",
        "CredentialRejected",
    ];
    let here = |on: &str| on == path || on == "direct";
    about_key.contains(&code)
        && full
            .findings
            .iter()
            .any(|finding| here(&finding.path) && finding.evidence.starts_with("contradictory"))
}

/// Whether Claude's own trouble on the control ruled the gateway out: its reply may have repeated that trouble, and
/// without the control nothing shows that. The finding stays a reading.
fn ruled_out(full: &Diagnosis, attribution: &str) -> bool {
    let (code, path) = attribution.split_once('@').unwrap();
    let from_words = ["GatewayAuthRefused", "GatewayPolicyDenied", "GatewayRateLimited"];
    let of_claude = |before: &String| before.ends_with("@direct") && !before.starts_with("DirectPath");
    // A trouble that came and went on the control is a reading there: it may stand behind the gateway's words all the
    // same.
    let came_and_went = |finding: &crate::resource::status::Finding| {
        finding.path == "direct" && finding.evidence.starts_with("contradictory")
    };
    let troubled = attributions(&full.findings).iter().any(of_claude) || full.findings.iter().any(came_and_went);
    let reading = |finding: &crate::resource::status::Finding| {
        let same = finding.code.name() == code || from_words.contains(&finding.code.name());
        finding.path == path && finding.confidence == Confidence::Possible && same
    };
    from_words.contains(&code) && troubled && full.findings.iter().any(reading)
}

/// Whether the control showed that a key is good which Claude calls revoked on this path: without it Claude's word
/// stands.
fn is_good(story: &Story, attribution: &str) -> bool {
    let Some(path) = attribution.strip_prefix("CredentialRejected@") else {
        return false;
    };
    let accepted = |frozen: &Exchange| frozen.status == 200;
    let revoked = |exchange: &Exchange| exchange.error == E::CredentialRevoked;
    let probed_paths = &story.evidence.paths;
    probed_paths[0].frozen().is_some_and(accepted)
        && probed_paths[1..]
            .iter()
            .any(|probed| probed.path == path && probed.exchanges.iter().any(revoked))
}

/// Whether an attribution that is made with a part of the evidence is one that the whole of it explains.
fn explained(story: &Story, whole: &Diagnosis, attribution: &str) -> bool {
    attributed_before(&attributions(&whole.findings), attribution)
        || states_a_fact(attribution)
        || contradicts(whole, attribution)
        || is_good(story, attribution)
        || ruled_out(whole, attribution)
        || without_a_way(whole, attribution)
        || empty_as_all(whole, attribution)
}

/// Whether an empty 200 was a reading, for the control got no reply either: without the control it is what a wrong
/// route answers.
fn empty_as_all(full: &Diagnosis, attribution: &str) -> bool {
    let reading = |finding: &crate::resource::status::Finding| {
        finding.confidence == Confidence::Possible && format!("{}@{}", finding.code, finding.path) == attribution
    };
    let silent = attributions(&full.findings)
        .iter()
        .any(|known| known.ends_with("@direct"));
    attribution.starts_with("WrongRoute@") && silent && full.findings.iter().any(reading)
}

/// Whether all ways out failed before, and some exchange had arrived all the same: without it none has.
fn without_a_way(full: &Diagnosis, attribution: &str) -> bool {
    let known = attributions(&full.findings);
    let failed = |path| {
        let towards = ["GatewayUnavailable", "UpstreamUnreachable", "UpstreamConnectTimeout"];
        towards.iter().any(|code| known.contains(&format!("{code}@{path}")))
    };
    attribution == "EgressDown@" && ["edge", "other"].into_iter().all(failed)
}

/// The same cases in every run of the suite; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` search further (`tests/run
/// soak`).
pub(super) fn config() -> ProptestConfig {
    let set = ProptestConfig::default();
    let fixed = std::env::var_os("PROPTEST_RNG_SEED").is_none();
    ProptestConfig {
        failure_persistence: None,
        rng_seed: if fixed { RngSeed::Fixed(4) } else { set.rng_seed },
        ..set
    }
}
