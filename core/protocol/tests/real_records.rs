//! Real CloudTrail records against the tables: the operations they name, whether those read, and the parameters they
//! have.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use opentrail_protocol::{Document, Models, request_parameters};
use serde_json::Value;

/// Operations that have no public model.
const NOT_OF_THE_API: &[(&str, &str)] = &[("s3", "GetStorageLensDashboardDataInternal")];

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn records() -> Option<impl Iterator<Item = Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail/events.ndjson.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: there are no real records at {}", path.display());
        return None;
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    Some(lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("a record")))
}

#[test]
fn real_records_agree_with_the_tables() {
    let Some(records) = records() else { return };
    let models = Models::builtin();
    let mut disagreements = BTreeSet::new();
    let mut agreed = 0;
    for record in records {
        let (Some(source), Some(name)) = (record["eventSource"].as_str(), record["eventName"].as_str()) else {
            continue;
        };
        let Some(service) = source.strip_suffix(".amazonaws.com").and_then(|s| models.by_signing_name(s)) else {
            continue;
        };
        // Written by hand for documentation: two of them have a readOnly that real ones never have.
        if record["eventID"].as_str().is_some_and(|id| id.contains("EXAMPLE")) {
            continue;
        }
        // S3 Control is a service of its own.
        if service.signing_name == "s3"
            && record["requestParameters"]["Host"].as_str().is_some_and(|h| h.contains("s3-control"))
        {
            continue;
        }
        if NOT_OF_THE_API.contains(&(service.signing_name.as_str(), name)) || record["eventType"] != "AwsApiCall" {
            continue;
        }
        let Some(operation) = service.operations().find(|operation| operation.event_name == name) else {
            disagreements.insert(format!("{source} has no {name}"));
            continue;
        };
        if record["readOnly"].as_bool().is_some_and(|read_only| read_only != operation.read_only) {
            disagreements.insert(format!("{source} {name} readOnly"));
        }
        if let (true, Some(parameters)) = (service.signing_name != "s3", record["requestParameters"].as_object()) {
            // Written back from the model's members, each under its API name, the same names must come out.
            let upper = |name: &str| name[..1].to_uppercase() + &name[1..];
            for parameter in parameters.keys() {
                let known = [upper(parameter), parameter.clone()].into_iter().any(|member| {
                    let input = Document::Map(vec![(member, Document::from("x"))]);
                    request_parameters(&service, operation, &input)
                        .is_some_and(|json| json.as_bytes().starts_with(format!("{{\"{parameter}\":").as_bytes()))
                });
                if !known {
                    disagreements.insert(format!("{source} {name} {parameter}"));
                }
            }
        }
        agreed += 1;
    }
    assert!(agreed > 500, "only {agreed} records are of services with a table");
    assert_eq!(disagreements, BTreeSet::new());
}
