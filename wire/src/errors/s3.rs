//! Errors of S3: no namespace, further members in their order (`spec/s3.md` 1, 14).

use bytes::Bytes;

use super::{Tongue, push_xml_element};
use crate::Fault;

/// `<Error>`
pub(super) fn body(fault: &Fault, tongue: &Tongue) -> Bytes {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    push_xml_element(&mut out, "Code", &fault.code);
    push_xml_element(&mut out, "Message", &fault.message);
    for (name, value) in &fault.details {
        push_xml_element(&mut out, name, value);
    }
    push_xml_element(&mut out, "RequestId", &tongue.request_id);
    push_xml_element(&mut out, "HostId", &tongue.host_id);
    out.push_str("</Error>");
    out.into()
}
