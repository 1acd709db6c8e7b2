//! The way through s3s: a clean request in, its answer (or our fault) out.
//!
//! s3s routes, decodes names and metadata, and writes headers and listings. It sees nothing of signatures, checksums, conditions,
//! ranges or bodies: those are decided before it, and travel beside it in an [`Exchange`]. So nothing that a caller sends reaches
//! s3s that was not understood here first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderName, Method, Uri};
use opentrail_event::{AccountId, Arn, Region};
use opentrail_policy::Context;
use opentrail_protocol::s3::S3Call;
use opentrail_wire::{Cx, Fault, RequestBody};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::xml::Deserializer;

use crate::asked::Asked;
use crate::bodies::Outgoing;
use crate::condition::WriteCondition;
use crate::faults;
use crate::policy::Authorizer;
use crate::refuse::Configuration;
use crate::spell;
use crate::store::Bucket;

/// What stays as it is in a bucket's name, in the path that s3s sees.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What stays as it is in a key.
const PATH: &AsciiSet = &SEGMENT.remove(b'/');
/// The most bytes of an answer of s3s's own that is held in memory: a page of a thousand keys, each byte escaped.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// One call on its way through s3s, and what travels beside it.
pub(crate) struct Exchange {
    /// What was announced, and decided about: the only thing that may run.
    pub(crate) call: S3Call,
    pub(crate) asked: Asked,
    pub(crate) method: Method,
    /// The caller's account.
    pub(crate) account: AccountId,
    /// The region that the caller speaks to.
    pub(crate) region: Region,
    /// Seconds since 1970.
    pub(crate) now_s: i64,
    /// The caller.
    cx: Cx,
    /// The circumstances, for questions that the door could not ask.
    context: Context,
    authorizer: Arc<Authorizer>,
    /// The bucket that the call is about, where there is one already.
    pub(crate) bucket: Option<Bucket>,
    /// The body of CreateBucket.
    pub(crate) configuration: Configuration,
    beside: Mutex<Beside>,
}

/// What passes by s3s.
#[derive(Default)]
pub(crate) struct Beside {
    /// In: the body of a put.
    pub(crate) body: Option<RequestBody>,
    /// Out: why the call failed.
    pub(crate) fault: Option<Fault>,
    /// Out: in place of the codec's status.
    pub(crate) status: Option<u16>,
    /// Out: in place of the codec's body.
    pub(crate) outgoing: Option<Outgoing>,
    /// Out: how large the object is, for the record.
    pub(crate) object_bytes: Option<u64>,
}

/// A call to be handed over.
pub(crate) struct Handover {
    pub(crate) call: S3Call,
    pub(crate) asked: Asked,
    pub(crate) method: Method,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) now_s: i64,
    pub(crate) cx: Cx,
    pub(crate) context: Context,
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) configuration: Configuration,
    pub(crate) body: Option<RequestBody>,
}

impl Exchange {
    /// Begins.
    pub(crate) fn new(it: Handover) -> Self {
        Self {
            call: it.call,
            asked: it.asked,
            method: it.method,
            account: it.account,
            region: it.region,
            now_s: it.now_s,
            cx: it.cx,
            context: it.context,
            authorizer: it.authorizer,
            bucket: it.bucket,
            configuration: it.configuration,
            beside: Mutex::new(Beside { body: it.body, ..Beside::default() }),
        }
    }

    /// Whether the caller may also do this: read the source of a copy (`s3:GetObject`), delete one key of many. `Err` is the
    /// fault to be answered.
    #[allow(dead_code, reason = "for operations that touch more than the door asked about")]
    pub(crate) async fn authorize(&self, action: &str, arn: &Arn, bucket: &Bucket) -> Result<(), Fault> {
        self.authorizer.may(&self.cx, &self.context, action, arn, bucket).await
    }

    /// The condition of a put, a copy or a completion.
    pub(crate) async fn write_condition(&self) -> Result<WriteCondition, Fault> {
        let condition = WriteCondition::of_write(&self.asked)?;
        self.may_ask(&condition).await?;
        Ok(condition)
    }

    /// Whether the caller may make the call depend on the object that is there: that tells of it, as reading does.
    pub(crate) async fn may_ask(&self, condition: &WriteCondition) -> Result<(), Fault> {
        match condition {
            WriteCondition::None | WriteCondition::Absent => Ok(()),
            WriteCondition::Matches(_) | WriteCondition::Present => self.authorize_here("s3:GetObject").await,
        }
    }

    /// Whether the caller may give the object tags, where it brings some.
    pub(crate) async fn may_tag(&self) -> Result<(), Fault> {
        self.authorize_here("s3:PutObjectTagging").await
    }

    async fn authorize_here(&self, action: &str) -> Result<(), Fault> {
        let bucket = self.bucket()?;
        let key = self.call.key.as_deref().unwrap_or_default();
        self.authorize(action, &Arn::object(&bucket.name, key), bucket).await
    }

    /// What passes by. Held for moments only.
    pub(crate) fn beside(&self) -> MutexGuard<'_, Beside> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bucket of an operation that has one: the door found it before.
    pub(crate) fn bucket(&self) -> Result<&Bucket, Fault> {
        self.bucket.as_ref().ok_or_else(|| faults::internal("run call", "a bucket operation without its bucket"))
    }
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Outgoing,
    pub(crate) object_bytes: Option<u64>,
}

/// Hands the call over. `parameters` are those that s3s shall decode.
pub(crate) async fn pass(
    s3s: &s3s::service::S3Service,
    parameters: &[(&'static str, String)],
    exchange: Arc<Exchange>,
) -> Result<Reply, Fault> {
    let request = clean(parameters, &exchange)?;
    let response = s3s.call(request).await.map_err(|e| faults::internal("decode call", format!("{e:?}")))?;
    let (parts, body) = response.into_parts();
    let mut beside = std::mem::take(&mut *exchange.beside());
    if let Some(fault) = beside.fault.take() {
        return Err(fault);
    }
    let body = match beside.outgoing {
        Some(body) => body,
        None => Outgoing::Whole(collect(body).await?),
    };
    if parts.status.is_client_error() || parts.status.is_server_error() {
        let Outgoing::Whole(document) = body else { return Err(faults::internal("decode call", parts.status)) };
        return Err(refused(&document, &exchange));
    }
    let body = match body {
        Outgoing::Whole(document) if is_xml(&parts.headers) => Outgoing::Whole(spell::without_controls(document)),
        other => other,
    };
    let status = beside.status.unwrap_or(parts.status.as_u16());
    Ok(Reply { status, headers: parts.headers, body, object_bytes: beside.object_bytes })
}

/// The request as s3s sees it: names encoded anew, the parameters of the operation, user metadata, no body.
fn clean(parameters: &[(&'static str, String)], exchange: &Arc<Exchange>) -> Result<http::Request<s3s::Body>, Fault> {
    let mut uri = String::from("/");
    if let Some(bucket) = &exchange.call.bucket {
        uri.extend(utf8_percent_encode(bucket, SEGMENT));
    }
    if let Some(key) = &exchange.call.key {
        uri.push('/');
        uri.extend(utf8_percent_encode(key, PATH));
    }
    for (i, (name, value)) in parameters.iter().enumerate() {
        uri.push(if i == 0 { '?' } else { '&' });
        uri.push_str(name);
        uri.push('=');
        uri.push_str(&spell::form(value));
    }
    let uri: Uri = uri.parse().map_err(|_| faults::invalid_uri(&uri))?;
    let mut request = http::Request::new(s3s::Body::empty());
    *request.method_mut() = exchange.method.clone();
    *request.uri_mut() = uri;
    copy_metadata(exchange.asked.headers(), request.headers_mut())?;
    request.extensions_mut().insert(exchange.clone());
    Ok(request)
}

/// User metadata; a name that was sent twice has both values, as S3 joins them.
fn copy_metadata(from: &HeaderMap, to: &mut HeaderMap) -> Result<(), Fault> {
    let names: Vec<&HeaderName> = from.keys().filter(|n| n.as_str().starts_with("x-amz-meta-")).collect();
    for name in names {
        let values: Vec<&[u8]> = from.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        let joined = http::HeaderValue::from_bytes(&values.join(&b","[..]));
        to.insert(name.clone(), joined.map_err(|_| faults::invalid_request("Invalid user metadata."))?);
    }
    Ok(())
}

async fn collect(body: s3s::Body) -> Result<Bytes, Fault> {
    if let Some(bytes) = body.bytes() {
        return Ok(bytes);
    }
    let add = |mut all: BytesMut, piece: Bytes| async move {
        if all.len() + piece.len() > DOCUMENT_BYTES_MAX {
            return Err("an answer is larger than the codec may make it".into());
        }
        all.extend_from_slice(&piece);
        Ok::<_, s3s::StdError>(all)
    };
    let all = body.try_fold(BytesMut::new(), add).await;
    Ok(all.map_err(|e| faults::internal("encode answer", e))?.freeze())
}

fn is_xml(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|t| t.as_bytes() == b"application/xml")
}

/// s3s refused the call itself. Everything it could refuse was checked before, so this is seldom; its code is kept and its
/// words are AWS's.
fn refused(document: &[u8], exchange: &Exchange) -> Fault {
    let call = &exchange.call;
    let code = error_code(document).unwrap_or_default();
    match code.as_str() {
        "InvalidURI" => faults::invalid_uri(call.key.as_deref().unwrap_or("/")),
        "KeyTooLongError" => faults::key_too_long(call.key.as_ref().map_or(0, String::len)),
        "InvalidBucketName" => faults::invalid_bucket_name(call.bucket.as_deref().unwrap_or("")),
        "MalformedXML" | "MissingRequestBodyError" => faults::malformed_xml(),
        "InvalidArgument" | "InvalidRequest" => faults::invalid_request("The request is not valid."),
        "NotImplemented" => faults::operation_not_implemented(call.operation),
        "MethodNotAllowed" => faults::method_not_allowed(&exchange.method, "OBJECT"),
        other => faults::internal("decode call", format!("s3s answered {other:?}")),
    }
}

fn error_code(document: &[u8]) -> Option<String> {
    let mut code = None;
    let mut reader = Deserializer::new(document);
    let read = reader.named_element("Error", |d| {
        d.for_each_element(|d, name| {
            let is_code = name == b"Code";
            d.text(|text| {
                if is_code {
                    code = Some(text.to_owned());
                }
                Ok(())
            })
        })
    });
    read.ok().and(code)
}
