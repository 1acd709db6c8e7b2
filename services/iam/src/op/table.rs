//! The table: a row for each operation, with what it is about, what it does and the errors it answers of itself.
//!
//! `R` reads, `W` changes, `M` changes and mints credentials.

use std::sync::Arc;

use opentrail_event::Category;
use opentrail_policy::Directory;
use opentrail_policy::rows::{MfaRow, OidcRow, PolicyRow, ProfileRow, SamlRow};
use opentrail_wire::{Facts, Operation};

use super::{
    account, attachments, boundaries, details, groups, inline, keys, linked, login, mfa, policies, profiles, providers,
    report, roles, simulate, tagging, users,
};
use crate::entity::Kind;
use crate::verb::Verb;
use crate::what::What::*;

macro_rules! read_only {
    (R) => {
        true
    };
    ($other:ident) => {
        false
    };
}

macro_rules! mints {
    (M) => {
        true
    };
    ($other:ident) => {
        false
    };
}

/// Each row as an operation; the three names stand for the draft, the circumstances and the input.
macro_rules! verbs {
    ($directory:ident, |$d:ident, $cx:ident, $i:ident| $($name:literal $class:ident $what:expr => $run:expr, [$($error:literal),*];)*) => {
        vec![$({
            static FACTS: Facts = Facts {
                name: $name,
                action: concat!("iam:", $name),
                read_only: read_only!($class),
                category: Category::Management,
                mints_credentials: mints!($class),
                open: false,
                errors: &[$($error),*],
            };
            Box::new(Verb {
                directory: $directory.clone(),
                facts: &FACTS,
                what: $what,
                run: |$d, $cx, $i| Box::pin(async move {
                    let _ = (&$d, $cx, $i);
                    $run
                }),
            }) as Box<dyn Operation>
        }),*]
    };
}

/// The operations of IAM that are built.
#[rustfmt::skip]
pub(crate) fn table(directory: &Arc<Directory>) -> Vec<Box<dyn Operation>> {
    verbs! { directory, |d, cx, i|
        "AddClientIDToOpenIDConnectProvider" W Provider => providers::add_client_id(d, i).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException"];
        "AddRoleToInstanceProfile" W Profile => profiles::add_role(d, i).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "AddUserToGroup" W The(Kind::Group) => groups::add_user(d, i).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException"];
        "AttachGroupPolicy" W The(Kind::Group) => attachments::attach(d, i, Kind::Group).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException", "PolicyNotAttachableException", "UnmodifiableEntityException"];
        "AttachRolePolicy" W The(Kind::Role) => attachments::attach(d, i, Kind::Role).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException", "PolicyNotAttachableException", "UnmodifiableEntityException"];
        "AttachUserPolicy" W The(Kind::User) => attachments::attach(d, i, Kind::User).await, ["ConcurrentModificationException", "LimitExceededException", "NoSuchEntityException", "PolicyNotAttachableException", "UnmodifiableEntityException"];
        "ChangePassword" W OwnUser => login::change(d, cx, i).await, ["ConcurrentModificationException", "InvalidInputException", "InvalidUserTypeException", "NoSuchEntityException", "PasswordPolicyViolationException"];
        "CreateAccessKey" M OwnUser => keys::create(d, cx, i).await, ["LimitExceededException", "NoSuchEntityException"];
        "CreateAccountAlias" W Account => account::create_alias(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException"];
        "CreateGroup" W New(Kind::Group) => groups::create(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "LimitExceededException"];
        "CreateInstanceProfile" W NewProfile => profiles::create(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException"];
        "CreateLoginProfile" W OwnUser => login::create(d, cx, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "NoSuchEntityException", "PasswordPolicyViolationException"];
        "CreateOpenIDConnectProvider" W NewOidc => providers::create_oidc(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException"];
        "CreatePolicy" W NewPolicy => policies::create(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException", "MalformedPolicyDocumentException"];
        "CreatePolicyVersion" W Policy => policies::create_version(d, i).await, ["ConcurrentModificationException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException"];
        "CreateRole" W New(Kind::Role) => roles::create(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException"];
        "CreateSAMLProvider" W NewSaml => providers::create_saml(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException"];
        "CreateServiceLinkedRole" W Linked => linked::create(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException"];
        "CreateUser" W New(Kind::User) => users::create(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "CreateVirtualMFADevice" W NewMfa => mfa::create(d, cx, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "LimitExceededException"];
        "DeactivateMFADevice" W OwnUser => mfa::deactivate(d, cx, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeleteAccessKey" W OwnUser => keys::delete(d, cx, i).await, ["NoSuchEntityException"];
        "DeleteAccountAlias" W Account => account::delete_alias(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeleteAccountPasswordPolicy" W Account => account::delete_password_policy(d).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeleteGroup" W The(Kind::Group) => groups::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException"];
        "DeleteGroupPolicy" W The(Kind::Group) => inline::delete(d, i, Kind::Group).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteInstanceProfile" W Profile => profiles::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException"];
        "DeleteLoginProfile" W OwnUser => login::delete(d, cx, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeleteOpenIDConnectProvider" W Provider => providers::delete_oidc(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeletePolicy" W Policy => policies::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException"];
        "DeletePolicyVersion" W Policy => policies::delete_version(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException"];
        "DeleteRole" W The(Kind::Role) => roles::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteRolePermissionsBoundary" W The(Kind::Role) => boundaries::unset(d, i, Kind::Role).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteRolePolicy" W The(Kind::Role) => inline::delete(d, i, Kind::Role).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteSAMLProvider" W Provider => providers::delete_saml(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "DeleteServiceLinkedRole" W The(Kind::Role) => linked::delete(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "NoSuchEntityException"];
        "DeleteUser" W The(Kind::User) => users::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "InvalidInputException", "NoSuchEntityException"];
        "DeleteUserPermissionsBoundary" W The(Kind::User) => boundaries::unset(d, i, Kind::User).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteUserPolicy" W The(Kind::User) => inline::delete(d, i, Kind::User).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DeleteVirtualMFADevice" W Mfa => mfa::delete(d, i).await, ["ConcurrentModificationException", "DeleteConflictException", "NoSuchEntityException"];
        "DetachGroupPolicy" W The(Kind::Group) => attachments::detach(d, i, Kind::Group).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DetachRolePolicy" W The(Kind::Role) => attachments::detach(d, i, Kind::Role).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "DetachUserPolicy" W The(Kind::User) => attachments::detach(d, i, Kind::User).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "EnableMFADevice" W OwnUser => mfa::enable(d, cx, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidAuthenticationCodeException", "LimitExceededException", "NoSuchEntityException"];
        "GenerateCredentialReport" R Account => report::generate(d).await, ["ConcurrentModificationException"];
        "GetAccessKeyLastUsed" R Key => keys::last_used(d, cx, i).await, [];
        "GetAccountAuthorizationDetails" R Account => details::get(d, i).await, [];
        "GetAccountPasswordPolicy" R Account => account::get_password_policy(d).await, ["NoSuchEntityException"];
        "GetAccountSummary" R Account => account::summary(d).await, [];
        "GetContextKeysForCustomPolicy" R Account => simulate::custom_keys(i), ["InvalidInputException"];
        "GetContextKeysForPrincipalPolicy" R Source => simulate::principal_keys(d, i).await, ["InvalidInputException", "NoSuchEntityException"];
        "GetCredentialReport" R Account => report::get(d).await, ["CredentialReportExpiredException", "CredentialReportNotPresentException"];
        "GetGroup" R The(Kind::Group) => groups::get(d, i).await, ["NoSuchEntityException"];
        "GetGroupPolicy" R The(Kind::Group) => inline::get(d, i, Kind::Group).await, ["NoSuchEntityException"];
        "GetInstanceProfile" R Profile => profiles::get(d, i).await, ["NoSuchEntityException"];
        "GetLoginProfile" R OwnUser => login::get(d, cx, i).await, ["NoSuchEntityException"];
        "GetMFADevice" R Mfa => mfa::get(d, i).await, ["NoSuchEntityException"];
        "GetOpenIDConnectProvider" R Provider => providers::get_oidc(d, i).await, ["NoSuchEntityException"];
        "GetPolicy" R Policy => policies::get(d, i).await, ["NoSuchEntityException"];
        "GetPolicyVersion" R Policy => policies::get_version(d, i).await, ["NoSuchEntityException"];
        "GetRole" R The(Kind::Role) => roles::get(d, i).await, ["NoSuchEntityException"];
        "GetRolePolicy" R The(Kind::Role) => inline::get(d, i, Kind::Role).await, ["NoSuchEntityException"];
        "GetSAMLProvider" R Provider => providers::get_saml(d, i).await, ["NoSuchEntityException"];
        "GetServiceLinkedRoleDeletionStatus" R Account => linked::deletion_status(d, i).await, ["NoSuchEntityException"];
        "GetUser" R OwnUser => users::get(d, cx, i).await, ["NoSuchEntityException"];
        "GetUserPolicy" R The(Kind::User) => inline::get(d, i, Kind::User).await, ["NoSuchEntityException"];
        "ListAccessKeys" R OwnUser => keys::list(d, cx, i).await, ["NoSuchEntityException"];
        "ListAccountAliases" R Account => account::list_aliases(d, i).await, [];
        "ListAttachedGroupPolicies" R The(Kind::Group) => attachments::list(d, "ListAttachedGroupPolicies", i, Kind::Group).await, ["NoSuchEntityException"];
        "ListAttachedRolePolicies" R The(Kind::Role) => attachments::list(d, "ListAttachedRolePolicies", i, Kind::Role).await, ["NoSuchEntityException"];
        "ListAttachedUserPolicies" R The(Kind::User) => attachments::list(d, "ListAttachedUserPolicies", i, Kind::User).await, ["NoSuchEntityException"];
        "ListEntitiesForPolicy" R Policy => attachments::list_entities(d, i).await, ["NoSuchEntityException"];
        "ListGroupPolicies" R The(Kind::Group) => inline::list(d, "ListGroupPolicies", i, Kind::Group).await, ["NoSuchEntityException"];
        "ListGroups" R All(Kind::Group) => groups::list(d, i).await, [];
        "ListGroupsForUser" R The(Kind::User) => groups::list_for_user(d, i).await, ["NoSuchEntityException"];
        "ListInstanceProfileTags" R Profile => tagging::list_of_one::<ProfileRow>(d, "ListInstanceProfileTags", i).await, ["NoSuchEntityException"];
        "ListInstanceProfiles" R AllProfiles => profiles::list(d, i).await, [];
        "ListInstanceProfilesForRole" R The(Kind::Role) => profiles::list_for_role(d, i).await, ["NoSuchEntityException"];
        "ListMFADeviceTags" R Mfa => tagging::list_of_one::<MfaRow>(d, "ListMFADeviceTags", i).await, ["NoSuchEntityException"];
        "ListMFADevices" R OwnUser => mfa::list(d, cx, i).await, ["NoSuchEntityException"];
        "ListOpenIDConnectProviderTags" R Provider => tagging::list_of_one::<OidcRow>(d, "ListOpenIDConnectProviderTags", i).await, ["NoSuchEntityException"];
        "ListOpenIDConnectProviders" R AllOidc => providers::list_oidc(d).await, [];
        "ListPolicies" R AllPolicies => policies::list(d, i).await, [];
        "ListPolicyTags" R Policy => policies::list_tags(d, i).await, ["NoSuchEntityException"];
        "ListPolicyVersions" R Policy => policies::list_versions(d, i).await, ["NoSuchEntityException"];
        "ListRolePolicies" R The(Kind::Role) => inline::list(d, "ListRolePolicies", i, Kind::Role).await, ["NoSuchEntityException"];
        "ListRoleTags" R The(Kind::Role) => tagging::list(d, "ListRoleTags", i, Kind::Role).await, ["NoSuchEntityException"];
        "ListRoles" R All(Kind::Role) => roles::list(d, i).await, [];
        "ListSAMLProviderTags" R Provider => tagging::list_of_one::<SamlRow>(d, "ListSAMLProviderTags", i).await, ["NoSuchEntityException"];
        "ListSAMLProviders" R AllSaml => providers::list_saml(d).await, [];
        "ListUserPolicies" R The(Kind::User) => inline::list(d, "ListUserPolicies", i, Kind::User).await, ["NoSuchEntityException"];
        "ListUserTags" R The(Kind::User) => tagging::list(d, "ListUserTags", i, Kind::User).await, ["NoSuchEntityException"];
        "ListUsers" R All(Kind::User) => users::list(d, i).await, [];
        "ListVirtualMFADevices" R Account => mfa::list_virtual(d, i).await, [];
        "PutGroupPolicy" W The(Kind::Group) => inline::put(d, i, Kind::Group).await, ["ConcurrentModificationException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "PutRolePermissionsBoundary" W The(Kind::Role) => boundaries::set(d, i, Kind::Role).await, ["ConcurrentModificationException", "InvalidInputException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "PutRolePolicy" W The(Kind::Role) => inline::put(d, i, Kind::Role).await, ["ConcurrentModificationException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "PutUserPermissionsBoundary" W The(Kind::User) => boundaries::set(d, i, Kind::User).await, ["ConcurrentModificationException", "InvalidInputException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "PutUserPolicy" W The(Kind::User) => inline::put(d, i, Kind::User).await, ["ConcurrentModificationException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "RemoveClientIDFromOpenIDConnectProvider" W Provider => providers::remove_client_id(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "RemoveRoleFromInstanceProfile" W Profile => profiles::remove_role(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "RemoveUserFromGroup" W The(Kind::Group) => groups::remove_user(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "ResyncMFADevice" W OwnUser => mfa::resync(d, cx, i).await, ["ConcurrentModificationException", "InvalidAuthenticationCodeException", "NoSuchEntityException"];
        "SetDefaultPolicyVersion" W Policy => policies::set_default_version(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "SetSecurityTokenServicePreferences" W Account => account::set_sts_preferences(d, i).await, ["ConcurrentModificationException"];
        "SimulateCustomPolicy" R Account => simulate::custom(d, cx, i).await, ["InvalidInputException", "NoSuchEntityException"];
        "SimulatePrincipalPolicy" R Source => simulate::principal(d, i).await, ["InvalidInputException", "NoSuchEntityException"];
        "TagInstanceProfile" W Profile => tagging::tag_one::<ProfileRow>(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagMFADevice" W Mfa => tagging::tag_one::<MfaRow>(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagOpenIDConnectProvider" W Provider => tagging::tag_one::<OidcRow>(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagPolicy" W Policy => tagging::tag_one::<PolicyRow>(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagRole" W The(Kind::Role) => tagging::tag(d, i, Kind::Role).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagSAMLProvider" W Provider => tagging::tag_one::<SamlRow>(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "TagUser" W The(Kind::User) => tagging::tag(d, i, Kind::User).await, ["ConcurrentModificationException", "InvalidInputException", "LimitExceededException", "NoSuchEntityException"];
        "UntagInstanceProfile" W Profile => tagging::untag_one::<ProfileRow>(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagMFADevice" W Mfa => tagging::untag_one::<MfaRow>(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagOpenIDConnectProvider" W Provider => tagging::untag_one::<OidcRow>(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagPolicy" W Policy => tagging::untag_one::<PolicyRow>(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagRole" W The(Kind::Role) => tagging::untag(d, i, Kind::Role).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagSAMLProvider" W Provider => tagging::untag_one::<SamlRow>(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UntagUser" W The(Kind::User) => tagging::untag(d, i, Kind::User).await, ["ConcurrentModificationException", "NoSuchEntityException"];
        "UpdateAccessKey" W OwnUser => keys::update(d, cx, i).await, ["InvalidInputException", "NoSuchEntityException"];
        "UpdateAccountPasswordPolicy" W Account => account::update_password_policy(d, i).await, ["ConcurrentModificationException"];
        "UpdateAssumeRolePolicy" W The(Kind::Role) => roles::update_trust(d, i).await, ["ConcurrentModificationException", "LimitExceededException", "MalformedPolicyDocumentException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "UpdateGroup" W The(Kind::Group) => groups::update(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "NoSuchEntityException"];
        "UpdateLoginProfile" W The(Kind::User) => login::update(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException", "PasswordPolicyViolationException"];
        "UpdateOpenIDConnectProviderThumbprint" W Provider => providers::update_thumbprints(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "NoSuchEntityException"];
        "UpdateRole" W The(Kind::Role) => roles::update(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "UpdateRoleDescription" W The(Kind::Role) => roles::update_description(d, i).await, ["ConcurrentModificationException", "NoSuchEntityException", "UnmodifiableEntityException"];
        "UpdateSAMLProvider" W Provider => providers::update_saml(d, i).await, ["ConcurrentModificationException", "InvalidInputException", "NoSuchEntityException"];
        "UpdateUser" W The(Kind::User) => users::update(d, i).await, ["ConcurrentModificationException", "EntityAlreadyExistsException", "InvalidInputException", "NoSuchEntityException"];
    }
}
