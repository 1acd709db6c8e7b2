//! What the policy of an identity may say beyond its form (`spec/policy.md` 3.1), in IAM's order: each thing is looked for in all
//! statements before the next.

use super::glob::{Reading, Template};
use super::{PolicyError, Statement};

/// Checks all statements.
pub(super) fn check(statements: &[Statement]) -> Result<(), PolicyError> {
    let refuse = |message: &str, statement: &Statement| Err(PolicyError::new(message, statement.name().to_string()));
    if let Some(statement) = statements.iter().find(|s| s.principals.is_some()) {
        return refuse("Policy document should not specify a principal.", statement);
    }
    if let Some(statement) = statements.iter().find(|s| s.resources.texts.iter().any(|text| fails_legacy(text))) {
        return refuse("The policy failed legacy parsing", statement);
    }
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
        "s3" if has_region && !part(5).starts_with("accesspoint") => {
            Some(format!("Resource {shown} can not contain region information."))
        }
        _ => None,
    }
}

fn action_complaint(action: &str) -> Option<String> {
    if action == "*" {
        return None;
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Some("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into());
    };
    let is_vendor = vendor == "*"
        || (Template::read(vendor, Reading { wild: true, variables: true }).is_fixed()
            && !vendor.is_empty()
            && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)));
    if !is_vendor {
        return Some(format!("Vendor {vendor} is not valid"));
    }
    name.contains(':').then(|| "Actions/Condition can contain only one colon.".into())
}
