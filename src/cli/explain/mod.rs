//! `claudeprobe explain`: what the cluster knows of one probe, in one place.
//!
//! Reads the resource and nothing else: what a user with the role `view` may see. Shows it, judges nothing.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
pub mod text;

use jiff::Timestamp;

use super::check::args::Output;
use super::cluster::{self, Cluster, Name};
use super::exit::{Exit, Failure};
use super::output::{self, Paint};
use crate::catalogue::{CATALOGUE, Code, document};

const EXAMPLES: &str = "\
Reads your kubeconfig as kubectl does, and needs the right to get claudeprobes, which the roles view, edit and admin include. \
As a kubectl plug-in: link this program as kubectl-claudeprobe in your PATH, then kubectl claudeprobe explain. \
The exit code is 0 for every verdict; claudeprobe run --wait ends with the verdict's own.

Examples:
  claudeprobe explain assistants
  claudeprobe explain ai/assistants --context staging
  claudeprobe explain ai/assistants -o json | jq .verdict.code
  claudeprobe explain --finding GatewayStaleCredential";

/// Shows what the cluster knows of a probe: verdict, evidence side by side, findings, conditions, history.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The probe
    #[arg(value_name = "[NAMESPACE/]NAME", required_unless_present = "finding")]
    name: Option<Name>,
    /// Print what is known of a finding instead: what it means, how to confirm it by hand, how to fix it. Needs no cluster
    #[arg(long, value_name = "CODE", conflicts_with = "name")]
    finding: Option<String>,
    #[command(flatten)]
    cluster: cluster::Where,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// A sentence that says why the probe cannot be shown.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(code) = &args.finding {
        output::print(&document::section(finding(code)?))?;
        return Ok(Exit::OK);
    }
    let Some(name) = &args.name else {
        return Err(Failure::usage("the probe is missing: NAME or NAMESPACE/NAME"));
    };
    let known = super::block_on(async {
        let cluster = Cluster::find(&args.cluster).await?;
        cluster.read(&cluster.target(&args.cluster, name)?).await
    })??;
    let shown = match args.output {
        Output::Text => text::render(&known, Timestamp::now(), Paint::for_stdout()),
        form => super::check::structured(&known, form)?,
    };
    output::print(&shown)?;
    Ok(Exit::OK)
}

/// The finding of this name, in any case of letters.
fn finding(text: &str) -> Result<Code, Failure> {
    let mut codes = CATALOGUE.iter().map(|entry| entry.code);
    codes
        .find(|code| code.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let wanted = text.to_ascii_lowercase();
            let alike: Vec<&str> = CATALOGUE
                .iter()
                .map(|entry| entry.code.name())
                .filter(|name| !wanted.is_empty() && name.to_ascii_lowercase().contains(&wanted))
                .collect();
            Failure::usage(match alike.as_slice() {
                [] => "there is no finding of that name: docs/findings.md lists all".to_owned(),
                alike => format!("there is no finding of that name: do you mean {}?", alike.join(" or ")),
            })
        })
}
