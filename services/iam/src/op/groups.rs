//! Groups and who is in them.

use bytes::Bytes;
use opentrail_policy::rows::{self, GroupRow, UserRow};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::users;
use crate::entity::{self, Entity, Kind};
use crate::faults::{exists, must, no_group, quota};
use crate::page::Page;
use crate::shapes;
use crate::verb::{Answer, Draft};

const GROUPS_MAX: u64 = 300;
const GROUPS_PER_USER_MAX: usize = 10;

pub(crate) async fn load(d: &mut Draft<'_>, name: &str) -> Result<GroupRow, Fault> {
    match Entity::load(d, Kind::Group, name).await? {
        Entity::Group(row) => Ok(row),
        _ => Err(no_group(name)),
    }
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (name, path) = (entity::name(input, "GroupName"), entity::path(input, "Path")?);
    if Entity::find(d, Kind::Group, name).await?.is_some() {
        return Err(exists(format!("Group with name {name} already exists.")));
    }
    let group = GroupRow {
        name: name.to_owned(),
        path,
        unique_id: d.unique_id("AGPA"),
        created_s: d.now_s(),
        grants: rows::Grants::default(),
    };
    d.room(rows::groups(d.account), GROUPS_MAX, quota("GroupsPerAccount", GROUPS_MAX));
    let shown = shapes::group(d.account, &group);
    Entity::Group(group).save_named(d);
    Ok(Document::structure().with("Group", shown))
}

/// The group and a page of its members: pages follow ids, each shows its users by name.
pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("GetGroup", input)?;
    let group = load(d, entity::name(input, "GroupName")).await?;
    let (ids, rest) = page.scan_names(d, &rows::members(d.account, &group.unique_id)).await?;
    let users = users_of(d, ids).await?;
    let users: Vec<Document> = users.iter().map(|row| shapes::user(d.account, row)).collect();
    Ok(rest.onto(Document::structure().with("Group", shapes::group(d.account, &group)).with("Users", users)))
}

/// The users with these ids, by name.
async fn users_of(d: &mut Draft<'_>, ids: Vec<String>) -> Result<Vec<UserRow>, Fault> {
    let mut users = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(Entity::User(user)) = Entity::by_id(d, &id).await? {
            users.push(user);
        }
    }
    users.sort_by_key(|user| user.name.to_ascii_lowercase());
    Ok(users)
}

pub(crate) async fn list(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListGroups", input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let wanted = |row: &GroupRow| row.path.starts_with(prefix);
    let (groups, rest) = page.scan(d, &rows::groups(d.account), wanted).await?;
    let groups: Vec<Document> = groups.iter().map(|row| shapes::group(d.account, row)).collect();
    Ok(rest.onto(Document::structure().with("Groups", groups)))
}

/// Another name or path: the id, and with it members and policies, stays.
pub(crate) async fn update(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut group = load(d, entity::name(input, "GroupName")).await?;
    if let Some(new) = input.text("NewGroupName") {
        if !new.eq_ignore_ascii_case(&group.name) && Entity::find(d, Kind::Group, new).await?.is_some() {
            return Err(exists(format!("Group with name {new} already exists.")));
        }
        d.delete(rows::group_key(d.account, &group.name));
        group.name = new.to_owned();
    }
    if input.text("NewPath").is_some() {
        group.path = entity::path(input, "NewPath")?;
    }
    Entity::Group(group).save_named(d);
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let group = load(d, entity::name(input, "GroupName")).await?;
    if !group.grants.attached.is_empty() {
        return Err(must("detach all policies first"));
    }
    if !group.grants.inline.is_empty() {
        return Err(must("delete policies first"));
    }
    d.empty(rows::members(d.account, &group.unique_id), must("remove users from group first"));
    Entity::Group(group).delete(d);
    Ok(Document::structure())
}

/// A member stays one.
pub(crate) async fn add_user(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut user = users::load(d, entity::name(input, "UserName")).await?;
    let group = load(d, entity::name(input, "GroupName")).await?;
    if user.groups.contains(&group.unique_id) {
        return Ok(Document::structure());
    }
    if user.groups.len() >= GROUPS_PER_USER_MAX {
        return Err(quota("GroupsPerUser", GROUPS_PER_USER_MAX as u64));
    }
    d.put_bytes(rows::member_key(d.account, &group.unique_id, &user.unique_id), Bytes::new());
    user.groups.push(group.unique_id.clone());
    Entity::User(user).save(d);
    Ok(Document::structure())
}

/// Who is no member stays none.
pub(crate) async fn remove_user(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut user = users::load(d, entity::name(input, "UserName")).await?;
    let group = load(d, entity::name(input, "GroupName")).await?;
    if user.groups.contains(&group.unique_id) {
        user.groups.retain(|id| *id != group.unique_id);
        d.delete(rows::member_key(d.account, &group.unique_id, &user.unique_id));
        Entity::User(user).save(d);
    }
    Ok(Document::structure())
}

pub(crate) async fn list_for_user(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListGroupsForUser", input)?;
    let user = users::load(d, entity::name(input, "UserName")).await?;
    let mut groups = Vec::new();
    for id in &user.groups {
        if let Some(Entity::Group(group)) = Entity::by_id(d, id).await? {
            groups.push(group);
        }
    }
    groups.sort_by_key(|group| group.name.to_ascii_lowercase());
    let (groups, rest) = page.cut(groups, |row| row.name.to_ascii_lowercase());
    let groups: Vec<Document> = groups.iter().map(|row| shapes::group(d.account, row)).collect();
    Ok(rest.onto(Document::structure().with("Groups", groups)))
}
