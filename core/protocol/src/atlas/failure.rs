//! Why a call failed, as its answer says it in each protocol and as records have it.

use http::HeaderMap;

use super::Recognised;
use super::known::Failure;
use crate::tree::read_xml;
use crate::{Protocol, cbor};

/// A longer body of an error is not read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Services whose records show what was asked for even to whoever was denied; all others hide it: so it is in 120 real
/// records of 60 services, and in `spec/recorded.md` 10.
const SHOWS_DENIED: &[&str] =
    &["appsync", "bedrock", "ce", "ec2", "eks", "guardduty", "resource-explorer-2", "s3", "securityhub"];

impl Recognised {
    /// Whether records of a failure hide what was asked for.
    pub fn hides_parameters(&self, failure: &Failure) -> bool {
        failure.code == "AccessDenied" && !SHOWS_DENIED.contains(&self.signing_name.as_str())
    }

    /// Whether records of a failure name no resources: who was denied has none, and neither has a bucket that is not there.
    pub fn hides_resources(&self, failure: &Failure) -> bool {
        self.hides_parameters(failure) || (self.s3().is_some() && failure.code == "NoSuchBucket")
    }

    /// Reads an answer that is no success. `body` is `None` where nobody looked at it. Where the answer does not say its
    /// code, the status stands for it.
    pub fn failure(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> Failure {
        let body = body.filter(|body| body.len() <= BODY_BYTES_MAX).unwrap_or_default();
        let (code, message) = match self.protocol {
            Protocol::Query | Protocol::Ec2Query | Protocol::RestXml => of_xml(body),
            Protocol::RpcV2Cbor => self.of_cbor(body),
            _ => of_json(headers, body),
        };
        let code = code.or_else(|| of_json(headers, &[]).0).filter(|code| !code.is_empty());
        let said = code;
        let code = match &said {
            Some(code) => self.recorded(status, code),
            None => self.by_status(status).to_owned(),
        };
        Failure { code, message: message.filter(|message| !message.is_empty()), said }
    }

    /// As records spell a code: EC2 says whose fault it is, Query services name the exception where the wire has a code, and
    /// a denial is `AccessDenied` wherever the service calls it an exception.
    fn recorded(&self, status: u16, code: &str) -> String {
        if self.protocol == Protocol::Ec2Query {
            let side = if status >= 500 { "Server" } else { "Client" };
            return format!("{side}.{code}");
        }
        if code == "AccessDeniedException" {
            return "AccessDenied".to_owned();
        }
        let model = self.model().map(|(model, _)| model);
        match model.and_then(|model| model.error(code)) {
            Some(error) if self.protocol == Protocol::Query => error.name.to_owned(),
            _ => code.to_owned(),
        }
    }

    /// Of an answer without a body, as those to HEAD are.
    fn by_status(&self, status: u16) -> &'static str {
        match status {
            400 => "BadRequest",
            403 => "AccessDenied",
            404 => match self.s3().map(|call| call.key.is_some()) {
                Some(true) => "NoSuchKey",
                Some(false) => "NoSuchBucket",
                None => "ResourceNotFoundException",
            },
            429 => "ThrottlingException",
            503 => "ServiceUnavailable",
            _ if status >= 500 => "InternalFailure",
            _ => "UnknownError",
        }
    }

    fn of_cbor(&self, body: &[u8]) -> (Option<String>, Option<String>) {
        let read = self.model().and_then(|(model, _)| cbor::decode_any(model, body));
        let Some(document) = read else { return (None, None) };
        let text = |names: &[&str]| names.iter().find_map(|name| document.text(name)).map(str::to_owned);
        (text(&["__type"]).map(|code| plain(&code)), text(&["message", "Message"]))
    }
}

fn of_json(headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
    /// The few members of an error that all services have.
    #[derive(Default, serde::Deserialize)]
    struct Body {
        #[serde(rename = "__type", default)]
        kind: Option<Text>,
        #[serde(default)]
        code: Option<Text>,
        #[serde(rename = "Code", default)]
        code_upper: Option<Text>,
        #[serde(default)]
        message: Option<Text>,
        #[serde(rename = "Message", default)]
        message_upper: Option<Text>,
    }
    /// Something other than a text says nothing.
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Text {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    let text = |value: Option<Text>| match value {
        Some(Text::Text(text)) => Some(text),
        Some(Text::Other(_)) | None => None,
    };
    let deep = crate::json::depth(body) > crate::json::DEPTH_MAX;
    let body: Body = if deep { Body::default() } else { serde_json::from_slice(body).unwrap_or_default() };
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let code = header.or(text(body.kind)).or(text(body.code)).or(text(body.code_upper));
    (code.map(|code| plain(&code)), text(body.message).or(text(body.message_upper)))
}

/// `ValidationException` of `com.amazon.coral.validate#ValidationException:http://…`.
fn plain(code: &str) -> String {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

/// `<Error>` is the root, or stands in `<ErrorResponse>`, or in `<Response><Errors>`.
fn of_xml(body: &[u8]) -> (Option<String>, Option<String>) {
    let Some((name, root)) = read_xml(body) else { return (None, None) };
    let errors = root.child("Errors").unwrap_or(&root);
    let error = if name == "Error" { &root } else { errors.child("Error").unwrap_or(errors) };
    let text = |name: &str| error.named(name).first().map(|node| node.text().to_owned());
    (text("Code"), text("Message").or_else(|| text("message")))
}
