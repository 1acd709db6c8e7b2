//! Which crate may use which, what they may depend on, and under which licences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{relative, settle};
use crate::run;

struct Crate {
    name: String,
    folder: String,
    uses: Vec<String>,
}

fn metadata() -> Value {
    let out = run::output(run::cargo().args(["metadata", "--format-version", "1", "--locked"]));
    serde_json::from_str(&out.expect("cargo metadata runs")).expect("cargo metadata is JSON")
}

/// Our crates, with the normal dependencies among them (those of tests aside).
fn ours() -> Vec<Crate> {
    let metadata = metadata();
    let members: BTreeSet<&str> = list(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
    let packages: Vec<&Value> =
        list(&metadata["packages"]).filter(|p| p["id"].as_str().is_some_and(|id| members.contains(id))).collect();
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    packages
        .iter()
        .map(|p| {
            let manifest = p["manifest_path"].as_str().expect("a package has a manifest");
            let folder = std::path::Path::new(manifest).parent().expect("a manifest lies in a folder");
            let uses = list(&p["dependencies"])
                .filter(|d| d["kind"].as_str() != Some("dev"))
                .filter_map(|d| d["name"].as_str())
                .filter(|name| names.contains(name));
            Crate {
                name: p["name"].as_str().expect("a package has a name").to_owned(),
                folder: relative(folder),
                uses: uses.map(str::to_owned).collect(),
            }
        })
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// May a crate in `from` use one in `to`? Folders from the root.
fn may_use(from: &str, to: &str) -> bool {
    let room = |folder: &str| folder.split('/').next().unwrap_or_default().to_owned();
    match room(from).as_str() {
        "core" | "wire" | "capture" | "destinations" => room(to) == "core",
        "services" => {
            let beyond = matches!(from, "services/cloudtrail" | "services/athena");
            matches!(room(to).as_str(), "core" | "wire")
                || beyond && matches!(room(to).as_str(), "capture" | "destinations")
        }
        "engines" => room(to) == "core" || (from == "engines/sql" && to == "engines/columnar"),
        "server" | "sim" | "bench" => true,
        _ => false,
    }
}

#[test]
fn crates_use_only_what_their_room_allows() {
    let crates = ours();
    let folder: BTreeMap<&str, &str> = crates.iter().map(|c| (c.name.as_str(), c.folder.as_str())).collect();
    let mut complaints = Vec::new();
    for c in &crates {
        for used in &c.uses {
            if !may_use(&c.folder, folder[used.as_str()]) {
                complaints.push(format!("{} uses {}", c.folder, folder[used.as_str()]));
            }
        }
    }
    settle("a forbidden edge between crates; ARCHITECTURE.md says who may use whom", &complaints);
}

#[test]
fn the_rule_of_edges_tells_right_from_wrong() {
    for (from, to, expect) in [
        ("core/event", "core/world", true),
        ("core/event", "wire", false),
        ("wire", "capture", false),
        ("destinations/history", "destinations/trail", false),
        ("services/s3", "services/iam", false),
        ("services/s3", "destinations/history", false),
        ("services/cloudtrail", "destinations/history", true),
        ("engines/local", "engines/columnar", false),
        ("server", "engines/local", true),
    ] {
        assert_eq!(may_use(from, to), expect, "{from} → {to}");
    }
}

#[test]
fn every_dependency_is_used() {
    let mut complaints = Vec::new();
    for c in ours() {
        let manifest = std::fs::read_to_string(run::root().join(&c.folder).join("Cargo.toml")).expect("a manifest");
        let sources: String = super::sources()
            .into_iter()
            .filter(|(path, _)| path.starts_with(&format!("{}/", c.folder)))
            .map(|(_, text)| text)
            .collect();
        for line in manifest.lines() {
            let Some(name) = line.strip_suffix(".workspace = true") else { continue };
            let krate = if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
            let is_dependency = !matches!(name, "version" | "edition" | "rust-version" | "license" | "publish");
            if is_dependency && !sources.contains(&krate) {
                complaints.push(format!("{} does not use {name}", c.folder));
            }
        }
    }
    settle("an unused dependency", &complaints);
}

#[test]
fn licences_are_ones_that_go_with_ours() {
    let fine = |licence: &str| {
        let any = |terms: &str| {
            terms.split(['/', ' ', '(', ')']).filter(|t| !t.is_empty() && *t != "OR" && *t != "AND").any(|t| {
                matches!(
                    t,
                    "MIT"
                        | "Apache-2.0"
                        | "BSD-2-Clause"
                        | "BSD-3-Clause"
                        | "ISC"
                        | "Zlib"
                        | "Unicode-3.0"
                        | "CC0-1.0"
                        | "0BSD"
                        | "BSL-1.0"
                        | "Unlicense"
                        | "MIT-0"
                        | "CDLA-Permissive-2.0"
                        | "OpenSSL"
                )
            })
        };
        licence.split(" AND ").all(any)
    };
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in list(&metadata["packages"]) {
        let licence = package["license"].as_str().unwrap_or("none named");
        if !fine(licence) {
            complaints.push(format!("{}: {licence}", package["name"].as_str().unwrap_or_default()));
        }
    }
    settle("a licence that does not go with Apache-2.0", &complaints);
}
