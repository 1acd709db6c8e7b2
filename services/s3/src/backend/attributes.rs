//! GetObjectAttributes: what is known of an object, without its bytes.

use opentrail_wire::Fault;

use super::Backend;
use super::direct::key;
use super::uploads::{marker, write_sum};
use crate::codec::{Exchange, Reply};
use crate::store::rows::StoredSum;
use crate::xml::{self, Document};
use crate::{condition, faults, refuse, spell};

/// What can be asked for.
const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
const PARTS_PER_PAGE_MAX: usize = 1_000;

impl Backend {
    pub(super) async fn attributes(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::read_object(asked)?;
        let wanted = wanted(exchange)?;
        let has = |attribute: &str| wanted.iter().any(|name| name == attribute);
        let limit = match asked.header("x-amz-max-parts") {
            None => PARTS_PER_PAGE_MAX,
            Some(text) => text.parse().map(|n: usize| n.min(PARTS_PER_PAGE_MAX)).map_err(|_| {
                let message = "Provided max-parts not an integer or within integer range";
                faults::invalid_argument(message, "max-parts", text)
            })?,
        };
        let after = marker(asked.header("x-amz-part-number-marker"), "part-number-marker")?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let layout = self.store.layout(bucket, key, has("ObjectParts")).await?;
        let layout = layout.ok_or_else(|| faults::no_such_key(key))?;
        let row = layout.row;
        if !condition::is_wanted(asked, &row, exchange.now_s)? {
            return Ok(xml::nothing(304));
        }
        let document = Document::write("GetObjectAttributesResponse", |d| {
            if has("ETag") {
                d.text("ETag", &row.etag);
            }
            if has("Checksum") {
                d.element("Checksum", |d| {
                    // Without the number of parts.
                    let value = row.sum.value.split('-').next().unwrap_or_default().to_owned();
                    write_sum(d, &StoredSum { value, ..row.sum.clone() }, true);
                });
            }
            if has("ObjectParts") && !layout.places.is_empty() {
                let total = layout.places.len();
                d.element("ObjectParts", |d| {
                    // The parts of an object with one checksum for all of it have none of their own to show.
                    if row.sum.composite {
                        let numbered = layout.places.iter().zip(1_u32..).filter(|(_, n)| *n > after);
                        let page: Vec<_> = numbered.take(limit).collect();
                        let last = page.last().map_or(0, |(_, n)| *n);
                        d.text("PartNumberMarker", after.to_string());
                        d.text("NextPartNumberMarker", last.to_string());
                        d.text("MaxParts", limit.to_string());
                        d.text("IsTruncated", (last != 0 && (last as usize) < total).to_string());
                        for (place, n) in page {
                            d.element("Part", |d| {
                                d.text("PartNumber", n.to_string());
                                d.text("Size", place.bytes.to_string());
                                write_sum(d, &place.sum, false);
                            });
                        }
                    }
                    d.text("PartsCount", total.to_string());
                });
            }
            if has("StorageClass") {
                d.text("StorageClass", "STANDARD");
            }
            if has("ObjectSize") {
                d.text("ObjectSize", row.bytes.to_string());
            }
        });
        let mut reply = xml::reply(document);
        xml::set(&mut reply.headers, http::header::LAST_MODIFIED, &spell::http_time(row.modified_s))?;
        Ok(reply)
    }
}

/// The attributes that are asked for, in one header or several.
fn wanted(exchange: &Exchange) -> Result<Vec<String>, Fault> {
    const HEADER: &str = "x-amz-object-attributes";
    let values = exchange.asked.headers().get_all(HEADER).iter();
    let mut wanted = Vec::new();
    for value in values {
        for name in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim).filter(|n| !n.is_empty()) {
            if !ATTRIBUTES.contains(&name) {
                return Err(faults::invalid_argument("Invalid attribute name specified.", HEADER, name));
            }
            wanted.push(name.to_owned());
        }
    }
    if wanted.is_empty() {
        return Err(faults::invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    Ok(wanted)
}
