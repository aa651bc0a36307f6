//! Exchanges as bits: everything that decides. What an exchange of its kind usually shows costs one bit, and so does what
//! is as in the exchange before it in the same record.

use super::bits::{BitReader, BitWriter};
use super::codes::{DIGITS, put, put_near, put_unless, take, take_near, take_unless};
use super::head::{put_head, take_head};
use super::stream::{put_stream, take_stream};
use crate::claude::error::ErrorClass;
use crate::report::evidence::exchange_kind::Usual;
use crate::report::evidence::{
    BodyKind, Echo, Exchange, ExchangeKind, Headroom, LimitKind, Maker, Marks, NamedLimit, Outcome, Phrase, Usage,
};

/// Statuses that have a number of their own.
const STATUSES: [u16; 15] = [0, 200, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 529, 431, 302];
/// What says that the status has none.
const OTHER_STATUS: u32 = 15;

const GENUINE: Marks = Marks::REQUEST_ID.with(Marks::CF_RAY).with(Marks::SERVER_CLOUDFLARE);
const GENUINE_ERROR: Marks = GENUINE
    .with(Marks::BODY_REQUEST_ID)
    .with(Marks::IDS_AGREE)
    .with(Marks::ENVELOPE)
    .with(Marks::SHOULD_RETRY);
/// Marks that occur together in replies as Claude makes them and as gateways relay or replace them.
const COMMON_MARKS: [Marks; 8] = [
    Marks(0),
    GENUINE,
    GENUINE.with(Marks::ACCOUNT),
    GENUINE.with(Marks::ACCOUNT).with(Marks::RATE_LIMITS),
    GENUINE_ERROR,
    GENUINE_ERROR.with(Marks::ACCOUNT),
    GENUINE_ERROR
        .with(Marks::ACCOUNT)
        .with(Marks::RATE_LIMITS)
        .with(Marks::RETRY_AFTER),
    Marks::HTML,
];

/// The fields that are most often as the exchange's kind has them.
#[derive(Clone, Copy, PartialEq)]
struct Result {
    outcome: Outcome,
    status: u16,
    error: ErrorClass,
    inner_error: ErrorClass,
    phrase: Phrase,
    echo: Echo,
    retry_after_s: Option<u32>,
    limit: Option<NamedLimit>,
    body: BodyKind,
    cache_age_s: Option<u32>,
}

impl Result {
    fn of(exchange: &Exchange) -> Self {
        Self {
            outcome: exchange.outcome,
            status: exchange.status,
            error: exchange.error,
            inner_error: exchange.inner_error,
            phrase: exchange.phrase,
            echo: exchange.echo,
            retry_after_s: exchange.retry_after_s,
            limit: exchange.limit,
            body: exchange.body,
            cache_age_s: exchange.cache_age_s,
        }
    }

    /// What Claude answers where everything works.
    fn usual(kind: ExchangeKind) -> Self {
        let Usual { status, error, echo } = kind.entry().usual;
        let exchange = Exchange::new(kind, Outcome::Answered);
        Self {
            status,
            error,
            echo,
            body: usual_body(status),
            ..Self::of(&exchange)
        }
    }

    fn apply(self, exchange: &mut Exchange) {
        exchange.outcome = self.outcome;
        exchange.status = self.status;
        exchange.error = self.error;
        exchange.inner_error = self.inner_error;
        exchange.phrase = self.phrase;
        exchange.echo = self.echo;
        exchange.retry_after_s = self.retry_after_s;
        exchange.limit = self.limit;
        exchange.body = self.body;
        exchange.cache_age_s = self.cache_age_s;
    }

    fn put(self, out: &mut BitWriter) {
        put_unless(out, self.outcome, Outcome::Answered);
        put_status(out, self.status);
        put_unless(out, self.error, ErrorClass::None);
        put_unless(out, self.inner_error, ErrorClass::None);
        put_unless(out, self.phrase, Phrase::None);
        put_unless(out, self.echo, Echo::None);
        out.option(self.retry_after_s, BitWriter::exact);
        out.option(self.limit, put_limit);
        put_unless(out, self.body, usual_body(self.status));
        out.option(self.cache_age_s, BitWriter::exact);
    }

    fn take(from: &mut BitReader<'_>) -> Option<Self> {
        let outcome = take_unless(from, Outcome::Answered)?;
        let status = take_status(from)?;
        Some(Self {
            outcome,
            status,
            error: take_unless(from, ErrorClass::None)?,
            inner_error: take_unless(from, ErrorClass::None)?,
            phrase: take_unless(from, Phrase::None)?,
            echo: take_unless(from, Echo::None)?,
            retry_after_s: from.option(BitReader::exact)?,
            limit: from.option(take_limit)?,
            body: take_unless(from, usual_body(status))?,
            cache_age_s: from.option(BitReader::exact)?,
        })
    }
}

/// The body that a reply of this status usually has, as far as it is looked at.
fn usual_body(status: u16) -> BodyKind {
    if status == 200 {
        BodyKind::AsAsked
    } else {
        BodyKind::Unknown
    }
}

/// What the exchanges before have shown.
#[derive(Default)]
struct Before {
    kind: Option<ExchangeKind>,
    marks: Marks,
    maker: Maker,
    account: Option<u32>,
    usage: Option<Usage>,
    requests_limit: Option<u32>,
}

impl Before {
    fn after<'e>(exchanges: impl Iterator<Item = &'e Exchange>) -> Self {
        let mut before = Self::default();
        exchanges.for_each(|exchange| before.note(exchange));
        before
    }

    fn note(&mut self, exchange: &Exchange) {
        self.kind = Some(exchange.kind);
        self.marks = exchange.marks;
        self.maker = exchange.maker;
        self.account = exchange.account;
        self.usage = exchange.usage.or(self.usage);
        self.requests_limit = exchange
            .headroom
            .and_then(|room| room.requests_limit)
            .or(self.requests_limit);
    }

    /// The kind that most often comes next: exchanges are reported in about the order in which they are sent.
    fn next_kind(&self) -> Option<ExchangeKind> {
        ExchangeKind::all().find(|kind| kind.is_regular() && Some(*kind) > self.kind)
    }
}

/// Exchanges, each against the ones before it; `core` are those that the reader has from another record.
pub fn put_exchanges(out: &mut BitWriter, exchanges: &[&Exchange], core: &[&Exchange]) {
    out.bits(u32::try_from(exchanges.len()).unwrap_or(0), 7);
    let mut before = Before::after(core.iter().copied());
    for exchange in exchanges {
        put_exchange(out, exchange, &before);
        before.note(exchange);
    }
}

/// What [`put_exchanges`] wrote.
pub fn take_exchanges(from: &mut BitReader<'_>, core: &[Exchange]) -> Option<Vec<Exchange>> {
    let count = from.bits(7)?;
    let mut before = Before::after(core.iter());
    let mut exchanges = Vec::new();
    for _ in 0..count {
        let exchange = take_exchange(from, &before)?;
        before.note(&exchange);
        exchanges.push(exchange);
    }
    Some(exchanges)
}

fn put_exchange(out: &mut BitWriter, exchange: &Exchange, before: &Before) {
    out.option(
        (before.next_kind() != Some(exchange.kind)).then_some(exchange.kind),
        put,
    );
    let result = Result::of(exchange);
    out.option(
        (result != Result::usual(exchange.kind)).then_some(result),
        |out, result| result.put(out),
    );
    out.option((exchange.marks != before.marks).then_some(exchange.marks), put_marks);
    put_unless(out, exchange.maker, before.maker);
    let digits = exchange.kind.entry().digits;
    out.option(exchange.first_byte_ms, |out, time| out.significant(time, digits));
    put_total(out, exchange, digits);
    out.option(
        (exchange.account != before.account).then_some(exchange.account),
        |out, account| {
            out.option(account, |out, account| out.bits(account, 32));
        },
    );
    out.option(exchange.headroom.as_ref(), |out, room| {
        put_headroom(out, room, before.requests_limit)
    });
    out.option(exchange.stream.as_ref(), |out, stream| {
        put_stream(out, stream, exchange)
    });
    out.option(exchange.usage, |out, usage| {
        out.option((before.usage != Some(usage)).then_some(usage), |out, usage| {
            out.exact(usage.input);
            out.exact(usage.output);
        });
    });
    let usual_match = exchange.billed().map(|_| true);
    out.option(
        (exchange.model_matches != usual_match).then_some(exchange.model_matches),
        |out, matches| {
            out.option(matches, BitWriter::bit);
        },
    );
    out.option(exchange.header_set, |out, set| out.bits(set, 16));
    out.option(exchange.head.as_ref(), put_head);
}

fn take_exchange(from: &mut BitReader<'_>, before: &Before) -> Option<Exchange> {
    let kind = match from.option(take)? {
        Some(kind) => kind,
        None => before.next_kind()?,
    };
    let mut exchange = Exchange::new(kind, Outcome::Answered);
    from.option(Result::take)?
        .unwrap_or_else(|| Result::usual(kind))
        .apply(&mut exchange);
    exchange.marks = from.option(take_marks)?.unwrap_or(before.marks);
    exchange.maker = take_unless(from, before.maker)?;
    let digits = kind.entry().digits;
    exchange.first_byte_ms = from.option(|from| from.significant(digits))?;
    exchange.total_ms = take_total(from, exchange.first_byte_ms, digits)?;
    exchange.account = from
        .option(|from| from.option(|from| from.bits(32)))?
        .unwrap_or(before.account);
    exchange.headroom = from.option(|from| take_headroom(from, before.requests_limit))?;
    exchange.stream = from.option(|from| take_stream(from, &exchange))?;
    let own_usage = |from: &mut BitReader<'_>| {
        Some(Usage {
            input: from.exact()?,
            output: from.exact()?,
        })
    };
    exchange.usage = from.option(|from| from.option(own_usage)?.or(before.usage))?;
    let usual_match = exchange.billed().map(|_| true);
    exchange.model_matches = from.option(|from| from.option(BitReader::bit))?.unwrap_or(usual_match);
    exchange.header_set = from.option(|from| from.bits(16))?;
    exchange.head = from.option(take_head)?;
    Some(exchange)
}

/// When the whole had come: most often next to the first byte, and the same where times are rough.
fn put_total(out: &mut BitWriter, exchange: &Exchange, digits: u32) {
    let (total, first_byte) = (exchange.total_ms, exchange.first_byte_ms);
    if digits == DIGITS {
        put_near(out, total, first_byte);
        return;
    }
    out.option((total != first_byte).then_some(total), |out, total| {
        out.option(total, |out, total| out.significant(total, digits));
    });
}

fn take_total(from: &mut BitReader<'_>, first_byte: Option<u32>, digits: u32) -> Option<Option<u32>> {
    if digits == DIGITS {
        return take_near(from, first_byte);
    }
    let own = |from: &mut BitReader<'_>| from.option(|from| from.significant(digits));
    Some(from.option(own)?.unwrap_or(first_byte))
}

fn put_status(out: &mut BitWriter, status: u16) {
    match STATUSES
        .iter()
        .position(|&known| known == status)
        .and_then(|at| u32::try_from(at).ok())
    {
        Some(at) => out.bits(at, 4),
        None => {
            out.bits(OTHER_STATUS, 4);
            out.bits(u32::from(status), 16);
        }
    }
}

fn take_status(from: &mut BitReader<'_>) -> Option<u16> {
    match from.bits(4)? {
        OTHER_STATUS => u16::try_from(from.bits(16)?).ok(),
        at => STATUSES.get(usize::try_from(at).ok()?).copied(),
    }
}

/// Against the nearest set of marks that occur together.
fn put_marks(out: &mut BitWriter, marks: Marks) {
    let distance = |common: &Marks| (common.0 ^ marks.0).count_ones();
    let nearest = (0..COMMON_MARKS.len())
        .min_by_key(|&at| COMMON_MARKS.get(at).map(distance))
        .unwrap_or(0);
    let base = COMMON_MARKS.get(nearest).copied().unwrap_or_default();
    out.bits(u32::try_from(nearest).unwrap_or(0), 3);
    let mut flips = base.0 ^ marks.0;
    let count = flips.count_ones().min(7);
    out.bits(count, 3);
    if count == 7 {
        out.bits(marks.0, 32);
        return;
    }
    while flips != 0 {
        out.bits(flips.trailing_zeros(), 5);
        flips &= flips - 1;
    }
}

fn take_marks(from: &mut BitReader<'_>) -> Option<Marks> {
    let base = COMMON_MARKS.get(usize::try_from(from.bits(3)?).ok()?)?;
    match from.bits(3)? {
        7 => from.bits(32).map(Marks),
        count => (0..count).try_fold(*base, |marks, _| Some(Marks(marks.0 ^ 1 << from.bits(5)?))),
    }
}

fn percents(room: &Headroom) -> [Option<u8>; 4] {
    [room.requests, room.input_tokens, room.output_tokens, room.tokens]
}

fn put_headroom(out: &mut BitWriter, room: &Headroom, limit_before: Option<u32>) {
    let mut last = None;
    for percent in percents(room) {
        // Most often all stand at nearly the same.
        out.option((percent != last).then_some(percent), |out, percent| {
            out.option(percent, |out, percent| out.bits(u32::from(percent), 7));
        });
        last = percent;
    }
    out.option(
        (room.requests_limit != limit_before).then_some(room.requests_limit),
        |out, limit| {
            out.option(limit, BitWriter::exact);
        },
    );
}

fn take_headroom(from: &mut BitReader<'_>, limit_before: Option<u32>) -> Option<Headroom> {
    let mut last = None;
    let mut percent = || -> Option<Option<u8>> {
        let own = |from: &mut BitReader<'_>| from.option(|from| u8::try_from(from.bits(7)?).ok());
        last = from.option(own)?.unwrap_or(last);
        Some(last)
    };
    let (requests, input_tokens, output_tokens, tokens) = (percent()?, percent()?, percent()?, percent()?);
    let requests_limit = from
        .option(|from| from.option(BitReader::exact))?
        .unwrap_or(limit_before);
    Some(Headroom {
        requests,
        input_tokens,
        output_tokens,
        tokens,
        requests_limit,
    })
}

fn put_limit(out: &mut BitWriter, limit: NamedLimit) {
    put(out, limit.kind);
    out.exact(u32::try_from(limit.per_minute >> 32).unwrap_or(0));
    out.exact(u32::try_from(limit.per_minute & u64::from(u32::MAX)).unwrap_or(0));
}

fn take_limit(from: &mut BitReader<'_>) -> Option<NamedLimit> {
    let kind: LimitKind = take(from)?;
    let (high, low) = (from.exact()?, from.exact()?);
    Some(NamedLimit {
        kind,
        per_minute: u64::from(high) << 32 | u64::from(low),
    })
}
