//! Buckets for services: the port's kit, and what stands on record of a delivery.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_delivery::kit::{self, Kept, Setup};
use opentrail_delivery::{BucketError, BucketInfo, Buckets, OnBehalf};
use opentrail_event::{AccountId, EventId};
use opentrail_journal::{Call, Capture, Outcome, Position, Refused, Ticket, Urgency};

use crate::door::{ALICE, BOB, House, delete, get, head, put, run};

/// Keeps what is recorded; refuses on demand.
#[derive(Default)]
struct Book {
    calls: Mutex<Vec<(Call, Outcome)>>,
    refuses: Mutex<bool>,
}

impl Capture for Book {
    fn begin(&self, call: Call) -> BoxFuture<'_, Result<Ticket, Refused>> {
        let refused = *self.refuses.lock().unwrap();
        async move {
            if refused {
                return Err(Refused::Busy("full".into()));
            }
            Ok(Ticket { event_id: EventId::from_bytes([7; 16]), wanted: true, urgency: Urgency::Normal, call })
        }
        .boxed()
    }

    fn finish(&self, ticket: Ticket, outcome: Outcome) -> BoxFuture<'_, Result<Option<Position>, Refused>> {
        self.calls.lock().unwrap().push((ticket.call, outcome));
        async { Ok(None) }.boxed()
    }

    fn withdraw(&self, _ticket: Ticket) -> BoxFuture<'_, Result<(), Refused>> {
        async { Ok(()) }.boxed()
    }

    fn missed(&self, _account: AccountId) {}
}

struct Delivering {
    house: House,
    book: Arc<Book>,
    buckets: Arc<dyn Buckets>,
}

fn delivering() -> Delivering {
    let (house, book) = (House::new(), Arc::new(Book::default()));
    let buckets = house.s3.buckets(book.clone());
    Delivering { house, book, buckets }
}

fn owner(info: &BucketInfo) -> &'static str {
    [ALICE, BOB].into_iter().find(|id| *id == info.account.as_str()).unwrap()
}

/// What AWS documents for a trail (`spec/delivery.md` 2.2).
fn trail_policy(bucket: &str, source: &OnBehalf) -> String {
    let (arn, service, account) = (&source.source_arn, source.service, source.source_account);
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{{"Service":"{service}"}},
          "Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::{bucket}",
          "Condition":{{"StringEquals":{{"aws:SourceArn":"{arn}"}}}}}},
        {{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{{"Service":"{service}"}},
          "Action":"s3:PutObject","Resource":"arn:aws:s3:::{bucket}/*",
          "Condition":{{"StringEquals":{{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"{arn}",
                                         "aws:SourceAccount":"{account}"}}}}}}]}}"#
    )
}

impl Setup for Delivering {
    fn buckets(&self) -> &dyn Buckets {
        &*self.buckets
    }

    fn make<'a>(&'a self, bucket: &'a str, info: &'a BucketInfo) -> BoxFuture<'a, ()> {
        async move {
            let constraint = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                <LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
            let ask = put(format!("/{bucket}")).by(owner(info)).at("eu-west-1").body(constraint);
            self.house.call(&ask).await.unwrap();
        }
        .boxed()
    }

    fn welcome<'a>(&'a self, bucket: &'a str, source: &'a OnBehalf) -> BoxFuture<'a, ()> {
        async move {
            let ask = put(format!("/{bucket}?policy")).at("eu-west-1").body(trail_policy(bucket, source));
            self.house.call(&ask).await.unwrap();
        }
        .boxed()
    }

    fn close<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, ()> {
        async move {
            self.house.call(&delete(format!("/{bucket}?policy")).at("eu-west-1")).await.unwrap();
        }
        .boxed()
    }

    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<Kept>> {
        async move {
            let reply = self.house.call(&get(format!("/{bucket}/{key}")).at("eu-west-1")).await.ok()?;
            let metadata = ["signature", "signature-algorithm"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), reply.header(&format!("x-amz-meta-{name}"))?.to_owned())));
            Some(Kept {
                bytes: reply.body.clone(),
                content_type: reply.header("content-type").unwrap().to_owned(),
                content_encoding: reply.header("content-encoding").map(str::to_owned),
                metadata: metadata.collect(),
            })
        }
        .boxed()
    }
}

#[test]
fn s3_passes_the_kit() {
    run(kit::run(&delivering()));
}

#[test]
fn a_delivery_is_an_object_like_any_other() {
    let it = delivering();
    it.house.ok(&put("/bkt"));
    let by = kit::trail(BOB, "t");
    it.house.ok(&put("/bkt?policy").body(trail_policy("bkt", &by)));
    run(it.buckets.put(&by, "bkt", kit::file("AWSLogs/x/", b""))).unwrap();
    let seen = it.house.ok(&head("/bkt/AWSLogs/x/").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!(seen.header("etag"), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    assert_eq!(seen.header("x-amz-checksum-crc64nvme"), Some("AAAAAAAAAAA="));
    assert_eq!(seen.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
}

#[test]
fn a_delivery_is_on_record_in_the_buckets_account() {
    let it = delivering();
    it.house.ok(&put("/bkt"));
    let by = kit::trail(BOB, "t");
    let denied = run(it.buckets.put(&by, "bkt", kit::file("k", b"bytes")));
    assert!(matches!(denied, Err(BucketError::Denied { .. })));
    it.house.ok(&put("/bkt?policy").body(trail_policy("bkt", &by)));
    run(it.buckets.put(&by, "bkt", kit::file("k\"", b"bytes"))).unwrap();
    let quiet = opentrail_delivery::File { recorded: false, ..kit::file("quiet", b"bytes") };
    run(it.buckets.put(&by, "bkt", quiet)).unwrap();
    let calls = it.book.calls.lock().unwrap();
    let [(call, outcome)] = &calls[..] else { panic!("one record, not {}", calls.len()) };
    assert_eq!(call.account.as_str(), ALICE);
    assert_eq!((call.event_name.as_str(), call.region.as_str()), ("PutObject", "us-east-1"));
    let identity = serde_json::to_string(&call.user_identity).unwrap();
    assert_eq!(identity, r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#);
    assert_eq!(call.source_ip_address, "cloudtrail.amazonaws.com");
    assert_eq!(call.user_agent.as_deref(), Some("cloudtrail.amazonaws.com"));
    assert_eq!(call.request_id.len(), 16);
    let parameters = call.request_parameters.as_ref().unwrap().as_bytes();
    assert_eq!(
        std::str::from_utf8(parameters).unwrap(),
        r#"{"bucketName":"bkt","Host":"bkt.s3.us-east-1.amazonaws.com","key":"k\"","x-amz-acl":"bucket-owner-full-control"}"#
    );
    let arns: Vec<&str> = call.resources.iter().map(|r| r.arn.as_str()).collect();
    assert_eq!(arns, ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/k\""]);
    assert_eq!(outcome.error_code, None);
}

#[test]
fn a_delivery_goes_on_without_its_record() {
    let it = delivering();
    it.house.ok(&put("/bkt"));
    let by = kit::trail(ALICE, "t");
    it.house.ok(&put("/bkt?policy").body(trail_policy("bkt", &by)));
    *it.book.refuses.lock().unwrap() = true;
    run(it.buckets.put(&by, "bkt", kit::file("k", b"bytes"))).unwrap();
    assert_eq!(it.house.ok(&get("/bkt/k")).text(), "bytes");
}
