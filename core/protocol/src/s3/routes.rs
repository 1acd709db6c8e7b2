//! The table of S3's operations: what each looks like on the wire, how records name it, which action it needs.

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Service,
    Bucket,
    Object,
}

/// What else a request must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// A sub-resource: a query parameter, with a value or without.
    Flag(&'static str),
    /// A sub-resource and a parameter with it.
    FlagAnd(&'static str, &'static str),
    Value(&'static str, &'static str),
    /// `uploadId`.
    Upload,
    /// `partNumber` or `uploadId`; with a source to copy from or without. One alone is a part too, which its service
    /// then refuses: as a plain PutObject it would overwrite the object.
    Part {
        copy: bool,
    },
    /// A source to copy from.
    CopySource,
    /// A form of a browser.
    Form,
    /// The answer of an Object Lambda function.
    LambdaRoute,
}

impl When {
    pub(super) fn names_a_sub_resource(&self) -> bool {
        matches!(self, Self::Flag(_) | Self::FlagAnd(..))
    }

    /// The sub-resource, where there is one.
    pub(super) fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Flag(flag) | Self::FlagAnd(flag, _) => Some(flag),
            _ => None,
        }
    }
}

/// One operation.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) level: Level,
    pub(super) method: &'static str,
    pub(super) when: When,
    pub(super) operation: &'static str,
    /// `spec/s3.md` 16, `spec/recorded.md` 10.
    pub(super) event_name: &'static str,
    /// By the service authorization reference.
    pub(super) action: &'static str,
    /// Its events are data events (`spec/s3.md` 16); others are management events.
    pub(super) data: bool,
}

/// The action on a version in place of that on the current object.
pub(super) fn of_a_version(action: &'static str) -> &'static str {
    match action {
        "s3:GetObject" => "s3:GetObjectVersion",
        "s3:GetObjectAcl" => "s3:GetObjectVersionAcl",
        "s3:PutObjectAcl" => "s3:PutObjectVersionAcl",
        "s3:GetObjectAttributes" => "s3:GetObjectVersionAttributes",
        "s3:GetObjectTagging" => "s3:GetObjectVersionTagging",
        "s3:PutObjectTagging" => "s3:PutObjectVersionTagging",
        "s3:DeleteObjectTagging" => "s3:DeleteObjectVersionTagging",
        "s3:GetObjectTorrent" => "s3:GetObjectVersionTorrent",
        "s3:DeleteObject" => "s3:DeleteObjectVersion",
        other => other,
    }
}

const fn data(
    level: Level,
    method: &'static str,
    when: When,
    [operation, event_name, action]: [&'static str; 3],
) -> Route {
    Route { level, method, when, operation, event_name, action, data: true }
}

const fn management(
    level: Level,
    method: &'static str,
    when: When,
    [operation, event_name, action]: [&'static str; 3],
) -> Route {
    Route { level, method, when, operation, event_name, action, data: false }
}

use Level::{Bucket, Object, Service};
use When::{Always, CopySource, Flag, FlagAnd, Form, LambdaRoute, Part, Upload, Value};

/// The first that fits is the operation: sub-resources before plain resources, the particular before the general.
/// (Operation, name in records, action.)
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    management(Service, "GET", Always, ["ListBuckets", "ListBuckets", "s3:ListAllMyBuckets"]),
    management(Bucket, "GET", Flag("abac"), ["GetBucketAbac", "GetBucketAbac", "s3:GetBucketAbac"]),
    management(Bucket, "PUT", Flag("abac"), ["PutBucketAbac", "PutBucketAbac", "s3:PutBucketAbac"]),
    management(Bucket, "GET", Flag("accelerate"), ["GetBucketAccelerateConfiguration", "GetAccelerateConfiguration", "s3:GetAccelerateConfiguration"]),
    management(Bucket, "PUT", Flag("accelerate"), ["PutBucketAccelerateConfiguration", "PutAccelerateConfiguration", "s3:PutAccelerateConfiguration"]),
    management(Bucket, "GET", Flag("acl"), ["GetBucketAcl", "GetBucketAcl", "s3:GetBucketAcl"]),
    management(Bucket, "PUT", Flag("acl"), ["PutBucketAcl", "PutBucketAcl", "s3:PutBucketAcl"]),
    management(Bucket, "GET", FlagAnd("analytics", "id"), ["GetBucketAnalyticsConfiguration", "GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"]),
    management(Bucket, "GET", Flag("analytics"), ["ListBucketAnalyticsConfigurations", "GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"]),
    management(Bucket, "PUT", Flag("analytics"), ["PutBucketAnalyticsConfiguration", "PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"]),
    management(Bucket, "DELETE", Flag("analytics"), ["DeleteBucketAnalyticsConfiguration", "DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"]),
    management(Bucket, "GET", FlagAnd("intelligent-tiering", "id"), ["GetBucketIntelligentTieringConfiguration", "GetBucketIntelligentTieringConfiguration", "s3:GetIntelligentTieringConfiguration"]),
    management(Bucket, "GET", Flag("intelligent-tiering"), ["ListBucketIntelligentTieringConfigurations", "ListBucketIntelligentTieringConfigurations", "s3:GetIntelligentTieringConfiguration"]),
    management(Bucket, "PUT", Flag("intelligent-tiering"), ["PutBucketIntelligentTieringConfiguration", "PutBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"]),
    management(Bucket, "DELETE", Flag("intelligent-tiering"), ["DeleteBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"]),
    management(Bucket, "GET", FlagAnd("inventory", "id"), ["GetBucketInventoryConfiguration", "GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"]),
    management(Bucket, "GET", Flag("inventory"), ["ListBucketInventoryConfigurations", "GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"]),
    management(Bucket, "PUT", Flag("inventory"), ["PutBucketInventoryConfiguration", "PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration"]),
    management(Bucket, "DELETE", Flag("inventory"), ["DeleteBucketInventoryConfiguration", "DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration"]),
    management(Bucket, "GET", FlagAnd("metrics", "id"), ["GetBucketMetricsConfiguration", "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"]),
    management(Bucket, "GET", Flag("metrics"), ["ListBucketMetricsConfigurations", "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"]),
    management(Bucket, "PUT", Flag("metrics"), ["PutBucketMetricsConfiguration", "PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration"]),
    management(Bucket, "DELETE", Flag("metrics"), ["DeleteBucketMetricsConfiguration", "DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"]),
    management(Bucket, "GET", Flag("cors"), ["GetBucketCors", "GetBucketCors", "s3:GetBucketCORS"]),
    management(Bucket, "PUT", Flag("cors"), ["PutBucketCors", "PutBucketCors", "s3:PutBucketCORS"]),
    management(Bucket, "DELETE", Flag("cors"), ["DeleteBucketCors", "DeleteBucketCors", "s3:PutBucketCORS"]),
    data(Bucket, "POST", Flag("delete"), ["DeleteObjects", "DeleteObjects", "s3:DeleteObject"]),
    management(Bucket, "GET", Flag("encryption"), ["GetBucketEncryption", "GetBucketEncryption", "s3:GetEncryptionConfiguration"]),
    management(Bucket, "PUT", Flag("encryption"), ["PutBucketEncryption", "PutBucketEncryption", "s3:PutEncryptionConfiguration"]),
    management(Bucket, "DELETE", Flag("encryption"), ["DeleteBucketEncryption", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration"]),
    management(Bucket, "GET", Flag("lifecycle"), ["GetBucketLifecycleConfiguration", "GetBucketLifecycle", "s3:GetLifecycleConfiguration"]),
    management(Bucket, "PUT", Flag("lifecycle"), ["PutBucketLifecycleConfiguration", "PutBucketLifecycle", "s3:PutLifecycleConfiguration"]),
    management(Bucket, "DELETE", Flag("lifecycle"), ["DeleteBucketLifecycle", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"]),
    management(Bucket, "GET", Flag("location"), ["GetBucketLocation", "GetBucketLocation", "s3:GetBucketLocation"]),
    management(Bucket, "GET", Flag("logging"), ["GetBucketLogging", "GetBucketLogging", "s3:GetBucketLogging"]),
    management(Bucket, "PUT", Flag("logging"), ["PutBucketLogging", "PutBucketLogging", "s3:PutBucketLogging"]),
    management(Bucket, "PUT", Flag("metadataAnnotationTable"), ["UpdateBucketMetadataAnnotationTableConfiguration", "UpdateBucketMetadataAnnotationTableConfiguration", "s3:UpdateBucketMetadataAnnotationTableConfiguration"]),
    management(Bucket, "GET", Flag("metadataConfiguration"), ["GetBucketMetadataConfiguration", "GetBucketMetadataConfiguration", "s3:GetBucketMetadataTableConfiguration"]),
    management(Bucket, "POST", Flag("metadataConfiguration"), ["CreateBucketMetadataConfiguration", "CreateBucketMetadataConfiguration", "s3:CreateBucketMetadataTableConfiguration"]),
    management(Bucket, "DELETE", Flag("metadataConfiguration"), ["DeleteBucketMetadataConfiguration", "DeleteBucketMetadataConfiguration", "s3:DeleteBucketMetadataTableConfiguration"]),
    management(Bucket, "PUT", Flag("metadataInventoryTable"), ["UpdateBucketMetadataInventoryTableConfiguration", "UpdateBucketMetadataInventoryTableConfiguration", "s3:UpdateBucketMetadataInventoryTableConfiguration"]),
    management(Bucket, "PUT", Flag("metadataJournalTable"), ["UpdateBucketMetadataJournalTableConfiguration", "UpdateBucketMetadataJournalTableConfiguration", "s3:UpdateBucketMetadataJournalTableConfiguration"]),
    management(Bucket, "GET", Flag("metadataTable"), ["GetBucketMetadataTableConfiguration", "GetBucketMetadataTableConfiguration", "s3:GetBucketMetadataTableConfiguration"]),
    management(Bucket, "POST", Flag("metadataTable"), ["CreateBucketMetadataTableConfiguration", "CreateBucketMetadataTableConfiguration", "s3:CreateBucketMetadataTableConfiguration"]),
    management(Bucket, "DELETE", Flag("metadataTable"), ["DeleteBucketMetadataTableConfiguration", "DeleteBucketMetadataTableConfiguration", "s3:DeleteBucketMetadataTableConfiguration"]),
    management(Bucket, "GET", Flag("notification"), ["GetBucketNotificationConfiguration", "GetBucketNotification", "s3:GetBucketNotification"]),
    management(Bucket, "PUT", Flag("notification"), ["PutBucketNotificationConfiguration", "PutBucketNotification", "s3:PutBucketNotification"]),
    management(Bucket, "GET", Flag("object-lock"), ["GetObjectLockConfiguration", "GetBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"]),
    management(Bucket, "PUT", Flag("object-lock"), ["PutObjectLockConfiguration", "PutBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"]),
    management(Bucket, "GET", Flag("ownershipControls"), ["GetBucketOwnershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls"]),
    management(Bucket, "PUT", Flag("ownershipControls"), ["PutBucketOwnershipControls", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls"]),
    management(Bucket, "DELETE", Flag("ownershipControls"), ["DeleteBucketOwnershipControls", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"]),
    management(Bucket, "GET", Flag("policy"), ["GetBucketPolicy", "GetBucketPolicy", "s3:GetBucketPolicy"]),
    management(Bucket, "PUT", Flag("policy"), ["PutBucketPolicy", "PutBucketPolicy", "s3:PutBucketPolicy"]),
    management(Bucket, "DELETE", Flag("policy"), ["DeleteBucketPolicy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy"]),
    management(Bucket, "GET", Flag("policyStatus"), ["GetBucketPolicyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus"]),
    management(Bucket, "GET", Flag("publicAccessBlock"), ["GetPublicAccessBlock", "GetBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock"]),
    management(Bucket, "PUT", Flag("publicAccessBlock"), ["PutPublicAccessBlock", "PutBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"]),
    management(Bucket, "DELETE", Flag("publicAccessBlock"), ["DeletePublicAccessBlock", "DeleteBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"]),
    management(Bucket, "GET", Flag("replication"), ["GetBucketReplication", "GetBucketReplication", "s3:GetReplicationConfiguration"]),
    management(Bucket, "PUT", Flag("replication"), ["PutBucketReplication", "PutBucketReplication", "s3:PutReplicationConfiguration"]),
    management(Bucket, "DELETE", Flag("replication"), ["DeleteBucketReplication", "DeleteBucketReplication", "s3:PutReplicationConfiguration"]),
    management(Bucket, "GET", Flag("requestPayment"), ["GetBucketRequestPayment", "GetBucketRequestPayment", "s3:GetBucketRequestPayment"]),
    management(Bucket, "PUT", Flag("requestPayment"), ["PutBucketRequestPayment", "PutBucketRequestPayment", "s3:PutBucketRequestPayment"]),
    data(Bucket, "GET", Flag("session"), ["CreateSession", "CreateSession", "s3express:CreateSession"]),
    management(Bucket, "GET", Flag("tagging"), ["GetBucketTagging", "GetBucketTagging", "s3:GetBucketTagging"]),
    management(Bucket, "PUT", Flag("tagging"), ["PutBucketTagging", "PutBucketTagging", "s3:PutBucketTagging"]),
    management(Bucket, "DELETE", Flag("tagging"), ["DeleteBucketTagging", "DeleteBucketTagging", "s3:PutBucketTagging"]),
    management(Bucket, "GET", Flag("uploads"), ["ListMultipartUploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads"]),
    management(Bucket, "GET", Flag("versioning"), ["GetBucketVersioning", "GetBucketVersioning", "s3:GetBucketVersioning"]),
    management(Bucket, "PUT", Flag("versioning"), ["PutBucketVersioning", "PutBucketVersioning", "s3:PutBucketVersioning"]),
    data(Bucket, "GET", Flag("versions"), ["ListObjectVersions", "ListObjectVersions", "s3:ListBucketVersions"]),
    management(Bucket, "GET", Flag("website"), ["GetBucketWebsite", "GetBucketWebsite", "s3:GetBucketWebsite"]),
    management(Bucket, "PUT", Flag("website"), ["PutBucketWebsite", "PutBucketWebsite", "s3:PutBucketWebsite"]),
    management(Bucket, "DELETE", Flag("website"), ["DeleteBucketWebsite", "DeleteBucketWebsite", "s3:DeleteBucketWebsite"]),
    data(Bucket, "POST", LambdaRoute, ["WriteGetObjectResponse", "WriteGetObjectResponse", "s3-object-lambda:WriteGetObjectResponse"]),
    data(Bucket, "POST", Form, ["PostObject", "PostObject", "s3:PutObject"]),
    data(Bucket, "GET", Value("list-type", "2"), ["ListObjectsV2", "ListObjects", "s3:ListBucket"]),
    data(Bucket, "GET", Always, ["ListObjects", "ListObjects", "s3:ListBucket"]),
    data(Bucket, "HEAD", Always, ["HeadBucket", "HeadBucket", "s3:ListBucket"]),
    management(Bucket, "PUT", Always, ["CreateBucket", "CreateBucket", "s3:CreateBucket"]),
    management(Bucket, "DELETE", Always, ["DeleteBucket", "DeleteBucket", "s3:DeleteBucket"]),
    data(Object, "GET", Flag("acl"), ["GetObjectAcl", "GetObjectAcl", "s3:GetObjectAcl"]),
    data(Object, "PUT", Flag("acl"), ["PutObjectAcl", "PutObjectAcl", "s3:PutObjectAcl"]),
    data(Object, "GET", FlagAnd("annotation", "annotationName"), ["GetObjectAnnotation", "GetObjectAnnotation", "s3:GetObjectAnnotation"]),
    data(Object, "GET", Flag("annotation"), ["ListObjectAnnotations", "ListObjectAnnotations", "s3:ListObjectAnnotations"]),
    data(Object, "PUT", Flag("annotation"), ["PutObjectAnnotation", "PutObjectAnnotation", "s3:PutObjectAnnotation"]),
    data(Object, "DELETE", Flag("annotation"), ["DeleteObjectAnnotation", "DeleteObjectAnnotation", "s3:DeleteObjectAnnotation"]),
    data(Object, "GET", Flag("attributes"), ["GetObjectAttributes", "GetObjectAttributes", "s3:GetObjectAttributes"]),
    data(Object, "PUT", Flag("encryption"), ["UpdateObjectEncryption", "UpdateObjectEncryption", "s3:UpdateObjectEncryption"]),
    data(Object, "GET", Flag("legal-hold"), ["GetObjectLegalHold", "GetObjectLockLegalHold", "s3:GetObjectLegalHold"]),
    data(Object, "PUT", Flag("legal-hold"), ["PutObjectLegalHold", "PutObjectLockLegalHold", "s3:PutObjectLegalHold"]),
    data(Object, "PUT", Flag("renameObject"), ["RenameObject", "RenameObject", "s3express:CreateSession"]),
    data(Object, "POST", Flag("restore"), ["RestoreObject", "RestoreObject", "s3:RestoreObject"]),
    data(Object, "GET", Flag("retention"), ["GetObjectRetention", "GetObjectLockRetention", "s3:GetObjectRetention"]),
    data(Object, "PUT", Flag("retention"), ["PutObjectRetention", "PutObjectLockRetention", "s3:PutObjectRetention"]),
    data(Object, "POST", Flag("select"), ["SelectObjectContent", "SelectObjectContent", "s3:GetObject"]),
    data(Object, "GET", Flag("tagging"), ["GetObjectTagging", "GetObjectTagging", "s3:GetObjectTagging"]),
    data(Object, "PUT", Flag("tagging"), ["PutObjectTagging", "PutObjectTagging", "s3:PutObjectTagging"]),
    data(Object, "DELETE", Flag("tagging"), ["DeleteObjectTagging", "DeleteObjectTagging", "s3:DeleteObjectTagging"]),
    data(Object, "GET", Flag("torrent"), ["GetObjectTorrent", "GetObjectTorrent", "s3:GetObjectTorrent"]),
    data(Object, "POST", Flag("uploads"), ["CreateMultipartUpload", "CreateMultipartUpload", "s3:PutObject"]),
    data(Object, "PUT", Part { copy: true }, ["UploadPartCopy", "UploadPartCopy", "s3:PutObject"]),
    data(Object, "PUT", Part { copy: false }, ["UploadPart", "UploadPart", "s3:PutObject"]),
    data(Object, "GET", Upload, ["ListParts", "ListParts", "s3:ListMultipartUploadParts"]),
    data(Object, "POST", Upload, ["CompleteMultipartUpload", "CompleteMultipartUpload", "s3:PutObject"]),
    data(Object, "DELETE", Upload, ["AbortMultipartUpload", "AbortMultipartUpload", "s3:AbortMultipartUpload"]),
    data(Object, "PUT", CopySource, ["CopyObject", "CopyObject", "s3:PutObject"]),
    data(Object, "GET", Always, ["GetObject", "GetObject", "s3:GetObject"]),
    data(Object, "HEAD", Always, ["HeadObject", "HeadObject", "s3:GetObject"]),
    data(Object, "PUT", Always, ["PutObject", "PutObject", "s3:PutObject"]),
    data(Object, "DELETE", Always, ["DeleteObject", "DeleteObject", "s3:DeleteObject"]),
];
