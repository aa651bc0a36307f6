//! Where the groups of a run meet: each reports when its first answers are there, and those that may be of a second
//! pair of streams wait a while for the others. What is decided then is decided once for all.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;

/// Where the groups of a run meet.
#[derive(Debug, Default)]
pub struct Meeting {
    /// Groups whose first answers are not there yet.
    awaited: watch::Sender<usize>,
    /// The paths that get a second request.
    again: OnceLock<Vec<usize>>,
}

impl Meeting {
    /// So many groups will come.
    pub fn expect(&self, groups: usize) {
        self.awaited.send_replace(groups);
    }

    /// A group's first answers are there.
    pub fn arrive(&self) {
        self.awaited.send_modify(|awaited| *awaited = awaited.saturating_sub(1));
    }

    /// Waits a while for those that have not come.
    pub async fn all_there(&self, patience: Duration) {
        let mut awaited = self.awaited.subscribe();
        // The sender lives as long as the meeting; a group that is late is not of a pair.
        let _ = tokio::time::timeout(patience, awaited.wait_for(|awaited| *awaited == 0)).await;
    }

    /// The decision of the first group, for all of them: the paths that get a second request.
    pub fn decide_once(&self, decide: impl FnOnce() -> Vec<usize>) -> &[usize] {
        self.again.get_or_init(decide)
    }
}
