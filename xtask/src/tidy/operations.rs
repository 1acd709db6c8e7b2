//! Every operation that is served is also shown to work, from outside.

use std::collections::BTreeSet;
use std::fs;

use super::{settle, sources};
use crate::run::root;

/// Names after `name: "` in the operation files of services (`Facts` of RPC services), and those that begin the rows of tables.
fn served() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("services/") || !(path.contains("/src/op/") || path.contains("/src/sts/")) {
            continue;
        }
        for line in text.lines() {
            let row = |line: &str| line.starts_with('"') && line.contains(" => ");
            let facts = line.trim().strip_prefix("name: \"");
            let begins = facts
                .or_else(|| line.trim().strip_prefix('"').filter(|_| path.ends_with("/table.rs") && row(line.trim())));
            if let Some(name) = begins.and_then(|rest| rest.split('"').next()) {
                found.push((path.clone(), name.to_owned()));
            }
        }
    }
    assert!(!found.is_empty(), "no operation was found");
    found
}

/// The operations of S3, which stand in two tables of its backend.
fn served_by_s3() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("services/s3/src/backend") {
            continue;
        }
        for table in ["const BUILT: [&str; ", "const DIRECT: [&str; "] {
            let Some((_, rest)) = text.split_once(table) else { continue };
            let rows = rest.split_once("= [").and_then(|(_, rows)| rows.split_once("];"));
            let names = rows.map_or("", |(rows, _)| rows).split('"').skip(1).step_by(2);
            found.extend(names.map(|name| (path.clone(), name.to_owned())));
        }
    }
    assert!(found.len() > 30, "the tables of S3's operations were not found");
    found
}

/// As boto3 calls it: `list_objects_v2`, `create_saml_provider`.
fn method(operation: &str) -> String {
    let mut method = String::new();
    let letters: Vec<char> = operation.chars().collect();
    for (i, c) in letters.iter().enumerate() {
        let begins = |at: usize| letters.get(at).is_some_and(char::is_ascii_lowercase);
        // Capitals in a row are one word, but for the last of them before a small letter.
        if c.is_ascii_uppercase() && i > 0 && (begins(i - 1) || begins(i + 1)) {
            method.push('_');
        }
        method.push(c.to_ascii_lowercase());
    }
    method
}

/// Operations that nobody has to be allowed, as `service Name`: those whose `Facts` say `open: true`.
fn open() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        let service = match path.strip_prefix("services/") {
            Some(rest) if rest.starts_with("iam/src/sts/") => "sts",
            Some(rest) => rest.split('/').next().unwrap_or_default(),
            None => continue,
        };
        if text.lines().any(|line| line.trim() == "open: true,") {
            let name = text.lines().find_map(|line| line.trim().strip_prefix("name: \""));
            let name = name.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{path} has no name"));
            found.insert(format!("{service} {name}"));
        }
    }
    found
}

/// The scenario that tries every operation leaves out what is open, and says why it is: no more and no less than the code.
#[test]
fn what_is_open_is_open_for_a_reason() {
    let text = fs::read_to_string(root().join("scenarios/test_sts_nothing_open.py")).expect("a scenario");
    let table = text.split_once("\nOPEN = {\n").and_then(|(_, rest)| rest.split_once("\n}\n"));
    let (rows, _) = table.expect("the table of what is open");
    let mut listed = BTreeSet::new();
    for row in rows.lines() {
        let parts: Vec<&str> = row.split('"').collect();
        let [_, service, _, name, _, reason, _] = parts.as_slice() else { panic!("not a row: {row}") };
        assert!(reason.len() > 20, "{service} {name} is open without a reason");
        listed.insert(format!("{service} {name}"));
    }
    assert_eq!(listed, open());
}

#[test]
fn every_operation_of_s3_has_a_scenario() {
    let scenarios = scenarios();
    // Not only as the beginning of another: `list_objects` is no call of `list_objects_v2`.
    let is_called = |name: &str| {
        let method = method(name);
        scenarios.match_indices(&method).any(|(at, _)| {
            let next = scenarios[at + method.len()..].chars().next();
            next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        })
    };
    let missing = served_by_s3().into_iter().filter(|(_, name)| !is_called(name));
    let complaints: Vec<_> = missing.map(|(path, name)| format!("{name} ({path})")).collect();
    settle("an operation of S3 that no scenario calls", &complaints);
}

#[test]
fn every_operation_has_a_scenario() {
    let scenarios = scenarios();
    let missing = served()
        .into_iter()
        .filter(|(_, name)| !scenarios.contains(name.as_str()) && !scenarios.contains(&method(name)));
    let complaints: Vec<_> = missing.map(|(path, name)| format!("{name} ({path})")).collect();
    settle("an operation that no scenario names", &complaints);
}

fn scenarios() -> String {
    let mut scenarios = String::new();
    for entry in fs::read_dir(root().join("scenarios")).expect("there are scenarios") {
        let path = entry.expect("a folder can be read").path();
        if path.extension().is_some_and(|e| e == "py") {
            scenarios.push_str(&fs::read_to_string(path).expect("scenarios are UTF-8"));
        }
    }
    scenarios
}
