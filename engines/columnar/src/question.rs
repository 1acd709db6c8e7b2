//! A question, checked against the schema and made ready to be asked of many rows.

use memchr::memmem::Finder;
use opentrail_event::EventId;
use opentrail_table::{Cell, ColumnKind, Error, Find, Order, Row, Schema, Term};

use crate::order::Window;

/// The most terms of one question.
const TERMS_MAX: usize = 64;
/// The most words of one question.
const WORDS_MAX: usize = 32;
/// The most bytes of one word.
const WORD_BYTES_MAX: usize = 4096;

/// What one column must hold.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Text { column: usize, value: String },
    Bool { column: usize, value: bool },
}

/// A question that the schema can answer.
pub(crate) struct Question {
    pub(crate) ids: Vec<EventId>,
    pub(crate) wanted: Vec<Wanted>,
    words: Vec<Finder<'static>>,
    /// `None`: no row can be an answer.
    pub(crate) window: Option<Window>,
    pub(crate) order: Order,
    pub(crate) limit: usize,
    pub(crate) bytes_max: usize,
}

impl Question {
    /// Refuses what the schema does not index and what exceeds the limits.
    pub(crate) fn new(schema: &Schema, find: Find) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::BadQuestion(why));
        if find.limit == 0 {
            return refuse("ask for at least one row".into());
        }
        if find.terms.len() > TERMS_MAX || find.words.len() > WORDS_MAX {
            return refuse(format!("ask with at most {TERMS_MAX} terms and {WORDS_MAX} words"));
        }
        if find.words.iter().any(|word| word.len() > WORD_BYTES_MAX) {
            return refuse(format!("ask for words of at most {WORD_BYTES_MAX} bytes"));
        }
        let window = Window::of(&find);
        let (mut ids, mut wanted) = (Vec::new(), Vec::new());
        for term in find.terms {
            match term {
                Term::Id(id) => ids.push(id),
                Term::Text { column, value } => {
                    let kinds = [ColumnKind::Text, ColumnKind::TextList];
                    wanted.push(Wanted::Text { column: indexed(schema, column, &kinds)?, value });
                }
                Term::Bool { column, value } => {
                    wanted.push(Wanted::Bool { column: indexed(schema, column, &[ColumnKind::Bool])?, value });
                }
            }
        }
        let words = find.words.iter().filter(|word| !word.is_empty());
        let words = words.map(|word| Finder::new(&word.to_ascii_lowercase()).into_owned()).collect();
        Ok(Self { ids, wanted, words, window, order: find.order, limit: find.limit, bytes_max: find.bytes_max })
    }

    /// Whether records must be searched.
    pub(crate) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether the row's id, cells and place are as asked. Words are another matter.
    pub(crate) fn fits(&self, row: &Row) -> bool {
        self.window.is_some_and(|window| window.holds((row.time_s, row.seq)))
            && self.ids.iter().all(|id| *id == row.id)
            && self.wanted.iter().all(|wanted| match wanted {
                Wanted::Text { column, value } => match row.cells.get(*column) {
                    Some(Cell::Text(text)) => **text == **value,
                    Some(Cell::TextList(texts)) => texts.iter().any(|text| **text == **value),
                    _ => false,
                },
                Wanted::Bool { column, value } => row.cells.get(*column) == Some(&Cell::Bool(*value)),
            })
    }

    /// Whether every word occurs in the record. `scratch` is reused between calls.
    pub(crate) fn words_occur(&self, record: &[u8], scratch: &mut Vec<u8>) -> bool {
        if self.words.is_empty() {
            return true;
        }
        scratch.clear();
        scratch.extend_from_slice(record);
        scratch.make_ascii_lowercase();
        self.words.iter().all(|word| word.find(scratch).is_some())
    }
}

fn indexed(schema: &Schema, name: &str, kinds: &[ColumnKind]) -> Result<usize, Error> {
    let refuse = |why: &str| Error::BadQuestion(format!("table {}: column {name} {why}", schema.table));
    let place = schema.column(name).ok_or_else(|| refuse("does not exist"))?;
    match schema.columns[place] {
        column if !column.indexed => Err(refuse("is not indexed")),
        column if !kinds.contains(&column.kind) => Err(refuse("holds values of another kind")),
        _ => Ok(place),
    }
}
