//! Delivery over a journal, stores and buckets in memory: through restarts, failures and clocks that step.

mod audit;
mod chains;
mod crash;
mod follow;
mod partings;
mod spool;
mod stored;
mod stores;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentrail_delivery::BucketInfo;
use opentrail_delivery::memory::MemoryBuckets;
use opentrail_digest::{KeyError, SigningKey};
use opentrail_event::{AccountId, EventId, Region};
use opentrail_journal::memory::MemoryJournal;
use opentrail_journal::{Entry, Follower, FollowerError, Journal, Kind, Partition, Position, Urgency};
use opentrail_policy::{Seal, SealError};
use opentrail_world::{SimClock, World};
use tokio::sync::watch;

use crate::{Config, Delivery, NewTrail, Parts, Settings, Trail, Trails};
use audit::Audit;
use stores::Stores;

pub(crate) const BUCKET: &str = "logs";

/// A house of trails alone.
struct House {
    world: World,
    clock: Arc<SimClock>,
    journal: MemoryJournal,
    stores: Stores,
    buckets: Arc<MemoryBuckets>,
    trails: Arc<Trails>,
    delivery: Arc<Delivery>,
    settings: Settings,
    audit: Audit,
    /// Calls that changed trails and whose records are not appended, by request id.
    owed: Vec<String>,
}

/// Turns the bytes around, so that what is sealed is not what is plain.
struct Mirror;

impl Seal for Mirror {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = [context.as_bytes(), b"\0", plain].concat();
        sealed.reverse();
        sealed
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut plain = sealed.to_vec();
        plain.reverse();
        let start = [context.as_bytes(), b"\0"].concat();
        plain.strip_prefix(&start[..]).map(<[u8]>::to_vec).ok_or(SealError)
    }
}

/// One key for all: making 2048 bits takes a test too long.
fn ready_made() -> Result<SigningKey, KeyError> {
    SigningKey::from_pkcs8(include_bytes!("../../../../core/digest/fixtures/openssl.pkcs8.der"))
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().expect("an account id")
}

fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

fn config(bucket: &str) -> Config {
    Config {
        bucket: bucket.into(),
        prefix: None,
        include_global_service_events: true,
        multi_region: false,
        log_file_validation: true,
        recursive_logging: true,
    }
}

impl House {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            regions: vec![region("us-east-1"), region("eu-west-1"), region("sa-east-1")],
            ..Settings::default()
        };
        change(&mut settings);
        let (world, clock) = World::simulated(11, "2026-06-01T10:01:07Z".parse().expect("a time"));
        let journal = MemoryJournal::new(2, world.clone());
        // Nothing is truncated: the auditor reads all of it in the end.
        journal.hold("auditor", opentrail_journal::Positions::default());
        let buckets = Arc::new(MemoryBuckets::default());
        let stores = Stores::default();
        for name in [BUCKET, "other"] {
            buckets.make(name, BucketInfo { account: account(1), region: region("us-east-1") });
        }
        let (trails, delivery) = open(&world, &journal, &stores, &buckets, &settings).await.expect("it opens");
        Self {
            world,
            clock,
            journal,
            stores,
            buckets,
            trails,
            delivery,
            settings,
            audit: Audit::default(),
            owed: vec![],
        }
    }

    /// As after a crash: all that is not stored is lost.
    async fn restart(&mut self) -> Result<(), String> {
        let (trails, delivery) = open(&self.world, &self.journal, &self.stores, &self.buckets, &self.settings).await?;
        (self.trails, self.delivery) = (trails, delivery);
        self.delivery.spool.sweep().await.map_err(|e| e.to_string())?;
        Ok(())
    }

    /// A trail that logs.
    async fn trail(&mut self, name: &str, config: Config) -> Arc<Trail> {
        self.trail_of(1, name, config).await
    }

    async fn trail_of(&mut self, owner: u64, name: &str, config: Config) -> Arc<Trail> {
        let new = NewTrail {
            account: account(owner),
            home: region("us-east-1"),
            name: name.into(),
            config,
            tags: Default::default(),
        };
        let made = self.trails.create(new).await.expect("a trail");
        let trail = self.trails.start_logging(&made.id).await.expect("it logs");
        self.audit.revision(&trail);
        trail
    }

    /// A change of a trail, which the auditor is told of.
    async fn changed(&mut self, change: impl Future<Output = Result<Arc<Trail>, crate::RegistryError>>) -> Arc<Trail> {
        let trail = change.await.expect("the change is taken");
        self.audit.revision(&trail);
        trail
    }

    /// An event of an account in a region happens now.
    async fn event(&self, owner: u64, place: &str) -> Position {
        self.record(owner, place, "").await
    }

    async fn record(&self, owner: u64, place: &str, more: &str) -> Position {
        let id = EventId::from_bytes(self.world.uuid_v4());
        let bytes = record(id, owner, place, &self.world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), more);
        self.append(id, owner, place, bytes).await
    }

    async fn append(&self, id: EventId, owner: u64, place: &str, bytes: Bytes) -> Position {
        let entry = Entry {
            kind: Kind::Record,
            urgency: Urgency::Normal,
            account: account(owner),
            region: region(place),
            event_id: id,
            bytes,
        };
        self.journal.append(vec![entry]).await.expect("the journal takes it")[0]
    }

    /// The request id of a call that is about to change this trail, and whose record is still to come.
    fn owing(&mut self, trail: &Arc<Trail>) -> String {
        let request_id = format!("call-{}", EventId::from_bytes(self.world.uuid_v4()));
        self.audit.parted.insert(request_id.clone(), trail.clone());
        self.owed.push(request_id.clone());
        request_id
    }

    /// The records that are still to come come.
    async fn owed(&mut self) {
        for request_id in std::mem::take(&mut self.owed) {
            self.call(1, "us-east-1", "StopLogging", &request_id).await;
        }
    }

    /// The record of a call of CloudTrail's own API.
    async fn call(&self, owner: u64, place: &str, name: &str, request_id: &str) -> Position {
        let id = EventId::from_bytes(self.world.uuid_v4());
        let time = self.world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let bytes = record(id, owner, place, &time, &format!("\"requestID\":\"{request_id}\","));
        let text = String::from_utf8(bytes.to_vec()).expect("a record is text");
        let text = text.replace("ec2.amazonaws.com", "cloudtrail.amazonaws.com").replace("RunInstances", name);
        self.append(id, owner, place, text.into()).await
    }

    /// As the pump does: applies everything that was appended.
    async fn apply(&self) -> Result<(), FollowerError> {
        for partition in (0..self.journal.partitions()).map(Partition) {
            loop {
                let offset = self.delivery.applied().next(partition);
                let frames = self.journal.read(Position { partition, offset }, 64 * 1024).await.expect("the journal");
                if frames.is_empty() {
                    break;
                }
                self.delivery.apply(&frames).await?;
            }
        }
        Ok(())
    }

    /// Applies, commits and publishes everything, and makes the digests that are due.
    async fn deliver(&self) -> Result<(), String> {
        self.apply().await.map_err(|e| e.to_string())?;
        self.delivery.commit().await.map_err(|e| e.to_string())?;
        self.delivery.publish_due().await;
        self.digests().await;
        Ok(())
    }

    async fn digests(&self) {
        let (_go_on, stop) = watch::channel(false);
        self.delivery.digests_due(&stop).await;
        self.delivery.publish_due().await;
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Everything that was put is what should be there.
    async fn check(&self) {
        let keys = self.delivery.public_keys(&region("us-east-1"), Some(0), Some(i64::MAX)).await.expect("keys");
        self.audit.check(&self.journal, &self.buckets, &keys).await;
    }

    /// The names of what was put, each once, in the order of their first puts.
    fn put_keys(&self, kind: &str) -> Vec<String> {
        let mut keys = Vec::new();
        for put in self.buckets.puts() {
            if put.file.key.contains(&format!("/{kind}/")) && !keys.contains(&put.file.key) {
                keys.push(put.file.key);
            }
        }
        keys
    }
}

async fn open(
    world: &World,
    journal: &MemoryJournal,
    stores: &Stores,
    buckets: &Arc<MemoryBuckets>,
    settings: &Settings,
) -> Result<(Arc<Trails>, Arc<Delivery>), String> {
    let catalog = Arc::new(stores.clone());
    let trails = Trails::open(catalog.clone(), journal.watch(), world.clone()).await.map_err(|e| e.to_string())?;
    let parts = Parts {
        world: world.clone(),
        catalog: catalog.clone(),
        blobs: catalog,
        buckets: buckets.clone(),
        seal: Arc::new(Mirror),
        trails: trails.clone(),
        journal_start: journal.start(),
    };
    let delivery = Delivery::open_with(parts, settings.clone(), ready_made).await.map_err(|e| e.to_string())?;
    Ok((trails, delivery))
}

fn record(id: EventId, owner: u64, place: &str, time: &str, more: &str) -> Bytes {
    format!(
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"type\":\"Root\",\"accountId\":\"{owner:012}\"}},\
         \"eventTime\":\"{time}\",\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"RunInstances\",\
         \"awsRegion\":\"{place}\",\"readOnly\":false,\"eventID\":\"{id}\",\"eventType\":\"AwsApiCall\",\
         \"managementEvent\":true,\"recipientAccountId\":\"{owner:012}\",{more}\"eventCategory\":\"Management\"}}"
    )
    .into()
}
