//! The collected report: one run's evidence from the termination messages of its pods.
//!
//! Pure. An unreadable message is a fault of the prober, never of a path.

use super::run::{Ended, Part};
use crate::report::evidence::{Exchange, RunEvidence};
use crate::report::message::{self, MessageError};
use crate::resource::status::RunResult;
use crate::status::fault::{Fault, FaultKind};
use crate::text::mask::untrusted;

/// Longest quotation of an unreadable message, bytes.
const SHOWN_BYTES: usize = 280;

/// The evidence, the faults and the token usage of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectedReport {
    /// The merged evidence of its pods; `None` when no message could be read.
    pub evidence: Option<RunEvidence>,
    /// Whether a pod never started, and why its part is missing, in the order of the pods.
    pub faults: Vec<(bool, Fault)>,
    /// A change of the spec ended the run.
    pub superseded: bool,
    /// Input and output tokens that were reported.
    pub tokens: (i64, i64),
    /// Tokens to charge: the reported ones, or the reserved ones where a report is missing or incomplete.
    pub charged: i64,
}

impl CollectedReport {
    /// The most specific fault: a pod that never started ranks before a lost report.
    #[must_use]
    pub fn cause(&self) -> Option<&Fault> {
        self.faults
            .iter()
            .max_by_key(|(never_started, _)| *never_started)
            .map(|(_, fault)| fault)
    }

    /// The run's result, as in `lastRun.result`.
    #[must_use]
    pub fn result(&self) -> RunResult {
        if self.superseded {
            return RunResult::Superseded;
        }
        if self.evidence.is_some() {
            return RunResult::Reported;
        }
        if self.faults.iter().any(|(never_started, _)| *never_started) {
            RunResult::NotStarted
        } else {
            RunResult::ReportLost
        }
    }
}

/// Collects the reports of a run's pods.
#[must_use]
pub fn collect(run: &Ended<'_>) -> CollectedReport {
    let mut report = CollectedReport {
        evidence: None,
        faults: Vec::new(),
        superseded: run.parts.iter().any(|part| matches!(part, Part::Superseded(_))),
        tokens: (0, 0),
        charged: 0,
    };
    for part in &run.parts {
        match part {
            Part::Terminated(termination, reserved) => match read(&termination.message, &run.slot.to_string()) {
                Ok(evidence) => {
                    let (input, output) = tokens(&evidence);
                    report.tokens = (report.tokens.0 + input, report.tokens.1 + output);
                    report.charged += if evidence.complete {
                        input + output
                    } else {
                        (input + output).max(*reserved)
                    };
                    merge(&mut report.evidence, evidence);
                }
                Err(fault) => {
                    report.charged += reserved;
                    // For a killed pod the reason of the kill is more specific than the unreadable message.
                    let killed =
                        termination.fault.kind != FaultKind::ProberCrashed && fault.kind != FaultKind::PlanRefused;
                    report
                        .faults
                        .push((false, if killed { termination.fault.clone() } else { fault }));
                }
            },
            Part::Lost(fault, reserved) => {
                report.charged += reserved;
                report.faults.push((false, fault.clone()));
            }
            Part::NotStarted(fault) => report.faults.push((true, fault.clone())),
            Part::Superseded(reserved) => report.charged += reserved,
        }
    }
    if !report.faults.is_empty()
        && let Some(evidence) = &mut report.evidence
    {
        // A pod's paths are missing: the other paths' evidence is valid, and no rule concludes from absence.
        evidence.complete = false;
    }
    report
}

fn read(message: &str, slot: &str) -> Result<RunEvidence, Fault> {
    match message::decode(message) {
        Ok(evidence) if evidence.slot.is_empty() || evidence.slot == slot => Ok(evidence),
        Ok(evidence) => Err(Fault::new(
            FaultKind::ReportUnreadable,
            &format!("it belongs to slot {}", untrusted(&evidence.slot, 64)),
        )),
        Err(MessageError::Prober { reason }) => Err(Fault::new(FaultKind::PlanRefused, &reason)),
        // The message's own error quotes a bounded piece; key-like text is masked a second time.
        Err(error) => Err(Fault::new(
            FaultKind::ReportUnreadable,
            &untrusted(&error.to_string(), SHOWN_BYTES),
        )),
    }
}

fn merge(all: &mut Option<RunEvidence>, part: RunEvidence) {
    let Some(all) = all else {
        *all = Some(part);
        return;
    };
    let end = |run: &RunEvidence| run.started_at_ms + i64::from(run.duration_ms);
    let until = end(all).max(end(&part));
    all.started_at_ms = all.started_at_ms.min(part.started_at_ms);
    all.duration_ms = u32::try_from(until - all.started_at_ms).unwrap_or(u32::MAX);
    all.complete &= part.complete;
    all.paths.extend(part.paths);
}

/// Tokens of all replies in this evidence.
fn tokens(evidence: &RunEvidence) -> (i64, i64) {
    let usages = evidence
        .paths
        .iter()
        .flat_map(|path| &path.exchanges)
        .filter_map(Exchange::billed);
    usages.fold((0, 0), |(input, output), usage| {
        (input + i64::from(usage.input), output + i64::from(usage.output))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::operator::pod_view::Termination;
    use crate::plan::ForwardingCheckChoice;
    use crate::report::evidence::{ExchangeKind, Outcome, PathEvidence, Usage};
    use crate::status::schedule::Slot;

    fn evidence(path: &str) -> RunEvidence {
        let usage = Some(Usage { input: 10, output: 20 });
        let frozen = Exchange {
            status: 200,
            usage,
            ..Exchange::new(ExchangeKind::Frozen, Outcome::Answered)
        };
        let probed_paths = vec![PathEvidence {
            path: path.into(),
            exchanges: vec![frozen],
            ..PathEvidence::default()
        }];
        RunEvidence {
            slot: "g1".into(),
            started_at_ms: 1_800_000_000_000,
            duration_ms: 500,
            paths: probed_paths,
            complete: true,
        }
    }

    fn termination(message: String) -> Termination {
        Termination {
            message,
            finished: None,
            sidecar_runs: false,
            fault: Fault::new(FaultKind::ProberCrashed, "exit code 0"),
        }
    }

    fn run<'a>(parts: Vec<Part<'a>>) -> Ended<'a> {
        Ended {
            number: 1,
            slot: Slot::Generation(1),
            choice: ForwardingCheckChoice::default(),
            started: None,
            pod: String::new(),
            parts,
        }
    }

    #[test]
    fn reports_of_several_pods_are_merged_and_charged_as_reported() {
        let (one, two) = (
            termination(message::encode(&evidence("direct"), 4096)),
            termination(message::encode(&evidence("edge"), 4096)),
        );
        let report = collect(&run(vec![Part::Terminated(&one, 500), Part::Terminated(&two, 500)]));
        let evidence = report.evidence.clone().unwrap();
        assert!(evidence.complete);
        assert_eq!(
            evidence.paths.iter().map(|path| path.path.as_str()).collect::<Vec<_>>(),
            ["direct", "edge"]
        );
        assert_eq!(
            (report.tokens, report.charged, report.result()),
            ((20, 40), 60, RunResult::Reported)
        );
    }

    #[test]
    fn a_missing_pod_makes_the_evidence_incomplete_and_is_the_cause() {
        let one = termination(message::encode(&evidence("direct"), 4096));
        let report = collect(&run(vec![
            Part::Terminated(&one, 500),
            Part::Lost(Fault::new(FaultKind::OutOfMemory, ""), 500),
        ]));
        assert!(!report.evidence.as_ref().unwrap().complete);
        assert_eq!(
            (report.cause().unwrap().kind, report.charged),
            (FaultKind::OutOfMemory, 530)
        );
    }

    #[rstest]
    #[case::garbage("hello sk-ant-api03-secret world".into(), FaultKind::ReportUnreadable)]
    #[case::other_version(message::encode(&evidence("direct"), 4096).replacen("cp2", "cp9", 1), FaultKind::ReportUnreadable)]
    #[case::prober_error(
        message::encode_failure("ConfigMap \"ca\" has no key \"ca.crt\""),
        FaultKind::PlanRefused
    )]
    fn an_unreadable_message_is_a_prober_fault_and_leaks_no_key(#[case] message: String, #[case] kind: FaultKind) {
        let one = termination(message);
        let report = collect(&run(vec![Part::Terminated(&one, 500)]));
        let cause = report.cause().unwrap();
        assert_eq!(
            (report.evidence.is_none(), cause.kind, report.charged),
            (true, kind, 500)
        );
        assert!(!cause.message().contains("secret"), "{}", cause.message());
        assert!(cause.message().len() < 600);
    }
}
