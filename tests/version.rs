//! The commit in `--version`: `build.rs` reads it from git or from the archive, if either has one.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, dead_code, unreachable_pub)]

#[path = "../build.rs"]
mod build;

use std::path::Path;
use std::process::Command;

use build::commit;

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with the files that matter, and its commit as it is shown.
fn repository() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::create_dir(root.join("src")).unwrap();
    for file in ["build.rs", "Cargo.toml", "Cargo.lock", "src/main.rs", "README.md"] {
        std::fs::write(root.join(file), file).unwrap();
    }
    for file in [".gitattributes", "src/commit.txt"] {
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), root.join(file)).unwrap();
    }
    git(root, &["init", "--quiet"]);
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message=first"]);
    let hash = git(root, &["rev-parse", "HEAD"]);
    (directory, hash[..12].to_owned())
}

#[test]
fn a_clean_tree_is_its_commit_and_a_changed_source_makes_it_dirty() {
    let (directory, hash) = repository();
    let root = directory.path();
    assert_eq!(commit(root), Some(hash.clone()));
    std::fs::write(root.join("README.md"), "changed").unwrap();
    assert_eq!(
        commit(root),
        Some(hash.clone()),
        "what is not in the program does not matter"
    );
    std::fs::write(root.join("src/new.rs"), "").unwrap();
    assert_eq!(commit(root), Some(format!("{hash}-dirty")));
}

#[test]
fn a_shallow_clone_and_a_worktree_know_their_commit() {
    let (directory, hash) = repository();
    let other = tempfile::tempdir().unwrap();
    let from = format!("file://{}", directory.path().display());
    git(other.path(), &["clone", "--quiet", "--depth=1", &from, "clone"]);
    assert_eq!(commit(&other.path().join("clone")), Some(hash.clone()));
    let tree = other.path().join("tree");
    git(
        directory.path(),
        &["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()],
    );
    assert_eq!(commit(&tree), Some(hash));
}

#[test]
fn an_archive_knows_its_commit_without_git_even_inside_another_repository() {
    let (directory, hash) = repository();
    let (other, _) = repository();
    let unpacked = other.path().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let archive = other.path().join("sources.tar");
    git(
        directory.path(),
        &["archive", "--output", archive.to_str().unwrap(), "HEAD"],
    );
    let tar = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&unpacked)
        .status();
    assert!(tar.unwrap().success());
    assert_eq!(commit(&unpacked), Some(hash));
    // Without the archive's file, the other repository's commit is not used.
    std::fs::write(unpacked.join("src/commit.txt"), "").unwrap();
    assert_eq!(commit(&unpacked), None);
}

#[test]
fn sources_without_git_have_no_commit() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(commit(directory.path()), None);
}
