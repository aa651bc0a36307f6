//! The memory of a repeated check, in the form of the operator's status.

use crate::diagnosis::{Condition, Context, Diagnosis, PastRun, PathBefore, PreviousVerdict, Thresholds};
use crate::report::evidence::RunEvidence;
use crate::resource::status::VerdictState;
use crate::resource::validated::Probe;

/// Earlier runs that a diagnosis can use.
const KEPT: usize = 5;

/// What the next diagnosis is to know of the earlier runs.
#[derive(Clone, Debug, Default)]
pub struct History {
    context: Context,
}

impl History {
    /// The context of a diagnosis at `now_ms` (Unix milliseconds).
    #[must_use]
    pub fn context(&self, probe: &Probe, now_ms: i64) -> Context {
        Context {
            now_ms,
            thresholds: Thresholds::of(probe),
            ..self.context.clone()
        }
    }

    /// The conditions after the newest run, by the rule of two runs.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.context.conditions
    }

    /// The newest run.
    #[must_use]
    pub fn newest(&self) -> Option<&PastRun> {
        self.context.last_runs.first()
    }

    /// Takes in a run that was diagnosed at `now_ms`.
    pub fn remember(&mut self, evidence: &RunEvidence, diagnosis: &Diagnosis, now_ms: i64) {
        let verdict = &diagnosis.verdict;
        let context = &mut self.context;
        let same = context
            .previous
            .as_ref()
            .filter(|before| before.state == verdict.state && before.code == verdict.code);
        context.previous = Some(PreviousVerdict {
            state: verdict.state,
            code: verdict.code.clone(),
            since_ms: same.map_or(now_ms, |before| before.since_ms),
        });
        context.conditions.clone_from(&diagnosis.conditions);
        let run = PastRun {
            at_ms: now_ms,
            state: verdict.state,
            code: verdict.code.clone(),
            path: verdict.path.clone(),
            findings: diagnosis.own_findings.clone(),
            own_conditions: diagnosis.own_conditions.clone(),
        };
        context.last_runs.insert(0, run);
        context.last_runs.truncate(KEPT);
        if matches!(verdict.state, VerdictState::Healthy | VerdictState::Degraded) {
            context.last_good_ms = Some(now_ms);
        }
        context.forwarding_checks.clone_from(&diagnosis.forwarding_checks);
        context.latency.clone_from(&diagnosis.latency);
        context.before = evidence
            .paths
            .iter()
            .map(|path| PathBefore {
                path: path.path.clone(),
                peer: path.handshake.peer.clone(),
                header_set: path.frozen().and_then(|exchange| exchange.header_set),
            })
            .collect();
    }
}
