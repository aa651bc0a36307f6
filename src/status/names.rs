//! The names that connect pods, probes and the operator: labels, annotations, pod names.

use super::schedule::{Slot, short_hash};
use crate::plan::{CredentialChecks, ForwardingCheckChoice};

/// The container that probes.
pub const CONTAINER: &str = "prober";
/// Label of every probe pod; the operator watches only these.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "claudeprobe");
/// Label of every probe pod, for people and policies.
pub const APP_NAME: (&str, &str) = ("app.kubernetes.io/name", "claudeprobe-prober");
/// Label: name of the probe.
pub const PROBE_LABEL: &str = "claudeprobe.dev/probe";
/// Annotation: the slot that the pod fills.
pub const SLOT: &str = "claudeprobe.dev/slot";
/// Annotation: the number of the run, see `lastRun.number`.
pub const RUN: &str = "claudeprobe.dev/run";
/// Annotation: which pod of the slot it is.
pub const GROUP: &str = "claudeprobe.dev/group";
/// Annotation: how many pods the slot has.
pub const PODS: &str = "claudeprobe.dev/pods";
/// Annotation: tokens that the run may use at most.
pub const RESERVED_TOKENS: &str = "claudeprobe.dev/reserved-tokens";
/// Annotation: the generation of the spec that the pod was built from.
pub const GENERATION: &str = "claudeprobe.dev/generation";
/// Annotation: what the run sends beside the frozen request, see [`choice_text`].
pub const CHOICE: &str = "claudeprobe.dev/exchanges";
/// The resource's `apiVersion`.
pub const API_VERSION: &str = "claudeprobe.dev/v1alpha1";
/// Annotation of a `ClaudeProbe`: a new value requests a run now.
pub const RUN_NOW: &str = "claudeprobe.dev/run-now";
/// Group name of the pod that sends all paths without a placement of their own.
pub const SHARED_GROUP: &str = "shared";
/// Field manager of every write.
pub const FIELD_MANAGER: &str = "claudeprobe";

/// The pod's name: the same for the same probe, slot and group, so that the name is the lock. At most 63 bytes.
///
/// The UID is part of it: a recreated probe must not wait for the deletion of the former probe's pods.
#[must_use]
pub fn pod_name(probe: &str, uid: &str, slot: &Slot, group: &str) -> String {
    // The schema allows 52 bytes for a resource's name; an older CRD may not.
    let probe = probe
        .get(..probe.len().min(52))
        .unwrap_or("probe")
        .trim_end_matches(['-', '.']);
    format!("{probe}-{}", short_hash(&[uid, &slot.to_string(), group]))
}

/// Whether a run-now value requests a deep run: its last word is `deep` (`claudeprobe run --deep` writes `<time>
/// deep`).
#[must_use]
pub fn wants_deep(value: &str) -> bool {
    value.split_whitespace().next_back() == Some("deep")
}

/// Longest annotation value that is kept as it is, bytes.
const RUN_NOW_BYTES: usize = 128;

/// The stored form of a run-now value: itself, or its hash when it is long.
#[must_use]
pub fn run_now_mark(value: &str) -> String {
    if value.len() <= RUN_NOW_BYTES {
        value.to_owned()
    } else {
        format!("hash:{}", short_hash(&[value]))
    }
}

/// A label value: characters that a label must not have are cut off.
#[must_use]
pub fn label_value(name: &str) -> String {
    name.get(..name.len().min(63))
        .unwrap_or("")
        .trim_end_matches(['-', '.', '_'])
        .to_owned()
}

/// What a run sends, as the value of its pods' annotation: `frozen` or `zero-token-only`, then `forwardingChecks`,
/// `credentials`, `deep`, `long`, `held-back` where they apply.
#[must_use]
pub fn choice_text(choice: ForwardingCheckChoice) -> String {
    let mut words = vec![if choice.zero_token_only {
        "zero-token-only"
    } else {
        "frozen"
    }];
    let more = [
        (choice.headers, "forwardingChecks"),
        (choice.credential == CredentialChecks::Always, "credentials"),
        (choice.deep, "deep"),
        (choice.long, "long"),
        (choice.buffered, "held-back"),
    ];
    words.extend(more.iter().filter(|(asked, _)| *asked).map(|(_, word)| *word));
    words.join(",")
}

/// Parses [`choice_text`]; unknown words are ignored.
#[must_use]
pub fn choice(text: &str) -> ForwardingCheckChoice {
    let has = |word: &str| text.split(',').any(|found| found == word);
    ForwardingCheckChoice {
        headers: has("forwardingChecks"),
        credential: if has("credentials") {
            CredentialChecks::Always
        } else {
            CredentialChecks::AuthFailed
        },
        zero_token_only: has("zero-token-only"),
        deep: has("deep"),
        long: has("long"),
        buffered: has("held-back"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pod_names_are_equal_only_for_the_same_slot(
            probe in "[a-z]([a-z0-9-]{0,50}[a-z0-9])?", uid in "[a-f0-9-]{36}", one in 1_i64..1000, other in 1_i64..1000
        ) {
            let name = |generation, group| pod_name(&probe, &uid, &Slot::Generation(generation), group);
            prop_assert_eq!(name(one, "shared"), name(one, "shared"));
            prop_assert_eq!(name(one, "shared") == name(other, "shared"), one == other);
            prop_assert_ne!(name(one, "shared"), name(one, "edge"));
            prop_assert!(name(one, "shared").len() <= 63);
        }
    }
}
