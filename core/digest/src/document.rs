//! What a digest file says, as JSON, and what of it is signed.
//!
//! The members come in the order in which CloudTrail writes them, without blanks, and with each slash written `\/`, as its files have it.
//! What is signed are four lines: the digest's end as it is written, `bucket/key`, the SHA-256 of the JSON, and the signature of the
//! digest before (or `null`).

use std::fmt::Write;

use jiff::Timestamp;
use opentrail_event::AccountId;
use serde::{Deserialize, Deserializer, de};

use crate::{SigningKey, gzip, sha256_hex};

/// How digests are signed, in the words of the JSON and of the metadata `signature-algorithm`.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// How files are hashed.
const HASH_ALGORITHM: &str = "SHA-256";

/// A digest to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Whose events the log files hold.
    pub account: AccountId,
    /// Whole seconds. The end of the digest before; of the first, one interval before its end.
    pub start: Timestamp,
    /// Whole seconds.
    pub end: Timestamp,
    pub bucket: String,
    /// The text of the [`DigestKey`](crate::DigestKey).
    pub key: String,
    /// `None` for the first of a chain.
    pub previous: Option<Previous>,
    /// What was delivered from `start` until `end`.
    pub log_files: Vec<LogFile>,
}

/// The digest before, as the next one names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    pub bucket: String,
    pub key: String,
    /// Of its JSON.
    pub sha256_hex: String,
    pub signature: String,
}

/// One log file, as its digest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    pub bucket: String,
    pub key: String,
    /// Of the JSON inside the gzip member.
    pub sha256_hex: String,
    /// Event times, whole seconds.
    pub newest: Timestamp,
    pub oldest: Timestamp,
}

/// A digest, ready to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// One gzip member: the object's body.
    pub body: Vec<u8>,
    /// The object's user metadata: names without `x-amz-meta-`.
    pub metadata: Vec<(String, String)>,
    /// How the next digest of the chain names this one.
    pub as_previous: Previous,
}

impl Digest {
    /// Writes, hashes and signs it. A function of its inputs: a second try makes the same bytes.
    pub fn sign(&self, by: &SigningKey) -> Signed {
        let json = self.json(by.public().fingerprint());
        let sha256_hex = sha256_hex(&json);
        let before = self.previous.as_ref().map(|previous| previous.signature.as_str());
        let signature =
            by.sign(string_to_sign(&time(self.end), &self.bucket, &self.key, &sha256_hex, before).as_bytes());
        Signed {
            body: gzip(&json),
            metadata: vec![
                ("signature".to_owned(), signature.clone()),
                ("signature-algorithm".to_owned(), SIGNATURE_ALGORITHM.to_owned()),
            ],
            as_previous: Previous { bucket: self.bucket.clone(), key: self.key.clone(), sha256_hex, signature },
        }
    }

    fn json(&self, fingerprint: &str) -> Vec<u8> {
        let mut out = Json::open();
        out.text("awsAccountId", self.account.as_str());
        out.text("digestStartTime", &time(self.start));
        out.text("digestEndTime", &time(self.end));
        out.text("digestS3Bucket", &self.bucket);
        out.text("digestS3Object", &self.key);
        out.text("digestPublicKeyFingerprint", fingerprint);
        out.text("digestSignatureAlgorithm", SIGNATURE_ALGORITHM);
        out.maybe("newestEventTime", self.log_files.iter().map(|log| log.newest).max().map(time));
        out.maybe("oldestEventTime", self.log_files.iter().map(|log| log.oldest).min().map(time));
        let previous = self.previous.as_ref();
        out.maybe("previousDigestS3Bucket", previous.map(|p| p.bucket.as_str()));
        out.maybe("previousDigestS3Object", previous.map(|p| p.key.as_str()));
        out.maybe("previousDigestHashValue", previous.map(|p| p.sha256_hex.as_str()));
        out.maybe("previousDigestHashAlgorithm", previous.map(|_| HASH_ALGORITHM));
        out.maybe("previousDigestSignature", previous.map(|p| p.signature.as_str()));
        out.name("logFiles");
        out.0.push('[');
        for (i, log) in self.log_files.iter().enumerate() {
            out.0.push_str(if i == 0 { "" } else { "," });
            let mut file = Json::open();
            file.text("s3Bucket", &log.bucket);
            file.text("s3Object", &log.key);
            file.text("hashValue", &log.sha256_hex);
            file.text("hashAlgorithm", HASH_ALGORITHM);
            file.text("newestEventTime", &time(log.newest));
            file.text("oldestEventTime", &time(log.oldest));
            out.0.push_str(&file.close());
        }
        out.0.push(']');
        out.close().into_bytes()
    }
}

/// The four lines that are signed, without a line feed at their end.
pub fn string_to_sign(
    end: &str,
    bucket: &str,
    key: &str,
    json_sha256_hex: &str,
    previous_signature: Option<&str>,
) -> String {
    format!("{end}\n{bucket}/{key}\n{json_sha256_hex}\n{}", previous_signature.unwrap_or("null"))
}

/// Whether a text would be more than one line of what is signed, or cannot be seen for what it is. Who can put such a text into
/// the place of one digest could have the lines of another one signed.
pub fn breaks_line(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// As digests write times: `2026-01-01T00:00:10Z`.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A JSON object being written.
struct Json(String);

impl Json {
    fn open() -> Self {
        Self("{".to_owned())
    }

    fn name(&mut self, name: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        write!(self.0, "{comma}\"{name}\":").expect("a string takes everything");
    }

    fn text(&mut self, name: &str, value: &str) {
        self.maybe(name, Some(value));
    }

    fn maybe(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        self.name(name);
        match value {
            None => self.0.push_str("null"),
            Some(value) => {
                let quoted = serde_json::to_string(value.as_ref()).expect("a text is JSON");
                self.0.push_str(&quoted.replace('/', "\\/"));
            }
        }
    }

    fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A digest that somebody else may have written. Texts stand as they were found: they are what was signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub digest_start_time: Moment,
    pub digest_end_time: Moment,
    #[serde(rename = "digestS3Bucket")]
    pub bucket: String,
    #[serde(rename = "digestS3Object")]
    pub key: String,
    #[serde(rename = "digestPublicKeyFingerprint")]
    pub fingerprint: String,
    #[serde(rename = "previousDigestS3Bucket", default)]
    pub previous_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object", default)]
    pub previous_key: Option<String>,
    #[serde(rename = "previousDigestHashValue", default)]
    pub previous_sha256_hex: Option<String>,
    /// Must be there, and may be null.
    #[serde(rename = "previousDigestSignature", deserialize_with = "nullable")]
    pub previous_signature: Option<String>,
    #[serde(deserialize_with = "list")]
    pub log_files: Vec<ListedLogFile>,
}

/// A log file in a digest that somebody else may have written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedLogFile {
    #[serde(rename = "s3Bucket")]
    pub bucket: String,
    #[serde(rename = "s3Object")]
    pub key: String,
    #[serde(rename = "hashValue")]
    pub sha256_hex: String,
    #[serde(deserialize_with = "sha256")]
    pub hash_algorithm: (),
}

/// A time, as written and as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub text: String,
    pub at: Timestamp,
}

/// The JSON is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a digest: {0}")]
pub struct Malformed(String);

impl Document {
    /// Reads the JSON of a digest. What `aws cloudtrail validate-logs` needs must be there, and each member once.
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        let read: Self = serde_json::from_slice(json).map_err(|error| Malformed(error.to_string()))?;
        let lines = [Some(&read.bucket), Some(&read.key), read.previous_signature.as_ref()];
        if lines.into_iter().flatten().any(|line| breaks_line(line)) {
            // Its four lines could be those of another digest, which lies elsewhere and says something else.
            return Err(Malformed("a part of what is signed holds a line break".into()));
        }
        Ok(read)
    }

    /// The four lines that its signature is of, if it lies where it says.
    pub fn string_to_sign(&self, json_sha256_hex: &str) -> String {
        let before = self.previous_signature.as_deref();
        string_to_sign(&self.digest_end_time.text, &self.bucket, &self.key, json_sha256_hex, before)
    }

    /// The digest before, where it names one in full.
    pub fn previous(&self) -> Option<Previous> {
        Some(Previous {
            bucket: self.previous_bucket.clone()?,
            key: self.previous_key.clone()?,
            sha256_hex: self.previous_sha256_hex.clone()?,
            signature: self.previous_signature.clone()?,
        })
    }

    /// Whether it begins a chain: it names nothing before it. One that names a part only does neither.
    pub fn is_first(&self) -> bool {
        let named = [&self.previous_bucket, &self.previous_key, &self.previous_sha256_hex, &self.previous_signature];
        named.iter().all(|part| part.is_none())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let at = text.parse().map_err(|_| de::Error::custom("a time is not ISO 8601"))?;
        Ok(Self { text, at })
    }
}

/// A member that may be null and may not be absent.
fn nullable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// A list; null is an empty one.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ListedLogFile>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

fn sha256<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    match String::deserialize(from)?.as_str() {
        HASH_ALGORITHM => Ok(()),
        _ => Err(de::Error::custom("a log file is hashed by something else than SHA-256")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DigestKey, gunzip};

    /// Out of a real bucket.
    const NATIVE: &[u8] = include_bytes!("../fixtures/native.json");
    const PRIVATE: &[u8] = include_bytes!("../fixtures/openssl.pkcs8.der");

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// The native digest, as we would have made it.
    fn ours() -> Digest {
        let native = Document::parse(NATIVE).expect("a digest");
        let times = [
            ("2023-10-15T22:04:51Z", "2023-10-15T22:04:51Z"),
            ("2023-10-15T22:58:17Z", "2023-10-15T22:58:17Z"),
            ("2023-10-15T22:58:17Z", "2023-10-15T22:58:17Z"),
            ("2023-10-15T22:20:34Z", "2023-10-15T22:10:12Z"),
            ("2023-10-15T22:20:34Z", "2023-10-15T22:20:34Z"),
        ];
        let file = |(log, (newest, oldest)): (&ListedLogFile, _)| LogFile {
            bucket: log.bucket.clone(),
            key: log.key.clone(),
            sha256_hex: log.sha256_hex.clone(),
            newest: at(newest),
            oldest: at(oldest),
        };
        let end = at("2023-10-15T23:04:04Z");
        Digest {
            account: "327878933619".parse().expect("an account"),
            start: at("2023-10-15T22:04:04Z"),
            end,
            bucket: "llm-guard-trail".into(),
            key: DigestKey::parse(&native.key).expect("a name").ending(end).to_string(),
            previous: native.previous(),
            log_files: native.log_files.iter().zip(times).map(file).collect(),
        }
    }

    #[test]
    fn a_digest_is_written_as_cloudtrail_writes_it() {
        let json = ours().json("be2f0b997552f44942837300ba1aba9d");
        assert_eq!(String::from_utf8_lossy(&json), String::from_utf8_lossy(NATIVE));
    }

    #[test]
    fn a_signed_digest_proves_itself_and_names_itself_to_the_next() {
        let key = SigningKey::from_pkcs8(PRIVATE).expect("a key");
        let signed = ours().sign(&key);
        assert_eq!(ours().sign(&key), signed);
        let json = gunzip(&signed.body, 1 << 20).expect("one member");
        let read = Document::parse(&json).expect("a digest");
        assert_eq!(read.fingerprint, key.public().fingerprint());
        assert_eq!(signed.as_previous.sha256_hex, sha256_hex(&json));
        let message = read.string_to_sign(&sha256_hex(&json));
        assert!(message.starts_with("2023-10-15T23:04:04Z\nllm-guard-trail/AWSLogs/327878933619/CloudTrail-Digest/"));
        assert!(message.ends_with(&format!("\n{}", ours().previous.expect("one before").signature)));
        assert_eq!(key.public().verify(message.as_bytes(), &signed.metadata[0].1), Ok(()));
        assert_eq!(signed.metadata[0].0, "signature");
        assert_eq!(signed.metadata[1], ("signature-algorithm".into(), "SHA256withRSA".into()));
    }

    #[test]
    fn the_first_of_a_chain_names_nothing_before_it() {
        let first = Digest { previous: None, log_files: Vec::new(), ..ours() };
        let json = String::from_utf8(first.json("f")).expect("text");
        let tail = r#""newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[]}"#;
        assert!(json.ends_with(tail), "{json}");
        let read = Document::parse(json.as_bytes()).expect("a digest");
        assert!(read.is_first() && read.previous().is_none());
        assert!(read.string_to_sign("h").ends_with("\nh\nnull"));
        assert!(!Document::parse(NATIVE).expect("a digest").is_first());
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let native = String::from_utf8_lossy(NATIVE);
        let mut bad = vec!["".to_owned(), "{}".into(), "[]".into(), format!("{native}{{}}"), format!("{native},")];
        for member in [
            "digestPublicKeyFingerprint",
            "digestS3Bucket",
            "digestS3Object",
            "previousDigestSignature",
            "digestEndTime",
            "digestStartTime",
            "logFiles",
            "s3Object",
            "hashValue",
        ] {
            bad.push(native.replacen(&format!("\"{member}\""), "\"other\"", 1));
        }
        bad.push(native.replacen("SHA-256\",\"newest", "MD5\",\"newest", 1));
        bad.push(native.replacen("2023-10-15T23:04:04Z", "yesterday", 1));
        for member in ["digestS3Bucket", "digestS3Object", "previousDigestSignature"] {
            bad.push(native.replacen(&format!("\"{member}\":\""), &format!("\"{member}\":\"\\n"), 1));
        }
        bad.push(native.replacen("\"logFiles\"", "\"digestS3Bucket\":\"other\",\"logFiles\"", 1));
        for text in bad {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
