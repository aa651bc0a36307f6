//! The status page in a real browser: headless Chromium opens what the library serves.
//!
//! `tests/browser/run` installs the pinned driver; each check is a function of `checks.mjs`. A missing browser is a failure,
//! never a skip.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Stdio};

use claudeprobe::status_page::access::Access;
use claudeprobe::status_page::{Found, Page, ReplicaState, Row, Source, serve};
use claudeprobe::view::{Known, Measured, Trend};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

const HOSTILE: &str = "\u{0}\"'><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=2><svg/onload=globalThis.pwned=3>\u{202e}\u{1b}[2J\
                       &#x3C;b&#x3E; javascript:globalThis.pwned=4 </style></title></textarea>";

/// A recorded probe, one with hostile texts, a healthy one, and one without a status.
struct Recorded;

/// The recorded probe `assistants`.
fn assistants() -> Value {
    serde_json::from_str(include_str!("../../src/cli/explain/recorded.json")).unwrap()
}

/// The same with hostile text in every field that the operator copies.
fn hostile() -> Value {
    let mut value = assistants();
    let long = "x".repeat(3_000);
    value["metadata"]["name"] = json!("hostile");
    for at in [
        "/status/verdict/message",
        "/status/verdict/path",
        "/status/findings/0/evidence",
        "/status/findings/1/evidence",
        "/status/findings/1/path",
        "/status/paths/0/outcome",
        "/status/paths/0/headers/server",
        "/status/paths/1/requestId",
        "/status/paths/1/peer",
        "/status/conditions/2/message",
        "/status/conditions/2/reason",
        "/status/credentials/0/secret",
        "/status/lastRun/pod",
        "/status/history/0/code",
    ] {
        *value.pointer_mut(at).unwrap() = json!(format!("{HOSTILE}{long}"));
    }
    value["status"]["paths"][0]["headers"][HOSTILE] = json!(HOSTILE);
    value
}

fn known(name: &str) -> Option<Known> {
    let value = match name {
        "assistants" => assistants(),
        "hostile" => hostile(),
        "fine" | "new" => {
            let mut value = assistants();
            value["metadata"]["name"] = json!(name);
            value["status"] = match name {
                "fine" => {
                    json!({"verdict": {"state": "Healthy", "message": "All 2 paths answered the frozen request completely."}})
                }
                _ => json!({}),
            };
            value
        }
        _ => return None,
    };
    Some(Known::of(&value).unwrap())
}

fn trends() -> Vec<Trend> {
    let trend = |path: &str, faster: u32| Trend {
        path: path.into(),
        runs: (0..60)
            .map(|run| match run {
                20 => Measured::Failed,
                30 => Measured::Unasked,
                run => Measured::Answered(40 + (run * 37) % 23 - faster),
            })
            .collect(),
    };
    vec![trend("direct", 9), trend("edge", 0)]
}

impl Source for Recorded {
    fn replica_state(&self) -> ReplicaState {
        ReplicaState::Standby
    }

    fn rows(&self) -> Vec<Row> {
        ["fine", "assistants", "new", "hostile"]
            .iter()
            .filter_map(|name| known(name))
            .map(|known| Row::of(&known.namespace, &known.name, known.suspended, known.status, trends()))
            .collect()
    }

    fn find(&self, namespace: &str, name: &str) -> Found {
        match known(name).filter(|_| namespace == "ai") {
            Some(known) => Found::Known(Box::new(known), trends()),
            None => Found::Missing,
        }
    }
}

/// One browser at a time: each uses as much CPU as all other tests.
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs a check in the browser; panics with its output if it fails.
async fn run_check(check: &str) {
    let _turn = TURN.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let page = Page {
        source: Box::new(Recorded),
        access: Access::Local,
        replica: "claudeprobe-operator-6c9f7d8b5-x2x4q".into(),
        docs: Some("https://git.example.com/claudeprobe/".into()),
    };
    let served = tokio::spawn(serve(listener, page, stop.clone()));
    let mut run = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/run"));
    run.args([check, &url]).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || run.output())
        .await
        .unwrap()
        .expect("tests/browser/run starts");
    stop.cancel();
    served.await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{check}:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

macro_rules! checks {
    ($($name:ident: $check:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            run_check($check).await;
        }
    )*};
}

checks! {
    it_sends_no_other_request_and_logs_no_error: "sends no other request and logs no error",
    it_works_without_script: "works without script",
    it_reloads_only_by_choice: "reloads only by choice",
    it_works_with_the_keyboard_alone: "works with the keyboard alone",
    it_has_roles_and_names_for_screen_readers: "has roles and names for screen readers",
    it_satisfies_axe_in_light_and_dark_wide_and_narrow: "satisfies axe",
    it_fits_a_narrow_screen: "fits a narrow screen",
    it_shows_hostile_text_as_text: "shows hostile text as text",
    it_respects_reduced_motion: "respects reduced motion",
}
