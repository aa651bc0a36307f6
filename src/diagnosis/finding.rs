//! Making findings: the catalogue's defaults, made specific by a rule.
//!
//! Rules return findings without time and rate; [`super::diagnose`] adds both, and flags those that a path accepts.

use crate::catalogue::{Code, Confidence, Severity};
use crate::resource::status::Finding;

/// The longest evidence of a finding, bytes.
const EVIDENCE_MAX: usize = 600;

/// A finding of this code on this path (empty: it concerns all), with the catalogue's severity and advice.
pub(super) fn finding(code: Code, path: &str, confidence: Confidence, evidence: impl Into<String>) -> Finding {
    let entry = code.entry();
    let mut evidence = evidence.into();
    if evidence.len() > EVIDENCE_MAX {
        let cut = (0..=EVIDENCE_MAX - 3).rev().find(|at| evidence.is_char_boundary(*at));
        evidence.truncate(cut.unwrap_or(0));
        evidence.push('…');
    }
    Finding {
        code,
        layer: entry.layer,
        path: path.to_owned(),
        hop: None,
        severity: entry.severity,
        confidence,
        evidence,
        advice: entry.advice.to_owned(),
        accepted: false,
        observed_at: None,
        seen: None,
    }
}

/// Sharpening, in the order in which it reads.
pub(super) trait Sharpen: Sized {
    /// Names the hop inside the path.
    fn hop(self, hop: &str) -> Self;
    /// Replaces the general advice.
    fn advise(self, advice: impl Into<String>) -> Self;
    /// Another severity than the catalogue's.
    fn severity(self, severity: Severity) -> Self;
}

impl Sharpen for Finding {
    fn hop(mut self, hop: &str) -> Self {
        self.hop = Some(hop.to_owned());
        self
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// Whether a finding may make or explain a verdict: at least likely, above information, not accepted.
pub(super) fn counts(finding: &Finding) -> bool {
    finding.confidence >= Confidence::Likely && finding.severity >= Severity::Warning && !finding.accepted
}

/// Whether a finding is about this path.
pub(super) fn concerns(finding: &Finding, path: &str) -> bool {
    finding.path.is_empty() || finding.path == path
}
