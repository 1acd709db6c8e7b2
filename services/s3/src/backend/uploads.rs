//! Multipart uploads (`spec/s3.md` 7).

use http::HeaderMap;
use opentrail_wire::Fault;
use s3s::xml::{DeError, DeResult, Deserializer};

use super::Backend;
use super::direct::{document, key, page_size};
use super::lists::Spelling;
use super::objects::{content_headers, metadata};
use crate::asked::Asked;
use crate::bodies::Intake;
use crate::checksum::{self, Algorithm, Declared};
use crate::codec::{Exchange, Reply};
use crate::condition;
use crate::store::rows::StoredSum;
use crate::store::uploads::{Completion, NamedPart, UploadEntry, UploadQuestion, UploadRow};
use crate::xml::{self, Document};
use crate::{faults, refuse, spell, tags};

/// The most parts or uploads of one page.
const PAGE_MAX: usize = 1_000;

impl Backend {
    pub(super) async fn create_upload(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::new_object(asked)?;
        let algorithm = checksum::asked_algorithm(asked)?;
        let composite = composite(asked, algorithm)?;
        let tags = tags::of_header(asked)?;
        if !tags.is_empty() {
            exchange.may_tag().await?;
        }
        let row = UploadRow {
            headers: content_headers(asked)?,
            metadata: metadata(asked),
            tags,
            algorithm: algorithm.map(|a| a.name().to_owned()),
            composite,
            replaces: None,
        };
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let upload_id = self.store.begin_upload(bucket, key, row).await?;
        let mut reply = xml::reply(Document::write("InitiateMultipartUploadResult", |d| {
            d.text("Bucket", &bucket.name);
            d.text("Key", key);
            d.text("UploadId", &upload_id);
        }));
        if let Some(algorithm) = algorithm {
            xml::set(&mut reply.headers, "x-amz-checksum-algorithm", algorithm.name())?;
            xml::set(&mut reply.headers, "x-amz-checksum-type", kind(composite))?;
        }
        Ok(reply)
    }

    pub(super) async fn upload_part(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::part(asked)?;
        let (upload_id, number) = part_of(asked)?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let upload = self.store.upload(bucket, key, upload_id).await?;
        let declared = Declared::read(asked)?;
        let wanted = upload.algorithm.as_deref().and_then(Algorithm::of_name);
        if let Some(wanted) = wanted
            && declared.algorithm() != Some(wanted)
        {
            let name = |algorithm: Option<Algorithm>| {
                algorithm.map_or_else(|| "null".to_owned(), |a| a.name().to_ascii_lowercase())
            };
            return Err(faults::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                name(Some(wanted)),
                name(declared.algorithm())
            )));
        }
        let body = exchange.beside().body.take();
        let body = body.ok_or_else(|| faults::internal("run part", "no body was handed over"))?;
        let intake = Intake::new(body, declared.keeping(wanted.unwrap_or(Algorithm::Crc64Nvme)))?;
        let (row, declared) = self.store.put_part(bucket, key, upload_id, number, intake).await?;
        let mut reply = xml::nothing(200);
        xml::set(&mut reply.headers, http::header::ETAG, &format!("\"{}\"", row.etag))?;
        if let Some(sum) = declared {
            show_sum(&mut reply.headers, &sum)?;
        }
        reply.object_bytes = Some(row.bytes);
        Ok(reply)
    }

    pub(super) async fn complete_upload(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        refuse::part(asked)?;
        let upload_id = upload_id(asked)?;
        let parts = named_parts(&document(exchange)?)?;
        let completion = Completion {
            parts,
            condition: exchange.write_condition().await?,
            object_bytes: object_bytes(asked)?,
            sum: object_sum(asked)?,
            composite: asked_kind(asked)?,
        };
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let row = self.store.complete_upload(bucket, key, upload_id, &completion).await?;
        let host = asked.header("host").unwrap_or_default();
        let mut reply = xml::reply(Document::write("CompleteMultipartUploadResult", |d| {
            d.text("Location", format!("http://{host}/{}/{}", bucket.name, spell::form(key)));
            d.text("Bucket", &bucket.name);
            d.text("Key", key);
            d.etag(&row.etag);
            write_sum(d, &row.sum, true);
        }));
        reply.object_bytes = Some(row.bytes);
        Ok(reply)
    }

    pub(super) async fn abort_upload(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        if exchange.asked.has("x-amz-if-match-initiated-time") {
            return Err(faults::header_not_implemented("x-amz-if-match-initiated-time", None));
        }
        let upload_id = upload_id(&exchange.asked)?;
        self.store.abort_upload(exchange.bucket()?, key(exchange)?, upload_id).await?;
        Ok(xml::nothing(204))
    }

    pub(super) async fn list_parts(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        let upload_id = upload_id(asked)?;
        let limit = page_size(exchange, "max-parts", PAGE_MAX)?;
        let after = marker(asked.parameter("part-number-marker"), "part-number-marker")?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let upload = self.store.upload(bucket, key, upload_id).await?;
        let (parts, more) = self.store.parts(bucket, key, upload_id, after, limit).await?;
        let owner = spell::canonical_id(bucket.account);
        let last = parts.last().map_or(0, |(number, _)| *number);
        Ok(xml::reply(Document::write("ListPartsResult", |d| {
            d.text("Bucket", &bucket.name);
            d.text("Key", key);
            d.text("UploadId", upload_id);
            d.text("PartNumberMarker", after.to_string());
            d.text("NextPartNumberMarker", last.to_string());
            d.text("MaxParts", limit.to_string());
            d.text("IsTruncated", more.to_string());
            for (number, row) in &parts {
                d.element("Part", |d| {
                    d.text("PartNumber", number.to_string());
                    d.text("LastModified", spell::xml_time(row.modified_s));
                    d.etag(&row.etag);
                    d.text("Size", row.bytes.to_string());
                    if upload.algorithm.is_some() {
                        write_sum(d, &row.sum, false);
                    }
                });
            }
            d.element("Initiator", |d| d.text("ID", &owner));
            d.element("Owner", |d| d.text("ID", &owner));
            d.text("StorageClass", "STANDARD");
            write_mode(d, &upload);
        })))
    }

    pub(super) async fn list_uploads(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let asked = &exchange.asked;
        let spelling = Spelling::read(asked)?;
        let limit = page_size(exchange, "max-uploads", PAGE_MAX)?;
        let parameter = |name| asked.parameter(name).filter(|text: &&str| !text.is_empty());
        let (prefix, delimiter) = (parameter("prefix").unwrap_or(""), parameter("delimiter"));
        let key_marker = parameter("key-marker");
        // Without a key the other marker means nothing.
        let id_marker = key_marker.and(parameter("upload-id-marker"));
        let bucket = exchange.bucket()?;
        if let Some(marker) = id_marker
            && !is_upload_id(marker)
        {
            return Err(faults::invalid_argument("Invalid uploadId marker", "upload-id-marker", marker));
        }
        let after = key_marker.map(|key| (key, id_marker));
        let question = UploadQuestion { prefix, delimiter, after, limit };
        let (entries, more) = self.store.uploads(bucket, &question).await?;
        let owner = spell::canonical_id(bucket.account);
        let next = match entries.last() {
            None => None,
            Some(UploadEntry::Upload(upload)) => Some((upload.key.as_str(), upload.upload_id.as_str())),
            Some(UploadEntry::Prefix(prefix)) => Some((prefix.as_str(), "")),
        };
        Ok(xml::reply(Document::write("ListMultipartUploadsResult", |d| {
            d.text("Bucket", &bucket.name);
            d.text("KeyMarker", spelling.name(key_marker.unwrap_or("")));
            d.text("UploadIdMarker", id_marker.unwrap_or(""));
            if let Some((key, upload_id)) = next {
                d.text("NextKeyMarker", spelling.name(key));
                d.text("NextUploadIdMarker", upload_id);
            }
            d.text("Prefix", spelling.name(prefix));
            d.maybe("Delimiter", delimiter.map(|text| spelling.name(text)));
            d.maybe("EncodingType", spelling.encoding());
            d.text("MaxUploads", limit.to_string());
            d.text("IsTruncated", more.to_string());
            for entry in &entries {
                let UploadEntry::Upload(upload) = entry else { continue };
                d.element("Upload", |d| {
                    d.text("Key", spelling.name(&upload.key));
                    d.text("UploadId", &upload.upload_id);
                    d.element("Initiator", |d| d.text("ID", &owner));
                    d.element("Owner", |d| d.text("ID", &owner));
                    d.text("StorageClass", "STANDARD");
                    d.text("Initiated", spell::xml_time(upload.begun_s));
                    write_mode(d, &upload.row);
                });
            }
            for entry in &entries {
                if let UploadEntry::Prefix(prefix) = entry {
                    d.element("CommonPrefixes", |d| d.text("Prefix", spelling.name(prefix)));
                }
            }
        })))
    }
}

fn kind(composite: bool) -> &'static str {
    if composite { "COMPOSITE" } else { "FULL_OBJECT" }
}

fn write_mode(d: &mut Document, upload: &UploadRow) {
    if let Some(algorithm) = &upload.algorithm {
        d.text("ChecksumAlgorithm", algorithm);
        d.text("ChecksumType", kind(upload.composite));
    }
}

/// `<ChecksumCRC32>`, and `<ChecksumType>` where the checksum is that of an object.
pub(super) fn write_sum(d: &mut Document, sum: &StoredSum, with_kind: bool) {
    if let Some(algorithm) = sum.algorithm() {
        d.text(&algorithm.element(), &sum.value);
    }
    if with_kind {
        d.text("ChecksumType", sum.kind());
    }
}

/// `x-amz-checksum-crc32`.
pub(super) fn show_sum(headers: &mut HeaderMap, sum: &StoredSum) -> Result<(), Fault> {
    let Some(algorithm) = sum.algorithm() else { return Ok(()) };
    let name = http::HeaderName::try_from(algorithm.header()).map_err(|e| faults::internal("write header", e))?;
    xml::set(headers, name, &sum.value)
}

/// `x-amz-checksum-type`.
fn asked_kind(asked: &Asked) -> Result<Option<bool>, Fault> {
    match asked.header("x-amz-checksum-type") {
        None => Ok(None),
        Some("COMPOSITE") => Ok(Some(true)),
        Some("FULL_OBJECT") => Ok(Some(false)),
        Some(_) => Err(faults::invalid_request("Value for x-amz-checksum-type header is invalid.")),
    }
}

/// Whether the checksum is to be one over those of the parts: as asked, or as is the algorithm's default.
fn composite(asked: &Asked, algorithm: Option<Algorithm>) -> Result<bool, Fault> {
    let wrong = |kind: &str, algorithm: Algorithm| {
        let name = algorithm.name().to_ascii_lowercase();
        let message = format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
        Err(faults::invalid_request(message))
    };
    match (asked_kind(asked)?, algorithm) {
        (None, None) => Ok(false),
        (Some(_), None) => Err(faults::invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )),
        (None, Some(algorithm)) => Ok(algorithm != Algorithm::Crc64Nvme),
        (Some(true), Some(algorithm)) if algorithm == Algorithm::Crc64Nvme => wrong("COMPOSITE", algorithm),
        (Some(false), Some(algorithm)) if !algorithm.is_crc() => wrong("FULL_OBJECT", algorithm),
        (Some(composite), Some(_)) => Ok(composite),
    }
}

fn upload_id(asked: &Asked) -> Result<&str, Fault> {
    match asked.parameter("uploadId") {
        Some(id) if !id.is_empty() => Ok(id),
        _ => {
            Err(faults::invalid_argument("This operation does not accept a request without uploadId.", "uploadId", ""))
        }
    }
}

/// Which part of which upload.
pub(super) fn part_of(asked: &Asked) -> Result<(&str, u32), Fault> {
    let number = asked.parameter("partNumber").ok_or_else(|| {
        faults::invalid_argument("This operation does not accept a request without partNumber.", "partNumber", "")
    })?;
    let number = condition::part_number(number)?;
    Ok((upload_id(asked)?, number))
}

fn is_upload_id(text: &str) -> bool {
    text.len() == 48 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A number behind which a listing goes on; an empty one is 0.
pub(super) fn marker(text: Option<&str>, name: &'static str) -> Result<u32, Fault> {
    match text {
        None | Some("") => Ok(0),
        Some(text) => text.parse::<u32>().ok().filter(|n| i32::try_from(*n).is_ok()).ok_or_else(|| {
            faults::invalid_argument("Provided marker not an integer or within integer range", name, text)
        }),
    }
}

fn object_bytes(asked: &Asked) -> Result<Option<u64>, Fault> {
    let text = asked.header("x-amz-mp-object-size");
    text.map(|text| {
        text.parse().map_err(|_| faults::invalid_request("Value for x-amz-mp-object-size header is invalid."))
    })
    .transpose()
}

/// The checksum of the whole object, which here is no checksum of the body that it comes with.
fn object_sum(asked: &Asked) -> Result<Option<(Algorithm, String)>, Fault> {
    let mut found = None;
    for name in asked.headers().keys() {
        let Some(suffix) = name.as_str().strip_prefix("x-amz-checksum-") else { continue };
        if matches!(suffix, "mode" | "type" | "algorithm") {
            continue;
        }
        let algorithm = Algorithm::of_name(suffix).ok_or_else(checksum::unsupported)?;
        let value = asked.header(name.as_str()).unwrap_or_default();
        // A composite may come with the number of its parts.
        algorithm.read(value.split_once('-').map_or(value, |(sum, _)| sum))?;
        if found.replace((algorithm, value.to_owned())).is_some() {
            return Err(faults::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
    }
    Ok(found)
}

/// The parts that `<CompleteMultipartUpload>` names.
fn named_parts(document: &[u8]) -> Result<Vec<NamedPart>, Fault> {
    let parts = xml::read(document, "CompleteMultipartUpload", |d| {
        let mut parts = Vec::new();
        d.for_each_element(|d, name| {
            if name != b"Part" || parts.len() == faults::PART_NUMBER_MAX as usize {
                return Err(DeError::UnexpectedTagName);
            }
            parts.push(named_part(d)?);
            Ok(())
        })?;
        Ok(parts)
    })?;
    if parts.is_empty() { Err(faults::invalid_request("You must specify at least one part")) } else { Ok(parts) }
}

fn named_part(d: &mut Deserializer<'_>) -> DeResult<NamedPart> {
    let (mut number, mut etag, mut sum) = (None, None, None);
    d.for_each_element(|d, name| {
        let text = xml::text(d)?;
        match name {
            b"PartNumber" => {
                let read = text.trim().parse().ok().filter(|n| (1..=faults::PART_NUMBER_MAX).contains(n));
                number = Some(read.ok_or(DeError::InvalidContent)?);
            }
            b"ETag" => etag = Some(text.trim().trim_matches('"').to_owned()),
            name => {
                let algorithm = std::str::from_utf8(name).ok().and_then(|n| n.strip_prefix("Checksum"));
                let algorithm = algorithm.and_then(Algorithm::of_name).ok_or(DeError::UnexpectedTagName)?;
                sum = Some((algorithm, text.trim().to_owned()));
            }
        }
        Ok(())
    })?;
    match (number, etag) {
        (Some(number), Some(etag)) => Ok(NamedPart { number, etag, sum }),
        _ => Err(DeError::MissingField),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_names_its_parts() {
        let read = |inner: &str| {
            named_parts(format!("<CompleteMultipartUpload xmlns=\"x\">{inner}</CompleteMultipartUpload>").as_bytes())
        };
        let part =
            "<Part>\n <ETag>&quot;ab&quot;</ETag><PartNumber>7</PartNumber><ChecksumSHA256>x=</ChecksumSHA256></Part>";
        let expect = NamedPart { number: 7, etag: "ab".into(), sum: Some((Algorithm::Sha256, "x=".into())) };
        assert_eq!(read(part), Ok(vec![expect]));
        let code = |inner: &str| read(inner).expect_err(inner).code;
        assert_eq!(code(""), "InvalidRequest");
        assert_eq!(code("<Part><ETag>a</ETag></Part>"), "MalformedXML");
        assert_eq!(code("<Part><ETag>a</ETag><PartNumber>0</PartNumber></Part>"), "MalformedXML");
        assert_eq!(code("<Part><ETag>a</ETag><PartNumber>10001</PartNumber></Part>"), "MalformedXML");
        assert_eq!(code("<Part><ETag>a</ETag><PartNumber>1</PartNumber><Other/></Part>"), "MalformedXML");
        assert_eq!(named_parts(b"").expect_err("no body").code, "MalformedXML");
    }
}
