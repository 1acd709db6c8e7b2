//! Instance profiles: documents only, as there are no instances here.

use bytes::Bytes;
use opentrail_policy::rows::{self, ProfileRow, Tag};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::roles;
use super::tagging::Tagged;
use crate::entity::{self, Entity};
use crate::faults::{exists, must, no_profile, no_such, protected, quota, unavailable};
use crate::page::{Page, Rest};
use crate::shapes;
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

const PROFILES_MAX: u64 = 1_000;

async fn load(d: &mut Draft<'_>, input: &Document) -> Result<ProfileRow, Fault> {
    let name = entity::name(input, "InstanceProfileName");
    let row = d.get(&rows::profile_key(d.account, name)).await.map_err(unavailable)?;
    row.ok_or_else(|| no_profile(name))
}

fn save(d: &mut Draft<'_>, row: &ProfileRow) {
    d.put(rows::profile_key(d.account, &row.name), row);
}

/// As all answers but the tags' show it.
pub(crate) async fn shown(d: &mut Draft<'_>, row: &ProfileRow) -> Answer {
    let mut shown = Vec::new();
    if let Some(id) = &row.role
        && let Some(Entity::Role(role)) = Entity::by_id(d, id).await?
    {
        shown.push(shapes::role(d, &role).await?);
    }
    Ok(shapes::profile(d.account, row, shown))
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (name, path) = (entity::name(input, "InstanceProfileName"), entity::path(input, "Path")?);
    let tags = tags::read(input, Case::Kept)?;
    let key = rows::profile_key(d.account, name);
    if d.get::<ProfileRow>(&key).await.map_err(unavailable)?.is_some() {
        return Err(exists(format!("Instance Profile {name} already exists.")));
    }
    let (unique_id, created_s) = (d.unique_id("AIPA"), d.now_s());
    let row = ProfileRow { name: name.to_owned(), path, unique_id, created_s, role: None, tags };
    d.room(rows::profiles(d.account), PROFILES_MAX, quota("InstanceProfilesPerAccount", PROFILES_MAX));
    save(d, &row);
    let shown = shown(d, &row).await?.with("Tags", tags::shown_if_any(&row.tags));
    Ok(Document::structure().with("InstanceProfile", shown))
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = load(d, input).await?;
    let shown = shown(d, &row).await?.with("Tags", tags::shown(&row.tags));
    Ok(Document::structure().with("InstanceProfile", shown))
}

pub(crate) async fn list(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListInstanceProfiles", input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let wanted = |row: &ProfileRow| row.path.starts_with(prefix);
    let (profiles, rest) = page.scan(d, &rows::profiles(d.account), wanted).await?;
    shown_page(d, profiles, rest).await
}

pub(crate) async fn list_for_role(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListInstanceProfilesForRole", input)?;
    let role = roles::load(d, entity::name(input, "RoleName")).await?;
    let all = of_role(d, &role.unique_id).await?;
    let (profiles, rest) = page.cut(all, |row| row.name.to_ascii_lowercase());
    shown_page(d, profiles, rest).await
}

/// The profiles that hold a role.
pub(crate) async fn of_role(d: &mut Draft<'_>, role_id: &str) -> Result<Vec<ProfileRow>, Fault> {
    let mut found = Vec::new();
    for name in d.names(&rows::profiles_of(d.account, role_id), usize::MAX).await.map_err(unavailable)? {
        found.extend(d.get::<ProfileRow>(&rows::profile_key(d.account, &name)).await.map_err(unavailable)?);
    }
    Ok(found)
}

async fn shown_page(d: &mut Draft<'_>, profiles: Vec<ProfileRow>, rest: Rest) -> Answer {
    let mut list = Vec::with_capacity(profiles.len());
    for row in &profiles {
        list.push(shown(d, row).await?);
    }
    Ok(rest.onto(Document::structure().with("InstanceProfiles", list)))
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = load(d, input).await?;
    if row.role.is_some() {
        return Err(must("remove roles from instance profile first"));
    }
    d.delete(rows::profile_key(d.account, &row.name));
    Ok(Document::structure())
}

pub(crate) async fn add_role(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = load(d, input).await?;
    let role = roles::load(d, entity::name(input, "RoleName")).await?;
    if role.linked_to.is_some() {
        return Err(protected(&role.name));
    }
    if row.role.is_some() {
        return Err(quota("InstanceSessionsPerInstanceProfile", 1));
    }
    d.put_bytes(rows::profile_of_key(d.account, &role.unique_id, &row.name), Bytes::new());
    row.role = Some(role.unique_id);
    save(d, &row);
    Ok(Document::structure())
}

pub(crate) async fn remove_role(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = load(d, input).await?;
    let role = roles::load(d, entity::name(input, "RoleName")).await?;
    if row.role.as_deref() != Some(&role.unique_id) {
        return Err(no_such(format!("Role {} in Instance Profile {} cannot be found.", role.name, row.name)));
    }
    d.delete(rows::profile_of_key(d.account, &role.unique_id, &row.name));
    row.role = None;
    save(d, &row);
    Ok(Document::structure())
}

impl Tagged for ProfileRow {
    async fn load(d: &mut Draft<'_>, input: &Document) -> Result<Self, Fault> {
        load(d, input).await
    }

    fn tags_mut(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }

    fn save(&self, d: &mut Draft<'_>) {
        save(d, self);
    }
}
