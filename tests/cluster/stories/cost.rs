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
    let expected = BTreeMap::from([
        ("create pods".to_owned(), RUNS),
        ("patch claudeprobes/status".to_owned(), RUNS),
        ("delete pods".to_owned(), RUNS),
    ]);
    // A pod is deleted after the status that names its successor, so the last of them may still be to come.
    eventually("the runs cost this, and no more", || {
        let counted = counted(mark);
        if counted == expected {
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
