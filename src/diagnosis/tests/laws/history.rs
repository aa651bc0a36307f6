//! What the runs before may change, and what they may not.

use super::*;
use crate::diagnosis::{Context, PastRun};

/// Runs stories one after the other, each with what the ones before left.
fn lives(stories: Vec<Story>) -> Vec<Diagnosis> {
    let mut context = Context::default();
    let mut diagnoses: Vec<Diagnosis> = Vec::new();
    for mut story in stories {
        story.context.forwarding_checks.clear();
        story.context.last_runs = context.last_runs.clone();
        story.context.conditions = context.conditions.clone();
        let diagnosis = story.diagnose();
        context.conditions.clone_from(&diagnosis.conditions);
        let run = PastRun {
            at_ms: story.context.now_ms,
            state: diagnosis.verdict.state,
            code: diagnosis.verdict.code.clone(),
            path: diagnosis.verdict.path.clone(),
            findings: diagnosis.own_findings.clone(),
            own_conditions: diagnosis.own_conditions.clone(),
        };
        context.last_runs.insert(0, run);
        context.last_runs.truncate(5);
        diagnoses.push(diagnosis);
    }
    diagnoses
}

/// Attributions of buffered streams.
fn debounced(findings: &[crate::resource::status::Finding]) -> Vec<String> {
    let mut found = attributions(findings);
    found.retain(|found| is_buffering(found));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn a_condition_changes_only_when_two_in_a_row_or_three_of_five_agree(stories in prop::collection::vec(any_story(), 1..9)) {
        let diagnoses = lives(stories);
        for (at, diagnosis) in diagnoses.iter().enumerate().skip(1) {
            for (index, condition) in diagnosis.conditions.iter().enumerate() {
                let own = |run: &Diagnosis| run.own_conditions.chars().nth(index).unwrap();
                let last = own(diagnosis);
                let shown = condition.status.name().chars().next().unwrap();
                let agree = diagnoses[at.saturating_sub(4)..=at].iter().filter(|run| own(run) == last).count();
                let twice = own(&diagnoses[at - 1]) == last;
                if condition.status != diagnoses[at - 1].conditions[index].status {
                    prop_assert_eq!(shown, last, "it changes only to the run's own status");
                    prop_assert!(twice || agree >= 3, "{:?} changed after one run", condition.kind);
                }
                if twice {
                    prop_assert_eq!(shown, last, "two in a row settle it");
                }
            }
        }
    }

    #[test]
    fn earlier_runs_change_no_state_but_add_what_comes_and_goes(stories in prop::collection::vec(any_story(), 1..7)) {
        use crate::resource::status::VerdictState::{Degraded, Healthy};
        let alone: Vec<Diagnosis> = stories.iter().cloned().map(|mut story| {
            story.context.forwarding_checks.clear();
            story.diagnose()
        }).collect();
        for (one, among) in alone.iter().zip(lives(stories)) {
            // What one pair of streams does not settle, the pair of an earlier run does.
            let paired = debounced(&one.findings) != debounced(&among.findings);
            if !paired {
                prop_assert_eq!(&one.own_conditions, &among.own_conditions);
                prop_assert_eq!(&one.own_findings, &among.own_findings);
            }
            let warned = one.verdict.state == Healthy && among.verdict.state == Degraded;
            prop_assert!(one.verdict.state == among.verdict.state || warned, "{} became {}", headline(one), headline(&among));
            // What was added is a warning with a rate of at least two.
            for finding in among.findings.iter().filter(|finding| {
                !among.own_findings.contains(&found(finding.code, &finding.path))
            }) {
                prop_assert!(finding.severity < crate::catalogue::Severity::Error && finding.seen.unwrap().failed >= 2);
            }
        }
    }
}
