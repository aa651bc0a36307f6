//! One run: every path's frozen request, then what the plan adds, in the order and with the limits of [`super::order`].
//!
//! Paths that share a key are served one exchange at a time; those with keys of their own run beside them. What has
//! been seen stands on a board, so that a run that is stopped in the middle still reports it.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::address::Refusal;
use super::compose::Composer;
use super::connect::{connect, millis};
use super::context::{Board, Context, FullReport, Progress};
use super::group::{Group, groups};
use super::limits::Limits;
use super::meeting::Meeting;
use super::order::{self, Decision};
use super::pair;
use super::path::PathState;
use super::redact::Redactor;
use super::secrets::Secrets;
use super::target::SetupError;
use crate::report::evidence::exchange_kind::{Cost, Manner, SECOND_SAMPLES};
use crate::report::evidence::{ExchangeKind, PathEvidence, Reach, RunEvidence, SkipReason};
use crate::report::plan::{ExchangePlan, Plan, When};

/// What an exchange that ended at its deadline has for reading what came: a flood of megabytes on a slow machine.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a plan until it is done, its time is up, or `stop` resolves; in each case what was seen is reported.
///
/// # Errors
/// The plan itself cannot be carried out; nothing was sent.
pub async fn run(
    plan: &Plan,
    secrets: &Secrets,
    progress: &(dyn Fn(Progress<'_>) + Sync),
    stop: impl Future<Output = ()>,
) -> Result<FullReport, SetupError> {
    let start = Instant::now();
    let started_at_ms = crate::clock::now().as_millisecond();
    let context = Context {
        plan,
        composer: Composer::new(plan, nonce())?,
        redactor: Redactor::new(secrets),
        refusal: Refusal::new(&plan.refuse_networks).map_err(SetupError::Network)?,
        limits: Limits::default(),
        report_by: start + order::report_after(Duration::from_millis(plan.run_timeout_ms)),
        progress,
        meeting: Meeting::default(),
        board: Board::of(plan),
    };
    let groups = groups(&context, secrets);
    context.meeting.expect(groups.len());
    let work = async {
        if plan.mesh {
            wait_for_sidecar(&context, &groups).await;
        }
        join_all(groups.into_iter().map(|group| serve(&context, group))).await;
    };
    tokio::select! {
        () = work => {}
        () = stop => {}
        // Exchanges end by themselves before; this is for what they could not foresee.
        () = tokio::time::sleep(context.left() + GRACE) => {}
    }
    Ok(report(context, start, started_at_ms))
}

/// Eight random hexadecimal digits.
fn nonce() -> String {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0u8; 4];
    // Without randomness the forwarding checks are merely the same in each run.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn report(context: Context<'_>, start: Instant, started_at_ms: i64) -> FullReport {
    let (mut paths, details) = context.board.into_parts();
    for (path, plan) in paths.iter_mut().zip(&context.plan.paths) {
        name_the_unsent(path, &plan.exchanges, context.plan.zero_token_only);
    }
    let evidence = RunEvidence {
        slot: context.plan.slot.clone(),
        started_at_ms,
        duration_ms: millis(start),
        paths,
        complete: true,
    };
    FullReport {
        evidence: evidence.rounded(),
        details,
    }
}

/// What a stopped or timed-out run did not send.
fn name_the_unsent(path: &mut PathEvidence, planned: &[ExchangePlan], zero_token_only: bool) {
    if path.handshake.outcome.unusable().is_some() {
        return; // the handshake shows why
    }
    let always = planned
        .iter()
        .filter(|plan| plan.when == When::Always)
        .map(|plan| plan.kind);
    if zero_token_only {
        path.skipped.push((ExchangeKind::Frozen, SkipReason::OverBudget));
    }
    for kind in [ExchangeKind::Frozen].into_iter().chain(always) {
        let known = path.exchange(kind).is_some() || path.skipped.iter().any(|(skipped, _)| *skipped == kind);
        if !known {
            path.skipped.push((kind, SkipReason::OutOfTime));
        }
    }
}

/// A sidecar that is not up yet rejects or drops connections: waits, bounded, until one can be made.
async fn wait_for_sidecar(context: &Context<'_>, groups: &[Group<'_>]) {
    let Some(path) = groups.first().and_then(|group| group.paths.first()) else {
        return;
    };
    let patience = Duration::from_secs(20).min(context.left() / 4);
    let until = Instant::now() + patience;
    while Instant::now() < until {
        let limits = context.limits.within(until.saturating_duration_since(Instant::now()));
        let attempt = connect(&path.route, &mut None, &context.refusal, &limits).await;
        let waiting = matches!(
            attempt.handshake.outcome,
            Reach::ConnectRefused | Reach::ConnectTimeout | Reach::Unreachable | Reach::DnsFailed | Reach::TlsReset
        );
        if !waiting {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Serves the paths of one key.
async fn serve(context: &Context<'_>, mut group: Group<'_>) {
    let planned: Vec<Vec<ExchangePlan>> = group.paths.iter().map(|path| planned(context, path)).collect();
    let planned: Vec<&[ExchangePlan]> = planned.iter().map(Vec::as_slice).collect();
    let rounds = order::rounds(&planned);
    let (compared, _) = pair::compared(context);
    frozen(context, &mut group).await;
    // Where the streams of a later round are compared, the group has come with that.
    if rounds.iter().all(|round| round.kind != compared) {
        context.meeting.arrive();
    }
    aftermath(context, &mut group).await;
    if compared == ExchangeKind::Frozen {
        let sent: Vec<usize> = (0..group.paths.len()).collect();
        pair::second(context, &mut group, &sent).await;
    }
    for path in &mut group.paths {
        // Over budget, or without a usable key: the connection is probed all the same.
        path.knock(context).await;
    }
    let mut second_samples = vec![0; group.paths.len()];
    for round in rounds {
        for &index in &round.paths {
            let Some(plan) = in_round(&planned, index, &round) else {
                continue;
            };
            let Some(path) = group.paths.get(index) else { continue };
            match order::decide(plan, &group.standing(context, path)) {
                Decision::NotPlanned => {}
                Decision::Skip(reason) => context.skip(path.index, plan.kind, reason),
                Decision::Send => send_planned(context, &mut group, index, plan).await,
            }
        }
        if round.kind == compared {
            context.meeting.arrive();
            pair::second(context, &mut group, &round.paths).await;
        }
        for &index in round.paths.iter().filter(|_| context.plan.second_samples) {
            let Some(plan) = in_round(&planned, index, &round) else {
                continue;
            };
            let (Some(path), Some(sent)) = (group.paths.get(index), second_samples.get_mut(index)) else {
                continue;
            };
            let may = order::decide(plan, &group.standing(context, path)) == Decision::Send;
            if may && *sent < SECOND_SAMPLES && group.wants_second_sample(index, round.kind) {
                *sent += 1;
                send_planned(context, &mut group, index, plan).await;
            }
        }
    }
}

fn in_round<'p>(planned: &[&'p [ExchangePlan]], index: usize, round: &order::Round) -> Option<&'p ExchangePlan> {
    planned.get(index)?.iter().find(|plan| plan.kind == round.kind)
}

/// The plan's exchanges of a path; over budget at least the positive control, so that the probe still has a result.
fn planned(context: &Context<'_>, path: &PathState<'_>) -> Vec<ExchangePlan> {
    let mut planned = path.path.exchanges.clone();
    let counts = planned.iter().any(|plan| plan.kind == ExchangeKind::CountTokens);
    if context.plan.zero_token_only && !counts {
        planned.push(ExchangePlan {
            kind: ExchangeKind::CountTokens,
            when: When::Always,
            amount: 0,
        });
    }
    planned
}

/// Round one: the frozen request, once on every path.
async fn frozen(context: &Context<'_>, group: &mut Group<'_>) {
    let count = group.paths.len();
    for index in 0..count {
        let Some(path) = group.paths.get(index) else { continue };
        if context.plan.zero_token_only {
            continue;
        }
        if path.raw_key_unusable() {
            context.skip(path.index, ExchangeKind::Frozen, SkipReason::NoUsableKey);
            continue;
        }
        let share = order::fair_share(context.left(), count - index);
        group.send(context, index, ExchangeKind::Frozen, 0, share).await;
    }
}

/// Round two: what a failure requires at once. The trimmed key, the confirmation of a 429, or the same request again.
async fn aftermath(context: &Context<'_>, group: &mut Group<'_>) {
    if context.plan.zero_token_only {
        return;
    }
    let wants = |path: &PathState<'_>| path.wants_trimmed_key() || path.wants_repeat();
    let wanting: Vec<usize> = (0..group.paths.len())
        .rev()
        .filter(|&at| group.paths.get(at).is_some_and(wants))
        .collect();
    for (done, &index) in wanting.iter().enumerate() {
        let Some(path) = group.paths.get(index) else { continue };
        // Those that hung get what the quick ones left over: enough for a timer that the first share was too short for.
        let share = order::fair_share(context.left(), wanting.len() - done);
        let trimmed = path.wants_trimmed_key();
        let kind = if trimmed {
            ExchangeKind::TrimmedKey
        } else {
            ExchangeKind::Repeat
        };
        let needed = path.needed_again(ExchangeKind::Frozen);
        // A key that could not be sent as it stands has not been tried at all yet.
        let first = trimmed && path.raw_key_unusable();
        if let Some(reason) = group
            .restrained()
            .filter(|reason| !(first && *reason == SkipReason::LowHeadroom))
        {
            context.skip(path.index, kind, reason);
        } else if !trimmed && needed > share {
            context.skip(path.index, kind, SkipReason::OutOfTime);
        } else {
            group.send(context, index, kind, 0, share).await;
            let elsewhere = !trimmed && group.paths.get(index).is_some_and(PathState::has_other_addresses);
            if elsewhere && group.restrained().is_none() && needed < context.left() / 2 {
                group.repeat_elsewhere(context, index, context.left() / 2).await;
            }
        }
    }
    confirm(context, group).await;
}

/// One confirming request per key after a 429, on the first path that got one.
async fn confirm(context: &Context<'_>, group: &mut Group<'_>) {
    let Some((index, wait)) = group.to_confirm() else {
        return;
    };
    let Some(wait) = wait else {
        group.skip(context, index, ExchangeKind::Confirm, SkipReason::Pointless);
        return;
    };
    if wait + Duration::from_millis(500) > context.left() {
        group.skip(context, index, ExchangeKind::Confirm, SkipReason::OutOfTime);
        return;
    }
    tokio::time::sleep(wait).await;
    group
        .send(context, index, ExchangeKind::Confirm, 0, context.left())
        .await;
}

async fn send_planned(context: &Context<'_>, group: &mut Group<'_>, index: usize, plan: &ExchangePlan) {
    let left = context.left();
    let entry = plan.kind.entry();
    match entry.manner {
        Manner::AtOnce => group.parallel(context, index, plan.amount, left).await,
        Manner::AfterIdle => group.reuse_idle(context, index, plan.amount).await,
        Manner::Once => {
            let long = Some(context.plan.long_timeout_ms).filter(|ms| entry.cost == Cost::LongAnswer && *ms > 0);
            let own = long.map(Duration::from_millis).or(entry.at_most);
            let share = own.map_or(left, |own| left.min(own));
            group.send(context, index, plan.kind, plan.amount, share).await;
        }
    }
}
