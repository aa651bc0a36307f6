//! `claudeprobe crd`: prints the CRD, or the reference of its fields.

use super::exit::{Exit, Failure};
use super::output;
use crate::resource::{crd, reference};

/// Prints the CRD of ClaudeProbe as YAML, for kubectl apply --server-side -f -
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print the reference of all fields as Markdown instead
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
