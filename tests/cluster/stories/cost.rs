//! What a run costs the API server, counted in its audit log.

use std::collections::BTreeMap;

use crate::kit::audit;
use crate::kit::nginx::Nginx;
use crate::kit::operator::both;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;

#[test]
fn alone_a_run_costs_three_writes_and_no_read() {
    const RUNS: usize = 4;
    let story = Story::new("cost", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "  canaries: {every: 0s}\n");
    story.first_run();
    both();

    let mark = audit::mark();
    for _ in 0..RUNS {
        story.run();
    }
    let mut counted = BTreeMap::<String, usize>::new();
    for entry in audit::since(mark).iter().filter(|entry| entry.by_operator()) {
        *counted.entry(entry.what()).or_default() += 1;
    }
    // Renewals of the Lease and Events are counted apart; a watch that the server ends after minutes is opened again.
    counted.retain(|what, _| !what.ends_with(" leases") && !what.ends_with(" events") && !what.starts_with("watch "));
    let expected = BTreeMap::from([
        ("create pods".to_owned(), RUNS),
        ("patch claudeprobes/status".to_owned(), RUNS),
        ("delete pods".to_owned(), RUNS),
    ]);
    assert_eq!(counted, expected);
}
