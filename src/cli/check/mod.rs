//! `claudeprobe check`: the same measuring and diagnosis as in the cluster, once, from here.
//!
//! ```text
//! args (or a file) ──► prepare ──► probe::run ──► diagnose ──► report ──► text, JSON, YAML
//! ```

pub mod args;
pub mod explain;
pub mod file;
pub mod history;
pub mod prepare;
pub mod report;
pub mod shape;
pub mod text;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::diagnosis::{Case, PathCase, Request, diagnose};
use crate::plan;
use crate::probe::{FullReport, Progress as Sent};
use crate::report::evidence::{ExchangeKind, PathEvidence};
use crate::resource::status::PathStatus;
use crate::resource::validated::Probe;
use crate::status::summary::path_status;

use super::exit::{Exit, Failure};
use super::output::{self, Paint, Progress};
use crate::telemetry::chain;
use args::{Args, Output};
use history::History;
use prepare::{Prepared, ProcessEnvironment, prepare};
use report::{CheckReport, Cost, Vantage};

/// Runs the command.
///
/// # Errors
/// Usage, or output that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let prepared = prepare(args, &ProcessEnvironment)?;
    let paint = Paint::for_stdout();
    if args.explain_plan {
        let plan = plan::explain::explain(&prepared.probe, &prepared.plan, !prepared.from_flags);
        output::print(&match args.output {
            Output::Text => explain::render(&plan, paint),
            form => structured(&plan, form)?,
        })?;
        return Ok(Exit::OK);
    }
    warn_of_side_effects(args);
    super::block_on(async {
        match args.watch {
            None => {
                let report = once(&prepared, &mut History::default()).await?;
                output::print(&show(&report, args.output, paint)?)?;
                Ok(Exit::from(report.verdict.state))
            }
            Some(every) => watch(&prepared, args.output, every, paint).await,
        }
    })?
}

/// Says before anything is sent what the exchanges that were asked for by name may trigger.
fn warn_of_side_effects(args: &Args) {
    if let Some(parallel) = args.parallel {
        output::complain(&format!(
            "claudeprobe: --parallel sends {parallel} requests at once on each path. Other users of the key may get 429"
        ));
    }
    if args.waf {
        output::complain("claudeprobe: --waf sends an attack-looking prompt. A firewall may raise an alarm");
    }
}

/// Measures and diagnoses once, and takes the run into the history.
///
/// # Errors
/// Usage, when the plan cannot be carried out: nothing was sent then.
pub async fn once(prepared: &Prepared, history: &mut History) -> Result<CheckReport, Failure> {
    let started = crate::clock::now();
    let line = Mutex::new(Progress::start());
    let shown = |event: Sent<'_>| {
        if let Sent::Sending { path, kind } = event {
            let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
            line.show(&format!("{path}: {} …", kind.name()));
        }
    };
    let seen = crate::probe::run(&prepared.plan, &prepared.secrets, &shown)
        .await
        .map_err(|error| Failure::usage(chain(&error)))?;
    drop(line);
    for details in seen.details.iter().zip(&seen.evidence.paths) {
        // The exact sentence: which file, which variable.
        if let (Some(error), Some(_)) = (&details.0.error, details.1.handshake.outcome.unusable()) {
            output::complain(&format!("claudeprobe: nothing was sent on {}: {error}", details.0.path));
        }
    }
    Ok(judge(prepared, &seen, history, started))
}

/// Diagnoses what a run that began at `started` saw.
fn judge(prepared: &Prepared, seen: &FullReport, history: &mut History, started: Timestamp) -> CheckReport {
    let probe = &prepared.probe;
    let evidence = &seen.evidence;
    let mut paths = PathCase::all(probe);
    for (path, probed) in paths.iter_mut().zip(&prepared.plan.paths) {
        // `--ca-file` is not in the probe.
        path.declared_ca |= probed.tls.ca.is_some();
        if prepared.from_flags {
            // There is no Secret: the variable alone says which key is meant.
            let variable = path.key_ref.as_deref().and_then(|key| key.split_once('/'));
            path.key_ref = variable.map(|(_, variable)| variable.to_owned());
        }
    }
    let now_ms = crate::clock::now().as_millisecond();
    let diagnosis = diagnose(&Case {
        request: Request::of(probe),
        paths,
        evidence,
        context: history.context(probe, now_ms),
    });
    history.remember(evidence, &diagnosis, now_ms);
    CheckReport {
        verdict: diagnosis.verdict,
        findings: diagnosis.findings,
        paths: evidence.paths.iter().map(|probed| path(probe, seen, probed)).collect(),
        duration_ms: evidence.duration_ms,
        vantage: vantage(prepared, started),
        cost: Cost::of(evidence),
    }
}

/// Response headers that help to find the hop that made or passed on a reply.
const HOP_HEADERS: [&str; 12] = [
    "server",
    "via",
    "x-cache",
    "x-served-by",
    "x-powered-by",
    "x-envoy-upstream-service-time",
    "x-squid-error",
    "x-litellm-version",
    "x-kong-upstream-latency",
    "x-amzn-requestid",
    "cf-ray",
    "retry-after",
];

fn path(probe: &Probe, seen: &FullReport, probed: &PathEvidence) -> PathStatus {
    let host = probe
        .path(&probed.path)
        .map(|path| path.url.authority())
        .unwrap_or_default();
    let mut status = path_status(probed, &host, probe.request.stream, seen.evidence.started_at_ms);
    let details = seen.details.iter().find(|details| details.path == probed.path);
    let frozen = details.and_then(|details| {
        let mut exchanges = details.exchanges.iter();
        exchanges.find(|exchange| exchange.kind == ExchangeKind::Frozen)
    });
    status.headers = frozen
        .into_iter()
        .flat_map(|exchange| &exchange.headers)
        .filter(|(name, _)| HOP_HEADERS.contains(&name.as_str()))
        .cloned()
        .collect();
    status
}

fn vantage(prepared: &Prepared, started: Timestamp) -> Vantage {
    let proxies = prepared.plan.paths.iter();
    let proxies = proxies.filter_map(|path| Some((path.name.clone(), path.proxy.as_ref()?.url.clone())));
    // The kernel's name, not the environment's: a shell's HOSTNAME may be anything.
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    Vantage {
        host: if host.is_empty() { "this machine" } else { host }.to_owned(),
        proxies: proxies.collect(),
        at: format!("{started:.0}"),
    }
}

fn show(report: &CheckReport, output: Output, paint: Paint) -> Result<String, Failure> {
    match output {
        Output::Text => Ok(text::render(report, paint)),
        form => structured(report, form),
    }
}

/// Version of what `-o json` and `-o yaml` print: it grows when a field is renamed, removed, or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// A result for programs, with the version of its form.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    value: &'a T,
}

impl<'a, T> Versioned<'a, T> {
    fn of(value: &'a T) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            value,
        }
    }
}

/// As YAML where that is asked for, else as JSON; with `schemaVersion`.
///
/// # Errors
/// A value that cannot be written so: a bug.
pub fn structured(value: &impl serde::Serialize, form: Output) -> Result<String, Failure> {
    let unshowable = |error: &dyn std::fmt::Display| Failure::runtime(format!("the result cannot be written: {error}"));
    let value = Versioned::of(value);
    if form == Output::Yaml {
        return serde_saphyr::to_string(&value).map_err(|error| unshowable(&error));
    }
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| unshowable(&error))
}

/// Checks every `every` until SIGINT; the exit code is the last verdict's.
async fn watch(prepared: &Prepared, output: Output, every: Duration, paint: Paint) -> Result<Exit, Failure> {
    let mut history = History::default();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut exit = Exit::from(crate::resource::status::VerdictState::Unknown);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let report = tokio::select! {
            _ = &mut interrupted => return Ok(exit),
            report = async { ticks.tick().await; once(prepared, &mut history).await } => report?,
        };
        exit = Exit::from(report.verdict.state);
        let line = match output {
            Output::Text => text::line(&report, paint),
            // One document per line, so that a reader need not wait for the end.
            Output::Json => serde_json::to_string(&Versioned::of(&report))
                .map(|text| text + "\n")
                .map_err(|error| Failure::runtime(format!("the result cannot be written: {error}")))?,
            Output::Yaml => format!("---\n{}", show(&report, output, paint)?),
        };
        output::print(&line)?;
    }
}
