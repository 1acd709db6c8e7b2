//! ACLs as a bucket has them whose owner is enforced (`spec/s3.md` 10): everything is the owner's, asking for just that is
//! accepted, and asking for more is refused.

use opentrail_event::AccountId;
use opentrail_wire::Fault;
use s3s::xml::{DeError, DeResult, Deserializer};

use super::Backend;
use super::direct::{document, key};
use crate::codec::{Exchange, Reply};
use crate::xml::{self, Document};
use crate::{checksum, faults, refuse, spell};

/// The most grants of an ACL.
const GRANTS_MAX: usize = 100;

impl Backend {
    pub(super) fn bucket_acl(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        Ok(xml::reply(owners_control(exchange.bucket()?.account)))
    }

    pub(super) async fn object_acl(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        refuse::any_version(&exchange.asked)?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        self.store.find(bucket, key).await?.ok_or_else(|| faults::no_such_key(key))?;
        Ok(xml::reply(owners_control(bucket.account)))
    }

    pub(super) fn put_bucket_acl(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        accept(exchange)?;
        Ok(xml::nothing(200))
    }

    pub(super) async fn put_object_acl(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        refuse::any_version(&exchange.asked)?;
        accept(exchange)?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        self.store.find(bucket, key).await?.ok_or_else(|| faults::no_such_key(key))?;
        Ok(xml::nothing(200))
    }

    pub(super) fn ownership(&self) -> Result<Reply, Fault> {
        Ok(xml::reply(Document::write("OwnershipControls", |d| {
            d.element("Rule", |d| d.text("ObjectOwnership", "BucketOwnerEnforced"));
        })))
    }
}

/// `<AccessControlPolicy>` with full control for the account, and nothing else.
fn owners_control(account: AccountId) -> bytes::Bytes {
    let id = spell::canonical_id(account);
    let kind = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"";
    Document::write("AccessControlPolicy", |d| {
        d.element("Owner", |d| d.text("ID", &id));
        d.element("AccessControlList", |d| {
            d.element("Grant", |d| {
                d.element_with("Grantee", kind, |d| d.text("ID", &id));
                d.text("Permission", "FULL_CONTROL");
            });
        });
    })
}

/// Passes an ACL that says what holds anyway.
fn accept(exchange: &Exchange) -> Result<(), Fault> {
    let document = document(exchange)?;
    checksum::check_document(&exchange.asked, &document)?;
    let has_header = refuse::acl(&exchange.asked)?;
    match (has_header, document.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(Fault::client("UnexpectedContent", "This request does not support content")),
        (false, true) => Err(Fault::client("MissingSecurityHeader", "Your request was missing a required header")
            .with("MissingHeaderName", "x-amz-acl")),
        (false, false) => {
            let owner = spell::canonical_id(exchange.bucket()?.account);
            let policy = xml::read(&document, "AccessControlPolicy", Policy::read);
            let policy = policy.map_err(|fault| Fault::client("MalformedACLError", fault.message))?;
            let is_owners = |grant: &Grant| grant.id == owner && grant.permission == "FULL_CONTROL";
            let owner_is_right = policy.owner.as_ref().is_none_or(|id| *id == owner);
            if owner_is_right && !policy.grants.is_empty() && policy.grants.iter().all(is_owners) {
                Ok(())
            } else {
                Err(faults::acls_not_supported())
            }
        }
    }
}

/// An ACL as a caller writes it.
#[derive(Default)]
struct Policy {
    owner: Option<String>,
    grants: Vec<Grant>,
}

#[derive(Default)]
struct Grant {
    /// The canonical id; empty for a group or an address.
    id: String,
    permission: String,
}

impl Policy {
    fn read(d: &mut Deserializer<'_>) -> DeResult<Self> {
        let mut policy = Self::default();
        d.for_each_element(|d, name| match name {
            b"Owner" => {
                policy.owner = identity(d)?;
                Ok(())
            }
            b"AccessControlList" => d.for_each_element(|d, name| {
                if name != b"Grant" || policy.grants.len() == GRANTS_MAX {
                    return Err(DeError::UnexpectedTagName);
                }
                let mut grant = Grant::default();
                d.for_each_element(|d, name| {
                    match name {
                        b"Grantee" => grant.id = identity(d)?.unwrap_or_default(),
                        b"Permission" => grant.permission = xml::text(d)?.trim().to_owned(),
                        _ => return Err(DeError::UnexpectedTagName),
                    }
                    Ok(())
                })?;
                policy.grants.push(grant);
                Ok(())
            }),
            _ => Err(DeError::UnexpectedTagName),
        })?;
        Ok(policy)
    }
}

/// The canonical id of an owner or grantee, where it has one.
fn identity(d: &mut Deserializer<'_>) -> DeResult<Option<String>> {
    let mut id = None;
    d.for_each_element(|d, name| {
        let text = xml::text(d)?;
        match name {
            b"ID" => id = Some(text.trim().to_owned()),
            b"DisplayName" | b"URI" | b"EmailAddress" => {}
            _ => return Err(DeError::UnexpectedTagName),
        }
        Ok(())
    })?;
    Ok(id)
}
