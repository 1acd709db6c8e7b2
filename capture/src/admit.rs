//! The in-process door for events that somebody else recorded: checks each, and makes those that fit durable in one append.

use bytes::Bytes;
use opentrail_event::{AccountId, BadRecord, Category, EventId, Head, Region};
use opentrail_journal::{Entry, Kind, Position, Refused, Urgency};

use crate::recorder::{Recorder, refused};

/// Events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of one batch, with [`EVENT_HEAD_BYTES`] for each event: what a journal takes in one append.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What an event takes in the journal beside its own bytes, at most: 35 bytes and the name of its region,
/// which has up to 32.
pub const EVENT_HEAD_BYTES: usize = 35 + 32;

/// Why one event of a batch was not taken. The others are not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// Nobody writes into another account's history.
    #[error("recipientAccountId is {found}, and the events are for {wanted}")]
    Account { found: AccountId, wanted: AccountId },
    #[error("awsRegion is not the name of a region")]
    Region,
    /// Insights are made here, of what was recorded here.
    #[error("events of category {} are not taken", .0.as_str())]
    Category(Category),
}

/// Why a batch was not taken at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotTaken {
    #[error("{events} events in one batch; send at most {max}")]
    TooManyEvents { events: usize, max: usize },
    #[error("{bytes} bytes in one batch; send at most {max}")]
    TooManyBytes { bytes: usize, max: usize },
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Recorder {
    /// Takes finished records for `account`, byte for byte. When this returns, each event that has a position is durable.
    pub async fn append_events(
        &self,
        account: AccountId,
        events: Vec<Bytes>,
    ) -> Result<Vec<Result<Position, Unfit>>, NotTaken> {
        self.ready()?;
        self.room_behind(account)?;
        self.take_in(account, events, Urgency::Normal).await
    }

    /// Takes an event that the server itself makes. It is not asked for room behind the journal, and may use the reserve:
    /// a start must come to its end, or nobody could mend what keeps it from that.
    pub async fn append_own(&self, account: AccountId, event: Bytes) -> Result<Result<Position, Unfit>, NotTaken> {
        self.ready()?;
        let mut taken = self.take_in(account, vec![event], Urgency::ControlPlane).await?;
        taken.pop().ok_or_else(|| Refused::Unavailable("the journal gave no position".into()).into())
    }

    async fn take_in(
        &self,
        account: AccountId,
        events: Vec<Bytes>,
        urgency: Urgency,
    ) -> Result<Vec<Result<Position, Unfit>>, NotTaken> {
        let (count, bytes) = (events.len(), events.iter().map(|event| event.len() + EVENT_HEAD_BYTES).sum());
        if count > BATCH_EVENTS_MAX {
            return Err(NotTaken::TooManyEvents { events: count, max: BATCH_EVENTS_MAX });
        }
        if bytes > BATCH_BYTES_MAX {
            return Err(NotTaken::TooManyBytes { bytes, max: BATCH_BYTES_MAX });
        }
        let mut regions = Vec::new();
        let checked: Vec<Result<(EventId, Region), Unfit>> =
            events.iter().map(|event| check(event, account, &mut regions)).collect();
        let fit = events.into_iter().zip(&checked).filter_map(|(bytes, checked)| {
            let (event_id, region) = checked.as_ref().ok()?.clone();
            Some(Entry { kind: Kind::Record, urgency, account, region, event_id, bytes })
        });
        let entries: Vec<Entry> = fit.collect();
        let mut positions = Vec::new().into_iter();
        if !entries.is_empty() {
            positions = self.journal.append(entries).await.map_err(refused)?.into_iter();
        }
        metrics::counter!("opentrail_capture_records_total").increment(positions.len() as u64);
        checked
            .into_iter()
            .map(|checked| match checked {
                Err(unfit) => Ok(Err(unfit)),
                Ok(_) => {
                    let short = || Refused::Unavailable("the journal gave too few positions".into());
                    Ok(Ok(positions.next().ok_or_else(short)?))
                }
            })
            .collect()
    }
}

/// `regions` are those met so far: a batch has few, and they are shared.
fn check(event: &[u8], account: AccountId, regions: &mut Vec<Region>) -> Result<(EventId, Region), Unfit> {
    let head = Head::parse(event)?;
    if head.recipient_account != account {
        return Err(Unfit::Account { found: head.recipient_account, wanted: account });
    }
    if head.category == Category::Insight {
        return Err(Unfit::Category(head.category));
    }
    if let Some(region) = regions.iter().find(|region| region.as_str() == head.region) {
        return Ok((head.event_id, region.clone()));
    }
    let region: Region = head.region.parse().map_err(|_| Unfit::Region)?;
    regions.push(region.clone());
    Ok((head.event_id, region))
}
