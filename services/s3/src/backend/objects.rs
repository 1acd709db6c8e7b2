//! Calls about objects (`spec/s3.md` 4 and 6).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentrail_wire::Fault;
use s3s::S3Response;
use s3s::dto::{
    ChecksumType, DeleteObjectOutput, ETag, GetObjectOutput, HeadObjectOutput, PutObjectInput, PutObjectOutput,
};

use super::Backend;
use crate::asked::Asked;
use crate::bodies::Intake;
use crate::checksum::Declared;
use crate::codec::Exchange;
use crate::condition::{Selection, WriteCondition, select};
use crate::store::rows::{ContentHeaders, ObjectRow, StoredSum};
use crate::store::{Layout, NewObject, Place};
use crate::{faults, spell, tags, xml};

/// The type of an object whose writer named none.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// Query parameters that replace headers of the answer.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", http::header::CACHE_CONTROL),
    ("response-content-disposition", http::header::CONTENT_DISPOSITION),
    ("response-content-encoding", http::header::CONTENT_ENCODING),
    ("response-content-language", http::header::CONTENT_LANGUAGE),
    ("response-content-type", http::header::CONTENT_TYPE),
    ("response-expires", http::header::EXPIRES),
];

impl Backend {
    pub(super) async fn put(
        &self,
        exchange: &Exchange,
        input: PutObjectInput,
    ) -> Result<S3Response<PutObjectOutput>, Fault> {
        let declared = Declared::read(&exchange.asked)?;
        let headers = content_headers(&exchange.asked)?;
        let tags = tags::of_header(&exchange.asked)?;
        if !tags.is_empty() {
            exchange.may_tag().await?;
        }
        let new = NewObject {
            headers,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            tags,
            condition: exchange.write_condition().await?,
        };
        let body = exchange.beside().body.take();
        let body = body.ok_or_else(|| faults::internal("run put", "no body was handed over"))?;
        let intake = Intake::new(body, declared)?;
        let row = self.store.put(exchange.bucket()?, &input.key, new, intake).await?;
        exchange.beside().object_bytes = Some(row.bytes);
        let sums = Sums::of(&row.sum);
        let output = PutObjectOutput {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            e_tag: Some(ETag::Strong(row.etag)),
            ..PutObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn get(&self, exchange: &Exchange, key: &str) -> Result<S3Response<GetObjectOutput>, Fault> {
        let choose = |row: &ObjectRow, places: &[Place]| {
            let selection = select(&exchange.asked, row, places, exchange.now_s)?;
            Ok((selection.range(row.bytes), selection))
        };
        let (layout, selection, outgoing) = self.store.read(exchange.bucket()?, key, choose).await?;
        let shown = Shown::new(exchange, layout, &selection)?;
        exchange.beside().outgoing = Some(outgoing);
        let output = GetObjectOutput {
            accept_ranges: shown.accept_ranges,
            checksum_crc32: shown.sums.crc32,
            checksum_crc32c: shown.sums.crc32c,
            checksum_crc64nvme: shown.sums.crc64nvme,
            checksum_sha1: shown.sums.sha1,
            checksum_sha256: shown.sums.sha256,
            checksum_type: shown.checksum_type,
            content_length: shown.content_length,
            content_range: shown.content_range,
            e_tag: shown.e_tag,
            last_modified: shown.last_modified,
            metadata: shown.metadata,
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, shown.headers))
    }

    pub(super) async fn head(&self, exchange: &Exchange, key: &str) -> Result<S3Response<HeadObjectOutput>, Fault> {
        let wants_part = exchange.asked.parameter("partNumber").is_some();
        let layout = self.store.layout(exchange.bucket()?, key, wants_part).await?;
        let layout = layout.ok_or_else(|| faults::no_such_key(key))?;
        let selection = select(&exchange.asked, &layout.row, &layout.places, exchange.now_s)?;
        let shown = Shown::new(exchange, layout, &selection)?;
        let output = HeadObjectOutput {
            accept_ranges: shown.accept_ranges,
            checksum_crc32: shown.sums.crc32,
            checksum_crc32c: shown.sums.crc32c,
            checksum_crc64nvme: shown.sums.crc64nvme,
            checksum_sha1: shown.sums.sha1,
            checksum_sha256: shown.sums.sha256,
            checksum_type: shown.checksum_type,
            content_length: shown.content_length,
            content_range: shown.content_range,
            e_tag: shown.e_tag,
            last_modified: shown.last_modified,
            metadata: shown.metadata,
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, shown.headers))
    }

    pub(super) async fn delete(&self, exchange: &Exchange, key: &str) -> Result<S3Response<DeleteObjectOutput>, Fault> {
        let condition = WriteCondition::of_deletion(&exchange.asked)?;
        exchange.may_ask(&condition).await?;
        self.store.delete(exchange.bucket()?, key, &condition).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }
}

/// What GetObject and HeadObject show alike.
#[derive(Default)]
struct Shown {
    accept_ranges: Option<String>,
    sums: Sums,
    checksum_type: Option<ChecksumType>,
    content_length: Option<i64>,
    content_range: Option<String>,
    e_tag: Option<ETag>,
    last_modified: Option<s3s::dto::Timestamp>,
    metadata: Option<s3s::dto::Metadata>,
    headers: HeaderMap,
}

impl Shown {
    /// Notes the status beside the answer.
    fn new(exchange: &Exchange, layout: Layout, selection: &Selection) -> Result<Self, Fault> {
        let row = layout.row;
        let known = Self {
            e_tag: Some(ETag::Strong(row.etag)),
            last_modified: Some(spell::timestamp(row.modified_s)),
            ..Self::default()
        };
        exchange.beside().object_bytes = Some(row.bytes);
        let status = match selection {
            Selection::NotModified => {
                exchange.beside().status = Some(304);
                return Ok(known);
            }
            Selection::Whole => 200,
            Selection::Part { .. } | Selection::Numbered { .. } => 206,
        };
        let range = selection.range(row.bytes);
        exchange.beside().status = Some(status);
        let wants_sums =
            exchange.asked.header("x-amz-checksum-mode").is_some_and(|m| m.eq_ignore_ascii_case("enabled"));
        let sum = match selection {
            // A part has a checksum of its own where the object's is made of those.
            Selection::Numbered { at, .. } if row.sum.composite => layout.places.get(*at).map(|place| &place.sum),
            Selection::Numbered { .. } if layout.places.len() > 1 => None,
            _ => Some(&row.sum).filter(|_| range == (0..row.bytes)),
        };
        let sum = sum.filter(|_| wants_sums);
        let mut headers = answer_headers(&exchange.asked, row.headers)?;
        if let Selection::Numbered { .. } = selection {
            xml::set(&mut headers, "x-amz-mp-parts-count", &layout.places.len().to_string())?;
        }
        if !row.tags.is_empty() {
            xml::set(&mut headers, "x-amz-tagging-count", &row.tags.len().to_string())?;
        }
        Ok(Self {
            accept_ranges: Some("bytes".to_owned()),
            sums: sum.map(Sums::of).unwrap_or_default(),
            checksum_type: sum.map(|_| ChecksumType::from_static(row.sum.kind())),
            content_length: i64::try_from(range.end - range.start).ok(),
            content_range: (status == 206).then(|| format!("bytes {}-{}/{}", range.start, range.end - 1, row.bytes)),
            metadata: (!row.metadata.is_empty()).then(|| row.metadata.into_iter().collect()),
            headers,
            ..known
        })
    }
}

/// The stored checksum, under the name of its algorithm.
#[derive(Default)]
struct Sums {
    crc32: Option<String>,
    crc32c: Option<String>,
    crc64nvme: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

impl Sums {
    fn of(sum: &StoredSum) -> Self {
        let mut sums = Self::default();
        let value = Some(sum.value.clone());
        match sum.algorithm.as_str() {
            "CRC32" => sums.crc32 = value,
            "CRC32C" => sums.crc32c = value,
            "CRC64NVME" => sums.crc64nvme = value,
            "SHA1" => sums.sha1 = value,
            "SHA256" => sums.sha256 = value,
            _ => {}
        }
        sums
    }
}

/// The headers that are kept with the object.
pub(super) fn content_headers(asked: &Asked) -> Result<ContentHeaders, Fault> {
    let keep = |name: &'static str| -> Result<Option<String>, Fault> {
        match asked.headers().get(name) {
            Some(value) if std::str::from_utf8(value.as_bytes()).is_err() => {
                let shown = String::from_utf8_lossy(value.as_bytes()).into_owned();
                Err(faults::invalid_argument("The header is not UTF-8.", name, &shown))
            }
            _ => Ok(asked.header(name).map(str::to_owned)),
        }
    };
    Ok(ContentHeaders {
        cache_control: keep("cache-control")?,
        content_disposition: keep("content-disposition")?,
        content_encoding: keep("content-encoding")?.and_then(|e| without_chunking(&e)),
        content_language: keep("content-language")?,
        content_type: keep("content-type")?,
        expires: keep("expires")?,
    })
}

/// User metadata, by names without `x-amz-meta-`; a name that comes twice has both values.
///
/// A value that is encoded as RFC 2047 says goes back to its readers as it came.
pub(super) fn metadata(asked: &Asked) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::<String, String>::new();
    for (name, value) in asked.headers() {
        let Some(name) = name.as_str().strip_prefix("x-amz-meta-").filter(|name| !name.is_empty()) else { continue };
        // What is no text was refused before.
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        metadata
            .entry(name.to_owned())
            .and_modify(|there| {
                there.push(',');
                there.push_str(&value);
            })
            .or_insert(value);
    }
    metadata
}

/// `aws-chunked` is how the body travelled, not what it is.
fn without_chunking(encoding: &str) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|token| !token.is_empty() && !token.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The kept headers, or what the caller wants in their place.
fn answer_headers(asked: &Asked, kept: ContentHeaders) -> Result<HeaderMap, Fault> {
    let content_type = kept.content_type.or_else(|| Some(DEFAULT_CONTENT_TYPE.to_owned()));
    let kept = [
        (http::header::CACHE_CONTROL, kept.cache_control),
        (http::header::CONTENT_DISPOSITION, kept.content_disposition),
        (http::header::CONTENT_ENCODING, kept.content_encoding),
        (http::header::CONTENT_LANGUAGE, kept.content_language),
        (http::header::CONTENT_TYPE, content_type),
        (http::header::EXPIRES, kept.expires),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in kept {
        if let Some(value) = value {
            let value = HeaderValue::try_from(value).map_err(|e| faults::internal("write kept header", e))?;
            headers.insert(name, value);
        }
    }
    for (parameter, name) in OVERRIDES {
        if let Some(text) = asked.parameter(parameter) {
            let value = HeaderValue::from_str(text)
                .map_err(|_| faults::invalid_argument("Header value cannot be represented.", parameter, text))?;
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chunking_goes() {
        let check = |encoding: &str, expect: Option<&str>| assert_eq!(without_chunking(encoding).as_deref(), expect);
        check("aws-chunked", None);
        check("aws-chunked,gzip", Some("gzip"));
        check("gzip, aws-chunked", Some("gzip"));
        check("gzip,br", Some("gzip,br"));
    }
}
