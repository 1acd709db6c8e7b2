//! Remembers sessions whose credentials went by in an answer of STS, so that who signs with them later is proven
//! (`spec/sts.md`).
//!
//! Of a session that somebody got for themselves (GetSessionToken) or for another (GetFederationToken) it is known whose it is
//! only where the caller is; a role's session says so itself.

use opentrail_event::AccountId;
use opentrail_policy::{Passed, PrincipalKind, Secret, Session, WebFederation};
use opentrail_protocol::Document;
use opentrail_protocol::atlas::Answer;

use super::close::Passing;
use super::who::Who;

impl Passing {
    /// Remembers the session that this answer hands out, if it does.
    pub(super) async fn learn(&self, answer: &Answer) {
        if self.service != "sts" || !self.what.is_known() {
            return;
        }
        let caller = match &self.who {
            Who::Proven { principal, .. } => Some((&principal.kind, principal.account)),
            Who::Unproven { .. } | Who::Anonymous => None,
        };
        let now_s = self.hall.world.now().as_second();
        let Some(mut session) = session(&self.operation, self.request_document(), &answer.document, caller, now_s)
        else {
            return;
        };
        session.proven = self.who.is_verified();
        let id = session.access_key_id.clone();
        // A key that is one of ours is nobody else's, whatever an upstream says.
        match self.hall.verifier.identities.find(&id).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return,
        }
        match self.passage.sessions.remember(session).await {
            Ok(true) => metrics::counter!("opentrail_door_passed_sessions_total").increment(1),
            Ok(false) => metrics::counter!("opentrail_door_passed_sessions_left_out_total").increment(1),
            Err(error) => tracing::warn!(%error, "remember a session that went past; its calls will not be verified"),
        }
    }

    fn request_document(&self) -> &Document {
        &self.request.document
    }
}

/// The session of an answer. `caller` is who asked, where that is proven.
fn session(
    operation: &str,
    asked: &Document,
    answer: &Document,
    caller: Option<(&PrincipalKind, AccountId)>,
    now_s: i64,
) -> Option<Passed> {
    let credentials = answer.get("Credentials")?;
    let text = |name: &str| credentials.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let (access_key_id, secret, token) = (text("AccessKeyId")?, text("SecretAccessKey")?, text("SessionToken")?);
    let expires_s = credentials.time("Expiration")?.as_second();
    let mut session = Session { issued_s: now_s, expires_s, ..Session::default() };
    let with_mfa = asked.text("SerialNumber").is_some() && asked.text("TokenCode").is_some();
    session.mfa_s = with_mfa.then_some(now_s);
    session.source_identity = answer.text("SourceIdentity").or(asked.text("SourceIdentity")).map(str::to_owned);
    let (kind, account) = match operation {
        "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" => {
            if operation == "AssumeRoleWithWebIdentity" {
                session.web = web(answer);
            }
            role(asked, answer)?
        }
        "GetSessionToken" => match caller? {
            (kind @ (PrincipalKind::User { .. } | PrincipalKind::Root), account) => (kind.clone(), account),
            _ => return None,
        },
        "GetFederationToken" => match caller? {
            (by @ (PrincipalKind::User { .. } | PrincipalKind::Root), account) => {
                let name = asked.text("Name")?.to_owned();
                (PrincipalKind::Federated { name, by: Box::new(by.clone()) }, account)
            }
            _ => return None,
        },
        _ => return None,
    };
    let (secret, token) = (Secret::new(secret), Secret::new(token));
    Some(Passed { access_key_id, secret, token, kind, account, session, proven: false })
}

/// By `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION` and `AROA…:SESSION`; the path stands only in the role's own ARN, which
/// was asked for.
fn role(asked: &Document, answer: &Document) -> Option<(PrincipalKind, AccountId)> {
    let user = answer.get("AssumedRoleUser")?;
    let (arn, id) = (user.text("Arn")?, user.text("AssumedRoleId")?);
    let mut parts = arn.splitn(6, ':');
    let account: AccountId = parts.nth(4)?.parse().ok()?;
    let (name, session_name) = parts.next()?.strip_prefix("assumed-role/")?.split_once('/')?;
    let unique_id = id.split(':').next()?;
    let path = asked
        .text("RoleArn")
        .and_then(|arn| arn.split_once(":role"))
        .and_then(|(_, path)| path.strip_suffix(name).filter(|path| path.starts_with('/') && path.ends_with('/')));
    let kind = PrincipalKind::Role {
        name: name.to_owned(),
        path: path.unwrap_or("/").to_owned(),
        unique_id: unique_id.to_owned(),
        session_name: session_name.to_owned(),
    };
    Some((kind, account))
}

/// What the provider said of whoever came with its token.
fn web(answer: &Document) -> Option<WebFederation> {
    let provider = answer.text("Provider")?;
    let host = provider.rsplit_once("oidc-provider/").map_or(provider, |(_, host)| host);
    let mut attributes = Vec::new();
    for (name, member) in [("aud", "Audience"), ("sub", "SubjectFromWebIdentityToken")] {
        attributes.extend(answer.text(member).map(|value| (format!("{host}:{name}"), value.to_owned())));
    }
    Some(WebFederation { provider: provider.to_owned(), attributes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Document {
        Document::structure()
            .with("AccessKeyId", "ASIAX")
            .with("SecretAccessKey", "s")
            .with("SessionToken", "t")
            .with("Expiration", Document::Time("2026-03-01T11:00:00Z".parse().expect("a time")))
    }

    #[test]
    fn a_roles_session_says_whose_it_is() {
        let asked = Document::structure().with("RoleArn", "arn:aws:iam::111122223333:role/a/b/ops");
        let user = Document::structure()
            .with("Arn", "arn:aws:sts::111122223333:assumed-role/ops/ana")
            .with("AssumedRoleId", "AROAX:ana");
        let answer = Document::structure().with("Credentials", credentials()).with("AssumedRoleUser", user);
        let passed = session("AssumeRole", &asked, &answer, None, 5).expect("a session");
        let expect = PrincipalKind::Role {
            name: "ops".into(),
            path: "/a/b/".into(),
            unique_id: "AROAX".into(),
            session_name: "ana".into(),
        };
        assert_eq!((passed.kind, passed.account.as_str(), passed.session.issued_s), (expect, "111122223333", 5));
        assert!(session("AssumeRole", &asked, &Document::structure(), None, 5).is_none());
        assert!(session("GetCallerIdentity", &asked, &answer, None, 5).is_none());
    }

    #[test]
    fn a_users_own_session_is_the_users_only_where_the_user_is_known() {
        let answer = Document::structure().with("Credentials", credentials());
        let asked = Document::structure().with("Name", "guest");
        let account: AccountId = "111122223333".parse().expect("an account");
        let user = PrincipalKind::User { name: "ana".into(), path: "/".into(), unique_id: "AIDAX".into() };
        for operation in ["GetSessionToken", "GetFederationToken"] {
            assert!(session(operation, &asked, &answer, None, 5).is_none());
            assert!(session(operation, &asked, &answer, Some((&user, account)), 5).is_some());
        }
    }
}
