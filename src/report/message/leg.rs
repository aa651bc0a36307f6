//! A leg without its exchanges as bits: name, key, how far the way to the first hop came, what was left out.

use super::bits::{BitReader, BitWriter};
use super::codes::{Coded, put, put_time, put_unless, take, take_time, take_unless};
use crate::report::evidence::{
    ExchangeKind, Handshake, KeyDefect, KeyEvidence, KeyKind, LegEvidence, Reach, SkipReason,
};

/// The leg without its exchanges: name, key, handshake, what was skipped.
pub fn put_leg(out: &mut BitWriter, leg: &LegEvidence) {
    put_name(out, &leg.path);
    out.option(leg.key.as_ref(), put_key);
    put_handshake(out, &leg.handshake);
    out.exact(u32::try_from(leg.skipped.len()).unwrap_or(0));
    let mut last = None;
    for (kind, reason) in &leg.skipped {
        put(out, *kind);
        out.option((last != Some(*reason)).then_some(*reason), put);
        last = Some(*reason);
    }
}

/// What [`put_leg`] wrote.
pub fn take_leg(from: &mut BitReader<'_>) -> Option<LegEvidence> {
    let path = take_name(from)?;
    let key = from.option(take_key)?;
    let handshake = take_handshake(from)?;
    let count = from.exact().filter(|&count| count <= 64)?;
    let mut skipped: Vec<(ExchangeKind, SkipReason)> = Vec::new();
    for _ in 0..count {
        let kind = take(from)?;
        let reason = match from.option(take)? {
            Some(reason) => reason,
            None => skipped.last()?.1,
        };
        skipped.push((kind, reason));
    }
    Some(LegEvidence {
        path,
        key,
        handshake,
        exchanges: Vec::new(),
        skipped,
    })
}

const LABEL: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789-";

/// A DNS label in six bits per letter, any other name in eight.
fn put_name(out: &mut BitWriter, name: &str) {
    let letters: Option<Vec<u32>> = name
        .bytes()
        .map(|byte| {
            LABEL
                .iter()
                .position(|&letter| letter == byte)
                .and_then(|at| u32::try_from(at).ok())
        })
        .collect();
    match letters.filter(|letters| letters.len() <= 63) {
        Some(letters) => {
            out.bit(true);
            out.bits(u32::try_from(letters.len()).unwrap_or(0), 6);
            letters.iter().for_each(|letter| out.bits(*letter, 6));
        }
        None => {
            out.bit(false);
            out.text(name);
        }
    }
}

fn take_name(from: &mut BitReader<'_>) -> Option<String> {
    if !from.bit()? {
        return from.text();
    }
    let length = from.bits(6)?;
    let letter = |from: &mut BitReader<'_>| {
        LABEL
            .get(usize::try_from(from.bits(6)?).ok()?)
            .map(|&byte| char::from(byte))
    };
    (0..length).map(|_| letter(from)).collect()
}

fn put_key(out: &mut BitWriter, key: &KeyEvidence) {
    let print = (key.fingerprint.len() == 5)
        .then(|| u32::from_str_radix(&key.fingerprint, 16).ok())
        .flatten();
    out.option(print, |out, print| out.bits(print, 20));
    put(out, key.kind);
    let mask = key.defects.iter().fold(0u32, |mask, defect| mask | 1 << defect.code());
    out.option((mask != 0).then_some(mask), |out, mask| out.bits(mask, 16));
}

fn take_key(from: &mut BitReader<'_>) -> Option<KeyEvidence> {
    let print = from.option(|from| from.bits(20))?;
    let kind: KeyKind = take(from)?;
    let mask = from.option(|from| from.bits(16))?.unwrap_or(0);
    let defects = (0..16)
        .filter(|bit| mask >> bit & 1 == 1)
        .filter_map(KeyDefect::of)
        .collect();
    Some(KeyEvidence {
        fingerprint: print.map_or_else(String::new, |print| format!("{print:05x}")),
        kind,
        defects,
    })
}

fn put_handshake(out: &mut BitWriter, hand: &Handshake) {
    put_unless(out, hand.outcome, Reach::Connected);
    out.exact(u32::from(hand.addresses));
    out.option(
        (hand.failed_addresses > 0).then_some(hand.failed_addresses),
        |out, count| out.exact(u32::from(count)),
    );
    [hand.dns_ms, hand.connect_ms, hand.tls_ms]
        .into_iter()
        .for_each(|time| put_time(out, time));
    put(out, hand.trust);
    out.option(hand.certificate_days, BitWriter::signed);
    out.bit(hand.http2);
    out.option(hand.clock_skew_s, BitWriter::signed);
    [hand.anthropic_address, hand.via_sidecar, hand.via_proxy]
        .into_iter()
        .for_each(|flag| out.bit(flag));
    out.option((hand.proxy_status > 0).then_some(hand.proxy_status), |out, status| {
        out.bits(u32::from(status), 16)
    });
}

fn take_handshake(from: &mut BitReader<'_>) -> Option<Handshake> {
    let small = |from: &mut BitReader<'_>| u16::try_from(from.exact()?).ok();
    Some(Handshake {
        outcome: take_unless(from, Reach::Connected)?,
        peer: None,
        addresses: small(from)?,
        failed_addresses: from.option(small)?.unwrap_or(0),
        dns_ms: take_time(from)?,
        connect_ms: take_time(from)?,
        tls_ms: take_time(from)?,
        trust: take(from)?,
        certificate_days: from.option(BitReader::signed)?,
        http2: from.bit()?,
        clock_skew_s: from.option(BitReader::signed)?,
        anthropic_address: from.bit()?,
        via_sidecar: from.bit()?,
        via_proxy: from.bit()?,
        proxy_status: from.option(|from| u16::try_from(from.bits(16)?).ok())?.unwrap_or(0),
    })
}
