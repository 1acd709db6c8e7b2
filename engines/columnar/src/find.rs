//! Answers a question: sources merged in order, candidates read in batches, each compared with the question.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use opentrail_table::{Cursor, Error, Order, Page, Row};

use crate::failure::of_worker;
use crate::order::{SortKey, rank};
use crate::part::{Part, Store};
use crate::question::Question;
use crate::read;
use crate::source::{Candidate, MemorySource, Source, of_parts};
use crate::table::Snapshot;

/// The most rows of one page.
pub(crate) const PAGE_ROWS_MAX: usize = 10_000;
/// Candidates that are read at once at most: they are all in memory before the first is judged.
const BATCH_MAX: usize = 256;
/// Candidates that are read at first; then twice as many each time, as long as they are small.
const BATCH_MIN: usize = 64;
/// Bytes that a batch should stay below, judged by the one before.
const BATCH_BYTES: u64 = 8 << 20;

/// One page.
pub(crate) async fn find(
    store: &Arc<Store>,
    snapshot: Snapshot,
    question: Question,
    read_bytes_max: u64,
) -> Result<Page, Error> {
    let question = Arc::new(question);
    let limit = question.limit.min(PAGE_ROWS_MAX);
    let (mut page, mut page_bytes) = (Vec::new(), 0usize);
    let mut merged = Merged::new(store, snapshot, &question).await?;
    let (mut read_bytes, mut last) = (0, None);
    let mut batch_max = BATCH_MIN;
    loop {
        let wanted = if question.has_words() { batch_max } else { batch_max.min(limit - page.len()) };
        let picks = merged.next(wanted).await?;
        if picks.is_empty() {
            return Ok(Page { rows: page, next: None });
        }
        let picked = picks.len();
        let mut batch = merged.read(picks).await?;
        read_bytes += batch.read_bytes;
        let mut full = false;
        while let Some((key, row)) = batch.rows.pop_front() {
            if let Some(row) = row {
                let bytes = page_bytes.saturating_add(row.record.len());
                if bytes > question.bytes_max && !page.is_empty() {
                    let next = last.map(|(time_s, seq)| Cursor { time_s, seq });
                    return Ok(Page { rows: page, next });
                }
                page_bytes = bytes;
                page.push(row);
            }
            last = Some(key);
            full = page.len() == limit || (page_bytes >= question.bytes_max && !page.is_empty());
            if full {
                break;
            }
        }
        if full || read_bytes >= read_bytes_max {
            let more = !batch.rows.is_empty() || merged.settle().await?.is_some();
            let next = last.filter(|_| more).map(|(time_s, seq)| Cursor { time_s, seq });
            return Ok(Page { rows: page, next });
        }
        let each = (batch.read_bytes / picked as u64).max(1);
        let fit = usize::try_from(BATCH_BYTES / each).unwrap_or(BATCH_MAX);
        batch_max = (batch_max * 2).min(fit).clamp(1, BATCH_MAX);
    }
}

/// All sources as one.
struct Merged<'a> {
    store: &'a Arc<Store>,
    question: &'a Arc<Question>,
    sources: Vec<Source>,
    /// The rank of each source's head, smallest first.
    heads: BinaryHeap<Reverse<(u128, usize)>>,
}

struct Pick {
    key: SortKey,
    source: usize,
    candidate: Candidate,
}

/// What became of the candidates: a row, or nothing where one did not fit.
struct Batch {
    rows: VecDeque<(SortKey, Option<Row>)>,
    read_bytes: u64,
}

impl<'a> Merged<'a> {
    async fn new(store: &'a Arc<Store>, snapshot: Snapshot, question: &'a Arc<Question>) -> Result<Self, Error> {
        let mut sources = of_parts(store, &snapshot.parts, question).await?;
        for memory in snapshot.memories {
            sources.push(Source::Memory(MemorySource::new(memory, question).await));
        }
        let heads = sources.iter().enumerate().filter_map(|(at, source)| {
            let (key, _) = source.head(question)?;
            Some(Reverse((rank(question.order, key), at)))
        });
        Ok(Self { heads: heads.collect(), store, question, sources })
    }

    /// Opens parts until the head of all is a candidate, and says whose it is.
    async fn settle(&mut self) -> Result<Option<(SortKey, usize)>, Error> {
        while let Some(Reverse((_, at))) = self.heads.peek().copied() {
            match self.sources[at].head(self.question) {
                Some((key, true)) => return Ok(Some((key, at))),
                Some((_, false)) => {
                    self.heads.pop();
                    if let Source::Part(part) = &mut self.sources[at] {
                        part.open(self.store, self.question).await?;
                    }
                    self.push(at);
                }
                None => {
                    self.heads.pop();
                }
            }
        }
        Ok(None)
    }

    fn push(&mut self, at: usize) {
        if let Some((key, _)) = self.sources[at].head(self.question) {
            self.heads.push(Reverse((rank(self.question.order, key), at)));
        }
    }

    /// Up to `wanted` candidates in order.
    async fn next(&mut self, wanted: usize) -> Result<Vec<Pick>, Error> {
        let mut picks = Vec::new();
        while picks.len() < wanted
            && let Some((key, source)) = self.settle().await?
        {
            self.heads.pop();
            if let Some(candidate) = self.sources[source].take(self.store, self.question).await? {
                picks.push(Pick { key, source, candidate });
            }
            self.push(source);
        }
        Ok(picks)
    }

    /// Reads what the picks name and compares it with the question.
    async fn read(&self, picks: Vec<Pick>) -> Result<Batch, Error> {
        let searched = if self.question.has_words() { Some(self.search(&picks).await?) } else { None };
        let hits = |at: usize| searched.as_ref().is_none_or(|(hits, _)| hits.get(at).copied().unwrap_or(false));
        let of_hits = picks.iter().enumerate().filter(|(at, _)| hits(*at)).map(|(_, pick)| pick);
        let mut rows_of: Vec<(usize, VecDeque<Row>)> = Vec::new();
        for (source, part, numbers) in self.by_source(of_hits) {
            rows_of.push((source, self.in_order(read::rows(self.store, &part, &numbers).await?)));
        }
        let (mut rows, mut read_bytes) = (VecDeque::with_capacity(picks.len()), 0);
        for (at, pick) in picks.into_iter().enumerate() {
            let row = match pick.candidate {
                _ if !hits(at) => None,
                Candidate::Row(row) => Some((*row).clone()),
                Candidate::InPart(_) => {
                    let of_part = rows_of.iter_mut().find(|(source, _)| *source == pick.source);
                    of_part.and_then(|(_, rows)| rows.pop_front())
                }
            };
            read_bytes += row.as_ref().map_or(0, |row| row.record.len() as u64);
            rows.push_back((pick.key, row.filter(|row| self.question.fits(row))));
        }
        Ok(Batch { rows, read_bytes: searched.map_or(read_bytes, |(_, bytes)| bytes) })
    }

    /// For each pick whether the words occur in its record, and how many bytes that were. Searching takes as long as it
    /// takes: it is done on a thread of its own, and a permit bounds the threads and what they hold.
    async fn search(&self, picks: &[Pick]) -> Result<(Vec<bool>, u64), Error> {
        let permit = self.store.searches.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::Unavailable("searching has ended".into()))?;
        let mut records_of: Vec<(usize, VecDeque<Bytes>)> = Vec::new();
        for (source, part, numbers) in self.by_source(picks) {
            records_of.push((source, self.in_order(read::records(self.store, &part, &numbers).await?)));
        }
        let of_pick = |pick: &Pick| match &pick.candidate {
            Candidate::Row(row) => row.record.clone(),
            Candidate::InPart(_) => {
                let of_part = records_of.iter_mut().find(|(source, _)| *source == pick.source);
                of_part.and_then(|(_, records)| records.pop_front()).unwrap_or_default()
            }
        };
        let records: Vec<Bytes> = picks.iter().map(of_pick).collect();
        let bytes = records.iter().map(|record| record.len() as u64).sum();
        let question = self.question.clone();
        let search = move || {
            let _permit = permit;
            let mut scratch = Vec::new();
            records.iter().map(|record| question.words_occur(record, &mut scratch)).collect()
        };
        Ok((tokio::task::spawn_blocking(search).await.map_err(of_worker)?, bytes))
    }

    /// The row numbers, ascending, that are to be read of each part.
    fn by_source<'p>(&self, picks: impl IntoIterator<Item = &'p Pick>) -> Vec<(usize, Arc<Part>, Vec<u32>)> {
        let mut of_source: Vec<(usize, Arc<Part>, Vec<u32>)> = Vec::new();
        for pick in picks {
            if let (Candidate::InPart(row), Source::Part(part)) = (&pick.candidate, &self.sources[pick.source]) {
                match of_source.iter_mut().find(|(source, ..)| *source == pick.source) {
                    Some((_, _, rows)) => rows.push(*row),
                    None => of_source.push((pick.source, part.part.clone(), vec![*row])),
                }
            }
        }
        if self.question.order == Order::NewestFirst {
            of_source.iter_mut().for_each(|(_, _, rows)| rows.reverse());
        }
        of_source
    }

    /// What was read by ascending row number, in the order of the question.
    fn in_order<T>(&self, mut read: Vec<T>) -> VecDeque<T> {
        if self.question.order == Order::NewestFirst {
            read.reverse();
        }
        read.into()
    }
}
