//! An operation that was recognised, or what is known of one that was not: reads its bodies and writes its record.

use std::sync::Arc;

use http::HeaderMap;
use opentrail_event::{AccountId, Category, RawJson, RecordResource, Region};

use super::file::Entry;
use super::outline::outline;
use super::route::Target;
use super::{Head, Place, data, mint, resources};
use crate::query::parse_form;
use crate::render::ec2;
use crate::s3::{self, S3Call};
use crate::tree::read_xml;
use crate::{Document, OperationModel, Protocol, ServiceModel, cbor, json, markup, query, render, rest};

/// What a request is.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// botocore's name for the service (`dynamodb`); of an unknown one, the name in its signature, or empty.
    pub service: String,
    /// In signatures, where the service is known.
    pub signing_name: String,
    /// `monitoring` of `monitoring.eu-west-1.amazonaws.com`; empty where the service is unknown.
    pub endpoint_prefix: String,
    /// `dynamodb.amazonaws.com`
    pub event_source: String,
    /// As records name the operation; of an unknown one, what the request claims, or its method.
    pub event_name: String,
    /// As records show it, of the few services whose records do: `2012-08-10`.
    pub api_version: Option<String>,
    /// As this call is spoken: some services take several.
    pub protocol: Protocol,
    /// Whether the body of the request is a stream, which nobody needs to hold.
    pub streams_request: bool,
    pub streams_response: bool,
    /// By the model: what no model has may do anything.
    pub read_only: bool,
    /// Whether the answer to it, or to what it may also be, hands out keys, tokens or passwords.
    pub mints_credentials: bool,
    /// Why it may be another operation to another reader: it is named more than once.
    pub contradiction: Option<&'static str>,
    /// Of S3, where the host names the bucket.
    pub bucket_in_host: Option<BucketInHost>,
    pub category: Category,
    /// Of a data event: `AWS::DynamoDB::Table`.
    pub resource_type: Option<&'static str>,
    /// Operations that the same request may also be.
    pub aliases: Vec<Alias>,
    place: Option<Place>,
    s3: Option<S3Call>,
}

/// A bucket before the name of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInHost {
    pub bucket: String,
    /// Before one of [`Head::own_hosts`], not before one of S3's.
    pub ours: bool,
}

/// An operation of another service that is the same on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// botocore's name for it.
    pub service: String,
    pub operation: String,
}

/// What a request says.
#[derive(Debug, Clone)]
pub struct Request {
    /// What was understood of it: an empty structure where nothing was.
    pub document: Document,
    /// Written already: of S3, and of what was not understood.
    written: Option<RawJson>,
    /// Whether the body fits the model.
    pub understood: bool,
}

/// What the answer to a call that succeeded says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// An empty structure where the body was not looked at, or does not fit the model.
    pub document: Document,
    /// Whether the body fits the model.
    pub understood: bool,
    headers: Vec<(&'static str, String)>,
    /// Written already, of EC2.
    written: Option<RawJson>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As records have it: `Client.InvalidInstanceID.NotFound`.
    pub code: String,
    pub message: Option<String>,
    /// The code as the answer has it; `None` where the status stands for it.
    pub said: Option<String>,
}

/// What is known before the operation is.
pub(super) struct Claim<'a> {
    pub(super) entry: Option<&'a Entry>,
    pub(super) head: &'a Head<'a>,
    pub(super) protocol: Protocol,
}

impl Claim<'_> {
    pub(super) fn known(self, place: Place, aliases: Vec<(String, String)>) -> Recognised {
        let operation = place.operation();
        let service = self.entry.map_or("", |entry| entry.id.as_str());
        let resource_type = data::resource_type(service, &operation.name);
        Recognised {
            event_name: operation.event_name.to_string(),
            streams_request: operation.streams_request,
            streams_response: operation.streams_response,
            read_only: operation.read_only,
            category: if resource_type.is_some() { Category::Data } else { Category::Management },
            resource_type,
            aliases: aliases.into_iter().map(|(service, operation)| Alias { service, operation }).collect(),
            place: Some(place.clone()),
            ..self.nothing()
        }
    }

    pub(super) fn s3(self, call: S3Call, place: Option<Place>) -> Recognised {
        let operation = place.as_ref().map(Place::operation);
        Recognised {
            event_name: call.event_name.to_owned(),
            // A form upload has no model.
            streams_request: operation.map_or(call.operation == "PostObject", |o| o.streams_request),
            streams_response: operation.is_some_and(|o| o.streams_response),
            read_only: call.read_only,
            mints_credentials: place.as_ref().is_some_and(|place| mint::mints("s3", place)),
            category: call.category,
            resource_type: (call.category == Category::Data).then_some("AWS::S3::Object"),
            place: place.clone(),
            s3: Some(call),
            ..self.nothing()
        }
    }

    /// An operation that no model has, by the name that the request gives it.
    pub(super) fn unknown(self, name: Option<&str>) -> Recognised {
        Recognised { event_name: name.unwrap_or(self.head.method.as_str()).to_owned(), ..self.nothing() }
    }

    fn nothing(&self) -> Recognised {
        let signed = self.head.scope.map(|scope| scope.service).filter(|name| is_label(name));
        let of = |field: fn(&Entry) -> &String| self.entry.map(field).cloned();
        Recognised {
            service: of(|e| &e.id).unwrap_or_else(|| signed.unwrap_or_default().to_owned()),
            signing_name: of(|e| &e.signing_name).unwrap_or_else(|| signed.unwrap_or_default().to_owned()),
            endpoint_prefix: of(|e| &e.endpoint_prefix).unwrap_or_default(),
            event_source: of(|e| &e.event_source)
                .unwrap_or_else(|| format!("{}.amazonaws.com", signed.unwrap_or("unknown"))),
            event_name: String::new(),
            api_version: self.entry.and_then(|entry| data::api_version(&entry.id, &entry.api_version)),
            protocol: self.protocol,
            streams_request: false,
            streams_response: false,
            read_only: false,
            mints_credentials: false,
            contradiction: None,
            bucket_in_host: None,
            category: Category::Management,
            resource_type: None,
            aliases: Vec::new(),
            place: None,
            s3: None,
        }
    }
}

/// What may stand before `.amazonaws.com`.
fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl Recognised {
    /// Whether a model has the operation.
    pub fn is_known(&self) -> bool {
        self.place.is_some() || self.s3.is_some()
    }

    /// Whether the head alone says what it is, and nothing in the body can say otherwise.
    pub fn is_settled_by_head(&self) -> bool {
        self.is_known() && !matches!(self.protocol, Protocol::Query | Protocol::Ec2Query)
    }

    /// Whether the atlas has the service.
    pub fn is_of_known_service(&self) -> bool {
        !self.endpoint_prefix.is_empty()
    }

    /// The operation's model, and that of its service.
    pub fn model(&self) -> Option<(&Arc<ServiceModel>, &OperationModel)> {
        self.place.as_ref().map(|place| (&place.model, place.operation()))
    }

    /// The S3 call, with its bucket and key.
    pub fn s3(&self) -> Option<&S3Call> {
        self.s3.as_ref()
    }

    /// Reads a request. `body` is `None` where nobody looked at it: a stream, or one that is too long. A body may not be
    /// compressed any more.
    pub fn read_request(&self, head: &Head<'_>, body: Option<&[u8]>) -> Request {
        if let Some(call) = &self.s3 {
            let body = body.filter(|body| !body.is_empty());
            let written = s3::request_parameters(call, head.query, head.headers, body);
            return Request { document: Document::structure(), written: Some(written), understood: true };
        }
        let Some(place) = &self.place else {
            let written = outline(head.query, body);
            return Request { document: Document::structure(), written, understood: false };
        };
        let (document, understood) = self.decode(place, head, body);
        let written = if understood { None } else { outline(head.query, body) };
        Request { document, written, understood }
    }

    fn decode(&self, place: &Place, head: &Head<'_>, body: Option<&[u8]>) -> (Document, bool) {
        let (model, operation) = (&*place.model, place.operation());
        let none = || (Document::structure(), body.is_none());
        let read = match self.protocol {
            Protocol::RestJson | Protocol::RestXml => {
                let Some(target) = Target::new(head.path, head.query) else { return none() };
                let labels = target.labels(operation.http_uri);
                let parts = rest::Parts { labels: &labels, query: target.query(), headers: head.headers, body };
                return rest::decode_request(model, operation, &parts);
            }
            Protocol::AwsJson1_0 | Protocol::AwsJson1_1 => body.map(|body| json::decode(model, operation, body).ok()),
            Protocol::RpcV2Cbor => body.map(|body| match operation.input {
                Some(shape) if !body.is_empty() => cbor::decode(model, shape, body),
                _ => Some(Document::structure()),
            }),
            Protocol::Query | Protocol::Ec2Query => {
                let form = |bytes: &[u8]| parse_form(bytes).ok();
                let is_post = *head.method == http::Method::POST;
                let pairs = match (is_post, body) {
                    (true, Some(body)) => form(body).zip(form(head.query.as_bytes())).map(|(body, query)| {
                        let mut pairs = query;
                        pairs.extend(body);
                        pairs
                    }),
                    _ => form(head.query.as_bytes()),
                };
                Some(pairs.and_then(|pairs| query::decode(model, operation, &pairs).ok()))
            }
        };
        match read {
            Some(Some(document)) => (document, true),
            Some(None) => (Document::structure(), false),
            None => none(),
        }
    }

    /// `requestParameters`; `None` for null.
    pub fn request_parameters(&self, request: &Request) -> Option<RawJson> {
        if request.written.is_some() {
            return request.written.clone();
        }
        let place = self.place.as_ref()?;
        render::request_parameters(&place.model, place.operation(), &request.document)
    }

    /// Reads the answer to a call that succeeded. `body` is `None` where nobody looked at it.
    pub fn read_answer(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> Answer {
        let read = self.place.as_ref().filter(|_| self.s3.is_none()).and_then(|place| {
            let (model, operation) = (&*place.model, place.operation());
            let shape = operation.output;
            match (self.protocol, body, shape) {
                (Protocol::RestJson | Protocol::RestXml, ..) => {
                    rest::decode_answer(model, operation, status, headers, body)
                }
                (_, None, _) | (.., None) => None,
                (Protocol::AwsJson1_0 | Protocol::AwsJson1_1, Some(body), _) => {
                    json::decode_shape(model, shape, body).ok()
                }
                (Protocol::RpcV2Cbor, Some(body), Some(shape)) => cbor::decode(model, shape, body),
                (Protocol::Query | Protocol::Ec2Query, Some(body), Some(shape)) => {
                    markup::decode_answer(model, &operation.name, shape, body)
                }
            }
        });
        Answer {
            understood: read.is_some(),
            document: read.unwrap_or_else(Document::structure),
            headers: if self.s3.is_some() { data::s3_answer(headers) } else { Vec::new() },
            written: None,
        }
        .of_ec2(self, body)
    }

    /// `responseElements` of a call that succeeded; `None` for null, which is what records of most reads have.
    pub fn response_elements(&self, answer: &Answer) -> Option<RawJson> {
        if !answer.headers.is_empty() {
            return Some(data::write_texts(&answer.headers));
        }
        let place = self.place.as_ref()?;
        let operation = place.operation();
        if !data::shows_answer(&self.service, operation, self.category) {
            return None;
        }
        if self.protocol == Protocol::Ec2Query {
            return answer.written.clone();
        }
        render::response_elements(&place.model, operation, &answer.document)
    }

    /// `resources`: what the call is about, where records name it. `account` is whose the resources are.
    pub fn resources(
        &self,
        request: &Request,
        answer: Option<&Answer>,
        account: AccountId,
        region: &Region,
    ) -> Vec<RecordResource> {
        if let Some(call) = &self.s3 {
            return resources::of_s3(call, account);
        }
        resources::of(self, &request.document, answer.map(|answer| &answer.document), account, region)
    }
}

impl Answer {
    /// With what records of EC2 show, which is not in the model: the request's id, and whether it was done.
    fn of_ec2(mut self, call: &Recognised, body: Option<&[u8]>) -> Self {
        if call.protocol != Protocol::Ec2Query || call.read_only {
            return self;
        }
        let (Some(place), Some(body)) = (&call.place, body) else { return self };
        let operation = place.operation();
        if !ec2::is_classic(&operation.name) {
            self.written = ec2::modern_response_elements(body);
            return self;
        }
        let root = read_xml(body).map(|(_, root)| root);
        let text = |name: &str| root.as_ref()?.named(name).first().map(|node| node.text().to_owned());
        let done = text("return").map(|done| done == "true");
        let id = text("requestId");
        self.written = ec2::classic_response_elements(&place.model, operation, &self.document, id.as_deref(), done);
        self
    }
}
