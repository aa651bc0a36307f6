//! The verdict that a case must get, and what is wrong with another.

use claudeprobe::catalogue::{Code, Confidence, Layer, Severity};
use claudeprobe::diagnosis::{Diagnosis, LONGEST_CONDITION_MESSAGE, LONGEST_MESSAGE};
use claudeprobe::resource::status::{Finding, VerdictState};

/// The verdict that a case must get.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Its state.
    pub state: VerdictState,
    /// Its code, and the layer that the catalogue gives it.
    pub code: Option<Code>,
    /// Its path.
    pub path: &'static str,
    /// Further findings that are required, `(code, path)`.
    pub also: Vec<(Code, &'static str)>,
    /// Texts that the evidence of findings must contain.
    pub evidence: Vec<(Code, &'static str)>,
    /// The true cause that no reply shows, and why.
    pub truth: Option<(Code, &'static str)>,
}

impl Expect {
    /// The codes that must be found, the verdict's first.
    pub fn codes(&self) -> Vec<Code> {
        self.code
            .into_iter()
            .chain(self.also.iter().map(|(code, _)| *code))
            .collect()
    }

    /// The true cause.
    pub fn true_code(&self) -> Option<Code> {
        self.truth.map(|(code, _)| code).or(self.code)
    }
}

/// The differences between a diagnosis and the expected one.
pub fn compare(expect: &Expect, diagnosis: &Diagnosis) -> Vec<String> {
    let mut wrong = unfit_messages(diagnosis);
    let verdict = &diagnosis.verdict;
    let code = expect.code.map(Code::name).unwrap_or_default();
    let layer = expect
        .code
        .map(|code| layer_name(code.entry().layer))
        .unwrap_or_default();
    let found = (
        verdict.state,
        verdict.code.as_str(),
        verdict.layer.as_str(),
        verdict.path.as_str(),
    );
    let wanted = (expect.state, code, layer.as_str(), expect.path);
    if found != wanted {
        wrong.push(format!("the verdict is {found:?}, not {wanted:?}"));
    }
    for (code, path) in &expect.also {
        let is_there = |finding: &Finding| finding.code == *code && finding.path == *path;
        if !diagnosis.findings.iter().any(is_there) {
            wrong.push(format!("{code} on `{path}` is not found"));
        }
    }
    for (code, text) in &expect.evidence {
        let matches = |finding: &Finding| finding.code == *code && finding.evidence.contains(text);
        if !diagnosis.findings.iter().any(matches) {
            wrong.push(format!("no evidence of {code} has `{text}`"));
        }
    }
    for finding in diagnosis.findings.iter().filter(|finding| blames(finding)) {
        let named = expect.code == Some(finding.code) || expect.also.iter().any(|(code, _)| *code == finding.code);
        if !named {
            wrong.push(format!("a false attribution: {} on `{}`", finding.code, finding.path));
        }
    }
    wrong
}

/// Messages that are too long, cut, or of several lines; and evidence or advice inside the verdict's message.
fn unfit_messages(diagnosis: &Diagnosis) -> Vec<String> {
    let verdict = &diagnosis.verdict;
    let conditions = diagnosis.conditions.iter();
    let messages = conditions
        .map(|condition| (condition.message.as_str(), LONGEST_CONDITION_MESSAGE))
        .chain([(verdict.message.as_str(), LONGEST_MESSAGE)]);
    let unfit = |(message, longest): &(&str, usize)| {
        message.is_empty() || message.len() > *longest || message.contains('\n') || message.ends_with('…')
    };
    let mut wrong: Vec<String> = messages
        .filter(unfit)
        .map(|(message, longest)| format!("a message of {} bytes, at most {longest}: `{message}`", message.len()))
        .collect();
    let fields = diagnosis
        .findings
        .iter()
        .flat_map(|finding| [&finding.evidence, &finding.advice]);
    for field in fields.filter(|field| !field.is_empty() && verdict.message.contains(field.as_str())) {
        wrong.push(format!("the verdict's message repeats `{field}`"));
    }
    wrong
}

/// Whether a finding attributes a failure.
pub fn blames(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning && finding.confidence >= Confidence::Likely
}

/// The layer as verdicts write it.
pub fn layer_name(layer: Layer) -> String {
    format!("{layer:?}")
}
