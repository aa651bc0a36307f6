//! The chart's alerts with short durations, for tests that cannot wait for minutes.

/// The rules with seconds instead of minutes. The five minutes that bridge a restart of the operator become `bridge`: a
/// test with a restart needs enough time for it.
pub fn shortened(rules: &str, bridge: &str) -> String {
    let short = |duration: &str| match duration {
        "5m" => bridge.to_owned(),
        "1h" => "60s".to_owned(),
        minutes => minutes
            .strip_suffix('m')
            .map(|number| format!("{number}s"))
            .unwrap_or_else(|| panic!("{minutes}")),
    };
    let lines = rules.lines().map(|line| match line.split_once("for: ") {
        Some((before, duration)) if ["", "keep_firing_"].contains(&before.trim_start()) => {
            format!("{before}for: {}", short(duration))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
