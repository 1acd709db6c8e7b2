//! An answer on its way out: request ids on every one of them, lengths, and a body that may still be running.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::header::{CONTENT_LENGTH, DATE, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use opentrail_protocol::Protocol;

use crate::errors::{self, Tongue};
use crate::sigv4::time;
use crate::{Answer, AnswerBody, Fault};

/// A body on its way out.
pub(crate) type OutBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// An answer before it is HTTP.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: AnswerBody,
}

impl Reply {
    /// Of a failure.
    pub(crate) fn fault(fault: &Fault, tongue: &Tongue) -> Self {
        let written = errors::write(fault, tongue);
        Self { status: written.status, headers: written.headers, body: AnswerBody::Whole(written.body) }
    }

    /// Of a success.
    pub(crate) fn answer(answer: Answer) -> Self {
        Self { status: answer.status, headers: answer.headers, body: answer.body }
    }

    /// A page of ours.
    pub(crate) fn page(status: u16, content_type: &'static str, text: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body: AnswerBody::Whole(text.into()) }
    }

    /// Bytes of the body that will be sent.
    pub(crate) fn body_bytes(&self, head_only: bool) -> u64 {
        match &self.body {
            _ if head_only => 0,
            AnswerBody::Whole(bytes) => bytes.len() as u64,
            AnswerBody::Stream { length, .. } => *length,
        }
    }

    /// As HTTP. `head_only` where the request was HEAD: a length is still told where the service gave one.
    pub(crate) fn into_response(
        self,
        tongue: &Tongue,
        now: Timestamp,
        head_only: bool,
        close: bool,
    ) -> Response<OutBody> {
        let Self { status, mut headers, body } = self;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = |value: &str| HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""));
        if tongue.protocol == Protocol::RestXml {
            headers.insert(HeaderName::from_static("x-amz-request-id"), text(&tongue.request_id));
            headers.insert(HeaderName::from_static("x-amz-id-2"), text(&tongue.host_id));
            headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));
        } else {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), text(&tongue.request_id));
        }
        headers.insert(DATE, text(&time::http_date(now)));
        if close {
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        let bodiless = status.is_informational() || matches!(status.as_u16(), 204 | 304);
        let failed_head = head_only && status.as_u16() >= 300;
        let body = match body {
            _ if bodiless || failed_head => empty(),
            AnswerBody::Whole(bytes) => {
                if !headers.contains_key(CONTENT_LENGTH) {
                    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len() as u64));
                }
                if head_only { empty() } else { Full::new(bytes).map_err(|never| match never {}).boxed_unsync() }
            }
            AnswerBody::Stream { length, bytes } => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                if head_only { empty() } else { StreamBody::new(bytes.map_ok(Frame::data).boxed()).boxed_unsync() }
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn empty() -> OutBody {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync()
}
