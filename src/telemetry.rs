//! Logs: JSON in a cluster, text on a terminal, filtered by `RUST_LOG`; and how an error is said in one line.
//!
//! Nothing logs a request's or a response's content; keys are in no process that logs about them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Logs of other crates that say nothing to an operator's user.
const QUIET: &str = "info,kube_client=warn,kube_runtime=warn,tower=warn,hyper=warn,rustls=warn";

/// Starts logging to standard error. Later calls change nothing.
pub fn start(format: LogFormat) {
    let terminal = std::io::stderr().is_terminal();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let json = format == LogFormat::Json || (format == LogFormat::Auto && !terminal);
    // A subscriber that a test or an embedding program has set stays.
    let _ = if json {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .finish()
            .try_init()
    } else {
        lines.with_ansi(terminal).with_target(false).finish().try_init()
    };
}

/// An error and its causes in one line, each cause once.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        // Many error types already print their cause.
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}
