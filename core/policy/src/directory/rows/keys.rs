//! Where records stand. Names are found without regard to case.

use opentrail_catalog::Key;
use opentrail_event::AccountId;

fn place(family: &str, account: AccountId) -> Key {
    Key::family(family).part(account.as_str())
}

/// All users of an account, or all of another kind.
pub fn users(account: AccountId) -> Key {
    place("directory/user", account)
}

pub fn user_key(account: AccountId, name: &str) -> Key {
    users(account).part(name.to_ascii_lowercase())
}

pub fn groups(account: AccountId) -> Key {
    place("directory/group", account)
}

pub fn group_key(account: AccountId, name: &str) -> Key {
    groups(account).part(name.to_ascii_lowercase())
}

pub fn roles(account: AccountId) -> Key {
    place("directory/role", account)
}

pub fn role_key(account: AccountId, name: &str) -> Key {
    roles(account).part(name.to_ascii_lowercase())
}

pub fn policies(account: AccountId) -> Key {
    place("directory/policy", account)
}

pub fn policy_key(account: AccountId, name: &str) -> Key {
    policies(account).part(name.to_ascii_lowercase())
}

pub fn profiles(account: AccountId) -> Key {
    place("directory/profile", account)
}

pub fn profile_key(account: AccountId, name: &str) -> Key {
    profiles(account).part(name.to_ascii_lowercase())
}

pub fn mfa_devices(account: AccountId) -> Key {
    place("directory/mfa", account)
}

/// `serial` without its path's slash at the front: `phones/ann` of `arn:aws:iam::A:mfa/phones/ann`.
pub fn mfa_key(account: AccountId, serial: &str) -> Key {
    mfa_devices(account).part(serial.to_ascii_lowercase())
}

pub fn oidc_providers(account: AccountId) -> Key {
    place("directory/oidc", account)
}

/// By host and path, without the scheme.
pub fn oidc_key(account: AccountId, url: &str) -> Key {
    oidc_providers(account).part(url)
}

pub fn saml_providers(account: AccountId) -> Key {
    place("directory/saml", account)
}

pub fn saml_key(account: AccountId, name: &str) -> Key {
    saml_providers(account).part(name.to_ascii_lowercase())
}

pub fn iam_account_key(account: AccountId) -> Key {
    place("directory/iam", account)
}

pub fn alias_key(alias: &str) -> Key {
    Key::family("directory/alias").part(alias)
}

pub fn by_id_key(account: AccountId, unique_id: &str) -> Key {
    place("directory/by-id", account).part(unique_id)
}

pub fn members(account: AccountId, group_id: &str) -> Key {
    place("directory/member", account).part(group_id)
}

pub fn member_key(account: AccountId, group_id: &str, user_id: &str) -> Key {
    members(account, group_id).part(user_id)
}

/// All attachments of an account.
pub fn attachments(account: AccountId) -> Key {
    place("directory/attached", account)
}

/// Those of one policy.
pub fn attached(account: AccountId, policy_arn: &str) -> Key {
    attachments(account).part(policy_arn)
}

pub fn attached_key(account: AccountId, policy_arn: &str, unique_id: &str) -> Key {
    attached(account, policy_arn).part(unique_id)
}

/// All boundaries of an account.
pub fn boundaries(account: AccountId) -> Key {
    place("directory/bounding", account)
}

pub fn bounding(account: AccountId, policy_arn: &str) -> Key {
    boundaries(account).part(policy_arn)
}

pub fn bounding_key(account: AccountId, policy_arn: &str, unique_id: &str) -> Key {
    bounding(account, policy_arn).part(unique_id)
}

pub fn profiles_of(account: AccountId, role_id: &str) -> Key {
    place("directory/profile-of", account).part(role_id)
}

pub fn profile_of_key(account: AccountId, role_id: &str, profile: &str) -> Key {
    profiles_of(account, role_id).part(profile.to_ascii_lowercase())
}

pub fn key_used_key(access_key_id: &str) -> Key {
    Key::family("directory/key-used").part(access_key_id)
}

pub fn role_used_key(account: AccountId, role_id: &str) -> Key {
    place("directory/role-used", account).part(role_id)
}

pub fn deletion_key(account: AccountId, task: &str) -> Key {
    place("directory/deletion", account).part(task)
}

pub fn report_key(account: AccountId) -> Key {
    place("directory/report", account)
}

/// The last part of a key, as a text.
pub fn last_part(key: &Key) -> Option<String> {
    key.parts().and_then(|parts| String::from_utf8(parts.into_iter().next_back()?).ok())
}
