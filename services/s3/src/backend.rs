//! The operations: those behind s3s with decoded inputs in and outputs back, and those that pass it by ([`direct`]).

mod acls;
mod attributes;
mod buckets;
mod copies;
pub(crate) mod deletions;
mod direct;
mod lists;
mod objects;
mod tagging;
#[cfg(test)]
mod tests;
mod uploads;
mod versions;

use std::sync::Arc;

use opentrail_event::Region;
use opentrail_wire::Fault;
use s3s::dto::{
    CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, DeleteObjectInput,
    DeleteObjectOutput, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::codec::Exchange;
use crate::faults;
use crate::store::Store;

pub(crate) use direct::DIRECT;
pub(crate) use lists::parameters as list_parameters;

/// The operations that s3s decodes, by their API names.
pub(crate) const BUILT: [&str; 11] = [
    "CreateBucket",
    "DeleteBucket",
    "DeleteObject",
    "GetBucketLocation",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListObjects",
    "ListObjectsV2",
    "PutObject",
];

/// What s3s calls, or the service itself.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) store: Arc<Store>,
    /// Regions that are served.
    pub(crate) regions: Vec<Region>,
}

/// Bucket and key of an input.
type Names<'a> = (Option<&'a str>, Option<&'a str>);

/// The exchange that the call belongs to, and its input.
///
/// s3s finds the operation and its names anew. Where they are not those that were announced, nobody decided about them and the
/// record would name something else: then nothing runs.
fn open<T>(
    mut request: S3Request<T>,
    operation: &'static str,
    names: impl Fn(&T) -> Names<'_>,
) -> S3Result<(Arc<Exchange>, T)> {
    let exchange = request.extensions.remove::<Arc<Exchange>>();
    // Only `codec::pass` calls s3s, and it puts one there.
    let exchange = exchange.ok_or_else(|| S3Error::new(S3ErrorCode::InternalError))?;
    let call = &exchange.call;
    if call.operation != operation || names(&request.input) != (call.bucket.as_deref(), call.key.as_deref()) {
        let difference =
            format!("{} was announced, and the codec understood {operation} or other names", call.operation);
        return Err(leave(&exchange, faults::internal("run call", difference)));
    }
    Ok((exchange, request.input))
}

/// Ends a call. A fault is left beside the answer: `codec::pass` finds it there, with all its details.
fn close<T>(exchange: &Exchange, result: Result<S3Response<T>, Fault>) -> S3Result<S3Response<T>> {
    result.map_err(|fault| leave(exchange, fault))
}

fn leave(exchange: &Exchange, fault: Fault) -> S3Error {
    exchange.beside().fault = Some(fault);
    S3Error::new(S3ErrorCode::InternalError)
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let (exchange, input) = open(req, "CreateBucket", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.make_bucket(&exchange, &input.bucket).await)
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        let (exchange, _) = open(req, "DeleteBucket", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.remove_bucket(&exchange).await)
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let (exchange, _) = open(req, "HeadBucket", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.describe_bucket(&exchange))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let (exchange, _) = open(req, "GetBucketLocation", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.locate_bucket(&exchange))
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let (exchange, _) = open(req, "ListBuckets", |_| (None, None))?;
        close(&exchange, self.page_of_buckets(&exchange).await)
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (exchange, input) = open(req, "PutObject", |i| (Some(&i.bucket), Some(&i.key)))?;
        close(&exchange, self.put(&exchange, input).await)
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let (exchange, input) = open(req, "GetObject", |i| (Some(&i.bucket), Some(&i.key)))?;
        close(&exchange, self.get(&exchange, &input.key).await)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let (exchange, input) = open(req, "HeadObject", |i| (Some(&i.bucket), Some(&i.key)))?;
        close(&exchange, self.head(&exchange, &input.key).await)
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (exchange, input) = open(req, "DeleteObject", |i| (Some(&i.bucket), Some(&i.key)))?;
        close(&exchange, self.delete(&exchange, &input.key).await)
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        let (exchange, input) = open(req, "ListObjects", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.list_v1(&exchange, input).await)
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let (exchange, input) = open(req, "ListObjectsV2", |i| (Some(&i.bucket), None))?;
        close(&exchange, self.list_v2(&exchange, input).await)
    }
}
