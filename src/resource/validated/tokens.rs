//! How many tokens a probe is expected to use: one estimate, for the default budget and for reservations.

use std::time::Duration;

use super::request::Body;
use super::{Exchanges, Probe};

const DAY: Duration = Duration::from_secs(86_400);
/// What a Messages request of one short turn costs besides its prompt.
const TURN: u64 = 16;
/// A saved body is not read before a run: a usual conversation with tools. A user whose body differs sets a budget.
const SAVED_BODY: u64 = 8_000;
/// Output tokens of the exchanges that need an answer but no content of it (attack-looking prompt, idle reuse).
const SHORT_ANSWER: u64 = 16;

/// Tokens, input and output together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEstimate {
    /// A run without canaries: the frozen request on every path.
    pub run: u64,
    /// What a run with canaries adds: the other form of the frozen request, and what was opted into.
    pub canaries: u64,
    /// The long request on every path.
    pub long: u64,
    /// A day of all of them, as the schedule says.
    pub day: u64,
}

/// The estimate, from above: three bytes of a prompt are taken for a token, and every answer for as long as it may be.
#[must_use]
pub fn estimate(probe: &Probe) -> TokenEstimate {
    let request = &probe.request;
    let input = match &request.body {
        Body::Prompt(prompt) => TURN + count(prompt.len()).div_ceil(3),
        Body::Saved(_) => SAVED_BODY,
    };
    let one = input + u64::from(request.max_tokens);
    let paths = count(probe.paths.len());
    let run = one * paths;
    let canaries = (one + opted_in(&probe.exchanges, one)) * paths;
    let long = probe
        .exchanges
        .long
        .as_ref()
        .map_or(0, |long| (input + u64::from(long.max_tokens)) * paths);
    let canary_every = probe.canaries.every.map(|every| every.max(probe.schedule.interval()));
    let day = per_day(Some(probe.schedule.interval())) * run
        + per_day(canary_every) * canaries
        + per_day(probe.exchanges.long.as_ref().map(|long| long.every)) * long;
    TokenEstimate {
        run,
        canaries,
        long,
        day,
    }
}

/// `one` is what the frozen request costs: parallel requests are that, several times.
fn opted_in(exchanges: &Exchanges, one: u64) -> u64 {
    let short = TURN + SHORT_ANSWER;
    exchanges.parallel.map_or(0, u64::from) * one
        + if exchanges.attack_prompt { 2 * short } else { 0 }
        + exchanges.reuse_idle.map_or(0, |_| short)
}

fn per_day(every: Option<Duration>) -> u64 {
    every
        .filter(|every| !every.is_zero())
        .map_or(0, |every| DAY.as_secs().div_ceil(every.as_secs().max(1)))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
