//! Checksums of object bodies: what the caller declares, and whether it holds (`spec/s3.md` 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use md5::{Digest as _, Md5};
use opentrail_wire::{Fault, Trailers};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};

use crate::asked::Asked;
use crate::faults;
use crate::store::rows::StoredSum;

/// What all declared checksums' headers begin with.
const HEADER_PREFIX: &str = "x-amz-checksum-";
/// Headers that begin so and declare no checksum.
const NOT_CHECKSUMS: [&str; 3] = ["x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-checksum-algorithm"];

/// A checksum that S3 stores with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// As headers name it.
    fn of_header(header: &str) -> Option<Self> {
        match header.strip_prefix(HEADER_PREFIX)? {
            "crc32" => Some(Self::Crc32),
            "crc32c" => Some(Self::Crc32c),
            "crc64nvme" => Some(Self::Crc64Nvme),
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }

    /// As errors and listings name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// As `name` names it.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::of_header(&format!("{HEADER_PREFIX}{}", name.to_ascii_lowercase()))
    }

    /// The header that carries it.
    pub(crate) fn header(self) -> String {
        format!("{HEADER_PREFIX}{}", self.name().to_ascii_lowercase())
    }

    /// The element that carries it: `ChecksumCRC32`.
    pub(crate) fn element(self) -> String {
        format!("Checksum{}", self.name())
    }

    /// Whether the checksum of a whole can be made of those of its parts.
    pub(crate) fn is_crc(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Checks the form of a declared value and returns it as it is stored.
    pub(crate) fn read(self, value: &str) -> Result<String, Fault> {
        match STANDARD.decode(value) {
            Ok(raw) if raw.len() == self.bytes() => Ok(STANDARD.encode(raw)),
            _ => Err(faults::invalid_request(format!("Value for {} header is invalid.", self.header()))),
        }
    }
}

/// Where the value of a declared checksum is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Promise {
    Value(String),
    InTrailer,
}

/// What a caller declares about a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    md5: Option<[u8; 16]>,
    sum: Option<(Algorithm, Promise)>,
    /// What is computed for keeping, where it is not what the caller declares.
    kept: Option<Algorithm>,
}

impl Declared {
    /// Reads `Content-MD5`, `x-amz-checksum-…`, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`.
    pub(crate) fn read(asked: &Asked) -> Result<Self, Fault> {
        let md5 = match asked.headers().get("content-md5") {
            None => None,
            Some(value) => Some(read_md5(value.as_bytes()).ok_or_else(|| {
                Fault::client("InvalidDigest", "The Content-MD5 you specified was invalid.")
                    .with("Content-MD5", String::from_utf8_lossy(value.as_bytes()))
            })?),
        };
        let mut sums = Vec::new();
        for name in asked.headers().keys().map(http::HeaderName::as_str) {
            if name.starts_with(HEADER_PREFIX) && !NOT_CHECKSUMS.contains(&name) {
                let algorithm = Algorithm::of_header(name).ok_or_else(unsupported)?;
                if asked.headers().get_all(name).iter().count() > 1 {
                    return Err(several());
                }
                let value = algorithm.read(asked.header(name).unwrap_or(""))?;
                sums.push((algorithm, Promise::Value(value)));
            }
        }
        for trailer in trailer_names(asked.headers()) {
            if trailer.starts_with(HEADER_PREFIX) {
                let algorithm = Algorithm::of_header(&trailer).ok_or_else(unsupported)?;
                sums.push((algorithm, Promise::InTrailer));
            }
        }
        if sums.len() > 1 {
            return Err(several());
        }
        if sums.is_empty() && asked.has("x-amz-sdk-checksum-algorithm") {
            return Err(faults::invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers \
                 were found.",
            ));
        }
        Ok(Self { md5, sum: sums.pop(), kept: None })
    }

    /// The same, with this checksum to be kept whatever was declared.
    pub(crate) fn keeping(self, algorithm: Algorithm) -> Self {
        Self { kept: Some(algorithm), ..self }
    }

    /// The algorithm of the declared checksum.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.sum.as_ref().map(|(algorithm, _)| *algorithm)
    }

    /// Whether anything protects the body.
    pub(crate) fn is_protected(&self) -> bool {
        self.md5.is_some() || self.sum.is_some()
    }
}

/// The `x-amz-checksum-algorithm` of a request, where it has one.
pub(crate) fn asked_algorithm(asked: &Asked) -> Result<Option<Algorithm>, Fault> {
    let name = asked.header("x-amz-checksum-algorithm");
    name.map(|name| Algorithm::of_name(name).ok_or_else(unsupported)).transpose()
}

/// Checks a document against what its caller declared in headers.
pub(crate) fn check_document(asked: &Asked, document: &[u8]) -> Result<(), Fault> {
    let mut declared = Declared::read(asked)?;
    // A trailer has passed the door already, which does not hand it on with a whole body.
    declared.sum = declared.sum.filter(|(_, promise)| *promise != Promise::InTrailer);
    let mut digester = Digester::new(declared);
    digester.update(document);
    digester.finish(&Trailers::default()).map(|_| ())
}

fn read_md5(value: &[u8]) -> Option<[u8; 16]> {
    STANDARD.decode(value).ok()?.try_into().ok()
}

fn trailer_names(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("x-amz-trailer").iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

fn several() -> Fault {
    faults::invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

pub(crate) fn unsupported() -> Fault {
    faults::invalid_request(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, \
         CRC64NVME, SHA1, SHA256]",
    )
}

/// What is known of a body that passed whole and unharmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) bytes: u64,
    /// Hexadecimal MD5.
    pub(crate) etag: String,
    /// To be kept.
    pub(crate) sum: StoredSum,
    /// What the caller declared, and what holds.
    pub(crate) declared: Option<StoredSum>,
}

/// Hashes a body while it passes.
pub(crate) struct Digester {
    declared: Declared,
    algorithm: Algorithm,
    md5: Md5,
    hasher: ChecksumHasher,
    bytes: u64,
}

impl Digester {
    /// For a body of which `declared` is said. Where nothing is said, CRC64NVME is computed, as S3 does.
    pub(crate) fn new(declared: Declared) -> Self {
        let algorithm = declared.kept.or(declared.algorithm()).unwrap_or(Algorithm::Crc64Nvme);
        let mut hasher = ChecksumHasher::default();
        switch_on(&mut hasher, algorithm);
        if let Some(other) = declared.algorithm() {
            switch_on(&mut hasher, other);
        }
        Self { declared, algorithm, md5: Md5::new(), hasher, bytes: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Compares with what was declared, in headers or in the trailers that followed the body.
    pub(crate) fn finish(self, trailers: &Trailers) -> Result<Digests, Fault> {
        let md5: [u8; 16] = self.md5.finalize().into();
        if let Some(expected) = self.declared.md5
            && expected != md5
        {
            return Err(Fault::client("BadDigest", "The Content-MD5 you specified did not match what we received.")
                .with("ExpectedDigest", STANDARD.encode(expected))
                .with("CalculatedDigest", STANDARD.encode(md5)));
        }
        let sums = self.hasher.finalize();
        let sum = StoredSum::full(self.algorithm, value_of(&sums, self.algorithm));
        let declared = match self.declared.sum {
            None => None,
            Some((algorithm, promise)) => {
                let expected = match promise {
                    Promise::Value(value) => value,
                    Promise::InTrailer => in_trailer(algorithm, trailers)?,
                };
                let value = value_of(&sums, algorithm);
                if expected != value {
                    let message =
                        format!("The {} you specified did not match the calculated checksum.", algorithm.name());
                    return Err(Fault::client("BadDigest", message));
                }
                Some(StoredSum::full(algorithm, value))
            }
        };
        Ok(Digests { bytes: self.bytes, etag: crate::spell::hex(&md5), sum, declared })
    }
}

fn switch_on(hasher: &mut ChecksumHasher, algorithm: Algorithm) {
    match algorithm {
        Algorithm::Crc32 => hasher.crc32 = Some(Crc32::new()),
        Algorithm::Crc32c => hasher.crc32c = Some(Crc32c::new()),
        Algorithm::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
        Algorithm::Sha1 => hasher.sha1 = Some(Sha1::new()),
        Algorithm::Sha256 => hasher.sha256 = Some(Sha256::new()),
    }
}

fn value_of(sums: &s3s::dto::Checksum, algorithm: Algorithm) -> String {
    let value = match algorithm {
        Algorithm::Crc32 => &sums.checksum_crc32,
        Algorithm::Crc32c => &sums.checksum_crc32c,
        Algorithm::Crc64Nvme => &sums.checksum_crc64nvme,
        Algorithm::Sha1 => &sums.checksum_sha1,
        Algorithm::Sha256 => &sums.checksum_sha256,
    };
    value.clone().expect("an algorithm that was switched on gives a value")
}

/// A checksum of checksums, over the raw values of all parts: `VALUE-n` (`spec/s3.md` 6). `None` if a value is no base64.
pub(crate) fn composite<'a>(algorithm: Algorithm, parts: impl Iterator<Item = &'a str>) -> Option<StoredSum> {
    let mut hasher = ChecksumHasher::default();
    switch_on(&mut hasher, algorithm);
    let mut n = 0;
    for value in parts {
        hasher.update(&STANDARD.decode(value).ok()?);
        n += 1;
    }
    let value = format!("{}-{n}", value_of(&hasher.finalize(), algorithm));
    Some(StoredSum { algorithm: algorithm.name().to_owned(), value, composite: true })
}

/// The CRC of a whole, made of the CRCs and lengths of its parts. `None` for what is no CRC.
pub(crate) fn combined<'a>(algorithm: Algorithm, parts: impl Iterator<Item = (&'a str, u64)>) -> Option<StoredSum> {
    let kind = match algorithm {
        Algorithm::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
        Algorithm::Crc32c => CrcAlgorithm::Crc32Iscsi,
        Algorithm::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
        Algorithm::Sha1 | Algorithm::Sha256 => return None,
    };
    let mut whole = None;
    for (value, bytes) in parts {
        let raw = STANDARD.decode(value).ok()?;
        let crc = raw.iter().fold(0_u64, |crc, byte| crc << 8 | u64::from(*byte));
        whole = Some(match whole {
            None => crc,
            // Nothing more: and a length of zero is none that the combining is made for.
            Some(before) if bytes == 0 => before,
            Some(before) => crc_fast::checksum_combine(kind, before, crc, bytes),
        });
    }
    let raw = whole?.to_be_bytes();
    Some(StoredSum::full(algorithm, STANDARD.encode(&raw[raw.len() - algorithm.bytes()..])))
}

/// The checksum that was announced for behind the body.
fn in_trailer(algorithm: Algorithm, trailers: &Trailers) -> Result<String, Fault> {
    let guard = trailers.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let value = guard.as_ref().and_then(|t| t.get(algorithm.header())).and_then(|v| v.to_str().ok());
    let Some(value) = value else {
        return Err(Fault::client(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        ));
    };
    algorithm.read(value.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum_of(algorithm: Algorithm, body: &[u8]) -> String {
        let mut digester = Digester::new(Declared::default().keeping(algorithm));
        digester.update(body);
        digester.finish(&Trailers::default()).expect("nothing declared").sum.value
    }

    proptest! {
        /// The CRC of a whole is the same, computed in one pass or from its parts.
        #[test]
        fn crcs_of_parts_make_that_of_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6)) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let sums: Vec<_> = parts.iter().map(|p| (sum_of(algorithm, p), p.len() as u64)).collect();
                let whole = combined(algorithm, sums.iter().map(|(s, n)| (s.as_str(), *n))).expect("a CRC");
                prop_assert_eq!(whole.value, sum_of(algorithm, &parts.concat()));
            }
        }
    }

    #[test]
    fn a_composite_is_the_sum_of_raw_sums() {
        let (a, b) = (sum_of(Algorithm::Sha256, b"a"), sum_of(Algorithm::Sha256, b"b"));
        let raw = [STANDARD.decode(&a).expect("base64"), STANDARD.decode(&b).expect("base64")].concat();
        let expect = format!("{}-2", sum_of(Algorithm::Sha256, &raw));
        let seen = composite(Algorithm::Sha256, [a.as_str(), b.as_str()].into_iter()).expect("two sums");
        assert_eq!((seen.value, seen.composite), (expect, true));
        assert_eq!(combined(Algorithm::Sha1, [("", 1)].into_iter()), None);
    }

    /// A part may declare one checksum while another is kept of it.
    #[test]
    fn what_is_declared_is_checked_beside_what_is_kept() {
        let mut declared =
            Declared { sum: Some((Algorithm::Crc32, Promise::Value("NhCmhg==".into()))), ..Declared::default() };
        for expect_ok in [true, false] {
            let mut digester = Digester::new(declared.clone().keeping(Algorithm::Crc64Nvme));
            digester.update(b"hello");
            let seen = digester.finish(&Trailers::default());
            assert_eq!(seen.is_ok(), expect_ok);
            if let Ok(seen) = seen {
                assert_eq!((seen.sum.algorithm.as_str(), seen.sum.value.as_str()), ("CRC64NVME", "M3eFcAZSQlc="));
                assert_eq!(seen.declared.expect("declared").value, "NhCmhg==");
            }
            declared.sum = Some((Algorithm::Crc32, Promise::Value("AAAAAA==".into())));
        }
    }
}
