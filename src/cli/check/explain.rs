//! What a check would send, and what that may cost: `--explain-plan`, for people.

use std::fmt::Write as _;

use crate::cli::output::{Paint, Tone};
use crate::cli::table::{self, wrap};
use crate::plan::explain::{DayCost, Explained, ExplainedExchange, ExplainedPath, RunCost, Sent};
use crate::resource::validated::Tokens;
use crate::view::Table;

/// The plan as text, ending in a line end.
#[must_use]
pub fn render(plan: &Explained, paint: Paint) -> String {
    let mut out = String::new();
    let form = if plan.stream { "stream" } else { "message" };
    let frozen = format!(
        "{} one {form} of {}, at most {} output tokens, anthropic-version {}; the identical bytes on every path. The tables list each \
         path's exchanges in order. Paths that share a key take turns: A B, then B A.",
        paint.paint(Tone::Strong, "Frozen request:"),
        plan.model,
        plan.max_tokens,
        plan.api_version
    );
    let _ = writeln!(out, "{}", wrap(&frozen, paint.text_room(), 0));
    for (at, path) in plan.paths.iter().enumerate() {
        let alike = |other: &&ExplainedPath| other.exchanges == path.exchanges;
        if plan.paths[..at].iter().any(|earlier| alike(&earlier)) {
            continue; // shown with the first path that it is like
        }
        out.push('\n');
        for path in plan.paths[at..].iter().filter(alike) {
            let _ = writeln!(out, "{}  {}", paint.paint(Tone::Strong, &path.name), path.url);
        }
        out.push_str(&exchanges(path, paint));
    }
    let _ = writeln!(out, "\n{}", wrap(&run(&plan.run, paint), paint.text_room(), 0));
    if let Some(cost) = &plan.day {
        let _ = writeln!(out, "\n{}", wrap(&day(cost, paint), paint.text_room(), 0));
    }
    out
}

fn exchanges(path: &ExplainedPath, paint: Paint) -> String {
    let mut table = Table::new(&["  EXCHANGE", "SENT", "TOKENS", "WHAT", "SHOWS"]);
    for exchange in &path.exchanges {
        let times = match exchange.requests {
            1 => String::new(),
            times => format!(" x{times}"),
        };
        table.row(vec![
            format!("  {}{times}", exchange.exchange.name()).into(),
            when(exchange).into(),
            tokens(exchange.tokens).into(),
            exchange.sends.into(),
            exchange.shows.into(),
        ]);
    }
    table::text(&table, paint)
}

fn when(exchange: &ExplainedExchange) -> &'static str {
    match exchange.when {
        Sent::Always => "always",
        Sent::AfterAuthFailure => "if 401 or 403",
        Sent::AfterFailure => "if it fails",
        Sent::AfterFailureOrBuffered => "if it fails or is buffered",
        Sent::AfterLimit => "if 429",
        Sent::WhenKeyHasBlanks => "if key has blanks",
    }
}

/// Input and output at most.
fn tokens(tokens: Tokens) -> String {
    match tokens.total() {
        0 => "none".to_owned(),
        _ => format!("{}+{}", tokens.input, tokens.output),
    }
}

fn run(cost: &RunCost, paint: Paint) -> String {
    let more = if cost.requests_at_most > cost.requests {
        format!(" (at most {} if failures trigger more)", cost.requests_at_most)
    } else {
        String::new()
    };
    format!(
        "{} {} requests{more}, at most {} input and {} output tokens{}. Claude rejects or only counts zero-token exchanges. \
         Where a gateway drops the deliberate defect, one of them may generate a token.",
        paint.paint(Tone::Strong, "This run:"),
        cost.requests,
        cost.tokens.input,
        cost.tokens.output,
        dollars(cost.usd)
    )
}

fn day(cost: &DayCost, paint: Paint) -> String {
    let long = match cost.long_runs {
        0 => String::new(),
        runs => format!(", {runs} with the long request"),
    };
    let budget = if cost.thinned {
        format!(
            "The budget is {} tokens, which is less: some runs send only zero-token exchanges.",
            cost.budget
        )
    } else {
        format!("The budget is {} tokens.", cost.budget)
    };
    format!(
        "{} {} runs ({} with forwarding checks{long}), {} requests, at most {} input and {} output tokens, {} together{}. {budget}",
        paint.paint(Tone::Strong, "In the cluster, per day:"),
        cost.runs,
        cost.forwarding_check_runs,
        cost.requests,
        cost.tokens.input,
        cost.tokens.output,
        cost.tokens.total(),
        dollars(cost.usd)
    )
}

fn dollars(usd: Option<f64>) -> String {
    match usd {
        Some(usd) if usd < 0.01 => format!(", ${usd:.5}"),
        Some(usd) => format!(", ${usd:.2}"),
        None => " (price of the model unknown)".to_owned(),
    }
}
