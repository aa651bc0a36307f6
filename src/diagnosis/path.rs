//! A path as rules read it: joined with what the run and the kept forwarding checks saw on it.
//!
//! Knows which exchange decides a path's state, and the origin of each reply on it. Attributes nothing.

use super::case::{PathCase, Request};
use super::provenance::{self, Origin, Provenance, RelayProfile};
use crate::report::evidence::exchange_kind::Key;
use crate::report::evidence::{
    Echo, Exchange, ExchangeKind, KeyEvidence, PathEvidence, Reach, ReplyTraits, SkipReason, Trust,
};
use crate::resource::spec::Upstream;

/// One path with its evidence.
pub(super) struct PathView<'a> {
    /// The path as it was meant.
    pub case: &'a PathCase,
    /// What the run saw on it; `None` when the report does not have it.
    pub seen: Option<&'a PathEvidence>,
    /// Forwarding check results of earlier runs that still count.
    kept: Vec<&'a Exchange>,
    /// How the path relays.
    pub relay_profile: RelayProfile,
    /// Exchanges that Claude rejects on the control, and that are rejected here with the same status and a foreign
    /// body.
    pub masked: Vec<ExchangeKind>,
    /// Whether a reply on this path has the traits of another platform than the Claude API.
    platform: bool,
    /// The control's trouble, where it may be the cause of this gateway's failure.
    pub hides: Option<(&'a Exchange, Provenance)>,
    request: &'a Request,
}

/// How the path's judged exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The frozen request was answered completely.
    Complete,
    /// It was not.
    Failed,
    /// It was not sent on purpose (over budget, no time), or the report does not have it.
    NotSent,
}

impl<'a> PathView<'a> {
    /// Joins what is known of a path; what needs the control beside it the view adds.
    pub fn new(
        path: &'a PathCase,
        seen: Option<&'a PathEvidence>,
        kept: Vec<&'a Exchange>,
        request: &'a Request,
    ) -> Self {
        let all = || {
            let now = seen.into_iter().flat_map(|seen| &seen.exchanges);
            now.chain(kept.iter().copied())
                .filter(|exchange| exchange.kind.entry().well_formed)
        };
        let mut relay_profile = RelayProfile::observe(all());
        relay_profile.control = path.is_direct();
        relay_profile.first_party =
            path.is_direct() && path.first_party && seen.is_some_and(|seen| seen.handshake.trust == Trust::Public);
        // A cloud's load balancer adds its headers to its own errors, too: only an answer shows the backend.
        let platform = all().any(|reply| {
            reply.is_success()
                && reply.traits.has(ReplyTraits::CLOUD_PLATFORM)
                && !reply.traits.has(ReplyTraits::REQUEST_ID)
                && !reply.traits.has(ReplyTraits::RATE_LIMITS)
        });
        Self {
            case: path,
            seen,
            kept,
            relay_profile,
            masked: vec![],
            platform,
            hides: None,
            request,
        }
    }

    /// The path's name.
    pub fn name(&self) -> &'a str {
        &self.case.name
    }

    /// How the connection to the first hop ended.
    pub fn reach(&self) -> Reach {
        self.seen.map_or(Reach::NotTried, |seen| seen.handshake.outcome)
    }

    /// Facts about the key that was used.
    pub fn key(&self) -> Option<&'a KeyEvidence> {
        self.seen.and_then(|seen| seen.key.as_ref())
    }

    /// All exchanges of this run that a gateway has no reason of its own to reject.
    pub fn exchanges(&self) -> impl Iterator<Item = &'a Exchange> + use<'a> {
        self.sent().filter(|exchange| exchange.kind.entry().well_formed)
    }

    /// All exchanges of this run.
    fn sent(&self) -> impl Iterator<Item = &'a Exchange> + use<'a> {
        self.seen.into_iter().flat_map(|seen| &seen.exchanges)
    }

    /// All exchanges of this run, and the kept ones.
    pub fn replies(&self) -> impl Iterator<Item = &'a Exchange> {
        let kept = self.kept.iter().copied();
        self.exchanges()
            .chain(kept.filter(|exchange| exchange.kind.entry().well_formed))
    }

    /// Whether answers on this path come from a cache: then the first one may, too.
    pub fn is_cached(&self) -> bool {
        self.exchanges().any(Exchange::is_stored)
    }

    /// The exchange of this kind in this run.
    pub fn now(&self, kind: ExchangeKind) -> Option<&'a Exchange> {
        let samples = || self.sent().filter(|exchange| exchange.kind == kind);
        // Of two samples the conclusive one.
        samples()
            .find(|sample| (1..500).contains(&sample.status))
            .or_else(|| samples().next())
    }

    /// The exchange of this kind in this run, else the kept one.
    pub fn known(&self, kind: ExchangeKind) -> Option<&'a Exchange> {
        self.now(kind)
            .or_else(|| self.kept.iter().copied().find(|exchange| exchange.kind == kind))
    }

    /// Why this exchange was left out, if it was.
    pub fn skipped(&self, kind: ExchangeKind) -> Option<SkipReason> {
        let seen = self.seen?;
        seen.skipped.iter().find(|(of, _)| *of == kind).map(|(_, why)| *why)
    }

    /// The exchange that the path is judged by: the frozen request, or the free one where nothing that bills may be
    /// sent.
    pub fn main(&self) -> Option<&'a Exchange> {
        self.now(ExchangeKind::Frozen).or_else(|| self.free())
    }

    /// The free exchange in place of the frozen request. Not every gateway has a route for it: a rejection counts only
    /// where it was answered before, or where Claude itself rejects.
    fn free(&self) -> Option<&'a Exchange> {
        let kind = ExchangeKind::CountTokens;
        let free = self.now(kind).filter(|_| self.over_budget())?;
        let routed = self.kept.iter().any(|kept| kept.kind == kind && self.complete(kept));
        let no_route = matches!(free.status, 404 | 405);
        let conclusive = self.complete(free) || self.provenance(free).from_upstream() || (routed && !no_route);
        conclusive.then_some(free)
    }

    /// Nothing that bills was sent on purpose.
    fn over_budget(&self) -> bool {
        self.skipped(ExchangeKind::Frozen) == Some(SkipReason::OverBudget)
    }

    /// The frozen request and its repeats in this run.
    pub fn attempts(&self) -> Vec<&'a Exchange> {
        let attempt = |kind: ExchangeKind| kind.is_frozen_request() && kind.entry().key == Key::Own;
        let mut attempts: Vec<&Exchange> = self.exchanges().filter(|exchange| attempt(exchange.kind)).collect();
        // Repeats among each other in an order that does not depend on the report's.
        attempts.sort_by_key(|exchange| (exchange.kind, exchange.status, exchange.total_ms));
        attempts
    }

    /// Whether the frozen request was answered completely.
    pub fn state(&self) -> State {
        if let Some(frozen) = self.now(ExchangeKind::Frozen) {
            return if self.complete(frozen) {
                State::Complete
            } else {
                State::Failed
            };
        }
        let refused = self.skipped(ExchangeKind::Frozen) == Some(SkipReason::NoUsableKey);
        // The probe's own settings are at fault: nothing was sent, and nothing is known of the path.
        let stopped = !matches!(self.reach(), Reach::Connected | Reach::NotTried) && self.reach().unusable().is_none();
        let free_failed = self.main().is_some_and(|free| !self.complete(free));
        if refused || stopped || free_failed {
            State::Failed
        } else {
            State::NotSent
        }
    }

    /// Whether the frozen request was answered completely on this path.
    pub fn is_complete(&self) -> bool {
        self.state() == State::Complete
    }

    /// Whether this exchange requests an event stream.
    pub fn wants_stream(&self, kind: ExchangeKind) -> bool {
        kind.entry().form.is_stream(self.request.stream)
    }

    /// Whether this exchange was answered completely: a 200 with the requested form, to its proper end.
    pub fn complete(&self, exchange: &Exchange) -> bool {
        exchange.is_answered_as_requested(self.wants_stream(exchange.kind))
    }

    /// The origin of this reply.
    pub fn provenance(&self, exchange: &Exchange) -> Provenance {
        provenance::of(exchange, self.relay_profile)
    }

    /// The judged exchange with its provenance, when it was not answered completely.
    pub fn trouble(&self) -> Option<(&'a Exchange, Provenance)> {
        let main = self.main()?;
        (!self.complete(main)).then(|| (main, self.provenance(main)))
    }

    /// Whether the declared or observed backend is the Claude API itself.
    pub fn speaks_claude(&self) -> bool {
        match self.case.upstream {
            Upstream::Anthropic => true,
            Upstream::Auto => !self.platform || self.case.is_direct(),
            Upstream::Bedrock | Upstream::Vertex | Upstream::Foundry | Upstream::Other => false,
        }
    }

    /// Whether replies have another platform's traits.
    pub fn on_platform(&self) -> bool {
        self.platform
    }

    /// Whether a hop intercepts TLS on this (direct) path.
    pub fn intercepted(&self) -> bool {
        self.seen.is_some_and(|seen| match seen.handshake.trust {
            Trust::Untrusted => true,
            Trust::System | Trust::Declared => self.case.first_party,
            Trust::Plain | Trust::Public => false,
        })
    }

    /// The server error with which this path answers the frozen request and a GET alike, where Claude, which answers
    /// the frozen request, rejects the GET on the control.
    pub fn fails_a_get(&self, direct: &PathView<'_>) -> Option<u16> {
        let refused = |get: &&Exchange| (400..500).contains(&get.status) && direct.provenance(get).from_upstream();
        direct.now(ExchangeKind::Route).filter(refused)?;
        let (get, main) = (self.now(ExchangeKind::Route)?, self.now(ExchangeKind::Frozen)?);
        let alike = get.status >= 500 && (get.status, get.error) == (main.status, main.error);
        (alike && direct.is_complete() && !self.case.is_direct()).then_some(get.status)
    }

    /// Where the direct path shows Claude's error and this one the same status with a body of its own.
    pub fn masked_beside(&self, direct: &PathView<'_>) -> Vec<ExchangeKind> {
        if self.case.is_direct() {
            return vec![];
        }
        let own = |exchange: &Exchange| {
            let traits = exchange.traits;
            exchange.status >= 400
                && !traits.has(ReplyTraits::ENVELOPE)
                && !traits.has(ReplyTraits::REQUEST_ID)
                && !traits.has(ReplyTraits::INNER_REQUEST_ID)
        };
        // A gateway that rejects everything alike has replaced nothing of Claude's.
        let refused = self.main().filter(|main| own(main)).map(|main| main.status);
        // A large request may be rejected for its size.
        let replaced = self.replies().filter(|exchange| {
            own(exchange)
                && !exchange.kind.is_large()
                && refused != Some(exchange.status)
                && direct.known(exchange.kind).is_some_and(|theirs| {
                    theirs.status == exchange.status
                        && theirs.echo != Echo::None
                        && direct.provenance(theirs).origin == Origin::Claude
                })
        });
        replaced.map(|exchange| exchange.kind).collect()
    }
}
