//! The rule by which conditions change.
//!
//! A run has its *own* statuses, derived from its findings. What is *published* changes only when this run and the one
//! before agree, or three of the last five (unless the two runs before this one have just settled it): one lost packet
//! flips nothing, while the verdict always shows the latest run. Where nothing is published yet (or nothing but "no
//! run" or "stale"; the caller passes neither earlier runs nor conditions of another spec) the first run decides at
//! once, if its own evidence was repeated: a failure that the same run could not repeat leaves the condition `Unknown`
//! until a second run agrees.

use super::Own;
use crate::diagnosis::case::Context;
use crate::diagnosis::condition::{Condition, Pending, Reason, Status};
use crate::diagnosis::message::LONGEST_OF_CONDITION;
use crate::text::shortened;

/// Applies the rule of two runs.
pub(in crate::diagnosis) fn publish(context: &Context, own: Vec<Own>) -> Vec<Condition> {
    own.into_iter()
        .enumerate()
        .map(|(at, own)| {
            let published = context.conditions.iter().find(|condition| condition.kind == own.kind);
            let earlier: Vec<Status> = context
                .last_runs
                .iter()
                .take(4)
                .filter_map(|run| run.own_conditions.chars().nth(at).and_then(Status::from_letter))
                .collect();
            match published {
                Some(published) if debounced(own.status, published, &earlier) => keep_published(&own, published),
                None if !own.confirmed && earlier.first() != Some(&own.status) => unconfirmed(own),
                _ => Condition {
                    shared_cause: own.reason.shared_cause(),
                    ..Condition::new(own.kind, own.status, own.reason.name(), own.message)
                },
            }
        })
        .collect()
}

/// Whether a change of status waits for a second run that agrees. `earlier` is newest first, without this run.
fn debounced(own: Status, published: &Condition, earlier: &[Status]) -> bool {
    if own == published.status || earlier.is_empty() {
        return false;
    }
    if earlier[0] == own {
        return false;
    }
    let agree = 1 + earlier.iter().filter(|status| **status == own).count();
    // Older agreement is history where the two newest runs have just settled what is published.
    let settled = earlier
        .iter()
        .take(2)
        .filter(|status| **status == published.status)
        .count()
        == 2;
    agree < 3 || settled
}

fn unconfirmed(own: Own) -> Condition {
    const NOTE: &str = " Not repeated in this run: the next run decides.";
    let message = shortened(&own.message, LONGEST_OF_CONDITION - NOTE.len()) + NOTE;
    Condition::new(own.kind, Status::Unknown, Reason::Unconfirmed.name(), message)
}

/// The published status stays, with the change as pending.
fn keep_published(own: &Own, published: &Condition) -> Condition {
    Condition {
        pending: Some(Pending {
            status: own.status,
            reason: own.reason.name().to_owned(),
        }),
        ..published.clone()
    }
}
