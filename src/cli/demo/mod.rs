//! `claudeprobe demo`: every fault on embedded gateways, and the cause that a check finds. No cluster, no key, no
//! internet.

mod serve;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, ValueEnum};
use futures::StreamExt as _;
use serde::Serialize;

use super::check::args::{self as check_args, MAIN_KEY};
use super::check::history::History;
use super::check::prepare::prepare;
use super::check::report::CheckReport;
use super::check::{once, text};
use super::exit::{Exit, Failure};
use super::output::{self, Paint, Progress, Tone};
use crate::catalogue::Layer;
use crate::demo::scenario::{self, GATEWAY, Scenario};
use crate::demo::stage::Stage;
use crate::resource::go_duration;
use crate::telemetry::chain;
use crate::view::{Cell, Table, tone};

/// Scenarios that run at the same time: most of them wait for a timer, and all share this machine.
const AT_ONCE: usize = 8;

const EXAMPLES: &str = "\
Examples:
  claudeprobe demo
  claudeprobe demo --only stale-key --only buffering
  claudeprobe demo --list
  claudeprobe demo --serve

Exit code: 0 when every verdict is the expected one, 1 otherwise, 64 wrong usage.";

/// Shows every fault on embedded gateways; needs no cluster, no key, no internet
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Run only the scenario of this name. Repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the scenarios, run none
    #[arg(long)]
    list: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Show the report of each check before the table
    #[arg(long)]
    verbose: bool,
    /// Keep stand-in and gateways running, check them repeatedly, and serve metrics and the status page on ADDRESS
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:9464",
          conflicts_with_all = ["list", "output", "verbose"])]
    serve: Option<SocketAddr>,
    /// Time between two rounds of --serve
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = check_args::duration, requires = "serve")]
    every: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Table
    Text,
    /// One object per scenario
    Json,
}

/// What became of a scenario.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    name: &'static str,
    fault: &'static str,
    expected: String,
    right: bool,
    seconds: f64,
    report: CheckReport,
}

/// Runs the command.
///
/// # Errors
/// An unknown scenario, or a machine without loopback.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let scenarios = select(&args.only)?;
    let paint = Paint::for_stdout();
    if args.list {
        output::print(&list(&scenarios, paint))?;
        return Ok(Exit::OK);
    }
    if let Some(address) = args.serve {
        return super::block_on(serve::serve(&scenarios, address, args.every))?;
    }
    let started = Instant::now();
    let outcomes = super::block_on(play_all(&scenarios))??;
    let right = outcomes.iter().filter(|outcome| outcome.right).count();
    let text = match args.output {
        Output::Text => {
            let reports = if args.verbose {
                details(&outcomes, paint)
            } else {
                String::new()
            };
            format!(
                "{reports}{}\n{right} of {} causes named in {:.1} s.\n",
                table(&outcomes, paint),
                outcomes.len(),
                started.elapsed().as_secs_f64()
            )
        }
        Output::Json => {
            serde_json::to_string_pretty(&outcomes).map_err(|error| Failure::runtime(chain(&error)))? + "\n"
        }
    };
    output::print(&text)?;
    Ok(Exit(u8::from(right < outcomes.len())))
}

fn select(only: &[String]) -> Result<Vec<Scenario>, Failure> {
    let all = scenario::all();
    if let Some(unknown) = only
        .iter()
        .find(|name| all.iter().all(|scenario| scenario.name != **name))
    {
        let names: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
        return Err(Failure::usage(format!(
            "--only {unknown}: unknown scenario; must be one of {}",
            names.join(", ")
        )));
    }
    let wanted = |scenario: &Scenario| only.is_empty() || only.iter().any(|name| name == scenario.name);
    Ok(all.into_iter().filter(wanted).collect())
}

async fn play_all(scenarios: &[Scenario]) -> Result<Vec<Outcome>, Failure> {
    let mut progress = Progress::start();
    let mut played = futures::stream::iter(scenarios).map(play).buffered(AT_ONCE);
    let mut outcomes = Vec::new();
    loop {
        progress.show(&format!("{} of {} faults …", outcomes.len(), scenarios.len()));
        match played.next().await {
            Some(outcome) => outcomes.push(outcome?),
            None => return Ok(outcomes),
        }
    }
}

/// Sets a scenario up and checks it.
async fn play(scenario: &Scenario) -> Result<Outcome, Failure> {
    let stage = Stage::set(scenario)
        .await
        .map_err(|error| Failure::runtime(format!("scenario {}: {}", scenario.name, chain(&error))))?;
    judge(scenario, &stage, &mut History::default()).await
}

/// Checks a stage as a user would, and compares the verdict with the one that is right.
async fn judge(scenario: &Scenario, stage: &Stage, history: &mut History) -> Result<Outcome, Failure> {
    let gateway = format!("{GATEWAY}={}", stage.gateway);
    let timeout = go_duration::format(scenario.timeout);
    let words = ["--direct", &stage.direct, "--gateway", &gateway, "--timeout", &timeout];
    let args = check_args::Args::from_words(words)?;
    let environment = BTreeMap::from([(MAIN_KEY.1.to_owned(), stage.key.clone())]);
    let prepared = prepare(&args, &environment)?;
    let started = Instant::now();
    let report = once(&prepared, history).await?;
    let took: Duration = started.elapsed();
    let verdict = &report.verdict;
    let expect = &scenario.expect;
    let code = expect.code.map_or("", |code| code.name());
    let layer = expect.code.map(|code| code.entry().layer);
    Ok(Outcome {
        name: scenario.name,
        fault: scenario.fault,
        expected: describe(expect.state.name(), code, expect.path),
        right: verdict.state == expect.state
            && verdict.code == code
            && verdict.path == expect.path
            && verdict.layer == layer.map_or("", Layer::name),
        seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        report,
    })
}

fn describe(state: &str, code: &str, path: &str) -> String {
    match (code, path) {
        ("", _) => state.to_owned(),
        (code, "") => format!("{state} {code} on all paths"),
        (code, path) => format!("{state} {code} on {path}"),
    }
}

fn list(scenarios: &[Scenario], paint: Paint) -> String {
    let mut table = Table::new(&["NAME", "FAULT", "CODE"]);
    for scenario in scenarios {
        let code = scenario.expect.code.map_or("", |code| code.name());
        table.row(vec![scenario.name.into(), scenario.fault.into(), code.into()]);
    }
    super::table::text(&table, paint)
}

fn details(outcomes: &[Outcome], paint: Paint) -> String {
    let shown = outcomes.iter().map(|outcome| {
        format!(
            "{} {}\n{}\n",
            paint.paint(Tone::Strong, format!("== {}:", outcome.name)),
            outcome.fault,
            text::render(&outcome.report, paint)
        )
    });
    shown.collect()
}

fn table(outcomes: &[Outcome], paint: Paint) -> String {
    let mut table = Table::new(&["", "FAULT", "VERDICT", "CODE", "LAYER", "PATH", "SECONDS", "EXPECTED"])
        .dropping(&["SECONDS", "LAYER"]);
    for outcome in outcomes {
        let verdict = &outcome.report.verdict;
        let mark = if outcome.right {
            Cell::toned("ok", Tone::Good)
        } else {
            Cell::toned("WRONG", Tone::Bad)
        };
        let path = match (verdict.code.as_str(), verdict.path.as_str()) {
            ("", _) => "",
            (_, "") => "all",
            (_, path) => path,
        };
        let expected = if outcome.right { "" } else { &outcome.expected };
        table.row(vec![
            mark,
            outcome.fault.into(),
            Cell::toned(verdict.state.name(), tone(verdict.state)),
            verdict.code.as_str().into(),
            verdict.layer.as_str().into(),
            path.into(),
            format!("{:.2}", outcome.seconds).into(),
            expected.into(),
        ]);
    }
    super::table::text(&table, paint)
}
