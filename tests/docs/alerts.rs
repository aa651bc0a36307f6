//! `docs/alerts.md`: the first line of each runbook is generated from the rule, the rest is written by hand. `tests/alerts`
//! checks that each alert has a runbook.
//!
//! `alerts.yaml`: the codes that an alert matches follow from the catalogue, the rest is written by hand.

use claudeprobe::catalogue::{CATALOGUE, Code, ConditionType};
use serde_json::Value;

const RULES: &str = "charts/claudeprobe/files/alerts.yaml";

const FILE: &str = "docs/alerts.md";

/// Severity, layer and duration of the rules with this name.
fn facts(rules: &[Value], name: &str) -> String {
    let of_name = || rules.iter().filter(|rule| rule["alert"] == name);
    let each = |of: fn(&Value) -> Option<&str>| {
        let mut seen: Vec<&str> = Vec::new();
        for text in of_name().filter_map(of) {
            if !seen.contains(&text) {
                seen.push(text);
            }
        }
        seen.join(" or ")
    };
    let layer = each(|rule| rule["labels"]["layer"].as_str()).replace("{{ $labels.layer }}", "of the cause");
    format!(
        "{} · layer {} · after {}",
        each(|rule| rule["labels"]["severity"].as_str()),
        layer,
        each(|rule| rule["for"].as_str())
    )
}

#[test]
fn every_runbook_begins_with_its_rule() {
    let rules: Value = serde_saphyr::from_str(&crate::read(RULES)).unwrap();
    let rules: Vec<Value> = rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect();
    let kept = crate::read(FILE);
    let mut sections = kept.split("\n## ");
    let mut text = sections.next().unwrap().to_owned();
    for section in sections {
        let (name, rest) = section.split_once('\n').unwrap();
        let by_hand = rest
            .find("**Means**")
            .unwrap_or_else(|| panic!("{name} has no **Means**"));
        text += &format!("\n## {name}\n{}\n\n{}", facts(&rules, name), &rest[by_hand..]);
    }
    crate::compare(FILE, &text);
}

/// The codes for which an alert of their own fires when they make this condition `False`.
fn named_alone(rules: &str, condition: ConditionType) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    let selector = format!("type=\"{}\",code=\"", condition.name());
    for rest in rules.split(&selector).skip(1) {
        let code = rest.split('"').next().and_then(Code::from_name).unwrap();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// The rules with this pattern in the first such matcher of the alert.
fn with_pattern(rules: &str, alert: &str, matcher: &str, pattern: &[&str]) -> String {
    let (head, rest) = rules.split_once(&format!("- alert: {alert}\n")).unwrap();
    let (before, rest) = rest.split_once(&format!("{matcher}\"")).unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!(
        "{head}- alert: {alert}\n{before}{matcher}\"{}\"{after}",
        pattern.join("|")
    )
}

#[test]
fn alerts_match_the_codes_that_the_catalogue_gives_them() {
    let kept = crate::read(RULES);
    let names = |codes: Vec<Code>| codes.into_iter().map(Code::name).collect::<Vec<_>>();
    let own = named_alone(&kept, ConditionType::GatewayPathHealthy);
    let firing = |alert: &str| {
        let codes = CATALOGUE.iter().map(|entry| entry.code);
        let codes = codes.filter(|code| code.alert() == alert && !own.contains(code));
        codes.collect::<Vec<_>>()
    };
    let (streams, limits) = (firing("ClaudeStreamBroken"), firing("ClaudeQuotaExhausted"));
    let elsewhere = [own.clone(), streams.clone(), limits.clone()].concat();
    let topics = ConditionType::ALL.into_iter().filter(|condition| {
        let mut declared = CATALOGUE.iter().map(|entry| entry.condition);
        declared.any(|declared| declared == Some(*condition))
    });
    let topics: Vec<&str> = topics.map(ConditionType::name).collect();
    let patterns = [
        ("ClaudeGatewayFailing", "code!~", names(elsewhere)),
        ("ClaudeStreamBroken", "code=~", names(streams)),
        ("ClaudeQuotaExhausted", "code=~", names(limits)),
        (
            "ClaudeCredentialRefused",
            "code!~",
            names(named_alone(&kept, ConditionType::CredentialsFresh)),
        ),
        ("ClaudeNoControl", "type=~", topics),
    ];
    let text = patterns.iter().fold(kept, |text, (alert, matcher, pattern)| {
        with_pattern(&text, alert, matcher, pattern)
    });
    crate::compare(RULES, &text);
}
