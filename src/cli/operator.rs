//! `claudeprobe operator`: reconciles `ClaudeProbe` resources of a cluster.

mod page;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use crate::http;
use crate::metrics::OperatorMetrics;
use crate::operator::lease::LeaseSettings;
use crate::operator::wiring::{self, Settings};
use crate::operator::{client, pod};
use crate::plan;
use crate::resource::go_duration;
use crate::telemetry::chain;
use crate::telemetry::{self, LogFormat};
use crate::version;

/// After SIGTERM, work in hand gets this long.
const GRACE: Duration = Duration::from_secs(20);

/// Runs the operator: starts probe pods, reads their reports, writes status, serves metrics
///
/// Runs in a cluster, or anywhere with a KUBECONFIG. Several replicas elect a leader.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Image of probe pods, of this release
    #[arg(long, env = "CLAUDEPROBE_IMAGE", value_name = "IMAGE")]
    image: String,
    /// Pull policy of probe pods
    #[arg(long, env = "CLAUDEPROBE_IMAGE_PULL_POLICY", value_name = "POLICY", default_value = "IfNotPresent",
          value_parser = ["Always", "IfNotPresent", "Never"])]
    image_pull_policy: String,
    /// Name of this replica, unique among running replicas [default: generated]
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pod_name: Option<String>,
    /// Namespace of the Lease
    #[arg(
        long,
        env = "POD_NAMESPACE",
        value_name = "NAMESPACE",
        default_value = "claudeprobe-system"
    )]
    pod_namespace: String,
    /// Name of the Lease that replicas share
    #[arg(
        long,
        env = "CLAUDEPROBE_LEASE_NAME",
        value_name = "NAME",
        default_value = "claudeprobe-operator"
    )]
    lease_name: String,
    /// Lease duration: standby replicas take over so long after the leader's last renewal
    #[arg(long, env = "CLAUDEPROBE_LEASE_DURATION", value_name = "DURATION", default_value = "15s", value_parser = lease_duration)]
    lease_duration: Duration,
    /// Watch only these namespaces [default: all]
    #[arg(
        long,
        env = "CLAUDEPROBE_NAMESPACES",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    namespaces: Vec<String>,
    /// Networks that probes never connect to, in addition to metadata addresses
    #[arg(
        long,
        env = "CLAUDEPROBE_REFUSE_NETWORKS",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    refuse_networks: Vec<IpNet>,
    /// Address of /metrics, /livez and /readyz
    #[arg(
        long,
        env = "CLAUDEPROBE_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    listen: SocketAddr,
    #[command(flatten)]
    page: page::Options,
    /// Log format
    #[arg(long, env = "CLAUDEPROBE_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    log_format: LogFormat,
}

fn lease_duration(text: &str) -> Result<Duration, String> {
    let duration = go_duration::parse(text).map_err(|error| error.to_string())?;
    let fits = (Duration::from_secs(9)..=Duration::from_secs(300)).contains(&duration) && duration.subsec_nanos() == 0;
    // Each write may take 5 s and must fit in what is left of the term when it begins.
    if fits {
        Ok(duration)
    } else {
        Err("must be between 9s and 5m, in whole seconds".into())
    }
}

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// No way to the API server, an address in use, or a bug that ended one of the operator's tasks.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    telemetry::start(args.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format!("the asynchronous runtime cannot start: {error}")))?;
    runtime.block_on(operate(args))
}

async fn operate(args: &Args) -> Result<Exit, Failure> {
    let metrics = Arc::new(OperatorMetrics::new());
    let client = client::connect(metrics.clone())
        .await
        .map_err(|error| Failure::runtime(error.to_string()))?;
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failure::runtime(format!("cannot listen on {}: {error}", args.listen)))?;
    let door = args.page.bind().await?;
    let stop = CancellationToken::new();
    let (publish, current) = watch::channel(None);
    let address = listener
        .local_addr()
        .map_err(|error| Failure::runtime(error.to_string()))?;
    let status_page = door
        .as_ref()
        .map_or_else(|| "off".to_owned(), |door| door.address.to_string());
    tracing::info!(listen = %address, status_page, image = args.image, version = version::VERSION, commit = version::COMMIT, "operator starting");
    let settings = settings(args);
    let mut server = tokio::spawn(http::serve(listener, current.clone(), stop.clone()));
    let page = door.map(|door| door.open(&client, current, settings.instance.clone(), stop.clone()));
    let mut work = tokio::spawn(wiring::run(client, settings, metrics, publish, stop.clone()));
    let signal = tokio::select! {
        signal = signalled() => signal,
        ended = &mut work => return ended.map_err(|error| Failure::runtime(format!("the operator panicked: {error}")))?
            .map(|()| Exit::OK).map_err(|error| Failure::runtime(chain(&error))),
        ended = &mut server => return Err(Failure::runtime(format!("the HTTP server ended: {ended:?}"))),
        ended = ending(page) => return Err(Failure::runtime(format!("the status page's server ended: {ended:?}"))),
    };
    tracing::info!(signal, "stopping: finishing work in progress, releasing the Lease");
    stop.cancel();
    match tokio::time::timeout(GRACE, work).await {
        Ok(Ok(Ok(()))) => tracing::info!("stopped"),
        other => tracing::warn!(?other, "stopped with work in progress: the next leader continues it"),
    }
    Ok(Exit::OK)
}

/// How a task ends; never where there is none.
async fn ending<T>(task: Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

async fn signalled() -> &'static str {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

fn settings(args: &Args) -> Settings {
    let identity = args.pod_name.clone().unwrap_or_else(made_up_name);
    Settings {
        pods: pod::Settings {
            image: args.image.clone(),
            image_pull_policy: args.image_pull_policy.clone(),
            plan: plan::Settings {
                refuse_networks: args.refuse_networks.iter().map(ToString::to_string).collect(),
                ..plan::Settings::default()
            },
        },
        lease: LeaseSettings {
            name: args.lease_name.clone(),
            identity: identity.clone(),
            duration: args.lease_duration,
            renew: args.lease_duration / 5,
        },
        lease_namespace: args.pod_namespace.clone(),
        namespaces: args
            .namespaces
            .iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect(),
        instance: identity,
    }
}

/// Unique enough for replicas on a laptop; in a cluster the pod's name is.
fn made_up_name() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    format!("claudeprobe-operator-{random:x}")
}
