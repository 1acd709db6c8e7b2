//! An account's alias, password policy, preferences and numbers.

use opentrail_policy::rows::{self, AccountRow, MfaRow, OidcRow, PasswordPolicy, PolicyRow, SamlRow};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::entity;
use crate::faults::{constraint, exists, no_such, unavailable};
use crate::page::Page;
use crate::verb::{Answer, Draft};

pub(crate) async fn settings(d: &mut Draft<'_>) -> Result<AccountRow, Fault> {
    let key = rows::iam_account_key(d.account);
    Ok(d.get(&key).await.map_err(unavailable)?.unwrap_or_default())
}

pub(crate) fn save(d: &mut Draft<'_>, row: &AccountRow) {
    d.put(rows::iam_account_key(d.account), row);
}

fn check_alias(alias: &str) -> Result<(), Fault> {
    let legal = alias.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let shaped = legal && !alias.starts_with('-') && !alias.ends_with('-') && !alias.contains("--");
    if !shaped || (alias.len() == 12 && alias.bytes().all(|b| b.is_ascii_digit())) {
        let what = "Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
        return Err(constraint("accountAlias", what));
    }
    Ok(())
}

/// Takes the place of the one before.
pub(crate) async fn create_alias(d: &mut Draft<'_>, input: &Document) -> Answer {
    let alias = entity::name(input, "AccountAlias");
    check_alias(alias)?;
    let mut settings = settings(d).await?;
    if settings.alias.as_deref() == Some(alias) {
        return Ok(Document::structure());
    }
    if d.bytes(&rows::alias_key(alias)).await.map_err(unavailable)?.is_some() {
        return Err(exists(format!("The account alias {alias} already exists.")));
    }
    if let Some(old) = settings.alias.replace(alias.to_owned()) {
        d.delete(rows::alias_key(&old));
    }
    d.put_bytes(rows::alias_key(alias), d.account.to_string());
    save(d, &settings);
    Ok(Document::structure())
}

pub(crate) async fn delete_alias(d: &mut Draft<'_>, input: &Document) -> Answer {
    let alias = entity::name(input, "AccountAlias");
    let mut settings = settings(d).await?;
    if settings.alias.as_deref() != Some(alias) {
        return Err(no_such(format!("The account alias {alias} cannot be found.")));
    }
    settings.alias = None;
    d.delete(rows::alias_key(alias));
    save(d, &settings);
    Ok(Document::structure())
}

pub(crate) async fn list_aliases(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListAccountAliases", input)?;
    let (aliases, rest) = page.cut(settings(d).await?.alias.into_iter().collect(), String::clone);
    let aliases: Vec<Document> = aliases.into_iter().map(Document::Text).collect();
    Ok(rest.onto(Document::structure().with("AccountAliases", aliases)))
}

/// What is not said gets its default: nothing is kept of the policy before.
pub(crate) async fn update_password_policy(d: &mut Draft<'_>, input: &Document) -> Answer {
    let flag = |member| input.bool(member).unwrap_or(false);
    let mut settings = settings(d).await?;
    settings.password_policy = Some(PasswordPolicy {
        length_min: input.int("MinimumPasswordLength").unwrap_or(6),
        symbols: flag("RequireSymbols"),
        numbers: flag("RequireNumbers"),
        upper: flag("RequireUppercaseCharacters"),
        lower: flag("RequireLowercaseCharacters"),
        users_change: flag("AllowUsersToChangePassword"),
        age_max_days: input.int("MaxPasswordAge"),
        reuse_prevention: input.int("PasswordReusePrevention"),
        hard_expiry: input.bool("HardExpiry"),
    });
    save(d, &settings);
    Ok(Document::structure())
}

pub(crate) async fn get_password_policy(d: &mut Draft<'_>) -> Answer {
    let missing = no_such(format!("The Password Policy with domain name {} cannot be found.", d.account));
    let policy = settings(d).await?.password_policy.ok_or(missing)?;
    let shown = Document::structure()
        .with("MinimumPasswordLength", policy.length_min)
        .with("RequireSymbols", policy.symbols)
        .with("RequireNumbers", policy.numbers)
        .with("RequireUppercaseCharacters", policy.upper)
        .with("RequireLowercaseCharacters", policy.lower)
        .with("AllowUsersToChangePassword", policy.users_change)
        .with("ExpirePasswords", policy.age_max_days.is_some())
        .with("MaxPasswordAge", policy.age_max_days)
        .with("PasswordReusePrevention", policy.reuse_prevention)
        .with("HardExpiry", policy.hard_expiry);
    Ok(Document::structure().with("PasswordPolicy", shown))
}

pub(crate) async fn delete_password_policy(d: &mut Draft<'_>) -> Answer {
    let mut settings = settings(d).await?;
    if settings.password_policy.take().is_none() {
        return Err(no_such("The account policy with name PasswordPolicy cannot be found."));
    }
    save(d, &settings);
    Ok(Document::structure())
}

pub(crate) async fn set_sts_preferences(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut settings = settings(d).await?;
    settings.sts_tokens = Some(entity::name(input, "GlobalEndpointTokenVersion").to_owned());
    save(d, &settings);
    Ok(Document::structure())
}

/// What there is, and how much there may be.
pub(crate) async fn summary(d: &mut Draft<'_>) -> Answer {
    let settings = settings(d).await?;
    let account = d.account;
    let root_keys = d.directory().list_access_keys(account, None).await.map_err(unavailable)?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mfa = d.list::<MfaRow>(&rows::mfa_devices(account), None, usize::MAX).await.map_err(unavailable)?;
    let policies = d.list::<PolicyRow>(&rows::policies(account), None, usize::MAX).await.map_err(unavailable)?;
    let oidc = d.list::<OidcRow>(&rows::oidc_providers(account), None, usize::MAX).await.map_err(unavailable)?;
    let saml = d.list::<SamlRow>(&rows::saml_providers(account), None, usize::MAX).await.map_err(unavailable)?;
    let mut counts = [0; 4];
    for (count_of, prefix) in counts.iter_mut().zip([
        rows::groups(account),
        rows::profiles(account),
        rows::roles(account),
        rows::users(account),
    ]) {
        *count_of = count(d.count(&prefix).await.map_err(unavailable)?);
    }
    let [groups, profiles, roles, users] = counts;
    let token_version = if settings.sts_tokens.as_deref() == Some("v2Token") { 2 } else { 1 };
    let versions: usize = policies.iter().map(|(_, row)| row.versions.len()).sum();
    let numbers: [(&str, i64); 34] = [
        ("AccessKeysPerUserQuota", 2),
        ("AccountAccessKeysPresent", i64::from(!root_keys.is_empty())),
        ("AccountMFAEnabled", i64::from(!settings.root_mfa.is_empty())),
        ("AccountPasswordPresent", i64::from(settings.root_login.is_some())),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", 2_048),
        ("AttachedPoliciesPerGroupQuota", 10),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("AttachedPoliciesPerUserQuota", 10),
        ("GlobalEndpointTokenVersion", token_version),
        ("GroupPolicySizeQuota", 5_120),
        ("Groups", groups),
        ("GroupsPerUserQuota", 10),
        ("GroupsQuota", 300),
        ("InstanceProfiles", profiles),
        ("InstanceProfilesQuota", 1_000),
        ("MFADevices", count(mfa.len())),
        ("MFADevicesInUse", count(mfa.iter().filter(|(_, row)| row.owner.is_some()).count())),
        ("Policies", count(policies.len())),
        ("PoliciesQuota", 1_500),
        ("PolicySizeQuota", 6_144),
        ("PolicyVersionsInUse", count(versions)),
        ("PolicyVersionsInUseQuota", 10_000),
        ("Providers", count(oidc.len() + saml.len())),
        ("RolePolicySizeQuota", 10_240),
        ("Roles", roles),
        ("RolesQuota", 1_000),
        ("ServerCertificates", 0),
        ("ServerCertificatesQuota", 20),
        ("SigningCertificatesPerUserQuota", 2),
        ("UserPolicySizeQuota", 2_048),
        ("Users", users),
        ("UsersQuota", 5_000),
        ("VersionsPerPolicyQuota", 5),
    ];
    let shown = numbers.iter().map(|(name, n)| ((*name).to_owned(), Document::Int(*n)));
    Ok(Document::structure().with("SummaryMap", Document::Map(shown.collect())))
}
