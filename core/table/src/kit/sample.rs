//! Rows and questions that follow from a seed: few values, so that they meet; odd ones among them.

use opentrail_event::EventId;

use crate::{Cell, Column, ColumnKind, Cursor, Find, Order, Row, Schema, Term};

/// The table that the kit opens: every kind of column, indexed and not.
pub fn schema() -> Schema {
    let column = |name, kind, indexed| Column { name, kind, indexed, doc: "of the kit" };
    Schema {
        table: "kit".into(),
        columns: vec![
            column("name", ColumnKind::Text, true),
            column("note", ColumnKind::Text, false),
            column("resources", ColumnKind::TextList, true),
            column("ok", ColumnKind::Bool, true),
        ],
    }
}

const WORDS: [&str; 6] = ["DeleteTrail", "alice", "Ünicode", "10.0.0.1", "\"quoted\"", "end"];

/// Makes rows and questions.
pub struct Sample {
    state: u64,
    next_seq: u64,
}

impl Sample {
    /// The same seed makes the same rows.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, next_seq: 1 }
    }

    /// `n` rows with sequence numbers behind all that were made before.
    pub fn rows(&mut self, n: usize) -> Vec<Row> {
        (0..n).map(|_| self.row()).collect()
    }

    /// `n` rows with sequence numbers from `seq` on.
    pub fn rows_from(&mut self, seq: u64, n: usize) -> Vec<Row> {
        self.next_seq = seq;
        self.rows(n)
    }

    /// A question that now and then has an answer among the rows.
    pub fn question(&mut self, rows: &[Row]) -> Find {
        let mut terms = Vec::new();
        for _ in 0..self.below(3) {
            terms.push(match self.below(8) {
                0 => Term::Id(rows[self.below(rows.len())].id),
                1 => Term::Id(self.id()),
                2 => Term::Bool { column: "ok", value: self.below(2) == 0 },
                3 | 4 => Term::Text { column: "resources", value: self.value() },
                _ => Term::Text { column: "name", value: self.value() },
            });
        }
        let words = (0..self.below(3).saturating_sub(1)).map(|_| self.word().to_uppercase()).collect();
        let (a, b) = (self.time(), self.time());
        let (from_s, to_s) = if self.below(2) == 0 { (i64::MIN, i64::MAX) } else { (a.min(b), a.max(b)) };
        let row = &rows[self.below(rows.len())];
        let after = (self.below(3) == 0).then_some(Cursor { time_s: row.time_s, seq: row.seq });
        let order = if self.below(2) == 0 { Order::NewestFirst } else { Order::OldestFirst };
        let (limit, bytes_max) = (1 + self.below(60), 1 << (14 + self.below(8)));
        Find { terms, words, from_s, to_s, order, after, limit, bytes_max }
    }

    fn row(&mut self) -> Row {
        let seq = self.next_seq;
        self.next_seq += 1 + self.below(3) as u64;
        let cells = vec![
            if self.below(9) == 0 { Cell::Null } else { Cell::Text(self.value().into()) },
            if self.below(2) == 0 { Cell::Null } else { Cell::Text(self.word().into()) },
            match self.below(5) {
                0 => Cell::Null,
                n => Cell::TextList((1..n).map(|_| self.value().into()).collect()),
            },
            match self.below(3) {
                0 => Cell::Null,
                n => Cell::Bool(n == 1),
            },
        ];
        Row { time_s: self.time(), seq, id: self.id(), cells, record: self.record().into() }
    }

    fn time(&mut self) -> i64 {
        self.below(400) as i64 - 200
    }

    /// One id in eight is shared.
    fn id(&mut self) -> EventId {
        let n = if self.below(8) == 0 { self.below(16) as u64 } else { self.next() };
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        EventId::from_bytes(bytes)
    }

    fn value(&mut self) -> String {
        match self.below(40) {
            0 => String::new(),
            1 => "\0".into(),
            2 => "v".repeat(5000),
            3 => format!("{}w", "v".repeat(4999)),
            n => format!("value-{}", n * n % 17),
        }
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    /// Bytes of any kind, words between them.
    fn record(&mut self) -> Vec<u8> {
        let mut record = Vec::new();
        for _ in 0..self.below(20) {
            match self.below(3) {
                0 => record.extend_from_slice(&self.next().to_le_bytes()),
                1 => record.extend_from_slice(self.word().as_bytes()),
                _ => record.extend_from_slice(&vec![b' '; self.below(300)]),
            }
        }
        record
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
