//! `docs/architecture.md`: its layers are those that `src/layers.rs` holds, and its decision table knows the findings of the
//! catalogue and the rules of the code, neither fewer nor more.

use std::collections::BTreeSet;

use claudeprobe::catalogue::CATALOGUE;

const FILE: &str = "docs/architecture.md";

/// A row of the decision table: its name, its codes, its rules.
struct Row {
    name: String,
    codes: Vec<String>,
    rules: Vec<String>,
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows() -> Vec<Row> {
    let text = crate::read(FILE);
    let (_, table) = text.split_once("\n## The decision table\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let lines = table.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, between @ .., rules] = cells.as_slice() else {
            panic!("{line}");
        };
        // What a row has instead of a finding of its own.
        let no_code = ["Inconclusive", "Possible"];
        let code = |word: &String| word.starts_with(char::is_uppercase) && !no_code.contains(&word.as_str());
        Row {
            name: name.trim_matches('`').to_owned(),
            // The last cell before the rules: findings, among other words.
            codes: quoted(between.last().unwrap()).into_iter().filter(code).collect(),
            rules: quoted(rules),
        }
    });
    rows.collect()
}

/// Every rule of the code, as `file::function`: those that a file lists, and those that `apply` calls by name.
fn rules() -> BTreeSet<String> {
    let apply = crate::read("src/diagnosis/rules/mod.rs");
    let declared = |line: &str| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    let modules: Vec<String> = apply.lines().filter_map(declared).collect();
    let mut rules = BTreeSet::new();
    for module in &modules {
        let text = crate::read(&format!("src/diagnosis/rules/{module}.rs"));
        if let Some((_, rest)) = text.split_once("const RULES: &[PathRule] = &[") {
            let list = rest.split(']').next().unwrap().split(',').map(str::trim);
            rules.extend(
                list.filter(|rule| !rule.is_empty())
                    .map(|rule| format!("{module}::{rule}")),
            );
        }
        for called in apply.split(&format!("{module}::")).skip(1) {
            if let Some((function, _)) = called
                .split_once('(')
                .filter(|(name, _)| !name.contains([';', ',', '\n']))
            {
                rules.insert(format!("{module}::{function}"));
            }
        }
    }
    rules
}

#[test]
fn each_row_has_a_name_of_its_own() {
    let rows = rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert!(rows.len() > 60 && names.len() == rows.len(), "{}", rows.len());
}

#[test]
fn the_findings_of_the_table_are_those_of_the_catalogue() {
    let listed: BTreeSet<String> = rows().into_iter().flat_map(|row| row.codes).collect();
    let known: BTreeSet<String> = CATALOGUE.iter().map(|entry| entry.code.to_string()).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_rules_of_the_table_are_those_of_the_code() {
    let (of_files, listed): (Vec<String>, Vec<String>) = rows()
        .into_iter()
        .flat_map(|row| row.rules)
        .partition(|rule| rule.contains('/'));
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), rules());
    for file in of_files {
        assert!(
            !crate::read(&format!("src/{file}")).is_empty(),
            "there is no src/{file}"
        );
    }
}

#[test]
fn the_layers_are_those_that_a_test_holds() {
    let code = crate::read("src/layers.rs");
    let (_, list) = code.split_once("const LAYERS: &[&[&str]] = &[\n").unwrap();
    let (list, _) = list.split_once("\n];").unwrap();
    let held: Vec<Vec<String>> = list
        .lines()
        .map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect())
        .collect();
    let text = crate::read(FILE);
    let (_, block) = text.split_once("\n## Who may import whom\n").unwrap();
    let lines = block.split("```").nth(1).unwrap().lines().skip(1);
    let names = |line: &str| {
        // ` 3  resource            what else is to be said`
        let (_, rest) = line.trim().split_once(' ').unwrap();
        let names = rest.trim().split("  ").next().unwrap().split(", ");
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines.map(names).collect::<Vec<_>>(), held);
}
