//! Key fingerprints over time: between which two runs a Secret's content changed.
//!
//! Pure. A change lies in the interval (`previousLastSeenAt`, `seenSince`]: the last run that saw the old key, the
//! first that saw the new one. Both are the creation of the run's pod, which is no later than the moment it took the
//! key.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::diagnosis::KeyHistory;
use crate::report::evidence::RunEvidence;
use crate::resource::status::CredentialStatus;
use crate::resource::validated::Probe;

/// The keys of a probe as `secret/key`, each once, in the order of the paths.
fn references(probe: &Probe) -> Vec<(&str, &str, &str)> {
    let mut known: Vec<(&str, &str, &str)> = Vec::new();
    for path in &probe.paths {
        if let Some(credential) = &path.credential {
            let (secret, key) = (credential.secret.name.as_str(), credential.secret.key.as_str());
            if !known.iter().any(|(_, name, in_it)| (*name, *in_it) == (secret, key)) {
                known.push((path.name.as_str(), secret, key));
            }
        }
    }
    known
}

/// The keys after a run whose pod was created at `started`; `previous` is the run before it that reported.
#[must_use]
pub fn seen(
    before: &[CredentialStatus],
    probe: &Probe,
    evidence: &RunEvidence,
    started: &Time,
    previous: Option<&Time>,
) -> Vec<CredentialStatus> {
    let found = |secret: &str, key: &str| {
        let mut probed_paths = evidence.paths.iter().filter(|probed| {
            let credential = probe.path(&probed.path).and_then(|path| path.credential.as_ref());
            credential.is_some_and(|credential| credential.secret.name == secret && credential.secret.key == key)
        });
        probed_paths
            .find_map(|probed| probed.key.as_ref())
            .filter(|key| !key.fingerprint.is_empty())
    };
    let mut keys = Vec::new();
    for (_, secret, key) in references(probe) {
        let known = before.iter().find(|known| known.secret == secret && known.key == key);
        let entry = match (known, found(secret, key)) {
            (Some(known), None) => known.clone(),
            (Some(known), Some(now)) if known.fingerprint == now.fingerprint => CredentialStatus {
                kind: Some(now.kind),
                ..known.clone()
            },
            (known, Some(now)) => CredentialStatus {
                secret: secret.to_owned(),
                key: key.to_owned(),
                fingerprint: now.fingerprint.clone(),
                kind: Some(now.kind),
                seen_since: Some(started.clone()),
                previous_last_seen_at: known.and(previous).cloned(),
            },
            (None, None) => continue,
        };
        keys.push(entry);
    }
    keys
}

/// Whether the run that was created at `started` was the first to see a changed key.
#[must_use]
pub fn changed_at(keys: &[CredentialStatus], started: Option<&Time>) -> bool {
    started.is_some()
        && keys
            .iter()
            .any(|key| key.previous_last_seen_at.is_some() && key.seen_since.as_ref() == started)
}

/// The key histories in the form of a diagnosis.
#[must_use]
pub fn histories(keys: &[CredentialStatus]) -> Vec<KeyHistory> {
    let ms = |time: &Option<Time>| time.as_ref().map(|time| time.0.as_millisecond());
    keys.iter()
        .map(|key| KeyHistory {
            key_ref: format!("{}/{}", key.secret, key.key),
            fingerprint: key.fingerprint.clone(),
            seen_since_ms: ms(&key.seen_since),
            previous_last_seen_ms: ms(&key.previous_last_seen_at),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::report::evidence::{KeyEvidence, PathEvidence};
    use crate::status::fixture;

    fn at(minute: i64) -> Time {
        Time(k8s_openapi::jiff::Timestamp::from_second(minute * 60).unwrap())
    }

    fn run(fingerprint: &str) -> RunEvidence {
        let key = KeyEvidence {
            fingerprint: fingerprint.into(),
            ..KeyEvidence::default()
        };
        let paths = vec![PathEvidence {
            path: "direct".into(),
            key: Some(key),
            ..PathEvidence::default()
        }];
        RunEvidence {
            paths,
            ..RunEvidence::default()
        }
    }

    #[test]
    fn a_change_lies_between_the_last_run_with_the_old_key_and_the_first_with_the_new() {
        let probe = fixture::probe_with("");
        let first = seen(&[], &probe, &run("aaaaa"), &at(1), None);
        assert_eq!(
            (first[0].seen_since.clone(), first[0].previous_last_seen_at.clone()),
            (Some(at(1)), None)
        );
        let same = seen(&first, &probe, &run("aaaaa"), &at(6), Some(&at(1)));
        assert_eq!(same, first);
        let changed = seen(&same, &probe, &run("bbbbb"), &at(11), Some(&at(6)));
        assert_eq!(
            (changed[0].seen_since.clone(), changed[0].previous_last_seen_at.clone()),
            (Some(at(11)), Some(at(6)))
        );
        assert!(
            changed_at(&changed, Some(&at(11)))
                && !changed_at(&changed, Some(&at(16)))
                && !changed_at(&first, Some(&at(1)))
        );
        // A run that could not read the key changes nothing.
        assert_eq!(
            seen(&changed, &probe, &RunEvidence::default(), &at(16), Some(&at(11))),
            changed
        );
    }
}
