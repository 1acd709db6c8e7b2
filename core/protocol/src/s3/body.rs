//! The body of a configuration call as records show it: XML turned into JSON under its root's name.
//!
//! The turning is the one that org.json made common, and that real records show: attributes and children are members, a
//! child that repeats is an array, text that looks like a number or a truth value becomes one, an empty element is
//! `""`.

use opentrail_event::write_text;

use crate::json::{DEPTH_MAX, depth, separate};
use crate::tree::{Element, Node, read_xml};

/// A larger body is not shown (a member of a record may have 100 KB).
const BODY_BYTES_MAX: usize = 256 * 1024;
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
        write_element(&mut out, &root);
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

/// Text, or the number or truth value that it looks like.
pub(crate) fn write_typed(out: &mut Vec<u8>, text: &str) {
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

/// An element as JSON: attributes and children as members, or its text.
pub(crate) fn write_element(out: &mut Vec<u8>, element: &Element) {
    let text = element.text.trim();
    if element.members.is_empty() {
        return write_typed(out, text);
    }
    out.push(b'{');
    let mut first = true;
    for (name, nodes) in &element.members {
        separate(out, &mut first);
        write_text(out, name);
        out.push(b':');
        if let [node] = nodes.as_slice() {
            write_node(out, node);
            continue;
        }
        out.push(b'[');
        let mut first = true;
        for node in nodes {
            separate(out, &mut first);
            write_node(out, node);
        }
        out.push(b']');
    }
    if !text.is_empty() && !element.members.iter().any(|(name, _)| name == "content") {
        separate(out, &mut first);
        out.extend_from_slice(b"\"content\":");
        write_typed(out, text);
    }
    out.push(b'}');
}

fn write_node(out: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Text(text) => write_typed(out, text),
        Node::Element(element) => write_element(out, element),
    }
}
