//! Which actions a statement is about, found without looking at all that it names.
//!
//! Names without wildcards are sorted and searched; patterns are tried one by one. Before either, 64 bits tell statements of
//! other services apart: each service has one of them.

use super::glob::Glob;

/// Room for the name of an action on the stack; IAM's shapes allow 128 characters.
const SHORT_BYTES_MAX: usize = 128;

/// The name of an action in lower case.
pub(crate) struct Lowered {
    short: [u8; SHORT_BYTES_MAX],
    bytes: usize,
    /// Where it is no short one.
    long: Option<String>,
}

impl Lowered {
    pub(crate) fn new(action: &str) -> Self {
        let mut short = [0; SHORT_BYTES_MAX];
        let long = match short.get_mut(..action.len()) {
            Some(room) => {
                room.copy_from_slice(action.as_bytes());
                room.make_ascii_lowercase();
                None
            }
            None => Some(action.to_ascii_lowercase()),
        };
        Self { short, bytes: action.len(), long }
    }

    pub(super) fn name(&self) -> Name<'_> {
        let text = match &self.long {
            Some(long) => long,
            // Lower case in ASCII leaves UTF-8 as it is.
            None => std::str::from_utf8(&self.short[..self.bytes]).unwrap_or_default(),
        };
        Name { text, service: service_of(text).map_or(u64::MAX, bit) }
    }
}

/// An action that is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    /// In lower case.
    pub(super) text: &'a str,
    /// The bit of its service.
    pub(super) service: u64,
}

/// Action or NotAction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actions {
    /// NotAction.
    pub(super) not: bool,
    /// As they are written.
    pub(super) texts: Vec<String>,
    /// In lower case, sorted.
    exact: Vec<Box<str>>,
    patterns: Vec<Glob>,
}

impl Actions {
    pub(super) fn new(not: bool, texts: Vec<String>) -> Self {
        let (mut exact, mut patterns) = (Vec::new(), Vec::new());
        for text in &texts {
            let glob = Glob::new(&text.to_ascii_lowercase());
            match glob.exact() {
                Some(name) => exact.push(name.into()),
                None => patterns.push(glob),
            }
        }
        exact.sort_unstable();
        Self { not, texts, exact, patterns }
    }

    /// Whether the statement is about the action.
    pub(super) fn covers(&self, name: &Name<'_>) -> bool {
        let named = self.exact.binary_search_by(|own| (**own).cmp(name.text)).is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(name.text));
        named != self.not
    }

    /// The bits of all services that it can be about.
    pub(super) fn services(&self) -> u64 {
        if self.not {
            return u64::MAX;
        }
        let of = |text: &str| service_of(text).map_or(u64::MAX, bit);
        let exact = self.exact.iter().fold(0, |bits, name| bits | of(name));
        self.patterns.iter().fold(exact, |bits, pattern| bits | of(pattern.beginning()))
    }
}

/// What stands before the colon; `None` where there is none.
fn service_of(text: &str) -> Option<&str> {
    text.split_once(':').map(|(service, _)| service)
}

fn bit(service: &str) -> u64 {
    // FNV-1a, whose upper half is well mixed.
    let hash = service
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    1 << (hash >> 58)
}
