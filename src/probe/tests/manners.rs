//! Order and manners on the stand-in: what is sent, in which order, with which bytes, on which connection.

use std::time::Duration;

use super::support::*;
use crate::probe::{Secrets, run, run_until};
use crate::report::evidence::{Echo, ExchangeKind, Outcome, PathEvidence, SkipReason};
use crate::report::message;
use crate::report::plan::{ExchangePlan, Plan, When};
use crate::standin::{Config, Ending, ErrorName, Fault, Key, Recorded, Rule, Standin, TEST_KEY};

async fn claude() -> Standin {
    let claude = Standin::start(Config::default()).await.unwrap();
    claude.set_pace(Duration::from_millis(1), Duration::from_millis(1));
    claude
}

fn two_paths(claude: &Standin, kinds: &[ExchangeKind]) -> Plan {
    let mut paths = vec![path("direct", &claude.url()), path("edge", &claude.url())];
    paths.iter_mut().for_each(|path| path.exchanges = exchanges(kinds));
    plan(paths, 30_000)
}

async fn go(plan: &Plan) -> Vec<PathEvidence> {
    let secrets = Secrets::new().with("K", TEST_KEY);
    let report = run(plan, &secrets, &|_| {}).await.unwrap();
    let back = message::decode(&message::encode(&report.evidence, message::MAX_BYTES)).unwrap();
    assert!(back.complete, "a real run fits");
    report.evidence.paths
}

fn kinds(path: &PathEvidence) -> Vec<ExchangeKind> {
    path.exchanges.iter().map(|exchange| exchange.kind).collect()
}

const FORWARDING_CHECKS: [ExchangeKind; 9] = [
    ExchangeKind::BadKey,
    ExchangeKind::BogusBeta,
    ExchangeKind::OtherForm,
    ExchangeKind::BogusVersion,
    ExchangeKind::NoKey,
    ExchangeKind::UnknownField,
    ExchangeKind::CountTokens,
    ExchangeKind::OtherAuthHeader,
    ExchangeKind::BigBody,
];

#[tokio::test]
async fn the_set_of_exchanges_runs_in_order_and_costs_two_answers_per_path() {
    let claude = claude().await;
    let paths = go(&two_paths(&claude, &FORWARDING_CHECKS)).await;
    for path in &paths {
        assert_eq!(
            kinds(path),
            [
                ExchangeKind::Frozen,
                ExchangeKind::OtherForm,
                ExchangeKind::CountTokens,
                ExchangeKind::UnknownField,
                ExchangeKind::BogusVersion,
                ExchangeKind::BogusBeta,
                ExchangeKind::BigBody,
                ExchangeKind::OtherAuthHeader,
                ExchangeKind::NoKey,
                ExchangeKind::BadKey,
            ]
        );
        assert_eq!(path.skipped, []);
        for kind in [
            ExchangeKind::BogusBeta,
            ExchangeKind::BogusVersion,
            ExchangeKind::UnknownField,
        ] {
            let exchange = path.exchange(kind).unwrap();
            assert_eq!((exchange.status, exchange.echo), (400, Echo::Exact), "{kind:?}");
        }
    }
    let requests = claude.requests();
    let billed = requests.iter().filter(|request| {
        let generates = request.target == "/v1/messages";
        generates && request.reply.as_ref().is_some_and(|reply| reply.status == 200)
    });
    assert_eq!(
        billed.count(),
        4,
        "frozen and other form on each path, nothing else generates"
    );
    let connections: std::collections::BTreeSet<u64> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), requests.len(), "each on a fresh connection");
}

fn without_path_headers(request: &Recorded) -> (Vec<(String, String)>, String, String) {
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| name != "host")
        .cloned()
        .collect();
    (headers, request.target.clone(), request.body_sha256.clone())
}

#[tokio::test]
async fn the_frozen_request_is_byte_identical_on_every_path_and_names_us() {
    let claude = claude().await;
    let mut plan = two_paths(&claude, &[]);
    plan.request.betas = vec!["token-counting-2024-11-01".into()];
    plan.request.prompt = "costs $(API_KEY) $$ ümlaut \u{0} \"quoted\"".into();
    go(&plan).await;
    let requests = claude.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(without_path_headers(&requests[0]), without_path_headers(&requests[1]));
    let agent: Vec<&str> = requests[0].header("user-agent").collect();
    assert_eq!(agent, [crate::version::USER_AGENT]);
    assert!(requests[0].body.contains("$(API_KEY) $$ ümlaut"));
}

#[tokio::test]
async fn paths_alternate() {
    let claude = claude().await;
    let mut plan = two_paths(&claude, &[ExchangeKind::CountTokens, ExchangeKind::BogusBeta]);
    plan.paths[1].headers = vec![crate::report::plan::Header {
        name: "x-path".into(),
        value: crate::report::plan::HeaderValue::Value("edge".into()),
    }];
    go(&plan).await;
    let order: Vec<bool> = claude
        .requests()
        .iter()
        .map(|request| request.header("x-path").next().is_some())
        .collect();
    assert_eq!(order, [false, true, true, false, false, true]);
}

#[tokio::test]
async fn a_failure_is_repeated_once_on_the_same_connection() {
    let claude = claude().await;
    claude.set_fault(Rule::always(Fault::Error(ErrorName::Internal)));
    let plan = plan(vec![path("edge", &claude.url())], 20_000);
    let paths = go(&plan).await;
    assert_eq!(kinds(&paths[0]), [ExchangeKind::Frozen, ExchangeKind::Repeat]);
    let requests = claude.requests();
    assert_eq!(requests.len(), 2, "no hidden retries");
    assert_eq!(requests[0].connection, requests[1].connection);
}

#[tokio::test]
async fn after_a_failure_claude_rejects_a_get_on_that_path_and_on_the_control() {
    let (claude, down) = (claude().await, claude().await);
    down.set_fault(Rule::always(Fault::Error(ErrorName::Internal)));
    let mut paths = vec![
        path("direct", &claude.url()),
        path("edge", &down.url()),
        path("other", &claude.url()),
    ];
    for path in &mut paths {
        path.exchanges = vec![ExchangePlan {
            kind: ExchangeKind::Route,
            when: When::Failed,
            amount: 0,
        }];
    }
    let paths = go(&plan(paths, 20_000)).await;
    assert_eq!(kinds(&paths[0]), [ExchangeKind::Frozen, ExchangeKind::Route]);
    assert_eq!(
        kinds(&paths[1]),
        [ExchangeKind::Frozen, ExchangeKind::Repeat, ExchangeKind::Route]
    );
    assert_eq!(
        kinds(&paths[2]),
        [ExchangeKind::Frozen],
        "what works is not asked why it fails"
    );
    for (path, at) in [(&paths[0], &claude), (&paths[1], &down)] {
        assert_eq!(path.exchange(ExchangeKind::Route).unwrap().status, 405);
        let get = at
            .requests()
            .into_iter()
            .find(|request| request.method == "GET")
            .unwrap();
        assert_eq!((get.target.as_str(), get.body.as_str()), ("/v1/messages", ""));
    }
}

#[tokio::test]
async fn a_rejected_key_leads_to_the_credential_checks_and_no_others() {
    let claude = claude().await;
    claude.set_keys(vec![Key::new("sk-ant-api03-another")]).unwrap();
    let mut plan = two_paths(&claude, &[ExchangeKind::BogusBeta]);
    for path in &mut plan.paths {
        for kind in [ExchangeKind::BadKey, ExchangeKind::NoKey] {
            path.exchanges.push(ExchangePlan {
                kind,
                when: When::AuthFailed,
                amount: 0,
            });
        }
    }
    let paths = go(&plan).await;
    for path in &paths {
        assert_eq!(
            kinds(path),
            [
                ExchangeKind::Frozen,
                ExchangeKind::Repeat,
                ExchangeKind::NoKey,
                ExchangeKind::BadKey
            ]
        );
        assert_eq!(path.skipped, [(ExchangeKind::BogusBeta, SkipReason::Pointless)]);
    }
}

#[tokio::test]
async fn a_credential_check_is_not_sent_while_the_key_works() {
    let claude = claude().await;
    let mut plan = two_paths(&claude, &[]);
    plan.paths[0].exchanges = vec![ExchangePlan {
        kind: ExchangeKind::BadKey,
        when: When::AuthFailed,
        amount: 0,
    }];
    let paths = go(&plan).await;
    assert_eq!(
        (kinds(&paths[0]), paths[0].skipped.len()),
        (vec![ExchangeKind::Frozen], 0)
    );
}

#[tokio::test]
async fn over_budget_only_what_generates_nothing_is_sent() {
    let claude = claude().await;
    let mut plan = two_paths(&claude, &[ExchangeKind::OtherForm, ExchangeKind::BogusBeta]);
    plan.zero_token_only = true;
    let paths = go(&plan).await;
    assert_eq!(kinds(&paths[0]), [ExchangeKind::CountTokens, ExchangeKind::BogusBeta]);
    assert_eq!(
        paths[0].skipped,
        [
            (ExchangeKind::OtherForm, SkipReason::OverBudget),
            (ExchangeKind::Frozen, SkipReason::OverBudget)
        ]
    );
    assert!(
        claude
            .requests()
            .iter()
            .all(|request| request.target == "/v1/messages/count_tokens")
    );
}

#[tokio::test]
async fn a_run_that_is_stopped_reports_what_was_seen() {
    let claude = claude().await;
    claude.set_fault(Rule::always(Fault::Hang));
    let plan = two_paths(&claude, &[ExchangeKind::BogusBeta]);
    let secrets = Secrets::new().with("K", TEST_KEY);
    let stop = tokio::time::sleep(Duration::from_millis(300));
    let report = run_until(&plan, &secrets, &|_| {}, stop).await.unwrap();
    let paths = report.evidence.paths;
    assert!(paths.iter().all(|path| path.exchanges.is_empty()));
    assert!(
        paths[0]
            .skipped
            .contains(&(ExchangeKind::Frozen, SkipReason::OutOfTime))
    );
}

#[tokio::test]
async fn a_gateway_that_hangs_does_not_keep_the_others_from_their_turn() {
    let claude = claude().await;
    let silent = serve(vec![Step::Hang]).await;
    let paths = vec![
        path("direct", &claude.url()),
        path("stuck", &format!("http://{silent}")),
        path("edge", &claude.url()),
    ];
    let paths = go(&plan(paths, 9_000)).await;
    assert_eq!(paths[1].frozen().unwrap().outcome, Outcome::NoReply);
    for fine in [&paths[0], &paths[2]] {
        assert_eq!(
            (fine.frozen().unwrap().status, fine.frozen().unwrap().outcome),
            (200, Outcome::Answered)
        );
    }
}

#[tokio::test]
async fn cuts_of_the_standin_are_seen_as_what_they_are() {
    for (how, expected) in [
        (Ending::Fin, Outcome::CutByClose),
        (Ending::Reset, Outcome::CutByReset),
        (Ending::Clean, Outcome::Answered),
    ] {
        let claude = claude().await;
        claude.set_fault(Rule::always(Fault::Cut { after_events: 4, how }));
        let paths = go(&plan(vec![path("edge", &claude.url())], 20_000)).await;
        let frozen = paths[0].frozen().unwrap();
        assert_eq!(frozen.outcome, expected);
        let stream = frozen.stream.as_ref().unwrap();
        assert!(!stream.message_stop);
        assert_eq!(stream.framing_complete, expected == Outcome::Answered);
        assert_eq!(stream.events, 4);
    }
}
