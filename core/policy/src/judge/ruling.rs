//! What came of it, and how AWS says so (`spec/policy.md` 5).

use std::fmt;

use super::Source;

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    ServiceControl,
    ResourceControl,
    Resource,
    Trust,
    Identity,
    Boundary,
    Session,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServiceControl => "service control policies",
            Self::ResourceControl => "resource control policies",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::Identity => "identity-based policies",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policies",
        })
    }
}

/// The statement that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By<'a> {
    pub source: &'a Source,
    /// From 1, in the order of writing.
    pub statement: usize,
    pub sid: Option<&'a str>,
}

/// The decision. It borrows from the case, and costs no memory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling<'a> {
    Allow {
        layer: Layer,
        /// `None`: no statement had to, as for the root of an account.
        by: Option<By<'a>>,
    },
    Deny {
        /// Which layer denied or did not allow. Where several did, AWS names one.
        layer: Layer,
        /// By a statement, and not by saying nothing. A level of service control policies that does not allow counts as one
        /// that denies.
        explicit: bool,
        /// The statement, where one denied.
        by: Option<By<'a>>,
    },
}

impl Ruling<'_> {
    /// Whether the call may go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// Of several rulings about one call, the heaviest stands.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Allow { .. } => 0,
            Self::Deny { explicit: false, .. } => 1,
            Self::Deny { explicit: true, .. } => 2,
        }
    }

    /// The reason of a denial as AWS words it behind "is not authorized to perform: …", without a full stop;
    /// `None` where it is allowed. `names_policies`: whether an explicit denial names its policy, as AWS does since 2026 for
    /// policies that have ARNs, within an account or an organization, save those of resources.
    pub fn because(&self, action: &str, names_policies: bool) -> Option<String> {
        let Self::Deny { layer, explicit, by } = self else { return None };
        let what = match layer {
            Layer::ServiceControl => "a service control policy",
            Layer::ResourceControl => "a resource control policy",
            Layer::Resource => "a resource-based policy",
            Layer::Trust => "the role trust policy",
            Layer::Identity => "an identity-based policy",
            Layer::Boundary => "a permissions boundary",
            Layer::Session => "a session policy",
        };
        if !explicit {
            // "a session policy" denies, "session policy" is lacking.
            let lacking = match layer {
                Layer::Trust => "role trust policy",
                _ => what.split_once(' ').map_or(what, |(_, what)| what),
            };
            return Some(format!("because no {lacking} allows the {action} action"));
        }
        let named = match by {
            Some(By { source: Source::Managed(arn), .. }) if names_policies => format!(": {arn}"),
            _ => String::new(),
        };
        Some(format!("with an explicit deny in {what}{named}"))
    }
}
