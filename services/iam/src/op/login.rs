//! Passwords of users, for the console.

use opentrail_policy::rows::{Login, PasswordPolicy};
use opentrail_policy::{PrincipalKind, hash_password, is_password};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};

use super::{account, users};
use crate::entity::{self, Entity};
use crate::faults::{denied, exists, invalid_input, no_such, unavailable};
use crate::shapes::date;
use crate::verb::{Answer, Draft};

fn missing(user: &str) -> Fault {
    no_such(format!("Login Profile for User {user} cannot be found."))
}

fn shown(user: &str, login: &Login) -> Document {
    let shown = Document::structure()
        .with("UserName", user)
        .with("CreateDate", date(login.created_s))
        .with("PasswordResetRequired", login.reset_required);
    Document::structure().with("LoginProfile", shown)
}

fn context(user_id: &str) -> String {
    format!("password/{user_id}")
}

/// Off the threads that answer calls: it is slow on purpose.
async fn hash(d: &Draft<'_>, password: &str) -> Result<String, Fault> {
    let (world, password) = (d.world().clone(), password.to_owned());
    let hashed = tokio::task::spawn_blocking(move || hash_password(&world, &password)).await;
    hashed.map_err(|_| Fault::new("ServiceFailure", 500, "The password could not be kept."))
}

async fn is_same(d: &Draft<'_>, user_id: &str, sealed: &str, password: &str) -> Result<bool, Fault> {
    let hashed = d.directory().open_text(&context(user_id), sealed).map_err(unavailable)?;
    let password = password.to_owned();
    let same = tokio::task::spawn_blocking(move || is_password(&hashed, &password)).await;
    same.map_err(|_| Fault::new("ServiceFailure", 500, "The password could not be compared."))
}

/// Whether a character is of a kind.
type Is = fn(char) -> bool;

/// What passwords must be like; where the account says nothing, eight characters of three kinds.
fn check(policy: Option<&PasswordPolicy>, user: &str, password: &str) -> Result<(), Fault> {
    let violation = |what: String| Err(Fault::client("PasswordPolicyViolation", what));
    let any = |is: Is| password.chars().any(is);
    let kinds: [(&str, Is); 4] = [
        ("uppercase letter", |c| c.is_ascii_uppercase()),
        ("lowercase letter", |c| c.is_ascii_lowercase()),
        ("number", |c| c.is_ascii_digit()),
        ("symbol", |c| c.is_ascii_punctuation()),
    ];
    let (length_min, wanted) = match policy {
        Some(policy) => (policy.length_min, [policy.upper, policy.lower, policy.numbers, policy.symbols]),
        None => (8, [false; 4]),
    };
    if !password.chars().all(|c| (' '..='\u{ff}').contains(&c)) || password.chars().count() > 128 {
        return violation("Password should have at most 128 characters that can be printed".into());
    }
    if i64::try_from(password.chars().count()).unwrap_or(i64::MAX) < length_min {
        return violation(format!("Password should have a minimum length of {length_min}"));
    }
    if let Some(((what, _), _)) = kinds.iter().zip(wanted).find(|((_, is), wanted)| *wanted && !any(*is)) {
        return violation(format!("Password should have at least one {what}"));
    }
    if policy.is_none() && kinds.iter().filter(|(_, is)| any(*is)).count() < 3 {
        return violation("Password should have characters of at least three kinds: uppercase letters, lowercase letters, numbers, symbols".into());
    }
    if password.eq_ignore_ascii_case(user) {
        return violation("Password should not be the name of the user".into());
    }
    Ok(())
}

/// Puts a checked password in the place of the one before.
async fn replace(d: &mut Draft<'_>, user_id: &str, old: Option<Login>, password: &str) -> Result<Login, Fault> {
    let policy = account::settings(d).await?.password_policy;
    let keep = policy.and_then(|policy| usize::try_from(policy.reuse_prevention?).ok()).unwrap_or(0);
    let mut older: Vec<String> = Vec::new();
    if let Some(old) = &old {
        older.push(old.sealed.clone());
        older.extend(old.older.iter().cloned());
        older.truncate(keep);
    }
    for sealed in &older {
        if is_same(d, user_id, sealed, password).await? {
            return Err(Fault::client("PasswordPolicyViolation", "Password should not be one that was used before"));
        }
    }
    let hashed = hash(d, password).await?;
    let now = d.now_s();
    Ok(Login {
        sealed: d.directory().seal_text(&context(user_id), &hashed),
        created_s: old.as_ref().map_or(now, |old| old.created_s),
        changed_s: now,
        reset_required: false,
        older,
        used_s: old.and_then(|old| old.used_s),
    })
}

/// The user that a call about passwords is about; the root's password is the root's own affair.
fn named(cx: &Cx, input: &Document) -> Result<String, Fault> {
    users::named_or_caller(cx, input)?.ok_or_else(|| missing("root"))
}

pub(crate) async fn create(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let mut user = users::load(d, &named(cx, input)?).await?;
    if user.login.is_some() {
        return Err(exists(format!("Login Profile for user {} already exists.", user.name)));
    }
    let password = entity::name(input, "Password");
    let policy = account::settings(d).await?.password_policy;
    check(policy.as_ref(), &user.name, password)?;
    let mut login = replace(d, &user.unique_id, None, password).await?;
    login.reset_required = input.bool("PasswordResetRequired").unwrap_or(false);
    let shown = shown(&user.name, &login);
    user.login = Some(login);
    Entity::User(user).save(d);
    Ok(shown)
}

pub(crate) async fn get(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let user = users::load(d, &named(cx, input)?).await?;
    user.login.as_ref().map(|login| shown(&user.name, login)).ok_or_else(|| missing(&user.name))
}

pub(crate) async fn update(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut user = users::load(d, entity::name(input, "UserName")).await?;
    let mut login = user.login.clone().ok_or_else(|| missing(&user.name))?;
    if let Some(password) = input.text("Password") {
        let policy = account::settings(d).await?.password_policy;
        check(policy.as_ref(), &user.name, password)?;
        let reset_required = login.reset_required;
        login = Login { reset_required, ..replace(d, &user.unique_id, Some(login), password).await? };
    }
    login.reset_required = input.bool("PasswordResetRequired").unwrap_or(login.reset_required);
    user.login = Some(login);
    Entity::User(user).save(d);
    Ok(Document::structure())
}

pub(crate) async fn delete(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let mut user = users::load(d, &named(cx, input)?).await?;
    if user.login.take().is_none() {
        return Err(missing(&user.name));
    }
    Entity::User(user).save(d);
    Ok(Document::structure())
}

/// A user's own password, by that user.
pub(crate) async fn change(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let PrincipalKind::User { name, .. } = &cx.principal.kind else {
        return Err(Fault::client("InvalidUserType", "Only an IAM user can change the own password."));
    };
    let mut user = users::load(d, name).await?;
    let login = user.login.clone().ok_or_else(|| missing(&user.name))?;
    let settings = account::settings(d).await?;
    if settings
        .password_policy
        .is_some_and(|policy| policy.hard_expiry == Some(true) && is_over(&policy, &login, d.now_s()))
    {
        return Err(denied("The password has expired; an administrator must set another one."));
    }
    let (old, new) = (entity::name(input, "OldPassword"), entity::name(input, "NewPassword"));
    if !is_same(d, &user.unique_id, &login.sealed, old).await? {
        return Err(invalid_input("The old password was incorrect."));
    }
    check(settings.password_policy.as_ref(), &user.name, new)?;
    user.login = Some(replace(d, &user.unique_id, Some(login), new).await?);
    Entity::User(user).save(d);
    Ok(Document::structure())
}

fn is_over(policy: &PasswordPolicy, login: &Login, now_s: i64) -> bool {
    policy.age_max_days.is_some_and(|days| now_s >= login.changed_s.saturating_add(days.saturating_mul(86_400)))
}
