//! The termination message: how evidence travels from a probe pod to the operator, in 4,096 bytes at most.
//!
//! Independent lines, most decisive first, each with a checksum. The kubelet keeps the last 4,096 bytes of the file and then cuts its end when a pod
//! has many containers, so any prefix must decode; what a lost line held is "not reported", never "absent": the decoded evidence then says
//! `complete: false`.
//!
//! ```text
//! cp2<header>      slot, times, how many decisive lines follow     ┐
//! L<path><…>        name, key, handshake, frozen request            │ decide
//! X<path><…>        the other exchanges of a path (read with its L)  ┘
//! Q<path><n>text    quote of a path's n-th exchange                  ┐
//! R<path><n>text    its request id                                  │ details
//! A<path>text       the peer's address                              ┘
//! ```
//!
//! *Details* are [`Exchange::quote`], [`Exchange::request_id`] and [`Handshake::peer`](super::evidence::Handshake::peer): a verdict must not depend on
//! them. Everything else decides. Times and sizes travel as [`RunEvidence::rounded`] leaves them.

mod codes;
pub(super) mod exchange;
mod head;
pub(super) mod lines;
mod path;
mod stream;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
pub(super) mod wire;

use wire::{Done, Wire};

use super::evidence::{Exchange, PathEvidence, RunEvidence};
use crate::text::mask;
use crate::text::plain::plain;

/// What the kubelet keeps of a termination message.
pub const MAX_BYTES: usize = 4096;
/// What a pod with five containers keeps of it: what decides fits in here.
pub const DECISIVE_BYTES: usize = 2400;

/// First characters of every message.
const MAGIC: &str = "cp";
/// Version of this format: another one is not read.
pub(super) const VERSION: char = '2';
/// Tag of the header line.
const HEADER: &str = "cp2";
/// Tag of the line of a prober that could not carry out its plan.
const FAILURE: &str = "cp2!";
/// Bytes of a message that cannot be read that are shown.
const MAX_SHOWN: usize = 256;

/// Why a termination message gives no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// There is none.
    #[error("the probe's container left no termination message")]
    Empty,
    /// It was written by another release.
    #[error(
        "the report is of format {found:?}, and this operator reads format {VERSION:?}: operator and probe image must be of the same release"
    )]
    Version {
        /// The format's character.
        found: char,
    },
    /// It is none of ours, or nothing of it is whole.
    #[error("the termination message cannot be read: {shown:?}")]
    Malformed {
        /// Its beginning, bounded, and masked where it looks like a credential.
        shown: String,
    },
    /// The prober says why it could not carry out its plan.
    #[error("{reason}")]
    Prober {
        /// In a sentence.
        reason: String,
    },
}

/// The message of a prober that could not carry out its plan.
#[must_use]
pub fn encode_failure(reason: &str) -> String {
    let flat = plain(reason);
    let end = flat.floor_char_boundary(1024);
    lines::seal(FAILURE, flat.get(..end).unwrap_or_default())
}

/// The evidence in at most `budget` bytes: what decides first, then details as far as they fit.
#[must_use]
pub fn encode(run: &RunEvidence, budget: usize) -> String {
    let decisive = decisive_lines(run);
    let mut count = u32::try_from(decisive.len()).unwrap_or(u32::MAX);
    let bytes = wire::write(|wire| header(wire, &mut count, &mut run.clone())).unwrap_or_default();
    let mut message = lines::seal(HEADER, &lines::encode(&bytes));
    // A record that the format has no room for is counted, and missed by the reader.
    for line in decisive.into_iter().flatten().chain(detail_lines(run)) {
        if message.len() + line.len() <= budget {
            message.push_str(&line);
        }
    }
    message
}

/// The run without its paths, and the number of decisive lines that follow.
fn header<W: Wire>(wire: &mut W, decisive: &mut u32, run: &mut RunEvidence) -> Done {
    *decisive = (*decisive).min(255);
    wire.bits(decisive, 8)?;
    wire.bit(&mut run.complete)?;
    wire.text(&mut run.slot)?;
    let mut started = run.started_at_ms.cast_unsigned();
    wire.halves(&mut started, |wire, half| wire.bits(half, 32))?;
    run.started_at_ms = started.cast_signed();
    wire.measure(&mut run.duration_ms)
}

/// A path with its core exchanges, and whether a line with the others follows.
fn core<W: Wire>(wire: &mut W, path: &mut PathEvidence, has_rest: &mut bool) -> Done {
    path::path(wire, path)?;
    exchange::exchanges(wire, &mut path.exchanges, &[])?;
    wire.bit(has_rest)
}

/// The exchanges that travel with their path: those of the frozen request itself.
fn is_core(exchange: &Exchange) -> bool {
    exchange.kind.is_frozen_request()
}

fn split(path: &PathEvidence) -> (Vec<Exchange>, Vec<Exchange>) {
    path.exchanges.iter().cloned().partition(is_core)
}

/// The control first, then paths whose frozen request failed, then the others: a cut then costs least.
fn by_weight(run: &RunEvidence) -> Vec<(usize, &PathEvidence)> {
    let mut paths: Vec<(usize, &PathEvidence)> = run.paths.iter().enumerate().collect();
    paths.sort_by_key(|(index, path)| (path.path != "direct", !fails(path), *index));
    paths
}

fn fails(path: &PathEvidence) -> bool {
    path.frozen().is_none_or(Exchange::shows_a_failure)
}

/// The lines that decide; `None` for one that the format has no room for.
fn decisive_lines(run: &RunEvidence) -> Vec<Option<String>> {
    let line = |tag, index, bytes: Vec<u8>| lines::seal(tag, &format!("{}{}", letter(index), lines::encode(&bytes)));
    let mut cores = Vec::new();
    let mut rests = Vec::new();
    for (index, path) in by_weight(run) {
        let (exchanges, mut rest) = split(path);
        let mut has_rest = !rest.is_empty();
        let mut path = PathEvidence {
            exchanges,
            ..path.clone()
        };
        let bytes = wire::write(|wire| core(wire, &mut path, &mut has_rest));
        cores.push(bytes.map(|bytes| line("L", index, bytes)));
        if has_rest {
            let bytes = wire::write(|wire| exchange::exchanges(wire, &mut rest, &path.exchanges));
            rests.push(bytes.map(|bytes| line("X", index, bytes)));
        }
    }
    cores.into_iter().chain(rests).collect()
}

/// Details by what a reader misses most: why something failed, the id to quote to support, where we were connected to.
fn detail_lines(run: &RunEvidence) -> Vec<String> {
    let paths = by_weight(run);
    let mut ranked: Vec<(u8, String)> = Vec::new();
    for (path_index, path) in &paths {
        let (core, rest) = split(path);
        let failing = fails(path);
        if let Some(peer) = &path.handshake.peer {
            let rank = if failing { 2 } else { 3 };
            ranked.push((
                rank,
                lines::seal("A", &format!("{}{}", letter(*path_index), plain(peer))),
            ));
        }
        for (place, exchange) in core.iter().chain(&rest).enumerate() {
            let at = format!("{}{}", letter(*path_index), letter(place));
            let core = is_core(exchange);
            if let Some(quote) = &exchange.quote {
                ranked.push((
                    if core { 0 } else { 4 },
                    lines::seal("Q", &format!("{at}{}", plain(quote))),
                ));
            }
            if let Some(id) = &exchange.request_id {
                let rank = match (core, failing) {
                    (true, true) => 1,
                    (true, false) => 3,
                    (false, _) => 5,
                };
                ranked.push((rank, lines::seal("R", &format!("{at}{}", plain(id)))));
            }
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, line)| line).collect()
}

/// An index as one character.
fn letter(index: usize) -> char {
    ALPHABET.get(index).map_or('~', |&byte| char::from(byte))
}

fn index(letter: u8) -> Option<usize> {
    ALPHABET.iter().position(|&byte| byte == letter)
}

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Reads a message, or what is left of one.
///
/// # Errors
/// Nothing of it can be read, it is of another format, or it is the prober's own complaint.
pub fn decode(message: &str) -> Result<RunEvidence, MessageError> {
    if message.trim().is_empty() {
        return Err(MessageError::Empty);
    }
    let mut found = Found::default();
    for line in message.split('\n').filter(|line| !line.is_empty()) {
        if let Some(text) = lines::open(line) {
            found.line(text)?;
        }
    }
    let version = message.strip_prefix(MAGIC).and_then(|rest| rest.chars().next());
    match version {
        Some(found) if found.is_ascii_digit() && found != VERSION => return Err(MessageError::Version { found }),
        _ => {}
    }
    found
        .assemble()
        .ok_or_else(|| MessageError::Malformed { shown: shown(message) })
}

/// A bounded, masked beginning of a text that anybody may have written.
fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(4 * MAX_SHOWN);
    let masked = mask::credentials(&plain(text.get(..end).unwrap_or_default()));
    masked
        .get(..masked.floor_char_boundary(MAX_SHOWN))
        .unwrap_or_default()
        .to_owned()
}

/// The lines of a message that are whole.
#[derive(Default)]
struct Found {
    header: Option<(u32, RunEvidence)>,
    paths: Vec<(usize, PathEvidence, bool)>,
    rest: Vec<(usize, Vec<u8>)>,
    details: Vec<(char, usize, usize, String)>,
}

impl Found {
    fn line(&mut self, text: &str) -> Result<(), MessageError> {
        if let Some(reason) = text.strip_prefix(FAILURE) {
            return Err(MessageError::Prober {
                reason: reason.to_owned(),
            });
        }
        if let Some(payload) = text.strip_prefix(HEADER) {
            self.header = lines::decode(payload).and_then(|bytes| read_header(&bytes));
            return Ok(());
        }
        let mut letters = text.chars();
        let (Some(tag), Some(path)) = (letters.next(), letters.next()) else {
            return Ok(());
        };
        let Some(path) = u8::try_from(path).ok().and_then(index) else {
            return Ok(());
        };
        let payload = letters.as_str();
        match tag {
            'L' => {
                if let Some((evidence, has_rest)) = lines::decode(payload).and_then(|bytes| read_path(&bytes)) {
                    self.paths.push((path, evidence, has_rest));
                }
            }
            'X' => self.rest.extend(lines::decode(payload).map(|bytes| (path, bytes))),
            'A' => self.details.push((tag, path, 0, payload.to_owned())),
            'Q' | 'R' => {
                let place = payload.bytes().next().and_then(index);
                if let (Some(place), Some(text)) = (place, payload.get(1..)) {
                    self.details.push((tag, path, place, text.to_owned()));
                }
            }
            // A line that a later release added: not decisive, or the format's character would differ.
            _ => {}
        }
        Ok(())
    }

    fn assemble(self) -> Option<RunEvidence> {
        if self.header.is_none() && self.paths.is_empty() {
            return None;
        }
        let (expected, mut run) = self.header.unwrap_or((u32::MAX, RunEvidence::default()));
        let mut decisive = 0;
        let mut paths = self.paths;
        paths.sort_by_key(|(index, _, _)| *index);
        paths.dedup_by_key(|(index, _, _)| *index);
        for (index, path, has_rest) in &mut paths {
            decisive += 1;
            // The rest is written against the path's own record, so it is read here, where that is known.
            let rest = self.rest.iter().find(|(rest, _)| rest == index);
            let rest = rest.and_then(|(_, bytes)| read_rest(bytes, &path.exchanges));
            decisive += u32::from(rest.is_some());
            run.complete &= rest.is_some() == *has_rest;
            path.exchanges.extend(rest.unwrap_or_default());
            for (tag, _, place, text) in self.details.iter().filter(|(_, detail, _, _)| detail == index) {
                apply(path, *tag, *place, text);
            }
        }
        run.complete &= expected == decisive;
        run.paths = paths.into_iter().map(|(_, path, _)| path).collect();
        Some(run)
    }
}

fn apply(path: &mut PathEvidence, tag: char, place: usize, text: &str) {
    let exchange = path.exchanges.get_mut(place);
    match (tag, exchange) {
        ('A', _) => path.handshake.peer = Some(text.to_owned()),
        ('Q', Some(exchange)) => exchange.quote = Some(text.to_owned()),
        ('R', Some(exchange)) => exchange.request_id = Some(text.to_owned()),
        _ => {}
    }
}

fn read_header(bytes: &[u8]) -> Option<(u32, RunEvidence)> {
    let (mut decisive, mut run) = (0, RunEvidence::default());
    wire::read(bytes, |wire| header(wire, &mut decisive, &mut run))?;
    Some((decisive, run))
}

fn read_path(bytes: &[u8]) -> Option<(PathEvidence, bool)> {
    let (mut path, mut has_rest) = (PathEvidence::default(), false);
    wire::read(bytes, |wire| core(wire, &mut path, &mut has_rest))?;
    Some((path, has_rest))
}

fn read_rest(bytes: &[u8], core: &[Exchange]) -> Option<Vec<Exchange>> {
    let mut rest = Vec::new();
    wire::read(bytes, |wire| exchange::exchanges(wire, &mut rest, core))?;
    Some(rest)
}
