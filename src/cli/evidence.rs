//! Output that `check`, `explain` and `run` share: the verdict in a line, its points, other findings.

use std::fmt::Write as _;

use super::output::{Paint, Tone};
use super::table::wrap;
use crate::resource::status::Verdict;
use crate::view::finding::{Other, Point};
use crate::view::{path_shown, tone};

/// Column where running text starts.
const INDENT: usize = 10;

/// The verdict in one line.
pub fn headline(out: &mut String, verdict: &Verdict, paint: Paint) {
    let _ = write!(
        out,
        "{}",
        paint.paint(tone(verdict.state), verdict.state.name().to_uppercase())
    );
    if !verdict.code.is_empty() {
        let _ = write!(
            out,
            "  {}  layer {}  path {}",
            paint.paint(Tone::Strong, &verdict.code),
            paint.paint(Tone::Strong, &verdict.layer),
            paint.paint(Tone::Strong, path_shown(&verdict.code, &verdict.path))
        );
    }
    out.push('\n');
}

/// Points, each behind its label.
pub fn points(out: &mut String, points: &[Point], paint: Paint) {
    for point in points {
        labelled(out, point.label, &point.text, paint);
    }
}

/// Another finding.
pub fn other(out: &mut String, finding: &Other, paint: Paint) {
    let _ = writeln!(
        out,
        "  {:<7} {}  {}",
        paint.paint(finding.tone, finding.severity),
        paint.paint(Tone::Strong, finding.code),
        finding.where_
    );
    points(out, &finding.points, paint);
}

/// Running text behind a label; nothing where there is none.
pub fn labelled(out: &mut String, label: &str, text: &str, paint: Paint) {
    if !text.is_empty() {
        let label = paint.paint(Tone::Faint, label);
        let _ = writeln!(out, "  {label:<7} {}", wrap(text, paint.text_room(), INDENT));
    }
}
