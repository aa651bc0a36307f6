//! `docs/security.md`: the request as it goes out, the rights as they are granted, the cost as it is planned.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::process::Command;

use claudeprobe::plan::{self, ForwardingCheckChoice, Settings, explain::explain};
use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::validated::Probe;
use serde_json::Value;

const FILE: &str = "docs/security.md";
const KEY: &str = "sk-ant-api03-THE-KEY-OF-YOUR-SECRET";

/// The first request that the program sends for the default request, byte for byte but for the address.
fn first_request() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        loop {
            let (mut connection, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            let mut chunk = [0; 4096];
            while let Ok(length) = connection.read(&mut chunk) {
                seen.extend_from_slice(&chunk[..length]);
                // The body of this request ends with the brace that its first one opened.
                if length == 0 || seen.ends_with(b"}]}") {
                    break;
                }
            }
            if !seen.is_empty() {
                let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                return String::from_utf8(seen).unwrap();
            }
        }
    });
    let status = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args([
            "check",
            "--no-direct",
            "--gateway",
            &format!("http://{address}"),
            "--timeout",
            "10s",
        ])
        .env_clear()
        .env("ANTHROPIC_API_KEY", KEY)
        .output()
        .unwrap();
    assert!(status.status.code().is_some());
    server.join().unwrap().replace(&address, "api.anthropic.com")
}

#[test]
fn what_leaves_the_cluster_is_what_the_program_sends() {
    let text = first_request().replace("\r\n", "\n");
    crate::part(FILE, "request", &format!("```http\n{text}\n```\n"));
}

/// The rules of a rendered manifest: kind, API group, resources, verbs, for which names.
fn rules(file: &str) -> Vec<[String; 3]> {
    let text = crate::read(file);
    let mut rows = Vec::new();
    for document in text.split("\n---") {
        let Ok(object) = serde_saphyr::from_str::<Value>(document) else {
            continue;
        };
        let list = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        for rule in object["rules"].as_array().into_iter().flatten() {
            let group = list(&rule["apiGroups"]).join(", ");
            let suffix = if group.is_empty() {
                String::new()
            } else {
                format!(".{group}")
            };
            let names = list(&rule["resourceNames"]);
            let only = if names.is_empty() {
                String::new()
            } else {
                format!(" named {}", names.join(", "))
            };
            let resources: Vec<String> = list(&rule["resources"])
                .iter()
                .map(|resource| match resource.split_once('/') {
                    Some((kind, part)) => format!("`{kind}{suffix}/{part}`{only}"),
                    None => format!("`{resource}{suffix}`{only}"),
                })
                .collect();
            let holder = match object["metadata"]["namespace"].as_str() {
                Some(namespace) => format!("{} (in {namespace})", object["metadata"]["name"].as_str().unwrap()),
                None => object["metadata"]["name"].as_str().unwrap().to_owned(),
            };
            rows.push([holder, resources.join(", "), list(&rule["verbs"]).join(", ")]);
        }
    }
    rows
}

#[test]
fn the_rights_are_those_of_the_manifests() {
    let mut text = String::from("| role | of | verbs |\n|---|---|---|\n");
    let rows: Vec<_> = ["deploy/10-rbac.yaml", "deploy/40-user-roles.yaml"]
        .iter()
        .flat_map(|file| rules(file))
        .collect();
    assert!(rows.len() >= 8, "{rows:?}");
    for [holder, of, verbs] in &rows {
        let _ = writeln!(text, "| {holder} | {of} | {verbs} |");
        assert!(
            !of.contains("`secrets"),
            "the document says that nobody is given Secrets"
        );
    }
    crate::part(FILE, "rights", &text);
}

/// What a day of the simple example costs at this interval, with this model and length of the answer.
fn day(every: &str, model: &str, max_tokens: u32) -> plan::explain::DayCost {
    let example = crate::read("examples/simple.yaml");
    let mut resource: ClaudeProbe = serde_saphyr::from_str(&example).unwrap();
    let spec = serde_json::json!({"every": every});
    resource.spec.schedule = serde_json::from_value(spec).unwrap();
    resource.spec.request.model = model.to_owned();
    resource.spec.request.max_tokens = i32::try_from(max_tokens).unwrap();
    resource.spec.budget = serde_json::from_value(serde_json::json!({"tokensPerDay": 100_000_000})).unwrap();
    let probe = Probe::parse(&resource).unwrap();
    let plan = plan::plan(
        &probe,
        &probe.pods[0],
        "",
        ForwardingCheckChoice::default(),
        &Settings::default(),
    )
    .plan;
    explain(&probe, &plan, true).day.unwrap()
}

#[test]
fn the_cost_is_the_plans() {
    const MODELS: [&str; 4] = [
        "claude-haiku-5-5",
        "claude-haiku-4-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
    ];
    let mut text = format!(
        "| every | maxTokens | runs | tokens | {} |\n|---|---|---|---|{}\n",
        MODELS.join(" | "),
        "---|".repeat(MODELS.len())
    );
    for every in ["1m", "5m", "15m", "1h"] {
        for max_tokens in [1, 64] {
            let of = |model| day(every, model, max_tokens);
            let first = of(MODELS[0]);
            let _ = write!(
                text,
                "| {every} | {max_tokens} | {} | {} |",
                first.runs,
                first.tokens.input + first.tokens.output
            );
            for model in MODELS {
                let _ = write!(text, " ${:.3} |", of(model).usd.unwrap());
            }
            text.push('\n');
        }
    }
    crate::part(FILE, "cost", &text);
}
