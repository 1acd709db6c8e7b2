//! In which ways a request names its operation: by a target, in a path of RPC with CBOR, in a form.
//!
//! Only what a service of the scope speaks is heeded: a target on a request to S3 is nothing but a header. Where a request
//! names an operation twice, one reader takes the first name and another the last, so that what is recorded or allowed here
//! would not be what is done there. Such a request is a contradiction.

use http::header;

use super::Head;
use super::file::Entry;
use super::recognise::text;
use crate::Protocol;
use crate::query::unescape;

/// What a request names.
#[derive(Debug, Default)]
pub(super) struct Naming<'a> {
    /// Service and operation.
    pub(super) cbor: Option<(&'a str, &'a str)>,
    pub(super) target: Option<&'a str>,
    pub(super) action: Option<String>,
    pub(super) version: Option<String>,
    /// Why it names more than one thing.
    pub(super) contradiction: Option<&'static str>,
}

impl<'a> Naming<'a> {
    /// `entries` are the services that it may be for; where there are none, it may be for any.
    pub(super) fn of(head: &Head<'a>, entries: &[&Entry], body_start: &[u8]) -> Self {
        let speak = |fits: &dyn Fn(&Entry) -> bool| entries.is_empty() || entries.iter().any(|entry| fits(entry));
        let targets = speak(&|entry| entry.target_prefix.is_some());
        let cbors = speak(&|entry| entry.speaks(Protocol::RpcV2Cbor));
        let forms = speak(&|entry| entry.speaks(Protocol::Query) || entry.speaks(Protocol::Ec2Query));
        let rests = entries.iter().any(|e| e.speaks(Protocol::RestJson) || e.speaks(Protocol::RestXml));

        let cbor = of_cbor(head).filter(|_| cbors);
        let sent_target = head.headers.contains_key("x-amz-target");
        let target = text(head, "x-amz-target").filter(|_| targets);
        let is_bare = matches!(head.path, "" | "/");
        let only_forms = !entries.is_empty() && forms && !targets && !cbors && (is_bare || !rests);
        let form = if forms { Form::of(head, body_start, only_forms) } else { Form::default() };
        let contradiction = if form.actions > 1 || form.versions > 1 {
            Some("Action and Version may be given once")
        } else if sent_target && (targets || forms) && !is_one_target(head) {
            Some("X-Amz-Target may be given once, and names one operation")
        } else if sent_target && (form.actions > 0 || cbor.is_some() || (forms && is_typed_form(head))) {
            Some("An operation is named by X-Amz-Target, or by Action, or by the path")
        } else if cbor.is_some() && form.actions > 0 {
            Some("An operation is named by Action or by the path")
        } else if rests && !is_bare && (target.is_some() || form.actions > 0) {
            Some("An operation is named by its path, or by X-Amz-Target or Action")
        } else {
            None
        };
        Self { cbor, target, action: form.action, version: form.version, contradiction }
    }
}

fn is_typed_form(head: &Head<'_>) -> bool {
    text(head, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("x-www-form-urlencoded"))
}

/// A list, or the header twice, is another operation to whoever looks at its other end.
fn is_one_target(head: &Head<'_>) -> bool {
    let mut all = head.headers.get_all("x-amz-target").iter();
    let Some(Ok(target)) = all.next().map(http::HeaderValue::to_str) else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:/#".contains(&b);
    all.next().is_none() && target.bytes().all(plain)
}

/// `/service/NAME/operation/NAME`, where the client says that it speaks CBOR.
fn of_cbor<'a>(head: &Head<'a>) -> Option<(&'a str, &'a str)> {
    let says = |name: &str, value: &str| text(head, name).is_some_and(|v| v.trim().eq_ignore_ascii_case(value));
    if !says("smithy-protocol", "rpc-v2-cbor") && !says("content-type", "application/cbor") {
        return None;
    }
    // A service may stand behind a path of its own.
    let rest = &head.path[head.path.rfind("/service/")? + "/service/".len()..];
    let (service, rest) = rest.split_once('/')?;
    Some((service, rest.strip_prefix("operation/")?.trim_end_matches('/')))
}

/// Action and Version in the query and in the body.
#[derive(Debug, Default)]
struct Form {
    action: Option<String>,
    version: Option<String>,
    actions: usize,
    versions: usize,
}

impl Form {
    /// What speaks nothing but forms may take any body for one, whatever type it says (`always`).
    fn of(head: &Head<'_>, body_start: &[u8], always: bool) -> Self {
        let is_form = always
            || text(head, header::CONTENT_TYPE.as_str()).is_none_or(|kind| {
                let kind = kind.split(';').next().unwrap_or_default().trim();
                kind.is_empty() || kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        // With another method the body names nothing; to a reader who looks at it all the same it must not name another.
        let names = *head.method == http::Method::POST;
        let mut form = Self::default();
        form.take(head.query.as_bytes(), true);
        // The same for a body that says it is something else, beside a query that names an operation.
        if is_form || form.actions > 0 {
            form.take(body_start, names && is_form);
        }
        form
    }

    fn take(&mut self, pairs: &[u8], names: bool) {
        for pair in pairs.split(|&b| b == b'&') {
            let at = pair.iter().position(|&b| b == b'=');
            let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
            // Longer ones are neither, escaped or not.
            if name.len() > 3 * "Version".len() {
                continue;
            }
            let (place, count) = match unescape(name, true).as_deref() {
                Some("Action") => (&mut self.action, &mut self.actions),
                Some("Version") => (&mut self.version, &mut self.versions),
                _ => continue,
            };
            *count += 1;
            if names && place.is_none() {
                *place = unescape(value, true);
            }
        }
    }
}
