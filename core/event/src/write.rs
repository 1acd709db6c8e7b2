//! Writes a record down, and cuts what is too large (`spec/record.md` 1.2, "Size rules").
//!
//! First each member is held to its own limit. If the whole is still too large, members give way in the documented order
//! of truncation, as far as they are large enough to matter: additionalEventData, responseElements, requestParameters;
//! and last, elements of resources from the end.

use jiff::Timestamp;

use crate::{
    ADDITIONAL_BYTES_MAX, FIELD_BYTES_MAX, Owner, RECORD_BYTES_MAX, RawJson, Record, RecordResource, TEXT_BYTES_MAX,
    write_text,
};

/// The `eventVersion` of the records written here.
const EVENT_VERSION: &str = "1.11";
/// Room for a usual record.
const USUAL_BYTES: usize = 2048;

/// What is left out so that the whole fits.
#[derive(Clone, Copy, Default)]
struct Cuts {
    additional: bool,
    response: bool,
    request: bool,
    /// So many elements are kept.
    resources: Option<usize>,
}

pub(crate) fn write(record: &Record) -> Vec<u8> {
    let mut cuts = Cuts::default();
    let mut out = attempt(record, cuts);
    let steps: [fn(&mut Cuts); 3] = [|c| c.additional = true, |c| c.response = true, |c| c.request = true];
    for step in steps {
        if out.len() <= RECORD_BYTES_MAX {
            return out;
        }
        step(&mut cuts);
        out = attempt(record, cuts);
    }
    let mut keep = record.resources.len();
    while out.len() > RECORD_BYTES_MAX && keep > 0 {
        keep /= 2;
        cuts.resources = Some(keep);
        out = attempt(record, cuts);
    }
    out
}

fn attempt(record: &Record, cuts: Cuts) -> Vec<u8> {
    let mut out = Object::open(Vec::with_capacity(USUAL_BYTES));
    out.text("eventVersion", EVENT_VERSION);
    out.member("userIdentity", |out| write_serde(out, &record.user_identity));
    out.text("eventTime", &whole_seconds(record.event_time));
    out.text("eventSource", clip(&record.event_source));
    out.text("eventName", clip(&record.event_name));
    out.text("awsRegion", record.region.as_str());
    out.text("sourceIPAddress", clip(&record.source_ip_address));
    out.text_if("userAgent", record.user_agent.as_deref());
    out.text_if("errorCode", record.error_code.as_deref());
    out.text_if("errorMessage", record.error_message.as_deref());
    let null_or = |out: &mut Vec<u8>, name, json: Option<&RawJson>, cut| match json {
        Some(json) => write_field(out, name, json, FIELD_BYTES_MAX, cut),
        None => out.extend_from_slice(b"null"),
    };
    out.member("requestParameters", |out| {
        null_or(out, "requestParameters", record.request_parameters.as_ref(), cuts.request);
    });
    out.member("responseElements", |out| {
        null_or(out, "responseElements", record.response_elements.as_ref(), cuts.response);
    });
    if let Some(json) = &record.additional_event_data {
        out.member("additionalEventData", |out| {
            write_field(out, "additionalEventData", json, ADDITIONAL_BYTES_MAX, cuts.additional);
        });
    }
    out.text("requestID", clip(&record.request_id));
    out.text("eventID", &record.event_id.to_string());
    out.flag("readOnly", record.read_only);
    let resources = &record.resources[..cuts.resources.unwrap_or(record.resources.len())];
    if !resources.is_empty() {
        out.member("resources", |out| write_resources(out, resources));
    }
    out.text("eventType", "AwsApiCall");
    out.text_if("apiVersion", record.api_version.as_deref());
    out.flag("managementEvent", record.category == crate::Category::Management);
    out.text("recipientAccountId", record.recipient_account.as_str());
    if let Some(shared) = record.shared_event_id {
        out.text("sharedEventID", &shared.to_string());
    }
    out.text("eventCategory", record.category.as_str());
    if let Some(tls) = &record.tls {
        out.member("tlsDetails", |out| {
            let mut inner = Object::open(std::mem::take(out));
            inner.text("tlsVersion", clip(&tls.tls_version));
            inner.text("cipherSuite", clip(&tls.cipher_suite));
            inner.text("clientProvidedHostHeader", clip(&tls.client_provided_host_header));
            inner.text_if("keyExchange", tls.key_exchange.as_deref());
            *out = inner.close();
        });
    }
    out.close()
}

/// A JSON object under way.
struct Object {
    out: Vec<u8>,
    empty: bool,
}

impl Object {
    fn open(mut out: Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// `name` is plain ASCII.
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value(&mut self.out);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.member(name, |out| write_text(out, text));
    }

    fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, clip(text));
        }
    }

    fn flag(&mut self, name: &str, flag: bool) {
        self.member(name, |out| out.extend_from_slice(if flag { b"true" } else { b"false" }));
    }

    fn close(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// Writes a member's JSON, or in its place what says that it was too large.
fn write_field(out: &mut Vec<u8>, name: &str, json: &RawJson, bytes_max: usize, cut: bool) {
    let bytes = json.as_bytes();
    if bytes.len() <= bytes_max && !cut {
        return out.extend_from_slice(bytes);
    }
    let omitted = format!(r#"{{"omitted":true,"originalSize":{},"reason":"{name} too large"}}"#, bytes.len());
    // A member that is smaller than its replacement is no help in saving space.
    out.extend_from_slice(if bytes.len() <= omitted.len() { bytes } else { omitted.as_bytes() });
}

fn write_resources(out: &mut Vec<u8>, resources: &[RecordResource]) {
    out.push(b'[');
    for (i, resource) in resources.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let mut one = Object::open(std::mem::take(out));
        match resource.owner {
            Owner::Account(account) => one.text("accountId", account.as_str()),
            Owner::Hidden => one.text("accountId", "HIDDEN_DUE_TO_SECURITY_REASONS"),
            Owner::Absent => {}
        }
        // Some services name a resource without its type (SSM), some a type alone (metrics of CloudWatch).
        if !resource.kind.is_empty() {
            one.text("type", resource.kind);
        }
        if !resource.arn.as_str().is_empty() {
            one.text(if resource.prefix { "ARNPrefix" } else { "ARN" }, resource.arn.as_str());
        }
        *out = one.close();
    }
    out.push(b']');
}

fn write_serde(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    serde_json::to_writer(out, value).expect("a plain struct serialises into memory");
}

/// At most [`TEXT_BYTES_MAX`] bytes, cut between characters.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// `2026-01-31T23:59:59Z`
fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
