//! For every operation of every model a request is made up from the model, and recognised as that operation or as one that is
//! the same on the wire.
//!
//! Requests are put together as a client would: from names, prefixes and URI templates, with none of the recogniser's code.

use std::collections::BTreeSet;

use http::Method;

use super::Sent;
use crate::atlas::{Atlas, Recognised};
use crate::model::shape::{Kind, Location};
use crate::{Models, OperationModel, Protocol, ServiceModel};

/// Operations of S3's model that stand for others: records know the newer name only, or the path is that of another.
const S3_ALIKE: &[(&str, &str)] = &[
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("GetBucketNotification", "GetBucketNotificationConfiguration"),
    ("ListDirectoryBuckets", "ListBuckets"),
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    ("PutBucketNotification", "PutBucketNotificationConfiguration"),
];

/// `/a/{Label}/b/{Greedy+}?x=1` with labels filled in: path and query.
fn filled(uri: &str) -> (String, String) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, label)) = rest.split_once('{') {
        let (name, after) = label.split_once('}').expect("a label ends");
        out.push_str(before);
        // An ARN as SDKs escape it, and a greedy label with slashes of its own.
        out.push_str(if name.ends_with('+') { "v/w%20x" } else { "arn%3Aaws%2Fz" });
        rest = after;
    }
    (out + rest, query.to_owned())
}

/// Parameters, and headers.
type Required = (Vec<(&'static str, String)>, Vec<(&'static str, &'static str)>);

/// What S3's operations need beside their URI: parameters and headers that the model requires.
fn required_of_s3(operation: &str) -> Required {
    let model = Models::builtin().by_signing_name("s3").expect("s3 is built in");
    let (mut parameters, mut headers) = (Vec::new(), Vec::new());
    let input = model.operation(operation).and_then(|operation| operation.input);
    if let Some(Kind::Structure(members)) = input.map(|input| &model.shape(input).kind) {
        for member in members.iter().filter(|member| member.required) {
            match member.binding.as_ref().and_then(|binding| binding.location) {
                Some(Location::Query) => parameters.push((member.wire_name(), "1".to_owned())),
                Some(Location::Header) => headers.push((member.wire_name(), "b/k")),
                _ => {}
            }
        }
    }
    (parameters, headers)
}

/// Sends one request and says what it was taken for.
fn send(
    atlas: &Atlas,
    id: &str,
    model: &ServiceModel,
    operation: &OperationModel,
    protocol: Protocol,
    host: &str,
) -> Recognised {
    let target = model.target_prefixes.first().map_or("", String::as_str);
    let (mut path, mut query) = ("/".to_owned(), String::new());
    let (mut method, mut body) = (Method::POST, String::new());
    let mut headers: Vec<(&'static str, String)> = Vec::new();
    match protocol {
        Protocol::AwsJson1_0 | Protocol::AwsJson1_1 => {
            headers.push(("x-amz-target", format!("{target}.{}", operation.name)));
            headers.push(("content-type", "application/x-amz-json-1.1".to_owned()));
        }
        Protocol::Query | Protocol::Ec2Query => {
            headers.push(("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned()));
            body = format!("Action={}&Version={}", operation.name, model.api_version);
        }
        Protocol::RpcV2Cbor => {
            headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
            path = format!("/service/{target}/operation/{}", operation.name);
        }
        Protocol::RestJson | Protocol::RestXml => {
            method = operation.http_method.parse().expect("a method");
            (path, query) = filled(operation.http_uri);
        }
    }
    if id == "s3" {
        path = path.replacen("/arn%3Aaws%2Fz", "/bucket", 1);
        let (parameters, more) = required_of_s3(&operation.name);
        for (name, value) in parameters {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&format!("{name}={value}"));
        }
        headers.extend(more.into_iter().map(|(name, value)| (name, value.to_owned())));
    }
    let headers: Vec<(&'static str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sent = Sent {
        method,
        host,
        path: &path,
        query: &query,
        headers: &headers,
        service: &model.signing_name,
        body: body.as_bytes(),
    };
    sent.recognised(atlas)
}

/// Whether a request was taken for the operation it was made for; `Some(true)` if only as an alias.
fn is_meant(what: &Recognised, id: &str, operation: &str) -> Option<bool> {
    if let Some(call) = what.s3() {
        let alike = S3_ALIKE.iter().any(|(old, new)| *old == operation && *new == call.operation);
        return (id == "s3" && (call.operation == operation || alike)).then_some(alike);
    }
    let (_, found) = what.model()?;
    if what.service == id && *found.name == *operation {
        return Some(false);
    }
    what.aliases.iter().any(|alias| alias.service == id && alias.operation == operation).then_some(true)
}

#[test]
fn every_operation_of_every_model_is_recognised() {
    let atlas = Atlas::builtin();
    let (mut operations, mut requests, mut as_alias) = (0, 0, BTreeSet::new());
    let mut failures = Vec::new();
    for entry in atlas.entries.iter() {
        let id = entry.id.as_str();
        let model = atlas.service(id).expect("every table is well formed");
        let host = format!("{}.eu-west-1.amazonaws.com", entry.endpoint_prefix);
        for operation in model.operations() {
            operations += 1;
            for &protocol in &entry.protocols {
                for host in ["localhost:4566", &host] {
                    requests += 1;
                    let what = send(&atlas, id, &model, operation, protocol, host);
                    match is_meant(&what, id, &operation.name) {
                        Some(true) => {
                            as_alias.insert(format!("{id} {}", operation.name));
                        }
                        Some(false) => {}
                        None => failures.push(format!(
                            "{id} {} ({protocol:?} at {host}) was taken for {} {}",
                            operation.name, what.service, what.event_name
                        )),
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {requests}:\n{}", failures.len(), failures.join("\n"));
    // As many as botocore has; fewer would mean that tables were lost.
    assert!(operations > 18_000, "only {operations} operations");
    assert!((100..400).contains(&as_alias.len()), "{} are named as another's alias", as_alias.len());
}
