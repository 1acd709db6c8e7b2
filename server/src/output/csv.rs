//! Comma-separated values (RFC 4180, with line feeds alone).

use super::for_csv;

/// One line, every cell made safe.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(for_csv).collect();
    format!("{}\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_apart() {
        assert_eq!(csv_line(["a", "b,c", "=d"]), "a,\"b,c\",'=d\n");
    }
}
