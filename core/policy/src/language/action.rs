//! Which actions a statement is about, found without looking at all that it names.
//!
//! Names without wildcards are sorted and searched, patterns are tried that begin with the action's service. Before either, 64 bits
//! tell statements of other services apart: each service has one of them, some share one.

use std::collections::BTreeMap;

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
    /// By service, sorted by it.
    patterns: Vec<(Box<str>, Vec<Glob>)>,
    /// Patterns whose service is a pattern too.
    anywhere: Vec<Glob>,
}

impl Actions {
    pub(super) fn new(not: bool, texts: Vec<String>) -> Self {
        let (mut exact, mut anywhere) = (Vec::new(), Vec::new());
        let mut patterns: BTreeMap<Box<str>, Vec<Glob>> = BTreeMap::new();
        for text in &texts {
            let glob = Glob::new(&text.to_ascii_lowercase());
            match (glob.exact(), service_of(glob.beginning())) {
                (Some(name), _) => exact.push(name.into()),
                (None, Some(service)) => patterns.entry(service.into()).or_default().push(glob),
                (None, None) => anywhere.push(glob),
            }
        }
        exact.sort_unstable();
        Self { not, texts, exact, patterns: patterns.into_iter().collect(), anywhere }
    }

    /// Whether the statement is about the action.
    pub(super) fn covers(&self, name: &Name<'_>) -> bool {
        let matches = |patterns: &[Glob]| patterns.iter().any(|pattern| pattern.matches(name.text));
        let of_service = || {
            let service = service_of(name.text)?;
            let at = self.patterns.binary_search_by(|(own, _)| (**own).cmp(service)).ok()?;
            Some(self.patterns[at].1.as_slice())
        };
        let named = self.exact.binary_search_by(|own| (**own).cmp(name.text)).is_ok()
            || of_service().is_some_and(matches)
            || matches(&self.anywhere);
        named != self.not
    }

    /// The bits of all services that it can be about.
    pub(super) fn services(&self) -> u64 {
        if self.not || !self.anywhere.is_empty() {
            return u64::MAX;
        }
        let exact = self.exact.iter().map(|name| service_of(name).map_or(u64::MAX, bit));
        let patterns = self.patterns.iter().map(|(service, _)| bit(service));
        exact.chain(patterns).fold(0, |bits, more| bits | more)
    }
}

/// What stands before the colon; `None` where there is none, or in a pattern where it is behind a wildcard.
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
