//! Models that will retire.

use super::{Finding, Leg, View};
use crate::catalogue::{Code, Confidence};
use crate::claude::retirement::{self, Retirement};
use crate::diagnosis::finding::{Sharpen as _, finding};

/// So many days before a model retires it is a finding.
const NOTICE_DAYS: i64 = 30;

/// The model that this path asks for answers today and retires soon.
pub(super) fn retiring(view: &View<'_>, leg: &Leg<'_>) -> Vec<Finding> {
    let model = leg.path.model.as_deref().unwrap_or(&view.case.request.model);
    let Some(Retirement::On(day)) = retirement::of(model).filter(|_| leg.is_complete() && leg.speaks_claude()) else {
        return vec![];
    };
    let soon = retirement::days_until(day, view.case.context.now_ms).filter(|days| (0..=NOTICE_DAYS).contains(days));
    let Some(days) = soon else { return vec![] };
    vec![
        finding(
            Code::ModelRetiring,
            leg.name(),
            Confidence::Likely,
            format!("Claude's list of models says that {model} retires on {day}, in {days} days"),
        )
        .advise(format!(
            "Move to the successor of {model} before {day}: afterwards the answer is a 404."
        )),
    ]
}
