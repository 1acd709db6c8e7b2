//! Text from records is written by strangers: it must not steer a terminal nor compute in a spreadsheet.

use std::fmt::Write;

/// Shows control characters, and those that turn the direction of writing, as escapes.
pub fn for_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a string takes everything");
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON text with the same meaning and nothing that steers a terminal. Control characters stand inside its strings only, save for
/// blanks between tokens.
pub fn for_json_terminal(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(c)) {
            out.push(c);
        } else {
            write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes everything");
        }
    }
    out
}

/// A cell that no spreadsheet takes for a formula, quoted where CSV needs it.
pub fn for_csv(text: &str) -> String {
    let guarded = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%') => format!("'{text}"),
        _ => text.to_owned(),
    };
    let safe: String = guarded.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    if safe.contains(['"', ',', ';']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// Marks of direction and width that hide or reorder what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let check = |text: &str, expect: &str| assert_eq!(for_terminal(text), expect);
        check("plain é", "plain é");
        check("\u{1b}[2Jx\r\n\u{7}", "\\u{1b}[2Jx\\u{d}\\u{a}\\u{7}");
        check("\u{9b}31m\u{202e}", "\\u{9b}31m\\u{202e}");
    }

    #[test]
    fn json_keeps_its_meaning_on_a_terminal() {
        let json = "{\"a\":\"\u{9b}31m\u{202e}\u{7f}é\"}";
        let shown = for_json_terminal(json);
        assert_eq!(shown, "{\"a\":\"\\u009b31m\\u202e\\u007fé\"}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(&shown), read(json));
    }

    #[test]
    fn a_spreadsheet_gets_no_formula() {
        let check = |text: &str, expect: &str| assert_eq!(for_csv(text), expect);
        check("plain", "plain");
        check("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1");
        check("@x", "'@x");
        check("-1+1", "'-1+1");
        check("a,\"b\"\r\n=c", "\"a,\"\"b\"\"  =c\"");
        check("", "");
    }
}
