//! What stands behind the door in these tests.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http::HeaderMap;
use opentrail_event::{AccountId, Arn, Category, EventId, Owner, RawJson, RecordResource};
use opentrail_journal::{Call, CallClass, Capture, Outcome, Partition, Position, Refused, Ticket, Urgency};
use opentrail_policy::{
    Credential, Decide, Decision, Identities, IdentitiesUnavailable, Kind, Policy, Principal, PrincipalKind, Question,
    Secret, Session, SessionRefused,
};
use opentrail_protocol::{Document, Protocol, Violation};
use opentrail_wire::{
    Announced, Answer, AnswerBody, BodyRule, Cx, Facts, Fault, Operation, Pages, Rejected, RequestBody, RequestHead,
    RpcAnswer, Service, Touched,
};
use tokio::sync::Notify;

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

pub(crate) const KEY: &str = "AKIAFAKEFAKEFAKEFAKE";
pub(crate) const INACTIVE_KEY: &str = "AKIAINACTIVEINACTIVE";
pub(crate) const OPERATOR_KEY: &str = "AKIAOPERATOROPERATOR";
pub(crate) const BROKEN_KEY: &str = "AKIABROKENBROKENBROK";
/// The id of a temporary key, and the one token that goes with it; and the token of a session that is over.
pub(crate) const SESSION_KEY: &str = "ASIASESSIONSESSIONSE";
pub(crate) const TOKEN: &str = "token/of+a=session";
pub(crate) const OLD_TOKEN: &str = "token/of+an=old/session";
pub(crate) const SECRET: &str = "nobodys/secret+key=of40characters/madeUp";

/// A few keys, all with one secret.
pub(crate) struct ToyIdentities;

impl Identities for ToyIdentities {
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, IdentitiesUnavailable>> {
        let account = if access_key_id == OPERATOR_KEY { "000000000000" } else { "111122223333" };
        let kind = match access_key_id {
            OPERATOR_KEY => PrincipalKind::Operator,
            KEY | INACTIVE_KEY => {
                PrincipalKind::User { name: "ana".into(), path: "/".into(), unique_id: "AIDAANA".into() }
            }
            BROKEN_KEY => return async { Err(IdentitiesUnavailable("disk on fire".into())) }.boxed(),
            _ => return async { Ok(None) }.boxed(),
        };
        let credential = Credential {
            principal: Principal {
                kind,
                account: account.parse().unwrap(),
                access_key_id: access_key_id.into(),
                session: None,
            },
            secret: Secret::new(SECRET.into()),
            active: access_key_id != INACTIVE_KEY,
        };
        async { Ok(Some(Arc::new(credential))) }.boxed()
    }

    fn has_account(&self, account: AccountId) -> BoxFuture<'_, Result<bool, IdentitiesUnavailable>> {
        async move { Ok(account.as_str() == "111122223333") }.boxed()
    }

    fn find_session<'a>(
        &'a self,
        access_key_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Arc<Credential>, SessionRefused>> {
        async move {
            match (access_key_id, token) {
                (SESSION_KEY, TOKEN) => {}
                (SESSION_KEY, OLD_TOKEN) => return Err(SessionRefused::Expired),
                (_, token) if token.starts_with("token/of") => return Err(SessionRefused::Token),
                _ => return Err(SessionRefused::Foreign),
            }
            let kind = PrincipalKind::Role {
                name: "ops".into(),
                path: "/p/".into(),
                unique_id: "AROAOPS".into(),
                session_name: "ana".into(),
            };
            let principal = Principal {
                kind,
                account: "111122223333".parse().unwrap(),
                access_key_id: SESSION_KEY.into(),
                session: Some(Arc::new(Session { issued_s: 1_700_000_000, ..Session::default() })),
            };
            Ok(Arc::new(Credential { principal, secret: Secret::new(SECRET.into()), active: true }))
        }
        .boxed()
    }
}

/// Denies what has `denied` in its name, and StopLogging; by a statement what has `explicit` in it. Cannot tell about what has
/// `undecided` in it, about ListTrails, and about ListGroups.
pub(crate) struct ToyDecide;

impl Decide for ToyDecide {
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision> {
        let denied = question.action == "cloudtrail:StopLogging"
            || question.resources.iter().any(|arn| arn.as_str().contains("denied"));
        let explicit = question.resources.iter().any(|arn| arn.as_str().contains("explicit"));
        let because = format!("because no identity-based policy allows the {} action", question.action);
        let undecided = ["cloudtrail:ListTrails", "iam:ListGroups"].contains(&question.action)
            || question.resources.iter().any(|arn| arn.as_str().contains("undecided"));
        let decision = match (undecided, denied) {
            (true, _) => Decision::Unavailable { why: "disk on fire".into() },
            (_, true) => Decision::Deny { because, explicit },
            _ => Decision::Allow,
        };
        async { decision }.boxed()
    }
}

/// Writes begun and finished calls down; refuses them on demand.
pub(crate) struct ToyCapture {
    pub diary: Diary,
    pub refuse_begin: Mutex<bool>,
    pub refuse_finish: Mutex<bool>,
    pub calls: Mutex<Vec<(Call, Outcome)>>,
}

impl Capture for ToyCapture {
    fn begin(&self, call: Call) -> BoxFuture<'_, Result<Ticket, Refused>> {
        async move {
            if *self.refuse_begin.lock().unwrap() {
                return Err(Refused::Busy("toy".into()));
            }
            let intent = if call.needs_intent() { "intent" } else { "no intent" };
            self.diary.note(format!("begin {} ({intent})", call.event_name));
            Ok(Ticket { event_id: EventId::from_bytes([7; 16]), wanted: true, urgency: Urgency::Normal, call })
        }
        .boxed()
    }

    fn finish(&self, ticket: Ticket, outcome: Outcome) -> BoxFuture<'_, Result<Option<Position>, Refused>> {
        async move {
            // Long enough for a hasty answer to overtake it.
            tokio::task::yield_now().await;
            if *self.refuse_finish.lock().unwrap() {
                return Err(Refused::Unavailable("toy".into()));
            }
            let code = outcome.error_code.clone().unwrap_or_else(|| "ok".into());
            self.diary.note(format!("finish {}: {code}", ticket.call.event_name));
            self.calls.lock().unwrap().push((ticket.call, outcome));
            Ok(Some(Position { partition: Partition(0), offset: 0 }))
        }
        .boxed()
    }

    fn withdraw(&self, ticket: Ticket) -> BoxFuture<'_, Result<(), Refused>> {
        async move {
            self.diary.note(format!("withdraw {}", ticket.call.event_name));
            Ok(())
        }
        .boxed()
    }

    fn missed(&self, account: AccountId) {
        self.diary.note(format!("missed {account}"));
    }
}

/// Who owns what has `foreign` in its path.
pub(crate) const FOREIGN: &str = "999999999999";

/// That there is one is all that counts: toys decide without it.
fn a_policy() -> Policy {
    let text = br#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::toys"}}"#;
    Policy::parse(text, &Kind::Bucket { bucket: "toys".into() }).unwrap()
}

/// An S3 of a few paths: what it does follows from the key.
pub(crate) struct ToyS3 {
    pub diary: Diary,
    /// `PUT …/waits` runs until told to go on.
    pub go_on: Arc<Notify>,
}

impl Service for ToyS3 {
    fn signing_name(&self) -> &str {
        "s3"
    }

    fn event_source(&self) -> &str {
        "s3.amazonaws.com"
    }

    fn api_version(&self) -> Option<&str> {
        None
    }

    fn protocol(&self) -> Protocol {
        Protocol::RestXml
    }

    fn xml_namespace(&self) -> &str {
        "http://s3.amazonaws.com/doc/2006-03-01/"
    }

    fn body_rule(&self, head: &RequestHead) -> BodyRule {
        if head.raw_path.ends_with("/whole") {
            BodyRule::Whole { bytes_max: 1000 }
        } else {
            BodyRule::Stream { bytes_max: 200_000 }
        }
    }

    fn announce<'a>(
        &'a self,
        _cx: &'a Cx,
        head: &'a RequestHead,
        body: Option<&'a Bytes>,
    ) -> BoxFuture<'a, Result<Announced, Rejected>> {
        async move {
            assert!(!head.raw_path.ends_with("/announce-panic"), "as asked");
            let read_only = head.method != http::Method::PUT;
            let long = if head.raw_query == "long" { "x".repeat(5000) } else { String::new() };
            let name = if read_only { "GetObject" } else { "PutObject" };
            let arn = Arn::object("toys", &head.raw_path);
            let announced = Announced {
                operation: name.into(),
                event_name: name.into(),
                class: CallClass { category: Category::Data, read_only, mints_credentials: false },
                action: format!("s3:{name}"),
                arns: vec![arn],
                owner: head.raw_path.contains("/foreign").then(|| FOREIGN.parse().unwrap()),
                policy: head.raw_path.contains("/foreign-policy").then(|| Arc::new(a_policy())),
                context: Default::default(),
                kind: opentrail_policy::ResourceKind::Ordinary,
                also: Vec::new(),
                shown: None,
                open: false,
                request_parameters: Some(RawJson::from_written(format!("{{\"path\":\"{}{long}\"}}", head.raw_path))),
                resources: match head.raw_path.contains("/foreign") {
                    true => vec![RecordResource {
                        owner: Owner::Hidden,
                        kind: "AWS::S3::Bucket",
                        arn: Arn::bucket("toys"),
                        prefix: false,
                    }],
                    false => Vec::new(),
                },
                input: Box::new(body.cloned()),
            };
            if head.raw_path.ends_with("/rejected") {
                let fault = Fault::client("InvalidArgument", "toy").with("ArgumentName", "x");
                return Err(Rejected { fault, known: Some(Box::new(announced)) });
            }
            Ok(announced)
        }
        .boxed()
    }

    fn run<'a>(
        &'a self,
        _cx: &'a Cx,
        head: &'a RequestHead,
        announced: &'a mut Announced,
        body: RequestBody,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        async move {
            self.diary.note(format!("run {} {}", announced.operation, head.raw_path));
            assert!(!head.raw_path.ends_with("/panic"), "as asked");
            if head.raw_path.ends_with("/waits") {
                self.go_on.notified().await;
            }
            if head.raw_path.ends_with("/fails") {
                return Err(
                    Fault::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", "x")
                );
            }
            let mut text = BytesMut::new();
            let mut trailer = None;
            match body {
                RequestBody::Whole(bytes) => {
                    text.extend_from_slice(&bytes);
                    trailer = head.headers.get("x-amz-checksum-crc32").cloned();
                }
                RequestBody::Stream { mut bytes, trailers, .. } => {
                    while let Some(piece) = bytes.next().await {
                        match piece {
                            Ok(piece) => text.extend_from_slice(&piece),
                            Err(fault) => {
                                self.diary.note(format!("body failed: {}", fault.0.code));
                                return Err(fault.0);
                            }
                        }
                    }
                    if let Some(trailers) = trailers.0.lock().unwrap().take() {
                        trailer = trailers.get("x-amz-checksum-crc32").cloned();
                    }
                }
            }
            let mut headers = HeaderMap::new();
            if let Some(trailer) = trailer {
                headers.insert("x-toy-trailer", trailer);
            }
            let body = if head.raw_path.ends_with("/stream") {
                let pieces = futures::stream::iter((0..10).map(|_| Ok(Bytes::from(vec![b'x'; 1000]))));
                AnswerBody::Stream { length: 10_000, bytes: pieces.boxed() }
            } else {
                AnswerBody::Whole(format!("{} {}?{} {}", head.method, head.raw_path, head.raw_query, text.len()).into())
            };
            Ok(Answer {
                status: 200,
                headers,
                body,
                response_elements: None,
                additional_event_data: Some(RawJson::from_written("{\"SSEApplied\":\"Default_SSE_S3\"}")),
                resources: None,
                copy_for: None,
            })
        }
        .boxed()
    }
}

/// An operation that does next to nothing.
pub(crate) struct ToyOperation {
    pub facts: &'static Facts,
    pub diary: Diary,
}

impl Operation for ToyOperation {
    fn facts(&self) -> &'static Facts {
        self.facts
    }

    /// A role is somebody else's, and has a trust policy.
    fn touches<'a>(&'a self, _cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        let touched = match input.text("RoleArn") {
            Some(role) => Touched {
                arns: Some(vec![Arn::given(role)]),
                owner: Some(FOREIGN.parse().unwrap()),
                policy: Some(Arc::new(a_policy())),
                ..Touched::default()
            },
            None => Touched::default(),
        };
        async { Ok(touched) }.boxed()
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        let own = violation.member == "MaxResults";
        own.then(|| Fault::client("InvalidMaxResultsException", "Value must be between 1 and 50."))
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            self.diary.note(format!("run {}", self.facts.name));
            if input.text("Name") == Some("missing-trail") {
                return Err(Fault::client("TrailNotFoundException", "Unknown trail: missing-trail"));
            }
            let output = match self.facts.name {
                "GetCallerIdentity" => Document::structure()
                    .with("UserId", cx.principal.unique_id())
                    .with("Account", cx.account().to_string())
                    .with("Arn", cx.principal.arn().to_string()),
                _ => Document::structure(),
            };
            Ok(output.into())
        }
        .boxed()
    }
}

const fn facts(name: &'static str, action: &'static str, read_only: bool, open: bool) -> Facts {
    Facts { name, action, read_only, category: Category::Management, mints_credentials: false, open, errors: &[] }
}
pub(crate) static LOOKUP: Facts = facts("LookupEvents", "cloudtrail:LookupEvents", true, false);
pub(crate) static DESCRIBE: Facts = facts("DescribeTrails", "cloudtrail:DescribeTrails", true, false);
pub(crate) static START: Facts = facts("StartLogging", "cloudtrail:StartLogging", false, false);
pub(crate) static STOP: Facts = facts("StopLogging", "cloudtrail:StopLogging", false, false);
pub(crate) static ASSUME: Facts = facts("AssumeRole", "sts:AssumeRole", true, false);
pub(crate) static IDENTITY: Facts = facts("GetCallerIdentity", "sts:GetCallerIdentity", true, true);

/// Pages that say what they are.
pub(crate) struct ToyPages(pub Mutex<bool>);

impl Pages for ToyPages {
    fn ready(&self) -> bool {
        *self.0.lock().unwrap()
    }

    fn health(&self) -> BoxFuture<'_, String> {
        async { "{\"lag\":0}".to_owned() }.boxed()
    }

    fn metrics(&self, caller: &Principal) -> Option<String> {
        caller.is_operator().then(|| "toys_total 1\n".to_owned())
    }
}
