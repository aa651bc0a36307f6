//! The paths of one key during a run: they share its limits and its pace, and one exchange at a time goes out on them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::Full;

use super::compose::Asked;
use super::connect::connect;
use super::context::{Context, Progress};
use super::details::ExchangeDetails;
use super::link::{Link, Received};
use super::order::{self, Frozen, Standing};
use super::pace::Pacer;
use super::path::PathState;
use super::secrets::Secrets;
use crate::report::evidence::{Exchange, ExchangeKind, Outcome, Reach, SkipReason};

/// The paths of one key.
#[derive(Debug)]
pub struct Group<'p> {
    /// They, in the plan's order.
    pub paths: Vec<PathState<'p>>,
    pacer: Pacer,
    limited: bool,
    low_headroom: bool,
}

/// Sorts the plan's paths by key, whichever Secret holds it. Paths without a credential are groups of their own. A path
/// whose settings cannot be used is left out, and its evidence shows why.
pub fn groups<'p>(context: &Context<'p>, secrets: &Secrets) -> Vec<Group<'p>> {
    let mut groups: Vec<(Option<String>, Group<'p>)> = Vec::new();
    for (index, path) in context.plan.paths.iter().enumerate() {
        let state = match PathState::new(context, index, path, secrets) {
            Ok(state) => state,
            Err(error) => {
                let sentence = context.redactor.redact(&error.to_string());
                context.publish(index, |evidence, details| {
                    evidence.handshake.outcome = error.reach();
                    details.error = Some(sentence);
                });
                continue;
            }
        };
        let key = state.key.as_ref().map(|key| key.evidence.fingerprint.clone());
        match groups.iter_mut().find(|(known, _)| key.is_some() && *known == key) {
            Some((_, group)) => group.paths.push(state),
            None => {
                let group = Group {
                    paths: vec![state],
                    pacer: Pacer::default(),
                    limited: false,
                    low_headroom: false,
                };
                groups.push((key, group));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl Group<'_> {
    /// What decides about the next exchange on a path.
    #[must_use]
    pub fn standing(&self, context: &Context<'_>, path: &PathState<'_>) -> Standing {
        Standing {
            frozen: path.frozen,
            failed_beside: path.is_control() && self.paths.iter().any(|beside| beside.frozen == Frozen::Failed),
            unreachable: path.reached.is_some_and(|reach| reach != Reach::Connected),
            limited: self.limited || path.limited,
            low_headroom: self.low_headroom,
            no_usable_key: path.key.is_some() && path.usable_key().is_none(),
            out_of_time: context.left() < Duration::from_millis(100),
            zero_token_only: context.plan.zero_token_only,
        }
    }

    /// Whether an exchange on a path is to be sent once more, because one sample cannot decide.
    #[must_use]
    pub fn wants_second_sample(&self, index: usize, kind: ExchangeKind) -> bool {
        let Some(path) = self.paths.get(index) else {
            return false;
        };
        let control = self.paths.iter().find(|path| path.is_control());
        let theirs = control
            .filter(|_| !path.is_control())
            .and_then(|control| control.status(kind));
        let again = path.shown.iter().filter(|(known, _)| *known == kind).count() > 1;
        !again
            && path
                .status(kind)
                .is_some_and(|status| order::wants_second_sample(kind, status, theirs))
    }

    /// Why nothing but the frozen request may be sent with the key at present, if so.
    #[must_use]
    pub fn restrained(&self) -> Option<SkipReason> {
        if self.limited {
            Some(SkipReason::RateLimited)
        } else {
            self.low_headroom.then_some(SkipReason::LowHeadroom)
        }
    }

    /// Sends the frozen request to another address of the name, after a failure at the first. Where a rejection must be
    /// attributed, what follows goes back to the connection, and so to the replica, that rejected.
    pub async fn repeat_elsewhere(&mut self, context: &Context<'_>, index: usize, share: Duration) {
        let Some(path) = self.paths.get_mut(index) else { return };
        let kept = path.kept.take();
        let before = path.frozen;
        if let Some(resolved) = &mut path.resolved {
            resolved.turn();
        }
        self.send(context, index, ExchangeKind::Repeat, 0, share).await;
        let Some(path) = self.paths.get_mut(index) else { return };
        if matches!(before, Frozen::AuthFailed | Frozen::Refused) {
            path.kept = kept;
            if let Some(resolved) = &mut path.resolved {
                resolved.turn_back();
            }
        }
    }

    /// The path to confirm a 429 on, and how long to wait before (`None`: it would be inconclusive).
    #[must_use]
    pub fn to_confirm(&self) -> Option<(usize, Option<Duration>)> {
        let position = self.paths.iter().position(|path| path.confirm.is_some())?;
        Some((position, self.paths.get(position)?.confirm?))
    }

    /// Notes that an exchange of a path is left out.
    pub fn skip(&self, context: &Context<'_>, index: usize, kind: ExchangeKind, reason: SkipReason) {
        if let Some(path) = self.paths.get(index) {
            context.skip(path.index, kind, reason);
        }
    }

    /// Sends one exchange on a path, within `share`, and records what it showed.
    pub async fn send(
        &mut self,
        context: &Context<'_>,
        index: usize,
        kind: ExchangeKind,
        amount: u64,
        share: Duration,
    ) {
        let Some((request, asked)) = self.compose(context, index, kind, amount) else {
            self.skip(context, index, kind, SkipReason::Pointless);
            return;
        };
        if !self.pace(context, index, kind).await {
            return;
        }
        let Some(path) = self.paths.get_mut(index) else { return };
        let start = Instant::now();
        let deadline = start + share.min(context.left());
        (context.progress)(Progress::Sending {
            path: &path.path.name,
            kind,
        });
        let details = ExchangeDetails::of(kind, &request, &context.redactor);
        let Some((received, link)) = path.transmit(context, kind, request, deadline).await else {
            return self.skip(context, index, kind, SkipReason::Pointless);
        };
        let exchange = path.settle(context, kind, &asked, &received, details);
        let control = path.is_control();
        path.learn(&exchange, start.elapsed());
        // After a failure the exchanges that decide stay on this connection, and so on this replica.
        let answered = exchange.outcome == Outcome::Answered;
        path.kept = link.filter(|link| path.frozen.is_failure() && answered && link.is_open());
        self.learn(&exchange, control);
    }

    fn compose(
        &self,
        context: &Context<'_>,
        index: usize,
        kind: ExchangeKind,
        amount: u64,
    ) -> Option<(Request<Full<Bytes>>, Asked)> {
        let path = self.paths.get(index)?;
        let bad = context.composer.bad_key();
        let carried = path.carried(kind, &bad);
        context
            .composer
            .compose(kind, &path.request, &path.route, carried, path.counting, amount)
    }

    /// Waits as the key's limit requires. `false` when that would take longer than the run has.
    async fn pace(&mut self, context: &Context<'_>, index: usize, kind: ExchangeKind) -> bool {
        self.pace_for(context, index, kind, 1).await
    }

    /// The same for several requests at once.
    async fn pace_for(&mut self, context: &Context<'_>, index: usize, kind: ExchangeKind, count: usize) -> bool {
        let wait = self.pacer.wait_for(count, Instant::now());
        // The frozen request is the purpose of the run: it waits only for the limit's own spacing.
        let wait = if kind == ExchangeKind::Frozen {
            wait.min(Duration::from_secs(2))
        } else {
            wait
        };
        if wait >= context.left() {
            self.skip(context, index, kind, SkipReason::OutOfTime);
            return false;
        }
        tokio::time::sleep(wait).await;
        for _ in 0..count {
            self.pacer.sent(Instant::now());
        }
        true
    }

    fn learn(&mut self, exchange: &Exchange, control: bool) {
        if let Some(limit) = exchange.headroom.and_then(|room| room.requests_limit) {
            self.pacer.limit(limit);
        }
        self.limited |= order::limits_key(exchange, control);
        self.low_headroom |= order::is_low(exchange);
    }

    /// Several at once, each on its own connection.
    pub async fn parallel(&mut self, context: &Context<'_>, index: usize, amount: u64, share: Duration) {
        const DEFAULT: usize = 4;
        const MOST: usize = 32;
        let kind = ExchangeKind::Parallel;
        let asked = usize::try_from(amount).unwrap_or(MOST);
        let count = if asked == 0 { DEFAULT } else { asked.min(MOST) };
        // At once they would take more of the limit than a probe may, however long it waited before.
        let count = count.min(self.pacer.share().unwrap_or(MOST));
        if count < 2 {
            return self.skip(context, index, kind, SkipReason::LowHeadroom);
        }
        if !self.pace_for(context, index, kind, count).await {
            return;
        }
        let deadline = Instant::now() + share.min(context.left());
        let Some(path) = self.paths.get(index) else { return };
        (context.progress)(Progress::Sending {
            path: &path.path.name,
            kind,
        });
        let one = || async {
            let (request, asked) = self.compose(context, index, kind, 0)?;
            let details = ExchangeDetails::of(kind, &request, &context.redactor);
            let limits = context
                .limits
                .within(deadline.saturating_duration_since(Instant::now()));
            let mut resolved = path.resolved.clone();
            let attempt = connect(&path.route, &mut resolved, &context.refusal, &limits).await;
            let received = match attempt.link {
                Some(mut link) => link.exchange(request, &limits, deadline).await,
                None => Received::unconnected(attempt.notes.error),
            };
            Some((asked, received, details))
        };
        let all = join_all((0..count).map(|_| one())).await;
        for (asked, received, details) in all.into_iter().flatten() {
            let Some(path) = self.paths.get_mut(index) else { return };
            let exchange = path.settle(context, kind, &asked, &received, details);
            let control = path.is_control();
            path.learn(&exchange, Duration::ZERO);
            self.learn(&exchange, control);
        }
    }

    /// A request on a connection that was idle for a while. What is recorded is the second request.
    pub async fn reuse_idle(&mut self, context: &Context<'_>, index: usize, seconds: u64) {
        /// Longer than the 60 s after which many proxies and balancers drop an idle connection.
        const DEFAULT: u64 = 65;
        let kind = ExchangeKind::ReuseIdle;
        let idle = Duration::from_secs(if seconds == 0 { DEFAULT } else { seconds });
        if idle + Duration::from_secs(1) > context.left() {
            return self.skip(context, index, kind, SkipReason::OutOfTime);
        }
        let (Some((first, _)), Some((second, asked))) = (
            self.compose(context, index, kind, 0),
            self.compose(context, index, kind, 0),
        ) else {
            return self.skip(context, index, kind, SkipReason::Pointless);
        };
        // Both count against the limit.
        if !self.pace_for(context, index, kind, 2).await {
            return;
        }
        let Some(path) = self.paths.get_mut(index) else { return };
        (context.progress)(Progress::Sending {
            path: &path.path.name,
            kind,
        });
        let details = ExchangeDetails::of(kind, &second, &context.redactor);
        let deadline = Instant::now() + context.left().min(Duration::from_secs(30));
        let warm = path.transmit(context, kind, first, deadline).await;
        let open = warm
            .filter(|(warm, _)| warm.outcome == Outcome::Answered)
            .and_then(|(_, link)| link);
        let Some(mut link) = open.filter(Link::is_open) else {
            return self.skip(context, index, kind, SkipReason::Pointless);
        };
        link.idle(idle).await;
        if !link.is_open() && !link.was_reset() {
            // An orderly close of an idle connection is every server's right, and clients reconnect.
            return self.skip(context, index, kind, SkipReason::Pointless);
        }
        let deadline = Instant::now() + context.left().min(Duration::from_secs(30));
        let received = link.exchange(second, &context.limits, deadline).await;
        let exchange = path.settle(context, kind, &asked, &received, details);
        let control = path.is_control();
        self.learn(&exchange, control);
    }
}
