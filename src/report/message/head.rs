//! The head of an answer: nothing where it is as Claude's.

use super::codes::Coded;
use super::wire::{Done, Wire};
use crate::report::evidence::{Departure, HeadEvidence, ReplyHeader, Spelling};

/// The head.
pub fn head<W: Wire>(wire: &mut W, it: &mut HeadEvidence) -> Done {
    wire.unless(&mut it.spelling, Spelling::Mixed, W::code)?;
    it.foreign = it.foreign.min(15);
    wire.unless(&mut it.foreign, 0, |wire, foreign| {
        wire.narrow(foreign, |wire, foreign| wire.bits(foreign, 4))
    })?;
    // A gateway that drops headers drops many: those have a bit each.
    let is_absent = |(_, departure): &(ReplyHeader, Departure)| *departure == Departure::Absent;
    let (absent, mut rest): (Vec<_>, Vec<_>) = it.departures.iter().copied().partition(is_absent);
    let mut mask = absent.iter().fold(0, |mask, (header, _)| mask | 1 << header.code());
    wire.unless(&mut mask, 0, |wire, mask| wire.bits(mask, 18))?;
    let blank = (ReplyHeader::RequestId, Departure::Repeated);
    wire.list(&mut rest, &blank, W::exact, |wire, (header, departed)| {
        wire.code(header)?;
        departure(wire, departed)
    })?;
    let absent = ReplyHeader::ALL
        .into_iter()
        .filter(|header| mask >> header.code() & 1 == 1);
    it.departures = absent.map(|header| (header, Departure::Absent)).chain(rest).collect();
    it.departures.sort_by_key(|(header, _)| *header);
    Some(())
}

fn departure<W: Wire>(wire: &mut W, it: &mut Departure) -> Done {
    let (mut code, mut digest) = match it {
        Departure::Value(digest) => (0, *digest),
        Departure::Repeated => (1, 0),
        Departure::Merged => (2, 0),
        Departure::Absent => return None,
    };
    wire.bits(&mut code, 2)?;
    *it = match code {
        0 => {
            wire.narrow(&mut digest, |wire, digest| wire.bits(digest, 4))?;
            Departure::Value(digest)
        }
        1 => Departure::Repeated,
        2 => Departure::Merged,
        _ => return None,
    };
    Some(())
}
