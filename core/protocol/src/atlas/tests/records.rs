//! Real records against the atlas: what they are called, whether they read, whether they are data events, and the names of
//! their parameters and elements, at every depth, are ones that our spelling gives.
//!
//! The other way round nothing is held: a record shows what was sent, and some services add what was not.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use opentrail_event::Category;
use serde_json::Value;

use crate::atlas::{Atlas, data};
use crate::model::shape::{Kind, ShapeId};
use crate::render::ec2;
use crate::{Document, OperationModel, Protocol, ServiceModel, render, s3};

mod agreed;

use agreed::{NOT_MODELLED, NOT_OURS};

/// How deep names are followed; shapes may hold themselves.
const DEPTH: usize = 7;

/// A value of a shape with everything in it that it may have.
fn full(model: &ServiceModel, shape: Option<ShapeId>, depth: usize) -> Document {
    let Some(shape) = shape else { return Document::structure() };
    let of = |id| full(model, Some(id), depth + 1);
    match &model.shape(shape).kind {
        _ if depth > DEPTH => Document::Null,
        Kind::Structure(members) => Document::Map(members.iter().map(|m| (m.name.to_owned(), of(m.shape))).collect()),
        Kind::List(member) => Document::List(vec![of(member.shape)]),
        Kind::Map(parts) => Document::Map(vec![("*".to_owned(), of(parts[1].shape))]),
        Kind::Bool => Document::Bool(true),
        Kind::Integer | Kind::Long => Document::Int(1),
        Kind::Float => Document::Float(1.0),
        _ => Document::from("x"),
    }
}

/// Names of `real` that `ours` does not have, as paths.
fn missing(real: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    match (real, ours) {
        (Value::Object(real), Value::Object(ours)) => {
            for (name, value) in real {
                let path = format!("{path}.{name}");
                match ours.get(name).or_else(|| ours.get("*")) {
                    Some(ours) => missing(value, ours, &path, found),
                    None => found.push(path),
                }
            }
        }
        (Value::Array(real), Value::Array(ours)) => {
            for (real, ours) in real.iter().zip(ours.iter().cycle()) {
                missing(real, ours, path, found);
            }
        }
        // EC2 shows one element bare.
        (Value::Array(real), ours @ Value::Object(_)) => real.iter().for_each(|real| missing(real, ours, path, found)),
        (Value::Object(real), Value::Array(_)) if !real.is_empty() => found.push(format!("{path} is no list")),
        // Hidden, empty, or a document in a text.
        _ => {}
    }
}

struct Found {
    id: String,
    model: Arc<ServiceModel>,
    operation: String,
    version: Option<String>,
}

/// The operations whose records bear this source and name.
fn of_event(atlas: &Atlas, source: &str, name: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for entry in atlas.entries.iter().filter(|entry| entry.event_source == source) {
        let model = atlas.service(&entry.id).expect("every table is well formed");
        if let Some(operation) = model.operation_of_event(name) {
            let operation = operation.name.to_string();
            let version = data::api_version(&entry.id, &entry.api_version);
            found.push(Found { id: entry.id.clone(), model, operation, version });
        }
    }
    found
}

fn json(written: Option<opentrail_event::RawJson>) -> Value {
    written.map_or(Value::Null, |json| serde_json::from_slice(json.as_bytes()).expect("well formed"))
}

fn spelled(found: &Found, operation: &OperationModel) -> (Value, Value) {
    let model = &found.model;
    let request = json(render::request_parameters(model, operation, &full(model, operation.input, 0)));
    let output = full(model, operation.output, 0);
    let answer = match model.protocol {
        Protocol::Ec2Query => json(ec2::classic_response_elements(model, operation, &output, Some("r"), Some(true))),
        _ => json(render::response_elements(model, operation, &output)),
    };
    (request, answer)
}

/// What is different between a record and what we would have written.
fn differences(record: &Value, found: &Found) -> Vec<String> {
    let operation = found.model.operation(&found.operation).expect("it was found");
    let name = &operation.name;
    let mut differences = Vec::new();
    // Some were converted to texts on their way to us.
    let flag = |name: &str| match &record[name] {
        Value::String(text) => text.parse::<bool>().ok(),
        value => value.as_bool(),
    };
    if flag("readOnly").is_some_and(|reads| reads != operation.read_only) {
        differences.push(format!("{} {name} readOnly", found.id));
    }
    let data = match found.id.as_str() {
        "s3" => s3::is_data(name),
        id => data::resource_type(id, name).is_some(),
    };
    let category = if data { Category::Data } else { Category::Management };
    if flag("managementEvent").is_some_and(|management| management != (category == Category::Management)) {
        differences.push(format!("{} {name} managementEvent", found.id));
    }
    // Denials and older records are without.
    let version = found.version.clone();
    if record["apiVersion"].as_str().is_some_and(|real| version.as_deref() != Some(real)) {
        differences.push(format!("{} {name} apiVersion", found.id));
    }
    // The parameters of S3 have a test of their own; the later answers of EC2 are their XML.
    if found.id == "s3" {
        return differences;
    }
    let (request, answer) = spelled(found, operation);
    let mut paths = Vec::new();
    missing(&record["requestParameters"], &request, "requestParameters", &mut paths);
    if found.id != "ec2" || ec2::is_classic(name) {
        missing(&record["responseElements"], &answer, "responseElements", &mut paths);
    }
    differences.extend(paths.into_iter().map(|path| format!("{} {name} {path}", found.id)));
    differences
}

#[test]
fn real_records_agree_with_the_atlas() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail/events.ndjson.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: there are no real records at {}", path.display());
        return;
    };
    let atlas = Atlas::builtin();
    let (mut unexpected, mut met, mut agreed) = (BTreeSet::new(), BTreeSet::new(), 0);
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let record: Value = serde_json::from_str(&line.expect("a line")).expect("a record");
        let text = |name: &str| record[name].as_str().unwrap_or_default();
        let (source, name) = (text("eventSource"), text("eventName"));
        // Written by hand for documentation: some have what real ones never have.
        if record["eventType"] != "AwsApiCall" || source.is_empty() || text("eventID").contains("EXAMPLE") {
            continue;
        }
        let found = of_event(&atlas, source, name);
        if found.is_empty() {
            let called = format!("{} {name}", source.trim_end_matches(".amazonaws.com"));
            match NOT_MODELLED.iter().find(|listed| **listed == called) {
                Some(listed) => _ = met.insert(*listed),
                None => _ = unexpected.insert(format!("not in the models: {called}")),
            }
            continue;
        }
        // Where services share a source and a name, the one that explains the record best made it.
        let mut fewest = found.iter().map(|found| differences(&record, found)).min_by_key(Vec::len).unwrap_or_default();
        fewest.retain(|difference| {
            let listed = NOT_OURS.iter().find(|(listed, _)| difference.starts_with(listed));
            met.extend(listed.map(|(listed, _)| *listed));
            listed.is_none()
        });
        agreed += 1;
        unexpected.extend(fewest);
    }
    assert!(unexpected.is_empty(), "{} differences:\n{}", unexpected.len(), Vec::from_iter(unexpected).join("\n"));
    let stale: Vec<_> = NOT_OURS.iter().map(|(listed, _)| *listed).chain(NOT_MODELLED.iter().copied()).collect();
    let stale: Vec<_> = stale.into_iter().filter(|listed| !met.contains(listed)).collect();
    assert!(stale.is_empty(), "agreed upon, and not met any more: {stale:?}");
    assert!(agreed > 3_000, "only {agreed} records are of operations in the models");
}
