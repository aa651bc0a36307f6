//! The state of one path during a run, and the sending of one exchange on it. Which exchanges, and when:
//! [`super::group`].

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use secrecy::SecretString;

use super::compose::{Asked, PathRequest, SentKey};
use super::connect::{Attempt, Resolved, connect};
use super::context::Context;
use super::details::{ExchangeDetails, words};
use super::hygiene::{self, Key};
use super::link::{Link, Received};
use super::order::{self, Frozen};
use super::reading;
use super::secrets::Secrets;
use super::target::{Route, SetupError};
use crate::report::evidence::exchange_kind::Key as Sent;
use crate::report::evidence::{Exchange, ExchangeKind, Outcome, Reach, ReplyTraits};
use crate::report::plan::PathPlan;

/// Time for the runtime to poll a connection that nothing was read from for a while.
const POLL: Duration = Duration::from_millis(5);

/// One path during a run.
#[derive(Debug)]
pub struct PathState<'p> {
    /// Its place in the plan.
    pub index: usize,
    /// Its plan.
    pub path: &'p PathPlan,
    /// The route to its first hop.
    pub route: Route,
    /// Its key, inspected; `None` when it sends none.
    pub key: Option<Key>,
    pub(super) request: PathRequest,
    pub(super) resolved: Option<Resolved>,
    /// A connection kept after a failure: it pins the replica behind a Service.
    pub(super) kept: Option<Link>,
    pub(super) reached: Option<Reach>,
    pub(super) frozen: Frozen,
    pub(super) frozen_took: Duration,
    pub(super) other_form_took: Duration,
    pub(super) confirm: Option<Option<Duration>>,
    /// `count_tokens` is served here, and forwarding checks are free on it.
    pub(super) counting: bool,
    pub(super) trimmed_works: bool,
    /// The frozen request failed and went well at another try.
    pub(super) mixed: bool,
    pub(super) limited: bool,
    /// The status that each exchange got, the latest last; 0 where none came.
    pub(super) shown: Vec<(ExchangeKind, u16)>,
    /// Ids of every reply so far.
    pub(super) ids: Vec<String>,
}

impl<'p> PathState<'p> {
    pub(super) fn new(
        context: &Context<'p>,
        index: usize,
        path: &'p PathPlan,
        secrets: &Secrets,
    ) -> Result<Self, SetupError> {
        let route = Route::new(path, secrets)?;
        let request = context.composer.path(path, secrets)?;
        let inspect = |credential| hygiene::inspect(credential, &context.plan.uid, secrets.get(&credential.secret));
        let key = path.credential.as_ref().map(inspect);
        context.publish(index, |evidence, _| {
            evidence.key = key.as_ref().map(|key: &Key| key.evidence.clone());
        });
        Ok(Self {
            index,
            path,
            route,
            key,
            request,
            resolved: None,
            kept: None,
            reached: None,
            frozen: Frozen::NotSent,
            frozen_took: Duration::ZERO,
            other_form_took: Duration::ZERO,
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

    /// The credential of an exchange of this kind on this path; `bad` is a key that does not exist.
    #[must_use]
    pub fn carried<'k>(&'k self, kind: ExchangeKind, bad: &'k SecretString) -> SentKey<'k> {
        let own = |key: Option<&'k SecretString>| key.map_or(SentKey::Nothing, SentKey::Own);
        match kind.entry().key {
            Sent::Own => own(self.usable_key()),
            Sent::Trimmed => own(self.trimmed_key()),
            Sent::OtherHeader => self.usable_key().map_or(SentKey::Nothing, SentKey::Other),
            // A path without a credential sends none, an invalid one included: there is no header to put it into.
            Sent::Invalid => own(self.key.as_ref().map(|_| bad)),
            Sent::Absent => SentKey::Nothing,
        }
    }

    /// Whether the path has a key that cannot be sent as it stands in its Secret.
    #[must_use]
    pub fn raw_key_unusable(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.raw.is_none())
    }

    /// Whether to try the trimmed key: the key as it is cannot be sent, or was rejected.
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

    /// Whether other addresses of the name may show that it is not every replica: then the frozen request goes to one
    /// of them.
    #[must_use]
    pub fn has_other_addresses(&self) -> bool {
        self.wants_repeat()
            && !self.mixed
            && self.reached == Some(Reach::Connected)
            && self.resolved.as_ref().is_some_and(Resolved::has_several)
    }

    /// How long the frozen request, or its other form, may take once more.
    #[must_use]
    pub fn needed_again(&self, kind: ExchangeKind) -> Duration {
        let took = match kind {
            ExchangeKind::OtherForm => self.other_form_took,
            _ => self.frozen_took,
        };
        took + took / 5 + Duration::from_millis(200)
    }

    /// What an exchange of the frozen request has shown.
    pub(super) fn learn(&mut self, exchange: &Exchange, took: Duration) {
        self.shown.push((exchange.kind, exchange.status));
        match exchange.kind {
            ExchangeKind::Frozen => {
                self.frozen = Frozen::of(exchange);
                self.frozen_took = took;
            }
            ExchangeKind::OtherForm => self.other_form_took = took,
            ExchangeKind::TrimmedKey if exchange.is_answered_in_any_form() => {
                self.trimmed_works = true;
                self.frozen = Frozen::Fine;
            }
            // Some replicas work: the forwarding checks can be conclusive after all.
            ExchangeKind::Repeat if exchange.is_answered_in_any_form() => {
                self.mixed = true;
                if self.frozen == Frozen::Failed {
                    self.frozen = Frozen::Broken;
                }
            }
            // A gateway may count tokens itself, where nothing that it forwards can be seen.
            ExchangeKind::CountTokens => {
                let by_claude = self.request.is_control || exchange.traits.has(ReplyTraits::REQUEST_ID);
                self.counting = by_claude && exchange.is_answered_in_any_form();
            }
            _ => {}
        }
        // A rejected one of several at once shows how many are allowed, and nothing of those after it.
        if exchange.status == 429 && exchange.kind != ExchangeKind::Parallel {
            self.limited = true;
            if self.confirm.is_none() && exchange.kind == ExchangeKind::Frozen {
                self.confirm = Some(order::confirm_after(exchange));
            }
        }
    }
}

impl PathState<'_> {
    /// The latest status that an exchange got.
    pub(super) fn status(&self, kind: ExchangeKind) -> Option<u16> {
        self.shown
            .iter()
            .rev()
            .find(|(known, _)| *known == kind)
            .map(|(_, status)| *status)
    }

    /// Whether it is the control.
    #[must_use]
    pub fn is_control(&self) -> bool {
        order::is_control(self.path)
    }

    /// Sends a request on the kept connection or a fresh one. The connection comes back with what was received. `None`
    /// when the kept connection was closed just as we wrote, and the request must not be sent again: it may have been
    /// read.
    pub(super) async fn transmit(
        &mut self,
        context: &Context<'_>,
        kind: ExchangeKind,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Option<(Received, Option<Link>)> {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let sizes = if kind.is_billed() {
            context.limits
        } else {
            context.limits.of_forwarding_check()
        };
        if let Some(mut link) = self.kept.take().filter(|_| kind != ExchangeKind::ReuseIdle) {
            // Lets the connection notice that it was closed meanwhile, as servers do after an error that they did not
            // expect: the runtime polls its sockets only when there is time.
            link.idle(POLL).await;
            if link.is_open() {
                let received = link.exchange(request.clone(), &sizes, deadline).await;
                // Closed just as we wrote: most likely the server never saw it.
                let closed = matches!(received.outcome, Outcome::ClosedBeforeHead | Outcome::ResetBeforeHead);
                let raced = closed && received.first_byte_ms.is_none();
                if !raced {
                    return Some((received, Some(link)));
                }
                if kind.is_billed() {
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
    pub(super) fn arrived(&mut self, context: &Context<'_>, attempt: Attempt) -> (Option<Link>, Option<String>) {
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
    pub(super) fn settle(
        &mut self,
        context: &Context<'_>,
        kind: ExchangeKind,
        asked: &Asked,
        received: &Received,
        mut details: ExchangeDetails,
    ) -> Exchange {
        let now = crate::clock::now();
        let mut read = reading::read(kind, asked, received, &context.redactor, now);
        let seen = read.ids.iter().any(|id| self.ids.contains(id));
        read.exchange.traits.set(ReplyTraits::ID_SEEN, seen);
        self.ids.append(&mut read.ids);
        details.received(received, &read.arrivals, &context.redactor);
        let since = |ms: Option<u32>| Duration::from_millis(u64::from(ms.unwrap_or(0)));
        let (whole, head) = (since(read.exchange.total_ms), since(read.exchange.first_byte_ms));
        let clock = |date: &str| clock_skew(date, now, whole, whole.saturating_sub(head));
        if let Some(skew) = read.date.as_deref().and_then(clock) {
            context.publish(self.index, |evidence, _| {
                evidence.handshake.clock_skew_s.get_or_insert(skew);
            });
        }
        context.record(self.index, read.exchange.clone(), details);
        read.exchange
    }
}

/// The peer's clock minus ours, seconds; `date` has whole ones, so a difference of one is none. The head that bears it
/// was made between the sending of the request and its own arrival, which are so long ago: in between nothing differs.
fn clock_skew(date: &str, now: jiff::Timestamp, sent: Duration, arrived: Duration) -> Option<i32> {
    let theirs = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?
        .as_second();
    let ago = |time: Duration| now.checked_sub(time).ok().map(jiff::Timestamp::as_second);
    let (sent, arrived) = (ago(sent)?, ago(arrived)?);
    let seconds = theirs - theirs.clamp(sent.min(arrived), arrived);
    i32::try_from(if seconds.abs() <= 1 { 0 } else { seconds }).ok()
}
