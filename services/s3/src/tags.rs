//! Tags of objects and buckets: read from headers and documents, and held to S3's rules (`spec/s3.md` 9).

use opentrail_wire::Fault;

use crate::asked::{Asked, decode_form};
use crate::xml::{self, Document};
use crate::{checksum, faults};

/// Pairs of key and value, in the order in which they were given.
pub(crate) type Tags = Vec<(String, String)>;

const TAGS_OF_OBJECT_MAX: usize = 10;
const TAGS_OF_BUCKET_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// What is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Object,
    Bucket,
}

/// The tags of `x-amz-tagging`; none without the header.
pub(crate) fn of_header(asked: &Asked) -> Result<Tags, Fault> {
    let Some(header) = asked.header("x-amz-tagging") else { return Ok(Tags::new()) };
    let bad = || {
        faults::invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name \
             duplicates.",
            "x-amz-tagging",
            header,
        )
    };
    let mut tags = Tags::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode_form(key).ok_or_else(bad)?, decode_form(value).ok_or_else(bad)?);
        if tags.iter().any(|(there, _)| *there == key) {
            return Err(bad());
        }
        tags.push((key, value));
        // Bounded while it is read: a header holds thousands of pairs.
        if tags.len() > TAGS_OF_OBJECT_MAX {
            break;
        }
    }
    check(tags, On::Object)
}

/// The tags of a `<Tagging>` document.
pub(crate) fn of_document(asked: &Asked, document: &[u8], on: On) -> Result<Tags, Fault> {
    checksum::check_document(asked, document)?;
    let tags = xml::read(document, "Tagging", |d| {
        let mut tags = Tags::new();
        d.named_element("TagSet", |d| {
            d.for_each_element(|d, name| match name {
                b"Tag" => {
                    tags.push(read_tag(d)?);
                    Ok(())
                }
                _ => Err(s3s::xml::DeError::UnexpectedTagName),
            })
        })?;
        Ok(tags)
    })?;
    check(tags, on)
}

/// `<Tag>`'s content.
pub(crate) fn read_tag(d: &mut s3s::xml::Deserializer<'_>) -> s3s::xml::DeResult<(String, String)> {
    let (mut key, mut value) = (None, None);
    d.for_each_element(|d, name| {
        let place = match name {
            b"Key" => &mut key,
            b"Value" => &mut value,
            _ => return Err(s3s::xml::DeError::UnexpectedTagName),
        };
        if place.is_some() {
            return Err(s3s::xml::DeError::DuplicateField);
        }
        *place = Some(xml::text(d)?);
        Ok(())
    })?;
    match (key, value) {
        (Some(key), Some(value)) => Ok((key, value)),
        _ => Err(s3s::xml::DeError::MissingField),
    }
}

/// The tags, if they are what S3 takes.
pub(crate) fn check(tags: Tags, on: On) -> Result<Tags, Fault> {
    match on {
        On::Object if tags.len() > TAGS_OF_OBJECT_MAX => {
            return Err(Fault::client("BadRequest", "Object tags cannot be greater than 10"));
        }
        On::Bucket if tags.len() > TAGS_OF_BUCKET_MAX => {
            return Err(Fault::client("BadRequest", "Bucket tag count cannot be greater than 50"));
        }
        _ => {}
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        let shown = |text: &str| text.chars().take(KEY_CHARS_MAX).collect::<String>();
        if tags[..at].iter().any(|(earlier, _)| earlier == key) {
            let fault = Fault::client("InvalidTag", "Cannot provide multiple Tags with the same key");
            return Err(fault.with("TagKey", shown(key)));
        }
        if key.starts_with("aws:") {
            return Err(Fault::client(
                "InvalidTag",
                match on {
                    On::Object => "Your TagKey cannot be prefixed with aws:",
                    On::Bucket => "System tags cannot be added/updated by requester",
                },
            ));
        }
        if key.is_empty() || !is_text(key, KEY_CHARS_MAX) {
            let fault = Fault::client("InvalidTag", "The TagKey you have provided is invalid");
            return Err(fault.with("TagKey", shown(key)));
        }
        if !is_text(value, VALUE_CHARS_MAX) {
            let fault = Fault::client("InvalidTag", "The TagValue you have provided is invalid");
            return Err(fault.with("TagKey", shown(key)).with("TagValue", shown(value)));
        }
    }
    Ok(tags)
}

/// Letters, digits and spaces of any script, and `_ . : / = + - @`.
fn is_text(text: &str, chars_max: usize) -> bool {
    let is_good = |c: char| c.is_alphanumeric() || c == ' ' || c.is_whitespace() || "_.:/=+-@".contains(c);
    text.chars().count() <= chars_max && text.chars().all(is_good)
}

/// The `<Tagging>` document.
pub(crate) fn document(tags: &Tags) -> bytes::Bytes {
    Document::write("Tagging", |d| {
        d.element("TagSet", |d| {
            for (key, value) in tags {
                d.element("Tag", |d| {
                    d.text("Key", key);
                    d.text("Value", value);
                });
            }
        });
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use opentrail_wire::RequestHead;

    use super::*;

    fn asked(tagging: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        if let Some(tagging) = tagging {
            headers.insert("x-amz-tagging", HeaderValue::from_str(tagging).expect("a header"));
        }
        let head =
            RequestHead { method: http::Method::PUT, raw_path: "/b/k".into(), raw_query: String::new(), headers };
        Asked::read(&head, false).expect("a good request")
    }

    #[test]
    fn tags_of_a_header() {
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(of_header(&asked(None)), Ok(vec![]));
        assert_eq!(
            of_header(&asked(Some("a=b&c+d=%C3%A9&e"))),
            Ok(vec![pair("a", "b"), pair("c d", "é"), pair("e", "")])
        );
        let code = |text: &str| of_header(&asked(Some(text))).expect_err(text).code;
        assert_eq!(code("a=1&a=2"), "InvalidArgument");
        assert_eq!(code("a=%zz"), "InvalidArgument");
        assert_eq!(code("a=%3C"), "InvalidTag");
        let eleven: Vec<String> = (0..11).map(|i| format!("k{i}=v")).collect();
        assert_eq!(code(&eleven.join("&")), "BadRequest");
    }

    #[test]
    fn tags_of_a_document() {
        let read = |inner: &str, on| {
            of_document(&asked(None), format!("<Tagging><TagSet>{inner}</TagSet></Tagging>").as_bytes(), on)
        };
        let tag = |k: &str, v: &str| format!("<Tag><Key>{k}</Key><Value>{v}</Value></Tag>");
        assert_eq!(read("", On::Object), Ok(vec![]));
        let two = read(&(tag("a", "") + &tag("b:c", "x y")), On::Object).expect("two tags");
        assert_eq!(of_document(&asked(None), &document(&two), On::Bucket), Ok(two));
        let check = |inner: String, on, message: &str| {
            assert_eq!(read(&inner, on).expect_err(message).message, message);
        };
        check(tag("a", "1") + &tag("a", "2"), On::Bucket, "Cannot provide multiple Tags with the same key");
        check(tag("aws:x", ""), On::Bucket, "System tags cannot be added/updated by requester");
        check(tag("aws:x", ""), On::Object, "Your TagKey cannot be prefixed with aws:");
        check(tag("", ""), On::Object, "The TagKey you have provided is invalid");
        check(tag(&"k".repeat(129), ""), On::Object, "The TagKey you have provided is invalid");
        check(tag("k", &"v".repeat(257)), On::Object, "The TagValue you have provided is invalid");
        let many = |n: usize| (0..n).map(|i| tag(&format!("k{i}"), "")).collect::<String>();
        check(many(11), On::Object, "Object tags cannot be greater than 10");
        check(many(51), On::Bucket, "Bucket tag count cannot be greater than 50");
        assert_eq!(read("<Tag><Key>a</Key></Tag>", On::Object).expect_err("no value").code, "MalformedXML");
        assert_eq!(read("<Other/>", On::Object).expect_err("no tag").code, "MalformedXML");
    }
}
