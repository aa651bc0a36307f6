//! `claudeprobe run`: requests a run, and with `--wait` waits for its verdict.
//!
//! The request is an annotation of the probe; the answer is the status with the annotation's value. Delays of the run
//! are reported once, on standard error.

mod obstacles;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::check::args::{Output, duration};
use super::cluster::{self, Cluster, Name, Pods, Target};
use super::exit::{Exit, Failure};
use super::explain;
use super::output::{self, Paint, Progress};
use crate::resource::go_duration;
use crate::status::names::{RUN_NOW, wants_deep};
use crate::view::Known;
use obstacles::Obstacles;

/// Time between two looks at the probe.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks that may fail one after the other before that is an error: an API server restarts within so many seconds.
const FAILED_LOOKS: u32 = 15;
/// Time beside starting deadline and run timeout: the status is written after the run.
const MARGIN: Duration = Duration::from_secs(30);
/// The default where the spec sets none.
const LONGEST: Duration = Duration::from_secs(600);

const EXAMPLES: &str = "\
Sets the annotation claudeprobe.dev/run-now. This needs the right to patch claudeprobes, which the roles edit and admin include. \
A suspended probe runs as well. Over budget, the run sends only zero-token exchanges.

Exit code with --wait: 0 Healthy, 1 Degraded, 2 Failing, 3 Inconclusive, 4 Unknown or no verdict in time, 64 wrong usage. \
Without --wait: 0 when the run was requested.

Examples:
  claudeprobe run ai/assistants --wait
  claudeprobe run ai/assistants --deep --wait --timeout 5m -o json";

/// Starts a run of a probe in the cluster now.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The probe
    #[arg(value_name = "[NAMESPACE/]NAME")]
    name: Name,
    /// Send every harmless exchange, as check --deep does. Costs one more answer per path
    #[arg(long)]
    deep: bool,
    /// Wait for the verdict, print it as explain does, and end with its exit code
    #[arg(long)]
    wait: bool,
    /// Longest wait [default: the longest time that a run may take to start and to end]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    timeout: Option<Duration>,
    #[command(flatten)]
    cluster: cluster::Where,
    /// Output format of --wait
    #[arg(short, long, value_enum, default_value_t = Output::Text, requires = "wait")]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// A sentence that says why the run could not be asked for, or why there is no verdict.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let known = super::block_on(async {
        let cluster = Cluster::find(&args.cluster).await?;
        let target = cluster.target(&args.cluster, &args.name)?;
        let before = cluster.read(&target).await?;
        obstacles::refuse(&before)?;
        if let Some(text) = obstacles::budget(&before, args.deep, crate::clock::now()) {
            output::complain(&format!("claudeprobe: {text}"));
        }
        let value = request(args.deep, crate::clock::now());
        cluster.annotate(&target, RUN_NOW, &value).await?;
        if args.wait {
            wait(args, &cluster, &target, &before, &value).await.map(Some)
        } else {
            output::complain(&format!(
                "Requested a run of {}/{}. To see its result: claudeprobe explain {}/{}",
                target.namespace, target.name, target.namespace, target.name
            ));
            Ok(None)
        }
    })??;
    let Some(known) = known else { return Ok(Exit::OK) };
    output::print(&match args.output {
        Output::Text => explain::text::render(&known, crate::clock::now(), Paint::for_stdout()),
        form => super::check::structured(&known, form)?,
    })?;
    Ok(Exit::from(known.verdict().state))
}

/// A value that no request had before.
fn request(deep: bool, now: Timestamp) -> String {
    let value = if deep { format!("{now} deep") } else { now.to_string() };
    debug_assert_eq!(wants_deep(&value), deep);
    value
}

/// Waits until the status names `value`.
async fn wait(args: &Args, cluster: &Cluster, target: &Target, before: &Known, value: &str) -> Result<Known, Failure> {
    let began = Instant::now();
    let limit = args.timeout.unwrap_or_else(|| longest(before));
    let mut line = Progress::start();
    let mut obstacles = Obstacles::new(before, value);
    let mut failed = 0;
    loop {
        tokio::time::sleep(LOOK_EVERY.min(limit.saturating_sub(began.elapsed()))).await;
        let passed = began.elapsed();
        match cluster.read(target).await {
            Ok(known) if known.status.last_handled_run_now.as_deref() == Some(value) => {
                obstacles::superseded(&known)?;
                return Ok(known);
            }
            Ok(known) => {
                failed = 0;
                obstacles::refuse(&known)?;
                if known.run_now.as_deref() != Some(value) {
                    return Err(Failure::runtime(
                        "another run was requested meanwhile, and the status will show only that one. Request a run again, or use claudeprobe \
                         explain",
                    ));
                }
                let pods = if obstacles.wants_pods(passed) {
                    cluster.pods(target).await
                } else {
                    Pods::NotAsked
                };
                for text in obstacles.look(&known, &pods, passed) {
                    line.clear();
                    output::complain(&format!("claudeprobe: {text}"));
                }
                line.show(&format!(
                    "{}/{}: {}s …",
                    target.namespace,
                    target.name,
                    passed.as_secs()
                ));
            }
            Err(failure) if failed >= FAILED_LOOKS || failure.exit.0 == super::exit::USAGE => return Err(failure),
            Err(_) => failed += 1,
        }
        if passed >= limit {
            let limit = go_duration::format(limit);
            return Err(Failure::runtime(format!(
                "no verdict within {limit}. {} The request stands. To see the run once it has ended: claudeprobe explain {}/{}",
                obstacles.reason(),
                target.namespace,
                target.name
            )));
        }
    }
}

/// What a run may take to start, to run, and to be written down; one that goes on now comes before it.
fn longest(known: &Known) -> Duration {
    known
        .spec
        .as_ref()
        .map_or(LONGEST, |probe| probe.starting_deadline + probe.run_timeout + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_new_and_marks_a_deep_run() {
        let at = |nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap_or_default();
        assert_ne!(request(false, at(1)), request(false, at(2)));
        assert!(wants_deep(&request(true, at(1))) && !wants_deep(&request(false, at(1))));
    }
}
