//! A finding in words, once for all paths that it is on.

use jiff::Timestamp;

use super::{Tone, age, path_shown};
use crate::catalogue::{Code, Confidence, Severity};
use crate::resource::status::{Finding, Verdict, VerdictState};
use crate::text::capitalised;

/// Running text behind a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The label, one short word, or empty.
    pub label: &'static str,
    /// The text, never empty.
    pub text: String,
}

impl Point {
    /// A point, where there is a text.
    #[must_use]
    pub fn new(label: &'static str, text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self { label, text })
    }
}

/// The same finding on one or several paths: code, severity, confidence and advice are equal, evidence may differ.
pub type Group<'a> = Vec<&'a Finding>;

/// The verdict's own finding, and the others, each once however many paths it is on.
#[must_use]
pub fn split<'a>(verdict: &Verdict, findings: &'a [Finding]) -> (Option<Group<'a>>, Vec<Group<'a>>) {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|group| alike(group[0], finding)) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let named = |finding: &&Finding| {
        finding.code.name() == verdict.code && (finding.path == verdict.path || verdict.path.is_empty())
    };
    let main = groups.iter().position(|group| group.iter().any(named));
    (main.map(|index| groups.remove(index)), groups)
}

fn alike(one: &Finding, other: &Finding) -> bool {
    let key = |finding: &Finding| (finding.code, finding.severity, finding.confidence, finding.accepted);
    key(one) == key(other) && one.hop == other.hop && one.advice == other.advice
}

/// The evidence, path by path where it differs.
fn evidence(group: &[&Finding]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    if group.iter().all(|finding| finding.evidence == first.evidence) {
        return first.evidence.clone();
    }
    let each = group.iter().map(|finding| {
        let path = path_shown(finding.code.name(), &finding.path);
        format!("{path}: {}", finding.evidence)
    });
    each.collect::<Vec<_>>().join("\n")
}

/// The paths, in words.
fn paths(group: &[&Finding]) -> String {
    let names: Vec<&str> = group
        .iter()
        .map(|finding| path_shown(finding.code.name(), &finding.path))
        .collect();
    let word = if names.len() > 1 { "paths" } else { "path" };
    format!("{word} {}", names.join(", "))
}

/// The finding that the verdict names.
#[must_use]
pub fn details(group: &[&Finding]) -> Vec<Point> {
    let Some(finding) = group.first() else {
        return Vec::new();
    };
    let title = capitalised(finding.code.entry().title);
    let sure = confidence(finding.confidence);
    let on = if group.len() > 1 {
        format!(", on {}", paths(group))
    } else {
        String::new()
    };
    [
        Point::new("what", format!("{title} ({sure}){on}.")),
        Point::new("hop", finding.hop.as_deref().unwrap_or_default()),
        Point::new("seen", evidence(group)),
        Point::new("change", finding.advice.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The points of a verdict without a finding.
#[must_use]
pub fn without(verdict: &Verdict) -> Vec<Point> {
    let label = if verdict.state == VerdictState::Inconclusive {
        "next"
    } else {
        "change"
    };
    [
        Point::new("", verdict.message.as_str()),
        Point::new(label, verdict.advice.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    }
}

/// A finding beside the verdict's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Which.
    pub code: Code,
    /// How bad, in a word.
    pub severity: &'static str,
    /// The tone of that word.
    pub tone: Tone,
    /// Layer, paths, how sure, whether accepted.
    pub where_: String,
    /// Evidence and advice.
    pub points: Vec<Point>,
}

impl Other {
    /// The finding without its times; `None` for an empty group.
    #[must_use]
    pub fn of(group: &[&Finding]) -> Option<Self> {
        let finding = group.first()?;
        let (severity, tone) = match finding.severity {
            Severity::Error => ("error", Tone::Bad),
            Severity::Warning => ("warning", Tone::Warning),
            Severity::Information => ("info", Tone::Faint),
        };
        let accepted = if finding.accepted { ", accepted" } else { "" };
        let points = [
            Point::new("seen", evidence(group)),
            Point::new("change", finding.advice.as_str()),
        ];
        Some(Self {
            code: finding.code,
            severity,
            tone,
            where_: format!(
                "layer {}  {} ({}{accepted})",
                finding.layer.name(),
                paths(group),
                confidence(finding.confidence)
            ),
            points: points.into_iter().flatten().collect(),
        })
    }

    /// The finding, with how often and when it was seen; `None` for an empty group.
    #[must_use]
    pub fn seen_at(group: &[&Finding], now: Timestamp) -> Option<Self> {
        let mut other = Self::of(group)?;
        let finding = group.first()?;
        let observed = finding.observed_at.as_ref();
        let observed = observed.map(|at| format!("observed {}", age::spoken(at.0, now)));
        let when: Vec<String> = seen(finding).into_iter().chain(observed).collect();
        other.points.extend(Point::new("when", when.join("; ")));
        Some(other)
    }
}

/// In how many runs.
#[must_use]
pub fn seen(finding: &Finding) -> Option<String> {
    let seen = finding.seen?;
    Some(format!("seen in {} of the last {} runs", seen.failed, seen.of))
}
