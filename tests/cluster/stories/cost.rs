//! What a run costs the API server, counted in its audit log.

use std::collections::BTreeMap;

use crate::kit::nginx::Nginx;
use crate::kit::operator::both;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;
use crate::kit::{audit, eventually};

#[test]
fn alone_a_run_costs_three_writes_and_no_read() {
    const RUNS: usize = 4;
    let story = Story::new("cost", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "  forwardingChecks: {every: 0s}\n");
    story.first_run();
    both();

    let mark = audit::mark();
    for _ in 0..RUNS {
        story.run();
    }
    // A pod is deleted after the status that names its successor, so the last of them may still be to come; and where the
    // machine is slow, a slot of the schedule comes due between the runs that the test requests.
    eventually("each run costs one of these three, and nothing else", || {
        let counted = counted(mark);
        let runs = counted.get("create pods").copied().unwrap_or_default();
        let each = ["create pods", "patch claudeprobes/status", "delete pods"].map(|write| (write.to_owned(), runs));
        if runs >= RUNS && counted == BTreeMap::from(each) {
            Ok(())
        } else {
            Err(format!("{counted:#?}"))
        }
    });
}

/// The operator's requests since `mark`, by kind. Renewals of the Lease and Events are counted apart; a watch that the server ends
/// after minutes is opened again.
fn counted(mark: audit::Mark) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for entry in audit::since(mark).iter().filter(|entry| entry.by_operator()) {
        *counted.entry(entry.what()).or_default() += 1;
    }
    counted.retain(|what: &String, _| {
        !what.ends_with(" leases") && !what.ends_with(" events") && !what.starts_with("watch ")
    });
    counted
}
