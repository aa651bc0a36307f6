//! Exchanges: everything that decides. What an exchange of its kind usually shows costs one bit, and so does what is as
//! in the exchange before it in the same record.

use super::head::head;
use super::stream::{self, stream};
use super::wire::{Done, Wire};
use crate::claude::error::ErrorClass;
use crate::report::evidence::exchange_kind::Usual;
use crate::report::evidence::{
    BodyKind, DIGITS, Echo, Exchange, ExchangeKind, GatewayErrorKind, HeadEvidence, Headroom, LimitKind, NamedLimit,
    Outcome, Product, ReplyTraits, Usage,
};

/// Statuses that have a number of their own.
const STATUSES: [u16; 15] = [0, 200, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 529, 431, 302];
/// What shows that the status has none.
const OTHER_STATUS: u32 = 15;

const GENUINE: ReplyTraits = ReplyTraits::REQUEST_ID
    .with(ReplyTraits::CF_RAY)
    .with(ReplyTraits::SERVER_CLOUDFLARE);
const GENUINE_ERROR: ReplyTraits = GENUINE
    .with(ReplyTraits::BODY_REQUEST_ID)
    .with(ReplyTraits::IDS_AGREE)
    .with(ReplyTraits::ENVELOPE)
    .with(ReplyTraits::SHOULD_RETRY);
/// Traits that occur together in replies as Claude makes them and as gateways relay or replace them.
const COMMON_MARKS: [ReplyTraits; 8] = [
    ReplyTraits(0),
    GENUINE,
    GENUINE.with(ReplyTraits::ACCOUNT),
    GENUINE.with(ReplyTraits::ACCOUNT).with(ReplyTraits::RATE_LIMITS),
    GENUINE_ERROR,
    GENUINE_ERROR.with(ReplyTraits::ACCOUNT),
    GENUINE_ERROR
        .with(ReplyTraits::ACCOUNT)
        .with(ReplyTraits::RATE_LIMITS)
        .with(ReplyTraits::RETRY_AFTER),
    ReplyTraits::HTML,
];

/// What Claude answers to this kind where everything works; a reader starts from it.
fn usual(kind: ExchangeKind) -> Exchange {
    let Usual { status, error, echo } = kind.entry().usual;
    Exchange {
        status,
        error,
        echo,
        body: usual_body(status),
        ..Exchange::new(kind, Outcome::Answered)
    }
}

/// The body that a reply of this status usually has.
fn usual_body(status: u16) -> BodyKind {
    if status == 200 {
        BodyKind::AsAsked
    } else {
        BodyKind::Unknown
    }
}

/// The fields that are most often as the exchange's kind has them.
fn has_usual_result(it: &Exchange) -> bool {
    let usual = usual(it.kind);
    (it.outcome, it.status, it.body) == (usual.outcome, usual.status, usual.body)
        && (it.error, it.inner_error, it.error_kind, it.echo)
            == (usual.error, usual.inner_error, usual.error_kind, usual.echo)
        && (it.retry_after_s, it.limit, it.cache_age_s) == (usual.retry_after_s, usual.limit, usual.cache_age_s)
}

fn result<W: Wire>(wire: &mut W, it: &mut Exchange) -> Done {
    wire.unless(&mut it.outcome, Outcome::Answered, W::code)?;
    status(wire, &mut it.status)?;
    wire.unless(&mut it.error, ErrorClass::None, W::code)?;
    wire.unless(&mut it.inner_error, ErrorClass::None, W::code)?;
    wire.unless(&mut it.error_kind, GatewayErrorKind::None, W::code)?;
    wire.unless(&mut it.echo, Echo::None, W::code)?;
    wire.option(&mut it.retry_after_s, 0, W::exact)?;
    let blank = NamedLimit {
        kind: LimitKind::Requests,
        per_minute: 0,
    };
    wire.option(&mut it.limit, blank, |wire, limit| {
        wire.code(&mut limit.kind)?;
        wire.halves(&mut limit.per_minute, W::exact)
    })?;
    wire.unless(&mut it.body, usual_body(it.status), W::code)?;
    wire.option(&mut it.cache_age_s, 0, W::exact)
}

/// What the exchanges before have shown.
#[derive(Default)]
struct Before {
    kind: Option<ExchangeKind>,
    traits: ReplyTraits,
    product: Product,
    account: Option<u32>,
    usage: Usage,
    requests_limit: Option<u32>,
}

impl Before {
    fn note(&mut self, exchange: &Exchange) {
        self.kind = Some(exchange.kind);
        self.traits = exchange.traits;
        self.product = exchange.product;
        self.account = exchange.account;
        self.usage = exchange.usage.unwrap_or(self.usage);
        let limit = exchange.headroom.and_then(|room| room.requests_limit);
        self.requests_limit = limit.or(self.requests_limit);
    }

    /// The kind that most often comes next, after the last one the first: exchanges are reported in about the order in
    /// which they are sent.
    fn next_kind(&self) -> ExchangeKind {
        let next = ExchangeKind::all().find(|kind| kind.is_regular() && Some(*kind) > self.kind);
        next.unwrap_or(ExchangeKind::Frozen)
    }
}

/// Exchanges, each against the ones before it; `core` are those that the reader has from another record.
pub fn exchanges<W: Wire>(wire: &mut W, list: &mut Vec<Exchange>, core: &[Exchange]) -> Done {
    let mut before = Before::default();
    core.iter().for_each(|exchange| before.note(exchange));
    let blank = Exchange::new(ExchangeKind::Frozen, Outcome::Answered);
    let number = |wire: &mut W, count: &mut u32| wire.bits(count, 7);
    wire.list(list, &blank, number, |wire, it| {
        exchange(wire, it, &before)?;
        before.note(it);
        Some(())
    })
}

fn exchange<W: Wire>(wire: &mut W, it: &mut Exchange, before: &Before) -> Done {
    wire.unless(&mut it.kind, before.next_kind(), W::code)?;
    let mut is_unusual = !has_usual_result(it);
    wire.bit(&mut is_unusual)?;
    if is_unusual {
        result(wire, it)?;
    } else if W::READS {
        *it = usual(it.kind);
    }
    wire.unless(&mut it.traits, before.traits, traits)?;
    wire.unless(&mut it.product, before.product, W::code)?;
    let digits = it.kind.entry().digits;
    let time = |wire: &mut W, time: &mut Option<u32>| wire.option(time, 0, |wire, time| wire.significant(time, digits));
    time(wire, &mut it.first_byte_ms)?;
    // Most often next to the first byte, and the same where times are rough.
    if digits == DIGITS {
        wire.near(&mut it.total_ms, it.first_byte_ms)?;
    } else {
        wire.unless(&mut it.total_ms, it.first_byte_ms, time)?;
    }
    wire.unless(&mut it.account, before.account, |wire, account| {
        wire.option(account, 0, |wire, account| wire.bits(account, 32))
    })?;
    wire.option(&mut it.headroom, Headroom::default(), |wire, room| {
        headroom(wire, room, before.requests_limit)
    })?;
    let (first_byte, total) = (it.first_byte_ms, it.total_ms);
    wire.option(&mut it.stream, stream::usual(), |wire, it| {
        stream(wire, it, first_byte, total)
    })?;
    wire.option(&mut it.usage, Usage::default(), |wire, usage| {
        wire.unless(usage, before.usage, |wire, usage| {
            wire.exact(&mut usage.input)?;
            wire.exact(&mut usage.output)
        })
    })?;
    let usual_match = it.billed().map(|_| true);
    wire.unless(&mut it.model_matches, usual_match, |wire, matches| {
        wire.option(matches, false, W::bit)
    })?;
    wire.option(&mut it.header_set, 0, |wire, set| wire.bits(set, 16))?;
    wire.option(&mut it.head, HeadEvidence::default(), head)
}

fn status<W: Wire>(wire: &mut W, it: &mut u16) -> Done {
    let place = STATUSES.iter().position(|known| known == it);
    let mut code = place.map_or(Some(OTHER_STATUS), |place| u32::try_from(place).ok())?;
    wire.bits(&mut code, 4)?;
    if code == OTHER_STATUS {
        return wire.narrow(it, |wire, status| wire.bits(status, 16));
    }
    *it = *STATUSES.get(usize::try_from(code).ok()?)?;
    Some(())
}

/// Against the nearest set of traits that occur together: up to six flipped bits, or all.
fn traits<W: Wire>(wire: &mut W, it: &mut ReplyTraits) -> Done {
    let distance = |base: &ReplyTraits| (base.0 ^ it.0).count_ones();
    let nearest = (0..COMMON_MARKS.len()).min_by_key(|&place| COMMON_MARKS.get(place).map(distance));
    let mut base = u32::try_from(nearest?).ok()?;
    wire.bits(&mut base, 3)?;
    let base = COMMON_MARKS.get(usize::try_from(base).ok()?)?.0;
    let mut flips = base ^ it.0;
    let mut count = flips.count_ones().min(7);
    wire.bits(&mut count, 3)?;
    if count == 7 {
        return wire.bits(&mut it.0, 32);
    }
    it.0 = base;
    for _ in 0..count {
        let mut place = flips.trailing_zeros();
        flips &= flips.wrapping_sub(1);
        wire.bits(&mut place, 5)?;
        it.0 ^= 1 << place;
    }
    Some(())
}

fn headroom<W: Wire>(wire: &mut W, it: &mut Headroom, limit_before: Option<u32>) -> Done {
    let mut last = None;
    for percent in [
        &mut it.requests,
        &mut it.input_tokens,
        &mut it.output_tokens,
        &mut it.tokens,
    ] {
        // Most often all stand at nearly the same.
        wire.unless(percent, last, |wire, percent| {
            wire.option(percent, 0, |wire, percent| {
                wire.narrow(percent, |wire, percent| wire.bits(percent, 7))
            })
        })?;
        last = *percent;
    }
    wire.unless(&mut it.requests_limit, limit_before, |wire, limit| {
        wire.option(limit, 0, W::exact)
    })
}
