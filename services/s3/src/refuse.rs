//! What is not honoured is refused, before anything is touched.
//!
//! One table of headers for writes, and a few rules with AWS's own words. A header that S3 ignores is ignored here too.

use opentrail_wire::Fault;
use s3s::xml::{DeError, DeResult, Deserialize, Deserializer};

use crate::asked::Asked;
use crate::faults;
use crate::tags::{self, Tags};

/// Tags that are read before they are counted.
const TAGS_READ_MAX: usize = 100;

/// What a header of the table asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Put,
    Create,
    Delete,
}

/// Headers whose wish is not built, by the operations that take them.
const NOT_BUILT: &[(&str, &[On])] = &[
    ("x-amz-server-side-encryption-aws-kms-key-id", &[On::Put]),
    ("x-amz-server-side-encryption-context", &[On::Put]),
    ("x-amz-server-side-encryption-bucket-key-enabled", &[On::Put]),
    ("x-amz-object-lock-mode", &[On::Put]),
    ("x-amz-object-lock-retain-until-date", &[On::Put]),
    ("x-amz-object-lock-legal-hold", &[On::Put]),
    ("x-amz-website-redirect-location", &[On::Put]),
    ("x-amz-write-offset-bytes", &[On::Put]),
    ("x-amz-bucket-namespace", &[On::Create]),
    ("x-amz-mfa", &[On::Delete]),
    ("x-amz-if-match-size", &[On::Delete]),
    ("x-amz-if-match-last-modified-time", &[On::Delete]),
];
/// Grants by header.
const GRANTS: [&str; 5] = [
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
];
/// What `x-amz-acl` can say.
const CANNED_ACLS: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
];
/// The storage classes of S3 that are not built.
const OTHER_STORAGE_CLASSES: [&str; 11] = [
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
];

fn not_built(asked: &Asked, on: On) -> Result<(), Fault> {
    match NOT_BUILT.iter().find(|(name, operations)| operations.contains(&on) && asked.has(name)) {
        Some((name, _)) => Err(faults::header_not_implemented(*name, None)),
        None => Ok(()),
    }
}

/// Any version but the one there is.
pub(crate) fn any_version(asked: &Asked) -> Result<(), Fault> {
    match asked.parameter("versionId") {
        None | Some("null") => Ok(()),
        Some(other) => Err(faults::invalid_argument("Invalid version id specified", "versionId", other)),
    }
}

/// An ACL in headers: everything but the owner's full control. Whether there was one.
pub(crate) fn acl(asked: &Asked) -> Result<bool, Fault> {
    if GRANTS.iter().any(|grant| asked.has(grant)) {
        return Err(faults::acls_not_supported());
    }
    match asked.header("x-amz-acl") {
        None => Ok(false),
        Some("bucket-owner-full-control") => Ok(true),
        Some(acl) if CANNED_ACLS.contains(&acl) => Err(faults::acls_not_supported()),
        Some(acl) => Err(faults::invalid_argument("", "x-amz-acl", acl)),
    }
}

/// UploadPart, UploadPartCopy and CompleteMultipartUpload.
pub(crate) fn part(asked: &Asked) -> Result<(), Fault> {
    const PREFIXES: [&str; 2] =
        ["x-amz-server-side-encryption-customer-", "x-amz-copy-source-server-side-encryption-customer-"];
    let found = asked.headers().keys().find(|name| PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix)));
    found.map_or(Ok(()), |name| Err(faults::header_not_implemented(name.as_str(), None)))
}

/// An object to be made: PutObject, CreateMultipartUpload, CopyObject.
pub(crate) fn new_object(asked: &Asked) -> Result<(), Fault> {
    acl(asked)?;
    part(asked)?;
    match asked.header("x-amz-server-side-encryption") {
        None => {}
        // Nothing is encrypted yet, so nothing is accepted as if it were, the default of AWS included.
        Some("AES256" | "aws:kms" | "aws:kms:dsse" | "aws:fsx") => {
            return Err(faults::header_not_implemented("x-amz-server-side-encryption", None));
        }
        Some(_) => {
            return Err(Fault::client(
                "InvalidEncryptionAlgorithmError",
                "The Encryption request you specified is not valid. Supported value: AES256.",
            ));
        }
    }
    match asked.header("x-amz-storage-class") {
        None | Some("STANDARD") => {}
        Some(class) if OTHER_STORAGE_CLASSES.contains(&class) => {
            return Err(faults::header_not_implemented("x-amz-storage-class", None));
        }
        Some(class) => {
            return Err(Fault::client("InvalidStorageClass", "The storage class you specified is not valid")
                .with("StorageClassRequested", class.chars().take(64).collect::<String>()));
        }
    }
    not_built(asked, On::Put)?;
    metadata(asked)
}

/// User metadata is bounded, and is text.
fn metadata(asked: &Asked) -> Result<(), Fault> {
    let mut bytes = 0;
    for (name, value) in asked.headers() {
        let Some(name) = name.as_str().strip_prefix("x-amz-meta-") else { continue };
        bytes += name.len() + value.len();
        if std::str::from_utf8(value.as_bytes()).is_err() {
            let message = "Non-ASCII user metadata must be UTF-8, or encoded as RFC 2047 says.";
            return Err(faults::invalid_request(message));
        }
    }
    if bytes > faults::METADATA_BYTES_MAX { Err(faults::metadata_too_large(bytes)) } else { Ok(()) }
}

/// GetObject and HeadObject.
pub(crate) fn read_object(asked: &Asked) -> Result<(), Fault> {
    if ["algorithm", "key", "key-md5"]
        .iter()
        .any(|part| asked.has(&format!("x-amz-server-side-encryption-customer-{part}")))
    {
        return Err(faults::invalid_request("The encryption parameters are not applicable to this object."));
    }
    any_version(asked)
}

/// DeleteObject.
pub(crate) fn delete_object(asked: &Asked) -> Result<(), Fault> {
    any_version(asked)?;
    if let Some(value) = asked.headers().get("x-amz-bypass-governance-retention") {
        return Err(faults::invalid_argument(
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
            "x-amz-bypass-governance-retention",
            &String::from_utf8_lossy(value.as_bytes()),
        ));
    }
    not_built(asked, On::Delete)
}

/// CreateBucket's headers.
pub(crate) fn create_bucket(asked: &Asked) -> Result<(), Fault> {
    // A new bucket is private and enforces its owner, so asking for just that changes nothing.
    if asked.header("x-amz-acl").is_some_and(|acl| acl != "private" && acl != "bucket-owner-full-control")
        || GRANTS.iter().any(|grant| asked.has(grant))
    {
        return Err(Fault::client(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    match asked.header("x-amz-object-ownership") {
        None | Some("BucketOwnerEnforced") => {}
        Some("BucketOwnerPreferred" | "ObjectWriter") => {
            return Err(faults::header_not_implemented("x-amz-object-ownership", None));
        }
        Some(other) => {
            let other: String = other.chars().take(64).collect();
            return Err(Fault::client("InvalidArgument", format!("Invalid x-amz-object-ownership header: {other}"))
                .with("ArgumentName", "x-amz-object-ownership")
                .with("ArgumentValue", other));
        }
    }
    if asked.header("x-amz-bucket-object-lock-enabled").is_some_and(|v| !v.eq_ignore_ascii_case("false")) {
        return Err(faults::header_not_implemented("x-amz-bucket-object-lock-enabled", None));
    }
    not_built(asked, On::Create)
}

/// The body of CreateBucket. (s3s's own reading of it drops tags in silence; ours does not.)
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) location_constraint: Option<String>,
    pub(crate) tags: Tags,
    /// An element that asks for what is not built.
    unbuilt: Option<&'static str>,
}

impl Configuration {
    /// Reads the document; an empty body asks for nothing. Refuses the elements of directory buckets.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Fault> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let mut document = Deserializer::new(body);
        let read = Self::deserialize(&mut document).and_then(|it| document.expect_eof().map(|()| it));
        let configuration = read.map_err(|_| faults::malformed_xml())?;
        if let Some(element) = configuration.unbuilt {
            return Err(faults::header_not_implemented(format!("CreateBucketConfiguration/{element}"), None));
        }
        if configuration.tags.iter().any(|(key, _)| key.starts_with("aws:")) {
            return Err(Fault::client(
                "InvalidTag",
                "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove \"aws:\" \
                 from your tag keys and try again.",
            ));
        }
        Ok(Self { tags: tags::check(configuration.tags, tags::On::Bucket)?, ..configuration })
    }
}

impl<'xml> Deserialize<'xml> for Configuration {
    fn deserialize(document: &mut Deserializer<'xml>) -> DeResult<Self> {
        document.named_element("CreateBucketConfiguration", |d| {
            let mut read = Self::default();
            d.for_each_element(|d, name| match name {
                b"LocationConstraint" if read.location_constraint.is_none() => {
                    read.location_constraint = Some(d.text(|text| Ok(text.trim().to_owned()))?);
                    Ok(())
                }
                b"LocationConstraint" => Err(DeError::DuplicateField),
                b"Tags" => d.for_each_element(|d, name| match name {
                    b"Tag" if read.tags.len() <= TAGS_READ_MAX => {
                        read.tags.push(tags::read_tag(d)?);
                        Ok(())
                    }
                    _ => Err(DeError::UnexpectedTagName),
                }),
                b"Bucket" | b"Location" => {
                    read.unbuilt = Some(if name == b"Bucket" { "Bucket" } else { "Location" });
                    d.for_each_element(|d, _| d.text(|_| Ok(())))
                }
                _ => Err(DeError::UnexpectedTagName),
            })?;
            Ok(read)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use opentrail_wire::RequestHead;

    use super::*;

    fn asked(query: &str, headers: &[(&str, &str)]) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            );
        }
        let head =
            RequestHead { method: http::Method::PUT, raw_path: "/b/k".into(), raw_query: query.into(), headers: map };
        Asked::read(&head, false).expect("a good request")
    }

    #[test]
    fn a_put_is_refused_for_what_it_asks() {
        let check = |name: &str, value: &str, expect: Option<(&str, u16)>| {
            let result = new_object(&asked("", &[(name, value)]));
            let seen = result.as_ref().err().map(|f| (f.code.as_ref(), f.status));
            assert_eq!(seen, expect, "{name}: {value}");
        };
        check("x-amz-acl", "bucket-owner-full-control", None);
        check("x-amz-acl", "private", Some(("AccessControlListNotSupported", 400)));
        check("x-amz-acl", "public-read", Some(("AccessControlListNotSupported", 400)));
        check("x-amz-grant-read", "id=1", Some(("AccessControlListNotSupported", 400)));
        check("x-amz-server-side-encryption", "AES256", Some(("NotImplemented", 501)));
        check("x-amz-server-side-encryption", "aws:kms", Some(("NotImplemented", 501)));
        check("x-amz-server-side-encryption", "rot13", Some(("InvalidEncryptionAlgorithmError", 400)));
        check("x-amz-server-side-encryption-aws-kms-key-id", "1", Some(("NotImplemented", 501)));
        check("x-amz-server-side-encryption-customer-algorithm", "AES256", Some(("NotImplemented", 501)));
        check("x-amz-storage-class", "STANDARD", None);
        check("x-amz-storage-class", "GLACIER", Some(("NotImplemented", 501)));
        check("x-amz-storage-class", "PAPER", Some(("InvalidStorageClass", 400)));
        check("x-amz-object-lock-mode", "COMPLIANCE", Some(("NotImplemented", 501)));
        check("x-amz-object-lock-legal-hold", "ON", Some(("NotImplemented", 501)));
        check("x-amz-acl", "nobody", Some(("InvalidArgument", 400)));
        check("x-amz-website-redirect-location", "/", Some(("NotImplemented", 501)));
        check("x-amz-meta-a", &"x".repeat(2047), None);
        check("x-amz-meta-a", &"x".repeat(2048), Some(("MetadataTooLarge", 400)));
        check("x-amz-request-payer", "requester", None);
    }

    #[test]
    fn reads_and_deletes_know_no_versions() {
        assert!(read_object(&asked("versionId=null", &[])).is_ok());
        assert_eq!(read_object(&asked("versionId=abc", &[])).expect_err("no version").code, "InvalidArgument");
        assert_eq!(delete_object(&asked("versionId=", &[])).expect_err("no version").code, "InvalidArgument");
        let bypass = delete_object(&asked("", &[("x-amz-bypass-governance-retention", "false")])).expect_err("no lock");
        assert_eq!(bypass.code, "InvalidArgument");
        assert_eq!(delete_object(&asked("", &[("x-amz-mfa", "1 2")])).expect_err("mfa").status, 501);
    }

    #[test]
    fn a_new_bucket_is_private() {
        let code = |name: &str, value: &str| create_bucket(&asked("", &[(name, value)])).err().map(|f| f.code);
        assert_eq!(code("x-amz-acl", "private"), None);
        assert_eq!(code("x-amz-acl", "public-read").as_deref(), Some("InvalidBucketAclWithObjectOwnership"));
        assert_eq!(code("x-amz-object-ownership", "BucketOwnerEnforced"), None);
        assert_eq!(code("x-amz-object-ownership", "ObjectWriter").as_deref(), Some("NotImplemented"));
        assert_eq!(code("x-amz-object-ownership", "me").as_deref(), Some("InvalidArgument"));
        assert_eq!(code("x-amz-bucket-object-lock-enabled", "true").as_deref(), Some("NotImplemented"));
        assert_eq!(code("x-amz-bucket-object-lock-enabled", "False"), None);
    }

    #[test]
    fn the_configuration_of_a_bucket() {
        let read = |inner: &str| {
            let ns = "http://s3.amazonaws.com/doc/2006-03-01/";
            let xml = format!(
                "<?xml version=\"1.0\"?><CreateBucketConfiguration xmlns=\"{ns}\">{inner}</CreateBucketConfiguration>"
            );
            Configuration::read(xml.as_bytes())
        };
        let constraint = |inner: &str| read(inner).expect(inner).location_constraint;
        assert_eq!(Configuration::read(b"").expect("nothing").location_constraint, None);
        assert_eq!(constraint(""), None);
        assert_eq!(constraint("<LocationConstraint>eu-west-1</LocationConstraint>").as_deref(), Some("eu-west-1"));
        assert_eq!(constraint("<LocationConstraint/>").as_deref(), Some(""));
        assert_eq!(constraint("<Tags></Tags>"), None);
        let code = |inner: &str| read(inner).expect_err(inner).code;
        let tag = |key: &str| format!("<Tags><Tag><Key>{key}</Key><Value>b</Value></Tag></Tags>");
        assert_eq!(read(&tag("a")).expect("a tag").tags, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(code(&tag("aws:a")), "InvalidTag");
        assert_eq!(code(&(tag("a") + &tag("a"))), "InvalidTag");
        assert_eq!(code("<Bucket><Type>Directory</Type></Bucket>"), "NotImplemented");
        assert_eq!(code("<Other/>"), "MalformedXML");
        assert_eq!(code("<LocationConstraint>a</LocationConstraint><LocationConstraint/>"), "MalformedXML");
        for bad in ["<", "text", "<A/>", "<CreateBucketConfiguration>", "<CreateBucketConfiguration></B>", "\0"] {
            assert_eq!(Configuration::read(bad.as_bytes()).expect_err(bad).code, "MalformedXML", "{bad}");
        }
        let deep = "<a>".repeat(100_000);
        assert_eq!(Configuration::read(deep.as_bytes()).expect_err("deep").code, "MalformedXML");
        assert_eq!(code(&deep), "MalformedXML");
    }
}
