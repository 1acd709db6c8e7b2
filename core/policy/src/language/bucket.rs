//! What the policy of a bucket may say beyond its form: actions of S3, this bucket's names, keys that there are.

use super::glob::Glob;
use super::{PolicyError, Resources, Statement};

/// Actions about objects, without `s3:`.
const OF_OBJECTS: &[&str] = &[
    "AbortMultipartUpload",
    "BypassGovernanceRetention",
    "DeleteObject",
    "DeleteObjectAnnotation",
    "DeleteObjectTagging",
    "DeleteObjectVersion",
    "DeleteObjectVersionTagging",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAnnotation",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "GetObjectVersion",
    "GetObjectVersionAcl",
    "GetObjectVersionAttributes",
    "GetObjectVersionForReplication",
    "GetObjectVersionTagging",
    "GetObjectVersionTorrent",
    "InitiateReplication",
    "ListMultipartUploadParts",
    "ListObjectAnnotations",
    "ObjectOwnerOverrideToBucketOwner",
    "PutObject",
    "PutObjectAcl",
    "PutObjectAnnotation",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "PutObjectVersionAcl",
    "PutObjectVersionTagging",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "RestoreObject",
    "UpdateObjectEncryption",
];
/// Actions about a bucket, without `s3:`.
const OF_BUCKETS: &[&str] = &[
    "CreateBucket",
    "CreateBucketMetadataTableConfiguration",
    "DeleteBucket",
    "DeleteBucketMetadataTableConfiguration",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketWebsite",
    "GetAccelerateConfiguration",
    "GetAnalyticsConfiguration",
    "GetBucketAbac",
    "GetBucketAcl",
    "GetBucketCORS",
    "GetBucketLocation",
    "GetBucketLogging",
    "GetBucketMetadataTableConfiguration",
    "GetBucketNotification",
    "GetBucketObjectLockConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetBucketWebsite",
    "GetEncryptionConfiguration",
    "GetIntelligentTieringConfiguration",
    "GetInventoryConfiguration",
    "GetLifecycleConfiguration",
    "GetMetricsConfiguration",
    "GetReplicationConfiguration",
    "ListBucket",
    "ListBucketMultipartUploads",
    "ListBucketVersions",
    "PutAccelerateConfiguration",
    "PutAnalyticsConfiguration",
    "PutBucketAbac",
    "PutBucketAcl",
    "PutBucketCORS",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketRequestPayment",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutBucketWebsite",
    "PutEncryptionConfiguration",
    "PutIntelligentTieringConfiguration",
    "PutInventoryConfiguration",
    "PutLifecycleConfiguration",
    "PutMetricsConfiguration",
    "PutReplicationConfiguration",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateBucketMetadataInventoryTableConfiguration",
    "UpdateBucketMetadataJournalTableConfiguration",
];
/// Condition keys that every service knows, without `aws:`; those that end in a slash are followed by a tag's key.
const GLOBAL_KEYS: &[&str] = &[
    "calledvia",
    "calledviafirst",
    "calledvialast",
    "currenttime",
    "ec2instancesourceprivateipv4",
    "ec2instancesourcevpc",
    "epochtime",
    "federatedprovider",
    "multifactorauthage",
    "multifactorauthpresent",
    "principalaccount",
    "principalarn",
    "principalisawsservice",
    "principalorgid",
    "principalorgpaths",
    "principalservicename",
    "principalservicenameslist",
    "principaltag/",
    "principaltype",
    "referer",
    "requestedregion",
    "requesttag/",
    "resourceaccount",
    "resourceorgid",
    "resourceorgpaths",
    "resourcetag/",
    "securetransport",
    "sourceaccount",
    "sourcearn",
    "sourceidentity",
    "sourceip",
    "sourceorgid",
    "sourceorgpaths",
    "sourceowner",
    "sourcevpc",
    "sourcevpcarn",
    "sourcevpce",
    "tagkeys",
    "tokenissuetime",
    "useragent",
    "userid",
    "username",
    "viaawsservice",
    "vpceaccount",
    "vpceorgid",
    "vpceorgpaths",
    "vpcsourceip",
];
/// Condition keys of S3, without `s3:`: those that S3 has a value for here, and those that are rightly absent from every request
/// (there are no access points). Keys of tags and locks are not among them: a Deny that waits for a value which never comes
/// would deny nothing, so its policy is refused.
const S3_KEYS: &[&str] = &[
    "accesspointnetworkorigin",
    "authtype",
    "dataaccesspointaccount",
    "dataaccesspointarn",
    "delimiter",
    "if-match",
    "if-none-match",
    "max-keys",
    "prefix",
    "resourceaccount",
    "signatureage",
    "signatureversion",
    "tlsversion",
    "versionid",
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];

/// What a resource of a statement can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Covers {
    bucket: bool,
    objects: bool,
}

/// Checks all statements, each thing in all of them before the next, as AWS does.
pub(super) fn check(statements: &[Statement], bucket: &str) -> Result<(), PolicyError> {
    for statement in statements {
        for text in &statement.actions.texts {
            known_actions(text).filter(|known| *known != Covers::default()).ok_or_else(|| {
                let detail = format!("{}: \"{text}\" is no action of S3, such as s3:GetObject", statement.name());
                PolicyError::new("Policy has invalid action", detail)
            })?;
        }
    }
    for statement in statements {
        for text in &statement.resources.texts {
            covers(text, bucket).ok_or_else(|| {
                let detail = format!(
                    "{}: \"{text}\" is neither arn:aws:s3:::{bucket} nor arn:aws:s3:::{bucket}/ with a key behind it",
                    statement.name()
                );
                PolicyError::new("Policy has invalid resource", detail)
            })?;
        }
    }
    statements.iter().try_for_each(|statement| apply(statement, bucket))?;
    for statement in statements {
        if let Some(condition) = statement.conditions.iter().find(|condition| !is_key(&condition.key)) {
            let detail = format!("{}: {} is no condition key that has a value here", statement.name(), condition.key);
            return Err(PolicyError::new("Policy has an invalid condition key", detail));
        }
    }
    Ok(())
}

/// What the actions that a pattern names are about; `None` for no action of S3.
fn known_actions(pattern: &str) -> Option<Covers> {
    if pattern == "*" {
        return Some(Covers { bucket: true, objects: true });
    }
    let name = pattern.to_ascii_lowercase();
    let glob = Glob::new(name.strip_prefix("s3:")?);
    let any = |actions: &[&str]| actions.iter().any(|action| glob.matches(&action.to_ascii_lowercase()));
    Some(Covers { bucket: any(OF_BUCKETS), objects: any(OF_OBJECTS) })
}

/// What a resource covers of the bucket; `None` if nothing.
fn covers(resource: &str, bucket: &str) -> Option<Covers> {
    let name = resource.strip_prefix("arn:aws:s3:::")?;
    let rest = name.strip_prefix(bucket)?;
    match rest.bytes().next() {
        None => Some(Covers { bucket: true, objects: false }),
        Some(b'/') => Some(Covers { bucket: false, objects: true }),
        // The name's end, and whatever follows.
        Some(b'*') => Some(Covers { bucket: rest.bytes().all(|b| b == b'*'), objects: true }),
        Some(_) => None,
    }
}

/// Whether each action is about one of the statement's resources.
fn apply(statement: &Statement, bucket: &str) -> Result<(), PolicyError> {
    let Resources { not: false, texts: resources, .. } = &statement.resources else { return Ok(()) };
    if statement.actions.not {
        return Ok(());
    }
    let all = resources.iter().filter_map(|text| covers(text, bucket));
    let there =
        all.fold(Covers::default(), |a, b| Covers { bucket: a.bucket || b.bucket, objects: a.objects || b.objects });
    for text in &statement.actions.texts {
        let wants = known_actions(text).unwrap_or_default();
        if !((wants.bucket && there.bucket) || (wants.objects && there.objects)) {
            let right =
                if wants.bucket { format!("arn:aws:s3:::{bucket}") } else { format!("arn:aws:s3:::{bucket}/*") };
            let detail = format!("{}: {text} needs a resource such as {right}", statement.name());
            return Err(PolicyError::new("Action does not apply to any resource(s) in statement", detail));
        }
    }
    Ok(())
}

fn is_key(key: &str) -> bool {
    let (keys, name) = match key.split_once(':') {
        Some(("aws", name)) => (GLOBAL_KEYS, name),
        Some(("s3", name)) => (S3_KEYS, name),
        _ => return false,
    };
    keys.iter().any(|known| match known.strip_suffix('/') {
        Some(tag) => name.strip_prefix(tag).and_then(|rest| rest.strip_prefix('/')).is_some_and(|key| !key.is_empty()),
        None => *known == name,
    })
}

/// Every action of S3 that a policy can name.
#[cfg(test)]
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    OF_OBJECTS.iter().chain(OF_BUCKETS).copied()
}
