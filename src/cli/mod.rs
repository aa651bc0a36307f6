//! The command line: one module per subcommand, each with its `Args` and a `run` that returns an [`Exit`] or a
//! [`Failure`].
//!
//! Uses all other parts; no part uses it. Results go to standard output, everything else to standard error.

pub mod check;
pub mod cluster;
pub mod crd;
#[cfg(feature = "demo")]
pub mod demo;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod list;
pub mod operator;
pub mod output;
pub mod probe;
pub mod run;
#[cfg(feature = "demo")]
pub mod standin;
pub mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Failure, USAGE};

use crate::version;

/// Finds out why calls to the Claude API fail: configuration, quota, network or upstream.
///
/// Sends the identical request through your gateways and by the direct path, compares the replies, and names the cause,
/// its layer, its path, and the fix.
#[derive(Debug, Parser)]
#[command(name = "claudeprobe", max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  claudeprobe demo
      Shows every fault on embedded gateways. Needs no cluster, no key, no internet.
  ANTHROPIC_API_KEY=… claudeprobe check --gateway https://ai-gateway.example.com
      Compares a gateway with the direct path, once, from this machine.
  claudeprobe explain ai/assistants
      Shows what the operator found: the cause, the evidence side by side, the history.
  claudeprobe crd | kubectl apply --server-side -f -
      Installs the CRD.";

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<check::args::Args>),
    Explain(Box<explain::Args>),
    List(list::Args),
    Run(Box<run::Args>),
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    Probe(probe::Args),
    Crd(crd::Args),
    Operator(Box<operator::Args>),
    #[cfg(feature = "demo")]
    Standin(Box<standin::Args>),
}

/// Runs `work` on a runtime of its own with one thread: for commands that are a client, whose timing no other thread
/// disturbs.
///
/// # Errors
/// When the system has no file descriptors or memory left for a runtime.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format!("the asynchronous runtime cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // A resolver call that hangs must not keep the result back.
    runtime.shutdown_background();
    Ok(done)
}

/// Parses the process's arguments, runs the command, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    silence_backtraces();
    match run(std::env::args_os()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::complain(&format!("claudeprobe: {}", failure.message));
            failure.exit.into()
        }
    }
}

/// Runs the command that `args` (with the program's name first) ask for.
///
/// # Errors
/// Any [`Failure`] of the command. A wrong command line is not among them: its usage is printed here.
pub fn run<I, T>(args: I) -> Result<Exit, Failure>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    // clap keeps borrowed strings only, and this one lives as long as the process anyway.
    let command = Cli::command().version(&*version::full().leak());
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => dispatch(cli.command),
        Err(error) => {
            // clap prints help and version to stdout and the rest to stderr, coloured only on a terminal.
            let _ = error.print();
            // clap's own code for a wrong command line is 2, which here means `Failing`.
            Ok(if error.use_stderr() { Exit(USAGE) } else { Exit::OK })
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::List(args) => list::run(&args),
        Command::Run(args) => run::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Crd(args) => crd::run(&args),
        Command::Operator(args) => operator::run(&args),
        #[cfg(feature = "demo")]
        Command::Standin(args) => standin::run(&args),
    }
}

/// A bug must not greet a user with a backtrace: one sentence, and how to get more.
fn silence_backtraces() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let what = info.payload_as_str().unwrap_or("no message");
        output::complain(&format!(
            "claudeprobe: internal error{place}: {what}. This is a bug: please report it."
        ));
    }));
}
