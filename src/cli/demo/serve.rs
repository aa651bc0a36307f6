//! `demo --serve`: the faulty gateways stay up, are checked again and again, and a metrics endpoint shows them as the
//! operator would.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::routing::get;
use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::net::TcpListener;

use super::{AT_ONCE, Outcome, judge};
use crate::cli::check::history::History;
use crate::cli::exit::{Exit, Failure, chain};
use crate::cli::output;
use crate::demo::scenario::Scenario;
use crate::demo::stage::Stage;
use crate::metrics::{self, Shown};
use crate::operator::tally::Tally;
use crate::resource::status::{ClaudeProbeStatus, RunStatus};

/// The namespace that the demo's series carry.
const NAMESPACE: &str = "demo";

/// What is known of each scenario, by its name.
type Board = Arc<RwLock<BTreeMap<&'static str, Shown>>>;

/// Serves until interrupted.
///
/// # Errors
/// When the address is taken, or a scenario cannot be set up.
pub async fn serve(scenarios: &[Scenario], address: SocketAddr, every: Duration) -> Result<Exit, Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::runtime(format!("--serve {address}: {error}")))?;
    let bound = listener.local_addr().unwrap_or(address);
    let mut stages = Vec::new();
    for scenario in scenarios {
        let stage = Stage::set(scenario)
            .await
            .map_err(|error| Failure::runtime(format!("scenario {}: {}", scenario.name, chain(&error))))?;
        stages.push((scenario, stage, History::default()));
    }
    let board = Board::default();
    output::print(&introduction(&stages, bound))?;
    let routes = Router::new()
        .route("/metrics", get(exposition))
        .with_state(Arc::clone(&board));
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => {
            served.map_err(|error| Failure::runtime(format!("the metrics endpoint failed: {error}")))?;
        }
        played = rounds(&mut stages, &board, every) => played?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::OK)
}

/// Checks all stages, again and again.
async fn rounds(stages: &mut [(&Scenario, Stage, History)], board: &Board, every: Duration) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let checks = stages
            .iter_mut()
            .map(|(scenario, stage, history)| judge(scenario, stage, history));
        let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
        while let Some(outcome) = checks.next().await {
            note(board, &outcome?);
        }
    }
}

fn note(board: &Board, outcome: &Outcome) {
    let report = &outcome.report;
    let status = ClaudeProbeStatus {
        verdict: Some(report.verdict.clone()),
        findings: report.findings.clone(),
        paths: report.paths.clone(),
        last_run: Some(RunStatus {
            result: "Reported".into(),
            finished_at: Some(Time(jiff::Timestamp::now())),
            ..RunStatus::default()
        }),
        ..ClaudeProbeStatus::default()
    };
    let mut board = board.write().unwrap_or_else(PoisonError::into_inner);
    let shown = board.entry(outcome.name).or_insert_with(|| Shown {
        namespace: NAMESPACE.into(),
        probe: outcome.name.into(),
        status: ClaudeProbeStatus::default(),
        tally: Tally::default(),
    });
    shown.status = status;
    *shown.tally.runs.entry("Reported").or_default() += 1;
    shown.tally.input_tokens += u64::from(report.cost.input_tokens);
    shown.tally.output_tokens += u64::from(report.cost.output_tokens);
}

async fn exposition(State(board): State<Board>) -> impl axum::response::IntoResponse {
    let shown: Vec<Shown> = {
        let board = board.read().unwrap_or_else(PoisonError::into_inner);
        board.values().cloned().collect()
    };
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics::state(shown),
    )
}

fn introduction(stages: &[(&Scenario, Stage, History)], address: SocketAddr) -> String {
    let mut text = format!("Metrics: http://{address}/metrics (one probe per fault, namespace {NAMESPACE})\n");
    if let Some((scenario, stage, _)) = stages.first() {
        // The stand-in knows one key, and it opens nothing anywhere.
        text.push_str(&format!(
            "A stand-in Claude API, and a gateway ({}):\n  ANTHROPIC_API_KEY={} claudeprobe check --direct {} --gateway {}\n",
            scenario.name, stage.key, stage.direct, stage.gateway
        ));
    }
    text.push_str("Ctrl-C ends it.\n");
    text
}
