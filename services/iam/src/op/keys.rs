//! Access keys: the same ones that the house's own commands make.

use opentrail_policy::rows::{self, UsedRow};
use opentrail_policy::{AccessKey, KeyStatus, PrincipalKind};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};

use super::users::{load, named_or_caller};
use crate::faults::{denied, invalid_input, no_such, unavailable};
use crate::page::Page;
use crate::shapes;
use crate::verb::{Answer, Draft};

/// Keys of a root are changed by that root.
fn guard_root(cx: &Cx, owner: Option<&str>) -> Result<(), Fault> {
    match (owner, &cx.principal.kind) {
        (None, PrincipalKind::Root) | (Some(_), _) => Ok(()),
        (None, _) => Err(denied("The keys of the root are changed by the root alone.")),
    }
}

async fn owner(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Result<Option<String>, Fault> {
    match named_or_caller(cx, input)? {
        Some(name) => Ok(Some(load(d, &name).await?.name)),
        None => Ok(None),
    }
}

/// How answers name a key's owner. A root has no user name, and its answers no such member: an empty one would be no name that
/// IAM's model knows.
fn shown_owner(key: &AccessKey) -> Option<&str> {
    key.user.as_deref()
}

fn status(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "Active",
        KeyStatus::Inactive => "Inactive",
    }
}

pub(crate) async fn create(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let owner = owner(d, cx, input).await?;
    guard_root(cx, owner.as_deref())?;
    // A transaction of its own: this draft writes nothing.
    let new = d.directory().create_access_key(d.account, owner.as_deref()).await.map_err(unavailable)?;
    let shown = Document::structure()
        .with("UserName", shown_owner(&new.key))
        .with("AccessKeyId", new.key.id.as_str())
        .with("Status", status(new.key.status))
        .with("SecretAccessKey", new.secret.expose())
        .with("CreateDate", shapes::date(new.key.created_s));
    Ok(Document::structure().with("AccessKey", shown))
}

pub(crate) async fn list(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let page = Page::read("ListAccessKeys", input)?;
    let owner = owner(d, cx, input).await?;
    let keys = d.directory().list_access_keys(d.account, owner.as_deref()).await.map_err(unavailable)?;
    let (keys, rest) = page.cut(keys, |key| key.id.clone());
    let shown = keys.iter().map(|key| {
        Document::structure()
            .with("UserName", shown_owner(key))
            .with("AccessKeyId", key.id.as_str())
            .with("Status", status(key.status))
            .with("CreateDate", shapes::date(key.created_s))
    });
    let shown: Vec<Document> = shown.collect();
    Ok(rest.onto(Document::structure().with("AccessKeyMetadata", shown)))
}

/// The key that a call names, if it is the owner's.
async fn find(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Result<AccessKey, Fault> {
    let owner = owner(d, cx, input).await?;
    let id = input.text("AccessKeyId").unwrap_or_default();
    let key = d.directory().access_key(id).await.map_err(unavailable)?;
    let same = |key: &AccessKey| match (&key.user, &owner) {
        (Some(user), Some(owner)) => user.eq_ignore_ascii_case(owner),
        (user, owner) => user.is_none() && owner.is_none(),
    };
    let key = key.filter(|key| key.account == d.account && same(key));
    let key = key.ok_or_else(|| no_such(format!("The Access Key with id {id} cannot be found.")))?;
    guard_root(cx, key.user.as_deref())?;
    Ok(key)
}

pub(crate) async fn update(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let key = find(d, cx, input).await?;
    let status = match input.text("Status") {
        Some("Active") => KeyStatus::Active,
        Some("Inactive") => KeyStatus::Inactive,
        _ => return Err(invalid_input("An access key is made Active or Inactive.")),
    };
    d.directory().update_access_key(d.account, &key.id, status).await.map_err(unavailable)?;
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let key = find(d, cx, input).await?;
    d.directory().delete_access_key(d.account, &key.id).await.map_err(unavailable)?;
    Ok(Document::structure())
}

/// A key of another account is not told from one that does not exist (`spec/policy.md` 5).
pub(crate) async fn last_used(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let id = input.text("AccessKeyId").unwrap_or_default();
    let key = d.directory().access_key(id).await.map_err(unavailable)?.filter(|key| key.account == d.account);
    let Some(key) = key else {
        let who = cx.principal.arn();
        let what =
            format!("User: {who} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {id}");
        return Err(denied(what));
    };
    let used = d.get::<UsedRow>(&rows::key_used_key(id)).await.map_err(unavailable)?;
    let shown = match &used {
        Some(used) => Document::structure()
            .with("LastUsedDate", shapes::date(used.at_s))
            .with("ServiceName", used.service.as_str())
            .with("Region", used.region.as_str()),
        None => Document::structure().with("ServiceName", "N/A").with("Region", "N/A"),
    };
    Ok(Document::structure().with("UserName", shown_owner(&key)).with("AccessKeyLastUsed", shown))
}
