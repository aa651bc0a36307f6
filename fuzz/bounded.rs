//! Every fuzz target on its corpus and on a bounded number of mutations of it. `make fuzz TARGET=…` goes on from there, guided by
//! coverage, until it is stopped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod targets;

use std::path::Path;

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Mutations per target: some seconds in a debug build.
const ROUNDS: u32 = 4_000;
/// Bytes of an input.
const MOST: usize = 4 * 1024;

/// Pieces that the formats are made of.
const WORDS: [&[u8]; 16] = [
    b"\n\n",
    b"\r",
    b"data: ",
    b"event: error\n",
    b"{\"type\":\"error\",\"error\":{",
    b"\"message\":\"",
    b"}}",
    b"req_011CeCGmBjaWkq37Sf5iU7so",
    b"request-id: ",
    b"\x01",
    b"://u:p@",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"<html><title>",
    b"\xff\xfe",
    b"anthropic-ratelimit-requests-remaining: 0\n",
];

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no input", directory.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn below(rng: &mut TestRng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % u64::try_from(bound.max(1)).unwrap()).unwrap()
}

/// Applies a few changes: a bit, a byte, a word of the format, a piece of itself or of another input, a cut.
fn mutate(rng: &mut TestRng, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=below(rng, 4) {
        let at = below(rng, input.len() + 1);
        match below(rng, 6) {
            0 if at < input.len() => input[at] ^= 1 << below(rng, 8),
            1 if at < input.len() => input[at] = u8::try_from(below(rng, 256)).unwrap(),
            2 => {
                let word = WORDS[below(rng, WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            3 => {
                let from = below(rng, other.len() + 1);
                let to = (from + below(rng, 64)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            4 => {
                let to = (at + below(rng, 32)).min(input.len());
                input.drain(at..to);
            }
            _ => {
                let to = (at + below(rng, 64)).min(input.len());
                let piece = input[at..to].to_vec();
                input.splice(at..at, piece);
            }
        }
        input.truncate(MOST);
    }
}

/// The same inputs every time, so that a failure repeats; the open-ended runs search for coverage.
fn run(name: &str) {
    let target = targets::named(name).unwrap();
    let seeds = corpus(name);
    seeds.iter().for_each(|input| target(input));
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..ROUNDS {
        let mut input = seeds[below(&mut rng, seeds.len())].clone();
        let other = &seeds[below(&mut rng, seeds.len())];
        mutate(&mut rng, &mut input, other);
        let shown = input.clone();
        // The panic has printed the property.
        assert!(
            std::panic::catch_unwind(move || target(&input)).is_ok(),
            "{name} fails on {:?}",
            String::from_utf8_lossy(&shown)
        );
    }
}

#[test]
fn event_streams() {
    run("sse");
}

#[test]
fn error_bodies() {
    run("error");
}

#[test]
fn response_headers() {
    run("headers");
}

#[test]
fn termination_messages() {
    run("report");
}

#[test]
fn plans_and_resources() {
    run("plan");
}
