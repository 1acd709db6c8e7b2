//! The conformance kit: every engine behind [`Journal`] passes it.
//!
//! Each check opens a journal of its own by name. Opening the same name again, after the first was dropped, is a
//! restart: what was acknowledged is there. The engine must take at least 8 MiB, have one to four partitions, and
//! refuse an entry of more than 1 MiB.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentrail_event::{AccountId, EventId, Region};
use opentrail_world::World;

use crate::{Entry, Error, Frame, Journal, Kind, Partition, Position, Positions, Urgency};

/// Runs all checks; panics where the engine breaks the contract.
pub async fn conforms<F, Fut>(open: F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Journal>>,
{
    entries_come_back_as_they_went(&*open("read").await).await;
    reads_are_bounded_and_never_empty_before_the_end(&*open("bounds").await).await;
    a_batch_is_in_one_row(open("rows").await).await;
    the_end_is_shown(&*open("watch").await).await;
    what_is_too_large_is_refused_whole(&*open("large").await).await;
    nothing_goes_before_every_hold_allows_it(&*open("hold").await).await;
    restarts_keep_everything(&open).await;
}

/// An entry of `bytes` for tests: the `n`th of its account.
pub fn entry(account: u64, n: u64, bytes: usize) -> Entry {
    let account: AccountId = format!("{account:012}").parse().expect("twelve digits");
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    let text = format!("{{\"n\":{n},\"account\":\"{account}\",\"pad\":\"");
    let mut body = text.into_bytes();
    // Not all the same, so that packing has something to do.
    body.extend((body.len()..bytes.saturating_sub(2)).map(|i| b'a' + ((i as u64).wrapping_mul(n | 1) >> 3) as u8 % 26));
    body.extend_from_slice(b"\"}");
    Entry {
        kind: if n.is_multiple_of(7) { Kind::Intent } else { Kind::Record },
        urgency: if n.is_multiple_of(5) { Urgency::ControlPlane } else { Urgency::Normal },
        account,
        region: if n.is_multiple_of(2) { Region::us_east_1() } else { "eu-west-1".parse().expect("a region") },
        event_id: EventId::from_bytes(id),
        bytes: Bytes::from(body),
    }
}

/// Entries `range` of one account, all of one region, so that they share a partition.
pub fn entries(account: u64, range: std::ops::Range<u64>, bytes: usize) -> Vec<Entry> {
    range.map(|n| Entry { region: Region::us_east_1(), ..entry(account, n, bytes) }).collect()
}

/// Everything that is left of a partition, by reads of about `bytes_max`.
pub async fn read_all(journal: &dyn Journal, partition: Partition, bytes_max: usize) -> Vec<Frame> {
    let mut offset = journal.start().next(partition);
    let mut all: Vec<Frame> = Vec::new();
    loop {
        let frames = journal.read(Position { partition, offset }, bytes_max).await.expect("a read of what is there");
        let Some(last) = frames.last() else { return all };
        for frame in &frames {
            assert_eq!(frame.position, Position { partition, offset }, "offsets count without gaps");
            offset += 1;
        }
        assert_eq!(last.position.offset + 1, offset);
        all.extend(frames);
    }
}

/// Everything that is left of the journal.
pub async fn read_everything(journal: &dyn Journal, bytes_max: usize) -> Vec<Frame> {
    let mut all = Vec::new();
    for partition in 0..journal.partitions() {
        all.extend(read_all(journal, Partition(partition), bytes_max).await);
    }
    all
}

async fn entries_come_back_as_they_went(journal: &dyn Journal) {
    assert_eq!(journal.append(Vec::new()).await.expect("an empty batch"), []);
    let mut went: BTreeMap<Position, Entry> = BTreeMap::new();
    for (n, bytes) in [0, 1, 200, 70_000, 1_000_000].into_iter().enumerate() {
        let mut one = entry(n as u64, n as u64, bytes);
        if bytes == 0 {
            one.bytes = Bytes::new();
        }
        let positions = journal.append(vec![one.clone()]).await.expect("an append");
        assert_eq!(positions.len(), 1, "a position for each entry");
        assert!(positions[0].partition.0 < journal.partitions());
        went.insert(positions[0], one);
    }
    let came = read_everything(journal, 1 << 20).await;
    let came: BTreeMap<Position, Entry> = came.into_iter().map(|frame| (frame.position, frame.entry)).collect();
    assert_eq!(came, went);
    assert!(journal.usage().0 <= journal.usage().1);
}

async fn reads_are_bounded_and_never_empty_before_the_end(journal: &dyn Journal) {
    let batch = entries(1, 0..500, 1000);
    let positions = journal.append(batch.clone()).await.expect("an append");
    let partition = positions[0].partition;
    for bytes_max in [0, 1, 999, 5_000, 10_000_000] {
        let came = read_all(journal, partition, bytes_max).await;
        assert!(came.iter().map(|frame| &frame.entry).eq(&batch), "reads of {bytes_max} bytes");
    }
    let few = journal.read(positions[250], 5_000).await.expect("a read");
    assert_eq!(few.first().map(|frame| frame.position), Some(positions[250]));
    assert!((5..=8).contains(&few.len()), "{} entries of 1,000 bytes for 5,000", few.len());
    for behind in [500, 501, u64::MAX] {
        let none = journal.read(Position { partition, offset: behind }, 1000).await.expect("a read behind the end");
        assert_eq!(none, []);
    }
}

async fn a_batch_is_in_one_row(journal: Arc<dyn Journal>) {
    let callers = (0..8).map(|caller| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            for round in 0..20 {
                let batch = entries(caller, round * 10..round * 10 + 10, 300);
                let positions = journal.append(batch).await.expect("an append");
                let row = positions.windows(2).all(|two| two[0].offset + 1 == two[1].offset);
                assert!(row && positions.len() == 10, "a batch lies in one row, in its order");
                mine.push(positions[0]);
            }
            assert!(mine.windows(2).all(|two| two[0] < two[1]), "one caller's appends keep their order");
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("a caller");
    }
    let mut of_each: BTreeMap<AccountId, Vec<EventId>> = BTreeMap::new();
    for frame in read_everything(&*journal, 64 * 1024).await {
        of_each.entry(frame.entry.account).or_default().push(frame.entry.event_id);
    }
    assert_eq!(of_each.len(), 8);
    for ids in of_each.values() {
        assert!(ids.len() == 200 && ids.is_sorted(), "each exactly once, in order");
    }
    // The owner's copy: two accounts in one batch stay together.
    let both = vec![entry(1, 1, 100), entry(2, 2, 100)];
    let positions = journal.append(both).await.expect("an append for two accounts");
    assert_eq!((positions[0].partition, positions[0].offset + 1), (positions[1].partition, positions[1].offset));
}

async fn the_end_is_shown(journal: &dyn Journal) {
    let mut ends = journal.watch();
    let before = ends.borrow_and_update().clone();
    assert_eq!(before.0.len() as u32, journal.partitions(), "every partition is shown from the start");
    let positions = journal.append(entries(1, 0..3, 100)).await.expect("an append");
    assert!(ends.has_changed().expect("the journal is there"), "an append that returned is shown");
    assert_eq!(ends.borrow_and_update().next(positions[0].partition), positions[2].offset + 1);
}

async fn what_is_too_large_is_refused_whole(journal: &dyn Journal) {
    let before = journal.watch().borrow().clone();
    let batch = vec![entry(1, 1, 100), entry(1, 2, 1024 * 1024 + 1)];
    assert!(matches!(journal.append(batch).await, Err(Error::TooLarge { .. })));
    assert_eq!(*journal.watch().borrow(), before);
    assert_eq!(read_everything(journal, 1000).await, []);
    let largest = Entry { bytes: vec![b' '; 1024 * 1024].into(), ..entry(1, 3, 0) };
    journal.append(vec![largest]).await.expect("the largest entry is taken");
}

async fn nothing_goes_before_every_hold_allows_it(journal: &dyn Journal) {
    let mut last = Position { partition: Partition(0), offset: 0 };
    for round in 0..40 {
        let positions = journal.append(entries(1, round * 100..round * 100 + 100, 500)).await.expect("an append");
        last = positions[99];
    }
    let end = Positions([(last.partition, last.offset + 1)].into());
    let low = Positions([(last.partition, 1000)].into());
    journal.hold("slow", low.clone());
    journal.hold("fast", end.clone());
    for _ in 0..20 {
        // Truncation follows in its own time: give it some.
        World::real().sleep(Duration::from_millis(5)).await;
        assert!(journal.start().next(last.partition) <= 1000, "what the slowest holder needs is there");
    }
    let first = Position { partition: last.partition, offset: 1000 };
    let frames = journal.read(first, 100).await.expect("what is held can be read");
    assert_eq!(frames[0].entry, entries(1, 1000..1001, 500)[0]);
    let start = journal.start().next(last.partition);
    if start > 0 {
        let gone = journal.read(Position { partition: last.partition, offset: 0 }, 100).await;
        assert!(matches!(gone, Err(Error::Truncated { asked: 0, first }) if first == start), "{gone:?}");
    }
}

async fn restarts_keep_everything<F, Fut>(open: &F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Journal>>,
{
    let mut went: BTreeMap<Position, Entry> = BTreeMap::new();
    for life in 0..4_u64 {
        let journal = open("restart").await;
        for round in 0..10 {
            let n = life * 1000 + round * 10;
            let batch = entries(round % 3, n..n + 10, 2000);
            let positions = journal.append(batch.clone()).await.expect("an append");
            went.extend(positions.into_iter().zip(batch));
        }
        drop(journal);
        let journal = open("restart").await;
        let came = read_everything(&*journal, 10_000).await;
        let came: BTreeMap<Position, Entry> = came.into_iter().map(|frame| (frame.position, frame.entry)).collect();
        assert!(came == went, "life {life}: {} entries, {} were acknowledged", came.len(), went.len());
        for (partition, end) in &journal.watch().borrow().0 {
            let last = went.keys().rfind(|at| at.partition == *partition);
            assert_eq!(*end, last.map_or(0, |at| at.offset + 1), "the end after a restart");
        }
    }
}
