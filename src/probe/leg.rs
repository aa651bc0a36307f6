//! The state of the paths of one key during a run, and the sending of one exchange on one of them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::Full;
use secrecy::SecretString;

use super::Progress;
use super::compose::{Asked, LegRequest};
use super::connect::{Attempt, Resolved, connect};
use super::details::{ExchangeDetails, words};
use super::hygiene::{self, Key};
use super::link::{Link, Received};
use super::order::{self, Frozen, Standing};
use super::pace::Pacer;
use super::reading;
use super::run::{Context, carried};
use super::secrets::Secrets;
use super::target::{Route, SetupError};
use crate::plan::exchanges;
use crate::report::evidence::{Exchange, ExchangeKind, Marks, Outcome, Reach, SkipReason};
use crate::report::plan::Leg;

/// Time for the runtime to look at a connection that nothing was read from for a while.
const LOOK: Duration = Duration::from_millis(5);

/// One path during a run.
#[derive(Debug)]
pub struct LegState<'p> {
    /// Its place in the plan.
    pub index: usize,
    /// Its plan.
    pub leg: &'p Leg,
    /// The way to its first hop.
    pub route: Route,
    /// Its key, looked at; `None` when it sends none.
    pub key: Option<Key>,
    request: LegRequest,
    resolved: Option<Resolved>,
    /// A connection kept after a failure: it pins the replica behind a Service.
    kept: Option<Link>,
    reached: Option<Reach>,
    frozen: Frozen,
    frozen_took: Duration,
    confirm: Option<Option<Duration>>,
    /// `count_tokens` is served here, and canaries are free on it.
    counting: bool,
    trimmed_works: bool,
    /// The frozen request failed and went well at another try.
    mixed: bool,
    limited: bool,
    /// The status that each exchange got, the latest last; 0 where none came.
    shown: Vec<(ExchangeKind, u16)>,
    /// Ids of every reply so far.
    ids: Vec<String>,
}

/// The paths of one key.
#[derive(Debug)]
pub struct Group<'p> {
    /// They, in the plan's order.
    pub legs: Vec<LegState<'p>>,
    pacer: Pacer,
    limited: bool,
    low_headroom: bool,
}

/// Sorts the plan's legs by key, whichever Secret holds it. Paths without a credential are groups of their own. A leg whose
/// settings cannot be used is left out, and says so in its evidence.
pub fn groups<'p>(context: &Context<'p>, secrets: &Secrets) -> Vec<Group<'p>> {
    let mut groups: Vec<(Option<String>, Group<'p>)> = Vec::new();
    for (index, leg) in context.plan.legs.iter().enumerate() {
        let state = match LegState::new(context, index, leg, secrets) {
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
            Some((_, group)) => group.legs.push(state),
            None => {
                let group = Group {
                    legs: vec![state],
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

impl<'p> LegState<'p> {
    fn new(context: &Context<'p>, index: usize, leg: &'p Leg, secrets: &Secrets) -> Result<Self, SetupError> {
        let route = Route::new(leg, secrets)?;
        let request = context.composer.leg(leg, secrets)?;
        let inspect = |credential| hygiene::inspect(credential, &context.plan.uid, secrets.get(&credential.env));
        let key = leg.credential.as_ref().map(inspect);
        context.publish(index, |evidence, _| {
            evidence.key = key.as_ref().map(|key: &Key| key.evidence.clone());
        });
        Ok(Self {
            index,
            leg,
            route,
            key,
            request,
            resolved: None,
            kept: None,
            reached: None,
            frozen: Frozen::NotSent,
            frozen_took: Duration::ZERO,
            confirm: None,
            counting: false,
            trimmed_works: false,
            mixed: false,
            limited: false,
            shown: Vec::new(),
            ids: Vec::new(),
        })
    }

    /// The key in the form that works, as far as known.
    #[must_use]
    pub fn usable_key(&self) -> Option<&SecretString> {
        let key = self.key.as_ref()?;
        if self.trimmed_works || key.raw.is_none() {
            key.trimmed.as_ref()
        } else {
            key.raw.as_ref()
        }
    }

    /// The key without its repairable defects.
    #[must_use]
    pub fn trimmed_key(&self) -> Option<&SecretString> {
        self.key.as_ref()?.trimmed.as_ref()
    }

    /// Whether the path has a key that cannot be sent as it stands in its Secret.
    #[must_use]
    pub fn raw_key_unusable(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.raw.is_none())
    }

    /// Whether to try the trimmed key: the key as it is cannot be sent, or was refused.
    #[must_use]
    pub fn wants_trimmed_key(&self) -> bool {
        let refused = matches!(self.frozen, Frozen::AuthFailed | Frozen::Refused | Frozen::Failed);
        self.trimmed_key().is_some() && (self.raw_key_unusable() || refused)
    }

    /// Whether to send the frozen request once more: it failed, and not by a limit.
    #[must_use]
    pub fn wants_repeat(&self) -> bool {
        let hopeless = matches!(
            self.reached,
            Some(
                Reach::DnsNoName
                    | Reach::AddressRefused
                    | Reach::TlsUntrusted
                    | Reach::TlsWrongName
                    | Reach::TlsExpired
                    | Reach::TlsNotTls
                    | Reach::TlsClientCertificate
            )
        );
        self.frozen.is_failure() && self.frozen != Frozen::Limited && !hopeless
    }

    /// Whether other addresses of the name may show that it is not every replica: then the frozen request goes to one of them.
    #[must_use]
    pub fn has_other_addresses(&self) -> bool {
        self.wants_repeat()
            && !self.mixed
            && self.reached == Some(Reach::Connected)
            && self.resolved.as_ref().is_some_and(Resolved::has_several)
    }

    /// How long the frozen request may take once more.
    #[must_use]
    pub fn needed_again(&self) -> Duration {
        self.frozen_took + self.frozen_took / 5 + Duration::from_millis(200)
    }

    /// What an exchange of the frozen request has shown.
    fn learn(&mut self, exchange: &Exchange, took: Duration) {
        self.shown.push((exchange.kind, exchange.status));
        match exchange.kind {
            ExchangeKind::Frozen => {
                self.frozen = Frozen::of(exchange);
                self.frozen_took = took;
            }
            ExchangeKind::TrimmedKey if order::is_fine(exchange) => {
                self.trimmed_works = true;
                self.frozen = Frozen::Fine;
            }
            // Some replicas work: the canaries can tell something after all.
            ExchangeKind::Repeat if order::is_fine(exchange) => {
                self.mixed = true;
                if self.frozen == Frozen::Failed {
                    self.frozen = Frozen::Broken;
                }
            }
            // A gateway may count tokens itself, where nothing that it forwards can be seen.
            ExchangeKind::CountTokens => {
                let by_claude = self.request.is_control || exchange.marks.has(Marks::REQUEST_ID);
                self.counting = by_claude && order::is_fine(exchange);
            }
            _ => {}
        }
        // Of several at once a refused one says something of how many there may be, and nothing of those after it.
        if exchange.status == 429 && exchange.kind != ExchangeKind::Parallel {
            self.limited = true;
            if self.confirm.is_none() && exchange.kind == ExchangeKind::Frozen {
                self.confirm = Some(order::confirm_after(exchange));
            }
        }
    }
}

impl Group<'_> {
    /// What decides about the next exchange on a leg.
    #[must_use]
    pub fn standing(&self, context: &Context<'_>, leg: &LegState<'_>) -> Standing {
        Standing {
            frozen: leg.frozen,
            unreachable: leg.reached.is_some_and(|reach| reach != Reach::Connected),
            limited: self.limited || leg.limited,
            low_headroom: self.low_headroom,
            no_usable_key: leg.key.is_some() && leg.usable_key().is_none(),
            out_of_time: context.left() < Duration::from_millis(100),
            zero_token_only: context.plan.zero_token_only,
        }
    }

    /// Whether an exchange on a leg is to be sent once more, because one sample cannot decide.
    #[must_use]
    pub fn wants_second_sample(&self, index: usize, kind: ExchangeKind) -> bool {
        let Some(leg) = self.legs.get(index) else { return false };
        let control = self.legs.iter().find(|leg| leg.is_control());
        let theirs = control
            .filter(|_| !leg.is_control())
            .and_then(|control| control.status(kind));
        let again = leg.shown.iter().filter(|(known, _)| *known == kind).count() > 1;
        !again
            && leg
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

    /// Sends the frozen request to another address of the name, after a failure at the first. Where a refusal must be told
    /// apart, what follows goes back to the connection, and so to the replica, that refused.
    pub async fn repeat_elsewhere(&mut self, context: &Context<'_>, index: usize, share: Duration) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        let kept = leg.kept.take();
        let before = leg.frozen;
        if let Some(resolved) = &mut leg.resolved {
            resolved.turn();
        }
        self.send(context, index, ExchangeKind::Repeat, 0, share).await;
        let Some(leg) = self.legs.get_mut(index) else { return };
        if matches!(before, Frozen::AuthFailed | Frozen::Refused) {
            leg.kept = kept;
            if let Some(resolved) = &mut leg.resolved {
                resolved.turn_back();
            }
        }
    }

    /// The leg to confirm a 429 on, and how long to wait before (`None`: it would tell nothing).
    #[must_use]
    pub fn to_confirm(&self) -> Option<(usize, Option<Duration>)> {
        let position = self.legs.iter().position(|leg| leg.confirm.is_some())?;
        Some((position, self.legs.get(position)?.confirm?))
    }

    /// Notes that an exchange of a leg is left out.
    pub fn skip(&self, context: &Context<'_>, index: usize, kind: ExchangeKind, reason: SkipReason) {
        if let Some(leg) = self.legs.get(index) {
            context.skip(leg.index, kind, reason);
        }
    }

    /// Sends one exchange on a leg, within `share`, and records what it showed.
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
        let Some(leg) = self.legs.get_mut(index) else { return };
        let start = Instant::now();
        let deadline = start + share.min(context.left());
        (context.progress)(Progress::Sending {
            path: &leg.leg.name,
            kind,
        });
        let details = ExchangeDetails::of(kind, &request, &context.redactor);
        let Some((received, link)) = leg.transmit(context, kind, request, deadline).await else {
            return self.skip(context, index, kind, SkipReason::Pointless);
        };
        let exchange = leg.settle(context, kind, &asked, &received, details);
        let control = leg.is_control();
        leg.learn(&exchange, start.elapsed());
        // After a failure the exchanges that decide stay on this connection, and so on this replica.
        let answered = exchange.outcome == Outcome::Answered;
        leg.kept = link.filter(|link| leg.frozen.is_failure() && answered && link.is_open());
        self.learn(&exchange, control);
    }

    fn compose(
        &self,
        context: &Context<'_>,
        index: usize,
        kind: ExchangeKind,
        amount: u64,
    ) -> Option<(Request<Full<Bytes>>, Asked)> {
        let leg = self.legs.get(index)?;
        let bad = context.composer.bad_key();
        let carried = carried(kind, leg, &bad);
        context
            .composer
            .compose(kind, &leg.request, &leg.route, carried, leg.counting, amount)
    }

    /// Waits as the key's limit asks. `false` when that would take longer than the run has.
    async fn pace(&mut self, context: &Context<'_>, index: usize, kind: ExchangeKind) -> bool {
        self.pace_for(context, index, kind, 1).await
    }

    /// The same for several requests at once.
    async fn pace_for(&mut self, context: &Context<'_>, index: usize, kind: ExchangeKind, count: usize) -> bool {
        let wait = self.pacer.wait_for(count, Instant::now());
        // The frozen request is what the run is for: it waits for nothing but the limit's own spacing.
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

    /// P12: several at once, each on its own connection.
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
        let Some(leg) = self.legs.get(index) else { return };
        (context.progress)(Progress::Sending {
            path: &leg.leg.name,
            kind,
        });
        let one = || async {
            let (request, asked) = self.compose(context, index, kind, 0)?;
            let details = ExchangeDetails::of(kind, &request, &context.redactor);
            let limits = context
                .limits
                .within(deadline.saturating_duration_since(Instant::now()));
            let mut resolved = leg.resolved.clone();
            let attempt = connect(&leg.route, &mut resolved, &context.refusal, &limits).await;
            let received = match attempt.link {
                Some(mut link) => link.exchange(request, &limits, deadline).await,
                None => Received::unconnected(attempt.notes.error),
            };
            Some((asked, received, details))
        };
        let all = join_all((0..count).map(|_| one())).await;
        for (asked, received, details) in all.into_iter().flatten() {
            let Some(leg) = self.legs.get_mut(index) else { return };
            let exchange = leg.settle(context, kind, &asked, &received, details);
            let control = leg.is_control();
            leg.learn(&exchange, Duration::ZERO);
            self.learn(&exchange, control);
        }
    }

    /// P15: a request on a connection that was idle for a while. What is recorded is the second request.
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
        let Some(leg) = self.legs.get_mut(index) else { return };
        (context.progress)(Progress::Sending {
            path: &leg.leg.name,
            kind,
        });
        let details = ExchangeDetails::of(kind, &second, &context.redactor);
        let deadline = Instant::now() + context.left().min(Duration::from_secs(30));
        let warm = leg.transmit(context, kind, first, deadline).await;
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
        let exchange = leg.settle(context, kind, &asked, &received, details);
        let control = leg.is_control();
        self.learn(&exchange, control);
    }
}

impl LegState<'_> {
    /// The latest status that an exchange got.
    fn status(&self, kind: ExchangeKind) -> Option<u16> {
        self.shown
            .iter()
            .rev()
            .find(|(known, _)| *known == kind)
            .map(|(_, status)| *status)
    }

    /// Whether the others are held against it.
    #[must_use]
    pub fn is_control(&self) -> bool {
        order::is_control(self.leg)
    }

    /// Sends a request on the kept connection or a fresh one. The connection comes back with what was received. `None` when the
    /// kept connection was closed just as we wrote, and the request must not be sent again: nobody knows whether it was read.
    async fn transmit(
        &mut self,
        context: &Context<'_>,
        kind: ExchangeKind,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Option<(Received, Option<Link>)> {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let sizes = if exchanges::is_billed(kind) {
            context.limits
        } else {
            context.limits.of_canary()
        };
        if let Some(mut link) = self.kept.take().filter(|_| kind != ExchangeKind::ReuseIdle) {
            // Lets the connection notice that it was closed meanwhile, as servers do after an error that they did not expect: the
            // runtime looks at its sockets only when there is time.
            link.idle(LOOK).await;
            if link.is_open() {
                let received = link.exchange(request.clone(), &sizes, deadline).await;
                // Closed just as we wrote: most likely the server never saw it.
                let closed = matches!(received.outcome, Outcome::ClosedBeforeHead | Outcome::ResetBeforeHead);
                let raced = closed && received.first_byte_ms.is_none();
                if !raced {
                    return Some((received, Some(link)));
                }
                if exchanges::is_billed(kind) {
                    return None;
                }
            }
        }
        let limits = context.limits.within(left(deadline));
        let attempt = connect(&self.route, &mut self.resolved, &context.refusal, &limits).await;
        let (link, error) = self.arrived(context, attempt);
        match link {
            None => Some((Received::unconnected(error), None)),
            Some(mut link) => {
                let received = link.exchange(request, &sizes, deadline).await;
                if received.wants_certificate {
                    self.reached = Some(Reach::TlsClientCertificate);
                    context.publish(self.index, |evidence, _| {
                        evidence.handshake.outcome = Reach::TlsClientCertificate
                    });
                }
                Some((received, Some(link)))
            }
        }
    }

    /// Reaches the first hop without sending anything, unless an exchange has done so.
    pub async fn knock(&mut self, context: &Context<'_>) {
        if self.reached.is_none() {
            let limits = context.limits.within(context.left());
            let attempt = connect(&self.route, &mut self.resolved, &context.refusal, &limits).await;
            self.arrived(context, attempt);
        }
    }

    /// Records the first attempt to reach the first hop; of later ones, only that the hop can be reached after all.
    fn arrived(&mut self, context: &Context<'_>, attempt: Attempt) -> (Option<Link>, Option<String>) {
        let Attempt {
            mut handshake,
            link,
            notes,
        } = attempt;
        let outcome = handshake.outcome;
        let error = notes.error.as_deref().map(|error| words(error, &context.redactor));
        if self.reached.is_none() {
            handshake.via_sidecar = context.plan.mesh;
            context.publish(self.index, |evidence, details| {
                evidence.handshake = handshake;
                details.connected(&notes, error.clone());
            });
        }
        if self.reached != Some(Reach::Connected) {
            self.reached = Some(outcome);
        }
        (link, error)
    }

    /// Reads what came back and puts it on the board.
    fn settle(
        &mut self,
        context: &Context<'_>,
        kind: ExchangeKind,
        asked: &Asked,
        received: &Received,
        mut details: ExchangeDetails,
    ) -> Exchange {
        let mut read = reading::read(kind, asked, received, &context.redactor);
        let seen = read.ids.iter().any(|id| self.ids.contains(id));
        read.exchange.marks.set(Marks::ID_SEEN, seen);
        self.ids.append(&mut read.ids);
        details.received(received, &read.arrivals, &context.redactor);
        let since = |ms: Option<u32>| Duration::from_millis(u64::from(ms.unwrap_or(0)));
        let (whole, head) = (since(read.exchange.total_ms), since(read.exchange.first_byte_ms));
        let clock = |date: &str| clock_skew(date, whole, whole.saturating_sub(head));
        if let Some(skew) = read.date.as_deref().and_then(clock) {
            context.publish(self.index, |evidence, _| {
                evidence.handshake.clock_skew_s.get_or_insert(skew);
            });
        }
        context.record(self.index, read.exchange.clone(), details);
        read.exchange
    }
}

/// The peer's clock minus ours, seconds; `date` has whole ones, so a difference of one is none. The head that bears it was
/// made between the sending of the request and its own arrival, which are so long ago: in between nothing differs.
fn clock_skew(date: &str, sent: Duration, arrived: Duration) -> Option<i32> {
    let theirs = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?
        .as_second();
    let now = jiff::Timestamp::now();
    let ago = |time: Duration| now.checked_sub(time).ok().map(jiff::Timestamp::as_second);
    let (sent, arrived) = (ago(sent)?, ago(arrived)?);
    let seconds = theirs - theirs.clamp(sent.min(arrived), arrived);
    i32::try_from(if seconds.abs() <= 1 { 0 } else { seconds }).ok()
}
