//! `claudeprobe probe`: one run in a probe pod. The plan comes from the environment; the full report goes to standard
//! output as one line of JSON, the evidence for the diagnosis to the termination message.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::output;
use crate::probe::{self, FullReport, Secrets, redact::Redactor};
use crate::report::message;
use crate::report::plan::{PLAN_ENV, Plan};
use crate::telemetry::chain;

/// Runs one plan and reports; the operator starts it in a probe pod
///
/// Reads the plan from CLAUDEPROBE_PLAN and the keys from the variables that it names, sends the exchanges, writes the
/// full report to standard output and the short one to the termination message. SIGTERM ends the run with a report of
/// what was seen until then.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File of the short report
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/dev/termination-log",
        env = "CLAUDEPROBE_TERMINATION_LOG"
    )]
    termination_log: PathBuf,
}

/// Runs the plan. The exit code is 0 whenever a report was written.
///
/// # Errors
/// The plan is missing or cannot be carried out; the termination message then says why. Or no report can be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match report() {
        Ok((report, redactor)) => {
            let text = message::encode(&report.evidence, message::MAX_BYTES);
            let written = write(args, &text);
            // The message first: standard output may be a pipe without a reader.
            let printed = print(&report, &redactor);
            written.and(printed)
        }
        Err(failure) => {
            // The operator shows it as the reason why the prober cannot work.
            let _ = write(args, &message::encode_failure(&failure.message));
            Err(failure)
        }
    }
}

fn report() -> Result<(FullReport, Redactor), Failure> {
    let value = std::env::var(PLAN_ENV).map_err(|_| {
        Failure::usage(format!(
            "{PLAN_ENV} is not set. This command is for probe pods; elsewhere use claudeprobe check"
        ))
    })?;
    let plan = Plan::from_env(&value).map_err(|error| Failure::usage(chain(&error)))?;
    let secrets = Secrets::collect(&plan, variable);
    let redactor = Redactor::new(&secrets);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format!("the asynchronous runtime cannot start: {error}")))?;
    let result = runtime.block_on(probe::run_until(&plan, &secrets, &|_| {}, terminated()));
    // A resolver call that hangs must not keep the report back.
    runtime.shutdown_background();
    let report = result.map_err(|error| Failure::usage(redactor.redact(&chain(&error))))?;
    Ok((report, redactor))
}

/// Bytes that are no UTF-8 become replacement characters: the key is then reported as one that no header can carry.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

fn write(args: &Args, text: &str) -> Result<Exit, Failure> {
    let path = &args.termination_log;
    let written = std::fs::write(path, text);
    written.map_err(|error| Failure::runtime(format!("{} cannot be written: {error}", path.display())))?;
    Ok(Exit::OK)
}

fn print(report: &FullReport, redactor: &Redactor) -> Result<Exit, Failure> {
    let mut value = serde_json::to_value(report)
        .map_err(|error| Failure::runtime(format!("the report cannot be written as JSON: {error}")))?;
    // Everything in it was redacted where it was made; this is the last door.
    redactor.redact_value(&mut value);
    output::print(&format!("{value}\n"))?;
    Ok(Exit::OK)
}
