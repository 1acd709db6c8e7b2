//! Whom a statement is about (`spec/policy.md` 1.3).

use std::collections::BTreeMap;

use opentrail_event::AccountId;

use super::Caller;

/// A name that whoever keeps a policy must look up before the policy is taken: AWS takes none that names nobody.
///
/// What it stands for is fixed then ([`Policy::bind`](super::Policy::bind)): a user or role made again under an old name is
/// another one.
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
    /// By its ARN; to be bound to the role's unique id.
    Role {
        account: AccountId,
        /// What stands behind the last slash.
        name: String,
        arn: String,
    },
    /// One session of a role, by its ARN. AWS keeps it by that name; to be bound to anything where there is such a role.
    Session {
        account: AccountId,
        role: String,
        arn: String,
    },
    /// A user or role by its unique id (`AIDA…`, `AROA…`): how AWS shows one that is gone, and takes one that is there.
    /// To be bound to itself.
    UniqueId(String),
    /// An OpenID Connect or SAML provider, by its ARN; to be bound to anything where it exists.
    Provider {
        account: AccountId,
        arn: String,
    },
    /// To be bound to the account whose canonical user id it is.
    Canonical(String),
}

impl Named {
    /// As the policy names it.
    pub fn text(&self) -> String {
        match self {
            Self::Account(account) => account.to_string(),
            Self::User { arn: text, .. }
            | Self::Role { arn: text, .. }
            | Self::Session { arn: text, .. }
            | Self::Provider { arn: text, .. }
            | Self::UniqueId(text)
            | Self::Canonical(text) => text.clone(),
        }
    }

    /// How IAM refuses a trust policy that names it, where there is nobody of that name.
    pub fn refusal(&self) -> String {
        let kind = match self {
            Self::Provider { .. } => "Federated",
            Self::Canonical(_) => "CanonicalUser",
            _ => "AWS",
        };
        invalid_principal(kind, &self.text())
    }
}

/// As IAM refuses a name in a trust policy.
pub(super) fn invalid_principal(kind: &str, text: &str) -> String {
    let kind = if kind == "Service" { "SERVICE" } else { kind };
    format!("Invalid principal in policy: \"{kind}\":\"{text}\"")
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    Anyone,
    Account(AccountId),
    User {
        account: AccountId,
        name: String,
        arn: String,
        unique_id: Option<String>,
    },
    Role {
        account: AccountId,
        name: String,
        arn: String,
        unique_id: Option<String>,
    },
    Session {
        account: AccountId,
        role: String,
        arn: String,
    },
    /// A session of `GetFederationToken`, which is nobody while it does not run.
    FederatedUser {
        arn: String,
    },
    UniqueId(String),
    Service(String),
    /// An identity provider, by its ARN or, for those that AWS knows, by its name.
    Provider {
        text: String,
        account: Option<AccountId>,
    },
    Canonical {
        id: String,
        account: Option<AccountId>,
    },
}

/// How strongly a statement names a caller; what follows from it is [`judge`](crate::judge)'s to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Through the account: within it, its own policies still decide.
    Account,
    /// A session through what it is a session of: by the ARN of its role, or of the user that made it.
    Owner,
    /// As anybody: `*`, or as one of those whom a NotPrincipal does not name.
    Anyone,
    /// By name.
    Direct,
}

/// Providers of OpenID Connect that AWS knows by their names.
const KNOWN_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

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
            "Federated" => Self::read_provider(text),
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
        if ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix)) {
            let is_id = text.len() > 4 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            return is_id.then(|| Self::UniqueId(text.to_owned()));
        }
        let (service, account, resource) = arn_of(text)?;
        let name =
            |prefix| resource.strip_prefix(prefix).filter(|name: &&str| !name.is_empty() && !name.ends_with('/'));
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let arn = text.to_owned();
        match service {
            "iam" if resource == "root" => Some(Self::Account(account)),
            "iam" => match (name("user/"), name("role/")) {
                (Some(user), _) => Some(Self::User { account, name: last(user), arn, unique_id: None }),
                (None, role) => role.map(|role| Self::Role { account, name: last(role), arn, unique_id: None }),
            },
            "sts" => match (name("assumed-role/"), name("federated-user/")) {
                (Some(both), _) => {
                    let (role, session) = both.split_once('/')?;
                    let is_session = !role.is_empty() && !session.contains('/');
                    is_session.then(|| Self::Session { account, role: role.to_owned(), arn })
                }
                (None, name) => name.filter(|name| !name.contains('/')).map(|_| Self::FederatedUser { arn }),
            },
            _ => None,
        }
    }

    fn read_provider(text: &str) -> Option<Self> {
        if KNOWN_PROVIDERS.contains(&text) {
            return Some(Self::Provider { text: text.to_owned(), account: None });
        }
        let (service, account, resource) = arn_of(text)?;
        let is_provider = ["oidc-provider/", "saml-provider/"]
            .iter()
            .any(|prefix| resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty()));
        (service == "iam" && is_provider).then(|| Self::Provider { text: text.to_owned(), account: Some(account) })
    }

    fn named(&self) -> Option<Named> {
        match self {
            Self::Anyone | Self::Service(_) | Self::FederatedUser { .. } | Self::Provider { account: None, .. } => None,
            Self::Account(account) => Some(Named::Account(*account)),
            Self::User { account, name, arn, .. } => {
                Some(Named::User { account: *account, name: name.clone(), arn: arn.clone() })
            }
            Self::Role { account, name, arn, .. } => {
                Some(Named::Role { account: *account, name: name.clone(), arn: arn.clone() })
            }
            Self::Session { account, role, arn } => {
                Some(Named::Session { account: *account, role: role.clone(), arn: arn.clone() })
            }
            Self::UniqueId(id) => Some(Named::UniqueId(id.clone())),
            Self::Provider { text, account: Some(account) } => {
                Some(Named::Provider { account: *account, arn: text.clone() })
            }
            Self::Canonical { id, .. } => Some(Named::Canonical(id.clone())),
        }
    }

    fn bind(&mut self, bindings: &BTreeMap<String, String>) {
        match self {
            Self::User { arn, unique_id, .. } | Self::Role { arn, unique_id, .. } => {
                *unique_id = bindings.get(arn).cloned();
            }
            Self::Canonical { id, account } => *account = bindings.get(id).and_then(|account| account.parse().ok()),
            Self::Anyone
            | Self::Account(_)
            | Self::Session { .. }
            | Self::FederatedUser { .. }
            | Self::UniqueId(_)
            | Self::Service(_)
            | Self::Provider { .. } => {}
        }
    }

    fn reaches(&self, caller: &Caller) -> Option<Reach> {
        let reach = |same: bool, reach| same.then_some(reach);
        match self {
            Self::Anyone => Some(Reach::Anyone),
            Self::Account(account) | Self::Canonical { account: Some(account), .. } => {
                let is_root = matches!(caller, Caller::Root { .. });
                reach(caller.account() == Some(*account), if is_root { Reach::Direct } else { Reach::Account })
            }
            Self::User { account, unique_id: Some(id), .. } | Self::Role { account, unique_id: Some(id), .. } => {
                if caller.account() == Some(*account) {
                    has_id(caller, id)
                } else {
                    None
                }
            }
            Self::UniqueId(id) => has_id(caller, id),
            Self::Session { arn, .. } => match caller {
                Caller::Role { session_arn, .. } => reach(session_arn.as_str() == arn, Reach::Direct),
                _ => None,
            },
            Self::FederatedUser { arn } => match caller {
                Caller::Federated { arn: own, .. } => reach(own.as_str() == arn, Reach::Direct),
                _ => None,
            },
            Self::Service(name) => match caller {
                Caller::Service { name: own } => reach(own == name, Reach::Direct),
                _ => None,
            },
            Self::Provider { text, .. } => match caller {
                Caller::WebIdentity { provider } | Caller::Saml { provider } => reach(provider == text, Reach::Direct),
                _ => None,
            },
            Self::User { unique_id: None, .. }
            | Self::Role { unique_id: None, .. }
            | Self::Canonical { account: None, .. } => None,
        }
    }
}

/// How a unique id names the caller. Sessions are named by what they are sessions of.
fn has_id(caller: &Caller, id: &str) -> Option<Reach> {
    match caller {
        Caller::User { unique_id, .. } => (unique_id == id).then_some(Reach::Direct),
        Caller::Role { role_id, .. } => (role_id == id).then_some(Reach::Owner),
        Caller::Federated { user_id: Some(user), .. } => (user == id).then_some(Reach::Owner),
        _ => None,
    }
}

/// Service, account and resource of an ARN that can name a principal. Parts of such names are never wildcards.
fn arn_of(text: &str) -> Option<(&str, AccountId, &str)> {
    let mut parts = text.splitn(6, ':');
    let [arn, partition, service, region, account, resource] = [(); 6].map(|()| parts.next().unwrap_or_default());
    let fits = arn == "arn" && partition == "aws" && region.is_empty() && !resource.contains(['*', '?', '$']);
    if fits { Some((service, account.parse().ok()?, resource)) } else { None }
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

    /// How it names the caller.
    ///
    /// To a NotPrincipal a caller is several: a user is itself and its account, a session also what it is a session of. A Deny
    /// spares it only where all of them are named; an Allow passes it over where any is. Holders of foreign tokens are let in by
    /// the name of their provider only, and denied with everybody.
    pub(super) fn reaches(&self, caller: &Caller, denies: bool) -> Option<Reach> {
        let reach = match self.not {
            true => (!self.spares(caller, denies)).then_some(Reach::Anyone),
            false => self.list.iter().filter_map(|principal| principal.reaches(caller)).max(),
        };
        let is_stranger = matches!(caller, Caller::WebIdentity { .. } | Caller::Saml { .. });
        reach.filter(|reach| denies || !is_stranger || *reach != Reach::Anyone)
    }

    fn spares(&self, caller: &Caller, denies: bool) -> bool {
        let named = |reach| self.list.iter().any(|principal| principal.reaches(caller) == Some(reach));
        let all: &[Reach] = match caller {
            Caller::User { .. } | Caller::Federated { .. } => &[Reach::Account, Reach::Direct],
            Caller::Role { .. } => &[Reach::Account, Reach::Owner, Reach::Direct],
            _ => &[Reach::Direct],
        };
        named(Reach::Anyone)
            || match denies {
                true => all.iter().all(|reach| named(*reach)),
                false => [Reach::Account, Reach::Owner, Reach::Direct].into_iter().any(named),
            }
    }
}
