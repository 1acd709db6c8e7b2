//! How a table of operations is a service: awsJson and Query, driven by the model.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method};
use opentrail_event::{Category, RawJson, write_text};
use opentrail_journal::CallClass;
use opentrail_policy::{Context, Principal, ResourceKind};
use opentrail_protocol::{Document, Malformed, OperationModel, Protocol, Violation, json, query};

use crate::{
    Announced, Answer, AnswerBody, BodyRule, Cx, Fault, Operation, Rejected, RequestBody, RequestHead, RpcAnswer,
    RpcService, Service, Touched,
};

/// Bodies of awsJson and Query requests.
const RPC_BODY_BYTES_MAX: usize = 1 << 20;
/// Of a name that an answer repeats, characters.
const NAME_ECHO_CHARS_MAX: usize = 128;

/// What `run` goes on with: the operation's place in the table, and its input.
struct Input {
    operation: usize,
    document: Document,
}

/// A request's operation by name, and where its parameters are.
enum Asked {
    Json(String),
    Query(String, Vec<(String, String)>),
}

impl RpcService {
    fn is_json(&self) -> bool {
        matches!(self.model.protocol, Protocol::AwsJson1_0 | Protocol::AwsJson1_1)
    }

    /// Which operation is asked for.
    fn asked(&self, head: &RequestHead, body: &[u8]) -> Result<Asked, Fault> {
        if self.is_json() { self.asked_json(head).map(Asked::Json) } else { self.asked_query(head, body) }
    }

    fn asked_json(&self, head: &RequestHead) -> Result<String, Fault> {
        let unknown = |message: String| Fault::client("UnknownOperationException", message);
        if head.method != Method::POST || head.raw_path != "/" {
            return Err(unknown(format!("An operation is asked for by POST of /, not {} of a path.", head.method)));
        }
        let content_type = media_type(&head.headers);
        if !matches!(content_type.as_str(), "application/x-amz-json-1.1" | "application/x-amz-json-1.0") {
            return Err(Fault::client(
                "SerializationException",
                format!("The content type must be application/x-amz-json-1.1, not '{}'.", shorten(&content_type)),
            ));
        }
        let Some(target) = head.headers.get("x-amz-target") else {
            return Err(unknown("The request has no X-Amz-Target header.".into()));
        };
        let target = String::from_utf8_lossy(target.as_bytes());
        let named =
            target.rsplit_once('.').filter(|(prefix, _)| self.model.target_prefixes.iter().any(|p| p == prefix));
        match named {
            Some((_, name)) if self.model.operation(name).is_some() => Ok(name.to_owned()),
            _ => Err(unknown(format!("{} is not an operation of {}.", shorten(&target), self.model.signing_name))),
        }
    }

    fn asked_query(&self, head: &RequestHead, body: &[u8]) -> Result<Asked, Fault> {
        let form = match head.method {
            Method::GET => query::parse_form(head.raw_query.as_bytes()),
            // As SDKs presign a call: its parameters stand in the query, whatever the method.
            Method::POST if body.is_empty() => query::parse_form(head.raw_query.as_bytes()),
            Method::POST if media_type(&head.headers) == "application/x-www-form-urlencoded" => query::parse_form(body),
            Method::POST => {
                return Err(Fault::client(
                    "MalformedInput",
                    "The content type must be application/x-www-form-urlencoded.",
                ));
            }
            _ => return Err(Fault::new("MethodNotAllowed", 405, "An operation is asked for by POST or GET.")),
        };
        let mut form = form.map_err(|m| Fault::client("MalformedInput", m.message))?;
        // A presigned request's proof stands among its parameters.
        form.retain(|(name, _)| !name.starts_with("X-Amz-"));
        let value = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let Some(action) = value("Action") else {
            return Err(Fault::client("MissingAction", "The request must contain the parameter Action"));
        };
        let version = value("Version").unwrap_or_else(|| "NO_VERSION_SPECIFIED".into());
        if version != self.model.api_version || self.model.operation(&action).is_none() {
            return Err(Fault::client(
                "InvalidAction",
                format!("Could not find operation {} for version {}", shorten(&action), shorten(&version)),
            ));
        }
        Ok(Asked::Query(action, form))
    }

    fn decode(&self, model: &OperationModel, asked: &Asked, body: &[u8]) -> Result<Document, Malformed> {
        match asked {
            Asked::Json(_) => json::decode(&self.model, model, body),
            Asked::Query(_, form) => query::decode(&self.model, model, form),
        }
    }

    fn announce_now(&self, cx: &Cx, head: &RequestHead, body: Option<&Bytes>) -> Result<Announced, Rejected> {
        let usable = body.is_some();
        let body = body.map_or(&b""[..], |bytes| bytes);
        let asked = self.asked(head, body).map_err(|fault| Rejected { fault, known: None })?;
        let (Asked::Json(name) | Asked::Query(name, _)) = &asked;
        let Some(model) = self.model.operation(name) else {
            return Err(Rejected { fault: self.not_built(name), known: None });
        };
        let place = self.operations.iter().position(|o| o.facts().name == model.name);
        let decoded = match usable {
            true => self.decode(model, &asked, body),
            false => Err(Malformed { message: "The body cannot be used.".into() }),
        };
        let Some((place, operation)) = place.and_then(|at| Some((at, self.operations.get(at)?))) else {
            let known = self.unbuilt(model, decoded.ok().as_ref());
            return Err(Rejected { fault: self.not_built(name), known: Some(Box::new(known)) });
        };
        let document = match decoded {
            Ok(document) => document,
            Err(malformed) => {
                let code = if self.is_json() { "SerializationException" } else { "MalformedInput" };
                let known = self.announced(cx, model, operation.as_ref(), place, None);
                return Err(Rejected { fault: Fault::client(code, malformed.message), known: Some(Box::new(known)) });
            }
        };
        let violations = opentrail_protocol::validate(&self.model, model, &document);
        let announced = self.announced(cx, model, operation.as_ref(), place, Some(document));
        if violations.is_empty() {
            return Ok(announced);
        }
        let fault = violations.iter().find_map(|v| operation.refuse(v)).unwrap_or_else(|| self.invalid(&violations));
        // IAM and STS look at the shape before anybody decides (`spec/iam.md` 1.1): whoever may, but not this, is told what is
        // wrong. What a call is about cannot be found out from it, so it would be denied to all but those who may everything.
        let open = announced.open || !self.is_json();
        Err(Rejected { fault, known: Some(Box::new(Announced { open, ..announced })) })
    }

    /// Proves the caller of a call whose proof is within it; `None` where it is no such call.
    async fn borne(&self, head: &RequestHead, body: &[u8]) -> Option<Result<Principal, Fault>> {
        let asked = self.asked_query(head, body).ok().filter(|_| self.bears)?;
        let Asked::Query(name, _) = &asked else { return None };
        let model = self.model.operation(name)?;
        let bearer = self.operations.iter().find(|o| o.facts().name == model.name)?.bearer()?;
        let document = match self.decode(model, &asked, body) {
            Ok(document) => document,
            Err(malformed) => return Some(Err(Fault::client("MalformedInput", malformed.message))),
        };
        let violations = opentrail_protocol::validate(&self.model, model, &document);
        if !violations.is_empty() {
            return Some(Err(self.invalid(&violations)));
        }
        Some(bearer.prove(&document).await)
    }

    /// Finds out what else a call touches.
    async fn touch(&self, cx: &Cx, mut announced: Announced) -> Result<Announced, Rejected> {
        let Some(input) = announced.input.downcast_mut::<Input>() else { return Ok(announced) };
        let operation = self.operations.get(input.operation).expect("a place that was found in the table");
        // Taken out for the while: a call that is announced cannot be shared between threads.
        let document = std::mem::replace(&mut input.document, Document::Null);
        let touched = operation.touches(cx, &document).await;
        if let Some(input) = announced.input.downcast_mut::<Input>() {
            input.document = document;
        }
        match touched {
            Ok(Touched { arns, owner, policy, kind, context, also, shown, parameters }) => {
                let arns = arns.unwrap_or_else(|| std::mem::take(&mut announced.arns));
                let request_parameters = with_members(announced.request_parameters.take(), parameters);
                Ok(Announced { arns, owner, policy, kind, context, also, shown, request_parameters, ..announced })
            }
            Err(fault) => Err(Rejected { fault, known: Some(Box::new(Announced { open: true, ..announced })) }),
        }
    }

    /// `document` is absent where the input could not be read.
    fn announced(
        &self,
        cx: &Cx,
        model: &OperationModel,
        operation: &dyn Operation,
        place: usize,
        document: Option<Document>,
    ) -> Announced {
        let facts = operation.facts();
        let (arns, resources, request_parameters) = match &document {
            Some(document) => (
                operation.arns(cx, document),
                operation.resources(cx, document),
                opentrail_protocol::request_parameters(&self.model, model, document),
            ),
            None => (Vec::new(), Vec::new(), None),
        };
        Announced {
            operation: model.name.clone(),
            event_name: model.event_name.clone(),
            class: CallClass {
                category: facts.category,
                read_only: facts.read_only,
                mints_credentials: facts.mints_credentials,
            },
            action: facts.action.to_owned(),
            arns,
            owner: None,
            policy: None,
            kind: ResourceKind::default(),
            context: Context::new(),
            also: Vec::new(),
            shown: None,
            open: facts.open,
            request_parameters,
            resources,
            input: Box::new(Input { operation: place, document: document.unwrap_or(Document::Null) }),
        }
    }

    /// An operation of the public model that this version does not have. It changes nothing, so it is recorded as what
    /// the model says it is, without an intent to wait for.
    fn unbuilt(&self, model: &OperationModel, document: Option<&Document>) -> Announced {
        let request_parameters = document.and_then(|d| opentrail_protocol::request_parameters(&self.model, model, d));
        Announced {
            operation: model.name.clone(),
            event_name: model.event_name.clone(),
            class: CallClass { category: Category::Management, read_only: model.read_only, mints_credentials: false },
            action: format!("{}:{}", self.model.signing_name, model.name),
            arns: Vec::new(),
            owner: None,
            policy: None,
            kind: ResourceKind::default(),
            context: Context::new(),
            also: Vec::new(),
            shown: None,
            open: false,
            request_parameters,
            resources: Vec::new(),
            input: Box::new(()),
        }
    }

    fn not_built(&self, name: &str) -> Fault {
        let code = if self.is_json() { "NotImplementedException" } else { "NotImplemented" };
        let service = &self.model.signing_name;
        Fault::new(code, 501, format!("operation {name} of {service} is not built in this version of OpenTrail"))
    }

    fn invalid(&self, violations: &[Violation]) -> Fault {
        let code = if self.is_json() { "ValidationException" } else { "ValidationError" };
        let messages: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
        let (n, s) = (messages.len(), if messages.len() == 1 { "" } else { "s" });
        Fault::client(code, format!("{n} validation error{s} detected: {}", messages.join("; ")))
    }

    fn answer(&self, cx: &Cx, announced: &Announced, model: &OperationModel, answer: RpcAnswer) -> Answer {
        let RpcAnswer { output, resources, additional_event_data, copy_for } = answer;
        let class = announced.class;
        let response_elements: Option<RawJson> = if !class.read_only || class.mints_credentials {
            opentrail_protocol::response_elements(&self.model, model, &output)
        } else {
            None
        };
        let (content_type, body) = match self.model.protocol {
            Protocol::AwsJson1_0 => ("application/x-amz-json-1.0", json::encode(&self.model, model, &output)),
            Protocol::AwsJson1_1 => ("application/x-amz-json-1.1", json::encode(&self.model, model, &output)),
            _ => ("text/xml", query::encode(&self.model, model, &output, &cx.request_id)),
        };
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Answer {
            status: 200,
            headers,
            body: AnswerBody::Whole(body),
            response_elements,
            additional_event_data,
            resources,
            copy_for,
        }
    }
}

impl Service for RpcService {
    fn signing_name(&self) -> &str {
        &self.model.signing_name
    }

    fn event_source(&self) -> &str {
        &self.model.event_source
    }

    fn api_version(&self) -> Option<&str> {
        // Records of IAM and STS leave it out (`spec/iam.md` 8, and every record of STS that there is to see).
        let is_left_out = matches!(self.signing_name(), "iam" | "sts");
        Some(self.model.api_version.as_str()).filter(|version| !version.is_empty() && !is_left_out)
    }

    fn protocol(&self) -> Protocol {
        self.model.protocol
    }

    fn xml_namespace(&self) -> &str {
        &self.model.xml_namespace
    }

    fn global(&self) -> bool {
        self.global
    }

    fn knows(&self, caller: &Principal) -> bool {
        (self.knows)(caller)
    }

    fn recorded_code<'c>(&'c self, code: &'c str) -> &'c str {
        self.model.error(code).map_or(code, |error| error.name)
    }

    fn may_bear(&self, head: &RequestHead) -> bool {
        if !self.bears || self.is_json() || head.raw_path != "/" {
            return false;
        }
        let is_form = || media_type(&head.headers) == "application/x-www-form-urlencoded";
        head.method == Method::POST && is_form() || head.raw_query.split('&').any(|pair| pair.starts_with("Action="))
    }

    fn bearer<'a>(&'a self, head: &'a RequestHead, body: &'a Bytes) -> BoxFuture<'a, Option<Result<Principal, Fault>>> {
        Box::pin(self.borne(head, body))
    }

    fn body_rule(&self, _head: &RequestHead) -> BodyRule {
        BodyRule::Whole { bytes_max: RPC_BODY_BYTES_MAX }
    }

    fn announce<'a>(
        &'a self,
        cx: &'a Cx,
        head: &'a RequestHead,
        body: Option<&'a Bytes>,
    ) -> BoxFuture<'a, Result<Announced, Rejected>> {
        Box::pin(async move {
            let announced = self.announce_now(cx, head, body)?;
            self.touch(cx, announced).await
        })
    }

    fn run<'a>(
        &'a self,
        cx: &'a Cx,
        _head: &'a RequestHead,
        announced: &'a mut Announced,
        _body: RequestBody,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let input = std::mem::replace(&mut announced.input, Box::new(()));
            let input = input.downcast::<Input>().expect("what was announced by this service is run by it, once");
            let operation = self.operations.get(input.operation).expect("a place that was found in the table");
            let model = self.model.operation(operation.facts().name).expect("checked when the table was made");
            let answer = operation.run(cx, &input.document).await?;
            Ok(self.answer(cx, announced, model, answer))
        })
    }
}

/// An object with further members.
fn with_members(object: Option<RawJson>, more: Vec<(&'static str, RawJson)>) -> Option<RawJson> {
    if more.is_empty() {
        return object;
    }
    let mut out = object.map_or_else(|| b"{}".to_vec(), |object| object.as_bytes().to_vec());
    out.pop();
    for (name, value) in more {
        if out.len() > 1 {
            out.push(b',');
        }
        write_text(&mut out, name);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
    Some(RawJson::from_written(out))
}

/// Content-Type without its parameters, lower-case.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(http::header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
    let value = value.unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn shorten(text: &str) -> String {
    text.chars().take(NAME_ECHO_CHARS_MAX).collect()
}
