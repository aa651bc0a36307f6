//! Exchanges in one short line of text, for a memory that only this program reads.
//!
//! The same records as in the termination message, with its version and its checksum: what another release wrote, or a person
//! changed, is no memory. Details ([`Exchange::request_id`], [`Exchange::quote`]) are not in it.

use super::evidence::Exchange;
use super::message::{VERSION, exchange, lines, wire};

/// Tag of the line, before the version.
const TAG: char = 'k';

/// Exchanges, each with its age beside the newest in seconds. `None` for what the format has no room for.
#[must_use]
pub fn pack(kept: &[(u32, Exchange)]) -> Option<String> {
    let (mut ages, mut exchanges): (Vec<u32>, Vec<Exchange>) = kept.iter().cloned().unzip();
    let bytes = wire::write(|wire| record(wire, &mut exchanges, &mut ages))?;
    let line = lines::seal(&format!("{TAG}{VERSION}"), &lines::encode(&bytes));
    Some(line.trim_end().to_owned())
}

/// What [`pack`] wrote; `None` when it is damaged or of another version.
#[must_use]
pub fn unpack(text: &str) -> Option<Vec<(u32, Exchange)>> {
    let payload = lines::open(text)?.strip_prefix(TAG)?.strip_prefix(VERSION)?;
    let bytes = lines::decode(payload)?;
    let (mut exchanges, mut ages) = (Vec::new(), Vec::new());
    wire::read(&bytes, |wire| record(wire, &mut exchanges, &mut ages))?;
    Some(ages.into_iter().zip(exchanges).collect())
}

fn record<W: wire::Wire>(wire: &mut W, exchanges: &mut Vec<Exchange>, ages: &mut Vec<u32>) -> wire::Done {
    exchange::exchanges(wire, exchanges, &[])?;
    ages.resize(exchanges.len(), 0);
    for age in ages {
        wire.unless(age, 0, W::exact)?;
    }
    Some(())
}
