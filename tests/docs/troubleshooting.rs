//! `docs/troubleshooting.md`: one entry for each reason why a probe cannot see, its first line the program's own, the rest written by hand.

use std::fmt::Write as _;

use claudeprobe::metrics::FAMILIES;
use claudeprobe::status::fault::FaultKind;

const FILE: &str = "docs/troubleshooting.md";
const BEGIN: &str = "\n## ProberOperational is False\n";
const END: &str = "\n## ";

#[test]
fn every_reason_has_an_entry_that_begins_with_the_programs_words_and_goes_on_by_hand() {
    let kept = crate::read(FILE);
    let (before, rest) = kept.split_once(BEGIN).unwrap();
    let (entries, after) = rest.split_at(rest.find(END).unwrap());
    let (introduction, _) = entries.split_once("\n### ").unwrap_or((entries, ""));
    let mut text = introduction.to_owned();
    let mut bare = Vec::new();
    for kind in FaultKind::ALL {
        let known = entries
            .split("\n### ")
            .find_map(|entry| entry.strip_prefix(kind.name())?.strip_prefix('\n'));
        let by_hand = known
            .and_then(|entry| entry.split_once('\n'))
            .map_or("", |(_, rest)| rest.trim());
        if by_hand.is_empty() {
            bare.push(kind.name());
        }
        let mut title = kind.title().to_owned();
        title[..1].make_ascii_uppercase();
        let _ = write!(
            text,
            "\n### {}\n**{title}.** {}\n\n{by_hand}\n",
            kind.name(),
            kind.fix()
        );
    }
    crate::compare(FILE, &format!("{before}{BEGIN}{text}{after}"));
    assert!(bare.is_empty(), "nothing was written by hand about {bare:?}");
}

#[test]
fn every_reason_why_no_run_speaks_for_the_present_is_explained() {
    let text = crate::read(FILE);
    let family = FAMILIES.iter().find(|family| family.name == "stale").unwrap();
    let (_, reasons) = family.help.trim_end_matches('.').split_once("always 1: ").unwrap();
    for reason in reasons.split(", ") {
        assert!(
            text.contains(&format!("`{reason}`")),
            "{FILE} does not explain {reason}"
        );
    }
}
