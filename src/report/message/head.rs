//! The head of an answer as bits: nothing where it is as Claude's.

use super::bits::{BitReader, BitWriter};
use super::codes::{Coded, put, put_unless, take, take_unless};
use crate::report::evidence::{Departure, HeadEvidence, ReplyHeader, Spelling};

/// Departures that are written one by one, at most.
const MOST: usize = 31;

/// The head.
pub fn put_head(out: &mut BitWriter, head: &HeadEvidence) {
    put_unless(out, head.spelling, Spelling::Mixed);
    out.option((head.foreign > 0).then_some(head.foreign), |out, foreign| {
        out.bits(u32::from(foreign.min(15)), 4);
    });
    // A gateway that drops headers drops many: those have a bit each.
    let is_absent = |departure: &Departure| *departure == Departure::Absent;
    let absent = head.departures.iter().filter(|(_, departure)| is_absent(departure));
    let mask = absent.fold(0u32, |mask, (header, _)| mask | 1 << header.code());
    out.option((mask != 0).then_some(mask), |out, mask| out.bits(mask, 18));
    let rest = || {
        head.departures
            .iter()
            .filter(|(_, departure)| !is_absent(departure))
            .take(MOST)
    };
    out.exact(u32::try_from(rest().count()).unwrap_or(0));
    for (header, departure) in rest() {
        put(out, *header);
        match departure {
            Departure::Value(digest) => {
                out.bits(0, 2);
                out.bits(u32::from(*digest), 4);
            }
            Departure::Repeated => out.bits(1, 2),
            Departure::Merged | Departure::Absent => out.bits(2, 2),
        }
    }
}

/// What [`put_head`] wrote.
pub fn take_head(from: &mut BitReader<'_>) -> Option<HeadEvidence> {
    let spelling = take_unless(from, Spelling::Mixed)?;
    let foreign = from.option(|from| u8::try_from(from.bits(4)?).ok())?.unwrap_or(0);
    let mask = from.option(|from| from.bits(18))?.unwrap_or(0);
    let mut departures: Vec<(ReplyHeader, Departure)> = ReplyHeader::ALL
        .into_iter()
        .filter(|header| mask >> header.code() & 1 == 1)
        .map(|header| (header, Departure::Absent))
        .collect();
    let count = from
        .exact()
        .filter(|&count| usize::try_from(count).is_ok_and(|count| count <= MOST))?;
    for _ in 0..count {
        let header = take(from)?;
        let departure = match from.bits(2)? {
            0 => Departure::Value(u8::try_from(from.bits(4)?).ok()?),
            1 => Departure::Repeated,
            2 => Departure::Merged,
            _ => return None,
        };
        departures.push((header, departure));
    }
    departures.sort_by_key(|(header, _)| *header);
    Some(HeadEvidence {
        spelling,
        departures,
        foreign,
    })
}
