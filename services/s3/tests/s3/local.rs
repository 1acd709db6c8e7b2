//! The same service over the engines of one machine.

use std::sync::Arc;

use opentrail_local::{Local, Settings};
use opentrail_s3::{S3Service, S3Settings};
use opentrail_world::World;

use crate::door::{Ask, call, delete, get, put};

fn open(dir: &std::path::Path) -> (Local, Arc<S3Service>) {
    let world = World::real();
    let local = Local::open(dir, Settings::default(), world.clone()).unwrap();
    let settings = S3Settings { regions: vec!["us-east-1".parse().unwrap()] };
    let s3 = S3Service::new(local.catalog.clone(), local.blobs.clone(), world, crate::guards::toys(), settings);
    (local, s3)
}

fn key(i: usize) -> String {
    format!("/bkt/{}/{i}", i % 7)
}

fn body(i: usize) -> Vec<u8> {
    vec![i as u8; if i.is_multiple_of(2) { 100 } else { 70_000 }]
}

async fn ok(s3: &S3Service, ask: Ask) -> crate::door::Reply {
    call(s3, &ask).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_on_disk_survives_a_restart() {
    const OBJECTS: usize = 64;
    let dir = tempfile::tempdir().unwrap();
    {
        let (_local, s3) = open(dir.path());
        ok(&s3, put("/bkt")).await;
        let puts = (0..OBJECTS).map(|i| {
            let s3 = s3.clone();
            tokio::spawn(async move { ok(&s3, put(key(i)).body(body(i))).await })
        });
        for put in futures::future::join_all(puts).await {
            assert_eq!(put.unwrap().status, 200);
        }
        // Replaced, so that blobs are swept.
        ok(&s3, put(key(1)).body("new")).await;
    }
    let (local, s3) = open(dir.path());
    assert_eq!(s3.sweep().await.unwrap(), 0, "nothing was left behind");
    for i in 2..OBJECTS {
        assert_eq!(ok(&s3, get(key(i))).await.body, body(i));
    }
    assert_eq!(ok(&s3, get(key(1))).await.text(), "new");
    assert_eq!(ok(&s3, get("/bkt?list-type=2&delimiter=/")).await.all("CommonPrefixes").len(), 7);
    assert_eq!(ok(&s3, get("/bkt?list-type=2")).await.all("Key").len(), OBJECTS);
    for i in 0..OBJECTS {
        ok(&s3, delete(key(i))).await;
    }
    ok(&s3, delete("/bkt")).await;
    assert!(local.blobs.list("s3/", None, 10).await.unwrap().is_empty());
}
