//! Every operation that is served is also shown to work, from outside.

use std::fs;

use super::{settle, sources};
use crate::run::root;

/// Names after `name: "` in the operation files of services: `Facts` of RPC services.
fn served() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("services/") || !path.contains("/src/op/") {
            continue;
        }
        for line in text.lines() {
            if let Some(name) = line.trim().strip_prefix("name: \"").and_then(|rest| rest.split('"').next()) {
                found.push((path.clone(), name.to_owned()));
            }
        }
    }
    assert!(!found.is_empty(), "no operation was found");
    found
}

#[test]
fn every_operation_has_a_scenario() {
    let mut scenarios = String::new();
    for entry in fs::read_dir(root().join("scenarios")).expect("there are scenarios") {
        let path = entry.expect("a folder can be read").path();
        if path.extension().is_some_and(|e| e == "py") {
            scenarios.push_str(&fs::read_to_string(path).expect("scenarios are UTF-8"));
        }
    }
    let missing = served().into_iter().filter(|(_, name)| !scenarios.contains(name.as_str()));
    let complaints: Vec<_> = missing.map(|(path, name)| format!("{name} ({path})")).collect();
    settle("an operation that no scenario names", &complaints);
}
