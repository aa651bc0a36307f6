//! What `make accuracy` prints and writes when all cases were played: the table, the summary, and the times.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::accuracy::document_path;
use crate::cases;
use crate::register::{MEASURED, document};

/// Not a check: `tests/gateways/accuracy` runs it after the cases, with the file that they wrote.
#[test]
#[ignore = "prints what CLAUDEPROBE_ACCURACY_IN holds"]
#[allow(clippy::print_stdout)]
fn print() {
    let path =
        std::env::var("CLAUDEPROBE_ACCURACY_IN").expect("CLAUDEPROBE_ACCURACY_IN: the file that the cases wrote");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut played: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = |case: &Value| [field(case, "/gateway"), field(case, "/case")];
    played.sort_by_key(key);
    println!("{}", table(&played));
    println!("{}", summary(&played));
    let complete = cases::all().all(|named| played.iter().any(|case| case["case"] == named.name));
    let right = played.iter().all(is_right);
    if complete && right {
        let text = format!("{}{MEASURED}\n{}", document(), measured(&played));
        std::fs::write(document_path(), text).unwrap();
        println!("docs/accuracy.md is written.");
    }
    if std::env::var_os("CLAUDEPROBE_ACCURACY_MESSAGES").is_some() {
        for case in &played {
            println!("{}\n    {}\n", field(case, "/case"), field(case, "/verdict/message"));
        }
    }
}

fn field(case: &Value, pointer: &str) -> String {
    match case.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn number(case: &Value, name: &str) -> f64 {
    case[name].as_f64().unwrap_or_default()
}

fn is_right(case: &Value) -> bool {
    case["wrong"].as_array().is_some_and(Vec::is_empty)
}

fn table(played: &[Value]) -> String {
    let row = |cells: [&str; 9]| {
        let [
            case,
            gateway,
            expected,
            verdict,
            sure,
            seconds,
            requests,
            tokens,
            findings,
        ] = cells;
        format!(
            "{case:<66} {gateway:<8} {expected:<38} {verdict:<38} {sure:<8} {seconds:>7} {requests:>4} {tokens:>6}  {findings}\n"
        )
    };
    let mut text = row([
        "case", "gateway", "expected", "verdict", "sure", "seconds", "req", "tokens", "findings",
    ]);
    for case in played {
        let verdict = |of: &str| {
            let at = |name: &str| field(case, &format!("/{of}/{name}"));
            match (at("code").as_str(), at("path").as_str()) {
                ("-", _) => at("state"),
                (code, "-") => code.to_owned(),
                (code, path) => format!("{code}@{path}"),
            }
        };
        let findings: Vec<&str> = case["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mark = if is_right(case) { "" } else { "WRONG: " };
        text += &row([
            &field(case, "/case"),
            &field(case, "/gateway"),
            &verdict("expected"),
            &verdict("verdict"),
            &field(case, "/confidence"),
            &format!("{:.2}", number(case, "seconds")),
            &field(case, "/requests"),
            &field(case, "/tokens"),
            &format!("{mark}{}", findings.join(" ")),
        ]);
    }
    text
}

fn summary(played: &[Value]) -> String {
    let mut text = String::new();
    let mut gateways: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for case in played {
        gateways.entry(field(case, "/gateway")).or_default().push(case);
    }
    let all: Vec<&Value> = played.iter().collect();
    for (name, cases) in gateways.into_iter().chain([("all".to_owned(), all)]) {
        let of = cases.len();
        let same = |pointer: &str| {
            let agrees = |case: &&&Value| {
                case.pointer(&format!("/expected/{pointer}")) == case.pointer(&format!("/verdict/{pointer}"))
                    || (field(case, &format!("/expected/{pointer}")) == "-"
                        && field(case, &format!("/verdict/{pointer}")) == "-")
            };
            cases.iter().filter(agrees).count()
        };
        let blamed = cases
            .iter()
            .filter(|case| case["wrong"].to_string().contains("a false attribution"))
            .count();
        text += &format!(
            "{name:<8} {of:>4} cases: code as expected {}, layer {}, path {}, with a false attribution {blamed}\n",
            same("code"),
            same("layer"),
            same("path")
        );
    }
    text
}

/// What this machine measured, for the document.
fn measured(played: &[Value]) -> String {
    let mut beyond: Vec<f64> = played
        .iter()
        .filter(|case| case["shallow"] == true)
        .map(|case| number(case, "beyondModelSeconds"))
        .collect();
    beyond.sort_by(f64::total_cmp);
    let at = |percent: usize| beyond.get(beyond.len() * percent / 100).copied().unwrap_or_default();
    let total = |name: &str| played.iter().map(|case| number(case, name)).sum::<f64>();
    #[allow(clippy::cast_precision_loss)] // some hundred cases
    let mean = |name: &str| total(name) / played.len().max(1) as f64;
    format!(
        "On two cores, all cases in parallel; {} shallow runs: the verdict came {:.2} s (median) and {:.2} s (nine of ten) after the start, the\n\
         model's own time taken off. What is left is mostly the gateways' own waiting: timers, retries, connection timeouts.\n\
         A run sent {:.1} requests and used {:.0} tokens, on average over all cases.\n",
        beyond.len(),
        at(50),
        at(90),
        mean("requests"),
        mean("tokens"),
    )
}
