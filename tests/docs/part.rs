//! Documents and generated parts of documents: compared with what the program makes, or written where `UPDATE_DOCS` is set.

use std::path::Path;

/// Compares a whole document.
pub fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if read(file) != text && std::env::var_os("UPDATE_DOCS").is_some() {
        // At once, for other tests may be reading it.
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }
    assert!(
        read(file) == text,
        "{file} is not what the program writes: run make generate"
    );
}

/// A file of the repository; nothing where there is none.
pub fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default()
}

/// Compares the part `name` of a document that is otherwise written by hand.
pub fn part(file: &str, name: &str, text: &str) {
    part_like(file, name, text, str::to_owned);
}

/// Compares only what `same` leaves of both texts: times and ids differ from run to run.
pub fn part_like(file: &str, name: &str, text: &str, same: impl Fn(&str) -> String) {
    // Several parts of one file may be compared at the same time.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let kept = read(file);
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = kept
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{file} has no {begin}"));
    let (now, after) = rest
        .split_once("<!-- end -->")
        .unwrap_or_else(|| panic!("{file}: {name} has no end"));
    if same(now) != same(text) {
        compare(file, &format!("{before}{begin}{text}<!-- end -->{after}"));
    }
}
