//! What every layer says about one resource, heard once.

use super::{Attached, By, Case, Layer, Source};
use crate::language::{Answer, Asked, Reach};
use crate::{Caller, Policy};

/// What a layer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'a> {
    Denies(By<'a>),
    /// `by` is `None` where no statement has to: a layer that is not there, or that is not asked about this caller.
    Allows {
        by: Option<By<'a>>,
        reach: Reach,
    },
    Silent,
}

impl Word<'_> {
    /// Nothing has to be said.
    pub(super) const NEEDLESS: Self = Self::Allows { by: None, reach: Reach::Direct };
}

/// What all layers say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voices<'a> {
    pub(super) service_control: Word<'a>,
    pub(super) resource_control: Word<'a>,
    pub(super) resource: Word<'a>,
    pub(super) identity: Word<'a>,
    pub(super) boundary: Word<'a>,
    pub(super) session: Word<'a>,
}

impl<'a> Voices<'a> {
    pub(super) fn hear(case: &Case<'a>, asked: &Asked<'_>) -> Self {
        let rights = case.rights;
        let is_asked = |layer| case.not_asked(layer).is_none();
        let control = |layer, levels| if is_asked(layer) { all_levels(levels, asked) } else { Word::NEEDLESS };
        let resource = match case.resource_policy {
            Some(policy) => word(&Source::Resource, policy, asked),
            None => Word::Silent,
        };
        let identity = match is_asked(Layer::Identity) {
            true => together(&rights.identity, asked),
            false => Word::NEEDLESS,
        };
        let boundary = match &rights.boundary {
            Some(boundary) if is_asked(Layer::Boundary) => word(&boundary.source, &boundary.policy, asked),
            _ => Word::NEEDLESS,
        };
        let session = match case.session {
            Some(policies) => together(policies, asked),
            // What a user makes a federated user of is nothing until a policy says what.
            None if matches!(case.caller, Caller::Federated { .. }) => Word::Silent,
            None => Word::NEEDLESS,
        };
        Self {
            service_control: control(Layer::ServiceControl, &rights.service_control),
            resource_control: control(Layer::ResourceControl, case.resource_control),
            resource,
            identity,
            boundary,
            session,
        }
    }
}

/// What one policy says.
fn word<'a>(source: &'a Source, policy: &'a Policy, asked: &Asked<'_>) -> Word<'a> {
    match policy.answer(asked) {
        Answer::Denied { statement, sid } => Word::Denies(By { source, statement, sid }),
        Answer::Allowed { statement, sid, reach } => Word::Allows { by: Some(By { source, statement, sid }), reach },
        Answer::Silent => Word::Silent,
    }
}

/// What several policies say as if they were one.
fn together<'a>(policies: &'a [Attached], asked: &Asked<'_>) -> Word<'a> {
    let mut all = Word::Silent;
    for attached in policies {
        match word(&attached.source, &attached.policy, asked) {
            denied @ Word::Denies(_) => return denied,
            allowed @ Word::Allows { .. } if all == Word::Silent => all = allowed,
            _ => {}
        }
    }
    all
}

/// What a chain of levels says: each must allow, and any can deny.
fn all_levels<'a>(levels: &'a [Vec<Attached>], asked: &Asked<'_>) -> Word<'a> {
    let mut all = Word::NEEDLESS;
    for level in levels {
        match together(level, asked) {
            denied @ Word::Denies(_) => return denied,
            Word::Silent => all = Word::Silent,
            Word::Allows { .. } => {}
        }
    }
    all
}
