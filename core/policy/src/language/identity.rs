//! What the policy of an identity may say beyond its form (`spec/policy.md` 3.1), in IAM's order: each thing is looked for in all
//! statements before the next.

use super::parse::{Document, unique_sids};
use super::{PolicyError, Statement};

/// Checks a document. `managed`: whether it is a policy of its own, which has to be of the newest version.
pub(super) fn check(document: &Document, managed: bool) -> Result<(), PolicyError> {
    let statements = document.statements.as_slice();
    let refuse = |message: &str, statement: &Statement| Err(PolicyError::new(message, statement.name().to_string()));
    if managed && !document.is_newest {
        let message = "Policy document must be version 2012-10-17 or greater.";
        return Err(PolicyError::new(message, "\"Version\" has to be \"2012-10-17\""));
    }
    if let Some(statement) = statements.iter().find(|s| s.principals.is_some()) {
        return refuse("Policy document should not specify a principal.", statement);
    }
    if let Some(detail) = &document.legacy {
        return Err(PolicyError::new("The policy failed legacy parsing", detail.clone()));
    }
    if let Some(statement) = statements.iter().find(|s| s.resources.texts.iter().any(|text| fails_legacy(text))) {
        return refuse("The policy failed legacy parsing", statement);
    }
    unique_sids(statements)?;
    if let Some(statement) = statements.iter().find(|s| s.actions.texts.is_empty()) {
        return refuse("Policy statement must contain actions.", statement);
    }
    if let Some(statement) = statements.iter().find(|s| s.resources.texts.is_empty()) {
        return refuse("Policy statement must contain resources.", statement);
    }
    let each = |complaint: fn(&str) -> Option<String>, texts: fn(&Statement) -> &[String]| {
        let found = statements.iter().find_map(|s| Some((texts(s).iter().find_map(|text| complaint(text))?, s)));
        found.map_or(Ok(()), |(message, statement)| Err(PolicyError::new(message, statement.name().to_string())))
    };
    each(resource_complaint, |s| &s.resources.texts)?;
    each(action_complaint, |s| &s.actions.texts)
}

/// ARNs that IAM's first reader could not take: no service, or five parts without an account.
fn fails_legacy(resource: &str) -> bool {
    let parts: Vec<&str> = resource.split(':').collect();
    if parts.get(1) != Some(&"aws") || parts.len() < 4 {
        return false;
    }
    let account = parts.get(4).copied().unwrap_or_default();
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    parts[2].is_empty() || (parts.len() == 5 && !(is_account || account == "*" || account.is_empty()))
}

/// What the resource part of an ARN of IAM begins with.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

fn resource_complaint(resource: &str) -> Option<String> {
    if resource == "*" {
        return None;
    }
    if !resource.contains(':') {
        return Some(format!("Resource {resource} must be in ARN format or \"*\"."));
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let part = |i: usize| parts.get(i).copied().unwrap_or("*");
    let shown = format!("arn:{}:{}:{}:{}:{}", part(1), part(2), part(3), part(4), part(5));
    let (partition, service, region) = (part(1), part(2), part(3));
    if !["aws", "aws-cn", "aws-us-gov", "*"].contains(&partition) {
        return Some(format!("Partition \"{partition}\" is not valid for resource \"{shown}\"."));
    }
    if service.is_empty() || service.contains(['*', '?']) {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".into());
    }
    let has_region = !region.is_empty() && region != "*";
    match service {
        "iam" if has_region => Some(format!("IAM resource {shown} cannot contain region information.")),
        "iam" if !is_iam_path(part(5)) => {
            let paths = IAM_PATHS.join(", ");
            Some(format!("IAM resource path must either be \"*\", root, or start with {paths}."))
        }
        "s3" if has_region && !part(5).starts_with("accesspoint") => {
            Some(format!("Resource {shown} can not contain region information."))
        }
        _ => None,
    }
}

/// A wildcard may stand for the beginning.
fn is_iam_path(path: &str) -> bool {
    let fixed = path.split(['*', '?', '$']).next().unwrap_or_default();
    path == "root"
        || IAM_PATHS.iter().any(|known| path.starts_with(known) || (fixed != path && known.starts_with(fixed)))
}

fn action_complaint(action: &str) -> Option<String> {
    if action == "*" {
        return None;
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Some("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into());
    };
    let is_vendor = vendor == "*"
        || (!vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)));
    if !is_vendor {
        return Some(format!("Vendor {vendor} is not valid"));
    }
    name.contains(':').then(|| "Actions/Condition can contain only one colon.".into())
}
