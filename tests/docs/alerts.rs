//! `docs/alerts.md`: the first line of each runbook is generated from the rule, the rest is written by hand. `tests/alerts`
//! checks that each alert has a runbook.

use serde_json::Value;

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
    let rules: Value = serde_saphyr::from_str(&crate::read("charts/claudeprobe/files/alerts.yaml")).unwrap();
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
