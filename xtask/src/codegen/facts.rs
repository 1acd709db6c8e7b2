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

/// Services whose records bear another name than their endpoint's, by botocore's name: from real records, the pages
/// "Logging with CloudTrail" of the services, and the sources of network activity events (`spec/selectors.md` 3.5).
const SOURCES: &[(&str, &str)] = &[
    ("agent-registry-control", "agent-registry"),
    ("appconfigdata", "appconfig"),
    ("appstream", "appstream"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-agentcore-control", "bedrock-agentcore"),
    ("bedrock-data-automation", "bedrock"),
    ("bedrock-data-automation-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("chime-sdk-identity", "chime"),
    ("chime-sdk-media-pipelines", "chime"),
    ("chime-sdk-meetings", "chime"),
    ("chime-sdk-messaging", "chime"),
    ("chime-sdk-voice", "chime"),
    ("cloudhsmv2", "cloudhsm"),
    ("cloudsearchdomain", "cloudsearch"),
    ("connect-contact-lens", "connect"),
    ("connectparticipant", "connect"),
    ("forecastquery", "forecast"),
    ("iotsecuretunneling", "iotsecuredtunneling"),
    ("ivs-realtime", "ivs"),
    ("keyspacesstreams", "cassandra"),
    ("lex-models", "lex"),
    ("lex-runtime", "lex"),
    ("lexv2-models", "lex"),
    ("lexv2-runtime", "lex"),
    ("mailmanager", "ses"),
    ("marketplace-catalog", "catalog-marketplace"),
    ("marketplace-entitlement", "entitlement-marketplace"),
    ("memorydb", "memorydb"),
    ("meteringmarketplace", "metering-marketplace"),
    ("mq", "amazonmq"),
    ("personalize-events", "personalize"),
    ("personalize-runtime", "personalize"),
    ("pinpoint-email", "ses"),
    // `spec/recorded.md` 10.
    ("rds-data", "rdsdataapi"),
    ("s3control", "s3"),
    ("ses", "ses"),
    ("sesv2", "ses"),
    ("signer-data", "signer"),
    ("sso", "sso"),
    ("sso-oidc", "sso-oauth"),
];

/// `spec/record.md` 1.2: the short service name, which is the endpoint's but for a few.
pub(super) fn event_source(id: &str, endpoint: &str, signing_name: &str) -> String {
    let short = match SOURCES.iter().find(|(service, _)| *service == id) {
        Some((_, source)) => source,
        // Regional API hosts carry a prefix that records do not (`api.ecr`).
        None if endpoint.contains('.') => signing_name,
        None => endpoint,
    };
    format!("{short}.amazonaws.com")
}

/// `spec/record.md` 1.8: by the verb, but for the documented exceptions. `marked` is what the model says of the operation.
pub(super) fn read_only(signing_name: &str, operation: &str, marked: bool) -> bool {
    const VERBS: &[&str] = &[
        "Get",
        "List",
        "Describe",
        "Head",
        "Lookup",
        "Search",
        "Query",
        "Scan",
        "Select",
        "Check",
        "Validate",
        "Test",
        "View",
        "Preview",
        "Estimate",
        "Download",
        "Count",
        "Discover",
        "Filter",
        "TransactGet",
    ];
    match (signing_name, operation) {
        // `spec/recorded.md` 10, `spec/sts.md` 4; the delegated token is of the same kind as the three that are
        // recorded.
        ("sts", "GetSessionToken" | "GetFederationToken" | "GetWebIdentityToken" | "GetDelegatedAccessToken") => false,
        ("sts", name) if name.starts_with("AssumeRole") => true,
        // Every use of a key reads; so the examples of KMS's own guide.
        ("kms", "Encrypt" | "Decrypt" | "ReEncrypt" | "Sign" | "Verify" | "VerifyMac" | "DeriveSharedSecret") => true,
        ("kms", name) if name.starts_with("Generate") => true,
        // `spec/iam.md` 8.
        (
            "iam",
            "GenerateCredentialReport" | "GenerateServiceLastAccessedDetails" | "GenerateOrganizationsAccessReport",
        ) => true,
        ("iam", name) if name.starts_with("Simulate") => true,
        // They hand out credentials and identities.
        ("cognito-identity", "GetCredentialsForIdentity" | "GetId") => false,
        ("cognito-identity", name) if name.starts_with("GetOpenIdToken") => false,
        // The examples of Bedrock's guide.
        ("bedrock", "InvokeModel" | "InvokeModelWithResponseStream" | "Converse" | "ConverseStream" | "Retrieve") => {
            true
        }
        // `spec/recorded.md` 10.
        ("sqs", "ReceiveMessage") => true,
        // Ours.
        ("opentrail", "WhoAmI") => true,
        (_, name) => {
            // `BatchGetItem` and `AdminListDevices` read as what stands behind the first word does.
            let prefixed = ["Batch", "Admin"].iter().find_map(|prefix| name.strip_prefix(prefix));
            let stem = prefixed.filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())).unwrap_or(name);
            let begins = |verb: &&str| {
                let verb: &str = verb;
                stem.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
            };
            // What starts or stops something changes it, whatever its model says.
            let acts = ["Start", "Stop"].iter().any(|verb| stem.starts_with(verb));
            VERBS.iter().any(begins) || (marked && !acts)
        }
    }
}

/// Lambda's operations whose records bear a second version behind the date.
const LAMBDA_V2: &[&str] = &[
    "AddPermission",
    "GetFunction",
    "GetFunctionConfiguration",
    "GetPolicy",
    "RemovePermission",
    "TagResource",
    "UntagResource",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
];

/// `CreateFunction20150331`: Lambda's records name the date of the path, up to that of layers; what came later has none
/// (`spec/recorded.md` 10, real records).
fn lambda_event_name(operation: &str, uri: &str) -> String {
    let date: String = uri.split('/').nth(1).unwrap_or_default().split('-').collect();
    let dated = date.len() == 8 && ("20150331"..="20181031").contains(&date.as_str());
    if !dated || operation.starts_with("Invoke") {
        return operation.to_owned();
    }
    format!("{operation}{date}{}", if LAMBDA_V2.contains(&operation) { "v2" } else { "" })
}

/// `spec/s3.md` 16 and `spec/recorded.md` 10: the operations whose records bear another name.
pub(super) fn event_name(id: &str, operation: &str, model: &Value) -> String {
    match id {
        "s3" => of_s3(operation).to_owned(),
        "s3control" => match operation {
            "GetPublicAccessBlock" | "PutPublicAccessBlock" | "DeletePublicAccessBlock" => {
                operation.replace("Public", "AccountPublic")
            }
            _ => operation.to_owned(),
        },
        "lambda" => lambda_event_name(operation, text(&model["http"], "requestUri").unwrap_or_default()),
        // Where the model itself has dated names, records bear them (`ListDistributions2020_05_31`).
        _ => text(model, "name").unwrap_or(operation).to_owned(),
    }
}

fn of_s3(operation: &str) -> &str {
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
            assert_eq!(read_only(service, operation, false), expect, "{service} {operation}");
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
        check("cognito-idp", "AdminListDevices", true);
        check("cognito-idp", "AdminDeleteUser", false);
        check("ecr", "BatchGetImage", true);
        check("ecr", "BatchDeleteImage", false);
        check("dynamodb", "BatchWriteItem", false);
        check("dynamodb", "TransactGetItems", true);
        assert!(read_only("geo-routes", "SnapToRoads", true));
        assert!(!read_only("deadline", "StartSessionsStatisticsAggregation", true));
    }

    #[test]
    fn dated_names_are_those_of_records() {
        let check = |operation: &str, uri: &str, expect: &str| assert_eq!(lambda_event_name(operation, uri), expect);
        check("CreateFunction", "/2015-03-31/functions", "CreateFunction20150331");
        check("UpdateFunctionCode", "/2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode20150331v2");
        check("PublishLayerVersion", "/2018-10-31/layers/{LayerName}/versions", "PublishLayerVersion20181031");
        check("CreateFunctionUrlConfig", "/2021-10-31/functions/{FunctionName}/url", "CreateFunctionUrlConfig");
        check("Invoke", "/2015-03-31/functions/{FunctionName}/invocations", "Invoke");
    }

    #[test]
    fn sources_are_those_of_records() {
        let check = |id: &str, endpoint: &str, signing: &str, expect: &str| {
            assert_eq!(event_source(id, endpoint, signing), format!("{expect}.amazonaws.com"));
        };
        check("cloudwatch", "monitoring", "monitoring", "monitoring");
        check("ecr", "api.ecr", "ecr", "ecr");
        check("sesv2", "email", "ses", "ses");
        check("bedrock-agent", "bedrock-agent", "bedrock", "bedrock");
        check("emr", "elasticmapreduce", "elasticmapreduce", "elasticmapreduce");
    }
}
