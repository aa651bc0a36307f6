//! The order of the layers, held by reading the sources: imports point one way, pure modules read no clock, and files do not
//! import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the bottom up: a module imports from layers above its own in this list, never from its own or those below.
const LAYERS: &[&[&str]] = &[
    &["version", "telemetry", "text", "clock"],
    &["catalogue", "claude"],
    &["resource"],
    &["report"],
    &["plan"],
    &["diagnosis"],
    &["status"],
    &["standin"],
    &["demo"],
    &["probe"],
    &["metrics", "view"],
    &["operator"],
    &["http"],
    &["status_page"],
    &["cli"],
];

/// Imports that the order allows and the architecture forbids.
const FORBIDDEN: &[(&str, &str)] = &[("operator", "probe"), ("status_page", "probe"), ("view", "probe")];

/// Layers and modules that get the time as a value.
const PURE: &[&str] = &[
    "catalogue",
    "claude",
    "resource",
    "report",
    "plan",
    "diagnosis",
    "status",
    "operator/decide",
    "operator/pod",
];

/// Circles of imports that stand, each as its files.
const CIRCLES: &[&[&str]] = &[&["operator/reconcile", "operator/wiring"]];

/// The sources without tests and comments, by module: `operator/run`.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let name = name.to_str().unwrap().trim_end_matches("/mod").to_owned();
            let of_tests = name
                .split('/')
                .any(|part| matches!(part, "tests" | "fixture" | "simulation" | "layers"));
            if path.extension().is_some_and(|end| end == "rs") && !of_tests && !matches!(&*name, "lib" | "main") {
                sources.insert(name, code(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    sources
}

fn code(text: &str) -> String {
    let tests = text.find("\nmod tests {").unwrap_or(text.len());
    let lines = text[..tests].lines();
    let lines: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with("//")).collect();
    lines.join("\n")
}

/// The paths of a `use` tree, each in its parts.
fn expand(before: &[String], tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let parts = |text: &str| {
        let parts = text.split("::").map(str::trim).filter(|part| !part.is_empty());
        before
            .iter()
            .cloned()
            .chain(parts.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![parts(tree.split(" as ").next().unwrap())];
    };
    let (head, inner) = (parts(head), rest.trim_end().strip_suffix('}').unwrap_or(rest));
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths.extend(expand(&head, &inner[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        paths.extend(expand(&head, &inner[start..]));
    }
    paths
}

/// All paths that the code names from the crate's root or from its parent.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let begins = at == 0 || code[..at].ends_with(|letter: char| letter.is_whitespace());
        if let Some(end) = code[at..].find(';').filter(|_| begins) {
            paths.extend(expand(&[], &code[at + 4..at + end]));
        }
    }
    for start in ["crate::", "super::"] {
        // Not the second `super` of two.
        let whole = |at: &usize| !code[..*at].ends_with("::");
        for at in code.match_indices(start).map(|(at, _)| at).filter(whole) {
            let end = code[at..].find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | ':')));
            let path = &code[at..end.map_or(code.len(), |end| at + end)];
            // A tree of `use` was expanded above.
            if !path.ends_with("::") {
                paths.extend(expand(&[], path));
            }
        }
    }
    paths
}

/// The module that a path of this one leads to. A parent and what it re-exports of its children are one.
fn target(module: &str, path: &[String], sources: &BTreeMap<String, String>) -> Option<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let own: Vec<&str> = module.split('/').collect();
    let mut whole: Vec<&str> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "super" => own[..own.len().checked_sub(ups)?].to_vec(),
        _ => return None,
    };
    whole.extend(path.iter().skip(ups.max(1)).map(String::as_str));
    let mut ends = (1..=whole.len()).rev().map(|end| whole[..end].join("/"));
    ends.find(|name| sources.contains_key(name))
        .filter(|name| name != module)
}

/// Every import between two files.
fn imports() -> BTreeSet<(String, String)> {
    let sources = sources();
    assert!(sources.len() > 100, "{}", sources.len());
    let of = |(module, code): (&String, &String)| {
        let paths = paths(code).into_iter();
        let targets: Vec<_> = paths.filter_map(|path| target(module, &path, &sources)).collect();
        targets.into_iter().map(|to| (module.clone(), to)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

fn top(module: &str) -> &str {
    module.split('/').next().unwrap()
}

#[test]
fn no_layer_imports_upward() {
    let rank = |module: &str| {
        let rank = LAYERS.iter().position(|layer| layer.contains(&top(module)));
        rank.unwrap_or_else(|| panic!("{module} is of no layer"))
    };
    let imports = imports();
    let upward: Vec<_> = imports
        .iter()
        .filter(|(from, to)| top(from) != top(to))
        .filter(|(from, to)| rank(to) >= rank(from) || FORBIDDEN.contains(&(top(from), top(to))))
        .collect();
    assert!(imports.len() > 300 && upward.is_empty(), "{} {upward:?}", imports.len());
}

#[test]
fn pure_modules_read_no_clock() {
    let clocks = [
        "Timestamp::now",
        "SystemTime::now",
        "Instant::now",
        "Zoned::now",
        "clock::now",
    ];
    for (module, code) in sources()
        .iter()
        .filter(|(module, _)| PURE.contains(&top(module)) || PURE.contains(&module.as_str()))
    {
        assert!(
            !clocks.iter().any(|clock| code.contains(clock)),
            "{module} reads a clock"
        );
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = imports();
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in &imports {
        reach.entry(from).or_default().insert(to);
    }
    // Whatever can be reached, step by step, until nothing is added.
    loop {
        let before: usize = reach.values().map(BTreeSet::len).sum();
        let further = |to: &&str| reach.get(to).cloned().unwrap_or_default();
        let next = reach
            .iter()
            .map(|(from, to)| (*from, to.iter().flat_map(further).chain(to.iter().copied()).collect()));
        reach = next.collect();
        if reach.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let mutual =
        |one: &str, other: &str| reach[one].contains(other) && reach.get(other).is_some_and(|to| to.contains(one));
    let circles: BTreeSet<Vec<&str>> = reach
        .keys()
        .filter(|file| reach[**file].contains(**file))
        .map(|file| {
            reach[*file]
                .iter()
                .copied()
                .filter(|other| mutual(file, other))
                .collect()
        })
        .collect();
    let known: BTreeSet<Vec<&str>> = CIRCLES.iter().map(|circle| circle.to_vec()).collect();
    assert_eq!(circles, known, "circles that stand, and those that are listed");
}
