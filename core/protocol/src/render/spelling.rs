//! How members are called in records: their API names with the first letter lowered, but for a few services.

use opentrail_event::{RawJson, write_text};

use super::{Rendering, lower_first, secrets};
use crate::json::separate;
use crate::model::shape::{Kind, Member};
use crate::{Document, OperationModel, ServiceModel};

/// Services whose records spell members as their models do: real records of Cost Explorer, DevOps Guru, Resource Explorer
/// and Security Hub, and `spec/recorded.md` 10 (Account).
const AS_MODELLED: &[&str] = &["account", "ce", "devops-guru", "resource-explorer-2", "securityhub"];

/// Members that a service calls otherwise: (signing name, member, in records).
const RENAMED: &[(&str, &str, &str)] = &[
    ("secretsmanager", "ARN", "arn"),
    // The label of its paths.
    ("eks", "clusterName", "name"),
];

/// Operations that do not do so: (signing name, operation). DeleteSecret shows `aRN`.
const NOT_RENAMED: &[(&str, &str)] = &[("secretsmanager", "DeleteSecret")];

/// A member's name.
pub(super) fn member(service: &ServiceModel, operation: &str, member: &Member) -> String {
    let signing_name = service.signing_name.as_str();
    if service.foreign && !NOT_RENAMED.contains(&(signing_name, operation)) {
        let renamed = RENAMED.iter().find(|(of, name, _)| *of == signing_name && *name == member.name);
        if let Some((.., name)) = renamed {
            return (*name).to_owned();
        }
        if AS_MODELLED.contains(&signing_name) {
            return member.name.to_owned();
        }
    }
    lower_first(member.name)
}

/// Whether records of the service have the body apart: API Gateway's first version shows
/// `{"restApiId":…,"createStageInput":{…},"template":false}`.
pub(super) fn wraps_body(service: &ServiceModel) -> bool {
    service.foreign && service.signing_name == "apigateway" && service.api_version == "2015-07-09"
}

/// Such parameters.
pub(super) fn with_wrapped_body(
    service: &ServiceModel,
    operation: &OperationModel,
    input: &Document,
) -> Option<RawJson> {
    let shape = service.shape(operation.input?);
    let (Kind::Structure(members), Document::Map(values)) = (&shape.kind, input) else { return None };
    let in_body = |name: &str| {
        let member = members.iter().find(|m| m.name == name);
        member.is_some_and(|m| m.binding.as_ref().is_none_or(|b| b.location.is_none()))
    };
    let (body, around): (Vec<_>, Vec<_>) = values.iter().cloned().partition(|(name, _)| in_body(name));
    let rendering = Rendering { service, operation: &operation.name, leave_out: secrets::are_left_out(service) };
    let mut out = Vec::with_capacity(256);
    rendering.structure(&mut out, members, &around);
    out.pop();
    let mut first = out.len() == 1;
    if !body.is_empty() {
        separate(&mut out, &mut first);
        write_text(&mut out, &format!("{}Input", lower_first(&operation.name)));
        out.push(b':');
        rendering.structure(&mut out, members, &body);
    }
    separate(&mut out, &mut first);
    out.extend_from_slice(b"\"template\":false}");
    Some(RawJson::from_written(out))
}
