//! How answers are shown: to people, to programs, and never to a terminal's control sequences.

mod csv;
mod escape;
mod records;

pub use csv::csv_line;
pub use escape::{for_csv, for_json_terminal, for_terminal};
pub use records::{CSV_HEADER, RecordView};

use std::io::IsTerminal;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};

/// How to write an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A table without lines, as wide as the terminal.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|h| h.to_uppercase()));
    table
}

/// Columns of a wrapped table that goes to no terminal.
const COLUMNS: u16 = 120;

/// A table that is wrapped also where it goes to no terminal.
pub fn wrapped_table(header: &[&str]) -> Table {
    let mut table = table(header);
    if !std::io::stdout().is_terminal() {
        table.set_width(COLUMNS);
    }
    table
}

/// A row of texts, made safe for a terminal.
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    cells.into_iter().map(for_terminal).collect()
}

/// The table's text, without blanks at the ends of its lines.
pub fn text(table: &Table) -> String {
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
