//! Latency as a line: inline SVG, with the same data as text for screen readers.
//!
//! Elements have braces, not a semicolon: inside SVG a browser treats an element without an end tag as the parent of all
//! following elements.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::view::{Measured, Trend};

/// Space above and below the line, for the dot and the marks.
const MARGIN: f64 = 4.0;

/// Lines of `trends` (first the gateway, then the direct path) on the same scale; empty without a measured run.
pub fn lines(trends: &[&Trend], width: f64, height: f64) -> Markup {
    let runs = trends.iter().map(|trend| trend.runs.len()).max().unwrap_or(0);
    let top = trends
        .iter()
        .filter_map(|trend| trend.figures())
        .map(|figures| figures.most)
        .max();
    if runs == 0 {
        return html! {};
    }
    let scale = Scale {
        runs,
        top: f64::from(top.unwrap_or(1).max(1)),
        width,
        height,
    };
    let texts: Vec<String> = trends.iter().map(|trend| trend.spoken()).collect();
    let text = format!("Time to first byte. {}.", texts.join("; "));
    let base = format!("M0 {0}H{width}", height - 0.5);
    html! {
        svg.trend width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(text) {
            path.base d=(base) {}
            @for (place, trend) in trends.iter().enumerate().rev() {
                @let class = if place == 0 { "gateway" } else { "direct" };
                path class=(class) d=(scale.line(trend)) {}
                @if let Some((x, y)) = scale.last(trend) {
                    circle class=(if place == 0 { "dot" } else { "direct-dot" }) cx=(x) cy=(y) r="2.4" {}
                }
            }
            @if let Some(first) = trends.first() { path.fail d=(scale.fails(first)) {} }
        }
    }
}

struct Scale {
    runs: usize,
    top: f64,
    width: f64,
    height: f64,
}

#[allow(clippy::cast_precision_loss, reason = "at most 60 runs")]
impl Scale {
    /// Position of a run, counted from the end: lines with fewer runs end at the same place.
    fn x(&self, from_end: usize) -> f64 {
        let step = (self.width - 2.0 * MARGIN) / (self.runs.saturating_sub(1).max(1) as f64);
        tenth(self.width - MARGIN - step * from_end as f64)
    }

    fn y(&self, ms: u32) -> f64 {
        let room = self.height - 2.0 * MARGIN;
        tenth(MARGIN + room * (1.0 - f64::from(ms) / self.top))
    }

    fn points<'a>(&'a self, trend: &'a Trend) -> impl Iterator<Item = (f64, Measured)> + 'a {
        let runs = trend.runs.len();
        trend
            .runs
            .iter()
            .enumerate()
            .map(move |(at, run)| (self.x(runs - 1 - at), *run))
    }

    /// The line, with a gap for each run without an answer.
    fn line(&self, trend: &Trend) -> String {
        let mut path = String::new();
        let mut down = false;
        for (x, run) in self.points(trend) {
            let Measured::Answered(ms) = run else {
                down = false;
                continue;
            };
            let y = self.y(ms);
            // A single answer is a dot: a line of length zero with round ends.
            let _ = if down {
                write!(path, "L{x} {y}")
            } else {
                write!(path, "M{x} {y}h0")
            };
            down = true;
        }
        path
    }

    fn last(&self, trend: &Trend) -> Option<(f64, f64)> {
        let (x, run) = self.points(trend).last()?;
        match run {
            Measured::Answered(ms) => Some((x, self.y(ms))),
            Measured::Failed | Measured::Unasked => None,
        }
    }

    /// A mark at the bottom for each failed run.
    fn fails(&self, trend: &Trend) -> String {
        let mut path = String::new();
        for (x, _) in self.points(trend).filter(|(_, run)| *run == Measured::Failed) {
            let _ = write!(path, "M{x} {}v7", tenth(self.height - 7.5));
        }
        path
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_at_a_failure_and_ends_at_the_right() {
        let trend = Trend {
            path: "edge".into(),
            runs: vec![
                Measured::Answered(0),
                Measured::Answered(100),
                Measured::Failed,
                Measured::Answered(50),
            ],
        };
        let svg = lines(&[&trend], 38.0, 28.0).into_string();
        assert!(svg.contains(r#"class="gateway" d="M4 24h0L14 4M34 14h0""#), "{svg}");
        assert!(svg.contains(r#"class="fail" d="M24 20.5v7""#), "{svg}");
        assert!(
            svg.contains("edge: last 50 ms, median 50 ms, 0 to 100 ms over 4 runs, 1 without a complete answer"),
            "{svg}"
        );
        assert_eq!(lines(&[], 38.0, 28.0).into_string(), "");
    }
}
