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
use opentrail_journal::Refused;
use opentrail_policy::Merged;
use opentrail_world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::HouseError;

const SOURCE: &str = "opentrail.amazonaws.com";
/// How long a start waits for room in the journal, and how often it asks.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(120);
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
    /// SHA-256 over `name=value` lines in order, in hexadecimal.
    fn hash(&self) -> String {
        let lines: String = self.values.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let digest = digest::digest(&digest::SHA256, lines.as_bytes());
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// Writes events of the server itself.
pub(super) struct Announcer<'a> {
    pub(super) recorder: &'a Recorder,
    pub(super) catalog: &'a dyn Catalog,
    pub(super) world: &'a World,
}

impl Announcer<'_> {
    /// Records the start and what changed since the last one; to be called before the changes take effect. A crash in
    /// between records them again.
    pub(super) async fn started(&self, shown: &ShownSettings) -> Result<(), HouseError> {
        let key = Key::family("server/settings");
        let before = match self.catalog.get(&key).await? {
            Some(row) => Some(decode::<StoredSettings>(&row.value)?.values),
            None => None,
        };
        let now: BTreeMap<String, String> =
            shown.security.iter().filter_map(|name| Some((name.clone(), shown.values.get(name)?.clone()))).collect();
        let details = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "configurationHash": shown.hash(),
            "configurationHashAlgorithm": "SHA-256",
        });
        let mut events = vec![self.event("StartServer", AccountId::OPERATOR, None, details)];
        if let Some(before) = &before {
            let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
            for name in names.filter(|name| before.get(*name) != now.get(*name)) {
                let details = json!({ "setting": name, "before": before.get(name), "after": now.get(name) });
                events.push(self.event("ChangeSetting", AccountId::OPERATOR, None, details));
            }
        }
        self.append(AccountId::OPERATOR, events).await?;
        if before.as_ref() != Some(&now) {
            let txn = Txn::new().put(key, encode(&StoredSettings { values: now }));
            self.catalog.txn(txn).await?;
        }
        Ok(())
    }

    /// Records what the configured keys changed.
    pub(super) async fn merged(&self, changes: &[Merged]) -> Result<(), HouseError> {
        for change in changes {
            let (account, details) = match change {
                Merged::MadeAccount(account) => (*account, json!({ "change": "made account" })),
                Merged::SetUser(account, user) => (*account, json!({ "change": "set user", "userName": user })),
                Merged::MadeKey(account, id) => (*account, json!({ "change": "made key", "accessKeyId": id })),
                Merged::ChangedSecret(account, id) => {
                    (*account, json!({ "change": "changed secret", "accessKeyId": id }))
                }
                Merged::RemovedKey(account, id) => (*account, json!({ "change": "removed key", "accessKeyId": id })),
            };
            let mut details = details;
            details["accountId"] = json!(account.as_str());
            let shared = EventId::from_bytes(self.world.uuid_v4());
            let mut recipients = vec![AccountId::OPERATOR];
            if account != AccountId::OPERATOR {
                recipients.push(account);
            }
            let shared = (recipients.len() > 1).then_some(shared);
            for recipient in recipients {
                let event = self.event("ApplyConfiguredKey", recipient, shared, details.clone());
                self.append(recipient, vec![event]).await?;
            }
        }
        Ok(())
    }

    /// In a journal that is full it waits for followers to make room, as any client would.
    async fn append(&self, account: AccountId, events: Vec<Value>) -> Result<(), HouseError> {
        let events: Vec<Bytes> = events.into_iter().map(|event| Bytes::from(event.to_string())).collect();
        let give_up = self.world.monotonic() + ROOM_WAIT_MAX;
        loop {
            match self.recorder.append_events(account, events.clone()).await {
                Ok(taken) => return taken.into_iter().try_for_each(|one| one.map(drop)).map_err(HouseError::from),
                Err(NotTaken::Refused(Refused::Busy(why))) if self.world.monotonic() < give_up => {
                    tracing::warn!(why, "the start waits for room in the journal");
                    self.world.sleep(ROOM_PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn event(&self, name: &str, recipient: AccountId, shared: Option<EventId>, details: Value) -> Value {
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
            "eventID": EventId::from_bytes(self.world.uuid_v4()).to_string(),
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
