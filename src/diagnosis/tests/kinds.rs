//! No exchange is sent for nothing.

use std::path::Path;

use crate::diagnosis::fixture::K;

/// The text of all rules.
fn rules() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis/rules");
    let files = std::fs::read_dir(directory).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn the_reply_to_each_kind_of_exchange_is_read_by_a_rule() {
    let rules = rules();
    for kind in K::all() {
        let named = rules.contains(&format!("ExchangeKind::{}", kind.name()));
        // Those that are judged together: as attempts of the frozen request, as fields that Claude does not know.
        let together = kind.is_frozen_request() || kind.entry().unknown_field.is_some();
        assert!(named || together, "no rule reads the reply to {}", kind.name());
    }
}
