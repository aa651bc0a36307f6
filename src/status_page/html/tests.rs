//! The page of a recorded probe, and hostile text in it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Frame, message, overview, probe};
use crate::status_page::query::{Query, Raw};
use crate::status_page::{ReplicaState, Row};

use crate::text::plain::is_obeyed;
use crate::view::{Explanation, Known, Measured, Trend};

/// As `explain` shows it.
fn recorded() -> Value {
    serde_json::from_str(include_str!("../../cli/explain/recorded.json")).unwrap()
}

fn frame(state: ReplicaState) -> Frame<'static> {
    Frame {
        replica: Some(("operator-1", state)),
        user: None,
        docs: Some("https://git.example.com/"),
        now: "2026-11-23T08:04:14Z".parse().unwrap(),
    }
}

fn trends() -> Vec<Trend> {
    let trend = |path: &str, runs: &[u32]| Trend {
        path: path.into(),
        runs: runs
            .iter()
            .copied()
            .map(Measured::Answered)
            .chain([Measured::Failed])
            .collect(),
    };
    vec![trend("direct", &[2, 3]), trend("edge", &[5, 8])]
}

fn probe_page(value: &Value) -> String {
    let frame = frame(ReplicaState::Leader);
    let known = Known::of(value).unwrap();
    probe(&frame, &Explanation::of(&known, frame.now), &trends(), 0)
}

fn row(namespace: &str, name: &str, state: &str, code: &str) -> Row {
    let status = json!({"verdict": {"state": state, "code": code, "layer": "Network", "path": "edge"}});
    Row::of(
        namespace,
        name,
        false,
        serde_json::from_value(status).unwrap(),
        trends(),
    )
}

fn query(state: &str, namespace: &str) -> Query {
    let raw: Raw = serde_json::from_value(json!({"state": state, "namespace": namespace})).unwrap();
    Query::parse(&raw).unwrap()
}

/// The text between tags.
fn text(html: &str) -> String {
    let body = html.split("</style>").nth(1).unwrap();
    let mut inside = false;
    let text: String = body
        .chars()
        .map(|letter| {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    return ' ';
                }
                _ => {}
            }
            if inside { ' ' } else { letter }
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_shows_all_parts_that_an_on_call_engineer_needs() {
    let html = probe_page(&recorded());
    let text = text(&html);
    for part in [
        "ai / assistants Failing",
        "GatewayStaleCredential · Configuration · path edge",
        "Hop gateway → Claude",
        "Fix The gateway sends a stale key of its own",
        "seen in 5 of the last 5 runs",
        "Last change the key claude-key/api-key",
        "Path direct edge",
        "HTTP 200 401",
        "First token 0.009",
        "Request id req_011Cv8H2xYZvvGwVCSJNEwnQ req_011Cv8H3WGEf2zxX8suPkQjN",
        "message_stop received yes",
        "cf-ray de668df43c1ffbe2-FRA d9c3ab55cec657ab-FRA",
        "OtherAuthHeader 200 (119s ago) 401 (119s ago)",
        "Limits left requests 99 %",
        "edge: last 8 ms, median 8 ms, 5 to 8 ms over 3 runs, 1 without a complete answer.",
        "CertificateExpiring",
        "GatewayPathHealthy False GatewayStaleCredential",
        "claude-key/api-key 1a2b3 ApiKey",
        "Tokens today (UTC) 4711 of 200000",
        "Generated 2026-11-23T08:04:14Z",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        html.contains("href=\"https://git.example.com/docs/findings/GatewayStaleCredential.md\""),
        "a link leads to the runbook"
    );
    assert_eq!(html.matches("<h1").count(), 1);
}

#[test]
fn hostile_text_stays_text() {
    const EVIL: &str = "\u{0}\"'><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{1b}[2J&lt;b&gt; javascript:alert(3)\u{200b}";
    fn poison(value: &mut Value) {
        match value {
            Value::String(text) if text.parse::<Timestamp>().is_err() => text.push_str(EVIL),
            Value::Array(list) => list.iter_mut().for_each(poison),
            Value::Object(fields) => fields.values_mut().for_each(poison),
            _ => {}
        }
    }
    let mut value = recorded();
    for at in [
        "/metadata/name",
        "/metadata/namespace",
        "/status/verdict/message",
        "/status/verdict/advice",
        "/status/verdict/code",
        "/status/verdict/layer",
        "/status/verdict/path",
        "/status/findings/0/evidence",
        "/status/findings/0/advice",
        "/status/findings/1/path",
        "/status/findings/1/evidence",
        "/status/paths",
        "/status/conditions",
        "/status/credentials/0/secret",
        "/status/credentials/0/fingerprint",
        "/status/lastRun/pod",
        "/status/lastRun/slot",
        "/status/history/0/code",
        "/status/history/0/path",
    ] {
        poison(value.pointer_mut(at).unwrap());
    }
    let headers = value.pointer_mut("/status/paths/0/headers").unwrap();
    headers[EVIL] = json!(EVIL.repeat(50));
    let rows = [row(EVIL, EVIL, "Failing", EVIL)];
    let frame = frame(ReplicaState::Leader);
    let odd = query("", EVIL);
    for html in [
        probe_page(&value),
        overview(&frame, &rows, &query("", "")),
        overview(&frame, &rows, &odd),
        message(&frame, "Nothing", &[crate::text::plain::plain(EVIL)]),
    ] {
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
            "it is shown as text"
        );
        for forbidden in [
            "<script",
            "<img",
            "href=\"javascript",
            "\u{0}",
            "\u{202e}",
            "\u{1b}",
            "\u{200b}",
        ] {
            assert!(!html.contains(forbidden), "{forbidden:?}\n{html}");
        }
        assert!(!html.chars().any(|letter| letter != '\n' && is_obeyed(letter)));
        // An unescaped quote would end an attribute.
        assert!(!html.contains("\"'>"), "{html}");
    }
}

#[test]
fn the_overview_counts_filters_and_shows_the_worst_first() {
    let rows = [
        row("ai", "fine", "Healthy", ""),
        row("ai", "broken", "Failing", "GatewayDnsFailure"),
        row("ml", "slow", "Degraded", "GatewayLatency"),
    ];
    let frame = frame(ReplicaState::Leader);
    let all = text(&overview(&frame, &rows, &query("", "")));
    let place = |what: &str| all.find(what).unwrap_or_else(|| panic!("{what}\n{all}"));
    assert!(
        place("broken ai") < place("slow ml") && place("slow ml") < place("fine ai"),
        "{all}"
    );
    for part in [
        "3 All",
        "1 Failing",
        "0 Unknown",
        "1 Degraded",
        "3 probes, worst first",
        "Network · path edge",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert!(!all.contains("8 ms"), "the newest run failed: {all}");
    let mut quick = rows[0].clone();
    quick.trends[1].runs.push(Measured::Answered(9));
    let quick = text(&overview(&frame, &[quick], &query("", "")));
    assert!(quick.contains("9 ms"), "{quick}");
    let one = text(&overview(&frame, &rows, &query("Degraded", "")));
    assert!(
        one.contains("slow ml") && !one.contains("broken ai") && one.contains("1 probe, worst first"),
        "{one}"
    );
    let ai = text(&overview(&frame, &rows, &query("", "ai")));
    assert!(ai.contains("2 All") && !ai.contains("slow ml"), "{ai}");
    let none = text(&overview(&frame, &rows, &query("Unknown", "ai")));
    assert!(none.contains("No probe matches the filter. Show all"), "{none}");
    let empty = text(&overview(&frame, &[], &query("", "")));
    assert!(
        empty.contains("The operator watches no ClaudeProbe. To create one:"),
        "{empty}"
    );
    let reviewed = Frame {
        user: Some("viewer"),
        ..frame
    };
    let empty = text(&overview(&reviewed, &[], &query("", "")));
    assert!(empty.contains("in the namespaces that you may list"), "{empty}");
}

#[test]
fn a_page_shows_at_most_200_probes() {
    let rows: Vec<Row> = (0..401)
        .map(|number| row("ai", &format!("p{number:03}"), "Healthy", ""))
        .collect();
    let frame = frame(ReplicaState::Leader);
    let first = overview(&frame, &rows, &query("", ""));
    let mut last = query("", "");
    last.page = 3;
    let last = overview(&frame, &rows, &last);
    assert!(
        text(&first).contains("Probes 1 to 200 of 401")
            && first.contains("rel=\"next\"")
            && !first.contains("rel=\"prev\"")
    );
    assert!(
        text(&last).contains("Probes 401 to 401 of 401") && last.contains("p400") && !last.contains("rel=\"next\"")
    );
}

#[test]
fn a_replica_that_does_not_lead_shows_a_notice() {
    for (state, part) in [
        (ReplicaState::Standby, "This replica is on standby, another one leads"),
        (ReplicaState::Starting, "some may be missing"),
        (ReplicaState::Stuck, "the page may be stale"),
    ] {
        let page = text(&overview(&frame(state), &[], &query("", "")));
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn a_probe_without_a_status_shows_unknown_and_the_reason() {
    let mut value = recorded();
    value.as_object_mut().unwrap().remove("status");
    let reason = Known::of(&value).unwrap().verdict().message;
    let page = text(&probe_page(&value));
    assert!(page.contains("Unknown") && page.contains(&reason), "{page}");
}
