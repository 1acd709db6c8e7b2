//! Proving one digest, and one log file.

use super::{LinkFault, Weight, What};
use super::{Look, Object, ReadError, SourceError};
use crate::{
    DigestKey, Document, LOG_BYTES_MAX, ListedLogFile, Previous, SIGNATURE_ALGORITHM, gunzip, gunzip_hash, sha256_hex,
};

/// Most bytes of a digest's JSON: some 150,000 log files.
pub const DIGEST_BYTES_MAX: u64 = 64 << 20;

/// What a newer digest says about the one before it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) previous: Previous,
    /// The start of the newer one, in seconds.
    pub(super) start: i64,
    /// The newer one is proven.
    pub(super) trusted: bool,
}

/// A digest that was looked at.
#[derive(Debug)]
pub(super) struct Checked {
    /// `None` where it cannot be read, or belongs elsewhere.
    pub(super) document: Option<Document>,
    /// A signature of a known key is over this document in this place.
    pub(super) proven: bool,
    pub(super) found: Vec<What>,
}

impl Checked {
    fn unusable(what: What) -> Self {
        Self { document: None, proven: false, found: vec![what] }
    }

    pub(super) fn weight(&self) -> Weight {
        self.found.iter().map(What::weight).max().unwrap_or(Weight::Note)
    }
}

/// Looks at the digest of that name in a bucket.
pub(super) async fn digest(
    look: Look<'_>,
    bucket: &str,
    name: &DigestKey,
    link: Option<&Link>,
) -> Result<Checked, SourceError> {
    let key = name.to_string();
    Ok(match read(look, bucket, &key).await? {
        Ok(object) => prove(look, bucket, name, &object, link),
        Err(what) => Checked::unusable(what),
    })
}

fn prove(look: Look<'_>, bucket: &str, name: &DigestKey, object: &Object, link: Option<&Link>) -> Checked {
    let json = match gunzip(&object.bytes, DIGEST_BYTES_MAX) {
        Ok(json) => json,
        Err(fault) => return Checked::unusable(What::Gzip(fault)),
    };
    let document = match Document::parse(&json) {
        Ok(document) => document,
        Err(error) => return Checked::unusable(What::NotADigest(error.to_string())),
    };
    if document.bucket != bucket || document.key != name.to_string() {
        let Document { bucket, key, .. } = document;
        return Checked::unusable(What::Moved { bucket, key });
    }
    let hash = sha256_hex(&json);
    let metadata = object.metadata.as_ref();
    let backfill = metadata.is_some_and(|metadata| metadata.contains_key("backfill-generation-timestamp"));
    let (signature, mut found) = match metadata {
        Some(metadata) => {
            let of_ours = metadata.get("signature-algorithm").is_some_and(|name| name == SIGNATURE_ALGORITHM);
            let signature = metadata.get("signature").filter(|_| of_ours).cloned();
            let unsigned = signature.is_none() || name.backfill && !backfill;
            (signature, unsigned.then_some(What::Unsigned).into_iter().collect())
        }
        // The next digest of the chain repeats it.
        None => {
            let repeated = link.map(|link| link.previous.signature.clone());
            let found = repeated.is_none().then_some(What::NoSignatureInCopy);
            (repeated, found.into_iter().collect::<Vec<_>>())
        }
    };
    let mut proven = false;
    match (look.keys.get(&document.fingerprint), &signature) {
        (None, _) => found = vec![What::UnknownKey(document.fingerprint.clone())],
        (Some(_), None) => {}
        (Some(known), Some(signature)) => {
            proven = known.key.verify(document.string_to_sign(&hash).as_bytes(), signature).is_ok();
            if !proven {
                found.push(What::BadSignature);
            } else if !known.was_in_use(document.digest_end_time.at) && !name.backfill {
                found.push(What::KeyOutsideValidity { from: known.valid_from, until: known.valid_until });
            }
        }
    }
    if let Some(link) = link.filter(|link| link.trusted) {
        found.extend(link_faults(link, &document, &hash, signature.as_deref()).map(What::BrokenLink));
    }
    if proven {
        found.extend(contradiction(name, &document).map(What::Inconsistent));
    }
    Checked { document: Some(document), proven, found }
}

/// How a digest differs from what the next one, which is proven, says about it.
fn link_faults<'a>(
    link: &'a Link,
    document: &'a Document,
    hash: &'a str,
    signature: Option<&'a str>,
) -> impl Iterator<Item = LinkFault> {
    let other_signature = signature.is_some_and(|s| !s.eq_ignore_ascii_case(&link.previous.signature));
    let faults = [
        (!link.previous.sha256_hex.eq_ignore_ascii_case(hash), LinkFault::Hash),
        (other_signature, LinkFault::Signature),
        (document.digest_end_time.at.as_second() != link.start, LinkFault::Time),
    ];
    faults.into_iter().filter_map(|(wrong, fault)| wrong.then_some(fault))
}

fn contradiction(name: &DigestKey, document: &Document) -> Option<&'static str> {
    if document.digest_end_time.at != name.end {
        return Some("its name and its end differ");
    }
    if document.digest_start_time.at >= document.digest_end_time.at {
        return Some("it does not end after its start");
    }
    (document.previous().is_none() && !document.is_first()).then_some("it names the digest before it in part only")
}

/// Looks at one log file: what is wrong with it, and how many bytes are inside.
pub(super) async fn log_file(look: Look<'_>, listed: &ListedLogFile) -> Result<(Option<What>, u64), SourceError> {
    let object = match read(look, &listed.bucket, &listed.key).await? {
        Ok(object) => object,
        Err(what) => return Ok((Some(what), 0)),
    };
    Ok(match gunzip_hash(&object.bytes, LOG_BYTES_MAX) {
        Err(fault) => (Some(What::Gzip(fault)), 0),
        Ok((hash, bytes)) if hash.eq_ignore_ascii_case(&listed.sha256_hex) => (None, bytes),
        Ok((found, bytes)) => (Some(What::Changed { listed: listed.sha256_hex.clone(), found }), bytes),
    })
}

async fn read(look: Look<'_>, bucket: &str, key: &str) -> Result<Result<Object, What>, SourceError> {
    Ok(match look.source.read(bucket, key).await {
        Ok(object) => Ok(object),
        Err(ReadError::Broken(error)) => return Err(error),
        Err(ReadError::Absent) => Err(What::Missing),
        Err(ReadError::OtherBucket) => Err(What::OtherBucket),
        Err(ReadError::TooLarge) => Err(What::TooLarge),
        Err(ReadError::Refused(why)) => Err(What::Refused(why)),
    })
}
