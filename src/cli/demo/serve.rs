//! `demo --serve`: the faulty gateways keep running and are checked repeatedly, with the operator's metrics endpoint. A
//! fault can be set on a running gateway and removed: alerts fire and resolve.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, put};
use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::net::TcpListener;

use super::{AT_ONCE, Outcome, judge};
use crate::cli::check::history::History;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::demo::scenario::{self, Scenario};
use crate::demo::stage::Stage;
use crate::metrics::{self, Shown};
use crate::resource::status::{ClaudeProbeStatus, HistoryEntry, RunResult, RunStatus, Verdict, VerdictState};
use crate::status::counters::{Counters, RESULTS};
use crate::status::trend::Trends;
use crate::status::{conditions, history};
use crate::status_page::access::Access;
use crate::status_page::{Found, Page, ReplicaState, Row, Source, routes};
use crate::telemetry::chain;
use crate::view::Known;

/// The namespace that the demo's series carry.
const NAMESPACE: &str = "demo";
/// Earlier verdicts that a demo probe keeps.
const HISTORY: usize = 10;

/// What the two sides share, by the probe's name.
#[derive(Debug, Default)]
struct Board {
    /// What is known of each.
    shown: RwLock<BTreeMap<&'static str, Shown>>,
    /// The scenario that each plays from its next round on.
    wanted: RwLock<BTreeMap<&'static str, Scenario>>,
    /// How long each took lately.
    trends: Trends,
}

impl Source for Arc<Board> {
    fn replica_state(&self) -> ReplicaState {
        ReplicaState::Leader
    }

    fn rows(&self) -> Vec<Row> {
        let row = |shown: &Shown| {
            let trends = self.trends.of(&shown.probe);
            Row::of(&shown.namespace, &shown.probe, false, shown.status.clone(), trends)
        };
        read(&self.shown).values().map(row).collect()
    }

    fn find(&self, namespace: &str, name: &str) -> Found {
        let shown = read(&self.shown);
        let Some(shown) = shown.get(name).filter(|shown| shown.namespace == namespace) else {
            return Found::Missing;
        };
        match Known::of_status(namespace, name, &shown.status) {
            Ok(known) => Found::Known(Box::new(known), self.trends.of(name)),
            Err(unreadable) => Found::Unreadable(unreadable.to_string()),
        }
    }
}

/// A probe of the demo: named after the scenario that it was set up for, and playing this one or another.
struct Played {
    name: &'static str,
    scenario: Scenario,
    stage: Stage,
    history: History,
}

/// Serves until interrupted.
///
/// # Errors
/// When the address is taken, or a scenario cannot be set up.
pub async fn serve(scenarios: &[Scenario], address: SocketAddr, every: Duration) -> Result<Exit, Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::runtime(format!("--serve {address}: {error}")))?;
    let bound = listener.local_addr().unwrap_or(address);
    let mut played = Vec::new();
    let board = Arc::new(Board::default());
    for scenario in scenarios {
        let stage = Stage::set(scenario)
            .await
            .map_err(|error| Failure::runtime(format!("scenario {}: {}", scenario.name, chain(&error))))?;
        played.push(Played {
            name: scenario.name,
            scenario: scenario.clone(),
            stage,
            history: History::default(),
        });
        write(&board.wanted).insert(scenario.name, scenario.clone());
    }
    output::print(&introduction(&played, bound))?;
    let routes = Router::new()
        .route("/metrics", get(exposition))
        .route("/probes/{name}", put(play))
        .with_state(Arc::clone(&board))
        .merge(routes(page(&board)));
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => {
            served.map_err(|error| Failure::runtime(format!("the metrics endpoint failed: {error}")))?;
        }
        played = rounds(&mut played, &board, every) => played?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::OK)
}

/// The page that the operator would serve of these probes.
fn page(board: &Arc<Board>) -> Page {
    Page {
        source: Box::new(Arc::clone(board)),
        access: Access::Local,
        replica: "demo".into(),
        docs: None,
    }
}

/// Checks all stages, again and again.
async fn rounds(played: &mut [Played], board: &Board, every: Duration) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let checks = played.iter_mut().map(|played| async {
            let wanted = read(&board.wanted).get(played.name).cloned();
            if let Some(wanted) = wanted.filter(|wanted| wanted.name != played.scenario.name) {
                played.stage.play(&wanted);
                played.scenario = wanted;
            }
            let outcome = judge(&played.scenario, &played.stage, &mut played.history).await?;
            note(board, played, &outcome, every);
            Ok(())
        });
        let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
        while let Some(checked) = checks.next().await {
            checked?;
        }
    }
}

/// Writes a run into the probe's status as the operator does.
fn note(board: &Board, played: &Played, outcome: &Outcome, every: Duration) {
    let report = &outcome.report;
    let now = conditions::whole_second(crate::clock::now());
    let trends = &board.trends;
    let mut board = write(&board.shown);
    let shown = board.entry(played.name).or_insert_with(|| Shown {
        namespace: NAMESPACE.into(),
        probe: played.name.into(),
        status: ClaudeProbeStatus::default(),
        counters: Counters::default(),
    });
    let status = &mut shown.status;
    let same = |before: &&Verdict| before.state == report.verdict.state && before.code == report.verdict.code;
    let before = status
        .verdict
        .as_ref()
        .filter(same)
        .and_then(|before| before.since.clone());
    status.verdict = Some(Verdict {
        since: before.or(Some(Time(now))),
        ..report.verdict.clone()
    });
    status.findings.clone_from(&report.findings);
    status.paths.clone_from(&report.paths);
    status.last_run = Some(RunStatus {
        result: RunResult::Reported,
        finished_at: Some(Time(now)),
        ..RunStatus::default()
    });
    status.next_run = now.checked_add(every).ok().map(Time);
    if matches!(report.verdict.state, VerdictState::Healthy | VerdictState::Degraded) {
        status.last_good_at = Some(Time(now));
    }
    let decided = played.history.conditions().iter().cloned();
    for condition in decided.chain([conditions::prober(None)]) {
        conditions::put(status, &condition, 1, now);
    }
    if let Some(run) = played.history.newest() {
        let entry = HistoryEntry {
            at: Some(Time(now)),
            since: Some(Time(now)),
            generation: Some(1),
            state: run.state,
            code: run.code.clone(),
            path: run.path.clone(),
            count: 1,
            findings: run.findings.clone(),
            conditions: run.own_conditions.clone(),
        };
        history::add(&mut status.history, entry, HISTORY);
    }
    trends.note(played.name, status);
    *shown.counters.runs.entry(RESULTS[0]).or_default() += 1;
    shown.counters.input_tokens += u64::from(report.cost.input_tokens);
    shown.counters.output_tokens += u64::from(report.cost.output_tokens);
}

async fn exposition(State(board): State<Arc<Board>>) -> impl IntoResponse {
    let shown: Vec<Shown> = read(&board.shown).values().cloned().collect();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics::state(shown),
    )
}

/// Lets a probe's gateway have the fault of the scenario that the body names.
async fn play(State(board): State<Arc<Board>>, Path(name): Path<String>, fault: String) -> (StatusCode, String) {
    let mut wanted = write(&board.wanted);
    let Some(present) = wanted.get_mut(name.as_str()) else {
        return (StatusCode::NOT_FOUND, format!("unknown probe {name}\n"));
    };
    let fault = fault.trim();
    let Some(scenario) = scenario::all().into_iter().find(|scenario| scenario.name == fault) else {
        return (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("unknown scenario {fault}: see claudeprobe demo --list\n"),
        );
    };
    if present.behaviour().is_none() || scenario.behaviour().is_none() {
        return (
            StatusCode::CONFLICT,
            format!(
                "{fault} needs other addresses or another key than {name} has: start the demo with --only {fault}\n"
            ),
        );
    }
    *present = scenario;
    (
        StatusCode::OK,
        format!("{name} has the fault {fault} from the next round on\n"),
    )
}

fn introduction(played: &[Played], address: SocketAddr) -> String {
    let mut text = format!(
        "Metrics: http://{address}/metrics (one probe per fault, namespace {NAMESPACE})\nStatus page: http://{address}/\n"
    );
    if let Some(Played { name, stage, .. }) = played.first() {
        // The stand-in knows one key, and it opens nothing anywhere.
        text.push_str(&format!(
            "A stand-in Claude API, and a gateway ({name}):\n  ANTHROPIC_API_KEY={} claudeprobe check --direct {} --gateway {}\n",
            stage.key, stage.direct, stage.gateway
        ));
        text.push_str(&format!(
            "To break a running gateway, and to fix it:\n  curl -X PUT -d stale-key http://{address}/probes/{name}\n  curl -X PUT -d healthy http://{address}/probes/{name}\n"
        ));
    }
    text.push_str("Press Ctrl-C to stop.\n");
    text
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
