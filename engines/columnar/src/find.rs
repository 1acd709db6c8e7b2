//! Answers a question: sources merged in order, candidates read in batches, each compared with the question.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use opentrail_table::{Cursor, Error, Order, Page, Row};

use crate::order::{SortKey, rank};
use crate::part::{Part, Store};
use crate::question::Question;
use crate::read;
use crate::source::{Candidate, MemorySource, Source, of_parts};
use crate::table::Snapshot;

/// The most rows of one page.
pub(crate) const PAGE_ROWS_MAX: usize = 10_000;
/// Candidates that are read at once at most.
const BATCH_MAX: usize = 1024;
/// Candidates that a question by words reads at first; then more and more.
const WORDS_BATCH: usize = 128;

/// One page.
pub(crate) async fn find(
    store: &Arc<Store>,
    snapshot: Snapshot,
    question: Question,
    read_bytes_max: u64,
) -> Result<Page, Error> {
    let limit = question.limit.min(PAGE_ROWS_MAX);
    let mut page = Vec::new();
    let mut merged = Merged::new(store, snapshot, &question).await?;
    let (mut read_bytes, mut last, mut scratch) = (0, None, Vec::new());
    let mut batch_max = if question.has_words() { WORDS_BATCH } else { BATCH_MAX };
    loop {
        let wanted = if question.has_words() { batch_max } else { batch_max.min(limit - page.len()) };
        let picks = merged.next(wanted).await?;
        if picks.is_empty() {
            return Ok(Page { rows: page, next: None });
        }
        let mut batch = merged.read(picks, &mut scratch).await?;
        read_bytes += batch.read_bytes;
        while let Some((key, row)) = batch.rows.pop_front() {
            last = Some(key);
            page.extend(row);
            if page.len() == limit {
                break;
            }
        }
        if page.len() == limit || read_bytes >= read_bytes_max {
            let more = !batch.rows.is_empty() || merged.settle().await?.is_some();
            let next = last.filter(|_| more).map(|(time_s, seq)| Cursor { time_s, seq });
            return Ok(Page { rows: page, next });
        }
        batch_max = (batch_max * 2).min(BATCH_MAX);
    }
}

/// All sources as one.
struct Merged<'a> {
    store: &'a Arc<Store>,
    question: &'a Question,
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
    async fn new(store: &'a Arc<Store>, snapshot: Snapshot, question: &'a Question) -> Result<Self, Error> {
        let mut sources = of_parts(store, &snapshot.parts, question).await?;
        let memories = snapshot.memories.into_iter();
        sources.extend(memories.map(|memory| Source::Memory(MemorySource::new(memory, question))));
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
    async fn read(&self, picks: Vec<Pick>, scratch: &mut Vec<u8>) -> Result<Batch, Error> {
        let mut of_source: Vec<(usize, Arc<Part>, Vec<u32>)> = Vec::new();
        for pick in &picks {
            if let (Candidate::InPart(row), Source::Part(part)) = (&pick.candidate, &self.sources[pick.source]) {
                match of_source.iter_mut().find(|(source, ..)| *source == pick.source) {
                    Some((_, _, rows)) => rows.push(*row),
                    None => of_source.push((pick.source, part.part.clone(), vec![*row])),
                }
            }
        }
        let mut read_bytes = 0;
        let mut rows_of: Vec<(usize, VecDeque<Option<Row>>)> = Vec::new();
        for (source, part, mut numbers) in of_source {
            if self.question.order == Order::NewestFirst {
                numbers.reverse();
            }
            let mut rows = self.read_part(&part, &numbers, scratch, &mut read_bytes).await?;
            if self.question.order == Order::NewestFirst {
                rows.make_contiguous().reverse();
            }
            rows_of.push((source, rows));
        }
        let mut rows = VecDeque::with_capacity(picks.len());
        for pick in picks {
            let row = match pick.candidate {
                Candidate::Row(row) => {
                    read_bytes += row.record.len() as u64;
                    self.question.words_occur(&row.record, scratch).then(|| (*row).clone())
                }
                Candidate::InPart(_) => {
                    let of_part = rows_of.iter_mut().find(|(source, _)| *source == pick.source);
                    of_part.and_then(|(_, rows)| rows.pop_front()).flatten()
                }
            };
            rows.push_back((pick.key, row));
        }
        Ok(Batch { rows, read_bytes })
    }

    /// For each of the ascending row numbers the row, or nothing where it does not fit.
    async fn read_part(
        &self,
        part: &Arc<Part>,
        numbers: &[u32],
        scratch: &mut Vec<u8>,
        read_bytes: &mut u64,
    ) -> Result<VecDeque<Option<Row>>, Error> {
        if !self.question.has_words() {
            let rows = read::rows(self.store, part, numbers).await?;
            *read_bytes += rows.iter().map(|row| row.record.len() as u64).sum::<u64>();
            return Ok(rows.into_iter().map(|row| self.question.fits(&row).then_some(row)).collect());
        }
        let records: Vec<Bytes> = read::records(self.store, part, numbers).await?;
        let hits: Vec<bool> = records
            .iter()
            .map(|record| {
                *read_bytes += record.len() as u64;
                self.question.words_occur(record, scratch)
            })
            .collect();
        let of_hits: Vec<u32> = numbers.iter().zip(&hits).filter(|(_, hit)| **hit).map(|(row, _)| *row).collect();
        let mut rows = match of_hits.is_empty() {
            true => Vec::new(),
            false => read::rows(self.store, part, &of_hits).await?,
        }
        .into_iter();
        let kept = hits.into_iter().map(|hit| {
            let row = if hit { rows.next() } else { None };
            row.filter(|row| self.question.fits(row))
        });
        Ok(kept.collect())
    }
}
