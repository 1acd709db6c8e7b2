//! From a call and its outcome to entries of the journal.
//!
//! An intent is the record that will stand if nothing more is heard of the call. Its form, by version:
//!
//! | version | bytes |
//! |---|---|
//! | 1 | `01`, then the record: eventTime when the call was announced, responseElements null, no errorCode, `additionalEventData` = `{"outcome":"unknown"}` |
//!
//! | 2 | `02`: the intent of the same id is withdrawn, and there is no record of its call |
//!
//! So resolving an intent is dropping one byte, and no later version of this program can spell it differently. Of a call whose
//! caller is not proven, `additionalEventData` has `"identityVerified":false` in front, in its intent as in its record.

use bytes::Bytes;
use jiff::Timestamp;
use opentrail_event::{AccountId, EventId, Owner, RawJson, Record};
use opentrail_journal::{Call, Entry, Kind, Outcome, Urgency};

/// The first byte of an intent.
const INTENT_VERSION: u8 = 1;
/// All that there is of a withdrawal.
const WITHDRAWAL: u8 = 2;
/// What a record says whose call nobody saw end.
const UNKNOWN: &[u8] = br#"{"outcome":"unknown"}"#;

/// An intent that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an intent of form {0:?} is not known; start the version of the program that wrote it")]
pub(crate) struct UnknownForm(Option<u8>);

/// The entry that announces a call.
pub(crate) fn intent(call: &Call, event_id: EventId, now: Timestamp, urgency: Urgency) -> Entry {
    let outcome = Outcome {
        additional_event_data: Some(RawJson::from_written(Bytes::from_static(UNKNOWN))),
        ..Outcome::default()
    };
    let record = record(call, &outcome, event_id, now).to_bytes();
    let mut bytes = Vec::with_capacity(record.len() + 1);
    bytes.push(INTENT_VERSION);
    bytes.extend_from_slice(&record);
    Entry {
        kind: Kind::Intent,
        urgency,
        account: call.account,
        region: call.region.clone(),
        event_id,
        bytes: bytes.into(),
    }
}

/// The entry that takes an intent back. It goes where the intent went.
pub(crate) fn withdrawal(call: &Call, event_id: EventId) -> Entry {
    Entry {
        kind: Kind::Intent,
        urgency: Urgency::ControlPlane,
        account: call.account,
        region: call.region.clone(),
        event_id,
        bytes: Bytes::from_static(&[WITHDRAWAL]),
    }
}

/// Whether an entry of kind intent takes one back.
pub(crate) fn is_withdrawal(entry: &Entry) -> bool {
    *entry.bytes == [WITHDRAWAL]
}

/// The record of an announced call that nobody saw end.
pub(crate) fn unknown(intent: &Entry) -> Result<Entry, UnknownForm> {
    match intent.bytes.first() {
        Some(&INTENT_VERSION) => Ok(Entry {
            kind: Kind::Record,
            urgency: Urgency::ControlPlane,
            bytes: intent.bytes.slice(1..),
            ..intent.clone()
        }),
        other => Err(UnknownForm(other.copied())),
    }
}

/// The record of a call, and behind it the copy for the account that it changed, if that is another one.
///
/// Copies share the call's own id as sharedEventID; each has an id of its own that follows from it
/// ([`EventId::of_copy`]), so the intent, which bears the call's id, is found to be resolved by the caller's copy.
pub(crate) fn records(
    call: &Call,
    outcome: &Outcome,
    event_id: EventId,
    now: Timestamp,
    urgency: Urgency,
) -> Vec<Entry> {
    let entry = |account: AccountId, record: Record| Entry {
        kind: Kind::Record,
        urgency,
        account,
        region: call.region.clone(),
        event_id: record.event_id,
        bytes: record.to_bytes(),
    };
    let record = record(call, outcome, event_id, now);
    let Some(other) = outcome.copy_for.filter(|other| *other != call.account) else {
        return vec![entry(call.account, record)];
    };
    let copy = |account: AccountId, mut record: Record| {
        record.event_id = EventId::of_copy(event_id, account);
        record.shared_event_id = Some(event_id);
        record.recipient_account = account;
        entry(account, record)
    };
    let mut theirs = record.clone();
    theirs.user_identity = theirs.user_identity.seen_from_outside();
    let mut ours = record;
    if ours.error_code.as_deref().is_some_and(|code| code.starts_with("AccessDenied")) {
        for resource in &mut ours.resources {
            if resource.owner == Owner::Account(other) {
                resource.owner = Owner::Hidden;
            }
        }
    }
    vec![copy(call.account, ours), copy(other, theirs)]
}

fn record(call: &Call, outcome: &Outcome, event_id: EventId, now: Timestamp) -> Record {
    let parameters = if outcome.hide_parameters { None } else { call.request_parameters.clone() };
    Record {
        user_identity: call.user_identity.clone(),
        event_time: now,
        event_source: call.event_source.clone(),
        event_name: call.event_name.clone(),
        region: call.region.clone(),
        source_ip_address: call.source_ip_address.clone(),
        user_agent: call.user_agent.clone(),
        error_code: outcome.error_code.clone(),
        error_message: outcome.error_message.clone(),
        request_parameters: parameters,
        response_elements: outcome.response_elements.clone(),
        additional_event_data: match call.identity_verified {
            true => outcome.additional_event_data.clone(),
            false => Some(unverified(outcome.additional_event_data.as_ref())),
        },
        request_id: call.request_id.clone(),
        event_id,
        read_only: call.class.read_only,
        resources: outcome.resources.clone().unwrap_or_else(|| call.resources.clone()),
        api_version: call.api_version.clone(),
        category: call.class.category,
        recipient_account: call.account,
        shared_event_id: None,
        tls: call.tls.clone(),
    }
}

/// Says in front that the caller is not proven.
fn unverified(data: Option<&RawJson>) -> RawJson {
    let members = data.and_then(|data| data.as_bytes().trim_ascii().strip_prefix(b"{")).unwrap_or(b"}");
    let comma: &[u8] = if members.trim_ascii() == b"}" { b"" } else { b"," };
    RawJson::from_written([br#"{"identityVerified":false"#, comma, members].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_proven_is_said_first() {
        let check = |data: Option<&'static str>, expect: &str| {
            let data = data.map(RawJson::from_written);
            assert_eq!(unverified(data.as_ref()).as_bytes(), expect.as_bytes());
        };
        check(None, r#"{"identityVerified":false}"#);
        check(Some("{}"), r#"{"identityVerified":false}"#);
        check(Some(r#"{"outcome":"unknown"}"#), r#"{"identityVerified":false,"outcome":"unknown"}"#);
    }
}
