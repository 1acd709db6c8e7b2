//! Roles and their trust policies.

use opentrail_policy::rows::{self, RoleRow, UsedRow};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::{boundaries, linked};
use crate::documents;
use crate::entity::{self, Entity, Kind};
use crate::faults::{constraint, exists, invalid_input, must, no_role, protected, quota, unavailable};
use crate::page::Page;
use crate::shapes;
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

const ROLES_MAX: u64 = 1_000;
/// How long a session may last where the role does not say, seconds.
const SESSION_S: i64 = 3_600;

pub(crate) async fn load(d: &mut Draft<'_>, name: &str) -> Result<RoleRow, Fault> {
    match Entity::load(d, Kind::Role, name).await? {
        Entity::Role(row) => Ok(row),
        _ => Err(no_role(name)),
    }
}

async fn load_mutable(d: &mut Draft<'_>, name: &str) -> Result<RoleRow, Fault> {
    let role = load(d, name).await?;
    if role.linked_to.is_some() { Err(protected(&role.name)) } else { Ok(role) }
}

fn session_s(input: &Document) -> Result<Option<i64>, Fault> {
    match input.int("MaxSessionDuration") {
        Some(..3_600) => Err(constraint("maxSessionDuration", "Member must have value greater than or equal to 3600")),
        Some(43_201..) => Err(constraint("maxSessionDuration", "Member must have value less than or equal to 43200")),
        seconds => Ok(seconds),
    }
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (name, path) = (entity::name(input, "RoleName"), entity::path(input, "Path")?);
    // Control policies do not ask about roles of services, so nobody else's may look like one.
    if path.starts_with(linked::PATH) {
        let message = format!("Path prefix '{}' can only be used for AWS Service linked Roles", linked::PATH);
        return Err(invalid_input(message));
    }
    let tags = tags::read(input, Case::Folded)?;
    let max_session_s = session_s(input)?.unwrap_or(SESSION_S);
    let trust = entity::name(input, "AssumeRolePolicyDocument");
    let trusted = documents::check_trust(d, trust).await?;
    if Entity::find(d, Kind::Role, name).await?.is_some() {
        return Err(exists(format!("Role with name {name} already exists.")));
    }
    let mut role = RoleRow {
        name: name.to_owned(),
        path,
        unique_id: d.unique_id("AROA"),
        created_s: d.now_s(),
        grants: rows::Grants::default(),
        tags,
        trust: trust.to_owned(),
        trusted,
        description: input.text("Description").map(str::to_owned),
        max_session_s,
        linked_to: None,
    };
    if let Some(arn) = input.text("PermissionsBoundary") {
        boundaries::put(d, &mut role.grants, &role.unique_id, arn).await?;
    }
    add(d, role).await
}

/// Makes a role whose name is free, and answers it.
pub(crate) async fn add(d: &mut Draft<'_>, role: RoleRow) -> Answer {
    d.room(rows::roles(d.account), ROLES_MAX, quota("RolesPerAccount", ROLES_MAX));
    let shown = shapes::role(d, &role)
        .await?
        .with("PermissionsBoundary", shapes::boundary(role.grants.boundary.as_deref()))
        .with("Tags", tags::shown_if_any(&role.tags));
    Entity::Role(role).save_named(d);
    Ok(Document::structure().with("Role", shown))
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let role = load(d, entity::name(input, "RoleName")).await?;
    let used = d.get::<UsedRow>(&rows::role_used_key(d.account, &role.unique_id)).await.map_err(unavailable)?;
    let shown = shapes::role_listed(d, &role)
        .await?
        .with("PermissionsBoundary", shapes::boundary(role.grants.boundary.as_deref()))
        .with("Tags", tags::shown_if_any(&role.tags))
        .with("RoleLastUsed", shapes::last_used(used.as_ref()));
    Ok(Document::structure().with("Role", shown))
}

pub(crate) async fn list(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListRoles", input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let wanted = |row: &RoleRow| row.path.starts_with(prefix);
    let (roles, rest) = page.scan(d, &rows::roles(d.account), wanted).await?;
    let mut shown = Vec::with_capacity(roles.len());
    for role in &roles {
        shown.push(shapes::role_listed(d, role).await?);
    }
    Ok(rest.onto(Document::structure().with("Roles", shown)))
}

/// What is not said keeps its value.
pub(crate) async fn update(d: &mut Draft<'_>, input: &Document) -> Answer {
    let seconds = session_s(input)?;
    let mut role = load_mutable(d, entity::name(input, "RoleName")).await?;
    role.max_session_s = seconds.unwrap_or(role.max_session_s);
    role.description = input.text("Description").map(str::to_owned).or(role.description);
    Entity::Role(role).save(d);
    Ok(Document::structure())
}

pub(crate) async fn update_description(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut role = load_mutable(d, entity::name(input, "RoleName")).await?;
    role.description = input.text("Description").map(str::to_owned);
    let shown = shapes::role(d, &role).await?.with("Description", role.description.as_deref());
    Entity::Role(role).save(d);
    Ok(Document::structure().with("Role", shown))
}

pub(crate) async fn update_trust(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut role = load_mutable(d, entity::name(input, "RoleName")).await?;
    let trust = entity::name(input, "PolicyDocument");
    role.trusted = documents::check_trust(d, trust).await?;
    role.trust = trust.to_owned();
    Entity::Role(role).save(d);
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let role = load_mutable(d, entity::name(input, "RoleName")).await?;
    if !role.grants.attached.is_empty() {
        return Err(must("detach all policies first"));
    }
    if !role.grants.inline.is_empty() {
        return Err(must("delete policies first"));
    }
    remove(d, role);
    Ok(Document::structure())
}

/// Takes a role away that is in no instance profile.
pub(crate) fn remove(d: &mut Draft<'_>, role: RoleRow) {
    d.empty(rows::profiles_of(d.account, &role.unique_id), must("remove roles from instance profile first"));
    d.delete(rows::role_used_key(d.account, &role.unique_id));
    for arn in &role.grants.attached {
        d.delete(rows::attached_key(d.account, arn, &role.unique_id));
    }
    Entity::Role(role).delete(d);
}
