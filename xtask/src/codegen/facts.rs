//! What the models do not say and records need: event sources, event names, and which calls only read.

use anyhow::{Result, bail};
use serde_json::Value;

use super::text;

/// The protocol's word in a table.
pub(super) fn protocol(metadata: &Value) -> Result<&'static str> {
    Ok(match (text(metadata, "protocol"), text(metadata, "jsonVersion")) {
        (Some("json"), Some("1.0")) => "json1.0",
        (Some("json"), _) => "json1.1",
        (Some("query"), _) => "query",
        (Some("ec2"), _) => "ec2",
        (Some("rest-json"), _) => "rest-json",
        (Some("rest-xml"), _) => "rest-xml",
        // A service that prefers CBOR speaks one of the others too.
        (Some("smithy-rpc-v2-cbor"), _) => {
            let others: Vec<&str> =
                metadata["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            match (others.contains(&"json"), text(metadata, "jsonVersion")) {
                (true, Some("1.0")) => "json1.0",
                (true, _) => "json1.1",
                _ if others.contains(&"query") => "query",
                _ => "cbor",
            }
        }
        (other, _) => bail!("there is no protocol {other:?}"),
    })
}

/// `spec/record.md` 1.2: the short service name, which is the endpoint's but for a few.
pub(super) fn event_source(id: &str, endpoint: &str, signing_name: &str) -> String {
    let _ = id;
    let short = match endpoint {
        // Regional API hosts carry a prefix that records do not (`api.ecr`).
        dotted if dotted.contains('.') => signing_name,
        plain => plain,
    };
    format!("{short}.amazonaws.com")
}

/// `spec/record.md` 1.8: by the verb, but for the documented exceptions.
pub(super) fn read_only(signing_name: &str, operation: &str) -> bool {
    const VERBS: &[&str] = &[
        "Get", "List", "Describe", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Select", "Check",
        "Validate", "Test", "View", "Preview", "Estimate", "Download",
    ];
    match (signing_name, operation) {
        // `spec/recorded.md` 10, `spec/sts.md` 4; the delegated token is of the same kind as the three that are
        // recorded.
        ("sts", "GetSessionToken" | "GetFederationToken" | "GetWebIdentityToken" | "GetDelegatedAccessToken") => false,
        ("sts", name) if name.starts_with("AssumeRole") => true,
        ("kms", name) if matches!(name, "Encrypt" | "Decrypt") || name.starts_with("GenerateDataKey") => true,
        // `spec/iam.md` 8.
        (
            "iam",
            "GenerateCredentialReport" | "GenerateServiceLastAccessedDetails" | "GenerateOrganizationsAccessReport",
        ) => true,
        ("iam", name) if name.starts_with("Simulate") => true,
        ("cognito-identity", "GetCredentialsForIdentity") => false,
        // Ours.
        ("opentrail", "WhoAmI") => true,
        (_, name) => VERBS.iter().any(|verb| {
            name.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
        }),
    }
}

/// `spec/s3.md` 16 and `spec/recorded.md` 10: the operations whose records bear another name.
pub(super) fn event_name<'a>(id: &str, operation: &'a str, model: &'a Value) -> &'a str {
    if id != "s3" {
        // Where the model itself has dated names, records bear them (`ListDistributions2020_05_31`).
        return text(model, "name").unwrap_or(operation);
    }
    match operation {
        "ListObjectsV2" => "ListObjects",
        "GetObjectRetention" => "GetObjectLockRetention",
        "PutObjectRetention" => "PutObjectLockRetention",
        "GetObjectLegalHold" => "GetObjectLockLegalHold",
        "PutObjectLegalHold" => "PutObjectLockLegalHold",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "GetBucketLifecycleConfiguration" => "GetBucketLifecycle",
        "PutBucketLifecycleConfiguration" => "PutBucketLifecycle",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeletePublicAccessBlock" => "DeleteBucketPublicAccessBlock",
        "ListBucketMetricsConfigurations" => "GetBucketMetricsConfiguration",
        "ListBucketInventoryConfigurations" => "GetBucketInventoryConfiguration",
        "ListBucketAnalyticsConfigurations" => "GetBucketAnalyticsConfiguration",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_told_from_writing() {
        let check = |service: &str, operation: &str, expect: bool| {
            assert_eq!(read_only(service, operation), expect, "{service} {operation}");
        };
        check("cloudtrail", "LookupEvents", true);
        check("cloudtrail", "CreateTrail", false);
        check("sts", "GetSessionToken", false);
        check("sts", "AssumeRole", true);
        check("iam", "SimulatePrincipalPolicy", true);
        check("iam", "GenerateCredentialReport", true);
        check("kms", "GenerateDataKeyWithoutPlaintext", true);
        check("license-manager", "CheckoutLicense", false);
        check("events", "TestEventPattern", true);
    }
}
