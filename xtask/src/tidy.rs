//! The rules of the house, as tests: each reads the tree and names the place that breaks a rule.

mod edges;
mod files;
mod operations;

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::root;

/// Every source file of ours: its path from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the tree can be read") {
            let path = entry.expect("the tree can be read").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | "node_modules" | "corpus") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((relative(&path), text));
            }
        }
    }
    assert!(found.len() > 50, "the tree was not found");
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("it lies in the tree").to_string_lossy().into_owned()
}

/// Whether a file holds tests only, by the places tests stand in.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/testing/") || path.ends_with("tests.rs") || path.contains("/examples/")
}

/// The lines of a file above its inline tests, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests_at = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests_at].lines().enumerate().map(|(i, line)| (i + 1, line))
}

/// Fails with every complaint at once.
fn settle(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}\n  {}", complaints.join("\n  "));
}
