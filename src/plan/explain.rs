//! A plan in figures: what is sent on each path, in which order, when, what for, and what it may cost. Pure, sends
//! nothing.
//!
//! Tokens and prices are bounds from above: every answer is taken for as long as it may be. A model without a listed
//! price has none here.

use serde::Serialize;

use super::{CredentialChecks, ForwardingCheckChoice, Settings, plan};
use crate::claude::price;
use crate::report::evidence::ExchangeKind;
use crate::report::evidence::exchange_kind::{Cause, Cost, Planned, SECOND_SAMPLES};
use crate::report::plan::{PathPlan, Plan, When};
use crate::resource::validated::{Probe, Tokens, estimate};

/// A run, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The model of the frozen request.
    pub model: String,
    /// `anthropic-version`.
    pub api_version: String,
    /// It requests an event stream.
    pub stream: bool,
    /// Its most output tokens.
    pub max_tokens: u32,
    /// The paths, in the resource's order.
    pub paths: Vec<ExplainedPath>,
    /// What the run costs.
    pub run: RunCost,
    /// What the probe costs in a day in the cluster; absent where no schedule is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<DayCost>,
}

/// One path of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPath {
    /// Its name.
    pub name: String,
    /// Where its requests go.
    pub url: String,
    /// What is sent, in this order.
    pub exchanges: Vec<ExplainedExchange>,
    /// What that costs.
    pub cost: RunCost,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedExchange {
    /// Its name, as in the report.
    pub exchange: ExchangeKind,
    /// Its number in the documentation, may be empty.
    pub number: &'static str,
    /// When it is sent.
    pub when: Sent,
    /// Requests.
    pub requests: u64,
    /// Input and output tokens at most, of all of them.
    pub tokens: Tokens,
    /// What is sent.
    pub sends: &'static str,
    /// What it shows.
    pub shows: &'static str,
}

/// When an exchange is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Sent {
    /// In this run.
    Always,
    /// When the frozen request gets 401 or 403.
    AfterAuthFailure,
    /// When the frozen request fails.
    AfterFailure,
    /// When the frozen request fails, or its stream looks buffered through a gateway.
    AfterFailureOrBuffered,
    /// When the frozen request gets 429.
    AfterLimit,
    /// When the key has a line end or blanks around it and does not work as it is.
    WhenKeyHasBlanks,
}

/// Requests and tokens of a run or of one of its paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCost {
    /// Requests when everything works.
    pub requests: u64,
    /// Requests when every failure that leads to more requests occurs.
    pub requests_at_most: u64,
    /// Tokens at most, when everything works.
    pub tokens: Tokens,
    /// US dollars at most for these; `null` where a model's price is not known.
    pub usd: Option<f64>,
}

/// What a probe costs per day, by its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayCost {
    /// Runs.
    pub runs: u64,
    /// Those of them that send forwarding checks, too.
    pub forwarding_check_runs: u64,
    /// Those of them that send the long request, too.
    pub long_runs: u64,
    /// Requests, when everything works.
    pub requests: u64,
    /// Tokens at most.
    pub tokens: Tokens,
    /// US dollars at most; `null` where a model's price is not known.
    pub usd: Option<f64>,
    /// `budget.tokensPerDay`, or its default.
    pub budget: u64,
    /// The budget is below that: runs that cost tokens are thinned out, the others send what costs none.
    pub thinned: bool,
}

/// Explains a plan of this probe. `scheduled`: the probe has a schedule of its own, so a day has a cost.
#[must_use]
pub fn explain(probe: &Probe, run: &Plan, scheduled: bool) -> Explained {
    let paths: Vec<ExplainedPath> = run.paths.iter().map(|probed| path(probe, run, probed)).collect();
    Explained {
        model: run.request.model.clone(),
        api_version: run.request.api_version.clone(),
        stream: run.request.stream,
        max_tokens: run.request.max_tokens,
        run: sum(paths.iter().map(|path| path.cost)),
        paths,
        day: scheduled.then(|| day(probe)),
    }
}

fn path(probe: &Probe, run: &Plan, probed: &PathPlan) -> ExplainedPath {
    let exchanges: Vec<ExplainedExchange> = ExchangeKind::all()
        .filter_map(|kind| exchange(probe, run, probed, kind))
        .collect();
    let always = || exchanges.iter().filter(|exchange| exchange.when == Sent::Always);
    let tokens = always().fold(Tokens::default(), |sum, exchange| sum + exchange.tokens);
    let requests = always().map(|exchange| exchange.requests).sum();
    let asked_for_by_failure: u64 = exchanges
        .iter()
        .filter(|exchange| exchange.when != Sent::Always)
        .map(|it| it.requests)
        .sum();
    let again = if run.second_samples { SECOND_SAMPLES } else { 0 };
    // A stream of the other form that looks buffered goes out once more.
    let other_form = probed
        .exchanges
        .iter()
        .any(|planned| planned.kind == ExchangeKind::OtherForm);
    let pair = u64::from(run.second_pair && !run.request.stream && other_form);
    let model = probed.model.as_ref().unwrap_or(&run.request.model);
    ExplainedPath {
        name: probed.name.clone(),
        url: format!("{}/v1/messages", probed.url),
        cost: RunCost {
            requests,
            requests_at_most: requests + asked_for_by_failure + again + pair,
            tokens,
            usd: price::of(model).map(|price| price.cost_usd(tokens.input, tokens.output)),
        },
        exchanges,
    }
}

fn exchange(probe: &Probe, run: &Plan, path: &PathPlan, kind: ExchangeKind) -> Option<ExplainedExchange> {
    let entry = kind.entry();
    let planned = path.exchanges.iter().find(|planned| planned.kind == kind);
    let when = match entry.planned {
        Planned::EachRun | Planned::Reaction(_) if run.zero_token_only => return None,
        Planned::EachRun => Sent::Always,
        Planned::Reaction(Cause::BlanksAroundKey) => path.credential.as_ref().map(|_| Sent::WhenKeyHasBlanks)?,
        Planned::Reaction(Cause::Failure) if run.request.stream => Sent::AfterFailureOrBuffered,
        Planned::Reaction(Cause::Failure) => Sent::AfterFailure,
        Planned::Reaction(Cause::Limit) => Sent::AfterLimit,
        Planned::WithChecks
        | Planned::Opted(_)
        | Planned::LongRequest
        | Planned::AfterFailure
        | Planned::WhoAuthenticates => match planned?.when {
            When::Always => Sent::Always,
            When::AuthFailed => Sent::AfterAuthFailure,
            When::Failed => Sent::AfterFailure,
        },
    };
    let requests = entry.manner.requests(planned.map_or(1, |planned| planned.amount));
    let tokens = match entry.cost {
        Cost::Answer => estimate(probe).one * requests,
        Cost::LongAnswer => estimate(probe).long_one,
        Cost::Nothing => Tokens::default(),
    };
    Some(ExplainedExchange {
        exchange: kind,
        number: entry.number,
        when,
        requests,
        tokens,
        sends: entry.sends,
        shows: entry.shows,
    })
}

fn sum(costs: impl Iterator<Item = RunCost>) -> RunCost {
    let start = RunCost {
        usd: Some(0.0),
        ..RunCost::default()
    };
    costs.fold(start, |sum, cost| RunCost {
        requests: sum.requests + cost.requests,
        requests_at_most: sum.requests_at_most + cost.requests_at_most,
        tokens: sum.tokens + cost.tokens,
        usd: sum.usd.zip(cost.usd).map(|(sum, cost)| sum + cost),
    })
}

fn day(probe: &Probe) -> DayCost {
    let per_day = estimate(probe);
    let cost = |headers, long| {
        let choice = ForwardingCheckChoice {
            headers,
            long,
            credential: CredentialChecks::AuthFailed,
            ..ForwardingCheckChoice::default()
        };
        let pods = probe
            .pods
            .iter()
            .map(|pod| plan(probe, pod, "", choice, &Settings::default()).plan);
        sum(pods.map(|pod| explain(probe, &pod, false).run))
    };
    let (plain, forwarding_checks, long) = (cost(false, false), cost(true, false), cost(false, true));
    let times = [
        (per_day.runs, plain),
        (per_day.forwarding_check_runs, difference(forwarding_checks, plain)),
        (per_day.long_runs, difference(long, plain)),
    ];
    let total = |of: fn(&RunCost) -> u64| times.iter().map(|(times, cost)| times * of(cost)).sum();
    #[allow(clippy::cast_precision_loss, reason = "runs per day are far below 2^52")]
    let usd = times
        .iter()
        .try_fold(0.0, |sum, (times, cost)| Some(sum + *times as f64 * cost.usd?));
    DayCost {
        runs: per_day.runs,
        forwarding_check_runs: per_day.forwarding_check_runs,
        long_runs: per_day.long_runs,
        requests: total(|cost| cost.requests),
        tokens: Tokens {
            input: total(|cost| cost.tokens.input),
            output: total(|cost| cost.tokens.output),
        },
        usd,
        budget: probe.tokens_per_day,
        thinned: per_day.day > probe.tokens_per_day,
    }
}

/// What the one costs more than the other.
fn difference(more: RunCost, less: RunCost) -> RunCost {
    RunCost {
        requests: more.requests.saturating_sub(less.requests),
        requests_at_most: more.requests_at_most.saturating_sub(less.requests_at_most),
        tokens: Tokens {
            input: more.tokens.input.saturating_sub(less.tokens.input),
            output: more.tokens.output.saturating_sub(less.tokens.output),
        },
        usd: more.usd.zip(less.usd).map(|(more, less)| more - less),
    }
}
