//! What a check would send, and what that may cost: `--explain-plan`.

use std::fmt::Write as _;

use super::prepare::Prepared;
use crate::cli::output::{Paint, Tone};
use crate::cli::table::{Table, wrap};
use crate::report::evidence::ExchangeKind;
use crate::report::plan::{ExchangePlan, Leg, When};
use crate::resource::validated::estimate;

/// The plan as text, ending in a line end.
#[must_use]
pub fn render(prepared: &Prepared, paint: Paint) -> String {
    let plan = &prepared.plan;
    let request = &plan.request;
    let mut out = String::new();
    let form = if request.stream { "stream" } else { "message" };
    let _ = writeln!(
        out,
        "{} one {form} of {} (at most {} output tokens), anthropic-version {}, byte for byte the same on every path.",
        paint.paint(Tone::Strong, "Frozen request:"),
        request.model,
        request.max_tokens,
        request.api_version
    );
    for leg in &plan.legs {
        let _ = writeln!(
            out,
            "\n{}  {}/v1/messages",
            paint.paint(Tone::Strong, &leg.name),
            leg.url
        );
        out.push_str(&exchanges(leg, request.stream, paint));
    }
    out.push('\n');
    out.push_str(&wrap(&cost(prepared), 100, 0));
    out.push('\n');
    out
}

fn exchanges(leg: &Leg, stream: bool, paint: Paint) -> String {
    let mut table = Table::new(&["  EXCHANGE", "REQUESTS", "TOKENS", "WHEN", "SHOWS"]);
    let first = if stream { "the answer as a stream" } else { "the answer" };
    table.row(vec![
        "  Frozen".into(),
        "1".into(),
        "yes".into(),
        "always".into(),
        first.into(),
    ]);
    for exchange in &leg.exchanges {
        table.row(vec![
            format!("  {:?}", exchange.kind).into(),
            requests(exchange).to_string().into(),
            if billed(exchange.kind) { "yes" } else { "no" }.into(),
            when(exchange.when).into(),
            shows(exchange.kind).into(),
        ]);
    }
    table.render(paint)
}

fn cost(prepared: &Prepared) -> String {
    let plan = &prepared.plan;
    let count = |only_always: bool| -> u64 {
        let planned = plan.legs.iter().flat_map(|leg| &leg.exchanges);
        let planned = planned.filter(|exchange| !only_always || exchange.when == When::Always);
        plan.legs.len() as u64 + planned.map(requests).sum::<u64>()
    };
    let tokens = estimate(&prepared.probe);
    let opted = plan
        .legs
        .iter()
        .flat_map(|leg| &leg.exchanges)
        .any(|exchange| billed(exchange.kind));
    let most = tokens.run + if opted { tokens.canaries } else { 0 };
    let (sent, refused) = (count(true), count(false));
    let refused = if refused > sent {
        format!("{refused} if the key is refused, ")
    } else {
        String::new()
    };
    format!(
        "{sent} requests, {refused}one or two more on a path that fails; at most {most} tokens, input and output \
         together. Exchanges without tokens are refused or only counted by Claude."
    )
}

fn requests(exchange: &ExchangePlan) -> u64 {
    if exchange.kind == ExchangeKind::Parallel {
        exchange.amount.max(2)
    } else {
        1
    }
}

fn billed(kind: ExchangeKind) -> bool {
    use ExchangeKind as Kind;
    match kind {
        Kind::Frozen | Kind::Repeat | Kind::Confirm | Kind::OtherForm | Kind::TrimmedKey => true,
        Kind::AttackPrompt | Kind::BenignPrompt | Kind::Parallel | Kind::Long | Kind::ReuseIdle => true,
        // The other carrier sends a good key: answered where it works.
        Kind::OtherCarrier => true,
        Kind::CountTokens | Kind::BogusBeta | Kind::BogusVersion | Kind::UnknownField | Kind::NestedField => false,
        Kind::BigBody | Kind::LargeHeader | Kind::NoKey | Kind::BadKey => false,
    }
}

fn when(when: When) -> &'static str {
    match when {
        When::Always => "always",
        When::AuthFailed => "after 401 or 403",
        When::Failed => "after a failure",
    }
}

fn shows(kind: ExchangeKind) -> &'static str {
    use ExchangeKind as Kind;
    match kind {
        Kind::Frozen => "the answer",
        Kind::Repeat => "whether a failure is constant",
        Kind::Confirm => "whether a limit still stands",
        Kind::OtherForm => "whether streams and messages differ",
        Kind::TrimmedKey => "whether the key's blanks are the fault",
        Kind::CountTokens => "whether headers and body arrive",
        Kind::BogusBeta => "whether anthropic-beta arrives",
        Kind::BogusVersion => "whether anthropic-version arrives",
        Kind::UnknownField | Kind::NestedField => "whether the body arrives unchanged",
        Kind::BigBody => "whose limit on the body",
        Kind::LargeHeader => "whose limit on headers",
        Kind::AttackPrompt => "a firewall that reads prompts",
        Kind::BenignPrompt => "its harmless twin",
        Kind::OtherCarrier => "which header carries the key",
        Kind::NoKey => "who adds a key",
        Kind::BadKey => "who checks the key",
        Kind::Parallel => "whose concurrency limit",
        Kind::Long => "first-byte and total timers",
        Kind::ReuseIdle => "idle connections that are dropped",
    }
}
