//! The register of all cases: what it must hold, and the part of `docs/accuracy.md` that follows from it.
//!
//! A case whose verdict is another one than it expects fails, so how often the right cause is named follows from what the cases
//! expect and from what is really wrong with them. Only times are measured: see `report`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use claudeprobe::catalogue::{CATALOGUE, Code, Layer};
use claudeprobe::resource::status::VerdictState;

use crate::case::{Case, Named};
use crate::cases;
use crate::table::ROWS;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something is wrong.
    Fault,
    /// Nothing is wrong, however odd it looks.
    Harmless,
    /// Two things are wrong that have nothing to do with each other.
    TwoFaults,
    /// Every path fails, for a reason of Claude's or of the account.
    Upstream,
    /// There is no control that could be held against the gateway.
    NoControl,
}

impl Kind {
    /// Each kind, in words, with the number of cases that there must be.
    const ALL: [(Kind, &'static str, usize); 5] = [
        (Kind::Fault, "something is wrong", 90),
        (Kind::TwoFaults, "of these: two faults at once", 15),
        (
            Kind::Upstream,
            "of these: every path fails for Claude's or the account's reasons",
            10,
        ),
        (Kind::NoControl, "without a usable control", 8),
        (Kind::Harmless, "nothing is wrong, however odd it looks", 25),
    ];

    fn is(self, named: &Named, case: &Case) -> bool {
        let expect = case.expected();
        match self {
            Self::Fault => expect.state != VerdictState::Healthy,
            Self::Harmless => expect.state == VerdictState::Healthy,
            Self::TwoFaults => named.module.ends_with("::pairs"),
            Self::Upstream => {
                let of_account = [
                    Code::CredentialRejected,
                    Code::PermissionDenied,
                    Code::AccountDisabled,
                    Code::ModelNotFound,
                ];
                let theirs = |code: Code| {
                    matches!(code.entry().layer, Layer::Upstream | Layer::Quota) || of_account.contains(&code)
                };
                expect.path.is_empty() && expect.code.is_some_and(theirs)
            }
            Self::NoControl => case.has_no_control(),
        }
    }
}

fn register() -> Vec<(Named, Case)> {
    cases::all().map(|named| (named, (named.make)())).collect()
}

#[test]
fn every_case_has_a_name_of_its_own_and_is_proven_on_the_wire() {
    let mut names = BTreeSet::new();
    for (named, case) in register() {
        assert!(names.insert(named.name), "{} is there twice", named.name);
        assert!(
            case.is_proven(),
            "{}: nothing shows the fault before the run",
            named.name
        );
    }
}

#[test]
fn two_faults_are_two() {
    for (named, case) in register() {
        if Kind::TwoFaults.is(&named, &case) {
            let codes = case.expected().codes();
            let causes = codes.iter().filter(|code| !code.is_symptom()).count();
            assert!(causes > 1, "{}: {codes:?}", named.name);
        }
    }
}

#[test]
fn there_are_enough_cases_of_each_kind() {
    let register = register();
    for (kind, words, least) in Kind::ALL {
        let count = register.iter().filter(|(named, case)| kind.is(named, case)).count();
        assert!(count >= least, "{words}: {count} of at least {least}");
    }
}

#[test]
fn every_finding_has_a_case_on_a_real_gateway_or_a_reason_and_recorded_bytes() {
    let register = register();
    let missing: Vec<Code> = CATALOGUE
        .iter()
        .map(|entry| entry.code)
        .filter(|code| !register.iter().any(|(_, case)| case.expected().codes().contains(code)))
        .collect();
    assert!(missing.is_empty(), "no case: {missing:?}");
}

#[test]
fn every_row_of_the_decision_table_has_a_case() {
    let register = register();
    let missing: Vec<&str> = ROWS
        .iter()
        .map(|(row, _)| *row)
        .filter(|row| !register.iter().any(|(_, case)| case.table_rows().contains(row)))
        .collect();
    assert!(missing.is_empty(), "rows without a case: {missing:?}");
}

#[test]
fn the_rows_are_those_of_the_architecture_document() {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md")).unwrap();
    for (row, _) in ROWS {
        assert!(table.contains(&format!("\n| `{row}` | ")), "there is no row {row}");
    }
}

/// Where the part of the document begins that `make accuracy` writes.
pub const MEASURED: &str = "\n## Measured\n";

/// The document that the register makes: summary, what cannot be named, and which case stands for what.
pub fn document() -> String {
    let register = register();
    let mut text = String::from(
        "# Accuracy\n\nWritten by `make accuracy`, which plays every case on the real programs: the gateway is started with its real configuration, what\n\
         is wrong is first seen on the wire by `curl` or a raw socket, then a run is measured and diagnosed. A case fails when the\n\
         verdict is another one than expected, or when a finding names anything else.\n\n",
    );
    text += &summary(&register);
    text += &misses(&register);
    text += &findings(&register);
    text += &rows(&register);
    text
}

fn summary(register: &[(Named, Case)]) -> String {
    let mut text = String::from("| cases | number |\n|---|---:|\n");
    let _ = writeln!(text, "| all | {} |", register.len());
    for (kind, words, _) in Kind::ALL {
        let count = register.iter().filter(|(named, case)| kind.is(named, case)).count();
        let _ = writeln!(text, "| {words} | {count} |");
    }
    text += "\n| gateway | cases | right code | right layer | right path |\n|---|---:|---:|---:|---:|\n";
    let mut gateways: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for (_, case) in register {
        gateways.entry(case.gateway_name()).or_default().push(case);
    }
    let all: Vec<&Case> = register.iter().map(|(_, case)| case).collect();
    for (name, cases) in gateways.into_iter().chain([("all", all)]) {
        let of = cases.len();
        let layer = |code: Option<Code>| code.map(|code| code.entry().layer);
        let right_code = cases
            .iter()
            .filter(|case| case.expected().true_code() == case.expected().code);
        let right_layer = cases
            .iter()
            .filter(|case| layer(case.expected().true_code()) == layer(case.expected().code));
        let share = |count: usize| format!("{count} ({:.1} %)", percent(count, of));
        let _ = writeln!(
            text,
            "| {name} | {of} | {} | {} | {} |",
            share(right_code.count()),
            share(right_layer.count()),
            share(of)
        );
    }
    text += "\n“Right” is measured against what is really wrong, whether or not a reply can show it. False attributions: 0; a case with one fails.\n";
    let by_table = |right: &dyn Fn(Code, Code) -> bool| {
        let judged = register.iter().map(|(_, case)| case.expected());
        let count = judged
            .filter(|expect| match (expect.true_code(), expect.code) {
                (Some(truth), Some(said)) => right(truth, said) || is_unnamed_upstream_failure(truth, said),
                (truth, said) => truth == said,
            })
            .count();
        format!("{count} ({:.1} %)", percent(count, register.len()))
    };
    let _ = write!(
        text,
        "\nThe row `unnamed-gateway-error` of the [decision table](architecture.md#the-decision-table) stands for an error that fits a refusal,\n\
         dropped packets, a missing name and failed TLS alike. Counted as right where one of these is wrong: code {}, layer {}.\n",
        by_table(&|truth, said| truth == said),
        by_table(&|truth, said| truth.entry().layer == said.entry().layer),
    );
    text
}

/// Whether a connection to Claude failed, and the verdict is the table's own for a reply that does not show how.
fn is_unnamed_upstream_failure(truth: Code, said: Code) -> bool {
    let failures = [
        Code::UpstreamUnreachable,
        Code::UpstreamConnectTimeout,
        Code::UpstreamDnsFailure,
        Code::UpstreamTlsFailure,
    ];
    said == Code::GatewayUnavailable && failures.contains(&truth)
}

fn percent(count: usize, of: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)] // some hundred cases
    let share = count as f64 / of.max(1) as f64;
    share * 100.0
}

fn misses(register: &[(Named, Case)]) -> String {
    let mut text = String::from(
        "\n## What is not named\nHere the verdict names less than what is wrong, because the reply does not show it.\n\n\
         | case | really | verdict | why |\n|---|---|---|---|\n",
    );
    for (named, case) in register {
        let expect = case.expected();
        if let Some((truth, why)) = expect.truth {
            let said = expect
                .code
                .map_or("`Inconclusive`".to_owned(), |code| format!("`{code}`"));
            let _ = writeln!(text, "| {} | `{truth}` | {said} | {why} |", words(named.name));
        }
    }
    text
}

fn findings(register: &[(Named, Case)]) -> String {
    let mut text = String::from(
        "\n## Which case shows a finding\nOne of the cases that must name it. Recorded: no gateway program can be made to do it, and bytes are played back.\n\n\
         | finding | for example |\n|---|---|\n",
    );
    for entry in CATALOGUE {
        let shows = |case: &Case| case.expected().codes().contains(&entry.code);
        let example = example(register, &shows);
        let _ = writeln!(text, "| `{}` | {example} |", entry.code);
    }
    text
}

fn rows(register: &[(Named, Case)]) -> String {
    let mut text = String::from(
        "\n## Which case shows a row of the decision table\n\n| row | what is wrong | for example |\n|---|---|---|\n",
    );
    for (row, what) in ROWS {
        let shows = |case: &Case| case.table_rows().contains(&row);
        let _ = writeln!(text, "| `{row}` | {what} | {} |", example(register, &shows));
    }
    text
}

/// The first case of this kind, before those that play back bytes.
fn example(register: &[(Named, Case)], shows: &impl Fn(&Case) -> bool) -> String {
    let mut with: Vec<&(Named, Case)> = register.iter().filter(|(_, case)| shows(case)).collect();
    with.sort_by_key(|(_, case)| case.why_recorded().is_some());
    with.first()
        .map_or_else(String::new, |(named, case)| match case.why_recorded() {
            Some(why) => format!("{} (recorded: {why})", words(named.name)),
            None => words(named.name),
        })
}

/// A case's name as a sentence.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[test]
fn the_document_is_what_the_register_says() {
    let path = crate::accuracy::document_path();
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let (said, measured) = kept.split_once(MEASURED).unwrap_or((&kept, ""));
    let text = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{text}{MEASURED}{measured}")).unwrap();
    } else {
        assert!(
            said == text,
            "docs/accuracy.md is not what the cases say: run make generate"
        );
    }
}
