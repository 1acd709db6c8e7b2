//! One file per operation, and what they share.

pub(crate) mod check_policy;
pub(crate) mod create_access_key;
pub(crate) mod create_account;
pub(crate) mod create_user;
pub(crate) mod delete_access_key;
pub(crate) mod delete_user;
pub(crate) mod list_access_keys;
pub(crate) mod list_accounts;
pub(crate) mod list_users;
pub(crate) mod lookup;
pub(crate) mod update_access_key;
pub(crate) mod who_am_i;

use jiff::Timestamp;
use opentrail_event::{AccountId, Arn, Owner, RecordResource};
use opentrail_policy::{AccessKey, Account, DirectoryError, KeyStatus, NewAccessKey, PrincipalKind, User, UserPolicy};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault, RpcAnswer};

use crate::Desk;

/// Entries of a page where the caller does not say.
const PAGE: usize = 100;

/// The account that a call is about: the named one, else the caller's.
fn account_of(cx: &Cx, input: &Document) -> AccountId {
    // The model's pattern has been checked: what does not parse is absent.
    input.text("AccountId").and_then(|id| id.parse().ok()).unwrap_or_else(|| cx.account())
}

/// What the decider is asked about: it denies other accounts' to everybody but the operator.
fn account_arn(cx: &Cx, input: &Document) -> Arn {
    Arn::regional("opentrail", &cx.region, account_of(cx, input), "account")
}

/// The user whose keys a call is about. `None` is the root.
pub(crate) fn key_owner(cx: &Cx, input: &Document) -> Option<String> {
    match (input.text("UserName"), &cx.principal.kind) {
        (Some(name), _) => Some(name.to_owned()),
        (None, _) if account_of(cx, input) != cx.account() => None,
        (None, PrincipalKind::Operator) => Some("operator".into()),
        // A session has no keys of its own; a root's are not for it to change.
        (None, PrincipalKind::Root | PrincipalKind::Role { .. }) => None,
        (None, PrincipalKind::Federated { .. } | PrincipalKind::WebIdentity(_) | PrincipalKind::Saml(_)) => None,
        (None, PrincipalKind::User { name, .. }) => Some(name.clone()),
    }
}

/// Keys of a root are changed by that root, or by the operator.
fn guard_root(cx: &Cx, owner: Option<&str>) -> Result<(), Fault> {
    match (&cx.principal.kind, owner) {
        (PrincipalKind::Operator | PrincipalKind::Root, _) | (_, Some(_)) => Ok(()),
        _ => Err(Fault::client(
            "AccessDeniedException",
            "the keys of a root are changed by that root, or by the operator",
        )),
    }
}

/// An answer to a change of `account`, which gets a copy of the record if it is not the caller's.
fn changed(cx: &Cx, account: AccountId, output: Document) -> RpcAnswer {
    RpcAnswer { copy_for: (account != cx.account()).then_some(account), ..RpcAnswer::from(output) }
}

fn user_resource(user: &User) -> RecordResource {
    let arn = Arn::user(user.account, &user.path, &user.name);
    RecordResource { owner: Owner::Account(user.account), kind: "AWS::IAM::User", arn, prefix: false }
}

fn key_resource(account: AccountId, id: &str) -> RecordResource {
    let arn = Arn::access_key(account, id);
    RecordResource { owner: Owner::Account(account), kind: "AWS::IAM::AccessKey", arn, prefix: false }
}

pub(crate) fn fault(error: DirectoryError) -> Fault {
    let message = error.to_string();
    match error {
        DirectoryError::NotFound(_) => Fault::client("NoSuchEntityException", message),
        DirectoryError::Exists(_) => Fault::client("EntityAlreadyExistsException", message),
        DirectoryError::LimitExceeded(_) => Fault::client("LimitExceededException", message),
        DirectoryError::Conflict(_) => Fault::client("DeleteConflictException", message),
        DirectoryError::Invalid(_) => Fault::client("InvalidInputException", message),
        DirectoryError::Unavailable(_) => Fault::new("ServiceUnavailableException", 503, message),
    }
}

fn date(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

fn policy_text(policy: UserPolicy) -> &'static str {
    match policy {
        UserPolicy::Admin => "admin",
        UserPolicy::ReadOnly => "read-only",
    }
}

fn account_document(account: &Account) -> Document {
    Document::structure()
        .with("AccountId", account.id.as_str())
        .with("AccountName", account.name.as_str())
        .with("CanonicalId", account.canonical_id.as_str())
        .with("CreateDate", date(account.created_s))
}

fn user_document(user: &User) -> Document {
    Document::structure()
        .with("AccountId", user.account.as_str())
        .with("UserName", user.name.as_str())
        .with("UserId", user.unique_id.as_str())
        .with("Path", user.path.as_str())
        .with("Arn", Arn::user(user.account, &user.path, &user.name).as_str())
        .with("Policy", user.policy.map(policy_text))
        .with("CreateDate", date(user.created_s))
}

fn key_document(key: &AccessKey) -> Document {
    let status = match key.status {
        KeyStatus::Active => "Active",
        KeyStatus::Inactive => "Inactive",
    };
    Document::structure()
        .with("AccountId", key.account.as_str())
        .with("UserName", key.user.as_deref())
        .with("AccessKeyId", key.id.as_str())
        .with("Status", status)
        .with("CreateDate", date(key.created_s))
}

fn new_key_document(new: &NewAccessKey) -> Document {
    key_document(&new.key).with("SecretAccessKey", new.secret.expose())
}

/// A listing's own parameters.
struct Paging {
    /// The last key of the page before.
    after: Option<String>,
    limit: usize,
}

impl Desk {
    /// Reads `MaxResults` and `NextToken` of a listing that `question` tells from others.
    fn paging(&self, question: &[&str], input: &Document) -> Result<Paging, Fault> {
        let limit = input.int("MaxResults").and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
        let after = match input.text("NextToken") {
            None => None,
            Some(token) => {
                let place = self.tokens.open(question, token).and_then(|place| String::from_utf8(place).ok());
                Some(place.ok_or_else(bad_token)?)
            }
        };
        Ok(Paging { after, limit })
    }

    /// Cuts a listing of up to `limit + 1` entries to its page; the token, if there is more.
    fn cut<T>(
        &self,
        question: &[&str],
        limit: usize,
        entries: &mut Vec<T>,
        key: impl Fn(&T) -> &str,
    ) -> Option<String> {
        if entries.len() <= limit {
            return None;
        }
        entries.truncate(limit);
        entries.last().map(|last| self.tokens.seal(question, key(last).as_bytes()))
    }

    /// What a change of a key is recorded with: the key, and the user it belongs to where there is one.
    async fn key_resources(&self, key: &AccessKey) -> Vec<RecordResource> {
        let mut resources = vec![key_resource(key.account, &key.id)];
        if let Some(name) = &key.user {
            // The change has happened: a directory that does not answer now must not make a failure of it.
            resources.extend(self.directory.user(key.account, name).await.ok().flatten().as_ref().map(user_resource));
        }
        resources
    }

    /// A failure of the operator's to change something of `account` is on that account's record too, if there is such an
    /// account; so is a success.
    async fn failed(&self, cx: &Cx, account: AccountId, fault: Fault) -> Fault {
        if !cx.principal.is_operator() || account == cx.account() {
            return fault;
        }
        match self.directory.account(account).await {
            Ok(Some(_)) => fault.copied(account),
            _ => fault,
        }
    }

    /// The account that a change of one key is about (the operator need not say it), once the caller may change that key.
    async fn key_account(&self, cx: &Cx, input: &Document, id: &str) -> Result<AccountId, Fault> {
        let key = self.directory.access_key(id).await.map_err(fault)?;
        let unsaid = input.get("AccountId").is_none() && cx.principal.is_operator();
        let account = match &key {
            Some(key) if unsaid => key.account,
            _ => account_of(cx, input),
        };
        if let Some(key) = key.filter(|key| key.account == account) {
            guard_root(cx, key.user.as_deref())?;
        }
        Ok(account)
    }
}

fn bad_token() -> Fault {
    Fault::client("InvalidNextTokenException", "the token is not one of ours, or belongs to another question")
}
