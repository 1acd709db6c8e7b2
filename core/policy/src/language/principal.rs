//! Whom a statement is about.

use std::collections::BTreeMap;

use opentrail_event::AccountId;

use super::Caller;

/// A name that whoever keeps a policy must look up before the policy is taken: AWS takes none that names nobody.
///
/// What it stands for is fixed then ([`Policy::bind`](super::Policy::bind)): a user made again under an old name is another
/// user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Account(AccountId),
    /// By its ARN; to be bound to the user's unique id.
    User {
        account: AccountId,
        /// What stands behind the last slash.
        name: String,
        arn: String,
    },
    /// To be bound to the account whose canonical user id it is.
    Canonical(String),
    /// A role, a session, an identity provider: nobody here is one.
    Nobody(String),
}

impl Named {
    /// As the policy names it.
    pub fn text(&self) -> String {
        match self {
            Self::Account(account) => account.to_string(),
            Self::User { arn: text, .. } | Self::Canonical(text) | Self::Nobody(text) => text.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    Anyone,
    Account(AccountId),
    User { account: AccountId, name: String, arn: String, unique_id: Option<String> },
    Service(String),
    Canonical { id: String, account: Option<AccountId> },
    Nobody(String),
}

/// How strongly a statement names a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Through the account: within it, its own policies still decide.
    Account,
    /// By name, or as anybody.
    Direct,
}

impl Principal {
    /// A value under `kind` in a Principal element; `None` for what is no principal.
    pub(super) fn read(kind: &str, text: &str) -> Option<Self> {
        match kind {
            "AWS" => Self::read_aws(text),
            "Service" => {
                let name = text.strip_suffix(".amazonaws.com")?;
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
                (!name.is_empty() && name.chars().all(is_name)).then(|| Self::Service(text.to_owned()))
            }
            "CanonicalUser" => {
                let is_id = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                is_id.then(|| Self::Canonical { id: text.to_owned(), account: None })
            }
            "Federated" => (!text.is_empty() && !text.contains('*')).then(|| Self::Nobody(text.to_owned())),
            _ => None,
        }
    }

    fn read_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anyone);
        }
        if let Ok(account) = text.parse() {
            return Some(Self::Account(account));
        }
        let mut parts = text.splitn(6, ':');
        let [arn, partition, service, region, account, resource] = [(); 6].map(|()| parts.next().unwrap_or_default());
        let account: AccountId = account.parse().ok()?;
        // Parts of names are never wildcards here.
        if arn != "arn" || partition != "aws" || !region.is_empty() || resource.contains(['*', '?', '$']) {
            return None;
        }
        let name =
            |prefix| resource.strip_prefix(prefix).filter(|name: &&str| !name.is_empty() && !name.ends_with('/'));
        match service {
            "iam" if resource == "root" => Some(Self::Account(account)),
            "iam" => match (name("user/"), name("role/")) {
                (Some(user), _) => {
                    let name = user.rsplit('/').next().unwrap_or(user).to_owned();
                    Some(Self::User { account, name, arn: text.to_owned(), unique_id: None })
                }
                (None, role) => role.map(|_| Self::Nobody(text.to_owned())),
            },
            "sts" => name("assumed-role/").or(name("federated-user/")).map(|_| Self::Nobody(text.to_owned())),
            _ => None,
        }
    }

    fn named(&self) -> Option<Named> {
        match self {
            Self::Anyone | Self::Service(_) => None,
            Self::Account(account) => Some(Named::Account(*account)),
            Self::User { account, name, arn, .. } => {
                Some(Named::User { account: *account, name: name.clone(), arn: arn.clone() })
            }
            Self::Canonical { id, .. } => Some(Named::Canonical(id.clone())),
            Self::Nobody(text) => Some(Named::Nobody(text.clone())),
        }
    }

    fn bind(&mut self, bindings: &BTreeMap<String, String>) {
        match self {
            Self::User { arn, unique_id, .. } => *unique_id = bindings.get(arn).cloned(),
            Self::Canonical { id, account } => *account = bindings.get(id).and_then(|account| account.parse().ok()),
            Self::Anyone | Self::Account(_) | Self::Service(_) | Self::Nobody(_) => {}
        }
    }

    fn reaches(&self, caller: &Caller) -> Option<Reach> {
        let through_account = |account: &AccountId| {
            let is_root = matches!(caller, Caller::Root { .. });
            (caller.account() == Some(*account)).then_some(if is_root { Reach::Direct } else { Reach::Account })
        };
        let is = |same: bool| same.then_some(Reach::Direct);
        match (self, caller) {
            (Self::Anyone, _) => Some(Reach::Direct),
            (Self::Account(account), _) | (Self::Canonical { account: Some(account), .. }, _) => {
                through_account(account)
            }
            (Self::User { account, unique_id: Some(id), .. }, Caller::User { account: own, unique_id, .. }) => {
                is(id == unique_id && account == own)
            }
            (Self::Service(name), Caller::Service { name: own }) => is(name == own),
            _ => None,
        }
    }
}

/// A Principal or NotPrincipal element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principals {
    /// NotPrincipal.
    pub(super) not: bool,
    pub(super) list: Vec<Principal>,
}

impl Principals {
    pub(super) fn named(&self) -> impl Iterator<Item = Named> + '_ {
        self.list.iter().filter_map(Principal::named)
    }

    pub(super) fn bind(&mut self, bindings: &BTreeMap<String, String>) {
        self.list.iter_mut().for_each(|principal| principal.bind(bindings));
    }

    /// Whether it is about everybody, whoever it is.
    pub(super) fn is_anyone(&self) -> bool {
        self.not || self.list.contains(&Principal::Anyone)
    }

    /// How it names the caller. `denies`: what the statement does.
    ///
    /// A user is two to a NotPrincipal: itself and its account. A Deny spares it only where both are named; an Allow passes it
    /// over where either is.
    pub(super) fn reaches(&self, caller: &Caller, denies: bool) -> Option<Reach> {
        let best = self.list.iter().filter_map(|principal| principal.reaches(caller)).max();
        if !self.not {
            return best;
        }
        let spared = match caller {
            Caller::User { .. } if denies => {
                let named = |reach| self.list.iter().any(|principal| principal.reaches(caller) == Some(reach));
                self.list.contains(&Principal::Anyone) || (named(Reach::Direct) && named(Reach::Account))
            }
            _ => best.is_some(),
        };
        (!spared).then_some(Reach::Direct)
    }
}
