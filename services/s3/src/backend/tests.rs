//! What s3s understands is held against what was announced.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::{HeaderMap, Method};
use opentrail_blobs::{BlobKey, Blobs, Source};
use opentrail_catalog::{Catalog, From, Key, Txn, Versioned};
use opentrail_event::Category;
use opentrail_protocol::s3::S3Call;
use opentrail_wire::{RequestBody, RequestHead};
use opentrail_world::World;
use s3s::service::S3ServiceBuilder;

use super::Backend;
use crate::asked::Asked;
use crate::codec::{Exchange, Handover, pass};
use crate::policy::Authorizer;
use crate::refuse::Configuration;
use crate::store::{Bucket, Store};

/// Engines that nothing may reach.
struct Untouched;

impl Catalog for Untouched {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, opentrail_catalog::Error>> {
        panic!("read {key:?}")
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        _: From,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, opentrail_catalog::Error>> {
        panic!("listed {prefix:?}")
    }

    fn txn(&self, _: Txn) -> BoxFuture<'_, Result<(), opentrail_catalog::Error>> {
        panic!("changed rows")
    }
}

impl Blobs for Untouched {
    fn put<'a>(
        &'a self,
        key: &'a BlobKey,
        _: Source<'a>,
        _: bool,
    ) -> BoxFuture<'a, Result<u64, opentrail_blobs::Error>> {
        panic!("wrote {key:?}")
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        _: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, opentrail_blobs::Error>>, opentrail_blobs::Error>> {
        panic!("read {key:?}")
    }

    fn read<'a>(&'a self, key: &'a BlobKey, _: Range<u64>) -> BoxFuture<'a, Result<Bytes, opentrail_blobs::Error>> {
        panic!("read {key:?}")
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, opentrail_blobs::Error>> {
        panic!("read {key:?}")
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        _: Option<&'a BlobKey>,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, opentrail_blobs::Error>> {
        panic!("listed {prefix:?}")
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), opentrail_blobs::Error>> {
        panic!("deleted {key:?}")
    }
}

impl opentrail_policy::Decide for Untouched {
    fn decide<'a>(&'a self, question: opentrail_policy::Question<'a>) -> BoxFuture<'a, opentrail_policy::Decision> {
        panic!("asked {question:?}")
    }
}

fn cx() -> opentrail_wire::Cx {
    let account = "111111111111".parse().unwrap();
    let kind = opentrail_policy::PrincipalKind::Root;
    opentrail_wire::Cx {
        principal: Arc::new(opentrail_policy::Principal {
            kind,
            account,
            access_key_id: "AKIAX".into(),
            session: None,
        }),
        region: "us-east-1".parse().unwrap(),
        request_id: "0123456789ABCDEF".into(),
        received_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        source_ip: [127, 0, 0, 1].into(),
        user_agent: None,
        tls: None,
        presigned: false,
    }
}

/// Whatever makes announcement and codec differ, nothing runs.
#[tokio::test]
async fn only_what_was_announced_runs() {
    let check = async |operation: &'static str, method: Method, bucket: Option<&str>, key: Option<&str>| {
        let (world, _clock) = World::simulated(1, "2026-11-21T10:00:00Z".parse().unwrap());
        let store = Arc::new(Store::new(Arc::new(Untouched), Arc::new(Untouched), world));
        let authorizer = Arc::new(Authorizer { store: store.clone(), decide: Arc::new(Untouched) });
        let s3s = S3ServiceBuilder::new(Backend { store, regions: vec!["us-east-1".parse().unwrap()] }).build();
        let call = S3Call {
            operation,
            event_name: operation,
            action: "s3:Something",
            category: Category::Management,
            read_only: false,
            bucket: bucket.map(str::to_owned),
            key: key.map(str::to_owned),
        };
        let head = RequestHead {
            method: method.clone(),
            raw_path: "/".into(),
            raw_query: String::new(),
            headers: HeaderMap::new(),
        };
        let exchange = Exchange::new(Handover {
            call,
            asked: Asked::read(&head, false).unwrap(),
            method: method.clone(),
            account: "111111111111".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            now_s: 0,
            cx: cx(),
            context: Default::default(),
            authorizer,
            bucket: Some(Bucket {
                id: "0".into(),
                name: "bkt".into(),
                account: "111111111111".parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
                location: None,
            }),
            configuration: Configuration::default(),
            body: Some(RequestBody::Whole(Bytes::new())),
        });
        let fault = pass(&s3s, &[], Arc::new(exchange)).await.err().expect("nothing runs");
        assert_eq!(
            (fault.status, fault.code.as_ref()),
            (500, "InternalError"),
            "{operation} {method} {bucket:?} {key:?}"
        );
    };
    // Another operation than the announced one.
    check("CreateBucket", Method::DELETE, Some("bkt"), None).await;
    check("DeleteBucket", Method::PUT, Some("bkt"), None).await;
    check("CreateBucket", Method::PUT, Some("bkt"), Some("k")).await;
    check("GetObject", Method::DELETE, Some("bkt"), Some("k")).await;
    check("GetBucketLocation", Method::GET, Some("bkt"), None).await;
    check("ListObjects", Method::GET, None, None).await;
    // Other names: s3s takes an encoded slash for a slash.
    check("PutObject", Method::PUT, Some("bkt/k"), None).await;
    check("PutObject", Method::PUT, Some("bkt/k"), Some("l")).await;
    check("DeleteObject", Method::DELETE, Some("bkt/k"), Some("l")).await;
    check("CreateBucket", Method::PUT, Some("bkt/k"), None).await;
    check("DeleteBucket", Method::DELETE, Some("bkt/"), None).await;
}
