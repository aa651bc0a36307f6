//! The evidence and the diagnosis of a run as text, for a failed case.

use claudeprobe::diagnosis::Diagnosis;
use claudeprobe::probe::FullReport;
use claudeprobe::report::evidence::{Exchange, ReplyTraits};

/// Verdict, findings and exchanges, one a line.
pub fn describe(report: &FullReport, diagnosis: &Diagnosis) -> String {
    let mut text = format!("{}\n", diagnosis.verdict.message);
    for finding in &diagnosis.findings {
        text += &format!(
            "  {} on `{}` ({:?}, {:?}): {}\n",
            finding.code, finding.path, finding.severity, finding.confidence, finding.evidence
        );
    }
    for path in &report.evidence.paths {
        text += &format!(
            "{}: {:?}, skipped {:?}\n",
            path.path, path.handshake.outcome, path.skipped
        );
        for exchange in &path.exchanges {
            text += &format!("  {}\n", line(exchange));
        }
    }
    text
}

/// An exchange without what was not observed.
fn line(exchange: &Exchange) -> String {
    let text = format!("{exchange:?}");
    let traits: Vec<&str> = ReplyTraits::ALL
        .iter()
        .filter(|(_, mark)| exchange.traits.has(*mark))
        .map(|(name, _)| *name)
        .collect();
    let fields = text.trim_start_matches("Exchange { ").split(", ");
    let known: Vec<&str> = fields
        .filter(|field| !field.ends_with(": None") && !field.starts_with("traits:") && !field.contains("_id: Some"))
        .collect();
    format!("{} [{}]", known.join(", "), traits.join(" "))
}
