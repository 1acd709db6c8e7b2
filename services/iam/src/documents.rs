//! Policy documents on their way in and out (`spec/policy.md` 3, `spec/iam.md` 1).

use std::collections::BTreeMap;

use opentrail_policy::{Kind, Named, Policy, Principals, counted_size, renamed};
use opentrail_wire::Fault;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::faults::{limit, malformed, unavailable};
use crate::verb::Draft;

/// Characters of a managed policy.
const MANAGED_MAX: usize = 6_144;
/// Characters of a trust policy.
const TRUST_MAX: usize = 2_048;

/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As answers and records show a document.
pub(crate) fn shown(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// An inline policy.
pub(crate) fn check_inline(document: &str) -> Result<(), Fault> {
    Policy::parse(document.as_bytes(), &Kind::Identity).map(drop).map_err(|error| malformed(error.message))
}

/// A version of a managed policy.
pub(crate) fn check_managed(document: &str) -> Result<(), Fault> {
    Policy::parse(document.as_bytes(), &Kind::Managed).map_err(|error| malformed(error.message))?;
    if counted_size(document) > MANAGED_MAX {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {MANAGED_MAX}")));
    }
    Ok(())
}

/// A trust policy; whom it names is fixed to who there is now.
pub(crate) async fn check_trust(d: &Draft<'_>, document: &str) -> Result<BTreeMap<String, String>, Fault> {
    let policy = Policy::parse(document.as_bytes(), &Kind::Trust).map_err(|error| malformed(error.message))?;
    if counted_size(document) > TRUST_MAX {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_MAX}")));
    }
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
