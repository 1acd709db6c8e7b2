//! Entities as answers show them: which members appear where is AWS's own (`spec/iam.md` 5).

use jiff::Timestamp;
use opentrail_event::AccountId;
use opentrail_policy::ManagedPolicy;
use opentrail_policy::rows::{GroupRow, PolicyRow, PolicyVersion, ProfileRow, RoleRow, UsedRow, UserRow};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::documents;
use crate::tags;
use crate::verb::Draft;

pub(crate) fn date(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// A permissions boundary.
pub(crate) fn boundary(arn: Option<&str>) -> Document {
    arn.map_or(Document::Null, |arn| {
        Document::structure().with("PermissionsBoundaryType", "Policy").with("PermissionsBoundaryArn", arn)
    })
}

/// A user as listings show it.
pub(crate) fn user(account: AccountId, row: &UserRow) -> Document {
    Document::structure()
        .with("Path", row.path.as_str())
        .with("UserName", row.name.as_str())
        .with("UserId", row.unique_id.as_str())
        .with("Arn", row.arn(account).as_str())
        .with("CreateDate", date(row.created_s))
        .with("PasswordLastUsed", row.login.as_ref().and_then(|login| date(login.used_s?)))
}

/// A user alone.
pub(crate) fn user_whole(account: AccountId, row: &UserRow) -> Document {
    user(account, row)
        .with("PermissionsBoundary", boundary(row.grants.boundary.as_deref()))
        .with("Tags", tags::shown_if_any(&row.tags))
}

pub(crate) fn group(account: AccountId, row: &GroupRow) -> Document {
    Document::structure()
        .with("Path", row.path.as_str())
        .with("GroupName", row.name.as_str())
        .with("GroupId", row.unique_id.as_str())
        .with("Arn", row.arn(account).as_str())
        .with("CreateDate", date(row.created_s))
}

/// The six members that a role always has.
pub(crate) async fn role(d: &Draft<'_>, row: &RoleRow) -> Result<Document, Fault> {
    Ok(Document::structure()
        .with("Path", row.path.as_str())
        .with("RoleName", row.name.as_str())
        .with("RoleId", row.unique_id.as_str())
        .with("Arn", row.arn(d.account).as_str())
        .with("CreateDate", date(row.created_s))
        .with("AssumeRolePolicyDocument", documents::shown_trust(d, &row.trust, &row.trusted).await?))
}

/// A role as listings show it.
pub(crate) async fn role_listed(d: &Draft<'_>, row: &RoleRow) -> Result<Document, Fault> {
    let shown = role(d, row).await?.with("Description", row.description.as_deref());
    Ok(shown.with("MaxSessionDuration", row.max_session_s))
}

/// `RoleLastUsed`: empty until it was.
pub(crate) fn last_used(used: Option<&UsedRow>) -> Document {
    used.map_or_else(Document::structure, |used| {
        Document::structure().with("LastUsedDate", date(used.at_s)).with("Region", used.region.as_str())
    })
}

pub(crate) fn profile(account: AccountId, row: &ProfileRow, roles: Vec<Document>) -> Document {
    Document::structure()
        .with("Path", row.path.as_str())
        .with("InstanceProfileName", row.name.as_str())
        .with("InstanceProfileId", row.unique_id.as_str())
        .with("Arn", row.arn(account).as_str())
        .with("CreateDate", date(row.created_s))
        .with("Roles", roles)
}

/// How often a policy is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    pub(crate) attached: i64,
    pub(crate) bounding: i64,
}

/// A managed policy of an account as listings show it.
pub(crate) fn policy(account: AccountId, row: &PolicyRow, uses: Uses) -> Document {
    Document::structure()
        .with("PolicyName", row.name.as_str())
        .with("PolicyId", row.unique_id.as_str())
        .with("Arn", row.arn(account).as_str())
        .with("Path", row.path.as_str())
        .with("DefaultVersionId", format!("v{}", row.default))
        .with("AttachmentCount", uses.attached)
        .with("PermissionsBoundaryUsageCount", uses.bounding)
        .with("IsAttachable", true)
        .with("CreateDate", date(row.created_s))
        .with("UpdateDate", date(row.updated_s))
}

/// One of AWS's as listings show it.
pub(crate) fn managed(row: &ManagedPolicy, uses: Uses) -> Document {
    Document::structure()
        .with("PolicyName", row.name)
        .with("PolicyId", row.unique_id())
        .with("Arn", row.arn())
        .with("Path", row.path)
        .with("DefaultVersionId", "v1")
        .with("AttachmentCount", uses.attached)
        .with("PermissionsBoundaryUsageCount", uses.bounding)
        .with("IsAttachable", row.is_attachable())
        .with("CreateDate", date(row.created_s()))
        .with("UpdateDate", date(row.created_s()))
}

/// A version without its document.
pub(crate) fn version(row: &PolicyVersion, default: u32) -> Document {
    Document::structure()
        .with("VersionId", format!("v{}", row.number))
        .with("IsDefaultVersion", row.number == default)
        .with("CreateDate", date(row.created_s))
}
