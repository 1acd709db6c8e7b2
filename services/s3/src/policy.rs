//! The policies of buckets: the calls that change them, and the questions that are asked of them (`spec/s3.md` 10).
//!
//! Nothing here is anonymous, so a policy that is open to everybody is refused, as a bucket of AWS refuses it whose
//! `BlockPublicPolicy` was never switched off. Principals are fixed when a policy is put: a user made again under an old name
//! is not the one who was meant.

mod authorize;
mod circumstances;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use opentrail_event::AccountId;
use opentrail_policy::{Context, Kind, Named, Policy, Principals, renamed};
use opentrail_protocol::s3::S3Call;
use opentrail_wire::{Cx, Fault};

pub(crate) use authorize::Authorizer;
pub(crate) use circumstances::context;

use crate::asked::Asked;
use crate::bodies::Outgoing;
use crate::codec::Reply;
use crate::store::{Bucket, Store};
use crate::{checksum, faults, spell};

/// The operations that are built here, by their API names.
pub(crate) const BUILT: [&str; 4] =
    ["DeleteBucketPolicy", "GetBucketPolicy", "GetBucketPolicyStatus", "PutBucketPolicy"];
/// Without it set to true, a policy is refused that takes from its caller the right to change it again.
const CONFIRM: &str = "x-amz-confirm-remove-self-bucket-access";
/// Accounts that are read at once when a canonical id is looked for.
const ACCOUNTS_PER_READ: usize = 1_000;

/// Runs the calls about policies.
pub(crate) struct Policies {
    pub(crate) store: Arc<Store>,
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) principals: Arc<dyn Principals>,
}

impl Policies {
    /// Runs one of [`BUILT`].
    pub(crate) async fn run(
        &self,
        cx: &Cx,
        context: &Context,
        call: &S3Call,
        asked: &Asked,
        bucket: &Bucket,
        document: &Bytes,
    ) -> Result<Reply, Fault> {
        // Another account's caller may be allowed it, and still a policy is its owner's.
        if bucket.account != cx.account() {
            let method = if call.operation.starts_with("Put") { http::Method::PUT } else { http::Method::GET };
            return Err(faults::method_not_allowed(&method, "BUCKETPOLICY"));
        }
        match call.operation {
            "PutBucketPolicy" => {
                checksum::check_document(asked, document)?;
                self.put(cx, context, asked, bucket, document).await?;
                Ok(answer(204, None, Bytes::new()))
            }
            "DeleteBucketPolicy" => {
                self.store.delete_policy(bucket).await?;
                Ok(answer(204, None, Bytes::new()))
            }
            "GetBucketPolicy" => {
                let text = self.shown(bucket).await?;
                Ok(answer(200, Some("application/json"), text.into()))
            }
            _ => {
                let policy = self.store.policy(bucket).await?;
                let policy = policy.ok_or_else(|| faults::no_such_bucket_policy(&bucket.name))?;
                let is_public = policy.policy.is_public();
                let document = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PolicyStatus \
                     xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsPublic>{is_public}</IsPublic></PolicyStatus>"
                );
                Ok(answer(200, Some("application/xml"), document.into()))
            }
        }
    }

    async fn put(
        &self,
        cx: &Cx,
        context: &Context,
        asked: &Asked,
        bucket: &Bucket,
        document: &Bytes,
    ) -> Result<(), Fault> {
        let kind = Kind::Bucket { bucket: bucket.name.clone() };
        let policy = Policy::parse(document, &kind).map_err(|e| faults::malformed_policy(e.message, e.detail))?;
        let bindings = self.bindings(&policy).await?;
        let policy = policy.bind(&bindings);
        let who = cx.principal.arn();
        let denied = |why: &str| {
            let arn = opentrail_event::Arn::bucket(&bucket.name);
            let message =
                format!("User: {who} is not authorized to perform: s3:PutBucketPolicy on resource: \"{arn}\" {why}");
            Fault::new("AccessDenied", 403, message)
        };
        if policy.is_public() {
            return Err(denied(
                "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
            ));
        }
        let confirmed = asked.header(CONFIRM).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !confirmed && !self.authorizer.could(cx, context, "s3:PutBucketPolicy", bucket, &policy).await? {
            return Err(denied(
                "because the new policy would not let you change it again; send x-amz-confirm-remove-self-bucket-access: \
                 true if that is meant.",
            ));
        }
        let text = std::str::from_utf8(document).map_err(|e| faults::internal("store policy", e))?;
        self.store.put_policy(bucket, text.to_owned(), bindings).await
    }

    /// Whom the policy means, each of its names fixed to somebody there is.
    async fn bindings(&self, policy: &Policy) -> Result<BTreeMap<String, String>, Fault> {
        let mut bindings = BTreeMap::new();
        for named in policy.named() {
            let found = match &named {
                Named::Canonical(id) => self.account_of(id).await?.map(|account| account.to_string()),
                _ => self.bind(&named).await?,
            };
            let kind = if matches!(named, Named::Canonical(_)) { "CanonicalUser" } else { "AWS" };
            let text = named.text();
            let Some(found) = found else {
                let detail = format!("\"{kind}\" : \"{text}\" is nobody here");
                return Err(faults::malformed_policy("Invalid principal in policy", detail));
            };
            bindings.insert(text, found);
        }
        Ok(bindings)
    }

    async fn bind(&self, named: &Named) -> Result<Option<String>, Fault> {
        self.principals.bind(named).await.map_err(|e| faults::internal("find principal", e))
    }

    /// The account with that canonical id: canonical ids are made of accounts, and not the other way round.
    async fn account_of(&self, canonical_id: &str) -> Result<Option<AccountId>, Fault> {
        let mut after = None;
        loop {
            let page = self.principals.accounts(after, ACCOUNTS_PER_READ).await;
            let page = page.map_err(|e| faults::internal("find principal", e))?;
            if let Some(found) = page.iter().find(|account| spell::canonical_id(**account) == canonical_id) {
                return Ok(Some(*found));
            }
            after = page.last().copied();
            if page.len() < ACCOUNTS_PER_READ {
                return Ok(None);
            }
        }
    }

    /// The policy as it was put, save that whoever was renamed is shown by the ARN of now, and who is gone by the id that was
    /// meant, as AWS does.
    async fn shown(&self, bucket: &Bucket) -> Result<String, Fault> {
        let policy = self.store.policy(bucket).await?;
        let policy = policy.ok_or_else(|| faults::no_such_bucket_policy(&bucket.name))?;
        let names = self.principals.names(&policy.row.bindings).await;
        let names = names.map_err(|e| faults::internal("find principals", e))?;
        Ok(renamed(&policy.row.text, &names))
    }
}

fn answer(status: u16, content_type: Option<&'static str>, body: Bytes) -> Reply {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Reply { status, headers, body: Outgoing::Whole(body), object_bytes: None }
}
