//! Tags of users and roles.

use opentrail_protocol::Document;

use crate::entity::{self, Entity, Kind};
use crate::page::Page;
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

pub(crate) async fn tag(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let mut entity = Entity::load_mutable(d, kind, entity::name(input, kind.member())).await?;
    let new = tags::read(input, Case::Folded)?;
    if let Some(tags) = entity.tags_mut() {
        tags::add(tags, new, Case::Folded)?;
    }
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn untag(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let mut entity = Entity::load_mutable(d, kind, entity::name(input, kind.member())).await?;
    if let Some(tags) = entity.tags_mut() {
        tags::remove(tags, input, Case::Folded);
    }
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn list(d: &mut Draft<'_>, operation: &'static str, input: &Document, kind: Kind) -> Answer {
    let page = Page::read(operation, input)?;
    let entity = Entity::load(d, kind, entity::name(input, kind.member())).await?;
    let (tags, rest) = page.cut(entity.tags().to_vec(), |tag| tag.key.clone());
    Ok(rest.onto(Document::structure().with("Tags", tags::shown(&tags))))
}
