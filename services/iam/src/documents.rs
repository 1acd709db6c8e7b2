//! Policy documents on their way in and out (`spec/policy.md` 3, `spec/iam.md` 1).

use std::collections::BTreeMap;

use opentrail_policy::{Kind, Named, Policy, PolicyError, Principals, counted_size, renamed};
use opentrail_wire::Fault;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::faults::{limit, malformed, unavailable};
use crate::verb::Draft;

/// Characters of a managed policy.
const MANAGED_MAX: usize = 6_144;
/// Characters of a trust policy.
const TRUST_MAX: usize = 2_048;

/// How many times its quota a document may have with its white space, which quotas do not count. AWS has no such bound; here
/// whoever fills a thousand roles with spaces would have everybody's listings read them.
const SPACE_FACTOR: usize = 8;

/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As answers and records show a document.
pub(crate) fn shown(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// In IAM's words, with a `Detail` beside them that says where and what would be right: IAM has one text for most mistakes.
fn malformed_document(error: PolicyError) -> Fault {
    malformed(error.message).with("Detail", error.detail)
}

/// An inline policy.
pub(crate) fn check_inline(document: &str) -> Result<(), Fault> {
    Policy::parse(document.as_bytes(), &Kind::Identity).map(drop).map_err(malformed_document)
}

/// Refuses what is far larger than the quota of `max` characters, white space counted. `what` is a quota's name, in messages.
pub(crate) fn check_space(bytes: usize, max: usize, what: &str) -> Result<(), Fault> {
    let bytes_max = max * SPACE_FACTOR;
    match bytes > bytes_max {
        true => {
            Err(limit(format!("Cannot exceed quota for {what}: {max}. White space counts beyond {bytes_max} bytes")))
        }
        false => Ok(()),
    }
}

/// A version of a managed policy.
pub(crate) fn check_managed(document: &str) -> Result<(), Fault> {
    Policy::parse(document.as_bytes(), &Kind::Managed).map_err(malformed_document)?;
    if counted_size(document) > MANAGED_MAX {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {MANAGED_MAX}")));
    }
    check_space(document.len(), MANAGED_MAX, "PolicySize")
}

/// A trust policy; whom it names is fixed to who there is now.
pub(crate) async fn check_trust(d: &Draft<'_>, document: &str) -> Result<BTreeMap<String, String>, Fault> {
    let policy = Policy::parse(document.as_bytes(), &Kind::Trust).map_err(malformed_document)?;
    if counted_size(document) > TRUST_MAX {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_MAX}")));
    }
    check_space(document.len(), TRUST_MAX, "ACLSizePerRole")?;
    let mut bound = BTreeMap::new();
    for named in policy.named() {
        let text = named.text();
        let found = d.directory().bind(&named).await;
        let found = found.map_err(|error| unavailable(opentrail_policy::DirectoryError::Unavailable(error.0)))?;
        let Some(found) = found else {
            let kind = if matches!(named, Named::Provider { .. }) { "Federated" } else { "AWS" };
            return Err(malformed(format!("Invalid principal in policy: \"{kind}\":\"{text}\"")));
        };
        bound.insert(text, found);
    }
    Ok(bound)
}

/// A trust policy as it was put, save that whoever was renamed is shown by the ARN of now, and who is gone by the id that was
/// meant, as AWS does.
pub(crate) async fn shown_trust(
    d: &Draft<'_>,
    document: &str,
    bound: &BTreeMap<String, String>,
) -> Result<String, Fault> {
    let names = d.directory().names(bound).await;
    let names = names.map_err(|error| unavailable(opentrail_policy::DirectoryError::Unavailable(error.0)))?;
    Ok(shown(&renamed(document, &names)))
}
