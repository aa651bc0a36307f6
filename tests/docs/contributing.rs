//! The worked changes of CONTRIBUTING.md: what a diff keeps or removes stands in the file that it names, in that order.

use super::part::read;

#[test]
fn every_worked_change_still_fits_its_file() {
    let text = read("CONTRIBUTING.md");
    let diffs: Vec<&str> = text
        .split("```diff\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(diffs.len(), 3);
    let mut compared = 0;
    for diff in diffs {
        let (mut file, mut kept, mut from) = ("", String::new(), 0);
        for line in diff.lines().filter(|line| !line.starts_with("--- ")) {
            if let Some(name) = line.strip_prefix("+++ b/") {
                (file, kept, from) = (name, read(name), 0);
                assert!(!kept.is_empty(), "{file} does not exist");
            } else if let Some(line) = line.strip_prefix([' ', '-']).filter(|line| !line.trim().is_empty()) {
                let place = kept[from..].find(&format!("{line}\n"));
                from += place.unwrap_or_else(|| panic!("{file} has no line `{line}` after the one before"));
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared}");
}
