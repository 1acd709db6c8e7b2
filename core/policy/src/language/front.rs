//! What of a statement can be compared at a glance, kept side by side for all statements of a policy, so that those about other
//! things are passed over without being looked at.

use super::action::Name;
use super::{Resources, Statement};

/// Room for the beginning of a resource's name. With the rest it fills a cache line.
const HEAD_BYTES_MAX: usize = 55;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    /// [The services](super::Actions::services) whose actions it can be about.
    services: u64,
    head_bytes: u8,
    /// What the names of all resources that it can be about begin with.
    head: [u8; HEAD_BYTES_MAX],
}

impl Front {
    pub(super) fn of(statement: &Statement) -> Self {
        let beginning = common_beginning(&statement.resources);
        let mut head = [0; HEAD_BYTES_MAX];
        let bytes = beginning.len().min(HEAD_BYTES_MAX);
        head[..bytes].copy_from_slice(&beginning[..bytes]);
        // It fits: the room has fewer than 256 bytes.
        Self { services: statement.actions.services(), head_bytes: bytes as u8, head }
    }

    /// Whether the statement may be about it. If not, it is not.
    pub(super) fn may_cover(&self, action: &Name<'_>, resource: &str) -> bool {
        self.services & action.service != 0
            && resource.as_bytes().starts_with(&self.head[..usize::from(self.head_bytes)])
    }
}

fn common_beginning(resources: &Resources) -> &[u8] {
    let fixed = |text: &'_ String| text.find(['*', '?', '$']).unwrap_or(text.len());
    let Some(first) = resources.texts.first().filter(|_| !resources.not) else { return &[] };
    let mut common = &first.as_bytes()[..fixed(first)];
    for text in &resources.texts[1..] {
        let other = &text.as_bytes()[..fixed(text)];
        let same = common.iter().zip(other).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    common
}
