//! `claudeprobe crd`: prints the resource definition.

use super::exit::{Exit, Failure};
use super::output;
use crate::resource::crd;

/// Prints the resource definition of ClaudeProbe as YAML, for `kubectl apply -f -`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Prints it.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(_: &Args) -> Result<Exit, Failure> {
    let text = crd::yaml().map_err(|error| Failure::runtime(error.to_string()))?;
    output::print(&text)?;
    Ok(Exit::OK)
}
