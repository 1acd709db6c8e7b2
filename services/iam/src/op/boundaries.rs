//! Permissions boundaries of users and roles.

use bytes::Bytes;
use opentrail_policy::ManagedPolicy;
use opentrail_policy::rows::{self, Grants};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::entity::{self, Entity, Kind};
use crate::faults::{invalid_input, no_such, unavailable};
use crate::verb::{Answer, Draft};

/// Gives `grants`, which belong to the entity with that id, this boundary. A policy that is deleted at the same time is not.
pub(crate) async fn put(d: &mut Draft<'_>, grants: &mut Grants, id: &str, arn: &str) -> Result<(), Fault> {
    let is_policy = arn.starts_with("arn:aws:iam::") && arn.contains(":policy/");
    if !is_policy {
        return Err(invalid_input(format!("ARN {arn} is not valid.")));
    }
    let there = match ManagedPolicy::find(arn) {
        Some(managed) => managed.is_attachable(),
        None => super::policies::find(d, arn).await?.is_some(),
    };
    if !there {
        return Err(no_such(format!("Scope ARN: {arn} does not exist or is not attachable.")));
    }
    remove(d, grants, id);
    grants.boundary = Some(arn.to_owned());
    d.put_bytes(rows::bounding_key(d.account, arn, id), Bytes::new());
    Ok(())
}

fn remove(d: &mut Draft<'_>, grants: &mut Grants, id: &str) {
    if let Some(old) = grants.boundary.take() {
        d.delete(rows::bounding_key(d.account, &old, id));
    }
}

pub(crate) async fn set(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let mut entity = Entity::load_mutable(d, kind, entity::name(input, kind.member())).await?;
    let id = entity.id().to_owned();
    let arn = input.text("PermissionsBoundary").unwrap_or_default();
    put(d, entity.grants_mut(), &id, arn).await?;
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn unset(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let name = entity::name(input, kind.member());
    let mut entity = Entity::load_mutable(d, kind, name).await?;
    if entity.grants().boundary.is_none() {
        let what = format!("The {} with name {name} does not have a permissions boundary.", kind.word());
        return Err(no_such(what));
    }
    let id = entity.id().to_owned();
    remove(d, entity.grants_mut(), &id);
    entity.save(d);
    Ok(Document::structure())
}

/// Whether a policy is anybody's boundary.
pub(crate) async fn count(d: &Draft<'_>, arn: &str) -> Result<i64, Fault> {
    let count = d.count(&rows::bounding(d.account, arn)).await.map_err(unavailable)?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
