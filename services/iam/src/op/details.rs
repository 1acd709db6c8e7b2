//! GetAccountAuthorizationDetails: users, groups, roles and policies in one listing.

use std::collections::{BTreeMap, HashMap};

use opentrail_policy::rows::{self, GroupRow, PolicyRow, RoleRow, UsedRow, UserRow};
use opentrail_policy::{MANAGED, ManagedPolicy};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::{attachments, policies, profiles};
use crate::documents;
use crate::entity::Kind;
use crate::faults::unavailable;
use crate::page::Page;
use crate::shapes::{self, Uses};
use crate::tags;
use crate::verb::{Answer, Draft};

enum Item {
    User(UserRow),
    Group(GroupRow),
    Role(RoleRow),
    Own(PolicyRow),
    Aws(&'static ManagedPolicy),
}

impl Item {
    fn key(&self) -> String {
        let (kind, name) = match self {
            Self::User(row) => ('0', &row.name),
            Self::Group(row) => ('1', &row.name),
            Self::Role(row) => ('2', &row.name),
            Self::Own(row) => ('3', &row.name),
            Self::Aws(managed) => return format!("4{}", managed.name),
        };
        format!("{kind}{}", name.to_ascii_lowercase())
    }
}

async fn all<T: opentrail_catalog::Stored>(
    d: &Draft<'_>,
    prefix: opentrail_catalog::Key,
    wrap: fn(T) -> Item,
) -> Result<Vec<Item>, Fault> {
    let found = d.list::<T>(&prefix, None, usize::MAX).await.map_err(unavailable)?;
    Ok(found.into_iter().map(|(_, row)| wrap(row)).collect())
}

fn inline(inline: &BTreeMap<String, String>) -> Document {
    let shown = inline.iter().map(|(name, document)| {
        Document::structure().with("PolicyName", name.as_str()).with("PolicyDocument", documents::shown(document))
    });
    Document::List(shown.collect())
}

/// Nothing in place of an empty list.
fn if_any(list: Document) -> Document {
    if list == Document::List(Vec::new()) { Document::Null } else { list }
}

fn attached(arns: &[String]) -> Document {
    Document::List(arns.iter().map(|arn| attachments::shown(arn)).collect())
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("GetAccountAuthorizationDetails", input)?;
    let filter: Vec<&str> = input
        .list("Filter")
        .iter()
        .filter_map(|item| match item {
            Document::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let wanted = |kind: &str| filter.is_empty() || filter.contains(&kind);
    let account = d.account;
    let mut items = Vec::new();
    if wanted("User") {
        items.extend(all(d, Kind::User.all(account), Item::User).await?);
    }
    if wanted("Group") {
        items.extend(all(d, Kind::Group.all(account), Item::Group).await?);
    }
    if wanted("Role") {
        items.extend(all(d, Kind::Role.all(account), Item::Role).await?);
    }
    if wanted("LocalManagedPolicy") {
        items.extend(all(d, rows::policies(account), Item::Own).await?);
    }
    let uses = policies::all_uses(d).await?;
    if wanted("AWSManagedPolicy") {
        // Only those that are in use here.
        items.extend(MANAGED.iter().filter(|managed| uses.contains_key(&managed.arn())).map(Item::Aws));
    }
    let (items, rest) = page.cut(items, Item::key);
    let mut groups: HashMap<String, String> = HashMap::new();
    for (_, group) in d.list::<GroupRow>(&rows::groups(account), None, usize::MAX).await.map_err(unavailable)? {
        groups.insert(group.unique_id, group.name);
    }
    let mut lists: [Vec<Document>; 4] = Default::default();
    for item in &items {
        let (place, shown) = match item {
            Item::User(row) => (0, user(d, row, &groups)),
            Item::Group(row) => (1, group(d, row)),
            Item::Role(row) => (2, role(d, row).await?),
            Item::Own(row) => (3, own(d, row, &uses)),
            Item::Aws(managed) => (3, aws(managed, &uses)),
        };
        lists[place].push(shown);
    }
    let [users, groups, roles, policies] = lists;
    Ok(rest.onto(
        Document::structure()
            .with("UserDetailList", users)
            .with("GroupDetailList", groups)
            .with("RoleDetailList", roles)
            .with("Policies", policies),
    ))
}

fn user(d: &Draft<'_>, row: &UserRow, groups: &HashMap<String, String>) -> Document {
    let names = row.groups.iter().filter_map(|id| groups.get(id)).map(|name| Document::Text(name.clone())).collect();
    Document::structure()
        .with("Path", row.path.as_str())
        .with("UserName", row.name.as_str())
        .with("UserId", row.unique_id.as_str())
        .with("Arn", row.arn(d.account).as_str())
        .with("CreateDate", shapes::date(row.created_s))
        .with("UserPolicyList", if_any(inline(&row.grants.inline)))
        .with("GroupList", Document::List(names))
        .with("AttachedManagedPolicies", attached(&row.grants.attached))
        .with("PermissionsBoundary", shapes::boundary(row.grants.boundary.as_deref()))
        .with("Tags", tags::shown(&row.tags))
}

fn group(d: &Draft<'_>, row: &GroupRow) -> Document {
    shapes::group(d.account, row)
        .with("GroupPolicyList", inline(&row.grants.inline))
        .with("AttachedManagedPolicies", attached(&row.grants.attached))
}

async fn role(d: &mut Draft<'_>, row: &RoleRow) -> Answer {
    let used = d.get::<UsedRow>(&rows::role_used_key(d.account, &row.unique_id)).await.map_err(unavailable)?;
    let mut list = Vec::new();
    for profile in profiles::of_role(d, &row.unique_id).await? {
        list.push(profiles::shown(d, &profile).await?);
    }
    Ok(shapes::role(d, row)
        .await?
        .with("InstanceProfileList", list)
        .with("RolePolicyList", inline(&row.grants.inline))
        .with("AttachedManagedPolicies", attached(&row.grants.attached))
        .with("PermissionsBoundary", shapes::boundary(row.grants.boundary.as_deref()))
        .with("Tags", tags::shown(&row.tags))
        .with("RoleLastUsed", shapes::last_used(used.as_ref())))
}

fn own(d: &Draft<'_>, row: &PolicyRow, uses: &HashMap<String, Uses>) -> Document {
    let uses = uses.get(row.arn(d.account).as_str()).copied().unwrap_or_default();
    let versions = row.versions.iter().rev().map(|version| policies::with_document(version, row.default));
    shapes::policy(d.account, row, uses)
        .with("Description", row.description.as_deref())
        .with("PolicyVersionList", versions.collect::<Vec<_>>())
}

fn aws(managed: &ManagedPolicy, uses: &HashMap<String, Uses>) -> Document {
    let uses = uses.get(&managed.arn()).copied().unwrap_or_default();
    let version =
        rows::PolicyVersion { number: 1, document: managed.document.to_owned(), created_s: managed.created_s() };
    shapes::managed(managed, uses)
        .with("Description", managed.description)
        .with("PolicyVersionList", vec![policies::with_document(&version, 1)])
}
