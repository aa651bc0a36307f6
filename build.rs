//! Sets the compiler's variable `CLAUDEPROBE_COMMIT` to the commit of the sources (`src/version.rs` reads it).
//!
//! Empty if the commit is unknown, and always in development builds: each commit would build the whole library again. A packager whose
//! sources have no commit sets the variable.

use std::path::Path;
use std::process::Command;

/// What the program is made of. A difference from the commit in anything else does not make it another program.
const SOURCES: [&str; 4] = ["build.rs", "Cargo.toml", "Cargo.lock", "src"];
/// `git archive` writes the commit into this file.
const ARCHIVED: &str = "src/commit.txt";
/// Of a hash: enough for every repository, and the same in a shallow clone, where git itself would shorten more.
const LENGTH: usize = 12;

fn main() {
    println!("cargo::rerun-if-env-changed=CLAUDEPROBE_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let commit = match std::env::var("CLAUDEPROBE_COMMIT") {
        Ok(given) => given,
        Err(_) if std::env::var("OPT_LEVEL").is_ok_and(|level| level == "0") => String::new(),
        Err(_) => {
            for source in SOURCES.map(str::to_owned).into_iter().chain(moves(Path::new(&root))) {
                println!("cargo::rerun-if-changed={source}");
            }
            commit(Path::new(&root)).unwrap_or_default()
        }
    };
    println!("cargo::rustc-env=CLAUDEPROBE_COMMIT={commit}");
}

/// The commit of the sources in `root`, with `-dirty` where they differ from it.
pub fn commit(root: &Path) -> Option<String> {
    let archived = std::fs::read_to_string(root.join(ARCHIVED)).unwrap_or_default();
    if let Some(hash) = short(archived.trim()) {
        return Some(hash.to_owned());
    }
    // Sources inside another repository are not at that repository's commit.
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let head = git(root, &["rev-parse", "HEAD"])?;
    let changed = git(root, &[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    let dirty = if changed.is_empty() { "" } else { "-dirty" };
    Some(format!("{}{dirty}", short(&head)?))
}

/// The file that git appends to whenever the commit changes, where there is one.
fn moves(root: &Path) -> Option<String> {
    let log = git(root, &["rev-parse", "--git-path", "logs/HEAD"])?;
    root.join(&log).exists().then_some(log)
}

fn short(hash: &str) -> Option<&str> {
    let hash = hash.get(..LENGTH)?;
    hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(hash)
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    // Without locks: another process may work in the repository.
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .args(arguments)
        .current_dir(root)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
