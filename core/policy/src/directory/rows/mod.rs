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

#[cfg(test)]
mod tests {
    use opentrail_catalog::{Stored, decode, encode};

    use super::*;

    /// `json` as version one wrote it reads as a record, and that is written and read back unchanged.
    fn check<T: Stored + PartialEq + std::fmt::Debug>(json: &str) -> T {
        let bytes = [&1_u16.to_be_bytes()[..], json.as_bytes()].concat();
        let record: T = decode(&bytes).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(decode::<T>(&encode(&record)).expect("what was just written"), record);
        record
    }

    #[test]
    fn version_one_of_every_record_stays_readable() {
        let user: UserRow =
            check(r#"{"name":"Ana","path":"/","unique_id":"AIDAX","policy":"read-only","created_s":7}"#);
        assert_eq!(user.grants.attached, ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
        let without: UserRow = check(r#"{"name":"Ana","path":"/","unique_id":"AIDAX","policy":null,"created_s":7}"#);
        assert!(without.grants.attached.is_empty());
        let group: GroupRow =
            check(r#"{"name":"g","path":"/","unique_id":"AGPAX","created_s":7,"attached":["a"],"inline":{"p":"{}"}}"#);
        assert_eq!((group.grants.attached.len(), group.grants.inline.len()), (1, 1));
        let role: RoleRow = check(
            r#"{"name":"r","path":"/","unique_id":"AROAX","created_s":7,"boundary":"b","trust":"{}","max_session_s":3600}"#,
        );
        assert_eq!(role.grants.boundary.as_deref(), Some("b"));
        let policy: PolicyRow = check(
            r#"{"name":"p","path":"/","unique_id":"ANPAX","created_s":7,"updated_s":8,"versions":[{"number":2,"document":"{}","created_s":7}],"default":2,"next":3}"#,
        );
        assert_eq!(policy.in_force().map(|version| version.document.as_str()), Some("{}"));
        check::<ProfileRow>(r#"{"name":"p","path":"/","unique_id":"AIPAX","created_s":7,"role":"AROAX"}"#);
        check::<MfaRow>(r#"{"serial":"arn:aws:iam::000000000007:mfa/p","created_s":7,"sealed":"00"}"#);
        check::<OidcRow>(r#"{"url":"h","client_ids":[],"thumbprints":[],"created_s":7}"#);
        check::<SamlRow>(
            r#"{"name":"s","uuid":"U","metadata":"<x/>","created_s":7,"valid_until_s":8,"encryption":"Allowed"}"#,
        );
        check::<AccountRow>("{}");
        check::<UsedRow>(r#"{"at_s":7,"region":"us-east-1"}"#);
        check::<ReportRow>(r#"{"generated_s":7,"csv":"user"}"#);
    }
}
