//! What is attached to whom.

use bytes::Bytes;
use opentrail_policy::ManagedPolicy;
use opentrail_policy::rows;
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::policies;
use crate::entity::{self, Entity, Kind};
use crate::faults::{no_such, quota, unavailable};
use crate::page::Page;
use crate::verb::{Answer, Draft};

/// Managed policies of one entity.
const ATTACHED_MAX: usize = 10;

fn missing(arn: &str) -> Fault {
    no_such(format!("Policy {arn} does not exist or is not attachable."))
}

/// A policy that is attached stays so.
pub(crate) async fn attach(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let arn = policies::arn_of(input)?;
    let mut entity = Entity::load_mutable(d, kind, entity::name(input, kind.member())).await?;
    let there = match ManagedPolicy::find(arn) {
        Some(managed) => {
            if !managed.is_attachable() {
                return Err(Fault::client(
                    "PolicyNotAttachable",
                    format!("Cannot attach a Service Role Policy to a Customer {}.", kind.title()),
                ));
            }
            true
        }
        None => policies::find(d, arn).await?.is_some(),
    };
    if !there {
        return Err(missing(arn));
    }
    if entity.grants().attached.iter().any(|other| other == arn) {
        return Ok(Document::structure());
    }
    if entity.grants().attached.len() >= ATTACHED_MAX {
        return Err(quota(&format!("PoliciesPer{}", kind.title()), ATTACHED_MAX as u64));
    }
    entity.grants_mut().attached.push(arn.to_owned());
    d.put_bytes(rows::attached_key(d.account, arn, entity.id()), Bytes::new());
    entity.save(d);
    Ok(Document::structure())
}

pub(crate) async fn detach(d: &mut Draft<'_>, input: &Document, kind: Kind) -> Answer {
    let arn = policies::arn_of(input)?;
    let mut entity = Entity::load_mutable(d, kind, entity::name(input, kind.member())).await?;
    if !entity.grants().attached.iter().any(|other| other == arn) {
        return Err(no_such(format!("Policy {arn} was not found.")));
    }
    entity.grants_mut().attached.retain(|other| other != arn);
    d.delete(rows::attached_key(d.account, arn, entity.id()));
    entity.save(d);
    Ok(Document::structure())
}

/// `PolicyName` and `PolicyArn`.
pub(crate) fn shown(arn: &str) -> Document {
    let name = arn.rsplit('/').next().unwrap_or_default();
    Document::structure().with("PolicyName", name).with("PolicyArn", arn)
}

/// `/job-function/` of `arn:aws:iam::aws:policy/job-function/ViewOnlyAccess`.
fn path(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    &resource[..=resource.rfind('/').unwrap_or(0)]
}

/// In the order in which they were attached.
pub(crate) async fn list(d: &mut Draft<'_>, operation: &'static str, input: &Document, kind: Kind) -> Answer {
    let page = Page::read(operation, input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let entity = Entity::load(d, kind, entity::name(input, kind.member())).await?;
    let arns = entity.grants().attached.iter().filter(|arn| path(arn).starts_with(prefix)).cloned().collect();
    let (arns, rest) = page.cut(arns, String::clone);
    let policies: Vec<Document> = arns.iter().map(|arn| shown(arn)).collect();
    Ok(rest.onto(Document::structure().with("AttachedPolicies", policies)))
}

/// Groups, users and roles that a policy is attached to, or bounds.
pub(crate) async fn list_entities(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListEntitiesForPolicy", input)?;
    let arn = policies::arn_of(input)?;
    if ManagedPolicy::find(arn).is_none() && policies::find(d, arn).await?.is_none() {
        return Err(missing(arn));
    }
    let usage = input.text("PolicyUsageFilter");
    // Pages follow ids: first of those that have it attached, then of those that it bounds only.
    let attached = rows::attached(d.account, arn);
    let mut ids = Vec::new();
    let mut rest = page.end();
    if let Some(part) = page.segment('0', page.limit()).filter(|_| usage != Some("PermissionsBoundary")) {
        let (found, more) = part.scan_names(d, &attached).await?;
        (ids, rest) = (found, more.of_segment('0'));
    }
    if !rest.is_more()
        && let Some(part) = page.segment('1', page.limit() - ids.len()).filter(|_| usage != Some("PermissionsPolicy"))
    {
        let (found, more) = part.scan_names(d, &rows::bounding(d.account, arn)).await?;
        for id in found {
            let is_listed = usage.is_none() && d.bytes(&attached.part(&id)).await.map_err(unavailable)?.is_some();
            ids.extend((!is_listed).then_some(id));
        }
        rest = more.of_segment('1');
    }
    let (filter, prefix) = (input.text("EntityFilter"), input.text("PathPrefix").unwrap_or("/"));
    let mut found = Vec::new();
    for id in ids {
        let Some(entity) = Entity::by_id(d, &id).await? else { continue };
        if filter.is_none_or(|filter| filter == entity.kind().title()) && entity.path().starts_with(prefix) {
            found.push(entity);
        }
    }
    let key = |entity: &Entity| format!("{}{}", entity.kind().word(), entity.name().to_ascii_lowercase());
    found.sort_by_key(key);
    let of = |kind: Kind| {
        let of_kind = found.iter().filter(|entity| entity.kind() == kind);
        let shown = of_kind.map(|entity| {
            let title = kind.title();
            Document::structure().with(&format!("{title}Name"), entity.name()).with(&format!("{title}Id"), entity.id())
        });
        Document::List(shown.collect())
    };
    Ok(rest.onto(
        Document::structure()
            .with("PolicyGroups", of(Kind::Group))
            .with("PolicyUsers", of(Kind::User))
            .with("PolicyRoles", of(Kind::Role)),
    ))
}
