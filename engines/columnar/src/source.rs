//! Where a find's rows come from, each in the asked-for order: a part, or rows in memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use opentrail_table::{Error, Order, Row};
use roaring::RoaringBitmap;

use crate::index::{Index, KEYS_PER_BLOCK};
use crate::memory::Memory;
use crate::order::{SortKey, Window};
use crate::part::{Part, Store};
use crate::question::{Question, Wanted};

/// Rows in memory that are looked at before the lock is let go.
const EXAMINED_AT_ONCE: usize = 2048;
/// Parts whose id blocks are looked at together.
const PARTS_AT_ONCE: usize = 16;

/// One row that may be an answer.
pub(crate) enum Candidate {
    Row(Arc<Row>),
    /// A row of the source's part, by number.
    InPart(u32),
}

/// A stream of candidates, strictly in order.
pub(crate) enum Source {
    Part(Box<PartSource>),
    Memory(MemorySource),
}

impl Source {
    /// The next candidate's key; a part that was not opened yet says what its first could be at best, and `false`.
    pub(crate) fn head(&self, question: &Question) -> Option<(SortKey, bool)> {
        match self {
            Self::Memory(memory) => memory.rows.front().map(|row| ((row.time_s, row.seq), true)),
            Self::Part(part) => match &part.rows {
                None => {
                    let row = &part.part.row;
                    let best = if question.order == Order::NewestFirst { row.last } else { row.first };
                    Some((best, false))
                }
                Some(_) => part.head.map(|(key, _)| (key, true)),
            },
        }
    }

    /// Takes the candidate at the head of an opened source, and moves on.
    pub(crate) async fn take(&mut self, store: &Store, question: &Question) -> Result<Option<Candidate>, Error> {
        match self {
            Self::Memory(memory) => {
                let row = memory.rows.pop_front();
                memory.fill(question).await;
                Ok(row.map(Candidate::Row))
            }
            Self::Part(part) => {
                let taken = part.head.take();
                part.advance(store, question.order).await?;
                Ok(taken.map(|(_, row)| Candidate::InPart(row)))
            }
        }
    }
}

/// Rows in memory, a few at a time.
pub(crate) struct MemorySource {
    memory: Arc<Memory>,
    /// What was not looked at yet.
    window: Option<Window>,
    rows: VecDeque<Arc<Row>>,
}

impl MemorySource {
    pub(crate) async fn new(memory: Arc<Memory>, question: &Question) -> Self {
        let mut source = Self { memory, window: question.window, rows: VecDeque::new() };
        if let (Some(id), Some(window)) = (question.ids.first(), source.window.take_if(|_| !question.ids.is_empty())) {
            let rows = source.memory.with_id(*id, window).into_iter().filter(|row| question.fits(row));
            source.rows = rows.collect();
            if question.order == Order::NewestFirst {
                source.rows.make_contiguous().reverse();
            }
        }
        source.fill(question).await;
        source
    }

    /// Looks for the next few. Each look is short, and others get their turn before the next one: a question that fits
    /// nothing looks at every row there is.
    async fn fill(&mut self, question: &Question) {
        let mut looked = false;
        while let (true, Some(window)) = (self.rows.is_empty(), self.window) {
            if std::mem::replace(&mut looked, true) {
                tokio::task::yield_now().await;
            }
            let (rows, left) = self.memory.scan(question.order, window, EXAMINED_AT_ONCE, |row| question.fits(row));
            self.rows.extend(rows);
            self.window = left;
        }
    }
}

/// The candidates of a part.
pub(crate) struct PartSource {
    pub(crate) part: Arc<Part>,
    rows: Option<Rows>,
    head: Option<(SortKey, u32)>,
    block: Option<(u32, Arc<[SortKey]>)>,
}

enum Rows {
    All(Range<u32>),
    Some(Box<roaring::bitmap::IntoIter>),
}

impl PartSource {
    pub(crate) fn new(part: Arc<Part>) -> Self {
        Self { part, rows: None, head: None, block: None }
    }

    /// Asks the index for candidates and moves to the first.
    pub(crate) async fn open(&mut self, store: &Store, question: &Question) -> Result<(), Error> {
        let candidates = candidates(store, &self.part, question).await?;
        self.open_with(store, question, candidates).await
    }

    async fn open_with(
        &mut self,
        store: &Store,
        question: &Question,
        candidates: Option<RoaringBitmap>,
    ) -> Result<(), Error> {
        let index = Index { store, part: &self.part };
        let none = candidates.as_ref().is_some_and(RoaringBitmap::is_empty);
        let (lo, hi) = match question.window {
            Some(window) if !none => index.rows_within(window).await?,
            _ => (0, 0),
        };
        self.rows = Some(match candidates {
            Some(_) if lo >= hi => Rows::All(0..0),
            Some(bitmap) => {
                let mut rows = bitmap.into_iter();
                rows.advance_to(lo);
                rows.advance_back_to(hi - 1);
                Rows::Some(Box::new(rows))
            }
            None => Rows::All(lo..hi),
        });
        self.advance(store, question.order).await
    }

    async fn advance(&mut self, store: &Store, order: Order) -> Result<(), Error> {
        let row = match (&mut self.rows, order) {
            (None, _) => None,
            (Some(Rows::All(rows)), Order::NewestFirst) => rows.next_back(),
            (Some(Rows::All(rows)), Order::OldestFirst) => rows.next(),
            (Some(Rows::Some(rows)), Order::NewestFirst) => rows.next_back(),
            (Some(Rows::Some(rows)), Order::OldestFirst) => rows.next(),
        };
        let Some(row) = row else {
            self.head = None;
            return Ok(());
        };
        let number = row / KEYS_PER_BLOCK;
        let keys = match &self.block {
            Some((loaded, keys)) if *loaded == number => keys,
            _ => {
                let keys = Index { store, part: &self.part }.keys(number).await?;
                &self.block.insert((number, keys)).1
            }
        };
        self.head = Some((keys[(row % KEYS_PER_BLOCK) as usize], row));
        Ok(())
    }
}

/// The sources for parts that the window meets. A question by id opens them all at once and keeps those with a hit.
pub(crate) async fn of_parts(store: &Store, parts: &[Arc<Part>], question: &Question) -> Result<Vec<Source>, Error> {
    let meets = |part: &&Arc<Part>| question.window.is_some_and(|window| window.meets(part.row.first, part.row.last));
    let parts = parts.iter().filter(meets).cloned();
    if question.ids.is_empty() {
        return Ok(parts.map(|part| Source::Part(Box::new(PartSource::new(part)))).collect());
    }
    let open = |part: Arc<Part>| async move {
        let candidates = candidates(store, &part, question).await?;
        if candidates.as_ref().is_some_and(RoaringBitmap::is_empty) {
            return Ok(None);
        }
        let mut source = PartSource::new(part);
        source.open_with(store, question, candidates).await?;
        Ok(Some(Source::Part(Box::new(source))))
    };
    stream::iter(parts).map(open).buffered(PARTS_AT_ONCE).try_filter_map(|hit| async { Ok(hit) }).try_collect().await
}

/// The rows that the index says may fit; `None` when it does not narrow them down.
pub(crate) async fn candidates(
    store: &Store,
    part: &Part,
    question: &Question,
) -> Result<Option<RoaringBitmap>, Error> {
    let index = Index { store, part };
    let mut all: Option<RoaringBitmap> = None;
    let narrow = |all: &mut Option<RoaringBitmap>, rows: RoaringBitmap| {
        match all {
            Some(all) => *all &= rows,
            None => *all = Some(rows),
        }
        all.as_ref().is_some_and(RoaringBitmap::is_empty)
    };
    for id in &question.ids {
        if narrow(&mut all, index.rows_with_id(id).await?) {
            return Ok(all);
        }
    }
    for wanted in &question.wanted {
        let column = |place: usize| store.schema.columns[place].name;
        let rows = match wanted {
            Wanted::Text { column: place, value } => index.rows_with_text(column(*place), value).await?,
            Wanted::Bool { column: place, value } => index.rows_with_bool(column(*place), *value).await?,
        };
        if let Some(rows) = rows
            && narrow(&mut all, rows)
        {
            return Ok(all);
        }
    }
    Ok(all)
}
