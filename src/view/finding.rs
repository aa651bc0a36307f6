//! A finding in words.

use jiff::Timestamp;

use super::{Tone, age, path_shown};
use crate::catalogue::{Code, Severity};
use crate::resource::status::{Finding, Verdict};
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

/// The verdict's own finding, and the rest.
#[must_use]
pub fn split<'a>(verdict: &Verdict, findings: &'a [Finding]) -> (Option<&'a Finding>, Vec<&'a Finding>) {
    let main = findings.iter().position(|finding| {
        finding.code.name() == verdict.code && (finding.path == verdict.path || verdict.path.is_empty())
    });
    let others = findings.iter().enumerate();
    let others = others.filter(|(index, _)| Some(*index) != main);
    (
        main.map(|index| &findings[index]),
        others.map(|(_, finding)| finding).collect(),
    )
}

/// The finding that the verdict names.
#[must_use]
pub fn details(finding: &Finding) -> Vec<Point> {
    let title = capitalised(finding.code.entry().title);
    let sure = format!("{:?}", finding.confidence).to_lowercase();
    [
        Point::new("what", format!("{title} ({sure}).")),
        Point::new("hop", finding.hop.as_deref().unwrap_or_default()),
        Point::new("seen", finding.evidence.as_str()),
        Point::new("change", finding.advice.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A finding beside the verdict's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Which.
    pub code: Code,
    /// How bad, in a word.
    pub severity: &'static str,
    /// How that speaks to the eye.
    pub tone: Tone,
    /// Layer, path, how sure, whether accepted.
    pub where_: String,
    /// Evidence and advice.
    pub points: Vec<Point>,
}

impl Other {
    /// The finding without its times.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        let (severity, tone) = match finding.severity {
            Severity::Error => ("error", Tone::Bad),
            Severity::Warning => ("warning", Tone::Warning),
            Severity::Information => ("info", Tone::Faint),
        };
        let accepted = if finding.accepted { ", accepted" } else { "" };
        let points = [
            Point::new("seen", finding.evidence.as_str()),
            Point::new("change", finding.advice.as_str()),
        ];
        Self {
            code: finding.code,
            severity,
            tone,
            where_: format!(
                "layer {:?}  path {} ({}{accepted})",
                finding.layer,
                path_shown(finding.code.name(), &finding.path),
                format!("{:?}", finding.confidence).to_lowercase()
            ),
            points: points.into_iter().flatten().collect(),
        }
    }

    /// The finding, with how often and when it was seen.
    #[must_use]
    pub fn seen_at(finding: &Finding, now: Timestamp) -> Self {
        let mut other = Self::of(finding);
        let observed = finding.observed_at.as_ref();
        let observed = observed.map(|at| format!("observed {}", age::spoken(at.0, now)));
        let when: Vec<String> = seen(finding).into_iter().chain(observed).collect();
        other.points.extend(Point::new("when", when.join("; ")));
        other
    }
}

/// In how many runs.
#[must_use]
pub fn seen(finding: &Finding) -> Option<String> {
    let seen = finding.seen?;
    Some(format!("seen in {} of the last {} runs", seen.failed, seen.of))
}
