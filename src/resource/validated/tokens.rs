//! How many tokens a probe is expected to use: one estimate, for the default budget, for reservations and for
//! `--explain-plan`.

use std::ops::{Add, Mul};
use std::time::Duration;

use serde::Serialize;

use super::Probe;
use super::request::Body;

const DAY: Duration = Duration::from_secs(86_400);
/// Tokens of a Messages request of one short turn beside its prompt.
const TURN: u64 = 16;
/// A saved body is not read before a run: a usual conversation with tools. A user whose body differs sets a budget.
const SAVED_BODY: u64 = 8_000;
/// The long request's own prompt.
const LONG_PROMPT: u64 = 24;

/// Tokens, input and output apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Input.
    pub input: u64,
    /// Output.
    pub output: u64,
}

impl Tokens {
    /// Both together, as budgets count.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }
}

impl Mul<u64> for Tokens {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self {
            input: self.input.saturating_mul(times),
            output: self.output.saturating_mul(times),
        }
    }
}

/// What a probe is expected to use. Totals are input and output together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEstimate {
    /// The frozen request on one path.
    pub one: Tokens,
    /// The long request on one path.
    pub long_one: Tokens,
    /// A run without forwardingChecks: the frozen request on every path.
    pub run: u64,
    /// What a run with forwarding checks adds: the other form of the frozen request, and what was opted into.
    pub forwarding_checks: u64,
    /// The long request on every path.
    pub long: u64,
    /// Runs in a day.
    pub runs: u64,
    /// Those of them that send forwarding checks.
    pub forwarding_check_runs: u64,
    /// Those of them that send the long request.
    pub long_runs: u64,
    /// A day of all of them, as the schedule says.
    pub day: u64,
}

/// The estimate, from above: three bytes of a prompt are taken for a token, and every answer for as long as it may be.
#[must_use]
pub fn estimate(probe: &Probe) -> TokenEstimate {
    let request = &probe.request;
    let one = Tokens {
        input: match &request.body {
            Body::Prompt(prompt) => TURN + count(prompt.len()).div_ceil(3),
            Body::Saved(_) => SAVED_BODY,
        },
        output: u64::from(request.max_tokens),
    };
    let long_request = probe.exchanges.long.as_ref();
    let long_one = long_request.map_or_else(Tokens::default, |long| Tokens {
        input: TURN + LONG_PROMPT,
        output: u64::from(long.max_tokens),
    });
    let paths = count(probe.paths.len());
    let run = (one * paths).total();
    // The other form, and parallel requests: each is the frozen request's answer.
    let forwarding_checks = (one * (1 + probe.exchanges.parallel.map_or(0, u64::from)) * paths).total();
    let long = (long_one * paths).total();
    let interval = probe.schedule.interval();
    let at_most_each_run = |every: Duration| every.max(interval);
    let forwarding_check_every = probe
        .forwarding_checks
        .every
        .filter(|_| probe.forwarding_checks.headers);
    let runs = per_day(Some(interval));
    let forwarding_check_runs = per_day(forwarding_check_every.map(at_most_each_run));
    let long_runs = per_day(long_request.map(|long| at_most_each_run(long.every)));
    TokenEstimate {
        one,
        long_one,
        run,
        forwarding_checks,
        long,
        runs,
        forwarding_check_runs,
        long_runs,
        day: runs * run + forwarding_check_runs * forwarding_checks + long_runs * long,
    }
}

fn per_day(every: Option<Duration>) -> u64 {
    every
        .filter(|every| !every.is_zero())
        .map_or(0, |every| DAY.as_secs().div_ceil(every.as_secs().max(1)))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
