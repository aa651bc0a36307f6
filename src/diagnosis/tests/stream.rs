//! Streams.

use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::PastRun;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{BodyKind, EventKind, Exchange, Outcome, ReplyTraits};

fn pair(direct: Exchange, edge: &[Exchange]) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(direct);
    for (kind, reply) in [K::Frozen, K::Repeat].into_iter().zip(edge) {
        story.on("edge").reply(kind, reply.clone());
    }
    story
}

fn closed(events: u32, last: u32, end: u32) -> Exchange {
    cut(Outcome::CutByClose, events, last, end)
}

#[test]
fn a_constant_silence_before_the_cut_is_an_idle_timer_with_its_value() {
    let story = pair(slow_stream(9_000), &[closed(3, 700, 3_702), closed(3, 1_500, 4_508)]);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StreamIdleTimeout@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Certain);
    assert!(
        diagnosis.verdict.advice.contains("about 3.0 s"),
        "{}",
        diagnosis.verdict.advice
    );
}

#[test]
fn a_timer_is_certain_only_with_two_cuts_at_the_same_time() {
    let story = pair(slow_stream(9_000), &[closed(3, 700, 3_702)]);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StreamIdleTimeout@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Likely);
}

#[test]
fn a_gateway_that_discards_what_it_buffered_shows_a_head_and_no_event() {
    let story = pair(slow_stream(9_000), &[closed(0, 0, 3_900), closed(0, 0, 3_905)]);
    assert_eq!(story.verdict(), "Failing StreamIdleTimeout@edge");
}

#[test]
fn a_constant_total_while_events_flow_is_a_cap() {
    let story = pair(stream(), &[closed(18, 1_950, 2_001), closed(17, 1_900, 2_004)]);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StreamDurationCap@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Certain);
    assert!(diagnosis.verdict.advice.contains("about 2.0 s"));
}

#[test]
fn a_cut_after_so_many_events_is_no_timer_although_its_time_is_constant() {
    let same = pair(stream(), &[closed(9, 1_310, 1_314), closed(9, 1_312, 1_316)]).diagnose();
    assert_eq!(headline(&same), "Failing StreamCut@edge");
    let advice = &same.verdict.advice;
    assert!(advice.contains("about 1.3 s and 9 events"), "both readings: {advice}");
    let other = pair(stream(), &[closed(9, 1_310, 1_314), closed(8, 1_200, 1_316)]).diagnose();
    assert_eq!(headline(&other), "Failing StreamDurationCap@edge");
    assert_eq!(
        other.findings[0].confidence,
        Confidence::Likely,
        "no value that a person sets"
    );
    // Claude's own stream is not longer: the time shows nothing.
    let short = changed(stream(), |stream| stream.end_ms = 1_700);
    let story = pair(short, &[closed(18, 1_950, 2_001), closed(18, 1_900, 2_004)]).diagnose();
    assert_eq!(headline(&story), "Failing StreamCut@edge");
    assert!(!story.verdict.advice.contains("timer"), "{}", story.verdict.advice);
}

#[test]
fn cuts_at_no_constant_time_are_no_timer() {
    let story = pair(stream(), &[closed(18, 1_650, 1_655), closed(9, 1_100, 1_110)]);
    assert_eq!(story.verdict(), "Failing StreamCut@edge");
    assert_eq!(
        pair(stream(), &[closed(18, 1_650, 1_655)]).verdict(),
        "Failing StreamCut@edge"
    );
}

#[test]
fn a_cut_or_an_error_on_both_paths_is_claudes() {
    let story = pair(closed(5, 600, 605), &[closed(5, 600, 606), closed(5, 600, 604)]);
    assert_eq!(story.verdict(), "Failing UpstreamStreamError@");
    let genuine = Exchange {
        error: E::Overloaded,
        ..changed(cut(Outcome::Answered, 5, 600, 605), |stream| {
            stream.last_event = EventKind::Error;
            stream.error_event_genuine = Some(true);
        })
    };
    assert_eq!(pair(stream(), &[genuine]).verdict(), "Failing UpstreamStreamError@edge");
}

#[test]
fn a_clean_end_without_message_stop_is_a_masked_truncation() {
    let masked = cut(Outcome::Answered, 9, 1_111, 1_112);
    let story = pair(stream(), std::slice::from_ref(&masked));
    let diagnosis = story.diagnose();
    assert_eq!(attributions(&diagnosis.findings), ["StreamTruncationMasked@edge"]);
    assert_eq!(headline(&diagnosis), "Failing StreamTruncationMasked@edge");
    // Claude cuts both; the gateway ends its cut stream properly.
    let both = pair(closed(9, 1_111, 1_112), &[masked]).diagnose();
    assert_eq!(headline(&both), "Failing UpstreamStreamError@");
    assert!(attributions(&both.findings).contains(&"StreamTruncationMasked@edge".to_owned()));
}

#[test]
fn an_error_event_without_an_id_on_one_path_is_made_up() {
    let made_up = Exchange {
        error: E::Internal,
        ..changed(cut(Outcome::Answered, 5, 600, 605), |stream| {
            stream.last_event = EventKind::Error;
            stream.error_event_genuine = Some(false);
        })
    };
    assert_eq!(
        pair(stream(), std::slice::from_ref(&made_up)).verdict(),
        "Failing StreamErrorSynthesised@edge"
    );
    let mut alone = pair(stream(), &[made_up]);
    alone.paths.remove(0);
    assert_eq!(alone.verdict(), "Inconclusive @edge");
}

#[test]
fn an_error_before_any_word_of_claudes_may_be_the_gateways_own() {
    let overloaded = |model_matches, traits| Exchange {
        error: E::Overloaded,
        model_matches,
        traits,
        ..changed(cut(Outcome::Answered, 1, 3, 3), |stream| {
            stream.last_event = EventKind::Error;
            stream.error_event_genuine = Some(false);
        })
    };
    let verdict = |edge| pair(stream(), &[edge]).verdict();
    let first = overloaded(None, ReplyTraits::default());
    for error in [E::Overloaded, E::Timeout, E::KeyInvalid] {
        let edge = Exchange { error, ..first.clone() };
        assert_eq!(verdict(edge), "Inconclusive @edge");
    }
    let own = Exchange {
        error: E::None,
        ..first
    };
    assert_eq!(verdict(own), "Failing StreamErrorSynthesised@edge");
    for begun in [
        overloaded(Some(true), ReplyTraits::default()),
        overloaded(None, ReplyTraits::REQUEST_ID),
    ] {
        assert_eq!(verdict(begun), "Failing UpstreamStreamError@edge");
    }
}

#[test]
fn a_stream_that_is_nothing_but_an_error_hides_what_the_control_shows() {
    let refused = |error| Exchange {
        error,
        model_matches: None,
        traits: ReplyTraits::default(),
        ..changed(cut(Outcome::Answered, 1, 3, 3), |stream| {
            stream.last_event = EventKind::Error;
            stream.error_event_genuine = Some(false);
        })
    };
    for error in [E::Overloaded, E::Internal] {
        assert_eq!(
            pair(claude(529, E::Overloaded), &[refused(error)]).verdict(),
            "Failing UpstreamOverloaded@"
        );
    }
}

/// A stream that comes at once, at the end of the control's.
fn burst() -> Exchange {
    changed(stream(), |stream| {
        stream.first_event_ms = Some(2_790);
        stream.reads = 1;
        stream.max_gap_ms = 4;
    })
}

#[test]
fn events_that_come_at_once_are_buffered() {
    let burst = burst();
    let diagnosis = twice(&stream(), &burst).diagnose();
    assert_eq!(headline(&diagnosis), "Degraded StreamBuffered@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Certain);
    // A control whose own events do not spread shows nothing.
    let short = changed(stream(), |stream| stream.last_event_ms = Some(900));
    assert_eq!(twice(&short, &burst).verdict(), "Healthy @");
    // The same with gzip.
    let gzip = changed(burst, |stream| stream.compressed = true);
    assert_eq!(twice(&stream(), &gzip).verdict(), "Degraded StreamCompressed@edge");
}

/// Two pairs of streams, alike.
fn twice(direct: &Exchange, edge: &Exchange) -> Story {
    let mut story = pair(direct.clone(), &[edge.clone(), edge.clone()]);
    story.on("direct").reply(K::Repeat, direct.clone());
    story
}

#[test]
fn a_second_pair_decides_whether_a_stream_is_buffering() {
    let burst = burst();
    let confidence = |story: &Story| {
        let found = story.diagnose().findings;
        let held = found.iter().find(|finding| finding.code == Code::StreamBuffered);
        held.map(|finding| finding.confidence)
    };
    let one = pair(stream(), std::slice::from_ref(&burst));
    assert_eq!(confidence(&one), Some(Confidence::Possible), "a reading");
    assert_eq!(one.verdict(), "Healthy @");
    // The second pair flows: the first was odd.
    let mut other = pair(stream(), &[burst.clone(), stream()]);
    other.on("direct").reply(K::Repeat, stream());
    assert_eq!(confidence(&other), None);
    // A second pair that cannot show it counts neither way.
    let mut short = pair(stream(), &[burst.clone(), burst.clone()]);
    let quick = changed(stream(), |stream| stream.last_event_ms = Some(900));
    short.on("direct").reply(K::Repeat, quick);
    assert_eq!(confidence(&short), Some(Confidence::Possible));
    // The run before saw the same.
    let mut again = one.clone();
    again.context.last_runs = vec![PastRun {
        findings: vec![found(Code::StreamBuffered, "edge")],
        ..PastRun::default()
    }];
    assert_eq!(confidence(&again), Some(Confidence::Certain));
    assert_eq!(again.verdict(), "Degraded StreamBuffered@edge");
    again.context.last_runs[0].findings = vec![found(Code::StreamBuffered, "other")];
    assert_eq!(confidence(&again), Some(Confidence::Possible));
}

#[test]
fn a_second_sample_of_the_other_form_decides_where_only_that_is_a_stream() {
    let story = |direct: &[Exchange], edge: &[Exchange]| {
        let mut story = Story::new();
        story.request.stream = false;
        for (name, streams) in [("direct", direct), ("edge", edge)] {
            story.on(name).frozen(ok());
            for reply in streams {
                story.on(name).reply(K::OtherForm, reply.clone());
            }
        }
        story
    };
    let confidence = |direct: &[Exchange], edge: &[Exchange]| {
        let found = story(direct, edge).diagnose().findings;
        let held = found.iter().find(|finding| finding.code == Code::StreamBuffered);
        held.map(|finding| finding.confidence)
    };
    let (burst, flows) = (burst(), stream());
    let quick = changed(stream(), |stream| stream.last_event_ms = Some(900));
    let twice = [flows.clone(), flows.clone()];
    assert_eq!(
        confidence(&twice[..1], std::slice::from_ref(&burst)),
        Some(Confidence::Possible),
        "one pair is a reading"
    );
    let both = [burst.clone(), burst.clone()];
    assert_eq!(confidence(&twice, &both), Some(Confidence::Certain));
    assert_eq!(story(&twice, &both).verdict(), "Degraded StreamBuffered@edge");
    assert_eq!(
        confidence(&twice, &[burst.clone(), flows.clone()]),
        None,
        "the first was odd"
    );
    assert_eq!(
        confidence(&twice[..1], &both),
        Some(Confidence::Possible),
        "half a pair is none"
    );
    assert_eq!(
        confidence(&[flows, quick], &both),
        Some(Confidence::Certain),
        "the gateway's second is buffered beside the control's first, and beside its second nothing shows"
    );
}

#[test]
fn what_earlier_forwarding_checks_kept_of_the_other_form_is_a_second_pair() {
    let mut story = Story::new();
    story.request.stream = false;
    story.context.forwarding_check_period_ms = 3_600_000;
    for (name, streamed) in [("direct", stream()), ("edge", burst())] {
        story.on(name).frozen(ok()).reply(K::OtherForm, streamed);
    }
    let first = story.diagnose();
    assert_eq!(headline(&first), "Healthy @");
    // An hour later.
    story.context.forwarding_checks = first.forwarding_checks;
    story.context.now_ms += 3_600_000;
    assert_eq!(story.verdict(), "Degraded StreamBuffered@edge");
    // What that run sent once more, and flowed, is what it kept.
    story.on("direct").reply(K::OtherForm, stream());
    story.on("edge").reply(K::OtherForm, stream());
    story.context.forwarding_checks = story.diagnose().forwarding_checks;
    story
        .evidence
        .paths
        .iter_mut()
        .for_each(|path| path.exchanges.truncate(2));
    story.context.now_ms += 3_600_000;
    assert_eq!(story.verdict(), "Healthy @");
}

#[test]
fn a_long_stream_in_lumps_is_buffered_by_itself_and_one_that_stops_once_is_not() {
    let long = |reads, gap| {
        changed(slow_stream(0), |stream| {
            (stream.first_event_ms, stream.last_event_ms, stream.end_ms) = (Some(400), Some(60_400), 60_405);
            (stream.reads, stream.max_gap_ms) = (reads, gap);
        })
    };
    let story = |edge| {
        let mut story = Story::healthy();
        story.on("direct").reply(K::Long, long(600, 150));
        story.on("edge").reply(K::Long, edge);
        story
    };
    assert_eq!(story(long(20, 3_200)).verdict(), "Degraded StreamBuffered@edge");
    assert_eq!(story(long(3, 40_000)).verdict(), "Healthy @");
    assert_eq!(story(long(590, 9_000)).verdict(), "Healthy @");
}

#[test]
fn lumps_with_silences_that_the_control_does_not_have_are_buffered() {
    let lumps = changed(stream(), |stream| {
        stream.reads = 4;
        stream.max_gap_ms = 1_100;
    });
    assert_eq!(twice(&stream(), &lumps).verdict(), "Degraded StreamBuffered@edge");
}

#[test]
fn compression_that_flushes_and_a_model_that_is_slow_on_both_paths_are_no_finding() {
    let gzip = changed(stream(), |stream| stream.compressed = true);
    assert_eq!(twice(&stream(), &gzip).verdict(), "Healthy @");
    let late = changed(stream(), |stream| {
        stream.first_event_ms = Some(2_700);
        stream.reads = 3;
    });
    assert_eq!(twice(&late, &late).verdict(), "Healthy @");
    let held_200_ms = changed(stream(), |stream| {
        stream.first_event_ms = Some(600);
        stream.reads = 20;
    });
    assert_eq!(twice(&stream(), &held_200_ms).verdict(), "Healthy @");
}

#[test]
fn a_message_where_a_stream_was_requested() {
    let collapsed = Exchange {
        body: BodyKind::MessageNotStream,
        ..ok()
    };
    assert_eq!(pair(stream(), &[collapsed]).verdict(), "Failing StreamCollapsed@edge");
}

#[test]
fn a_cut_without_a_control_is_only_a_reading() {
    let mut story = pair(stream(), &[closed(18, 1_950, 2_001), closed(17, 1_900, 2_004)]);
    story.paths.remove(0);
    assert_eq!(story.verdict(), "Inconclusive @edge");
}

#[test]
fn a_gateway_that_closes_a_moment_after_its_total_timer_has_no_idle_timer() {
    let story = pair(stream(), &[closed(18, 1_990, 3_000), closed(17, 1_995, 3_004)]);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StreamDurationCap@edge");
    assert!(
        diagnosis.verdict.advice.contains("about 2.0 s"),
        "{}",
        diagnosis.verdict.advice
    );
}

#[test]
fn broken_framing_is_a_cut_like_any_other_and_may_have_a_timer() {
    let broken = |last, end| cut(Outcome::BrokenFraming, 3, last, end);
    let story = pair(slow_stream(9_000), &[broken(700, 3_702), broken(1_500, 4_508)]);
    assert_eq!(story.verdict(), "Failing StreamIdleTimeout@edge");
}

#[test]
fn a_cap_that_strikes_with_the_next_event_is_bracketed_by_two_cuts() {
    let story = |first, second| pair(slow_stream(9_000), &[first, second]).verdict();
    assert_eq!(
        story(closed(8, 1_990, 2_270), closed(7, 1_800, 2_090)),
        "Failing StreamDurationCap@edge"
    );
    assert_eq!(
        story(closed(8, 1_990, 2_270), closed(9, 2_400, 2_690)),
        "Failing StreamCut@edge",
        "no time lies in both"
    );
    assert_eq!(
        story(closed(8, 2_190, 2_670), closed(7, 2_200, 2_460)),
        "Failing StreamCut@edge",
        "no usual timer value"
    );
}
