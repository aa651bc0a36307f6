//! What became of the cases: one JSON object a line in the file that `CLAUDEPROBE_ACCURACY_OUT` names.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use claudeprobe::catalogue::Code;
use claudeprobe::diagnosis::Diagnosis;
use claudeprobe::probe::FullReport;
use claudeprobe::report::evidence::{Exchange, ExchangeKind};
use serde_json::json;

use crate::case::{Case, attributes, layer_name};

/// What a case showed.
pub struct Played<'a> {
    /// What the last run saw.
    pub report: &'a FullReport,
    /// What was made of it.
    pub diagnosis: &'a Diagnosis,
    /// How long all runs took.
    pub took: Duration,
    /// What is wrong with the verdict.
    pub wrong: &'a [String],
}

/// Adds a line.
pub fn note(name: &str, case: &Case, played: &Played<'_>) {
    let Ok(path) = std::env::var("CLAUDEPROBE_ACCURACY_OUT") else {
        return;
    };
    let Played {
        report,
        diagnosis,
        took,
        wrong,
    } = played;
    let (expect, verdict) = (case.expected(), &diagnosis.verdict);
    let main = diagnosis
        .findings
        .iter()
        .find(|finding| finding.code.name() == verdict.code);
    let findings: Vec<String> = diagnosis
        .findings
        .iter()
        .filter(|finding| attributes(finding))
        .map(|finding| format!("{}@{}", finding.code, finding.path))
        .collect();
    let exchanges = || report.evidence.paths.iter().flat_map(|probed| &probed.exchanges);
    let usage = exchanges().filter_map(|exchange| exchange.usage);
    let line = json!({
        "case": name,
        "gateway": case.gateway_name(),
        "shallow": case.is_shallow(),
        "expected": {
            "state": expect.state,
            "code": expect.code.map(Code::name),
            "layer": expect.code.map(|code| layer_name(code.entry().layer)),
            "path": expect.path,
        },
        "verdict": {"state": verdict.state, "code": verdict.code, "layer": verdict.layer, "path": verdict.path, "message": verdict.message},
        "confidence": main.map(|finding| finding.confidence),
        "findings": findings,
        "wrong": wrong,
        "seconds": took.as_secs_f64(),
        "beyondModelSeconds": took.as_secs_f64() - model_ms(report) / 1000.0,
        "requests": exchanges().count(),
        "tokens": usage.map(|usage| usage.input + usage.output).sum::<u32>(),
    });
    // One write, appended: lines of parallel cases do not mix.
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// The model's own time in a run, milliseconds: what the control needed for the same kind of request, or the path itself where
/// there is no control and it was answered.
fn model_ms(report: &FullReport) -> f64 {
    let takes_model =
        |exchange: &&Exchange| exchange.kind.is_frozen_request() || exchange.kind == ExchangeKind::OtherForm;
    let paths = &report.evidence.paths;
    let direct = paths.iter().find(|path| path.path == "direct");
    let control = direct.and_then(|path| path.frozen()?.total_ms);
    let of = |exchange: &Exchange| match (exchange.total_ms, control) {
        (Some(own), Some(control)) => own.min(control),
        (Some(own), None) if exchange.status == 200 => own,
        _ => 0,
    };
    let all = paths.iter().flat_map(|path| &path.exchanges).filter(takes_model);
    all.map(|exchange| f64::from(of(exchange))).sum()
}

/// The document.
pub fn document_path() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy.md")
}
