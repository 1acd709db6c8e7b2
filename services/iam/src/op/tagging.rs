//! Tags of everything that has some: users and roles by one way, since their keys know no case, all else by the other.

use opentrail_policy::rows::Tag;
use opentrail_protocol::Document;
use opentrail_wire::Fault;

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

/// A policy, an instance profile, an MFA device, an identity provider.
pub(crate) trait Tagged: Sized + Send {
    /// The one that a request is about, to be changed.
    fn load(d: &mut Draft<'_>, input: &Document) -> impl Future<Output = Result<Self, Fault>> + Send;
    fn tags_mut(&mut self) -> &mut Vec<Tag>;
    fn save(&self, d: &mut Draft<'_>);
}

pub(crate) async fn tag_one<T: Tagged>(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = T::load(d, input).await?;
    tags::add(row.tags_mut(), tags::read(input, Case::Kept)?, Case::Kept)?;
    row.save(d);
    Ok(Document::structure())
}

pub(crate) async fn untag_one<T: Tagged>(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = T::load(d, input).await?;
    tags::remove(row.tags_mut(), input, Case::Kept);
    row.save(d);
    Ok(Document::structure())
}

pub(crate) async fn list_of_one<T: Tagged>(d: &mut Draft<'_>, operation: &'static str, input: &Document) -> Answer {
    let page = Page::read(operation, input)?;
    let mut row = T::load(d, input).await?;
    let (tags, rest) = page.cut(std::mem::take(row.tags_mut()), |tag| tag.key.clone());
    Ok(rest.onto(Document::structure().with("Tags", tags::shown(&tags))))
}
