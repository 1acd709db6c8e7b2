//! Errors of awsJson and rest-json.

use bytes::Bytes;
use opentrail_event::write_text;

use crate::Fault;

/// `{"__type":…,"message":…}`
pub(super) fn body(fault: &Fault) -> Bytes {
    let mut out = b"{\"__type\":".to_vec();
    write_text(&mut out, &fault.code);
    out.extend_from_slice(b",\"message\":");
    write_text(&mut out, &fault.message);
    out.push(b'}');
    out.into()
}

/// `{"message":…}`: the code stands in a header.
pub(super) fn message(fault: &Fault) -> Bytes {
    let mut out = b"{\"message\":".to_vec();
    write_text(&mut out, &fault.message);
    out.push(b'}');
    out.into()
}
