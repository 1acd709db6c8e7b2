//! The port [`Buckets`], answered by stores elsewhere for the buckets that the configuration names.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentrail_delivery::{
    BucketError, BucketInfo, Buckets, File, OnBehalf, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPlace,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Refusal, read_refusal};
use crate::{RemoteBucket, SignS3, ToSign};

/// What a path keeps as it is: unreserved characters (RFC 3986) and slashes.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Buckets elsewhere; every other name is answered by the house's own.
pub struct RemoteBuckets {
    own: Arc<dyn Buckets>,
    by_name: HashMap<String, RemoteBucket>,
    signs: Arc<dyn SignS3>,
}

impl RemoteBuckets {
    /// `own` answers for what is not named in `remote`. A name that stands in both is the remote one's: the operator has
    /// said so.
    pub fn new(own: Arc<dyn Buckets>, remote: Vec<RemoteBucket>, signs: Arc<dyn SignS3>) -> Self {
        let by_name = remote.into_iter().map(|bucket| (bucket.name.clone(), bucket)).collect();
        Self { own, by_name, signs }
    }

    async fn call(
        &self,
        bucket: &RemoteBucket,
        method: Method,
        target: (&str, &str),
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<(), BucketError> {
        let (path, query) = target;
        let place = UpstreamPlace { endpoint_prefix: "s3".into(), region: bucket.region.to_string() };
        let unavailable = |why: String| BucketError::Unavailable(why.into());
        let host = HeaderValue::try_from(bucket.upstream.authority(&place));
        headers.insert(HOST, host.map_err(|_| unavailable("its address is no host name".into()))?);
        let signed = ToSign { method: &method, path, query, body: &body };
        self.signs.sign(bucket, signed, &mut headers).map_err(unavailable)?;
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let call = UpstreamCall { method, target, headers, body: UpstreamBody::Whole(body) };
        let failed = |error: UpstreamError| unavailable(error.to_string());
        let answer = bucket.upstream.send(place, call).await.map_err(failed)?;
        let status = answer.status;
        let refusal = read_refusal(answer).await.map_err(failed)?;
        if status == 200 { Ok(()) } else { Err(refused(&bucket.name, status, refusal)) }
    }
}

/// A bucket that is bound to the account on whose behalf the call is made.
fn bound(bucket: &RemoteBucket, by: &OnBehalf) -> Result<(), BucketError> {
    if bucket.accounts.contains(&by.source_account) {
        return Ok(());
    }
    let because = format!("the configuration does not bind it to account {}", by.source_account);
    Err(BucketError::Denied { bucket: bucket.name.clone(), because })
}

/// What the store's refusal means for whoever delivers. Everything that is neither a missing bucket nor a lack of rights
/// may pass: it is tried again.
fn refused(bucket: &str, status: u16, refusal: Refusal) -> BucketError {
    let Refusal { code, message } = refusal;
    match (status, code.as_str()) {
        (_, "NoSuchBucket") => BucketError::NoSuchBucket(bucket.to_owned()),
        (401 | 403, "SlowDown" | "RequestTimeTooSkewed") => {
            BucketError::Unavailable(format!("the store answered {status} {code}: {message}").into())
        }
        (401 | 403, _) => BucketError::Denied {
            bucket: bucket.to_owned(),
            because: format!("the store answered {status} {code}: {message}"),
        },
        _ => BucketError::Unavailable(format!("the store answered {status} {code}: {message}").into()),
    }
}

fn headers_of(file: &File) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    if let Some(encoding) = file.content_encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.insert("x-amz-acl", HeaderValue::from_static("bucket-owner-full-control"));
    for (name, value) in &file.metadata {
        let name = HeaderName::try_from(format!("x-amz-meta-{name}")).map_err(|_| "metadata has no such name")?;
        headers.insert(name, HeaderValue::try_from(value).map_err(|_| "metadata has no such value")?);
    }
    Ok(headers)
}

impl Buckets for RemoteBuckets {
    fn describe<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>> {
        match self.by_name.get(bucket) {
            None => self.own.describe(bucket),
            Some(remote) => {
                let info = BucketInfo { account: remote.owner, region: remote.region.clone() };
                async move { Ok(info) }.boxed()
            }
        }
    }

    fn read_acl<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        let Some(remote) = self.by_name.get(bucket) else { return self.own.read_acl(by, bucket) };
        async move {
            bound(remote, by)?;
            let path = format!("/{}", utf8_percent_encode(bucket, PATH));
            self.call(remote, Method::GET, (&path, "acl="), HeaderMap::new(), Bytes::new()).await
        }
        .boxed()
    }

    fn put<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>> {
        let Some(remote) = self.by_name.get(bucket) else { return self.own.put(by, bucket, file) };
        async move {
            bound(remote, by)?;
            let path = format!("/{}/{}", utf8_percent_encode(bucket, PATH), utf8_percent_encode(&file.key, PATH));
            let headers = headers_of(&file).map_err(|why| BucketError::Unavailable(why.into()))?;
            self.call(remote, Method::PUT, (&path, ""), headers, file.bytes).await
        }
        .boxed()
    }
}
