//! Users: made, found, renamed, deleted.

use opentrail_event::AccountId;
use opentrail_policy::PrincipalKind;
use opentrail_policy::rows::{self, UserRow};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};

use super::boundaries;
use crate::entity::{self, Entity, Kind};
use crate::faults::{exists, invalid_input, must, no_user, quota, unavailable, validation};
use crate::page::Page;
use crate::shapes;
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

const USERS_MAX: u64 = 5_000;

/// The user that a call is about: the named one, else the caller. `None`: the root itself.
pub(crate) fn named_or_caller(cx: &Cx, input: &Document) -> Result<Option<String>, Fault> {
    match (input.text("UserName"), &cx.principal.kind) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, PrincipalKind::User { name, .. }) => Ok(Some(name.clone())),
        (None, PrincipalKind::Operator) => Ok(Some("operator".into())),
        (None, PrincipalKind::Root) => Ok(None),
        (None, _) => Err(validation("Must specify userName when calling with non-User credentials")),
    }
}

pub(crate) async fn load(d: &mut Draft<'_>, name: &str) -> Result<UserRow, Fault> {
    match Entity::load(d, Kind::User, name).await? {
        Entity::User(row) => Ok(row),
        _ => Err(no_user(name)),
    }
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    if d.account == AccountId::OPERATOR {
        return Err(invalid_input("The operator's own account has no users beside the operator."));
    }
    let (name, path) = (entity::name(input, "UserName"), entity::path(input, "Path")?);
    let tags = tags::read(input, Case::Folded)?;
    if Entity::find(d, Kind::User, name).await?.is_some() {
        return Err(exists(format!("User with name {name} already exists.")));
    }
    let mut user = UserRow::new(name, &path, d.unique_id("AIDA"), d.now_s());
    user.tags = tags;
    if let Some(arn) = input.text("PermissionsBoundary") {
        boundaries::put(d, &mut user.grants, &user.unique_id, arn).await?;
    }
    d.room(rows::users(d.account), USERS_MAX, quota("UsersPerAccount", USERS_MAX));
    let shown = shapes::user_whole(d.account, &user);
    Entity::User(user).save_named(d);
    Ok(Document::structure().with("User", shown))
}

pub(crate) async fn get(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let shown = match named_or_caller(cx, input)? {
        Some(name) => shapes::user_whole(d.account, &load(d, &name).await?),
        None => {
            let account = d.directory().account(d.account).await.map_err(unavailable)?;
            Document::structure()
                .with("Path", "/")
                .with("UserName", account.as_ref().map(|account| account.name.as_str()))
                .with("UserId", d.account.as_str())
                .with("Arn", opentrail_event::Arn::root(d.account).as_str())
                .with("CreateDate", account.and_then(|account| shapes::date(account.created_s)))
        }
    };
    Ok(Document::structure().with("User", shown))
}

pub(crate) async fn list(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListUsers", input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let wanted = |row: &UserRow| row.path.starts_with(prefix);
    let (users, rest) = page.scan(d, &rows::users(d.account), wanted).await?;
    let users: Vec<Document> = users.iter().map(|row| shapes::user(d.account, row)).collect();
    Ok(rest.onto(Document::structure().with("Users", users)))
}

/// Another name or path: id, keys, groups, policies and devices stay.
pub(crate) async fn update(d: &mut Draft<'_>, input: &Document) -> Answer {
    let name = entity::name(input, "UserName");
    let mut user = load(d, name).await?;
    refuse_operator(d.account)?;
    if let Some(new) = input.text("NewUserName") {
        if !new.eq_ignore_ascii_case(&user.name) && Entity::find(d, Kind::User, new).await?.is_some() {
            return Err(exists(format!("User with name {new} already exists.")));
        }
        let keys = d.directory().list_access_keys(d.account, Some(&user.name)).await.map_err(unavailable)?;
        d.rename_keys(&keys, &user.name, new).await.map_err(unavailable)?;
        d.delete(rows::user_key(d.account, &user.name));
        user.name = new.to_owned();
    }
    if input.text("NewPath").is_some() {
        user.path = entity::path(input, "NewPath")?;
    }
    for key in d.directory().list_access_keys(d.account, Some(name)).await.map_err(unavailable)? {
        d.touch_key(key.id);
    }
    Entity::User(user).save_named(d);
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let user = load(d, entity::name(input, "UserName")).await?;
    refuse_operator(d.account)?;
    if !user.grants.attached.is_empty() {
        return Err(must("detach all policies first"));
    }
    if !user.grants.inline.is_empty() {
        return Err(must("delete policies first"));
    }
    if user.login.is_some() {
        return Err(must("delete login profile first"));
    }
    if !user.groups.is_empty() || !user.mfa.is_empty() {
        return Err(must("remove referenced objects first"));
    }
    d.no_keys(&user.name, must("remove referenced objects first"));
    Entity::User(user).delete(d);
    Ok(Document::structure())
}

fn refuse_operator(account: AccountId) -> Result<(), Fault> {
    match account {
        AccountId::OPERATOR => Err(invalid_input("The operator is not changed here.")),
        _ => Ok(()),
    }
}
