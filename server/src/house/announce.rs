//! What start-up puts on record: that the server started, with a hash of its configuration, and each security setting or
//! configured key that is not as it was.
//!
//! These are AwsServiceEvents of `opentrail.amazonaws.com`: nobody signed for them. They are on the operator's record; a change to an
//! account's keys is on that account's too, bound by one sharedEventID.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use opentrail_capture::{NotTaken, Recorder};
use opentrail_catalog::{Catalog, Key, Stored, Txn, decode, encode};
use opentrail_event::{AccountId, EventId};
use opentrail_history::{Ask, Attribute, History};
use opentrail_journal::{Capture, Refused};
use opentrail_policy::{Merged, Starters};
use opentrail_table::Order;
use opentrail_world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::HouseError;

const SOURCE: &str = "opentrail.amazonaws.com";
/// How long a start waits for room in the journal, and how often it asks.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(120);
/// The same where the start goes on without.
const ROOM_WAIT_OPEN: Duration = Duration::from_secs(5);
const ROOM_PAUSE: Duration = Duration::from_millis(500);

/// The security settings as of the last start whose changes are on record. `server/settings`.
#[derive(Serialize, Deserialize)]
struct StoredSettings {
    /// As shown: without secrets.
    values: BTreeMap<String, String>,
}

impl Stored for StoredSettings {
    const NAME: &'static str = "security settings";
    const VERSION: u16 = 1;
}

/// The settings as they may be shown, and which of them touch security.
#[derive(Debug, Clone, Default)]
pub struct ShownSettings {
    /// All of them, without secrets.
    pub values: BTreeMap<String, String>,
    /// Names of those whose change is an event.
    pub security: Vec<String>,
}

impl ShownSettings {
    fn touching_security(&self) -> BTreeMap<String, String> {
        self.security.iter().filter_map(|name| Some((name.clone(), self.values.get(name)?.clone()))).collect()
    }

    /// SHA-256 over `name=value` lines in order, in hexadecimal.
    fn hash(&self) -> String {
        let lines: String = self.values.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let digest = digest::digest(&digest::SHA256, lines.as_bytes());
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// A start whose changes are not all in force yet. `server/start`
#[derive(Serialize, Deserialize)]
struct StoredStart {
    /// 32 hexadecimal digits. Ids of its events follow from it.
    id: String,
}

impl Stored for StoredStart {
    const NAME: &'static str = "start under way";
    const VERSION: u16 = 1;
}

/// Writes events of the server itself.
pub(super) struct Announcer<'a> {
    pub(super) recorder: &'a Recorder,
    pub(super) catalog: &'a dyn Catalog,
    pub(super) history: &'a History,
    pub(super) world: &'a World,
}

/// One event to be, and whose record it is for.
struct Event {
    recipient: AccountId,
    id: EventId,
    json: Value,
}

impl Announcer<'_> {
    /// Records the start, and what it is about to change: settings that touch security, and what `changes` says of configured
    /// keys. To be called before any of it is changed; [`Announcer::done`] follows when all of it is.
    ///
    /// A start that dies in between is followed by one that records what is left: what is on record already is known by its
    /// id, which is the same again. Only where followers are still behind by then may it stand there twice, under one id.
    ///
    /// With `goes_on` a journal that takes nothing does not keep the start from going on: what could not be told is counted as
    /// missed, and false is returned. A later start tells of the settings that changed.
    pub(super) async fn announce(
        &self,
        shown: &ShownSettings,
        starters: &Starters,
        changes: &[Merged],
        goes_on: bool,
    ) -> Result<bool, HouseError> {
        let (start, died) = self.under_way().await?;
        let before = self.settings_before().await?;
        let mut details = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "configurationHash": shown.hash(),
            "configurationHashAlgorithm": "SHA-256",
        });
        if before.is_none() {
            let keys = [&starters.root, &starters.operator];
            let ids: Vec<&str> = keys.into_iter().flatten().map(|key| key.key.id.as_str()).collect();
            details["firstStart"] = json!({ "accountId": starters.account.id.as_str(), "accessKeyIds": ids });
        }
        // Each start is one of its own, also one that did not get far.
        let id = EventId::from_bytes(self.world.uuid_v4());
        let json = self.event("StartServer", id, AccountId::OPERATOR, None, details);
        let mut events = vec![Event { recipient: AccountId::OPERATOR, id, json }];
        for details in before.iter().flat_map(|before| changed_settings(before, &shown.touching_security())) {
            events.push(self.follows(&start, "ChangeSetting", AccountId::OPERATOR, None, details));
        }
        for change in changes {
            events.extend(self.configured(&start, change));
        }
        let mut on_record = true;
        for Event { recipient, id, json } in events {
            if died && self.on_record(recipient, id).await? {
                continue;
            }
            // Once the journal took nothing, nobody waits for it again.
            let room_wait = if goes_on { ROOM_WAIT_OPEN } else { ROOM_WAIT_MAX };
            match self.append(recipient, json, if on_record { room_wait } else { Duration::ZERO }).await {
                Ok(()) => {}
                Err(error @ HouseError::NotTaken(NotTaken::Refused(_))) if goes_on => {
                    tracing::error!(%error, "the start goes on, and cannot be recorded (capture.on_failure=pass)");
                    self.recorder.missed(recipient);
                    on_record = false;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(on_record)
    }

    /// All that was announced is in force.
    pub(super) async fn done(&self, shown: &ShownSettings) -> Result<(), HouseError> {
        let mut txn = Txn::new().delete(start_key());
        let now = shown.touching_security();
        if self.settings_before().await?.as_ref() != Some(&now) {
            txn = txn.put(settings_key(), encode(&StoredSettings { values: now }));
        }
        Ok(self.catalog.txn(txn).await?)
    }

    /// The id of this start, or of one that died before it was done, whose work this one goes on with; and whether so.
    async fn under_way(&self) -> Result<(String, bool), HouseError> {
        if let Some(row) = self.catalog.get(&start_key()).await? {
            return Ok((decode::<StoredStart>(&row.value)?.id, true));
        }
        let id: String = self.world.bytes::<16>().iter().map(|b| format!("{b:02x}")).collect();
        let row = encode(&StoredStart { id: id.clone() });
        self.catalog.txn(Txn::new().put(start_key(), row)).await?;
        Ok((id, false))
    }

    async fn settings_before(&self) -> Result<Option<BTreeMap<String, String>>, HouseError> {
        match self.catalog.get(&settings_key()).await? {
            Some(row) => Ok(Some(decode::<StoredSettings>(&row.value)?.values)),
            None => Ok(None),
        }
    }

    async fn on_record(&self, account: AccountId, id: EventId) -> Result<bool, HouseError> {
        let mut ask = Ask {
            account: Some(account),
            region: None,
            attributes: vec![Attribute::EventId(id)],
            words: Vec::new(),
            from_s: i64::MIN,
            to_s: i64::MAX,
            order: Order::NewestFirst,
            after: None,
            limit: 1,
            bytes_max: 1,
        };
        loop {
            let page = self.history.lookup(ask.clone()).await?;
            match page.next {
                _ if !page.rows.is_empty() => return Ok(true),
                None => return Ok(false),
                after => ask.after = after,
            }
        }
    }

    /// What a configured key changes: on the operator's record and on the account's.
    fn configured(&self, start: &str, change: &Merged) -> Vec<Event> {
        let (account, mut details) = match change {
            Merged::MadeAccount(account) => (*account, json!({ "change": "made account" })),
            Merged::SetUser(account, user) => (*account, json!({ "change": "set user", "userName": user })),
            Merged::MadeKey(account, id) => (*account, json!({ "change": "made key", "accessKeyId": id })),
            Merged::ChangedSecret(account, id) => (*account, json!({ "change": "changed secret", "accessKeyId": id })),
            Merged::RemovedKey(account, id) => (*account, json!({ "change": "removed key", "accessKeyId": id })),
        };
        details["accountId"] = json!(account.as_str());
        let event = |recipient, shared| self.follows(start, "ApplyConfiguredKey", recipient, shared, details.clone());
        if account == AccountId::OPERATOR {
            return vec![event(account, None)];
        }
        let shared = Some(id_of(&[start, "shared", &details.to_string()]));
        vec![event(AccountId::OPERATOR, shared), event(account, shared)]
    }

    /// In a journal that is full it waits for followers to make room, as any client would.
    async fn append(&self, account: AccountId, event: Value, room_wait: Duration) -> Result<(), HouseError> {
        let event = Bytes::from(event.to_string());
        let give_up = self.world.monotonic() + room_wait;
        loop {
            match self.recorder.append_own(account, event.clone()).await {
                Err(NotTaken::Refused(Refused::Busy(why))) if self.world.monotonic() < give_up => {
                    tracing::warn!(why, "the start waits for room in the journal");
                    self.world.sleep(ROOM_PAUSE).await;
                }
                taken => return taken?.map(drop).map_err(HouseError::from),
            }
        }
    }

    /// An event whose id follows from the start and from what it says: made again, it is the same one.
    fn follows(&self, start: &str, name: &str, recipient: AccountId, shared: Option<EventId>, details: Value) -> Event {
        let id = id_of(&[start, name, recipient.as_str(), &details.to_string()]);
        Event { recipient, id, json: self.event(name, id, recipient, shared, details) }
    }

    fn event(&self, name: &str, id: EventId, recipient: AccountId, shared: Option<EventId>, details: Value) -> Value {
        let mut event = json!({
            "eventVersion": "1.11",
            "userIdentity": { "accountId": AccountId::OPERATOR.as_str(), "invokedBy": SOURCE },
            "eventTime": self.world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": SOURCE,
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": SOURCE,
            "userAgent": SOURCE,
            "requestParameters": null,
            "responseElements": null,
            "eventID": id.to_string(),
            "readOnly": false,
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": recipient.as_str(),
        });
        event["serviceEventDetails"] = details;
        if let Some(shared) = shared {
            event["sharedEventID"] = json!(shared.to_string());
        }
        event["eventCategory"] = json!("Management");
        event
    }
}

/// One for each setting that is not as it was.
fn changed_settings(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Value> {
    let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
    names
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| json!({ "setting": name, "before": before.get(name), "after": now.get(name) }))
        .collect()
}

/// In the form of a random id, and the same for the same parts.
fn id_of(parts: &[&str]) -> EventId {
    let digest = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest.as_ref()[..16]);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    EventId::from_bytes(id)
}

fn settings_key() -> Key {
    Key::family("server/settings")
}

fn start_key() -> Key {
    Key::family("server/start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_one_of_every_record_stays_readable() {
        let settings = b"\0\x01{\"values\":{\"history.retention_days\":\"90\"}}";
        assert_eq!(decode::<StoredSettings>(settings).expect("settings").values["history.retention_days"], "90");
        let start = b"\0\x01{\"id\":\"00ff\"}";
        assert_eq!(decode::<StoredStart>(start).expect("a start").id, "00ff");
    }
}
