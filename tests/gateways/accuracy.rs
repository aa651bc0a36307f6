//! The table of all cases and what became of them, for the file that `CLAUDEPROBE_ACCURACY_OUT` names.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use claudeprobe::catalogue::Code;
use claudeprobe::diagnosis::Diagnosis;
use claudeprobe::probe::FullReport;

use crate::case::{Expect, accuses};

/// Adds a line: case, gateway, right or wrong, expected, verdict, confidence, findings, seconds, requests, tokens.
pub fn note(
    name: &str,
    gateway: &str,
    expect: &Expect,
    diagnosis: &Diagnosis,
    report: &FullReport,
    took: Duration,
    right: bool,
) {
    let Ok(path) = std::env::var("CLAUDEPROBE_ACCURACY_OUT") else {
        return;
    };
    let verdict = &diagnosis.verdict;
    let main = diagnosis
        .findings
        .iter()
        .find(|finding| finding.code.name() == verdict.code);
    let confidence = main
        .map(|finding| format!("{:?}", finding.confidence))
        .unwrap_or_default();
    let findings: Vec<String> = diagnosis
        .findings
        .iter()
        .filter(|finding| accuses(finding))
        .map(|finding| format!("{}@{}", finding.code, finding.path))
        .collect();
    let exchanges: Vec<_> = report.evidence.legs.iter().flat_map(|leg| &leg.exchanges).collect();
    let usage = exchanges.iter().filter_map(|exchange| exchange.usage);
    let tokens: u32 = usage.map(|usage| usage.input + usage.output).sum();
    let columns = [
        name.to_owned(),
        gateway.to_owned(),
        if right { "right" } else { "WRONG" }.to_owned(),
        format!("{:?}", expect.state),
        expect.code.map(Code::name).unwrap_or_default().to_owned(),
        expect.path.to_owned(),
        format!("{:?}", verdict.state),
        verdict.code.clone(),
        verdict.path.clone(),
        confidence,
        findings.join(" "),
        format!("{:.2}", took.as_secs_f64()),
        exchanges.len().to_string(),
        tokens.to_string(),
    ];
    // One write, appended: lines of parallel cases do not mix.
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let line = format!("{}\n", columns.join("\t"));
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap_or_else(|error| panic!("{path}: {error}"));
}
