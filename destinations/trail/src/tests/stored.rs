//! Stored records as version 1 wrote them. These bytes stay readable for ever.

use opentrail_catalog::{Stored, decode, encode};

use super::*;
use crate::chains::row::{Chain, Newest, Place};
use crate::spool::row::{Delivered, Head, Kind as FileKind, Spooled};
use crate::status::Attempts;

/// The record has these bytes, and these bytes are the record.
fn check<T: Stored + PartialEq + std::fmt::Debug>(record: &T, json: &str) {
    let bytes = [b"\0\x01", json.as_bytes()].concat();
    assert_eq!(String::from_utf8_lossy(&encode(record)), String::from_utf8_lossy(&bytes));
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(record));
}

fn arn() -> opentrail_event::Arn {
    opentrail_event::Arn::regional("cloudtrail", &region("us-east-1"), account(1), "trail/t")
}

#[test]
fn the_follower_and_its_files() {
    check(&Head { commits: 3, positions: [(0, 7), (1, 9)].into() }, r#"{"commits":3,"positions":{"0":7,"1":9}}"#);
    let file = Spooled {
        seq: 5,
        kind: FileKind::Log,
        trail: "00ff".into(),
        arn: arn(),
        run: 2,
        chain_started_s: Some(1_780_000_000),
        account: account(1),
        region: region("eu-west-1"),
        bucket: "logs".into(),
        prefix: Some("a".into()),
        key: "a/AWSLogs/k".into(),
        blob: "spool/1-2".into(),
        bytes: 100,
        sha256: "ab".into(),
        oldest_s: Some(1),
        newest_s: Some(2),
        staged_s: 3,
        recorded: true,
        signature: None,
    };
    check(
        &file,
        r#"{"seq":5,"kind":"log","trail":"00ff","arn":"arn:aws:cloudtrail:us-east-1:000000000001:trail/t","run":2,"chain_started_s":1780000000,"account":"000000000001","region":"eu-west-1","bucket":"logs","prefix":"a","key":"a/AWSLogs/k","blob":"spool/1-2","bytes":100,"sha256":"ab","oldest_s":1,"newest_s":2,"staged_s":3,"recorded":true,"signature":null}"#,
    );
    check(
        &Delivered::of(&file, 4).expect("it is chained"),
        r#"{"seq":5,"trail":"00ff","arn":"arn:aws:cloudtrail:us-east-1:000000000001:trail/t","run":2,"chain_started_s":1780000000,"account":"000000000001","region":"eu-west-1","bucket":"logs","prefix":"a","key":"a/AWSLogs/k","sha256":"ab","oldest_s":1,"newest_s":2,"delivered_s":4}"#,
    );
    let digest = Spooled { kind: FileKind::Digest, signature: Some("cd".into()), prefix: None, ..file };
    let json = String::from_utf8_lossy(&encode(&digest)[2..]).into_owned();
    assert!(json.contains(r#""kind":"digest""#) && json.ends_with(r#""signature":"cd"}"#), "{json}");
}

#[test]
fn chains_and_statuses() {
    let chain = Chain {
        trail: "00ff".into(),
        run: 2,
        region: region("eu-west-1"),
        place: Place { account: account(1), arn: arn(), bucket: "logs".into(), prefix: None },
        started_s: 1,
        newest: Newest {
            end_s: 2,
            bucket: "logs".into(),
            key: "k".into(),
            sha256: "ab".into(),
            signature: "cd".into(),
        },
        ended: false,
    };
    check(
        &chain,
        r#"{"trail":"00ff","run":2,"region":"eu-west-1","place":{"account":"000000000001","arn":"arn:aws:cloudtrail:us-east-1:000000000001:trail/t","bucket":"logs","prefix":null},"started_s":1,"newest":{"end_s":2,"bucket":"logs","key":"k","sha256":"ab","signature":"cd"},"ended":false}"#,
    );
    check(
        &Attempts { attempted_ms: Some(1), succeeded_ms: None, error: Some("AccessDenied".into()) },
        r#"{"attempted_ms":1,"succeeded_ms":null,"error":"AccessDenied"}"#,
    );
}
