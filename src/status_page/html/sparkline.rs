//! Latency as a line: SVG inside the page, the same in words for those who do not see it.
//!
//! Elements have braces, not a semicolon: inside SVG a browser takes an element without an end for the parent of all that follows.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::view::{Measured, Trend};

/// Room above and below the line, for the dot and the marks.
const MARGIN: f64 = 4.0;

/// Lines of `trends` (the first is the gateway's, a second the direct path's) on the same scale; nothing without a measured run.
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
    let spoken: Vec<String> = trends.iter().map(|trend| trend.spoken()).collect();
    let spoken = format!("Time to the first byte. {}.", spoken.join("; "));
    let base = format!("M0 {0}H{width}", height - 0.5);
    html! {
        svg.trend width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(spoken) {
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
    /// Where the run of this number from the end lies: lines that began later end at the same place.
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

    /// The line, broken where there was no answer.
    fn line(&self, trend: &Trend) -> String {
        let mut path = String::new();
        let mut down = false;
        for (x, run) in self.points(trend) {
            let Measured::Answered(ms) = run else {
                down = false;
                continue;
            };
            let y = self.y(ms);
            // A lone answer is a dot: a line of no length with round ends.
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

    /// A stroke at the foot for each run that failed.
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
