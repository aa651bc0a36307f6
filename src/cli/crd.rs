//! `claudeprobe crd`: prints the resource definition, or the reference of its fields.

use super::exit::{Exit, Failure};
use super::output;
use crate::resource::{crd, reference};

/// Prints the resource definition of ClaudeProbe as YAML, for `kubectl apply -f -`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print the reference of all fields instead, as Markdown.
    #[arg(long)]
    reference: bool,
}

/// Prints it.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let text = if args.reference {
        reference::markdown()
    } else {
        crd::yaml()
    };
    let text = text.map_err(|error| Failure::runtime(error.to_string()))?;
    output::print(&text)?;
    Ok(Exit::OK)
}
