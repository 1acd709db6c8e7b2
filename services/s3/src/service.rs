//! S3 to the door: a call is announced, then run.
//!
//! The order is AWS's: signature (the door's part) → bucket and its region → authorisation (the door asks) → what the request
//! says → the object. So a bucket that does not exist is answered with `NoSuchBucket` to any proven caller.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use opentrail_blobs::Blobs;
use opentrail_catalog::Catalog;
use opentrail_delivery::Buckets;
use opentrail_event::{AccountId, Arn, Owner, RawJson, RecordResource, Region};
use opentrail_journal::{CallClass, Capture};
use opentrail_policy::{Caller, Context, Decide, Policy, Principals};
use opentrail_protocol::Protocol;
use opentrail_protocol::s3::{NoCall, S3Call, identify, request_parameters};
use opentrail_wire::{Announced, Answer, AnswerBody, BodyRule, Cx, Fault, Rejected, RequestBody, RequestHead, Service};
use opentrail_world::World;
use s3s::service::S3ServiceBuilder;

use crate::asked::Asked;
use crate::backend::{BUILT, Backend, DIRECT, deletions, list_parameters};
use crate::bodies::Outgoing;
use crate::codec::{Exchange, Handover, Reply, pass};
use crate::deliver::Deliveries;
use crate::policy::{self, Authorizer, Policies};
use crate::refuse::{self, Configuration};
use crate::store::{Bucket, BucketPolicy, Store};
use crate::{checksum, faults, names};

/// The body of everything but an object: documents.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// The body of a call that names thousands of parts or objects.
const LONG_DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Regions that are served: buckets can lie in them.
    pub regions: Vec<Region>,
}

/// The service.
pub struct S3Service {
    store: Arc<Store>,
    s3s: s3s::service::S3Service,
    backend: Backend,
    world: World,
    authorizer: Arc<Authorizer>,
    policies: Policies,
}

/// Who is asked about callers.
pub struct S3Guards {
    /// Whether a call is allowed that the door could not ask about: the source of a copy, each key of a deletion.
    pub decide: Arc<dyn Decide>,
    /// Whom bucket policies name.
    pub principals: Arc<dyn Principals>,
}

/// What `announce` leaves for `run`.
struct Input {
    call: S3Call,
    /// `None` for ListBuckets and CreateBucket.
    bucket: Option<Bucket>,
    /// The circumstances, the door's among them.
    context: Context,
}

impl S3Service {
    /// Over the given engines. Reads and writes nothing yet.
    pub fn new(
        catalog: Arc<dyn Catalog>,
        blobs: Arc<dyn Blobs>,
        world: World,
        guards: S3Guards,
        settings: S3Settings,
    ) -> Arc<Self> {
        let store = Arc::new(Store::new(catalog, blobs, world.clone()));
        let backend = Backend { store: store.clone(), regions: settings.regions };
        let authorizer = Arc::new(Authorizer { store: store.clone(), decide: guards.decide });
        let policies = Policies { store: store.clone(), authorizer: authorizer.clone(), principals: guards.principals };
        let s3s = S3ServiceBuilder::new(backend.clone()).build();
        Arc::new(Self { store, s3s, backend, world, authorizer, policies })
    }

    /// The way in for services that act on somebody's behalf. `capture` records what they put.
    pub fn buckets(&self, capture: Arc<dyn Capture>) -> Arc<dyn Buckets> {
        Arc::new(Deliveries { store: self.store.clone(), capture, world: self.world.clone() })
    }

    /// Whose a bucket is, and its policy; `None` where there is no such bucket.
    pub async fn policy_of(&self, bucket: &str) -> Result<Option<(AccountId, Option<Arc<Policy>>)>, Fault> {
        let Some(bucket) = self.store.bucket(bucket).await? else { return Ok(None) };
        let policy = self.store.policy(&bucket).await?;
        Ok(Some((bucket.account, policy.map(|policy| policy.policy.clone()))))
    }

    /// Removes blobs that earlier runs staged and never used, or replaced and did not remove. Returns how many went.
    ///
    /// To be called once after the start; calls may be served meanwhile.
    ///
    /// # Errors
    /// Catalog or blobs failed. What is left is swept next time.
    pub async fn sweep(&self) -> Result<u64, Fault> {
        self.store.sweep().await
    }

    /// Everything about the call that the door and the record need.
    fn describe(&self, cx: &Cx, head: &RequestHead, body: Option<&Bytes>, call: S3Call, bucket: Bucketed) -> Announced {
        let found = bucket.found();
        let owner = found.map(|b| b.account).filter(|account| *account != cx.account());
        let mut context = policy::context(cx, head, &call, found);
        let own = context.clone();
        context.merge(cx.context());
        let policy = match &bucket {
            Bucketed::Found(_, policy) => policy.as_ref().map(|policy| policy.policy.clone()),
            _ => None,
        };
        // Of many keys each is asked about by itself, while the call runs. Of another account's callers only those come so far
        // about whom the policy says something: the call is on record in both accounts.
        let open = call.operation == "DeleteObjects"
            && match (found, owner, &policy, body) {
                (Some(_), None, ..) => true,
                (Some(bucket), Some(_), Some(policy), Some(body)) => {
                    let caller = Caller::from(&*cx.principal);
                    deletions::concerns(policy, &caller, &bucket.name, body, &context)
                }
                _ => false,
            };
        Announced {
            operation: call.operation.to_owned(),
            event_name: call.event_name.to_owned(),
            class: CallClass { category: call.category, read_only: call.read_only, mints_credentials: false },
            action: call.action.to_owned(),
            arns: vec![arn(&call)],
            owner,
            policy,
            context: own,
            kind: opentrail_policy::ResourceKind::Ordinary,
            also: Vec::new(),
            shown: None,
            open,
            request_parameters: Some(request_parameters(
                &call,
                &head.raw_query,
                &head.headers,
                body.map(|b| &b[..]).filter(|b| !b.is_empty()),
            )),
            resources: match &bucket {
                Bucketed::None | Bucketed::Missing => Vec::new(),
                Bucketed::New => resources(&call, Owner::Account(cx.account()), &head.raw_query),
                Bucketed::Taken => resources(&call, Owner::Hidden, &head.raw_query),
                Bucketed::Found(..) if owner.is_some() => resources(&call, Owner::Hidden, &head.raw_query),
                Bucketed::Found(b, _) => resources(&call, Owner::Account(b.account), &head.raw_query),
            },
            input: Box::new(Input { call, bucket: found.cloned(), context }),
        }
    }

    async fn understand(&self, cx: &Cx, head: &RequestHead, body: Option<&Bytes>) -> Result<Announced, Rejected> {
        let call = identify(&head.method, &head.raw_path, &head.raw_query, &head.headers).map_err(|no_call| {
            let fault = match no_call {
                NoCall::InvalidUri => faults::invalid_uri(&head.raw_path),
                NoCall::MethodNotAllowed { resource_type } => faults::method_not_allowed(&head.method, resource_type),
            };
            Rejected { fault, known: None }
        })?;
        let rejected = |call, bucket, fault| Rejected {
            fault,
            known: Some(Box::new(self.describe(cx, head, body, call, bucket))),
        };
        let name = match &call.bucket {
            None => return Ok(self.describe(cx, head, body, call, Bucketed::None)),
            Some(name) => name.clone(),
        };
        if !names::is_bucket_name(&name) {
            return Err(rejected(call, Bucketed::Missing, faults::invalid_bucket_name(&name)));
        }
        match self.store.bucket(&name).await {
            Err(fault) => Err(rejected(call, Bucketed::Missing, fault)),
            Ok(found) if call.operation == "CreateBucket" => {
                let is_taken = found.is_some_and(|there| there.account != cx.account());
                let bucket = if is_taken { Bucketed::Taken } else { Bucketed::New };
                Ok(self.describe(cx, head, body, call, bucket))
            }
            Ok(None) => Err(rejected(call, Bucketed::Missing, faults::no_such_bucket(&name))),
            Ok(Some(bucket)) if bucket.region != cx.region => {
                let fault = faults::wrong_region(&cx.region, &bucket.region, cx.presigned);
                Err(rejected(call, Bucketed::Found(bucket, None), fault))
            }
            Ok(Some(bucket)) => match self.store.policy(&bucket).await {
                Ok(policy) => Ok(self.describe(cx, head, body, call, Bucketed::Found(bucket, policy))),
                // What it says cannot be found out, so nobody is let in.
                Err(fault) => Err(rejected(call, Bucketed::Found(bucket, None), fault)),
            },
        }
    }

    async fn answer(&self, cx: &Cx, head: &RequestHead, input: Input, body: RequestBody) -> Result<Answer, Fault> {
        let Input { call, bucket, context } = input;
        let foreign = bucket.as_ref().map(|b| b.account).filter(|account| *account != cx.account());
        let region = bucket.as_ref().map(|b| b.region.to_string());
        let reply = match self.reply(cx, head, &call, bucket.clone(), context.clone(), body).await {
            Err(fault) if fault.code == "NoSuchKey" => {
                Err(self.seen_by(cx, &context, bucket.as_ref(), &call, fault).await)
            }
            other => other,
        };
        let reply = reply.map_err(|fault| match region {
            // Errors about a bucket that exists say where it lies.
            Some(region) if matches!(fault.status, 403 | 404) && fault.code != "NoSuchBucket" => {
                fault.header(faults::BUCKET_REGION, region)
            }
            _ => fault,
        })?;
        // Whoever had the name when the call was announced, now it is the caller's.
        let owner = if call.operation == "CreateBucket" { Some(cx.account()) } else { foreign };
        let is_head = head.method == http::Method::HEAD;
        let additional_event_data = additional_event_data(&reply);
        let mut headers = reply.headers;
        if !is_head {
            headers.remove(http::header::CONTENT_LENGTH);
        }
        headers.remove(http::header::TRANSFER_ENCODING);
        Ok(Answer {
            status: reply.status,
            headers,
            body: match reply.body {
                Outgoing::Whole(bytes) => AnswerBody::Whole(bytes),
                Outgoing::Stream { bytes, length } => {
                    let bytes = bytes.map(|piece| piece.map_err(Into::into)).boxed();
                    AnswerBody::Stream { length, bytes }
                }
            },
            response_elements: None,
            additional_event_data,
            resources: owner.map(|owner| resources(&call, Owner::Account(owner), &head.raw_query)),
            copy_for: foreign,
        })
    }

    /// Whether a key is there is for those to know who may list the bucket; to others it is one more thing that they may not
    /// see (`spec/s3.md` 4).
    async fn seen_by(&self, cx: &Cx, context: &Context, bucket: Option<&Bucket>, call: &S3Call, fault: Fault) -> Fault {
        let Some(bucket) = bucket.filter(|_| call.read_only) else { return fault };
        let arn = Arn::bucket(&bucket.name);
        match self.authorizer.may(cx, context, "s3:ListBucket", &arn, bucket).await {
            Ok(()) => fault,
            Err(denial) if denial.status == 403 => faults::access_denied(),
            Err(trouble) => trouble,
        }
    }

    /// Checks what the request says, and hands it over.
    async fn reply(
        &self,
        cx: &Cx,
        head: &RequestHead,
        call: &S3Call,
        bucket: Option<Bucket>,
        context: Context,
        body: RequestBody,
    ) -> Result<Reply, Fault> {
        let is_about_policy = policy::BUILT.contains(&call.operation);
        let is_direct = DIRECT.contains(&call.operation);
        if !is_about_policy && !is_direct && !BUILT.contains(&call.operation) {
            return Err(faults::operation_not_implemented(call.operation));
        }
        let asked = Asked::read(head, cx.presigned)?;
        if let Some(bucket) = &bucket {
            faults::check_expected_owner(asked.header("x-amz-expected-bucket-owner"), bucket.account)?;
        }
        if let Some(key) = &call.key
            && key.len() > faults::KEY_BYTES_MAX
        {
            return Err(faults::key_too_long(key.len()));
        }
        if let (true, Some(bucket), RequestBody::Whole(document)) = (is_about_policy, &bucket, &body) {
            return self.policies.run(cx, &context, call, &asked, bucket, document).await;
        }
        let mut configuration = Configuration::default();
        let mut parameters = Vec::new();
        match call.operation {
            "PutObject" => refuse::new_object(&asked)?,
            "GetObject" | "HeadObject" => refuse::read_object(&asked)?,
            "DeleteObject" => refuse::delete_object(&asked)?,
            "CreateBucket" => {
                refuse::create_bucket(&asked)?;
                if let RequestBody::Whole(document) = &body {
                    checksum::check_document(&asked, document)?;
                    configuration = Configuration::read(document)?;
                }
            }
            "ListObjects" => parameters = list_parameters(&asked, false)?,
            "ListObjectsV2" => parameters = list_parameters(&asked, true)?,
            "GetBucketLocation" => parameters.push(("location", String::new())),
            _ => {}
        }
        let exchange = Exchange::new(Handover {
            call: call.clone(),
            asked,
            method: head.method.clone(),
            account: cx.account(),
            region: cx.region.clone(),
            now_s: self.world.now().as_second(),
            cx: cx.clone(),
            context,
            authorizer: self.authorizer.clone(),
            bucket,
            configuration,
            body: Some(body),
        });
        if is_direct {
            return self.backend.direct(&exchange).await;
        }
        pass(&self.s3s, &parameters, Arc::new(exchange)).await
    }
}

impl Service for S3Service {
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
        match identify(&head.method, &head.raw_path, &head.raw_query, &head.headers) {
            Ok(S3Call { operation: "PutObject" | "UploadPart", .. }) => {
                BodyRule::Stream { bytes_max: faults::OBJECT_BYTES_MAX }
            }
            Ok(S3Call { operation: "CompleteMultipartUpload" | "DeleteObjects", .. }) => {
                BodyRule::Whole { bytes_max: LONG_DOCUMENT_BYTES_MAX }
            }
            _ => BodyRule::Whole { bytes_max: DOCUMENT_BYTES_MAX },
        }
    }

    fn announce<'a>(
        &'a self,
        cx: &'a Cx,
        head: &'a RequestHead,
        body: Option<&'a Bytes>,
    ) -> BoxFuture<'a, Result<Announced, Rejected>> {
        self.understand(cx, head, body).boxed()
    }

    fn run<'a>(
        &'a self,
        cx: &'a Cx,
        head: &'a RequestHead,
        announced: &'a mut Announced,
        body: RequestBody,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        let input = std::mem::replace(&mut announced.input, Box::new(()));
        match input.downcast::<Input>() {
            Ok(input) => async move {
                let call = input.call.clone();
                let answer = self.answer(cx, head, *input, body).await;
                // Another account was faster: the name that was free when the call was announced is its bucket's now.
                if answer.as_ref().is_err_and(|fault| fault.code == "BucketAlreadyExists") {
                    announced.resources = resources(&call, Owner::Hidden, &head.raw_query);
                }
                answer
            }
            .boxed(),
            Err(_) => async { Err(faults::internal("run call", "announced by another service, or run twice")) }.boxed(),
        }
    }
}

/// What is known of the bucket that a call names.
enum Bucketed {
    /// The call names none.
    None,
    /// It is to be made, or is the caller's own already.
    New,
    /// It is to be made, and another account has the name: the decider is asked as for a new one, and the call will fail.
    Taken,
    /// There is none, or it could not be found out.
    Missing,
    /// With its policy, where it has one.
    Found(Bucket, Option<Arc<BucketPolicy>>),
}

impl Bucketed {
    fn found(&self) -> Option<&Bucket> {
        match self {
            Self::Found(bucket, _) => Some(bucket),
            _ => None,
        }
    }
}

/// What the decider is asked about.
fn arn(call: &S3Call) -> Arn {
    match (&call.bucket, &call.key) {
        (None, _) => Arn::bucket("*"),
        (Some(bucket), None) => Arn::bucket(bucket),
        (Some(bucket), Some(key)) => Arn::object(bucket, key),
    }
}

/// The record's resources (`spec/s3.md` 16, `spec/recorded.md` 10): the bucket, and for data events the object or the
/// beginning that all touched objects share.
fn resources(call: &S3Call, owner: Owner, raw_query: &str) -> Vec<RecordResource> {
    let Some(bucket) = &call.bucket else { return Vec::new() };
    let mut resources =
        vec![RecordResource { owner, kind: "AWS::S3::Bucket", arn: Arn::bucket(bucket), prefix: false }];
    let object = match (&call.key, call.operation) {
        (Some(key), _) => Some((Arn::object(bucket, key), false)),
        (None, "ListObjects" | "ListObjectsV2" | "ListObjectVersions") => {
            Some((Arn::object(bucket, &listed_prefix(raw_query)), true))
        }
        (None, "HeadBucket" | "DeleteObjects") => Some((Arn::object(bucket, ""), true)),
        (None, _) => None,
    };
    if let Some((arn, prefix)) = object {
        resources.push(RecordResource { owner: Owner::Absent, kind: "AWS::S3::Object", arn, prefix });
    }
    resources
}

/// The prefix that a listing asks for.
fn listed_prefix(raw_query: &str) -> String {
    let pair = raw_query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
    pair.and_then(crate::asked::decode_form).unwrap_or_default()
}

/// What the service adds to the record; the door adds what it knows itself.
fn additional_event_data(reply: &Reply) -> Option<RawJson> {
    let bytes = reply.object_bytes?;
    Some(RawJson::from_written(format!(r#"{{"objectSize":{bytes}}}"#).into_bytes()))
}
