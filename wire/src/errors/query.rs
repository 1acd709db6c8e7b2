//! Errors of the Query protocols.

use bytes::Bytes;

use super::{Tongue, push_xml_element, push_xml_text};
use crate::Fault;

/// `<ErrorResponse>` with its type: whose fault it is.
pub(super) fn body(fault: &Fault, tongue: &Tongue) -> Bytes {
    let mut out = String::with_capacity(256);
    out.push_str("<ErrorResponse xmlns=\"");
    push_xml_text(&mut out, &tongue.xml_namespace);
    out.push_str("\"><Error>");
    push_xml_element(&mut out, "Type", if fault.status >= 500 { "Receiver" } else { "Sender" });
    push_xml_element(&mut out, "Code", &fault.code);
    push_xml_element(&mut out, "Message", &fault.message);
    for (name, value) in &fault.details {
        push_xml_element(&mut out, name, value);
    }
    out.push_str("</Error>");
    push_xml_element(&mut out, "RequestId", &tongue.request_id);
    out.push_str("</ErrorResponse>");
    out.into()
}

/// EC2's own.
pub(super) fn ec2_body(fault: &Fault, tongue: &Tongue) -> Bytes {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
    push_xml_element(&mut out, "Code", &fault.code);
    push_xml_element(&mut out, "Message", &fault.message);
    out.push_str("</Error></Errors>");
    push_xml_element(&mut out, "RequestID", &tongue.request_id);
    out.push_str("</Response>");
    out.into()
}
