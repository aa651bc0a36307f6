//! `claudeprobe explain`: the state of one probe, or the runbook of a finding.
//!
//! Reads the resource and nothing else: what a user with the role `view` may see. Makes no diagnosis of its own.

mod runbook;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
pub mod text;

use super::check::args::Output;
use super::cluster::{self, Cluster, Name};
use super::exit::{Exit, Failure};
use super::output::{self, Paint};

const EXAMPLES: &str = "\
Uses the kubeconfig in the same way as kubectl. Needs the right to get claudeprobes, which the roles view, edit and admin include. \
A link to this program named kubectl-claudeprobe in the PATH makes it available as kubectl claudeprobe explain.

The exit code is 0 with any verdict; claudeprobe run --wait exits with the verdict's code.

Examples:
  claudeprobe explain assistants
  claudeprobe explain ai/assistants --context staging
  claudeprobe explain -n ai assistants -o json | jq .verdict.code
  claudeprobe explain --findings
  claudeprobe explain --finding GatewayStaleCredential";

/// Show a probe's verdict, evidence side by side, findings, conditions and history, or the runbook of a finding.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The probe
    #[arg(value_name = "[NAMESPACE/]NAME", required_unless_present_any = ["finding", "findings"])]
    name: Option<Name>,
    /// Show the runbook of a finding instead: what it means, how to confirm it by hand, how to fix it. Needs no cluster
    #[arg(long, value_name = "CODE", conflicts_with = "name")]
    finding: Option<String>,
    /// List all findings instead: code, layer, title. Needs no cluster
    #[arg(long, conflicts_with_all = ["name", "finding"])]
    findings: bool,
    #[command(flatten)]
    cluster: cluster::Where,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// Why the probe cannot be shown.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.findings {
        output::print(&match args.output {
            Output::Text => runbook::list(Paint::for_stdout()),
            form => super::check::structured(&runbook::objects(), form)?,
        })?;
        return Ok(Exit::OK);
    }
    if let Some(name) = &args.finding {
        let entry = runbook::find(name)?;
        output::print(&match args.output {
            Output::Text => runbook::text(entry, Paint::for_stdout()),
            form => super::check::structured(&runbook::object(entry), form)?,
        })?;
        return Ok(Exit::OK);
    }
    let Some(name) = &args.name else {
        return Err(Failure::usage("a probe is required: NAME or NAMESPACE/NAME"));
    };
    let known = super::block_on(async {
        let cluster = Cluster::find(&args.cluster).await?;
        cluster.read(&cluster.target(&args.cluster, name)?).await
    })??;
    let shown = match args.output {
        Output::Text => text::render(&known, crate::clock::now(), Paint::for_stdout()),
        form => super::check::structured(&known, form)?,
    };
    output::print(&shown)?;
    Ok(Exit::OK)
}
