//! What CreateTrail and UpdateTrail have in common: which settings go together, and whether what a trail shall deliver to
//! takes it.
//!
//! The order in which faults are told is the recorded one (`spec/recorded.md` 3): names and combinations, the bucket,
//! then SNS, then CloudWatch Logs and organisations. An UpdateTrail goes through all of it, also where it changes nothing.

use bytes::Bytes;
use opentrail_delivery::{BucketError, File, OnBehalf};
use opentrail_event::Arn;
use opentrail_protocol::{Document, Violation};
use opentrail_trail::Config;
use opentrail_wire::{Cx, Fault};

use crate::desk::{Desk, refuse_name, unavailable};
use crate::tags;

/// Characters of `S3KeyPrefix`.
const PREFIX_CHARS_MAX: usize = 200;
/// And its bytes, so that the longest key of a digest, with the longest names of trail and regions, has no more than the 1,024
/// that S3 takes.
const PREFIX_BYTES_MAX: usize = 680;
/// Characters of `SnsTopicName`.
const TOPIC_CHARS_MAX: usize = 256;

/// What a model's constraint that does not hold is called.
pub(crate) fn refuse(violation: &Violation) -> Option<Fault> {
    match violation.member.as_str() {
        "S3BucketName" => Some(bad_bucket("S3 bucket name cannot be blank!")),
        _ => refuse_name(violation).or_else(|| tags::refuse(violation)),
    }
}

/// What needs no more than a look at the input: bucket name, prefix, topic.
pub(crate) fn check_input(input: &Document) -> Result<(), Fault> {
    if let Some(bucket) = input.text("S3BucketName") {
        check_bucket(bucket)?;
    }
    let too_long = |prefix: &str| prefix.chars().count() > PREFIX_CHARS_MAX || prefix.len() > PREFIX_BYTES_MAX;
    if input.text("S3KeyPrefix").is_some_and(too_long) {
        let message = format!("S3 prefix is longer than maximum length: {PREFIX_CHARS_MAX}");
        return Err(Fault::client("InvalidS3PrefixException", message));
    }
    // The text is ours. A line break would make more than one line of what a digest's signature is of.
    if input.text("S3KeyPrefix").is_some_and(|prefix| prefix.chars().any(char::is_control)) {
        let message = "S3 prefix holds control characters.";
        return Err(Fault::client("InvalidS3PrefixException", message));
    }
    given(input, "SnsTopicName").map_or(Ok(()), check_topic)
}

/// A text member that says something: an empty one removes what an update finds, and is nothing to a new trail.
fn given<'a>(input: &'a Document, member: &str) -> Option<&'a str> {
    input.text(member).filter(|text| !text.is_empty())
}

/// A trail of all regions takes the events of global services; `spec/delivery.md` 2.7 has the flips.
pub(crate) fn global_events(asked: Option<bool>, now: bool, was_multi: bool, multi: bool) -> Result<bool, Fault> {
    match (asked, multi) {
        (Some(false), true) => Err(Fault::client(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        )),
        (Some(asked), _) => Ok(asked),
        (None, true) => Ok(true),
        (None, false) => Ok(now && !was_multi),
    }
}

/// `S3KeyPrefix` as it is kept: as given, and none where it is empty.
pub(crate) fn prefix(input: &Document, now: Option<&String>) -> Option<String> {
    match input.text("S3KeyPrefix") {
        Some("") => None,
        Some(prefix) => Some(prefix.to_owned()),
        None => now.cloned(),
    }
}

/// Tries what the trail shall deliver to, in its name. Markers that were written stay, whatever follows.
pub(crate) async fn preflight(desk: &Desk, cx: &Cx, arn: Arn, config: &Config, input: &Document) -> Result<(), Fault> {
    let by = OnBehalf { service: "cloudtrail.amazonaws.com", source_arn: arn, source_account: cx.account() };
    let bucket = config.bucket.as_str();
    let failed = |error: BucketError| bucket_fault(cx, bucket, error);
    desk.buckets.describe(bucket).await.map_err(failed)?;
    given(input, "KmsKeyId").map_or(Ok(()), no_kms)?;
    desk.buckets.put(&by, bucket, marker(cx, config, "CloudTrail")).await.map_err(failed)?;
    if config.log_file_validation {
        desk.buckets.put(&by, bucket, marker(cx, config, "CloudTrail-Digest")).await.map_err(failed)?;
    }
    // The marker is there even where this gate is closed (`spec/recorded.md` 3.2).
    desk.buckets.read_acl(&by, bucket).await.map_err(failed)?;
    given(input, "SnsTopicName").map_or(Ok(()), |_| no_sns())?;
    check_logs(input)?;
    if input.bool("IsOrganizationTrail") == Some(true) {
        let message = "Your account is not a member of an organization: this house has no organizations yet.";
        return Err(Fault::client("OrganizationsNotInUseException", message));
    }
    Ok(())
}

/// An empty object whose name ends with a slash.
fn marker(cx: &Cx, config: &Config, folder: &str) -> File {
    let prefix = config.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    File {
        key: format!("{prefix}AWSLogs/{}/{folder}/", cx.account()),
        bytes: Bytes::new(),
        content_type: "application/json",
        content_encoding: Some("gzip"),
        metadata: Vec::new(),
        recorded: true,
    }
}

fn bucket_fault(cx: &Cx, bucket: &str, error: BucketError) -> Fault {
    match error {
        BucketError::NoSuchBucket(_) => {
            Fault::client("S3BucketDoesNotExistException", format!("S3 bucket {bucket} does not exist!"))
        }
        BucketError::Denied { .. } => {
            tracing::info!(%error, request_id = %cx.request_id, "a bucket does not welcome a trail");
            let message = format!("Incorrect S3 bucket policy is detected for bucket: {bucket}");
            Fault::client("InsufficientS3BucketPolicyException", message)
        }
        BucketError::Unavailable(_) => {
            tracing::error!(%error, request_id = %cx.request_id, "try the bucket of a trail");
            unavailable("The bucket could not be reached; try again.")
        }
    }
}

fn check_bucket(bucket: &str) -> Result<(), Fault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = bucket.as_bytes();
    if bytes.is_empty() {
        return Err(bad_bucket("S3 bucket name cannot be blank!"));
    }
    let fits = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| plain(b) || matches!(b, b'.' | b'-'))
        && bytes.first().is_some_and(|&b| plain(b))
        && bytes.last().is_some_and(|&b| plain(b))
        && !bucket.contains("..")
        && bucket.parse::<std::net::Ipv4Addr>().is_err();
    if fits { Ok(()) } else { Err(bad_bucket(&format!("Bucket name {} is not valid.", crate::names::shown(bucket)))) }
}

fn bad_bucket(message: &str) -> Fault {
    Fault::client("InvalidS3BucketNameException", message)
}

/// A name, or an ARN of a topic; FIFO topics cannot be notified.
fn check_topic(topic: &str) -> Result<(), Fault> {
    let name = match topic.strip_prefix("arn:") {
        None => Some(topic),
        Some(rest) => match rest.split(':').collect::<Vec<_>>()[..] {
            ["aws", "sns", region, account, name] if !region.is_empty() && account.len() == 12 => Some(name),
            _ => None,
        },
    };
    let fits =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if topic.chars().count() <= TOPIC_CHARS_MAX && name.is_some_and(fits) {
        return Ok(());
    }
    Err(Fault::client("InvalidSnsTopicNameException", "SNS topic name or ARN is not valid."))
}

fn no_sns() -> Result<(), Fault> {
    let message = "SNS Topic does not exist or the topic policy is incorrect! This house has no SNS yet.";
    Err(Fault::client("InsufficientSnsTopicPolicyException", message))
}

/// As recorded: a malformed value is not found, a well-formed one that is not there cannot be used.
pub(crate) fn no_kms(key: &str) -> Result<(), Fault> {
    let tail = key.strip_prefix("arn:aws:kms:").map_or(Some(key), |rest| rest.splitn(3, ':').nth(2));
    let hex = |id: &str| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_id =
        |id: &str| (id.len() == 36 && hex(id)) || id.strip_prefix("mrk-").is_some_and(|id| id.len() == 32 && hex(id));
    let well_formed = tail.is_some_and(|tail| {
        let id = tail.strip_prefix("key/").unwrap_or(tail);
        is_id(id) || tail.strip_prefix("alias/").is_some_and(|alias| !alias.is_empty())
    });
    let (code, message) = match well_formed {
        true => (
            "InsufficientEncryptionPolicyException",
            "Insufficient permissions to access S3 bucket or KMS key: this house has no KMS yet.",
        ),
        false => ("KmsKeyNotFoundException", "The KMS key was not found: this house has no KMS yet."),
    };
    Err(Fault::client(code, message))
}

/// The pair first, then the form of both, then that there is nothing to deliver to.
fn check_logs(input: &Document) -> Result<(), Fault> {
    let (group_code, role_code) =
        ("InvalidCloudWatchLogsLogGroupArnException", "InvalidCloudWatchLogsRoleArnException");
    let pair = "You must specify a log group and a role ARN.";
    let (group, role) = (input.text("CloudWatchLogsLogGroupArn"), input.text("CloudWatchLogsRoleArn"));
    let (group, role) = match (group, role) {
        // Empty ones remove what no trail has here.
        (None | Some(""), None | Some("")) => return Ok(()),
        (Some(group), Some(role)) if !group.is_empty() && !role.is_empty() => (group, role),
        (Some(group), _) if !group.is_empty() => return Err(Fault::client(role_code, pair)),
        _ => return Err(Fault::client(group_code, pair)),
    };
    let is_group = group.starts_with("arn:aws:logs:") && group.contains(":log-group:") && group.ends_with(":*");
    if !is_group {
        return Err(Fault::client(group_code, "CloudTrail cannot validate the specified log group ARN."));
    }
    if !(role.starts_with("arn:aws:iam::") && role.contains(":role/")) {
        return Err(Fault::client(role_code, "CloudTrail cannot validate the specified role ARN."));
    }
    let message = "CloudWatch Logs delivery is unavailable: this house has no CloudWatch Logs yet.";
    Err(Fault::client("CloudWatchLogsDeliveryUnavailableException", message))
}
