//! Users, groups and roles as what policies hang on: loaded by name or by id, changed, put back.

use opentrail_catalog::Key;
use opentrail_event::{AccountId, Arn};
use opentrail_policy::rows::{self, Grants, GroupRow, RoleRow, Tag, UserRow};
use opentrail_wire::Fault;

use crate::faults::{no_group, no_role, no_user, protected, unavailable};
use crate::verb::Draft;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// The member of requests that names one.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::User => "UserName",
            Self::Group => "GroupName",
            Self::Role => "RoleName",
        }
    }

    /// In messages, and in ARNs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// Characters of all inline policies together, white space aside.
    pub(crate) fn inline_max(self) -> usize {
        match self {
            Self::User => 2_048,
            Self::Group => 5_120,
            Self::Role => 10_240,
        }
    }

    /// In messages about quotas: `PoliciesPerUser`.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    pub(crate) fn key(self, account: AccountId, name: &str) -> Key {
        match self {
            Self::User => rows::user_key(account, name),
            Self::Group => rows::group_key(account, name),
            Self::Role => rows::role_key(account, name),
        }
    }

    pub(crate) fn none(self, name: &str) -> Fault {
        match self {
            Self::User => no_user(name),
            Self::Group => no_group(name),
            Self::Role => no_role(name),
        }
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) enum Entity {
    User(UserRow),
    Group(GroupRow),
    Role(RoleRow),
}

impl Entity {
    pub(crate) async fn find(d: &mut Draft<'_>, kind: Kind, name: &str) -> Result<Option<Self>, Fault> {
        let key = kind.key(d.account, name);
        Ok(match kind {
            Kind::User => d.get(&key).await.map_err(unavailable)?.map(Self::User),
            Kind::Group => d.get(&key).await.map_err(unavailable)?.map(Self::Group),
            Kind::Role => d.get(&key).await.map_err(unavailable)?.map(Self::Role),
        })
    }

    pub(crate) async fn load(d: &mut Draft<'_>, kind: Kind, name: &str) -> Result<Self, Fault> {
        Self::find(d, kind, name).await?.ok_or_else(|| kind.none(name))
    }

    /// To be changed: a service's own role is not, but by the service.
    pub(crate) async fn load_mutable(d: &mut Draft<'_>, kind: Kind, name: &str) -> Result<Self, Fault> {
        match Self::load(d, kind, name).await? {
            Self::Role(role) if role.linked_to.is_some() => Err(protected(&role.name)),
            entity => Ok(entity),
        }
    }

    /// By unique id: ids outlive renames.
    pub(crate) async fn by_id(d: &mut Draft<'_>, id: &str) -> Result<Option<Self>, Fault> {
        let place = d.bytes(&rows::by_id_key(d.account, id)).await.map_err(unavailable)?;
        let Some(place) = place else { return Ok(None) };
        let place = String::from_utf8_lossy(&place).into_owned();
        let (kind, name) = match place.split_at_checked(1) {
            Some(("u", name)) => (Kind::User, name),
            Some(("g", name)) => (Kind::Group, name),
            Some(("r", name)) => (Kind::Role, name),
            _ => return Ok(None),
        };
        Self::find(d, kind, name).await
    }

    /// Puts it back. Rows that find it from the other side are the caller's to change.
    pub(crate) fn save(&self, d: &mut Draft<'_>) {
        let key = self.kind().key(d.account, self.name());
        match self {
            Self::User(row) => d.put(key, row),
            Self::Group(row) => d.put(key, row),
            Self::Role(row) => d.put(key, row),
        }
    }

    /// Puts a new one, or one under a new name, with the row that finds it by its id.
    pub(crate) fn save_named(&self, d: &mut Draft<'_>) {
        self.save(d);
        let place = format!("{}{}", &self.kind().word()[..1], self.name().to_ascii_lowercase());
        d.put_bytes(rows::by_id_key(d.account, self.id()), place);
    }

    /// Takes it away, with the row that finds it by its id.
    pub(crate) fn delete(&self, d: &mut Draft<'_>) {
        d.delete(self.kind().key(d.account, self.name()));
        d.delete(rows::by_id_key(d.account, self.id()));
        if let Some(arn) = &self.grants().boundary {
            d.delete(rows::bounding_key(d.account, arn, self.id()));
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Group(_) => Kind::Group,
            Self::Role(_) => Kind::Role,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User(row) => &row.name,
            Self::Group(row) => &row.name,
            Self::Role(row) => &row.name,
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            Self::User(row) => &row.path,
            Self::Group(row) => &row.path,
            Self::Role(row) => &row.path,
        }
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(row) => &row.unique_id,
            Self::Group(row) => &row.unique_id,
            Self::Role(row) => &row.unique_id,
        }
    }

    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        match self {
            Self::User(row) => row.arn(account),
            Self::Group(row) => row.arn(account),
            Self::Role(row) => row.arn(account),
        }
    }

    pub(crate) fn grants(&self) -> &Grants {
        match self {
            Self::User(row) => &row.grants,
            Self::Group(row) => &row.grants,
            Self::Role(row) => &row.grants,
        }
    }

    pub(crate) fn grants_mut(&mut self) -> &mut Grants {
        match self {
            Self::User(row) => &mut row.grants,
            Self::Group(row) => &mut row.grants,
            Self::Role(row) => &mut row.grants,
        }
    }

    /// Groups have none.
    pub(crate) fn tags(&self) -> &[Tag] {
        match self {
            Self::User(row) => &row.tags,
            Self::Group(_) => &[],
            Self::Role(row) => &row.tags,
        }
    }

    pub(crate) fn tags_mut(&mut self) -> Option<&mut Vec<Tag>> {
        match self {
            Self::User(row) => Some(&mut row.tags),
            Self::Group(_) => None,
            Self::Role(row) => Some(&mut row.tags),
        }
    }
}

/// A name in a request.
pub(crate) fn name<'i>(input: &'i opentrail_protocol::Document, member: &str) -> &'i str {
    input.text(member).unwrap_or_default()
}

/// A path in a request; `/` where there is none.
pub(crate) fn path(input: &opentrail_protocol::Document, member: &str) -> Result<String, Fault> {
    let path = input.text(member).unwrap_or("/");
    let shaped = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    if !shaped || !path.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(crate::faults::validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        ));
    }
    Ok(path.to_owned())
}
