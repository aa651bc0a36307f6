//! What a verdict follows from, and what never changes it.

use super::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_paths_and_exchanges_does_not_matter(story in any_story(), seed in any::<u64>()) {
        let before = story.diagnose();
        let mut shuffled = story;
        let turn = |length: usize| if length == 0 { 0 } else { usize::try_from(seed % length as u64).unwrap() };
        let paths = turn(shuffled.evidence.paths.len());
        shuffled.evidence.paths.rotate_left(paths);
        for path in &mut shuffled.evidence.paths {
            let by = turn(path.exchanges.len());
            path.exchanges.rotate_left(by);
            if seed % 2 == 0 {
                path.exchanges.reverse();
            }
        }
        prop_assert_eq!(gist(&before), gist(&shuffled.diagnose()));
    }

    #[test]
    fn messages_fit_with_the_longest_path_names(story in any_story()) {
        // As long as the schema allows.
        let longest = |name: &str| format!("{name}{}", "-".repeat(40 - name.len()));
        let mut story = story;
        for path in story.paths.iter_mut().filter(|path| !path.is_direct()) {
            path.name = longest(&path.name);
        }
        for path in story.evidence.paths.iter_mut().filter(|path| path.path != "direct") {
            path.path = longest(&path.path);
            // And with a long request that ended early.
            let long = path.frozen().map(|frozen| Exchange { kind: K::Long, ..frozen.clone() });
            path.exchanges.extend(long);
        }
        story.request.long_at_least_ms = Some(119_500);
        assert_messages_fit(&story.diagnose());
    }

    #[test]
    fn the_verdict_of_cut_evidence_is_the_full_one_or_inconclusive(story in any_story(), paths in 0usize..4, exchanges in 0usize..12) {
        let full = story.verdict();
        let mut cut = story;
        cut.evidence.complete = false;
        cut.evidence.paths.truncate(paths);
        if let Some(last) = cut.evidence.paths.last_mut() {
            last.exchanges.truncate(exchanges);
        }
        let verdict = cut.verdict();
        prop_assert!(verdict == full || verdict.starts_with("Inconclusive"), "{verdict} instead of {full}");
    }

    #[test]
    fn the_verdict_of_a_cut_message_is_the_full_reports_or_inconclusive(story in any_story(), cut in 0.0f64..1.0, tail: bool) {
        let mut story = story;
        story.evidence = story.evidence.rounded();
        let full = story.verdict();
        let whole = message::encode(&story.evidence, message::MAX_BYTES);
        story.evidence = message::decode(&whole).unwrap();
        prop_assert_eq!(story.verdict(), full.clone(), "the report line and the report give the same verdict");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = whole.floor_char_boundary((whole.len() as f64 * cut) as usize);
        let part = if tail { &whole[at..] } else { &whole[..at] };
        let Ok(evidence) = message::decode(part) else { return Ok(()) };
        story.evidence = evidence;
        let verdict = story.verdict();
        prop_assert!(verdict == full || verdict.starts_with("Inconclusive"), "{} instead of {}", verdict, full);
    }

    #[test]
    fn nothing_depends_on_quotes_request_ids_or_peers(story in any_story(), word in "[a-z]{0,12}") {
        let before = gist(&story.diagnose());
        let mut other = story;
        for path in &mut other.evidence.paths {
            path.handshake.peer = Some(word.clone());
            for exchange in &mut path.exchanges {
                exchange.quote = (!word.is_empty()).then(|| word.clone());
                exchange.request_id = (!word.is_empty()).then(|| format!("req_{word}"));
            }
        }
        prop_assert_eq!(before, gist(&other.diagnose()));
    }

    #[test]
    fn exchanging_the_names_of_two_gateways_only_exchanges_names(story in any_story()) {
        let swap = |name: &str| match name {
            "edge" => "other".to_owned(),
            "other" => "edge".to_owned(),
            name => name.to_owned(),
        };
        let mut swapped = story.clone();
        swapped.paths.iter_mut().for_each(|path| path.name = swap(&path.name));
        swapped.evidence.paths.iter_mut().for_each(|probed| probed.path = swap(&probed.path));
        swapped.context.forwarding_checks.iter_mut().for_each(|kept| kept.path = swap(&kept.path));
        let (_, mut expected, letters) = gist(&story.diagnose());
        expected.iter_mut().for_each(|finding| finding.1 = swap(&finding.1));
        expected.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let verdict = story.diagnose().verdict;
        let headline = format!("{:?} {}@{}", verdict.state, verdict.code, swap(&verdict.path));
        prop_assert_eq!((headline, expected, letters), gist(&swapped.diagnose()));
    }

    #[test]
    fn accepting_findings_only_flags_them_and_turns_no_failure_healthy(story in any_story(), picked in any::<u64>()) {
        let before = story.diagnose();
        let mut lenient = story;
        let accept: Vec<Code> = crate::catalogue::CATALOGUE
            .iter()
            .enumerate()
            .filter(|(at, _)| picked >> (at % 64) & 1 == 1)
            .map(|(_, entry)| entry.code)
            .collect();
        for path in lenient.paths.iter_mut().filter(|path| !path.is_direct()) {
            path.accept.clone_from(&accept);
        }
        let after = lenient.diagnose();
        let bare = |diagnosis: &Diagnosis| {
            let mut found: Vec<_> = diagnosis.findings.iter().cloned().map(|mut finding| {
                finding.accepted = false;
                format!("{finding:?}")
            }).collect();
            found.sort();
            found
        };
        prop_assert_eq!(bare(&before), bare(&after));
        for finding in &after.findings {
            let meant = accept.contains(&finding.code) && finding.path != "direct";
            prop_assert_eq!(finding.accepted, meant, "{:?}", finding);
        }
        use crate::resource::status::VerdictState::{Failing, Healthy, Inconclusive};
        if matches!(before.verdict.state, Failing | Inconclusive) {
            prop_assert!(after.verdict.state != Healthy, "{}", headline(&after));
        }
        if before.verdict.state == Healthy {
            prop_assert_eq!(after.verdict.state, Healthy);
        }
    }

    #[test]
    fn a_verdict_names_a_finding_that_is_there_at_its_path_and_layer(story in any_story()) {
        let diagnosis = story.diagnose();
        let verdict = &diagnosis.verdict;
        if verdict.code.is_empty() {
            prop_assert!(verdict.layer.is_empty());
            // An inconclusive verdict orders no repair: it names what would decide.
            let decides = verdict.state == crate::resource::status::VerdictState::Inconclusive;
            prop_assert_eq!(verdict.advice.starts_with("To decide: "), decides, "{}", &verdict.advice);
            prop_assert!(decides || verdict.advice.is_empty());
        } else {
            let on = |finding: &&crate::resource::status::Finding| {
                finding.code.name() == verdict.code
                    && format!("{:?}", finding.layer) == verdict.layer
                    && (verdict.path.is_empty() || finding.path.is_empty() || finding.path == verdict.path)
                    && finding.confidence >= Confidence::Likely
            };
            prop_assert!(diagnosis.findings.iter().any(|finding| on(&finding)), "{}", headline(&diagnosis));
        }
    }

    #[test]
    fn nothing_depends_on_which_headers_an_answer_has(story in any_story(), digests in prop::collection::vec(any::<Option<u32>>(), 40)) {
        let before = gist(&story.diagnose());
        let mut other = story;
        let mut digests = digests.into_iter().cycle();
        for exchange in other.evidence.paths.iter_mut().flat_map(|path| &mut path.exchanges) {
            exchange.header_set = digests.next().unwrap();
        }
        prop_assert_eq!(before, gist(&other.diagnose()));
    }
}
