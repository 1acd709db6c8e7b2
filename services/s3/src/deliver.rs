//! Buckets for services that act on somebody's behalf: the port [`Buckets`], through which trails deliver.
//!
//! Nothing but the bucket's own policy opens a bucket to a service, also where bucket and trail have one owner. What is put is an
//! object like any other, and its record is that of a call by the service (`spec/s3.md` 16).

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use opentrail_delivery::{BucketError, BucketInfo, Buckets, File, OnBehalf};
use opentrail_event::{Arn, Category, Owner, RawJson, RecordResource, UserIdentity, write_text};
use opentrail_journal::{Call, CallClass, Capture, Outcome, Ticket};
use opentrail_policy::{Context, Wanted};
use opentrail_wire::{Fault, RequestBody};
use opentrail_world::World;

use crate::bodies::Intake;
use crate::checksum::Declared;
use crate::store::rows::ContentHeaders;
use crate::store::{Bucket, NewObject, Store};

/// The ACL of everything that is delivered.
const ACL: &str = "bucket-owner-full-control";
/// Of what request ids of S3 are made: 16 of these.
const REQUEST_ID_ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const REQUEST_ID_CHARS: usize = 16;

/// Implements [`Buckets`].
pub(crate) struct Deliveries {
    pub(crate) store: Arc<Store>,
    pub(crate) capture: Arc<dyn Capture>,
    pub(crate) world: World,
}

impl Deliveries {
    async fn find(&self, name: &str) -> Result<Bucket, BucketError> {
        let found = self.store.bucket(name).await.map_err(unavailable)?;
        found.ok_or_else(|| BucketError::NoSuchBucket(name.to_owned()))
    }

    /// The bucket, if its policy lets the service do this.
    async fn welcome(&self, by: &OnBehalf, name: &str, action: &str, arn: &Arn) -> Result<Bucket, BucketError> {
        let bucket = self.find(name).await?;
        let denied = |because: String| Err(BucketError::Denied { bucket: name.to_owned(), because });
        let Some(policy) = self.store.policy(&bucket).await.map_err(unavailable)? else {
            return denied("it has no policy".into());
        };
        let mut context = Context::new()
            .with("aws:RequestedRegion", bucket.region.as_str())
            .with("s3:ResourceAccount", bucket.account.as_str())
            .with("s3:authType", "REST-HEADER")
            .with("s3:signatureversion", "AWS4-HMAC-SHA256");
        if action == "s3:PutObject" {
            context.set("s3:x-amz-acl", ACL);
        }
        let service = opentrail_policy::OnBehalf {
            service: by.service,
            source_arn: &by.source_arn,
            source_account: by.source_account,
        };
        let wanted =
            Wanted { action, resource: arn, owner: bucket.account, policy: Some(&policy.policy), context: &context };
        match service.may(&wanted, self.world.now()) {
            Ok(()) => Ok(bucket),
            Err(because) => denied(format!("{action} on {arn}: {because}")),
        }
    }

    /// The call as the bucket's owner will read of it.
    fn call(&self, by: &OnBehalf, bucket: &Bucket, key: &str) -> Call {
        let mut parameters = b"{\"bucketName\":".to_vec();
        write_text(&mut parameters, &bucket.name);
        parameters.extend_from_slice(b",\"Host\":");
        write_text(&mut parameters, &format!("{}.s3.{}.amazonaws.com", bucket.name, bucket.region));
        parameters.extend_from_slice(b",\"key\":");
        write_text(&mut parameters, key);
        parameters.extend_from_slice(format!(",\"x-amz-acl\":\"{ACL}\"}}").as_bytes());
        let owner = Owner::Account(bucket.account);
        Call {
            class: CallClass { category: Category::Data, read_only: false, mints_credentials: false },
            runs: true,
            user_identity: UserIdentity::service(by.service),
            account: bucket.account,
            region: bucket.region.clone(),
            event_source: "s3.amazonaws.com".into(),
            event_name: "PutObject".into(),
            api_version: None,
            source_ip_address: by.service.into(),
            user_agent: Some(by.service.into()),
            request_id: self.world.text(REQUEST_ID_ALPHABET, REQUEST_ID_CHARS),
            request_parameters: Some(RawJson::from_written(parameters)),
            resources: vec![
                RecordResource { owner, kind: "AWS::S3::Bucket", arn: Arn::bucket(&bucket.name), prefix: false },
                RecordResource {
                    owner: Owner::Absent,
                    kind: "AWS::S3::Object",
                    arn: Arn::object(&bucket.name, key),
                    prefix: false,
                },
            ],
            tls: None,
            copy_for: None,
            identity_verified: true,
        }
    }

    /// A delivery does not wait for its own record: were the journal full, what would empty it could not go out.
    async fn announce(&self, call: Call) -> Option<Ticket> {
        match self.capture.begin(call).await {
            Ok(ticket) => Some(ticket),
            Err(refused) => {
                unrecorded(&refused);
                None
            }
        }
    }

    async fn store(&self, bucket: &Bucket, file: File) -> Result<u64, Fault> {
        let headers = ContentHeaders {
            content_type: Some(file.content_type.into()),
            content_encoding: file.content_encoding.map(str::to_owned),
            ..ContentHeaders::default()
        };
        let metadata: BTreeMap<String, String> = file.metadata.into_iter().collect();
        let intake = Intake::new(RequestBody::Whole(file.bytes), Declared::default())?;
        let row =
            self.store.put(bucket, &file.key, NewObject { headers, metadata, ..NewObject::default() }, intake).await?;
        Ok(row.bytes)
    }

    async fn deliver(&self, by: &OnBehalf, name: &str, file: File) -> Result<(), BucketError> {
        let arn = Arn::object(name, &file.key);
        let bucket = self.welcome(by, name, "s3:PutObject", &arn).await?;
        let ticket = match file.recorded {
            true => self.announce(self.call(by, &bucket, &file.key)).await,
            false => None,
        };
        let stored = self.store(&bucket, file).await;
        if let Some(ticket) = ticket
            && let Err(refused) = self.capture.finish(ticket, outcome(&stored)).await
        {
            unrecorded(&refused);
        }
        match stored {
            Ok(_) => Ok(()),
            // Deleted since it was found.
            Err(fault) if fault.code == "NoSuchBucket" => Err(BucketError::NoSuchBucket(name.to_owned())),
            Err(fault) => Err(unavailable(fault)),
        }
    }
}

fn outcome(stored: &Result<u64, Fault>) -> Outcome {
    match stored {
        Ok(bytes) => Outcome {
            additional_event_data: Some(RawJson::from_written(
                format!("{{\"bytesTransferredIn\":{bytes},\"objectSize\":{bytes},\"bytesTransferredOut\":0}}")
                    .into_bytes(),
            )),
            ..Outcome::default()
        },
        Err(fault) => Outcome {
            error_code: Some(fault.code.to_string()),
            error_message: Some(fault.message.clone()),
            ..Outcome::default()
        },
    }
}

fn unrecorded(refused: &opentrail_journal::Refused) {
    metrics::counter!("opentrail_s3_unrecorded_deliveries_total").increment(1);
    tracing::warn!(error = %refused, "a delivery goes on without its record");
}

fn unavailable(fault: Fault) -> BucketError {
    BucketError::Unavailable(fault.to_string().into())
}

impl Buckets for Deliveries {
    fn describe<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>> {
        async move {
            let bucket = self.find(bucket).await?;
            Ok(BucketInfo { account: bucket.account, region: bucket.region })
        }
        .boxed()
    }

    fn read_acl<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        async move { self.welcome(by, bucket, "s3:GetBucketAcl", &Arn::bucket(bucket)).await.map(drop) }.boxed()
    }

    fn put<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>> {
        self.deliver(by, bucket, file).boxed()
    }
}
