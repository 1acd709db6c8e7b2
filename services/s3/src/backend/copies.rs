//! Copies (`spec/s3.md` 5): the bytes of one object become those of another, or of a part.

use std::ops::Range;

use futures::StreamExt as _;
use opentrail_event::Arn;
use opentrail_wire::{BodyFault, Fault, RequestBody, Trailers};
use percent_encoding::percent_decode_str;

use super::Backend;
use super::direct::key;
use super::objects::{content_headers, metadata};
use super::uploads::{part_of, write_sum};
use crate::asked::Asked;
use crate::bodies::{Intake, Outgoing};
use crate::checksum::{self, Algorithm, Declared};
use crate::codec::{Exchange, Reply};
use crate::condition;
use crate::store::rows::ObjectRow;
use crate::store::{Bucket, NewObject, Place};
use crate::xml::{self, Document};
use crate::{faults, names, refuse, spell, tags};

/// Names the source.
const COPY_SOURCE: &str = "x-amz-copy-source";

/// The source of a copy, as the caller names it.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    bucket: String,
    key: String,
    /// It names a version, if only the one there is.
    by_version: bool,
}

impl Source {
    /// `[/]bucket/key[?versionId=id]`, percent-encoded.
    fn read(asked: &Asked) -> Result<Self, Fault> {
        let text = asked.header(COPY_SOURCE).unwrap_or_default();
        let bad = |message: &'static str| faults::invalid_argument(message, COPY_SOURCE, text);
        let (path, version) = match text.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        let decoded = percent_decode_str(path).decode_utf8();
        let path = decoded.map_err(|_| bad("Invalid copy source encoding"))?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if !names::is_bucket_name(bucket) {
            return Err(bad("Invalid copy source bucket name"));
        }
        if key.is_empty() || key.len() > faults::KEY_BYTES_MAX {
            return Err(bad("Invalid copy source object key"));
        }
        match version {
            None | Some("null") => {
                Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), by_version: version.is_some() })
            }
            Some(version) => Err(faults::invalid_argument("Invalid version id specified", "versionId", version)),
        }
    }
}

impl Backend {
    /// The bucket of the source, if the caller may read it.
    async fn source_bucket(&self, exchange: &Exchange, source: &Source) -> Result<Bucket, Fault> {
        let bucket = self.store.bucket(&source.bucket).await?;
        let bucket = bucket.ok_or_else(|| faults::no_such_bucket(&source.bucket))?;
        let expected = exchange.asked.header("x-amz-source-expected-bucket-owner");
        faults::check_expected_owner(expected, bucket.account)?;
        let action = if source.by_version { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let arn = Arn::object(&source.bucket, &source.key);
        exchange.authorize(action, &arn, &bucket).await?;
        Ok(bucket)
    }

    /// What `choose` picks of the source. Whether its key is there is for those to know who may list its bucket.
    async fn read_source<T>(
        &self,
        exchange: &Exchange,
        from: &Bucket,
        source: &Source,
        choose: impl Fn(&ObjectRow, &[Place]) -> Result<(Range<u64>, T), Fault>,
    ) -> Result<(ObjectRow, T, Outgoing), Fault> {
        match self.store.read(from, &source.key, choose).await {
            Ok((layout, chosen, bytes)) => Ok((layout.row, chosen, bytes)),
            Err(fault) if fault.code == "NoSuchKey" => {
                let may_list = exchange.authorize("s3:ListBucket", &Arn::bucket(&from.name), from).await;
                match may_list {
                    Err(denial) if denial.status == 403 => Err(faults::access_denied()),
                    Err(trouble) => Err(trouble),
                    Ok(()) => Err(fault),
                }
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn copy(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::new_object(asked)?;
        let source = Source::read(asked)?;
        let replaces_metadata = directive(asked, "x-amz-metadata-directive")?;
        let replaces_tags = directive(asked, "x-amz-tagging-directive")?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let from = self.source_bucket(exchange, &source).await?;
        if from.id == bucket.id
            && source.key == key
            && !replaces_metadata
            && !source.by_version
            && !asked.has("x-amz-storage-class")
        {
            return Err(faults::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let condition = exchange.write_condition().await?;
        let wanted = checksum::asked_algorithm(asked)?;
        let choose = |row: &ObjectRow, _: &[Place]| {
            condition::check_source(asked, row)?;
            if row.bytes > faults::OBJECT_BYTES_MAX {
                return Err(faults::invalid_request(format!(
                    "The specified copy source is larger than the maximum allowable size for a copy source: {}",
                    faults::OBJECT_BYTES_MAX
                )));
            }
            Ok((0..row.bytes, ()))
        };
        let (old, (), bytes) = self.read_source(exchange, &from, &source, choose).await?;
        let tags = if replaces_tags { tags::of_header(asked)? } else { old.tags };
        if !tags.is_empty() {
            if !replaces_tags {
                let arn = Arn::object(&source.bucket, &source.key);
                exchange.authorize("s3:GetObjectTagging", &arn, &from).await?;
            }
            exchange.may_tag().await?;
        }
        let kept = wanted.or(old.sum.algorithm()).unwrap_or(Algorithm::Crc64Nvme);
        let new = NewObject {
            headers: if replaces_metadata { content_headers(asked)? } else { old.headers },
            metadata: if replaces_metadata { metadata(asked) } else { old.metadata },
            tags,
            condition,
        };
        let intake = Intake::new(incoming(bytes), Declared::default().keeping(kept))?;
        let row = self.store.put(bucket, key, new, intake).await?;
        let mut reply = xml::reply(Document::write("CopyObjectResult", |d| {
            d.text("LastModified", spell::xml_time(row.modified_s));
            d.etag(&row.etag);
            write_sum(d, &row.sum, true);
        }));
        reply.object_bytes = Some(row.bytes);
        Ok(reply)
    }

    pub(super) async fn upload_part_copy(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::part(asked)?;
        let (upload_id, number) = part_of(asked)?;
        let source = Source::read(asked)?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let upload = self.store.upload(bucket, key, upload_id).await?;
        let from = self.source_bucket(exchange, &source).await?;
        let choose = |row: &ObjectRow, _: &[Place]| {
            condition::check_source(asked, row)?;
            let range = match asked.header("x-amz-copy-source-range") {
                None => 0..row.bytes,
                Some(text) => source_range(text, row.bytes)?,
            };
            if range.end - range.start > faults::OBJECT_BYTES_MAX {
                return Err(faults::entity_too_large(range.end - range.start));
            }
            Ok((range, ()))
        };
        let (_, (), bytes) = self.read_source(exchange, &from, &source, choose).await?;
        let wanted = upload.algorithm.as_deref().and_then(Algorithm::of_name);
        let intake = Intake::new(incoming(bytes), Declared::default().keeping(wanted.unwrap_or(Algorithm::Crc64Nvme)))?;
        let (row, _) = self.store.put_part(bucket, key, upload_id, number, intake).await?;
        let mut reply = xml::reply(Document::write("CopyPartResult", |d| {
            d.text("LastModified", spell::xml_time(row.modified_s));
            d.etag(&row.etag);
            if wanted.is_some() {
                write_sum(d, &row.sum, false);
            }
        }));
        reply.object_bytes = Some(row.bytes);
        Ok(reply)
    }
}

/// An object's bytes as the body of a put.
fn incoming(bytes: Outgoing) -> RequestBody {
    match bytes {
        Outgoing::Whole(bytes) => RequestBody::Whole(bytes),
        Outgoing::Stream { bytes, length } => RequestBody::Stream {
            length: Some(length),
            bytes: bytes.map(|piece| piece.map_err(|e| BodyFault(faults::internal("read copy source", e)))).boxed(),
            trailers: Trailers::default(),
        },
    }
}

/// Whether a directive says REPLACE.
fn directive(asked: &Asked, name: &'static str) -> Result<bool, Fault> {
    match asked.header(name) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => {
            let message = if name == "x-amz-metadata-directive" {
                "Unknown metadata directive."
            } else {
                "Unknown tagging directive."
            };
            Err(faults::invalid_argument(message, name, other))
        }
    }
}

/// `bytes=first-last`, both within the object.
fn source_range(text: &str, bytes: u64) -> Result<std::ops::Range<u64>, Fault> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let pair = text.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let pair = pair.and_then(|(first, last)| Some((number(first)?, number(last)?))).filter(|(a, b)| a <= b);
    let Some((first, last)) = pair else {
        return Err(faults::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        ));
    };
    if first >= bytes {
        return Err(faults::invalid_request("The specified copy range is invalid for the source object size"));
    }
    if last >= bytes {
        let message = format!("Range specified is not valid for source object of size: {bytes}");
        let shown: String = text.chars().take(64).collect();
        return Err(Fault::client("InvalidArgument", message)
            .with("ArgumentName", "x-amz-copy-source-range")
            .with("ArgumentValue", shown));
    }
    Ok(first..last + 1)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use opentrail_wire::RequestHead;

    use super::*;

    #[test]
    fn sources_are_named_in_one_header() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COPY_SOURCE, HeaderValue::from_str(text).expect("a header"));
            let raw_path = "/b/k".into();
            let head = RequestHead { method: http::Method::PUT, raw_path, raw_query: String::new(), headers };
            Source::read(&Asked::read(&head, false).expect("a good request"))
        };
        let source = |key: &str, by_version| Source { bucket: "bkt".into(), key: key.into(), by_version };
        assert_eq!(read("bkt/a/b"), Ok(source("a/b", false)));
        assert_eq!(read("/bkt/a%20%2Bc+d"), Ok(source("a +c+d", false)));
        assert_eq!(read("bkt%2Fk?versionId=null"), Ok(source("k", true)));
        assert_eq!(read("bkt//k"), Ok(source("/k", false)));
        let message = |text: &str| read(text).expect_err(text).message;
        assert_eq!(message("bkt"), "Invalid copy source object key");
        assert_eq!(message("bkt/"), "Invalid copy source object key");
        assert_eq!(message("B_D/k"), "Invalid copy source bucket name");
        assert_eq!(message("bkt/%ff"), "Invalid copy source encoding");
        assert_eq!(message("bkt/k?versionId=x"), "Invalid version id specified");
    }

    #[test]
    fn ranges_of_sources() {
        assert_eq!(source_range("bytes=0-9", 10), Ok(0..10));
        assert_eq!(source_range("bytes=3-3", 10), Ok(3..4));
        let code = |text: &str| source_range(text, 10).expect_err(text).code;
        for bad in ["bytes=1-", "bytes=-1", "bytes=2-1", "0-1", "bytes=a-b", "bytes=0-1,3-4", "bytes=0-10"] {
            assert_eq!(code(bad), "InvalidArgument", "{bad}");
        }
        assert_eq!(code("bytes=10-11"), "InvalidRequest");
    }
}
