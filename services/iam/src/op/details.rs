//! GetAccountAuthorizationDetails: users, groups, roles and policies in one listing.

use std::collections::BTreeMap;

use opentrail_policy::rows::{self, GroupRow, PolicyRow, RoleRow, UsedRow, UserRow};
use opentrail_policy::{MANAGED, ManagedPolicy};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::{attachments, policies, profiles};
use crate::documents;
use crate::entity::Entity;
use crate::faults::unavailable;
use crate::page::{Page, Rest};
use crate::shapes::{self, Uses};
use crate::tags;
use crate::verb::{Answer, Draft};

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

/// The lists of an answer.
#[derive(Default)]
struct Lists {
    users: Vec<Document>,
    groups: Vec<Document>,
    roles: Vec<Document>,
    policies: Vec<Document>,
}

impl Lists {
    fn len(&self) -> usize {
        self.users.len() + self.groups.len() + self.roles.len() + self.policies.len()
    }

    fn answer(self, rest: Rest) -> Document {
        rest.onto(
            Document::structure()
                .with("UserDetailList", self.users)
                .with("GroupDetailList", self.groups)
                .with("RoleDetailList", self.roles)
                .with("Policies", self.policies),
        )
    }
}

/// Users, groups, roles, the account's policies and those of AWS that are in use, in this order.
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
    let account = d.account;
    let mut lists = Lists::default();
    for (mark, kind) in
        [('0', "User"), ('1', "Group"), ('2', "Role"), ('3', "LocalManagedPolicy"), ('4', "AWSManagedPolicy")]
    {
        let is_wanted = filter.is_empty() || filter.contains(&kind);
        let Some(part) = page.segment(mark, page.limit() - lists.len()).filter(|_| is_wanted) else { continue };
        let rest = match kind {
            "User" => {
                let (rows, rest) = part.scan(d, &rows::users(account), |_: &UserRow| true).await?;
                for row in &rows {
                    lists.users.push(user(d, row).await?);
                }
                rest
            }
            "Group" => {
                let (rows, rest) = part.scan(d, &rows::groups(account), |_: &GroupRow| true).await?;
                lists.groups.extend(rows.iter().map(|row| group(d, row)));
                rest
            }
            "Role" => {
                let (rows, rest) = part.scan(d, &rows::roles(account), |_: &RoleRow| true).await?;
                for row in &rows {
                    lists.roles.push(role(d, row).await?);
                }
                rest
            }
            "LocalManagedPolicy" => {
                let (rows, rest) = part.scan(d, &rows::policies(account), |_: &PolicyRow| true).await?;
                for row in &rows {
                    lists.policies.push(own(d, row).await?);
                }
                rest
            }
            _ => {
                let (used, rest) = part.cut(used_of_aws(d).await?, |(managed, _)| managed.name.to_owned());
                lists.policies.extend(used.into_iter().map(|(managed, uses)| aws(managed, uses)));
                rest
            }
        };
        if rest.is_more() {
            return Ok(lists.answer(rest.of_segment(mark)));
        }
    }
    Ok(lists.answer(page.end()))
}

/// AWS's policies that are in use here.
async fn used_of_aws(d: &Draft<'_>) -> Result<Vec<(&'static ManagedPolicy, Uses)>, Fault> {
    let mut used = Vec::new();
    for managed in MANAGED {
        let uses = policies::uses(d, &managed.arn()).await?;
        used.extend((uses != Uses::default()).then_some((managed, uses)));
    }
    Ok(used)
}

async fn user(d: &mut Draft<'_>, row: &UserRow) -> Answer {
    let mut names = Vec::with_capacity(row.groups.len());
    for id in &row.groups {
        names.extend(Entity::by_id(d, id).await?.map(|group| Document::from(group.name())));
    }
    Ok(Document::structure()
        .with("Path", row.path.as_str())
        .with("UserName", row.name.as_str())
        .with("UserId", row.unique_id.as_str())
        .with("Arn", row.arn(d.account).as_str())
        .with("CreateDate", shapes::date(row.created_s))
        .with("UserPolicyList", if_any(inline(&row.grants.inline)))
        .with("GroupList", Document::List(names))
        .with("AttachedManagedPolicies", attached(&row.grants.attached))
        .with("PermissionsBoundary", shapes::boundary(row.grants.boundary.as_deref()))
        .with("Tags", tags::shown(&row.tags)))
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

async fn own(d: &Draft<'_>, row: &PolicyRow) -> Answer {
    let uses = policies::uses(d, row.arn(d.account).as_str()).await?;
    let versions = row.versions.iter().rev().map(|version| policies::with_document(version, row.default));
    Ok(shapes::policy(d.account, row, uses)
        .with("Description", row.description.as_deref())
        .with("PolicyVersionList", versions.collect::<Vec<_>>()))
}

fn aws(managed: &ManagedPolicy, uses: Uses) -> Document {
    let version =
        rows::PolicyVersion { number: 1, document: managed.document.to_owned(), created_s: managed.created_s() };
    shapes::managed(managed, uses)
        .with("Description", managed.description)
        .with("PolicyVersionList", vec![policies::with_document(&version, 1)])
}
