//! What a service is to the door: it announces a call, then runs it.

use std::any::Any;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use opentrail_event::{AccountId, Arn, RawJson, RecordResource, Region, TlsDetails};
use opentrail_journal::CallClass;
use opentrail_policy::{Context, Policy, Principal, ResourceKind};
use opentrail_protocol::Protocol;

use crate::{BodyFault, Fault, Need};

/// The circumstances of one call whose caller is proven.
#[derive(Debug, Clone)]
pub struct Cx {
    pub principal: Arc<Principal>,
    /// Of the signature's scope, and served here.
    pub region: Region,
    /// Every answer carries it: 36 characters of a UUID, or 16 of `[0-9A-Z]` for S3.
    pub request_id: String,
    pub received_at: Timestamp,
    pub source_ip: IpAddr,
    pub user_agent: Option<String>,
    /// `None` on a plain connection.
    pub tls: Option<TlsDetails>,
    /// The signature came in the query (a presigned URL).
    pub presigned: bool,
}

impl Cx {
    /// The caller's account.
    pub fn account(&self) -> AccountId {
        self.principal.account
    }
}

/// A request whose signature is proven (save for a body that is still to come). Authorization and the signature's query
/// parameters are kept: services do not need to look at them.
#[derive(Debug)]
pub struct RequestHead {
    pub method: http::Method,
    /// As the client sent it, percent-encoded.
    pub raw_path: String,
    /// As the client sent it, without the question mark; empty if there was none.
    pub raw_query: String,
    pub headers: http::HeaderMap,
}

/// How much of a body the door reads before the call is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// All of it, up to so many bytes; then its hash is known to match. Over it: the protocol's too-large error.
    Whole { bytes_max: usize },
    /// Nothing: the service reads it while it runs.
    Stream { bytes_max: u64 },
}

/// The trailing headers of an aws-chunked body, there once the stream has ended.
#[derive(Debug, Clone, Default)]
pub struct Trailers(pub Arc<Mutex<Option<http::HeaderMap>>>);

/// A request's body after the door's part: aws-chunked framing taken off, hashes and chunk signatures checked as bytes
/// pass. An error item means that nothing of it may be kept. A stream is read to its end, not to its length: what is wrong
/// with it may be known only behind the last byte.
pub enum RequestBody {
    Whole(Bytes),
    Stream {
        /// The decoded length, where the client declared it.
        length: Option<u64>,
        bytes: BoxStream<'static, Result<Bytes, BodyFault>>,
        trailers: Trailers,
    },
}

/// A call as its service understands it, before it runs.
pub struct Announced {
    /// As the API names it.
    pub operation: String,
    /// As records name it.
    pub event_name: String,
    pub class: CallClass,
    /// What the decider is asked: `s3:CreateBucket`.
    pub action: String,
    /// What the decider is asked about.
    pub arns: Vec<Arn>,
    /// The account that owns what is touched, where it is known and not the caller's.
    pub owner: Option<AccountId>,
    /// The policy of what is touched, where it has one.
    pub policy: Option<Arc<Policy>>,
    /// How much that policy decides.
    pub kind: ResourceKind,
    /// The service's own condition keys. The door adds those that every call has ([`Cx::context`]).
    pub context: Context,
    /// What must be allowed besides.
    pub also: Vec<Need>,
    /// How a denial names what is touched, where that is not the first ARN.
    pub shown: Option<String>,
    /// Open to every proven caller: the decider is not asked.
    pub open: bool,
    /// As records spell it; `None` for null.
    pub request_parameters: Option<RawJson>,
    pub resources: Vec<RecordResource>,
    /// The service's own: what `run` goes on with.
    pub input: Box<dyn Any + Send>,
}

/// A call that is refused before it runs.
pub struct Rejected {
    pub fault: Fault,
    /// What is known of it. `Some` is recorded with the fault; `None` is only counted.
    pub known: Option<Box<Announced>>,
}

/// The body of an answer.
pub enum AnswerBody {
    Whole(Bytes),
    Stream {
        length: u64,
        /// An error item breaks the connection off: the status is already sent.
        bytes: BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>,
    },
}

/// A call that succeeded.
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: AnswerBody,
    /// As records spell it; `None` for null. The service leaves it `None` for reads, save those that mint credentials.
    pub response_elements: Option<RawJson>,
    pub additional_event_data: Option<RawJson>,
    /// In place of the announced ones.
    pub resources: Option<Vec<RecordResource>>,
    /// A call that touched what is another account's: it gets a copy of the record.
    pub copy_for: Option<AccountId>,
}

/// A service behind the door.
///
/// # Contract
/// `announce` changes nothing and asks nobody beyond its own store. The door then asks the decider about `action`,
/// `arns` and `owner` (unless `open`), has the call's intent made durable where it needs one, and calls `run` exactly once.
/// Neither may panic on any input; a panic is answered and recorded as `InternalFailure`.
pub trait Service: Send + Sync {
    /// In the scope of signatures: `s3`.
    fn signing_name(&self) -> &str;
    /// In records: `s3.amazonaws.com`.
    fn event_source(&self) -> &str;
    /// In records; `None` leaves the member out.
    fn api_version(&self) -> Option<&str>;
    /// Whether it knows this caller at all. To one that it does not know, a proven session's token is as good as invalid: IAM
    /// knows no federated users, for one.
    fn knows(&self, caller: &Principal) -> bool {
        let _ = caller;
        true
    }
    /// Whether a request with this head, which is not signed, may be a call that proves its caller by what it carries.
    fn may_bear(&self, head: &RequestHead) -> bool {
        let _ = head;
        false
    }
    /// Proves the caller of such a call. `None`: it is no such call, and has to be signed.
    fn bearer<'a>(&'a self, head: &'a RequestHead, body: &'a Bytes) -> BoxFuture<'a, Option<Result<Principal, Fault>>> {
        let _ = (head, body);
        Box::pin(std::future::ready(None))
    }
    /// How errors are written.
    fn protocol(&self) -> Protocol;
    /// The namespace of XML answers; empty for JSON ones.
    fn xml_namespace(&self) -> &str;
    /// Whether the service has one home for all regions: its calls are recorded in us-east-1, wherever they were signed for.
    fn global(&self) -> bool {
        false
    }
    /// How records name an error that has `code` on the wire: by the name of its shape, where the service has one
    /// (`spec/iam.md` 8).
    fn recorded_code<'c>(&'c self, code: &'c str) -> &'c str {
        code
    }
    /// What to do with the body of this request.
    fn body_rule(&self, head: &RequestHead) -> BodyRule;
    /// Understands the call. `body` is `Some` where the rule said `Whole`; `None` for such a call means that its body
    /// cannot be used, so that the call will not run and only what the head says of it is wanted.
    fn announce<'a>(
        &'a self,
        cx: &'a Cx,
        head: &'a RequestHead,
        body: Option<&'a Bytes>,
    ) -> BoxFuture<'a, Result<Announced, Rejected>>;
    /// Runs the call.
    fn run<'a>(
        &'a self,
        cx: &'a Cx,
        head: &'a RequestHead,
        announced: &'a mut Announced,
        body: RequestBody,
    ) -> BoxFuture<'a, Result<Answer, Fault>>;
}
