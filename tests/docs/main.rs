//! The documents hold what the program writes, and their links lead somewhere. `make generate` writes what is generated: whole documents, and parts between `<!-- generated: NAME -->` and `<!-- end -->`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod alerts;
mod architecture;
mod contributing;
mod links;
mod part;
mod readme;
mod security;
mod troubleshooting;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use claudeprobe::metrics::{FAMILIES, PREFIX};

use part::{compare, part, read};

#[test]
fn the_metrics_reference_is_the_catalogue() {
    let mut text = String::from(
        "# Metrics\n\nGenerated from `src/metrics/families.rs`. The leader exposes the series of all probes, with the labels `namespace` and\n\
         `probe` in addition to those listed; they are removed with the probe. Scrape with `honorLabels: true`.\n\n\
         A probe of two paths has at most 70 series; label values come from closed sets, except namespace, probe, path and host. A scrape reads\n\
         only memory: it succeeds while the API server is unreachable. The format is Prometheus' text format 0.0.4\n\
         (the library writes no OpenMetrics), and `promtool check metrics` reports no problem.\n",
    );
    for (title, per_probe) in [("Of each probe", true), ("Of the operator", false)] {
        let _ = write!(
            text,
            "\n## {title}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n"
        );
        for family in FAMILIES.iter().filter(|family| family.per_probe == per_probe) {
            let (name, kind, labels) = (family.name, family.kind.name(), family.labels.join(", "));
            let _ = writeln!(text, "| `{PREFIX}{name}` | {kind} | {labels} | {} |", family.help);
        }
    }
    compare("docs/metrics.md", &text);
}

#[test]
fn the_runbooks_are_the_catalogue() {
    use claudeprobe::catalogue::{CATALOGUE, runbook};
    let mut pages = vec![("README.md".to_owned(), runbook::index())];
    pages.extend(
        CATALOGUE
            .iter()
            .map(|entry| (format!("{}.md", entry.code), runbook::page(entry))),
    );
    for (name, text) in &pages {
        compare(&format!("docs/findings/{name}"), text);
    }
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            pages.iter().any(|(page, _)| *page == name),
            "docs/findings/{name} belongs to no finding"
        );
    }
}

const MANNERS: &str = "\
## Manners
- **Once per path and run**: the frozen request, regardless of the other paths' results. So paths are comparable.
- **Order**: as in the table. No exchange that generates tokens follows a forwarding check on that path. Exchanges that may cause a lock-out, a cool-down or an
  alarm come last. Invalid keys are sent after all others, and only when the frozen request got 401 or 403 (or Claude's 401,
  quoted under another status), or once after a change of spec or key.
- **One at a time** with each key, also where several Secrets have the same key; paths alternate, A B and then B A. Paths with keys of their own run in parallel.
- **Rate**: at most a fifth of the request limit that Claude last returned, in any minute, parallel requests included. Below 10 % of any limit
  the prober sends only the frozen request, and does not repeat it.
- **After a 429** from Claude, or on the direct path, that key is used only for the frozen request on the remaining paths (a
  gateway's own limit looks the same, and only the other path separates them) and for one confirming request, after `retry-after` but
  at most 10 s. A spend limit is not confirmed: it lasts for days. A gateway's own limit stops only the path through that gateway.
- **Connections**: each exchange on a fresh one. After a failure the next exchanges stay on the same connection, which pins the replica behind a
  Service, and the frozen request is sent once more on it (Repeat). If the name has several addresses, it is also sent once to another of them. A mixed
  result is a finding with its rate (\"some replicas\"), never a finding about all of them.
- **A stream that looks buffered** is sent once more (Repeat), through that gateway and then on the direct path, in the opposite order: buffering
  is attributed to a gateway only after two pairs of streams. A pair of the previous run counts as the first, and no more is sent.
  With `request.stream: false` OtherForm is sent once more instead. A gateway in a pod of its own is compared with the direct path's streams of
  another pod, and its second pair is that of the next run that sends one.
- **No hidden requests**: no retries, no redirects, no proxy from the environment. One exception: a zero-token exchange
  whose kept connection is closed is sent again on a fresh one.
- **Bounded**: each zero-token exchange has 30 s, the long request its own `timeout` on each path, the run its `runTimeout`. An exchange that
  cannot be sent in time is reported as skipped.
- **Deep runs** repeat an exchange, at most four times per path, where one sample is inconclusive: the gateway broke it, or its reply differs
  from that of the direct path.
- **A path with invalid settings** (a missing CA, an invalid URL) fails alone: nothing is sent on it, and its status has the reason.

## When
| run | sends |
|---|---|
| each | Frozen; after a failure also Repeat, Confirm or TrimmedKey |
| where the frozen request got a server error or no reply | also Route, there and on the direct path, unless `forwardingChecks.every` is `0s` |
| every `forwardingChecks.every`, and once after a change of spec or key | also CountTokens to BogusBeta and OtherForm, and the exchanges that `exchanges` enables |
| after a change of spec or key | also OtherAuthHeader, NoKey and BadKey |
| every `longRequest.every` | also Long |
| over budget | CountTokens to BogusBeta only, without MetadataField |
| `run --deep`, `check --deep` | all but Parallel, AttackPrompt and Long: BigBody with 2 MiB, LargeHeader with 32 KiB |

`claudeprobe check -f probe.yaml --explain-plan` prints the plan of your probe, with requests, tokens and US dollars per run and per day against
its budget (`-o json` for programs).

## Bodies
The same input gives the same bytes. No sampling parameter is ever sent (API version 2026-10-21 rejects them); for a model that thinks by default
the request sets the lowest thinking budget. Forwarding checks use the path's own key and, where `count_tokens` is served, that endpoint: Claude only
counts such a request. Elsewhere, and MetadataField everywhere (`count_tokens` has no `metadata`), they have a field that Claude rejects, or request one token.

A stream shows buffering only when its events spread over at least a second and ten reads on the direct path. The default of 64 tokens is
cheap and may be too short for that on a fast model: then `StreamIntact` reports that buffering cannot be seen. To find buffers of 8 or 16 KiB set
`request.maxTokens` to 1024 or more and a prompt that fills it, or enable `longRequest`.
";

#[test]
fn the_exchanges_are_those_that_the_prober_knows() {
    use claudeprobe::report::evidence::ExchangeKind;
    use claudeprobe::report::evidence::exchange_kind::Cost;
    let mut text = String::from(
        "# Exchanges\n\nGenerated from `src/report/evidence/exchange_kind.rs`: everything that is ever sent on a path, in this order. The handshake (P0) belongs to the\n\
         first of them: addresses, DNS, TCP and TLS times, ALPN, certificate. The direct path never gets the attack-looking prompt, only its\n\
         harmless twin.\n\n\
         | exchange | | sends | shows | tokens |\n|---|---|---|---|---|\n",
    );
    for kind in ExchangeKind::all() {
        let entry = kind.entry();
        let cost = match entry.cost {
            Cost::Answer => "an answer",
            Cost::LongAnswer => "a long answer",
            Cost::Nothing => "none",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {cost} |",
            kind.name(),
            entry.number,
            entry.sends,
            entry.shows
        );
    }
    compare("docs/exchanges.md", &format!("{text}\n{MANNERS}"));
}

#[test]
fn the_reference_is_the_schema() {
    compare(
        "docs/reference.md",
        &claudeprobe::resource::reference::markdown().unwrap(),
    );
}

#[test]
fn the_command_reference_is_the_programs_own_help() {
    let mut text = String::from("# Command line\n\nGenerated from `claudeprobe --help`.\n");
    let top = help(&[]);
    let _ = write!(text, "\n## claudeprobe\n```text\n{top}```\n");
    for command in commands(&top) {
        let _ = write!(text, "\n## claudeprobe {command}\n```text\n{}```\n", help(&[&command]));
    }
    compare("docs/command-line.md", &text);
}

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(command)
        .arg("--help")
        // Neither the width of a terminal nor variables that options read must matter.
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?} --help: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The subcommands that the top-level help lists.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty());
    names
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
