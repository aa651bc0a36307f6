//! One target under libFuzzer, chosen by `FUZZ_TARGET`.

#![no_main]
#![allow(missing_docs)]

use std::sync::LazyLock;

#[path = "../targets/mod.rs"]
mod targets;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    targets::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET={name}: one of {:?}", targets::TARGETS.map(|(name, _)| name)))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (*TARGET)(bytes));
