//! Gaps: calls that ran although nothing could be recorded, because the operator wants calls to go on
//! (`capture.on_failure=pass`).
//!
//! They are counted by account in memory, kept in the catalog for the case that only a restart mends the journal, and put on
//! record as one event of the server itself for each account once the journal takes entries again. Catalog record
//! `capture/gaps`: [`StoredGaps`]. An event whose append was not seen to land is written again under its id.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::Timestamp;
use opentrail_catalog::{Catalog, Error, Key, Stored, Txn, decode, encode};
use opentrail_event::{AccountId, EventId, Region};
use opentrail_journal::{Entry, Kind, Urgency};
use serde::{Deserialize, Serialize};

use crate::recorder::Recorder;

/// Accounts that are counted apart. What is missed of others is told to the operator.
const ACCOUNTS_MAX: usize = 1_000;
/// Where the event comes from: this very program.
const SOURCE: &str = "opentrail.amazonaws.com";

/// What was missed of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    id: EventId,
    from: Timestamp,
    to: Timestamp,
    calls: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<AccountId, Gap>,
    /// Whether the catalog says something else.
    unstored: bool,
    /// Whether the catalog says anything.
    stored: bool,
}

/// As the catalog keeps them.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct StoredGaps {
    /// Account, event id, first and last call in whole seconds since 1970, and how many there were.
    gaps: Vec<(String, String, i64, i64, u64)>,
}

impl Stored for StoredGaps {
    const NAME: &'static str = "recording gaps";
    const VERSION: u16 = 1;
}

impl Gaps {
    /// One more call of this account.
    pub(crate) fn missed(&self, account: AccountId, now: Timestamp, id: impl FnOnce() -> EventId) {
        let mut state = self.state();
        let known = state.open.contains_key(&account) || state.open.len() < ACCOUNTS_MAX;
        let account = if known { account } else { AccountId::OPERATOR };
        let gap = state.open.entry(account).or_insert_with(|| Gap { id: id(), from: now, to: now, calls: 0 });
        gap.to = gap.to.max(now);
        gap.calls += 1;
        state.unstored = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the gaps panics")
    }
}

impl StoredGaps {
    fn of(open: &BTreeMap<AccountId, Gap>) -> Self {
        let row = |(account, gap): (&AccountId, &Gap)| {
            (account.to_string(), gap.id.to_string(), gap.from.as_second(), gap.to.as_second(), gap.calls)
        };
        Self { gaps: open.iter().map(row).collect() }
    }

    fn open(self) -> BTreeMap<AccountId, Gap> {
        let row = |(account, id, from, to, calls): (String, String, i64, i64, u64)| {
            let at = |s| Timestamp::from_second(s).unwrap_or_default();
            Some((account.parse().ok()?, Gap { id: id.parse().ok()?, from: at(from), to: at(to), calls }))
        };
        self.gaps.into_iter().filter_map(row).collect()
    }
}

impl Recorder {
    /// What an earlier life could not put on record.
    pub(crate) async fn inherit_gaps(&self) {
        let Some(catalog) = self.catalog() else { return };
        let found = match catalog.get(&key()).await {
            Ok(None) => return,
            Ok(Some(found)) => decode::<StoredGaps>(&found.value).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match found {
            Ok(stored) => {
                let mut state = self.gaps.state();
                state.open = stored.open();
                state.stored = true;
            }
            Err(error) => tracing::error!(%error, "read which calls an earlier run could not record"),
        }
    }

    /// Puts gaps on record if the journal takes them, and keeps them if not.
    pub(crate) async fn fill_gaps(&self) {
        let open = self.gaps.state().open.clone();
        for (account, gap) in &open {
            if let Err(error) = self.journal.append(vec![event(*account, gap)]).await {
                tracing::warn!(%error, accounts = open.len(), "calls that were not recorded wait to be told of");
                break;
            }
            let mut state = self.gaps.state();
            // What was missed meanwhile is a gap of its own.
            match state.open.get(account).copied() {
                Some(now) if now.calls > gap.calls => {
                    let id = EventId::from_bytes(self.world.uuid_v4());
                    let rest = Gap { id, from: gap.to, to: now.to, calls: now.calls - gap.calls };
                    state.open.insert(*account, rest);
                }
                _ => {
                    state.open.remove(account);
                }
            }
            state.unstored = true;
        }
        self.store_gaps().await;
    }

    async fn store_gaps(&self) {
        let Some(catalog) = self.catalog() else { return };
        let txn = {
            let mut state = self.gaps.state();
            if !state.unstored || (state.open.is_empty() && !state.stored) {
                return;
            }
            state.unstored = false;
            state.stored = !state.open.is_empty();
            match state.stored {
                true => Txn::new().put(key(), encode(&StoredGaps::of(&state.open))),
                false => Txn::new().delete(key()),
            }
        };
        if let Err(error) = catalog.txn(txn).await {
            self.not_stored(&error);
        }
    }

    fn not_stored(&self, error: &Error) {
        tracing::warn!(%error, "keep which calls were not recorded; tried again");
        let mut state = self.gaps.state();
        state.unstored = true;
        state.stored = true;
    }

    fn catalog(&self) -> Option<Arc<dyn Catalog>> {
        self.memo.as_ref().map(|memo| memo.catalog.clone())
    }
}

fn key() -> Key {
    Key::family("capture/gaps")
}

/// The event that tells of a gap. All of its texts are digits, dates and words of ours.
fn event(account: AccountId, gap: &Gap) -> Entry {
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (from, to, calls, id) = (time(gap.from), time(gap.to), gap.calls, gap.id);
    let operator = AccountId::OPERATOR;
    let record = format!(
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"accountId\":\"{operator}\",\"invokedBy\":\"{SOURCE}\"}},\
         \"eventTime\":\"{to}\",\"eventSource\":\"{SOURCE}\",\"eventName\":\"RecordingGap\",\"awsRegion\":\"us-east-1\",\
         \"sourceIPAddress\":\"{SOURCE}\",\"userAgent\":\"{SOURCE}\",\"requestParameters\":null,\"responseElements\":null,\
         \"eventID\":\"{id}\",\"readOnly\":false,\"eventType\":\"AwsServiceEvent\",\"managementEvent\":true,\
         \"recipientAccountId\":\"{account}\",\"serviceEventDetails\":{{\"callsNotRecorded\":{calls},\"from\":\"{from}\",\
         \"to\":\"{to}\"}},\"eventCategory\":\"Management\"}}"
    );
    Entry {
        kind: Kind::Record,
        urgency: Urgency::ControlPlane,
        account,
        region: Region::us_east_1(),
        event_id: gap.id,
        bytes: Bytes::from(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let stored = b"\x00\x01{\"gaps\":[[\"123456789012\",\"6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6\",10,20,3]]}";
        let gaps: StoredGaps = decode(stored).expect("version 1");
        let open = gaps.open();
        assert_eq!(open.values().map(|gap| gap.calls).collect::<Vec<_>>(), [3]);
        assert_eq!(&encode(&StoredGaps::of(&open))[..], stored);
    }

    #[test]
    fn the_event_is_a_record() {
        let at = Timestamp::from_second(1_800_000_000).expect("a time");
        let gap = Gap { id: EventId::from_bytes([7; 16]), from: at, to: at, calls: 2 };
        let account: AccountId = "123456789012".parse().expect("an account");
        let entry = event(account, &gap);
        let head = opentrail_event::Head::parse(&entry.bytes).expect("a record");
        assert_eq!((head.event_id, head.recipient_account), (gap.id, account));
    }

    #[test]
    fn accounts_are_bounded() {
        let gaps = Gaps::default();
        let at = Timestamp::from_second(0).expect("a time");
        for n in 1..=ACCOUNTS_MAX as u64 + 5 {
            gaps.missed(format!("{n:012}").parse().expect("an account"), at, || EventId::from_bytes([1; 16]));
        }
        let state = gaps.state();
        assert_eq!(state.open.len(), ACCOUNTS_MAX + 1);
        assert_eq!(state.open[&AccountId::OPERATOR].calls, 5);
    }
}
