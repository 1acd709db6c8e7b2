//! Whether somebody may, over everything that has a say: the decision procedure of `spec/policy.md` 4.
//!
//! Cast: a [`Case`] is what is asked, with the caller's [`Rights`] and the policy of what is touched; `voices` hears every layer
//! once; [`judge`] weighs them and gives a [`Ruling`]; [`explain`] gives the same ruling with every step to it.
//!
//! Pure: nothing here reads, waits or allocates on the way to a ruling (values of conditions in base64, and patterns with stars
//! around variables or around `?`, are the exceptions). What is not here: that `sts:GetCallerIdentity` cannot be denied and
//! `sts:GetSessionToken` needs no permission is for whoever asks, as is `iam:PassRole` over an account's border.

mod case;
mod explain;
mod rights;
mod ruling;
#[cfg(test)]
mod tests;
mod voices;

pub use case::{Case, ResourceKind};
pub use explain::{Explanation, Opinion, Outcome, Step, explain};
pub use rights::{Attached, Holder, Rights, Source};
pub use ruling::{By, Layer, Ruling};

use crate::language::{Asked, Lowered, Reach};
use voices::{Voices, Word};

/// What an account's root may do with the policies of its own buckets and queues whatever they say: nobody could mend them else.
const ROOT_ALWAYS: [&str; 5] = [
    "s3:DeleteBucketPolicy",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    "sqs:GetQueueAttributes",
    "sqs:SetQueueAttributes",
];

/// Decides. All that is touched must be allowed; of several denials, one that a statement made is told before one for want of
/// an Allow.
///
/// | who | needs, where no statement denies and every level of control policies allows |
/// |---|---|
/// | root of the account | nothing; the policy of a role or key nevertheless |
/// | user, role, federated user of the account | an Allow of its own, within boundary and session; or one of the resource's policy |
/// | the same, of another account | an Allow of its own, within boundary and session; and one of the resource's policy |
/// | service, anonymous, holder of a foreign token | an Allow of the resource's policy |
///
/// Within an account an Allow of the resource's policy is enough of itself where it names the user or session, or anybody; stands
/// for one of the caller's own where it names the session's role or maker; and counts for nothing where it names the account,
/// but that roles and keys need it.
pub fn judge<'a>(case: &Case<'a>) -> Ruling<'a> {
    let action = Lowered::new(case.action);
    let rule = |resource: &str| {
        let asked = Asked::new(case.caller, &action, resource, case.context);
        weigh(case, resource, &Voices::hear(case, &asked))
    };
    let Some((first, more)) = case.resources.split_first() else { return rule("*") };
    let mut ruling = rule(first.as_str());
    for resource in more {
        let next = rule(resource.as_str());
        if next.weight() > ruling.weight() {
            ruling = next;
        }
    }
    ruling
}

/// What follows from everything that was said about one resource.
fn weigh<'a>(case: &Case<'a>, resource: &str, voices: &Voices<'a>) -> Ruling<'a> {
    let foreign = case.is_foreign_to(resource);
    if let Some(denied) = denied_by_statement(case, voices, foreign) {
        return denied;
    }
    let lacking = |layer, explicit| Ruling::Deny { layer, explicit, by: None };
    if voices.service_control == Word::Silent {
        return lacking(Layer::ServiceControl, true);
    }
    if voices.resource_control == Word::Silent {
        return lacking(Layer::ResourceControl, false);
    }
    let owner = case.owner_layer();
    let granted = match voices.resource {
        Word::Allows { by, reach } => Some((by, reach)),
        _ => None,
    };
    let is_insider = case.caller.account().is_some();
    match granted {
        None if foreign || !is_insider || case.resource_kind != ResourceKind::Ordinary => return lacking(owner, false),
        // A role is no more open to everybody than to those who have proven who they are.
        Some((_, Reach::Anyone)) if !is_insider && case.resource_kind == ResourceKind::Trust => {
            return lacking(owner, false);
        }
        Some((by, _)) if !is_insider => return Ruling::Allow { layer: owner, by },
        Some((by, Reach::Anyone | Reach::Direct)) if !foreign => return Ruling::Allow { layer: owner, by },
        _ => {}
    }
    let stands_in = granted.filter(|(_, reach)| !foreign && *reach == Reach::Owner);
    let allowed = match (voices.identity, stands_in) {
        (Word::Allows { by, .. }, _) => Ruling::Allow { layer: Layer::Identity, by },
        (_, Some((by, _))) => Ruling::Allow { layer: owner, by },
        _ => return lacking(Layer::Identity, false),
    };
    if voices.boundary == Word::Silent {
        return lacking(Layer::Boundary, false);
    }
    if voices.session == Word::Silent {
        return lacking(Layer::Session, false);
    }
    allowed
}

/// The first denial by a statement, in the order in which AWS tells them (`spec/policy.md` 4.8).
fn denied_by_statement<'a>(case: &Case<'a>, voices: &Voices<'a>, foreign: bool) -> Option<Ruling<'a>> {
    let locked_out =
        !foreign && case.caller_is_root() && ROOT_ALWAYS.iter().any(|action| action.eq_ignore_ascii_case(case.action));
    let words = [
        (Layer::ServiceControl, voices.service_control),
        (Layer::ResourceControl, voices.resource_control),
        (case.owner_layer(), if locked_out { Word::Silent } else { voices.resource }),
        (Layer::Identity, voices.identity),
        (Layer::Boundary, voices.boundary),
        (Layer::Session, voices.session),
    ];
    words.into_iter().find_map(|(layer, word)| match word {
        Word::Denies(by) => Some(Ruling::Deny { layer, explicit: true, by: Some(by) }),
        _ => None,
    })
}
