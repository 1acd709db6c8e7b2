//! Sample queries: a text file of them, and the search over it.
//!
//! A sample is a comment with its name, comments that describe it, and a statement; an empty line ends it.

use std::sync::LazyLock;

/// One sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) description: String,
    /// `$EDS_ID` stands where the id of an event data store goes.
    pub(crate) sql: String,
}

/// All of them.
pub(crate) static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| read(include_str!("samples.sql")));

/// What a word is worth where it stands.
const IN_NAME: f64 = 3.0;
const IN_DESCRIPTION: f64 = 2.0;
const IN_SQL: f64 = 1.0;

fn read(text: &str) -> Vec<Sample> {
    let sample = |part: &str| {
        let (comments, sql): (Vec<&str>, Vec<&str>) = part.lines().partition(|line| line.starts_with("-- "));
        let mut comments = comments.into_iter().map(|line| line.trim_start_matches("-- "));
        Sample {
            name: comments.next().unwrap_or_default().to_owned(),
            description: comments.collect::<Vec<_>>().join(" "),
            sql: sql.join("\n"),
        }
    };
    text.split("\n\n").filter(|part| !part.trim().is_empty()).map(sample).collect()
}

/// Samples that have to do with the phrase, each with how much, from 0 to 1; best first.
pub(crate) fn search(phrase: &str) -> Vec<(&'static Sample, f64)> {
    let words: Vec<String> = words(phrase).filter(|word| !is_noise(word)).map(|word| stem(&word).to_owned()).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(&Sample, f64)> =
        SAMPLES.iter().map(|sample| (sample, relevance(sample, &words))).filter(|(_, much)| *much > 0.0).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.name.cmp(&b.0.name)));
    found
}

/// The share of the phrase's words that occur, weighed by where they do.
fn relevance(sample: &Sample, wanted: &[String]) -> f64 {
    let has = |text: &str, word: &str| words(text).any(|other| stem(&other) == word);
    let worth = |word: &String| {
        if has(&sample.name, word) {
            IN_NAME
        } else if has(&sample.description, word) {
            IN_DESCRIPTION
        } else if has(&sample.sql, word) {
            IN_SQL
        } else {
            0.0
        }
    };
    wanted.iter().map(worth).sum::<f64>() / (IN_NAME * wanted.len() as f64)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Words that any phrase has.
fn is_noise(word: &str) -> bool {
    const NOISE: [&str; 22] = [
        "a", "all", "and", "are", "at", "by", "did", "do", "find", "for", "from", "how", "in", "is", "of", "on",
        "show", "that", "the", "to", "were", "with",
    ];
    NOISE.contains(&word)
}

/// Plurals and tenses are one word, roughly.
fn stem(word: &str) -> &str {
    let endings = ["ies", "ing", "ed", "es", "s"];
    let cut = endings.iter().find_map(|ending| word.strip_suffix(ending)).filter(|cut| cut.len() >= 3);
    cut.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_forty_and_each_is_whole() {
        assert!(SAMPLES.len() >= 40, "{}", SAMPLES.len());
        for (n, sample) in SAMPLES.iter().enumerate() {
            let Sample { name, description, sql } = sample;
            assert!(name.len() > 8 && description.ends_with('.'), "{name}");
            assert!(sql.starts_with("SELECT ") && sql.contains("FROM $EDS_ID"), "{name}");
            assert!(SAMPLES[..n].iter().all(|other| other.name != *name && other.sql != *sql), "{name} is there twice");
        }
    }

    #[test]
    fn the_best_comes_first() {
        let first = |phrase: &str| search(phrase).first().map(|(sample, _)| sample.name.as_str()).unwrap_or_default();
        assert_eq!(first("who used the root user"), "Use of the root user");
        assert!(first("instances launched by whom").contains("launched"));
        assert!(
            first("console login without mfa").contains("multi-factor")
                || first("console login without mfa").contains("console")
        );
        assert_eq!(first("throttled calls"), "Throttled calls");
        assert!(search("zebra").is_empty() && search("the of").is_empty());
        for (_, relevance) in search("deleted buckets") {
            assert!(relevance > 0.0 && relevance <= 1.0);
        }
    }
}
