//! Service-linked roles: made for a service, changed by nobody else.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentrail_policy::ManagedPolicy;
use opentrail_policy::rows::{self, Grants, RoleRow};
use opentrail_protocol::Document;

use super::roles;
use crate::entity::{self, Entity, Kind};
use crate::faults::{invalid_input, no_such, unavailable};
use crate::verb::{Answer, Draft};

/// Where the roles of services are, and no others.
pub(crate) const PATH: &str = "/aws-service-role/";
/// The services whose role has a name that does not follow from theirs, and what the name ends with.
const NAMES: &[(&str, &str)] = &[
    ("autoscaling", "AutoScaling"),
    ("batch", "Batch"),
    ("cloudtrail", "CloudTrail"),
    ("config", "Config"),
    ("connect", "AmazonConnect"),
    ("ecs", "ECS"),
    ("eks", "AmazonEKS"),
    ("elasticache", "ElastiCache"),
    ("elasticloadbalancing", "ElasticLoadBalancing"),
    ("events", "CloudWatchEvents"),
    ("guardduty", "AmazonGuardDuty"),
    ("lexv2", "LexV2Bots"),
    ("logs", "CloudWatchLogs"),
    ("organizations", "Organizations"),
    ("rds", "RDS"),
    ("securityhub", "SecurityHub"),
    ("ssm", "AmazonSSM"),
    ("support", "Support"),
    ("trustedadvisor", "TrustedAdvisor"),
];
/// The services that may have several.
const SUFFIXED: [&str; 3] = ["autoscaling", "connect", "lexv2"];

fn service(principal: &str) -> &str {
    principal.strip_suffix(".amazonaws.com").unwrap_or(principal)
}

/// `AWSServiceRoleForCloudTrail`
pub(crate) fn role_name(principal: &str, suffix: Option<&str>) -> String {
    let named = NAMES.iter().find(|(name, _)| *name == service(principal)).map(|(_, title)| (*title).to_owned());
    // Others by their own name, its words in capitals.
    let title = named.unwrap_or_else(|| {
        let words = service(principal).split(['.', '-']);
        words.map(|word| word[..1.min(word.len())].to_uppercase() + word.get(1..).unwrap_or_default()).collect()
    });
    match suffix {
        Some(suffix) => format!("AWSServiceRoleFor{title}_{suffix}"),
        None => format!("AWSServiceRoleFor{title}"),
    }
}

/// What the role of a service may, where the house knows.
fn policy(principal: &str) -> Option<&'static ManagedPolicy> {
    let name = match service(principal) {
        "cloudtrail" => "AWSCloudTrailServiceRolePolicy",
        "events" => "CloudWatchEventsServiceRolePolicy",
        "logs" => "CloudWatchLogsServiceRolePolicy",
        _ => return None,
    };
    ManagedPolicy::find(&format!("arn:aws:iam::aws:policy/aws-service-role/{name}"))
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    let principal = entity::name(input, "AWSServiceName");
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let shaped =
        principal.ends_with(".amazonaws.com") && principal.bytes().all(legal) && !service(principal).is_empty();
    if !shaped {
        return Err(invalid_input(format!("Service {principal} is not one that has a service-linked role.")));
    }
    let suffix = input.text("CustomSuffix");
    if suffix.is_some() && !SUFFIXED.contains(&service(principal)) {
        return Err(invalid_input(format!("Custom suffix is not allowed for {principal}")));
    }
    let name = role_name(principal, suffix);
    if Entity::find(d, Kind::Role, &name).await?.is_some() {
        return Err(invalid_input(format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        )));
    }
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{{"Service":["{principal}"]}}}}]}}"#
    );
    let role = RoleRow {
        name,
        path: format!("{PATH}{principal}/"),
        unique_id: d.unique_id("AROA"),
        created_s: d.now_s(),
        grants: Grants {
            attached: policy(principal).map(ManagedPolicy::arn).into_iter().collect(),
            ..Grants::default()
        },
        tags: Vec::new(),
        trust,
        trusted: BTreeMap::new(),
        description: input.text("Description").map(str::to_owned),
        max_session_s: 3_600,
        linked_to: Some(principal.to_owned()),
    };
    for arn in &role.grants.attached {
        d.put_bytes(rows::attached_key(d.account, arn, &role.unique_id), Bytes::new());
    }
    roles::add(d, role).await
}

/// Nothing here uses such a role beyond the moment, so that it goes at once.
pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let role = roles::load(d, entity::name(input, "RoleName")).await?;
    let Some(principal) = role.linked_to.clone() else {
        return Err(invalid_input(format!("Role {} is not a service-linked role.", role.name)));
    };
    let id = d.world().uuid_v4();
    let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    let task = format!("task/aws-service-role/{principal}/{}/{uuid}", role.name);
    d.put_bytes(rows::deletion_key(d.account, &task), Bytes::new());
    roles::remove(d, role);
    Ok(Document::structure().with("DeletionTaskId", task))
}

pub(crate) async fn deletion_status(d: &mut Draft<'_>, input: &Document) -> Answer {
    let task = entity::name(input, "DeletionTaskId");
    let there = d.bytes(&rows::deletion_key(d.account, task)).await.map_err(unavailable)?;
    match there {
        Some(_) => Ok(Document::structure().with("Status", "SUCCEEDED")),
        None => Err(no_such(format!("The deletion task with id {task} cannot be found."))),
    }
}
