//! The plain truth: what a table answers, said as simply as it can be.

use crate::{Cell, Cursor, Find, Order, Row, Schema, Term};

/// Every row that the question asks for, in order; its limit aside.
pub fn expected(schema: &Schema, rows: &[Row], find: &Find) -> Vec<Row> {
    let mut found: Vec<Row> = rows.iter().filter(|row| wanted(schema, row, find)).cloned().collect();
    found.sort_by_key(|row| (row.time_s, row.seq));
    if find.order == Order::NewestFirst {
        found.reverse();
    }
    found
}

fn wanted(schema: &Schema, row: &Row, find: &Find) -> bool {
    let here = Cursor { time_s: row.time_s, seq: row.seq };
    let behind = find.after.is_none_or(|after| match find.order {
        Order::NewestFirst => here < after,
        Order::OldestFirst => here > after,
    });
    let cell = |name| schema.column(name).map(|place| &row.cells[place]);
    let terms = find.terms.iter().all(|term| match term {
        Term::Id(id) => row.id == *id,
        Term::Text { column, value } => match cell(column) {
            Some(Cell::Text(text)) => **text == **value,
            Some(Cell::TextList(texts)) => texts.iter().any(|text| **text == **value),
            _ => false,
        },
        Term::Bool { column, value } => cell(column) == Some(&Cell::Bool(*value)),
    });
    let record = row.record.to_ascii_lowercase();
    let words = find.words.iter().map(|word| word.to_ascii_lowercase());
    let occurs = |word: String| word.is_empty() || record.windows(word.len()).any(|part| part == word.as_bytes());
    behind && terms && (find.from_s..=find.to_s).contains(&row.time_s) && words.into_iter().all(occurs)
}
