//! The body of a configuration call as records show it: XML turned into JSON under its root's name.
//!
//! The turning is the one that org.json made common, and that real records show: attributes and children are members, a
//! child that repeats is an array, text that looks like a number or a truth value becomes one, an empty element is
//! `""`.

use opentrail_event::write_text;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::json::{DEPTH_MAX, depth, separate};

/// A larger body is not shown (a member of a record may have 100 KB).
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Elements may nest so deep,
const NESTING_MAX: usize = 32;
/// have so many differently named children,
const NAMES_MAX: usize = 64;
/// and be so many in all.
const ELEMENTS_MAX: usize = 50_000;
/// A longer number stays a text.
const NUMBER_BYTES_MAX: usize = 24;

/// The root under which an operation's body is shown; `None` where records leave it out (`spec/recorded.md` 10:
/// accelerate, metrics, analytics, object tagging, retention, legal hold; `spec/s3.md` 16: the keys of DeleteObjects).
pub(super) fn root_of(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "CreateBucket" => "CreateBucketConfiguration",
        "PutBucketAcl" | "PutObjectAcl" => "AccessControlPolicy",
        "PutBucketCors" => "CORSConfiguration",
        "PutBucketEncryption" => "ServerSideEncryptionConfiguration",
        "PutBucketIntelligentTieringConfiguration" => "IntelligentTieringConfiguration",
        "PutBucketInventoryConfiguration" => "InventoryConfiguration",
        "PutBucketLifecycleConfiguration" => "LifecycleConfiguration",
        "PutBucketLogging" => "BucketLoggingStatus",
        "PutBucketNotificationConfiguration" => "NotificationConfiguration",
        "PutBucketOwnershipControls" => "OwnershipControls",
        "PutBucketReplication" => "ReplicationConfiguration",
        "PutBucketRequestPayment" => "RequestPaymentConfiguration",
        "PutBucketTagging" => "Tagging",
        "PutBucketVersioning" => "VersioningConfiguration",
        "PutBucketWebsite" => "WebsiteConfiguration",
        "PutObjectLockConfiguration" => "ObjectLockConfiguration",
        "PutPublicAccessBlock" => "PublicAccessBlockConfiguration",
        "RestoreObject" => "RestoreRequest",
        _ => return None,
    })
}

/// The member that shows a body, and its JSON. `None` for a body that is not shown, or that is not what its operation
/// takes.
pub(super) fn project(operation: &str, body: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    if body.is_empty() || body.len() > BODY_BYTES_MAX {
        return None;
    }
    if operation == "PutBucketPolicy" {
        return minify(body).map(|policy| ("bucketPolicy", policy));
    }
    let expected = root_of(operation)?;
    let (name, root) = read_xml(body)?;
    (name == expected).then(|| {
        let mut out = Vec::with_capacity(body.len());
        root.write(&mut out);
        (expected, out)
    })
}

/// JSON without the white space between its tokens; `None` for what is not a JSON object.
fn minify(body: &[u8]) -> Option<Vec<u8>> {
    if body.first() != Some(&b'{') || depth(body) > DEPTH_MAX {
        return None;
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body).ok()?;
    std::str::from_utf8(body).ok()?;
    let (mut quoted, mut escaped) = (false, false);
    let mut out = Vec::with_capacity(body.len());
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\r' | b'\n' if !quoted => continue,
            _ => {}
        }
        out.push(byte);
    }
    Some(out)
}

#[derive(Default)]
struct Element {
    /// Attributes and children by name, in the order of their first coming.
    members: Vec<(String, Vec<Node>)>,
    text: String,
}

enum Node {
    Text(String),
    Element(Element),
}

impl Element {
    fn add(&mut self, name: String, node: Node) -> Option<()> {
        if let Some((_, nodes)) = self.members.iter_mut().find(|(n, _)| *n == name) {
            nodes.push(node);
        } else if self.members.len() < NAMES_MAX {
            self.members.push((name, vec![node]));
        } else {
            return None;
        }
        Some(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let text = self.text.trim();
        if self.members.is_empty() {
            return write_typed(out, text);
        }
        out.push(b'{');
        let mut first = true;
        for (name, nodes) in &self.members {
            separate(out, &mut first);
            write_text(out, name);
            out.push(b':');
            if let [node] = nodes.as_slice() {
                node.write(out);
                continue;
            }
            out.push(b'[');
            let mut first = true;
            for node in nodes {
                separate(out, &mut first);
                node.write(out);
            }
            out.push(b']');
        }
        if !text.is_empty() && !self.members.iter().any(|(name, _)| name == "content") {
            separate(out, &mut first);
            out.extend_from_slice(b"\"content\":");
            write_typed(out, text);
        }
        out.push(b'}');
    }
}

impl Node {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_typed(out, text),
            Self::Element(element) => element.write(out),
        }
    }
}

fn write_typed(out: &mut Vec<u8>, text: &str) {
    if text.eq_ignore_ascii_case("true") {
        out.extend_from_slice(b"true");
    } else if text.eq_ignore_ascii_case("false") {
        out.extend_from_slice(b"false");
    } else if is_number(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_text(out, text);
    }
}

/// A number as JSON writes it, without an exponent.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    text.len() <= NUMBER_BYTES_MAX && digits(whole) && digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// The root and its name. A document type (and with it every entity but XML's own five) is refused.
fn read_xml(body: &[u8]) -> Option<(String, Element)> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open: Vec<(String, Element)> = Vec::new();
    let mut root = None;
    let mut elements = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if root.is_some() || elements > ELEMENTS_MAX || open.len() == NESTING_MAX {
                    return None;
                }
                open.push(begin(&start)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if root.is_some() || elements > ELEMENTS_MAX {
                    return None;
                }
                let (name, element) = begin(&start)?;
                end(name, element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let (name, element) = open.pop()?;
                end(name, element, &mut open, &mut root)?;
            }
            Event::Text(text) => {
                let text = text.decode().ok()?;
                match open.last_mut() {
                    Some((_, element)) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return None,
                }
            }
            Event::CData(text) => open.last_mut()?.1.text.push_str(&text.decode().ok()?),
            Event::GeneralRef(reference) => {
                let element = &mut open.last_mut()?.1;
                match reference.resolve_char_ref().ok()? {
                    Some(c) => element.text.push(c),
                    None => element.text.push_str(resolve_predefined_entity(&reference.decode().ok()?)?),
                }
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) => return None,
            Event::Eof => return if open.is_empty() { root } else { None },
        }
    }
}

fn begin(start: &BytesStart<'_>) -> Option<(String, Element)> {
    let name = std::str::from_utf8(start.name().as_ref()).ok()?.to_owned();
    let mut element = Element::default();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = std::str::from_utf8(attribute.key.as_ref()).ok()?.to_owned();
        element.add(name, Node::Text(attribute.unescape_value().ok()?.into_owned()))?;
    }
    Some((name, element))
}

fn end(
    name: String,
    element: Element,
    open: &mut [(String, Element)],
    root: &mut Option<(String, Element)>,
) -> Option<()> {
    match open.last_mut() {
        Some((_, parent)) => parent.add(name, Node::Element(element)),
        None => {
            *root = Some((name, element));
            Some(())
        }
    }
}
