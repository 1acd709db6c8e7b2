//! What a source file may say, and what it opens with.

use super::{code, is_test, settle, sources};

/// Words that mean that something is not finished. Put together here so that this file does not hold them.
fn left_overs() -> [String; 6] {
    [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["X", "XX"].concat(),
        ["todo", "!("].concat(),
        ["unimpl", "emented!("].concat(),
        ["#[ign", "ore"].concat(),
    ]
}

#[test]
fn nothing_is_left_unfinished() {
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        for (i, line) in text.lines().enumerate() {
            for word in left_overs() {
                let hit = line.match_indices(&word).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
                        && !line[at + word.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
                });
                if hit {
                    complaints.push(format!("{path}:{}: {word}", i + 1));
                }
            }
        }
    }
    settle("left-overs", &complaints);
}

#[test]
fn every_file_says_whose_part_it_plays() {
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let opens = text.starts_with("//!") && text.lines().next().is_some_and(|l| l.len() > 8);
        if !opens && !is_test(&path) {
            complaints.push(path);
        }
    }
    settle("a file does not open with a `//!` that says its part", &complaints);
}

#[test]
fn every_crate_says_what_it_promises() {
    let lines = ["**From**", "**To**", "**Promises**", "**Does not promise**", "**On crash**", "**Absent on purpose**"];
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let room = path.split('/').next().unwrap_or_default();
        let house = matches!(room, "core" | "wire" | "capture" | "destinations" | "services" | "engines" | "server");
        if house && path.ends_with("src/lib.rs") {
            let missing: Vec<_> = lines.iter().filter(|line| !text.contains(**line)).collect();
            if !missing.is_empty() {
                complaints.push(format!("{path} lacks {missing:?}"));
            }
        }
    }
    settle("a crate does not open with its promises", &complaints);
}

/// Only engines, the door's listener and the server touch disk and network.
#[test]
fn engines_alone_touch_disk_and_network() {
    let effects = ["std::fs", "fs::File", "tokio::fs", "tokio::net", "std::net::Tcp", "std::net::Udp", "rusqlite"];
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let room = path.split('/').next().unwrap_or_default();
        let pure = matches!(room, "core" | "capture" | "destinations" | "services") || room == "wire";
        let listener = path.starts_with("wire/src/door/listen") || path.starts_with("wire/src/door/tls");
        if !pure || listener || is_test(&path) {
            continue;
        }
        for (n, line) in code(&text) {
            for effect in effects {
                if line.contains(effect) && !line.trim_start().starts_with("//") {
                    complaints.push(format!("{path}:{n}: {effect}"));
                }
            }
        }
    }
    settle("disk or network outside an engine", &complaints);
}

/// Clippy bans these calls too; this holds where clippy is not run.
#[test]
fn time_and_chance_are_handed_in() {
    let ambient =
        ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "tokio::time::sleep", "getrandom::"];
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let room = path.split('/').next().unwrap_or_default();
        if path == "core/world/src/real.rs" || matches!(room, "xtask" | "bench" | "fuzz") || is_test(&path) {
            continue;
        }
        for (n, line) in code(&text) {
            for call in ambient {
                if line.contains(call) && !line.trim_start().starts_with("//") {
                    complaints.push(format!("{path}:{n}: {call}"));
                }
            }
        }
    }
    settle("an ambient clock or die; take it from World", &complaints);
}

#[test]
fn no_crate_is_a_bucket_for_everything() {
    let mut complaints = Vec::new();
    for (path, _) in sources() {
        let banned = ["common", "utils", "util", "helpers", "types", "misc"];
        if path.split('/').any(|part| banned.contains(&part.trim_end_matches(".rs"))) {
            complaints.push(path);
        }
    }
    settle("a name that says nothing", &complaints);
}

/// Eight hundred lines are three subjects at least.
#[test]
fn files_stay_readable() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > 800);
    let complaints: Vec<_> = long.map(|(path, text)| format!("{path}: {} lines", text.lines().count())).collect();
    settle("a file of more than 800 lines", &complaints);
}
