//! Versions as a bucket shows them that has none: of each object the one there is, called `null` (`spec/s3.md` 8).

use opentrail_wire::Fault;

use super::Backend;
use super::direct::page_size;
use super::lists::Spelling;
use crate::codec::{Exchange, Reply};
use crate::store::{Entry, Question};
use crate::xml::{self, Document};
use crate::{faults, spell};

/// The most entries of one page.
const PAGE_MAX: usize = 1_000;

impl Backend {
    /// Versioning was never switched on, so the answer says nothing.
    pub(super) fn versioning(&self) -> Result<Reply, Fault> {
        Ok(xml::reply(Document::write("VersioningConfiguration", |_| {})))
    }

    pub(super) async fn list_versions(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        let spelling = Spelling::read(asked)?;
        let limit = page_size(exchange, "max-keys", PAGE_MAX)?;
        let parameter = |name| asked.parameter(name).filter(|text: &&str| !text.is_empty());
        let (prefix, delimiter) = (parameter("prefix").unwrap_or(""), parameter("delimiter"));
        let (key_marker, version_marker) = (parameter("key-marker"), parameter("version-id-marker"));
        match (key_marker, version_marker) {
            (None, Some(version)) => {
                let message = "A version-id marker cannot be specified without a key marker.";
                return Err(faults::invalid_argument(message, "version-id-marker", version));
            }
            (_, Some(version)) if version != "null" => {
                return Err(faults::invalid_argument("Invalid version id specified", "version-id-marker", version));
            }
            _ => {}
        }
        let bucket = exchange.bucket()?;
        // Behind the only version of a key comes the next key: with or without the version, the page goes on there.
        let question = Question { bucket_id: &bucket.id, prefix, delimiter, after: key_marker, limit };
        let listing = self.store.list(&question).await?;
        let owner = spell::canonical_id(bucket.account);
        let document = Document::write("ListVersionsResult", |d| {
            d.text("Name", &bucket.name);
            d.text("Prefix", spelling.name(prefix));
            d.text("KeyMarker", spelling.name(key_marker.unwrap_or("")));
            d.text("VersionIdMarker", version_marker.unwrap_or(""));
            if let Some(last) = listing.entries.last().filter(|_| listing.more) {
                d.text("NextKeyMarker", spelling.name(last.name()));
                if let Entry::Object(..) = last {
                    d.text("NextVersionIdMarker", "null");
                }
            }
            d.text("MaxKeys", limit.to_string());
            d.maybe("Delimiter", delimiter.map(|text| spelling.name(text)));
            d.maybe("EncodingType", spelling.encoding());
            d.text("IsTruncated", listing.more.to_string());
            for entry in &listing.entries {
                match entry {
                    Entry::Prefix(prefix) => {
                        d.element("CommonPrefixes", |d| d.text("Prefix", spelling.name(prefix)));
                    }
                    Entry::Object(key, row) => d.element("Version", |d| {
                        d.text("Key", spelling.name(key));
                        d.text("VersionId", "null");
                        d.text("IsLatest", "true");
                        d.text("LastModified", spell::xml_time(row.modified_s));
                        d.etag(&row.etag);
                        d.text("ChecksumAlgorithm", &row.sum.algorithm);
                        d.text("ChecksumType", row.sum.kind());
                        d.text("Size", row.bytes.to_string());
                        d.element("Owner", |d| d.text("ID", &owner));
                        d.text("StorageClass", "STANDARD");
                    }),
                }
            }
        });
        let mut reply = xml::reply(document);
        xml::set(&mut reply.headers, faults::BUCKET_REGION, bucket.region.as_str())?;
        Ok(reply)
    }
}
