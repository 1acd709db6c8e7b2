//! The records of IAM's entities as the catalog holds them, one for each entity, and where they stand.
//!
//! An entity's record holds whatever belongs to it alone: its inline policies, tags, boundary and the ARNs of the policies
//! attached to it. What must be found from the other side has rows of its own that are written in the same transaction:
//!
//! | key | record |
//! |---|---|
//! | `directory/user` · account · lower-case name | [`UserRow`] |
//! | `directory/group` · account · lower-case name | [`GroupRow`] |
//! | `directory/role` · account · lower-case name | [`RoleRow`] |
//! | `directory/policy` · account · lower-case name | [`PolicyRow`] |
//! | `directory/profile` · account · lower-case name | [`ProfileRow`] |
//! | `directory/mfa` · account · lower-case path and name | [`MfaRow`] |
//! | `directory/oidc` · account · host and path | [`OidcRow`] |
//! | `directory/saml` · account · lower-case name | [`SamlRow`] |
//! | `directory/iam` · account | [`AccountRow`] |
//! | `directory/alias` · alias | the account: aliases are unique in the house |
//! | `directory/by-id` · account · unique id | a letter for the kind (`u` user, `g` group, `r` role) and the lower-case name: ids outlive renames, so every link between entities is by id |
//! | `directory/member` · account · group id · user id | empty |
//! | `directory/attached` · account · policy ARN · id | empty: the entity has the policy attached |
//! | `directory/bounding` · account · policy ARN · id | empty: the policy is the entity's boundary |
//! | `directory/profile-of` · account · role id · lower-case profile | empty |
//! | `directory/key-used` · key id | [`UsedRow`] |
//! | `directory/role-used` · account · role id | [`UsedRow`] |
//! | `directory/deletion` · account · task id | empty: a service-linked role that was deleted |
//! | `directory/report` · account | [`ReportRow`] |

mod keys;
mod people;
mod things;

pub use keys::*;
pub use people::*;
pub use things::*;
