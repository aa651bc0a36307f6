//! The second pair of streams: where one looks buffered through a gateway, the same request goes out once more on that
//! path and on the control, in the opposite order. That is the frozen request, or its streaming form where only that is
//! a stream.
//!
//! Paths with keys of their own are served beside the control's, so their groups meet once: see [`super::meeting`].

use super::context::Context;
use super::group::Group;
use super::order;
use crate::diagnosis::buffering;
use crate::report::evidence::{ExchangeKind, PathEvidence, SkipReason};

/// The exchange whose streams are compared in this run, and how its second sample is called.
#[must_use]
pub fn compared(context: &Context<'_>) -> (ExchangeKind, ExchangeKind) {
    if context.composer.streams() {
        (ExchangeKind::Frozen, ExchangeKind::Repeat)
    } else {
        (ExchangeKind::OtherForm, ExchangeKind::OtherForm)
    }
}

/// Sends the second pair on the group's paths that belong to one. `sent`: they, in the order in which the first pair
/// was sent.
pub async fn second(context: &Context<'_>, group: &mut Group<'_>, sent: &[usize]) {
    let (first, again) = compared(context);
    if !context.plan.second_pair || !context.read(|seen| may_be_of_one(group, first, seen)) {
        return;
    }
    context.meeting.all_there(context.left() / 4).await;
    let decide = || context.read(|seen| order::second_pair(context.plan, first, seen));
    let paths = context.meeting.decide_once(decide);
    let opposite = sent.iter().rev().copied();
    let asked: Vec<usize> = opposite
        .filter(|&at| group.paths.get(at).is_some_and(|probed| paths.contains(&probed.index)))
        .collect();
    for (done, &index) in asked.iter().enumerate() {
        let Some(probed) = group.paths.get(index) else { continue };
        let share = order::fair_share(context.left(), asked.len() - done);
        let reason = group
            .restrained()
            .or_else(|| (probed.needed_again(first) > share).then_some(SkipReason::OutOfTime));
        match reason {
            None => group.send(context, index, again, 0, share).await,
            // What was sent once is not reported as left out.
            Some(reason) if again != first => group.skip(context, index, again, reason),
            Some(_) => {}
        }
    }
}

/// Whether a second pair may concern the group: its control shows buffering, or a stream came whole through a gateway.
fn may_be_of_one(group: &Group<'_>, first: ExchangeKind, seen: &[PathEvidence]) -> bool {
    group.paths.iter().any(|path| {
        let shown = seen.get(path.index).and_then(|seen| order::whole_stream(seen, first));
        shown.is_some_and(|stream| !path.is_control() || buffering::shows_buffering(stream))
    })
}
