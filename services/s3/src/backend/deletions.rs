//! DeleteObjects (`spec/s3.md` 9): up to a thousand keys in one call, each with a result of its own.

use futures::{FutureExt as _, StreamExt as _};
use opentrail_event::Arn;
use opentrail_policy::{Caller, Context, Policy, Request, Verdict};
use opentrail_wire::Fault;
use s3s::xml::{DeError, DeResult, Deserializer};

use super::Backend;
use super::direct::document;
use crate::checksum::{self, Declared};
use crate::codec::{Exchange, Reply};
use crate::condition::WriteCondition;
use crate::faults;
use crate::store::Bucket;
use crate::xml::{self, Document};

/// The most objects of one call.
const OBJECTS_MAX: usize = 1_000;
/// Deletions that are under way at once: they share syncs.
const DELETIONS_AT_ONCE: usize = 32;

/// What is to be deleted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    quiet: bool,
    objects: Vec<WantedObject>,
}

#[derive(Debug, PartialEq, Eq)]
struct WantedObject {
    key: String,
    version: Option<String>,
    etag: Option<String>,
    /// A condition that general purpose buckets do not have.
    unbuilt: Option<&'static str>,
}

impl Backend {
    pub(super) async fn delete_many(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        let document = document(exchange)?;
        if !Declared::read(asked)?.is_protected() {
            return Err(faults::invalid_request(
                "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
            ));
        }
        checksum::check_document(asked, &document)?;
        if asked.has("x-amz-mfa") {
            return Err(faults::header_not_implemented("x-amz-mfa", None));
        }
        let wanted = Wanted::read(&document)?;
        let bucket = exchange.bucket()?;
        let deletions: Vec<_> =
            wanted.objects.iter().map(|object| self.delete_one(exchange, bucket, object).boxed()).collect();
        let results: Vec<Result<(), Fault>> =
            futures::stream::iter(deletions).buffered(DELETIONS_AT_ONCE).collect().await;
        Ok(xml::reply(Document::write("DeleteResult", |d| {
            for (object, result) in wanted.objects.iter().zip(&results) {
                match result {
                    Ok(()) if wanted.quiet => {}
                    Ok(()) => d.element("Deleted", |d| {
                        d.text("Key", &object.key);
                        d.maybe("VersionId", object.version.as_ref());
                    }),
                    Err(fault) => d.element("Error", |d| {
                        d.text("Key", &object.key);
                        d.maybe("VersionId", object.version.as_ref());
                        d.text("Code", &fault.code);
                        d.text("Message", &fault.message);
                    }),
                }
            }
        })))
    }

    /// The door asked about none of the keys: here each is asked about, and nothing is said of one that may not be deleted.
    async fn delete_one(&self, exchange: &Exchange, bucket: &Bucket, object: &WantedObject) -> Result<(), Fault> {
        let arn = Arn::object(&bucket.name, &object.key);
        exchange.authorize(object.action(), &arn, bucket).await?;
        if object.etag.is_some() {
            exchange.authorize("s3:GetObject", &arn, bucket).await?;
        }
        if object.key.len() > faults::KEY_BYTES_MAX {
            return Err(faults::key_too_long(object.key.len()));
        }
        if let Some(element) = object.unbuilt {
            return Err(faults::header_not_implemented(element, None));
        }
        match object.version.as_deref() {
            None | Some("null") => {}
            Some(_) => return Err(Fault::new("NoSuchVersion", 404, "The specified version does not exist.")),
        }
        let condition = object.etag.as_deref().map_or(WriteCondition::None, WriteCondition::of_etag);
        self.store.delete(bucket, &object.key, &condition).await
    }
}

/// Whether the bucket's policy says anything about the caller and any of the keys that a document names. Where it does not, the
/// caller is a stranger, whose calls are not its owner's to read of.
pub(crate) fn concerns(policy: &Policy, caller: &Caller, bucket: &str, document: &[u8], context: &Context) -> bool {
    let Ok(wanted) = Wanted::read(document) else { return false };
    wanted.objects.iter().any(|object| {
        let arn = Arn::object(bucket, &object.key);
        let request = Request { caller, action: object.action(), resource: arn.as_str(), context };
        !matches!(policy.evaluate(&request), Verdict::Silent { .. })
    })
}

impl Wanted {
    fn read(document: &[u8]) -> Result<Self, Fault> {
        let wanted = xml::read(document, "Delete", |d| {
            let mut wanted = Self::default();
            d.for_each_element(|d, name| match name {
                b"Quiet" => {
                    wanted.quiet = xml::text(d)?.trim() == "true";
                    Ok(())
                }
                b"Object" if wanted.objects.len() < OBJECTS_MAX => {
                    wanted.objects.push(WantedObject::read(d)?);
                    Ok(())
                }
                _ => Err(DeError::UnexpectedTagName),
            })?;
            Ok(wanted)
        })?;
        if wanted.objects.is_empty() { Err(faults::malformed_xml()) } else { Ok(wanted) }
    }
}

impl WantedObject {
    fn action(&self) -> &'static str {
        if self.version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }
    }

    fn read(d: &mut Deserializer<'_>) -> DeResult<Self> {
        let (mut key, mut version, mut etag, mut unbuilt) = (None, None, None, None);
        d.for_each_element(|d, name| {
            let text = xml::text(d)?;
            match name {
                b"Key" => key = Some(text).filter(|text| !text.is_empty()),
                b"VersionId" => version = Some(text).filter(|text| !text.is_empty()),
                b"ETag" => etag = Some(text),
                b"LastModifiedTime" => unbuilt = Some("LastModifiedTime"),
                b"Size" => unbuilt = Some("Size"),
                _ => return Err(DeError::UnexpectedTagName),
            }
            Ok(())
        })?;
        Ok(Self { key: key.ok_or(DeError::MissingField)?, version, etag, unbuilt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_deleted() {
        let read = |inner: &str| Wanted::read(format!("<Delete xmlns=\"x\">{inner}</Delete>").as_bytes());
        let wanted = read(
            "<Object><Key> a&amp;&#xe9;</Key></Object><Quiet>true</Quiet>\
             <Object><Key>b</Key><VersionId>null</VersionId><ETag>\"e\"</ETag></Object>",
        );
        let wanted = wanted.expect("two objects");
        assert!(wanted.quiet);
        assert_eq!(wanted.objects[0].key, " a&é");
        assert_eq!(
            (wanted.objects[1].version.as_deref(), wanted.objects[1].etag.as_deref()),
            (Some("null"), Some("\"e\""))
        );
        let object = "<Object><Key>k</Key></Object>";
        assert_eq!(read(&object.repeat(1000)).expect("a thousand").objects.len(), 1000);
        for bad in ["", &object.repeat(1001), "<Object></Object>", "<Object><Key/></Object>", "<Other/>"] {
            assert_eq!(read(bad).expect_err("bad").code, "MalformedXML");
        }
    }
}
