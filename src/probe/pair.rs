//! The second pair of streams: where one looks held back through a gateway, the same request goes out once more on that path and on
//! the control, in the opposite order.
//!
//! Paths with keys of their own are served beside the control's, so their groups meet once: each says when its first answers are
//! there, and those that may be of a pair wait a while for the others. What is decided then is decided once for all.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;

use super::group::Group;
use super::order;
use super::run::Context;
use crate::diagnosis::held_back;
use crate::report::evidence::{ExchangeKind, LegEvidence, SkipReason};

/// Where the groups of a run meet.
#[derive(Debug, Default)]
pub struct Meeting {
    /// Groups whose first answers are not there yet.
    awaited: watch::Sender<usize>,
    /// The paths that are asked once more.
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

    async fn all_there(&self, patience: Duration) {
        let mut awaited = self.awaited.subscribe();
        // The sender lives as long as the meeting; who does not come in time is not of a pair.
        let _ = tokio::time::timeout(patience, awaited.wait_for(|awaited| *awaited == 0)).await;
    }
}

/// Asks the group's paths once more that are of a second pair.
pub async fn second(context: &Context<'_>, group: &mut Group<'_>) {
    if !context.plan.second_pair || !context.look(|seen| may_be_of_one(group, seen)) {
        return;
    }
    context.meeting.all_there(context.left() / 4).await;
    let decide = || context.look(|seen| order::second_pair(context.plan, seen));
    let again = context.meeting.again.get_or_init(decide);
    let own = (0..group.legs.len()).rev();
    let asked: Vec<usize> = own
        .filter(|&at| group.legs.get(at).is_some_and(|leg| again.contains(&leg.index)))
        .collect();
    for (done, &index) in asked.iter().enumerate() {
        let Some(leg) = group.legs.get(index) else { continue };
        let share = order::fair_share(context.left(), asked.len() - done);
        let reason = group
            .restrained()
            .or_else(|| (leg.needed_again() > share).then_some(SkipReason::OutOfTime));
        match reason {
            Some(reason) => group.skip(context, index, ExchangeKind::Repeat, reason),
            None => group.send(context, index, ExchangeKind::Repeat, 0, share).await,
        }
    }
}

/// Whether a second pair may concern the group: its control shows buffering, or a stream came whole through a gateway.
fn may_be_of_one(group: &Group<'_>, seen: &[LegEvidence]) -> bool {
    group.legs.iter().any(|leg| {
        let frozen = seen.get(leg.index).and_then(LegEvidence::frozen);
        let stream = frozen.filter(|frozen| order::is_fine(frozen));
        stream
            .and_then(|frozen| frozen.stream.as_ref())
            .is_some_and(|stream| !leg.is_control() || held_back::shows_buffering(stream))
    })
}
