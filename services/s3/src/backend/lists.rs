//! The two listings (`spec/s3.md` 8).

use http::{HeaderMap, HeaderValue};
use opentrail_wire::Fault;
use s3s::S3Response;
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, Owner,
};

use super::Backend;
use crate::asked::Asked;
use crate::codec::Exchange;
use crate::store::rows::ObjectRow;
use crate::store::{Bucket, Entry, Listing, Question};
use crate::{faults, spell, token};

/// The most entries of one page, and the size of a page that was not asked for.
const KEYS_PER_PAGE_MAX: i32 = 1_000;

/// The parameters of a listing, checked and in the form that s3s decodes without complaint.
pub(crate) fn parameters(asked: &Asked, v2: bool) -> Result<Vec<(&'static str, String)>, Fault> {
    let mut clean = Vec::new();
    let names: &[&'static str] = if v2 {
        clean.push(("list-type", "2".to_owned()));
        &["prefix", "delimiter", "start-after", "continuation-token"]
    } else {
        &["prefix", "delimiter", "marker"]
    };
    for name in names {
        if let Some(value) = asked.parameter(name) {
            clean.push((*name, value.to_owned()));
        }
    }
    if Spelling::read(asked)?.encoded {
        clean.push(("encoding-type", "url".to_owned()));
    }
    if let Some(text) = asked.parameter("max-keys").filter(|text| !text.is_empty()) {
        clean.push(("max-keys", max_keys(text)?.to_string()));
    }
    if asked.parameter("fetch-owner").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        clean.push(("fetch-owner", "true".to_owned()));
    }
    Ok(clean)
}

fn max_keys(text: &str) -> Result<i32, Fault> {
    let not_a_number = "Provided max-keys not an integer or within integer range";
    match text.parse::<i64>() {
        Ok(n) if n < 0 => {
            let message = "Argument max-keys must be an integer between 0 and 2147483647";
            Err(faults::invalid_argument(message, "max-keys", text))
        }
        Ok(n) if n > i64::from(i32::MAX) => Err(faults::invalid_argument(not_a_number, "max-keys", text)),
        Ok(n) => Ok(i32::try_from(n).map_or(KEYS_PER_PAGE_MAX, |n| n.min(KEYS_PER_PAGE_MAX))),
        Err(_) => Err(faults::invalid_argument(not_a_number, "max-keys", text)),
    }
}

/// How names are written in one answer.
#[derive(Clone, Copy)]
pub(super) struct Spelling {
    encoded: bool,
}

impl Spelling {
    /// By the parameter.
    pub(super) fn read(asked: &Asked) -> Result<Self, Fault> {
        match asked.parameter("encoding-type") {
            None | Some("") => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(other) => {
                let message = "Invalid Encoding Method specified in Request";
                Err(faults::invalid_argument(message, "encoding-type", other))
            }
        }
    }

    /// As the answer says it.
    pub(super) fn encoding(self) -> Option<&'static str> {
        self.encoded.then_some("url")
    }

    fn of(encoding: Option<&EncodingType>) -> Self {
        Self { encoded: encoding.is_some_and(|e| e.as_str() == EncodingType::URL) }
    }

    pub(super) fn name(self, name: &str) -> String {
        if self.encoded { spell::form(name) } else { name.to_owned() }
    }
}

impl Backend {
    pub(super) async fn list_v1(
        &self,
        exchange: &Exchange,
        input: ListObjectsInput,
    ) -> Result<S3Response<ListObjectsOutput>, Fault> {
        let bucket = exchange.bucket()?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|d| !d.is_empty());
        let max_keys = input.max_keys.unwrap_or(KEYS_PER_PAGE_MAX);
        let marker = input.marker.unwrap_or_default();
        let question = Question {
            bucket_id: &bucket.id,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            after: Some(marker.as_str()).filter(|m| !m.is_empty()),
            limit: usize::try_from(max_keys).unwrap_or(0),
        };
        let listing = self.store.list(&question).await?;
        let next_marker = delimiter.as_ref().filter(|_| listing.more).and(listing.entries.last());
        let next_marker = next_marker.map(|e| spelling.name(e.name()));
        let more = listing.more;
        let (contents, common_prefixes) = split(listing, spelling, Some(&owner(bucket)));
        let output = ListObjectsOutput {
            name: Some(bucket.name.clone()),
            prefix: Some(spelling.name(&prefix)),
            marker: Some(spelling.name(&marker)),
            max_keys: Some(max_keys),
            is_truncated: Some(more),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: delimiter.map(|d| spelling.name(&d)),
            next_marker,
            encoding_type: input.encoding_type,
            request_charged: None,
        };
        Ok(S3Response::with_headers(output, region_header(bucket)?))
    }

    pub(super) async fn list_v2(
        &self,
        exchange: &Exchange,
        input: ListObjectsV2Input,
    ) -> Result<S3Response<ListObjectsV2Output>, Fault> {
        let bucket = exchange.bucket()?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|d| !d.is_empty());
        let max_keys = input.max_keys.unwrap_or(KEYS_PER_PAGE_MAX);
        let scope = ["objects", &bucket.id, &prefix, delimiter.as_deref().unwrap_or("")];
        let after = match &input.continuation_token {
            None => input.start_after.clone(),
            Some(text) => Some(token::read(&scope, text).ok_or_else(|| {
                let message = "The continuation token provided is incorrect";
                faults::invalid_argument(message, "continuation-token", text)
            })?),
        };
        let question = Question {
            bucket_id: &bucket.id,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            after: after.as_deref().filter(|a| !a.is_empty()),
            limit: usize::try_from(max_keys).unwrap_or(0),
        };
        let listing = self.store.list(&question).await?;
        let next = listing.entries.last().filter(|_| listing.more).map(|e| token::write(&scope, e.name()));
        let more = listing.more;
        let owner = input.fetch_owner.unwrap_or(false).then(|| owner(bucket));
        let (contents, common_prefixes) = split(listing, spelling, owner.as_ref());
        let start_after = input.start_after.filter(|_| input.continuation_token.is_none());
        let output = ListObjectsV2Output {
            name: Some(bucket.name.clone()),
            prefix: Some(spelling.name(&prefix)),
            max_keys: Some(max_keys),
            key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(more),
            next_continuation_token: next,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: delimiter.map(|d| spelling.name(&d)),
            encoding_type: input.encoding_type,
            start_after: start_after.map(|s| spelling.name(&s)),
            request_charged: None,
        };
        Ok(S3Response::with_headers(output, region_header(bucket)?))
    }
}

fn owner(bucket: &Bucket) -> Owner {
    Owner { display_name: None, id: Some(spell::canonical_id(bucket.account)) }
}

fn region_header(bucket: &Bucket) -> Result<HeaderMap, Fault> {
    let region = HeaderValue::from_str(bucket.region.as_str()).map_err(|e| faults::internal("write region", e))?;
    let mut headers = HeaderMap::new();
    headers.insert(faults::BUCKET_REGION, region);
    Ok(headers)
}

/// Keys first, then common prefixes, as the document has them.
fn split(listing: Listing, spelling: Spelling, owner: Option<&Owner>) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for entry in listing.entries {
        match entry {
            Entry::Object(key, row) => contents.push(object(spelling.name(&key), *row, owner.cloned())),
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(spelling.name(&prefix)) }),
        }
    }
    (contents, prefixes)
}

fn object(key: String, row: ObjectRow, owner: Option<Owner>) -> Object {
    Object {
        checksum_type: Some(ChecksumType::from_static(row.sum.kind())),
        checksum_algorithm: Some(vec![ChecksumAlgorithm::from(row.sum.algorithm)]),
        e_tag: Some(ETag::Strong(row.etag)),
        key: Some(key),
        last_modified: Some(spell::timestamp(row.modified_s)),
        owner,
        restore_status: None,
        size: i64::try_from(row.bytes).ok(),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
    }
}
