//! Replicas end at the worst moments. No run is lost or repeated.

use serde_json::json;

use crate::kit::audit;
use crate::kit::eventually;
use crate::kit::nginx::Nginx;
use crate::kit::operator::{both, leader};
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

/// Pods that were created in the story's namespace since `mark`.
fn pods_created(story: &Story, mark: audit::Mark) -> usize {
    let here = |entry: &audit::Entry| {
        entry
            .object_ref
            .as_ref()
            .is_some_and(|object| object.namespace == story.namespace)
    };
    audit::since(mark)
        .iter()
        .filter(|entry| entry.what() == "create pods" && entry.by_operator() && entry.granted() && here(entry))
        .count()
}

#[test]
fn alone_the_leader_killed_in_the_middle_of_a_run_loses_and_repeats_nothing() {
    let story = Story::new("midrun", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "  forwardingChecks: {every: 0s}\n");
    story.first_run();
    both();

    story
        .claude
        .fault(&json!({"route": "messages", "fault": {"delay": {"ms": 3000}}}));
    let mark = audit::mark();
    let value = story.ask_for_run();
    eventually("the run's pod runs", || {
        match story.kubectl(&["get", "pods", "--field-selector=status.phase=Running", "-o", "name"]) {
            none if none.is_empty() => Err(none),
            _ => Ok(()),
        }
    });
    leader().kill();
    let status = story.status_when("the run that was under way has been read", |status| {
        status.0["lastHandledRunNow"] == value.as_str()
            && !status.0["lastRun"]["finishedAt"].is_null()
            && status.slot().starts_with('r')
    });
    assert_eq!(status.verdict("state"), "Healthy", "{status}");
    both();
    assert_eq!(pods_created(&story, mark), 1, "one slot, one pod");
}

#[test]
fn alone_the_leader_killed_between_runs_is_replaced() {
    let story = Story::new("between", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "  forwardingChecks: {every: 0s}\n");
    let before = story.first_run();
    both();

    let mark = audit::mark();
    let old = leader();
    // The pod is deleted, not only its process: the other replica takes over.
    crate::kit::kubectl(&[
        "delete",
        "pod",
        "-n",
        "claudeprobe-system",
        &old.name,
        "--grace-period=0",
        "--force",
    ]);
    let new = eventually("another replica leads", || {
        let now = leader();
        if now.name == old.name { Err(now.name) } else { Ok(now) }
    });
    let status = story.run();
    assert_eq!(status.verdict("state"), "Healthy", "{status}");
    assert_eq!(status.0["history"][0]["state"], "Healthy", "{status}");
    assert_eq!(
        pods_created(&story, mark),
        1,
        "the take-over started no run of its own; before: {before}"
    );
    let exported = new.metrics().unwrap();
    assert!(
        exported.contains(&format!("namespace=\"{}\"", story.namespace)),
        "the new leader exports the probe"
    );
    both();
}

#[test]
fn alone_both_replicas_killed_at_once_resume_the_schedule() {
    let story = Story::new("both", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "  forwardingChecks: {every: 0s}\n");
    story.first_run();

    story
        .claude
        .fault(&json!({"route": "messages", "fault": {"delay": {"ms": 2000}}}));
    let mark = audit::mark();
    let value = story.ask_for_run();
    for replica in both() {
        replica.kill();
    }
    let status = story.status_when("the run that was asked for has been made", |status| {
        status.0["lastHandledRunNow"] == value.as_str()
            && !status.0["lastRun"]["finishedAt"].is_null()
            && status.slot().starts_with('r')
    });
    assert_eq!(status.verdict("state"), "Healthy", "{status}");
    both();
    assert_eq!(pods_created(&story, mark), 1, "one slot, one pod");
}
