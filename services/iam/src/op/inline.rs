//! Inline policies of users, groups and roles.

use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::documents;
use crate::entity::{self, Entity, Kind};
use crate::faults::{limit, no_such};
use crate::page::Page;
use crate::verb::{Answer, Draft};

fn none(kind: Kind, name: &str) -> Fault {
    no_such(format!("The {} policy with name {name} cannot be found.", kind.word()))
}

/// Makes it, or puts it in the place of the one of that name.
pub(crate) async fn put(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let (owner, name) = (entity::name(input, kind.member()), entity::name(input, "PolicyName"));
    let document = entity::name(input, "PolicyDocument");
    let mut entity = Entity::load_mutable(d, kind, owner).await?;
    documents::check_inline(document)?;
    entity.grants_mut().inline.insert(name.to_owned(), document.to_owned());
    let size: usize = entity.grants().inline.values().map(|document| opentrail_policy::counted_size(document)).sum();
    if size > kind.inline_max() {
        let max = kind.inline_max();
        return Err(limit(format!(
            "Maximum policy size of {max} bytes exceeded for {} {}",
            kind.word(),
            entity.name()
        )));
    }
    let bytes = entity.grants().inline.values().map(String::len).sum();
    documents::check_space(bytes, kind.inline_max(), &format!("PolicySizePer{}", kind.title()))?;
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let (owner, name) = (entity::name(input, kind.member()), entity::name(input, "PolicyName"));
    let entity = Entity::load(d, kind, owner).await?;
    let document = entity.grants().inline.get(name).ok_or_else(|| none(kind, name))?;
    Ok(Document::structure()
        .with(kind.member(), entity.name())
        .with("PolicyName", name)
        .with("PolicyDocument", documents::shown(document)))
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let (owner, name) = (entity::name(input, kind.member()), entity::name(input, "PolicyName"));
    let mut entity = Entity::load_mutable(d, kind, owner).await?;
    entity.grants_mut().inline.remove(name).ok_or_else(|| none(kind, name))?;
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn list(d: &mut Draft<'_>, operation: &'static str, input: &Document, kind: Kind) -> Answer {
    let page = Page::read(operation, input)?;
    let entity = Entity::load(d, kind, entity::name(input, kind.member())).await?;
    let (names, rest) = page.cut(entity.grants().inline.keys().cloned().collect(), String::clone);
    let names: Vec<Document> = names.into_iter().map(Document::Text).collect();
    Ok(rest.onto(Document::structure().with("PolicyNames", names)))
}
