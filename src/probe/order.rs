//! Which exchange is sent, when, and why not: pure decisions over what a path and a key have shown so far.
//!
//! The frozen request goes out once on every path, whatever the others got: only then can paths be compared. Everything
//! after it yields: to a 429, to little headroom, to time, and where it would be inconclusive. Nothing that generates
//! tokens follows a forwarding check, and credential checks come last: a rejected key can lock out or open a circuit
//! breaker behind some gateways.

use std::time::Duration;

use crate::claude::error::ErrorClass;
use crate::diagnosis::buffering;
use crate::report::evidence::exchange_kind::SecondSample;
use crate::report::evidence::{Exchange, ExchangeKind, PathEvidence, ReplyTraits, SkipReason, StreamEvidence};
use crate::report::plan::{ExchangePlan, PathPlan, Plan, When};

/// One exchange kind on all paths of a key that plan it, in sending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Which exchange.
    pub kind: ExchangeKind,
    /// Indices of the paths.
    pub paths: Vec<usize>,
}

/// The rounds after the frozen request. Paths alternate (A B, B A): a drift in time then hits both alike.
#[must_use]
pub fn rounds(planned: &[&[ExchangePlan]]) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for kind in ExchangeKind::all() {
        let mut paths: Vec<usize> = (0..planned.len())
            .filter(|&path| {
                planned
                    .get(path)
                    .is_some_and(|plans| plans.iter().any(|plan| plan.kind == kind))
            })
            .collect();
        if paths.is_empty() {
            continue;
        }
        if rounds.len().is_multiple_of(2) {
            paths.reverse();
        }
        rounds.push(Round { kind, paths });
    }
    rounds
}

/// Whether one sample of an exchange cannot decide: the gateway broke it, or answered otherwise than the control.
/// `status` and `control` are the HTTP statuses, 0 where none came; `control` is `None` where the control has not sent
/// it.
#[must_use]
pub fn wants_second_sample(kind: ExchangeKind, status: u16, control: Option<u16>) -> bool {
    let broken = matches!(status, 0 | 500..);
    match kind.entry().second_sample {
        SecondSample::Never => false,
        SecondSample::IfBroken => broken,
        SecondSample::IfBrokenOrDifferent => {
            broken || control.is_some_and(|control| control != status && !matches!(control, 0 | 429 | 500..))
        }
    }
}

/// The stream of this exchange on a path, where it came whole.
#[must_use]
pub fn whole_stream(seen: &PathEvidence, kind: ExchangeKind) -> Option<&StreamEvidence> {
    let exchange = seen
        .exchange(kind)
        .filter(|exchange| exchange.is_answered_in_any_form())?;
    exchange.stream.as_ref()
}

/// The paths whose stream is requested once more, by what this exchange has shown so far: gateways through which it
/// looks buffered, and the control to compare with. One pair of streams may be odd by chance.
#[must_use]
pub fn second_pair(plan: &Plan, kind: ExchangeKind, seen: &[PathEvidence]) -> Vec<usize> {
    let whole = |at: usize| whole_stream(seen.get(at)?, kind);
    let direct = plan.paths.iter().position(is_control);
    let Some((at, control, theirs)) = direct.and_then(|at| Some((at, plan.paths.get(at)?, whole(at)?))) else {
        return vec![];
    };
    let looks_buffered = |(at, path): &(usize, &PathPlan)| {
        let comparable = !is_control(path) && path.anthropic && path.model == control.model;
        let held = |ours: &StreamEvidence| buffering::between(ours, Some(theirs)).is_some();
        comparable && whole(*at).is_some_and(held)
    };
    let suspects = plan.paths.iter().enumerate().filter(looks_buffered);
    let mut again: Vec<usize> = suspects.map(|(at, _)| at).collect();
    if !again.is_empty() {
        again.push(at);
    }
    again
}

/// Whether this is the control.
#[must_use]
pub fn is_control(path: &PathPlan) -> bool {
    path.name == "direct"
}

/// What the frozen request gave on a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frozen {
    /// It was not sent (over budget, or the key cannot be sent).
    #[default]
    NotSent,
    /// Answered completely.
    Fine,
    /// 401 or 403, or Claude's 401 quoted under another status.
    AuthFailed,
    /// 429.
    Limited,
    /// Claude or a gateway rejected its content (400, 404, 413, 422).
    Refused,
    /// A response began, and broke off or is of another kind.
    Broken,
    /// Another failure: 5xx, nothing, a closed connection.
    Failed,
}

impl Frozen {
    /// Reads an exchange of the frozen request.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        match exchange.status {
            401 | 403 => Self::AuthFailed,
            400.. if is_rejected_key(exchange.inner_error) => Self::AuthFailed,
            429 => Self::Limited,
            400 | 404 | 405 | 413 | 422 => Self::Refused,
            200 if exchange.is_answered_in_any_form() => Self::Fine,
            200 => Self::Broken,
            _ => Self::Failed,
        }
    }

    /// Whether it was sent and failed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::NotSent | Self::Fine)
    }
}

/// Whether Claude requires a key, or another one.
fn is_rejected_key(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::KeyRequired | ErrorClass::KeyInvalid | ErrorClass::BearerInvalid | ErrorClass::CredentialRevoked
    )
}

/// What has been seen on a path and with its key, as far as it decides about the next exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What the frozen request gave.
    pub frozen: Frozen,
    /// This is the control, and on a gateway with the same key the frozen request failed so.
    pub failed_beside: bool,
    /// The first hop could not be reached.
    pub unreachable: bool,
    /// A 429 applies to this path or its key.
    pub limited: bool,
    /// Less than 10 % of a limit is left.
    pub low_headroom: bool,
    /// No form of the key can be sent.
    pub no_usable_key: bool,
    /// The run's time is up.
    pub out_of_time: bool,
    /// Nothing that generates tokens may be sent.
    pub zero_token_only: bool,
}

/// What to do with a planned exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send it.
    Send,
    /// Leave it out, for this reason.
    Skip(SkipReason),
    /// Its condition does not hold: it was not planned for this case.
    NotPlanned,
}

/// Decides about a planned exchange.
#[must_use]
pub fn decide(plan: &ExchangePlan, standing: &Standing) -> Decision {
    let holds = match plan.when {
        When::Always => true,
        When::AuthFailed => standing.frozen == Frozen::AuthFailed,
        When::Failed => match standing.frozen {
            Frozen::Failed => true,
            Frozen::Fine => standing.failed_beside,
            _ => false,
        },
    };
    if !holds {
        return Decision::NotPlanned;
    }
    let skip = [
        (standing.unreachable, SkipReason::Unreachable),
        (
            standing.zero_token_only && plan.kind.is_billed(),
            SkipReason::OverBudget,
        ),
        (standing.limited, SkipReason::RateLimited),
        (standing.low_headroom, SkipReason::LowHeadroom),
        (standing.out_of_time, SkipReason::OutOfTime),
        (
            standing.no_usable_key && plan.kind.needs_own_key(),
            SkipReason::NoUsableKey,
        ),
        (is_pointless(plan.kind, standing.frozen), SkipReason::Pointless),
    ];
    skip.iter()
        .find(|(applies, _)| *applies)
        .map_or(Decision::Send, |(_, reason)| Decision::Skip(*reason))
}

/// Whether an exchange would be inconclusive after what the frozen request gave.
fn is_pointless(kind: ExchangeKind, frozen: Frozen) -> bool {
    match frozen {
        Frozen::NotSent | Frozen::Fine | Frozen::Broken => false,
        // Every request is rejected for its credential first.
        Frozen::AuthFailed => !kind.is_about_key(),
        Frozen::Limited => true,
        Frozen::Refused => kind.is_billed(),
        // One cheap question is left: does anything come through at all?
        Frozen::Failed => !kind.entry().useful_after_failure,
    }
}

/// How long to wait before the one request that confirms a 429. `None` when waiting cannot help: a spend limit lasts
/// for days.
#[must_use]
pub fn confirm_after(exchange: &Exchange) -> Option<Duration> {
    let spent = matches!(
        exchange.error,
        ErrorClass::SpendLimitOwn | ErrorClass::SpendLimitEnforced | ErrorClass::CreditExhausted | ErrorClass::Billing
    );
    let wait = exchange.retry_after_s.unwrap_or(1).clamp(1, 10);
    (!spent).then(|| Duration::from_secs(u64::from(wait)))
}

/// Whether a 429 applies to the key on every path, and is not only one gateway's limit: it is Claude's, or came on the
/// `control`.
#[must_use]
pub fn limits_key(exchange: &Exchange, control: bool) -> bool {
    let claudes = exchange.traits.has(ReplyTraits::REQUEST_ID) || exchange.traits.has(ReplyTraits::INNER_REQUEST_ID);
    exchange.status == 429 && (control || claudes)
}

/// Whether less than 10 % of any limit is left.
#[must_use]
pub fn is_low(exchange: &Exchange) -> bool {
    exchange.headroom.is_some_and(|room| {
        [room.requests, room.input_tokens, room.output_tokens, room.tokens]
            .into_iter()
            .flatten()
            .any(|percent| percent < 10)
    })
}

/// What a run keeps to report in.
const MARGIN: Duration = Duration::from_secs(15);
/// Shorter runs keep a tenth, at least [`LEAST_MARGIN`].
const SHORT_RUN: Duration = Duration::from_secs(60);
const LEAST_MARGIN: Duration = Duration::from_secs(1);

/// When a run reports, before its timeout: 15 s, or a tenth (at least 1 s) of a short one.
#[must_use]
pub fn report_after(run_timeout: Duration) -> Duration {
    let margin = if run_timeout < SHORT_RUN {
        (run_timeout / 10).max(LEAST_MARGIN)
    } else {
        MARGIN
    };
    run_timeout.saturating_sub(margin)
}

/// The timeout of a run that measures for this time before it reports.
#[must_use]
pub fn timeout_to_measure(time: Duration) -> Duration {
    let long = time.saturating_add(MARGIN);
    if long >= SHORT_RUN {
        long
    } else {
        (time * 10 / 9).max(time + LEAST_MARGIN)
    }
}

/// The share of what is left that one of `pending` exchanges may take.
#[must_use]
pub fn fair_share(left: Duration, pending: usize) -> Duration {
    left / u32::try_from(pending.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::evidence::Outcome;
    use crate::report::evidence::exchange_kind::Planned;
    use rstest::rstest;

    fn plan(kind: ExchangeKind, when: When) -> ExchangePlan {
        ExchangePlan { kind, when, amount: 0 }
    }

    #[test]
    fn paths_alternate_credential_checks_come_last_and_nothing_billed_follows_a_forwarding_check() {
        let listed = |kind: &ExchangeKind| !matches!(kind.entry().planned, Planned::EachRun | Planned::Reaction(_));
        let planned = ExchangeKind::all().rev().filter(listed);
        let all: Vec<ExchangePlan> = planned.map(|kind| plan(kind, When::Always)).collect();
        let rounds = rounds(&[&all, &all]);
        assert_eq!(rounds.len(), all.len());
        for pair in rounds.windows(2) {
            let [first, second] = pair else { continue };
            assert_eq!(first.paths.iter().rev().copied().collect::<Vec<_>>(), second.paths);
        }
        let kinds: Vec<ExchangeKind> = rounds.iter().map(|round| round.kind).collect();
        let last_billed = kinds.iter().rposition(|&kind| kind.is_billed()).unwrap();
        let first_forwarding_check = kinds.iter().position(|&kind| !kind.is_billed()).unwrap();
        assert!(last_billed < first_forwarding_check);
        let first_credential = kinds.iter().position(|&kind| kind.is_about_key()).unwrap();
        assert!(kinds.iter().skip(first_credential).all(|&kind| kind.is_about_key()));
    }

    #[rstest]
    #[case::fine(Frozen::Fine, ExchangeKind::BogusBeta, Decision::Send)]
    #[case::auth(Frozen::AuthFailed, ExchangeKind::BogusBeta, Decision::Skip(SkipReason::Pointless))]
    #[case::auth_key(Frozen::AuthFailed, ExchangeKind::BadKey, Decision::Send)]
    #[case::refused(Frozen::Refused, ExchangeKind::BogusBeta, Decision::Send)]
    #[case::refused_billed(Frozen::Refused, ExchangeKind::OtherForm, Decision::Skip(SkipReason::Pointless))]
    #[case::down(Frozen::Failed, ExchangeKind::BogusBeta, Decision::Skip(SkipReason::Pointless))]
    #[case::down_control(Frozen::Failed, ExchangeKind::CountTokens, Decision::Send)]
    #[case::down_route(Frozen::Failed, ExchangeKind::Route, Decision::Send)]
    #[case::cut(Frozen::Broken, ExchangeKind::OtherForm, Decision::Send)]
    fn inconclusive_exchanges_are_left_out(
        #[case] frozen: Frozen,
        #[case] kind: ExchangeKind,
        #[case] expected: Decision,
    ) {
        let standing = Standing {
            frozen,
            ..Standing::default()
        };
        assert_eq!(decide(&plan(kind, When::Always), &standing), expected);
    }

    #[test]
    fn conditions_of_the_plan_and_of_the_run_hold() {
        let auth = plan(ExchangeKind::BadKey, When::AuthFailed);
        let fine = Standing {
            frozen: Frozen::Fine,
            ..Standing::default()
        };
        assert_eq!(decide(&auth, &fine), Decision::NotPlanned);
        let always = plan(ExchangeKind::BogusBeta, When::Always);
        for (standing, reason) in [
            (Standing { limited: true, ..fine }, SkipReason::RateLimited),
            (
                Standing {
                    low_headroom: true,
                    ..fine
                },
                SkipReason::LowHeadroom,
            ),
            (
                Standing {
                    out_of_time: true,
                    ..fine
                },
                SkipReason::OutOfTime,
            ),
            (
                Standing {
                    unreachable: true,
                    ..fine
                },
                SkipReason::Unreachable,
            ),
            (
                Standing {
                    no_usable_key: true,
                    ..fine
                },
                SkipReason::NoUsableKey,
            ),
        ] {
            assert_eq!(decide(&always, &standing), Decision::Skip(reason));
        }
        let other_form = plan(ExchangeKind::OtherForm, When::Always);
        let broke = Standing {
            zero_token_only: true,
            ..Standing::default()
        };
        assert_eq!(decide(&other_form, &broke), Decision::Skip(SkipReason::OverBudget));
        assert_eq!(decide(&always, &broke), Decision::Send);
    }

    #[rstest]
    #[case::as_the_control(ExchangeKind::BogusBeta, 400, Some(400), false)]
    #[case::swallowed(ExchangeKind::BogusBeta, 200, Some(400), true)]
    #[case::broken(ExchangeKind::CountTokens, 502, None, true)]
    #[case::closed(ExchangeKind::BigBody, 0, Some(400), true)]
    #[case::too_big(ExchangeKind::BigBody, 413, Some(400), false)]
    #[case::control_broken(ExchangeKind::UnknownField, 400, Some(529), false)]
    #[case::key(ExchangeKind::BadKey, 502, Some(401), false)]
    fn a_second_sample_is_for_what_one_cannot_decide(
        #[case] kind: ExchangeKind,
        #[case] status: u16,
        #[case] control: Option<u16>,
        #[case] expected: bool,
    ) {
        assert_eq!(wants_second_sample(kind, status, control), expected);
    }

    #[rstest]
    #[case(180, 165)]
    #[case(60, 45)]
    #[case(40, 36)]
    #[case(5, 4)]
    #[case(1, 0)]
    fn a_run_reports_before_its_timeout(#[case] timeout_s: u64, #[case] report_s: u64) {
        assert_eq!(
            report_after(Duration::from_secs(timeout_s)),
            Duration::from_secs(report_s)
        );
    }

    #[test]
    fn a_run_that_is_to_measure_for_a_time_does_so_and_hardly_longer() {
        for time in (0..400_000).step_by(250).map(Duration::from_millis) {
            let measured = report_after(timeout_to_measure(time));
            let off = measured.abs_diff(time);
            assert!(off <= Duration::from_millis(1), "{time:?}: {measured:?}");
        }
    }

    #[test]
    fn a_rejected_key_that_is_quoted_under_another_status_is_a_rejected_key() {
        let mut exchange = Exchange::new(ExchangeKind::Frozen, Outcome::Answered);
        exchange.status = 502;
        assert_eq!(Frozen::of(&exchange), Frozen::Failed);
        exchange.inner_error = ErrorClass::Overloaded;
        assert_eq!(Frozen::of(&exchange), Frozen::Failed);
        exchange.inner_error = ErrorClass::BearerInvalid;
        assert_eq!(Frozen::of(&exchange), Frozen::AuthFailed);
    }

    #[test]
    fn a_spend_limit_is_not_confirmed_and_a_rate_limit_after_at_most_ten_seconds() {
        let mut exchange = Exchange::new(ExchangeKind::Frozen, Outcome::Answered);
        exchange.status = 429;
        exchange.retry_after_s = Some(3600);
        assert_eq!(confirm_after(&exchange), Some(Duration::from_secs(10)));
        exchange.error = ErrorClass::SpendLimitEnforced;
        assert_eq!(confirm_after(&exchange), None);
    }
}
