//! A path without its exchanges: name, key, how far the connection to the first hop came, what was left out.

use super::codes::Coded;
use super::wire::{Done, Wire};
use crate::report::evidence::{ExchangeKind, Handshake, KeyDefect, KeyEvidence, PathEvidence, Reach, SkipReason};

/// The path without its exchanges.
pub fn path<W: Wire>(wire: &mut W, it: &mut PathEvidence) -> Done {
    name(wire, &mut it.path)?;
    wire.option(&mut it.key, KeyEvidence::default(), key)?;
    handshake(wire, &mut it.handshake)?;
    let mut last = SkipReason::Unreachable;
    let blank = (ExchangeKind::Frozen, last);
    wire.list(&mut it.skipped, &blank, W::exact, |wire, (kind, reason)| {
        wire.code(kind)?;
        wire.unless(reason, last, W::code)?;
        last = *reason;
        Some(())
    })
}

const LABEL: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789-";

/// A DNS label in six bits per letter, any other name in eight.
fn name<W: Wire>(wire: &mut W, it: &mut String) -> Done {
    let place = |byte| LABEL.iter().position(|&letter| letter == byte);
    let places: Option<Vec<u32>> = it.bytes().map(|byte| u32::try_from(place(byte)?).ok()).collect();
    let label = places.filter(|places| places.len() <= 63);
    let mut is_label = label.is_some();
    wire.bit(&mut is_label)?;
    if !is_label {
        return wire.text(it);
    }
    let mut places = label.unwrap_or_default();
    let six = |wire: &mut W, place: &mut u32| wire.bits(place, 6);
    wire.list(&mut places, &0, six, six)?;
    let letter = |place: u32| LABEL.get(usize::try_from(place).ok()?).map(|&byte| char::from(byte));
    *it = places.into_iter().map(letter).collect::<Option<_>>()?;
    Some(())
}

fn key<W: Wire>(wire: &mut W, it: &mut KeyEvidence) -> Done {
    let digits = (it.fingerprint.len() == 5).then_some(&it.fingerprint);
    let mut print = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    wire.option(&mut print, 0, |wire, print| wire.bits(print, 20))?;
    it.fingerprint = print.map_or_else(String::new, |print| format!("{print:05x}"));
    wire.code(&mut it.kind)?;
    let mut mask = it.defects.iter().fold(0, |mask, defect| mask | 1 << defect.code());
    wire.unless(&mut mask, 0, |wire, mask| wire.bits(mask, 16))?;
    let bits = (0..16).filter(|bit| mask >> bit & 1 == 1);
    it.defects = bits.filter_map(KeyDefect::of).collect();
    Some(())
}

fn handshake<W: Wire>(wire: &mut W, it: &mut Handshake) -> Done {
    let count = |wire: &mut W, count: &mut u16| wire.narrow(count, W::exact);
    let time = |wire: &mut W, time: &mut Option<u32>| wire.option(time, 0, W::measure);
    wire.unless(&mut it.outcome, Reach::Connected, W::code)?;
    count(wire, &mut it.addresses)?;
    wire.unless(&mut it.failed_addresses, 0, count)?;
    time(wire, &mut it.dns_ms)?;
    time(wire, &mut it.connect_ms)?;
    time(wire, &mut it.tls_ms)?;
    wire.code(&mut it.trust)?;
    wire.option(&mut it.certificate_days, 0, W::signed)?;
    wire.bit(&mut it.http2)?;
    wire.option(&mut it.clock_skew_s, 0, W::signed)?;
    wire.bit(&mut it.anthropic_address)?;
    wire.bit(&mut it.via_sidecar)?;
    wire.bit(&mut it.via_proxy)?;
    wire.unless(&mut it.proxy_status, 0, |wire, status| {
        wire.narrow(status, |wire, status| wire.bits(status, 16))
    })
}
